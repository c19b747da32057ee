import numpy as np
import pytest

from svgfusion_lib.corpus.cleaning import TINY, clean_rows, drop_invisible, drop_outside, merge_tiny_segments
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'


def rows_of(body):
    return parse_svg(f"{HEAD}{body}</svg>").rows


def test_a_clean_drawing_stays_the_object_that_it_is():
    rows = rows_of('<path fill="red" d="M2 2h9v9z"/><circle cx="16" cy="16" r="4" fill="white"/>')
    assert clean_rows(rows) is rows


def test_what_lies_outside_goes_and_the_next_sub_path_begins_the_path():
    shapes = '<circle cx="-9" cy="2" r="3"/><rect x="20" width="9" height="9"/>'
    rows = rows_of(f'<path fill="red" d="M40 2h9v9z M2 2h9v9z"/>{shapes}')
    left = drop_outside(rows)
    assert left[1, rf.COMMAND] == rf.MOVE and np.isin(left[1:-1, rf.ELEMENT], (rf.PATH, rf.RECT)).all()
    picture = render_svg_by_resvg(rows_to_svg(rows), 64)
    assert (render_svg_by_resvg(rows_to_svg(left), 64) == picture).all() and len(left) < len(rows)


def test_a_gradient_goes_with_its_shape():
    gradient = '<defs><linearGradient id="a"><stop stop-color="red"/><stop offset="1"/></linearGradient></defs>'
    rows = rows_of(f'{gradient}<rect x="30" width="9" height="9" fill="url(#a)"/><rect width="9" height="9"/>')
    assert rf.FILL_GRADIENT in rows[:, rf.ELEMENT]
    assert drop_outside(rows)[:, rf.ELEMENT].tolist() == [rf.BOS, rf.RECT, rf.EOS]


def test_tiny_segments_join_the_next_until_they_are_long_enough():
    steps = "".join(f"l{TINY * 12 / 2} 0" for _ in range(8))  # each half as long as would stay
    rows = rows_of(f'<path fill="red" d="M2 2{steps}v9z"/>')
    left = merge_tiny_segments(rows)
    lines = left[left[:, rf.COMMAND] == rf.LINE]
    assert np.ptp(lines[:-1].reshape(-1, 22)[:, [2, 8]], axis=1).min() >= TINY - 1e-6
    assert len(left) < len(rows) and (left[2:-1, 2:4] == left[1:-2, 8:10]).all()
    dot = rows_of('<path fill="none" stroke="red" d="M2 2h.01"/>')
    assert (merge_tiny_segments(dot) == dot).all()


@pytest.mark.parametrize("cover", ['fill="red"', 'fill="red" fill-opacity="0.5"'])
def test_what_is_covered_goes_only_if_no_pixel_changes(cover):
    rows = rows_of(f'<circle cx="9" cy="9" r="3" fill="blue"/><rect x="2" y="2" width="14" height="14" {cover}/>')
    left = drop_invisible(rows)
    assert len(left) == len(rows) - ("opacity" not in cover)
    assert left[-2, rf.ELEMENT] == rf.RECT
