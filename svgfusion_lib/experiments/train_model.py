"""Stage train_model: a TOML file -> a model that is trained, exported and measured, in pieces that resume.

Each section of the file holds options of one stage, by their names; [evaluation] holds fields of EvaluationConfig.
A part whose result is there is not done again, and a training that was stopped goes on.
"""

import inspect
import time
from collections.abc import Callable
from pathlib import Path

from svgfusion_lib.config import DiTConfig, EvaluationConfig, VAEConfig
from svgfusion_lib.corpus.prepare_dataset import prepare_dataset
from svgfusion_lib.corpus.preprocess import CACHE_NAME, preprocess
from svgfusion_lib.corpus.sieve import SUMMARY
from svgfusion_lib.errors import Paused, UserError
from svgfusion_lib.evaluation.evaluate import evaluate
from svgfusion_lib.options import check_known, check_types
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import read_json, read_toml, write_json
from svgfusion_lib.system.outputs import claimed
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.training.dit import FINAL_NAME as DIT_NAME
from svgfusion_lib.training.dit import train_dit
from svgfusion_lib.training.latents import LATENTS_NAME, prepare_latents
from svgfusion_lib.training.vae import FINAL_NAME as VAE_NAME
from svgfusion_lib.training.vae import train_vae

CONFIG_NAME, PLAN = "config.json", "plan of a model"
SECTIONS: dict[str, Callable] = {
    "vae_data": prepare_dataset,  # what the VP-VAE is trained on
    "dit_data": prepare_dataset,  # what the VS-DiT is trained on; the same if left out
    "preprocess": preprocess,
    "vae": train_vae,
    "latents": prepare_latents,
    "dit": train_dit,
    "evaluation": EvaluationConfig,
}
REQUIRED = ("vae_data", "vae", "dit")
GIVEN = frozenset({"output_dir", "precomputed_dir", "vae_checkpoint", "latents_dir", "max_minutes"})  # by train_model


def train_model(
    config: str | Path, output_dir: str | Path, device: str = "cpu", seed: int = 0, max_minutes: float | None = None
) -> Path:
    """Do all that the TOML file says; returns output_dir/model, a folder for `SVGFusionPipeline.from_pretrained`.

    output_dir gets vae_data/ and dit_data/ (svg, cache), vae/, latents/, dit/, model/ (weights in bf16) and, with a
    section `evaluation`, evaluation/. After max_minutes it stops where it can go on, with Paused: a training at the
    next step, other parts when they are done. Every call gets something done.
    """
    plan = read_recipe(config)
    check_device(device)
    with claimed(output_dir, "train_model"):
        return _make_parts(plan, config, Path(output_dir), {"device": device, "seed": seed}, max_minutes)


def _make_parts(plan: dict, config: str | Path, output_dir: Path, where: dict, max_minutes: float | None) -> Path:
    _same_plan_as_before(plan, config, output_dir / CONFIG_NAME)
    began, worked = time.monotonic(), False
    for result, make in _parts(plan, output_dir, where):
        if result.is_file():
            continue
        left = None if max_minutes is None else max_minutes - (time.monotonic() - began) / 60
        if worked and left is not None and left < 0:
            raise Paused(f"{output_dir}: {result.relative_to(output_dir)} is next; rerun the same command to resume")
        make(left)
        worked = True
    return output_dir / "model"


def _parts(plan: dict, output_dir: Path, where: dict) -> list[tuple[Path, Callable[[float | None], object]]]:
    """What is to be made, in order: the file that is there when it is done, and the work, given the minutes left."""
    data = {name: output_dir / name / "cache" for name in ("vae_data", "dit_data") if name in plan}
    vae_cache, dit_cache = data["vae_data"], data.get("dit_data", data["vae_data"])
    vae_path, dit_path = output_dir / "vae" / VAE_NAME, output_dir / "dit" / DIT_NAME
    latents_dir, report_dir = output_dir / "latents", output_dir / "evaluation"
    latent_options = {"device": where["device"]} | plan.get("latents", {})

    def measure(_) -> None:
        evaluate(report_dir, dit_cache, EvaluationConfig.from_dict(where | plan["evaluation"]), vae_path, dit_path)

    parts: list[tuple[Path, Callable]] = [
        (cache_dir / CACHE_NAME, lambda _, name=name, cache_dir=cache_dir: _make_cache(plan, name, cache_dir))
        for name, cache_dir in data.items()
    ]
    parts += [
        (vae_path, lambda left: train_vae(vae_path.parent, vae_cache, max_minutes=left, **where | plan["vae"])),
        (latents_dir / LATENTS_NAME, lambda _: prepare_latents(vae_path, dit_cache, latents_dir, **latent_options)),
        (dit_path, lambda left: train_dit(dit_path.parent, vae_path, latents_dir, max_minutes=left,
                                          **where | plan["dit"])),
        (
            output_dir / "model" / "model.json",
            lambda _: _export(vae_path, dit_path, output_dir / "model"),
        ),
    ]
    if "evaluation" in plan:
        parts.append((report_dir / "report.json", measure))
    return parts


def _export(vae_path: Path, dit_path: Path, folder: Path) -> Path:
    return SVGFusionPipeline.from_pretrained(vae=vae_path, dit=dit_path).save_pretrained(folder)


def read_recipe(path: str | Path) -> dict:
    """The TOML file as a dictionary; UserError for a section or an option that no stage knows."""
    plan = read_toml(path)
    for name in plan:
        check_known(name, SECTIONS, f"{path}: no section")
    missing = [name for name in REQUIRED if name not in plan]
    if missing:
        raise UserError(f"{path}: has no section {', '.join(missing)}")
    for section, options in plan.items():
        if not isinstance(options, dict):
            raise UserError(f"{path}: {section} must be a section, [{section}]")
        given = GIVEN if section.endswith("_data") else GIVEN | {"svg_dir"}
        known = [name for name in inspect.signature(SECTIONS[section]).parameters if name not in given]
        for option in options:
            check_known(option, known, f"{path}: [{section}] has no option")
        check_types(options, SECTIONS[section], f"{path}: [{section}]")
    try:
        EvaluationConfig.from_dict(plan.get("evaluation", {}))
        VAEConfig.preset(plan["vae"].get("preset", "tiny"), **plan["vae"].get("changes", {}))
        DiTConfig.preset(plan["dit"].get("preset", "tiny"))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return plan


def _same_plan_as_before(plan: dict, config: str | Path, path: Path) -> None:
    """Keep the plan in the output folder; UserError if what lies there was made by another one."""
    if not path.is_file():
        write_json(path, plan, PLAN)
        return
    before = read_json(path, PLAN, f"use another folder than {path.parent}")
    changed = [name for name in SECTIONS if before.get(name) != plan.get(name) and name != "evaluation"]
    if changed:
        raise UserError(
            f"{path.parent}: was begun with other settings of {', '.join(changed)} than {config} has;"
            " use another folder"
        )


def _make_cache(plan: dict, section: str, cache_dir: Path) -> None:
    """Data set of a section (beside the cache, if it is not there) and its cache."""
    svg_dir = cache_dir.parent / "svg"
    if not (svg_dir / SUMMARY).is_file():
        prepare_dataset(svg_dir, **plan[section])
    preprocess(svg_dir, cache_dir, **{"max_files": None} | plan.get("preprocess", {}))
