"""Estimates the cost of a boolean operation on outlines from segments that cross or overlap."""

import math

import numpy as np
import pathops

from svgfusion_lib.svg.effort import MAX_CLIPPING, clipping_left, spend
from svgfusion_lib.svg.geometry.paths import cubic_basis

MAX_SEGMENTS = 3_000   # of all outlines in one operation
FEW_SEGMENTS = 16      # of outlines too small to be worth checking for crossings
SOME_SEGMENTS = 80     # likewise for the first few operations of a document
FEW_PAIRS = 30         # possible crossings too few to be worth checking for overlap
MAX_PAIRS = 12_000     # of possibly crossing segments in one operation; icon and flag packs stay below 8,000
MAX_COLUMN = 500_000   # pairs of segments that share a column or row; more are not compared
NEAR = 0.01            # of a curve's length: closer curves may count as the same

_POINTS = np.array([1, 1, 2, 2, 3, 0])  # of move, line, quadratic, conic, cubic, close, indexed by PathVerb
_WEIGHTS = cubic_basis(np.linspace(0, 1, 5))  # [5, 4]


def cost_of_operation(*outlines: pathops.Path) -> float:
    """Estimated microseconds for a boolean operation on outlines; infinite if it cannot be estimated.

    Small outlines count at their worst case. For others the cost comes from pairs of segments that may cross, and most
    of all from those that coincide exactly or nearly, which are hardest for Skia.
    """
    verbs = [list(outline.verbs) for outline in outlines]
    size = sum(map(len, verbs))
    spend(3 * size, "clip paths")
    if size <= FEW_SEGMENTS or (size <= SOME_SEGMENTS and clipping_left() > 0.8 * MAX_CLIPPING):
        return 3 * size**2 + size**4 / 300
    if size > MAX_SEGMENTS:
        return math.inf
    curves = np.concatenate([_cubics(*both) for both in zip(verbs, outlines)])  # [N, 4, 2]
    low, high = curves.min(1), curves.max(1)  # [N, 2]
    pairs = _overlapping(low, high)
    if pairs is None or len(pairs) > MAX_PAIRS:
        return math.inf
    one, two = pairs.T
    shared = np.minimum(high[one], high[two]) - np.maximum(low[one], low[two])  # [P, 2]
    smaller = np.minimum(high[one] - low[one], high[two] - low[two])
    cost = 3 * len(pairs)
    pairs = pairs[(shared >= 0.1 * smaller).all(1)]  # excludes neighbours on an outline, which only touch
    cost += 3 * 2 * len(pairs) + (np.bincount(pairs.ravel()) ** 2).sum()
    if len(pairs) > FEW_PAIRS:
        cost += 0.02 * (np.bincount(_coinciding(curves, pairs).ravel()).astype(float) ** 4).sum()
    return float(cost)


def _cubics(verbs: list[pathops.PathVerb], outline: pathops.Path) -> np.ndarray:
    """Segments of an outline with the given verbs as cubics [N, 4, 2], closing segments included.

    Control points of lines are their ends; quadratics repeat theirs.
    """
    points = np.array(outline.points, dtype=float).reshape(-1, 2)
    codes = np.array(verbs, dtype=int)
    counts, moves = _POINTS[codes], codes == pathops.PathVerb.MOVE
    last = np.cumsum(counts) - 1                              # last point of each verb
    first = np.maximum.accumulate(np.where(moves, last, 0))   # first point of its sub-path
    last, first, counts, start = (v[~moves] for v in (last, first, counts, last - counts))
    end = np.where(counts == 0, first, last)
    second = np.where(counts >= 2, last - 1, end)
    control = np.where(counts == 3, last - 2, np.where(counts == 2, second, start))
    return points[np.stack([start, control, second, end], axis=1)]


def _overlapping(lows: np.ndarray, highs: np.ndarray) -> np.ndarray | None:
    """Index pairs [P, 2] of overlapping boxes (corners [N, 2] each); None if too many share a column and a row."""
    for axis in (0, 1):  # sweep along x, or along y if fewer boxes share a row than a column
        order = np.argsort(lows[:, axis])
        low, high = lows[order, axis], highs[order, axis]
        later = np.searchsorted(low, high, side="right") - np.arange(len(low)) - 1  # [N]: begin before this one ends
        if later.sum() <= MAX_COLUMN:
            break
    else:
        return None
    spend(0.05 * float(later.sum()), "clip paths")
    first = np.repeat(np.arange(len(low)), later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    pairs = order[np.stack([first, second], axis=1)]
    low, high = lows[:, 1 - axis], highs[:, 1 - axis]
    return pairs[(low[pairs[:, 0]] <= high[pairs[:, 1]]) & (low[pairs[:, 1]] <= high[pairs[:, 0]])]


def _coinciding(curves: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The pairs [P, 2] of curves [N, 4, 2] that coincide, the shorter one with a part of the longer."""
    length = np.abs(np.diff(curves, axis=1)).sum((1, 2))  # [N]
    swap = length[pairs[:, 0]] > length[pairs[:, 1]]
    short, long = np.where(swap[:, None], pairs[:, ::-1], pairs).T
    samples = _WEIGHTS @ curves                                    # [N, 5, 2]
    probes, line = samples[short, 1:4, None], samples[long][:, None]  # [P, 3, 1, 2], [P, 1, 5, 2]
    start, step = line[:, :, :-1], np.diff(line, axis=2)
    along = ((probes - start) * step).sum(-1) / np.maximum((step**2).sum(-1), 1e-12)  # [P, 3, 4]
    away = probes - start - along.clip(0, 1)[..., None] * step
    return pairs[(away**2).sum(-1).min(2).max(1) < (NEAR * length[short]) ** 2]
