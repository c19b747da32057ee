"""Evaluation prompts, the samples drawn for them, and the real icons to compare with."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from svgfusion_lib.config import COMMON, SPLITS, EvaluationConfig, SamplingConfig
from svgfusion_lib.corpus.packs import pack_domain, strip_style, style_word
from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import NO_STYLE, SVGFusionPipeline
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import is_blank, render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

OTHER = "other"     # domain of icons that are not from a known pack
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
    """Icons of one domain and split; `names`: cache indices of the icons used as prompts, with distinct names.

    prompts [n]: texts; name_ids int [n]: index into `names` for each prompt, in turn; others: icons with other names;
    training: training icons of the domain.
    """

    domain: str
    split: str
    names: list[int]
    prompts: list[str]
    name_ids: np.ndarray
    others: list[int]
    training: list[int]

    @property
    def key(self) -> str:
        return f"{self.domain}_{self.split}"


@dataclass
class Subject:
    """Pictures to measure (None: could not be drawn); name_ids [n]: index of each one's name in the group."""

    pictures: Sequence[Picture | None]
    name_ids: np.ndarray
    seconds: float | None = None  # total drawing time
    painted: list[int] = field(init=False)  # indices of the non-blank pictures

    def __post_init__(self):
        self.painted = [k for k, p in enumerate(self.pictures) if p is not None and not is_blank(p.svg)]

    def shown(self) -> list[Picture]:
        return [picture for k in self.painted if (picture := self.pictures[k]) is not None]


def domain_of(pack: str) -> str:
    """Domain of an icon pack ("line", "emoji", ...), or OTHER for an unknown pack."""
    return pack_domain(pack) or OTHER


def make_groups(
    cache: dict, num_prompts: int, seed: int, splits: Sequence[str] | None, packs: Sequence[str] | None,
    icons: Sequence[int] | None = None, common: Sequence[str] = (),
) -> list[Group]:
    """Make the groups that have at least two distinct names in the cache; None: all splits, packs or icons.

    common: words that form their own group in each domain that has icons for them.
    """
    for kind, wanted, found in (
        ("splits", splits, (*SPLITS, COMMON)), ("packs", packs, sorted({*cache["packs"]} - {""})),
    ):
        unknown = [name for name in wanted or () if name not in found]
        if unknown or (wanted is not None and not wanted):
            known = f"{kind} are {', '.join(found)}" if found else f"the cache has no {kind}"
            raise UserError(f"evaluate: {known} (got {', '.join(wanted or ()) or 'none'})")
    members: dict[tuple[str, str], list[int]] = {}
    for i in range(len(cache["packs"])) if icons is None else icons:
        pack, split = cache["packs"][i], cache["splits"][i]
        if packs is None or pack in packs:
            members.setdefault((domain_of(pack), split), []).append(i)
    found = []
    for domain, split in sorted(members, key=lambda key: (key[0] != "line", key[0], SPLITS.index(key[1]))):
        if splits is None or split in splits:
            indices = members[domain, split]
            found.append((domain, split, indices, *_canonical_prompts(cache, indices, num_prompts, seed)))
    if common and (splits is None or COMMON in splits):
        for domain in dict.fromkeys(domain for domain, _ in members):
            indices = [i for (d, _), own in members.items() if d == domain for i in own]
            found.append((domain, COMMON, indices, *_common_prompts(cache, domain, indices, common, num_prompts, seed)))
    groups = []
    for domain, split, indices, names, prompts in found:
        if len(names) > 1:
            prompted = {cache["titles"][i] for i in names}
            others = [i for i in indices if cache["titles"][i] not in prompted]
            training, name_ids = members.get((domain, "train"), []), np.arange(len(prompts)) % len(names)
            groups.append(Group(domain, split, names, prompts, name_ids, others, training))
    if not groups:
        raise UserError("evaluate: the cache has fewer than two distinct names to evaluate; preprocess more")
    return groups


def choose_names(cache: dict, icons: Sequence[int], count: int, seed: int) -> list[int]:
    """Choose at most `count` icons with distinct names, and at most half of all names, so that others remain."""
    by_title: dict[str, int] = {}
    for i in np.random.default_rng(seed).permutation(icons).tolist():
        by_title.setdefault(cache["titles"][i], i)
    chosen = list(by_title.values())
    return chosen[: min(count, max(2, len(chosen) // 2))]


def _canonical_prompts(cache: dict, icons: list[int], num_prompts: int, seed: int) -> tuple[list[int], list[str]]:
    """Choose names (icons) and their prompts; if there are too few names, their other captions follow in turn."""
    names = choose_names(cache, icons, num_prompts, seed)
    prompts = []
    for n in range(num_prompts):
        captions = cache["captions"][names[n % len(names)]]
        prompts.append(captions[n // len(names) % len(captions)])
    return names, prompts


def _common_prompts(
    cache: dict, domain: str, icons: list[int], common: Sequence[str], num_prompts: int, seed: int
) -> tuple[list[int], list[str]]:
    """Prompts for words that caption icons of a domain, in the style of one of these icons; titles are distinct.

    Words that end with "emoji" are for the emoji domain, all others for the other domains.
    """
    by_caption: dict[str, list[int]] = {}
    for i in np.random.default_rng(seed).permutation(icons).tolist():
        for caption in dict.fromkeys(strip_style(caption) for caption in cache["captions"][i]):
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
    return [*names.values()], prompts


def picture(rows: np.ndarray, svg: str | None = None) -> Picture:
    """Write a drawing, read its rows back and render it; ValueError if it cannot be read or rendered.

    Reading back applies the file's rounding (of colours, say), which would otherwise tell samples from real icons.
    """
    svg = rows_to_svg(rows) if svg is None else svg
    if len(rows) > 2:  # an SVG without elements is valid, but blank
        rows = parse_svg(svg).rows
    return Picture(svg, rows, render_svg(svg, IMAGE_SIZE))


def real_pictures(cache: dict, icons: Sequence[int]) -> list[Picture]:
    """Pictures of a cache's icons, written from their rows in the same way as samples."""
    return [picture(cache_rows(cache, i)) for i in icons]


def draw_samples(
    pipeline: SVGFusionPipeline, cache: dict, group: Group, config: EvaluationConfig, sampling: SamplingConfig,
    what: str,
) -> Subject:
    """Draw one picture per prompt of a group, with increasing seeds, in the style of the icon's pack if config.styles.

    None for a picture that cannot be parsed or rendered.
    """
    pictures: list[Picture | None] = []
    seconds = 0.0
    packs = [cache["packs"][group.names[k]] for k in group.name_ids]
    for start in track(range(0, len(group.prompts), SAMPLE_BATCH), f"{group.key}: {what}"):
        part = slice(start, min(start + SAMPLE_BATCH, len(group.prompts)))
        seeds = list(range(config.seed + part.start, config.seed + part.stop))
        styles = pipeline.known_styles(packs[part]) if config.styles else [NO_STYLE] * len(seeds)
        before = time.perf_counter()
        drawn = pipeline.sample(group.prompts[part], seeds, sampling, styles=styles)
        seconds += time.perf_counter() - before
        for sample in drawn:
            try:
                pictures.append(picture(sample.rows, sample.svg))
            except ValueError:
                pictures.append(None)
    return Subject(pictures, group.name_ids, seconds)


def same_name_elsewhere(cache: dict, group: Group) -> Subject:
    """Real icons with a name of the group from another pack of its domain, at most one per name.

    This is the ceiling for R-precision: a drawing of the right thing that is not the target icon itself.
    """
    by_title: dict[str, list[int]] = {}
    for i, (title, pack) in enumerate(zip(cache["titles"], cache["packs"])):
        if domain_of(pack) == group.domain:
            by_title.setdefault(title, []).append(i)
    icons, name_ids = [], []
    for k, i in enumerate(group.names):
        twin = next((j for j in by_title[cache["titles"][i]] if cache["packs"][j] != cache["packs"][i]), None)
        if twin is not None:
            icons.append(twin)
            name_ids.append(k)
    return Subject(real_pictures(cache, icons), np.array(name_ids, dtype=int))
