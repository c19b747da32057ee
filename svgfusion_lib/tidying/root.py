"""What rows do not hold of a file: comments before it, its size on a page, names, class, data and currentColor.

Only attributes of an allow list are kept, if their values match a pattern.
"""

import re
from collections.abc import Sequence
from html import escape
from xml.etree import ElementTree

import numpy as np

from svgfusion_lib.svg.document import local_name
from svgfusion_lib.utils.hybrid_utils import has_gradients, is_drawn, paints_fill, paints_stroke
from svgfusion_lib.utils.svg_parser import parse_svg

_LENGTH = re.compile(r"(?:\d+\.?|\d*\.\d+)(?:px|em|rem|ex|ch|pt|pc|mm|cm|in|%)?", re.ASCII)
_ID = re.compile(r"(?!layer-|gradient-)[A-Za-z][\w-]*", re.ASCII)
_KEPT = {  # name of an attribute -> value
    re.compile(r"class"): re.compile(r"[\w.:/\[\]%!@# -]+"), re.compile(r"role"): re.compile(r"[a-z][a-z -]*"),
    re.compile(r"aria-[a-z]+"): re.compile(r"[^\x00-\x1f\x7f]+"), re.compile(r"id"): _ID,
    re.compile(r"data-[\w.-]+", re.ASCII): re.compile(r"[\w.,# -]*"),  # words: no address, no code
    re.compile(r"focusable"): re.compile(r"true|false|auto"),
    re.compile(r"preserveAspectRatio"): re.compile(r"(?:none|x(?:Min|Mid|Max)Y(?:Min|Mid|Max))(?: meet| slice)?"),
}
_WRITTEN_SIZE = re.compile(r' width="[^"]*" height="[^"]*"')
_BLACK = re.compile(r'(?<= )(fill|stroke)="#000"')
_STYLED_SIZE = re.compile(r"(?<![\w-])(width|height)\s*:", re.ASCII)
_PROBE = (18, 52, 86)  # a colour that drawings do not have


def with_root_of(text: str, root: ElementTree.Element, comments: Sequence[str] = ()) -> str:
    """SVG text from our writer, with attributes (_KEPT), size, <title> and <desc> of the file's root element.

    If currentColor is the file's only paint, it stays. comments: those before the root, in order.
    """
    if _is_current_colour(root):
        text = _BLACK.sub(r'\1="currentColor"', text)
    head, content = text.split("\n", 1)
    size: dict[str, str] = {name: root.get(name, "").strip() for name in ("width", "height") if name in root.attrib}
    if all(_LENGTH.fullmatch(value) for value in size.values()) and not _STYLED_SIZE.search(root.get("style", "")):
        head = _WRITTEN_SIZE.sub(_attributes(size), head, count=1)
    spaced = {name: " ".join(value.split()) for name, value in root.attrib.items()}
    kept = {
        name: value for name, value in spaced.items()
        if any(key.fullmatch(name) and pattern.fullmatch(value) for key, pattern in _KEPT.items())
    }
    said = "".join(f"<!-- {comment.strip()} -->\n" for comment in comments)  # a space: HTML ends a comment at `<!-->`
    return f"{said}{head.removesuffix('>')}{_attributes(kept)}>\n{_descriptions(root)}{content}"


def _descriptions(root: ElementTree.Element) -> str:
    """The root's title and description, as lines."""
    lines = []
    for tag in ("title", "desc"):
        element = next((child for child in root if local_name(child) == tag), None)
        said = " ".join("".join(element.itertext()).split()) if element is not None else ""
        if element is not None and said:
            own = {"id": element.get("id", "")} if _ID.fullmatch(element.get("id", "")) else {}
            lines.append(f"  <{tag}{_attributes(own)}>{escape(said)}</{tag}>\n")
    return "".join(lines)


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


def _is_current_colour(root: ElementTree.Element) -> bool:
    """Whether everything is painted in the colour of the surrounding text: another such colour changes every paint."""
    text = ElementTree.tostring(root, encoding="unicode")
    if "currentcolor" not in text.lower() or "color" in root.attrib:
        return False
    probe = ElementTree.fromstring(text)
    probe.set("color", "#{:02x}{:02x}{:02x}".format(*_PROBE))
    try:
        rows = parse_svg(ElementTree.tostring(probe, encoding="unicode")).rows
    except ValueError:
        return False
    drawn = rows[is_drawn(rows)]
    if has_gradients(rows):
        return False
    paints = np.concatenate([drawn[paints_fill(drawn.T), 10:13], drawn[paints_stroke(drawn.T), 14:17]])  # [K, 3]
    return bool(len(paints) and np.allclose(paints * 255, _PROBE, atol=0.5))
