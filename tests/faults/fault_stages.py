"""Stages that write files, on tiny inputs, run under faults in children of a fork server (conftest.py).

A stage is a function of (inputs, folder): it reads from inputs, filled by `make_inputs`, and writes to folder.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import cairosvg
import fault_drawings
import numpy as np
import resvg_py
import scipy.ndimage
import scipy.sparse.csgraph
import scipy.spatial
import skimage.metrics
import torch
import torch._dynamo  # imported by torch with the first optimizer
import tqdm
from fault_drawings import DRAWINGS, make_sets, models_of, pipeline_of, pixel_encoder, text_encoder, vae_of
from faults import Fault, Outcome, strike
from torch import nn
from torch.utils.data import DataLoader

from svgfusion_lib.config import TrainConfig
from svgfusion_lib.corpus import keywords, packs, preprocess
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.prepare_dataset import prepare_dataset
from svgfusion_lib.errors import UserError, machine_error
from svgfusion_lib.experiments import train_icon_head, train_model, train_realism
from svgfusion_lib.experiments.roundtrip import roundtrip
from svgfusion_lib.models import text_encoder as encoders
from svgfusion_lib.training import dit as train_dit
from svgfusion_lib.training import finetune, refiner
from svgfusion_lib.training import latents as prepare_latents
from svgfusion_lib.training import loop as training
from svgfusion_lib.training import vae as train_vae
from svgfusion_lib.utils.dataset import LatentBatch, LengthBucketSampler

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


def quicken() -> None:
    """Preload what is not under test and make the stages of this process (the fork server) fast."""
    fault_drawings.quicken()
    # Loaded by the server, so that children need neither memory nor seconds for them.
    assert cairosvg and resvg_py and torch._dynamo and skimage.metrics
    assert scipy.ndimage and scipy.sparse.csgraph and scipy.spatial
    torch.set_num_threads(1)
    tqdm.tqdm.monitor_interval = 0  # no thread beside a fork
    preprocess.load_pixel_encoder = pixel_encoder
    for module in (encoders, train_dit, train_icon_head):
        module.load_text_encoder = text_encoder
    train_icon_head.load_pixel_encoder = train_realism.load_pixel_encoder = pixel_encoder
    preprocess.PART_FILES = 3
    train_dit.SHEET_NAMES = train_dit.SHEET_SEEDS = 1
    train_vae.TrainConfig = finetune.TrainConfig = partial(TrainConfig, checkpoint_every=1)


def make_inputs(inputs: Path, count: int = 10) -> None:
    """Write the stages' inputs: svg, cache, vae, latents, dit, sets, recipe.toml. count: number of SVGs."""
    create_dummy_data(inputs / "svg", num_samples=count, seed=count)
    shutil.copytree(inputs / "svg", inputs / "again")
    preprocess.preprocess(inputs / "svg", inputs / "cache")
    _train_vae(inputs, inputs / "vae")
    _prepare_latents(inputs, inputs / "latents")
    _train_dit(inputs, inputs / "dit")
    make_sets(inputs / "sets", names=count - 2)
    (inputs / "recipe.toml").write_text(RECIPE.format(svg=inputs / "svg"))


def _fetch_packs(inputs: Path, folder: Path) -> None:
    data = {"width": 24, "height": 24, "icons": {f"icon-{k}": {"body": ICON.format(k)} for k in range(8)}}
    packs.known_packs = lambda: {"toy": packs.Pack("toy", "1.0.0", "sha512-x", "MIT", "", "", "", "line", "toy")}
    packs.fetch_file = lambda *args: json.dumps(data).encode()
    packs.fetch_packs(["toy"], folder)


def _load_vocabulary(inputs: Path, folder: Path) -> None:
    contents = {
        "lucide-static": {"printer": ["fax"]}, "emojibase-data": [{"label": "fire engine", "tags": ["truck"]}],
        "@tabler/icons": {"cart": {"category": "", "tags": ["basket", "trolley"]}},
    }
    keywords.fetch_file = lambda package, *args: json.dumps(contents[package]).encode()
    keywords.default_embedder = lambda: lambda texts: np.ones((len(texts), 1))
    keywords.load_vocabulary(folder)


def _train_vae(inputs: Path, folder: Path) -> None:
    train_vae.train_vae(folder, precomputed_dir=inputs / "cache", batch_size=4, num_epochs=2)


def _prepare_latents(inputs: Path, folder: Path) -> None:
    prepare_latents.prepare_latents(vae_of(inputs), inputs / "cache", folder)


def _train_dit(inputs: Path, folder: Path) -> None:
    train_dit.train_dit(
        folder, vae_of(inputs), inputs / "latents", batch_size=4, num_epochs=2, checkpoint_every=1, val_every=100,
    )


def _train_refiner(inputs: Path, folder: Path) -> None:
    refiner.train_refiner(folder, inputs / "sets" / "cache", batch_size=4, num_epochs=2, preset="tiny")


def _train_icon_head(inputs: Path, folder: Path) -> None:
    train_icon_head.fetch_packs = lambda *args: [inputs / "svg", inputs / "again"]
    train_icon_head.train_icon_head(folder, num_steps=2, batch_size=4, width=8)


def _train_realism(inputs: Path, folder: Path) -> None:
    train_realism.fetch_packs = lambda names, *args: [inputs / ("sets/svg" if "tabler" in names else "svg")]
    train_realism.SVGFusionPipeline = SimpleNamespace(from_pretrained=lambda model: pipeline_of(inputs))
    train_realism.train_realism(folder, models=["line"], drawings=4, num_steps=2, batch_size=4)


class _Captions:
    """Items that use random numbers when read, as captions and augmentations do."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.randn(3, generator=torch.Generator().manual_seed(i)) + 0.1 * torch.rand(())


def _fit(inputs: Path, folder: Path) -> None:
    """The bare training loop: noise, dropout, random captions, held-out loss, a checkpoint every other step."""

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
    "train_refiner": _train_refiner,
    "finetune": lambda inputs, folder: finetune.finetune(
        inputs / "svg", folder, *models_of(inputs), samples_seen=16, batch_size=8,
    ),
    "train_model": lambda inputs, folder: train_model.train_model(inputs / "recipe.toml", folder),
    "export": lambda inputs, folder: pipeline_of(inputs).save_pretrained(folder),
    "roundtrip": lambda inputs, folder: roundtrip(inputs / "svg", folder),
    "train_icon_head": _train_icon_head,
    "train_realism": _train_realism,
} | DRAWINGS
# Left out of the tests over SHORT (two of three full disks, power cut, little memory): slow stages that write as fit,
# sweep and generate do, and stages that write with the same functions as vary and morph.
LONG = (
    "train_dit", "finetune", "train_model", "evaluate", "benchmark", "redraw", "restyle",
)
SHORT = [stage for stage in STAGES if stage not in LONG]


def _lose_gpu(inputs: Path, folder: Path) -> None:
    """Fail an assertion in a kernel: the device becomes unusable for the process, as if lost."""
    torch.zeros(2, device="cuda")[torch.tensor([5], device="cuda")].cpu()


HELPERS = {
    "inputs": lambda inputs, folder: make_inputs(inputs),
    "other inputs": lambda inputs, folder: make_inputs(inputs, count=9),
    "lose_gpu": _lose_gpu,
}


def run(stage: str, inputs: Path, folder: Path, fault: Fault, pipe) -> None:
    """Child process: run the stage under a fault; sends an Outcome unless killed."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    changes = strike(fault, folder)
    try:
        (STAGES | HELPERS)[stage](inputs, folder)
        outcome = Outcome("ok")
    except UserError as error:
        outcome = Outcome("UserError", str(error))
    except OSError as error:
        outcome = Outcome("OSError", f"{error.filename}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - the parent reports it
        trouble = machine_error(error)
        outcome = Outcome("trouble", trouble) if trouble else Outcome("escaped", f"{type(error).__name__}: {error}")
    outcome.changes = changes()
    pipe.send(asdict(outcome))
