# ruff: noqa: E501 - tables of SVG text
import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.path_chunks import (
    MIN_HALF_SIZE,
    chunks_to_rows,
    distinct_chunks,
    filled_boxes,
    rows_to_chunks,
    turned_chunks,
)
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of

LINES = 'fill="none" stroke="#000"'
DRAWINGS = {
    "primitives": '<circle cx="5" cy="6" r="3"/><ellipse cx="12" cy="12" rx="8" ry="4"/><rect x="2" y="3" width="9" height="4" rx="1"/>',
    "sub-paths": '<path d="M2 2h20v20h-20zM6 6h10v10h-10zM9 9l3 3" fill-rule="evenodd" fill="#f00"/>',
    "long": f'<path d="M1 1{"l1 2l1-2" * 20}C1 2 3 4 5 6z"/>',
    "dot and off canvas": '<path d="M12 12h.01"/><path d="M-9 30L40-5"/>',
    "several": '<path d="M2 2h5"/><circle cx="5" cy="6" r="3" fill="#0f0"/><path d="M2 9h5v4z"/>',
}


def drawing(name: str) -> np.ndarray:
    return rows_of(DRAWINGS[name], LINES)


def back(chunks) -> np.ndarray:
    return chunks_to_rows(chunks.ids, chunks.geometry, chunks.box, chunks.style)


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize(("layout", "slots"), [("row", 1), ("path", 16), ("path", 4), ("path", 1)])
def test_rows_come_back(name, layout, slots):
    rows = drawing(name)
    restored = back(rows_to_chunks(rows, layout, slots))
    np.testing.assert_allclose(restored, rows, atol=2e-6)
    assert rows_to_svg(restored) == rows_to_svg(rows)


@pytest.mark.parametrize(("name", "slots", "count"), [
    ("primitives", 16, 3), ("sub-paths", 16, 3), ("several", 16, 3), ("long", 16, 3), ("long", 64, 1), ("long", 11, 4),
])
def test_number_of_chunks(name, slots, count):
    """One per primitive and sub-path; the long path has 43 rows, cut into equal runs of at most `slots`."""
    chunks = rows_to_chunks(drawing(name), "path", slots)
    used = (chunks.ids[..., 0] != rf.PAD).sum(1)
    assert len(chunks) == count and used.max() <= slots and used.min() >= 1
    if name == "long":
        assert np.ptp(used) <= 1


def test_row_layout_keeps_every_row():
    rows = drawing("several")
    chunks = rows_to_chunks(rows, "row", 1)
    assert len(chunks) == len(rows)
    np.testing.assert_array_equal(chunks.geometry[:, 0], rows[:, rf.GEOMETRY])
    assert chunks.ids[0, 0, 0] == rf.BOS and chunks.ids[-1, 0, 0] == rf.EOS
    assert (chunks.box == [0, 0, 1]).all()


@pytest.mark.parametrize("name", DRAWINGS)
def test_geometry_fills_its_box(name):
    chunks = rows_to_chunks(drawing(name), "path", 16)
    for ids, geometry, box in zip(chunks.ids, chunks.geometry, chunks.box):
        if ids[0, 0] == rf.PATH:
            assert np.abs(geometry).max() == pytest.approx(1, abs=1e-4) or box[2] == pytest.approx(MIN_HALF_SIZE)
        elif ids[0, 0] == rf.CIRCLE:
            np.testing.assert_allclose(geometry[0, :3], [0, 0, 1], atol=1e-5)
        elif ids[0, 0] == rf.ELLIPSE:
            assert geometry[0, 2:4].max() == pytest.approx(1, abs=1e-5)
        else:
            np.testing.assert_allclose(geometry[0, :2] + geometry[0, 2:4] / 2, 0, atol=1e-5)
    assert not chunks.geometry[chunks.ids[..., 0] == rf.PAD].any()


def test_same_shape_elsewhere_is_the_same_chunk():
    rows = rows_of('<path d="M2 2h4v6l-1 1z"/><path d="M10 8h8v12l-2 2z"/>', LINES)
    chunks = rows_to_chunks(rows, "path", 16)
    np.testing.assert_allclose(chunks.geometry[0], chunks.geometry[1], atol=1e-5)
    np.testing.assert_allclose(chunks.box[1, 2], 2 * chunks.box[0, 2], rtol=1e-5)


NUMBER = st.floats(-24, 48, allow_nan=False).map(lambda v: f"{v:.2f}")
SEGMENT = st.one_of(
    st.tuples(st.sampled_from("LM"), st.lists(NUMBER, min_size=2, max_size=2)),
    st.tuples(st.just("C"), st.lists(NUMBER, min_size=6, max_size=6)),
    st.just(("Z", [])),
)


@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.lists(SEGMENT, min_size=1, max_size=20), st.integers(1, 9))
def test_any_path_comes_back(segments, slots):
    data = "M1 1L2 3" + "".join(letter + " ".join(numbers) for letter, numbers in segments)
    rows = rows_of(f'<path d="{data}"/>', LINES)
    np.testing.assert_allclose(back(rows_to_chunks(rows, "path", slots)), rows, atol=1e-5)


@pytest.mark.parametrize("turns", range(8))
def test_turned_chunks_draw_the_turned_picture(turns):
    """For each kind of row, drawing the turned geometry gives the turned drawing."""
    body = (
        '<rect x="5" y="8" width="12" height="4" rx="1"/><circle cx="12" cy="15" r="3"/><ellipse cx="9" cy="9" rx="4" ry="2"/>'
        '<path d="M4 4A8 8 0 0 1 12 12L15 20C4 19 8 8 3 7" fill="none" stroke="#000" stroke-width="2"/>'
    )
    rows = rows_of(body)
    chunks = rows_to_chunks(rows, "path", 8)
    ids, geometry = torch.from_numpy(chunks.ids)[None], torch.from_numpy(chunks.geometry)[None]
    turned = turned_chunks(ids, geometry, torch.full((1, len(chunks)), turns))[0].numpy()
    box = chunks.box.copy()
    picture = render_svg_by_resvg(rows_to_svg(rows), 96)
    if turns & 1:
        box[:, 0], picture = -box[:, 0], picture[:, ::-1]
    if turns & 2:
        box[:, 1], picture = -box[:, 1], picture[::-1]
    if turns & 4:
        box[:, :2], picture = box[:, 1::-1], picture.swapaxes(0, 1)
    again = rows_to_svg(chunks_to_rows(chunks.ids, turned, box, chunks.style))
    assert ssim(render_svg_by_resvg(again, 96), np.ascontiguousarray(picture)) > 0.98


def test_distinct_chunks_are_every_shape_as_often_as_the_root_of_its_number():
    body = "".join(f'<circle cx="{x}" cy="{x}" r="{r}"/>' for x, r in ((5, 2), (9, 3), (15, 5)))
    rows = rows_of(f'{body}<path d="M3 3L9 20L12 12z"/>')
    chunks = rows_to_chunks(rows, "path", 8)
    groups = distinct_chunks([chunks, chunks], 1)  # six circles, two triangles
    assert len(chunks) == 4 and [len(group) for group in groups] == [1, 1, 1]
    assert sorted(int(group.ids[0, 0, 0]) for group in groups) == [rf.PATH, rf.CIRCLE, rf.CIRCLE]


def test_what_is_decoded_fills_its_box():
    """Decoder errors in scale and position are removed; dots and continued chunks are left alone."""
    body = '<path d="M4 4H14L9 20Z"/><circle cx="12" cy="15" r="3"/><path d="M12 12h.001"/>'
    chunks = rows_to_chunks(rows_of(body, LINES), "path", 8)
    wrong = chunks.geometry.copy()
    wrong[:2] *= 0.9
    wrong[0, :, 1::2] += np.where(wrong[0, :, 1::2] != 0, 0.05, 0)
    wrong[0, 1:, :2] = 9  # decoded start points are untrained
    right = filled_boxes(chunks.ids, wrong)
    np.testing.assert_allclose(right[:, :, 6:8], chunks.geometry[:, :, 6:8], atol=1e-5)
    np.testing.assert_allclose(right[1, 0, :3], [0, 0, 1], atol=1e-6)
    long = rows_to_chunks(drawing("long"), "path", 8)
    np.testing.assert_array_equal(filled_boxes(long.ids[1:], long.geometry[1:] * 0.9), long.geometry[1:] * 0.9)
