"""Augmentations are checked by drawing: the same picture, or the picture that an SVG transform gives."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from svgfusion_lib.errors import UserError
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils import augment as au
from svgfusion_lib.utils.augment import Augmentation
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
STROKE = 'fill="none" stroke="#226" stroke-width="3"'
SAME = 0.08  # mean absolute difference of two renderings, of 255; see test_a_wrong_picture_is_noticed
BLOB = "M4 12C4 2 20 3 20 9S9 8 12 14S19 22 12 21z"

DRAWINGS = {
    "triangle": '<path d="M4 4L20 7L9 20Z" fill="#c30"/>',
    "end on the start": '<path d="M4 4L20 7L9 20L4 4Z" fill="#c30"/>',
    "blob": f'<path d="{BLOB}" fill="#a3c"/>',
    "hole": '<path d="M3 3H21V21H3ZM7 8V17H16C16 12 12 8 7 8Z" fill="#063"/>',
    "evenodd": '<path fill-rule="evenodd" d="M12 2L18 21L2 9H22L6 21zM12 8a4 4 0 1 0 .1 0" fill="#06c"/>',
    "miter": f'<path d="M4 5L20 7L9 20Z" {STROKE}/>',
    "round": f'<path d="M4 5L20 7L9 20Z" {STROKE} stroke-linejoin="round" stroke-linecap="round"/>',
    "bevel": f'<path d="M4 5H19V19H4L4 5Z" {STROKE} stroke-linejoin="bevel" stroke-linecap="square"/>',
    "stroked blob": f'<path d="{BLOB}" {STROKE}/>',
    "open, butt": f'<path d="M4 5L20 7L9 20" {STROKE}/>',
    "open, round": f'<path d="M4 5L20 7C18 18 9 6 9 20" {STROKE} stroke-linecap="round" stroke-linejoin="round"/>',
    "open, square": f'<path d="M4 5L20 7L9 20M4 10V20" {STROKE} stroke-linecap="square" stroke-linejoin="bevel"/>',
    "open and filled": '<path d="M4 5L20 7L9 20" fill="#fc0" stroke="#000" stroke-width="2"/>',
    "open and closed": f'<path d="M3 3H21M5 8L19 9L10 20Z" {STROKE}/>',
    "dots": f'<path d="M6 6h.01M18 6V6M12 18Z" {STROKE} stroke-linecap="round"/>',
    "there and back": f'<path d="M5 5L18 16Z" {STROKE} stroke-linejoin="round"/>',
    "primitives": '<rect x="3" y="4" width="9" height="5" fill="#2a4" stroke="#000"/>'
    '<circle cx="17" cy="8" r="4" fill="#e80"/><ellipse cx="8" cy="17" rx="5" ry="3" fill="none" stroke="#08f"/>'
    '<path d="M14 14H22V20Z" fill="#808" fill-opacity=".5"/>',
    "rounded": '<rect x="3" y="4" width="9" height="12" rx="2" ry="4" fill="#2a4"/>',
    "straight cubic": f'<path d="M4 5C8 5 10 5 20 5C20 9 18 9 20 20" {STROKE}/>',
    "gradients": '<linearGradient id="a" gradientUnits="userSpaceOnUse" x1="5" x2="16"><stop stop-color="red"/>'
    '<stop offset="1"/></linearGradient><radialGradient id="b" fx=".3" fy=".6"><stop offset=".2" stop-color="red"/>'
    f'<stop offset="1" stop-color="lime"/></radialGradient><path d="{BLOB}" fill="url(#b)"/>'
    '<path d="M4 4L20 7L9 20Z" fill="none" stroke="url(#a)" stroke-width="3"/>',
}


def drawing(name, closes=False):
    """Rows of a drawing. Its paths without a stroke close by `close` rows, or by themselves."""
    rows = parse_svg(f'{HEAD}<g stroke="#f0f">{DRAWINGS[name]}</g></svg>').rows
    filled = np.isclose(rows[:, 14:17], (1, 0, 1)).all(axis=1) & (rows[:, rf.ELEMENT] < rf.FILL_GRADIENT)
    rows[filled, 14:21] = 0  # that stroke was to keep the `close` rows
    return rows if closes else rows[~(filled & (rows[:, rf.COMMAND] == rf.CLOSE))]


def framed(*rows):
    """Rows [L, 22] of rows [K, 22] or [22], with <BOS> and <EOS>."""
    ends = np.zeros((2, rf.NUM_COLUMNS), dtype=np.float32)
    ends[:, rf.ELEMENT] = rf.BOS, rf.EOS
    return np.concatenate([ends[:1], *(np.atleast_2d(r) for r in rows), ends[1:]]).astype(np.float32)


def row(element, command, geometry, fill=(0, 0, 0, 0), stroke=(0, 0, 0, 0), width=0.0):
    return np.array([element, command, *geometry, *fill, *stroke, width, 0, 0, 0], dtype=np.float32)


def rng(seed=0):
    return np.random.default_rng(seed)


def picture(rows, transform="scale(1)"):
    """Rendering [96, 96, 3] of the rows as SVG, inside a group with a transform.

    The SVG is large because the writer rounds; pixels are means of 16 because cairo flattens curves to 1/10 of one.
    """
    opening, rest = rows_to_svg(rows, size=2400).split(">", 1)
    rest = rest.replace("</svg>", "</g></svg>")
    pixels = render_svg(f'{opening}><g transform="{transform}">{rest}', 4 * 96).astype(float)
    return pixels.reshape(96, 4, 96, 4, 3).mean(axis=(1, 3))


def difference(a, b):
    return np.abs(a - b).mean()


def assert_valid(rows, original):
    assert rows.dtype == original.dtype and rows[0, rf.ELEMENT] == rf.BOS and rows[-1, rf.ELEMENT] == rf.EOS
    np.testing.assert_allclose(sanitize_rows(rows), rows, atol=1e-6)


KEEPING = {
    "rotate_start": au.rotate_start,
    "split_segments": lambda rows, rng: au.split_segments(rows, rng, 0.7),
    "line_to_cubic": lambda rows, rng: au.line_to_cubic(rows, rng, 0.7),
    "cubic_to_line": lambda rows, rng: au.cubic_to_line(rows),
    "all": Augmentation(line_rate=0.5, start_rate=1.0, split_rate=0.5, cubic_rate=0.5),
}


@pytest.mark.parametrize("closes", [False, True], ids=["closes itself", "close rows"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_picture_stays(name, closes):
    rows = drawing(name, closes)
    wanted = picture(rows)
    for seed, (what, augment) in enumerate([*KEEPING.items()] * 2):
        result = augment(rows, rng(seed))
        np.testing.assert_array_equal(rows, drawing(name, closes))
        np.testing.assert_array_equal(result, augment(rows, rng(seed)))
        assert difference(picture(result), wanted) < SAME, what
        assert_valid(result, rows)


def test_a_wrong_picture_is_noticed():
    """What SAME is worth: an end a quarter of a unit of 24 off, a control half a unit, or a line less, is more."""
    rows = drawing("blob")
    for column, step in ((4, 0.05), (7, 0.02), (8, 0.02), (9, 0.02)):
        wrong = rows.copy()
        wrong[3, column] += step
        assert difference(picture(wrong), picture(rows)) > SAME
    stroked = drawing("miter")
    assert difference(picture(np.delete(stroked, -2, axis=0)), picture(stroked)) > 10 * SAME  # no close


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("name", ["triangle", "end on the start"])
def test_rotate_start_reaches_every_corner(name, closes):
    def ends(rows):
        return [tuple(np.round(r[8:10] * 12 + 12, 3) + 0.0) for r in rows[1:-1]]

    results = [au.rotate_start(drawing(name, closes), rng(seed)) for seed in range(30)]
    seen = {ends(result)[0]: result for result in results}
    assert set(seen) == {(4, 4), (20, 7), (9, 20)}
    for start, expected in (((20, 7), [(20, 7), (9, 20), (4, 4)]), ((9, 20), [(9, 20), (4, 4), (20, 7)])):
        assert ends(seen[start]) == expected + [start] * closes  # the line back is left to the closing
        assert seen[start][1, rf.COMMAND] == rf.MOVE and not seen[start][1, 2:8].any()
        np.testing.assert_array_equal(seen[start][2:-1, 2:4], seen[start][1:-2, 8:10])


def test_rotate_start_keeps_the_closing_line_before_a_curve():
    start = row(rf.PATH, rf.MOVE, (0,) * 8, fill=(1, 0, 0, 1))
    rows = framed(start, row(rf.PATH, rf.CUBIC, (0, 0, 0.5, 0, 0.5, 0.5, 0, 0.5), fill=(1, 0, 0, 1)))
    moved = next(r for r in (au.rotate_start(rows, rng(seed)) for seed in range(9)) if len(r) == 5)
    assert moved[1:-1, rf.COMMAND].tolist() == [rf.MOVE, rf.LINE, rf.CUBIC]
    np.testing.assert_allclose(moved[2, rf.GEOMETRY], (0, 0.5, 0, 0, 0, 0, 0, 0))
    np.testing.assert_array_equal(moved[1:-1, rf.STYLE], np.stack([start[rf.STYLE]] * 3))
    assert all(len(au.rotate_start(rows, rng(s), room=0)) == 4 for s in range(9))


@pytest.mark.parametrize(("name", "same"), [
    ("open, butt", None), ("open and filled", None), ("dots", None), ("primitives", 4), ("open and closed", 3),
])
def test_rotate_start_leaves_open_sub_paths_alone(name, same):
    rows = drawing(name)
    results = [au.rotate_start(rows, rng(seed)) for seed in range(9)]
    assert all(np.array_equal(result[:same], rows[:same]) for result in results)
    assert same is None or any(not np.array_equal(result[same], rows[same]) for result in results)
    assert all(result[same or 1, rf.COMMAND] == rows[same or 1, rf.COMMAND] for result in results)


def test_split_segments_cuts_at_its_rate_and_within_its_room():
    rows = drawing("hole")
    for rate, room, added in ((1.0, None, 6), (0.0, None, 0), (1.0, 2, 2), (1.0, 0, 0)):
        assert len(au.split_segments(rows, rng(), rate, room)) == len(rows) + added
    np.testing.assert_array_equal(au.split_segments(drawing("dots"), rng()), drawing("dots"))


@pytest.mark.parametrize("name", DRAWINGS)
def test_cubic_to_line_undoes_line_to_cubic(name):
    rows = au.cubic_to_line(drawing(name))
    cubics = au.line_to_cubic(rows, rng())
    drawn = (rows[:, rf.COMMAND] == rf.LINE) & (rows[:, 8:10] != rows[:, 2:4]).any(axis=1)
    assert (cubics[drawn, rf.COMMAND] == rf.CUBIC).all()
    np.testing.assert_array_equal(au.cubic_to_line(cubics), rows)


@pytest.mark.parametrize(("geometry", "line", "why"), [
    ((0, 0, 0.1, 5e-5, 0.9, 0, 1, 0), True, "on the chord"),
    ((0, 0, 0, 0, 1, 0, 1, 0), True, "controls on the ends"),
    ((0, 0, 0.9, 0, 0.1, 0, 1, 0), True, "crossed within the chord: never runs back"),
    ((0, 0, 0.3, 3e-4, 0.9, 0, 1, 0), False, "beside the chord"),
    ((0, 0, -0.1, 0, 0.9, 0, 1, 0), False, "runs back at its start"),
    ((0, 0, 0.1, 0, 1.1, 0, 1, 0), False, "runs past its end"),
    ((0, 0, 0, 0, 0, 0, 0, 0), True, "a dot"),
    ((0, 0, 0.5, 0, 0.5, 0, 0, 0), False, "there and back"),
])
def test_cubic_to_line_takes_straight_curves(geometry, line, why):
    result = au.cubic_to_line(framed(row(rf.PATH, rf.MOVE, (0,) * 8), row(rf.PATH, rf.CUBIC, geometry)))[2]
    assert (result[rf.COMMAND] == rf.LINE) == line, why
    assert not line or (not result[4:8].any() and result[8:10].tolist() == list(geometry[6:8])), why


@pytest.mark.parametrize(("move", "transform"), [
    (lambda rows: au.affine(rows, 0.7, np.array([0.1, -0.15])), "translate(480 180) scale(.7)"),
    (lambda rows: au.affine(rows, 1.2, np.zeros(2)), "translate(-240 -240) scale(1.2)"),
    (au.mirror, "translate(2400 0) scale(-1 1)"),
], ids=["smaller", "larger", "mirror"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_picture_moves_like_a_transform(name, move, transform):
    rows = drawing(name)
    result = move(rows)
    np.testing.assert_array_equal(rows, drawing(name))
    assert_valid(result, rows)
    bound = 5 * SAME if name == "rounded" else SAME  # cairosvg: rounded corners that are not their own mirror image
    assert difference(picture(result), picture(rows, transform)) < bound
    assert name == "dots" or difference(picture(result), picture(rows)) > 2 * SAME


def gradient_rows():
    """A circle painted by a radial gradient, and a stroked line by a linear one."""
    red, blue, mean = (1, 0, 0, 0.5), (0, 0, 1, 1), (1 / 3, 0, 2 / 3, 0.75)
    return framed(
        row(rf.FILL_GRADIENT, rf.RADIAL, (0.1, 0.2, 0.5, 0.3, 0.25, 0.05, 0.15, 0.2), red, blue),
        row(rf.CIRCLE, rf.NONE, (0.1, 0.2, 0.4, 0, 0, 0, 0, 0), fill=mean),
        row(rf.STROKE_GRADIENT, rf.LINEAR, (-0.5, 0, 0.5, 0.1, 0, 0, 0, 0), red, blue),
        row(rf.PATH, rf.MOVE, (0, 0, 0, 0, 0, 0, -0.5, 0), stroke=mean, width=0.2),
        row(rf.PATH, rf.LINE, (-0.5, 0, 0, 0, 0, 0, 0.5, 0.5), stroke=mean, width=0.2),
    )


@pytest.mark.parametrize(("text", "low", "high", "why"), [
    ('<path d="M4 4L20 7L9 20Z" fill="#c30"/>', (4, 4), (20, 20), "points"),
    ('<path d="M4 4L20 7L9 20" fill="none" stroke="red" stroke-width="2"/>', (3, 3), (21, 21), "half the stroke"),
    ('<path d="M4 4C4 12 20 12 20 4" fill="red"/>', (4, 4), (20, 10), "a curve, not its controls"),
    ('<path d="M12 4C30 4 -6 12 12 12" fill="red"/>', (6.804, 4), (17.196, 12), "12 -+ 3 sqrt(3)"),
    ('<rect x="3" y="4" width="9" height="5" fill="red"/>', (3, 4), (12, 9), "a corner and a size"),
    ('<ellipse cx="12" cy="10" rx="5" ry="3" fill="red" stroke="red" stroke-opacity="0"/>', (7, 7), (17, 13), "radii"),
    ('<circle cx="12" cy="10" r="5" fill="none" stroke="red"/>', (6.5, 4.5), (17.5, 15.5), "a radius"),
])
def test_drawn_box(text, low, high, why):
    box = np.array(au.drawn_box(parse_svg(f"{HEAD}{text}</svg>").rows))
    np.testing.assert_allclose(box * 12 + 12, (low, high), 1e-3)
    # gradients lie anywhere
    np.testing.assert_allclose(au.drawn_box(gradient_rows()), ((-0.6, -0.2), (0.6, 0.6)), atol=1e-6)
    np.testing.assert_array_equal(au.drawn_box(framed()), np.zeros((2, 2)))


def test_augmentation_is_the_identity_by_default():
    rows = drawing("primitives")
    result = Augmentation()(rows, rng())
    np.testing.assert_array_equal(result, rows)
    assert not np.shares_memory(result, rows)


@pytest.mark.parametrize(("more", "longest"), [(None, 99), (4, 4), (0, 0), (-3, 0)])
def test_augmentation_bounds_its_rows(more, longest):
    rows = drawing("hole")
    augment = Augmentation(start_rate=1.0, split_rate=1.0, max_rows=None if more is None else len(rows) + more)
    most = max(len(augment(rows, rng(seed))) for seed in range(20))
    assert most <= len(rows) + longest and (more != 4 or most == len(rows) + 4)


@pytest.mark.parametrize("change", [{"start_rate": 1.5}, {"split_rate": -1}, {"cubic_rate": np.nan}])
def test_impossible_amounts_are_refused(change):
    with pytest.raises(UserError, match=next(iter(change))):
        Augmentation(**change)
    with pytest.raises(ValueError, match=r"\[L, 22\], got \[3, 5\]"):
        au.mirror(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="scale"):
        au.affine(framed(), 0, np.zeros(2))


COORDINATE = st.integers(-9, 9).map(lambda i: i / 10)
SEGMENT = st.tuples(st.sampled_from([rf.LINE, rf.LINE, rf.CUBIC]), st.tuples(*[COORDINATE] * 6))
SUB_PATH = st.tuples(st.tuples(COORDINATE, COORDINATE), st.lists(SEGMENT, min_size=1, max_size=5), st.booleans())


@st.composite
def paths(draw):
    """Valid rows of one path: sub-paths open or closed, with or without fill and stroke."""
    stroked, rows = draw(st.booleans()), []
    fill = (0.9, 0.3, 0.1, 0.0 if stroked and draw(st.booleans()) else 1.0)
    style = {"fill": fill, "stroke": (0, 0.2, 0.6, float(stroked)), "width": 0.1 * stroked}
    for start, segments, closed in draw(st.lists(SUB_PATH, min_size=1, max_size=3)):
        rows.append(row(rf.PATH, rf.SUBMOVE, (*[0] * 6, *start), **style))
        rows += [row(rf.PATH, command, (0, 0, *numbers), **style) for command, numbers in segments]
        rows += [row(rf.PATH, rf.CLOSE, (0,) * 8, **style)] * (closed and stroked)
    matrix = np.stack(rows)  # what sanitize_rows fills in and clears is still missing
    matrix[:, rf.CAP] = draw(st.integers(0, 2)) * stroked
    matrix[:, rf.JOIN] = draw(st.sampled_from([1, 2])) * stroked  # a miter may flip at its limit
    return sanitize_rows(framed(matrix))


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(paths(), st.integers(0, 2**32 - 1))
def test_any_path_keeps_its_picture_and_stays_valid(rows, seed):
    wanted = picture(rows)
    for augment in KEEPING.values():
        result = augment(rows, rng(seed))
        assert_valid(result, rows)
        assert difference(picture(result), wanted) < 2 * SAME
