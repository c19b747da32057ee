"""Stages that draw, edit or measure, on tiny inputs, and the encoders, loaded once.

As in fault_stages.py, a stage is a function of (inputs, folder).
"""

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import nn
from torch.nn import functional as F

from svgfusion_lib import generate, latent_sampler
from svgfusion_lib.config import EvaluationConfig, SamplingConfig
from svgfusion_lib.corpus import preprocess
from svgfusion_lib.corpus.records import Record, write_manifest
from svgfusion_lib.editing import files as edit
from svgfusion_lib.evaluation import evaluate, sweep, two_sample
from svgfusion_lib.evaluation import report as evaluation_plots
from svgfusion_lib.evaluation import samples as evaluation_groups
from svgfusion_lib.evaluation.vae import evaluate_vae, reconstruct_and_sample
from svgfusion_lib.experiments import benchmark
from svgfusion_lib.icon_sets import draw_set, write_set
from svgfusion_lib.models import vpvae
from svgfusion_lib.models.pixel_encoder import LITE0_IMAGE_SIZE, LITE0_MEAN, LITE0_STD, PixelEncoder
from svgfusion_lib.models.text_encoder import load_text_encoder
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking import ranker
from svgfusion_lib.tidying.files import tidy_files

QUICK = SamplingConfig(num_inference_steps=2, candidates=1)
ASKED = EvaluationConfig(num_prompts=2, sampling=QUICK, max_reference=6, splits=("train",))
LINE_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="{width}"'
    ' stroke-linecap="round"><circle cx="12" cy="12" r="{radius}"/><path d="M12 12V{end}"/></svg>'
)
_load_text = cache(load_text_encoder)


class _Colours(nn.Module):
    """Replaces EfficientNet-Lite0 and is a hundred times faster: 16 tokens of 320 numbers."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(3, 320, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(F.adaptive_avg_pool2d(x, 4)).flatten(2).transpose(1, 2)  # (b, P, D)


def text_encoder(name: str = "minilm", device: str = "cpu"):
    """Like `load_text_encoder`, but loaded once: encoders are not under test."""
    return _load_text(name)


@cache
def pixel_encoder(name: str = "efficientnet-lite0", device: str = "cpu") -> PixelEncoder:
    """Like `load_pixel_encoder`, but fast and loaded once."""
    torch.manual_seed(0)
    return PixelEncoder(name, _Colours(), LITE0_IMAGE_SIZE, LITE0_MEAN, LITE0_STD)


class _Blank(Figure):
    """A plot saved as a small white picture: its look is not under test."""

    def savefig(self, path, **options) -> None:
        Image.new("RGB", (8, 8), "white").save(path, format=options["format"])


def quicken() -> None:
    """Make the stages of this process (the fork server) fast and deterministic."""
    text_encoder(), pixel_encoder()
    latent_sampler.load_text_encoder = text_encoder
    for module in (vpvae, evaluate, benchmark, ranker):
        module.load_pixel_encoder = pixel_encoder
    two_sample.STEPS = 2
    # A clock that ticks when read, so that times are the same in every run and can be compared.
    clock = SimpleNamespace(perf_counter=itertools.count().__next__)
    evaluation_groups.time = clock
    benchmark.timeit = SimpleNamespace(repeat=lambda work, number, repeat: [work() is not None for _ in range(repeat)])
    evaluation_plots.Figure = _Blank


def make_sets(folder: Path, names: int) -> None:
    """Write folder/svg and folder/cache: two packs that draw the same names, two of them held out."""
    records = []
    for pack, width, radius in (("tabler", 1, 4), ("lucide", 2, 9)):
        (folder / "svg" / pack).mkdir(parents=True)
        for number in range(names):
            file, name = f"{pack}/{number}.svg", f"thing {number}"
            (folder / "svg" / file).write_text(LINE_ICON.format(width=width, radius=radius, end=names + number / 4 - 6))
            split = "train" if number < names - 2 else "held_out"
            records.append(Record(file=file, name=name, captions=(f"{name}, {pack} style",), pack=pack, split=split))
    write_manifest(folder / "svg", records)
    preprocess.preprocess(folder / "svg", folder / "cache")


def vae_of(inputs: Path) -> Path:
    return inputs / "vae" / "vpvae_final.pt"


def models_of(inputs: Path) -> tuple[Path, Path]:
    return vae_of(inputs), inputs / "dit" / "vsdit_final.pt"


def pipeline_of(inputs: Path) -> SVGFusionPipeline:
    vae, dit = models_of(inputs)
    return SVGFusionPipeline.from_pretrained(vae=vae, dit=dit)


def _svg(inputs: Path, number: int = 0) -> Path:
    return sorted((inputs / "sets" / "svg" / "tabler").glob("*.svg"))[number]


def _sweep(inputs: Path, folder: Path) -> None:
    sweep.sweep(folder, inputs / "sets" / "cache", {"num_inference_steps": [1]}, ASKED, *models_of(inputs))


def _benchmark(inputs: Path, folder: Path) -> None:
    benchmark.benchmark(
        folder, *models_of(inputs), batch_sizes=(1,), steps=(1,), repeats=1, svg_dir=inputs / "svg",
    )


DRAWINGS: dict[str, Callable[[Path, Path], object]] = {
    "generate": lambda inputs, folder: generate.generate(pipeline_of(inputs), ["a", "b"], folder, config=QUICK),
    "reconstruct": lambda inputs, folder: reconstruct_and_sample(
        vae_of(inputs), inputs / "cache", folder, num_eval=2, num_samples=2,
    ),
    "set": lambda inputs, folder: write_set(draw_set(pipeline_of(inputs), ["a", "b"], "lucide", config=QUICK), folder),
    "vary": lambda inputs, folder: edit.vary_svg(
        pipeline_of(inputs), _svg(inputs), "a", folder, num_samples=2, config=QUICK,
    ),
    "redraw": lambda inputs, folder: edit.redraw_svg(
        pipeline_of(inputs), _svg(inputs), [1], "a", folder, num_samples=2, config=QUICK,
    ),
    "restyle": lambda inputs, folder: edit.restyle_svg(
        pipeline_of(inputs), _svg(inputs), "a", "lucide", folder, num_samples=2, config=QUICK,
    ),
    "tidy": lambda inputs, folder: tidy_files(inputs / "sets" / "svg", folder),
    "recolour": lambda inputs, folder: edit.recolour_svg(_svg(inputs), ["#d33"], folder),
    "morph": lambda inputs, folder: edit.morph_svgs(
        pipeline_of(inputs), _svg(inputs), _svg(inputs, 1), folder, steps=2, config=QUICK,
    ),
    "evaluate": lambda inputs, folder: evaluate.evaluate(
        folder, inputs / "sets" / "cache", ASKED, *models_of(inputs),
    ),
    "evaluate_vae": lambda inputs, folder: evaluate_vae(vae_of(inputs), inputs / "cache", folder, split="train"),
    "sweep": _sweep,
    "benchmark": _benchmark,
}
