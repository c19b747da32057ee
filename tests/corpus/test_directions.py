import numpy as np
import pytest

from svgfusion_lib.corpus.directions import allowed_moves, apply_move, move_words
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of

BODY = (
    '<rect x="2" y="4" width="9" height="5" rx="2" ry="1" fill="red"/><ellipse cx="17" cy="6" rx="4" ry="2"/>'
    '<path fill="none" stroke="blue" d="M3 15l6 2c1 1 2 4 0 5a4 4 0 0 0 6-2"/>'
    '<circle cx="19" cy="18" r="2" fill="url(#a)"/>'
    '<defs><radialGradient id="a"><stop stop-color="red"/><stop offset="1"/></radialGradient></defs>'
)
ROWS = rows_of(BODY)


@pytest.mark.parametrize(("name", "moves"), [
    ("arrow left", ["mirror", "flip", "turn"]), ("chevrons up", ["mirror", "flip", "turn"]), ("cat", ["mirror"]),
    ("panel left open", ["mirror"]), ("thumbs up", ["mirror"]),
    ("clock", []), ("arrow rotate left", []), ("bell off", []), ("letter a", []), ("seven circle", []), ("dice 2", []),
    ("brand github", []), ("github", []), ("flag left", []), ("forward", []), ("file text", []),
])
def test_what_may_be_moved(name, moves):
    assert allowed_moves(name, logos=frozenset({"github"})) == moves


def test_no_move_makes_a_name_that_may_not_be_said():
    assert allowed_moves("arrow left", lambda name: name != "arrow right") == ["flip", "turn"]


@pytest.mark.parametrize(("text", "mirrored", "flipped", "turned"), [
    ("arrow left, tabler style", "arrow right, tabler style", "arrow left, tabler style", "arrow up, tabler style"),
    ("arrow up right", "arrow up left", "arrow down right", "arrow down right"),
    ("a top left corner", "a top right corner", "a bottom left corner", "a top right corner"),
    ("arrows vertical", "arrows vertical", "arrows vertical", "arrows horizontal"),
    ("bright light", "bright light", "bright light", "bright light"),
])
def test_words_follow_the_move(text, mirrored, flipped, turned):
    assert [move_words(text, move) for move in ("mirror", "flip", "turn")] == [mirrored, flipped, turned]


@pytest.mark.parametrize(("move", "seen"), [
    ("mirror", lambda picture: picture[:, ::-1]), ("flip", lambda picture: picture[::-1]),
    ("turn", lambda picture: np.rot90(picture, k=-1)),
])
def test_the_picture_moves_with_the_rows(move, seen):
    record = Record("a.svg", "arrow left", "tabler", ("arrow left, tabler style",), moves=(move,), parts=("left",))
    before = ROWS.copy()
    after, rows = apply_move(record, ROWS, move)
    np.testing.assert_array_equal(ROWS, before)
    picture, now = (render_svg_by_resvg(rows_to_svg(each), 96).astype(int) for each in (ROWS, rows))
    assert np.abs(now - seen(picture)).mean() < 0.5 < np.abs(now - picture).mean()
    assert after.name == move_words("arrow left", move) and after.moves == ()


def test_a_record_says_what_is_seen_after_its_move():
    record = Record("a.svg", "arrow left", "tabler", ("arrow left, tabler style", "left arrow"), ("previous left",),
                    parts=("arrow", "left"), moves=("mirror",))
    after, rows = apply_move(record, ROWS, "mirror")
    assert (after.name, after.captions, after.parts) == (
        "arrow right", ("arrow right, tabler style", "right arrow"), ("arrow", "right"),
    )
    with pytest.raises(ValueError, match="turn is not allowed; its moves are mirror"):
        apply_move(record, ROWS, "turn")
