"""Outlines: every sub-path and primitive in the rows as a polyline.

Coordinates are float64 in canvas units (the canvas is 2 wide).
"""

import math
from dataclasses import dataclass

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry.paths import cubic_basis
from svgfusion_lib.utils.arcs import circle_through, points_at
from svgfusion_lib.utils.hybrid_utils import paints_stroke

ARC_STEP = math.radians(5)    # between points on an arc
CUBIC_POINTS = 17             # on a cubic, ends included
NEIGHBOURS = 24               # stroke pieces examined near an end
MAX_PIECES = 100_000          # that a drawing's strokes are cut into
_BASIS = cubic_basis(np.linspace(0, 1, CUBIC_POINTS))  # [17, 4]


@dataclass(frozen=True)
class Outline:
    """A sub-path or primitive. points [P, 2]: along it; corners [K, 2]: where its segments meet, ends included."""

    rows: slice
    element: int      # rf.PATH, rf.RECT, rf.CIRCLE or rf.ELLIPSE
    stroked: bool
    closed: bool      # a primitive, a sub-path that ends with a close, or an unstroked path, which is implicitly closed
    points: np.ndarray
    corners: np.ndarray


def arc_points(points: np.ndarray) -> list[np.ndarray]:
    """Points [P, 2] along each arc (start, middle, end: points [K, 3, 2]), at most ARC_STEP apart, ends exact."""
    if not len(points):
        return []
    centre, radius, sweep = circle_through(points[:, 0], points[:, 1], points[:, 2])
    counts = np.maximum(3, np.ceil(np.abs(sweep) / ARC_STEP) + 1).astype(int)  # [K]
    own = np.repeat(np.arange(len(points)), counts)  # index of every point's arc
    shares = np.concatenate([np.linspace(0, 1, count) for count in counts.tolist()])
    found = np.split(points_at(points[own, 0], centre[own], sweep[own], shares), np.cumsum(counts)[:-1])
    for k, along in enumerate(found):
        along[-1] = points[k, 2]
        if not np.isfinite(radius[k]):  # a line, which has 3 points
            along[:] = points[k]
    return found


def outlines(rows: np.ndarray) -> list[Outline]:
    """The outlines of valid rows [L, 22], in paint order; gradients have none."""
    geometry = rows[:, rf.GEOMETRY].astype(np.float64)
    element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    on_path = element == rf.PATH
    curves = np.zeros(len(rows), dtype=int)
    cubics = np.flatnonzero(on_path & (command == rf.CUBIC))
    curves[cubics] = np.arange(len(cubics))
    arcs = np.flatnonzero(on_path & (command == rf.ARC))
    curves[arcs] = np.arange(len(arcs))
    turned = arc_points(geometry[arcs].reshape(-1, 4, 2)[:, [0, 1, 3]])
    bent = np.einsum("pc,kcd->kpd", _BASIS, geometry[cubics].reshape(-1, 4, 2))  # [K, 17, 2]
    begins = (element > rf.EOS) & (~on_path | (command == rf.MOVE) | (command == rf.SUBMOVE))
    starts = np.flatnonzero(begins)
    stops = np.append(starts[1:], len(rows) - 1)
    found = []
    for first, stop in zip(starts.tolist(), stops.tolist()):
        kind = int(element[first])
        if kind in rf.GRADIENTS:
            continue
        while stop > first + 1 and element[stop - 1] != kind:  # <EOS>, or gradients of the next element
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
                pieces.append(turned[curves[i]][1:])
            else:
                pieces.append(geometry[i, None, rf.END_POINT])
        points = np.concatenate(pieces)
        if not stroked:  # implicitly closed
            points = np.concatenate([points, points[:1]])
        closed = bool(command[stop - 1] == rf.CLOSE) or not stroked
        corners = geometry[first:stop, rf.END_POINT]
        found.append(Outline(slice(first, stop), kind, stroked, closed, points, corners))
    return found


def _primitive_points(kind: int, geometry: np.ndarray) -> np.ndarray:
    """Points [P, 2] around a rect, circle or ellipse given by geometry columns [8]."""
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
    """Ends of open strokes near another stroke: outline, first or last point, nearest place on the other, and gap.

    outline, other [E]: indices of outlines; last [E]: bool; point, place [E, 2]; gap [E].
    """

    outline: np.ndarray
    last: np.ndarray
    point: np.ndarray
    other: np.ndarray
    place: np.ndarray
    gap: np.ndarray


def nearest_points(
    points: np.ndarray, queries: np.ndarray, k: int = 1, reach: float = math.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of the k of the points [P, 2] nearest to each query [Q, 2]: [Q] if k is 1, else [Q, k].

    Where fewer than k points are within reach, the others are inf and P.
    """
    from scipy.spatial import cKDTree  # takes half a second, and reading drawings does not need it

    return cKDTree(points).query(queries, k=k, distance_upper_bound=reach)


def ends_near_strokes(found: list[Outline], reach: float, least: float) -> Ends:
    """Find ends of open strokes within `reach` of another stroke; a stroke whose ends are within `least` is not open.

    Strokes are cut into short pieces, and the NEIGHBOURS pieces nearest to each end are examined.
    """
    open_ = [k for k, o in enumerate(found) if o.stroked and is_open(o, least)]
    outline = np.repeat(np.array(open_, dtype=int), 2)  # [E]
    point = np.array([p for k in open_ for p in (found[k].points[0], found[k].points[-1])]).reshape(-1, 2)  # [E, 2]
    last = np.arange(len(outline)) % 2 == 1
    strokes = [k for k, o in enumerate(found) if o.stroked]
    if not open_ or len(strokes) < 2:
        none = np.zeros((0, 2))
        return Ends(outline[:0], last[:0], none, outline[:0], none, none[:, 0])
    lines = [found[k].points if len(found[k].points) > 1 else np.repeat(found[k].points, 2, axis=0) for k in strokes]
    start, end = np.concatenate([line[:-1] for line in lines]), np.concatenate([line[1:] for line in lines])  # [S, 2]
    owner = np.repeat(strokes, [len(line) - 1 for line in lines])  # [S]
    length = np.hypot(*(end - start).T)
    size = max(reach, length.sum() / MAX_PIECES)
    count = np.maximum(np.ceil(length / size), 1).astype(int)  # [S]: pieces of each segment
    piece = np.repeat(np.arange(len(start)), count)  # [Q]
    number = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    middle = start[piece] + ((number + 0.5) / count[piece])[:, None] * (end - start)[piece]  # [Q, 2]
    _, near = nearest_points(middle, point, min(NEIGHBOURS, len(middle)), reach + size / 2)
    near = near.reshape(len(point), -1)  # [E, k]; len(middle) where there are fewer than k
    known = near < len(middle)
    segment = piece[np.where(known, near, 0)]  # [E, k]
    way, offset = (end - start)[segment], point[:, None] - start[segment]  # [E, k, 2]
    along = ((offset * way).sum(2) / np.maximum((way * way).sum(2), 1e-18)).clip(0, 1)
    places = start[segment] + along[..., None] * way  # [E, k, 2]
    gaps = np.sqrt(((places - point[:, None]) ** 2).sum(2))  # [E, k]
    gaps[~known | (owner[segment] == outline[:, None])] = np.inf
    best = gaps.argmin(1)
    each = np.arange(len(point))
    gap = gaps[each, best]
    chosen = gap <= reach
    other, place = owner[segment[each, best]], places[each, best]
    return Ends(outline[chosen], last[chosen], point[chosen], other[chosen], place[chosen], gap[chosen])


def is_open(outline: Outline, least: float) -> bool:
    """Whether a stroke has two ends further apart than `least`."""
    points = outline.points
    return not outline.closed and len(points) > 1 and math.hypot(*(points[-1] - points[0])) > least


def nearest_on(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The nearest points [K, 2] on a polyline [P, 2] to points [K, 2]."""
    if len(line) == 1:
        return np.repeat(line, len(points), axis=0)
    start, way = line[:-1], np.diff(line, axis=0)  # [P - 1, 2]
    square = np.maximum((way * way).sum(1), 1e-18)  # [P - 1]
    along = (((points[:, None] - start) * way).sum(2) / square).clip(0, 1)  # [K, P - 1]
    places = start + along[..., None] * way  # [K, P - 1, 2]
    gap = ((places - points[:, None]) ** 2).sum(2)  # [K, P - 1]
    return places[np.arange(len(points)), gap.argmin(1)]
