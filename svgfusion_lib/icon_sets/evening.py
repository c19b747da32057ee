"""One visual weight for drawings [L, 22] of a set: their pens, their optical size, their place on the grid.

Units: 24 to the canvas's side. The optical size of a drawing is the side of a square of the area of its ink's convex
hull: the keylines of icon sets (circle 20, square 18, rectangles 20 x 16) have nearly the same.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import is_drawn, paints_fill, paints_stroke, snap_rows
from svgfusion_lib.utils.placement import affine, drawn_box
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

UNITS = 12            # units to a canvas unit
STEP = 0.5            # units: of the grid
LIVE_AREA = 22.0      # units: no drawing is wider or higher
OPTICAL_SIZES = (15.0, 19.0)  # units: within which a set's is
TOLERANCE = 0.05      # share of the set's size within which a drawing keeps its own
MOST_SCALED = 1.4     # nothing grows or shrinks by more
SAME_COLOUR = 0.1     # of a channel: lines whose colours are this near to the set's get it
PIXELS = 96           # in which ink is measured
_CONTRAST = 24        # of 255: how far from white counts as ink
_RGB = tuple(slice(columns.start, columns.start + 3) for columns in (rf.FILL, rf.STROKE))


@dataclass(frozen=True)
class Evenness:
    """What the drawings of a set have in common.

    pen: width of all strokes, None where drawings are not lines; cap, join: ids of row_format; colour: r, g, b of the
    lines; size: optical size.
    """

    pen: float | None
    cap: int
    join: int
    colour: tuple[float, ...]
    size: float


@dataclass(frozen=True)
class Measured:
    """How even a set is. Spreads: standard deviation over mean of the optical size, and of the share of ink.

    pens: different stroke widths; off_centre: mean distance of the middles of boxes from that of the canvas, units.
    """

    pens: int
    size_spread: float
    ink_spread: float
    off_centre: float


def common_evenness(drawings: Sequence[np.ndarray]) -> Evenness:
    """What fits the drawings best: their median pen, their most frequent cap and join, their median optical size."""
    strokes = np.concatenate([rows[_stroked(rows)] for rows in drawings] or [np.zeros((0, rf.NUM_COLUMNS))])  # [K, 22]
    fills = sum(int((is_drawn(rows) & paints_fill(rows.T)).sum()) for rows in drawings)
    pen, cap, join, colour = None, 0, 0, (0.0, 0.0, 0.0)
    if len(strokes) > fills:
        pen = max(0.25, round(float(np.median(strokes[:, rf.STROKE_WIDTH])) * UNITS * 4) / 4)
        cap, join = (int(_most_frequent(strokes[:, [column]])[0]) for column in (rf.CAP, rf.JOIN))
        colour = _most_frequent(strokes[:, _RGB[1]].round(3))
    sizes = [size for rows in drawings if (size := optical_size(rows)) > 0]
    return Evenness(pen, cap, join, colour, float(np.clip(np.median(sizes or [OPTICAL_SIZES[1]]), *OPTICAL_SIZES)))


def even_out(rows: np.ndarray, common: Evenness) -> np.ndarray:
    """A drawing [L, 22] with the set's pen, near the set's optical size, its box in the middle, on the grid.

    One within TOLERANCE of the size is shifted by whole steps of the grid alone.
    """
    rows = rows.copy()
    if common.pen is not None:
        stroked = _stroked(rows)
        rows[stroked, rf.STROKE_WIDTH] = common.pen / UNITS
        rows[stroked, rf.CAP], rows[stroked, rf.JOIN] = common.cap, common.join
        for columns in _RGB:
            near = np.abs(rows[:, columns] - common.colour).max(axis=1) <= SAME_COLOUR  # [L]
            rows[is_drawn(rows) & near, columns] = common.colour
    scaled = False
    for _ in range(2):  # strokes are not scaled, so once is not enough
        size, extent = optical_size(rows), float(np.ptp(drawn_box(rows), axis=0).max()) * UNITS
        if size == 0 or extent == 0:
            return rows
        scale = min(max(common.size / size, 1 / MOST_SCALED), MOST_SCALED)
        scale = min(scale, LIVE_AREA / extent)
        if abs(scale - 1) > TOLERANCE or extent > LIVE_AREA:
            rows, scaled = _about_centre(rows, scale, keep_pens=common.pen is not None), True
    rows = affine(rows, 1.0, _to_centre(rows))
    return snap_rows(rows, STEP / UNITS) if scaled else rows


def measure(drawings: Sequence[np.ndarray]) -> Measured:
    """How even drawings [L, 22] are."""
    pens = {round(float(row[rf.STROKE_WIDTH]) * UNITS, 2) for rows in drawings for row in rows[_stroked(rows)]}
    sizes = np.array([optical_size(rows) for rows in drawings])
    inks = np.array([_ink(rows).mean() for rows in drawings])
    middles = np.array([np.mean(drawn_box(rows), axis=0) for rows in drawings]) * UNITS  # [K, 2]
    return Measured(len(pens), _spread(sizes), _spread(inks), float(np.hypot(*middles.T).mean()))


def optical_size(rows: np.ndarray) -> float:
    """Side of a square of the area of the convex hull of a drawing's ink, units; 0 if there is next to none."""
    y, x = np.nonzero(_ink(rows))
    if len(x) < 8:
        return 0.0
    corners = np.concatenate([np.stack([x + dx, y + dy], axis=1) for dx in (0, 1) for dy in (0, 1)])  # [4 K, 2]
    return float(np.sqrt(ConvexHull(corners).volume)) * 2 * UNITS / PIXELS


def _ink(rows: np.ndarray) -> np.ndarray:
    """Pixels in which a drawing shows on white: bool [PIXELS, PIXELS]."""
    return (255 - render_svg(rows_to_svg(rows), PIXELS).astype(np.int16)).max(axis=2) > _CONTRAST


def _most_frequent(values: np.ndarray) -> tuple[float, ...]:
    """The row of values [K, C] that is there most often."""
    return Counter(map(tuple, values.tolist())).most_common(1)[0][0]


def _spread(values: np.ndarray) -> float:
    return float(values.std() / values.mean()) if values.mean() > 0 else 0.0


def _about_centre(rows: np.ndarray, scale: float, keep_pens: bool) -> np.ndarray:
    """Scaled about the middle of its box."""
    middle = np.mean(drawn_box(rows), axis=0)
    scaled = affine(rows, scale, middle * (1 - scale))
    if keep_pens:
        scaled[:, rf.STROKE_WIDTH] = rows[:, rf.STROKE_WIDTH]
    return scaled


def _to_centre(rows: np.ndarray) -> np.ndarray:
    """The shift [2] by whole steps of the grid that brings a drawing's box next to the canvas's middle."""
    middle = np.mean(drawn_box(rows), axis=0) * UNITS
    return -np.round(middle / STEP) * STEP / UNITS


def _stroked(rows: np.ndarray) -> np.ndarray:
    """Which rows [L] are strokes."""
    return is_drawn(rows) & paints_stroke(rows.T)
