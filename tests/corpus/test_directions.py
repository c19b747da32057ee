import numpy as np
import pytest

from svgfusion_lib.corpus.directions import allowed_moves, moved, moved_words
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.utils.placement import mirror, quarter_turn
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
    assert [moved_words(text, move) for move in ("mirror", "flip", "turn")] == [mirrored, flipped, turned]


def test_four_turns_of_words_and_of_rows_change_nothing():
    words, rows = "arrow up right", ROWS
    for _ in range(4):
        words, rows = moved_words(words, "turn"), quarter_turn(rows)
    assert words == "arrow up right"
    np.testing.assert_allclose(rows, ROWS, atol=1e-6)


def test_the_picture_turns_with_the_rows():
    picture = render_svg_by_resvg(rows_to_svg(ROWS), 96).astype(int)
    turned = render_svg_by_resvg(rows_to_svg(quarter_turn(ROWS)), 96).astype(int)
    assert np.abs(turned - np.rot90(picture, k=-1)).mean() < 0.5 < np.abs(turned - np.rot90(picture)).mean()
    record = Record("a.svg", "arrow left", "tabler", ("arrow left, tabler style",), moves=("flip",), parts=("left",))
    flipped, rows = moved(record, ROWS, "flip")
    assert np.abs(render_svg_by_resvg(rows_to_svg(rows), 96).astype(int) - picture[::-1]).mean() < 0.5
    assert flipped.name == "arrow left" and flipped.moves == ()


def test_a_record_says_what_is_seen_after_its_move():
    record = Record("a.svg", "arrow left", "tabler", ("arrow left, tabler style", "left arrow"), ("previous left",),
                    parts=("arrow", "left"), moves=("mirror",))
    after, rows = moved(record, ROWS, "mirror")
    assert (after.name, after.captions, after.parts) == (
        "arrow right", ("arrow right, tabler style", "right arrow"), ("arrow", "right"),
    )
    np.testing.assert_array_equal(rows, mirror(ROWS))
    with pytest.raises(ValueError, match="no turn of it is true; its moves are mirror"):
        moved(record, ROWS, "turn")
