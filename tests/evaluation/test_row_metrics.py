"""Row measures on drawings with known answers."""

import numpy as np
import pytest

from svgfusion_lib.evaluation.row_metrics import GRID, grid_share, line_style, overshoot, pens_of
from svgfusion_lib.utils.hybrid_utils import strokes_only
from tests.helpers import PEN, rows_of

TWO, THIN = (2.0, 1, 1), (1.5, 1, 1)


@pytest.mark.parametrize(("body", "expected"), [
    ('<path d="M0 0L24 24" stroke="red"/>', 0),
    ('<path d="M0 0L36 24" stroke="red"/>', 1),      # 12 units outside, half-width 12
    ('<path d="M0 0C-6 0 9 9 24 24" stroke="red"/>', 0.5),  # control points count
    ('<path d="M0 0L24 24" stroke="red" stroke-width="9"/>', 0),  # stroke width does not
    ('<circle cx="12" cy="12" r="15"/>', 0.25),
    ('<ellipse cx="12" cy="12" rx="3" ry="18"/>', 0.5),
    ('<rect x="-3" y="0" width="9" height="4"/>', 0.25),
    ('<rect x="3" y="0" width="9" height="30"/>', 0.5),
    ('<linearGradient id="g" gradientUnits="userSpaceOnUse" x1="-50" x2="90"><stop stop-color="red"/><stop offset="1"/>'
     '</linearGradient><rect width="9" height="9" fill="url(#g)"/>', 0),  # gradients may extend outside
])
def test_overshoot_measures_what_stands_outside_the_canvas(body, expected):
    assert overshoot(rows_of(body)) == pytest.approx(expected, abs=1e-6)
    assert overshoot(np.zeros((2, 22))) == 0


def test_pens_are_width_cap_and_join_of_strokes():
    body = f'<path d="M2 2L9 9" {PEN}/><path d="M1 1H9V9z" fill="red"/>'
    assert pens_of(rows_of(body)) == {TWO}
    assert pens_of(rows_of(body + f'<circle cx="9" cy="9" r="3" {PEN.replace("2", "1.53", 1)}/>')) == {TWO, THIN}
    assert pens_of(rows_of('<path d="M1 1H9V9z" fill="red"/>')) == set()


@pytest.mark.parametrize(("body", "expected"), [
    (f'<path d="M2 2L9 9" {PEN}/>', True), (f'<path d="M2 2L9 9" {PEN}/><circle r="5"/>', False),
    ('<path d="M1 1H9V9z" fill="red" stroke="blue"/>', False), ('<path d="M1 1H9V9z" fill="red"/>', False),
])
def test_strokes_only(body, expected):
    assert strokes_only(rows_of(body)) is expected
    assert not strokes_only(rows_of(body)[[0, -1]])


def test_a_fill_that_nobody_sees_is_none():
    drawing = rows_of(f'<path d="M2 2L9 9L2 9" {PEN}/>')
    drawing[1:-1, 13] = 2e-4
    assert strokes_only(drawing) and pens_of(drawing) == {TWO}
    drawing[1:-1, 13] = 0.01
    assert not strokes_only(drawing)


@pytest.mark.parametrize(("body", "expected"), [
    (f'<path d="M2 2L9.5 9" {PEN}/>', 1), (f'<path d="M2 2L9.25 9" {PEN}/>', 3 / 4),
    (f'<path d="M2 2C2.3 4.7 6.6 6.1 9 9" {PEN}/>', 1),  # controls are free
    (f'<circle cx="9" cy="9.2" r="3.3" {PEN}/>', 1 / 2), (f'<rect x="3" y="4" width="5.1" height="6" {PEN}/>', 1),
])
def test_share_of_points_on_the_grid(body, expected):
    assert GRID == 0.5 and grid_share(rows_of(body)) == pytest.approx(expected)


def test_the_style_of_a_set_leaves_out_its_exceptions():
    usual = rows_of(f'<path d="M2 2L9 9" {PEN}/>')
    odd = rows_of(f'<path d="M2 2L9.2 9.3" {PEN.replace("2", "1.5", 1)}/>')
    style = line_style([usual] * 39 + [odd])
    assert style.pens == {TWO} and style.on_grid == 1
    mixed = line_style([usual] * 30 + [odd] * 10)
    assert mixed.pens == {TWO, THIN} and mixed.on_grid == 0.5
    with pytest.raises(ValueError, match="no drawings"):
        line_style([])
