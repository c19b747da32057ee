# ruff: noqa: E501 - tables of SVG text
"""Clip paths: the remaining shape, and that it looks the same (CSS Masking 1)."""


import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry.clipping import rectangle_of
from svgfusion_lib.svg.geometry.paths import parse_path

SQUARE = '<rect x="2" y="2" width="10" height="10"{}/>'
LEFT = '<rect width="7" height="24"/>'
STROKE = '<path d="M2 5h10" fill="none" stroke="red" stroke-width="{}" clip-path="url(#c)"/>'
WHOLE = ['<rect x="2" y="2" width="10" height="10"/>']
HALF = ['<path d="M2 2H7V12H2Z"/>']
DOT, DOT_DRAWN = '<rect width="1" height="1"/>', '<rect x="0" y="0" width="1" height="1"/>'


def clip(content: str, attributes: str = "", name: str = "c") -> str:
    return f'<clipPath id="{name}" {attributes}>{content}</clipPath>'


def clipped(content: str, attributes: str = "", own: str = "") -> str:
    return clip(content, attributes) + SQUARE.format(f' clip-path="url(#c)" {own}')


CLIPS = [
    ("a rect around it cuts nothing", clipped('<rect width="24" height="24"/>'), WHOLE),
    ("a rect as large as it cuts nothing", clipped('<rect x="2" y="2" width="10" height="10"/>'), WHOLE),
    ("another shape around it cuts nothing", clipped('<circle cx="7" cy="7" r="9"/>'), WHOLE),
    ("a path that is a rect cuts nothing", clipped('<path d="M0 0h24v24H0z"/>'), WHOLE),
    ("a rect through it", clipped(LEFT), HALF),
    ("a shape beside it hides it", clipped('<rect x="15" width="3" height="3"/>') + DOT, [DOT_DRAWN]),
    ("an empty clip hides all", clipped("") + DOT, [DOT_DRAWN]),
    ("a clip of shapes of no size too", clipped('<rect width="0" height="5"/>') + DOT, [DOT_DRAWN]),
    ("and one of hidden shapes", clipped(LEFT.replace("/>", ' visibility="hidden"/>') + LEFT.replace("/>", ' display="none"/>')) + DOT, [DOT_DRAWN]),
    ("a clip that is not there cuts nothing", SQUARE.format(' clip-path="url(#c)"'), WHOLE),
    ("nor does what is no clipPath", '<g id="c"/>' + SQUARE.format(' clip-path="url(#c)"'), WHOLE),
    ("none", SQUARE.format(' clip-path="none"'), WHOLE),
    ("by CSS", clip(LEFT) + f'<style>.k{{clip-path:url("#c")}}</style><g class="k">{SQUARE.format("")}</g>', HALF),
    ("of a group", clip(LEFT) + f'<g clip-path="url(#c)">{SQUARE.format("")}</g>', HALF),
    ("is not inherited twice", clip('<rect x="1" y="1" width="6" height="22"/>') + f'<g clip-path="url(#c)" transform="translate(1)"><g>{SQUARE.format("")}</g></g>', ['<path d="M3 2H8V12H3Z"/>']),
    ("of a use", clip(LEFT) + f'<defs>{SQUARE.format(" id=|a|").replace("|", chr(34))}</defs><use href="#a" clip-path="url(#c)"/>', HALF),
    ("two groups: both cut", clip(LEFT) + clip('<rect width="24" height="7"/>', "", "d") + f'<g clip-path="url(#c)"><g clip-path="url(#d)">{SQUARE.format("")}</g></g>', ['<path d="M2 2H7V7H2Z"/>']),
    ("in the user space of what is clipped", clipped('<rect width="3" height="24"/>', "", 'transform="translate(2 2)"'), ['<path d="M4 4H5V14H4Z"/>']),
    ("transform of the clipPath", clipped(LEFT, 'transform="translate(2)"'), ['<path d="M2 2H9V12H2Z"/>']),
    ("transform of the shape in it", clipped(LEFT.replace("/>", ' transform="translate(2)"/>')), ['<path d="M2 2H9V12H2Z"/>']),
    ("objectBoundingBox", clipped('<rect width=".5" height="1"/>', 'clipPathUnits="objectBoundingBox"'), HALF),
    ("objectBoundingBox of a group: the box around it all", clip('<rect width=".5" height="1"/>', 'clipPathUnits="objectBoundingBox"') + f'<g clip-path="url(#c)">{SQUARE.format("")}<rect x="12" y="20" width="8" height="1"/></g>', ['<path d="M2 2H11V12H2Z"/>']),
    ("objectBoundingBox of no shapes", clip('<rect width=".5" height="1"/>', 'clipPathUnits="objectBoundingBox"') + f'<g clip-path="url(#c)"/>{SQUARE.format("")}', WHOLE),
    ("use in it", f'<defs><path id="r" d="M0 0h5v24h-5z"/></defs>{clipped("<use href=|#r| x=|2|/>".replace("|", chr(34)))}', HALF),
    ("a clip-path on the clipPath", clip('<rect width="24" height="7"/>', "", "d") + clipped(LEFT, 'clip-path="url(#d)"'), ['<path d="M2 2H7V7H2Z"/>']),
    ("a clip-path on the shape in it", clip('<rect width="24" height="7"/>', "", "d") + clipped(LEFT.replace("/>", ' clip-path="url(#d)"/>')), ['<path d="M2 2H7V7H2Z"/>']),
    ("groups in it are not allowed", clipped(f"<g>{LEFT}</g>") + DOT, [DOT_DRAWN]),
    ("strokes in it say nothing", clipped('<rect width="7" height="24" fill="none" stroke="red" stroke-width="9"/>'), HALF),
    ("neither do opacities", clipped('<rect width="7" height="24" opacity="0"/>'), HALF),
    ("two shapes: both show", clipped('<rect width="7" height="24"/><rect x="6" width="3" height="24"/>'), ['<path d="M2 2H9V12H2Z"/>']),
    ("a stroke is cut as its outline", clip(LEFT) + STROKE.format(2), ['<path d="M2 4H7V6H2Z" fill="#f00"/>']),
    ("a stroke of which only the width reaches out", clip('<rect width="24" height="6"/>') + STROKE.format(4), ['<path d="M2 3H12V6H2Z" fill="#f00"/>']),
    ("a stroke inside stays one", clip('<rect width="24" height="8"/>') + STROKE.format(2), ['<path d="M2 5H12" fill="none" stroke="#f00" stroke-width="2"/>']),
    ("what is cut keeps its paint", clipped(LEFT, "", 'fill="red" fill-opacity=".5"'), ['<path d="M2 2H7V12H2Z" fill="#f00" fill-opacity="0.5"/>']),
]


@pytest.mark.parametrize(("why", "body", "expected"), CLIPS, ids=[why for why, *_ in CLIPS])
def test_clip_path(drawn, why, body, expected):
    assert [*map(same_corners, drawn(body))] == [*map(same_corners, expected)]


def test_clip_path_of_the_root(drawn):
    (found,) = drawn(clip(LEFT) + SQUARE.format(""), 'viewBox="0 0 24 24" clip-path="url(#c)"')
    assert same_corners(found) == same_corners(HALF[0])


def same_corners(element: str) -> tuple:
    """An axis-aligned path as its set of corners, independent of start and direction."""
    if 'd="' not in element:
        return (element,)
    data = element.split('d="')[1].split('"')[0]
    corners = parse_path(data).points[:-1, 2].round(2)
    return element.replace(data, ""), sorted(set(map(tuple, corners.tolist())))


def test_evenodd_clip_leaves_a_frame(parsed):
    frame = '<path clip-rule="{}" d="M0 0h14v14h-14zM4 4h6v6h-6z"/>'
    rows = parsed(clipped(frame.format("evenodd"))).rows[1:-1]
    assert (rows[:, rf.COMMAND] == rf.SUBMOVE).sum() == 1 and area(rows) == pytest.approx(100 - 36)
    assert parsed(clipped(frame.format("nonzero"))).rows[1:-1][:, rf.ELEMENT].tolist() == [rf.RECT]


def area(rows: np.ndarray) -> float:
    """Area of axis-aligned polygons, with holes wound the other way, in units of a 24-unit canvas."""
    total = 0.0
    for ring in np.split(rows, np.flatnonzero(rows[:, rf.COMMAND] == rf.SUBMOVE)):
        x, y = ring[:, 8] * 12, ring[:, 9] * 12
        total += float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)
    return abs(total)


def test_clip_rule_is_inherited_from_the_clip_path(parsed):
    body = clipped('<path d="M0 0h14v14h-14zM4 4h6v6h-6z"/>', 'clip-rule="evenodd"')
    assert area(parsed(body).rows[1:-1]) == pytest.approx(64)


def test_fill_and_stroke_are_cut_apart(drawn):
    body = clip(LEFT) + SQUARE.format(' stroke="red" stroke-width="2" clip-path="url(#c)"')
    fill, stroke = drawn(body)
    assert same_corners(fill) == same_corners(HALF[0]) and 'fill="#f00"' in stroke and "stroke=" not in stroke


def test_gradient_of_what_is_cut_stays_where_it_was(drawn):
    gradient = '<linearGradient id="a"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>'
    assert 'x1="2" y1="2" x2="12" y2="2"' in drawn(gradient + clipped(LEFT, "", 'fill="url(#a)"'))[0]


LIKE = [
    # only the miter extends outside
    clip('<rect y="3" width="24" height="21"/>') + '<path d="M6 20L12 6L18 20" fill="none" stroke="red" stroke-width="4" clip-path="url(#c)"/>',
    clipped('<circle cx="7" cy="7" r="5.5"/>'),
    clipped('<circle cx="12" cy="12" r="6"/><circle cx="4" cy="4" r="3"/>', "", 'fill="red" stroke="blue" stroke-width="3"'),
    clipped('<path clip-rule="evenodd" d="M0 0h14v14h-14zM4 4h6v6h-6z" transform="rotate(10)"/>'),
    clipped(LEFT, 'transform="rotate(20) translate(1 -2)"'),
    clip('<ellipse cx=".5" cy=".5" rx=".5" ry=".4"/>', 'clipPathUnits="objectBoundingBox"') + '<path d="M2 4L22 8L8 22z" fill="red" clip-path="url(#c)"/>',
    clip('<circle cx="12" cy="12" r="8"/>') + '<g clip-path="url(#c)"><path d="M0 4C9 24 12 -4 24 20" fill="none" stroke="blue" stroke-width="5"/><circle cx="18" cy="9" r="6" fill="orange"/></g>',
    clip('<path d="M12 2L22 22H2z"/>') + '<circle cx="12" cy="14" r="8" fill="none" stroke="red" stroke-width="3" stroke-dasharray="3 2" clip-path="url(#c)"/>',
]


@pytest.mark.parametrize("body", LIKE, ids=range(len(LIKE)))
def test_clipped_shape_looks_the_same(assert_alike, body):
    assert_alike(body, "resvg")


COUNTED = [
    (SQUARE.format(' clip-path="circle(5px)"'), {"clip-path by a CSS shape": 1}),
    (clipped(LEFT + "<text>a</text>"), {"text in a clip-path": 1}),
    (clipped(LEFT), {}), (SQUARE.format(' clip-path="url(#missing)"'), {}),
]


@pytest.mark.parametrize(("body", "counted"), COUNTED)
def test_clips_that_cannot_be_applied_are_counted(parsed, body, counted):
    assert parsed(body).unsupported == counted


@pytest.mark.parametrize("body", [
    clip(LEFT, 'clip-path="url(#c)"') + SQUARE.format(' clip-path="url(#c)"'),
    clip(LEFT, 'clip-path="url(#d)"') + clip(LEFT, 'clip-path="url(#c)"', "d") + SQUARE.format(' clip-path="url(#c)"'),
])
def test_what_closes_a_circle_of_clips_is_left_out(parsed, drawn, body):
    assert parsed(body).unsupported == {"circular reference": 1}
    assert drawn(body) == drawn(clip(LEFT) + SQUARE.format(' clip-path="url(#c)"'))


# --- the parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "box"), [
    ("M0 0h4v3h-4z", (0, 0, 4, 3)), ("M4 3V0H0V3z", (0, 0, 4, 3)), ("M0 0h4v3h-4L0 0", (0, 0, 4, 3)), ("M0 0h4v3h-4", (0, 0, 4, 3)),
    ("M0 0h4v3z", None), ("M0 0h4v3h-3z", None), ("M0 0L4 3L4 0L0 3z", None), ("M0 0h4v3h-2v-1h-2z", None), ("M2 0L4 2L2 4L0 2z", None),
    ("M0 0h4v3h-4zM5 5h1v1h-1z", None), ("M0 0C1 0 2 0 4 0V3H0z", None),
])
def test_rectangle_of(data, box):
    assert rectangle_of(parse_path(data)) == box
