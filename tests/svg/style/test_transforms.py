# ruff: noqa: E501 - tables of SVG text
"""Transform lists against matrix products, transform-origin, and how a viewBox fits its viewport."""

import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from svgfusion_lib.svg.style.transforms import (
    IDENTITY,
    Spatial,
    apply,
    fit_view_box,
    mean_scale,
    multiply,
    parse_attribute,
    parse_css,
    parse_origin,
    parse_single,
    parse_view_box,
)

ROOT_HALF = math.sqrt(0.5)
TAN = math.tan(math.radians(30))
ATTRIBUTES = [
    ("", IDENTITY), ("  ", IDENTITY), ("none", IDENTITY),
    ("matrix(1 2 3 4 5 6)", (1, 2, 3, 4, 5, 6)),
    ("matrix(1,2 , 3\n4,5,6)", (1, 2, 3, 4, 5, 6)),
    ("translate(3 4)", (1, 0, 0, 1, 3, 4)),
    ("translate(3)", (1, 0, 0, 1, 3, 0)),                # y is 0
    ("scale(2 3)", (2, 0, 0, 3, 0, 0)),
    ("scale(2)", (2, 0, 0, 2, 0, 0)),                    # y is x
    ("rotate(90)", (0, 1, -1, 0, 0, 0)),                 # x to y: clockwise on the screen
    ("rotate(90 1 2)", (0, 1, -1, 0, 3, 1)),
    ("rotate(45)", (ROOT_HALF, ROOT_HALF, -ROOT_HALF, ROOT_HALF, 0, 0)),
    ("skewX(30)", (1, 0, TAN, 1, 0, 0)), ("skewY(30)", (1, TAN, 0, 1, 0, 0)),
    ("translate(3 4) scale(2)", (2, 0, 0, 2, 3, 4)),     # the last is applied first
    ("scale(2),translate(3 4)", (2, 0, 0, 2, 6, 8)),
    ("scale(2)translate(3 4)", (2, 0, 0, 2, 6, 8)),
    # numbers without separators (CSS Transforms 1, appendix B), as minifiers write them
    ("translate(3-4)", (1, 0, 0, 1, 3, -4)), ("translate(-3-4)", (1, 0, 0, 1, -3, -4)),
    ("matrix(.5.25-1 1 5-6)", (0.5, 0.25, -1, 1, 5, -6)), ("rotate(90-1-2)", (0, 1, -1, 0, -3, -1)),
    ("scale(1e-1)", (0.1, 0, 0, 0.1, 0, 0)), ("translate(+3 +4)", (1, 0, 0, 1, 3, 4)),
    # invalid
    *((text, None) for text in (
        "rotate(a)", "rotate()", "rotate(1 2)", "rotate(1 2 3 4)", "scale()", "scale(1 2 3)", "matrix(1 2 3 4 5)", "matrix(1 2 3 4 5 6 7)",
        "translate(1", "translate 1", "turn(3)", "rotate3d(1 0 0 5)", "scale(2) x", "Scale(2)", "skewX(1 2)", "rotate(90px)",
        "translate(3 4) none", "translate(1 x)", "rotate(90deg)", "translate(3px, 4px)", "translateX(3)", "scale(NaN NaN)", "rotate(calc(45))",
    )),
]
CSS = [
    ("translate(3px, 4px)", (1, 0, 0, 1, 3, 4)), ("translate(1in)", (1, 0, 0, 1, 96, 0)), ("translate(0, 50%)", (1, 0, 0, 1, 0, 20)),
    ("translateX(3px)", (1, 0, 0, 1, 3, 0)), ("TRANSLATEY(3px)", (1, 0, 0, 1, 0, 3)), ("translate(calc(50% - 10px))", (1, 0, 0, 1, 40, 0)),
    ("scale(2, 3)", (2, 0, 0, 3, 0, 0)), ("scale(50%)", (0.5, 0, 0, 0.5, 0, 0)), ("scaleX(2)", (2, 0, 0, 1, 0, 0)), ("scaleY(2)", (1, 0, 0, 2, 0, 0)),
    ("rotate(90deg)", (0, 1, -1, 0, 0, 0)), ("rotate(100grad)", (0, 1, -1, 0, 0, 0)), ("rotate(0)", IDENTITY),
    ("rotate(.25turn)", (0, 1, -1, 0, 0, 0)), (f"rotate({math.pi / 2}rad)", (0, 1, -1, 0, 0, 0)),
    ("rotate(calc(1turn / -4))", (0, -1, 1, 0, 0, 0)),
    ("skewX(30deg)", (1, 0, TAN, 1, 0, 0)), ("skew(30deg)", (1, 0, TAN, 1, 0, 0)), ("skew(30deg, 45deg)", (1, 1, TAN, 1, 0, 0)),
    ("translate(3px, 4px) scale(2)", (2, 0, 0, 2, 3, 4)), ("matrix(1, 2, 3, 4, 5, 6)", (1, 2, 3, 4, 5, 6)),
    # 3D functions that stay in the plane
    ("translateZ(9px)", IDENTITY), ("translate3d(3px, 4px, 0)", (1, 0, 0, 1, 3, 4)), ("scale3d(2, 3, 1)", (2, 0, 0, 3, 0, 0)),
    ("rotateZ(90deg)", (0, 1, -1, 0, 0, 0)), ("rotate3d(0, 0, -1, 90deg)", (0, -1, 1, 0, 0, 0)), ("rotateX(360deg)", IDENTITY),
    ("matrix3d(1,2,0,0, 3,4,0,0, 0,0,1,0, 5,6,0,1)", (1, 2, 3, 4, 5, 6)),
    # invalid
    *((text, None) for text in (
        "rotate(90)", "translate(3, 4)", "translate(3px 4px)", "scale(2 3)", "rotate(90deg, 1px, 2px)", "scale()", "matrix(1 2 3 4 5 6)",
        "turn(3deg)", "scale(2) x", "translate(1px,)", "scale(1px)",
    )),
]


@pytest.mark.parametrize(("text", "expected"), ATTRIBUTES, ids=[text for text, _ in ATTRIBUTES])
def test_transform_attribute(text, expected):
    assert parse_attribute(text) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("text", "expected"), CSS, ids=[text for text, _ in CSS])
def test_transform_property_in_a_viewport_of_100_by_40(text, expected):
    assert parse_css(text, (100, 40)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("text", ["rotateX(30deg)", "rotate3d(1, 0, 0, 5deg)", "matrix3d(1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,2)"])
def test_what_leaves_the_plane_is_known_as_such(text):
    assert isinstance(parse_css(text, (100, 40)), Spatial)


@pytest.mark.parametrize(("name", "text", "expected"), [
    ("rotate", "90deg", (0, 1, -1, 0, 0, 0)), ("rotate", "z 90deg", (0, 1, -1, 0, 0, 0)), ("rotate", "90", None), ("rotate", "none", IDENTITY),
    ("scale", ".5", (0.5, 0, 0, 0.5, 0, 0)), ("scale", "2 3", (2, 0, 0, 3, 0, 0)), ("scale", "2, 3", None), ("scale", "200%", (2, 0, 0, 2, 0, 0)),
    ("translate", "3px", (1, 0, 0, 1, 3, 0)), ("translate", "50% 25%", (1, 0, 0, 1, 50, 10)), ("translate", "3", None),
    ("translate", "1px 2px 3px", (1, 0, 0, 1, 1, 2)),
])
def test_single_transforms(name, text, expected):
    found = parse_single(name, text, (100, 40))
    assert found is None if expected is None else found == pytest.approx(expected, abs=1e-12)


def rect(attributes: str = "") -> str:
    return f'<rect width="4" height="2" {attributes}/>'


NAMED, SCALED = rect('id="a"'), rect('id="a" transform="scale(2)"')
APPLIED = [
    ("nested", '<g transform="translate(4 4)"><g transform="scale(.5)"><rect x="2" y="2" width="4" height="2"/></g></g>', "5 5 2 1"),
    ("in a style attribute", rect('style="transform:translate(3px,4px) scale(2)"'), "3 4 8 4"),
    ("CSS beats the attribute", rect('transform="translate(9)" style="transform:translate(3px,4px)"'), "3 4 4 2"),
    ("on the root", None, "3 4 4 2"),
    ("on a nested svg", f'<svg transform="translate(3 4)">{rect()}</svg>', "3 4 4 2"),
    ("on a use: before its x and y", f'<defs>{NAMED}</defs><use href="#a" x="1" y="2" transform="scale(2)"/>', "2 4 8 4"),
    ("on what is used", f'<defs>{SCALED}</defs><use href="#a" x="1" y="2"/>', "1 2 8 4"),
    ("transform-origin", rect('transform="scale(2)" transform-origin="4 2"'), "-4 -2 8 4"),
    ("transform-origin in percent of the viewport", rect('style="transform:rotate(180deg);transform-origin:50% 25%"'), "20 10 4 2"),
    ("transform-origin in words", rect('style="transform:rotate(180deg);transform-origin:center"'), "20 22 4 2"),
]


@pytest.mark.parametrize(("why", "body", "box"), APPLIED, ids=[why for why, *_ in APPLIED])
def test_transform_applies(drawn, why, body, box):
    x, y, width, height = box.split()
    expected = [f'<rect x="{x}" y="{y}" width="{width}" height="{height}"/>']
    if body is None:
        assert drawn(rect(), 'viewBox="0 0 24 24" transform="translate(3 4)"') == expected
    else:
        assert drawn(body) == expected


def test_transform_about_the_box_of_the_shape(drawn):
    about = "transform-box:fill-box;transform:scale(2);transform-origin:center"
    assert drawn(f'<rect x="6" y="6" width="4" height="2" style="{about}"/>') == ['<rect x="4" y="5" width="8" height="4"/>']
    assert drawn(f'<g style="{about}"><rect x="6" y="6" width="4" height="2"/></g>') == ['<rect x="4" y="5" width="8" height="4"/>']


def test_transform_without_an_inverse_paints_nothing(parsed):
    with pytest.raises(ValueError, match="nothing is painted"):
        parsed('<g transform="scale(0)"><circle r="3"/></g><circle r="3" transform="matrix(1 1 1 1 0 0)"/>')


@pytest.mark.parametrize(("text", "point"), [
    ("3 4", (3, 4)), ("3px 4px 9px", (3, 4)), ("50% 25%", (50, 10)), ("5", (5, 20)), ("center", (50, 20)), ("left top", (0, 0)),
    ("top left", (0, 0)), ("bottom right", (100, 40)), ("right", (100, 20)), ("top", (50, 0)), ("bottom", (50, 40)),
    ("center top", (50, 0)), ("top center", (50, 0)), ("right 5px", (100, 5)),
])
def test_origin_in_a_viewport_of_100_by_40(text, point):
    assert parse_origin(text, (0, 0, 100, 40), css=False) == pytest.approx(point)


@pytest.mark.parametrize(("text", "expected"), [
    (None, None), ("", None), (" ", None), ("0 0 24 24", (0, 0, 24, 24)), ("-1,-2, 3.5\n4e1", (-1, -2, 3.5, 40)),
    *((text, None) for text in ("0 0 24", "0 0 24 24 24", "0 0 a b", "0 0 24 -1", "none", "0 0 nan 4")),
])
def test_view_box(text, expected):
    assert parse_view_box(text) == expected


# a viewBox of 10 x 20 at (1, 2) into a viewport of 60 x 40: x by 6, y by 2; meet leaves 40 beside, slice cuts 80 below
ASPECTS = [
    ("none", (6, 2, 0, 0)),
    *((f"x{x}YMid{mode}", (2, 2, left, 0)) for x, left in (("Min", 0), ("Mid", 20), ("Max", 40)) for mode in ("", " meet")),
    *((f"xMidY{y}", (2, 2, 20, 0)) for y in ("Min", "Max")),        # its height fits
    *((f"xMidY{y} slice", (6, 6, 0, top)) for y, top in (("Min", 0), ("Mid", -40), ("Max", -80))),
    *((f"x{x}YMin slice", (6, 6, 0, 0)) for x in ("Min", "Max")),   # its width fits
    ("", (2, 2, 20, 0)), ("xmidymid slice", (2, 2, 20, 0)), ("middle", (2, 2, 20, 0)),  # same as the default
    ("defer xMinYMin", (2, 2, 20, 0)),  # SVG 1.1 only; removed in SVG 2
]


@pytest.mark.parametrize(("aspect", "place"), ASPECTS, ids=[aspect for aspect, _ in ASPECTS])
def test_view_box_fits_its_viewport(aspect, place):
    scale_x, scale_y, left, top = place
    m = fit_view_box((1, 2, 10, 20), 60, 40, aspect)
    assert apply(m, 1, 2) == pytest.approx((left, top))
    assert apply(m, 11, 22) == pytest.approx((left + 10 * scale_x, top + 20 * scale_y))


# --- properties -------------------------------------------------------------------------------------

NUMBERS = st.integers(-160, 160).map(lambda v: v / 16)
ANGLES = st.integers(-80, 80)


def affine(a, b, c, d, e, f) -> np.ndarray:
    return np.array([[a, c, e], [b, d, f], [0, 0, 1]], dtype=float)


def rotation(degrees: float) -> np.ndarray:
    r = math.radians(degrees)
    return affine(math.cos(r), math.sin(r), -math.sin(r), math.cos(r), 0, 0)


STEPS = st.one_of(
    st.tuples(NUMBERS, NUMBERS).map(lambda v: ("translate", v, affine(1, 0, 0, 1, *v))),
    st.tuples(NUMBERS, NUMBERS).map(lambda v: ("scale", v, affine(v[0], 0, 0, v[1], 0, 0))),
    st.tuples(*[NUMBERS] * 6).map(lambda v: ("matrix", v, affine(*v))),
    ANGLES.map(lambda v: ("rotate", (v,), rotation(v))),
    st.tuples(ANGLES, NUMBERS, NUMBERS).map(
        lambda v: ("rotate", v, affine(1, 0, 0, 1, *v[1:]) @ rotation(v[0]) @ affine(1, 0, 0, 1, -v[1], -v[2]))
    ),
    ANGLES.map(lambda v: ("skewX", (v,), affine(1, 0, math.tan(math.radians(v)), 1, 0, 0))),
    ANGLES.map(lambda v: ("skewY", (v,), affine(1, math.tan(math.radians(v)), 0, 1, 0, 0))),
)
GAPS = st.sampled_from([" ", ",", "\n", " , ", "  "])


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.lists(STEPS, max_size=5), GAPS, st.sampled_from(["", " ", ",", "\n"]))
def test_a_list_is_the_product_of_its_matrices(steps, gap, between):
    text = between.join(f"{name}({gap.join(f'{v:g}' for v in values)})" for name, values, _ in steps)
    product = np.eye(3)
    for *_, matrix in steps:
        product = product @ matrix
    scale = max(1.0, np.abs(product).max())
    found = parse_attribute(text)
    np.testing.assert_allclose(affine(*found) / scale, product / scale, atol=1e-9)
    np.testing.assert_allclose(apply(multiply(found, found), 3, 4), (affine(*found) @ affine(*found) @ (3, 4, 1))[:2], rtol=1e-9, atol=1e-6)
    assert mean_scale(found) ** 2 == pytest.approx(abs(np.linalg.det(product)), rel=1e-6, abs=1e-9 * scale**2)
