# ruff: noqa: E501 - SVG text
import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import (
    element_of_rows,
    element_structure,
    partial_rows,
    rows_to_svg,
    stage_of_rows,
    stage_sizes,
)
from tests.helpers import rows_of

SHAPES = [
    '<rect x="2" y="2" width="20" height="6" fill="url(#a)" stroke="url(#a)"/>',        # 2 gradients and itself
    '<path d="M2 10h6v4h-6zM10 10h6v4h-6z"/>',                                          # two sub-paths, one element
    '<circle cx="5" cy="18" r="3"/>',
    '<path d="M12 16h8v6h-8z" fill="url(#a)"/>',
    '<path d="M1 1l22 22" fill="none" stroke="red"/>',
]
GRADIENT = (
    '<linearGradient id="a"><stop stop-color="red"/><stop offset=".5" stop-color="lime"/>'
    '<stop offset="1" stop-color="blue"/></linearGradient>'
)


def drawing(shapes: list[str]) -> np.ndarray:
    return rows_of(GRADIENT + "".join(shapes))


def test_every_row_belongs_to_an_element():
    rows = drawing(SHAPES)
    elements = element_of_rows(rows)
    assert (np.diff(elements) >= 0).all() and elements[0] == 0 and elements[-1] == 4
    names = [{rf.ELEMENTS[int(e)] for e in rows[1:-1][elements[1:-1] == k, rf.ELEMENT]} for k in range(5)]
    assert names == [{"fill_gradient", "stroke_gradient", "rect"}, {"path"}, {"circle"}, {"fill_gradient", "rect"}, {"path"}]


@pytest.mark.parametrize("size", range(1, 6))
def test_partial_rows_are_those_of_the_first_shapes(size):
    rows = drawing(SHAPES)
    part = partial_rows(rows, size)
    np.testing.assert_array_equal(part, drawing(SHAPES[:size]))
    assert len(element_structure(part)) == size
    np.testing.assert_array_equal(sanitize_rows(part), sanitize_rows(drawing(SHAPES[:size])))
    np.testing.assert_array_equal(
        render_svg(rows_to_svg(part), 32), render_svg(rows_to_svg(drawing(SHAPES[:size])), 32)
    )


@pytest.mark.parametrize(("shapes", "most", "sizes"), [
    (5, 1, [5]), (5, 2, [3, 5]), (5, 3, [2, 4, 5]), (5, 4, [2, 3, 4, 5]), (5, 99, [1, 2, 3, 4, 5]), (1, 4, [1]),
])
def test_stages_are_evenly_spread_and_end_with_the_whole(shapes, most, sizes):
    assert stage_sizes(drawing(SHAPES[:shapes]), most).tolist() == sizes


def test_stage_of_a_row_is_the_first_that_shows_it():
    rows = drawing(SHAPES)
    sizes = stage_sizes(rows, 2)
    stages = stage_of_rows(rows, sizes)
    assert set(stages[element_of_rows(rows) < 3]) == {0} and set(stages[element_of_rows(rows) >= 3]) == {1}
    assert set(stage_of_rows(rows, stage_sizes(rows, 1))) == {0}
    part = partial_rows(rows, 3)
    assert set(stage_of_rows(part, sizes[:1])) == {0}
