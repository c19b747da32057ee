import pytest

from svgfusion_lib.corpus import phrases
from svgfusion_lib.corpus.captions import split_of
from svgfusion_lib.corpus.phrases import (
    MAX_CAPTIONS,
    allowed_keywords,
    article,
    colour_phrase,
    compose_captions,
    noun_phrase,
)

HELD_OUT = "a b off"  # by its hash, as tests/corpus/test_captions.py pins it


@pytest.mark.parametrize(("phrase", "expected"), [
    ("heart", "a heart"), ("umbrella", "an umbrella"), ("hourglass", "an hourglass"), ("unicorn", "a unicorn"),
    ("user", "a user"), ("euro", "a euro"), ("utensil", "a utensil"), ("one way", "a one way"), ("onion", "an onion"),
])
def test_article(phrase, expected):
    assert article(phrase) == expected


@pytest.mark.parametrize(("name", "expected"), [
    ("shopping cart", "a shopping cart"),
    ("scissors", "scissors"),            # a plural
    ("glass", "a glass"),
    ("arrow left", "arrow left"),        # no thing: a direction
    ("wifi off", "wifi off"),            # a state
    ("dice 2", "dice 2"),                # a number
    ("letter x", "letter x"),
    ("man running", "man running"),      # an action
    ("ring", "a ring"),
    ("flag japan", "the flag of japan"),
    ("flag in hole", "a flag in hole"),
    ("brand new", "a brand new"),        # a logo in line packs only
    ("women wrestling", "women wrestling"),
    ("judge medium dark skin tone", "a judge with medium dark skin tone"),
])
def test_noun_phrase(name, expected):
    assert noun_phrase(name, "emoji") == expected


@pytest.mark.parametrize(("name", "colours", "expected"), [
    ("bee", ("yellow", "black"), "a yellow and black bee"), ("apple", ("orange",), "an orange apple"),
    ("glasses", ("blue",), "blue glasses"), ("heart", (), ""), ("red heart", ("red",), ""),
    ("flag japan", ("white",), ""),
    ("judge dark skin tone", ("brown",), ""),
])
def test_colour_phrase(name, colours, expected):
    assert colour_phrase(name, colours) == expected


def test_captions_of_a_line_icon():
    assert compose_captions("shopping cart", "tabler", "line", (), ("store",), ("trolley, lucide style",)) == (
        "shopping cart, tabler style", "shopping cart", "trolley, lucide style", "a shopping cart",
        "an icon of a shopping cart", "shopping cart, tabler line icon", "store, tabler style",
    )


def test_logos_and_styles_that_say_the_kind():
    assert compose_captions("brand github", "tabler", "line")[2:4] == ("the github logo", "an icon of the github logo")
    assert "bee, solar line duotone icon" in compose_captions("bee", "solar line duotone", "line")


def test_captions_of_an_emoji():
    assert compose_captions("bee", "noto", "emoji", ("yellow", "black")) == (
        "bee, noto style", "bee", "a bee", "a yellow and black bee", "an icon of a bee", "bee, noto emoji",
    )


def test_captions_are_few_and_differ():
    words = [f"word{letter}" for letter in "abcdefgh"]
    captions = compose_captions("bee", "noto", "emoji", ("red",), words, [f"{word}, twemoji style" for word in words])
    assert len(set(captions)) == len(captions) == MAX_CAPTIONS
    assert captions[:2] == ("bee, noto style", "bee")


def test_no_held_out_name_in_captions_to_train_on(monkeypatch):
    assert split_of(HELD_OUT) == "held_out"
    assert allowed_keywords("x", ["off a b", "bee", "bee", "X"], "train") == ("bee",)
    assert allowed_keywords("x", ["off a b", "bee"], "held_out") == ("off a b", "bee")
    monkeypatch.setattr(phrases, "split_of", lambda text, numbered: "held_out" if text == "red heart" else "train")
    assert "a red heart" not in compose_captions("heart", "noto", "emoji", ("red",))
    assert "a red heart" in compose_captions("heart", "noto", "emoji", ("red",), split="held_out")
    assert "a blue heart" in compose_captions("heart", "noto", "emoji", ("blue",))
