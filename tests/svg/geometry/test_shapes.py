# ruff: noqa: E501 - tables of SVG text
"""Basic shapes: body -> elements written, and why (SVG 2, chapter 10)."""

import pytest

LINE = 'fill="none" stroke="#f00"'

SHAPES = [
    ("path", '<path d="M2 2h10v10h-10z"/>', ['<path d="M2 2H12V12H2Z"/>']),
    ("rect", '<rect x="2" y="3" width="4" height="5"/>', ['<rect x="2" y="3" width="4" height="5"/>']),
    ("rect: x and y are 0", '<rect width="4" height="5"/>', ['<rect x="0" y="0" width="4" height="5"/>']),
    ("rounded rect, ry from rx", '<rect width="20" height="10" rx="4"/>', ['<rect x="0" y="0" width="20" height="10" rx="4"/>']),
    ("rx from ry", '<rect width="20" height="10" ry="4"/>', ['<rect x="0" y="0" width="20" height="10" rx="4"/>']),
    ("rx auto is ry", '<rect width="20" height="10" style="rx:auto" ry="4"/>', ['<rect x="0" y="0" width="20" height="10" rx="4"/>']),
    ("a negative radius is auto", '<rect width="20" height="10" rx="-1" ry="4"/>', ['<rect x="0" y="0" width="20" height="10" rx="4"/>']),
    ("both radii", '<rect width="20" height="10" rx="4" ry="2"/>', ['<rect x="0" y="0" width="20" height="10" rx="4" ry="2"/>']),
    ("one radius of 0 leaves sharp corners", '<rect width="20" height="10" rx="0" ry="4"/>', ['<rect x="0" y="0" width="20" height="10"/>']),
    ("radii are at most half a side, each by itself", '<rect width="20" height="10" rx="40"/>', ['<rect x="0" y="0" width="20" height="10" rx="10" ry="5"/>']),
    ("circle", '<circle cx="12" cy="11" r="5"/>', ['<circle cx="12" cy="11" r="5"/>']),
    ("circle: centre is 0, 0", '<circle r="5"/>', ['<circle cx="0" cy="0" r="5"/>']),
    ("ellipse", '<ellipse cx="12" cy="12" rx="8" ry="4"/>', ['<ellipse cx="12" cy="12" rx="8" ry="4"/>']),
    ("an ellipse of equal radii is a circle", '<ellipse cx="12" cy="12" rx="8" ry="8"/>', ['<circle cx="12" cy="12" r="8"/>']),
    ("ellipse: one radius stands for both", '<ellipse cx="12" cy="12" ry="4"/>', ['<circle cx="12" cy="12" r="4"/>']),
    ("ellipse: a negative radius is auto", '<ellipse cx="12" cy="12" rx="4" ry="-2"/>', ['<circle cx="12" cy="12" r="4"/>']),
    ("line", f'<line x1="2" y1="3" x2="20" y2="21" {LINE}/>', [f'<path d="M2 3L20 21" {LINE}/>']),
    ("line: ends are 0, 0", f'<line x2="9" {LINE}/>', [f'<path d="M0 0H9" {LINE}/>']),
    ("a line has no inside", '<line x1="2" y1="3" x2="20" y2="21"/><rect width="1" height="1"/>', ['<rect x="0" y="0" width="1" height="1"/>']),
    ("polyline stays open", f'<polyline points="2,2 10,2 10,10" {LINE}/>', [f'<path d="M2 2H10V10" {LINE}/>']),
    ("polyline is filled all the same", '<polyline points="2,2 10,2 10,10"/>', ['<path d="M2 2H10V10Z"/>']),
    ("polygon closes", f'<polygon points="2,2 10,2 10,10" {LINE}/>', [f'<path d="M2 2H10V10Z" {LINE}/>']),
    ("points with signs as separators", '<polygon points="2-2 10-2 10+10"/>', ['<path d="M2 -2H10V10Z"/>']),
    ("points without separators", '<polygon points="2.5.5.5 2-2-2"/>', ['<path d="M2.5 0.5L0.5 2L-2 -2Z"/>']),
    ("points in any separators", '<polygon points="\n2 2,10\t2 , 10 10 "/>', ['<path d="M2 2H10V10Z"/>']),
    ("an odd number of coordinates: the last is left out", '<polygon points="2,2 10,2 10,10 5"/>', ['<path d="M2 2H10V10Z"/>']),
    ("points up to the first error", '<polygon points="2,2 10,2 10,10 x,4 5,5"/>', ['<path d="M2 2H10V10Z"/>']),
]


@pytest.mark.parametrize("body", [
    '<rect width="0" height="3"/>', '<rect width="-3" height="3"/>', '<rect width="3"/>', '<rect width="a" height="3"/>',
    '<circle r="0"/>', '<circle r="-1"/>', '<circle/>', '<ellipse rx="3" ry="0"/>',
    '<ellipse/>', '<polygon/>', '<polygon points="3,3"/>', '<polygon points="3,3 5,5"/>', '<path/>', '<path d=""/>',
    '<path d="M3 3"/>', '<path d="M3 3L9 9"/>', '<path d="M3 3L9 9Z"/>',
])
def test_shape_of_no_size_paints_nothing(parsed, body):
    with pytest.raises(ValueError, match="nothing is painted"):
        parsed(body)


TRANSFORMED = [
    # primitives stay what they are where that is exact
    ("moved and scaled", '<circle r="4" transform="matrix(2 0 0 2 12 12)"/>', ['<circle cx="12" cy="12" r="8"/>']),
    ("a turned circle", '<circle cx="8" r="4" transform="rotate(90)"/>', ['<circle cx="0" cy="8" r="4"/>']),
    ("a stretched circle is an ellipse", '<circle cx="6" cy="12" r="4" transform="scale(2 1)"/>', ['<ellipse cx="12" cy="12" rx="8" ry="4"/>']),
    ("an ellipse stretched to a circle", '<ellipse cx="6" cy="12" rx="4" ry="8" transform="scale(2 1)"/>', ['<circle cx="12" cy="12" r="8"/>']),
    ("a quarter turn changes an ellipse's radii", '<ellipse cx="8" cy="-12" rx="4" ry="2" transform="rotate(90)"/>', ['<ellipse cx="12" cy="8" rx="2" ry="4"/>']),
    ("a mirrored ellipse", '<ellipse cx="8" cy="-8" rx="4" ry="2" transform="scale(1 -1)"/>', ['<ellipse cx="8" cy="8" rx="4" ry="2"/>']),
    ("a scaled rounded rect", '<rect x="2" y="2" width="10" height="20" rx="3" transform="scale(.5)"/>', ['<rect x="1" y="1" width="5" height="10" rx="1.5"/>']),
    ("a quarter turn changes a rect's sides and radii", '<rect x="2" y="-12" width="10" height="8" rx="3" ry="1" transform="rotate(90)"/>', ['<rect x="4" y="2" width="8" height="10" rx="1" ry="3"/>']),
    ("a mirrored rect", '<rect x="2" y="2" width="10" height="8" transform="matrix(-1 0 0 1 20 0)"/>', ['<rect x="8" y="2" width="10" height="8"/>']),
    ("other turns make paths", '<rect x="-5" y="-5" width="10" height="10" transform="translate(12 12) rotate(45)"/>', ['<path d="M12 4.93L19.07 12L12 19.07L4.93 12Z"/>']),
]


@pytest.mark.parametrize(("why", "body", "expected"), [*SHAPES, *TRANSFORMED], ids=[why for why, *_ in [*SHAPES, *TRANSFORMED]])
def test_shape(drawn, why, body, expected):
    assert drawn(body) == expected


@pytest.mark.parametrize("body", [
    '<ellipse cx="12" cy="12" rx="8" ry="4" transform="rotate(30 12 12)"/>',
    '<circle cx="8" cy="8" r="4" fill="red" transform="skewX(20)"/>',
    '<rect x="5" y="5" width="14" height="9" rx="4" ry="3" transform="rotate(20 12 12)"/>',
    '<path d="M4 12a8 5 30 1 1 9 3z" transform="rotate(20) scale(1 .5)"/>',
    '<path d="M4 12a8 5 30 1 1 9 3z"/><path d="M2 2Q20 4 12 22T3 5" fill="none" stroke="blue" stroke-width="3"/>',
    '<rect x="3" y="3" width="18" height="12" rx="5" fill="none" stroke="green" stroke-width="2" transform="skewX(10)"/>',
])
def test_transformed_shape_looks_the_same(assert_alike, body):
    assert_alike(body)
