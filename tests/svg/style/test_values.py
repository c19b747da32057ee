# ruff: noqa: E501 - tables of values
"""Lengths, numbers, math functions, url(): text -> value."""

import pytest

from svgfusion_lib.svg.style.values import (
    Units,
    absolute,
    is_length,
    parse_length,
    parse_number,
    parse_numbers,
    parse_url,
    split_list,
)

LENGTHS = [
    # reference 200, font size 10, root font size 20, document 300 x 150 pixels
    (None, -1), ("", -1), ("a", -1), ("3 4", -1), ("3foo", -1), ("nan", -1), ("inf", -1), ("--3", -1), ("3 px", -1),
    ("3", 3), (" 3 ", 3), ("-3.5", -3.5), ("+.5", 0.5), ("3.", -1), ("1e2", 100), ("1E-1", 0.1),
    ("3px", 3), ("3PX", 3), ("72pt", 96), ("6pc", 96), ("1in", 96), ("2.54cm", 96), ("25.4mm", 96), ("101.6Q", 96),
    ("2em", 20), ("2ex", 10), ("2rem", 40), ("2ch", 10), ("1.5e1em", 150), ("50%", 100), ("-10%", -20),
    ("10vw", 30), ("10vh", 15), ("10vmin", 15), ("10vmax", 30), ("10svw", 30),
    # CSS Values 4, section 10
    ("calc(1px + 2px)", 3), ("calc(50% - 2em)", 80), ("calc(2 * (1px + 3px))", 8), ("calc(10px / 4)", 2.5), ("min(5px, 50%, 8px)", 5),
    ("max(5px, 50%)", 100), ("clamp(1px, 50%, 30px)", 30), ("calc(1px*2 + 3px*4)", 14), ("calc(abs(-3px))", 3), ("CALC(1PX)", 1),
    ("calc(10px - 2px - 3px)", 5), ("calc(10px - (2px - 3px))", 11),
    ("calc(1px+2px)", -1), ("calc(1 + 2px)", -1), ("calc(1px * 2px)", -1), ("calc(1px / 0)", 1e5), ("calc(NaN * 1px)", 0), ("calc()", -1), ("calc(1px", 1), ("min()", -1),
    ("calc(1px + )", -1), ("sin(1)", 0.84147098), ("calc(infinity * 1px)", 1e5), ("calc(" + "(" * 40 + "1px" + ")" * 40 + ")", -1),
]


@pytest.mark.parametrize(("text", "value"), LENGTHS, ids=[str(text)[:30] for text, _ in LENGTHS])
def test_length(text, value):
    text = None if text is None else absolute(text, Units(10, 20, (300, 150)))
    assert parse_length(text, 200, default=-1) == pytest.approx(value)


@pytest.mark.parametrize(("text", "attribute", "css"), [
    ("3", True, False), ("0", True, True), ("3px", True, True), ("3em", True, True), ("3%", True, True), ("3 px", False, False),
    ("3foo", False, False), ("calc(1em + 2%)", True, True), ("calc(3)", True, False), ("auto", False, False),
])
def test_lengths_of_attributes_and_of_css(text, attribute, css):
    assert (is_length(text, css=False), is_length(text, css=True)) == (attribute, css)


@pytest.mark.parametrize("text", ["1e9", "-1e300", "1e400", "1e8in"])
def test_length_that_no_viewer_draws_is_refused(text):
    with pytest.raises(ValueError, match="too large"):
        parse_length(text, 100)


@pytest.mark.parametrize(("text", "value"), [
    (None, 9), (".5", 0.5), ("50%", 0.5), (" 25% ", 0.25), ("2", 2), ("-1", -1), ("a", 9), ("1px", 9), ("", 9), ("calc(1 / 4)", 0.25),
    ("calc(50%)", 0.5), ("sin(30deg)", 0.5),
])
def test_number(text, value):
    assert parse_number(text, 9) == pytest.approx(value)


@pytest.mark.parametrize(("text", "numbers"), [
    ("", []), ("1 2", [1, 2]), ("1,2", [1, 2]), ("1-2", [1, -2]), ("1.5.5", [1.5, 0.5]), ("+1+2", [1, 2]),
    (" 1 , 2\n3 ", [1, 2, 3]), ("1e1-2e-1", [10, -0.2]), ("1 2 x 3", [1, 2]), ("1,,2", [1]), ("1px 1in", []), ("1 2foo 3", [1]),
])
def test_numbers_up_to_an_error(text, numbers):
    assert parse_numbers(text) == pytest.approx(numbers)


@pytest.mark.parametrize(("text", "found"), [
    ("url(#a)", ("a", "")), (" url( '#a' ) ", ("a", "")), ('url("#a") red', ("a", "red")), ("url(#a)none", ("a", "none")),
    ("url(b.svg#a)", ("", "")), ("url(http://x/y.svg#a) #f00", ("", "#f00")), ("none", None), ("#a", None), ("url(#a", ("a", "")), ("url(#a b)", None), ("url('#a", ("a", "")), ("URL(#a)", ("a", "")),
    ("url(#a%20b)", ("a b", "")), ("url(#Fl%C3%A4che)", ("Fläche", "")),
])
def test_url(text, found):
    assert parse_url(text) == found


@pytest.mark.parametrize(("text", "items"), [
    ("", []), ("1 2", ["1", "2"]), ("1,2 , 3", ["1", "2", "3"]), ("calc(1px + 2px) 3", ["calc(1px + 2px)", "3"]), ("a(b, c(d)) e", ["a(b, c(d))", "e"]),
])
def test_items_of_a_list(text, items):
    assert split_list(text) == items
