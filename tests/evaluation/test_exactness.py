"""Exactness measures on drawings with known answers."""

import pytest

from svgfusion_lib.evaluation.exactness import MEASURES, exactness

STROKE = 'stroke="#000" stroke-width="2" fill="none"'
THIRD = "c0 1.6568 1.3431 3 3 3"  # a quarter turn of radius 3


@pytest.fixture
def counted(parsed):
    """counted(measure, d): exact features and candidates in a stroked path."""
    return lambda measure, d: MEASURES[measure](parsed(f'<path d="{d}" {STROKE}/>').rows)


@pytest.mark.parametrize(("d", "expected"), [
    ("M2 2H12V20L22 10", (3, 3)),           # horizontal, vertical, diagonal
    ("M2 2L12 2.03", (0, 1)),               # .03 units off
    ("M2 2L12 2.015", (1, 1)),              # .015
    ("M2 2L12 12.5", (0, 1)),               # 1.4 degrees off the diagonal
    ("M2 2L12 6", (0, 0)),                  # 22 degrees: meant to slant
    ("M2 2h.5", (0, 0)),                    # too short
    ("M2 2H12V12H2.4z", (3, 4)),            # the closing line counts
    ("M2 2H12V12L2 11.5z", (3, 4)),
])
def test_lines_that_are_nearly_straight(counted, d, expected):
    assert counted("straight_lines", d) == expected


@pytest.mark.parametrize(("d", "expected"), [
    ("M2 2H12M12 2V9", (2, 2)),             # end to end: both ends meet another stroke
    ("M2 2H12M12.04 2V9", (2, 2)),
    ("M2 2H12M12.3 2V9", (0, 2)),
    ("M2 2H12M7 2V9", (1, 1)),              # a T-junction
    ("M2 2H12M7 2.3V9", (0, 1)),
    ("M2 2H12M7 4V9", (0, 0)),              # apart
    ("M2 2H12V9H2zM7 5h1", (0, 0)),         # a closed stroke has no ends
    ("M2 2H12V9H2zM7 5V8.9", (0, 1)),       # but others can touch it
])
def test_ends_near_another_stroke(counted, d, expected):
    assert counted("touching_ends", d) == expected


def test_ends_meet_curves_and_primitives(parsed):
    circle = f'<circle cx="12" cy="12" r="5" {STROKE}/>'
    for x, expected in ((17, (1, 1)), (17.3, (0, 1)), (18, (0, 0))):
        assert MEASURES["touching_ends"](parsed(circle + f'<path d="M{x} 12H22" {STROKE}/>').rows) == expected


def test_ends_corners_and_centres_on_the_half_grid(counted, parsed):
    assert counted("ends_on_grid", "M2 2.5L9.2 3") == (3, 4)
    body = f'<rect x="3" y="4.2" width="8" height="5" {STROKE}/><circle cx="12.5" cy="9.1" r="2.2" {STROKE}/>'
    assert MEASURES["ends_on_grid"](parsed(body).rows) == (3, 6)


@pytest.mark.parametrize(("d", "expected"), [
    (f"M4 4{THIRD}", (1, 1)),
    ("M4 4c0 2 1.3431 3 3 3", (0, 1)),
    ("M4 4A3 3 0 0 0 7 7", (1, 1)),
    ("M4 4A6 3 0 0 0 7 7", (0, 1)),          # elliptical
    ("M4 4C5 5 6 6 7 7", (0, 0)),            # straight
])
def test_curves_that_are_circular(counted, d, expected):
    assert counted("circular_curves", d) == expected


@pytest.mark.parametrize(("x", "r", "expected"), [
    (12, 8, (1, 1)), (12.3, 8, (0, 1)), (13, 8, (0, 0)), (12, 4.2, (0, 0)),
])
def test_circles_near_a_centre(parsed, x, r, expected):
    body = f'<circle cx="12" cy="12" r="4" {STROKE}/><circle cx="{x}" cy="12" r="{r}" {STROKE}/>'
    assert MEASURES["concentric_circles"](parsed(body).rows) == expected
    body = f'<circle cx="12" cy="12" r="4" {STROKE}/><path d="M20 12A8 8 0 0 1 12 20" {STROKE}/>'  # an arc has one too
    assert MEASURES["concentric_circles"](parsed(body).rows) == (1, 1)


@pytest.mark.parametrize(("d", "expected"), [
    ("M2 2H12V12L3 13z", (1, 1)),            # closed by a long line
    ("M2 2H12C12 9 3 13 2 2z", (1, 1)),
    ("M2 2H12V12L3 13", (0, 0)),             # open
    ("M2 2H12V12L3 13L2 2", (1, 1)),         # closed by hand
    ("M2 2H12V12L3 13L2 2.3", (0, 1)),
    ("M2 2H12V12L3 13L2 2.3z", (0, 1)),      # with a notch
    ("M2 2h.5v.5", (0, 0)),                  # too short to tell
])
def test_shapes_that_come_back(counted, d, expected):
    assert counted("closed_shapes", d) == expected


@pytest.mark.parametrize(("d", "inside"), [("M1 12H23V3", 1), ("M0.9 3V20", 0), ("M3 3L22 23.2", 0)])
def test_paint_inside_the_canvas(counted, d, inside):
    assert counted("inside_canvas", d) == (inside, 1)


def test_shares_are_of_all_candidates_together(parsed):
    drawings = [parsed(f'<path d="{d}" {STROKE}/>').rows for d in ("M2 2H12V20", "M2 2L12 2.5")]
    report = exactness(drawings)
    assert report["straight_lines"]["mean"] == pytest.approx(2 / 3) and report["straight_lines"]["of"] == 3
    low, high = report["straight_lines"]["interval"]
    assert low == 0 and high == 1
    assert report["concentric_circles"] == {"of": 0}
    with pytest.raises(ValueError, match="no drawings"):
        exactness([])


def test_a_circle_is_the_same_however_it_is_written(parsed):
    by_arcs = parsed(f'<path d="M6 12A6 6 0 0 1 18 12A6 6 0 0 1 6 12z" {STROKE}/>').rows
    assert exactness([by_arcs]) == exactness([parsed(f'<circle cx="12" cy="12" r="6" {STROKE}/>').rows])
