"""Moved rows render like an SVG transform of the original; boxes enclose what is drawn."""

import numpy as np
import pytest

from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.placement import affine, drawn_box
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of

SAME = 0.08  # mean absolute difference of two renderings, of 255
BLOB = "M4 12C4 2 20 3 20 9S9 8 12 14S19 22 12 21z"
DRAWINGS = {
    "hole": '<path d="M3 3H21V21H3ZM7 8V17H16C16 12 12 8 7 8Z" fill="#063"/>',
    "strokes": f'<path d="{BLOB}M4 5L20 7L9 20" fill="none" stroke="#226" stroke-width="3" stroke-linejoin="round"/>',
    "arcs": '<path d="M4 12A8 8 0 0 1 20 12A4 4 0 0 0 12 12z" fill="#06c"/>',
    "primitives": '<rect x="3" y="4" width="9" height="5" rx="1" fill="#2a4" stroke="#000"/>'
    '<circle cx="17" cy="8" r="4" fill="#e80"/><ellipse cx="8" cy="17" rx="5" ry="3" fill="none" stroke="#08f"/>',
    "gradients": '<linearGradient id="a" gradientUnits="userSpaceOnUse" x1="5" x2="16"><stop stop-color="red"/>'
    '<stop offset="1"/></linearGradient><radialGradient id="b" fx=".3" fy=".6"><stop offset=".2" stop-color="red"/>'
    f'<stop offset="1" stop-color="lime"/></radialGradient><path d="{BLOB}" fill="url(#b)"/>'
    '<path d="M4 4L20 7L9 20Z" fill="none" stroke="url(#a)" stroke-width="3"/>',
}


def picture(rows, transform="scale(1)"):
    """Rendering [96, 96, 3] of the rows as SVG, inside a group with a transform.

    The SVG is large because the writer rounds; pixels average 16 because cairo flattens curves to 1/10 pixel.
    """
    opening, rest = rows_to_svg(rows, size=2400).split(">", 1)
    rest = rest.replace("</svg>", "</g></svg>")
    pixels = render_svg(f'{opening}><g transform="{transform}">{rest}', 4 * 96).astype(float)
    return pixels.reshape(96, 4, 96, 4, 3).mean(axis=(1, 3))


@pytest.mark.parametrize(("move", "transform"), [
    (lambda rows: affine(rows, 0.7, np.array([0.1, -0.15])), "translate(480 180) scale(.7)"),
    (lambda rows: affine(rows, 1.2, np.zeros(2)), "translate(-240 -240) scale(1.2)"),
], ids=["smaller", "larger"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_picture_moves_like_a_transform(name, move, transform):
    rows = rows_of(DRAWINGS[name])
    before = rows.copy()
    result = move(rows)
    np.testing.assert_array_equal(rows, before)
    assert result.dtype == rows.dtype
    np.testing.assert_allclose(sanitize_rows(result), result, atol=1e-6)
    assert np.abs(picture(result) - picture(rows, transform)).mean() < SAME
    assert np.abs(picture(result) - picture(rows)).mean() > 2 * SAME


@pytest.mark.parametrize(("body", "low", "high"), [
    ('<path d="M4 4L20 7L9 20Z" fill="#c30"/>', (4, 4), (20, 20)),
    ('<path d="M4 4L20 7L9 20" fill="none" stroke="red" stroke-width="2"/>', (3, 3), (21, 21)),  # half the stroke
    ('<path d="M4 4C4 12 20 12 20 4" fill="red"/>', (4, 4), (20, 10)),  # the curve, not its controls
    ('<path d="M12 4C30 4 -6 12 12 12" fill="red"/>', (6.804, 4), (17.196, 12)),  # 12 -+ 3 sqrt(3)
    ('<path d="M4 12A8 8 0 0 1 12 4z" fill="red"/>', (4, 4), (12, 12)),
    ('<rect x="3" y="4" width="9" height="5" fill="red"/>', (3, 4), (12, 9)),
    ('<ellipse cx="12" cy="10" rx="5" ry="3" fill="red" stroke="red" stroke-opacity="0"/>', (7, 7), (17, 13)),
    ('<circle cx="12" cy="10" r="5" fill="none" stroke="red"/>', (6.5, 4.5), (17.5, 15.5)),
    ('<linearGradient id="a" x1="-9" x2="9"><stop stop-color="red"/><stop offset="1"/></linearGradient>'
     '<path d="M4 4H20V20z" fill="url(#a)"/>', (4, 4), (20, 20)),  # gradients may lie anywhere
])
def test_drawn_box(body, low, high):
    np.testing.assert_allclose(np.array(drawn_box(rows_of(body))) * 12 + 12, (low, high), 1e-3)


def test_nothing_has_no_box_and_a_scale_of_0_is_refused():
    rows = rows_of(DRAWINGS["hole"])
    np.testing.assert_array_equal(drawn_box(rows[[0, -1]]), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="scale"):
        affine(rows, 0, np.zeros(2))
