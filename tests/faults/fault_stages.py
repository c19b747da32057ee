"""Stages that write, on tiny inputs, and the faults that befall them. Runs in children of a fork server (conftest.py).

A stage is a function of (inputs, folder): it reads below inputs, which `make_inputs` fills, and writes into folder.
"""

import ctypes
import errno
import functools
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cairosvg
import numpy as np
import resvg_py
import torch
import tqdm
from torch import nn
from torch.utils.data import DataLoader

from svgfusion_lib.config import SamplingConfig, TrainConfig
from svgfusion_lib.corpus import keywords, packs
from svgfusion_lib.errors import UserError, machine_trouble
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.models.text_encoder import load_text_encoder
from svgfusion_lib.sampling import load_pipeline
from svgfusion_lib.stages import (
    edit,
    finetune,
    generate,
    prepare_latents,
    preprocess,
    train_dit,
    train_icon_head,
    train_model,
    train_vae,
)
from svgfusion_lib.stages.create_dummy_data import create_dummy_data
from svgfusion_lib.stages.evaluate_vae import evaluate_vae
from svgfusion_lib.stages.prepare_dataset import prepare_dataset
from svgfusion_lib.stages.roundtrip import roundtrip
from svgfusion_lib.utils import training
from svgfusion_lib.utils.dataset import LatentBatch, LengthBucketSampler
from svgfusion_lib.weights import export_pretrained

OVERRIDE = 1 << 1  # CAP_DAC_OVERRIDE of linux/capability.h
QUICK = SamplingConfig(ddim_steps=2)
ICON = '<path fill="none" stroke="currentColor" d="M{} 3h9v9z"/>'
RECIPE = """
[vae_data]
svg_dir = "{svg}"
stroke_only = false
near_duplicates = false
[vae]
batch_size = 8
samples_seen = 16
[latents]
[dit]
batch_size = 8
samples_seen = 16
val_every = 1000
"""

assert cairosvg and resvg_py  # loaded by the server, so that a child with little memory has them
torch.set_num_threads(1)
tqdm.tqdm.monitor_interval = 0  # no thread beside a fork
# The encoders are loaded once, in the server: it is not they that are tested.
preprocess._encoder("efficientnet-lite0")
_text, _pixels = functools.cache(load_text_encoder), functools.cache(load_pixel_encoder)
_text("minilm"), _pixels("efficientnet-lite0")
for module in (prepare_latents, train_dit, train_icon_head):
    module.load_text_encoder = _text
train_icon_head.load_pixel_encoder = _pixels
preprocess.PART_FILES = 3
train_dit.SHEET_NAMES = train_dit.SHEET_SEEDS = 1
train_vae.TrainConfig = finetune.TrainConfig = partial(TrainConfig, checkpoint_every=1)


def make_inputs(inputs: Path) -> None:
    """svg, cache, vae, latents, dit, recipe.toml: what the stages read."""
    create_dummy_data(inputs / "svg", num_samples=10)
    shutil.copytree(inputs / "svg", inputs / "again")
    preprocess.preprocess(inputs / "svg", inputs / "cache")
    _train_vae(inputs, inputs / "vae")
    _prepare_latents(inputs, inputs / "latents")
    _train_dit(inputs, inputs / "dit")
    (inputs / "recipe.toml").write_text(RECIPE.format(svg=inputs / "svg"))


def _vae(inputs: Path) -> Path:
    return inputs / "vae" / "vpvae_final.pt"


def _models(inputs: Path) -> tuple[Path, Path]:
    return _vae(inputs), inputs / "dit" / "vsdit_final.pt"


def _fetch_packs(inputs: Path, folder: Path) -> None:
    data = {"width": 24, "height": 24, "icons": {f"icon-{k}": {"body": ICON.format(k)} for k in range(8)}}
    packs.known_packs = lambda: {"toy": packs.Pack("toy", "1.0.0", "sha512-x", "MIT", "", "", "", "line", "toy")}
    packs.fetch_files = lambda *args: [json.dumps(data).encode()]
    packs.fetch_packs(["toy"], folder)


def _load_vocabulary(inputs: Path, folder: Path) -> None:
    contents = {
        "lucide-static": {"printer": ["fax"]}, "emojibase-data": [{"label": "fire engine", "tags": ["truck"]}],
        "@tabler/icons": {"cart": {"category": "", "tags": ["basket", "trolley"]}},
    }
    keywords.fetch_files = lambda package, *args: [json.dumps(contents[package]).encode()]
    keywords.by_text_encoder = lambda: lambda texts: np.ones((len(texts), 1))
    keywords.load_vocabulary(folder)


def _train_vae(inputs: Path, folder: Path) -> None:
    train_vae.train_vae(folder, precomputed_dir=inputs / "cache", batch_size=4, num_epochs=2)


def _prepare_latents(inputs: Path, folder: Path) -> None:
    prepare_latents.prepare_latents(_vae(inputs), inputs / "cache", folder)


def _train_dit(inputs: Path, folder: Path) -> None:
    train_dit.train_dit(
        folder, _vae(inputs), inputs / "latents", batch_size=4, num_epochs=2, checkpoint_every=1, val_every=100,
    )


def _train_icon_head(inputs: Path, folder: Path) -> None:
    train_icon_head.fetch_packs = lambda *args: [inputs / "svg", inputs / "again"]
    train_icon_head.train_icon_head(folder, num_steps=2, batch_size=4, width=8, views=1)


def _vary(inputs: Path, folder: Path) -> None:
    pipeline = load_pipeline(*_models(inputs))
    pipeline.__dict__["pixel_encoder"] = _pixels("efficientnet-lite0")
    svg = sorted((inputs / "svg").glob("*.svg"))[0]
    edit.vary_svg(pipeline, svg, "a red circle", folder, num_samples=2, config=QUICK)


class _Captions:
    """Items that draw random numbers as they are read, as captions and augmentations do."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.randn(3, generator=torch.Generator().manual_seed(i)) + 0.1 * torch.rand(())


def _fit(inputs: Path, folder: Path) -> None:
    """The training loop by itself: noise, dropout, random captions, held-out loss, a checkpoint every other step."""

    def collate(items: list[torch.Tensor]) -> LatentBatch:
        x = torch.stack(items)[:, None]  # (B, 1, 3)
        mask = torch.zeros(x.shape[:2], dtype=torch.bool)
        return LatentBatch(x, x, mask, x, mask, names=["svg"] * len(items))

    def loader() -> DataLoader:
        sampler = LengthBucketSampler([1] * 10, 4)
        return DataLoader(_Captions(), batch_sampler=sampler, collate_fn=collate, generator=torch.Generator())

    def step_loss(model, batch, step):
        x = batch.mean[:, 0]
        loss = (model(x + 0.3 * torch.randn_like(x)) - x).square().mean()
        return loss, {"fit": loss}

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 3))
    config = TrainConfig(
        num_steps=60, batch_size=4, lr=0.05, warmup_steps=2, log_every=1, val_every=14, checkpoint_every=2,
    )
    training.fit(model, loader(), step_loss, config, folder, loader())


STAGES: dict[str, Callable[[Path, Path], object]] = {
    "create_dummy_data": lambda inputs, folder: create_dummy_data(folder, num_samples=8),
    "fetch_packs": _fetch_packs,
    "load_vocabulary": _load_vocabulary,
    "prepare_dataset": lambda inputs, folder: prepare_dataset(folder, inputs / "svg", stroke_only=False),
    "fit": _fit,
    "preprocess": lambda inputs, folder: preprocess.preprocess(inputs / "svg", folder, renderings=2),
    "train_vae": _train_vae,
    "prepare_latents": _prepare_latents,
    "train_dit": _train_dit,
    "finetune": lambda inputs, folder: finetune.finetune(
        inputs / "svg", folder, *_models(inputs), samples_seen=16, batch_size=8,
    ),
    "train_model": lambda inputs, folder: train_model.train_model(inputs / "recipe.toml", folder),
    "export": lambda inputs, folder: export_pretrained(*_models(inputs), folder),
    "generate": lambda inputs, folder: generate.generate(["a", "b"], folder, *_models(inputs), config=QUICK),
    "vary": _vary,
    "roundtrip": lambda inputs, folder: roundtrip(inputs / "svg", folder),
    "evaluate_vae": lambda inputs, folder: evaluate_vae(_vae(inputs), inputs / "cache", folder, split="train"),
    "train_icon_head": _train_icon_head,
}
LONG = ("train_dit", "finetune", "train_model")  # spared what the others stand for
SHORT = [stage for stage in STAGES if stage not in LONG]


def _lose_gpu(inputs: Path, folder: Path) -> None:
    """A failed assertion in a kernel makes the device unusable for the process, as a lost one is."""
    torch.zeros(2, device="cuda")[torch.tensor([5], device="cuda")].cpu()


HELPERS = {"inputs": lambda inputs, folder: make_inputs(inputs), "lose_gpu": _lose_gpu}


# --- faults ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What befalls a stage; the default is nothing."""

    kill_at: int | None = None      # kill -9 itself before its n-th change of the file system
    largest_file: int | None = None  # bytes: no file can grow beyond (RLIMIT_FSIZE)
    full_at: int | None = None      # the n-th time that it waits for the disk, the disk is full
    memory: int | None = None       # bytes more than it has now, and no more (RLIMIT_AS)
    held_to_rights: bool = False    # a folder without write permission holds root too
    power_cut_at: int | None = None  # the n-th time that a file takes its place: what was not on the disk is gone


@dataclass
class Outcome:
    """How it ended. kind: ok, UserError, OSError, trouble (machine_trouble), escaped, or killed."""

    kind: str
    message: str = ""
    changes: int = 0    # of the file system


def _strike(fault: Fault, folder: Path) -> Callable[[], int]:
    """Let the fault happen in this process; returns a function that counts changes of the file system so far."""
    count, own = 0, str(folder.parent)

    def watch(event: str, arguments: tuple) -> None:
        nonlocal count
        if event == "open":
            changes = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        else:
            changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir")
        if changes and str(arguments[0]).startswith(own):
            count += 1
            if count == fault.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    if fault.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.largest_file, resource.RLIM_INFINITY))
    if fault.full_at is not None:
        _fill_disk(fault.full_at)
    if fault.power_cut_at is not None:
        _cut_power(fault.power_cut_at)
    if fault.memory is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + fault.memory, resource.RLIM_INFINITY))
    if fault.held_to_rights and os.geteuid() == 0:
        _give_up_override()
    return lambda: count


def _give_up_override() -> None:
    """What makes root write where nobody may: this process does without."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    sets = (ctypes.c_uint32 * 6)()                 # effective, permitted, inheritable; then their upper halves
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, sets) == 0
    sets[0] &= ~OVERRIDE
    assert libc.capset(header, sets) == 0


def _fill_disk(number: int) -> None:
    """From the number-th fsync on, the disk is full: where blocks are assigned late, this is when it shows."""
    left = [number]

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    os.fsync = fsync


def _cut_power(number: int) -> None:
    """The process ends after its number-th os.replace; a file that was moved without fsync has lost its content."""
    fsync, replace, left = os.fsync, os.replace, [number]
    on_disk: set[int] = set()  # inodes
    all_on_disk = [False]

    def noting_fsync(descriptor: int) -> None:
        fsync(descriptor)
        on_disk.add(os.fstat(descriptor).st_ino)

    def noting_sync() -> None:
        all_on_disk[0] = True  # nothing is written between it and the move of the folder

    def cutting_replace(source, target) -> None:
        lost = [
            path for path in ([Path(source)] if Path(source).is_file() else Path(source).rglob("*"))
            if path.is_file() and path.stat().st_ino not in on_disk
        ] if not all_on_disk[0] else []
        all_on_disk[0] = False
        replace(source, target)
        left[0] -= 1
        if not left[0]:
            for path in lost:
                moved = Path(target) / path.relative_to(source) if Path(target).is_dir() else Path(target)
                os.truncate(moved, 0)
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync, os.sync, os.replace = noting_fsync, noting_sync, cutting_replace


def run(stage: str, inputs: Path, folder: Path, fault: Fault, pipe) -> None:
    """Target of a child: the stage, in the face of a fault; sends an Outcome unless it is killed."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    changes = _strike(fault, folder)
    try:
        (STAGES | HELPERS)[stage](inputs, folder)
        outcome = Outcome("ok")
    except UserError as error:
        outcome = Outcome("UserError", str(error))
    except OSError as error:
        outcome = Outcome("OSError", f"{error.filename}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - the parent reports it
        trouble = machine_trouble(error)
        outcome = Outcome("trouble", trouble) if trouble else Outcome("escaped", f"{type(error).__name__}: {error}")
    outcome.changes = changes()
    pipe.send(asdict(outcome))
