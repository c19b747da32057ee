# ruff: noqa: E501 - tables of SVG text
"""Strokes, opacities, what becomes two layers or an outline, and what is counted."""

import pytest

RED = 'fill="none" stroke="#f00"'


def line(attributes: str) -> str:
    return f'<path d="M2 2L9 9L9 2" {RED} {attributes}/>'


def written(attributes: str = "") -> list[str]:
    return [f'<path d="M2 2L9 9V2" {RED}{attributes and " "}{attributes}/>']


STROKES = [
    ("width 1 unless said", line(""), written()),
    ("width", line('stroke-width="2.5"'), written('stroke-width="2.5"')),
    ("width in units", line('stroke-width="1.5pt"'), written('stroke-width="2"')),
    ("width in percent of the diagonal", line('stroke-width="25%"'), written('stroke-width="6"')),
    ("width in em", line('font-size="4" stroke-width=".5em"'), written('stroke-width="2"')),
    ("a width that is none is 1", line('stroke-width="a"'), written()),
    ("width scales", '<g transform="scale(2)"><path d="M1 1L4.5 4.5V1" fill="none" stroke="red"/></g>', written('stroke-width="2"')),
    ("non-scaling-stroke", '<g transform="scale(2)"><path d="M1 1L4.5 4.5V1" fill="none" stroke="red" vector-effect="non-scaling-stroke"/></g>', written()),
    ("non-scaling-stroke of an uneven scale", '<path transform="scale(2 1)" d="M1 2L4.5 9V2" fill="none" stroke="red" vector-effect="non-scaling-stroke"/>', written()),
    *((f"cap {cap}", line(f'stroke-linecap="{cap}"'), written(f'stroke-linecap="{cap}"')) for cap in ("round", "square")),
    *((f"join {join}", line(f'stroke-linejoin="{join}"'), written(f'stroke-linejoin="{join}"')) for join in ("round", "bevel")),
    ("the usual cap and join", line('stroke-linecap="butt" stroke-linejoin="miter"'), written()),
    ("caps and joins that are none", line('stroke-linecap="a" stroke-linejoin="a"'), written()),
    ("joins of SVG 2 fall back to miter", line('stroke-linejoin="miter-clip"'), written()),
    ("stroke-opacity", line('stroke-opacity=".25"'), written('stroke-opacity="0.25"')),
    # the corner's angle is 45 degrees: its miter is 1 / sin(22.5) = 2.61 widths long
    ("a limit that cuts the corner makes a bevel", line('stroke-miterlimit="2.5"'), written('stroke-linejoin="bevel"')),
    ("a limit that does not cut it says nothing", line('stroke-miterlimit="2.7"'), written()),
    ("a limit below 1 is an error", line('stroke-miterlimit=".5"'), written()),
    ("a limit on a round join says nothing", line('stroke-linejoin="round" stroke-miterlimit="1"'), written('stroke-linejoin="round"')),
    ("a closed path has a corner where it closes", f'<path d="M2 2H9V9z" {RED} stroke-miterlimit="2"/>', [f'<path d="M2 2H9V9Z" {RED} stroke-linejoin="bevel"/>']),
    ("fill and stroke are one element", '<path d="M2 2h7v7z" stroke="red"/>', ['<path d="M2 2H9V9Z" stroke="#f00"/>']),
    ("paint-order: the stroke lies below", '<path d="M2 2h7v7z" stroke="red" paint-order="stroke"/>', [f'<path d="M2 2H9V9Z" {RED}/>', '<path d="M2 2H9V9Z"/>']),
    ("paint-order with markers first", '<path d="M2 2h7v7z" stroke="red" paint-order="markers stroke"/>', [f'<path d="M2 2H9V9Z" {RED}/>', '<path d="M2 2H9V9Z"/>']),
    ("paint-order: as usual", '<path d="M2 2h7v7z" stroke="red" paint-order="fill stroke"/>', ['<path d="M2 2H9V9Z" stroke="#f00"/>']),
    ("paint-order without a fill", line('paint-order="stroke"'), written()),
    ("paint-order of a primitive", '<circle cx="9" cy="9" r="3" stroke="red" style="paint-order:stroke fill"/>', [f'<circle cx="9" cy="9" r="3" {RED}/>', '<circle cx="9" cy="9" r="3"/>']),
    ("the fill rule of a stroke says nothing", '<path d="M2 2L9 9L9 2" fill="none" stroke="red" fill-rule="evenodd"/>', written()),
    ("fill-rule evenodd", '<path fill-rule="evenodd" d="M2 2h9v9z"/>', ['<path d="M2 2H11V11Z" fill-rule="evenodd"/>']),
    ("a fill rule that is none is nonzero", '<path fill-rule="odd" d="M2 2h9v9z"/>', ['<path d="M2 2H11V11Z"/>']),
]


DOT = '<rect width="1" height="1"/>'
UNSEEN = [
    ("no fill, no stroke", '<circle r="3" fill="none"/>'),
    ("stroke none", '<circle r="3" fill="none" stroke="none"/>'),
    ("a stroke of no width", '<circle r="3" fill="none" stroke="red" stroke-width="0"/>'),
    ("fill-opacity 0", '<circle r="3" fill-opacity="0"/>'),
    ("a transparent fill", '<circle r="3" fill="transparent"/>'),
    ("a transparent stroke", '<circle r="3" fill="none" stroke="#f000"/>'),
    ("opacity 0", '<circle r="3" opacity="0"/>'),
    ("opacity 0 of a group", '<g opacity="0"><circle r="3"/></g>'),
]


@pytest.mark.parametrize(("why", "body"), UNSEEN, ids=[why for why, _ in UNSEEN])
def test_unseen(drawn, parsed, why, body):
    assert drawn(body + DOT) == ['<rect x="0" y="0" width="1" height="1"/>']
    assert not parsed(body + DOT).unsupported


OPACITIES = [
    ("opacity of a fill in percent", '<circle r="3" fill-opacity="50%"/>', ['<circle cx="0" cy="0" r="3" fill-opacity="0.5"/>']),
    ("opacities multiply", '<g opacity=".5"><g opacity="50%"><circle r="3" fill-opacity=".8"/></g></g>', ['<circle cx="0" cy="0" r="3" fill-opacity="0.2"/>']),
    ("opacity of a use", '<defs><circle id="a" r="3"/></defs><g opacity=".5"><use href="#a" opacity=".5"/></g>', ['<circle cx="0" cy="0" r="3" fill-opacity="0.25"/>']),
    ("opacity above 1 is 1", '<circle r="3" opacity="2"/>', ['<circle cx="0" cy="0" r="3"/>']),
]
PAINTED = [*STROKES, *OPACITIES]


@pytest.mark.parametrize(("why", "body", "expected"), PAINTED, ids=[why for why, *_ in PAINTED])
def test_strokes_and_opacities(drawn, why, body, expected):
    assert drawn(body) == expected


def test_opacity_of_the_root(drawn):
    assert drawn('<circle r="3"/>', 'viewBox="0 0 24 24" opacity=".5"') == ['<circle cx="0" cy="0" r="3" fill-opacity="0.5"/>']


COUNTED = [
    # body, what is dropped, what is approximated
    ('<path d="M2 2h3v3" marker-end="url(#m)"/>', {}, {}),  # there is none
    # 50 x 50 tiles: over the limit per shape
    ('<pattern id="p" width=".02" height=".02"><rect width="9" height="9"/></pattern><rect width="24" height="24" fill="url(#p)"/>', {"pattern": 1}, {}),
    ('<rect width="3" height="3" fill="url(other.svg#p)"/>', {"paint from outside the file": 1}, {}),
    ('<rect width="3" height="3" fill="url(#missing)"/>', {}, {}),
    ('<g opacity=".5"><circle r="3"/><circle r="2"/></g>', {}, {"opacity of overlapping shapes in a group": 1}),
    ('<g opacity=".5"><circle r="1"/><circle cx="9" r="2"/></g>', {}, {}),
    ('<g opacity=".5"><circle r="3"/></g>', {}, {}),
    ('<circle r="3" stroke="red" opacity=".5"/>', {}, {"opacity of a fill under its stroke": 1}),
    ('<circle r="3" stroke="red" stroke-opacity=".5" fill-opacity=".5"/>', {}, {}),
    ('<path d="M2 2L9 3L2 4L9 9" stroke="red" fill="none" stroke-miterlimit="5"/>', {}, {}),
    # corners of 16 and 61 degrees: miters of 7.1 and 2.0 widths; a limit of 10 wants both, the usual of 4 the second only
    ('<path d="M2 2L9 3L2 4L4 2" stroke="red" fill="none" stroke-miterlimit="10"/>', {}, {"stroke-miterlimit": 1}),
    ('<path d="M2 2h9" stroke="red" stroke-dasharray="2"/>', {}, {"dashes as sub-paths": 1}),
    ('<path d="M2 2h9v9" fill="none" stroke="red" transform="scale(2 1)"/>', {}, {"uneven stroke as its outline": 1}),
    ('<path d="M2 2h9v9x"/>', {}, {"path data with an error": 1}),
]


@pytest.mark.parametrize(("body", "missing", "approximated"), COUNTED, ids=[body for body, *_ in COUNTED])
def test_what_is_not_shown_as_it_is_is_counted(parsed, body, missing, approximated):
    result = parsed(body + DOT)
    assert result.unsupported == missing and result.approximated == approximated


@pytest.mark.parametrize("body", [
    '<path d="M3 4L9 20L14 4" transform="scale(1.5 1)" fill="#fc0" stroke="blue" stroke-width="2"/>',
    '<circle cx="6" cy="12" r="4" transform="scale(2 1)" fill="none" stroke="blue" stroke-width="2"/>',
    '<path d="M3 4L9 18L14 4" transform="skewX(15)" fill="none" stroke="blue" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>',
    '<path d="M2 20L10 4L18 20" fill="none" stroke="blue" stroke-width="3" stroke-miterlimit="1"/>',
    '<path d="M4 4h14v14z" fill="red" stroke="blue" stroke-width="4" paint-order="stroke" stroke-linejoin="round"/>',
    '<path d="M3 12h12" transform="scale(1.5 .5)" fill="none" stroke="blue" stroke-width="6" stroke-dasharray="2 1"/>',
])
def test_stroke_looks_the_same(assert_alike, body):
    assert_alike(body, "resvg")
