"""Estimates the error of a drawing's points from the drawing itself. Units: the canvas is 24 wide."""

import math

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import UNITS, Anchors
from svgfusion_lib.utils.outlines import ends_near_strokes, outlines

MIN_NOISE, MAX_NOISE = 0.015, 0.25  # units: of a clean drawing, and of any
MIN_EXACT_SHARE = 0.4               # least share of exact relations in a clean drawing: .99 of held-out icons
EXACT = 0.03                        # units: tolerance of an exact relation
MAX_GAP = 0.7                       # units: largest gap over which ends are joined


def correction_radius(noise: float) -> float:
    """Distance in units over which errors of a given size are corrected."""
    return min(MAX_GAP, 3 * noise) if noise < 0.05 else MAX_GAP


def estimate_noise(rows: np.ndarray) -> float:
    """Estimate the error of points in units (standard deviation) from relations; MIN_NOISE for a clean drawing.

    Relations are nearly horizontal, vertical or diagonal lines, nearly smooth joints, ends that nearly touch, and
    shapes that do not quite close; in clean drawings, at least nine of ten are exact. A drawing with few relations is
    also judged by its coordinates on the half grid; without any evidence, it counts as clean.
    """
    anchors = Anchors.of(rows)
    lines, joints = _line_errors(anchors), _joint_errors(anchors)
    ends = ends_near_strokes(outlines(rows), MAX_GAP / UNITS, 0.05 / UNITS).gap * UNITS
    exact = np.concatenate([lines <= EXACT, joints <= EXACT / 2, ends <= EXACT, _closing_errors(anchors) <= EXACT])
    grid = np.abs(anchors.points * 2 - np.round(anchors.points * 2)) / 2 <= EXACT
    share = (exact.sum() + 2 * (grid.mean() if grid.size else 1)) / (len(exact) + 2)
    if share >= MIN_EXACT_SHARE or (~exact).sum() < 2:
        return MIN_NOISE
    points = np.concatenate([lines, joints])
    points = points[points > 0.005]
    return float(np.clip(2 * np.median(points), 0.08, MAX_NOISE)) if len(points) else 0.15


def _line_errors(anchors: Anchors) -> np.ndarray:
    """Deviations of the ends of nearly horizontal, vertical or diagonal lines from those directions."""
    way = np.abs(anchors.points[anchors.end] - anchors.points[anchors.start])[anchors.straight]  # [K, 2]
    length = np.hypot(*way.T)
    angle = np.degrees(np.arctan2(way[:, 1], way[:, 0]))
    lean = np.abs(angle - np.round(angle / 45) * 45)
    near = (lean <= 8) & (length >= 0.6)
    return length[near] * np.sin(np.radians(lean[near]))


def _closing_errors(anchors: Anchors) -> np.ndarray:
    """Gaps, if not 0, between the two ends of open strokes that overlap there."""
    first, last = anchors.first[anchors.open], anchors.last[anchors.open]
    gap = np.hypot(*(anchors.points[last] - anchors.points[first]).T)
    width = anchors.rows[anchors.row[first], rf.STROKE_WIDTH] * UNITS
    size = np.bincount(anchors.part, minlength=1)[anchors.part[first]]
    return gap[(size > 3) & (gap > EXACT) & (gap <= np.minimum(width, MAX_GAP))]


def _joint_errors(anchors: Anchors) -> np.ndarray:
    """Deviations of segment ends from smooth joints with the next segment, if one of the two is a curve."""
    leaves, arrives = anchors.tangents()  # [S, 2] each
    _, after = anchors.neighbours()
    first = np.flatnonzero(after >= 0)
    second = after[first]
    curved = ~anchors.straight[first] | ~anchors.straight[second]
    first, second = first[curved], second[curved]
    into, out = arrives[first], leaves[second]
    cross = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
    turn = np.abs(np.arctan2(cross, (into * out).sum(1)))
    length = np.hypot(*(anchors.points[anchors.end] - anchors.points[anchors.start]).T)  # [S]
    shorter = np.minimum(np.minimum(length[first], length[second]), 2)
    near = (turn <= math.radians(15)) & (shorter > 0.1)
    return (turn * shorter / 2)[near]
