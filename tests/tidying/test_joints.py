"""Rounded corners and handles of cubics, on drawings with known answers."""

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import Anchors
from svgfusion_lib.tidying.joints import smooth_joints

NOISE = 0.15
SQUARE = "M4 4H18A2 2 0 0 1 20 6V18A2 2 0 0 1 18 20H6A2 2 0 0 1 4 18z"


def kinks(rows: np.ndarray) -> np.ndarray:
    """Angles in degrees between segments that follow each other, where one is a curve."""
    anchors = Anchors.of(rows)
    leaves, arrives = anchors.tangents()
    angle = {int(a): np.degrees(np.arctan2(*way[::-1])) for a, way in zip(anchors.start, leaves)}
    curved = {int(a): bool(c) for a, c in zip(anchors.start, ~anchors.straight)}
    return np.array([
        abs((angle[int(b)] - np.degrees(np.arctan2(*way[::-1])) + 180) % 360 - 180)
        for b, way, curve in zip(anchors.end, arrives, ~anchors.straight)
        if int(b) in angle and (curve or curved[int(b)])
    ])


def moved(rows: np.ndarray, row: int, by: tuple[float, float]) -> np.ndarray:
    """Rows with the end of one path row, and the start of the next, moved by `by` units."""
    anchors = Anchors.of(rows)
    points = anchors.points.copy()
    points[np.flatnonzero(anchors.row == row)] += by
    return anchors.moved(points)


@pytest.mark.parametrize(("row", "by"), [(2, (-0.5, 0)), (2, (0.5, 0)), (3, (0, 0.4)), (6, (0.5, 0))])
def test_a_rounded_corner_touches_both_lines_with_the_radius_of_the_others(rows, row, by):
    square = rows(SQUARE)
    drawn = moved(square, row, by)
    assert kinks(drawn).max() > 5
    assert smooth_joints(drawn, NOISE)[:, rf.GEOMETRY] == pytest.approx(square[:, rf.GEOMETRY], abs=1e-5)


def test_a_corner_between_slanted_lines_is_rounded_too(rows):
    drawn = rows("M3 20L10 6A2.2 2.2 0 0 1 14 6.6L21 20")
    assert kinks(drawn).max() > 5 and kinks(smooth_joints(drawn, NOISE)).max() < 0.1
    lines = Anchors.of(smooth_joints(drawn, NOISE))
    way = (lines.points[lines.end] - lines.points[lines.start])[lines.straight]
    assert way[0, 1] / way[0, 0] == pytest.approx(-14 / 7) and way[1, 1] / way[1, 0] == pytest.approx(13.4 / 7)


@pytest.mark.parametrize("d", [
    "M4 20H10C13 20.6 15 18 15.4 14V6", "M4 12C4 8 8 5 12 5C16 5.5 20 8 20 12",
    "M4 12A8 8 0 0 1 12 4C16 4.6 19 8 20 12",
])
def test_cubics_continue_the_direction_of_their_neighbours(rows, d):
    drawn = rows(d)
    smooth = smooth_joints(drawn, NOISE)
    assert kinks(drawn).max() > 3 and kinks(smooth).max() < 0.1
    assert smooth[:, 8:10] == pytest.approx(drawn[:, 8:10])  # the ends stay in place


@pytest.mark.parametrize("d", [
    "M4 20H10C10 16 13 14 18 14", "M4 4H12A6 6 0 0 0 12 16", "M4 12A4 4 0 0 1 12 12A4 4 0 0 1 20 12", "M4 4L20 20",
    "M4 20H10A4 1 0 0 1 18 20H21",
])
def test_intended_corners_stay(rows, d):
    assert smooth_joints(rows(d), NOISE) == pytest.approx(rows(d), abs=1e-6)


def test_a_clean_drawing_and_a_corner_that_another_stroke_meets_stay(rows):
    drawn = moved(rows(SQUARE), 2, (0.5, 0))
    assert smooth_joints(drawn, 0.015) == pytest.approx(drawn)
    far = moved(rows(SQUARE), 2, (-4, 0))
    assert smooth_joints(far, NOISE) == pytest.approx(far)
    met = rows("M4 4H15.5A2 2 0 0 1 18 6V20M15.5 4V1")
    assert smooth_joints(met, NOISE)[:5] == pytest.approx(met[:5])
