"""Hybrid decoding: from numbers a network produced to rows that mean something.

Categories are read by the nearest id, geometry and style stay continuous. `sanitize_rows` accepts any
float matrix [L, 22], random noise included, and applies these rules, in this order:

1.  a row with a value that is not finite is skipped;
2.  ids are rounded to the nearest id; <BOS> and <PAD> are skipped, <EOS> ends the SVG;
3.  a pair (element, command) that is not in row_format.ARGUMENTS is skipped;
4.  unused geometry is 0, positions are clipped to [-4, 4], lengths to [0, 4], colours and opacities
    to [0, 1], stroke width to [0, 2], style ids to their vocabulary;
5.  a submove without an open path is a move; line, cubic and close without one are skipped; after a close
    the pen is at the sub-path's first point and the next line or cubic gets a submove of its own;
6.  a row takes its start point from the pen, and its style from the first row of its path;
7.  a move or submove that nothing follows, a shape of no size, and a shape that paints nothing are dropped;
8.  a gradient row ends an open path and waits for the next element that is kept; it is dropped if another
    of its kind comes first, if it has no length, or if that element has no such paint.
"""

import numpy as np

from svgfusion_lib.utils import row_format as rf

POSITION_LIMIT = 4.0
MIN_OPACITY = 0.002  # less than half a level of 255: not painted
MIN_GRADIENT = 1e-3  # canvas units: a shorter gradient has no direction
_STYLE_UPPER = np.array([1] * 8 + [2, len(rf.CAPS) - 1, len(rf.JOINS) - 1, len(rf.FILL_RULES) - 1], dtype=float)
_STYLE_IDS = slice(9, 12)  # cap, join, fill_rule within the style columns


def sanitize_rows(rows: np.ndarray) -> np.ndarray:
    """Any matrix [L, 22] -> valid rows [L', 22] between <BOS> and <EOS>, by the rules above."""
    with np.errstate(over="ignore"):  # too large for float32 is infinite: rule 1
        rows = np.asarray(rows, dtype=np.float32).astype(np.float64)
    if rows.ndim != 2 or rows.shape[1] != rf.NUM_COLUMNS:
        raise ValueError(f"rows must have shape [L, {rf.NUM_COLUMNS}], got {list(rows.shape)}")
    body: list[np.ndarray] = []
    path: list[np.ndarray] = []
    waiting: dict[int, np.ndarray] = {}   # gradient rows by element id
    first = pen = None

    def end_path() -> None:
        nonlocal path
        _add_element(body, _drawn_path(path), waiting)
        path = []

    for row in rows[np.isfinite(rows).all(axis=1)]:
        element, command = _nearest(row[rf.ELEMENT], rf.ELEMENTS), _nearest(row[rf.COMMAND], rf.COMMANDS)
        if element == rf.EOS:
            break
        kinds = rf.argument_kinds(element, command)
        if kinds is None:
            continue
        row = _clipped(row, element, command, kinds)
        if element in rf.GRADIENTS:
            end_path()
            if _has_length(row):
                waiting[element] = row
        elif element != rf.PATH:
            end_path()
            if row[4] > 0 and (element == rf.CIRCLE or row[5] > 0):
                _add_element(body, [row], waiting)
        elif command == rf.MOVE or (command == rf.SUBMOVE and not path):
            row[rf.COMMAND] = rf.MOVE
            end_path()
            path, first = [row], row[8:10]
            pen = first
        elif path:
            row[rf.STYLE] = path[0][rf.STYLE]
            if command == rf.SUBMOVE:
                first = pen = row[8:10]
            else:
                if path[-1][rf.COMMAND] == rf.CLOSE:
                    path.append(_submove(path[0], first))
                row[2:4] = pen
                if command == rf.CLOSE:
                    row[8:10] = first
                pen = row[8:10]
            path.append(row)
    end_path()
    special = np.zeros((2, rf.NUM_COLUMNS))
    special[:, rf.ELEMENT] = (rf.BOS, rf.EOS)
    return np.stack([special[0], *body, special[1]]).astype(np.float32)


def _nearest(value: float, vocabulary: tuple[str, ...]) -> int:
    return int(np.clip(np.rint(value), 0, len(vocabulary) - 1))


def _clipped(row: np.ndarray, element: int, command: int, kinds: tuple[str, ...]) -> np.ndarray:
    clean = np.zeros_like(row)
    clean[rf.ELEMENT], clean[rf.COMMAND] = element, command
    for i, kind in enumerate(kinds):
        if kind != ".":
            clean[2 + i] = np.clip(row[2 + i], 0 if kind == "l" else -POSITION_LIMIT, POSITION_LIMIT)
    style = np.clip(row[rf.STYLE], 0, _STYLE_UPPER)
    style[_STYLE_IDS] = np.rint(style[_STYLE_IDS])
    if element in rf.GRADIENTS:
        style[8:] = 0
    clean[rf.STYLE] = style
    return clean


def _submove(move: np.ndarray, point: np.ndarray) -> np.ndarray:
    row = move.copy()
    row[rf.COMMAND] = rf.SUBMOVE
    row[8:10] = point
    return row


def _has_length(gradient: np.ndarray) -> bool:
    """The stops of a linear gradient are apart; a radial one has two radii."""
    along = np.abs(gradient[4:6] - gradient[2:4]).max() > MIN_GRADIENT
    return bool(along and (gradient[rf.COMMAND] == rf.LINEAR or gradient[6] > MIN_GRADIENT))


def paints_fill(row: np.ndarray) -> bool:
    """Whether an element's row [22] paints its inside."""
    return row[13] > MIN_OPACITY


def paints_stroke(row: np.ndarray) -> bool:
    """Whether an element's row [22] paints its outline: visible, and of some width."""
    return row[17] > MIN_OPACITY and row[rf.STROKE_WIDTH] > 0


def _add_element(body: list[np.ndarray], rows: list[np.ndarray], waiting: dict[int, np.ndarray]) -> None:
    """Append an element's rows, if it paints anything, after the gradients that paint it."""
    if not rows or not (paints_fill(rows[0]) or paints_stroke(rows[0])):
        return
    for element, paints in ((rf.FILL_GRADIENT, paints_fill), (rf.STROKE_GRADIENT, paints_stroke)):
        gradient = waiting.pop(element, None)
        if gradient is not None and paints(rows[0]):
            body.append(gradient)
    body += rows


def _drawn_path(path: list[np.ndarray]) -> list[np.ndarray]:
    """The path without moves that nothing follows; empty if it has no segment."""
    moves = (rf.MOVE, rf.SUBMOVE)
    kept = [
        row for row, following in zip(path, [*path[1:], None])
        if row[rf.COMMAND] not in moves or (following is not None and following[rf.COMMAND] not in moves)
    ]
    if kept:
        kept[0][rf.COMMAND] = rf.MOVE
    return kept
