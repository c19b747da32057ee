"""The row format, as data: vocabularies, columns, and which geometry each command uses.

An SVG is a float matrix [L, F]. Row 0 is <BOS>, the last is <EOS>; between them stands one row for
every path command, primitive or gradient, in paint order:

    column   0        1         2..9         10..13          14..17            18     19   20    21
             element  command   geometry(8)  fill r g b a    stroke r g b a    width  cap  join  fill_rule

Element and command are ids (positions in ELEMENTS and COMMANDS). Coordinates live on the square
canvas [-1, 1]^2, y downwards; lengths (radii, widths) are in the same unit, so the canvas is 2 wide.
Colours and opacities are in [0, 1]; opacity 0 means "not painted". cap, join and fill_rule are ids.

Every path row also carries the point where it starts (x0, y0), so that a row can be understood alone;
the writer needs only the end point. `move` starts a new path, `submove` a new sub-path (a hole, or a
separate stroke) of the same path, so sub-paths stay together and paint order is the row order. A path
without a stroke closes by itself: `close` rows say something, and stand, only where there is a stroke.

An `arc` is part of a circle, given by three points: its start, its middle and its end. So moving, turning, mirroring
and scaling treat it like any other row, and every sweep below 360 degrees has one form (utils/arcs.py).

A `fill_gradient` or `stroke_gradient` row stands before the rows of the element that it paints. Its fill
columns are the first stop's colour, its stroke columns the last stop's; its other style columns are 0. `stop`
rows may follow it where two stops are not enough: their place lies between, their colour is in the fill
columns. The element's own colour is the gradient's mean, so a reader that skips these rows still draws it.
"""

VERSION = 3
READABLE = (2, 3)  # of models: those of version 2 know no arcs (VAEConfig.arcs)

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

POSITION_LIMIT = 4.0  # coordinates end here, well outside of the canvas
MIN_OPACITY = 0.002  # less than half a level of 255: not painted
MIN_GRADIENT = 1e-3  # of a canvas from -1 to 1: a shorter gradient has no direction

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
    ("path", "move"): (".", ".", ".", ".", ".", ".", "x", "y"),
    ("path", "submove"): (".", ".", ".", ".", ".", ".", "x", "y"),
    ("path", "line"): ("x", "y", ".", ".", ".", ".", "x", "y"),    # start, end
    ("path", "cubic"): ("x", "y", "x", "y", "x", "y", "x", "y"),   # start, two controls, end
    ("path", "arc"): ("x", "y", "x", "y", ".", ".", "x", "y"),     # start, middle, end
    ("path", "close"): ("x", "y", ".", ".", ".", ".", "x", "y"),   # start, sub-path's first point
    ("rect", "none"): ("x", "y", "l", "l", "l", "l", ".", "."),    # corner, width, height, rx, ry
    ("circle", "none"): ("x", "y", "l", ".", ".", ".", ".", "."),  # centre, radius
    ("ellipse", "none"): ("x", "y", "l", "l", ".", ".", ".", "."),  # centre, radii
    # where the first stop and the last stop are
    **dict.fromkeys(
        [("fill_gradient", "linear"), ("stroke_gradient", "linear")], ("x", "y", "x", "y", ".", ".", ".", ".")
    ),
    # centre, end of the major axis, minor radius, radius of the first stop along the major axis, focal point
    **dict.fromkeys(
        [("fill_gradient", "radial"), ("stroke_gradient", "radial")], ("x", "y", "x", "y", "l", "l", "x", "y")
    ),
    # where a stop between them is, along the line from the first to the last or along the major axis
    **dict.fromkeys([("fill_gradient", "stop"), ("stroke_gradient", "stop")], ("x", "y", ".", ".", ".", ".", ".", ".")),
}
END_POINT = slice(6, 8)  # within geometry: where the pen is after a path row


def argument_kinds(element: int, command: int) -> tuple[str, ...] | None:
    """Kinds of the 8 geometry columns for a pair of ids, or None if the pair draws nothing."""
    return ARGUMENTS.get((ELEMENTS[element], COMMANDS[command]))


def argument_tables() -> tuple[list[list[list[bool]]], list[list[list[bool]]], list[list[list[bool]]]]:
    """Masks [elements][commands][8] for "x", "y" and "l" columns; all False where nothing is drawn."""

    def table(kind: str) -> list[list[list[bool]]]:
        unused = (".",) * NUM_GEOMETRY
        return [
            [[k == kind for k in ARGUMENTS.get((e, c), unused)] for c in COMMANDS] for e in ELEMENTS
        ]

    return table("x"), table("y"), table("l")


def free_arguments() -> list[list[list[bool]]]:
    """Mask [elements][commands][8] of the columns that the rows before do not already determine.

    A path row starts where the pen is and a close ends at the sub-path's first point, so a decoder need
    not be trained on them: `hybrid_utils.sanitize_rows` fills them in.
    """
    mask = [[[k != "." for k in ARGUMENTS.get((e, c), (".",) * 8)] for c in COMMANDS] for e in ELEMENTS]
    for command in (LINE, CUBIC, ARC, CLOSE):
        mask[PATH][command][:2] = [False, False]
    mask[PATH][CLOSE] = [False] * NUM_GEOMETRY
    return mask
