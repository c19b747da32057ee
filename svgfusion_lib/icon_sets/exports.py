"""Exports drawings from our writer to the formats that front ends use.

A drawing is parsed again before it is written into code, and only elements and attributes that our writer uses are
allowed (`read_drawing`); the only other text in the code are names from `safe_names`. So no word can inject code.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from svgfusion_lib.errors import UserError
from svgfusion_lib.icon_sets.names import component_name
from svgfusion_lib.svg.document import SVG_NAMESPACE, read_document

XMLNS = "http://www.w3.org/2000/svg"
CURRENT = "currentColor"
ELEMENTS = ("svg", "defs", "linearGradient", "radialGradient", "stop", "path", "rect", "circle", "ellipse")
_STYLE = {
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-opacity", "stroke-width", "stroke-linecap",
    "stroke-linejoin",
}
ATTRIBUTES = _STYLE | {
    "id", "width", "height", "viewBox", "d", "x", "y", "rx", "ry", "cx", "cy", "r", "x1", "y1", "x2", "y2", "fx", "fy",
    "offset", "stop-color", "stop-opacity", "gradientUnits", "gradientTransform",
}
_VALUE = re.compile(r"(?!.*url\((?!#))[\w#.,()\s-]*", re.ASCII | re.DOTALL)
_NUMBER = re.compile(r"\d*\.?\d+", re.ASCII)
_VALUES = {  # of attributes that become numbers in code
    "stroke-width": _NUMBER, "width": _NUMBER, "viewBox": re.compile(r"-?[\d.]+(?: -?[\d.]+){3}", re.ASCII),
}
_PAINT = re.compile(r"#[0-9a-f]{3,6}")
Spell = Callable[[str, str], str]  # name and value of an attribute -> code


@dataclass
class Drawing:
    """A drawing as root attributes and elements; colour: its only colour, maybe CURRENT, None if there are several."""

    root: dict[str, str]
    elements: list[ElementTree.Element]
    colour: str | None

    @property
    def size(self) -> tuple[float, float]:
        width, height = map(float, self.root["viewBox"].split()[2:])
        return width, height

    @property
    def style(self) -> dict[str, str]:
        """Style attributes of the root, which all elements inherit."""
        return {name: value for name, value in self.root.items() if name in _STYLE}


def read_drawing(svg: str, name: str, keep_layers: bool = False) -> Drawing:
    """Read SVG text from our writer; ids get the icon's name as a prefix, so that they are unique across icons.

    keep_layers: keep layer ids, which nothing refers to. UserError for anything that our writer does not produce.
    """
    try:
        root = read_document(svg)
    except ValueError as error:
        raise UserError(f"the drawing of {name}: {error}; draw the set again") from error
    paints = set()
    if "viewBox" not in root.attrib:
        raise UserError(f"the drawing of {name} has no size; draw the set again")
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG_NAMESPACE)
        if element.tag not in ELEMENTS or (element.text or "").strip() or (element.tail or "").strip():
            raise UserError(f"the drawing of {name} has an element or text that is not allowed; draw the set again")
        element.text = element.tail = None
        for key, value in list(element.attrib.items()):
            if key not in ATTRIBUTES or not _VALUES.get(key, _VALUE).fullmatch(value):
                raise UserError(f"the drawing of {name} has an attribute that is not allowed; draw the set again")
            if key == "id" and element.tag not in ("linearGradient", "radialGradient") and not keep_layers:
                del element.attrib[key]
            elif key == "id":
                element.set(key, f"{name}-{value}")
            elif value.startswith("url(#"):
                element.set(key, f"url(#{name}-{value.removeprefix('url(#')}")
            if key in ("fill", "stroke", "stop-color"):
                paints |= {value} - {"none"}
    (colour,) = paints if len(paints) == 1 and _PAINT.fullmatch(next(iter(paints))) else (None,)
    return Drawing(dict(root.attrib), list(root), colour)


def recoloured(drawing: Drawing, colour: str | None) -> Drawing:
    """Replace the drawing's only colour by `colour` (None: keep it)."""
    if colour is not None and drawing.colour is not None:
        drawing.root = {name: colour if value == drawing.colour else value for name, value in drawing.root.items()}
        for element in (part for each in drawing.elements for part in each.iter()):
            for name in ("fill", "stroke"):
                if element.get(name) == drawing.colour:
                    element.set(name, colour)
        drawing.colour = colour
    return drawing


def svg_file(drawing: Drawing) -> str:
    """A drawing as an SVG file."""
    return f"<svg{_attributes({'xmlns': XMLNS} | drawing.root)}>\n{_lines(drawing, _plain, 2)}</svg>\n"


def sprite(drawings: Mapping[str, Drawing]) -> str:
    """One SVG file with a symbol per icon: `<svg><use href="sprite.svg#house"/></svg>`."""
    symbols = "".join(
        f'  <symbol id="{name}" viewBox="{each.root["viewBox"]}"{_attributes(each.style)}>\n'
        f"{_lines(each, _plain, 4)}  </symbol>\n"
        for name, each in drawings.items()
    )
    return f'<svg xmlns="{XMLNS}">\n{symbols}</svg>\n'


def iconify(prefix: str, drawings: Mapping[str, Drawing]) -> dict:
    """The set as Iconify JSON (iconify.design/docs/types/iconify-json.html)."""
    width, height = next(iter(drawings.values())).size
    return {
        "prefix": prefix,
        "info": {
            "name": prefix, "total": len(drawings), "author": {"name": "SVGFusion"}, "license": {"title": "MIT"},
            "height": height, "palette": any(each.colour != CURRENT for each in drawings.values()),
        },
        "icons": {
            name: {"body": f"<g{_attributes(each.style)}>{_lines(each, _plain, None)}</g>"}
            for name, each in drawings.items()
        },
        "width": width,
        "height": height,
    }


def react_component(name: str, drawing: Drawing) -> str:
    """A JSX module with one component, e.g. `IconHouse`; takes size, strokeWidth, a ref and any <svg> attribute."""
    component, pen = component_name(name), drawing.root.get("stroke-width")
    given = [f"size = {drawing.root.get('width', '24')}", *([f"strokeWidth = {pen}"] if pen else []), "...props"]
    own = {key: value for key, value in drawing.style.items() if key != "stroke-width"}
    root = [
        "ref={ref}", f'xmlns="{XMLNS}"', "width={size}", "height={size}", f'viewBox="{drawing.root["viewBox"]}"',
        *(_jsx(key, value) for key, value in own.items()), *(["strokeWidth={strokeWidth}"] if pen else []),
        "{...props}",
    ]
    return (
        'import * as React from "react";\n\n'
        f"export const {component} = React.forwardRef(function {component}({{ {', '.join(given)} }}, ref) {{\n"
        f"  return (\n    <svg {' '.join(root)}>\n{_lines(drawing, _jsx, 6)}    </svg>\n  );\n}});\n"
    )


def react_index(names: Sequence[str]) -> str:
    """The module that exports all components."""
    return "".join(f'export {{ {component_name(n)} }} from "./{component_name(n)}.jsx";\n' for n in names)


def react_types(names: Sequence[str]) -> str:
    """TypeScript declarations of index.js."""
    opening = (
        'import * as React from "react";\n\n'
        "export interface IconProps extends React.SVGProps<SVGSVGElement> {\n  size?: number | string;\n}\n"
        "type Icon = React.ForwardRefExoticComponent<IconProps & React.RefAttributes<SVGSVGElement>>;\n\n"
    )
    return opening + "".join(f"export const {component_name(name)}: Icon;\n" for name in names)


def vue_component(drawing: Drawing) -> str:
    """A single-file component; takes size, strokeWidth and any <svg> attribute."""
    pen = drawing.root.get("stroke-width")
    own = {key: value for key, value in drawing.style.items() if key != "stroke-width"}
    known = [f"size: {{ type: [Number, String], default: {drawing.root.get('width', '24')} }}"]
    root = [f'xmlns="{XMLNS}"', ':width="size"', ':height="size"', f'viewBox="{drawing.root["viewBox"]}"']
    root += [_plain(key, value) for key, value in own.items()]
    if pen:
        known.append(f"strokeWidth: {{ type: [Number, String], default: {pen} }}")
        root.append(':stroke-width="strokeWidth"')
    return (
        f"<script setup>\ndefineProps({{ {', '.join(known)} }});\n</script>\n\n"
        f"<template>\n  <svg {' '.join(root)}>\n{_lines(drawing, _plain, 4)}  </svg>\n</template>\n"
    )


def vue_index(names: Sequence[str]) -> str:
    """The module that exports all components."""
    return "".join(f'export {{ default as {component_name(n)} }} from "./{component_name(n)}.vue";\n' for n in names)


def _lines(drawing: Drawing, spell: Spell, indent: int | None) -> str:
    """The elements, one per line, or all on one line."""
    return "".join(_element(each, spell, indent) for each in drawing.elements)


def _element(element: ElementTree.Element, spell: Spell, indent: int | None) -> str:
    space, end = ("", "") if indent is None else (" " * indent, "\n")
    opening = " ".join([element.tag, *(spell(name, value) for name, value in element.attrib.items())])
    if not len(element):
        return f"{space}<{opening} />{end}" if spell is _jsx else f"{space}<{opening}/>{end}"
    inner = "".join(_element(each, spell, None if indent is None else indent + 2) for each in element)
    return f"{space}<{opening}>{end}{inner}{space}</{element.tag}>{end}"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {_plain(name, value)}" for name, value in values.items())


def _plain(name: str, value: str) -> str:
    return f'{name}="{value}"'


def _jsx(name: str, value: str) -> str:
    first, *others = name.split("-")
    return f'{first}{"".join(each.capitalize() for each in others)}="{value}"'
