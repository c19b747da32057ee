"""SVG attribute values: numbers, lengths with units, opacities, colours, lists."""

import math
import re
from functools import lru_cache

from tinycss2 import color4

from svgfusion_lib.svg.effort import spend

# No part of these patterns can give back what the next could take: the time they need is linear in the text.
NUMBER = r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
# CSS Values 4: pixels per absolute unit at 96 dpi
_PIXELS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
_FONT_RELATIVE = {"em": 1.0, "rem": 1.0, "ex": 0.5, "ch": 0.5}
_DEGREES = {"": 1.0, "deg": 1.0, "grad": 0.9, "rad": 180 / math.pi, "turn": 360.0}
_ITEM = re.compile(rf"\s*+({NUMBER})(%|[a-zA-Z]*+)")
_GAP = re.compile(r"\s*+,?\s*+")
_LENGTH = re.compile(rf"\s*+({NUMBER})\s*+(%|[a-zA-Z]*+)\s*+")
_URL = re.compile(r"""\s*+url\(\s*+(?:"([^"]*+)"|'([^']*+)'|([^)]*+))\s*+\)\s*+(.*)""", re.DOTALL)
FONT_SIZE = 16.0
MAX_NUMBERS = 100_000  # of a list
MAX_COLOUR = 500       # characters
MAX_CACHED = 200       # characters of a reference that is kept between documents
LARGEST = 1e9  # a number beyond it is refused: no viewer draws it, and squares of it still are finite


def end_of_gap(text: str, position: int) -> int:
    """Where the white space, with one comma or none in it, ends that begins at `position`."""
    gap = _GAP.match(text, position)
    return gap.end() if gap else position


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
    """All numbers of a list, up to the first thing that is none."""
    return scan_numbers(text)[0]


def scan_numbers(text: str, angles: int = 0) -> tuple[list[float], bool]:
    """Numbers of a list up to the first thing that is none, and whether that is all of it; the first are angles.

    Spaces or a comma stand between them, or nothing before a sign or a second point. Lengths are user units, angles
    degrees. Raises ValueError for more than MAX_NUMBERS, and for numbers that are not finite or cannot be drawn.
    """
    spend(len(text) / 3, "lists of numbers")
    numbers: list[float] = []
    position = 0
    while match := _ITEM.match(text, position):
        factor = (_DEGREES if len(numbers) < angles else _PIXELS).get(match[2].lower())
        if factor is None:
            break
        numbers.append(_checked(float(match[1]) * factor, match[0]))
        position = end_of_gap(text, match.end())
        if len(numbers) > MAX_NUMBERS:
            raise ValueError(f"a list of more than {MAX_NUMBERS:,} numbers")
    return numbers, not text[position:].strip()


def parse_colour(text: str) -> tuple[float, float, float, float] | str | None:
    """(r, g, b, alpha) in [0, 1], the word "currentcolor", or None for what is no colour."""
    if len(text) > MAX_COLOUR:
        return None
    if "(" in text:
        spend(30, "colours")
    return _colour(text)


@lru_cache(maxsize=4096)
def _colour(text: str) -> tuple[float, float, float, float] | str | None:
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


def parse_url(text: str) -> tuple[str, str] | None:
    """`url(#id) fallback` -> (id, fallback); id is "" where the reference leaves the document; None: no url."""
    return _url(text) if len(text) <= MAX_CACHED else _url.__wrapped__(text)


@lru_cache(maxsize=4096)
def _url(text: str) -> tuple[str, str] | None:
    match = _URL.match(text)
    if match is None:
        return None
    target = (match[1] or match[2] or match[3] or "").strip()
    return (target[1:] if target.startswith("#") else "", match[4].strip())


def _checked(value: float, text: str) -> float:
    if not abs(value) < LARGEST:
        raise ValueError(f"the number {text.strip()[:40]!r} is infinite, not a number, or too large")
    return value
