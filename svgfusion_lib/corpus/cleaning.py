"""What a drawing has that nobody sees, and that a model would learn all the same: taken away.

Files of emoji come from programs for illustrators and keep what was left behind there: other pictures beside the
canvas, shapes that others cover, segments shorter than half a pixel.
"""

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.augment import drawn_box
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.rendering_sequence import element_of_rows
from svgfusion_lib.utils.tensorsvg import rows_to_svg

TINY = 0.008            # canvas units: half a pixel of 128
SIZE = 96               # pixels a side, to see whether anything changes
BACKDROP = "#8a5c3d"    # a colour that hardly any drawing has, so that white and black shapes are seen
_SEGMENTS = (rf.LINE, rf.CUBIC)


def clean_rows(rows: np.ndarray) -> np.ndarray:
    """Rows [L, 22] without what is not seen; the same object if all of it is.

    ValueError if they cannot be rendered.
    """
    cleaned = drop_invisible(merge_tiny_segments(drop_outside(rows)))
    return rows if len(cleaned) == len(rows) else cleaned


def drop_outside(rows: np.ndarray) -> np.ndarray:
    """Rows [L, 22] without the sub-paths and shapes that lie wholly outside the canvas."""
    starts = (rows[:, rf.ELEMENT] != rf.PATH) | np.isin(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE))
    piece = np.cumsum(starts) - 1  # [L]
    kept = np.ones(len(rows), dtype=bool)
    for number in np.unique(piece[(rows[:, rf.ELEMENT] >= rf.PATH) & ~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)]):
        own = piece == number
        low, high = drawn_box(rows[own])
        kept[own] = not ((high < -1).any() or (low > 1).any())
    return _without(rows, kept)


def merge_tiny_segments(rows: np.ndarray) -> np.ndarray:
    """Rows [L, 22] without lines and cubics of an extent below TINY: the next segment starts where they did.

    A sub-path keeps its last segment, whatever its length: it may be a dot.
    """
    rows, kept = rows.copy(), np.ones(len(rows), dtype=bool)
    segment = np.isin(rows[:, rf.COMMAND], _SEGMENTS) & (rows[:, rf.ELEMENT] == rf.PATH)  # [L]
    for i in np.flatnonzero(segment):
        points = rows[i, rf.GEOMETRY].reshape(4, 2)
        points = points if rows[i, rf.COMMAND] == rf.CUBIC else points[[0, 3]]
        if np.ptp(points, axis=0).max() < TINY and segment[i + 1]:
            kept[i] = False
            rows[i + 1, 2:4] = points[0]
    return rows[kept]


def drop_invisible(rows: np.ndarray) -> np.ndarray:
    """Rows [L, 22] without the elements that change no pixel. The later ones go first: they cover what is below."""
    number = element_of_rows(rows)
    doubtful = set(range(int(number[-1]) + 1)) - _surely_seen(rows, number)
    if not doubtful:
        return rows
    picture = _picture(rows)
    for element in sorted(doubtful, reverse=True):
        kept = number != element
        kept[[0, -1]] = True
        if kept[1:-1].any() and np.array_equal(_picture(rows[kept]), picture):
            rows, number = rows[kept], number[kept]
    return rows


def _surely_seen(rows: np.ndarray, number: np.ndarray) -> set[int]:
    """Elements that are on top somewhere, as a rendering shows where each has an opaque colour of its own."""
    drawn = ~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)  # [L]
    rows, number = rows[drawn].copy(), number[drawn]
    for columns in (rf.FILL, rf.STROKE):
        painted = (rows[:, columns][:, 3] > rf.MIN_OPACITY) & (rows[:, rf.ELEMENT] >= rf.PATH)  # [L]
        colours = np.stack([1 + number // 100, 1 + number % 100, np.full_like(number, 7)], axis=1) / 255  # [L, 3]
        rows[painted, columns.start : columns.start + 3] = colours[painted]
        rows[painted, columns.start + 3] = 1
    pixels = _picture(rows).reshape(-1, 3).astype(int)  # [SIZE^2, 3]
    pixels = np.unique(pixels[pixels[:, 2] == 7], axis=0)
    return set(((pixels[:, 0] - 1) * 100 + pixels[:, 1] - 1).tolist())


def _picture(rows: np.ndarray) -> np.ndarray:
    return render_svg_by_resvg(rows_to_svg(rows), SIZE, BACKDROP)


def _without(rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The kept rows, of paths whose first sub-path goes the next one becomes the first; gradients of nothing go too."""
    if kept.all():
        return rows
    rows, element = rows.copy(), element_of_rows(rows)
    is_gradient = np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)
    for number in np.unique(element[~kept]):
        own = np.flatnonzero((element == number) & (rows[:, rf.ELEMENT] >= rf.PATH))
        left = own[kept[own] & ~is_gradient[own]]
        if not len(left):
            kept[own] = False
        elif rows[left[0], rf.COMMAND] == rf.SUBMOVE:
            rows[left[0], rf.COMMAND] = rf.MOVE
    return rows[kept]
