"""What is asked of a model, what it answers with, and what its answers are held against."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from svgfusion_lib.config import SPLITS, EvaluationConfig, SamplingConfig
from svgfusion_lib.corpus.packs import pack_domain, style_word, without_style
from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.errors import UserError
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

    prompts [n]: texts; own int [n]: which of `names` a prompt asks for, the first prompts for one name each; others:
    icons with other names; training: icons of the domain that the model could know.
    """

    domain: str
    split: str
    names: list[int]
    prompts: list[str]
    own: np.ndarray
    others: list[int]
    training: list[int]

    @property
    def key(self) -> str:
        return f"{self.domain}_{self.split}"


@dataclass
class Subject:
    """Pictures that are measured (None: could not be drawn), each for the name of a group that `own` [n] says."""

    pictures: Sequence[Picture | None]
    own: np.ndarray
    seconds: float | None = None  # it took to draw all
    painted: list[int] = field(init=False)  # numbers of the pictures that show something

    def __post_init__(self):
        self.painted = [k for k, p in enumerate(self.pictures) if p is not None and not is_blank(p.svg)]

    def shown(self) -> list[Picture]:
        return [picture for k in self.painted if (picture := self.pictures[k]) is not None]


def domain_of(pack: str) -> str:
    """Domain of an icon pack ("line", "emoji", ...), or OTHER for what is in no pack that is known."""
    return pack_domain(pack) or OTHER


def make_groups(
    cache: dict, num_prompts: int, seed: int, splits: Sequence[str] | None, packs: Sequence[str] | None,
    icons: Sequence[int] | None = None, common: Sequence[str] = (),
) -> list[Group]:
    """The groups that the cache has two different names for; None: all splits, packs or icons.

    common: words that are a group of their own in each domain that has icons for them.
    """
    for kind, wanted, found in (
        ("splits", splits, (*SPLITS, COMMON)), ("packs", packs, sorted(set(cache["packs"]))),
    ):
        unknown = [name for name in wanted or () if name not in found]
        if unknown or (wanted is not None and not wanted):
            raise UserError(f"evaluate: {kind} are {', '.join(found)} (got {', '.join(wanted or ()) or 'none'})")
    members: dict[tuple[str, str], list[int]] = {}
    for i in range(len(cache["packs"])) if icons is None else icons:
        pack, split = cache["packs"][i], cache["splits"][i]
        if packs is None or pack in packs:
            members.setdefault((domain_of(pack), split), []).append(i)
    found = []
    for domain, split in sorted(members, key=lambda key: (key[0] != "line", key[0], SPLITS.index(key[1]))):
        if splits is None or split in splits:
            own = members[domain, split]
            found.append((domain, split, own, *_canonical_prompts(cache, own, num_prompts, seed)))
    if common and (splits is None or COMMON in splits):
        for domain in dict.fromkeys(domain for domain, _ in members):
            own = [i for (d, _), indices in members.items() if d == domain for i in indices]
            found.append((domain, COMMON, own, *_common_prompts(cache, domain, own, common, num_prompts, seed)))
    groups = []
    for domain, split, own, names, prompts in found:
        if len(names) > 1:
            asked = {cache["titles"][i] for i in names}
            others = [i for i in own if cache["titles"][i] not in asked]
            training, number = members.get((domain, "train"), []), np.arange(len(prompts)) % len(names)
            groups.append(Group(domain, split, names, prompts, number, others, training))
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


def _canonical_prompts(cache: dict, icons: list[int], num_prompts: int, seed: int) -> tuple[list[int], list[str]]:
    """Names (icons) and a prompt for each; beyond the names there are, their other captions take their turns."""
    names = choose_names(cache, icons, num_prompts, seed)
    prompts = []
    for n in range(num_prompts):
        captions = cache["captions"][names[n % len(names)]]
        prompts.append(captions[n // len(names) % len(captions)])
    return names, prompts


def _common_prompts(
    cache: dict, domain: str, icons: list[int], common: Sequence[str], num_prompts: int, seed: int
) -> tuple[list[int], list[str]]:
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
    return [*names.values()], prompts


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
    pipeline: SVGFusionPipeline, cache: dict, group: Group, config: EvaluationConfig, sampling: SamplingConfig,
    what: str,
) -> Subject:
    """One picture for each prompt of a group, seeds counting up, in the style of the icon's pack if config says so.

    What cannot be parsed or rendered is None.
    """
    pictures: list[Picture | None] = []
    seconds = 0.0
    packs = [cache["packs"][group.names[k]] for k in group.own]
    for start in track(range(0, len(group.prompts), SAMPLE_BATCH), f"{group.key}: {what}"):
        part = slice(start, min(start + SAMPLE_BATCH, len(group.prompts)))
        seeds = list(range(config.seed + part.start, config.seed + part.stop))
        asked = pipeline.known_styles(packs[part]) if config.styles else [NO_STYLE] * len(seeds)
        before = time.perf_counter()
        drawn = pipeline.sample(group.prompts[part], seeds, sampling, styles=asked)
        seconds += time.perf_counter() - before
        for sample in drawn:
            try:
                pictures.append(picture(sample.rows, sample.svg))
            except ValueError:
                pictures.append(None)
    return Subject(pictures, group.own, seconds)


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
