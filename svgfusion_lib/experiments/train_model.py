"""Stage train_model: trains, exports and evaluates a model from a TOML file; can be resumed.

Each section of the file has options of one stage, by name; [evaluation] has fields of EvaluationConfig.
Stages with existing results are skipped, and interrupted training is resumed.
"""

import inspect
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from svgfusion_lib.config import DiffusionConfig, DiTConfig, EvaluationConfig, TrainConfig, VAEConfig
from svgfusion_lib.corpus.prepare_dataset import prepare_dataset
from svgfusion_lib.corpus.preprocess import CACHE_NAME, preprocess
from svgfusion_lib.corpus.sieve import SUMMARY
from svgfusion_lib.errors import Paused, UserError
from svgfusion_lib.evaluation.evaluate import evaluate
from svgfusion_lib.options import check_known, check_types
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import keep_plan, read_toml
from svgfusion_lib.system.outputs import claim_folder
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.training.dit import FINAL_NAME as DIT_NAME
from svgfusion_lib.training.dit import train_dit
from svgfusion_lib.training.latents import LATENTS_NAME, prepare_latents
from svgfusion_lib.training.vae import FINAL_NAME as VAE_NAME
from svgfusion_lib.training.vae import train_vae

SECTIONS: dict[str, Callable] = {
    "vae_data": prepare_dataset,  # training data of the VP-VAE
    "dit_data": prepare_dataset,  # training data of the VS-DiT; defaults to vae_data
    "preprocess": preprocess,
    "vae": train_vae,
    "latents": prepare_latents,
    "dit": train_dit,
    "evaluation": EvaluationConfig,
}
# Options of [dit] that are checked before the stages ahead of it have run for hours.
CHOICES: dict = {
    DiTConfig: ("prediction",), DiffusionConfig: ("schedule",), TrainConfig: ("optimizer", "timesteps", "lr_decay"),
}
REQUIRED = ("vae_data", "vae", "dit")
GIVEN = frozenset({"output_dir", "precomputed_dir", "vae_checkpoint", "latents_dir", "max_minutes"})  # set here


def train_model(
    config: str | Path, output_dir: str | Path, device: str = "cpu", seed: int = 0, max_minutes: float | None = None
) -> Path:
    """Run all stages of the TOML file; returns output_dir/model, a folder for `SVGFusionPipeline.from_pretrained`.

    output_dir gets vae_data/ and dit_data/ (svg, cache), vae/, latents/, dit/, model/ (weights in bf16) and, with a
    section `evaluation`, evaluation/. After max_minutes Paused is raised: training stops at the next step, other
    stages when they are done. Every call makes some progress.
    """
    plan = read_recipe(config)
    check_device(device)
    out, where = Path(output_dir), {"device": device, "seed": seed}
    began, worked = time.monotonic(), False

    def make(result: Path, work: Callable[[float | None], object]) -> None:
        """Call work(minutes left) unless its result exists."""
        nonlocal worked
        if result.is_file():
            return
        left = None if max_minutes is None else max_minutes - (time.monotonic() - began) / 60
        if worked and left is not None and left < 0:
            raise Paused(f"{out}: {result.relative_to(out)} is next; rerun the same command to resume")
        work(left)
        worked = True

    vae_path, dit_path = out / "vae" / VAE_NAME, out / "dit" / DIT_NAME
    caches = {name: out / name / "cache" for name in ("vae_data", "dit_data") if name in plan}
    vae_cache, dit_cache = caches["vae_data"], caches.get("dit_data", caches["vae_data"])
    latents_dir, report_dir = out / "latents", out / "evaluation"
    latent_options = {"device": device} | plan.get("latents", {})
    with claim_folder(out, "train_model"):
        keep_plan(out, plan, free={"evaluation"})
        for name, cache_dir in caches.items():
            make(cache_dir / CACHE_NAME, partial(_make_cache, plan, name, cache_dir))
        make(vae_path, lambda left: train_vae(vae_path.parent, vae_cache, max_minutes=left, **where | plan["vae"]))
        make(
            latents_dir / LATENTS_NAME,
            lambda _: prepare_latents(vae_path, dit_cache, latents_dir, **latent_options),
        )
        make(dit_path, lambda left: train_dit(
            dit_path.parent, vae_path, latents_dir, max_minutes=left, **where | plan["dit"]
        ))
        make(out / "model" / "model.json", lambda _: SVGFusionPipeline.from_pretrained(
            vae=vae_path, dit=dit_path
        ).save_pretrained(out / "model"))
        if "evaluation" in plan:
            asked = EvaluationConfig.from_dict(where | plan["evaluation"])
            make(report_dir / "report.json", lambda _: evaluate(report_dir, dit_cache, asked, vae_path, dit_path))
    return out / "model"


def read_recipe(path: str | Path) -> dict:
    """Read and validate the TOML file; UserError for an unknown section or option."""
    plan = read_toml(path)
    for name in plan:
        check_known(name, SECTIONS, f"{path}: no section")
    missing = [name for name in REQUIRED if name not in plan]
    if missing:
        raise UserError(f"{path}: has no section {', '.join(missing)}")
    for section, options in plan.items():
        if not isinstance(options, dict):
            raise UserError(f"{path}: {section} must be a section: [{section}]")
        given = GIVEN if section.endswith("_data") else GIVEN | {"svg_dir"}
        known = [name for name in inspect.signature(SECTIONS[section]).parameters if name not in given]
        for option in options:
            check_known(option, known, f"{path}: [{section}] has no option")
        check_types(options, SECTIONS[section], f"{path}: [{section}]")
    try:
        EvaluationConfig.from_dict(plan.get("evaluation", {}))
        VAEConfig.preset(plan["vae"].get("preset", "tiny"), **plan["vae"].get("changes", {}))
        DiTConfig.preset(plan["dit"].get("preset", "tiny"))
        for settings, names in CHOICES.items():
            settings.from_dict({name: plan["dit"][name] for name in names if name in plan["dit"]})
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return plan


def _make_cache(plan: dict, section: str, cache_dir: Path, _: float | None) -> None:
    """Make the dataset of a section (next to the cache, unless it exists) and its cache."""
    svg_dir = cache_dir.parent / "svg"
    if not (svg_dir / SUMMARY).is_file():
        prepare_dataset(svg_dir, **plan[section])
    preprocess(svg_dir, cache_dir, **{"max_files": None} | plan.get("preprocess", {}))
