"""What is asked of a model, what it answers with, and what its answers are held against."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from svgfusion_lib.config import SPLITS, SamplingConfig
from svgfusion_lib.corpus.packs import pack_domain, style_word, without_style
from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import NO_STYLE, SVGFusionPipeline
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import is_blank, render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

COMMON = "common"   # group of the words that people ask for most, whatever split their icons are of
OTHER = "other"     # domain of what comes from no known pack
IMAGE_SIZE = 128    # pixels, for features
SAMPLE_BATCH = 32


@dataclass
class Picture:
    """One SVG with its rows [L, 22] and its rendering uint8 [128, 128, 3] on white."""

    svg: str
    rows: np.ndarray
    image: np.ndarray


@dataclass
class Group:
    """The icons of one domain and split: `names` are asked for (indices in the cache, names all different).

    prompts [n]: texts; own int [n]: which of `names` a prompt asks for; others: icons with other names.
    """

    domain: str
    split: str
    names: list[int]
    prompts: list[str]
    own: np.ndarray
    others: list[int]

    @property
    def key(self) -> str:
        return f"{self.domain}_{self.split}"


@dataclass
class Subject:
    """Pictures that are measured (None: could not be drawn), each for the name of a group that `own` [n] says."""

    pictures: Sequence[Picture | None]
    own: np.ndarray
    seconds: float | None = None           # it took to draw all
    of_nearest: np.ndarray | None = None   # bool [n]: drawn for the nearest name that the model knows
    painted: list[int] = field(init=False)  # numbers of the pictures that show something

    def __post_init__(self):
        self.painted = [k for k, p in enumerate(self.pictures) if p is not None and not is_blank(p.svg)]

    def shown(self) -> list[Picture]:
        return [picture for k in self.painted if (picture := self.pictures[k]) is not None]


def domain_of(pack: str) -> str:
    """Domain of an icon pack ("line", "emoji", ...), or OTHER for what is in no pack that is known."""
    return pack_domain(pack) or OTHER


def icons_within(cache: dict, pipeline: SVGFusionPipeline) -> list[int]:
    """The icons of a cache (indices) of no more latents than the model can draw: it was not trained on others."""
    return [i for i in range(len(cache["names"])) if pipeline.can_draw(cache_rows(cache, i))]


def make_groups(
    cache: dict, num_prompts: int, num_samples: int, seed: int,
    splits: Sequence[str] | None, domains: Sequence[str] | None, packs: Sequence[str] | None,
    icons: Sequence[int] | None = None, common: Sequence[str] = (),
) -> list[Group]:
    """The groups that the cache has two different names for; None: all splits, domains, packs or icons.

    common: words that are a group of their own in each domain that has icons for them.
    """
    for kind, wanted, found in (
        ("splits", splits, (*SPLITS, COMMON)),
        ("domains", domains, sorted({domain_of(pack) for pack in cache["packs"]})),
        ("packs", packs, sorted(set(cache["packs"]))),
    ):
        unknown = [name for name in wanted or () if name not in found]
        if unknown or (wanted is not None and not wanted):
            raise UserError(f"evaluate: {kind} are {', '.join(found)} (got {', '.join(wanted or ()) or 'none'})")
    members: dict[tuple[str, str], list[int]] = {}
    for i in range(len(cache["packs"])) if icons is None else icons:
        pack, split = cache["packs"][i], cache["splits"][i]
        if packs is None or pack in packs:
            members.setdefault((domain_of(pack), split), []).append(i)
    groups = []
    for domain, split in sorted(members, key=lambda key: (key[0] != "line", key[0], SPLITS.index(key[1]))):
        if (splits is None or split in splits) and (domains is None or domain in domains):
            group = _make_group(cache, domain, split, members[domain, split], num_prompts, num_samples, seed)
            groups += [group] if group else []
    for domain in dict.fromkeys(domain for domain, _ in members):
        if common and (splits is None or COMMON in splits) and (domains is None or domain in domains):
            own = [i for (d, _), indices in members.items() if d == domain for i in indices]
            group = _common_group(cache, domain, own, common, num_prompts, num_samples, seed)
            groups += [group] if group else []
    if not groups:
        raise UserError("evaluate: the cache holds no two different names of what is to be evaluated; preprocess more")
    return groups


def choose_names(cache: dict, icons: Sequence[int], count: int, seed: int) -> list[int]:
    """At most `count` of the icons, names all different; at most half the names, so that others remain."""
    by_title: dict[str, int] = {}
    for i in np.random.default_rng(seed).permutation(icons).tolist():
        by_title.setdefault(cache["titles"][i], i)
    chosen = list(by_title.values())
    return chosen[: min(count, max(2, len(chosen) // 2))]


def _make_group(
    cache: dict, domain: str, split: str, icons: list[int], num_prompts: int, num_samples: int, seed: int
) -> Group | None:
    """num_prompts prompts, num_samples of each; beyond the names there are, their other captions take their turns."""
    names = choose_names(cache, icons, num_prompts, seed)
    if len(names) < 2:
        return None
    prompts, own = [], []
    for n in range(num_prompts):
        captions = cache["captions"][names[n % len(names)]]
        prompts += [captions[n // len(names) % len(captions)]] * num_samples
        own += [n % len(names)] * num_samples
    asked = {cache["titles"][i] for i in names}
    others = [i for i in icons if cache["titles"][i] not in asked]
    return Group(domain, split, names, prompts, np.array(own), others)


def _common_group(
    cache: dict, domain: str, icons: list[int], common: Sequence[str], num_prompts: int, num_samples: int, seed: int
) -> Group | None:
    """Prompts for words that icons of a domain have as a caption, in the style of one of them; titles all different.

    Words that end with "emoji" ask for emoji, the others for any domain but that.
    """
    by_caption: dict[str, list[int]] = {}
    for i in np.random.default_rng(seed).permutation(icons).tolist():
        for caption in dict.fromkeys(without_style(caption) for caption in cache["captions"][i]):
            by_caption.setdefault(caption, []).append(i)
    names: dict[str, int] = {}
    prompts = []
    for word in common:
        bare = word.removesuffix(" emoji")
        if (bare != word) != (domain == "emoji"):
            continue
        found = next((i for i in by_caption.get(bare, ()) if cache["titles"][i] not in names), None)
        if found is not None and len(names) < num_prompts:
            names[cache["titles"][found]] = found
            prompts.append(f"{bare}, {style_word(cache['packs'][found])} style")
    if len(names) < 2:
        return None
    asked = set(names)
    others = [i for i in icons if cache["titles"][i] not in asked]
    own = np.arange(len(prompts)).repeat(num_samples)
    return Group(domain, COMMON, [*names.values()], [prompts[k] for k in own], own, others)


def picture(rows: np.ndarray, svg: str | None = None) -> Picture:
    """A drawing as its file has it, its rows read back; ValueError if it cannot be read or rendered.

    What a file rounds (colours to 255ths, say) would tell samples from real icons, and nobody sees it.
    """
    svg = rows_to_svg(rows) if svg is None else svg
    if len(rows) > 2:  # an SVG without elements is valid, but blank
        rows = parse_svg(svg).rows
    return Picture(svg, rows, render_svg(svg, IMAGE_SIZE))


def real_pictures(cache: dict, icons: Sequence[int]) -> list[Picture]:
    """Icons of a cache, drawn from their rows by the same writer as samples are."""
    return [picture(cache_rows(cache, i)) for i in icons]


def draw_samples(
    pipeline: SVGFusionPipeline, cache: dict, group: Group, seed: int, sampling: SamplingConfig, styles: bool, what: str
) -> Subject:
    """One picture for each prompt of a group, seeds counting up; styles: ask for the style of the icon's pack too.

    What cannot be parsed or rendered is None.
    """
    pictures: list[Picture | None] = []
    of_nearest = []
    seconds = 0.0
    packs = [cache["packs"][group.names[k]] for k in group.own]
    for start in track(range(0, len(group.prompts), SAMPLE_BATCH), f"{group.key}: {what}"):
        part = slice(start, min(start + SAMPLE_BATCH, len(group.prompts)))
        seeds = list(range(seed + part.start, seed + part.stop))
        asked = pipeline.known_styles(packs[part]) if styles else [NO_STYLE] * len(seeds)
        before = time.perf_counter()
        drawn = pipeline.sample(group.prompts[part], seeds, sampling, styles=asked)
        seconds += time.perf_counter() - before
        for sample in drawn:
            of_nearest.append(sample.drawn_for != sample.prompt)
            try:
                pictures.append(picture(sample.rows, sample.svg))
            except ValueError:
                pictures.append(None)
    return Subject(pictures, group.own, seconds, np.array(of_nearest))


def untrained(pipeline: SVGFusionPipeline, seed: int) -> SVGFusionPipeline:
    """The same VP-VAE and the same VS-DiT with fresh random weights; mean and deviation of the latents stay.

    A fresh VS-DiT predicts exactly 0 (its last layer begins with zeros), so its samples are scaled noise, decoded.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dit = VSDiT(pipeline.dit.config)
    dit.latent_mean.copy_(pipeline.dit.latent_mean)
    dit.latent_std.copy_(pipeline.dit.latent_std)
    return pipeline.with_parts(dit=dit.to(pipeline.dit.latent_mean.device).eval())


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
