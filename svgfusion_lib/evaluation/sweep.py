"""Stage sweep: one setting of the sampler changed at a time: R-precision, distance and time as a table and a plot."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import get_type_hints

import numpy as np

from svgfusion_lib.config import DEFAULT_MODEL, EvaluationConfig, SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.evaluate import load_bench, make_yardstick, real_icons
from svgfusion_lib.evaluation.report import interval, number, plot_sweep
from svgfusion_lib.evaluation.samples import draw_samples
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set

STYLES = "styles"  # beside the fields of SamplingConfig: ask for the pack's style or not
NO_TRAINING = measures.Training([], np.zeros((0, measures.NOVELTY_SIZE, measures.NOVELTY_SIZE), np.uint8))
FIGURES = {
    "top1": "R-precision at 1", "top5": "at 5", "not_blank": "not blank", "frechet": "Frechet distance",
    "kernel": "kernel distance", "keeps_style": "keeps the set's style",
    "seconds_per_sample": "seconds per sample",
}


def sweep(
    output_dir: str | Path,
    precomputed_dir: str | Path,
    settings: Mapping[str, Sequence],
    config: EvaluationConfig | None = None,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    model: str | Path = DEFAULT_MODEL,
) -> list[dict]:
    """Sample the same prompts with the same seeds for every value of every setting, the others as config says.

    settings: values by name of a field or flag of SamplingConfig ("guidance_scale", "sampler", ...), or of "styles"
    (True, False). Writes sweep.json, sweep.md and sweep.png; returns the lines, one for each setting and group, the
    first ones for config as it is.
    """
    config = config or EvaluationConfig()
    changed = {"as it is": config} | {
        f"{name} {value}": _changed(config, name, value) for name, values in settings.items() for value in values
    }
    bench = load_bench(precomputed_dir, config, vae_checkpoint, dit_checkpoint, model)
    if any(own.styles for own in changed.values()) and not bench.pipeline.dit.config.styles:
        raise UserError("sweep: the model has no styles to ask for; train it with --style_condition")
    for own in changed.values():
        bench.pipeline.check(own.sampling)
    with output_set(output_dir, "sweep", precomputed_dir, vae_checkpoint, dit_checkpoint) as folder:
        yardsticks = [make_yardstick(bench, group, NO_TRAINING, real_icons(bench, group)) for group in bench.groups]
        lines = []
        for label, own in changed.items():
            for group, yardstick in zip(bench.groups, yardsticks):
                how = (own.seed, own.sampling, own.styles)
                found, _ = measures.measure(draw_samples(bench.pipeline, bench.cache, group, *how, label), yardstick)
                figures = {name: found[name] for name in FIGURES if name in found}  # of too few pictures no distances
                lines.append({"group": group.key, "setting": label} | figures)
        write_json(folder / "sweep.json", lines, "report of sweep")
        write_text(folder / "sweep.md", sweep_table(lines))
        plot_sweep(folder / "sweep.png", lines)
    return lines


def read_settings(texts: Sequence[str]) -> dict[str, list]:
    """["cfg_scale=1,2", "sampler=ddim,dpm++"] -> {"cfg_scale": [1.0, 2.0], "sampler": ["ddim", "dpm++"]}."""
    settings = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not all(values.split(",")):
            raise UserError(f"sweep: {text!r} is not of the form NAME=VALUE,VALUE")
        settings[name] = [_read_value(name, value) for value in values.split(",")]
    return settings


def _read_value(name: str, text: str):
    kind = _kinds().get(SamplingConfig.field_name(name), str)
    if kind is bool:
        if text not in ("true", "false"):
            raise UserError(f"sweep: {name} is true or false, not {text!r}")
        return text == "true"
    try:
        return kind(text)
    except ValueError as error:
        raise UserError(f"sweep: {name} is no {kind.__name__}: {text!r}") from error


def _kinds() -> dict[str, type]:
    """What can be changed value by value, and the type of the values."""
    hints = get_type_hints(SamplingConfig)
    return {f.name: hints[f.name] for f in fields(SamplingConfig)} | {STYLES: bool}


def _changed(config: EvaluationConfig, name: str, value) -> EvaluationConfig:
    """config with one thing changed; UserError for what cannot be changed."""
    name = SamplingConfig.field_name(name)
    if name not in _kinds():
        raise UserError(f"sweep: cannot change {name!r}; it can change {', '.join(_kinds())}")
    if name == STYLES:
        return replace(config, styles=value)
    return replace(config, sampling=replace(config.sampling, **{name: value}))


def sweep_table(lines: Sequence[dict]) -> str:
    """Markdown of what `sweep` returns: a table for each group."""
    text = []
    for key in dict.fromkeys(line["group"] for line in lines):
        text += [f"## {key.replace('_', ' ')}", "", f"| setting | {' | '.join(FIGURES.values())} |"]
        text.append("|---|" + "---|" * len(FIGURES))
        for line in lines:
            if line["group"] == key:
                values = [line.get(name) for name in FIGURES]
                cells = ["–" if v is None else interval(v) if isinstance(v, dict) else number(v) for v in values]
                text.append(f"| {line['setting']} | {' | '.join(cells)} |")
        text.append("")
    return "\n".join(text)
