# ruff: noqa: E501 - tables of SVG text
"""Viewports of the root, nested <svg> and <symbol>: what they clip, and lengths in them."""


import pytest


def rect(x, y, width, height) -> list[str]:
    return [f'<rect x="{x}" y="{y}" width="{width}" height="{height}"/>']


ROOTS = [
    # root attributes, a rect, its place on a 24-unit square
    ("viewBox that does not begin at 0", 'viewBox="100 50 20 20"', '<rect x="100" y="50" width="10" height="10"/>', (0, 0, 12, 12)),
    ("a wide one is centred on the square", 'viewBox="0 0 40 20"', '<rect width="40" height="20"/>', (0, 6, 24, 12)),
    ("a tall one too", 'viewBox="0 0 20 40"', '<rect width="20" height="40"/>', (6, 0, 12, 24)),
    ("commas", 'viewBox="0,0, 12,12"', '<rect width="6" height="6"/>', (0, 0, 12, 12)),
    ("a size of the same shape says nothing", 'width="1cm" height="1cm" viewBox="0 0 20 20"', '<rect width="10" height="5"/>', (0, 0, 12, 6)),
    ("a size in percent says nothing", 'width="100%" height="50%" viewBox="0 0 20 20"', '<rect width="10" height="5"/>', (0, 0, 12, 6)),
    ("no viewBox: width and height", 'width="10" height="10"', '<rect width="5" height="10"/>', (0, 0, 12, 24)),
    ("with units", 'width="1in" height="96px"', '<rect width="48" height="96"/>', (0, 0, 12, 24)),
    ("a size of another shape: xMidYMid meet", 'width="40" height="20" viewBox="0 0 10 10"', '<rect width="10" height="10"/>', (6, 6, 12, 12)),
    ("preserveAspectRatio", 'width="40" height="20" viewBox="0 0 10 10" preserveAspectRatio="xMinYMin"', '<rect width="10" height="10"/>', (0, 6, 12, 12)),
    ("none stretches", 'width="40" height="20" viewBox="0 0 10 10" preserveAspectRatio="none"', '<rect width="5" height="10"/>', (0, 6, 12, 12)),
    ("slice fills the viewport", 'width="40" height="20" viewBox="0 0 10 10" preserveAspectRatio="xMidYMid slice"', '<rect x="2" y="4" width="2" height="2"/>', (4.8, 9.6, 4.8, 4.8)),
    ("a width alone: the viewBox's shape", 'width="40" viewBox="0 0 10 5"', '<rect width="10" height="5"/>', (0, 6, 24, 12)),
    ("a height alone", 'height="40" viewBox="0 0 5 10"', '<rect width="5" height="10"/>', (6, 0, 12, 24)),
    ("x and y of the root mean nothing", 'x="5" y="5" viewBox="0 0 24 24"', '<rect width="3" height="3"/>', (0, 0, 3, 3)),
]


@pytest.mark.parametrize(("why", "attributes", "body", "box"), ROOTS, ids=[why for why, *_ in ROOTS])
def test_root_viewport(drawn, why, attributes, body, box):
    assert drawn(body, attributes) == rect(*box)


def test_what_the_root_cuts_off_leads_across_the_square(drawn):
    """A wide drawing is clipped at the square's margins; the sides of the square itself clip nothing."""
    assert drawn('<rect x="-10" y="-20" width="60" height="40"/>', 'viewBox="0 0 40 20"') == ['<path d="M-6 6H30V18H-6Z"/>']
    assert drawn('<rect x="-8" y="-8" width="20" height="20"/>') == rect(-8, -8, 20, 20)


@pytest.mark.parametrize(("attributes", "size"), [
    ('viewBox="0 0 24 12"', (24, 12)), ('width="48" height="48" viewBox="0 0 24 12"', (24, 24)), ('width="30" height="20"', (30, 20)),
    ('width="1in" height="50%" viewBox="0 0 24 12"', (24, 12)),
])
def test_size_of_the_drawing_is_in_its_own_units(parsed, attributes, size):
    result = parsed('<rect width="3" height="3"/>', attributes)
    assert result.size == pytest.approx(size)


def test_no_size_is_that_of_the_drawing(parsed, drawn):
    body = '<rect x="10" y="20" width="20" height="10"/><rect x="30" y="30" width="20" height="10"/>'
    result = parsed(body, "")
    assert result.size == pytest.approx((40, 20)) and result.approximated == {"no size: bounding box of the drawing": 1}
    assert drawn(body, "") == rect(0, 6, 12, 6) + rect(12, 12, 12, 6)


@pytest.mark.parametrize(("attributes", "reason"), [
    ('viewBox="0 0 a b"', "no usable viewBox .*'0 0 a b'"), ('viewBox="0 0 4"', "no usable viewBox"),
    ('viewBox="0 0 0 4"', "viewBox is empty"), ('viewBox="0 0 -4 4"', "no usable viewBox"),
    ('width="0" height="4"', "viewport is empty"), ('width="-4" height="4" viewBox="0 0 4 4"', "viewport is empty"),
])
def test_viewport_of_nothing_is_refused(parsed, attributes, reason):
    with pytest.raises(ValueError, match=reason):
        parsed('<rect width="3" height="3"/>', attributes)


SQUARE = '<rect width="10" height="10"/>'
NESTED = [
    ("moved", f'<svg x="4" y="5">{SQUARE}</svg>', (4, 5, 10, 10)),
    ("viewBox", f'<svg width="20" height="20" viewBox="0 0 10 10">{SQUARE}</svg>', (0, 0, 20, 20)),
    ("viewBox that does not begin at 0", '<svg x="2" width="20" height="20" viewBox="5 5 10 10"><rect x="5" y="5" width="10" height="5"/></svg>', (2, 0, 20, 10)),
    ("its size is the viewport's", f'<svg viewBox="0 0 12 12">{SQUARE}</svg>', (0, 0, 20, 20)),
    ("its size in percent", f'<svg x="50%" width="50%" height="50%" viewBox="0 0 10 10">{SQUARE}</svg>', (12, 0, 12, 12)),
    ("meet centres", f'<svg width="20" height="10" viewBox="0 0 10 10">{SQUARE}</svg>', (5, 0, 10, 10)),
    ("xMaxYMid", f'<svg width="20" height="10" viewBox="0 0 10 10" preserveAspectRatio="xMaxYMid">{SQUARE}</svg>', (10, 0, 10, 10)),
    ("none", f'<svg width="20" height="10" viewBox="0 0 10 10" preserveAspectRatio="none">{SQUARE}</svg>', (0, 0, 20, 10)),
    ("percent lengths are of the nearest viewBox", '<svg width="20" height="20" viewBox="0 0 10 10"><rect width="50%" height="25%"/></svg>', (0, 0, 10, 5)),
    ("and of the nearest viewport without one", '<svg width="20" height="10"><rect width="50%" height="50%"/></svg>', (0, 0, 10, 5)),
    ("two deep", f'<svg x="2" width="20" height="20" viewBox="0 0 10 10"><svg x="1" y="2" width="5" height="5" viewBox="0 0 10 10">{SQUARE}</svg></svg>', (4, 4, 10, 10)),
]


UNITS = [
    ("px", '<rect width="10px" height="12"/>', (0, 0, 10, 12)), ("in", '<rect width="12" height=".125in"/>', (0, 0, 12, 12)),
    ("percent of width and height", '<rect x="25%" y="50%" width="50%" height="25%"/>', (6, 12, 12, 6)),
    ("em is the font's size", '<g font-size="4"><rect width="2em" height="1ex"/></g>', (0, 0, 8, 2)),
    ("em without a font is 16", '<rect width="1em" height=".5em"/>', (0, 0, 16, 8)),
    ("CSS lengths", '<rect style="width:8px;height:25%;x:1px" height="3"/>', (1, 0, 8, 6)),
]


CUT = [
    ("overflow is hidden", '<svg width="6" height="6"><rect x="2" y="2" width="10" height="10"/></svg>', ['<path d="M2 2H6V6H2Z"/>']),
    ("by slice", '<svg y="4" width="10" height="5" viewBox="0 0 10 10" preserveAspectRatio="xMidYMid slice"><rect width="10" height="10"/></svg>', ['<path d="M0 4H10V9H0Z"/>']),
    ("overflow visible", '<svg width="6" height="6" overflow="visible"><rect x="2" y="2" width="10" height="10"/></svg>', rect(2, 2, 10, 10)),
    ("overflow visible by CSS", '<svg width="6" height="6" style="overflow:visible"><rect x="2" y="2" width="10" height="10"/></svg>', rect(2, 2, 10, 10)),
    ("what lies outside is not drawn", '<svg width="6" height="6"><rect x="8" width="3" height="3"/></svg><rect width="1" height="1"/>', rect(0, 0, 1, 1)),
    ("a viewport of no size", '<svg width="0" height="6"><rect width="3" height="3"/></svg><rect width="1" height="1"/>', rect(0, 0, 1, 1)),
    ("inside, nothing is cut", '<svg width="6" height="6"><rect width="6" height="6"/></svg>', rect(0, 0, 6, 6)),
    *((why, body, rect(*box)) for why, body, box in [*NESTED, *UNITS]),
]


@pytest.mark.parametrize(("why", "body", "expected"), CUT, ids=[why for why, *_ in CUT])
def test_nested_viewport_and_lengths(drawn, why, body, expected):
    assert drawn(body) == expected


def test_turned_viewport_cuts_at_its_turned_sides(assert_alike):
    assert_alike('<g transform="rotate(30 12 12)"><svg x="6" y="6" width="12" height="12"><circle r="10" fill="red"/></svg></g>', "resvg")


@pytest.mark.parametrize(("body", "attributes", "radius"), [
    ('<circle cx="12" cy="12" r="25%"/>', 'viewBox="0 0 24 24"', "6"),
    # of the diagonal over the root of two: sqrt((32^2 + 4^2) / 2) = 22.80; a quarter of it on a canvas of 24 / 32
    ('<circle cx="16" cy="2" r="2.1926%"/>', 'viewBox="0 0 32 4"', "0.37"),
])
def test_percent_of_a_radius_is_of_the_diagonal(drawn, body, attributes, radius):
    assert f'r="{radius}"' in drawn(body, attributes)[0]
