"""What stands beside the samples of a model: real icons, the untrained model, the nearest training icon by caption."""

from dataclasses import replace

import numpy as np
import torch

from svgfusion_lib.evaluation.groups import Group, Subject, domain_of, real_pictures
from svgfusion_lib.models.icon_head import mean_text_tokens
from svgfusion_lib.models.text_encoder import TextEncoder
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import Pipeline


def untrained(pipeline: Pipeline, seed: int) -> Pipeline:
    """The same VP-VAE and the same VS-DiT with fresh random weights; mean and deviation of the latents stay.

    A fresh VS-DiT predicts exactly 0 (its last layer begins with zeros), so its samples are scaled noise, decoded.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dit = VSDiT(pipeline.dit.config)
    dit.latent_mean.copy_(pipeline.dit.latent_mean)
    dit.latent_std.copy_(pipeline.dit.latent_std)
    return replace(pipeline, dit=dit.to(pipeline.dit.latent_mean.device).eval())


def same_name_elsewhere(cache: dict, group: Group) -> Subject:
    """Real icons that bear a name of the group in another pack of its domain, one a name where there is one.

    What is best for R-precision: a drawing of the right thing that is not the very icon looked for.
    """
    by_title: dict[str, list[int]] = {}
    for i, (title, pack) in enumerate(zip(cache["titles"], cache["packs"])):
        if domain_of(pack) == group.domain:
            by_title.setdefault(title, []).append(i)
    icons, own = [], []
    for k, i in enumerate(group.names):
        twin = next((j for j in by_title[cache["titles"][i]] if cache["packs"][j] != cache["packs"][i]), None)
        if twin is not None:
            icons.append(twin)
            own.append(k)
    return Subject(real_pictures(cache, icons), np.array(own, dtype=int))


def nearest_by_caption(cache: dict, group: Group, encoder: TextEncoder, training: list[int]) -> Subject:
    """For each prompt the training icon whose canonical caption is most like it: a search instead of a model.

    training: indices of the icons in the cache. Likeness is the cosine of mean text tokens.
    """
    captions = list(dict.fromkeys(cache["captions"][i][0] for i in training))
    place = {caption: n for n, caption in enumerate(captions)}
    icon_of = {place[cache["captions"][i][0]]: i for i in reversed(training)}  # the first one of equal captions
    known = mean_text_tokens(*encoder.encode(captions))  # [captions, C]
    asked = mean_text_tokens(*encoder.encode(group.prompts))  # [prompts, C]
    found = [icon_of[n] for n in (asked @ known.T).argmax(1).tolist()]
    return Subject(real_pictures(cache, found), group.own)


def largest_packs(cache: dict, group: Group, count: int, rng: np.random.Generator) -> dict[str, list[int]]:
    """Icons of the two packs of the group's domain with the most icons, at most `count` of each; {} if there is one."""
    icons: dict[str, list[int]] = {}
    for i, pack in enumerate(cache["packs"]):
        if domain_of(pack) == group.domain:
            icons.setdefault(pack, []).append(i)
    chosen = sorted(icons, key=lambda pack: (-len(icons[pack]), pack))[:2]
    return {pack: rng.permutation(icons[pack])[:count].tolist() for pack in chosen} if len(chosen) == 2 else {}
