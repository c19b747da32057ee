"""The row format as data: vocabularies, columns, and the geometry that each command uses.

An SVG is a float matrix [L, F]. Row 0 is <BOS>, the last is <EOS>; between them there is one row per
path command, primitive or gradient, in paint order:

    column   0        1         2..9         10..13          14..17            18     19   20    21
             element  command   geometry(8)  fill r g b a    stroke r g b a    width  cap  join  fill_rule

Element and command are ids (indices into ELEMENTS and COMMANDS). Coordinates are on the square canvas
[-1, 1]^2, y downwards; lengths (radii, widths) have the same unit, so the canvas is 2 wide.
Colours and opacities are in [0, 1]; opacity 0 means "not painted". cap, join and fill_rule are ids.

Every path row also contains its start point (x0, y0), so that each row can be interpreted alone; the writer
needs only the end point. `move` starts a new path, `submove` a new sub-path (a hole, or a separate stroke)
of the same path, so sub-paths stay together and paint order is the row order. Paths without a stroke are
implicitly closed; only stroked paths have `close` rows.

An `arc` is part of a circle, given by three points: start, middle and end. So translation, rotation, mirroring and
scaling treat it like any other row, and every sweep below 360 degrees has one form (utils/arcs.py).

A `fill_gradient` or `stroke_gradient` row precedes the rows of the element that it paints. Its fill columns
hold the first stop's colour, its stroke columns the last stop's; its other style columns are 0. If two stops
are not enough, `stop` rows follow with places in between and their colour in the fill columns. The element's
own colour is the gradient's mean, so a reader that skips gradient rows still draws something close.
"""

from typing import Any

import numpy as np

VERSION = 3
READABLE = (2, 3)  # versions of readable models; those of version 2 have no arcs (VAEConfig.arcs)

ELEMENTS = ("<PAD>", "<BOS>", "<EOS>", "path", "rect", "circle", "ellipse", "fill_gradient", "stroke_gradient")
COMMANDS = ("none", "move", "submove", "line", "cubic", "close", "linear", "radial", "stop", "arc")
CAPS = ("butt", "round", "square")
JOINS = ("miter", "round", "bevel")
FILL_RULES = ("nonzero", "evenodd")

ELEMENT_ID = {name: i for i, name in enumerate(ELEMENTS)}
COMMAND_ID = {name: i for i, name in enumerate(COMMANDS)}
PAD, BOS, EOS, PATH, RECT, CIRCLE, ELLIPSE, FILL_GRADIENT, STROKE_GRADIENT = range(len(ELEMENTS))
NONE, MOVE, SUBMOVE, LINE, CUBIC, CLOSE, LINEAR, RADIAL, STOP, ARC = range(len(COMMANDS))
GRADIENTS = (FILL_GRADIENT, STROKE_GRADIENT)

POSITION_LIMIT = 4.0  # bound of coordinates, well outside the canvas
MIN_OPACITY = 0.002  # about half a level of 255: below it nothing is painted
MIN_GRADIENT = 1e-3  # canvas units: a shorter gradient has no direction

# --- columns ---------------------------------------------------------------------------------
ELEMENT = 0
COMMAND = 1
GEOMETRY = slice(2, 10)
FILL = slice(10, 14)
STROKE = slice(14, 18)
STROKE_WIDTH = 18
CAP = 19
JOIN = 20
FILL_RULE = 21
STYLE = slice(10, 22)
NUM_COLUMNS = 22
NUM_GEOMETRY = 8
NUM_STYLE = 12

# --- geometry ---------------------------------------------------------------------------------
# What each geometry column holds, for every (element, command): "x" and "y" are positions, "l" is a
# length, "." is unused and always 0. This is the argument mask of parser, loss, chunker and writer.
#                      0    1    2    3    4    5    6    7
ARGUMENTS = {
    ("path", "move"): "......xy",
    ("path", "submove"): "......xy",
    ("path", "line"): "xy....xy",    # start, end
    ("path", "cubic"): "xyxyxyxy",   # start, two controls, end
    ("path", "arc"): "xyxy..xy",     # start, middle, end
    ("path", "close"): "xy....xy",   # start, sub-path's first point
    ("rect", "none"): "xyllll..",    # corner, width, height, rx, ry
    ("circle", "none"): "xyl.....",  # centre, radius
    ("ellipse", "none"): "xyll....",  # centre, radii
    # places of the first and the last stop
    **dict.fromkeys([("fill_gradient", "linear"), ("stroke_gradient", "linear")], "xyxy...."),
    # centre, end of the major axis, minor radius, radius of the first stop along the major axis, focal point
    **dict.fromkeys([("fill_gradient", "radial"), ("stroke_gradient", "radial")], "xyxyllxy"),
    # place of a stop between them, on the line from first to last or on the major axis
    **dict.fromkeys([("fill_gradient", "stop"), ("stroke_gradient", "stop")], "xy......"),
}
_KINDS = np.array([[list(ARGUMENTS.get((e, c), "." * NUM_GEOMETRY)) for c in COMMANDS] for e in ELEMENTS])
# Masks bool [elements, commands, 8] of columns with an x, a y and a length; all False for invalid pairs.
IS_X, IS_Y, IS_LENGTH = np.stack([np.isin(_KINDS, kind) for kind in "xyl"])
END_POINT = slice(6, 8)  # within geometry: the current point after a path row


def is_one_of(ids: Any, kinds: tuple[int, ...]) -> Any:
    """Which ids of an array are among a few kinds -> bool; for short arrays ten times faster than np.isin."""
    found = ids == kinds[0]
    for kind in kinds[1:]:
        found = found | (ids == kind)
    return found


def with_ends(rows: np.ndarray) -> np.ndarray:
    """Rows [K, 22] -> [K + 2, 22], with <BOS> before and <EOS> after them."""
    rows = np.pad(rows, ((1, 1), (0, 0)))  # [K + 2, 22]
    rows[[0, -1], ELEMENT] = BOS, EOS
    return rows


def free_arguments() -> np.ndarray:
    """Mask bool [elements, commands, 8] of the columns that previous rows do not determine.

    A path row starts at the current point and a close ends at the sub-path's first point, so a decoder
    need not be trained on them: `hybrid_utils.sanitize_rows` fills them in.
    """
    mask = _KINDS != "."  # [elements, commands, 8]
    mask[PATH, [LINE, CUBIC, ARC, CLOSE], :2] = False
    mask[PATH, CLOSE] = False
    return mask
