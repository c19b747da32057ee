"""Rules for a whole drawing: no duplicate strokes, symmetric halves, one palette, inside the canvas.

Each is a pure function from valid rows [L, 22] to rows and adds none. Units: the canvas is 24 wide.
"""

import math

import numpy as np

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import UNITS, Anchors
from svgfusion_lib.tidying.noise import MIN_NOISE
from svgfusion_lib.utils.hybrid_utils import is_drawn, snap_rows
from svgfusion_lib.utils.outlines import Outline, nearest_on, nearest_points, outlines
from svgfusion_lib.utils.placement import affine, drawn_box

MIN_STROKE_LENGTH = 0.4   # units: shorter strokes are stubs, unless they are dots
DOT = 0.05                # units
DUPLICATE_DISTANCE = 0.1  # units: distance from another stroke of the same style within which a stroke is a duplicate
COINCIDENT = 0.02         # units: closer strokes coincide
SAME_COLOUR = 0.012       # per channel (three levels of 255): closer colours are merged
SAME_WIDTH = 0.05         # relative: closer stroke widths are merged
_MAX_COMPARED = 200       # strokes that are checked for duplicates


def snap_to_grid(rows: np.ndarray, config: SamplingConfig) -> np.ndarray:
    """Snap coordinates of rows [L, 22] near the grid of config.snap to it: fast tidying for candidates and edits."""
    return snap_rows(rows, 2 * config.snap / config.canvas) if config.snap else rows


def drop_duplicates(rows: np.ndarray, noise: float) -> np.ndarray:
    """Drop open strokes that run along another one of the same style, and stubs on other strokes.

    Keeps dots, and the only sub-path of a drawing.
    """
    found = outlines(rows)
    strokes = [o for o in found if _plain_stroke(rows, o)]
    gone = set()
    for outline in strokes if noise > MIN_NOISE else ():
        length = np.hypot(*np.diff(outline.points, axis=0).T).sum() * UNITS
        if DOT < length < MIN_STROKE_LENGTH and not outline.closed and _is_covered(rows, outline, found):
            gone.add(outline.rows.start)
    for k, outline in enumerate(strokes if len(strokes) <= _MAX_COMPARED else ()):
        if outline.closed or outline.rows.start in gone or len(outline.points) < 2:
            continue
        along = _spread(outline.points)
        style = rows[outline.rows.start, rf.STYLE]
        for j, other in enumerate(strokes):
            if j == k or other.rows.start in gone or not np.array_equal(style, rows[other.rows.start, rf.STYLE]):
                continue
            reach = DUPLICATE_DISTANCE / UNITS
            low, high = other.points.min(0) - reach, other.points.max(0) + reach
            if (along < low).any() or (along > high).any():
                continue
            gap = np.hypot(*(nearest_on(along, other.points) - along).T).max() * UNITS
            if gap <= min(DUPLICATE_DISTANCE, 2 * noise):
                gone.add(outline.rows.start)
                break
    gone &= {o.rows.start for o in found}
    if not gone or len(gone) == len(found):
        return rows
    return _without(rows, [o.rows for o in found if o.rows.start in gone])


def _plain_stroke(rows: np.ndarray, outline: Outline) -> bool:
    """Whether an outline belongs to a path with an opaque stroke and no fill."""
    row = rows[outline.rows.start]
    return outline.element == rf.PATH and outline.stroked and row[13] == 0 and row[17] >= 0.999


def _is_covered(rows: np.ndarray, stub: Outline, found: list[Outline]) -> bool:
    """Whether a stub lies within another stroke's width; a short stroke on its own may be a dot."""
    radius = rows[stub.rows.start, rf.STROKE_WIDTH] / 2
    others = [o for o in found if o.stroked and o.rows.start != stub.rows.start]
    return any((np.hypot(*(nearest_on(stub.points, o.points) - stub.points).T) <= radius).all() for o in others)


def _spread(points: np.ndarray) -> np.ndarray:
    """Resample a polyline to points at most half a unit apart, no more than 200."""
    gaps = np.hypot(*np.diff(points, axis=0).T) * UNITS
    far = np.concatenate([[0], np.cumsum(gaps)])
    at = np.linspace(0, far[-1], min(200, max(2, math.ceil(far[-1] * 2))))
    return np.stack([np.interp(at, far, points[:, k]) for k in (0, 1)], axis=1)


def _without(rows: np.ndarray, gone: list[slice]) -> np.ndarray:
    """Remove sub-paths from rows; if a path loses its first sub-path, it starts with the next one."""
    rows, kept = rows.copy(), np.ones(len(rows), dtype=bool)
    for own in gone:
        kept[own] = False
    for own in gone:
        after = own.stop
        while after < len(rows) and rows[after, rf.COMMAND] != rf.SUBMOVE and not kept[after]:
            after += 1
        if rows[own.start, rf.COMMAND] == rf.MOVE and after < len(rows) and rows[after, rf.COMMAND] == rf.SUBMOVE:
            rows[after, rf.COMMAND] = rf.MOVE
    return rows[kept]


def keep_apart(rows: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Moved rows [L, 22], except for strokes with a gap between them in `rows` that coincide now: these stay."""
    if not np.array_equal(rows[:, :2], moved[:, :2]):
        return moved
    before, after = ([o for o in outlines(each) if o.element == rf.PATH and o.stroked] for each in (rows, moved))
    if not 2 <= len(after) <= _MAX_COMPARED:
        return moved
    reach = COINCIDENT / UNITS
    low, high = np.stack([o.points.min(0) for o in after]), np.stack([o.points.max(0) for o in after])
    within = ((low[:, None] >= low - reach) & (high[:, None] <= high + reach)).all(2)  # [K, K]
    kept = set()
    for a, b in np.argwhere(within & ~np.eye(len(after), dtype=bool)).tolist():
        width = rows[[before[a].rows.start, before[b].rows.start], rf.STROKE_WIDTH].mean()
        if _gaps(after[a], after[b]).max() <= reach and _gaps(before[a], before[b]).min() > width:
            kept |= {a, b}
    result = moved.copy()
    for own in (before[k].rows for k in kept):
        result[own] = rows[own]
    return result


def _gaps(outline: Outline, other: Outline) -> np.ndarray:
    """Distances of points along an outline from another one."""
    along = _spread(outline.points)
    return np.hypot(*(nearest_on(along, other.points) - along).T)


def mirror_halves(rows: np.ndarray, noise: float) -> np.ndarray:
    """Make a nearly symmetric drawing exactly symmetric: all points need mirror images (left/right or top/bottom)."""
    anchors = Anchors.of(rows)
    points = anchors.points.copy()
    if len(points) < 3:
        return rows
    reach = 2 * noise
    kind = rows[anchors.row, rf.ELEMENT].astype(int)
    for axis in (0, 1):
        middle = points[:, axis].mean()
        for _ in range(2):  # the second time about the centre of the pairs
            image = points.copy()
            image[:, axis] = 2 * middle - points[:, axis]
            gap, pair = nearest_points(points, image)
            middle = np.median(points[:, axis] + points[pair, axis]) / 2
        mutual = (pair[pair] == np.arange(len(pair))) & (gap <= reach) & (kind == kind[pair])
        if not mutual.all() or (kind == rf.RECT).any():  # a rectangle's corner mirrors one that is not an anchor
            continue
        points = _halved(points, pair, axis, middle)
    return anchors.moved(points)


def _halved(points: np.ndarray, pair: np.ndarray, axis: int, middle: float) -> np.ndarray:
    """Move points [A, 2] and their partners to equal distances from the axis, and to equal heights."""
    result = points.copy()
    result[:, axis] = (points[:, axis] + 2 * middle - points[pair, axis]) / 2
    result[:, 1 - axis] = (points[:, 1 - axis] + points[pair, 1 - axis]) / 2
    return result


def one_palette(rows: np.ndarray) -> np.ndarray:
    """Merge nearly equal colours, and nearly equal stroke widths, into the most frequent one."""
    rows = rows.copy()
    drawn = np.flatnonzero(is_drawn(rows))
    for columns in (slice(10, 13), slice(14, 17)):
        paints = drawn[rows[drawn, columns.stop] > 0]
        rows[paints, columns] = _merged(rows[paints, columns], SAME_COLOUR, 0)
    stroked = drawn[(rows[drawn, 17] > 0) & (rows[drawn, rf.STROKE_WIDTH] > 0)]
    rows[stroked, rf.STROKE_WIDTH] = _merged(rows[stroked, rf.STROKE_WIDTH, None], 0, SAME_WIDTH)[:, 0]
    return rows


def _merged(values: np.ndarray, gap: float, share: float) -> np.ndarray:
    """Replace values [K, C] by a more frequent one that is within `gap`, or within a share of it."""
    if not len(values):
        return values
    different, number, count = np.unique(values, axis=0, return_inverse=True, return_counts=True)
    target = np.arange(len(different))
    order = np.argsort(-count, kind="stable")[:64]
    free = np.ones(len(different), dtype=bool)
    for k in order:
        if free[k]:
            near = free & (np.abs(different - different[k]).max(1) <= gap + share * np.abs(different[k]).max())
            target[near], free[near] = k, False
    return different[target][number.ravel()]


def fit_canvas(rows: np.ndarray, step: float = 0.5, most: float = math.inf) -> np.ndarray:
    """Shift a drawing that extends beyond the canvas inside, by whole steps if possible, or else scale it down.

    Keeps stroke widths. step: 0 for the smallest sufficient shift; most: largest overhang to correct, in units.
    """
    low, high = (corner * UNITS for corner in drawn_box(rows))
    inside = UNITS + 1e-4
    if not inside < max(-low.min(), high.max()) <= UNITS + most:
        return rows
    pad = rows[:, rf.STROKE_WIDTH].max() * UNITS / 2
    room = 2 * (UNITS - pad)
    size = high - low - 2 * pad
    scale = 1.0 if (high - low).max() <= 2 * inside else room / size.max() if room > 0 and size.max() > 0 else 1.0
    middle = (low + high) / 2
    low, high = middle + (low + pad - middle) * scale - pad, middle + (high - pad - middle) * scale + pad
    shift = np.maximum(-UNITS - low, 0) - np.maximum(high - UNITS, 0)
    if step and scale == 1:
        whole = np.sign(shift) * np.ceil(np.abs(shift) / step - 1e-6) * step
        shift = np.where((low + whole >= -inside) & (high + whole <= inside), whole, shift)
    return scale_and_shift(rows, scale, (middle * (1 - scale) + shift) / UNITS)


def scale_and_shift(rows: np.ndarray, scale: float, shift: np.ndarray) -> np.ndarray:
    """Scale rows about the canvas centre and shift by [2] canvas units; stroke widths stay."""
    result = affine(rows, scale, shift)
    result[:, rf.STROKE_WIDTH] = rows[:, rf.STROKE_WIDTH]
    return result
