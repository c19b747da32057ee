"""Rules for points, one at a time, on drawings with known answers."""

import numpy as np
import pytest

from svgfusion_lib.tidying.anchors import Anchors
from svgfusion_lib.tidying.points import settle_points
from svgfusion_lib.tidying.settle import Grid
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from tests.helpers import PEN as STROKE

NOISE = 0.2
CIRCLE = '<circle cx="{}" cy="12" r="{}" ' + STROKE + "/>"


def test_ends_that_nearly_meet_become_one_point(rows, ends):
    near = rows("M2 2L12 3M12.4 3.2L15 9")
    drawn = ends(settle_points(near, NOISE, weld=True))
    assert (drawn[1] == drawn[2]).all() and drawn[1] == pytest.approx([12.2, 3.1])
    assert drawn[[0, 3]] == pytest.approx(np.array([(2, 2), (15, 9)]))
    assert settle_points(near, 0.015, weld=True) == pytest.approx(near, abs=1e-6)  # a clean drawing
    apart = rows("M2 2L12 3M13 3.2L15 9")
    assert settle_points(apart, NOISE, weld=True) == pytest.approx(apart, abs=1e-6)
    short = ends(settle_points(rows("M2 2H12M12.2 2L12.5 2.3"), NOISE, weld=True))
    assert np.hypot(*(short[3] - short[2])) > 0.2  # its own ends are not merged
    shape = ends(settle_points(rows("M2 2H12V12L3 13L2 2.4"), NOISE, weld=True))
    assert (shape[0] == shape[-1]).all()


@pytest.mark.parametrize(("width", "gap", "welded"), [(0.3, 0.6, False), (0.2, 0.4, False), (2, 0.6, True)])
def test_lines_side_by_side_are_not_joined_across_a_gap(rows, width, gap, welded):
    """Strokes that overlap are one stroke drawn twice."""
    pen = STROKE.replace('stroke-width="2"', f'stroke-width="{width}"')
    lines = rows("".join(f'<path d="M{4 + k * gap} 4V20" {pen}/>' for k in range(4)))
    drawn = settle_points(lines, NOISE, weld=True)
    assert (drawn == pytest.approx(lines, abs=1e-6)) != welded
    meeting = rows(f'<path d="M4 4V20" {pen}/><path d="M4.5 20.2V30" {pen}/>')
    drawn = settle_points(meeting, NOISE, weld=True)
    assert (drawn[2, 8:10] == drawn[3, 8:10]).all()


def test_lines_become_horizontal_and_vertical_and_take_their_neighbours_along(rows, ends):
    drawn = ends(settle_points(rows("M2 2L12 2.3L12.2 12L4 20"), NOISE, straight=True))
    assert drawn[0, 1] == drawn[1, 1] == pytest.approx(2.15) and drawn[1, 0] == drawn[2, 0] == pytest.approx(12.1)
    assert drawn[3] == pytest.approx([4, 20])
    leaning = rows("M2 2L12 4L10 20")
    assert settle_points(leaning, NOISE, straight=True) == pytest.approx(leaning, abs=1e-6)


def test_lines_become_diagonal(rows, ends):
    drawn = ends(settle_points(rows("M2 2L12 12.3M20 2L13 8.8"), NOISE, diagonals=True))
    ways = np.abs(drawn[[1, 3]] - drawn[[0, 2]])
    assert ways[:, 0] == pytest.approx(ways[:, 1], abs=2e-3)
    leaning = rows("M2 2L12 16")
    assert settle_points(leaning, NOISE, diagonals=True) == pytest.approx(leaning, abs=1e-6)


def test_circles_share_a_centre(rows):
    circles = CIRCLE.format(12, 9) + CIRCLE.format(12.4, 4) + CIRCLE.format(3, 1)
    drawn = settle_points(rows(circles), NOISE, centres=True)
    x = (drawn[1:-1, 2] + 1) * 12
    assert x == pytest.approx([12.2, 12.2, 3], abs=1e-4)


@pytest.mark.parametrize(("d", "noise", "expected"), [
    ("M2.1 3.9H9.2", 0.2, [(2, 4), (9, 4)]),
    ("M2.1 3.9H9.2", 0.015, [(2.1, 3.9), (9.2, 3.9)]),    # clean: unchanged
    ("M2.03 4H9.01", 0.015, [(2, 4), (9, 4)]),            # tiny errors
    ("M2.5 4.5H9.5", 0.015, [(2.5, 4.5), (9.5, 4.5)]),
])
def test_points_go_to_the_grid_as_far_as_their_errors_explain(rows, ends, d, noise, expected):
    assert ends(settle_points(rows(d), noise, Grid())) == pytest.approx(np.array(expected), abs=2e-3)


@pytest.mark.parametrize(("grid", "unit"), [(None, 1), (Grid(0.375, 0.63, 0.07), 0.75)])
def test_the_grid_is_that_of_the_set(rows, ends, grid, unit):
    meant = unit * np.array([(5, 6), (17, 6), (17, 26), (8, 26), (8, 10)])
    errors = 0.01 * np.array([(6, -5), (-4, -3), (-5, 5), (4, 6), (5, -6)])
    points = " ".join(f"{x:g},{y:g}" for x, y in meant + errors)
    assert ends(settle_points(rows(f"M{points}"), 0.06, grid or Grid())) == pytest.approx(meant, abs=2e-3)


def test_a_sub_path_goes_to_the_grid_as_a_whole(rows, ends):
    """Separately, the points would snap to different grid lines."""
    drawn = ends(settle_points(rows("M2.55 3H8.6V9H4.55V15H6.5"), 0.1, Grid()))
    assert drawn[:, 0] == pytest.approx(np.round(drawn[:, 0]), abs=2e-3)
    assert np.diff(drawn[:, 0]) == pytest.approx([6, 0, -4, 0, 2], abs=2e-3)


def test_anchors_are_written_back_where_they_are(rows):
    body = (
        f'<path d="M2 2H9A4 4 0 0 1 13 6C13 9 12 14 6 14z" {STROKE}/><path d="M1 1L5 2L3 6" fill="red"/>'
        f'<rect x="3" y="15" width="6" height="3" rx="1" {STROKE}/>' + CIRCLE.format(12, 3)
    )
    drawing = rows(body)
    anchors = Anchors.of(drawing)
    assert anchors.moved(anchors.points) == pytest.approx(drawing, abs=1e-6)
    shifted = anchors.moved(anchors.points + 1)
    assert sanitize_rows(shifted) == pytest.approx(shifted, abs=1e-6)
    assert shifted[1:3, 8:10] == pytest.approx(drawing[1:3, 8:10] + 1 / 12, abs=1e-6)
    assert shifted[3, 4:6] == pytest.approx(drawing[3, 4:6] + 1 / 12, abs=1e-6)  # the arc's midpoint moves too
    turned = anchors.points * (1, -1) + (0, 24)
    assert anchors.moved(turned)[3, 4:6] != pytest.approx(drawing[3, 4:6])
