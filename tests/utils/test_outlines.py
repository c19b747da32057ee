"""Outlines of rows, on shapes with known points."""

import math

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.outlines import arc_points, outlines

STROKE = 'stroke="#000" fill="none"'


def test_an_arc_is_followed_by_points_on_its_circle():
    start, middle, end = np.array([(1.0, 0), (math.sqrt(0.5), math.sqrt(0.5)), (0, 1)])
    [points] = arc_points(np.stack([start, middle, end])[None])
    assert np.hypot(*points.T) == pytest.approx(np.ones(len(points)))
    assert points[0] == pytest.approx(start) and (points[-1] == end).all()
    assert np.hypot(*np.diff(points, axis=0).T).max() <= math.radians(5)
    flat = np.array([(0.0, 0), (1, 1), (2, 2)])
    assert (arc_points(flat[None])[0] == flat).all()


def test_a_drawing_has_an_outline_for_every_sub_path_and_primitive(parsed):
    rows = parsed(
        f'<path d="M2 2H10M4 4L8 8V4z" {STROKE}/><path d="M1 1H3V3" fill="red"/>'
        f'<circle cx="12" cy="12" r="6" {STROKE}/><rect x="3" y="15" width="6" height="3" {STROKE}/>'
    ).rows
    line, triangle, filled, circle, rect = outlines(rows)
    assert [o.closed for o in (line, triangle, filled, circle, rect)] == [False, True, True, True, True]
    assert [o.stroked for o in (line, triangle, filled, circle, rect)] == [True, True, False, True, True]
    assert rows[line.rows, rf.COMMAND].tolist() == [rf.MOVE, rf.LINE]
    assert rows[triangle.rows, rf.COMMAND].tolist() == [rf.SUBMOVE, rf.LINE, rf.LINE, rf.CLOSE]
    assert (line.points + 1) * 12 == pytest.approx(np.array([(2, 2), (10, 2)]), abs=1e-5)
    assert filled.points[-1] == pytest.approx(filled.points[0])  # it closes by itself
    assert np.hypot(*circle.points.T) == pytest.approx(np.full(len(circle.points), 0.5), abs=1e-6)
    assert (rect.points.min(0) + 1) * 12 == pytest.approx([3, 15], abs=1e-5)
    assert (rect.points.max(0) + 1) * 12 == pytest.approx([9, 18], abs=1e-5)


def test_a_gradient_belongs_to_no_outline(parsed):
    rows = parsed(
        '<defs><linearGradient id="g"><stop stop-color="red"/><stop offset="1"/></linearGradient></defs>'
        '<path d="M1 1H9V9z" fill="red"/><path d="M1 11H9V19z" fill="url(#g)"/>'
    ).rows
    first, second = outlines(rows)
    assert rows[first.rows, rf.ELEMENT].tolist() == [rf.PATH] * (first.rows.stop - first.rows.start)
    assert second.rows.stop == len(rows) - 1
    assert outlines(np.zeros((2, rf.NUM_COLUMNS))) == []
