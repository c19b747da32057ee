# ruff: noqa: E501 - tables of SVG text
"""Rows -> SVG text: content and precision, for drawings and noise; rows <-> targets."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.document import read_document
from svgfusion_lib.svg.state import viewport
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg, render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import (
    denormalize_target,
    element_structure,
    normalize_target,
    rows_to_svg,
    split_elements,
    split_gradients,
)

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
DRAWING = (
    f'{HEAD}<path fill-rule="evenodd" d="M2 2h20v20h-20zM6 6c1 3 5 9 10 10z" fill="#369" fill-opacity=".5"/>'
    '<circle cx="12" cy="12" r="5" fill="none" stroke="#f00" stroke-width="2" stroke-linecap="round"/>'
    '<rect x="3" y="4" width="9" height="5" rx="1" ry="2" stroke="#000" stroke-linejoin="bevel" stroke-opacity=".25"/></svg>'
)
GRADIENTS = (
    f'{HEAD}<linearGradient id="a" gradientUnits="userSpaceOnUse" x1="2" y1="2" x2="22" y2="12"><stop stop-color="#f80"/>'
    '<stop offset=".25" stop-color="#fff" stop-opacity=".5"/><stop offset="1" stop-color="#08f"/></linearGradient>'
    '<radialGradient id="b" gradientUnits="userSpaceOnUse" cx="12" cy="12" r="9"><stop stop-color="#fff"/><stop offset="1" stop-color="#060"/></radialGradient>'
    '<rect x="2" y="2" width="20" height="10" fill="url(#a)"/><circle cx="12" cy="12" r="9" fill="url(#b)" stroke="url(#a)" stroke-width="2"/>'
    '<path d="M2 14h20v8z" fill="url(#b)"/></svg>'
)


def written(body: str, **options) -> list[str]:
    """Lines between <svg> and </svg> for elements on a 24 x 24 canvas."""
    return [line.strip() for line in rows_to_svg(parse_svg(f"{HEAD}{body}</svg>").rows, **options).splitlines()[1:-1]]


def test_written_form():
    assert rows_to_svg(parse_svg(DRAWING).rows) == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24">\n'
        '  <path id="layer-1" d="M2 2H22V22H2ZM6 6C7 9 11 15 16 16Z" fill="#369" fill-opacity="0.5" fill-rule="evenodd"/>\n'
        '  <circle id="layer-2" cx="12" cy="12" r="5" fill="none" stroke="#f00" stroke-width="2" stroke-linecap="round"/>\n'
        '  <rect id="layer-3" x="3" y="4" width="9" height="5" rx="1" ry="2" fill="#000" stroke="#000"'
        ' stroke-opacity="0.25" stroke-width="1" stroke-linejoin="bevel"/>\n'
        "</svg>\n"
    )


def test_gradients_stand_in_defs_equal_ones_once():
    assert rows_to_svg(parse_svg(GRADIENTS).rows) == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24">\n'
        "  <defs>\n"
        '    <linearGradient id="gradient-1" gradientUnits="userSpaceOnUse" x1="2" y1="2" x2="22" y2="12"><stop offset="0" stop-color="#f80"/>'
        '<stop offset="0.25" stop-color="#fff" stop-opacity="0.5"/><stop offset="1" stop-color="#08f"/></linearGradient>\n'
        '    <radialGradient id="gradient-2" gradientUnits="userSpaceOnUse" cx="12" cy="12" r="9"><stop offset="0" stop-color="#fff"/>'
        '<stop offset="1" stop-color="#060"/></radialGradient>\n'
        "  </defs>\n"
        '  <rect id="layer-1" x="2" y="2" width="20" height="10" fill="url(#gradient-1)"/>\n'
        '  <circle id="layer-2" cx="12" cy="12" r="9" fill="url(#gradient-2)" stroke="url(#gradient-1)" stroke-width="2"/>\n'
        '  <path id="layer-3" d="M2 14H22V22Z" fill="url(#gradient-2)"/>\n'
        "</svg>\n"
    )


def test_shared_style_stands_once_on_the_root():
    text = rows_to_svg(parse_svg(f'{HEAD}<g fill="none" stroke="red"><path d="M1 1h3"/><path d="M1 2h3" stroke-width="3"/></g></svg>').rows)
    root, first, second = text.splitlines()[:3]
    assert 'fill="none" stroke="#f00"' in root and "stroke-width" not in root
    assert 'stroke-width="1"' in first and "fill" not in first and 'stroke-width="3"' in second


@pytest.mark.parametrize(("decimals", "x", "r"), [(None, "1.23", "5.12"), (0, "1", "5"), (4, "1.2346", "5.1235")])
def test_decimals(decimals, x, r):
    expected = f'<circle id="layer-1" cx="{x}" cy="12" r="{r}"/>'
    assert written('<circle cx="1.23456" cy="12" r="5.12346"/>', decimals=decimals) == [expected]


@pytest.mark.parametrize(("size", "number"), [(1, ".0525"), (24, "1.26"), (200, "10.5"), (512, "26.9"), (2000, "105"), (5000, "262")])
def test_decimals_follow_the_size(size, number):
    """Enough decimals for a 2000th of the side, and no more."""
    rows = parse_svg(f'{HEAD}<rect x="1.2595" y="2" width="12" height="12"/></svg>').rows
    assert f'x="{number if size > 1 else "0" + number}"' in rows_to_svg(rows, size)


PATHS = [
    ("H and V", '<path d="M2 2L9 2L9 9L12 12"/>', "M2 2H9V9L12 12Z"),
    ("what is horizontal after rounding", '<path d="M2 2L9 2.001L9.001 9z"/>', "M2 2H9V9Z"),
    ("after Z the pen is not where it was", '<path d="M2 2L9 2L9 9zL2 5L5 5z" stroke="red"/>', "M2 2H9V9ZM2 2V5H5Z"),
    ("no minus before 0, no zeros behind", '<path d="M-.001 2.50L9 -.004V9z"/>', "M0 2.5L9 0V9Z"),
    ("a dot where it is alone", '<path d="M5 5h0" stroke="red" fill="none"/>', "M5 5H5.01"),
    ("a dot that is closed", '<path d="M5 5z" stroke="red" fill="none"/>', "M5 5H5.01"),
    ("a dot among others", '<path d="M5 5zM2 2h0M7 7h2" stroke="red" fill="none"/>', "M5 5H5.01M2 2H2.01M7 7H9"),
    ("a dot after rounding", '<path d="M5 5l.001 .001" stroke="red" fill="none"/>', "M5 5H5.01"),
]


@pytest.mark.parametrize(("why", "body", "data"), PATHS, ids=[why for why, *_ in PATHS])
def test_path_data(why, body, data):
    assert f' d="{data}"' in written(body)[0]


@pytest.mark.parametrize("text", [DRAWING, GRADIENTS], ids=["drawing", "gradients"])
@pytest.mark.parametrize("size", [1, 24, 64, 512])
def test_size_scales_everything(size, text):
    rows = parse_svg(text).rows
    scaled = rows_to_svg(rows, size, decimals=5)
    assert f'viewBox="0 0 {size} {size}"' in scaled
    again = parse_svg(scaled).rows
    np.testing.assert_allclose(again[:, :10], rows[:, :10], atol=1e-3)
    np.testing.assert_allclose(again[:, 10:], rows[:, 10:], atol=0.02)
    assert np.abs(render_svg(scaled, 64).astype(int) - render_svg(text, 64)).mean() < 0.5


@pytest.mark.parametrize(("size", "box"), [
    ((24, 12), 'width="24" height="12" viewBox="0 0 24 12"'), ((12, 24), 'width="12" height="24" viewBox="0 0 12 24"'),
    ((33.335, 20), 'width="33.34" height="20" viewBox="0 0 33.34 20"'),
])
def test_width_and_height(size, box):
    """The canvas is the square around the rectangle, so drawings keep their coordinates."""
    text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}"><rect x="2" y="3" width="8" height="7"/></svg>'
    result = parse_svg(text)
    root, rect = rows_to_svg(result.rows, result.size).splitlines()[:2]
    assert box in root and rect == '  <rect id="layer-1" x="2" y="3" width="8" height="7"/>'


@pytest.mark.parametrize(("size", "box"), [
    ((24, 0.001), 'width="24" height="0.001"'), ((1e-6, 18), 'width="0.000001" height="18"'), (1e-4, 'width="0.0001" height="0.0001"'),
])
def test_no_side_is_written_as_0(size, box):
    """A drawing flat as a line, from a file without a size (found by fuzzing)."""
    text = rows_to_svg(parse_svg(DRAWING).rows, size)
    assert box in text and min(viewport(read_document(text))) > 0


@pytest.mark.parametrize("size", [0, -1, float("nan"), float("inf"), (24, 0), (float("nan"), 24)])
def test_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match="size must be positive"):
        rows_to_svg(parse_svg(DRAWING).rows, size)


def test_tensors_are_written_like_arrays_and_no_rows_give_an_empty_svg():
    rows = parse_svg(GRADIENTS).rows
    assert rows_to_svg(torch.from_numpy(rows).double().requires_grad_()) == rows_to_svg(rows)
    text = rows_to_svg(np.zeros((0, rf.NUM_COLUMNS)))
    assert text.startswith("<svg") and len(ElementTree.fromstring(text)) == 0
    with pytest.raises(ValueError, match=r"\[L, 22\]"):
        rows_to_svg(np.zeros((3, 5)))


def test_rows_are_split_at_moves_primitives_and_gradients():
    assert [len(p) for p in split_elements(parse_svg(DRAWING).rows)] == [6, 1, 1]
    pieces = split_elements(parse_svg(GRADIENTS).rows)
    assert [len(p) for p in pieces] == [3, 4, 4]  # a gradient of three stops is two rows
    assert split_elements(sanitize_rows(np.zeros((0, 22)))) == []
    paints, shape = split_gradients(pieces[1])
    assert {kind: len(rows) for kind, rows in paints.items()} == {rf.FILL_GRADIENT: 1, rf.STROKE_GRADIENT: 2}
    assert shape[:, rf.ELEMENT].tolist() == [rf.CIRCLE]
    assert split_gradients(shape)[0] == {}


def test_structure_of_elements():
    assert element_structure(parse_svg(DRAWING).rows) == [
        ("path", 2, "evenodd", "fill"), ("circle", 0, "nonzero", "stroke"), ("rect", 0, "nonzero", "fill+stroke"),
    ]
    assert [paint for *_, paint in element_structure(parse_svg(GRADIENTS).rows)] == [
        "fill gradient", "fill gradient+stroke gradient", "fill gradient",
    ]


def test_targets_lie_in_range_and_are_inverted():
    rows = torch.from_numpy(parse_svg(GRADIENTS).rows)  # a rect of 20 units is longer than half the canvas
    target = normalize_target(rows)
    assert target.min() >= -1 and target.max() <= 1
    torch.testing.assert_close(denormalize_target(target), rows, atol=1e-6, rtol=0)
    ends = torch.zeros(2, 22)
    ends[1] = torch.tensor([len(rf.ELEMENTS) - 1, len(rf.COMMANDS) - 1, *[1] * 8, *[1] * 8, 2, 2, 2, 1])
    expected = torch.tensor([[-1.0] * 22, [1.0] * 22])
    expected[0, rf.GEOMETRY] = 0
    torch.testing.assert_close(normalize_target(ends), expected)
    beyond = torch.tensor([[0.0, 0, 3, -3, *[0] * 18]])
    assert normalize_target(beyond)[0, 2:4].tolist() == [1, -1]


# --- noise ------------------------------------------------------------------------------------------

MATRICES = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 25), st.just(rf.NUM_COLUMNS)),
    elements=st.one_of(st.floats(-6, 6, width=32), st.integers(0, 8).map(float), st.floats(width=32)),
)


@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(MATRICES, st.sampled_from([1, 24, 300, (40, 10)]))
def test_any_matrix_gives_an_svg_that_parses_and_renders(matrix, size):
    text = rows_to_svg(matrix, size)
    root = ElementTree.fromstring(text)
    names = [child.get("id") for child in root if child.get("id")]
    assert names == [f"layer-{i + 1}" for i in range(len(split_elements(sanitize_rows(matrix))))]
    assert "nan" not in text and "inf" not in text
    render_svg(text, 16)
    render_svg_by_resvg(text, 16)
