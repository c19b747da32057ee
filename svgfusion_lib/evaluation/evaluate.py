"""Stage evaluate: how good are the SVGs, beside what they can be held against; JSON, Markdown, pictures.

Every measure (measures.py) is taken of the samples and of the references (samples.py): real
icons, the untrained model, the nearest training icon by caption, shuffled prompts. docs/evaluation.md explains them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from svgfusion_lib.config import DEFAULT_MODEL, EvaluationConfig
from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.bench import Bench, load_bench, make_yardstick, real_icons, settings_of, trained_on
from svgfusion_lib.evaluation.opponents import WordSearch, by_words, nearest_by_caption
from svgfusion_lib.evaluation.report import write_report
from svgfusion_lib.evaluation.samples import (
    Group,
    Picture,
    Subject,
    draw_samples,
    same_name_elsewhere,
    two_packs,
    untrained,
)
from svgfusion_lib.evaluation.vae import rebuild
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.training.latents import check_pixel_encoder
from svgfusion_lib.utils.dataset import ChunkDataset
from svgfusion_lib.utils.tensorsvg import rows_to_svg

# metric(pictures that show something, the title of each) -> a number
Metric = Callable[[Sequence[Picture], Sequence[str]], float]


def evaluate(
    output_dir: str | Path,
    precomputed_dir: str | Path,
    config: EvaluationConfig | None = None,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    model: str | Path = DEFAULT_MODEL,
    pipeline: SVGFusionPipeline | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> dict:
    """Sample SVGs for prompts of each domain and split of a cache, and measure them.

    Prompts are the canonical captions of icons with different names; where there are fewer names than prompts, their
    other captions follow, with other seeds. Icons that are not asked for are the reference set of distances.
    Without checkpoints: a shipped `model`, or a `pipeline` of your own. metrics: more measures, by name.
    Writes report.json, report.md, plots.png and contact sheets; returns the report.
    """
    bench = load_bench(precomputed_dir, config or EvaluationConfig(), vae_checkpoint, dit_checkpoint, model, pipeline)
    check_pixel_encoder(bench.pipeline.vae, bench.cache)
    report: dict = {"settings": settings_of(bench), "groups": {}}
    sheets = {}
    trainings: dict[str, measures.Training] = {}  # by domain
    with output_set(output_dir, "evaluate", precomputed_dir, vae_checkpoint, dit_checkpoint) as folder:
        for group in bench.groups:
            if group.domain not in trainings:
                trainings[group.domain] = measures.training_icons(bench.cache, trained_on(bench, group.domain))
            report["groups"][group.key], sheets[group.key] = _evaluate_group(
                bench, group, trainings[group.domain], metrics or {}
            )
        write_report(folder, report, sheets)
    return report


def _evaluate_group(
    bench: Bench, group: Group, training: measures.Training, metrics: Mapping[str, Metric]
) -> tuple[dict, dict]:
    """Measures of one group, and the SVGs for its contact sheets."""
    real = real_icons(bench, group)
    yardstick = make_yardstick(bench, group, training, real)
    seed = bench.config.seed
    sampling, styles = bench.config.sampling, bench.config.styles
    samples = draw_samples(bench.pipeline, bench.cache, group, seed, sampling, styles, what="samples")
    noise = draw_samples(
        untrained(bench.pipeline, seed), bench.cache, group, seed, replace(sampling, candidates=1), styles,
        what="untrained model",
    )
    subjects, more = {}, {}
    for name, subject in (
        ("samples", samples), ("real", real), ("untrained", noise),
        *_opponents(bench, group, training).items(),
    ):
        if subject.pictures:
            subjects[name], more[name] = measures.measure(subject, yardstick)
            titles = [yardstick.titles[k] for k in subject.own[subject.painted]]
            subjects[name]["own"] = {key: float(metric(subject.shown(), titles)) for key, metric in metrics.items()}
    known = [bench.pipeline.known_names.kind_of(prompt) for prompt in group.prompts]
    subjects["samples"] |= measures.by_kind(known, samples, more["samples"]["ranks"])
    subjects["samples"] |= measures.two_sample(bench.judge, samples, real)
    for key in ("top1", "top5"):
        del subjects["real"][key]  # every icon is nearest to itself
    shift = np.random.default_rng((seed, 11)).integers(1, len(group.names), len(group.prompts))
    for name, subject in (
        ("shuffled_prompts", Subject(samples.pictures, (samples.own + shift) % len(group.names))),
        ("real_of_another_pack", same_name_elsewhere(bench.cache, group)),
    ):
        if len(subject.own):
            _, vectors = bench.judge.features(subject.shown())
            subjects[name], _ = measures.alignment(vectors, subject.own[subject.painted], len(subject.own), yardstick)
    rng = np.random.default_rng((seed, 13))
    pair = [bench.judge.features(own)[0] for own in two_packs(bench.cache, group, bench.config.max_reference, rng)]
    if pair:
        subjects["two_packs"] = measures.distances(pair[1], replace(yardstick, reference=pair[0]))
    reconstruction, rebuilt = _reconstruct(bench, group)
    result = {
        "prompts": len(group.prompts), "names": len(group.names), "reference": len(yardstick.reference),
        "training_icons": len(training.icons), "distance_of": yardstick.count,
        "chance": {f"top{k}": min(1, k / min(len(group.names), measures.GALLERY)) for k in (1, 5)},
        "subjects": subjects, "reconstruction": reconstruction,
    }
    return result, _sheets(bench, group, samples, real, training, more["samples"]) | {"rebuilt": rebuilt}


def _opponents(bench: Bench, group: Group, training: measures.Training) -> dict[str, Subject]:
    if not training.icons:
        return {}
    search = WordSearch(bench.cache, training.icons)
    return {
        "nearest_by_caption": nearest_by_caption(bench.cache, group, bench.pipeline.text_encoder, training.icons),
        "nearest_by_words": by_words(bench.cache, group, search),
        "pasted": by_words(bench.cache, group, search, paste=True),
    }


def _reconstruct(bench: Bench, group: Group) -> tuple[dict, list]:
    """How near to the icons their reconstructions are; and (icon, rebuilt, SSIM) for the sheet."""
    vae: VPVAE = bench.pipeline.vae
    dataset = ChunkDataset(bench.cache, vae.config, only=set(group.names[: bench.config.max_rebuilt]))
    rebuilt = list(rebuild(vae, bench.cache, dataset, bench.config.seed))
    if not rebuilt:
        return {"icons": 0, "too_long": dataset.too_long}, []

    return {
        "icons": len(rebuilt), "too_long": dataset.too_long,
        "ssim": measures.mean_of([r.ssim_from_mean for r in rebuilt]),
        "ssim_from_sample": measures.mean_of([r.ssim_from_sample for r in rebuilt]),
        "ssim_of_blank": float(np.mean([r.ssim_of_blank for r in rebuilt])),
    }, [(r.svgs[0], r.svgs[1], r.ssim_from_mean) for r in rebuilt]


def _sheets(
    bench: Bench, group: Group, samples: Subject, real: Subject, training: measures.Training, more: dict
) -> dict:
    """Prompts, real icons and samples in the order of the seeds; failures and nearest training icons, to be sorted."""
    shown = samples.shown()
    rank_of = dict(zip(samples.painted, more["ranks"].tolist()))
    drawn = [
        (prompt, real.pictures[k].svg, None if p is None else p.svg)
        for prompt, k, p in zip(group.prompts, samples.own, samples.pictures)
    ]
    return {
        "drawn": drawn,
        "failures": [entry + (rank_of.get(k, measures.GALLERY),) for k, entry in enumerate(drawn)],  # blank: the worst
        "nearest": [
            (p.svg, rows_to_svg(cache_rows(bench.cache, training.icons[j])), float(score))
            for p, j, score in zip(shown, more["nearest"], more["similarity"])
        ],
    }
