# ruff: noqa: E501 - tables of SVG text
"""Gradients as rows, with the fewest stops that look the same, as a plain colour, or as nothing."""

import re

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf

RED_BLUE = '<stop stop-color="red"/><stop offset="1" stop-color="blue"/>'
WRITTEN = '<stop offset="0" stop-color="#f00"/><stop offset="1" stop-color="#00f"/>'
USER = 'gradientUnits="userSpaceOnUse"'
WIDE = '<rect x="2" y="7" width="20" height="10" fill="url(#a)"/>'


def linear(attributes: str = "", stops: str = RED_BLUE, name: str = "a") -> str:
    return f'<linearGradient id="{name}" {attributes}>{stops}</linearGradient>'


def radial(attributes: str = "", stops: str = RED_BLUE, name: str = "a") -> str:
    return f'<radialGradient id="{name}" {attributes}>{stops}</radialGradient>'


def stop(offset: float | str, colour: str, attributes: str = "") -> str:
    return f'<stop offset="{offset}" stop-color="{colour}"{attributes}/>'


PLACES = [
    # where the written gradient of a rect from (2, 7) to (22, 17) runs
    ("objectBoundingBox: left to right", linear(), 'x1="2" y1="7" x2="22" y2="7"'),
    ("down", linear('x2="0" y2="1"'), 'x1="2" y1="7" x2="2" y2="17"'),
    ("percentages", linear('x1="25%" x2="75%"'), 'x1="7" y1="7" x2="17" y2="7"'),
    # lines of equal colour cross the box's other diagonal: square to (20, -10) in user space
    ("across a box that is no square", linear('x2="1" y2="1"'), 'x1="2" y1="7" x2="10" y2="23"'),
    ("userSpaceOnUse", linear(f'{USER} x1="4" y1="3" x2="20" y2="9"'), 'x1="4" y1="3" x2="20" y2="9"'),
    ("userSpaceOnUse: percentages are of the viewport", linear(f'{USER} x1="25%" x2="75%" y1="50%" y2="50%"'), 'x1="6" y1="12" x2="18" y2="12"'),
    ("userSpaceOnUse: x2 is 100%", linear(USER), 'x1="0" y1="0" x2="24" y2="0"'),
    ("gradientTransform", linear(f'{USER} x1="2" x2="10" gradientTransform="translate(1 3) scale(2)"'), 'x1="5" y1="3" x2="21" y2="3"'),
    ("gradientTransform within the box", linear('gradientTransform="translate(.5) scale(.5)"'), 'x1="12" y1="7" x2="22" y2="7"'),
    # a skew tilts the vertical lines of equal colour by 45 degrees: (1, 1), so the vector is (8, -8) / 2
    ("a skew turns the lines of equal colour", linear(f'{USER} x1="8" x2="16" gradientTransform="skewX(45)"'), 'x1="8" y1="0" x2="12" y2="-4"'),
    ("stops inside the ends move the ends", linear("", stop(0.25, "red") + stop(0.75, "blue")), 'x1="7" y1="7" x2="17" y2="7"'),
    ("a style says the transform too", linear(f'{USER} x2="8" style="transform:translate(4px,0)"'), 'x1="4" y1="0" x2="12" y2="0"'),
    ("href: places of the other", linear('href="#b"', RED_BLUE) + linear('y2="1" x2="0"', "", "b"), 'x1="2" y1="7" x2="2" y2="17"'),
    ("href: one's own come first", linear('xlink:href="#b" x2=".5"', "") + linear('x2="0" y2="0"', RED_BLUE, "b"), 'x1="2" y1="7" x2="12" y2="7"'),
    ("href chain: stops from the end, units between", linear('href="#b" x1="4" x2="20"', "") + linear(f'{USER} href="#c"', "", "b") + linear("", RED_BLUE, "c"), 'x1="4" y1="0" x2="20" y2="0"'),
    ("href: stops of the other kind, not its places", linear('href="#b"', "") + radial('r=".1" cx="0"', RED_BLUE, "b"), 'x1="2" y1="7" x2="22" y2="7"'),
    ("radial in a box: an ellipse", radial(), 'cx="0" cy="0" r="1" gradientTransform="matrix(10 0 0 5 12 12)"'),
    ("radial userSpaceOnUse", radial(f'{USER} cx="12" cy="11" r="10"'), 'cx="12" cy="11" r="10"'),
    # in a 24-unit viewport: 50 %, r relative to its diagonal over the root of two
    ("radial userSpaceOnUse, nothing said", radial(USER), 'cx="12" cy="12" r="12"'),
    ("focal point", radial(f'{USER} cx="12" cy="12" r="10" fx="8" fy="11"'), 'cx="12" cy="12" r="10" fx="8" fy="11"'),
    ("fx alone: fy is cy", radial(f'{USER} cx="12" cy="12" r="10" fx="8"'), 'cx="12" cy="12" r="10" fx="8" fy="12"'),
    ("a focal point outside is brought in (SVG 1.1)", radial(f'{USER} cx="12" cy="12" r="10" fx="50"'), 'cx="12" cy="12" r="10" fx="21.9" fy="12"'),
    ("radial gradientTransform", radial(f'{USER} r="5" cx="0" cy="0" gradientTransform="translate(12 12) scale(2)"'), 'cx="12" cy="12" r="10"'),
]


STOPS = [
    # stops, and the stops written between 0 and 1 of the rect's width (or of the part that varies)
    ("two", RED_BLUE, WRITTEN),
    ("offsets in percent, styles", '<stop offset="0%" style="stop-color:red"/><stop offset="100%" style="stop-color:blue"/>', WRITTEN),
    ("three", stop(0, "red") + stop(0.5, "lime") + stop(1, "blue"), stop(0, "#f00") + stop(0.5, "#0f0") + stop(1, "#00f")),
    ("one between that is on the way is not needed", stop(0, "#000") + stop(0.5, "#808080") + stop(1, "#fff"), stop(0, "#000") + stop(1, "#fff")),
    ("an offset runs not back", stop(0, "red") + stop(0.5, "lime") + stop(0.2, "white") + stop(1, "blue"),
     stop(0, "#f00") + stop(0.5, "#0f0") + stop(0.5, "#fff") + stop(1, "#00f")),
    ("offsets are cut to 0 and 1", stop(-1, "red") + stop(0.5, "lime") + stop(7, "blue"), stop(0, "#f00") + stop(0.5, "#0f0") + stop(1, "#00f")),
    ("no offset is 0, no colour is black", "<stop/>" + stop(0.5, "lime") + stop(1, "blue"), stop(0, "#000") + stop(0.5, "#0f0") + stop(1, "#00f")),
    ("opacities", stop(0, "red", ' stop-opacity=".5"') + stop(1, "blue", ' stop-opacity="25%"'), stop(0, "#f00", ' stop-opacity="0.5"') + stop(1, "#00f", ' stop-opacity="0.25"')),
    ("a colour's alpha", stop(0, "#ff000080") + stop(1, "blue"), stop(0, "#f00", ' stop-opacity="0.502"') + stop(1, "#00f")),
    ("currentColor is the gradient's, not the shape's", '<stop stop-color="currentColor" color="red"/>' + stop(1, "blue"), WRITTEN),
    ("flat at one end", stop(0, "red") + stop(0.4, "black") + stop(1, "black"), None),
    ("a fading", stop(0, "red") + stop(0.5, "red", ' stop-opacity=".5"') + stop(1, "red", ' stop-opacity="0"'), None),
    ("steps", stop(0.5, "red") + stop(0.5, "lime") + stop(0.75, "lime") + stop(0.75, "blue"), None),
]


@pytest.mark.parametrize(("why", "stops", "expected"), STOPS, ids=[why for why, *_ in STOPS])
def test_stops(drawn, assert_alike, why, stops, expected):
    body = linear("", stops) + WIDE
    if expected is not None:
        assert re.sub("<(/?)linearGradient.*?>", "", drawn(body)[0]) == expected
    assert_alike(body, "resvg")


SPREADS = [
    ("pad", 'x1=".25" x2=".75" spreadMethod="pad"', 'x1="7" y1="7" x2="17" y2="7"', WRITTEN),
    ("reflect", 'x2=".5" spreadMethod="reflect"', 'x1="2" y1="7" x2="22" y2="7"', stop(0, "#f00") + stop(0.5, "#00f") + stop(1, "#f00")),
    ("repeat", 'x2=".5" spreadMethod="repeat"', 'x1="2" y1="7" x2="22" y2="7"', stop(0, "#f00") + stop(0.5, "#00f") + stop(0.5, "#f00") + stop(1, "#00f")),
    ("reflect that is not seen", 'spreadMethod="reflect"', 'x1="2" y1="7" x2="22" y2="7"', WRITTEN),
    ("reflect backwards", 'x1=".5" x2="1" spreadMethod="reflect"', 'x1="2" y1="7" x2="22" y2="7"', stop(0, "#00f") + stop(0.5, "#f00") + stop(1, "#00f")),
]


RUNS = [*((*row, WRITTEN) for row in PLACES), *((why, linear(how), *written) for why, how, *written in SPREADS)]


@pytest.mark.parametrize(("why", "gradient", "place", "stops"), RUNS, ids=[why for why, *_ in RUNS])
def test_place_and_spread_method(drawn, why, gradient, place, stops):
    kind = "radialGradient" if "cx=" in place else "linearGradient"
    assert drawn(gradient + WIDE) == [
        f'<{kind} id="gradient-1" {place}>{stops}</{kind}>',
        '<rect x="2" y="7" width="20" height="10" fill="url(#gradient-1)"/>',
    ]


PLAIN = [
    # gradients that vary nowhere are a colour
    ("one stop", linear("", stop(0.5, "red")), "#f00"),
    ("all stops alike", linear("", stop(0, "red") + stop(1, "red")), "#f00"),
    ("only one colour of it is seen", linear(f'{USER} x1="30" x2="40"'), "#f00"),
    ("ends at one point: the last stop (SVG 1.1, 13.2.2)", linear('x2="0"'), "#00f"),
    ("no radius: the last stop", radial('r="0"'), "#00f"),
]


@pytest.mark.parametrize(("why", "gradient"), [
    ("there is none", ""), ("no stops", linear("", "")), ("refers to itself", linear('href="#a"', "")),
    ("refer to each other", linear('href="#b"', "") + linear('xlink:href="#a"', "", "b")),
    ("all transparent", linear("", stop(0, "red", ' stop-opacity="0"') + stop(1, "transparent"))),
    ("no gradient", '<g id="a"/>'),
])
def test_gradient_of_nothing_paints_nothing(parsed, why, gradient):
    with pytest.raises(ValueError, match="nothing is painted"):
        parsed(gradient + WIDE)


OTHER = [
    *((why, gradient + WIDE, [f'<rect x="2" y="7" width="20" height="10" fill="{colour}"/>']) for why, gradient, colour in PLAIN),
    ("the fallback counts where there is none", '<rect width="3" height="3" fill="url(#a) red"/>', ['<rect x="0" y="0" width="3" height="3" fill="#f00"/>']),
    ("but not where there is one", linear() + '<rect x="2" y="7" width="20" height="10" fill="url(#a) lime"/>', [f'<linearGradient id="gradient-1" x1="2" y1="7" x2="22" y2="7">{WRITTEN}</linearGradient>', '<rect x="2" y="7" width="20" height="10" fill="url(#gradient-1)"/>']),
    ("fill-opacity and opacity multiply the stops'", linear() + '<g opacity=".5"><rect x="2" y="7" width="20" height="10" fill="url(#a)" fill-opacity=".5"/></g>',
     [f'<linearGradient id="gradient-1" x1="2" y1="7" x2="22" y2="7">{stop(0, "#f00", " stop-opacity=|0.25|")}{stop(1, "#00f", " stop-opacity=|0.25|")}</linearGradient>'.replace("|", '"'), '<rect x="2" y="7" width="20" height="10" fill="url(#gradient-1)"/>']),
    ("a stroke's, across the stroke's geometry", linear() + '<rect x="2" y="7" width="20" height="10" fill="none" stroke="url(#a)"/>',
     [f'<linearGradient id="gradient-1" x1="2" y1="7" x2="22" y2="7">{WRITTEN}</linearGradient>', '<rect x="2" y="7" width="20" height="10" fill="none" stroke="url(#gradient-1)"/>']),
    ("one for fill and stroke stands once", linear() + '<rect x="2" y="7" width="20" height="10" fill="url(#a)" stroke="url(#a)"/>',
     [f'<linearGradient id="gradient-1" x1="2" y1="7" x2="22" y2="7">{WRITTEN}</linearGradient>', '<rect x="2" y="7" width="20" height="10" fill="url(#gradient-1)" stroke="url(#gradient-1)"/>']),
    ("each shape has a box of its own", linear() + '<rect width="4" height="4" fill="url(#a)"/><rect x="10" width="4" height="4" fill="url(#a)"/>',
     [f'<linearGradient id="gradient-1" x1="0" y1="0" x2="4" y2="0">{WRITTEN}</linearGradient>', f'<linearGradient id="gradient-2" x1="10" y1="0" x2="14" y2="0">{WRITTEN}</linearGradient>',
      '<rect x="0" y="0" width="4" height="4" fill="url(#gradient-1)"/>', '<rect x="10" y="0" width="4" height="4" fill="url(#gradient-2)"/>']),
    ("the shape's transform is the gradient's", linear(f'{USER} x2="4"') + '<rect width="4" height="4" fill="url(#a)" transform="translate(6 6) scale(2)"/>',
     [f'<linearGradient id="gradient-1" x1="6" y1="6" x2="14" y2="6">{WRITTEN}</linearGradient>', '<rect x="6" y="6" width="8" height="8" fill="url(#gradient-1)"/>']),
    ("inherited from a group: the shape's box all the same", linear() + '<g fill="url(#a)"><rect width="4" height="4"/></g>',
     [f'<linearGradient id="gradient-1" x1="0" y1="0" x2="4" y2="0">{WRITTEN}</linearGradient>', '<rect x="0" y="0" width="4" height="4" fill="url(#gradient-1)"/>']),
    ("a box without a height has no units: not painted (SVG 2, 13.2.3)", linear() + '<path d="M2 2h9" fill="none" stroke="url(#a)"/><rect width="1" height="1"/>', ['<rect x="0" y="0" width="1" height="1"/>']),
]


@pytest.mark.parametrize(("why", "body", "expected"), OTHER, ids=[why for why, *_ in OTHER])
def test_gradient_of_a_shape(drawn, why, body, expected):
    assert drawn(body) == expected


def test_gradient_rows_by_hand(parsed):
    stops = stop(0, "red") + stop(0.25, "lime", ' stop-opacity=".5"') + stop(1, "blue")
    rows = parsed(linear(f'{USER} x1="0" x2="24"', stops) + '<rect width="24" height="12" fill="url(#a)"/>').rows
    assert rows[:, rf.ELEMENT].tolist() == [rf.BOS, rf.FILL_GRADIENT, rf.FILL_GRADIENT, rf.RECT, rf.EOS]
    assert rows[:, rf.COMMAND].tolist() == [rf.NONE, rf.LINEAR, rf.STOP, rf.NONE, rf.NONE]
    np.testing.assert_allclose(rows[1, 2:18], [-1, -1, 1, -1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1], atol=1e-6)
    np.testing.assert_allclose(rows[2, 2:18], [-0.5, -1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0.5, 0, 0, 0, 0], atol=1e-6)
    assert not rows[1:3, 18:].any()


@pytest.mark.parametrize(("gradient", "rgba"), [
    (linear(), (0.5, 0, 0.5, 1)),
    # the outer half of a radius covers three quarters of the disc
    (radial(f'{USER} cx="12" cy="12" r="14.142"', stop(0.5, "red") + stop(0.5, "blue")), (0.25, 0, 0.75, 1)),
    # a colour counts by its opacity: the mean of blue's share t weighted by alpha t / 2 is 2/3
    (linear("", stop(0, "red", ' stop-opacity="0"') + stop(1, "blue", ' stop-opacity=".5"')), (1 / 3, 0, 2 / 3, 0.25)),
])
def test_mean_paint_stands_in_the_shape(parsed, gradient, rgba):
    row = parsed(gradient + '<circle cx="12" cy="12" r="10" fill="url(#a)"/>').rows[-2]
    assert row[rf.FILL] == pytest.approx(rgba, abs=0.02)


@pytest.mark.parametrize("body", [
    linear('gradientTransform="rotate(30)"') + WIDE,
    linear(f'{USER} x1="4" y1="4" x2="18" y2="20" gradientTransform="skewX(20)"') + WIDE,
    linear('x2=".2" spreadMethod="reflect"') + WIDE,
    linear("", "".join(stop(i / 6, colour) for i, colour in enumerate(("red", "orange", "yellow", "lime", "blue", "purple", "black")))) + WIDE,
    radial('cx=".3" cy=".6" r=".7"', stop(0, "white") + stop(0.3, "orange") + stop(1, "black")) + WIDE,
    radial(f'{USER} cx="12" cy="12" r="10" gradientTransform="rotate(30 12 12) scale(1 .6)"') + WIDE,
    radial() + '<circle cx="12" cy="12" r="9" fill="none" stroke="url(#a)" stroke-width="4"/>',
    linear() + '<circle cx="9" cy="9" r="5" fill="url(#a)" transform="rotate(20) skewX(10)"/>',
    radial(f'{USER} cx="12" cy="12" r="6" spreadMethod="reflect"') + WIDE,
])
@pytest.mark.parametrize("renderer", ["cairosvg", "resvg"])
def test_gradient_looks_the_same(assert_alike, body, renderer):
    assert_alike(body, renderer)


@pytest.mark.parametrize("attributes", [
    f'{USER} cx="12" cy="12" r="10" fx="7" fy="9"', f'{USER} cx="12" cy="12" r="10" fr="4"', 'fx=".3" fy=".3" gradientTransform="rotate(20 .5 .5)"',
])
def test_focal_point_looks_the_same(assert_alike, attributes):
    """With resvg, as cairosvg draws focal radii differently."""
    assert_alike(radial(attributes, stop(0, "red") + stop(0.5, "yellow") + stop(1, "blue")) + WIDE, "resvg")


@pytest.mark.parametrize(("gradient", "shape"), [
    (linear(f'{USER} x2="24"', stop(0, "red") + stop(0.3, "lime") + stop(0.5, "blue") + stop(1, "white")), 'x="12" y="7" width="10" height="10"'),
    (radial(f'{USER} cx="0" cy="12" r="24"', stop(0, "red") + stop(0.3, "lime") + stop(0.5, "blue") + stop(1, "white")), 'x="12" y="7" width="10" height="10"'),
    (radial(f'{USER} cx="24" cy="12" r="24"', stop(0, "red") + stop(0.3, "lime") + stop(0.5, "blue") + stop(1, "white")), 'x="2" y="7" width="10" height="10"'),
    (radial(f'{USER} cx="12" cy="0" r="24"', stop(0, "red") + stop(0.3, "lime") + stop(0.5, "blue") + stop(1, "white")), 'x="7" y="12" width="10" height="10"'),
    (radial(f'{USER} cx="12" cy="24" r="24"', stop(0, "red") + stop(0.3, "lime") + stop(0.5, "blue") + stop(1, "white")), 'x="7" y="2" width="10" height="10"'),
])
def test_stops_beside_the_shape_are_left_out(drawn, assert_alike, gradient, shape):
    body = f'{gradient}<rect {shape} fill="url(#a)"/>'
    first, last = re.findall('stop-color="(.*?)"', drawn(body)[0])
    assert first == "#00f" and re.fullmatch(r"#([c-f].)\1ff|#fff", last)  # white, or the visible part of the way to it
    assert_alike(body)


PLACED = [
    # gradient, stops from x = 2 to 22: where they are in the rows, and the first colour of the fill
    ("a step, as wide as rows hold it", linear(f'{USER} x2="24"', stop(0.5, "red") + stop(0.5, "blue")), (12, 12.024), "#f00"),
    ("a step of a long one", linear(f'{USER} x1="-400" x2="424"', stop(0.5, "red") + stop(0.5, "blue")), (12, 12.024), "#f00"),
    ("too short for rows", linear(f'{USER} x1="11.995" x2="12"', RED_BLUE), (11.997, 12.021), "#f00"),
    ("longer than rows reach", linear(f'{USER} x1="-88" x2="112"', RED_BLUE), (2, 22), "#8c0073"),
]


@pytest.mark.parametrize(("why", "gradient", "place", "first"), PLACED, ids=[why for why, *_ in PLACED])
def test_length_that_rows_can_hold(drawn, assert_alike, why, gradient, place, first):
    written = drawn(gradient + WIDE)[0]
    assert [float(x) for x in re.findall(r'x[12]="(.*?)"', written)] == pytest.approx(place, abs=0.01)
    assert re.findall('stop-color="(.*?)"', written)[0] == first
    assert_alike(gradient + WIDE, "resvg")


def test_radial_of_no_area_is_the_colour_around_it(parsed):
    """Used to give 9 rows that read back as 6."""
    flat = f'{USER} cx="0" cy="0" r="5" gradientTransform="translate(12 12) scale(1 .001)"'
    rows = parsed(radial(flat) + WIDE).rows
    assert len(rows) == 3 and rows[1, rf.FILL] == pytest.approx((0, 0, 1, 1), abs=0.05)


def test_stops_given_up_are_counted(parsed):
    many = "".join(stop(i / 20, "white" if i % 2 else "black") for i in range(21))
    result = parsed(linear("", many) + WIDE)
    assert result.approximated == {"gradient of more than two stops": 1} and len(result.rows) < 16
