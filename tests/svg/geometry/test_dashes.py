# ruff: noqa: E501 - tables of SVG text
"""Dashes as sub-paths: attributes of a line from (2, 2) to (22, 2), the sub-paths drawn, and why (SVG 2, 13.5.6)."""

import numpy as np
import pytest

from svgfusion_lib.svg.geometry.dashes import MAX_DASHES, dash_path
from svgfusion_lib.svg.geometry.paths import CLOSE, MOVE, parse_path

RED = 'fill="none" stroke="#f00"'


def line(attributes: str, data: str = "M2 2H22") -> str:
    return f'<path d="{data}" {RED} {attributes}/>'


DASHES = [
    ("dash and gap", line('stroke-dasharray="6 4"'), "M2 2H8M12 2H18"),
    ("the last is cut short", line('stroke-dasharray="8,4"'), "M2 2H10M14 2H22"),
    ("one length: gaps are as long", line('stroke-dasharray="5"'), "M2 2H7M12 2H17"),
    ("three lengths: an even number after doubling", line('stroke-dasharray="4 2 3"'), "M2 2H6M8 2H11M15 2H17M20 2H22"),
    ("offset starts later in the pattern", line('stroke-dasharray="6 4" stroke-dashoffset="3"'), "M2 2H5M9 2H15M19 2H22"),
    ("offset into a gap", line('stroke-dasharray="6 4" stroke-dashoffset="8"'), "M4 2H10M14 2H20"),
    ("a negative offset", line('stroke-dasharray="6 4" stroke-dashoffset="-2"'), "M4 2H10M14 2H20"),
    ("an offset of more than a pattern", line('stroke-dasharray="6 4" stroke-dashoffset="23"'), "M2 2H5M9 2H15M19 2H22"),
    ("units and percent of the viewport", line('stroke-dasharray="6px 25%"'), "M2 2H8M14 2H20"),
    ("by CSS, inherited", f'<g style="stroke-dasharray:6 4">{line("")}</g>', "M2 2H8M12 2H18"),
    ("pathLength scales dashes and offset", line('stroke-dasharray="3 2" pathLength="10"'), "M2 2H8M12 2H18"),
    ("around a corner", line('stroke-dasharray="6 4"', "M2 2H6V14"), "M2 2H6V4M6 8V14"),
    ("each sub-path begins anew", line('stroke-dasharray="6 4"', "M2 2H10M2 6H10"), "M2 2H8M2 6H8"),
    ("the closing line too", line('stroke-dasharray="8 4"', "M2 2H10V10H2Z"), "M2 2H10M10 6V10H6M2 10V2"),
    ("solid: none", line('stroke-dasharray="none"'), "M2 2H22"),
    ("solid: only 0", line('stroke-dasharray="0 0"'), "M2 2H22"),
    ("solid: a negative length is an error", line('stroke-dasharray="4 -2"'), "M2 2H22"),
    ("solid: a word", line('stroke-dasharray="a b"'), "M2 2H22"),
    ("gaps of 0 leave a line in pieces", line('stroke-dasharray="10 0"'), "M2 2H12M12 2H22"),
]


LAYERS = [
    ("dashes of no length are dots where caps show them", line('stroke-dasharray="0 10" stroke-linecap="round"', "M2 2H21"),
     [f'<path d="M2 2H2.01M12 2H12.01" {RED} stroke-linecap="round"/>']),
    ("a fill is a layer of its own", '<rect x="2" y="2" width="8" height="8" stroke="red" stroke-dasharray="8 4"/>',
     ['<rect x="2" y="2" width="8" height="8"/>', f'<path d="M2 2H10M10 6V10H6M2 10V2" {RED}/>']),
    ("dashes scale with the shape", line('stroke-dasharray="3 2" transform="scale(2)"', "M1 1H11"),
     [f'<path d="M2 2H8M12 2H18" {RED} stroke-width="2"/>']),
    *((why, body, [f'<path d="{data}" {RED}/>']) for why, body, data in DASHES),
]


@pytest.mark.parametrize(("why", "body", "expected"), LAYERS, ids=[why for why, *_ in LAYERS])
def test_dashes(drawn, why, body, expected):
    assert drawn(body) == expected


@pytest.mark.parametrize("body", [
    line('stroke-dasharray="3 2" stroke-width="2"', "M2 12C2 0 22 24 22 12"),
    '<circle cx="12" cy="12" r="8" fill="none" stroke="blue" stroke-width="3" stroke-dasharray="4 2 1" stroke-dashoffset="1"/>',
    '<rect x="4" y="4" width="16" height="12" rx="4" fill="#ff0" stroke="blue" stroke-dasharray="3 1"/>',
    line('stroke-dasharray="2 3" stroke-linecap="round" stroke-width="2"', "M2 12a10 8 0 0 1 20 0"),
])
def test_dashes_look_the_same(assert_alike, body):
    assert_alike(body, "resvg")


def test_dashes_are_counted_and_too_many_are_left_solid(parsed):
    assert parsed(line('stroke-dasharray="6 4"')).approximated == {"dashes as sub-paths": 1}
    result = parsed(line('stroke-dasharray=".01 .01"'))
    assert result.unsupported == {"stroke-dasharray": 1} and len(result.rows) == 4


@pytest.mark.parametrize("data", ["M0 0H100", "M0 0C30 60 60 -60 90 0", "M0 0h30v40h-30z", "M0 0A40 20 10 1 1 50 30"])
@pytest.mark.parametrize("offset", [0.0, 4.0, 17.5, -3.0])
def test_dashes_have_their_share_of_the_length(data, offset):
    """Dashes of 5 and gaps of 3: dash lengths add up to the dashed share of the whole length."""
    path = parse_path(data)
    whole = length_of(path)
    position = np.linspace(0, whole, 20001)[:-1] + offset
    expected = whole * ((position % 8) < 5).mean()
    assert length_of(dash_path(path, [5.0, 3.0], offset, 0.0)) == pytest.approx(expected, rel=3e-3)


def length_of(path) -> float:
    """Length of a path, approximated by many straight pieces."""
    s = np.linspace(0, 1, 201)[:, None]
    total = 0.0
    for code, start, (first, second, end) in zip(path.codes, path.starts(), path.points):
        if code == MOVE:
            continue
        if code in (1, CLOSE):
            first, second = start + (end - start) / 3, end - (end - start) / 3
        points = (1 - s) ** 3 * start + 3 * s * (1 - s) ** 2 * first + 3 * s**2 * (1 - s) * second + s**3 * end
        total += float(np.hypot(*np.diff(points, axis=0).T).sum())
    return total


def test_more_dashes_than_rows_are_worth_are_refused():
    assert dash_path(parse_path("M0 0H100"), [0.1, 0.1], 0.0, 0.0) is None
    assert (dash_path(parse_path(f"M0 0H{MAX_DASHES}"), [0.5, 0.5], 0.0, 0.0).codes == MOVE).sum() == MAX_DASHES
