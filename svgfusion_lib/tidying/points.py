"""Rules for points: welded ends, straight and diagonal lines, common centres, the grid.

Each corrects deviations that errors of size `noise` (see noise.py) explain: valid rows [L, 22] -> rows.
"""

import math

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import UNITS, Anchors, tie
from svgfusion_lib.tidying.noise import MIN_NOISE, correction_radius
from svgfusion_lib.tidying.settle import MIN_SHIFT, Grid, most_likely_positions
from svgfusion_lib.utils.outlines import nearest_points

TOUCHING = 0.002       # units: closer points coincide
_NONE = np.zeros((0, 2), dtype=int)


def settle_points(
    rows: np.ndarray, noise: float, grid: Grid | None = None, weld: bool = False, straight: bool = False,
    diagonals: bool = False, centres: bool = False,
) -> np.ndarray:
    """Apply all rules for points at once, so that none undoes another: tie coordinates, then place each tie.

    weld: join ends of open strokes with the nearest point of another sub-path, and close nearly closed shapes.
    straight: make nearly horizontal or vertical lines exact. diagonals: make lines at nearly 45 degrees, and chords of
    near quarter turns, exact. centres: give nearly concentric circles and ellipses the same centre. grid: move points
    to their likely grid positions, sub-paths as a whole.
    """
    anchors = Anchors.of(rows)
    count = len(anchors.points)
    together = [_same_points(anchors)]
    if weld:
        together.append(_weld_pairs(anchors, correction_radius(noise)))
    if centres:
        together.append(_centre_pairs(anchors, correction_radius(noise)))
    level, upright = _straight_pairs(anchors, noise if straight else 0.0)
    groups = tie(count, *together, level), tie(count, *together, upright)
    ways = _diagonal_ways(anchors, noise if diagonals else 0.0)
    shift = MIN_SHIFT if noise > MIN_NOISE else noise
    return anchors.moved(most_likely_positions(anchors.points, groups, anchors.part, ways, noise, shift, grid))


def _same_points(anchors: Anchors) -> np.ndarray:
    """Pairs [K, 2] of coincident anchors, which stay together."""
    if len(anchors.points) < 2:
        return _NONE
    order = np.lexsort(np.round(anchors.points.T / TOUCHING))
    same = np.abs(np.diff(anchors.points[order], axis=0)).max(1) <= TOUCHING
    return np.stack([order[:-1][same], order[1:][same]], axis=1)


def _weld_pairs(anchors: Anchors, reach: float) -> np.ndarray:
    """Pairs [K, 2] of anchors that are meant to coincide; within one sub-path, only its two ends."""
    on_path = anchors.rows[anchors.row, rf.ELEMENT] == rf.PATH
    gap = np.hypot(*(anchors.points[anchors.last] - anchors.points[anchors.first]).T)
    size = np.bincount(anchors.part, minlength=1)
    closes = anchors.open & (gap <= reach) & (size[anchors.part[anchors.first]] > 3)
    pairs = np.stack([anchors.first[closes], anchors.last[closes]], axis=1)  # [K, 2]
    ends = np.concatenate([side[anchors.open & ~closes] for side in (anchors.first, anchors.last)])  # [E]
    targets = np.flatnonzero(on_path)
    if not len(ends):
        return pairs
    distance, found = nearest_points(anchors.points[targets], anchors.points[ends], min(8, len(targets)), reach)
    distance, found = distance.reshape(len(ends), -1), found.reshape(len(ends), -1)
    others = np.isfinite(distance)
    others[others] &= (anchors.part[targets[found[others]]] != np.repeat(anchors.part[ends], others.sum(1)))
    nearest = others.argmax(1)
    has = others[np.arange(len(ends)), nearest]
    order = np.argsort(distance[np.arange(len(ends)), nearest][has])
    wanted = np.stack([ends[has], targets[found[np.arange(len(ends)), nearest][has]]], axis=1)[order]
    wanted = wanted[~_side_by_side(anchors, wanted, reach)]
    return np.concatenate([pairs, _without_collapse(wanted, anchors.part, tie(len(anchors.points), pairs))])


def _side_by_side(anchors: Anchors, pairs: np.ndarray, reach: float) -> np.ndarray:
    """Which pairs [K, 2] are ends of two single lines that lie side by side with a gap between their strokes."""
    other_end = np.full(len(anchors.points), -1)
    line = anchors.straight & (np.bincount(anchors.part, minlength=1)[anchors.part[anchors.start]] == 2)
    other_end[anchors.start[line]], other_end[anchors.end[line]] = anchors.end[line], anchors.start[line]
    far = other_end[pairs]  # [K, 2]
    ways = anchors.points[far] - anchors.points[pairs]  # [K, 2, 2]: along both lines, from the ends that nearly meet
    length = np.hypot(ways[..., 0], ways[..., 1])  # [K, 2]
    along = ways[:, 1] / np.maximum(length[:, 1, None], 1e-9)
    aside = [
        np.abs(off[:, 0] * along[:, 1] - off[:, 1] * along[:, 0])
        for off in (anchors.points[ends[:, 0]] - anchors.points[pairs[:, 1]] for ends in (pairs, far))
    ]
    width = anchors.rows[anchors.row[pairs], rf.STROKE_WIDTH].mean(1) * UNITS
    apart = (np.minimum(*aside) > width) & (np.maximum(*aside) <= reach)
    return (far >= 0).all(1) & (length > reach).all(1) & ((ways[:, 0] * along).sum(1) > 0) & apart


def _without_collapse(wanted: np.ndarray, part: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The pairs [K, 2], in order, that do not merge two points of one sub-path. group [A]: coincident points."""
    leader: dict[int, int] = {}
    parts: dict[int, set[int]] = {}

    def find(g: int) -> int:
        while leader.get(g, g) != g:
            g = leader[g]
        return g

    kept = []
    for a, b in wanted.tolist():
        first, second = find(int(group[a])), find(int(group[b]))
        own, other = parts.setdefault(first, {int(part[a])}), parts.setdefault(second, {int(part[b])})
        if first != second and not own & other:
            leader[second] = first
            own |= other
            kept.append((a, b))
    return np.array(kept, dtype=int).reshape(-1, 2)


def _straight_pairs(anchors: Anchors, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs [K, 2] of line ends that should share x, and that should share y; noise 0: those that already do."""
    way = np.abs(anchors.points[anchors.end] - anchors.points[anchors.start])  # [S, 2]
    length = np.hypot(*way.T)
    beside = np.minimum(np.maximum(0.2 * length, 2 * noise), 1.2 * correction_radius(noise)) if noise else TOUCHING
    pairs = []
    for axis in (0, 1):
        chosen = anchors.straight & (way[:, axis] <= beside) & (way[:, 1 - axis] > 3 * way[:, axis]) & (length > 0.2)
        pairs.append(np.stack([anchors.start[chosen], anchors.end[chosen]], axis=1))
    return pairs[0], pairs[1]


def _diagonal_ways(anchors: Anchors, noise: float) -> np.ndarray:
    """Ends of intended diagonals, and the sign of dy relative to dx: [K, 3]."""
    way = anchors.points[anchors.end] - anchors.points[anchors.start]  # [S, 2]
    length = np.hypot(*way.T)
    beside = np.abs(np.abs(way[:, 0]) - np.abs(way[:, 1])) / math.sqrt(2)
    most = 1.2 * correction_radius(noise) if noise else TOUCHING
    line = anchors.straight & (beside <= np.minimum(0.18 * length, most)) & (length > 0.5)
    sagitta = np.tan(np.abs(anchors.sweeps()) / 4) * length / 2
    quarter = math.tan(math.pi / 8) * length / 2
    turns = np.abs(sagitta - quarter) <= max(3.5 * noise, TOUCHING)
    arc = anchors.arc & turns & (beside <= np.minimum(0.5 * length, most))
    chosen = line | arc
    sign = np.where(way[:, 0] * way[:, 1] >= 0, 1, -1)
    return np.stack([anchors.start[chosen], anchors.end[chosen], sign[chosen]], axis=1)


def _centre_pairs(anchors: Anchors, reach: float) -> np.ndarray:
    """Pairs [K, 2] of circle and ellipse centres that are meant to coincide."""
    round_ = np.flatnonzero(rf.is_one_of(anchors.rows[anchors.row, rf.ELEMENT], (rf.CIRCLE, rf.ELLIPSE)))
    if len(round_) < 2:
        return _NONE
    distance, other = nearest_points(anchors.points[round_], anchors.points[round_], 2, reach)
    near = np.isfinite(distance[:, 1])
    return np.stack([round_[near], round_[other[near, 1]]], axis=1)
