"""Stage evaluate: how good are the SVGs, beside what they can be held against; JSON, Markdown, pictures.

Every measure (measures.py) is taken of the samples and of the references (samples.py): real
icons, the untrained model, searches of the training icons. docs/evaluation.md explains them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.config import DEFAULT_MODEL, EvaluationConfig
from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.opponents import WordSearch, by_words, nearest_by_caption
from svgfusion_lib.evaluation.report import write_report
from svgfusion_lib.evaluation.samples import (
    Group,
    Picture,
    Subject,
    domain_of,
    draw_samples,
    icons_within,
    make_groups,
    real_pictures,
    same_name_elsewhere,
    untrained,
)
from svgfusion_lib.evaluation.vae import rebuild
from svgfusion_lib.generate import read_prompts
from svgfusion_lib.models.icon_head import SHIPPED, load_icon_head
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.models.pretrained import PRETRAINED_DIR
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.training.latents import check_pixel_encoder
from svgfusion_lib.utils.dataset import ChunkDataset
from svgfusion_lib.utils.tensorsvg import rows_to_svg

COMMON_WORDS = PRETRAINED_DIR.parent / "prompts" / "common.txt"  # of a checkout
# metric(pictures that show something, the title of each) -> a number
Metric = Callable[[Sequence[Picture], Sequence[str]], float]


@dataclass
class Bench:
    """All that the groups are evaluated with; within: icons of the cache no longer than the model draws."""

    config: EvaluationConfig
    cache: dict
    pipeline: SVGFusionPipeline
    judge: measures.Judge
    groups: list[Group]
    within: list[int]


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
    twins = same_name_elsewhere(bench.cache, group)
    if len(twins.own):
        _, vectors = bench.judge.features(twins.shown())
        subjects["real_of_another_pack"], _ = measures.alignment(
            vectors, twins.own[twins.painted], len(twins.own), yardstick
        )
    result = {
        "prompts": len(group.prompts), "names": len(group.names), "reference": len(yardstick.reference),
        "training_icons": len(training.icons), "distance_of": yardstick.count,
        "chance": {f"top{k}": min(1, k / min(len(group.names), measures.GALLERY)) for k in (1, 5)},
        "subjects": subjects, "reconstruction": _reconstruct(bench, group),
    }
    return result, _sheets(bench, group, samples, real, training, more["samples"])


def _opponents(bench: Bench, group: Group, training: measures.Training) -> dict[str, Subject]:
    if not training.icons:
        return {}
    search = WordSearch(bench.cache, training.icons)
    return {
        "nearest_by_caption": nearest_by_caption(bench.cache, group, bench.pipeline.text_encoder, training.icons),
        "nearest_by_words": by_words(bench.cache, group, search),
        "pasted": by_words(bench.cache, group, search, paste=True),
    }


def _reconstruct(bench: Bench, group: Group) -> dict:
    """How near to the icons their reconstructions are."""
    vae: VPVAE = bench.pipeline.vae
    dataset = ChunkDataset(bench.cache, vae.config, only=set(group.names[: bench.config.max_rebuilt]))
    rebuilt = list(rebuild(vae, bench.cache, dataset, bench.config.seed))
    if not rebuilt:
        return {"icons": 0, "too_long": dataset.too_long}
    return {
        "icons": len(rebuilt), "too_long": dataset.too_long,
        "ssim": measures.mean_of([r.ssim_from_mean for r in rebuilt]),
        "ssim_from_sample": measures.mean_of([r.ssim_from_sample for r in rebuilt]),
        "ssim_of_blank": float(np.mean([r.ssim_of_blank for r in rebuilt])),
    }


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


# --- what stages evaluate and sweep work with ---------------------------------------------------------


def load_bench(
    precomputed_dir: str | Path, config: EvaluationConfig, vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None, model: str | Path = DEFAULT_MODEL,
    pipeline: SVGFusionPipeline | None = None,
) -> Bench:
    """Load everything, and say what is to be asked. UserError for what the cache or the model does not have.

    Icons of more latents than the model can draw are not asked for: it was not trained on their like.
    """
    cache = load_cache(precomputed_dir)
    if pipeline is None:
        pipeline = SVGFusionPipeline.from_pretrained(
            model, vae=vae_checkpoint, dit=dit_checkpoint, device=config.device
        )
    within = icons_within(cache, pipeline)
    groups = make_groups(
        cache, config.num_prompts, config.num_samples, config.seed, config.splits, config.domains, config.packs, within,
        read_prompts(COMMON_WORDS) if COMMON_WORDS.is_file() else (),
    )
    if config.styles and not pipeline.dit.config.styles:
        raise UserError("evaluate: the model has no styles to ask for; train it with --style_condition")
    pipeline.check(config.sampling)
    head = load_icon_head(config.icon_head or SHIPPED)
    encoders = {name: load_pixel_encoder(name, config.device) for name in {config.pixel_encoder, head.pixel_encoder}}
    judge = measures.Judge(encoders[config.pixel_encoder], head, encoders[head.pixel_encoder])
    return Bench(config, cache, pipeline, judge, groups, within)


def settings_of(bench: Bench) -> dict:
    """The settings as a report says them, with the limits that the measures go by."""
    trained = {p for p, s in zip(bench.cache["packs"], bench.cache["splits"]) if s == "train"}
    plain = bench.config.to_dict()
    plain |= {name: list(plain[name] or []) for name in ("splits", "domains", "packs")}
    plain["icon_head"] = Path(bench.config.icon_head or SHIPPED).name
    return plain | {
        "evaluator_packs": list(bench.judge.head.packs),
        "packs_of_evaluator_in_training": sorted(trained & set(bench.judge.head.packs)),
        "icons": len(bench.cache["names"]), "icons_too_long": len(bench.cache["names"]) - len(bench.within),
        "threads": torch.get_num_threads(),
        "gallery": measures.GALLERY, "near_copy": measures.NEAR_COPY, "novelty_size": measures.NOVELTY_SIZE,
    }


def trained_on(bench: Bench, domain: str) -> list[int]:
    """Icons of a domain (and of the packs chosen) that the model could know."""
    cache, packs = bench.cache, bench.config.packs
    return [
        i for i in bench.within
        if cache["splits"][i] == "train" and domain_of(cache["packs"][i]) == domain
        and (packs is None or cache["packs"][i] in packs)
    ]


def real_icons(bench: Bench, group: Group) -> Subject:
    """The icons that bear the names of a group."""
    real = Subject(real_pictures(bench.cache, group.names), np.arange(len(group.names)))
    real.painted = list(range(len(group.names)))  # a nearly white one is still what is asked for
    return real


def make_yardstick(bench: Bench, group: Group, training: measures.Training, real: Subject) -> measures.Yardstick:
    """What pictures for a group are measured against; real: the icons that bear its names."""
    rng = np.random.default_rng((bench.config.seed, 7))
    others = rng.permutation(group.others)[: bench.config.max_reference].tolist()
    titles = [bench.cache["titles"][i] for i in group.names]
    return measures.Yardstick(
        judge=bench.judge,
        titles=titles,
        targets=bench.judge.features(real.shown())[1],
        reference=bench.judge.features(real_pictures(bench.cache, others))[0],
        count=len(group.names),
        training=training,
        styles=measures.pack_styles(bench.cache, group, [*training.icons, *group.others]),
        seed=bench.config.seed,
    )
