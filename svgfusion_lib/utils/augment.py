"""Other rows for the same picture, for training; and the same drawing moved, mirrored or turned.

All take valid rows [L, 22] (<BOS> first, <EOS> last), leave them as they are and return new valid rows of the
same dtype. What is drawn at random comes from the `np.random.Generator` passed.

the picture stays     rotate_start, split_segments, line_to_cubic, cubic_to_line
the picture changes   affine, mirror, quarter_turn

`Augmentation` holds how much of each of the former, and applies them one after the other.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from svgfusion_lib.errors import UserError
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import arc_box, circle_through, points_at

SAME_POINT = 1e-5         # canvas units; a sub-path that ends so near its start is closed without a line
STRAIGHT = 1e-4           # canvas units; how far the controls of a cubic may lie beside its chord
MIN_SPLIT = 0.04          # canvas units (half a unit of a 24 x 24 icon); shorter segments are not split
SPLIT_AT = (0.2, 0.8)     # where along its parameter a segment is split
_START, _END = slice(2, 4), slice(8, 10)  # columns: where a path row starts and ends
_IS_X, _IS_Y, _IS_LENGTH = (np.array(table) for table in rf.argument_tables())  # [elements, commands, 8]


@dataclass(frozen=True)
class Augmentation:
    """How much of each augmentation; as it is, rows come back equal. A rate is a share, from 0 to 1."""

    line_rate: float = 0.0        # chance that straight cubics become lines
    start_rate: float = 0.0       # share of the closed sub-paths that start somewhere else
    split_rate: float = 0.0       # share of the lines, cubics and arcs that are cut in two
    cubic_rate: float = 0.0       # share of the lines that are written as cubics
    max_rows: int | None = None   # L after rotating and splitting; rows that are longer already do not grow

    def __post_init__(self):
        for name in (f.name for f in fields(self) if f.name != "max_rows"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"Augmentation: {name} must be a number from 0 to 1, not {getattr(self, name)}")

    def __call__(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Rows [L, 22] -> rows [L', 22]."""
        rows = _checked(rows).copy()
        if rng.random() < self.line_rate:
            rows = cubic_to_line(rows)
        if self.start_rate:
            rows = rotate_start(rows, rng, self.start_rate, self._room(rows))
        if self.split_rate:
            rows = split_segments(rows, rng, self.split_rate, self._room(rows))
        if self.cubic_rate:
            rows = line_to_cubic(rows, rng, self.cubic_rate)
        return rows

    def _room(self, rows: np.ndarray) -> int | None:
        return None if self.max_rows is None else max(self.max_rows - len(rows), 0)


# --- the picture stays ------------------------------------------------------------------------


def rotate_start(
    rows: np.ndarray, rng: np.random.Generator, rate: float = 1.0, room: int | None = None
) -> np.ndarray:
    """A share `rate` of the closed sub-paths starts at any of its corners; at most `room` rows are added.

    A sub-path is closed if it ends with a `close`, or if its path has no stroke. The line that the closing
    draws becomes a row where it is no longer last; a line that becomes last is left to the closing.
    """
    left, pieces = math.inf if room is None else room, []
    for piece in _sub_paths(_checked(rows)):
        if _is_closed(piece) and rng.random() < rate:
            turned = _rotated(piece, rng)
            if len(turned) - len(piece) <= left:
                left -= len(turned) - len(piece)
                piece = turned
        pieces.append(piece)
    return np.concatenate(pieces)  # [L', 22]


def split_segments(
    rows: np.ndarray, rng: np.random.Generator, rate: float = 1.0, room: int | None = None
) -> np.ndarray:
    """A share `rate` of the lines, cubics (de Casteljau) and arcs is cut in two; at most `room` rows are added."""
    rows = _checked(rows)
    chosen = np.flatnonzero((_extent(rows) >= MIN_SPLIT) & (rng.random(len(rows)) < rate))
    chosen = np.sort(rng.permutation(chosen)[:room])  # [K]
    shares = rng.uniform(*SPLIT_AT, (len(chosen), 1, 1))  # [K, 1, 1]
    halves = _halves(_points(rows[chosen]), shares)  # [K, 2, 4, 2]
    halves[rows[chosen, rf.COMMAND] == rf.LINE, :, 1:3] = 0
    arcs = rows[chosen, rf.COMMAND] == rf.ARC
    halves[arcs] = _arc_halves(rows[chosen[arcs]], shares[arcs, 0, 0])
    copies = np.ones(len(rows), dtype=int)
    copies[chosen] = 2
    result = np.repeat(rows, copies, axis=0)  # [L + K, 22]
    first = chosen + np.arange(len(chosen))  # [K]
    result[np.stack([first, first + 1], axis=1), rf.GEOMETRY] = halves.reshape(-1, 2, rf.NUM_GEOMETRY)
    return result


def line_to_cubic(rows: np.ndarray, rng: np.random.Generator, rate: float = 1.0) -> np.ndarray:
    """A share `rate` of the lines, dots aside, becomes cubics with their controls at the thirds."""
    rows = _checked(rows).copy()
    is_line = (rows[:, rf.COMMAND] == rf.LINE) & (_extent(rows) > 0)  # [L]
    chosen = is_line & (rng.random(len(rows)) < rate)  # [L]
    rows[chosen, rf.GEOMETRY] = _points(rows[chosen]).reshape(-1, rf.NUM_GEOMETRY)
    rows[chosen, rf.COMMAND] = rf.CUBIC
    return rows


def cubic_to_line(rows: np.ndarray) -> np.ndarray:
    """Every cubic whose controls lie on its chord becomes a line.

    On the chord, and not beyond its ends (both within STRAIGHT): then the curve never runs back.
    """
    rows = _checked(rows).copy()
    cubics = np.flatnonzero(rows[:, rf.COMMAND] == rf.CUBIC)  # [K]
    points = _points(rows[cubics])  # [K, 4, 2]
    chord = points[:, 3:] - points[:, :1]  # [K, 1, 2]
    length = np.linalg.norm(chord, axis=2)  # [K, 1]
    direction = chord / np.maximum(length, 1e-12)[..., None]  # [K, 1, 2]
    offset = points[:, 1:3] - points[:, :1]  # [K, 2, 2]
    along = (offset * direction).sum(axis=2)  # [K, 2]
    beside = np.linalg.norm(offset - along[..., None] * direction, axis=2)  # [K, 2]
    straight = (beside <= STRAIGHT) & (along >= -STRAIGHT) & (along <= length + STRAIGHT)  # [K, 2]
    chosen = cubics[straight.all(axis=1)]
    rows[chosen, rf.COMMAND] = rf.LINE
    rows[chosen, 4:8] = 0
    return rows


# --- the picture changes ----------------------------------------------------------------------


def affine(rows: np.ndarray, scale: float, shift: np.ndarray) -> np.ndarray:
    """Scaled about the canvas's centre, then shifted by [2]; lengths and stroke widths follow the scale."""
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be above 0 and finite, got {scale}")
    result = _checked(rows).copy()
    is_x, is_y, is_length = _kinds(rows)  # [L, 8] each
    scaled = rows[:, rf.GEOMETRY].astype(np.float64) * np.where(is_x | is_y | is_length, scale, 1.0)
    result[:, rf.GEOMETRY] = scaled + is_x * shift[0] + is_y * shift[1]
    result[:, rf.STROKE_WIDTH] *= scale
    return result


def mirror(rows: np.ndarray) -> np.ndarray:
    """x -> -x. Outlines turn the other way round, which neither fill rule nor stroke minds."""
    result = _checked(rows).copy()
    geometry = rows[:, rf.GEOMETRY]
    result[:, rf.GEOMETRY] = np.where(_kinds(rows)[0], 0 - geometry, geometry)
    rect = rows[:, rf.ELEMENT] == rf.RECT
    result[rect, 2] -= rows[rect, 4]  # its corner was the right one
    return result


def quarter_turn(rows: np.ndarray) -> np.ndarray:
    """A quarter turn clockwise about the canvas's centre, y being downwards: (x, y) -> (-y, x)."""
    result = _checked(rows).copy()
    geometry, (is_x, is_y, _) = rows[:, rf.GEOMETRY], _kinds(rows)
    before, after = np.roll(geometry, 1, axis=1), np.roll(geometry, -1, axis=1)  # [L, 8]: of each column's neighbours
    result[:, rf.GEOMETRY] = np.where(is_x, 0 - after, np.where(is_y, before, geometry))
    for element, pairs in ((rf.RECT, ((4, 5), (6, 7))), (rf.ELLIPSE, ((4, 5),))):
        mask = rows[:, rf.ELEMENT] == element
        for first, second in pairs:
            result[np.ix_(mask, (first, second))] = rows[np.ix_(mask, (second, first))]
    rect = rows[:, rf.ELEMENT] == rf.RECT
    result[rect, 2] -= result[rect, 4]  # its corner was the lower left one
    return result


def drawn_box(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner [2], [2] of all that is drawn, half the stroke widths included; 0 if nothing is.

    Curves count, not their controls. Square caps and pointed joins, which reach further, do not.
    """
    rows = _checked(rows)
    geometry = rows[:, rf.GEOMETRY].astype(np.float64)
    low, high = geometry[:, rf.END_POINT].copy(), geometry[:, rf.END_POINT].copy()  # [L, 2]: of path rows
    for element in (rf.RECT, rf.CIRCLE, rf.ELLIPSE):
        mask = rows[:, rf.ELEMENT] == element
        corner, size = geometry[mask, :2], geometry[mask, 2:3] if element == rf.CIRCLE else geometry[mask, 2:4]
        low[mask], high[mask] = corner if element == rf.RECT else corner - size, corner + size
    cubics, arcs = rows[:, rf.COMMAND] == rf.CUBIC, rows[:, rf.COMMAND] == rf.ARC
    curves = _extremes(_points(rows[cubics]))  # [K, 4, 2]
    low[cubics], high[cubics] = curves.min(axis=1), curves.max(axis=1)
    turns = arc_box(geometry[arcs].reshape(-1, 4, 2)[:, [0, 1, 3]])  # [K, 6, 2]
    low[arcs], high[arcs] = turns.min(axis=1), turns.max(axis=1)
    pad = np.where(_is_stroked(rows), rows[:, rf.STROKE_WIDTH].astype(np.float64) / 2, 0)[:, None]  # [L, 1]
    drawn = (rows[:, rf.ELEMENT] >= rf.PATH) & ~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)
    if not drawn.any():
        return np.zeros(2), np.zeros(2)
    return (low - pad)[drawn].min(axis=0), (high + pad)[drawn].max(axis=0)


# --- helpers ----------------------------------------------------------------------------------


def _checked(rows: np.ndarray) -> np.ndarray:
    if rows.ndim != 2 or rows.shape[1] != rf.NUM_COLUMNS:
        raise ValueError(f"rows must have shape [L, {rf.NUM_COLUMNS}], got {list(rows.shape)}")
    return rows


def _kinds(rows: np.ndarray) -> list[np.ndarray]:
    """Which geometry columns are x, y and length: three masks [L, 8]."""
    element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    return [table[element, command] for table in (_IS_X, _IS_Y, _IS_LENGTH)]


def _sub_paths(rows: np.ndarray) -> list[np.ndarray]:
    """Rows cut before every sub-path; a row of anything else stands alone."""
    starts = (rows[:, rf.ELEMENT] != rf.PATH) | np.isin(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE))
    return np.split(rows, np.flatnonzero(starts[1:]) + 1)


def _is_stroked(rows: np.ndarray) -> np.ndarray:
    """Rows [..., 22] -> bool [...]: a stroke is painted."""
    return (rows[..., rf.STROKE][..., 3] > rf.MIN_OPACITY) & (rows[..., rf.STROKE_WIDTH] > 0)


def _is_closed(piece: np.ndarray) -> bool:
    """Whether a piece of `_sub_paths` is an outline with at least one segment that returns to its start."""
    if piece[0, rf.ELEMENT] != rf.PATH or not np.isin(piece[:, rf.COMMAND], (rf.LINE, rf.CUBIC, rf.ARC)).any():
        return False
    return piece[-1, rf.COMMAND] == rf.CLOSE or not _is_stroked(piece[0])


def _rotated(piece: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A closed sub-path [K, 22] from any of its corners on, its own included."""
    close = piece[piece[:, rf.COMMAND] == rf.CLOSE].copy()  # [0 or 1, 22]
    segments, first = piece[1 : len(piece) - len(close)].copy(), piece[0, _END]
    if np.abs(segments[-1, _END] - first).max() > SAME_POINT:
        segments = np.concatenate([segments, _line(piece[0], segments[-1, _END], first)])
    segments[-1, _END] = first
    k = int(rng.integers(len(segments)))
    if k == 0:
        return piece
    segments = np.roll(segments, -k, axis=0)
    if segments[-1, rf.COMMAND] == rf.LINE:
        segments = segments[:-1]
    head = piece[:1].copy()
    head[0, _END] = segments[0, _START]
    close[:, _START], close[:, _END] = segments[-1, _END], head[0, _END]
    return np.concatenate([head, segments, close])


def _line(styled: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """A line row [1, 22] in the style of another row."""
    row = styled[None].copy()
    row[0, rf.COMMAND], row[0, rf.GEOMETRY] = rf.LINE, 0
    row[0, _START], row[0, _END] = start, end
    return row


def _points(rows: np.ndarray) -> np.ndarray:
    """Start, controls and end [K, 4, 2] in float64; the controls of a line are at its thirds."""
    points = rows[:, rf.GEOMETRY].astype(np.float64).reshape(-1, 4, 2)
    lines = rows[:, rf.COMMAND] == rf.LINE
    start, end = points[lines, :1], points[lines, 3:]  # [lines, 1, 2]
    points[lines, 1:3] = start + np.array([[1 / 3], [2 / 3]]) * (end - start)
    return points


def _extent(rows: np.ndarray) -> np.ndarray:
    """Longer side [L] of the box around the points of a line, cubic or arc; -1 for any other row."""
    points = _points(rows)
    arcs = rows[:, rf.COMMAND] == rf.ARC
    points[arcs, 2] = points[arcs, 1]
    extent = np.ptp(points, axis=1).max(axis=1)
    return np.where(np.isin(rows[:, rf.COMMAND], (rf.LINE, rf.CUBIC, rf.ARC)), extent, -1.0)


def _halves(points: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Cubics [K, 4, 2] cut at t [K, 1, 1]: their two parts [K, 2, 4, 2]."""
    levels = [points]
    for _ in range(3):
        above = levels[-1]
        levels.append(above[:, :-1] + t * (above[:, 1:] - above[:, :-1]))  # [K, 3, 2], [K, 2, 2], [K, 1, 2]
    before = np.concatenate([level[:, :1] for level in levels], axis=1)  # [K, 4, 2]
    after = np.concatenate([level[:, -1:] for level in levels[::-1]], axis=1)  # [K, 4, 2]
    return np.stack([before, after], axis=1)


def _arc_halves(rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Arc rows [K, 22] cut at shares [K] of their sweep: geometry of the two parts [K, 2, 4, 2]."""
    start, middle, end = rows[:, rf.GEOMETRY].astype(np.float64).reshape(-1, 4, 2)[:, [0, 1, 3]].transpose(1, 0, 2)
    centre, radius, sweep = circle_through(start, middle, end)  # [K, 2], [K], [K]
    flat = ~np.isfinite(radius)

    def place(share: np.ndarray) -> np.ndarray:  # [K] -> [K, 2]
        on_line = start + share[:, None] * (end - start)
        return np.where(flat[:, None], on_line, points_at(start, np.where(flat[:, None], start, centre), sweep, share))

    cut = place(shares)
    unused = np.zeros_like(cut)
    first = np.stack([start, place(shares / 2), unused, cut], axis=1)  # [K, 4, 2]
    return np.stack([first, np.stack([cut, place((1 + shares) / 2), unused, end], axis=1)], axis=1)


def _extremes(points: np.ndarray) -> np.ndarray:
    """Values [K, 4, 2] of cubics [K, 4, 2] at their ends and where x or y turns, axis by axis."""
    p0, p1, p2, p3 = points.transpose(1, 0, 2)  # [K, 2] each
    a, b, c = p3 - 3 * p2 + 3 * p1 - p0, 2 * (p2 - 2 * p1 + p0), p1 - p0  # derivative / 3 = a t^2 + b t + c
    q = -(b + np.copysign(np.sqrt(np.maximum(b * b - 4 * a * c, 0)), b)) / 2  # [K, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(np.stack([q / a, c / q], axis=1)).clip(0, 1)  # [K, 2, 2]: two roots, two axes
    p0, p1, p2, p3 = points[:, None].transpose(2, 0, 1, 3)  # [K, 1, 2] each
    s = 1 - t
    turning = s**3 * p0 + 3 * s**2 * t * p1 + 3 * s * t**2 * p2 + t**3 * p3  # [K, 2, 2]
    return np.concatenate([points[:, [0, 3]], turning], axis=1)
