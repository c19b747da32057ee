"""SVG attribute values: numbers, lengths with units, opacities, colours, lists."""

import re
from functools import lru_cache

from tinycss2 import color4

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# CSS Values 4: pixels per absolute unit at 96 dpi
_PIXELS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
_FONT_RELATIVE = {"em": 1.0, "rem": 1.0, "ex": 0.5, "ch": 0.5}
_LENGTH = re.compile(rf"\s*({NUMBER})\s*(%|[a-zA-Z]*)\s*")
_URL = re.compile(r"""\s*url\(\s*(["']?)(.*?)\1\s*\)\s*(.*)""", re.DOTALL)
FONT_SIZE = 16.0
LARGEST = 1e9  # a number beyond it is refused: no viewer draws it, and squares of it still are finite


def parse_length(text: str | None, reference: float, default: float = 0.0, font_size: float = FONT_SIZE) -> float:
    """A length in user units; percentages are of `reference`. What is no length is the default (CSS: ignored).

    Raises ValueError for numbers that are not finite or that no viewer could draw.
    """
    if text is None:
        return default
    match = _LENGTH.fullmatch(text)
    if match is None:
        return default
    value, unit = float(match[1]), match[2].lower()
    if unit == "%":
        value *= reference / 100
    elif unit in _PIXELS:
        value *= _PIXELS[unit]
    elif unit in _FONT_RELATIVE:
        value *= _FONT_RELATIVE[unit] * font_size
    else:
        return default
    return _checked(value, text)


def parse_opacity(text: str | None) -> float:
    """A number or percentage, cut to [0, 1]; 1 where it is none."""
    if text is None:
        return 1.0
    match = _LENGTH.fullmatch(text)
    if match is None or match[2] not in ("", "%"):
        return 1.0
    return min(max(float(match[1]) / (100 if match[2] else 1), 0.0), 1.0)


def parse_numbers(text: str) -> list[float]:
    """All numbers of a list separated by spaces or commas, up to the first that is none."""
    numbers: list[float] = []
    for word in re.split(r"[\s,]+", text.strip(" \t\r\n,")):
        match = _LENGTH.fullmatch(word)
        if match is None:
            break
        numbers.append(_checked(float(match[1]) * _PIXELS.get(match[2].lower(), 1.0), word))
    return numbers


@lru_cache(maxsize=4096)
def parse_colour(text: str) -> tuple[float, float, float, float] | str | None:
    """(r, g, b, alpha) in [0, 1], the word "currentcolor", or None for what is no colour."""
    colour = color4.parse_color(text)
    if colour is None and " " in text:  # SVG 1.1: "red icc-color(...)"
        colour = color4.parse_color(text.split("icc-color")[0])
    if colour is None or isinstance(colour, str):
        return colour
    try:
        r, g, b = colour.to("srgb").coordinates
    except NotImplementedError:  # lab, oklch and other spaces that most viewers do not know either
        return None
    return tuple(min(max(v, 0.0), 1.0) for v in (r, g, b, colour.alpha))


@lru_cache(maxsize=4096)
def parse_url(text: str) -> tuple[str, str] | None:
    """`url(#id) fallback` -> (id, fallback); id is "" where the reference leaves the document; None: no url."""
    match = _URL.match(text)
    if match is None:
        return None
    target = match[2].strip()
    return (target[1:] if target.startswith("#") else "", match[3].strip())


def _checked(value: float, text: str) -> float:
    if not abs(value) < LARGEST:
        raise ValueError(f"the number {text.strip()[:40]!r} is infinite, not a number, or too large")
    return value
