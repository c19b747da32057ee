"""Rules for a drawing as a whole."""

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import Anchors
from svgfusion_lib.tidying.drawing import drop_duplicates, fit_canvas, mirror_halves, one_palette
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.placement import drawn_box


def count(rows: np.ndarray) -> int:
    return int(np.isin(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE)).sum())


@pytest.mark.parametrize(("d", "left"), [
    ("M2 2H12M3 2.05H9", 1),          # along the other stroke
    ("M3 2.05H9M2 2H12", 1),
    ("M2 2H12M3 5H9", 2),
    ("M2 2H12M3 2.05V9", 2),          # away from it
    ("M2 2H12M5 2.5h.3", 1),          # a stub
    ("M2 2H12M5 9h.3", 2),            # a dot
    ("M2 2H12M5 2.5h.01", 2),
    ("M5 9h.3", 1),                   # the only stroke
])
def test_strokes_that_are_there_twice_go(rows, d, left):
    drawn = drop_duplicates(rows(d), 0.2)
    assert count(drawn) == left
    assert sanitize_rows(drawn) == pytest.approx(drawn, abs=1e-6)


def test_a_stub_of_a_clean_drawing_stays(rows):
    assert count(drop_duplicates(rows("M2 2H12M5 2.5h.3"), 0.015)) == 2


def test_halves_become_mirror_images(rows, ends):
    drawn = ends(mirror_halves(rows("M4 4L12.1 2L20.2 4.1M4.1 18L12 20L19.9 18.2"), 0.2))
    assert drawn[[0, 3]].sum(0) == pytest.approx(drawn[[2, 5]][::-1].sum(0) * (-1, 1) + (4 * drawn[1, 0], 0), abs=0.2)
    assert drawn[0, 1] == pytest.approx(drawn[2, 1], abs=2e-3)
    assert drawn[0, 0] + drawn[2, 0] == pytest.approx(drawn[3, 0] + drawn[5, 0], abs=2e-3)


def test_what_is_no_mirror_image_stays(rows):
    for d in ("M4 4L12 2L20 6", "M4 4L12 2"):
        assert mirror_halves(rows(d), 0.2) == pytest.approx(rows(d), abs=1e-6)


def test_near_colours_and_widths_become_the_most_frequent(rows):
    body = "".join(
        f'<path d="M2 {y}H9V{y + 1}z" fill="{fill}" stroke="#000" stroke-width="{width}"/>'
        for y, fill, width in ((2, "#ff0000", 2), (6, "#ff0000", 2), (10, "#fd0202", 2.05), (14, "#0000ff", 1))
    )
    drawn = one_palette(rows(body))
    assert len(np.unique(drawn[1:-1, 10:13], axis=0)) == 2 and len(np.unique(drawn[1:-1, rf.STROKE_WIDTH])) == 2
    assert (drawn[1:-1, 10] == 1).sum() == len(drawn) - 2 - (drawn[1:-1, 12] == 1).sum()


@pytest.mark.parametrize(("d", "expected"), [
    ("M2 2H12", (2, 2)),              # inside: stays
    ("M0.7 2H12", (1.2, 2)),          # moved by a whole step
    ("M0.7 2H22.9", (1.0, 2)),        # too wide for a whole step
])
def test_a_drawing_beyond_the_edge_is_moved_inside(rows, ends, d, expected):
    drawn = fit_canvas(rows(d))
    assert ends(drawn)[0] == pytest.approx(expected, abs=2e-3)
    low, high = drawn_box(drawn)
    assert low.min() >= -1 - 1e-5 and high.max() <= 1 + 1e-5


def test_a_drawing_larger_than_the_canvas_gets_smaller(rows):
    drawn = fit_canvas(rows("M0 0L24 24"))
    low, high = drawn_box(drawn)
    assert low.min() == pytest.approx(-1, abs=1e-4) and high.max() == pytest.approx(1, abs=1e-4)
    assert drawn[1, rf.STROKE_WIDTH] == rows("M0 0L24 24")[1, rf.STROKE_WIDTH]
    assert len(Anchors.of(drawn).points) == 2
