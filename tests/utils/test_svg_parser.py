# ruff: noqa: E501 - tables of SVG text
"""Table-driven: what is in the file, what the rows must draw (written as SVG), and why the line is here."""

import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from svgfusion_lib.svg.document import MAX_BYTES
from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

SQUARE = '<rect width="3" height="3"/>'


def svg(body: str, attributes: str = 'viewBox="0 0 24 24"') -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f"{attributes}>{body}</svg>"
    )


def layers(text: str) -> list[str]:
    """The elements that are written for the rows of an SVG, with the attributes all share among the first's."""
    lines = rows_to_svg(parse_svg(text).rows).splitlines()
    shared = lines[0].split('viewBox="0 0 24 24"')[1].rstrip(">").strip()
    found = [line.strip().split(" ", 2) for line in lines[1:-1]]
    return [f"{tag} {rest.removesuffix('/>')} {shared}".strip() for tag, _, rest in found]


BLACK, RED_LINE = 'fill="#000"', 'fill="none" stroke="#f00" stroke-width="1"'
LINE = 'fill="none" stroke="red"'
DRAWN = [
    # path data
    ("squeezed numbers", '<path d="M9.941-8.059l3 30.5.5-.5z"/>', [f'<path d="M9.94 -8.06L12.94 22.44L13.44 21.94Z" {BLACK}']),
    ("relative commands", '<path d="m2 2h10v10h-10z"/>', [f'<path d="M2 2H12V12H2Z" {BLACK}']),
    ("lineto implied after a move", '<path d="M2 2 12 2 12 12z"/>', [f'<path d="M2 2H12V12Z" {BLACK}']),
    ("smooth cubic", f'<path d="M2 12C2 2 12 2 12 12S22 22 22 12" {LINE}/>',
     [f'<path d="M2 12C2 2 12 2 12 12C12 22 22 22 22 12" {RED_LINE}']),
    ("quadratics are exact cubics", f'<path d="M2 12Q7 2 12 12T22 12" {LINE}/>',
     [f'<path d="M2 12C5.33 5.33 8.67 5.33 12 12C15.33 18.67 18.67 18.67 22 12" {RED_LINE}']),
    ("arc flags without spaces; a quarter per cubic", '<path d="M4 12a8 8 0 1116 0z"/>',
     [f'<path d="M4 12C4 7.58 7.58 4 12 4C16.42 4 20 7.58 20 12Z" {BLACK}']),
    ("hole stays in its path, with its rule", '<path fill-rule="evenodd" d="M2 2h20v20h-20zM6 6h10v10h-10z"/>',
     ['<path d="M2 2H22V22H2ZM6 6H16V16H6Z" fill="#000" fill-rule="evenodd"']),
    ("pen after a close is the sub-path's start", '<path d="M2 2h10v10zl-1 5h4z"/>',
     [f'<path d="M2 2H12V12ZM2 2L1 7H5Z" {BLACK}']),
    ("moves that draw nothing go", f'<path d="M2 2M4 4M6 6h5M9 9" {LINE}/>', [f'<path d="M6 6H11" {RED_LINE}']),
    ("a dot is a short line with round caps", '<path d="M12 12h.01" stroke="red" stroke-linecap="round" fill="none"/>',
     [f'<path d="M12 12H12.01" {RED_LINE} stroke-linecap="round"']),
    ("drawn up to the error (SVG 2, 9.5.4)", '<path d="M2 2L9 2L9 9L x"/>', [f'<path d="M2 2H9V9" {BLACK}']),
    # shapes
    ("circle stays a circle", '<circle cx="12" cy="12" r="5"/>', [f'<circle cx="12" cy="12" r="5" {BLACK}']),
    ("ellipse", '<ellipse cx="12" cy="12" rx="8" ry="4"/>', [f'<ellipse cx="12" cy="12" rx="8" ry="4" {BLACK}']),
    ("rounded rect, ry from rx", '<rect x="2" y="2" width="20" height="10" rx="4"/>',
     [f'<rect x="2" y="2" width="20" height="10" rx="4" {BLACK}']),
    ("radius is at most half the side", '<rect x="2" y="2" width="20" height="10" rx="40" ry="2"/>',
     [f'<rect x="2" y="2" width="20" height="10" rx="10" ry="2" {BLACK}']),
    ("polygon closes", '<polygon points="2,2 10,2 10,10"/>', [f'<path d="M2 2H10V10Z" {BLACK}']),
    ("polyline does not", f'<polyline points="2,2 10,2 10,10" {LINE}/>', [f'<path d="M2 2H10V10" {RED_LINE}']),
    ("line", f'<line x1="2" y1="2" x2="20" y2="20" {LINE}/>', [f'<path d="M2 2L20 20" {RED_LINE}']),
    ("no area, no shape", f'<rect width="-3" height="3"/><circle r="0"/>{SQUARE}',
     [f'<rect x="0" y="0" width="3" height="3" {BLACK}']),
    # coordinates
    ("nested transforms", '<g transform="translate(4 4)"><g transform="scale(.5)"><rect x="2" y="2" width="10" height="20" rx="3"/></g></g>',
     [f'<rect x="5" y="5" width="5" height="10" rx="1.5" {BLACK}']),
    ("moved circle", '<circle r="4" transform="matrix(1 0 0 1 12 12)"/>', [f'<circle cx="12" cy="12" r="4" {BLACK}']),
    ("stroke width scales", '<path transform="scale(2)" d="M1 1L10 10" fill="none" stroke="red" stroke-width="1.5"/>',
     ['<path d="M2 2L20 20" fill="none" stroke="#f00" stroke-width="3"']),
    ("percent lengths", '<rect width="50%" height="25%"/>', [f'<rect x="0" y="0" width="12" height="6" {BLACK}']),
    ("units", '<rect width="10px" height=".125in"/>', [f'<rect x="0" y="0" width="10" height="12" {BLACK}']),
    # references
    ("use by href", '<defs><path id="p" d="M2 2h6v6z"/></defs><use href="#p" x="10" y="10" fill="red"/>',
     ['<path d="M12 12H18V18Z" fill="#f00"']),
    ("use by xlink, of a group, scaled",
     '<defs><g id="p" stroke="red" fill="none"><path d="M2 2h6v6z"/></g></defs><use xlink:href="#p" transform="translate(5 5) scale(2)"/>',
     ['<path d="M9 9H21V21Z" fill="none" stroke="#f00" stroke-width="2"']),
    ("symbol is painted only where it is used", f'<symbol id="p">{SQUARE}</symbol><use href="#p" x="4"/>',
     [f'<rect x="4" y="0" width="3" height="3" {BLACK}']),
    ("definitions are not painted", f'<defs><circle r="4"/></defs>{SQUARE}', [f'<rect x="0" y="0" width="3" height="3" {BLACK}']),
    # style
    ("paint order", '<circle cx="5" cy="5" r="2"/><path d="M1 1h2v2z"/><rect width="1" height="1"/>',
     [f'<circle cx="5" cy="5" r="2" {BLACK}', f'<path d="M1 1H3V3Z" {BLACK}', f'<rect x="0" y="0" width="1" height="1" {BLACK}']),
    ("style attribute beats presentation", '<path fill="blue" style="fill:none;stroke:#f00 !important" d="M2 2L20 20"/>',
     [f'<path d="M2 2L20 20" {RED_LINE}']),
    ("style sheet", '<style>.a{fill:#0a0} path{stroke:#000}</style><path class="a" d="M2 2h10v10z"/>',
     ['<path d="M2 2H12V12Z" fill="#0a0" stroke="#000" stroke-width="1"']),
    ("style of the group", '<g style="fill:none;stroke:red"><path d="M2 2L9 9"/></g>', [f'<path d="M2 2L9 9" {RED_LINE}']),
    ("inherit", '<g fill="red"><rect fill="inherit" width="3" height="3"/></g>', ['<rect x="0" y="0" width="3" height="3" fill="#f00"']),
    ("currentColor", '<g color="red"><path fill="currentColor" d="M2 2h9v9z"/></g>', ['<path d="M2 2H11V11Z" fill="#f00"']),
    ("opacities are multiplied", '<g opacity=".5"><g opacity="50%"><rect width="3" height="3" fill="red" fill-opacity=".8"/></g></g>',
     ['<rect x="0" y="0" width="3" height="3" fill="#f00" fill-opacity="0.2"']),
    ("opacity of what is used", '<defs><path id="p" d="M2 2h6v6z"/></defs><g opacity=".5"><use href="#p" opacity=".5"/></g>',
     ['<path d="M2 2H8V8Z" fill="#000" fill-opacity="0.25"']),
    ("rgba", '<rect width="3" height="3" fill="rgba(255,0,0,.5)"/>', ['<rect x="0" y="0" width="3" height="3" fill="#f00" fill-opacity="0.5"']),
    ("caps and joins", '<path d="M2 2L9 9" fill="none" stroke="red" stroke-linecap="square" stroke-linejoin="bevel"/>',
     [f'<path d="M2 2L9 9" {RED_LINE} stroke-linecap="square" stroke-linejoin="bevel"']),
    ("unseen: none, hidden, transparent, width 0",
     '<rect display="none" width="4" height="4"/><g visibility="hidden"><circle r="2"/></g><g display="none"><circle r="2"/></g>'
     f'<circle r="3" opacity="0"/><circle r="3" fill="transparent"/><path d="M1 1h3" fill="none" stroke="red" stroke-width="0"/>{SQUARE}',
     [f'<rect x="0" y="0" width="3" height="3" {BLACK}']),
    ("comment, title, metadata", f'<!-- hi --><?pi x?><title>a &amp; b</title><desc/>{SQUARE}',
     [f'<rect x="0" y="0" width="3" height="3" {BLACK}']),
    ("declarations no attribute can have", '<rect width="3" height="3" style="--x:1;a b:2;&lt;:3;:4;fill:red"/>',
     ['<rect x="0" y="0" width="3" height="3" fill="#f00"']),
]


@pytest.mark.parametrize(("why", "body", "expected"), DRAWN, ids=[why for why, *_ in DRAWN])
def test_drawn(why, body, expected):
    assert layers(svg(body)) == expected


@pytest.mark.parametrize("body", [body for _, body, _ in DRAWN], ids=[why for why, *_ in DRAWN])
def test_parsed_rows_are_valid_as_they_are(body):
    """Start points included: the writer's rules find nothing to put right."""
    rows = parse_svg(svg(body)).rows
    np.testing.assert_allclose(sanitize_rows(rows), rows, atol=1e-6)


VIEWPORTS = [
    ("viewBox that does not begin at 0", 'viewBox="100 50 20 20"', '<rect x="100" y="50" width="10" height="10"/>', "0 0 12 12"),
    ("wide one is centred on the square", 'viewBox="0 0 40 20"', '<rect width="40" height="20"/>', "0 6 24 12"),
    ("tall one too", 'viewBox="0 0 20 40"', '<rect width="20" height="40"/>', "6 0 12 24"),
    ("size says nothing beside a viewBox", 'width="1cm" height="1cm" viewBox="0 0 20 20"', '<rect width="10" height="5"/>', "0 0 12 6"),
    ("no viewBox: width and height", 'width="10" height="10"', '<rect width="5" height="10"/>', "0 0 12 24"),
    ("with units", 'width="1in" height="96px"', '<rect width="48" height="96"/>', "0 0 12 24"),
    ("commas", 'viewBox="0,0, 12,12"', '<rect width="6" height="6"/>', "0 0 12 12"),
]


@pytest.mark.parametrize(("why", "attributes", "body", "box"), VIEWPORTS, ids=[why for why, *_ in VIEWPORTS])
def test_viewport(why, attributes, body, box):
    x, y, width, height = box.split()
    assert layers(svg(body, attributes)) == [f'<rect x="{x}" y="{y}" width="{width}" height="{height}" {BLACK}']


REFUSED = [
    ("", "not well-formed XML"),
    ("<svg", "not well-formed XML"),
    ("<html/>", "root element is <html>"),
    (svg(""), "nothing is painted"),
    (svg('<path fill="none" d="M0 0h24"/>'), "nothing is painted"),
    (svg('<path d="M2 2 L x y"/>'), "nothing is painted"),
    (svg(SQUARE, ""), "viewBox"),
    (svg(SQUARE, 'viewBox="0 0 a b"'), "no usable viewBox .*'0 0 a b'"),
    (svg(SQUARE, 'viewBox="0 0 4"'), "no usable viewBox"),
    (svg(SQUARE, 'viewBox="0 0 0 4"'), "viewBox is empty"),
    (svg(SQUARE, 'viewBox="0 0 nan 4"'), "viewBox is empty or not finite"),
    (svg('<circle cx="1e400" r="3"/>'), "infinite"),
    (svg('<rect width="1e300" height="3"/>'), "infinite"),
    (svg('<rect width="3" height="3" transform="rotate(a)"/>'), "broken geometry"),
    (svg('<g id="a"><use href="#a"/></g>'), "in a circle"),
    (svg("<g>" * 300 + SQUARE + "</g>" * 300), "nested more than"),
    ('<!DOCTYPE svg [<!ENTITY a "b">]>' + svg(SQUARE), "entity"),
    (svg(f"<!-- {'x' * MAX_BYTES} -->{SQUARE}"), "larger than 4 MB"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        parse_svg(text)
    assert "\n" not in str(caught.value)


def test_files(tmp_path):
    path = tmp_path / "a.svg"
    path.write_bytes(b"\xef\xbb\xbf" + svg(SQUARE).encode())
    np.testing.assert_array_equal(parse_svg(path).rows, parse_svg(svg(SQUARE)).rows)
    path.write_bytes(svg(f"<title>caf\xe9</title>{SQUARE}").encode("latin-1"))
    with pytest.raises(ValueError, match="not UTF-8"):
        parse_svg(path)
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(ValueError, match="larger than 4 MB"):
        parse_svg(path)


@pytest.mark.parametrize(("body", "name", "count"), [
    ('<text x="2" y="9">hi</text>', "text", 1),
    ('<image href="a.png" width="4" height="4"/>' * 2, "image", 2),
    ('<clipPath id="c"><circle r="1"/></clipPath><g clip-path="url(#c)"/>', "clip-path", 1),
    ('<path d="M0 0h3" stroke="red" stroke-dasharray="1 1"/>', "stroke-dasharray", 1),
    ('<g filter="url(#f)" mask="url(#m)"/>', "filter", 1),
    ('<svg viewBox="0 0 4 4" width="2" height="2"/>', "viewBox of a nested element", 1),
])
def test_what_rows_cannot_hold_is_counted_by_name(body, name, count):
    assert parse_svg(svg(body + SQUARE)).unsupported[name] == count
    assert not parse_svg(svg(SQUARE)).unsupported


def test_rows_of_a_path_by_hand():
    rows = parse_svg(svg('<path d="M0 12h24z" fill="#336699" fill-opacity=".5" stroke="#fff" stroke-width="6"/>')).rows
    assert rows.dtype == np.float32 and rows.shape == (5, rf.NUM_COLUMNS)
    assert rows[:, rf.ELEMENT].tolist() == [rf.BOS, rf.PATH, rf.PATH, rf.PATH, rf.EOS]
    assert rows[:, rf.COMMAND].tolist() == [rf.NONE, rf.MOVE, rf.LINE, rf.CLOSE, rf.NONE]
    assert rows[1:4, rf.GEOMETRY].tolist() == [
        [0, 0, 0, 0, 0, 0, -1, 0], [-1, 0, 0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0, -1, 0],
    ]
    style = [0.2, 0.4, 0.6, 0.5, 1, 1, 1, 1, 0.5, 0, 0, 0]
    np.testing.assert_allclose(rows[1:4, rf.STYLE], [style] * 3, atol=3e-3)  # opacities come in 255 levels
    assert not rows[[0, 4], 1:].any()


def test_arc_lies_on_its_circle():
    rows = parse_svg(svg('<path d="M2 12a10 10 0 0 1 20 0" fill="none" stroke="red"/>')).rows[2:-1]
    for row in rows:
        p = row[rf.GEOMETRY].astype(float).reshape(4, 2)
        for s in np.linspace(0, 1, 9):
            weights = np.array([(1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3])
            assert math.hypot(*(weights @ p)) == pytest.approx(10 / 12, abs=2e-3)


@pytest.mark.parametrize("body", [
    '<circle cx="12" cy="12" r="6" transform="rotate(45 12 12)"/>',
    '<ellipse cx="12" cy="12" rx="8" ry="4" transform="rotate(30 12 12)"/>',
    '<circle cx="8" cy="8" r="4" fill="red" transform="skewX(20)"/>',
    '<path d="M4 12a8 5 30 1 1 9 3z" transform="rotate(20) scale(1 .5)"/>',
    '<circle cx="8" cy="8" r="4" transform="rotate(30 12 12)"/>',
    '<ellipse cx="8" cy="-8" rx="4" ry="2" transform="scale(1 -1)"/>',
    '<path d="M4 12a8 5 30 1 1 9 3z"/><path d="M2 2Q20 4 12 22T3 5" fill="none" stroke="blue" stroke-width="3"/>',
])
def test_rows_render_like_the_original(body):
    original = render_svg(svg(body), 96).astype(int)
    assert np.abs(original - render_svg(rows_to_svg(parse_svg(svg(body)).rows), 96)).mean() < 0.5
    assert (original < 128).any()


QUICK = (Phase.explicit, Phase.generate)  # no shrinking: minutes for a small gain
NASTY = st.sampled_from([
    "", "nan", "inf", "1e400", "-3", "0", "50%", "abc", "12px", "2em", "url(#a)", "url(#a) red", "none", "inherit",
    "rgb(1,2)", "#12", "hsl(a)", "M", "M0", "z", "m1 1z", "M1 1A", "M1 1A1 1 0 2 2 3 3", "translate(1", "scale()",
    "rotate(a)", "skewX(90)", "scale(0)", "matrix(1e400 0 0 1 0 0)", "#a", "1,2,3", "1.2.3", "calc(1px)", "auto",
    "M1,1a1e200,1e200 0 0 1 5,5", "5", "M1 1L9 9V3z", "red",
])
NAMES = st.sampled_from([
    "fill", "stroke", "stroke-width", "opacity", "fill-opacity", "transform", "d", "x", "y", "width", "height", "rx",
    "ry", "r", "cx", "points", "style", "class", "href", "viewBox", "fill-rule", "display", "id", "offset", "stop-color",
])
TAGS = st.sampled_from([
    "path", "rect", "circle", "ellipse", "polygon", "line", "g", "use", "svg", "symbol", "defs", "linearGradient", "stop",
])
ELEMENT = st.deferred(lambda: st.builds(
    lambda tag, values, children: f"<{tag} " + " ".join(f'{k}="{v}"' for k, v in values.items()) + f">{''.join(children)}</{tag}>",
    TAGS, st.dictionaries(NAMES, NASTY, max_size=5), st.lists(ELEMENT, max_size=2),
))


@settings(max_examples=80, deadline=None, phases=QUICK)
@given(st.lists(ELEMENT, min_size=1, max_size=3))
def test_any_document_is_parsed_or_refused(elements):
    """Nothing but ValueError comes out, and what is parsed is finite and can be written."""
    try:
        rows = parse_svg(svg("".join(elements))).rows
    except ValueError:
        return
    assert np.isfinite(rows).all() and rows[0, rf.ELEMENT] == rf.BOS and rows[-1, rf.ELEMENT] == rf.EOS
    rows_to_svg(rows)
