# ruff: noqa: E501 - tables of values
"""Lengths, numbers, opacities, colours, url(): text -> value, and why."""

import pytest

from svgfusion_lib.svg.values import parse_colour, parse_length, parse_numbers, parse_opacity, parse_url

LENGTHS = [
    # of a reference of 200 and a font of 10
    (None, -1), ("", -1), ("a", -1), ("3 4", -1), ("3foo", -1), ("nan", -1), ("inf", -1), ("calc(1px)", -1), ("--3", -1),
    ("3", 3), (" 3 ", 3), ("-3.5", -3.5), ("+.5", 0.5), ("3.", 3), ("1e2", 100), ("1E-1", 0.1),
    ("3px", 3), ("3PX", 3), ("72pt", 96), ("6pc", 96), ("1in", 96), ("2.54cm", 96), ("25.4mm", 96), ("101.6Q", 96),
    ("2em", 20), ("2ex", 10), ("2rem", 20), ("2ch", 10), ("1.5e1em", 150), ("50%", 100), ("-10%", -20),
]


@pytest.mark.parametrize(("text", "value"), LENGTHS, ids=[str(text) for text, _ in LENGTHS])
def test_length(text, value):
    assert parse_length(text, 200, default=-1, font_size=10) == pytest.approx(value)


@pytest.mark.parametrize("text", ["1e9", "-1e300", "1e400", "1e8in"])
def test_length_that_no_viewer_draws_is_refused(text):
    with pytest.raises(ValueError, match="too large"):
        parse_length(text, 100)


@pytest.mark.parametrize(("text", "value"), [
    (None, 1), (".5", 0.5), ("50%", 0.5), (" 25% ", 0.25), ("2", 1), ("-1", 0), ("150%", 1), ("a", 1), ("1px", 1), ("", 1),
])
def test_opacity(text, value):
    assert parse_opacity(text) == value


@pytest.mark.parametrize(("text", "numbers"), [
    ("", []), ("1 2", [1, 2]), ("1,2", [1, 2]), ("1-2", [1, -2]), ("1.5.5", [1.5, 0.5]), ("+1+2", [1, 2]),
    (" 1 , 2\n3 ", [1, 2, 3]), ("1e1-2e-1", [10, -0.2]), ("1 2 x 3", [1, 2]), ("1,,2", [1]), ("1px 1in", [1, 96]), ("1 2foo 3", [1]),
])
def test_numbers_up_to_an_error(text, numbers):
    assert parse_numbers(text) == pytest.approx(numbers)


COLOURS = [
    ("red", (255, 0, 0, 1)), ("RED", (255, 0, 0, 1)), ("rebeccapurple", (102, 51, 153, 1)), ("transparent", (0, 0, 0, 0)),
    ("#f80", (255, 136, 0, 1)), ("#F808", (255, 136, 0, 136 / 255)),
    ("#336699", (51, 102, 153, 1)), ("#33669980", (51, 102, 153, 128 / 255)),
    ("rgb(51,102,153)", (51, 102, 153, 1)), ("rgb(51 102 153)", (51, 102, 153, 1)), ("rgb(20%, 40%, 60%)", (51, 102, 153, 1)),
    ("rgb(300,-5,0)", (255, 0, 0, 1)), ("rgba(51,102,153,.5)", (51, 102, 153, 0.5)), ("rgb(51 102 153 / 50%)", (51, 102, 153, 0.5)),
    ("hsl(120,100%,50%)", (0, 255, 0, 1)), ("hsl(210deg 50% 40%)", (51, 102, 153, 1)), ("hsla(0,100%,50%,.25)", (255, 0, 0, 0.25)),
    ("hwb(120 0% 0%)", (0, 255, 0, 1)), (" red ", (255, 0, 0, 1)), ("red icc-color(a, 1)", (255, 0, 0, 1)),
]


@pytest.mark.parametrize(("text", "rgba"), COLOURS, ids=[text for text, _ in COLOURS])
def test_colour(text, rgba):
    r, g, b, alpha = parse_colour(text)
    assert (r * 255, g * 255, b * 255, alpha) == pytest.approx(rgba, abs=1e-6)


@pytest.mark.parametrize("text", ["", "none", "reddish", "#12", "#12345", "#ggg", "rgb(1,2)", "hsl(a)", "url(#a)", "red blue", "12"])
def test_no_colour(text):
    assert parse_colour(text) is None


def test_current_colour_stays_a_word():
    assert parse_colour("currentColor") == parse_colour("CURRENTCOLOR") == "currentcolor"


@pytest.mark.parametrize(("text", "found"), [
    ("url(#a)", ("a", "")), (" url( '#a' ) ", ("a", "")), ('url("#a") red', ("a", "red")), ("url(#a)none", ("a", "none")),
    ("url(b.svg#a)", ("", "")), ("url(http://x/y.svg#a) #f00", ("", "#f00")), ("none", None), ("#a", None), ("url(#a", None),
])
def test_url(text, found):
    assert parse_url(text) == found
