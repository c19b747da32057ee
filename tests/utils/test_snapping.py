"""Snapping moves what is nearly on the grid, and nothing else."""

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.snapping import snap_rows
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="black">'
STEP = 0.5 / 12  # half a unit of a 24 x 24 icon


@pytest.mark.parametrize(
    ("body", "expected", "why"),
    [
        ('<path d="M3.9 4.1L12.1 19.95"/>', "M4 4L12 20", "ends of lines"),
        ('<path d="M3.9 4.25H12"/>', "M4 4.25L12 4.25", "y is midway between two lines: it stays"),
        ('<path d="M4.1 4C4.1 6 9.9 8 9.9 12"/>', "M4 4C4 6 10 8 10 12", "controls move with their ends"),
        ('<path d="M4.1 4L12 4L12 12Z"/>', "M4 4H12V12Z", "a close ends where the sub-path began"),
        ('<circle cx="12.1" cy="11.9" r="8.95"/>', 'cx="12" cy="12" r="9"', "centre and radius"),
        ('<circle cx="12" cy="12" r="0.1"/>', 'r="0.1"', "a dot does not vanish"),
        ('<circle cx="12" cy="12" r="9" stroke-width="2.03"/>', 'stroke-width="2"', "a width"),
        ('<circle cx="12" cy="12" r="9" stroke-width="0.02"/>', 'stroke-width="0.02"', "a hairline does not vanish"),
        ('<rect x="3.1" y="3" width="17.9" height="18.1" rx="2.05"/>', 'width="18" height="18" rx="2"', "a box"),
    ],
)
def test_snap_rows_moves_to_the_grid(body, expected, why):
    svg = rows_to_svg(snap_rows(parse_svg(f"{HEAD}{body}</svg>").rows, STEP))
    plain = rows_to_svg(parse_svg(f'{HEAD}<path d="{expected}"/></svg>').rows) if expected[0] == "M" else None
    wanted = plain.split('d="')[2].split('"')[0] if plain else expected  # the second d=: after id=
    assert wanted in svg, why


def test_snap_rows_leaves_an_icon_on_the_grid_alone():
    rows = parse_svg(f'{HEAD}<path d="M5 12H3l9-9l9 9h-2M5 12v7h14v-7"/><circle cx="12" cy="6" r="2"/></svg>').rows
    assert np.allclose(snap_rows(rows, STEP), rows, atol=1e-6)
    assert snap_rows(rows, STEP) is not rows and rows[0, rf.ELEMENT] == rf.BOS


def test_snap_rows_refuses_an_impossible_reach():
    with pytest.raises(ValueError, match="reach"):
        snap_rows(np.zeros((2, rf.NUM_COLUMNS)), STEP, reach=0.7)
