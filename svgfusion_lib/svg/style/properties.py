"""Table of CSS properties: valid values, initial value, inheritance; and shorthands.

A reader turns the text of a declaration into a value, or None if it is invalid.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from svgfusion_lib.svg.effort import spend, uncounted
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.colours import BLACK, parse_colour
from svgfusion_lib.svg.style.values import (
    FONT_SIZE,
    MAX_CACHED,
    NUMBER,
    Units,
    absolute,
    is_length,
    parse_length,
    parse_number,
    parse_url,
    split_list,
)

WIDE = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})  # CSS-wide keywords
MAX_DASH_CHARACTERS = 10_000

Reader = Callable[[str, bool], Any]  # text, CSS or attribute -> value as far as known, or None


# --- readers: valid values ----------------------------------------------------------------------------

def keyword(*words: str) -> Reader:
    known = frozenset(words)
    return lambda text, css: lowered if (lowered := text.lower()) in known else None


def length(
    negative: bool = True, css_numbers: bool = False, words: tuple[str, ...] = (), in_units: bool = False
) -> Reader:
    """Make a reader of lengths: gives a float in pixels, or the text if the length depends on something else.

    css_numbers: CSS values need no unit; in_units: results of math functions still need one.
    """

    def reader(text: str, css: bool) -> float | str | None:
        lowered = text.lower()
        if lowered in words:
            return lowered
        if not is_length(text, css and (not css_numbers or (in_units and "(" in text)), negative):
            return None
        fixed = parse_length(text, 0.0) if "%" not in text else None
        return fixed if fixed is not None and absolute(text, Units()) == text else text

    return reader


def _paint(text: str, css: bool) -> str | None:
    lowered = text.lower()
    if lowered in ("none", "context-fill", "context-stroke"):
        return lowered
    reference = parse_url(text)
    if reference is None:
        return text if parse_colour(text) is not None else None
    return text if reference[1].lower() in ("", "none") or parse_colour(reference[1]) is not None else None


def _colour(text: str, css: bool) -> str | None:
    return text if parse_colour(text) is not None else None


def _alpha(text: str, css: bool) -> float | None:
    value = parse_number(text)
    return min(max(value, 0.0), 1.0) if value == value else None


def _miter_limit(text: str, css: bool) -> float | None:
    value = parse_number(text)
    return value if "%" not in text and value >= 1 else None


def _dashes(text: str, css: bool) -> tuple[float, ...] | str | None:
    """Dash lengths as floats, or the text if one depends on something else; () for a solid line."""
    if text.lower() == "none":
        return ()
    if _STRAY_COMMA.search(text):
        return None
    words = split_list(text[:MAX_DASH_CHARACTERS])
    spend(2 * len(words), "dashes")
    reader = length(negative=False, css_numbers=True)
    values = [reader(word, css) for word in words]
    if not values or any(value is None for value in values):
        return None
    return tuple(values) if all(isinstance(value, float) for value in values) else text


def _clip(text: str, css: bool) -> str | None:
    """clip-path: `none`, a lone url(), or a shape and a box."""
    reference = parse_url(text)
    return _effect(text, css) if reference is None or not reference[1] else None


def _reference(text: str, css: bool) -> str | None:
    """`none` or a lone url()."""
    reference = parse_url(text)
    if reference is None:
        return "none" if text.lower() == "none" else None
    return text if not reference[1] else None


SUBSTITUTION = re.compile(r"(?<![\w-])(?:var|env)\(", re.IGNORECASE)
_STRAY_COMMA = re.compile(r",\s*+(?:,|\Z)|\A\s*+,")
_FUNCTIONS = re.compile(r"(?:[a-z-]++\([^;]*\)\s*+)++", re.IGNORECASE)
_BOXES = frozenset({"fill-box", "stroke-box", "view-box", "border-box", "padding-box", "content-box", "margin-box"})


def _effect(text: str, css: bool) -> str | None:
    """clip-path, mask, filter: `none`, url() or functions."""
    lowered = text.lower()
    if lowered == "none" or parse_url(text) is not None or _FUNCTIONS.fullmatch(lowered) or lowered in _BOXES:
        return lowered if lowered == "none" else text
    return None


def _transform(text: str, css: bool) -> str | tf.Matrix | None:
    """A matrix for an attribute; the text for CSS, because its lengths may depend on the viewport."""
    if not css:
        return tf.parse_attribute(text)
    return text if text.lower() == "none" or tf.parse_css(text, (1.0, 1.0)) is not None else None


def _single_transform(function: str) -> Reader:
    """Reader of the properties rotate, scale and translate, by function name (CSS Transforms 2, section 5)."""

    def reader(text: str, css: bool) -> str | None:
        return text.lower() if tf.parse_single(function, text, (1.0, 1.0)) is not None else None

    return reader


def _origin(text: str, css: bool) -> str | None:
    return text.lower() if tf.parse_origin(text, (0.0, 0.0, 1.0, 1.0), css) is not None else None


def _order(text: str, css: bool) -> str | None:
    words = text.lower().split()
    whole = len(set(words)) == len(words) and set(words) <= {"fill", "stroke", "markers"}
    return " ".join(words) if words and (whole or words == ["normal"]) else None


# CSS Fonts 4, section 2.5, at the default medium size of 16 pixels
FONT_SIZES = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
    "xxx-large": 48.0,
}
_FONT = re.compile(rf"(?:^|\s)({'|'.join(FONT_SIZES)}|smaller|larger|{NUMBER}(?:[a-z]+|%))(?=[\s/])", re.IGNORECASE)


def _anything(text: str, css: bool) -> str:
    return text


@dataclass(frozen=True)
class Property:
    """attribute: also a presentation attribute; relative: its text may contain relative lengths."""

    read: Reader
    initial: Any = None
    inherited: bool = False
    attribute: bool = True
    relative: bool = False


_LENGTH = length(css_numbers=True)
_SIZE = length(negative=False, css_numbers=True, words=("auto",), in_units=True)
_PLACE = Property(_LENGTH, 0.0, attribute=False, relative=True)  # a presentation attribute of some elements: GEOMETRY
_RADIUS = Property(_SIZE, "auto", attribute=False, relative=True)
_DISPLAYS = (
    "none", "inline", "block", "inline-block", "list-item", "flex", "inline-flex", "grid", "inline-grid", "contents",
    "flow-root", "table", "inline-table", "table-row", "table-cell", "table-column", "table-caption", "table-row-group",
    "table-header-group", "table-footer-group", "table-column-group", "run-in", "ruby", "math",
)
_BLENDS = (
    "normal", "multiply", "screen", "overlay", "darken", "lighten", "color-dodge", "color-burn", "hard-light",
    "soft-light", "difference", "exclusion", "hue", "saturation", "color", "luminosity", "plus-lighter",
)
_MARKER = Property(_reference, "none", inherited=True)

PROPERTIES: dict[str, Property] = {
    "color": Property(_colour, BLACK, inherited=True),
    "color-scheme": Property(_anything, "normal", inherited=True, attribute=False),
    "fill": Property(_paint, "black", inherited=True),
    "fill-opacity": Property(_alpha, 1.0, inherited=True),
    "fill-rule": Property(keyword("nonzero", "evenodd"), "nonzero", inherited=True),
    "clip-rule": Property(keyword("nonzero", "evenodd"), "nonzero", inherited=True),
    "stroke": Property(_paint, "none", inherited=True),
    "stroke-width": Property(length(negative=False, css_numbers=True), 1.0, inherited=True, relative=True),
    "stroke-opacity": Property(_alpha, 1.0, inherited=True),
    "stroke-linecap": Property(keyword("butt", "round", "square"), "butt", inherited=True),
    # arcs and miter-clip, which browsers do not support, are invalid, so mostly miter (SVG 2, section 13.5.5)
    "stroke-linejoin": Property(keyword("miter", "round", "bevel"), "miter", inherited=True),
    "stroke-miterlimit": Property(_miter_limit, 4.0, inherited=True),
    "stroke-dasharray": Property(_dashes, (), inherited=True, relative=True),
    "stroke-dashoffset": Property(_LENGTH, 0.0, inherited=True, relative=True),
    "visibility": Property(keyword("visible", "hidden", "collapse"), "visible", inherited=True),
    "paint-order": Property(_order, "normal", inherited=True),
    "font-size": Property(
        length(negative=False, css_numbers=True, words=(*FONT_SIZES, "smaller", "larger")), FONT_SIZE, inherited=True
    ),
    "color-interpolation": Property(keyword("auto", "srgb", "linearrgb"), "srgb", inherited=True),
    "marker-start": _MARKER, "marker-mid": _MARKER, "marker-end": _MARKER,
    "opacity": Property(_alpha, 1.0),
    "display": Property(keyword(*_DISPLAYS), "inline"),
    "overflow": Property(keyword("visible", "hidden", "scroll", "auto", "clip"), "visible"),  # see `hides_overflow`
    "vector-effect": Property(keyword("none", "non-scaling-stroke"), "none"),
    "clip-path": Property(_clip, "none"),
    "mask": Property(_effect, "none"),
    "mask-type": Property(keyword("luminance", "alpha"), "luminance"),
    "filter": Property(_effect, "none"),
    "mix-blend-mode": Property(keyword(*_BLENDS), "normal", attribute=False),
    "stop-color": Property(_colour, "black"),
    "stop-opacity": Property(_alpha, 1.0),
    "transform": Property(_transform, tf.IDENTITY, relative=True),
    "translate": Property(_single_transform("translate"), "none", attribute=False, relative=True),
    "rotate": Property(_single_transform("rotate"), "none", attribute=False),
    "scale": Property(_single_transform("scale"), "none", attribute=False),
    "transform-origin": Property(_origin, None, relative=True),
    "transform-box": Property(keyword("view-box", "fill-box", "stroke-box", "border-box", "content-box"), "view-box",
                              attribute=False),
    "background-color": Property(_colour, "transparent", attribute=False),
    "background-image": Property(_effect, "none", attribute=False),
    "animation": Property(_anything, "none", attribute=False),
    "margin": Property(_anything, "0", attribute=False),  # border, padding, left, ...: properties that shift the root
    "offset-path": Property(_anything, "none", attribute=False),
    "d": Property(tf.parse_css_path, "", attribute=False),
    "x": _PLACE, "y": _PLACE, "cx": _PLACE, "cy": _PLACE,
    "r": Property(length(negative=False, css_numbers=True), 0.0, attribute=False, relative=True),
    "rx": _RADIUS, "ry": _RADIUS, "width": _RADIUS, "height": _RADIUS,
}


# --- shorthands and other names ---------------------------------------------------------------------------

Pairs = Iterable[tuple[str, str]]


_BACKGROUND = _BOXES | {
    "", "none", "repeat", "repeat-x", "repeat-y", "no-repeat", "space", "round", "scroll", "fixed", "local", "left",
    "right", "top", "bottom", "center", "cover", "contain", "auto", "text",
}


def _background(text: str) -> Pairs:
    """Colour and image; nothing if a word is unknown, which makes the whole declaration invalid."""
    colour, image = "transparent", "none"
    for word in split_list(text):
        if _colour(word, True):
            colour = word
        elif "(" in word and _effect(word, True):
            image = word
        elif not all(part in _BACKGROUND or is_length(part, True) for part in word.lower().split("/")):
            return []
    return [("background-color", colour), ("background-image", image)] if text else []


def _first_effect(name: str) -> Callable[[str], Pairs]:
    return lambda text: [(name, item) for item in split_list(text) if _effect(item, True) is not None][:1]


def _font(text: str) -> Pairs:
    return [("font-size", match[1])] if (match := _FONT.search(text)) else []


def _animation(text: str) -> Pairs:
    return [] if text.lower() == "none" else [("animation", text)]


def _same(name: str) -> Callable[[str], Pairs]:
    return lambda text: [(name, text)]


_SHORTHANDS: dict[str, Callable[[str], Pairs]] = {
    "marker": lambda text: [(f"marker-{where}", text) for where in ("start", "mid", "end")],
    "background": _background, "mask": _first_effect("mask"), "mask-image": _first_effect("mask"), "font": _font,
    "offset": _same("offset-path"),
    **{side: _same("margin") for side in ("inset", "left", "top", "right", "bottom", "box-shadow", "outline")},
    "animation": _animation, "animation-name": _animation,
    **{f"{kind}{side}": _same("margin") for kind in ("margin", "padding", "border")
       for side in ("", "-left", "-top", "-right", "-bottom") if kind + side != "margin"},
    "all": lambda text: [(name, text) for name in PROPERTIES] if text.lower() in WIDE else [],
}
_PREFIXED = ("mask", "mask-image", "transform", "transform-origin", "clip-path", "filter", "opacity", "animation")
_SHORTHANDS |= {f"-webkit-{name}": _SHORTHANDS.get(name) or _same(name) for name in _PREFIXED}


def longhands(name: str, text: str) -> Pairs:
    """The table's properties that a declaration sets, with their texts."""
    if name in _SHORTHANDS:
        wide = text.lower() in WIDE or SUBSTITUTION.search(text)
        if wide and name != "all":  # applies to all properties that it sets
            probe = {"background": "red", "font": "1px a", "animation": "a"}.get(name.removeprefix("-webkit-"), "none")
            return [(longhand, text) for longhand, _ in _SHORTHANDS[name](probe)]
        return _SHORTHANDS[name](text)
    return [(name, text)] if name in PROPERTIES or name.startswith("--") else []


# --- declared values ------------------------------------------------------------------------------------

def read(name: str, text: str, css: bool) -> Any:
    """Read a property's value from text; None if invalid. Values with var() stay text until it is resolved."""
    if name == "d" and not css:  # long, and parsed elsewhere
        return text
    if "(" in text:
        spend(20 + len(text), "values in brackets")
    return _kept(name, text, css) if len(text) <= MAX_CACHED else _read(name, text, css)


@lru_cache(maxsize=32768)
def _kept(name: str, text: str, css: bool) -> Any:
    with uncounted():
        return _read(name, text, css)


def _read(name: str, text: str, css: bool) -> Any:
    if name.startswith("--"):
        return text
    text = text.strip()
    if text.lower() in WIDE and (css or PROPERTIES[name].attribute):
        return text.lower()
    if SUBSTITUTION.search(text):
        return text
    return PROPERTIES[name].read(text, css) if text else None
