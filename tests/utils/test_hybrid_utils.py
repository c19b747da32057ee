# ruff: noqa: E501 - tables of rows and of SVG text
"""The rules of sanitize_rows, one by one and on noise."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import paints_fill, paints_stroke, sanitize_rows, snap_rows
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of

STROKE = [0, 0, 0, 0, 1, 0, 0, 1, 0.1, 1, 1, 0]
BLANK = [0] * 12


def row(element: int, command: int = rf.NONE, geometry=(), style=STROKE) -> list[float]:
    return [element, command, *geometry, *[0] * (8 - len(geometry)), *style]


def move(x: float, y: float, command: int = rf.MOVE, style=STROKE) -> list[float]:
    return row(rf.PATH, command, (0, 0, 0, 0, 0, 0, x, y), style)


def line(x: float, y: float, start=(0, 0), style=STROKE) -> list[float]:
    return row(rf.PATH, rf.LINE, (*start, 0, 0, 0, 0, x, y), style)


CLOSE = row(rf.PATH, rf.CLOSE)
CIRCLE = row(rf.CIRCLE, rf.NONE, (0, 0, 0.5))
FILL = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
FILLED = row(rf.CIRCLE, rf.NONE, (0, 0, 0.5), FILL)
BOTH = row(rf.CIRCLE, rf.NONE, (0, 0, 0.5), [0, 0, 0, 1, *STROKE[4:]])
COLOURS = [1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0]
LINEAR, RADIAL = (-1, 0, 1, 0), (0, 0, 1, 0, 0.5, 0.1, 0.2, 0)


def gradient(element: int = rf.FILL_GRADIENT, command: int = rf.LINEAR, geometry=LINEAR) -> list[float]:
    return row(element, command, geometry, COLOURS)


def stop(x: float = 0, element: int = rf.FILL_GRADIENT) -> list[float]:
    return row(element, rf.STOP, (x, 0), FILL)


def clean(*rows) -> np.ndarray:
    """The rows between BOS and EOS."""
    result = sanitize_rows(np.array(rows, dtype=float).reshape(-1, rf.NUM_COLUMNS))
    assert result[0, 0] == rf.BOS and result[-1, 0] == rf.EOS and not result[[0, -1], 1:].any()
    return result[1:-1]


def commands(*rows) -> list[str]:
    return [rf.COMMANDS[int(c)] if e == rf.PATH else rf.ELEMENTS[int(e)] for e, c in clean(*rows)[:, :2]]


def changed(source: list[float], column: int, value: float) -> list[float]:
    return [*source[:column], value, *source[column + 1 :]]


@pytest.mark.parametrize(("why", "rows", "expected"), [
    ("rule 1: a number that is none", [changed(CIRCLE, 4, np.nan), changed(CIRCLE, 15, np.inf), CIRCLE], ["circle"]),
    ("rule 2: nearest ids", [changed(CIRCLE, 0, rf.CIRCLE + 0.4), changed(CIRCLE, 0, rf.CIRCLE - 0.4)], ["circle"] * 2),
    ("rule 2: ids beyond the ends", [changed(changed(gradient(rf.STROKE_GRADIENT), 0, 99), 1, rf.LINEAR), changed(CIRCLE, 0, -9), CIRCLE],
     ["stroke_gradient", "circle"]),
    ("rule 2: a command beyond the end is a stop", [changed(gradient(), 1, 99), CIRCLE], ["circle"]),
    ("rule 2: BOS and PAD are skipped", [row(rf.BOS), CIRCLE, row(rf.PAD), CIRCLE], ["circle"] * 2),
    ("rule 2: EOS ends", [CIRCLE, row(rf.EOS), CIRCLE], ["circle"]),
    ("rule 3: no such pair", [row(rf.CIRCLE, rf.LINE, (0, 0, 1)), row(rf.PATH, rf.NONE), CIRCLE], ["circle"]),
    ("rule 5: segments without a path", [line(1, 1), CLOSE, move(1, 1, rf.SUBMOVE), CIRCLE], ["circle"]),
    ("rule 5: a submove without a path opens one", [CIRCLE, move(1, 1, rf.SUBMOVE), line(0, 1)],
     ["circle", "move", "line"]),
    ("rule 5: nothing of a path after a primitive", [move(0, 0), line(1, 1), CIRCLE, line(0, 1)], ["move", "line", "circle"]),
    ("rule 5: a line after a close", [move(0, 0), line(1, 1), CLOSE, line(1, 0)],
     ["move", "line", "close", "submove", "line"]),
    ("rule 7: moves that nothing follows", [move(0, 0), move(0, 1, rf.SUBMOVE), line(1, 1), move(0, 1, rf.SUBMOVE)],
     ["move", "line"]),
    ("rule 7: only a move", [move(0, 0), CIRCLE, move(1, 1)], ["circle"]),
    ("rule 7: no size", [changed(CIRCLE, 4, 0), changed(CIRCLE, 4, -1), row(rf.RECT, 0, (0, 0, 1, 0)), CIRCLE], ["circle"]),
    ("rule 7: paints nothing", [row(rf.CIRCLE, 0, (0, 0, 1), BLANK), move(0, 0, style=BLANK), line(1, 1), CIRCLE], ["circle"]),
    ("rule 7: a stroke of no width", [changed(CIRCLE, rf.STROKE_WIDTH, 0), CIRCLE], ["circle"]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_rules(why, rows, expected):
    assert commands(*rows) == expected


G, S, STOP = "fill_gradient", "stroke_gradient", "stop"
GRADIENT_ROWS = [
    ("goes with the next element", [gradient(), FILLED], [G, "circle"]),
    ("of strokes", [gradient(rf.STROKE_GRADIENT), CIRCLE], [S, "circle"]),
    ("one of each, fill first", [gradient(rf.STROKE_GRADIENT), gradient(), BOTH], [G, S, "circle"]),
    ("that the element does not paint", [gradient(), CIRCLE], ["circle"]),
    ("a stroke's without a stroke", [gradient(rf.STROKE_GRADIENT), FILLED], ["circle"]),
    ("only for one element", [gradient(), FILLED, FILLED], [G, "circle", "circle"]),
    ("waits for an element that is kept", [gradient(), changed(FILLED, 4, 0), FILLED], [G, "circle"]),
    ("is not kept for one after that", [gradient(), CIRCLE, FILLED], ["circle", "circle"]),
    ("with nothing after it", [FILLED, gradient()], ["circle"]),
    ("the last of two counts", [gradient(), gradient(command=rf.RADIAL, geometry=RADIAL), FILLED], ["radial", "circle"]),
    ("of no length", [gradient(geometry=(0, 0, 0, 0)), FILLED], ["circle"]),
    ("of next to no length", [gradient(geometry=(0, 0, 0.0009, 0)), FILLED], ["circle"]),
    ("radial of no minor radius", [gradient(command=rf.RADIAL, geometry=(0, 0, 1, 0, 0)), FILLED], ["circle"]),
    ("one of no length takes the place of another", [gradient(), gradient(geometry=(0, 0, 0, 0)), FILLED], ["circle"]),
    ("of a path: before its move", [gradient(), move(0, 0, style=FILL), line(1, 1, style=FILL), line(1, 0, style=FILL)], [G, "move", "line", "line"]),
    ("ends an open path", [move(0, 0), line(1, 1), gradient(rf.STROKE_GRADIENT), line(0, 1), CIRCLE], ["move", "line", S, "circle"]),
    ("waits beyond a path of nothing", [gradient(), move(0, 0, style=FILL), FILLED], [G, "circle"]),
    ("stops go with it", [gradient(), stop(-0.5), stop(0.5), FILLED], [G, STOP, STOP, "circle"]),
    ("stops of the other kind do not", [gradient(), stop(0, rf.STROKE_GRADIENT), BOTH], [G, "circle"]),
    ("stops find theirs among two", [gradient(), gradient(rf.STROKE_GRADIENT), stop(), BOTH], [G, STOP, S, "circle"]),
    ("stops without one", [stop(), FILLED, stop(), FILLED], ["circle", "circle"]),
    ("stops of one that is dropped", [gradient(geometry=(0, 0, 0, 0)), stop(), FILLED], ["circle"]),
    ("stops of one that is replaced", [gradient(), stop(), gradient(), FILLED], [G, "circle"]),
]


@pytest.mark.parametrize(("why", "rows", "expected"), GRADIENT_ROWS, ids=[why for why, *_ in GRADIENT_ROWS])
def test_rule_8_gradients(why, rows, expected):
    found = [
        rf.COMMANDS[int(c)] if rf.COMMANDS[int(c)] not in ("none", "linear") else rf.ELEMENTS[int(e)]
        for e, c in clean(*rows)[:, :2]
    ]
    assert found == expected


def test_values_of_gradients_are_cleaned():
    wild = [9, -9, 0.5, 0.25, -1, 9, 9, 9]
    style = [2, -1, 0.5, 1, 1, 0, 3, 0.5, 1, 2, 2, 1]
    linear, between, _ = clean(row(rf.FILL_GRADIENT, rf.LINEAR, wild, style), row(rf.FILL_GRADIENT, rf.STOP, wild, style), FILLED)
    limit = rf.POSITION_LIMIT
    assert linear[rf.GEOMETRY].tolist() == [limit, -limit, 0.5, 0.25, 0, 0, 0, 0]
    assert linear[rf.STYLE].tolist() == [1, 0, 0.5, 1, 1, 0, 1, 0.5, 0, 0, 0, 0]
    assert between[rf.GEOMETRY].tolist() == [limit, -limit, 0, 0, 0, 0, 0, 0]
    assert between[rf.STYLE].tolist() == [1, 0, 0.5, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    radial, _ = clean(row(rf.FILL_GRADIENT, rf.RADIAL, [0, 0, 1, 0, 0.5, -1, 9, -9], style), FILLED)
    assert radial[rf.GEOMETRY].tolist() == [0, 0, 1, 0, 0.5, 0, limit, -limit]


def test_values_are_clipped():
    wild = clean(row(rf.RECT, 0, (9, -9, 9, 7, -1, 0.5, 3, 3), [2, -1, 0.5, 1, 2, 2, 2, 2, 5, 1.6, -3, 0.7]))[0]
    limit = rf.POSITION_LIMIT
    assert wild[rf.GEOMETRY].tolist() == [limit, -limit, limit, limit, 0, 0.5, 0, 0]
    assert wild[rf.STYLE].tolist() == [1, 0, 0.5, 1, 1, 1, 1, 1, 2, 2, 0, 1]


def test_start_points_and_style_come_from_the_path():
    other = [0.5] * 12
    rows = clean(
        move(0.1, 0.2), line(0.5, 0.6, (9, 9), other), line(0.7, 0.2, style=other), [*CLOSE[:10], *other], line(1, 1)
    )
    np.testing.assert_allclose(rows[1, 2:4], [0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(rows[2, 2:4], [0.5, 0.6], atol=1e-6)
    np.testing.assert_allclose(rows[3, [2, 3, 8, 9]], [0.7, 0.2, 0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(rows[4, 8:10], [0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(rows[5, 2:4], [0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(rows[:, rf.STYLE], [STROKE] * 6, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 21), (22,), (1, 2, 22)])
def test_wrong_shape_is_named(shape):
    with pytest.raises(ValueError, match=r"\[L, 22\], got \["):
        sanitize_rows(np.zeros(shape))


MATRICES = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 30), st.just(rf.NUM_COLUMNS)),
    elements=st.one_of(st.floats(-7, 7), st.integers(0, 8).map(float), st.floats(), st.just(0.5)),
)


@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(MATRICES)
def test_sanitised_rows_are_valid_and_stay_as_they_are(matrix):
    before = matrix.copy()
    rows = sanitize_rows(matrix)
    np.testing.assert_array_equal(matrix, before)
    assert np.isfinite(rows).all() and rows[0, 0] == rf.BOS and rows[-1, 0] == rf.EOS
    open_path, waiting = False, set()
    for body in rows[1:-1]:
        element, command = int(body[0]), int(body[1])
        kinds = rf.ARGUMENTS.get((rf.ELEMENTS[element], rf.COMMANDS[command]))
        assert kinds is not None and (body[:2] == (element, command)).all()
        assert all(value == 0 for value, kind in zip(body[rf.GEOMETRY], kinds) if kind == ".")
        assert element != rf.PATH or command == rf.MOVE or open_path
        open_path = element == rf.PATH
        if element in rf.GRADIENTS:
            assert command != rf.STOP or element in waiting
            waiting.add(element)
        else:  # a gradient comes right before what it paints
            assert waiting <= {k for k, paints in zip(rf.GRADIENTS, (paints_fill(body), paints_stroke(body))) if paints}
            waiting = set()
    assert not waiting
    np.testing.assert_allclose(sanitize_rows(rows), rows, atol=1e-7)


# --- snapping ----------------------------------------------------------------------------------------

LINES = 'fill="none" stroke="black"'
STEP = 0.5 / 12  # half a unit of a 24 x 24 icon


@pytest.mark.parametrize(("body", "expected", "why"), [
    ('<path d="M3.9 4.1L12.1 19.95"/>', "M4 4L12 20", "ends of lines"),
    ('<path d="M3.9 4.25H12"/>', "M4 4.25L12 4.25", "y is midway between two lines: it stays"),
    ('<path d="M4.1 4C4.1 6 9.9 8 9.9 12"/>', "M4 4C4 6 10 8 10 12", "controls move with their ends"),
    ('<path d="M4.1 4L12 4L12 12Z"/>', "M4 4H12V12Z", "a close ends where the sub-path began"),
    ('<circle cx="12.1" cy="11.9" r="8.95"/>', 'cx="12" cy="12" r="9"', "centre and radius"),
    ('<circle cx="12" cy="12" r="0.1"/>', 'r="0.1"', "a dot does not vanish"),
    ('<circle cx="12" cy="12" r="9" stroke-width="2.03"/>', 'stroke-width="2"', "a width"),
    ('<circle cx="12" cy="12" r="9" stroke-width="0.02"/>', 'stroke-width="0.02"', "a hairline does not vanish"),
    ('<rect x="3.1" y="3" width="17.9" height="18.1" rx="2.05"/>', 'width="18" height="18" rx="2"', "a box"),
])
def test_snap_rows_moves_to_the_grid(body, expected, why):
    svg = rows_to_svg(snap_rows(rows_of(body, LINES), STEP))
    plain = rows_to_svg(rows_of(f'<path d="{expected}"/>', LINES)) if expected[0] == "M" else None
    wanted = plain.split('d="')[2].split('"')[0] if plain else expected  # the second d=: after id=
    assert wanted in svg, why


def test_snap_rows_leaves_an_icon_on_the_grid_alone():
    rows = rows_of('<path d="M5 12H3l9-9l9 9h-2M5 12v7h14v-7"/><circle cx="12" cy="6" r="2"/>', LINES)
    assert np.allclose(snap_rows(rows, STEP), rows, atol=1e-6)
    assert snap_rows(rows, STEP) is not rows and rows[0, rf.ELEMENT] == rf.BOS
