"""The canonical form: what becomes an arc, a circle or a rectangle, and what must not."""

import numpy as np
import pytest

from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.canonical import canonical_rows
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of, svg

STROKE = 'fill="none" stroke="#000" stroke-width="2"'
CIRCLE = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0-20 0z"
CASES = [  # (why, attributes, path data, rows that it becomes: element or command)
    ("an SVG arc of equal radii", STROKE, "M4 4A8 8 0 0 1 12 12", "move arc"),
    ("three quarters of a circle are one arc", STROKE, "M12 4A8 8 0 1 1 4 12", "move arc"),
    ("a cubic that follows a circle", STROKE, "M4 12C4 7.58 7.58 4 12 4", "move arc"),
    ("two cubics of one circle are one arc", STROKE, "M4 12C4 7.58 7.58 4 12 4C16.42 4 20 7.58 20 12", "move arc"),
    ("an arc of an ellipse stays a cubic", STROKE, "M4 4A8 6 0 0 1 12 10", "move cubic"),
    ("so does a curve that is none", STROKE, "M4 12C4 9 7.58 4 12 4", "move cubic"),
    ("and a flat curve a hundredth off its circle", STROKE, "M4 12C8 11.8 12 11.72 20 12", "move cubic"),
    ("arcs of two circles stay two", STROKE, "M4 12A4 4 0 0 1 8 8A6 6 0 0 1 14 14", "move arc arc"),
    ("arcs that turn back stay two", STROKE, "M4 12A4 4 0 0 1 8 8A4 4 0 0 0 12 4", "move arc arc"),
    ("a full circle by two arcs", STROKE, CIRCLE, "circle"),
    ("by four cubics", STROKE, "M22 12C22 17.523 17.523 22 12 22S2 17.523 2 12S6.477 2 12 2S22 6.477 22 12Z", "circle"),
    ("open, with round ends", f'{STROKE} stroke-linecap="round"', CIRCLE[:-1], "circle"),
    ("open, with square ends: they show", f'{STROKE} stroke-linecap="square"', CIRCLE[:-1], "move arc arc"),
    ("filled", 'fill="#000"', CIRCLE, "circle"),
    ("filled, with a hole: one path", 'fill="#000"', CIRCLE + "M8 8h8v8h-8z",
     "move arc arc submove line line line"),
    ("in a stroke of several parts: split", STROKE, f"M2 2H5{CIRCLE}M12 12V20", "move line circle move line"),
    ("but not where the stroke is translucent", f'{STROKE} stroke-opacity=".5"', f"M2 2H5{CIRCLE}",
     "move line submove arc arc close"),
    ("a sharp rectangle", STROKE, "M4 6H20V18H4Z", "rect"),
    ("with its last side drawn", STROKE, "M4 6H20V18H4V6Z", "rect"),
    ("open: its corner is missing", STROKE, "M4 6H20V18H4V6", "move line line line line"),
    ("filled, closed by the fill", 'fill="#000"', "M4 6H20V18H4", "rect"),
    ("a round one", STROKE, "M6 6H18a2 2 0 0 1 2 2V16a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8A2 2 0 0 1 6 6Z", "rect"),
    ("a pill", STROKE, "M8 6H16A4 4 0 0 1 16 14H8A4 4 0 0 1 8 6Z", "rect"),
    ("with one sharp corner it is none", STROKE, "M4 6H18a2 2 0 0 1 2 2V16a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2Z",
     "move line arc line arc line arc close"),
    ("nor with corners that turn in", STROKE, "M6 6H18a2 2 0 0 0 2 2V16a2 2 0 0 0-2 2H6a2 2 0 0 0-2-2V8A2 2 0 0 0 6 6Z",
     "move line arc line arc line arc line arc close"),
    ("nor with different radii", STROKE, "M6 6H17a3 3 0 0 1 3 3V16a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8A2 2 0 0 1 6 6Z",
     "move line arc line arc line arc line arc close"),
    ("nor aslant", STROKE, "M4 6L20 7L19 19L3 18Z", "move line line line close"),
    ("a bow tie is no rectangle", STROKE, "M4 6H20L4 18H20Z", "move line line line close"),
    ("an L is none", STROKE, "M4 4H12V8H20V18H4Z", "move line line line line line close"),
    ("a dot", f'{STROKE} stroke-linecap="round"', "M12 12h.01", "move line"),
]


@pytest.mark.parametrize(("why", "attributes", "data", "expected"), CASES, ids=[case[0] for case in CASES])
def test_canonical_form(why, attributes, data, expected):
    text = svg(f'<path {attributes} d="{data}"/>')
    rows = parse_svg(text).rows
    names = [
        rf.COMMANDS[int(c)] if e == rf.PATH else rf.ELEMENTS[int(e)] for e, c in rows[1:-1, : rf.COMMAND + 1]
    ]
    assert " ".join(names) == expected
    written = rows_to_svg(rows, decimals=4)
    assert ssim(render_svg_by_resvg(text, 96), render_svg_by_resvg(written, 96)) > 0.998
    np.testing.assert_allclose(canonical_rows(rows), rows, atol=1e-7)


def test_values_of_what_is_found():
    def found(data):
        return rows_of(f'<path {STROKE} d="{data}"/>')[1, rf.GEOMETRY] * 12

    np.testing.assert_allclose(found(CIRCLE)[:3], [0, 0, 10], atol=1e-3)
    round_rect = "M6 6H18a2 2 0 0 1 2 2V16a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8A2 2 0 0 1 6 6Z"
    np.testing.assert_allclose(found(round_rect)[:6], [-8, -6, 16, 12, 2, 2], atol=1e-3)
    np.testing.assert_allclose(found("M8 6H16A4 4 0 0 1 16 14H8A4 4 0 0 1 8 6Z")[:6], [-8, -6, 16, 8, 4, 4], atol=1e-3)


def test_order_styles_and_gradients_stay():
    text = svg(
        '<linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>'
        f'<path d="{CIRCLE}" fill="url(#g)"/><path d="M2 2H5{CIRCLE}" fill="none" stroke="url(#g)"/>'
        '<path d="M4 6H20V18H4Z" fill="lime"/>'
    )
    rows = parse_svg(text).rows
    elements = [rf.ELEMENTS[int(e)] for e in rows[1:-1, rf.ELEMENT]]
    path = ["path"] * 6  # one stroke with a gradient: not split
    assert elements == ["fill_gradient", "circle", "stroke_gradient", *path, "rect"]
    assert ssim(render_svg_by_resvg(text, 96), render_svg_by_resvg(rows_to_svg(rows), 96)) > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_noise_stays_valid_and_does_not_grow(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(300, rf.NUM_COLUMNS)) / 2
    rows[:, rf.ELEMENT], rows[:, rf.COMMAND] = rf.PATH, rng.choice([rf.MOVE, rf.LINE, rf.CUBIC, rf.ARC, rf.CLOSE], 300)
    out = canonical_rows(rows)
    assert len(out) <= len(rows) and np.isfinite(out).all()
