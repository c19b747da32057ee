# ruff: noqa: E501 - tables of SVG text
"""Which rows stand for a path: everything that draws, nothing that does not. M, S, L, C, Z: move, submove, line, ..."""

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf

STROKE = 'fill="none" stroke="red"'
LETTERS = {rf.MOVE: "M", rf.SUBMOVE: "S", rf.LINE: "L", rf.CUBIC: "C", rf.CLOSE: "Z"}

ROWS = [
    # path data, rows when only filled, rows when stroked
    ("closed: a fill closes by itself", "M2 2h9v9z", "MLL", "MLLZ"),
    ("open", "M2 2h9v9", "MLL", "MLL"),
    ("a line back to the start before z is the closing", "M2 2h9v9L2 2z", "MLL", "MLLZ"),
    ("a line back to the start that nothing closes", "M2 2h9v9L2 2", "MLL", "MLLL"),
    ("a curve back to the start stays", "M2 2h9v9C9 5 5 2 2 2z", "MLLC", "MLLCZ"),
    ("sub-paths", "M2 2h9v9zM3 3h2v2z", "MLLSLL", "MLLZSLLZ"),
    ("lines of no length", "M2 2h0h9l0 0v9z", "MLL", "MLLZ"),
    ("a cubic of no length stays", "M2 2c0 0 0 0 0 0h9v9z", "MCLL", "MCLLZ"),
    ("a sub-path without an area", "M2 2h9v9zM3 3h2z", "MLL", "MLLZSLZ"),
    ("a first sub-path without an area", "M3 3h2M2 2h9v9z", "MLL", "MLSLLZ"),
    ("a single curve has an area", "M2 2C2 9 9 9 9 2", "MC", "MC"),
    ("there and back again has none, but is not a line", "M2 2h9h-3", "MLL", "MLL"),
    ("a dot beside a line", "M2 2h9v9M3 3z", "MLL", "MLLSL"),
    ("a dot of no length", "M2 2h9v9M3 3h0", "MLL", "MLLSL"),
    ("a dot in a line's sub-path goes", "M2 2h9h0v9", "MLL", "MLL"),
]


@pytest.mark.parametrize(("why", "data", "filled", "stroked"), ROWS, ids=[why for why, *_ in ROWS])
def test_rows_of_a_path(parsed, why, data, filled, stroked):
    for style, expected in (("", filled), (STROKE, stroked), ('stroke="red"', stroked)):
        rows = parsed(f'<path d="{data}" {style}/>').rows[1:-1]
        assert "".join(LETTERS[command] for command in rows[:, rf.COMMAND].astype(int).tolist()) == expected


@pytest.mark.parametrize("renderer", ["cairosvg", "resvg"])
@pytest.mark.parametrize("body", [
    f'<path d="M12 12h0" {STROKE} stroke-linecap="round" stroke-width="9"/>',
    '<path d="M2 2h18v18L2 2z" fill="#fd0" stroke="blue" stroke-width="3"/>',
    f'<path d="M4 4h16v16L4 4M6 18z" {STROKE} stroke-width="3" stroke-linecap="square"/>',
])
def test_saved_rows_change_nothing(assert_alike, body, renderer):
    assert_alike(body, renderer)


def test_rows_by_hand(parsed):
    rows = parsed('<path d="M0 12h24z" fill="#336699" fill-opacity=".5" stroke="#fff" stroke-width="6" stroke-linecap="square" stroke-linejoin="bevel"/>').rows
    assert rows.dtype == np.float32 and rows.shape == (5, rf.NUM_COLUMNS)
    assert rows[:, rf.ELEMENT].tolist() == [rf.BOS, rf.PATH, rf.PATH, rf.PATH, rf.EOS]
    assert rows[:, rf.COMMAND].tolist() == [rf.NONE, rf.MOVE, rf.LINE, rf.CLOSE, rf.NONE]
    assert rows[1:4, rf.GEOMETRY].tolist() == [
        [0, 0, 0, 0, 0, 0, -1, 0], [-1, 0, 0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0, -1, 0],
    ]
    np.testing.assert_allclose(rows[1:4, rf.STYLE], [[0.2, 0.4, 0.6, 0.5, 1, 1, 1, 1, 0.5, 2, 2, 0]] * 3, atol=1e-6)
    assert not rows[[0, 4], 1:].any()


@pytest.mark.parametrize(("body", "element", "geometry"), [
    ('<rect x="6" y="3" width="12" height="6" rx="3" ry="1.5"/>', rf.RECT, [-0.5, -0.75, 1, 0.5, 0.25, 0.125, 0, 0]),
    ('<circle cx="12" cy="18" r="6"/>', rf.CIRCLE, [0, 0.5, 0.5, 0, 0, 0, 0, 0]),
    ('<ellipse cx="12" cy="18" rx="6" ry="3"/>', rf.ELLIPSE, [0, 0.5, 0.5, 0.25, 0, 0, 0, 0]),
])
def test_primitive_is_one_row(parsed, body, element, geometry):
    (row,) = parsed(body).rows[1:-1]
    assert row[: rf.COMMAND + 1].tolist() == [element, rf.NONE] and row[rf.GEOMETRY].tolist() == geometry
    assert row[rf.STYLE].tolist() == [0, 0, 0, 1] + [0] * 8
