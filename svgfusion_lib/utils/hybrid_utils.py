"""Hybrid decoding: turn raw network output into valid rows.

Categories are rounded to the nearest id; geometry and style stay continuous. `sanitize_rows` accepts any
float matrix [L, 22], random noise included, and applies these rules in order:

1.  rows with non-finite values are skipped;
2.  ids are rounded to the nearest id; <BOS> and <PAD> are skipped, <EOS> ends the SVG;
3.  rows whose (element, command) pair is not in row_format.ARGUMENTS are skipped;
4.  unused geometry is 0, positions are clipped to [-4, 4], lengths to [0, 4], colours and opacities
    to [0, 1], stroke width to [0, 2], style ids to their vocabulary;
5.  a submove without an open path becomes a move; line, cubic and close without one are skipped; after a
    close, the current point is the sub-path's first point, and the next line or cubic gets its own submove;
6.  each row starts at the current point and takes its style from the first row of its path;
7.  moves and submoves without segments, shapes without size, and shapes that paint nothing are dropped;
8.  a gradient row ends an open path and applies to the next element that is kept; it is dropped if another
    of its kind comes first, if it has no length, or if that element lacks that paint; stop rows belong to the
    pending gradient of their kind, and are dropped if there is none.
"""

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.paint.gradients import has_direction

_STYLE_UPPER = np.array([1] * 8 + [2, len(rf.CAPS) - 1, len(rf.JOINS) - 1, len(rf.FILL_RULES) - 1], dtype=float)
_STYLE_IDS = slice(9, 12)  # cap, join, fill_rule within the style columns
IS_POSITION = rf.IS_X | rf.IS_Y  # [elements, commands, 8]
_KNOWN = (IS_POSITION | rf.IS_LENGTH).any(-1)  # [elements, commands]: the valid pairs


def sanitize_rows(rows: np.ndarray) -> np.ndarray:
    """Turn any matrix [L, 22] into valid rows [L', 22] between <BOS> and <EOS>, by the rules above."""
    with np.errstate(over="ignore"):  # values too large for float32 become infinite: rule 1
        rows = np.asarray(rows, dtype=np.float32).astype(np.float64)
    if rows.ndim != 2 or rows.shape[1] != rf.NUM_COLUMNS:
        raise ValueError(f"rows must have shape [L, {rf.NUM_COLUMNS}], got {list(rows.shape)}")
    clean = _cleaned(rows)
    source, commands, style_source = _kept(clean)
    out = clean[source]  # [K, 22]
    out[:, rf.COMMAND] = commands
    out[:, rf.STYLE] = clean[style_source][:, rf.STYLE]
    _join_points(out)
    return rf.with_ends(out).astype(np.float32)  # [K + 2, 22]


def _cleaned(rows: np.ndarray) -> np.ndarray:
    """Rules 1 to 4: valid rows before the first <EOS>, every value clipped to its range."""
    rows = rows[np.isfinite(rows).all(axis=1)]
    ids = np.rint(rows[:, : rf.COMMAND + 1]).clip(0, (len(rf.ELEMENTS) - 1, len(rf.COMMANDS) - 1)).astype(int)
    ended = np.flatnonzero(ids[:, 0] == rf.EOS)
    if len(ended):
        rows, ids = rows[: ended[0]], ids[: ended[0]]
    known = _KNOWN[ids[:, 0], ids[:, 1]]
    rows, ids = rows[known], ids[known]
    element, command = ids.T
    clean = np.zeros_like(rows)
    clean[:, : rf.COMMAND + 1] = ids
    geometry = rows[:, rf.GEOMETRY]
    clean[:, rf.GEOMETRY] = np.where(
        IS_POSITION[element, command], geometry.clip(-rf.POSITION_LIMIT, rf.POSITION_LIMIT),
        np.where(rf.IS_LENGTH[element, command], geometry.clip(0, rf.POSITION_LIMIT), 0),
    )
    style = rows[:, rf.STYLE].clip(0, _STYLE_UPPER)
    style[:, _STYLE_IDS] = np.rint(style[:, _STYLE_IDS])
    gradient = rf.is_one_of(element, rf.GRADIENTS)
    style[gradient, 8:] = 0
    style[gradient & (command == rf.STOP), 4:] = 0
    clean[:, rf.STYLE] = style
    return clean


def _kept(clean: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Rules 5 to 8: for each row of the result, its source row, its command, and the row its style comes from."""
    source: list[int] = []
    commands: list[int] = []
    style_source: list[int] = []
    fills, strokes = paints_fill(clean.T), paints_stroke(clean.T)
    sized = _has_size(clean).tolist()
    waiting: dict[int, list[tuple[int, int]]] = {}  # gradient rows by element id: (row, command)
    path = move = -1                     # first row of the open path; of its sub-path, -1 after its first segment
    start = -1                           # row with the sub-path's first point
    opened = False                       # whether the path has a row in the result

    def emit(i: int, command: int, style: int) -> None:
        source.append(i)
        commands.append(command)
        style_source.append(style)

    def emit_gradients(i: int) -> None:
        for kind, paints in ((rf.FILL_GRADIENT, fills), (rf.STROKE_GRADIENT, strokes)):
            rows = waiting.pop(kind, [])
            for row, command in rows if paints[i] else ():
                emit(row, command, row)

    visible = (fills | strokes).tolist()
    for i, (element, command) in enumerate(clean[:, : rf.COMMAND + 1].astype(int).tolist()):
        if element == rf.PATH:
            if command == rf.MOVE or (command == rf.SUBMOVE and path < 0):
                path = move = start = i
                opened = False
            elif path < 0 or not visible[path]:
                continue
            elif command == rf.SUBMOVE:
                move = start = i
            else:
                if move >= 0:
                    if not opened:
                        emit_gradients(path)
                    emit(move, rf.SUBMOVE if opened else rf.MOVE, path)
                    opened, move = True, -1
                emit(i, command, path)
                if command == rf.CLOSE:
                    move = start
            continue
        path = -1
        if element in rf.GRADIENTS:
            if command != rf.STOP:
                waiting.pop(element, None)
                if sized[i]:
                    waiting[element] = [(i, command)]
            elif element in waiting:
                waiting[element].append((i, command))
        elif sized[i] and visible[i]:
            emit_gradients(i)
            emit(i, command, i)
    return source, commands, style_source


def _has_size(clean: np.ndarray) -> np.ndarray:
    """Which rows [L] have an extent: primitives with non-zero sides or radii, gradients with a direction."""
    element, command, geometry = clean[:, rf.ELEMENT], clean[:, rf.COMMAND], clean[:, rf.GEOMETRY]
    gradient = has_direction(geometry, command == rf.RADIAL)
    primitive = (geometry[:, 2] > 0) & ((element == rf.CIRCLE) | (geometry[:, 3] > 0))
    return np.where(rf.is_one_of(element, rf.GRADIENTS), gradient, primitive)


def _join_points(out: np.ndarray) -> None:
    """Rule 6, in place: path rows start at the current point, and a close ends where its sub-path began."""
    command = out[:, rf.COMMAND]
    on_path = out[:, rf.ELEMENT] == rf.PATH
    moves = on_path & ((command == rf.MOVE) | (command == rf.SUBMOVE))
    closes = np.flatnonzero(on_path & (command == rf.CLOSE))
    begun = np.maximum.accumulate(np.where(moves, np.arange(len(out)), 0)) if len(out) else np.zeros(0, int)
    out[closes, 8:10] = out[begun[closes], 8:10]
    segments = np.flatnonzero(on_path & ~moves)
    out[segments, 2:4] = out[segments - 1, 8:10]


def paints_fill(row: np.ndarray) -> np.ndarray:
    """Whether an element's row [22, ...] paints a fill."""
    return row[13] > rf.MIN_OPACITY


def paints_stroke(row: np.ndarray) -> np.ndarray:
    """Whether an element's row [22, ...] paints a stroke: visible and wider than 0."""
    return (row[17] > rf.MIN_OPACITY) & (row[rf.STROKE_WIDTH] > 0)


def is_drawn(rows: np.ndarray) -> np.ndarray:
    """Which rows [L, 22] belong to shapes, not to <BOS>, <EOS> or gradients -> bool [L]."""
    return (rows[:, rf.ELEMENT] > rf.EOS) & ~rf.is_one_of(rows[:, rf.ELEMENT], rf.GRADIENTS)


def has_gradients(rows: np.ndarray) -> bool:
    """Whether rows [L, 22] have gradient rows."""
    return bool(rf.is_one_of(rows[:, rf.ELEMENT], rf.GRADIENTS).any())


def strokes_only(rows: np.ndarray) -> bool:
    """Whether rows [L, 22] draw strokes and no fills; fills too transparent to be written do not count."""
    drawn = rows[is_drawn(rows)]
    return len(drawn) > 0 and bool((paints_stroke(drawn.T) & ~paints_fill(drawn.T)).all())


# --- snapping drawn rows to the design grid ----------------------------------------------------------

SNAP_REACH = 0.35  # grid steps that a coordinate may be off


def snap_rows(rows: np.ndarray, step: float) -> np.ndarray:
    """Snap coordinates within SNAP_REACH steps of a grid line to it; rows [L, 22] -> [L, 22].

    step is in canvas units (the canvas is 2 wide); the grid passes through the canvas's corner. x and y
    snap independently. A curve's control points move with their end point, so tangents are kept; lengths
    (radii, rect sizes) snap too, but never to 0. Stroke widths snap to fifths of a step: 2.01 becomes 2.
    """
    rows = rows.copy()
    element, command = rows[:, rf.ELEMENT], rows[:, rf.COMMAND]
    ids = element.astype(int), command.astype(int)
    shapes = _KNOWN[ids] & ~rf.is_one_of(element, rf.GRADIENTS)  # [L]
    width = rows[shapes, rf.STROKE_WIDTH]
    snapped = np.rint(width / (step / 5)).astype(np.float64) * (step / 5)
    rows[shapes, rf.STROKE_WIDTH] = np.where(snapped == 0, width, snapped)
    geometry = rows[:, rf.GEOMETRY]  # a view: changes reach the rows
    moves = IS_POSITION[ids] | rf.IS_LENGTH[ids] & ~(np.abs(geometry) < step / 2)  # [L, 8]
    moves &= (shapes & (element != rf.PATH))[:, None]
    geometry[moves] += _shift(geometry[moves], step)
    _snap_paths(geometry, np.flatnonzero(shapes & (element == rf.PATH)), command, step)
    return rows


def _snap_paths(geometry: np.ndarray, path: np.ndarray, command: np.ndarray, step: float) -> None:
    """Snap path rows (indices [K]) of geometry [L, 8] with commands [L], in place."""
    command = np.append(rf.NONE, command[path])  # [1 + K]: nothing moves before the first row
    end = np.concatenate([np.zeros((1, 2), geometry.dtype), _shift(geometry[path, rf.END_POINT], step)])  # [1 + K, 2]
    begins = (command == rf.MOVE) | (command == rf.SUBMOVE)
    begun = np.maximum.accumulate(np.where(begins, np.arange(len(command)), 0))  # [1 + K]
    end = np.where((command == rf.CLOSE)[:, None], end[begun], end)
    start, end, command, inner = end[:-1], end[1:], command[1:], ~begins[1:]  # shifts of a row's start and end
    cubic, arc = command == rf.CUBIC, command == rf.ARC
    geometry[path[inner], 0:2] += start[inner]
    geometry[path[cubic], 2:4] += start[cubic]
    geometry[path[cubic], 4:6] += end[cubic]
    geometry[path[arc], 2:4] += (start + end)[arc] / 2
    geometry[path, rf.END_POINT] += end


def _shift(value: np.ndarray, step: float) -> np.ndarray:
    """Offset to the nearest grid line, or 0 where that is too far."""
    distance = np.round((value + 1) / step) * step - 1 - value
    return np.where(np.abs(distance) <= SNAP_REACH * step, distance, 0.0)
