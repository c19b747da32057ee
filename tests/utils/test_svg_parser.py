# ruff: noqa: E501 - tables of SVG text
"""The parser as a whole; its parts are tested in tests/svg."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.document import MAX_BYTES
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg, read_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

SQUARE = '<rect width="3" height="3"/>'
QUICK = (Phase.explicit, Phase.generate)  # no shrinking: it takes minutes for little gain
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'

DRAWINGS = {
    "shapes": '<rect x="2" y="2" width="9" height="6" rx="2" fill="#369"/><circle cx="16" cy="8" r="5" fill="none" stroke="red" stroke-width="2"/>'
              '<path d="M4 14c4 0 4 8 8 8s6-9 9-9z" fill="#fc0" stroke="#333"/><ellipse cx="6" cy="18" rx="4" ry="2" opacity=".5"/>',
    "holes": '<path fill-rule="evenodd" d="M2 2h20v20H2zM6 6h12v12H6zM10 10h4v4h-4z" fill="teal"/>',
    "strokes": '<g fill="none" stroke="navy" stroke-linecap="round" stroke-linejoin="round"><path d="M3 3l6 9 3-6"/><path d="M14 14h0" stroke-width="4"/><path d="M3 20h18" stroke-dasharray="3 2"/></g>',
    "gradients": '<defs><linearGradient id="a" x2="1" y2="1"><stop stop-color="#f80"/><stop offset=".4" stop-color="#fff"/><stop offset="1" stop-color="#08f" stop-opacity=".5"/></linearGradient>'
                 '<radialGradient id="b" cx=".4" cy=".4"><stop stop-color="#fff"/><stop offset="1" stop-color="#060"/></radialGradient></defs>'
                 '<rect x="1" y="1" width="14" height="14" fill="url(#a)"/><circle cx="16" cy="16" r="7" fill="url(#b)" stroke="url(#a)" stroke-width="2"/>',
    "clips and uses": '<clipPath id="c"><circle cx="12" cy="12" r="9"/></clipPath><defs><path id="p" d="M0 0h6v24H0z"/></defs>'
                      '<g clip-path="url(#c)"><use href="#p" fill="red"/><use href="#p" x="9" fill="blue" fill-opacity=".7"/><use href="#p" x="18" fill="green"/></g>',
    "transforms": '<g transform="translate(12 12) rotate(30) scale(1.2 .8)"><rect x="-6" y="-6" width="12" height="12" rx="3" fill="purple"/><path d="M-4 0A4 4 0 0 1 4 0" fill="none" stroke="#fff" stroke-width="2"/></g>',
    "styles": '<style>.a{fill:#c33;stroke:currentColor}g>path{stroke-width:2}</style><g color="#036"><path class="a" d="M12 2l9 18H3z"/></g>',
}


@pytest.mark.parametrize("renderer", ["cairosvg", "resvg"])
@pytest.mark.parametrize("body", DRAWINGS.values(), ids=DRAWINGS)
def test_rows_look_like_the_original(assert_alike, body, renderer):
    assert_alike(body, renderer)


@pytest.mark.parametrize("body", DRAWINGS.values(), ids=DRAWINGS)
def test_parsed_rows_are_valid_and_what_is_written_is_parsed_to_the_same(parsed, body):
    rows = parsed(body).rows
    np.testing.assert_allclose(sanitize_rows(rows), rows, atol=1e-6)  # start points included
    again = parse_svg(rows_to_svg(rows, decimals=6)).rows
    assert again[:, : rf.COMMAND + 1].tolist() == rows[:, : rf.COMMAND + 1].tolist()
    np.testing.assert_allclose(again[:, rf.GEOMETRY], rows[:, rf.GEOMETRY], atol=1e-3)
    plain = ~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)
    np.testing.assert_allclose(again[plain, rf.STYLE], rows[plain, rf.STYLE], atol=0.02)  # mean colours are sampled
    once = rows_to_svg(parse_svg(rows_to_svg(rows)).rows)  # rounding to two decimals may turn a cubic into an arc
    assert rows_to_svg(parse_svg(once).rows) == once


REFUSED = [
    (f"{HEAD}</svg>", "nothing is painted"),
    (f"{HEAD}<text>a</text><image/></svg>", r"nothing is painted .*\(left out: image, text\)"),
    (f'{HEAD}<circle cx="1e400" r="3"/></svg>', "infinite"),
    (f'{HEAD}<rect width="1e300" height="3"/></svg>', "too large"),
    (f'{HEAD}<g transform="scale(1e5)"><g transform="scale(1e5)">{SQUARE}</g></g></svg>', "too large"),
    (HEAD + "<g>" * 250 + SQUARE + "</g>" * 250 + "</svg>", "nested more than"),
    (f'<!DOCTYPE svg [<!ENTITY a SYSTEM "b">]>{HEAD}{SQUARE}</svg>', "entities"),
    (f"{HEAD}<!-- {'x' * MAX_BYTES} -->{SQUARE}</svg>", "larger than 4 MB"),
    ("<svg/>", "no viewBox"),
    ("cart.svg", "^not SVG text; give a file as a Path$"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        parse_svg(text)
    assert "\n" not in str(caught.value)


def test_read_svg_names_the_file():
    for source in ("absent.svg", Path("absent.svg")):
        with pytest.raises(ValueError, match="^absent.svg: cannot be read"):
            read_svg(source)
    with pytest.raises(ValueError, match="^the SVG: nothing is painted"):
        read_svg(f"{HEAD}</svg>")


def test_text_bytes_and_files_are_read_alike(tmp_path):
    text = f"{HEAD}{SQUARE}</svg>"
    path = tmp_path / "a.svg"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    for source in (text.encode(), gzip.compress(text.encode()), path):
        np.testing.assert_array_equal(parse_svg(source).rows, parse_svg(text).rows)
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(ValueError, match="larger than 4 MB"):
        parse_svg(path)


@pytest.mark.parametrize(("why", "body", "count"), [
    # rows between BOS and EOS, counted by hand
    ("a circle that is skewed", '<circle cx="9" cy="9" r="4" transform="skewX(20)"/>', 5),
    ("a rounded rect that is turned: move, four lines, four cubics", '<rect x="5" y="5" width="12" height="9" rx="2" transform="rotate(20 9 9)"/>', 9),
    ("a fill whose last point rounds onto its first", '<path d="M3 3h9v9l-9-8.998z"/>', 3),
    ("a stroke keeps such a point", '<path d="M3 3h9v9l-9-8.998z" fill="none" stroke="red"/>', 5),
    ("a fill with two points in a row that round to one", '<path d="M3 3h9v.004v9l-2 3z"/>', 4),
    ("a fill of many short lines keeps its outline: a point at least every hundredth", f'<path d="M3 3h9v9{"h-.004" * 10}z"/>', 6),
])
def test_number_of_rows(parsed, why, body, count):
    assert len(parsed(body).rows) == count + 2


# --- properties -------------------------------------------------------------------------------------

PLACE, SIZE = st.integers(0, 240).map(lambda v: v / 10), st.integers(20, 100).map(lambda v: v / 10)
PAINT = st.sampled_from([
    'fill="red"', 'fill="#369" fill-opacity=".5"', 'fill="none" stroke="blue"', 'stroke="#0a0" stroke-width="2.5" stroke-linejoin="round"',
    'fill="none" stroke="#123456" stroke-width=".75" stroke-linecap="square"', 'fill="teal" fill-rule="evenodd"',
])
SHAPE = st.one_of(
    st.builds('<rect x="{}" y="{}" width="{}" height="{}" rx="{}" '.format, PLACE, PLACE, SIZE, SIZE, st.sampled_from([0, 1, 2])),
    st.builds('<circle cx="{}" cy="{}" r="{}" '.format, PLACE, PLACE, SIZE),
    st.builds('<ellipse cx="{}" cy="{}" rx="{}" ry="{}" '.format, PLACE, PLACE, SIZE, SIZE),
    st.builds('<path d="M{} {}l{} {} {}-{}z" '.format, PLACE, PLACE, SIZE, SIZE, SIZE, SIZE),
    st.builds('<path d="M{} {}c{} 0 0 {} {} {}s4 4 {} 0M{} {}h5v5" '.format, PLACE, PLACE, SIZE, SIZE, SIZE, SIZE, SIZE, PLACE, PLACE),
    st.builds('<polyline points="{},{} {},{} {},{}" '.format, PLACE, PLACE, PLACE, PLACE, PLACE, PLACE),
)
TRANSFORM = st.sampled_from(["", "translate(2 3)", "scale(1.5)", "rotate(90 12 12)", "rotate(30 12 12)", "matrix(-1 0 0 1 24 0)", "skewX(10)"])
ELEMENTS = st.lists(st.builds("{}{} transform=\"{}\"/>".format, SHAPE, PAINT, TRANSFORM), min_size=1, max_size=4).map("".join)


@settings(max_examples=60, deadline=None, phases=QUICK)
@given(ELEMENTS)
def test_written_form_is_a_fixed_point(body):
    """parse -> write -> parse -> write is stable, unless rounding turns a curve into an arc or merges two arcs."""
    try:
        rows = sanitize_rows(parse_svg(f"{HEAD}{body}</svg>").rows)  # far points are moved closer
    except ValueError as error:
        assert "nothing is painted" in str(error)
        return
    once = rows_to_svg(rows)
    again = parse_svg(once).rows
    pictures = [render_svg_by_resvg(text, 96) for text in (once, rows_to_svg(again))]
    assert ssim(*pictures) > 0.99
    if again.shape == rows.shape and (again[:, :2] == rows[:, :2]).all():
        if not (rows[:, rf.COMMAND] == rf.ARC).any():  # arc radii come from three rounded points
            assert rows_to_svg(again) == once
        np.testing.assert_allclose(again[:, 2:], rows[:, 2:], atol=4e-3)
    else:
        assert np.isin(rows[:, rf.COMMAND], (rf.CUBIC, rf.ARC)).any() and len(again) <= len(rows)
