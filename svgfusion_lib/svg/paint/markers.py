"""Markers: vertices of a path, their directions, and the coordinate system of a marker (SVG 2, 13.7)."""

import math
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

import numpy as np

from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.geometry.paths import CLOSE, CUBIC, MOVE, Path
from svgfusion_lib.svg.state import State, box_in, hides_overflow
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style
from svgfusion_lib.svg.style.values import parse_angle, parse_number

START, MID, END = range(3)
Place = tuple[int, tuple[float, float], float]  # START, MID or END; vertex; direction in degrees


def marker_places(path: Path, wanted: Sequence[bool]) -> Iterator[Place]:
    """The vertices that get a marker of a wanted kind, in order, over all sub-paths."""
    vertices, arriving, leaving = _vertices(path)
    last = len(vertices) - 1
    spend(10 * len(path), "markers")
    for i, vertex in enumerate(vertices.tolist()):
        for kind, here in ((START, i == 0), (MID, 0 < i < last), (END, i == last)):
            if here and wanted[kind]:
                yield kind, (vertex[0], vertex[1]), _direction(arriving[i], leaving[i])


def _vertices(path: Path) -> tuple[np.ndarray, list, list]:
    """Vertices [K, 2] with the directions in which the path arrives and leaves; None for no direction."""
    if len(path) == 0:
        return _with_lone(path, path.points[:, 2], [], [])
    starts, ends = path.starts(), path.points[:, 2]
    tangents: list[tuple | None] = []  # of each segment, at its start and end
    for code, start, (first, second, end) in zip(path.codes.tolist(), starts, path.points):
        points = [start, first, second, end] if code == CUBIC else [start, end]
        out = next((p - start for p in points[1:] if np.abs(p - start).max() > 1e-9), None)
        into = next((end - p for p in points[-2::-1] if np.abs(end - p).max() > 1e-9), None)
        tangents.append(None if code == MOVE else (out, into))
    count = len(path)
    arriving: list = [None if t is None else t[1] for t in tangents]
    leaving: list = [
        tangents[i + 1][0] if i + 1 < count and tangents[i + 1] is not None else None for i in range(count)  # type: ignore[index]
    ]
    moves = np.flatnonzero(path.codes == MOVE)
    for begin, after in zip(moves, [*moves[1:], count]):
        if path.codes[after - 1] == CLOSE and after - begin > 1:  # both ends are the same vertex
            arriving[begin], leaving[after - 1] = arriving[after - 1], leaving[begin]
            if arriving[after - 1] is None:
                arriving[after - 1] = arriving[after - 2]
    return _with_lone(path, ends, arriving, leaving)


def _with_lone(path: Path, ends: np.ndarray, arriving: list, leaving: list) -> tuple[np.ndarray, list, list]:
    """Add vertices for moves without segments; they point away from the previous vertex, as in browsers."""
    for shift, (index, x, y) in enumerate(path.isolated_moves):
        at = index + shift
        ends = np.insert(ends, at, (x, y), axis=0)
        before = ends[at - 1] if at else np.zeros(2)
        arriving.insert(at, ends[at] - before if (ends[at] != before).any() else None)
        leaving.insert(at, None)
    return ends, arriving, leaving


def _direction(arriving: np.ndarray | None, leaving: np.ndarray | None) -> float:
    """Angle in degrees of the bisector of two directions, or of the only one; 0 without any."""
    angles = [math.atan2(v[1], v[0]) for v in (arriving, leaving) if v is not None]
    if len(angles) == 2 and abs(angles[1] - angles[0]) > math.pi:
        angles[1] += 2 * math.pi if angles[1] < angles[0] else -2 * math.pi
    return math.degrees(sum(angles) / len(angles)) if angles else 0.0


def marker_state(
    marker: Element, style: Style, state: State, stroke: float, vertex: tuple[float, float], direction: float,
    at_start: bool,
) -> State | None:
    """The state inside a marker at a vertex of a shape; None if the marker has no size.

    state, stroke: of the shape; stroke width as drawn, in user units.
    """
    width = style.attribute(marker.get("markerWidth"), state.viewport[0], 3.0)
    height = style.attribute(marker.get("markerHeight"), state.viewport[1], 3.0)
    scale = 1.0 if marker.get("markerUnits") == "userSpaceOnUse" else stroke
    view_box = tf.parse_view_box(marker.get("viewBox"))
    if scale <= 0 or tf.is_empty(width, height, view_box):
        return None
    turn = _turn(marker.get("orient", "0").strip(), direction, at_start)
    cosine, sine = scale * math.cos(math.radians(turn)), scale * math.sin(math.radians(turn))
    matrix = tf.multiply(state.matrix, (cosine, sine, -sine, cosine, *vertex))
    fit, size = tf.IDENTITY, (width, height)
    if view_box is not None:
        fit, size = tf.fit_view_box(view_box, width, height, marker.get("preserveAspectRatio", "")), view_box[2:]
    # as in browsers, percentages refer to the shape's viewport, and keywords are not supported
    x, y = (style.attribute(marker.get(name), whole) for name, whole in zip(("refX", "refY"), state.viewport))
    x, y = tf.apply(fit, x, y)
    matrix = tf.multiply(matrix, (1, 0, 0, 1, -x, -y))
    inside = State(matrix, size, style, state.opacity, state.clip, state.depth + 1, state.context)
    if hides_overflow(style):
        inside = inside._replace(clip=box_in(inside, (0, 0, width, height)))
    return inside._replace(matrix=tf.multiply(inside.matrix, fit))


def _turn(orient: str, direction: float, at_start: bool) -> float:
    if orient == "auto" or (orient == "auto-start-reverse" and not at_start):
        return direction
    if orient == "auto-start-reverse":
        return direction + 180
    angle = parse_angle(orient, css=True)
    return parse_number(orient, 0.0) if angle is None else angle
