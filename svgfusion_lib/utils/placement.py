"""Bounding box of a drawing, and moving and scaling it.

All functions take valid rows [L, 22] (<BOS> first, <EOS> last) and do not modify them.
"""

import math

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry.paths import cubic_extremes
from svgfusion_lib.utils.arcs import arc_box
from svgfusion_lib.utils.hybrid_utils import is_drawn, paints_stroke


def affine(rows: np.ndarray, scale: float, shift: np.ndarray) -> np.ndarray:
    """Scale rows about the canvas centre, then shift by [2]; lengths and stroke widths scale too."""
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be above 0 and finite, got {scale}")
    result = rows.copy()
    element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    is_x, is_y, is_length = (mask[element, command] for mask in (rf.IS_X, rf.IS_Y, rf.IS_LENGTH))  # [L, 8] each
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
    start, *_, end = points = geometry[cubics].reshape(-1, 4, 2).swapaxes(0, 1)  # [4, K, 2]
    curves = np.stack([start, end, *cubic_extremes(*points)])  # [4, K, 2]
    low[cubics], high[cubics] = curves.min(axis=0), curves.max(axis=0)
    turns = arc_box(geometry[arcs].reshape(-1, 4, 2)[:, [0, 1, 3]])  # [K, 6, 2]
    low[arcs], high[arcs] = turns.min(axis=1), turns.max(axis=1)
    pad = np.where(paints_stroke(rows.T), rows[:, rf.STROKE_WIDTH].astype(np.float64) / 2, 0)[:, None]  # [L, 1]
    drawn = is_drawn(rows)
    if not drawn.any():
        return np.zeros(2), np.zeros(2)
    return (low - pad)[drawn].min(axis=0), (high + pad)[drawn].max(axis=0)
