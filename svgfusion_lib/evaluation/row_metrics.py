"""Measures on rows: does a drawing leave the canvas, does it keep the style of an icon set?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import is_drawn, paints_stroke, strokes_only

GRID = 0.5               # step of the design grid, in units (canvas side 24)
GRID_TOLERANCE = 0.03    # units; largest distance of a coordinate on the grid
WIDTH_STEP = 0.1         # units; stroke widths are rounded to this before comparison
UNITS = 12               # units per half-width of the canvas
COVERAGE = 0.95          # share of a set's icons that its style must cover

Pen = tuple[float, int, int]  # stroke width in units, cap, join


def overshoot(rows: np.ndarray) -> float:
    """Distance that points, controls and outlines of rows [L, 22] extend beyond the canvas, in canvas half-widths.

    Stroke widths and gradient vectors are ignored. 0 = all inside.
    """
    rows = rows[~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)]
    element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    geometry = rows[:, rf.GEOMETRY]
    x, y = geometry[rf.IS_X[element, command]], geometry[rf.IS_Y[element, command]]
    low = [x.min(initial=0), y.min(initial=0)]
    high = [x.max(initial=0), y.max(initial=0)]
    for kind, row in zip(element, geometry):
        if kind == rf.RECT:
            high += [row[0] + row[2], row[1] + row[3]]
        elif kind in (rf.CIRCLE, rf.ELLIPSE):
            radii = row[2], row[2] if kind == rf.CIRCLE else row[3]
            low += [row[0] - radii[0], row[1] - radii[1]]
            high += [row[0] + radii[0], row[1] + radii[1]]
    return float(max(0.0, -1 - min(low), max(high) - 1))


# --- style ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LineStyle:
    """Style of an icon set: its pens, and the share of points on the grid."""

    pens: frozenset[Pen]
    on_grid: float       # smallest share of an icon's coordinates on the grid

    def matches(self, rows: np.ndarray) -> bool:
        """Whether a drawing (rows [L, 22]) keeps the style: strokes only, no other pens, enough points on the grid."""
        return strokes_only(rows) and pens_of(rows) <= self.pens and grid_share(rows) >= self.on_grid


def line_style(drawings: Sequence[np.ndarray]) -> LineStyle:
    """Derive the style that at least COVERAGE of stroke-only drawings (rows [L, 22] each) keep.

    Pens are added by frequency until COVERAGE of the icons need no other; the grid share is one that COVERAGE reach.
    """
    if not drawings:
        raise ValueError("no drawings to derive a style from")
    used = [pens_of(rows) for rows in drawings]
    pens: set[Pen] = set()
    for pen, _ in Counter(pen for own in used for pen in own).most_common():
        pens.add(pen)
        if np.mean([own <= pens for own in used]) >= COVERAGE:
            break
    shares = sorted(grid_share(rows) for rows in drawings)
    return LineStyle(frozenset(pens), shares[int((1 - COVERAGE) * len(shares))])


def pens_of(rows: np.ndarray) -> set[Pen]:
    """Stroke width (rounded), cap and join of every stroke of rows [L, 22]."""
    drawn = rows[is_drawn(rows)]
    strokes = drawn[paints_stroke(drawn.T)]
    widths = np.round(np.round(strokes[:, rf.STROKE_WIDTH] * UNITS / WIDTH_STEP) * WIDTH_STEP, 3)
    return {(float(w), int(cap), int(join)) for w, cap, join in zip(widths, strokes[:, rf.CAP], strokes[:, rf.JOIN])}


def grid_share(rows: np.ndarray) -> float:
    """Share of the coordinates of a drawing's points (ends of segments, corners, centres) on the grid."""
    points = []
    for row in rows:
        geometry = row[rf.GEOMETRY]
        if row[rf.ELEMENT] == rf.PATH:
            points.append(geometry[rf.END_POINT])
        elif row[rf.ELEMENT] in (rf.RECT, rf.CIRCLE, rf.ELLIPSE):
            points.append(geometry[:2])
    if not points:
        return 0.0
    units = (np.concatenate(points) + 1) * UNITS
    return float((np.abs(units - np.round(units / GRID) * GRID) <= GRID_TOLERANCE).mean())
