"""State of the walk at one place in the tree, and the viewports of <svg>, <symbol> and <marker>."""

import math
from functools import lru_cache
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from svgfusion_lib.svg.geometry.clipping import Clip, box_clip
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style, computed
from svgfusion_lib.svg.style.transforms import Matrix
from svgfusion_lib.svg.style.values import FONT_SIZE, MAX_CACHED, Units, absolute, parse_length


class State(NamedTuple):
    """matrix: user space -> canvas. viewport: reference size for percentages, in user units. style: the element's.

    context: paints for context-fill and context-stroke.
    """

    matrix: Matrix
    viewport: tuple[float, float]
    style: Style
    opacity: float = 1.0
    clip: Clip | None = None
    depth: int = 0
    context: tuple[Any, Any] = (None, None)

    def length(self, element: Element, name: str, default: float = 0.0) -> float:
        """An attribute (not a property) that is a position or size along x or y, in user units."""
        reference = self.viewport[name in ("y", "height")]
        return self.style.attribute(element.get(name), reference, default)

    def moved(self) -> "State":
        """The state translated by the style's x and y."""
        x, y = self.style.length("x", self.viewport[0]), self.style.length("y", self.viewport[1])
        if x == 0 and y == 0:
            return self
        return self._replace(matrix=tf.multiply(self.matrix, (1.0, 0.0, 0.0, 1.0, x, y)))

    def size(self, style: Style, whole: tuple[float, float] | None = None) -> tuple[float, float]:
        """Width and height of a style; `auto` resolves to `whole`, or to the viewport."""
        width, height = (
            auto if style[name] == "auto" else style.length(name, reference)
            for name, reference, auto in zip(("width", "height"), self.viewport, whole or self.viewport)
        )
        return width, height

    @property
    def diagonal(self) -> float:
        """Normalised diagonal, the reference for percentages other than widths and heights (SVG 2, section 8.9)."""
        return math.hypot(*self.viewport) / math.sqrt(2)


def has_size(root: Element) -> bool:
    """Whether the root has a viewBox, or width and height. ValueError for an empty viewBox, or a broken one alone."""
    sized = None not in _sides(root)
    text = root.get("viewBox", "").strip()
    view_box = tf.parse_view_box(text)
    if view_box is None and text and not sized:
        raise ValueError(f"no usable viewBox ({text[:60]!r})")
    if view_box is not None and min(view_box[2:]) == 0:
        raise ValueError(f"the viewBox is empty ({text[:60]!r})")
    return sized or view_box is not None


def viewport(root: Element) -> tuple[float, float]:
    """Viewport width and height in pixels of a root with a size. ValueError if it is empty."""
    view_box = tf.parse_view_box(root.get("viewBox"))
    width, height = _sides(root)
    if width is None or height is None:
        assert view_box is not None  # the root has a size
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
    """Width and height of the drawing in user units: those of the viewBox, unless the viewport shows more."""
    width, height = viewport(root)
    view_box = tf.parse_view_box(root.get("viewBox"))
    if view_box is None:
        return width, height
    scale = min(width / view_box[2], height / view_box[3])
    return width / scale, height / scale


def root_state(root: Element, style: Style) -> State:
    """The root's state, in viewport pixels; the canvas is the square around the viewport, which clips."""
    width, height = viewport(root)
    scale = 2 / max(width, height)
    matrix = (scale, 0.0, 0.0, scale, -width * scale / 2, -height * scale / 2)
    clip = box_clip((-width * scale / 2, -height * scale / 2, width * scale / 2, height * scale / 2))
    return State(matrix, (width, height), style, clip=clip)


def fit_to_view_box(element: Element, state: State) -> State:
    """The state in the coordinates of an element's viewBox, fitted into the viewport; unchanged without a viewBox."""
    view_box = tf.parse_view_box(element.get("viewBox"))
    if view_box is None:
        return state
    fit = tf.fit_view_box(view_box, *state.viewport, element.get("preserveAspectRatio", ""))
    return state._replace(matrix=tf.multiply(state.matrix, fit), viewport=view_box[2:])


def nested_state(element: Element, state: State, width: float, height: float) -> State | None:
    """The state inside a viewport of that size at the origin; None if it paints nothing."""
    view_box = tf.parse_view_box(element.get("viewBox"))
    if tf.is_empty(width, height, view_box):
        return None
    if hides_overflow(state.style):
        state = state._replace(clip=box_in(state, (0, 0, width, height)))
    return fit_to_view_box(element, state._replace(viewport=(width, height)))


def hides_overflow(style: Style) -> bool:
    """Whether a viewport clips its content; the default comes from the browser's style sheet."""
    return style.get("overflow", "hidden") not in ("visible", "auto")


def box_in(state: State, box: tuple[float, float, float, float]) -> Clip:
    """A box in user space as a clip, intersected with the current one."""
    left, top, right, bottom = box
    corners = [tf.apply(state.matrix, x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    clip = box_clip(corners) if tf.is_axis_aligned(state.matrix) else Clip.of_polygon(corners)
    return clip if state.clip is None else state.clip.within(clip)


def _sides(root: Element) -> list[float | None]:
    """Width and height of a root in pixels; None: missing, invalid, or dependent on the embedding page."""
    texts = [root.get("width", ""), root.get("height", "")]
    size = FONT_SIZE
    if any(text[-2:] in ("em", "ex", "ch") for text in texts):
        size = computed(root, Style.initial())["font-size"]
    return [_pixels(text, size) if len(text) <= MAX_CACHED else None for text in texts]


@lru_cache(maxsize=1024)
def _pixels(text: str, font_size: float) -> float | None:
    if "%" in text or "v" in text.lower():
        return None
    value = parse_length(absolute(text.strip(), Units(font_size, font_size)), 0.0, math.nan)
    return None if math.isnan(value) else value
