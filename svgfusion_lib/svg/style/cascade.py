"""Computes values from declarations (CSS Cascade 5, section 4).

Declarations with an invalid value are ignored. In the others, var(), `inherit`, `initial` and `unset` are resolved,
and relative lengths become pixels.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import tinycss2

from svgfusion_lib.svg.document import local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.colours import RGBA, parse_colour
from svgfusion_lib.svg.style.properties import FONT_SIZES, PROPERTIES, SUBSTITUTION, WIDE, longhands, read
from svgfusion_lib.svg.style.values import Units, absolute, is_length, parse_length

MANY_ATTRIBUTES = 50      # of an element; reading more counts as work
MAX_SUBSTITUTED = 10_000  # characters of a value after var()
MAX_VARIABLE_DEPTH = 40   # of brackets around var(), or of chained custom properties
UNIT_DUE = frozenset({"width", "height", "font-size"})  # except in style attributes, which browsers parse leniently
_NOT_INHERITED = frozenset(name for name, entry in PROPERTIES.items() if not entry.inherited)
_PRESENTATION = {name: name for name, entry in PROPERTIES.items() if entry.attribute}
_BOX = ("x", "y", "width", "height")
# geometry properties that are presentation attributes of these elements only (SVG 2, section 6.6)
GEOMETRY = {
    "rect": (*_BOX, "rx", "ry"), "circle": ("cx", "cy", "r"), "ellipse": ("cx", "cy", "rx", "ry"), "path": ("d",),
    "svg": _BOX, "use": _BOX, "symbol": _BOX,
}
_MEASURED = {kind: GEOMETRY[kind] for kind in ("rect", "circle", "ellipse", "use", "svg")}
_GRADIENTS = ("linearGradient", "radialGradient")


@cache
def _attributes_of(kind: str) -> dict[str, str]:
    """Presentation attributes of elements with that name -> their property."""
    found = _PRESENTATION | {name: name for name in GEOMETRY.get(kind, ())}
    if kind in (*_GRADIENTS, "pattern"):
        del found["transform"]
        found["patternTransform" if kind == "pattern" else "gradientTransform"] = "transform"
    elif kind in ("marker", "mask"):
        del found["transform"]
    return found


# --- declared values ------------------------------------------------------------------------------------

Declaration = tuple[str, str, bool]  # property, text, whether it is important


def parse_declarations(text: str) -> list[Declaration]:
    """The valid declarations of supported properties in a style attribute or a CSS block."""
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
    """The valid declarations among tinycss2's nodes of a block."""
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
    """Winning values of an element's presentation attributes and style attribute, which includes style sheet rules."""
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
    """Whether browsers treat an invalid or negative geometry attribute as 0 instead of `auto`."""
    below = text.lstrip().startswith("-")
    return below if kind == "svg" else not (below and name in ("rx", "ry"))


# --- computed values --------------------------------------------------------------------------------------

class Style(dict[str, Any]):
    """Computed values of an element by property, custom properties included; defaults to initial values.

    Lengths are floats in pixels, or text if they contain percentages. color is an RGBA, other colours are text.
    """

    __slots__ = ("_inherited_style", "units")

    def __init__(self, values: Any, units: Units):
        super().__init__(values)
        self.units = units
        self._inherited_style: Style | None = None

    @classmethod
    def initial(cls, units: Units | None = None) -> "Style":
        """The style that the root inherits: initial values."""
        return cls({name: entry.initial for name, entry in PROPERTIES.items() if entry.inherited}, units or Units())

    def __missing__(self, name: str) -> Any:
        return PROPERTIES[name].initial

    def inherited_style(self) -> "Style":
        """The style that children inherit."""
        if self._inherited_style is None:
            values = {name: value for name, value in self.items() if name not in _NOT_INHERITED}
            self._inherited_style = self if len(values) == len(self) else Style(values, self.units)
        return self._inherited_style

    def length(self, name: str, reference: float) -> float:
        """A length property in user units; percentages refer to `reference`."""
        value = self[name]
        return value if isinstance(value, float) else parse_length(value, reference)

    def attribute(self, text: str | None, reference: float, default: float = 0.0) -> float:
        """The length in an attribute that is not a property; the default if invalid or missing."""
        return parse_length(text if text is None else absolute(text, self.units), reference, default)

    def colour(self, text: str) -> RGBA | None:
        found = parse_colour(text, self["color"], self._dark())
        return found if isinstance(found, tuple) else None

    def _dark(self) -> bool:
        words = self["color-scheme"].lower().split()
        return "dark" in words and "light" not in words


def computed(element: Element, parent: Style, root: bool = False) -> Style:
    """The style of an element; parent: that of its parent, or of its place of use."""
    own = declared(element)
    return compute(own, parent, root) if own else parent.inherited_style()


def transform_of(element: Element, style_at: Callable[[Element], Style], inherited: Any) -> Any:
    """The transform of a gradient or pattern for transforms.placed: a matrix, or the style if it is set by CSS.

    inherited: used if the element has none, from the element it refers to. style_at(element): its parent's style.
    """
    own = declared(element)
    if not any(name in own for name in tf.PROPERTIES):
        return inherited
    plain = isinstance(own.get("transform"), tuple) and len(own.keys() & {*tf.PROPERTIES, "transform-origin"}) == 1
    return own["transform"] if plain else compute(own, style_at(element))


_FIRST = ("font-size", "color-scheme", "color")  # other computed values depend on these


def compute(own: dict[str, Any], parent: Style, root: bool = False) -> Style:
    style = Style(parent.inherited_style(), parent.units)
    if _NOT_INHERITED.isdisjoint(own):
        style._inherited_style = style
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
    """Set a property to its computed value."""
    entry = PROPERTIES[name]
    if isinstance(value, str) and "(" in value and SUBSTITUTION.search(value):
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
    if text in FONT_SIZES:
        return FONT_SIZES[text]
    if text in ("smaller", "larger"):
        return units.font_size * (1.2 if text == "larger" else 1 / 1.2)
    return parse_length(absolute(text, units), units.font_size)


# --- var() (CSS Custom Properties 1) ---------------------------------------------------------------------

def _set_variables(style: Style, own: dict[str, str]) -> None:
    """Set the values of custom properties; circular ones have none (section 2.3)."""
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
            elif SUBSTITUTION.search(own[name]):
                text = substitute(own[name], value_of)
            active.pop()
            done.add(name)
            if text is not None and name not in circular:
                style[name] = text
        return style.get(name)

    for name in own:
        value_of(name)


def substitute(text: str, value_of: Callable[[str], str | None]) -> str | None:
    """Replace var() in a value; None if one has neither value nor fallback, or if the result is too long."""
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
    """The replacement of var(--name, fallback)."""
    arguments = function.arguments
    comma = next((i for i, token in enumerate(arguments) if token == ","), len(arguments))
    names = [token.value for token in arguments[:comma] if token.type == "ident"]
    if len(names) != 1:
        return None
    value = value_of(names[0]) if function.lower_name == "var" else None
    if value is not None or comma == len(arguments):
        return value
    return _substituted(arguments[comma + 1 :], value_of, depth + 1)
