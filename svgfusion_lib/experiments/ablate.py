"""Stage ablate: the same training with one thing changed at a time, from a TOML file to one table.

Every VP-VAE run sees the same SVGs equally often, and so does every VS-DiT run. A run whose figures are there is
not run again, and one that was stopped goes on.
"""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

from svgfusion_lib.config import EvaluationConfig
from svgfusion_lib.corpus.prepare_dataset import prepare_dataset
from svgfusion_lib.corpus.preprocess import CACHE_NAME, preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.evaluate import evaluate
from svgfusion_lib.evaluation.vae import evaluate_vae
from svgfusion_lib.options import check_known, check_types
from svgfusion_lib.system.file_list import is_name
from svgfusion_lib.system.files import read_json, read_toml, write_json, write_text
from svgfusion_lib.system.outputs import claimed
from svgfusion_lib.training.dit import train_dit
from svgfusion_lib.training.latents import load_latents, prepare_latents
from svgfusion_lib.training.loop import LOG_NAME, read_log
from svgfusion_lib.training.vae import train_vae

SPLITS = ("train", "held_out")  # columns of the table
SECTIONS = ("data", "vae", "dit", "evaluation", "vae_runs", "dit_runs")
FIGURES = "figures of a run"
LONG = 10**9  # steps: later than the end of any run
NEEDED = (("data", "packs"), ("data", "renderings"), ("dit", "num_epochs"), ("evaluation", "vae_files"))
LATENT_OPTIONS = ("every_stage", "box_scale")
TRAININGS: dict[str, tuple[Callable, list[str]]] = {  # stage, options beside its own
    "vae": (train_vae, []), "dit": (train_dit, ["vae", *LATENT_OPTIONS]),
}
MAX_LATENTS = 64


def ablate(config: str | Path, output_dir: str | Path, device: str = "cpu", seed: int = 0) -> str:
    """Run all that the TOML file names and return the tables as Markdown, also in output_dir/ablation.md.

    output_dir/vae/<slug> and output_dir/dit/<slug> hold the runs, with figures.json when they are done.
    """
    plan = read_plan(config)
    with claimed(output_dir, "ablate"):
        return _run_all(plan, Path(output_dir), device, seed)


def _run_all(plan: dict, output_dir: Path, device: str, seed: int) -> str:
    cache_dir = output_dir / "cache"
    data = plan["data"]
    if not (cache_dir / CACHE_NAME).is_file():
        prepare_dataset(output_dir / "svg", packs=data["packs"], max_rows=data.get("max_rows"),
                        max_files=data.get("max_files"))
        preprocess(output_dir / "svg", cache_dir, max_files=None, renderings=data["renderings"])
    tables: dict[str, list[dict]] = {"vae": [], "dit": []}
    for kind, run_one in (("vae", _run_vae), ("dit", _run_dit)):
        for run in plan[f"{kind}_runs"]:
            figures_path = output_dir / kind / run["slug"] / "figures.json"
            if not figures_path.is_file():
                print(f"{kind}: {run['name']}", flush=True)
                options = {k: v for k, v in run.items() if k not in ("name", "slug")} | {"device": device, "seed": seed}
                with claimed(figures_path.parent, f"train_{kind}"):
                    write_json(figures_path, run_one(plan, output_dir, run["slug"], options), FIGURES)
            figures = read_json(figures_path, FIGURES, "remove it and the run is measured again")
            tables[kind].append({"name": run["name"]} | figures)
            text = markdown(tables)
            write_text(output_dir / "ablation.md", text)
    return text


def read_plan(config: str | Path) -> dict:
    """The TOML file, checked as far as can be before any run."""
    path = Path(config)
    plan = read_toml(path)
    missing = [name for name in SECTIONS if name not in plan]
    if missing:
        raise UserError(f"{path}: has no section {', '.join(missing)}")
    for name in SECTIONS:
        values = plan[name] if name.endswith("_runs") else [plan[name]]
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise UserError(f"{path}: {name} must be {'sections' if name.endswith('_runs') else 'a section'}")
    for section, option in NEEDED:
        if option not in plan[section]:
            raise UserError(f"{path}: [{section}] has no {option}")
    try:
        _evaluation(plan)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    _check_options(plan["data"], prepare_dataset, ["renderings"], f"{path}: [data]")
    for kind, (train, more) in TRAININGS.items():
        for where, options in [(f"[{kind}]", plan[kind]), *((f"[[{kind}_runs]]", run) for run in plan[f"{kind}_runs"])]:
            _check_options(options, train, ["name", "slug", *more], f"{path}: {where}")
    for kind in ("vae_runs", "dit_runs"):
        slugs = {str(run.get("slug")).casefold() for run in plan[kind]}  # folders
        if not all(run.get("name") and is_name(run.get("slug")) for run in plan[kind]) or len(slugs) < len(plan[kind]):
            raise UserError(f"{path}: every one of {kind} needs a name and a slug of its own, which names a folder")
    known = {run["slug"] for run in plan["vae_runs"]}
    for run in plan["dit_runs"]:
        if run.get("vae") not in known:
            raise UserError(f"{path}: {run['slug']} names the VP-VAE {run.get('vae')!r}, which is none of vae_runs")
    return plan


def _check_options(options: dict, stage: Callable, more: Sequence[str], where: str) -> None:
    """UserError for an option that the stage does not have, nor is one of `more`, or that is of another type."""
    known = [*inspect.signature(stage).parameters, *more]
    for name in options:
        check_known(name, known, f"{where} has no option")
    check_types(options, stage, where)


def _evaluation(plan: dict, **where) -> EvaluationConfig:
    """How every VS-DiT is measured: section [evaluation] but what is the VP-VAEs'."""
    own = {name: value for name, value in plan["evaluation"].items() if name != "vae_files"}
    return EvaluationConfig.from_dict(own | {"splits": SPLITS} | where)


def _run_vae(plan: dict, output_dir: Path, slug: str, options: dict) -> dict:
    folder = output_dir / "vae" / slug
    checkpoint = train_vae(folder, precomputed_dir=output_dir / "cache", **(plan["vae"] | options))
    report = evaluate_vae(
        checkpoint, output_dir / "cache", folder / "evaluation", max_files=plan["evaluation"]["vae_files"],
        device=options["device"],
    )
    return report | {"seconds": _seconds(folder)}


def _run_dit(plan: dict, output_dir: Path, slug: str, options: dict) -> dict:
    folder = output_dir / "dit" / slug
    vae_checkpoint = output_dir / "vae" / options.pop("vae") / "vpvae_final.pt"
    latent_options = {name: options.pop(name) for name in LATENT_OPTIONS if name in options}
    latents_dir = prepare_latents(
        vae_checkpoint, output_dir / "cache", folder / "latents", max_latents=MAX_LATENTS, device=options["device"],
        **latent_options,
    ).parent
    lengths = load_latents(latents_dir)["offsets"].diff().float()
    epochs = options.pop("num_epochs", plan["dit"]["num_epochs"])
    if latent_options.get("every_stage"):  # the same number of SVGs seen, whole or not
        whole = len(load_latents(output_dir / "dit" / "last-stage" / "latents")["names"])
        epochs = max(1, round(epochs * whole / len(lengths)))
    settings = plan["dit"] | {"val_every": LONG, "checkpoint_every": LONG} | options | {"num_epochs": epochs}
    checkpoint = train_dit(folder, vae_checkpoint, latents_dir=latents_dir, **settings)
    asked = _evaluation(plan, device=options["device"])
    report = evaluate(folder / "evaluation", output_dir / "cache", asked, vae_checkpoint, checkpoint)
    figures: dict = {"seconds": _seconds(folder), "tokens": float(lengths.median()) / options.get("patch_size", 1)}
    for key, group in report["groups"].items():
        samples = group["subjects"]["samples"]
        split = next(split for split in SPLITS if key.endswith(split))
        figures.setdefault(split, {  # of the first domain
            "top_1": samples["top1"]["mean"], "top_5": samples["top5"]["mean"],
            "kernel_distance": samples.get("kernel"),  # none where too few could be drawn
            "inside": samples["inside_canvas"]["mean"], "seconds_per_sample": samples["seconds_per_sample"],
        })
    return figures


def _seconds(folder: Path) -> float:
    """How long a training took, all its parts if it was stopped."""
    return read_log(folder / LOG_NAME)[-1]["seconds"]


def markdown(tables: dict[str, list[dict]]) -> str:
    """The figures of all runs as two tables."""
    lines = [
        "| VP-VAE | SSIM, mean of posterior | SSIM, sample | element ids | command ids | geometry RMS | active units"
        " | KL, nats per latent | latents per SVG | parameters | training, s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for f in tables["vae"]:
        lines.append(
            f"| {f['name']} | {f['ssim_from_mean']['mean']:.4f} | {f['ssim_from_sample']['mean']:.4f}"
            f" | {f['elements_right']:.4f} | {f['commands_right']:.4f} | {f['geometry_rms']:.4f}"
            f" | {f['active_units']} of {f['units']} | {f['kl_per_latent']:.0f} | {f['latents_per_svg']['p50']:.0f}"
            f" | {f['parameters'] / 1e6:.2f} M | {f['seconds']:.0f} |"
        )
    lines += [
        "",
        "| VS-DiT | tokens | top 1 / 5 of 100, training names | held-out names | kernel distance, training names"
        " | held-out names | inside the canvas | training, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for f in tables["dit"]:
        found, distances = zip(*(_split_cells(f.get(split)) for split in SPLITS))
        lines.append(
            f"| {f['name']} | {f['tokens']:.1f} | {' | '.join(found)} | {' | '.join(distances)}"
            f" | {f['train']['inside']:.2f} | {f['seconds']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _split_cells(figures: dict | None) -> tuple[str, str]:
    """R-precision and kernel distance of one split; "-" where there are none."""
    if figures is None:
        return "-", "-"
    distance = figures["kernel_distance"]
    return f"{figures['top_1']:.2f} / {figures['top_5']:.2f}", "-" if distance is None else f"{distance:.1f}"
