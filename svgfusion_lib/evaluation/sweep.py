"""Stage sweep: varies one sampler setting at a time and tabulates R-precision, distances and time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from svgfusion_lib.config import DEFAULT_MODEL, EvaluationConfig, SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.evaluate import load_bench, make_reference_data
from svgfusion_lib.evaluation.report import interval, number
from svgfusion_lib.evaluation.samples import draw_samples
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set

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
    """Sample the same prompts with the same seeds for every value of every setting, with the others as in config.

    settings: values by field or flag of SamplingConfig ("guidance_scale", "sampler", ...). Writes sweep.json and
    sweep.md; returns one line per setting and group, starting with the unchanged config.
    """
    config = config or EvaluationConfig()
    for name, values in settings.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise UserError(f"sweep: {name} must be a list of values, not {values!r:.60}")
    plain = config.sampling.to_dict()
    changed = {"as it is": config.sampling} | {
        f"{name} {value}": SamplingConfig.from_dict(plain | {SamplingConfig.field_name(name): value})
        for name, values in settings.items() for value in values
    }
    bench = load_bench(precomputed_dir, config, vae_checkpoint, dit_checkpoint, model)
    for sampling in changed.values():
        bench.pipeline.check(sampling)
    with output_set(output_dir, "sweep", precomputed_dir, vae_checkpoint, dit_checkpoint) as folder:
        yardsticks = [make_reference_data(bench, group) for group in bench.groups]
        lines = []
        for label, sampling in changed.items():
            for group, reference_data in zip(bench.groups, yardsticks):
                samples = draw_samples(bench.pipeline, bench.cache, group, config, sampling, label)
                found, _ = measures.measure(samples, reference_data)
                figures = {name: found[name] for name in FIGURES if name in found}  # distances need enough pictures
                lines.append({"group": group.key, "setting": label} | figures)
        write_json(folder / "sweep.json", lines, "report of sweep")
        write_text(folder / "sweep.md", sweep_table(lines))
    return lines


def read_settings(texts: Sequence[str]) -> dict[str, list]:
    """["cfg_scale=1,2.5", "sampler=ddim,dpm++"] -> {"cfg_scale": [1, 2.5], "sampler": ["ddim", "dpm++"]}."""
    settings: dict[str, list] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not all(values.split(",")):
            raise UserError(f"sweep: {text!r} is not of the form NAME=VALUE,VALUE")
        settings.setdefault(name, []).extend(map(_read_value, values.split(",")))
    return settings


def _read_value(text: str):
    """Parse a number, true or false; anything else stays text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def sweep_table(lines: Sequence[dict]) -> str:
    """Format the result of `sweep` as Markdown, one table per group."""
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
