"""How far the points of a drawing are from where they belong, as the drawing itself tells. Units: 24 to its side."""

import math

import numpy as np

from svgfusion_lib.tidying.anchors import UNITS, Anchors
from svgfusion_lib.utils.outlines import ends_near_strokes, outlines

LEAST_NOISE, MOST_NOISE = 0.015, 0.25  # units: of a clean drawing, and of any
CLEAN = 0.4                            # share of exact relations from which a drawing is clean: .99 of held-out icons
EXACT = 0.03                           # units that what is exact may be off
FARTHEST = 0.7                         # units over which ends are brought together


def reach_of(noise: float) -> float:
    """Units over which errors of a size are put right."""
    return min(FARTHEST, 3 * noise) if noise < 0.05 else FARTHEST


def estimated_noise(rows: np.ndarray) -> float:
    """Error of a point in units (standard deviation) that the relations in a drawing show: LEAST_NOISE if it is clean.

    Relations are lines that are nearly straight (horizontal, vertical, diagonal), joints that are nearly smooth, and
    ends that nearly touch: in clean drawings at least nine of ten are exact. A drawing with few of them is judged by
    its coordinates on the half grid too, and one that says nothing is clean.
    """
    anchors = Anchors.of(rows)
    lines, joints = _line_errors(anchors), _joint_errors(anchors)
    ends = ends_near_strokes(outlines(rows), FARTHEST / UNITS, 0.05 / UNITS).gap * UNITS
    exact = np.concatenate([lines <= EXACT, joints <= EXACT / 2, ends <= EXACT])
    grid = np.abs(anchors.points * 2 - np.round(anchors.points * 2)) / 2 <= EXACT
    share = (exact.sum() + 2 * (grid.mean() if grid.size else 1)) / (len(exact) + 2)
    if share >= CLEAN or (~exact).sum() < 2:
        return LEAST_NOISE
    points = np.concatenate([lines, joints])
    points = points[points > 0.005]
    return float(np.clip(2 * np.median(points), 0.08, MOST_NOISE)) if len(points) else 0.15


def _line_errors(anchors: Anchors) -> np.ndarray:
    """How far the ends of nearly straight lines are beside their directions."""
    way = np.abs(anchors.points[anchors.end] - anchors.points[anchors.start])[anchors.straight]  # [K, 2]
    length = np.hypot(*way.T)
    angle = np.degrees(np.arctan2(way[:, 1], way[:, 0]))
    lean = np.abs(angle - np.round(angle / 45) * 45)
    near = (lean <= 8) & (length >= 0.6)
    return length[near] * np.sin(np.radians(lean[near]))


def _joint_errors(anchors: Anchors) -> np.ndarray:
    """How far the ends of segments are beside smooth joints with the next one, where one of the two is a curve."""
    leaves, arrives = anchors.tangents()  # [S, 2] each
    follows = np.full(len(anchors.points) + 1, -1)
    follows[anchors.start] = np.arange(len(anchors.start))
    first = np.flatnonzero(follows[anchors.end] >= 0)
    second = follows[anchors.end[first]]
    curved = ~anchors.straight[first] | ~anchors.straight[second]
    first, second = first[curved], second[curved]
    before, after = arrives[first], leaves[second]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.abs(np.arctan2(cross, (before * after).sum(1)))
    length = np.hypot(*(anchors.points[anchors.end] - anchors.points[anchors.start]).T)  # [S]
    shorter = np.minimum(np.minimum(length[first], length[second]), 2)
    near = (turn <= math.radians(15)) & (shorter > 0.1)
    return (turn * shorter / 2)[near]
