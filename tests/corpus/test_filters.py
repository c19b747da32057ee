import numpy as np
import pytest

from svgfusion_lib.corpus.filters import (
    DUPLICATE_THRESHOLD,
    PICTURE_SIZE,
    TINY,
    PictureIndex,
    base_name,
    clean_rows,
    drop_invisible,
    drop_outside,
    merge_tiny_segments,
    surplus_variants,
)
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of, svg


def picture(body, colour="black"):
    return render_svg_by_resvg(svg(body, f'fill="none" stroke="{colour}" stroke-width="2"'), PICTURE_SIZE)


CLOCK = '<circle cx="12" cy="12" r="9"/><path d="M12 7v5{}"/>'


@pytest.mark.parametrize(("one", "other", "expected", "why"), [
    (picture(CLOCK.format("l3 3")), picture(CLOCK.format("l3.05 2.96")), True, "moved by a hair"),
    (picture(CLOCK.format("l3 3")), picture(CLOCK.format("l3 -3")), False, "another time"),
    (picture('<path d="M5 12h14"/>'), picture('<path d="M5 12h14M12 5v14"/>'), False, "minus and plus"),
    (picture('<path d="M5 12h14"/>', "red"), picture('<path d="M5 12h14"/>', "blue"), False, "another colour"),
    (picture('<path d="M5 12h14"/>', "#eee"), picture('<path d="M5 16h14"/>', "#eee"), False, "pale, and elsewhere"),
    (picture(""), picture(""), True, "both blank"),
])
def test_nearly_the_same(one, other, expected, why):
    index = PictureIndex()
    index.add(one)
    assert (index.find(other) is not None) == expected, why


def test_the_filter_loses_nothing():
    """Same result as comparing all pairs, for pictures at all distances."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (12, PICTURE_SIZE, PICTURE_SIZE, 3))
    noise = rng.normal(size=(90, PICTURE_SIZE, PICTURE_SIZE, 3)) * rng.uniform(0, 40, (90, 1, 1, 1))
    pictures = np.clip(base[rng.integers(12, size=90)] + noise, 0, 255).astype(np.uint8)
    index = PictureIndex()
    found = 0
    for i, each in enumerate(pictures):
        best = min(((slow_difference(each, other), k) for k, other in enumerate(pictures[:i])), default=(1, 0))
        result = index.find(each)
        assert (result is not None) == (best[0] < DUPLICATE_THRESHOLD)
        if result is not None:
            found += 1
            assert result[0] == best[1] and result[1] == pytest.approx(best[0], abs=1e-5)
        assert index.add(each) == i
    assert len(index) == 90 and 5 < found < 85


def slow_difference(one, other):
    def strongest(values):
        return max((values[y : y + 4, x : x + 4] ** 2).mean() for y in range(0, 32, 4) for x in range(0, 32, 4)) ** 0.5

    ink, other_ink = ((255.0 - p) / 255 for p in (one, other))
    return strongest(ink - other_ink) / max(strongest(ink), strongest(other_ink))


# --- invisible parts ---------------------------------------------------------------------------------

def test_a_clean_drawing_stays_the_object_that_it_is():
    rows = rows_of('<path fill="red" d="M2 2h9v9z"/><circle cx="16" cy="16" r="4" fill="white"/>')
    assert clean_rows(rows) is rows


def test_what_lies_outside_goes_and_the_next_sub_path_begins_the_path():
    shapes = '<circle cx="-9" cy="2" r="3"/><rect x="20" width="9" height="9"/>'
    rows = rows_of(f'<path fill="red" d="M40 2h9v9z M2 2h9v9z"/>{shapes}')
    left = drop_outside(rows)
    assert left[1, rf.COMMAND] == rf.MOVE and np.isin(left[1:-1, rf.ELEMENT], (rf.PATH, rf.RECT)).all()
    picture = render_svg_by_resvg(rows_to_svg(rows), 64)
    assert (render_svg_by_resvg(rows_to_svg(left), 64) == picture).all() and len(left) < len(rows)


def test_a_gradient_goes_with_its_shape():
    gradient = '<defs><linearGradient id="a"><stop stop-color="red"/><stop offset="1"/></linearGradient></defs>'
    rows = rows_of(f'{gradient}<rect x="30" width="9" height="9" fill="url(#a)"/><rect width="9" height="9"/>')
    assert rf.FILL_GRADIENT in rows[:, rf.ELEMENT]
    assert drop_outside(rows)[:, rf.ELEMENT].tolist() == [rf.BOS, rf.RECT, rf.EOS]


def test_tiny_segments_join_the_next_until_they_are_long_enough():
    steps = "".join(f"l{TINY * 12 / 2} 0" for _ in range(8))  # each half of the minimum length kept
    rows = rows_of(f'<path fill="red" d="M2 2{steps}v9z"/>')
    left = merge_tiny_segments(rows)
    lines = left[left[:, rf.COMMAND] == rf.LINE]
    assert np.ptp(lines[:-1].reshape(-1, 22)[:, [2, 8]], axis=1).min() >= TINY - 1e-6
    assert len(left) < len(rows) and (left[2:-1, 2:4] == left[1:-2, 8:10]).all()
    dot = rows_of('<path fill="none" stroke="red" d="M2 2h.01"/>')
    assert (merge_tiny_segments(dot) == dot).all()


@pytest.mark.parametrize("cover", ['fill="red"', 'fill="red" fill-opacity="0.5"'])
def test_what_is_covered_goes_only_if_no_pixel_changes(cover):
    rows = rows_of(f'<circle cx="9" cy="9" r="3" fill="blue"/><rect x="2" y="2" width="14" height="14" {cover}/>')
    left = drop_invisible(rows)
    assert len(left) == len(rows) - ("opacity" not in cover)
    assert left[-2, rf.ELEMENT] == rf.RECT


# --- variants ----------------------------------------------------------------------------------------

TONES = ("light", "medium light", "medium", "medium dark", "dark")


@pytest.mark.parametrize(("name", "expected"), [
    ("woman cook medium-dark skin tone", "cook"), ("man cook", "cook"), ("cook", "cook"), ("person running", "running"),
    ("woman", "woman"), ("woman light skin tone", "woman"), ("women with bunny ears", "with bunny ears"),
    ("dark mode", "dark mode"),
])
def test_base_name(name, expected):
    assert base_name(name) == expected


def records(*names, pack="noto", style="noto"):
    return [Record(f"{i}.svg", name, pack, (f"{name}, {style} style",)) for i, name in enumerate(names)]


def kept(given, limit):
    surplus = surplus_variants(given, limit)
    return [record.name for i, record in enumerate(given) if i not in surplus]


def test_the_neutral_person_comes_first():
    cooks = [f"{who} {tone} skin tone" for who in ("cook", "man cook", "woman cook") for tone in TONES]
    given = records(*cooks, "man cook", "person cook", "woman cook", "cook", "heart")
    assert kept(given, 1) == ["cook", "heart"]
    assert kept(given, 2) == ["person cook", "cook", "heart"]
    three = kept(given, 3)
    assert len(three) == 4 and set(kept(given, 2)) < set(three) < set(kept(given, 4))
    assert kept(given, 99) == [record.name for record in given]


def test_the_choice_depends_on_names_alone():
    given = records(*(f"cook {tone} skin tone" for tone in TONES))
    assert sorted(kept(given, 2)) == sorted(kept(given[::-1], 2))


def test_drawings_of_one_name_packs_and_styles_are_no_variants():
    given = records("search", "search", "search", "cookie", "cookie man")
    given += records("cook dark skin tone", pack="twemoji") + records("cook dark skin tone", style="noto bold")
    assert surplus_variants(given, 2) == set()
    assert surplus_variants(given, 1) == {4}
