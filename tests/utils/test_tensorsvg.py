# ruff: noqa: E501 - tables of SVG text
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import denormalize_target, normalize_target, rows_to_svg, split_elements

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
DRAWING = (
    f'{HEAD}<path fill-rule="evenodd" d="M2 2h20v20h-20zM6 6c1 3 5 9 10 10z" fill="#369" fill-opacity=".5"/>'
    '<circle cx="12" cy="12" r="5" fill="none" stroke="#f00" stroke-width="2" stroke-linecap="round"/>'
    '<rect x="3" y="4" width="9" height="5" rx="1" ry="2" stroke="#000" stroke-linejoin="bevel" stroke-opacity=".25"/></svg>'
)


def test_written_form():
    assert rows_to_svg(parse_svg(DRAWING).rows) == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24">\n'
        '  <path id="layer-1" d="M2 2H22V22H2ZM6 6C7 9 11 15 16 16Z" fill="#369" fill-opacity="0.5" fill-rule="evenodd"/>\n'
        '  <circle id="layer-2" cx="12" cy="12" r="5" fill="none" stroke="#f00" stroke-width="2" stroke-linecap="round"/>\n'
        '  <rect id="layer-3" x="3" y="4" width="9" height="5" rx="1" ry="2" fill="#000" stroke="#000"'
        ' stroke-opacity="0.25" stroke-width="1" stroke-linejoin="bevel"/>\n'
        "</svg>\n"
    )


def test_shared_style_stands_once_on_the_root():
    text = rows_to_svg(parse_svg(f'{HEAD}<g fill="none" stroke="red"><path d="M1 1h3"/><path d="M1 2h3" stroke-width="3"/></g></svg>').rows)
    root, first, second = text.splitlines()[:3]
    assert 'fill="none" stroke="#f00"' in root and "stroke-width" not in root
    assert 'stroke-width="1"' in first and "fill" not in first and 'stroke-width="3"' in second


def test_written_form_is_a_fixed_point():
    once = rows_to_svg(parse_svg(DRAWING).rows)
    assert rows_to_svg(parse_svg(once).rows) == once


@pytest.mark.parametrize("size", [1, 24, 64, 512])
def test_size_scales_everything(size):
    rows = parse_svg(DRAWING).rows
    text = rows_to_svg(rows, size, decimals=5)
    assert f'viewBox="0 0 {size} {size}"' in text
    np.testing.assert_allclose(parse_svg(text).rows, rows, atol=4e-3)
    assert np.abs(render_svg(text, 64).astype(int) - render_svg(DRAWING, 64)).mean() < 0.5


def test_tensors_and_arrays_are_written_alike():
    rows = parse_svg(DRAWING).rows
    assert rows_to_svg(torch.from_numpy(rows).double().requires_grad_()) == rows_to_svg(rows)


def test_no_rows_give_an_empty_svg():
    text = rows_to_svg(np.zeros((0, rf.NUM_COLUMNS)))
    assert text.startswith("<svg") and len(ElementTree.fromstring(text)) == 0
    with pytest.raises(ValueError, match=r"\[L, 22\]"):
        rows_to_svg(np.zeros((3, 5)))


def test_split_elements_cuts_at_moves_and_primitives():
    pieces = split_elements(parse_svg(DRAWING).rows)
    assert [len(p) for p in pieces] == [8, 1, 1]
    assert split_elements(sanitize_rows(np.zeros((0, 22)))) == []


def test_targets_lie_in_range_and_are_inverted():
    rows = torch.from_numpy(parse_svg(DRAWING).rows)
    target = normalize_target(rows)
    assert target.min() >= -1 and target.max() <= 1
    torch.testing.assert_close(denormalize_target(target), rows, atol=1e-6, rtol=0)
    ends = torch.zeros(2, 22)
    ends[1] = torch.tensor([6, 5, *[1] * 8, *[1] * 8, 2, 2, 2, 1])
    expected = torch.tensor([[-1.0] * 22, [1.0] * 22])
    expected[0, rf.GEOMETRY] = 0
    torch.testing.assert_close(normalize_target(ends), expected)


def test_targets_beyond_the_canvas_are_clipped():
    rows = torch.zeros(1, 22)
    rows[0, 2], rows[0, 3] = 3.0, -3.0
    assert normalize_target(rows)[0, 2:4].tolist() == [1, -1]


MATRICES = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 25), st.just(rf.NUM_COLUMNS)),
    elements=st.one_of(st.floats(-6, 6, width=32), st.integers(0, 6).map(float), st.floats(width=32)),
)


@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(MATRICES, st.sampled_from([1, 24, 300]))
def test_any_matrix_gives_an_svg_that_parses_and_renders(matrix, size):
    text = rows_to_svg(matrix, size)
    root = ElementTree.fromstring(text)
    assert [child.get("id") for child in root] == [f"layer-{i + 1}" for i in range(len(root))]
    assert len(root) == len(split_elements(sanitize_rows(matrix)))
    assert "nan" not in text and "inf" not in text
    render_svg(text, 16)


def test_noise_of_a_model_is_drawn():
    """Rows as an untrained decoder gives them: ids near path rows, everything else normal noise."""
    rng, drawn = np.random.default_rng(0), 0
    for _ in range(20):
        matrix = rng.normal(size=(40, rf.NUM_COLUMNS))
        matrix[:, 0] = rng.uniform(2.6, 6.4, 40)
        matrix[:, 1] = rng.uniform(-0.4, 5.4, 40)
        drawn += len(sanitize_rows(matrix)) > 2
        ElementTree.fromstring(rows_to_svg(matrix))
        render_svg(rows_to_svg(matrix), 16)
    assert drawn >= 8
