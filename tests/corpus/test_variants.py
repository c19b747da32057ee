import pytest

from svgfusion_lib.corpus.filters import base_name, surplus_variants
from svgfusion_lib.corpus.records import Record

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
