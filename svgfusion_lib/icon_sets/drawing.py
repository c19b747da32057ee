"""Draws a set of icons for a list of words, with any pipeline."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.icon_sets.evening import CommonStyle, EvennessMeasures, common_style, even_out, measure
from svgfusion_lib.icon_sets.names import safe_names
from svgfusion_lib.pipeline import SVGFusionPipeline, check_prompts, check_seeds
from svgfusion_lib.system.progress import progress_bar, reporter
from svgfusion_lib.utils.tensorsvg import rows_to_svg

MAX_WORDS = 2000
DEFAULT_STYLE = "tabler"


@dataclass
class SetIcon:
    """An icon in a set.

    word: as requested; name: safe version of it (`safe_names`); candidates: SVG texts, the best one first; drawn_for:
    the prompt of each candidate, with the nearest known name if that was used; chosen: index of a candidate; doubtful:
    whether the first candidate looks unlike the training icons of its name (`SVGImage.is_doubtful`).
    """

    word: str
    name: str
    candidates: list[str]
    drawn_for: list[str]
    chosen: int = 0
    doubtful: bool = False

    @property
    def svg(self) -> str:
        return self.candidates[self.chosen]


@dataclass
class IconSet:
    """Icons of one style. common: what they share; before, after: how even they were before and after even_out."""

    style: str
    icons: list[SetIcon]
    common: CommonStyle
    before: EvennessMeasures
    after: EvennessMeasures
    settings: dict = field(default_factory=dict)

    def __getitem__(self, name: str) -> SetIcon:
        """The icon with a name or word; UserError if there is none."""
        for icon in self.icons:
            if name in (icon.name, icon.word):
                return icon
        known = ", ".join(icon.name for icon in self.icons[:20])
        raise UserError(f"the set has no icon {name[:60]!r}; it has {known}{' ...' if len(self.icons) > 20 else ''}")

    def swap(self, name: str, number: int) -> None:
        """Choose candidate `number` (1, 2, ..., the best first) of an icon."""
        icon = self[name]
        if not 1 <= number <= len(icon.candidates):
            raise UserError(f"{icon.name} has candidates 1 to {len(icon.candidates)}, not {number}")
        icon.chosen = number - 1


def draw_set(
    pipeline: SVGFusionPipeline, words: str | Sequence[str], style: str | None = None, seed: int = 0,
    config: SamplingConfig | None = None, progress: Callable[[int, int], None] | None = None,
) -> IconSet:
    """Draw an icon for each word, with one model and style, and even them out (evening.py).

    style: None for `default_style`. config.candidates drawings are made and kept for each word. Words that differ only
    in case or spaces are drawn once. progress(step, steps) is called at every step. UserError for no words, too many
    words, a word that cannot be drawn, or a style that the model does not know.
    """
    words = distinct_words([words] if isinstance(words, str) else words)
    config = config or SamplingConfig()
    style = default_style(pipeline) if style is None else style
    model = pipeline.route(words[0], style)
    model.check(config, style)
    seed = check_seeds(seed, 1)
    with progress_bar("drawing") as bar:
        count = config.candidates
        images = model.sample(
            words, [seed] * len(words), config, progress=reporter(bar, progress), styles=[style] * len(words),
            kept=count,
        )
    drawn = [images[k : k + count] for k in range(0, len(images), count)]  # per word
    raw = [own[0].rows for own in drawn]
    common = common_style(raw)
    icons = []
    even = []
    for word, name, own in zip(words, safe_names(words), drawn):
        rows = [even_out(image.rows, common) for image in own]
        even.append(rows[0])
        svgs = [rows_to_svg(each, config.canvas) for each in rows]
        icons.append(SetIcon(word, name, svgs, [image.drawn_for for image in own], doubtful=own[0].is_doubtful))
    settings = config.to_dict() | {"seed": seed, "model": model.name}
    return IconSet(style, icons, common, measure(raw), measure(even), settings)


def default_style(pipeline: SVGFusionPipeline) -> str:
    """Style of a set for which none is given: the first default style that a model has (a fine-tuned one's own).

    DEFAULT_STYLE if none has one, or if a model without styles takes any pack's style as text.
    """
    return next((style for style in pipeline.default_styles if style in pipeline.styles), DEFAULT_STYLE)


def distinct_words(words: Sequence[str]) -> list[str]:
    """Words without repetitions, ignoring case and spaces."""
    first: dict[str, str] = {}
    for word in words:
        plain = re.sub(r"\s+", " ", word).strip()
        first.setdefault(plain.casefold(), plain)
    if not first:
        raise UserError("no words given; a set has one icon per word")
    if len(first) > MAX_WORDS:
        raise UserError(f"{len(first)} words are too many for a set; use at most {MAX_WORDS}")
    check_prompts(list(first.values()))
    return list(first.values())

