"""Preprocessing in parts: stopped and continued, in several processes and on a cluster, it gives the same cache."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.corpus import preprocess as module
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import PARTS_NAME, load_cache, preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.parallel import map_on_dask


@pytest.fixture(scope="module")
def svg_dir(tmp_path_factory) -> Path:
    """40 SVGs, two of them torn."""
    folder = tmp_path_factory.mktemp("preprocess") / "svg"
    create_dummy_data(folder, num_samples=40)
    (folder / "manifest.jsonl").unlink(missing_ok=True)
    for file in sorted(folder.glob("*.svg"))[5:20:10]:
        file.write_text("<svg")
    return folder


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART_FILES", 4)


@pytest.fixture(scope="module")
def whole(svg_dir, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    before, module.PART_FILES = module.PART_FILES, 4
    preprocess(svg_dir, folder, processes=1, renderings=2)
    module.PART_FILES = before
    return folder


def assert_same_cache(folder: Path, other: Path) -> None:
    a, b = load_cache(folder), load_cache(other)
    for name in a:
        if isinstance(a[name], torch.Tensor):
            torch.testing.assert_close(a[name], b[name], atol=0, rtol=0)
        elif name == "pixel_tokens":
            assert len(a[name]) == len(b[name])
            assert all(torch.equal(a[name][i], b[name][i]) for i in range(len(a[name])))
        else:
            assert a[name] == b[name], name
    assert (folder / "report.json").read_text() == (other / "report.json").read_text()


def test_torn_files_are_named_and_the_parts_are_gone(whole):
    cache = load_cache(whole)
    assert len(cache["names"]) == len(cache["pixel_tokens"]) == 38
    assert not (whole / PARTS_NAME).exists()
    assert '"kept": 38' in (whole / "report.json").read_text()


def test_fresh_processes_give_the_same_cache(svg_dir, whole, tmp_path):
    preprocess(svg_dir, tmp_path, processes=2, renderings=2)
    assert_same_cache(tmp_path, whole)


def test_a_stopped_call_goes_on_where_it_was(svg_dir, whole, tmp_path, monkeypatch):
    made = []

    def until_the_fourth(files, **options):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(files)
        return make_part(files, **options)

    make_part = module._make_part
    monkeypatch.setattr(module, "_make_part", until_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        preprocess(svg_dir, tmp_path, processes=1, renderings=2)
    assert len(list((tmp_path / PARTS_NAME).glob("part-*.pt"))) == 3
    made.clear()
    monkeypatch.setattr(module, "_make_part", lambda files, **how: made.append(files) or make_part(files, **how))
    preprocess(svg_dir, tmp_path, processes=1, renderings=2)
    assert len(made) == 7
    assert_same_cache(tmp_path, whole)


def test_parts_of_other_options_or_files_are_not_used(svg_dir, whole, tmp_path, monkeypatch):
    own = tmp_path / "svg"
    shutil.copytree(svg_dir, own)
    make_part, made = module._make_part, []

    def stop_late(files, **options):
        if len(made) == 9:
            raise KeyboardInterrupt
        made.append(files)
        return make_part(files, **options)

    monkeypatch.setattr(module, "_make_part", stop_late)
    with pytest.raises(KeyboardInterrupt):
        preprocess(own, tmp_path / "cache", processes=1, renderings=1)
    monkeypatch.setattr(module, "_make_part", make_part)
    preprocess(own, tmp_path / "cache", processes=1, renderings=2)
    assert_same_cache(tmp_path / "cache", whole)


def test_killed_preprocessing_goes_on(svg_dir, tmp_path):
    """kill -9 once a part is there; then the same call ends with the cache of an undisturbed one."""
    call = (
        "import sys; from svgfusion_lib.corpus import preprocess as m; m.PART_FILES = 4;"
        f"m.preprocess({str(svg_dir)!r}, {str(tmp_path / 'killed')!r}, processes=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", call], stdout=subprocess.DEVNULL)
    parts = tmp_path / "killed" / PARTS_NAME
    deadline = time.monotonic() + 120
    while process.poll() is None and len(list(parts.glob("part-*.pt"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    preprocess(svg_dir, tmp_path / "killed", processes=1)
    preprocess(svg_dir, tmp_path / "quiet", processes=1)
    assert_same_cache(tmp_path / "killed", tmp_path / "quiet")


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers on this machine: address, the workers' processes."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", str(file)]
    scheduler = subprocess.Popen(dask, **quiet)
    one = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nworkers", "1",
           "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    workers = [subprocess.Popen(one, **quiet) for _ in range(2)]
    from distributed import Client

    deadline = time.monotonic() + 60
    while not file.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    with Client(scheduler_file=str(file), timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        address = client.scheduler.address
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def test_a_cluster_that_loses_a_worker_gives_the_same_cache(svg_dir, whole, cluster, tmp_path):
    address, workers = cluster
    parts, killed = tmp_path / "cache" / PARTS_NAME, []

    def kill_one_half_way() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if len(list(parts.glob("part-*.pt"))) >= 2:
                os.kill(workers[0].pid, signal.SIGKILL)
                killed.append(len(list(parts.glob("part-*.pt"))))
                return
            time.sleep(0.002)

    thread = threading.Thread(target=kill_one_half_way)
    thread.start()
    preprocess(svg_dir, tmp_path / "cache", renderings=2, engine="dask", scheduler=address)
    thread.join()
    assert killed and killed[0] < 10 and workers[0].wait() == -signal.SIGKILL
    assert_same_cache(tmp_path / "cache", whole)


def test_a_cluster_for_the_time_of_the_call():
    pytest.importorskip("distributed")
    assert list(map_on_dask(abs, [-1, 2, -3])) == [1, 2, 3]


@pytest.mark.parametrize(("options", "reason"), [
    ({"engine": "ray"}, "engines are local, dask"),
    ({"scheduler": "tcp://127.0.0.1:1"}, "goes with dask"),
    ({"processes": 0}, "processes is 0"),
])
def test_wrong_options(svg_dir, tmp_path, options, reason):
    with pytest.raises(UserError, match=reason):
        preprocess(svg_dir, tmp_path, **options)


def test_no_scheduler_answers(svg_dir, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("svgfusion_lib.system.parallel.CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match="no Dask scheduler answers at tcp://127.0.0.1:1 "):
        preprocess(svg_dir, tmp_path, engine="dask", scheduler="tcp://127.0.0.1:1")


def test_all_files_are_taken_unless_a_limit_is_given(svg_dir, tmp_path, capsys):
    assert len(load_cache(preprocess(svg_dir, tmp_path / "all", pixel_encoder="none").parent)["names"]) == 38
    flags = ["--svg_dir", str(svg_dir), "--precomputed_dir", str(tmp_path / "few"), "--pixel_encoder", "none"]
    assert cli.main(["preprocess", *flags, "--max_files", "9"]) == 0
    assert "31 of 40 files left out at random: --max_files all takes all" in capsys.readouterr().out
