"""Conditions: media queries and @supports in style sheets, conditional attributes of elements.

A condition is true, false or unknown (None). Unknown conditions count as false, and so do their negations (Media
Queries 4, section 3.1).
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from xml.etree.ElementTree import Element

import cssselect2
import tinycss2

from svgfusion_lib.svg.style.properties import PROPERTIES, longhands, read
from svgfusion_lib.svg.style.values import Units, absolute, parse_length, parse_number, split_tokens

MAX_CONDITION_DEPTH = 30
_ENGLISH = re.compile(r"(?:^|,)\s*+en(?:-[^,]*+|\s*+)(?:,|$)", re.IGNORECASE)  # English in a list of languages
_EXTENSIONS = frozenset({"http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML"})  # supported by browsers
_OPERATOR = re.compile(r"\s*+(<=|>=|<|>|=)\s*+")


class Screen(NamedTuple):
    """The output device: its size in pixels; otherwise a standard light screen with a mouse."""

    width: float
    height: float


# media feature -> value
_DISCRETE = {
    "prefers-color-scheme": "light", "prefers-reduced-motion": "no-preference", "prefers-contrast": "no-preference",
    "prefers-reduced-transparency": "no-preference", "prefers-reduced-data": "no-preference", "hover": "hover",
    "any-hover": "hover", "pointer": "fine", "any-pointer": "fine", "update": "fast", "scan": "progressive",
    "display-mode": "browser", "forced-colors": "none", "inverted-colors": "none", "dynamic-range": "standard",
    "video-dynamic-range": "standard", "color-gamut": "srgb", "overflow-block": "scroll", "overflow-inline": "scroll",
    "scripting": "none", "environment-blending": "opaque",
}
_FALSE_ALONE = frozenset({"none", "no-preference"})


def media_matches(tokens: list, screen: Screen) -> bool:
    """Whether a list of media queries matches; an empty list does."""
    queries = split_tokens(tokens)
    return not any(queries) or any(_query(query, screen) is True for query in queries)


def _query(tokens: list, screen: Screen) -> bool | None:
    """`not screen and (condition)`, or a condition."""
    words = _words(tokens)
    if not words:
        return None
    inverted = words[0] in ("not", "only") and len(tokens) > 1 and tokens[1].type == "ident"
    kind = tokens[1 if inverted else 0]
    if kind.type != "ident" or (words[0] == "not" and not inverted):
        return _condition(tokens, lambda token: _feature(token, screen))
    rest = tokens[2 if inverted else 1 :]
    found: bool | None = kind.lower_value in ("all", "screen")
    if rest:
        if _words(rest)[0] != "and":
            return None
        found = _all([found, _condition(rest[1:], lambda token: _feature(token, screen))])
    return _not(found) if words[0] == "not" else found


def supports_matches(tokens: list) -> bool:
    """Whether the condition of an @supports rule holds."""
    return _condition(split_tokens(tokens, "")[0], _supported) is True


def _condition(tokens: list, test: Callable, depth: int = 0) -> bool | None:
    """Evaluate `(a) and (b)`, `(a) or (b)`, `not (a)` over brackets and functions, which may be nested."""
    words = _words(tokens)
    if not tokens or depth > MAX_CONDITION_DEPTH:
        return None
    if words[0] == "not":
        return _not(_condition(tokens[1:], test, depth + 1)) if len(tokens) == 2 else None
    joints = set(words[1::2])
    if len(tokens) % 2 == 0 or len(joints) > 1 or not joints <= {"and", "or"}:
        return None
    results = []
    for token in tokens[::2]:
        if token.type not in ("() block", "function"):
            return None
        result = test(token)
        if result is None and token.type == "() block":
            inner = split_tokens(token.content, "")[0]
            nested = inner and (inner[0].type in ("() block", "function") or _words(inner)[0] == "not")
            result = _condition(inner, test, depth + 1) if nested else None
        results.append(result)
    return _all(results) if joints != {"or"} else _not(_all([_not(result) for result in results]))


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all(values: list[bool | None]) -> bool | None:
    if any(value is False for value in values):
        return False
    return None if any(value is None for value in values) else True


def _words(tokens: list) -> list[str]:
    """Keywords in lower case; "" for other tokens."""
    return [token.lower_value if token.type == "ident" else "" for token in tokens]


# --- media features ---------------------------------------------------------------------------------------

def _feature(token, screen: Screen) -> bool | None:
    """`(name)`, `(name: value)`, `(min-name: value)` or a range such as `(100px <= width)`; None if unknown."""
    if token.type != "() block":
        return None
    text = tinycss2.serialize(token.content).strip().lower()
    parts = _OPERATOR.split(text)
    if len(parts) in (3, 5):
        return _range(parts, screen)
    name, colon, value = (part.strip() for part in text.partition(":"))
    if name in _DISCRETE:
        if not colon:
            return _DISCRETE[name] not in _FALSE_ALONE
        return value == _DISCRETE[name]
    bound = re.fullmatch(r"(-webkit-)?(min-|max-)?(.+)", name)
    have = _quantity((bound[1] or "") + bound[3], screen) if bound else None
    if have is None or bound is None:
        return None
    if not colon:
        return have > 0 if not bound[2] else None
    wanted = _value(value, bound[3])
    if wanted is None:
        return (screen.width > screen.height) == (value == "landscape") if name == "orientation" else None
    return have >= wanted if bound[2] == "min-" else have <= wanted if bound[2] == "max-" else have == wanted


def _range(parts: list[str], screen: Screen) -> bool | None:
    """`width >= 100px`, `100px < width`, `100px < width <= 200px`, split at the operators."""
    checks = [(parts[i], parts[i + 1], parts[i + 2]) for i in range(0, len(parts) - 2, 2)]
    results = []
    for left, operator, right in checks:
        name = left if _quantity(left, screen) is not None else right
        a, b = (
            _quantity(side, screen) if side == name else _value(side, name) for side in (left, right)
        )
        if a is None or b is None:
            return None
        results.append({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "=": a == b}[operator])
    return all(results)


def _quantity(name: str, screen: Screen) -> float | None:
    """The value of a numeric media feature: pixels, a ratio, bits, dots per pixel."""
    return {
        "width": screen.width, "height": screen.height, "device-width": screen.width, "device-height": screen.height,
        "aspect-ratio": screen.width / screen.height, "device-aspect-ratio": screen.width / screen.height,
        "color": 8.0, "color-index": 0.0, "monochrome": 0.0, "grid": 0.0, "resolution": 1.0,
        "-webkit-device-pixel-ratio": 1.0, "orientation": 1.0,
    }.get(name)


def _value(text: str, name: str) -> float | None:
    """A length in pixels, a ratio, a resolution in dots per pixel or a number; None if invalid."""
    if "aspect-ratio" in name:
        first, _, second = text.partition("/")
        over, under = parse_number(first.strip()), parse_number(second.strip() or "1")
        return over / under if over == over and under > 0 else None
    units = {"dppx": 1.0, "x": 1.0, "dpi": 1 / 96, "dpcm": 2.54 / 96}
    for unit, factor in units.items():
        if name == "resolution" and text.endswith(unit):
            value = parse_number(text.removesuffix(unit))
            return value * factor if value == value else None
    value = parse_length(absolute(text, Units()), 0.0, float("nan"))
    return value if value == value else None


# --- @supports --------------------------------------------------------------------------------------------

# properties that browsers support but that do not matter here
_KNOWN = frozenset({
    "accent-color", "align-items", "aspect-ratio", "backdrop-filter", "border-radius", "box-shadow", "content",
    "cursor", "float", "font-family", "font-weight", "gap", "grid", "grid-template-columns", "inset", "isolation",
    "left", "margin",
    "object-fit", "outline", "padding", "place-items", "pointer-events", "position", "text-shadow", "top", "transition",
    "user-select", "will-change", "-webkit-text-stroke", "shape-rendering", "text-anchor", "font-variation-settings",
    "image-rendering", "text-rendering", "transform-style", "perspective", "offset-path",
})


def _supported(token) -> bool | None:
    """`(property: value)` or selector(...)."""
    if token.type == "function":
        if token.lower_name != "selector":
            return token.lower_name in ("font-tech", "font-format")
        try:
            return bool(cssselect2.compile_selector_list(token.arguments))
        except (cssselect2.SelectorError, NotImplementedError):
            return False
    name, colon, value = tinycss2.serialize(token.content).strip().partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not re.fullmatch(r"-{0,2}[\w-]+", name) or not value:
        return None
    if name.startswith("--"):
        return True
    name = name.lower()
    if name in PROPERTIES or longhands(name, "inherit"):
        return any(read(longhand, text, True) is not None for longhand, text in longhands(name, value))
    return name in _KNOWN


# --- conditional attributes (SVG 2, section 5.9) ------------------------------------------------------------

def conditions_hold(element: Element) -> bool:
    """Whether the conditional attributes hold for an English-speaking user in a browser."""
    attributes = element.attrib
    extensions = attributes.get("requiredExtensions")
    if extensions is not None and not (extensions.split() and _EXTENSIONS.issuperset(extensions.split())):
        return False
    languages = attributes.get("systemLanguage")
    return languages is None or _ENGLISH.search(languages) is not None
