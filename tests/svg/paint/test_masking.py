# ruff: noqa: E501 - tables of SVG text
"""Masks that are clips in disguise become clips and opacities; others are counted. Rendered with resvg, as cairosvg
draws masks differently."""

import pytest

SQUARE = '<rect x="2" y="2" width="10" height="10" fill="#f00" mask="url(#m)"/>'
WHOLE = ['<rect x="2" y="2" width="10" height="10" fill="#f00"/>']
HALF = ['<path d="M2 2H7V12H2Z" fill="#f00"/>']
DOT, DOT_DRAWN = '<rect width="1" height="1"/>', ['<rect x="0" y="0" width="1" height="1"/>']


def mask(content: str, attributes: str = "", name: str = "m") -> str:
    return f'<mask id="{name}" {attributes}>{content}</mask>'


def masked(content: str, attributes: str = "") -> str:
    return mask(content, attributes) + SQUARE


def left(paint: str) -> str:
    return f'<rect width="7" height="24" {paint}/>'


def half(opacity: str) -> list[str]:
    return [HALF[0].replace('"#f00"', f'"#f00" fill-opacity="{opacity}"')]


CLIPS = [
    ("all white shows all", masked('<rect width="24" height="24" fill="white"/>'), WHOLE),
    ("white shows, the rest is hidden", masked(left('fill="white"')), HALF),
    ("white less black", masked('<rect width="24" height="24" fill="#fff"/><rect x="7" width="17" height="24"/>'), HALF),
    ("black under white says nothing", masked('<rect width="24" height="24"/>' + left('fill="#fff"')), HALF),
    ("nothing hides all", masked("") + DOT, DOT_DRAWN),
    ("black hides all", masked('<rect width="24" height="24"/>') + DOT, DOT_DRAWN),
    ("grey is an opacity: its luminance", masked(left('fill="#808080"')), half("0.502")),
    ("so are colours: 0.7152 for green", masked(left('fill="#0f0"')), half("0.715")),
    ("so is the shape's opacity", masked(left('fill="#fff" fill-opacity=".5"')), half("0.5")),
    ("all together", masked(left('fill="#fff" fill-opacity=".5" opacity=".5"')), half("0.25")),
    ("by alpha: colours say nothing", masked(left('fill="#000"'), 'mask-type="alpha"'), HALF),
    ("by alpha, said in CSS", masked(left('fill="#000"'), 'style="mask-type:alpha"'), HALF),
    ("by alpha: opacity", masked(left('fill="#000" opacity=".5"'), 'mask-type="alpha"'), half("0.5")),
    ("paints are inherited from where the mask stands", f'<g fill="#fff">{mask(left(""))}</g>{SQUARE}', HALF),
    ("and from the mask", masked(left(""), 'fill="#fff"'), HALF),
    ("groups, transforms", masked('<g transform="translate(-17)"><g><rect x="17" width="7" height="24" fill="#fff"/></g></g>'), HALF),
    ("use", f'<defs><rect id="r" width="7" height="24"/></defs>{masked("<use href=|#r| fill=|#fff|/>".replace("|", chr(34)))}', HALF),
    ("a stroke is its outline", masked('<path d="M0 0V24" fill="none" stroke="#fff" stroke-width="14"/>'), HALF),
    ("maskContentUnits of the box", masked('<rect width=".5" height="1" fill="#fff"/>', 'maskContentUnits="objectBoundingBox"'), HALF),
    ("a region that cuts", masked('<rect width="24" height="24" fill="#fff"/>', 'x="0" y="0" width="50%" height="1"'), HALF),
    ("a region in user space", masked('<rect width="24" height="24" fill="#fff"/>', 'maskUnits="userSpaceOnUse" x="0" y="0" width="7" height="24"'), HALF),
    # x is -10 % of 24, so a width of 7 ends at 4.6; y and height are -10 % and 120 %
    ("a region in user space, its place not said", masked('<rect width="24" height="24" fill="#fff"/>', 'maskUnits="userSpaceOnUse" width="7"'), ['<path d="M2 2H4.6V12H2Z" fill="#f00"/>']),
    ("a region of the box, its place not said", masked('<rect width="24" height="24" fill="#fff"/>', 'width=".6"'), HALF),
    ("in the user space of what is masked", mask('<rect width="3" height="24" fill="#fff"/>') + '<g transform="translate(2 2)"><rect width="10" height="10" fill="#f00" mask="url(#m)"/></g>', ['<path d="M2 2H5V12H2Z" fill="#f00"/>']),
    ("of a group", mask(left('fill="#fff"')) + f'<g mask="url(#m)">{SQUARE.replace("mask", "data-mask")}</g>', HALF),
    ("with a clip-path: both cut", '<clipPath id="c"><rect width="24" height="7"/></clipPath>' + masked(left('fill="#fff"')).replace('mask="url', 'clip-path="url(#c)" mask="url'), ['<path d="M2 2H7V7H2Z" fill="#f00"/>']),
    ("a mask that is not there", SQUARE, WHOLE),
    ("none", SQUARE.replace("url(#m)", "none"), WHOLE),
]


@pytest.mark.parametrize(("why", "body", "expected"), CLIPS, ids=[why for why, *_ in CLIPS])
def test_mask_that_is_a_clip(drawn, parsed, why, body, expected):
    assert drawn(body) == expected
    assert not parsed(body).unsupported


COUNTED = [
    ("a gradient", masked('<linearGradient id="g"><stop stop-color="white"/><stop offset="1"/></linearGradient><rect width="24" height="24" fill="url(#g)"/>')),
    ("two greys", masked('<rect width="7" height="24" fill="#fff"/><rect x="7" width="17" height="24" fill="#888"/>')),
    ("a mask on the mask", mask(left('fill="#fff"'), "", "n") + masked(left('fill="#fff"'), 'mask="url(#n)"')),
    ("half black over white", masked('<rect width="24" height="24" fill="#fff"/><rect width="7" height="24" fill-opacity=".5"/>')),
]


@pytest.mark.parametrize(("why", "body"), COUNTED, ids=[why for why, _ in COUNTED])
def test_mask_that_is_none_is_counted(drawn, parsed, why, body):
    assert parsed(body).unsupported == {"mask": 1}
    assert drawn(body)[-1] == WHOLE[0]  # shown without it


LIKE = [
    masked('<circle cx="7" cy="7" r="6" fill="#fff"/><circle cx="8" cy="8" r="3"/>'),
    masked('<rect width="24" height="24" fill="#fff"/><path d="M4 4L10 10" stroke="#000" stroke-width="3" stroke-linecap="round"/>'),
    mask('<rect width="24" height="24" fill="#fff"/><circle cx="18" cy="6" r="4"/>') + '<g mask="url(#m)"><path d="M2 20L12 2L22 20z" fill="none" stroke="blue" stroke-width="2"/><circle cx="18" cy="6" r="6" fill="orange"/></g>',
    masked('<g opacity=".6"><circle cx="7" cy="7" r="4" fill="#fff"/></g>'),
    mask('<path d="M0 0h1v1z" fill="#fff"/>', 'maskContentUnits="objectBoundingBox"') + '<circle cx="12" cy="12" r="9" fill="green" transform="rotate(20 12 12)" mask="url(#m)"/>',
    mask('<rect width="24" height="24" fill="#fff"/>', 'width=".5" height=".5" x=".25" y=".25"') + '<circle cx="12" cy="12" r="9" fill="green" mask="url(#m)"/>',
    mask('<circle cx="12" cy="12" r="9" fill="#fff" stroke="#000" stroke-width="4"/>') + '<rect width="24" height="24" fill="purple" mask="url(#m)"/>',
]


@pytest.mark.parametrize("body", LIKE, ids=range(len(LIKE)))
def test_masked_shape_looks_the_same(assert_alike, body):
    assert_alike(body, "resvg")


def test_what_is_inside_a_mask_is_counted_and_what_closes_a_circle_is_left_out(parsed, drawn):
    assert parsed(masked(left('fill="#fff"') + "<text>a</text>")).unsupported["text"] == 1
    body = masked('<rect width="7" height="24" fill="#fff" mask="url(#m)"/>') + DOT
    assert drawn(body) == drawn(masked('<rect width="7" height="24" fill="#fff"/>') + DOT) and parsed(body).unsupported == {"circular reference": 1}
