"""From what a file declares to computed values (CSS Cascade 5, section 4), for every property by one table.

A declaration whose value the property's reader refuses is as if it were not written. What remains loses its var()
and its `inherit`, `initial` and `unset`, and relative lengths become pixels.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from xml.etree.ElementTree import Element

import tinycss2

from svgfusion_lib.svg.document import local_name
from svgfusion_lib.svg.effort import spend, uncounted
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.colours import BLACK, RGBA, parse_colour
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

WIDE = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})  # keywords of every property
MANY_ATTRIBUTES = 50      # of an element: above it reading them counts as work
MAX_SUBSTITUTED = 10_000  # characters of a value after var()
MAX_VARIABLE_DEPTH = 40   # of brackets around var(), or of custom properties that refer to each other
MAX_DASH_CHARACTERS = 10_000

Reader = Callable[[str, bool], Any]  # text, whether it is CSS (or an attribute) -> value as far as known, or None


# --- readers: what is valid ---------------------------------------------------------------------------

def keyword(*words: str) -> Reader:
    known = frozenset(words)
    return lambda text, css: lowered if (lowered := text.lower()) in known else None


def length(
    negative: bool = True, css_numbers: bool = False, words: tuple[str, ...] = (), in_units: bool = False
) -> Reader:
    """A float in pixels, or the text of what hangs on more than itself.

    css_numbers: they need no unit in CSS; in_units: what math functions come to does.
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
    """Lengths as floats, or the text of some that hang on more; () for a solid line."""
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
    """clip-path: `none`, url() and nothing more, or a shape and a box."""
    reference = parse_url(text)
    return _effect(text, css) if reference is None or not reference[1] else None


def _reference(text: str, css: bool) -> str | None:
    """`none` or url(), and nothing more."""
    reference = parse_url(text)
    if reference is None:
        return "none" if text.lower() == "none" else None
    return text if not reference[1] else None


_SUBSTITUTION = re.compile(r"(?<![\w-])(?:var|env)\(", re.IGNORECASE)
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
    """A matrix where the attribute says it, the text of what CSS says, whose lengths may hang on the viewport."""
    if not css:
        return tf.parse_attribute(text)
    return text if text.lower() == "none" or tf.parse_css(text, (1.0, 1.0)) is not None else None


def _single_transform(function: str) -> Reader:
    """The properties rotate, scale and translate, by the function of that name (CSS Transforms 2, section 5)."""

    def reader(text: str, css: bool) -> str | None:
        return text.lower() if tf.parse_single(function, text, (1.0, 1.0)) is not None else None

    return reader


def _origin(text: str, css: bool) -> str | None:
    return text.lower() if tf.parse_origin(text, (0.0, 0.0, 1.0, 1.0), css) is not None else None


def _order(text: str, css: bool) -> str | None:
    words = text.lower().split()
    whole = len(set(words)) == len(words) and set(words) <= {"fill", "stroke", "markers"}
    return " ".join(words) if words and (whole or words == ["normal"]) else None


# CSS Fonts 4, section 2.5, at the usual medium size of 16 pixels
_FONT_SIZES = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
    "xxx-large": 48.0,
}
_FONT = re.compile(rf"(?:^|\s)({'|'.join(_FONT_SIZES)}|smaller|larger|{NUMBER}(?:[a-z]+|%))(?=[\s/])", re.IGNORECASE)


def _anything(text: str, css: bool) -> str:
    return text


@dataclass(frozen=True)
class Property:
    """attribute: whether it may be written as one; relative: whether its text may hold relative lengths."""

    read: Reader
    initial: Any = None
    inherited: bool = False
    attribute: bool = True
    relative: bool = False


_LENGTH = length(css_numbers=True)
_SIZE = length(negative=False, css_numbers=True, words=("auto",), in_units=True)
_PLACE = Property(_LENGTH, 0.0, attribute=False, relative=True)  # an attribute of some elements: GEOMETRY
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
    # arcs and miter-clip, which browsers do not know, are invalid, and so mostly miter (SVG 2, section 13.5.5)
    "stroke-linejoin": Property(keyword("miter", "round", "bevel"), "miter", inherited=True),
    "stroke-miterlimit": Property(_miter_limit, 4.0, inherited=True),
    "stroke-dasharray": Property(_dashes, (), inherited=True, relative=True),
    "stroke-dashoffset": Property(_LENGTH, 0.0, inherited=True, relative=True),
    "visibility": Property(keyword("visible", "hidden", "collapse"), "visible", inherited=True),
    "paint-order": Property(_order, "normal", inherited=True),
    "font-size": Property(
        length(negative=False, css_numbers=True, words=(*_FONT_SIZES, "smaller", "larger")), FONT_SIZE, inherited=True
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
    "margin": Property(_anything, "0", attribute=False),  # border, padding, left, ...: what keeps a root from its box
    "offset-path": Property(_anything, "none", attribute=False),
    "d": Property(tf.parse_css_path, "", attribute=False),
    "x": _PLACE, "y": _PLACE, "cx": _PLACE, "cy": _PLACE,
    "r": Property(length(negative=False, css_numbers=True), 0.0, attribute=False, relative=True),
    "rx": _RADIUS, "ry": _RADIUS, "width": _RADIUS, "height": _RADIUS,
}
UNIT_DUE = frozenset({"width", "height", "font-size"})  # but in a style attribute, which browsers read as of old
_NOT_INHERITED = frozenset(name for name, entry in PROPERTIES.items() if not entry.inherited)
_PRESENTATION = {name: name for name, entry in PROPERTIES.items() if entry.attribute}
_BOX = ("x", "y", "width", "height")
# geometry that is a presentation attribute of these elements alone (SVG 2, section 6.6)
GEOMETRY = {
    "rect": (*_BOX, "rx", "ry"), "circle": ("cx", "cy", "r"), "ellipse": ("cx", "cy", "rx", "ry"), "path": ("d",),
    "svg": _BOX, "use": _BOX, "symbol": _BOX,
}
_MEASURED = {kind: GEOMETRY[kind] for kind in ("rect", "circle", "ellipse", "use", "svg")}
_GRADIENTS = ("linearGradient", "radialGradient")


@cache
def _attributes_of(kind: str) -> dict[str, str]:
    """Attributes of an element of that name that stand for a property -> the property."""
    found = _PRESENTATION | {name: name for name in GEOMETRY.get(kind, ())}
    if kind in (*_GRADIENTS, "pattern"):
        del found["transform"]
        found["patternTransform" if kind == "pattern" else "gradientTransform"] = "transform"
    elif kind in ("marker", "mask"):
        del found["transform"]
    return found


# --- shorthands and other names ---------------------------------------------------------------------------

Pairs = Iterable[tuple[str, str]]


_BACKGROUND = _BOXES | {
    "", "none", "repeat", "repeat-x", "repeat-y", "no-repeat", "space", "round", "scroll", "fixed", "local", "left",
    "right", "top", "bottom", "center", "cover", "contain", "auto", "text",
}


def _background(text: str) -> Pairs:
    """Colour and image; nothing where a word is unknown, which makes all of it invalid."""
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
    """The properties that a declaration sets, as far as they matter here, with the text of each."""
    if name in _SHORTHANDS:
        wide = text.lower() in WIDE or _SUBSTITUTION.search(text)
        if wide and name != "all":  # of the properties that it sets
            probe = {"background": "red", "font": "1px a", "animation": "a"}.get(name.removeprefix("-webkit-"), "none")
            return [(longhand, text) for longhand, _ in _SHORTHANDS[name](probe)]
        return _SHORTHANDS[name](text)
    return [(name, text)] if name in PROPERTIES or name.startswith("--") else []


# --- declared values ------------------------------------------------------------------------------------

def read(name: str, text: str, css: bool) -> Any:
    """The value that a text gives a property; None if it is invalid. Values with var() stay text until it is known."""
    if name == "d" and not css:  # which are long, and read elsewhere
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
    if _SUBSTITUTION.search(text):
        return text
    return PROPERTIES[name].read(text, css) if text else None


Declaration = tuple[str, str, bool]  # property, text, whether it is important


def parse_declarations(text: str) -> list[Declaration]:
    """The valid declarations of properties that matter here; the text may be a style attribute or a block of CSS."""
    if any(mark in text for mark in "/\\'\"!{[<") or ("(" in text and ";" in text):
        spend(2 * len(text) + 5 * sum(map(text.count, "([{")), "style attributes")
        return valid_declarations(tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True))
    spend(len(text) / 20 + text.count(";"), "style attributes")
    found = []
    for declaration in text.split(";"):
        name, _, value = declaration.partition(":")
        found.append((name.strip(), value.strip(), False))
    return _valid(found)


def valid_declarations(nodes: list) -> list[Declaration]:
    """Of what tinycss2 has found in a block."""
    return _valid(
        (node.name, tinycss2.serialize(node.value).strip(), node.important)
        for node in nodes if node.type == "declaration"
    )


def _valid(found: Iterable[Declaration]) -> list[Declaration]:
    return [
        (name, text, important)
        for written, value, important in found
        for name, text in longhands(written if written.startswith("--") else written.lower(), value)
        if read(name, text, True) is not None
    ]


def declared(element: Element) -> dict[str, Any]:
    """What wins of an element's presentation attributes and its style attribute, which holds what sheets say too."""
    attributes = element.attrib
    if len(attributes) > MANY_ATTRIBUTES:
        spend(len(attributes) / 4, "attributes")
    kind = local_name(element)
    known = _attributes_of(kind)
    found = {
        known[name]: value for name, text in attributes.items()
        if name in known and (value := read(known[name], text, False)) is not None
    }
    for name in _MEASURED.get(kind, ()):
        if name in attributes and found.get(name, "auto") == "auto" and _is_nothing(kind, name, attributes[name]):
            found[name] = 0.0
    style = attributes.get("style")
    if style:
        declarations = parse_declarations(style)
        for important in (False, True):
            found |= {name: read(name, text, True) for name, text, given in declarations if given == important}
    return found


def _is_nothing(kind: str, name: str, text: str) -> bool:
    """Whether browsers take an attribute of geometry that is no length, or below 0, for 0 and not for `auto`."""
    below = text.lstrip().startswith("-")
    return below if kind == "svg" else not (below and name in ("rx", "ry"))


# --- computed values --------------------------------------------------------------------------------------

class Style(dict[str, Any]):
    """Computed values of an element by property, custom ones included; of those not said the initial ones.

    Lengths are floats, in pixels, or texts where percentages are in them. color is an RGBA, other colours are texts.
    """

    __slots__ = ("_passed_on", "units")

    def __init__(self, values: Any, units: Units):
        super().__init__(values)
        self.units = units
        self._passed_on: Style | None = None

    @classmethod
    def initial(cls, units: Units | None = None) -> "Style":
        """Of a document's parent, so to speak."""
        return cls({name: entry.initial for name, entry in PROPERTIES.items() if entry.inherited}, units or Units())

    def __missing__(self, name: str) -> Any:
        return PROPERTIES[name].initial

    def passed_on(self) -> "Style":
        """What children inherit."""
        if self._passed_on is None:
            values = {name: value for name, value in self.items() if name not in _NOT_INHERITED}
            self._passed_on = self if len(values) == len(self) else Style(values, self.units)
        return self._passed_on

    def length(self, name: str, reference: float) -> float:
        """A property that is a length, in user units; percentages are of reference."""
        value = self[name]
        return value if isinstance(value, float) else parse_length(value, reference)

    def attribute(self, text: str | None, reference: float, default: float = 0.0) -> float:
        """The length that an attribute says that is no property; the default where it is none."""
        return parse_length(text if text is None else absolute(text, self.units), reference, default)

    def colour(self, text: str) -> RGBA | None:
        found = parse_colour(text, self["color"], self._dark())
        return found if isinstance(found, tuple) else None

    def _dark(self) -> bool:
        words = self["color-scheme"].lower().split()
        return "dark" in words and "light" not in words


def computed(element: Element, parent: Style, root: bool = False) -> Style:
    """The style of an element whose parent, or whose place of use, has that one."""
    own = declared(element)
    return compute(own, parent, root) if own else parent.passed_on()


def transform_of(element: Element, style_at: Callable[[Element], Style], inherited: Any) -> Any:
    """The transform of a gradient or a pattern for transforms.placed: a matrix, or the style where CSS says it.

    inherited: that of the element which it refers to, where it says none. style_at(element): its parent's style.
    """
    own = declared(element)
    if not any(name in own for name in tf.PROPERTIES):
        return inherited
    plain = isinstance(own.get("transform"), tuple) and len(own.keys() & {*tf.PROPERTIES, "transform-origin"}) == 1
    return own["transform"] if plain else compute(own, style_at(element))


_FIRST = ("font-size", "color-scheme", "color")  # which the computed values of others refer to


def compute(own: dict[str, Any], parent: Style, root: bool = False) -> Style:
    style = Style(parent.passed_on(), parent.units)
    if _NOT_INHERITED.isdisjoint(own):
        style._passed_on = style
    variables = {name: text for name, text in own.items() if name[0] == "-"}
    if variables:
        _set_variables(style, variables)
    for name in _FIRST:
        if name in own:
            _set(style, name, own[name], parent)
            if name == "font-size":
                style.units = style.units._replace(font_size=style["font-size"])
    if root:
        style.units = style.units._replace(root_font_size=style.units.font_size)
    for name, value in own.items():
        if name not in _FIRST and name not in variables:
            _set(style, name, value, parent)
    return style


def _set(style: Style, name: str, value: Any, parent: Style) -> None:
    """Give a property its computed value."""
    entry = PROPERTIES[name]
    if isinstance(value, str) and "(" in value and _SUBSTITUTION.search(value):
        text = substitute(value, style.get)
        value = read(name, text, True) if text is not None else None
        value = None if name in UNIT_DUE and text is not None and not is_length(text, True) else value
        value = "unset" if value is None else value
    if isinstance(value, str):
        if value in WIDE:
            if value == "inherit" and not entry.inherited:
                style[name] = parent[name]
            elif value == "initial" or (value == "unset" and not entry.inherited):
                style[name] = entry.initial
            return
        if entry.relative:
            text = absolute(value, style.units)
            value = value if text == value else entry.read(text, True)
        if name == "font-size":
            value = _font_size(value, parent.units)
        elif name == "color":
            value = parse_colour(value, parent["color"], style._dark())
    style[name] = value


def _font_size(text: str, units: Units) -> float:
    if text in _FONT_SIZES:
        return _FONT_SIZES[text]
    if text in ("smaller", "larger"):
        return units.font_size * (1.2 if text == "larger" else 1 / 1.2)
    return parse_length(absolute(text, units), units.font_size)


# --- var() (CSS Custom Properties 1) ---------------------------------------------------------------------

def _set_variables(style: Style, own: dict[str, str]) -> None:
    """Give custom properties their values; those that refer to themselves, by whatever way, have none (section 2.3)."""
    inherited = {name: style.pop(name) for name in own if name in style}
    active: list[str] = []
    circular: set[str] = set()
    done: set[str] = set()

    def value_of(name: str) -> str | None:
        if name in active:
            circular.update(active[active.index(name) :])
            return None
        if name in own and name not in done:
            if len(active) > MAX_VARIABLE_DEPTH:
                return None
            active.append(name)
            text: str | None = own[name]
            word = own[name].strip().lower()
            if word in WIDE:
                text = None if word == "initial" else inherited.get(name)
            elif _SUBSTITUTION.search(own[name]):
                text = substitute(own[name], value_of)
            active.pop()
            done.add(name)
            if text is not None and name not in circular:
                style[name] = text
        return style.get(name)

    for name in own:
        value_of(name)


def substitute(text: str, value_of: Callable[[str], str | None]) -> str | None:
    """A value with its var() replaced; None where one has neither a value nor a fallback, or it becomes too long."""
    spend(20 + len(text), "var()")
    found = _substituted(tinycss2.parse_component_value_list(text), value_of, 0)
    return None if found is None or len(found) > MAX_SUBSTITUTED else found


def _substituted(tokens: list, value_of: Callable[[str], str | None], depth: int) -> str | None:
    if depth > MAX_VARIABLE_DEPTH:
        return None
    parts: list[str] = []
    for token in tokens:
        part: str | None
        if token.type == "function" and token.lower_name in ("var", "env"):
            part = _variable(token, value_of, depth)
        elif token.type == "function" or token.type.endswith("block"):
            inner = token.arguments if token.type == "function" else token.content
            part = _substituted(inner, value_of, depth + 1)
            start, end = (f"{token.name}(", ")") if token.type == "function" else token.type.split(" ")[0]
            part = None if part is None else start + part + end
        else:
            part = token.serialize()
        if part is None:
            return None
        parts.append(part)
    return "".join(parts)


def _variable(function, value_of: Callable[[str], str | None], depth: int) -> str | None:
    """What var(--name, fallback) stands for."""
    arguments = function.arguments
    comma = next((i for i, token in enumerate(arguments) if token == ","), len(arguments))
    names = [token.value for token in arguments[:comma] if token.type == "ident"]
    if len(names) != 1:
        return None
    value = value_of(names[0]) if function.lower_name == "var" else None
    if value is not None or comma == len(arguments):
        return value
    return _substituted(arguments[comma + 1 :], value_of, depth + 1)
