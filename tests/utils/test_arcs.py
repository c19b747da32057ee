"""Circular arcs through three points, against known angles."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils import arcs
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of

ANGLE, SWEEP = st.floats(-3, 3), st.floats(0.2, 6.2)
PLACE, RADIUS = st.floats(-1, 1), st.floats(0.05, 2)


def three_points(x, y, r, first, sweep):
    angles = first + sweep * np.array([0, 0.5, 1])
    return np.stack([x + r * np.cos(angles), y + r * np.sin(angles)], axis=1)[:, None]  # [3, 1, 2]


@given(PLACE, PLACE, RADIUS, ANGLE, SWEEP, st.sampled_from([-1, 1]))
def test_circle_and_sweep_are_found(x, y, r, first, sweep, way):
    centre, radius, found = arcs.circle_through(*three_points(x, y, r, first, way * sweep))
    np.testing.assert_allclose(centre, [[x, y]], atol=1e-6 * r / min(sweep, 2 * math.pi - sweep) ** 2 + 1e-9)
    assert radius[0] == pytest.approx(r, rel=1e-5) and found[0] == pytest.approx(way * sweep, abs=1e-5)


@given(PLACE, PLACE, RADIUS, ANGLE, SWEEP, st.sampled_from([-1, 1]))
def test_cubics_follow_the_circle(x, y, r, first, sweep, way):
    points = three_points(x, y, r, first, way * sweep)
    cubics = arcs.arc_to_cubics(points[:, 0])
    t = np.linspace(0, 1, 9)[:, None, None]
    p0, p1, p2, p3 = cubics.transpose(1, 0, 2)
    curve = (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3
    np.testing.assert_allclose(np.hypot(curve[..., 0] - x, curve[..., 1] - y), r, rtol=4e-4)
    np.testing.assert_allclose(cubics[[0, -1], [0, 3]], points[[0, 2], 0], atol=1e-12)
    np.testing.assert_allclose(cubics[1:, 0], cubics[:-1, 3], atol=1e-12)


@given(PLACE, PLACE, RADIUS, ANGLE, SWEEP, st.sampled_from([-1, 1]))
def test_box_is_that_of_many_points(x, y, r, first, sweep, way):
    box = arcs.arc_box(three_points(x, y, r, first, way * sweep).swapaxes(0, 1))[0]
    angles = first + way * sweep * np.linspace(0, 1, 2001)
    curve = np.stack([x + r * np.cos(angles), y + r * np.sin(angles)], axis=1)
    np.testing.assert_allclose(box.min(0), curve.min(0), atol=1e-5 * r + 1e-9)
    np.testing.assert_allclose(box.max(0), curve.max(0), atol=1e-5 * r + 1e-9)


def test_points_on_a_line_have_no_circle():
    line = np.array([[0.0, 0], [1, 1], [2, 2]])[:, None]
    _, radius, sweep = arcs.circle_through(*line)
    assert np.isinf(radius[0]) and sweep[0] == 0
    np.testing.assert_allclose(arcs.arc_to_cubics(line[:, 0])[0], np.linspace((0, 0), (2, 2), 4))
    # equal start and end: a full turn
    centre, radius, sweep = arcs.circle_through(*np.array([[0.0, 0], [2, 0], [0, 0]])[:, None])
    assert centre.tolist() == [[1, 0]] and radius[0] == 1 and sweep[0] == pytest.approx(2 * math.pi)
    assert len(arcs.arc_to_cubics(np.array([[0.0, 0], [2, 0], [0, 0]]))) == 4


@given(st.integers(2, 22), st.integers(2, 22), st.floats(0.5, 10), ANGLE, st.floats(0.3, 5), st.sampled_from([-1, 1]))
def test_an_arc_that_is_written_is_read_as_it_was(x, y, r, first, sweep, way):
    """Especially half turns: the written radius must not move the arc's midpoint."""
    rows = np.zeros((4, rf.NUM_COLUMNS), dtype=np.float32)
    start, middle, end = three_points(x / 12 - 1, y / 12 - 1, r / 12, first, way * sweep)[:, 0]
    rows[:, rf.ELEMENT] = rf.BOS, rf.PATH, rf.PATH, rf.EOS
    rows[1:3, rf.COMMAND] = rf.MOVE, rf.ARC
    rows[1, 8:10], rows[2, 2:4], rows[2, 4:6], rows[2, 8:10] = start, start, middle, end
    rows[1:3, 17], rows[1:3, rf.STROKE_WIDTH] = 1, 0.1
    again = parse_svg(rows_to_svg(rows)).rows
    assert again[:, rf.COMMAND].tolist() == rows[:, rf.COMMAND].tolist(), rows_to_svg(rows)
    # Ends are rounded to .005 units; if they are close together, this turns the arc and moves its midpoint further.
    np.testing.assert_allclose(
        again[2, rf.GEOMETRY], rows[2, rf.GEOMETRY], atol=(0.013 + 0.0071 * math.tan(sweep / 4)) / 12
    )


def test_arcs_as_cubics_are_the_same_drawing():
    body = '<path d="M4 4a8 8 0 1 1 0 9l3 3a2 3 0 0 1 2 2" stroke="#000"/>'
    rows = rows_of(body)
    plain = arcs.arcs_to_cubic_rows(rows)
    assert rf.ARC in rows[:, rf.COMMAND] and rf.ARC not in plain[:, rf.COMMAND]
    again = parse_svg(rows_to_svg(plain, decimals=6)).rows
    np.testing.assert_allclose(again, rows, atol=1e-3)
    assert arcs.arcs_to_cubic_rows(plain) is plain
