"""Rows as curves: the outline of every sub-path and primitive, as points along it.

Everything is in the unit of the rows' canvas (2 wide), float64.
"""

import math
from dataclasses import dataclass

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import circle_through, points_at
from svgfusion_lib.utils.hybrid_utils import paints_stroke

ARC_STEP = math.radians(5)    # between the points of an arc
CUBIC_POINTS = 17             # of a cubic, its ends included
_T = np.linspace(0, 1, CUBIC_POINTS)[:, None]
_BERNSTEIN = np.concatenate([(1 - _T) ** 3, 3 * (1 - _T) ** 2 * _T, 3 * (1 - _T) * _T**2, _T**3], axis=1)  # [17, 4]


@dataclass(frozen=True)
class Outline:
    """A sub-path or a primitive. points [P, 2]: along it; corners [K, 2]: where its segments meet, ends included."""

    rows: slice
    element: int      # rf.PATH, rf.RECT, rf.CIRCLE or rf.ELLIPSE
    stroked: bool
    closed: bool      # it is a primitive, ends with a close, or is a path without a stroke, which closes by itself
    points: np.ndarray
    corners: np.ndarray


def arc_points(points: np.ndarray) -> np.ndarray:
    """Points [P, 2] along one arc (start, middle, end [3, 2]), at most ARC_STEP apart, its ends exact."""
    start, middle, end = points[:, None]  # [1, 2] each
    centre, radius, sweep = circle_through(start, middle, end)
    if not np.isfinite(radius[0]):
        return points
    count = max(3, math.ceil(abs(sweep[0]) / ARC_STEP) + 1)
    found = points_at(np.repeat(start, count, axis=0), centre, np.repeat(sweep, count), np.linspace(0, 1, count))
    found[-1] = points[2]
    return found


def outlines(rows: np.ndarray) -> list[Outline]:
    """The outlines of valid rows [L, 22], in paint order; gradients have none."""
    geometry = rows[:, rf.GEOMETRY].astype(np.float64)
    element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    on_path = element == rf.PATH
    curves = np.zeros(len(rows), dtype=int)
    cubics = np.flatnonzero(on_path & (command == rf.CUBIC))
    curves[cubics] = np.arange(len(cubics))
    bent = np.einsum("pc,kcd->kpd", _BERNSTEIN, geometry[cubics].reshape(-1, 4, 2))  # [K, 17, 2]
    begins = (element > rf.EOS) & (~on_path | (command == rf.MOVE) | (command == rf.SUBMOVE))
    starts = np.flatnonzero(begins)
    stops = np.append(starts[1:], len(rows) - 1)
    found = []
    for first, stop in zip(starts.tolist(), stops.tolist()):
        kind = int(element[first])
        if kind in rf.GRADIENTS:
            continue
        while stop > first + 1 and element[stop - 1] != kind:  # <EOS>, or gradients of what follows
            stop -= 1
        stroked = bool(paints_stroke(rows[first]))
        if kind != rf.PATH:
            points = _primitive_points(kind, geometry[first])
            found.append(Outline(slice(first, stop), kind, stroked, True, points, points[:0]))
            continue
        pieces = [geometry[first, None, rf.END_POINT]]
        for i in range(first + 1, stop):
            if command[i] == rf.CUBIC:
                pieces.append(bent[curves[i], 1:])
            elif command[i] == rf.ARC:
                pieces.append(arc_points(geometry[i].reshape(4, 2)[[0, 1, 3]])[1:])
            else:
                pieces.append(geometry[i, None, rf.END_POINT])
        points = np.concatenate(pieces)
        if not stroked:  # it closes by itself
            points = np.concatenate([points, points[:1]])
        closed = bool(command[stop - 1] == rf.CLOSE) or not stroked
        corners = geometry[first:stop, rf.END_POINT]
        found.append(Outline(slice(first, stop), kind, stroked, closed, points, corners))
    return found


def _primitive_points(kind: int, geometry: np.ndarray) -> np.ndarray:
    """Points [P, 2] around a rect, circle or ellipse of geometry columns [8]."""
    x, y, width, height, rx, ry = geometry[:6]
    turn = np.arange(0, math.tau + ARC_STEP / 2, ARC_STEP)  # [P]
    if kind == rf.CIRCLE:
        height = width
    if kind != rf.RECT:
        return np.stack([x + width * np.cos(turn), y + height * np.sin(turn)], axis=1)
    rx, ry = min(rx, width / 2), min(ry, height / 2)
    quarter = np.linspace(0, math.pi / 2, 19 if rx > 0 and ry > 0 else 1)
    corners = [
        (x + width - rx, y + ry, -math.pi / 2), (x + width - rx, y + height - ry, 0.0),
        (x + rx, y + height - ry, math.pi / 2), (x + rx, y + ry, math.pi),
    ]
    points = [
        np.stack([cx + rx * np.cos(begin + quarter), cy + ry * np.sin(begin + quarter)], axis=1)
        for cx, cy, begin in corners
    ]
    return np.concatenate([*points, points[0][:1]])


@dataclass(frozen=True)
class Ends:
    """Ends of open strokes near another stroke: outline, whether it is the last point, gap, where the other is nearest.

    outline, other [E]: numbers of outlines; last [E]: bool; point, place [E, 2]; gap [E].
    """

    outline: np.ndarray
    last: np.ndarray
    point: np.ndarray
    other: np.ndarray
    place: np.ndarray
    gap: np.ndarray


def ends_near_strokes(found: list[Outline], reach: float, least: float) -> Ends:
    """The ends of open strokes within `reach` of another stroke; a stroke whose ends are within `least` is no open one."""
    strokes = [(k, o) for k, o in enumerate(found) if o.stroked]
    open_ = [(k, o) for k, o in strokes if is_open(o, least)]
    outline = np.repeat(np.array([k for k, _ in open_], dtype=int), 2)  # [E]
    point = np.array([p for _, o in open_ for p in (o.points[0], o.points[-1])]).reshape(-1, 2)  # [E, 2]
    gap, other, place = np.full(len(outline), np.inf), np.full(len(outline), -1), point.copy()
    for k, stroke in strokes if len(outline) else ():
        low, high = stroke.points.min(0) - reach, stroke.points.max(0) + reach
        chosen = np.flatnonzero((outline != k) & (point >= low).all(1) & (point <= high).all(1))
        if len(chosen):
            there = nearest_on(point[chosen], stroke.points)
            distance = np.hypot(*(there - point[chosen]).T)
            nearer = distance < gap[chosen]
            chosen = chosen[nearer]
            gap[chosen], other[chosen], place[chosen] = distance[nearer], k, there[nearer]
    near = gap <= reach
    last = np.arange(len(outline)) % 2 == 1
    return Ends(outline[near], last[near], point[near], other[near], place[near], gap[near])


def is_open(outline: Outline, least: float) -> bool:
    """Whether a stroke has two ends, further apart than `least`."""
    points = outline.points
    return not outline.closed and len(points) > 1 and math.hypot(*(points[-1] - points[0])) > least


def nearest_on(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The points [K, 2] of a polyline [P, 2] that are nearest to points [K, 2]."""
    if len(line) == 1:
        return np.repeat(line, len(points), axis=0)
    start, way = line[:-1], np.diff(line, axis=0)  # [P - 1, 2]
    square = np.maximum((way * way).sum(1), 1e-18)  # [P - 1]
    along = (((points[:, None] - start) * way).sum(2) / square).clip(0, 1)  # [K, P - 1]
    places = start + along[..., None] * way  # [K, P - 1, 2]
    gap = ((places - points[:, None]) ** 2).sum(2)  # [K, P - 1]
    return places[np.arange(len(points)), gap.argmin(1)]
