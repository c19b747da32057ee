"""Fill and stroke of an element: colours, gradients, widths."""

from collections import Counter
from xml.etree.ElementTree import Element

from svgfusion_lib.svg.document import local_name
from svgfusion_lib.svg.gradients import RGBA, GradientReader
from svgfusion_lib.svg.state import State
from svgfusion_lib.svg.values import parse_colour, parse_length, parse_opacity, parse_url
from svgfusion_lib.utils import row_format as rf


class PaintReader:
    """Reads paints of a document; gradients come as their source, to be resolved when the shape's box is known."""

    def __init__(self, ids: dict[str, Element], unsupported: Counter):
        self.ids = ids
        self.unsupported = unsupported
        self.gradients = GradientReader(ids)

    def paint(self, name: str, style: dict[str, str], opacity: float):
        """`fill` or `stroke`: RGBA, a gradient's source with its opacity, or None for nothing."""
        text = style.get(name)
        if text is None:
            if name == "stroke":
                return None
            text = "black"
        text = text.strip()
        if text == "none":
            return None
        opacity *= parse_opacity(style.get(f"{name}-opacity"))
        if opacity <= 0:
            return None
        colour = parse_colour(text)
        if colour is None:
            reference = parse_url(text)
            if reference is None:  # context-fill and the like
                return None
            source = self.gradients.source(reference[0])
            if source is not None:
                return source, opacity
            target = self.ids.get(reference[0])
            if target is not None and local_name(target) == "pattern":
                self.unsupported["pattern"] += 1
            elif not reference[0]:
                self.unsupported["external paint"] += 1
            colour = parse_colour(reference[1]) if reference[1] else None
        if colour == "currentcolor":
            colour = parse_colour(style.get("color", "black"))
            if isinstance(colour, str):
                colour = (0.0, 0.0, 0.0, 1.0)
        if colour is None or colour[3] <= 0:
            return None
        return rgba(colour, opacity)


def rgba(colour: RGBA, opacity: float) -> RGBA:
    return (*colour[:3], colour[3] * opacity)


def stroke_width(style: dict[str, str], state: State) -> float:
    """In user units; 0 where no stroke is painted."""
    text = style.get("stroke-width")
    if text is None:
        return 1.0
    font_size = parse_length(style.get("font-size"), 16.0, 16.0)
    return max(0.0, parse_length(text, state.diagonal, 1.0, font_size))


def line_style(style: dict[str, str]) -> tuple[str, str, float]:
    """(cap, join, miter limit); values that mean nothing are the initial ones."""
    cap, join = style.get("stroke-linecap", "butt").strip(), style.get("stroke-linejoin", "miter").strip()
    limit = parse_length(style.get("stroke-miterlimit"), 1.0, 4.0)
    return (
        cap if cap in rf.CAPS else "butt",
        join if join in rf.JOINS else "miter",  # arcs and miter-clip fall back to it (SVG 2, section 13.5.5)
        limit if limit >= 1 else 4.0,
    )


def dashes(style: dict[str, str]) -> bool:
    """Whether a stroke is dashed."""
    text = style.get("stroke-dasharray", "none").strip()
    return text not in ("none", "") and any(ch in "123456789" for ch in text)
