"""The row format against a second, handwritten description."""

import re
from itertools import product

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf

# Every pair that draws: the kinds of its 8 geometry columns, and which of them a decoder is trained on.
TABLE = [
    ("path", "move", "......xy", "      **"),
    ("path", "submove", "......xy", "      **"),
    ("path", "line", "xy....xy", "      **"),
    ("path", "cubic", "xyxyxyxy", "  ******"),
    ("path", "arc", "xyxy..xy", "  **  **"),
    ("path", "close", "xy....xy", "        "),
    ("rect", "none", "xyllll..", "******  "),
    ("circle", "none", "xyl.....", "***     "),
    ("ellipse", "none", "xyll....", "****    "),
    ("fill_gradient", "linear", "xyxy....", "****    "),
    ("stroke_gradient", "linear", "xyxy....", "****    "),
    ("fill_gradient", "radial", "xyxyllxy", "********"),
    ("stroke_gradient", "radial", "xyxyllxy", "********"),
    ("fill_gradient", "stop", "xy......", "**      "),
    ("stroke_gradient", "stop", "xy......", "**      "),
]
PAIRS = {(element, command): (kinds, free) for element, command, kinds, free in TABLE}


def test_vocabularies_keep_their_order():
    """Caches and checkpoints store ids: append new words, and raise VERSION if one moves."""
    assert rf.VERSION == 3
    assert " ".join(rf.ELEMENTS) == "<PAD> <BOS> <EOS> path rect circle ellipse fill_gradient stroke_gradient"
    assert " ".join(rf.COMMANDS) == "none move submove line cubic close linear radial stop arc"
    assert rf.CAPS == ("butt", "round", "square") and rf.JOINS == ("miter", "round", "bevel")
    assert rf.FILL_RULES == ("nonzero", "evenodd")


def test_ids_are_places_in_the_vocabularies():
    for ids, words in ((rf.ELEMENT_ID, rf.ELEMENTS), (rf.COMMAND_ID, rf.COMMANDS)):
        assert [words[number] for number in ids.values()] == list(words) == list(ids)
    named = {"PAD": "<PAD>", "BOS": "<BOS>", "EOS": "<EOS>"}
    for constant in ("PAD", "BOS", "EOS", "PATH", "RECT", "CIRCLE", "ELLIPSE", "FILL_GRADIENT", "STROKE_GRADIENT"):
        assert rf.ELEMENTS[getattr(rf, constant)] == named.get(constant, constant.lower())
    for constant in ("NONE", "MOVE", "SUBMOVE", "LINE", "CUBIC", "CLOSE", "LINEAR", "RADIAL", "STOP", "ARC"):
        assert rf.COMMANDS[getattr(rf, constant)] == constant.lower()
    assert [rf.ELEMENTS[element] for element in rf.GRADIENTS] == ["fill_gradient", "stroke_gradient"]


def test_columns_follow_each_other_without_a_gap():
    columns = list(range(rf.NUM_COLUMNS))
    whole = [
        [rf.ELEMENT], [rf.COMMAND], columns[rf.GEOMETRY], columns[rf.FILL], columns[rf.STROKE], [rf.STROKE_WIDTH],
        [rf.CAP], [rf.JOIN], [rf.FILL_RULE],
    ]
    assert sum(whole, []) == columns
    assert [len(part) for part in whole] == [1, 1, rf.NUM_GEOMETRY, 4, 4, 1, 1, 1, 1]
    assert columns[rf.STYLE] == sum(whole[3:], []) and len(columns[rf.STYLE]) == rf.NUM_STYLE
    assert columns[rf.GEOMETRY][rf.END_POINT] == [8, 9]  # the last two of the geometry columns


def test_columns_are_those_of_the_description():
    (numbers,) = re.findall(r"^ +column +(.*)$", rf.__doc__, re.MULTILINE)
    assert numbers.split() == ["0", "1", "2..9", "10..13", "14..17", "18", "19", "20", "21"]
    places = [(part.start, part.stop - 1) for part in (rf.GEOMETRY, rf.FILL, rf.STROKE, rf.STYLE, rf.END_POINT)]
    assert places == [(2, 9), (10, 13), (14, 17), (10, 21), (6, 7)]  # END_POINT is within the geometry


def test_arguments_are_those_of_the_table():
    assert {pair: kinds for pair, (kinds, _) in PAIRS.items()} == rf.ARGUMENTS


def test_every_pair_of_ids_draws_what_the_table_says_or_nothing():
    for (element, name), (command, other) in product(enumerate(rf.ELEMENTS), enumerate(rf.COMMANDS)):
        kinds, free = PAIRS.get((name, other), ("." * rf.NUM_GEOMETRY, " " * rf.NUM_GEOMETRY))
        for kind, table in zip("xyl", (rf.IS_X, rf.IS_Y, rf.IS_LENGTH), strict=True):
            assert table[element, command].tolist() == [k == kind for k in kinds]
        assert rf.free_arguments()[element, command].tolist() == [mark == "*" for mark in free]


@pytest.mark.parametrize("table", [rf.IS_X, rf.IS_Y, rf.IS_LENGTH, rf.free_arguments()])
def test_tables_have_a_place_for_every_pair(table):
    assert table.shape == (len(rf.ELEMENTS), len(rf.COMMANDS), rf.NUM_GEOMETRY) and table.dtype == bool


def test_a_mask_that_is_changed_changes_no_other():
    """Each call builds new tables, so edits have no side effects."""
    rf.free_arguments()[rf.RECT, rf.NONE, 0] = False
    assert rf.free_arguments()[rf.RECT, rf.NONE, 0]


@pytest.mark.parametrize("kinds", [(3,), (3, 5), (0, 3, 8)])
def test_ids_are_found_among_a_few_kinds(kinds):
    ids = np.arange(9)
    np.testing.assert_array_equal(rf.is_one_of(ids, kinds), np.isin(ids, kinds))
    np.testing.assert_array_equal(rf.is_one_of(ids.reshape(3, 3) + 0.5, kinds), np.zeros((3, 3), dtype=bool))
