"""Converts SVG gradients to the row format: on the canvas, with as few stops as look the same.

Stops outside the visible part are ignored. More than two stops are replaced by the two that fit best (least
squares over the visible part); more are kept only where the difference would be visible.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar
from xml.etree.ElementTree import Element

import numpy as np

from svgfusion_lib.svg.document import href_chain, local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.paint.stops import (
    INVISIBLE,
    RGBA,
    VISIBLE,
    fit_two_stops,
    premultiplied,
    reduce_stops,
    repeat_stops,
)
from svgfusion_lib.svg.row_format import MIN_GRADIENT, POSITION_LIMIT
from svgfusion_lib.svg.style.cascade import Style, computed, transform_of
from svgfusion_lib.svg.style.colours import BLACK, interpolate, mixes_in_oklab
from svgfusion_lib.svg.style.transforms import IDENTITY, Matrix, apply, determinant, inverse, multiply, placed
from svgfusion_lib.svg.style.values import absolute, parse_length, parse_number

Box = tuple[float, float, float, float]
SAMPLES = 48
_STEPS = np.linspace(0, 1, SAMPLES)
MAX_STOPS = 256
_CURVE_STEPS = 8       # between two stops, if the interpolation is not linear in sRGB
_PLACE = frozenset({"x1", "y1", "x2", "y2", "cx", "cy", "r", "fx", "fy", "fr"})
FAR = 25.0             # gradient lengths: everything beyond counts as one colour
_KINDS = ("linearGradient", "radialGradient")


@dataclass(frozen=True)
class Gradient:
    """A resolved gradient.

    radial: whether `geometry` [8] is that of the row format's radial or linear command, in canvas units.
    first, last: colours of the outer stops; stops: (x, y, colour) of those between; mean: colour averaged over
    the visible part; exact: no visible stop was dropped; cone: neither circle of a radial gradient contains the
    other, in which case browsers paint the cone that touches both.
    """

    radial: bool
    geometry: tuple[float, ...]
    first: RGBA
    last: RGBA
    stops: tuple[tuple[float, float, RGBA], ...]
    mean: RGBA
    exact: bool
    cone: bool = False

    def moved(self, dx: float, dy: float) -> "Gradient":
        """The gradient, translated on the canvas."""
        x0, y0, x1, y1, minor, inner, fx, fy = self.geometry
        focal = (fx + dx, fy + dy) if self.radial else (fx, fy)
        stops = tuple((x + dx, y + dy, colour) for x, y, colour in self.stops)
        return replace(self, geometry=(x0 + dx, y0 + dy, x1 + dx, y1 + dy, minor, inner, *focal), stops=stops)


@dataclass(frozen=True)
class GradientSource:
    """A gradient element with everything it inherits through href."""

    radial: bool
    attributes: dict[str, str]
    transform: Any       # from cascade.transform_of
    offsets: np.ndarray  # [S]
    colours: np.ndarray  # [S, 4]

    @property
    def needs_box(self) -> bool:
        """Whether it uses the shape's bounding box."""
        return self.attributes.get("gradientUnits") != "userSpaceOnUse"

    def single(self, opacity: float) -> RGBA | None:
        """The colour of a single-stop gradient, or None."""
        return _plain(self.colours[0] * (1, 1, 1, opacity)) if len(self.colours) == 1 else None


class GradientReader:
    """A document's gradient elements by id; each is read once."""

    def __init__(self, ids: dict[str, Element], style_at: Callable[[Element], Style]):
        """style_at(element): the style of an element's parent in the tree."""
        self.ids = ids
        self.style_at = style_at
        self.sources: dict[str, GradientSource | None] = {}

    def source(self, name: str) -> GradientSource | None:
        """The gradient with that id; None if there is none (the paint's fallback applies)."""
        if name not in self.sources:
            self.sources[name] = self._read(name)
        return self.sources[name]

    def _read(self, name: str) -> GradientSource | None:
        if name not in self.ids or local_name(self.ids[name]) not in _KINDS:
            return None
        chain = href_chain(self.ids[name], self.ids, *_KINDS)
        attributes: dict[str, str] = {}
        transform: Any = IDENTITY
        kind = local_name(chain[0])
        for element in reversed(chain):
            own = {k: v for k, v in element.attrib.items() if k not in _PLACE or local_name(element) == kind}
            if any(v[-1:].isalpha() or "(" in v for k, v in own.items() if k in _PLACE):
                units = computed(element, self.style_at(element)).units
                own |= {k: absolute(v, units) for k, v in own.items() if k in _PLACE}
            attributes |= own
            transform = transform_of(element, self.style_at, transform)
        stops = next((s for s in ([c for c in e if local_name(c) == "stop"] for e in chain) if s), [])
        if len(stops) > MAX_STOPS:
            raise ValueError(f"a gradient has more than {MAX_STOPS} stops")
        spend(sum(30 + len(e) + len(e.attrib) for e in chain) + 20 * len(stops), "gradients")
        offsets: list[float] = []
        colours: list[RGBA] = []
        if isinstance(transform, tuple) and determinant(transform) == 0:
            return None
        linear = computed(chain[0], self.style_at(chain[0]))["color-interpolation"] == "linearrgb"
        space = "srgb-linear" if linear else ""  # interpolation space, if not sRGB
        for stop in stops:
            style = computed(stop, self.style_at(stop))
            colour = style.colour(style["stop-color"]) or BLACK
            offsets.append(max([parse_offset(stop.get("offset")), *offsets[-1:]]))
            colours.append((*colour[:3], colour[3] * style["stop-opacity"]))
            if not linear and mixes_in_oklab(style["stop-color"]):
                space = "oklab"
        if space:
            offsets, colours = _through(space, offsets, colours)
        return GradientSource(
            kind == "radialGradient", attributes, transform, np.array(offsets), np.array(colours).reshape(-1, 4)
        )


def _through(space: str, offsets: list[float], colours: list[RGBA]) -> tuple[list[float], list[RGBA]]:
    """Insert stops so that linear interpolation in sRGB approximates a gradient in another colour space."""
    places, paints = offsets[:1], colours[:1]
    spend(200 * len(offsets), "gradients")
    for start, end, one, two in zip(offsets, offsets[1:], colours, colours[1:]):
        if end > start:
            shares = [k / _CURVE_STEPS for k in range(1, _CURVE_STEPS)]
            places += [start + share * (end - start) for share in shares]
            paints += interpolate(one, two, shares, space)
        places.append(end)
        paints.append(two)
    return places, paints


def parse_offset(text: str | None) -> float:
    """A number or percentage, clipped to [0, 1]; 0 if it is neither (the attribute has no calc())."""
    return min(max(parse_number(text.strip() if text and "(" not in text else None, 0.0), 0.0), 1.0)


def resolve_gradient(
    source: GradientSource, matrix: Matrix, box: Box | None, canvas_box: Box, viewport: tuple[float, float],
    opacity: float,
) -> Gradient | RGBA | None:
    """Resolve a gradient for a shape: a gradient, a plain colour if it shows only one, or None for nothing.

    matrix: user space -> canvas. box: the shape's non-empty bounding box in user space, if the gradient needs it;
    canvas_box: the painted area on the canvas, stroke included. viewport: for percentages. opacity multiplies alphas.
    """
    if len(source.offsets) == 0:
        return None
    colours = source.colours * (1, 1, 1, opacity)
    get = source.attributes.get
    if not source.needs_box:
        width, height = viewport
    else:
        width = height = 1.0
        assert box is not None  # the gradient needs one
        left, top, right, bottom = box
        matrix = multiply(matrix, (right - left, 0, 0, bottom - top, left, top))
    if source.transform is not IDENTITY:
        matrix = multiply(matrix, placed(source.transform, viewport))
    if source.radial:
        place = _radial_place(get, width, height, matrix)
    else:
        place = _linear_place(get, width, height, matrix)
    if place is None or len(colours) == 1:  # no gradient vector: the last stop's colour
        return _plain(colours[-1])
    spend(500, "gradients")
    low, high = place.visible(canvas_box)
    edge = isinstance(place, _Radial) and any(place.focal) and get("spreadMethod") not in ("reflect", "repeat")
    if edge and low < 1 and high > FAR:
        high = 2.0  # far away, only the last colour is visible
    offsets = source.offsets
    if place.turned:
        offsets, colours = 1 - offsets[::-1], colours[::-1]
    offsets, colours, whole = repeat_stops(offsets, colours, get("spreadMethod", "pad"), low, high)
    t = low + (high - low) * _STEPS
    weights = np.maximum(t, 0) + 1e-3 if source.radial else np.ones(SAMPLES)
    seen = np.stack([np.interp(t, offsets, colours[:, i]) for i in range(4)], axis=1)  # [T, 4]
    alpha = (seen[:, 3] * weights).sum() / weights.sum()
    if alpha < 1 / 255:
        return None
    shares = (weights * (seen[:, 3] + 1e-9))[:, None]                                         # [T, 1]
    mean = (*((seen[:, :3] * shares).sum(0) / shares.sum(0)).tolist(), float(alpha))
    if np.ptp(premultiplied(seen), axis=0).max() < INVISIBLE:
        return mean
    spend(4 * len(offsets), "gradients")
    step = 2 * MIN_GRADIENT / place.length()
    if len(offsets) == 2 and offsets[1] - offsets[0] > step:
        (t0, t1), (first, last), error = offsets.tolist(), colours.tolist(), 0.0
    else:
        spend(1500, "gradients")
        t0, t1, first, last, error = fit_two_stops(offsets, t, seen, weights, step)
    stops: tuple = ()
    if error >= VISIBLE:
        (t0, *between, t1), (first, *colours, last), error = reduce_stops(offsets, colours, low, high, step)
        stops = tuple((*place.point(at, t1), tuple(colour)) for at, colour in zip(between, colours))
    geometry = place.geometry(t0, t1)
    if not stops and np.abs(geometry).max() > POSITION_LIMIT:  # no need to exceed the visible part
        ends = (min(max(t0, low), high - step), max(min(t1, high), low + step))
        shares = [(end - t0) / (t1 - t0) for end in ends]
        first, last = (tuple(a + share * (b - a) for a, b in zip(first, last)) for share in shares)
        geometry = place.geometry(*ends)
    if not has_direction(np.array(geometry, dtype=np.float32), source.radial):  # in the precision of rows
        return mean
    exact = whole and error < INVISIBLE
    return Gradient(source.radial, geometry, tuple(first), tuple(last), stops, mean, exact, place.cone)


def _plain(colour: np.ndarray) -> RGBA | None:
    return tuple(colour.tolist()) if colour[3] > 0 else None


@dataclass(frozen=True)
class _Linear:
    start: tuple[float, float]
    vector: tuple[float, float]
    turned: ClassVar[bool] = False
    cone: ClassVar[bool] = False

    def visible(self, box: Box) -> tuple[float, float]:
        (x, y), (dx, dy) = self.start, self.vector
        size = dx * dx + dy * dy
        t = [((px - x) * dx + (py - y) * dy) / size for px in box[::2] for py in box[1::2]]
        return min(t), max(max(t), min(t) + 1e-6)

    def length(self) -> float:
        """Length on the canvas from t = 0 to 1."""
        return math.hypot(*self.vector)

    def point(self, t: float, t1: float) -> tuple[float, float]:
        """Position of the stop at t on the canvas; the last stop is at t1."""
        return self.start[0] + t * self.vector[0], self.start[1] + t * self.vector[1]

    def geometry(self, t0: float, t1: float) -> tuple[float, ...]:
        (x, y), (dx, dy) = self.start, self.vector
        return (x + t0 * dx, y + t0 * dy, x + t1 * dx, y + t1 * dy, 0.0, 0.0, 0.0, 0.0)


def _linear_place(get, width: float, height: float, m: Matrix) -> _Linear | None:
    x1, y1 = parse_length(get("x1"), width), parse_length(get("y1"), height)
    x2, y2 = parse_length(get("x2"), width, width), parse_length(get("y2"), height)
    start, end = apply(m, x1, y1), apply(m, x2, y2)
    # lines of equal colour are perpendicular to the vector in user space, but not always on the canvas
    nx, ny = m[0] * (y1 - y2) + m[2] * (x2 - x1), m[1] * (y1 - y2) + m[3] * (x2 - x1)
    dx, dy = end[0] - start[0], end[1] - start[1]
    size = nx * nx + ny * ny
    if size < 1e-18 or dx * dx + dy * dy < 1e-18:
        return None
    along = (dx * nx + dy * ny) / size
    dx, dy = dx - along * nx, dy - along * ny
    return _Linear(start, (dx, dy)) if dx * dx + dy * dy > 1e-12 else None


@dataclass(frozen=True)
class _Radial:
    """Unit circle -> canvas by `matrix`; t runs from radius `inner` to 1.

    focal: point where the radius would be 0, in unit circle coordinates.

    turned: the file's first stop is the outer one. cone: neither circle contains the other.
    """

    matrix: Matrix
    inner: float
    focal: tuple[float, float]
    turned: bool = False
    cone: bool = False

    @cached_property
    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Axis directions on the canvas as columns [2, 2], and axis lengths [2], the longer first."""
        a, b, c, d, *_ = self.matrix
        directions, sizes, _ = np.linalg.svd(np.array([[a, c], [b, d]]))
        return directions, sizes

    def visible(self, box: Box) -> tuple[float, float]:
        *_, e, f = self.matrix
        to_circle = inverse(self.matrix)
        far = max(math.hypot(*apply(to_circle, x, y)) for x in box[::2] for y in box[1::2])
        inside = box[0] <= e <= box[2] and box[1] <= f <= box[3]
        near = 0.0
        if not inside:  # lower bound: distance to the box over the longest axis
            away = math.hypot(max(box[0] - e, 0, e - box[2]), max(box[1] - f, 0, f - box[3]))
            near = away / max(float(self.axes[1][0]), 1e-9)
        if any(self.focal):
            near, far = 0.0, max(far, 1.0)
        away, width = math.hypot(*self.focal), max(1 - self.inner, 1e-6)
        low = (near - self.inner) / width
        high = max(((far - side) / max(1 - side, 1e-6) - self.inner) / width for side in (away, -away))  # upper bound
        return max(low, 0.0), max(high, low + 1e-6, 1e-6)

    def length(self) -> float:
        """Length on the canvas from t = 0 to 1, along the major axis."""
        return (1 - self.inner) * float(self.axes[1][0])

    def point(self, t: float, t1: float) -> tuple[float, float]:
        """Position of the stop at t, on the major axis of the circle at t1."""
        x, y, axis_x, axis_y, *_ = self.geometry(0.0, t1)
        share = (self.inner + t * (1 - self.inner)) / (self.inner + t1 * (1 - self.inner))
        return x + share * (axis_x - x), y + share * (axis_y - y)

    def geometry(self, t0: float, t1: float) -> tuple[float, ...]:
        fx, fy = self.focal
        outer = self.inner + t1 * (1 - self.inner)
        first = self.inner + t0 * (1 - self.inner)
        centre = fx * (1 - outer), fy * (1 - outer)  # centre of the circle at t1
        x, y = apply(self.matrix, *centre)
        axes, sizes = self.axes
        major, minor = sizes * outer
        axis = axes[:, 0] * major
        if major - minor < 1e-4 * major or (axis[0], axis[1]) < (0, 0):
            axis = (major, 0.0) if major - minor < 1e-4 * major else -axis
        return (
            x, y, x + float(axis[0]), y + float(axis[1]), float(minor), float(min(max(first, 0) * sizes[0], major)),
            *apply(self.matrix, fx, fy),
        )


def _radial_place(get, width: float, height: float, m: Matrix) -> _Radial | None:
    diagonal = math.hypot(width, height) / math.sqrt(2)
    cx, cy = parse_length(get("cx"), width, width / 2), parse_length(get("cy"), height, height / 2)
    r = parse_length(get("r"), diagonal, diagonal / 2)
    fx, fy = parse_length(get("fx"), width, cx), parse_length(get("fy"), height, cy)
    fr = parse_length(get("fr"), diagonal, 0.0)
    if r <= 0 or abs(determinant(m)) < 1e-12:
        return None
    turned = math.hypot(fx - cx, fy - cy) + r < fr
    if turned:
        (cx, cy, r), (fx, fy, fr) = (fx, fy, fr), (cx, cy, r)
    focal = (fx - cx) / r, (fy - cy) / r
    distance, inner = math.hypot(*focal), min(max(fr / r, 0.0), 0.99)
    focal, distance = (focal[0] / (1 - inner), focal[1] / (1 - inner)), distance / (1 - inner)  # where the radius is 0
    cone = distance > 1 + 1e-9
    if distance > 0.99:
        focal = focal[0] * 0.99 / distance, focal[1] * 0.99 / distance
    elif distance < 1e-3:
        focal = (0.0, 0.0)
    return _Radial(multiply(m, (r, 0, 0, r, cx, cy)), inner, focal, turned, cone)


def has_direction(geometry: np.ndarray, radial: np.ndarray | bool) -> np.ndarray:
    """Whether gradients with geometry columns [..., 8] have distinct end stops and, if radial, an area."""
    along = np.abs(geometry[..., 2:4] - geometry[..., :2]).max(-1) > MIN_GRADIENT
    return along & (~np.asarray(radial) | (geometry[..., 4] > MIN_GRADIENT))
