"""Rules for curves, one at a time, on drawings with known answers."""

import math

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import Anchors
from svgfusion_lib.tidying.curves import meet_strokes, round_curves, settle_arcs, settle_radii
from tests.helpers import PEN as STROKE

NOISE = 0.2


def arc(rows: np.ndarray, off: tuple[float, float]) -> np.ndarray:
    """Rows with the arc's midpoint shifted by `off` (units)."""
    rows = rows.copy()
    rows[rows[:, rf.COMMAND] == rf.ARC, 4:6] += np.array(off) / 12
    return rows


def sweeps(rows: np.ndarray) -> np.ndarray:
    found = np.degrees(np.abs(Anchors.of(rows).sweeps()))
    return found[found > 0]


def test_a_wobbly_quarter_turn_gets_a_circle(rows):
    drawn = round_curves(rows("M4 4c0 1.7 1.3 3.1 3.1 3"), NOISE)
    assert drawn[2, rf.COMMAND] == rf.ARC
    bent = rows("M4 4c0 9 1.3 3.1 9 3")
    assert (round_curves(bent, NOISE)[:, rf.COMMAND] == bent[:, rf.COMMAND]).all()
    assert (round_curves(rows("M4 4c0 1.7 1.3 3.1 3.1 3"), 0.015)[:, rf.COMMAND] != rf.ARC).all()  # clean: unchanged


def test_a_wobbly_outline_becomes_a_circle(rows):
    d = "M12 3.1C17 3 21 7 20.9 12C21 17 17 21 12.1 21C7 21 3.1 17 3 12C3 7 7 3 12 3.1z"
    drawn = round_curves(rows(d), NOISE)
    assert drawn[1:-1, rf.ELEMENT].tolist() == [rf.CIRCLE]
    assert drawn[1, 4] * 12 == pytest.approx(9, abs=0.1)  # neighbouring curves on one circle become one arc
    drawn = round_curves(rows("M3 12.1C3 7 7 3 12 3.05C17 3 21 7 20.95 12"), NOISE)
    assert drawn[1:-1, rf.COMMAND].tolist() == [rf.MOVE, rf.ARC]
    assert sweeps(drawn) == pytest.approx([180], abs=3)


@pytest.mark.parametrize(("d", "off", "expected"), [
    ("M4 4A4 4 0 0 1 8 8", (0.2, -0.2), 90),
    ("M4 4A4 4 0 0 1 12 4", (0, -0.3), 180),
    ("M2 4H6A4 4 0 0 1 9 5", (0.1, -0.25), 2 * math.degrees(math.atan2(1, 3))),   # smooth after the line
])
def test_arcs_turn_as_far_as_their_ends_say(rows, d, off, expected):
    """off: shift of the arc's midpoint."""
    wobbly = arc(rows(d), off)
    assert sweeps(settle_arcs(wobbly, NOISE)) == pytest.approx([expected], abs=0.1)
    assert settle_arcs(wobbly, NOISE)[:, 8:10] == pytest.approx(wobbly[:, 8:10])  # the ends stay in place
    assert settle_arcs(wobbly, 0.015) == pytest.approx(wobbly)  # a clean drawing
    flat = rows("M4 4A20 20 0 0 1 8 8")
    assert settle_arcs(flat, 0.05) == pytest.approx(flat, abs=1e-6)


def test_radii_become_equal_and_whole(rows):
    body = "".join(f'<circle cx="{x}" cy="9" r="{r}" {STROKE}/>' for x, r in ((4, 1.9), (12, 2.15), (19, 3.5)))
    drawn = settle_radii(rows(body), NOISE)
    assert drawn[1:-1, 4] * 12 == pytest.approx([2, 2, 3.5], abs=0.51)
    assert drawn[1, 4] == drawn[2, 4]
    body = f'<rect x="3" y="3" width="9" height="9" rx="2.1" {STROKE}/>'
    assert settle_radii(rows(body), NOISE)[1, 6:8] * 12 == pytest.approx([2, 2], abs=1e-5)
    assert settle_radii(rows(body), 0.015)[1, 6:8] * 12 == pytest.approx([2.1, 2.1], abs=1e-5)


@pytest.mark.parametrize(("d", "end"), [
    ("M2 2H12M7 2.4V9", (7, 2)),            # moves to the line
    ("M2 2H12M7 1.7V9", (7, 2)),            # beyond it
    ("M2 2L12 7M7 5V12", (7, 4.5)),         # on a leaning one, along its own direction
])
def test_ends_meet_strokes_along_their_own_direction(rows, ends, d, end):
    assert ends(meet_strokes(rows(d), NOISE))[2] == pytest.approx(end, abs=2e-3)


def test_an_end_meets_a_circle_and_a_far_one_stays(rows, ends):
    circle = f'<circle cx="12" cy="12" r="5" {STROKE}/>'
    assert ends(meet_strokes(rows(circle + f'<path d="M17.4 12H22" {STROKE}/>'), NOISE))[0] == pytest.approx(
        [17, 12], abs=0.01
    )
    far = rows(circle + f'<path d="M18 12H22" {STROKE}/>')
    assert meet_strokes(far, NOISE) == pytest.approx(far, abs=1e-6)
