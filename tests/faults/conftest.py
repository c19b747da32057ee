"""A fork server that has imported the library once, so that a child costs milliseconds; and what files hold.

    bench.run(stage, folder, Fault(...)) -> Outcome           in a child of its own
    contents(folder) -> what is in its files, but for times and keys that no two runs have alike
"""

import hashlib
import io
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
import zipfile
from functools import cached_property
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from fault_stages import run  # noqa: E402 - found by the line above
from faults import Fault, Outcome  # noqa: E402

NO_FAULT = Fault()
SECONDS = 120   # that a child may take
MEMORY_DISK, ROOM = Path("/dev/shm"), 8 * 2**30  # bytes; there, waiting for the disk (20 ms a file) costs nothing
# Fields that differ between two runs of the same work: times, and the keys that tie tokens to their file.
VOLATILE = {"seal", "seconds", "pixel_tokens", "context", "key", "sha256"}


class Bench:
    """Inputs of all stages, and a way to run a stage in a child."""

    def __init__(self, root: Path):
        self.root = root
        self.inputs = root / "inputs"
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["fault_server", "pytest"])
        self.inputs.mkdir()
        outcome = self.run("inputs", root / "unused")
        assert outcome.kind == "ok", outcome

    @cached_property
    def other_inputs(self) -> Path:
        """What the stages make other files of, which have mostly the same names."""
        folder = self.root / "other-inputs"
        folder.mkdir()
        outcome = self.run("other inputs", self.root / "unused", inputs=folder)
        assert outcome.kind == "ok", outcome
        return folder

    def start(
        self, stage: str, folder: Path, fault: Fault = NO_FAULT, inputs: Path | None = None
    ) -> tuple[ForkServerProcess, object]:
        receiver, sender = self._context.Pipe(duplex=False)
        child = self._context.Process(target=run, args=(stage, inputs or self.inputs, folder, fault, sender))
        child.start()
        sender.close()
        return child, receiver

    def finish(self, child: ForkServerProcess, receiver, kill_after: float | None = None) -> Outcome:
        """Wait for a child's outcome; kill -9 it after so many seconds."""
        try:
            if not receiver.poll(SECONDS if kill_after is None else kill_after):
                child.kill()
                assert kill_after is not None, "a child hangs"
            outcome = Outcome(**receiver.recv())
        except EOFError:
            child.join()
            outcome = Outcome("killed", f"signal {-child.exitcode}")
        child.join()
        return outcome

    def run(
        self, stage: str, folder: Path, fault: Fault = NO_FAULT, kill_after: float | None = None,
        inputs: Path | None = None,
    ) -> Outcome:
        return self.finish(*self.start(stage, folder, fault, inputs), kill_after)

    def fresh(self, name: str) -> Path:
        """A path in a folder of its own, so that what a stage leaves beside its folder is seen too."""
        parent = self.root / name
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir(parents=True)
        return parent / "out"


@pytest.fixture(scope="session")
def bench():
    roomy = MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > ROOM
    root = Path(tempfile.mkdtemp(prefix="svgfusion-faults-", dir=MEMORY_DISK if roomy else None))
    with pytest.MonkeyPatch.context() as patch:  # for the server, which starts with the first child
        patch.setenv("PYTHONPATH", str(HERE))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        started = Bench(root)
    yield started
    shutil.rmtree(root, ignore_errors=True)  # of a folder that something swept away before, nothing is left to do


@pytest.fixture(scope="session")
def undisturbed(bench):
    """undisturbed(stage) -> contents of its folder after a run without fault, and that run's outcome; made once."""
    known: dict[str, tuple[dict, Outcome]] = {}

    def whole(stage: str) -> tuple[dict, Outcome]:
        if stage not in known:
            folder = bench.fresh(f"whole-{stage}")
            started = time.monotonic()
            outcome = bench.run(stage, folder)
            outcome.seconds = time.monotonic() - started
            assert outcome.kind == "ok", outcome
            known[stage] = contents(folder), outcome
        return known[stage]

    return whole


def contents(folder: Path) -> dict:
    """Relative path -> what the file holds, read in full: a file that is not whole raises.

    Left out: temporary files, which begin with a dot, and the parts of a preprocessing that is not done.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    relative = [(path, path.relative_to(folder)) for path in files]
    return {
        name.as_posix(): _content(path) for path, name in relative
        if not any(part.startswith(".") or part == "parts" for part in name.parts)
    }


def _content(path: Path):
    data = path.read_bytes()
    assert data or path.suffix == ".jsonl", f"{path} is empty"
    if path.suffix == ".pt":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None, path
        return _plain(torch.load(path, weights_only=True))
    if path.suffix == ".json":
        return _plain(json.loads(data))
    if path.suffix == ".jsonl":
        lines = data.decode().split("\n")
        assert lines.pop() == "", path  # torn
        return [_plain(json.loads(line)) for line in lines]
    if path.suffix == ".npz":
        with np.load(path) as index:
            return {name: _digest(index[name]) for name in index if name not in VOLATILE}
    if path.suffix == ".npy":
        return _digest(np.load(path))
    if path.suffix == ".safetensors":
        return {name: _plain(tensor) for name, tensor in load(data).items()}
    if path.suffix == ".png":
        return _digest(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    if path.suffix == ".svg":
        assert data.rstrip().endswith(b"</svg>"), path
    return data


def _plain(value):
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items() if name not in VOLATILE}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, torch.Tensor):
        return _digest((value.float() if value.dtype == torch.bfloat16 else value).numpy())
    return value


def _digest(array: np.ndarray) -> str:
    """What an array holds, in few bytes: as lists, those of all stages take gigabytes."""
    return f"{array.dtype} {array.shape} {hashlib.sha256(np.ascontiguousarray(array + 0)).hexdigest()}"
