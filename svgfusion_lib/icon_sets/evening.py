"""Gives the drawings [L, 22] of a set one visual weight: stroke width, optical size, and place on the grid.

Units: the canvas is 24 wide. The optical size of a drawing is the side of a square with the area of the convex hull of
its ink; it is nearly equal for the keylines of icon sets (circle 20, square 18, rectangles 20 x 16).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import is_drawn, paints_fill, paints_stroke, snap_rows
from svgfusion_lib.utils.placement import affine, drawn_box
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

UNITS = 12                    # units per canvas unit
STEP = 0.5                    # units: of the grid
LIVE_AREA = 22.0              # units: largest width and height of a drawing
OPTICAL_SIZES = (15.0, 19.0)  # units: range of a set's optical size
TOLERANCE = 0.05              # share of the set's size within which a drawing keeps its size
MAX_SCALE = 1.4               # largest factor by which a drawing grows or shrinks
SAME_COLOUR = 0.1             # per channel: lines with colours this close to the set's take it
PIXELS = 96                   # side of the image in which ink is measured
_CONTRAST = 24                # of 255: distance from white that counts as ink
_RGB = tuple(slice(columns.start, columns.start + 3) for columns in (rf.FILL, rf.STROKE))


@dataclass(frozen=True)
class CommonStyle:
    """Properties shared by the drawings of a set.

    pen: stroke width, or None if the drawings are not line icons; cap, join: ids of row_format; colour: r, g, b of
    the lines; size: optical size.
    """

    pen: float | None
    cap: int
    join: int
    colour: tuple[float, ...]
    size: float


@dataclass(frozen=True)
class EvennessMeasures:
    """Measures of a set's evenness. Spreads: standard deviation over mean, of the optical size and the share of ink.

    pens: number of stroke widths; off_centre: mean distance of box centres from the canvas centre, in units.
    """

    pens: int
    size_spread: float
    ink_spread: float
    off_centre: float


def common_style(drawings: Sequence[np.ndarray]) -> CommonStyle:
    """The properties that fit the drawings best: median pen and optical size, most frequent cap and join."""
    stroked = [rows[_has_stroke(rows)] for rows in drawings] or [np.zeros((0, rf.NUM_COLUMNS))]
    strokes = np.concatenate(stroked)  # [K, 22]
    fills = sum(int((is_drawn(rows) & paints_fill(rows.T)).sum()) for rows in drawings)
    pen, cap, join, colour = None, 0, 0, (0.0, 0.0, 0.0)
    if len(strokes) > fills:
        pen = max(0.25, round(float(np.median(strokes[:, rf.STROKE_WIDTH])) * UNITS * 4) / 4)
        cap, join = (int(_most_frequent(strokes[:, [column]])[0]) for column in (rf.CAP, rf.JOIN))
        colour = _most_frequent(strokes[:, _RGB[1]].round(3))
    sizes = [size for rows in drawings if (size := optical_size(rows)) > 0]
    return CommonStyle(pen, cap, join, colour, float(np.clip(np.median(sizes or [OPTICAL_SIZES[1]]), *OPTICAL_SIZES)))


def even_out(rows: np.ndarray, common: CommonStyle) -> np.ndarray:
    """Give a drawing [L, 22] the set's pen and nearly its optical size, centred and aligned with the grid.

    A drawing within TOLERANCE of the size is only shifted, by whole grid steps.
    """
    rows = rows.copy()
    if common.pen is not None:
        stroked = _has_stroke(rows)
        rows[stroked, rf.STROKE_WIDTH] = common.pen / UNITS
        rows[stroked, rf.CAP], rows[stroked, rf.JOIN] = common.cap, common.join
        for columns in _RGB:
            near = np.abs(rows[:, columns] - common.colour).max(axis=1) <= SAME_COLOUR  # [L]
            rows[is_drawn(rows) & near, columns] = common.colour
    scaled = False
    for _ in range(2):  # strokes are not scaled, so one pass is not enough
        size, extent = optical_size(rows), float(np.ptp(drawn_box(rows), axis=0).max()) * UNITS
        if size == 0 or extent == 0:
            return rows
        scale = min(max(common.size / size, 1 / MAX_SCALE), MAX_SCALE)
        scale = min(scale, LIVE_AREA / extent)
        if abs(scale - 1) > TOLERANCE or extent > LIVE_AREA:
            rows, scaled = _scale_about_centre(rows, scale, keep_pens=common.pen is not None), True
    rows = affine(rows, 1.0, _centring_shift(rows))
    return snap_rows(rows, STEP / UNITS) if scaled else rows


def measure(drawings: Sequence[np.ndarray]) -> EvennessMeasures:
    """Measure the evenness of drawings [L, 22]."""
    pens = {round(float(row[rf.STROKE_WIDTH]) * UNITS, 2) for rows in drawings for row in rows[_has_stroke(rows)]}
    sizes = np.array([optical_size(rows) for rows in drawings])
    inks = np.array([_ink(rows).mean() for rows in drawings])
    middles = np.array([np.mean(drawn_box(rows), axis=0) for rows in drawings]) * UNITS  # [K, 2]
    return EvennessMeasures(len(pens), _spread(sizes), _spread(inks), float(np.hypot(*middles.T).mean()))


def optical_size(rows: np.ndarray) -> float:
    """Side, in units, of a square with the area of the convex hull of a drawing's ink; 0 if there is hardly any."""
    from scipy.spatial import ConvexHull

    y, x = np.nonzero(_ink(rows))
    if len(x) < 8:
        return 0.0
    corners = np.concatenate([np.stack([x + dx, y + dy], axis=1) for dx in (0, 1) for dy in (0, 1)])  # [4 K, 2]
    return float(np.sqrt(ConvexHull(corners).volume)) * 2 * UNITS / PIXELS


def _ink(rows: np.ndarray) -> np.ndarray:
    """Mask of the pixels in which a drawing is visible on white: bool [PIXELS, PIXELS]."""
    return (255 - render_svg(rows_to_svg(rows), PIXELS).astype(np.int16)).max(axis=2) > _CONTRAST


def _most_frequent(values: np.ndarray) -> tuple[float, ...]:
    """The most frequent row of values [K, C]."""
    return Counter(map(tuple, values.tolist())).most_common(1)[0][0]


def _spread(values: np.ndarray) -> float:
    return float(values.std() / values.mean()) if values.mean() > 0 else 0.0


def _scale_about_centre(rows: np.ndarray, scale: float, keep_pens: bool) -> np.ndarray:
    """Scale a drawing about the centre of its box."""
    middle = np.mean(drawn_box(rows), axis=0)
    scaled = affine(rows, scale, middle * (1 - scale))
    if keep_pens:
        scaled[:, rf.STROKE_WIDTH] = rows[:, rf.STROKE_WIDTH]
    return scaled


def _centring_shift(rows: np.ndarray) -> np.ndarray:
    """The shift [2] in whole grid steps that best centres a drawing's box on the canvas."""
    middle = np.mean(drawn_box(rows), axis=0) * UNITS
    return -np.round(middle / STEP) * STEP / UNITS


def _has_stroke(rows: np.ndarray) -> np.ndarray:
    """Which rows [L] have a stroke."""
    return is_drawn(rows) & paints_stroke(rows.T)
