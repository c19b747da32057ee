"""Exactness of drawings: lines straight, ends joined, on the grid, curves round, concentric, closed, inside the canvas.

Every measure is the share of near-exact features that are exact. Units: the canvas is 24 wide. Real icons do not reach
1 everywhere (not every end near a stroke is meant to touch it), so compare with them.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from svgfusion_lib.evaluation.metrics import bootstrap_interval
from svgfusion_lib.evaluation.row_metrics import GRID, GRID_TOLERANCE, UNITS
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry.paths import cubic_basis
from svgfusion_lib.utils.arcs import circle_through
from svgfusion_lib.utils.canonical import canonical_rows
from svgfusion_lib.utils.outlines import ends_near_strokes, outlines
from svgfusion_lib.utils.placement import drawn_box

MIN_LINE_LENGTH = 0.6         # units; shorter lines have no meaningful direction
NEARLY_STRAIGHT = 6.0         # degrees; largest deviation of a near-exact line from 0, 45 or 90
EXACT = 0.02                  # units; largest deviation of an exact line's end or an exact arc
NEAR = 0.7                    # units; ends and circle centres within this distance are meant to meet
TOUCHING = 0.05               # units; within this distance they do meet
ROUND = 0.05                  # units; largest deviation of a curve from a circle for its centre to count
MIN_SWEEP = math.radians(85)  # smallest sweep of an arc for its centre to count
MAX_RADIUS = 48.0             # units; flatter curves do not count as arcs
OUTSIDE = 0.01                # units; tolerance for paint outside the canvas

Counts = tuple[int, int]  # number of exact features, number of near-exact ones


def line_counts(rows: np.ndarray) -> Counts:
    """Path lines within NEARLY_STRAIGHT degrees of horizontal, vertical or diagonal; exact within EXACT."""
    points = _of_command(rows, rf.LINE, rf.CLOSE)  # [K, 4, 2]
    way = np.abs(points[:, 3] - points[:, 0])  # [K, 2]
    way = way[np.hypot(*way.T) >= MIN_LINE_LENGTH]
    angle = np.degrees(np.arctan2(way[:, 1], way[:, 0]))  # [K]: 0 to 90
    nearest = np.round(angle / 45) * 45  # [K]
    near = np.abs(angle - nearest) <= NEARLY_STRAIGHT
    beside = np.hypot(*way.T) * np.sin(np.radians(np.abs(angle - nearest)))  # [K]
    return int((near & (beside <= EXACT)).sum()), int(near.sum())


def end_counts(rows: np.ndarray) -> Counts:
    """Ends of open strokes within NEAR of any point of another stroke; exact if they touch it within TOUCHING."""
    gap = ends_near_strokes(outlines(rows), NEAR / UNITS, TOUCHING / UNITS).gap
    return int((gap <= TOUCHING / UNITS).sum()), len(gap)


def grid_counts(rows: np.ndarray) -> Counts:
    """Coordinates of `anchors`; exact if on the half-unit grid."""
    units = anchors(rows).ravel()
    return int((np.abs(units - np.round(units / GRID) * GRID) <= GRID_TOLERANCE).sum()), units.size


def anchors(rows: np.ndarray) -> np.ndarray:
    """Points [K, 2], in units, placed by a designer: ends of path rows, corners of rectangles, centres of circles."""
    geometry, element = rows[:, rf.GEOMETRY].astype(np.float64), rows[:, rf.ELEMENT]
    boxes = geometry[element == rf.RECT]
    round_ = rf.is_one_of(element, (rf.CIRCLE, rf.ELLIPSE))
    return (np.concatenate([
        geometry[element == rf.PATH][:, rf.END_POINT], boxes[:, :2], boxes[:, :2] + boxes[:, 2:4], geometry[round_, :2],
    ]) + 1) * UNITS


def curve_counts(rows: np.ndarray) -> Counts:
    """Curves that are not straight; exact if circular arcs: `arc` rows, or cubics within EXACT of an arc."""
    points = _cubics(rows)  # [K, 9, 2]
    start, end = points[:, 0], points[:, -1]  # [K, 2]
    chord = end - start
    across = np.abs((points[..., 0] - start[:, None, 0]) * chord[:, None, 1]
                    - (points[..., 1] - start[:, None, 1]) * chord[:, None, 0])  # [K, 9]
    bent = (across > EXACT * np.hypot(*chord.T)[:, None]).any(1)  # [K]
    _, radius, _, off = _fitted_circles(points)
    arcs = len(_of_command(rows, rf.ARC))
    return int((bent & (radius <= MAX_RADIUS) & (off <= EXACT)).sum()) + arcs, int(bent.sum()) + arcs


def circle_counts(rows: np.ndarray) -> Counts:
    """Pairs of circles or arcs (MIN_SWEEP) of different radii with centres within NEAR; exact within TOUCHING.

    A circle is a primitive or a sub-path that is round within ROUND. Coinciding circles count as one.
    """
    found: list[np.ndarray] = []
    for circle in _rounds(rows):  # [3]
        if not any((np.abs(circle - other) <= TOUCHING).all() for other in found):
            found.append(circle)
    circles = np.array(found).reshape(-1, 3)  # [K, 3]
    first, second = np.triu_indices(len(circles), 1)
    gap = np.hypot(*(circles[first, :2] - circles[second, :2]).T)  # [pairs]
    different = np.abs(circles[first, 2] - circles[second, 2]) > NEAR / 2
    return int((different & (gap <= TOUCHING)).sum()), int((different & (gap <= NEAR)).sum())


def closing_counts(rows: np.ndarray) -> Counts:
    """Sub-paths, except short strokes, that are closed or end within NEAR of their start; exact if without a notch.

    No notch: the last segment ends within TOUCHING of the start, or a `close` draws a line of at least NEAR.
    """
    near = exact = 0
    for outline in outlines(rows):
        if outline.element != rf.PATH or np.hypot(*np.diff(outline.points, axis=0).T).sum() * UNITS < 4 * NEAR:
            continue
        closes = rows[outline.rows.stop - 1, rf.COMMAND] == rf.CLOSE
        last = outline.corners[-2 if closes else -1]
        gap = np.hypot(*(last - outline.corners[0])) * UNITS
        near += outline.closed or gap <= NEAR
        exact += gap <= TOUCHING or (outline.closed and gap >= NEAR)
    return int(exact), int(near)


def inside_counts(rows: np.ndarray) -> Counts:
    """Whether all paint, including half the stroke widths, is inside the canvas: 1 or 0, of 1."""
    low, high = drawn_box(rows)
    return int(low.min() >= -1 - OUTSIDE / UNITS and high.max() <= 1 + OUTSIDE / UNITS), 1


MEASURES: dict[str, Callable[[np.ndarray], Counts]] = {
    "straight_lines": line_counts,
    "touching_ends": end_counts,
    "ends_on_grid": grid_counts,
    "circular_curves": curve_counts,
    "concentric_circles": circle_counts,
    "closed_shapes": closing_counts,
    "inside_canvas": inside_counts,
}


def exactness(drawings: Sequence[np.ndarray]) -> dict:
    """Compute all measures of drawings (valid rows [L, 22] each, at least one).

    Drawings are made canonical first, so that it does not matter how a circle is written. For each of MEASURES
    {"mean", "interval", "of"}: the share over all drawings, its 95% bootstrap interval over drawings, and the number of
    near-exact features; only "of" if that is 0.
    """
    if not drawings:
        raise ValueError("no drawings to measure")
    canonical = [canonical_rows(rows) for rows in drawings]
    result: dict = {}
    for name, count in MEASURES.items():
        counts = np.array([count(rows) for rows in canonical], dtype=np.float64)  # [N, 2]
        exact, near = counts.sum(0)
        result[name] = {"of": int(near)}
        if near:
            result[name] |= {"mean": float(exact / near), "interval": list(bootstrap_interval(*counts.T))}
    return result


def _of_command(rows: np.ndarray, *commands: int) -> np.ndarray:
    """Points [K, 4, 2], in units, of path rows with given commands: start, controls (an arc's middle first), end."""
    chosen = rows[(rows[:, rf.ELEMENT] == rf.PATH) & rf.is_one_of(rows[:, rf.COMMAND], commands)]
    return (chosen[:, rf.GEOMETRY].astype(np.float64).reshape(-1, 4, 2) + 1) * UNITS


def _cubics(rows: np.ndarray) -> np.ndarray:
    """Nine points [K, 9, 2], in units, along each cubic."""
    return np.einsum("kcd,pc->kpd", _of_command(rows, rf.CUBIC), cubic_basis(np.linspace(0, 1, 9)))


def _fitted_circles(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Circles through the first, fifth and last of points [K, 9, 2]: centre [K, 2]; radius, sweep, largest gap [K]."""
    centre, radius, sweep = circle_through(points[:, 0], points[:, 4], points[:, -1])  # [K, 2], [K], [K]
    with np.errstate(invalid="ignore"):
        off = np.abs(np.hypot(*np.moveaxis(points - centre[:, None], -1, 0)) - radius[:, None]).max(1)  # [K]
    return centre, radius, sweep, off


def _rounds(rows: np.ndarray) -> np.ndarray:
    """Centre and radius [K, 3], in units, of circles and of arcs with at least MIN_SWEEP."""
    found = []
    for outline in outlines(rows):
        points = (outline.points + 1) * UNITS
        low, high = points.min(0), points.max(0)
        centre, radius = (low + high) / 2, (high - low).mean() / 2
        back = np.hypot(*(points[-1] - points[0])) <= ROUND
        off = np.abs(np.hypot(*(points - centre).T) - radius).max()
        if outline.element != rf.RECT and len(points) >= 9 and back and off <= ROUND < radius:
            found.append((*centre, radius))
    arcs = _of_command(rows, rf.ARC)  # [K, 4, 2]
    centre, radius, sweep = circle_through(arcs[:, 0], arcs[:, 1], arcs[:, 3])
    chosen = np.abs(sweep) >= MIN_SWEEP
    found += [(*c, r) for c, r in zip(centre[chosen], radius[chosen])]
    centre, radius, sweep, off = _fitted_circles(_cubics(rows))
    chosen = (np.abs(sweep) >= MIN_SWEEP) & (off <= ROUND)
    found += [(*c, r) for c, r in zip(centre[chosen], radius[chosen])]
    return np.array(found).reshape(-1, 3)
