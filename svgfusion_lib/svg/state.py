"""What an element inherits while the tree is walked, and the viewports that <svg> and <symbol> open."""

import math
from typing import NamedTuple
from xml.etree.ElementTree import Element

from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.clipping import Clip, box_clip
from svgfusion_lib.svg.styles import own_properties
from svgfusion_lib.svg.transforms import Matrix
from svgfusion_lib.svg.values import FONT_SIZE, parse_length


class State(NamedTuple):
    """matrix: user space -> canvas. viewport: size that percentages refer to, in user units."""

    matrix: Matrix
    viewport: tuple[float, float]
    style: dict[str, str]
    opacity: float = 1.0
    clip: Clip | None = None
    depth: int = 0

    def length(self, element: Element, name: str, default: float = 0.0) -> float:
        """An attribute that is a position or size along x or y, in user units."""
        reference = self.viewport[name in ("y", "height")]
        return parse_length(element.get(name), reference, default)

    def moved(self, element: Element) -> "State":
        """With the origin at the element's x and y."""
        x, y = self.length(element, "x"), self.length(element, "y")
        if x == 0 and y == 0:
            return self
        return self._replace(matrix=tf.multiply(self.matrix, (1.0, 0.0, 0.0, 1.0, x, y)))

    @property
    def font_size(self) -> float:
        """In pixels; for the units em and ex."""
        return parse_length(self.style.get("font-size"), FONT_SIZE, FONT_SIZE)

    @property
    def diagonal(self) -> float:
        """What percentages of lengths that are neither widths nor heights refer to (SVG 2, section 8.9)."""
        return math.hypot(*self.viewport) / math.sqrt(2)


def says_its_size(root: Element) -> bool:
    """Whether the root has a viewBox, or a width and a height. ValueError if the viewBox is broken or empty."""
    sized = all(_absolute(root.get(name)) is not None for name in ("width", "height"))
    return sized or tf.parse_view_box(root.get("viewBox")) is not None


def viewport(root: Element) -> tuple[float, float]:
    """Width and height in pixels of the viewport of a root that says its size. ValueError if it is empty."""
    view_box = tf.parse_view_box(root.get("viewBox"))
    width, height = (_absolute(root.get(name)) for name in ("width", "height"))
    if width is None or height is None:
        assert view_box is not None  # the root says its size
        if width is not None:
            height = width * view_box[3] / view_box[2]
        elif height is not None:
            width = height * view_box[2] / view_box[3]
        else:
            width, height = view_box[2:]
    if width <= 0 or height <= 0:
        raise ValueError(f"the viewport is empty ({width:g} x {height:g})")
    return width, height


def viewport_size(root: Element) -> tuple[float, float]:
    """Width and height of the drawing in user units: of the viewBox, unless the viewport shows more than that."""
    width, height = viewport(root)
    view_box = tf.parse_view_box(root.get("viewBox"))
    if view_box is None:
        return width, height
    scale = min(width / view_box[2], height / view_box[3])
    return width / scale, height / scale


def root_state(root: Element) -> State:
    """The canvas is the square around the viewport, which the viewBox is fitted into."""
    width, height = viewport(root)
    scale = 2 / max(width, height)
    matrix = (scale, 0.0, 0.0, scale, -width * scale / 2, -height * scale / 2)
    clip = box_clip((-width * scale / 2, -height * scale / 2, width * scale / 2, height * scale / 2))
    view_box = tf.parse_view_box(root.get("viewBox"))
    if view_box is not None:
        fit = tf.fit_view_box(view_box, width, height, root.get("preserveAspectRatio", ""))
        matrix = tf.multiply(matrix, fit)
        width, height = view_box[2:]
    return State(matrix, (width, height), {}, clip=clip)


def nested_state(element: Element, state: State, width: float, height: float) -> State | None:
    """The state inside a nested <svg> or a used <symbol> of that size; None if nothing of it is painted."""
    if width <= 0 or height <= 0:
        return None
    if own_properties(element).get("overflow", "hidden") not in ("visible", "auto"):
        state = state._replace(clip=_box_in(state, (0, 0, width, height)))
    view_box = tf.parse_view_box(element.get("viewBox"))
    if view_box is None:
        return state._replace(viewport=(width, height))
    fit = tf.fit_view_box(view_box, width, height, element.get("preserveAspectRatio", ""))
    return state._replace(matrix=tf.multiply(state.matrix, fit), viewport=view_box[2:])


def _box_in(state: State, box: tuple[float, float, float, float]) -> Clip:
    """A box in user space as a clip, within the one there is."""
    left, top, right, bottom = box
    corners = [tf.apply(state.matrix, x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    clip = box_clip(corners) if tf.is_axis_aligned(state.matrix) else Clip.of_polygon(corners)
    return clip if state.clip is None else state.clip.within(clip)


def _absolute(text: str | None) -> float | None:
    """A root's width or height in pixels; None if it is missing, a percentage or no length."""
    if text is None or text.strip().endswith("%"):
        return None
    value = parse_length(text, 0.0, math.nan)
    return None if math.isnan(value) else value
