"""What stages evaluate and sweep work with: the cache, the model and the judge."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.config import DEFAULT_MODEL, EvaluationConfig
from svgfusion_lib.corpus.preprocess import load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.samples import Group, Subject, domain_of, icons_within, make_groups, real_pictures
from svgfusion_lib.generate import read_prompts
from svgfusion_lib.models.icon_head import SHIPPED, load_icon_head
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.models.pretrained import PRETRAINED_DIR
from svgfusion_lib.pipeline import SVGFusionPipeline

COMMON_WORDS = PRETRAINED_DIR.parent / "prompts" / "common.txt"  # of a checkout


@dataclass
class Bench:
    """All that the groups are evaluated with; within: icons of the cache no longer than the model draws."""

    config: EvaluationConfig
    cache: dict
    pipeline: SVGFusionPipeline
    judge: measures.Judge
    groups: list[Group]
    within: list[int]


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
