"""Stage evaluate: measures sample quality against baselines; writes JSON, Markdown and pictures.

Every measure (measures.py) is computed for the samples and for the baselines (samples.py, opponents.py): real icons,
and retrieval from the training icons. docs/evaluation.md explains them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from svgfusion_lib.config import DEFAULT_MODEL, EvaluationConfig
from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.opponents import WordSearch, nearest_by_caption, retrieve_by_words
from svgfusion_lib.evaluation.report import Sheet, write_report
from svgfusion_lib.evaluation.samples import (
    Group,
    Picture,
    Subject,
    draw_samples,
    make_groups,
    real_pictures,
    same_name_elsewhere,
)
from svgfusion_lib.generate import read_prompts
from svgfusion_lib.models.icon_head import SHIPPED, load_icon_head
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.models.pretrained import PRETRAINED_DIR
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.training.latents import check_pixel_encoder
from svgfusion_lib.utils.tensorsvg import rows_to_svg

COMMON_WORDS = PRETRAINED_DIR.parent / "prompts" / "common.txt"  # only in a checkout
# metric(non-blank pictures, the title of each) -> a number
Metric = Callable[[Sequence[Picture], Sequence[str]], float]


@dataclass
class Bench:
    """Shared inputs for evaluating the groups; drawable: icons of the cache that the model has enough latents for."""

    config: EvaluationConfig
    cache: dict
    pipeline: SVGFusionPipeline
    judge: measures.Judge
    groups: list[Group]
    drawable: list[int]


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

    Prompts are the canonical captions of icons with distinct names; if there are fewer names than prompts, their other
    captions follow, with other seeds. Icons not used as prompts are the reference set for distances.
    Without checkpoints: a shipped `model`, or a `pipeline` of your own. metrics: additional measures, by name.
    Writes report.json, report.md, plots.png and contact sheets; returns the report.
    """
    bench = load_bench(precomputed_dir, config or EvaluationConfig(), vae_checkpoint, dit_checkpoint, model, pipeline)
    check_pixel_encoder(bench.pipeline.vae, bench.cache)
    report: dict = {"settings": settings_of(bench), "groups": {}}
    sheets = {}
    thumbnails: dict[str, np.ndarray] = {}  # per domain
    with output_set(output_dir, "evaluate", precomputed_dir, vae_checkpoint, dit_checkpoint) as folder:
        for group in bench.groups:
            if group.domain not in thumbnails:
                thumbnails[group.domain] = measures.thumbnails_of(bench.cache, group.training)
            report["groups"][group.key], sheets[group.key] = _evaluate_group(
                bench, group, thumbnails[group.domain], metrics or {}
            )
        write_report(folder, report, sheets)
    return report


def _evaluate_group(
    bench: Bench, group: Group, thumbnails: np.ndarray, metrics: Mapping[str, Metric]
) -> tuple[dict, dict[str, Sheet]]:
    """Compute the measures of one group, and the SVGs for its contact sheets."""
    reference_data = make_reference_data(bench, group, thumbnails)
    real, titles = reference_data.real, np.array([bench.cache["titles"][i] for i in group.names])
    samples = draw_samples(bench.pipeline, bench.cache, group, bench.config, bench.config.sampling, "samples")
    subjects, more = {}, {}
    for name, subject in (("samples", samples), ("real", real), *_baselines(bench, group).items()):
        if subject.pictures:
            subjects[name], more[name] = measures.measure(subject, reference_data)
            shown, shown_titles = subject.shown(), titles[subject.name_ids[subject.painted]].tolist()
            subjects[name]["own"] = {key: float(metric(shown, shown_titles)) for key, metric in metrics.items()}
    known = [bench.pipeline.known_names.familiarity(prompt) for prompt in group.prompts]
    subjects["samples"] |= measures.by_kind(known, samples, more["samples"]["ranks"])
    subjects["samples"] |= measures.two_sample(bench.judge, samples, real)
    for key in ("top1", "top5"):
        del subjects["real"][key]  # trivial: every icon is nearest to itself
    twins = same_name_elsewhere(bench.cache, group)
    if len(twins.name_ids):
        _, vectors = bench.judge.features(twins.shown())
        subjects["real_of_another_pack"], _ = measures.alignment(
            vectors, twins.name_ids[twins.painted], len(twins.name_ids), reference_data
        )
    result = {
        "prompts": len(group.prompts), "names": len(group.names), "reference": len(reference_data.reference),
        "training_icons": len(group.training), "subjects": subjects,
    }
    return result, _sheets(bench.cache, group, samples, real, more["samples"])


def _baselines(bench: Bench, group: Group) -> dict[str, Subject]:
    if not group.training:
        return {}
    search = WordSearch(bench.cache, group.training)
    return {
        "nearest_by_caption": nearest_by_caption(bench.cache, group, bench.pipeline.text_encoder),
        "nearest_by_words": retrieve_by_words(bench.cache, group, search),
        "pasted": retrieve_by_words(bench.cache, group, search, paste=True),
    }


def _sheets(cache: dict, group: Group, samples: Subject, real: Subject, more: dict) -> dict[str, Sheet]:
    """Contact sheets: samples in seed order; failures, worst rank first; nearest training icons, most similar first."""
    icons, shown = real.shown(), samples.shown()
    pairs = [(icons[k].svg, None if p is None else p.svg) for k, p in zip(samples.name_ids, samples.pictures)]
    rank_of = dict(zip(samples.painted, more["ranks"].tolist()))
    ranks = [rank_of.get(k, measures.GALLERY) for k in range(len(pairs))]  # blank drawings rank last
    worst = sorted(range(len(pairs)), key=lambda k: -ranks[k])
    similarity = more["similarity"]
    alike = np.argsort(-similarity, kind="stable").tolist()
    nearest = [rows_to_svg(cache_rows(cache, group.training[j])) for j in more["nearest"]]
    columns = ("real", "sample")
    return {
        "samples": (pairs, group.prompts, columns),
        "failures": ([pairs[k] for k in worst], [f"{group.prompts[k]} ({ranks[k] + 1})" for k in worst], columns),
        "nearest": (
            [(shown[k].svg, nearest[k]) for k in alike], [f"{similarity[k]:.3f}" for k in alike], ("sample", "nearest")
        ),
    }


# --- shared by evaluate and sweep ---------------------------------------------------------------------


def load_bench(
    precomputed_dir: str | Path, config: EvaluationConfig, vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None, model: str | Path = DEFAULT_MODEL,
    pipeline: SVGFusionPipeline | None = None,
) -> Bench:
    """Load everything and choose the prompts. UserError for splits, packs or styles that do not exist.

    Icons with more latents than the model can draw are excluded, as they were from its training.
    """
    if pipeline is not None and (model, vae_checkpoint, dit_checkpoint) != (DEFAULT_MODEL, None, None):
        raise UserError("evaluate: give a pipeline of your own, or a model or checkpoints, not both")
    cache = load_cache(precomputed_dir)
    if pipeline is None:
        pipeline = SVGFusionPipeline.from_pretrained(
            model, vae=vae_checkpoint, dit=dit_checkpoint, device=config.device
        )
    if len(pipeline.models) > 1:
        several = ", ".join(pipeline.models)
        raise UserError(f"the pipeline has several models ({several}); load the one to evaluate by its name or folder")
    drawable = [i for i in range(len(cache["names"])) if pipeline.can_draw(cache_rows(cache, i))]
    common = read_prompts(COMMON_WORDS) if COMMON_WORDS.is_file() else ()
    groups = make_groups(cache, config.num_prompts, config.seed, config.splits, config.packs, drawable, common)
    if config.styles and not pipeline.dit.config.styles:
        raise UserError("evaluate: the model has no styles; train it with --style_condition")
    pipeline.check(config.sampling)
    head = load_icon_head(config.icon_head or SHIPPED)
    encoders = {name: load_pixel_encoder(name, config.device) for name in {config.pixel_encoder, head.pixel_encoder}}
    judge = measures.Judge(encoders[config.pixel_encoder], head, encoders[head.pixel_encoder])
    return Bench(config, cache, pipeline, judge, groups, drawable)


def settings_of(bench: Bench) -> dict:
    """Settings for the report."""
    trained = {p for p, s in zip(bench.cache["packs"], bench.cache["splits"]) if s == "train"}
    plain = bench.config.to_dict()
    plain |= {name: list(plain[name] or []) for name in ("splits", "packs")}
    plain["icon_head"] = Path(bench.config.icon_head or SHIPPED).name
    return plain | {
        "evaluator_packs": list(bench.judge.head.packs),
        "packs_of_evaluator_in_training": sorted(trained & set(bench.judge.head.packs)),
        "icons": len(bench.cache["names"]), "icons_too_long": len(bench.cache["names"]) - len(bench.drawable),
    }


def make_reference_data(
    bench: Bench, group: Group, thumbnails: np.ndarray = measures.NO_THUMBNAILS
) -> measures.ReferenceData:
    """Build a group's reference data; thumbnails: of its training icons."""
    rng = np.random.default_rng((bench.config.seed, 7))
    others = rng.permutation(group.others)[: bench.config.max_reference].tolist()
    real = Subject(real_pictures(bench.cache, group.names), np.arange(len(group.names)))
    real.painted = list(range(len(group.names)))  # real icons count even if nearly white
    return measures.ReferenceData(
        judge=bench.judge,
        real=real,
        targets=bench.judge.features(real.shown())[1],
        reference=bench.judge.features(real_pictures(bench.cache, others))[0],
        thumbnails=thumbnails,
        styles=measures.pack_styles(bench.cache, group),
    )
