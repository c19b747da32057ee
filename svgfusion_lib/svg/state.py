"""What an element inherits while the tree is walked, and the viewports that <svg> and <symbol> open."""

import math
from typing import NamedTuple
from xml.etree.ElementTree import Element

from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.clipping import Clip, box_clip
from svgfusion_lib.svg.transforms import Matrix
from svgfusion_lib.svg.values import parse_length


class State(NamedTuple):
    """matrix: user space -> canvas. viewport: size that percentages refer to, in user units."""

    matrix: Matrix
    viewport: tuple[float, float]
    style: dict[str, str]
    opacity: float = 1.0
    clip: Clip | None = None
    depth: int = 0

    @property
    def diagonal(self) -> float:
        """What percentages of lengths that are neither widths nor heights refer to (SVG 2, section 8.9)."""
        return math.hypot(*self.viewport) / math.sqrt(2)


def root_state(root: Element) -> State:
    """The canvas is the square around the viewport, which the viewBox is fitted into.

    Raises ValueError if the root says nothing usable of its size.
    """
    view_box = tf.parse_view_box(root.get("viewBox"))
    width, height = (_absolute(root.get(name)) for name in ("width", "height"))
    if view_box is None and (width is None or height is None):
        raise ValueError("no usable viewBox, nor width and height")
    if view_box is not None and (width is None or height is None):
        ratio = view_box[2] / view_box[3]
        if width is None and height is None:
            width, height = view_box[2:]
        elif width is None:
            width = height * ratio
        else:
            height = width / ratio
    if width <= 0 or height <= 0:
        raise ValueError(f"the viewport is empty ({width:g} x {height:g})")
    scale = 2 / max(width, height)
    matrix = (scale, 0.0, 0.0, scale, -width * scale / 2, -height * scale / 2)
    clip = box_clip((-width * scale / 2, -height * scale / 2, width * scale / 2, height * scale / 2))
    if view_box is not None:
        fit = tf.fit_view_box(view_box, width, height, root.get("preserveAspectRatio", ""))
        matrix = tf.multiply(matrix, fit)
        width, height = view_box[2:]
    return State(matrix, (width, height), {}, clip=clip)


def nested_state(element: Element, state: State, width: float, height: float) -> State | None:
    """The state inside a nested <svg> or a used <symbol> of that size; None if nothing of it is painted."""
    if width <= 0 or height <= 0:
        return None
    if element.get("overflow", "hidden") not in ("visible", "auto"):
        state = state._replace(clip=_box_in(state, (0, 0, width, height)))
    view_box = tf.parse_view_box(element.get("viewBox"))
    if view_box is None:
        return state._replace(viewport=(width, height))
    fit = tf.fit_view_box(view_box, width, height, element.get("preserveAspectRatio", ""))
    return state._replace(matrix=tf.multiply(state.matrix, fit), viewport=view_box[2:])


def _box_in(state: State, box: tuple[float, float, float, float]) -> Clip:
    """A box in user space as a clip, within the one there is."""
    corners = [tf.apply(state.matrix, x, y) for x, y in ((box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3]))]
    clip = box_clip(corners) if tf.is_axis_aligned(state.matrix) else Clip.of_polygon(corners)
    return clip if state.clip is None else state.clip.within(clip)


def _absolute(text: str | None) -> float | None:
    """A root's width or height in pixels; None if it is missing, a percentage or no length."""
    if text is None or text.strip().endswith("%"):
        return None
    value = parse_length(text, 0.0, math.nan)
    return None if math.isnan(value) else value
