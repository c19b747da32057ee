"""Too little memory, a failing device, a killed worker, and two processes in one folder."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from conftest import SECONDS, contents
from fault_stages import SHORT, STAGES
from faults import Fault

from svgfusion_lib import cli
from svgfusion_lib.corpus import preprocess as module
from svgfusion_lib.corpus.preprocess import PARTS_NAME, preprocess
from svgfusion_lib.errors import UserError, machine_error

MEMORY = 2 * 2**20  # bytes beyond the process's initial size: too little for most stages


@pytest.mark.parametrize("stage", SHORT)
def test_too_little_memory(bench, undisturbed, stage):
    whole, _ = undisturbed(stage)
    folder = bench.fresh(f"memory-{stage}")
    outcome = bench.run(stage, folder, Fault(memory=MEMORY))
    if outcome.kind == "ok":
        assert contents(folder) == whole
        return
    assert outcome.kind in ("trouble", "killed") or "memory" in outcome.message, outcome
    contents(folder)
    assert bench.run(stage, folder).kind == "ok"
    assert contents(folder) == whole


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_in_one_folder(bench, undisturbed, stage):
    """Both finish, or one is refused because another is at work; the final result is complete."""
    whole, _ = undisturbed(stage)
    folder = bench.fresh(f"two-{stage}")
    children = [bench.start(stage, folder) for _ in range(2)]
    outcomes = [bench.finish(*child) for child in children]
    assert any(outcome.kind == "ok" for outcome in outcomes), outcomes
    for outcome in outcomes:
        assert outcome.kind == "ok" or "another process is using it" in outcome.message, outcome
    assert contents(folder) == whole


@pytest.mark.parametrize("stage", STAGES)
def test_two_runs_of_different_inputs_do_not_mix(bench, undisturbed, stage):
    """One halts halfway and another runs in the same folder: it ends up with the files of one of them."""
    whole, outcome = undisturbed(stage)
    folder = bench.fresh(f"halted-{stage}")
    child, receiver = bench.start(stage, folder, Fault(halt_at=outcome.changes // 2 + 1))
    try:
        wait_until_halted(child.pid)
        second = bench.run(stage, folder, inputs=bench.other_inputs)
    finally:
        os.kill(child.pid, signal.SIGCONT)
    first = bench.finish(child, receiver)
    assert first.kind == "ok", first
    if second.kind == "UserError":
        assert "another process is using it" in second.message and contents(folder) == whole
        return
    alone = bench.fresh(f"alone-{stage}")
    assert second.kind == bench.run(stage, alone, inputs=bench.other_inputs).kind == "ok"
    assert contents(folder) in (whole, contents(alone))


def wait_until_halted(pid: int) -> None:
    status = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + SECONDS
    while status.read_text().rsplit(")", 1)[1].split()[0] != "T":
        assert time.monotonic() < deadline, "does not come to where it halts"
        time.sleep(0.01)


def test_a_killed_worker_is_said_and_its_work_is_done_again(bench, monkeypatch):
    monkeypatch.setattr(module, "PART_FILES", 3)
    folder = bench.fresh("worker")

    def kill_a_worker() -> None:
        while not killed.is_set():
            for child in multiprocessing.active_children():
                if child.name.startswith("SpawnProcess") and (folder / PARTS_NAME).is_dir():
                    os.kill(child.pid, signal.SIGKILL)
                    killed.set()
                    return
            time.sleep(0.002)

    killed = threading.Event()
    thread = threading.Thread(target=kill_a_worker)
    thread.start()
    try:
        with pytest.raises(UserError, match="a worker process ended before its work was done"):
            preprocess(bench.inputs / "svg", folder, processes=2, renderings=2)
    finally:
        killed.set()
        thread.join()
    contents(folder)
    whole = bench.fresh("worker-whole")
    for each in (folder, whole):  # in this process, with the real encoder like the workers
        preprocess(bench.inputs / "svg", each, processes=1, renderings=2)
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize(("error", "words"), [
    (RuntimeError("CUDA error: unspecified launch failure\nmore"), "the device failed (CUDA error: unspecified"),
    (RuntimeError("No CUDA GPUs are available"), "with --device cpu if need be"),
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "not enough memory (CUDA out of memory"),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "a smaller --batch_size"),
    (MemoryError(), "not enough memory (out of memory)"),
    (SystemError("error return without exception set"), "not enough memory (error return without"),
])
def test_a_machine_in_trouble_is_one_line(monkeypatch, capsys, error, words):
    def fail(**options):
        raise error

    monkeypatch.setitem(cli.STAGES, "roundtrip", (*cli.STAGES["roundtrip"][:2], fail))
    assert cli.main(["roundtrip", "--svg_dir", "a", "--out_dir", "b"]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert machine_error(RuntimeError("shape mismatch")) is machine_error(ValueError("CUDA-like")) is None


def test_a_failed_import_for_lack_of_memory_is_found_behind_the_words_of_the_library():
    """SciPy takes any failed import of its parts for a broken installation."""
    broken = ImportError("The `scipy` install you are using seems to be broken")
    assert machine_error(broken) is None
    broken.__cause__ = ImportError("_ccallback_c.so: failed to map segment from shared object")
    assert "not enough memory" in machine_error(broken)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_whose_context_is_lost_is_said_so(bench):
    outcome = bench.run("lose_gpu", bench.fresh("gpu"))
    assert outcome.kind == "trouble" and "the device failed (CUDA error" in outcome.message, outcome
