"""Circular arcs given by three points: start, middle, end.

The canvas has y downwards, so a positive sweep turns clockwise on screen, as SVG's sweep flag does
(SVG 2, section 9.3.8). K is the number of arcs.
"""

import math

import numpy as np

from svgfusion_lib.svg import row_format as rf

FLAT = 1e-3              # sagitta over chord below which three points count as a line
QUARTER = math.pi / 2
Point = tuple[float, ...]


def circle_through(start: np.ndarray, middle: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre [K, 2], radius [K] and signed sweep [K] in radians of arcs through three points [K, 2] each.

    If start and end coincide, the arc is a full turn with the diameter from start to middle. Points on a line have an
    infinite radius, a non-finite centre and sweep 0.
    """
    to_middle, chord = middle - start, end - start                                 # [K, 2]
    cross = to_middle[:, 0] * chord[:, 1] - to_middle[:, 1] * chord[:, 0]          # [K]: twice the triangle's area
    m2, c2 = (to_middle**2).sum(1), (chord**2).sum(1)                              # [K]
    full = (c2 <= 1e-12 * np.maximum(m2, 1e-300)) & (m2 > 0)
    flat = ~full & (np.abs(cross) <= FLAT * c2)
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.stack([
            chord[:, 1] * m2 - to_middle[:, 1] * c2, to_middle[:, 0] * c2 - chord[:, 0] * m2
        ], axis=1) / (2 * cross)[:, None]                                          # [K, 2]
    offset = np.where(full[:, None], to_middle / 2, np.where(flat[:, None], np.inf, offset))
    radius = np.hypot(*offset.T)
    centre = start + offset
    with np.errstate(invalid="ignore"):
        first = np.arctan2(*(start - centre).T[::-1])
        turn = np.mod(np.arctan2(*(end - centre).T[::-1]) - first, 2 * math.pi)    # [K]: clockwise from start to end
    sweep = np.where(cross < 0, turn - 2 * math.pi, turn)
    return centre, radius, np.where(full, 2 * math.pi, np.where(flat, 0.0, sweep))


def circle_of_points(start: Point, across: Point, end: Point) -> tuple[Point, float] | None:
    """Centre and radius of the circle through three points; a faster `circle_through` for one arc. None for a line."""
    (x, y), (ux, uy), (vx, vy) = start, across, end
    ux, uy, vx, vy = ux - x, uy - y, vx - x, vy - y
    u2, v2 = ux * ux + uy * uy, vx * vx + vy * vy
    cross = ux * vy - uy * vx
    if v2 <= 1e-12 * u2:
        return ((x + ux / 2, y + uy / 2), math.sqrt(u2) / 2) if u2 else None
    if abs(cross) <= FLAT * v2:
        return None
    dx, dy = (vy * u2 - uy * v2) / (2 * cross), (ux * v2 - vx * u2) / (2 * cross)
    return (x + dx, y + dy), math.hypot(dx, dy)


def points_at(start: np.ndarray, centre: np.ndarray, sweep: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Points on arcs at a share of their sweep: start, centre [K, 2], sweep [K] -> [K, 2]."""
    angle = sweep * share
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    arm = start - centre
    with np.errstate(invalid="ignore"):  # for arcs that are lines
        return centre + arm * cosine + np.stack([-arm[:, 1], arm[:, 0]], axis=1) * sine


def arc_to_cubics(points: np.ndarray) -> np.ndarray:
    """Convert one arc's start, middle and end [3, 2] to cubics [n, 4, 2] of at most a quarter turn each.

    They deviate from the circle by at most .00028 of the radius. Points on a line give the line as a cubic.
    """
    start, middle, end = points[:, None]                                           # [1, 2] each
    centre, radius, sweep = circle_through(start, middle, end)
    if not np.isfinite(radius[0]) or sweep[0] == 0:
        return start + (end - start) * np.array([[[0], [1 / 3], [2 / 3], [1]]])    # [1, 4, 2]
    count = max(1, math.ceil(abs(sweep[0]) / QUARTER - 1e-6))
    ends = points_at(
        np.repeat(start, count + 1, axis=0), centre, np.repeat(sweep, count + 1), np.linspace(0, 1, count + 1)
    )                                                                              # [n + 1, 2]
    ends[-1] = end
    tangent = (ends - centre)[:, ::-1] * (-1, 1) * (4 / 3 * math.tan(sweep[0] / count / 4))
    return np.stack([ends[:-1], ends[:-1] + tangent[:-1], ends[1:] - tangent[1:], ends[1:]], axis=1)  # [n, 4, 2]


def arc_box(points: np.ndarray) -> np.ndarray:
    """Extreme points [K, 6, 2] of arcs [K, 3, 2] (start, middle, end): the ends and the extrema of x and y."""
    start, middle, end = points.transpose(1, 0, 2)                                 # [K, 2] each
    centre, radius, sweep = circle_through(start, middle, end)
    extremes = np.repeat(start[:, None], 6, axis=1)                                # [K, 6, 2]
    extremes[:, 1] = end
    first = np.arctan2(*np.nan_to_num(start - centre, posinf=1, neginf=1).T[::-1])
    for k in range(4):
        way = np.where(sweep >= 0, np.mod(k * QUARTER - first, 2 * math.pi), np.mod(first - k * QUARTER, 2 * math.pi))
        reached = (way < np.abs(sweep)) & np.isfinite(radius)
        arm = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)][k])
        extremes[reached, 2 + k] = centre[reached] + radius[reached, None] * arm
    return extremes


def arcs_to_cubic_rows(rows: np.ndarray) -> np.ndarray:
    """Convert every arc in rows [L, 22] to cubics -> [L', 22], for models and caches without arcs."""
    arcs = rows[:, rf.COMMAND] == rf.ARC
    if not arcs.any():
        return rows
    pieces, last = [], 0
    for i in np.flatnonzero(arcs):
        pieces.append(rows[last:i])
        cubics = arc_to_cubics(rows[i, [[2, 3], [4, 5], [8, 9]]].astype(np.float64))  # [n, 4, 2]
        own = np.repeat(rows[i : i + 1], len(cubics), axis=0)
        own[:, rf.COMMAND], own[:, rf.GEOMETRY] = rf.CUBIC, cubics.reshape(-1, rf.NUM_GEOMETRY)
        pieces.append(own)
        last = i + 1
    return np.concatenate([*pieces, rows[last:]])
