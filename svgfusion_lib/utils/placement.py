"""Bounding box of a drawing, and moving and scaling it.

All functions take valid rows [L, 22] (<BOS> first, <EOS> last) and do not modify them.
"""

import math

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import arc_box
from svgfusion_lib.utils.hybrid_utils import is_drawn, paints_stroke

_IS_X, _IS_Y, _IS_LENGTH = (np.array(table) for table in rf.argument_tables())  # [elements, commands, 8]


def affine(rows: np.ndarray, scale: float, shift: np.ndarray) -> np.ndarray:
    """Scale rows about the canvas centre, then shift by [2]; lengths and stroke widths scale too."""
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be above 0 and finite, got {scale}")
    result = rows.copy()
    is_x, is_y, is_length = _kinds(rows)  # [L, 8] each
    scaled = rows[:, rf.GEOMETRY].astype(np.float64) * np.where(is_x | is_y | is_length, scale, 1.0)
    result[:, rf.GEOMETRY] = scaled + is_x * shift[0] + is_y * shift[1]
    result[:, rf.STROKE_WIDTH] *= scale
    return result


def drawn_box(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner [2], [2] of everything drawn, including half the stroke width; 0 if nothing is drawn.

    Bounds curves, not their control points. Ignores square caps and miter joins, which reach further.
    """
    geometry = rows[:, rf.GEOMETRY].astype(np.float64)
    low, high = geometry[:, rf.END_POINT].copy(), geometry[:, rf.END_POINT].copy()  # [L, 2]: of path rows
    for element in (rf.RECT, rf.CIRCLE, rf.ELLIPSE):
        mask = rows[:, rf.ELEMENT] == element
        corner, size = geometry[mask, :2], geometry[mask, 2:3] if element == rf.CIRCLE else geometry[mask, 2:4]
        low[mask], high[mask] = corner if element == rf.RECT else corner - size, corner + size
    cubics, arcs = rows[:, rf.COMMAND] == rf.CUBIC, rows[:, rf.COMMAND] == rf.ARC
    curves = _extremes(geometry[cubics].reshape(-1, 4, 2))  # [K, 4, 2]
    low[cubics], high[cubics] = curves.min(axis=1), curves.max(axis=1)
    turns = arc_box(geometry[arcs].reshape(-1, 4, 2)[:, [0, 1, 3]])  # [K, 6, 2]
    low[arcs], high[arcs] = turns.min(axis=1), turns.max(axis=1)
    pad = np.where(paints_stroke(rows.T), rows[:, rf.STROKE_WIDTH].astype(np.float64) / 2, 0)[:, None]  # [L, 1]
    drawn = is_drawn(rows)
    if not drawn.any():
        return np.zeros(2), np.zeros(2)
    return (low - pad)[drawn].min(axis=0), (high + pad)[drawn].max(axis=0)


def _kinds(rows: np.ndarray) -> list[np.ndarray]:
    """Masks [L, 8] of the geometry columns that hold an x, a y, a length."""
    element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    return [table[element, command] for table in (_IS_X, _IS_Y, _IS_LENGTH)]


def _extremes(points: np.ndarray) -> np.ndarray:
    """Values [K, 4, 2] of cubics [K, 4, 2] at their ends and at the extrema of x and y."""
    p0, p1, p2, p3 = points.transpose(1, 0, 2)  # [K, 2] each
    a, b, c = p3 - 3 * p2 + 3 * p1 - p0, 2 * (p2 - 2 * p1 + p0), p1 - p0  # derivative / 3 = a t^2 + b t + c
    q = -(b + np.copysign(np.sqrt(np.maximum(b * b - 4 * a * c, 0)), b)) / 2  # [K, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(np.stack([q / a, c / q], axis=1)).clip(0, 1)  # [K, 2, 2]: two roots, two axes
    p0, p1, p2, p3 = points[:, None].transpose(2, 0, 1, 3)  # [K, 1, 2] each
    s = 1 - t
    turning = s**3 * p0 + 3 * s**2 * t * p1 + 3 * s * t**2 * p2 + t**3 * p3  # [K, 2, 2]
    return np.concatenate([points[:, [0, 3]], turning], axis=1)
