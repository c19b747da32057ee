"""Parallel map. The work is `eval` of small expressions, which new processes can import."""

import os
import threading
import time
from multiprocessing import active_children

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.parallel import CHUNK, default_processes, map_in_order

WHO = "__import__('os').getpid()"


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 5 * CHUNK + 3])
def test_results_come_in_order(processes, count):
    assert list(map_in_order(eval, [f"{x} * {x}" for x in range(count)], processes)) == [x * x for x in range(count)]


def test_other_processes_do_the_work():
    found = set(map_in_order(eval, [WHO] * 20 * CHUNK, 2))
    assert 1 <= len(found) <= 2 and os.getpid() not in found
    assert set(map_in_order(eval, [WHO] * 3)) == {os.getpid()}


def test_an_error_comes_through():
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(eval, ["1", "1 / 0"], 2))


def test_a_worker_that_is_killed_is_said_so():
    with pytest.raises(UserError, match="a worker process ended before its work was done"):
        list(map_in_order(eval, ["1", "__import__('os').kill(__import__('os').getpid(), 9)"], 2))


def test_little_work_stays_here():
    assert default_processes(10) == 1 and default_processes(10**6) == os.cpu_count()


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.5])
def test_a_worker_that_is_killed_as_the_pool_starts_does_not_leave_it_waiting(seconds):
    """The first worker is killed early, possibly while others are still starting."""

    def kill_the_first() -> None:
        while not (workers := [child for child in active_children() if child not in before]):
            time.sleep(0.001)
        time.sleep(seconds)
        workers[0].kill()

    before = active_children()
    killer = threading.Thread(target=kill_the_first)
    killer.start()
    with pytest.raises(UserError, match="a worker process ended before its work was done"):
        list(map_in_order(eval, ["__import__('time').sleep(1)"] * 40, 2, chunk_size=1))
    killer.join()
    assert not [child for child in active_children() if child not in before]


def test_no_code_from_the_current_folder_is_run(tmp_path, monkeypatch):
    """Otherwise Python would look there first for the modules that a new process imports."""
    for name in ("multiprocessing", "random", "numpy", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert list(map_in_order(eval, ["1", "__import__('random') and 2"], 2)) == [1, 2]
    assert not (tmp_path / "ran").exists() and "PYTHONSAFEPATH" not in os.environ
