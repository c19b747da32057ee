"""A fork server that imports the library once, so that a child costs milliseconds, and a reader of result files.

    bench.run(stage, folder, Fault(...)) -> Outcome           in a child process
    contents(folder) -> contents of its files, except for times and keys that differ between runs
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

from fault_stages import run  # noqa: E402 - needs the line above
from faults import Fault, Outcome  # noqa: E402

NO_FAULT = Fault()
SECONDS = 120   # time limit of a child
MEMORY_DISK, ROOM = Path("/dev/shm"), 8 * 2**30  # bytes; avoids waiting for the disk (20 ms per file)
# Fields that differ between identical runs: times, and the keys that tie tokens to their file.
VOLATILE = {"seal", "seconds", "pixel_tokens", "context", "key", "sha256"}


class Bench:
    """Inputs for all stages; runs a stage in a child process."""

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
        """Inputs that give different results under mostly the same file names."""
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
        """Wait for a child's outcome; kill -9 it after `kill_after` seconds."""
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
        """A path inside a new folder, so that anything a stage leaves beside its output folder shows."""
        parent = self.root / name
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir(parents=True)
        return parent / "out"


@pytest.fixture(scope="session")
def bench():
    roomy = MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > ROOM
    root = Path(tempfile.mkdtemp(prefix="svgfusion-faults-", dir=MEMORY_DISK if roomy else None))
    with pytest.MonkeyPatch.context() as patch:  # inherited by the server, which starts with the first child
        patch.setenv("PYTHONPATH", str(HERE))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        started = Bench(root)
    yield started
    shutil.rmtree(root, ignore_errors=True)  # the folder may already be gone


@pytest.fixture(scope="session")
def undisturbed(bench):
    """undisturbed(stage) -> folder contents and outcome of a fault-free run; cached."""
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
    """Relative path -> content, read in full; an incomplete file raises.

    Skips temporary files (starting with a dot) and the parts of unfinished preprocessing.
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
    """A short hash of an array: as lists, the arrays of all stages take gigabytes."""
    return f"{array.dtype} {array.shape} {hashlib.sha256(np.ascontiguousarray(array + 0)).hexdigest()}"
