# ruff: noqa: E501 - tables of SVG text
"""Path data: every command, the grammar, errors (SVG 2, chapter 9)."""

import math
import re

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from svgfusion_lib.svg.geometry.paths import (
    CLOSE,
    CUBIC,
    LINE,
    MOVE,
    ellipse_path,
    parse_path,
    polygon_path,
    rounded_rect_path,
)

LETTERS = {MOVE: "M", LINE: "L", CUBIC: "C", CLOSE: "Z"}


def absolute(data: str) -> str:
    """The parsed path as M, L, C, Z with absolute coordinates, at most two decimals."""
    path = parse_path(data)
    parts = []
    for code, points in zip(path.codes.tolist(), path.points.tolist()):
        used = {CUBIC: points, CLOSE: []}.get(code, points[2:])
        parts.append(LETTERS[code] + " ".join(f"{round(v, 2) + 0:g}" for point in used for v in point))
    return "".join(parts)


COMMANDS = [
    # each command, absolute and relative; the pen is at (1, 2) before
    ("L", "M1 2L5 7", "M1 2L5 7"),
    ("l", "M1 2l4 5", "M1 2L5 7"),
    ("H", "M1 2H5", "M1 2L5 2"),
    ("h", "M1 2h4", "M1 2L5 2"),
    ("V", "M1 2V7", "M1 2L1 7"),
    ("v", "M1 2v5", "M1 2L1 7"),
    ("C", "M1 2C2 3 4 5 6 8", "M1 2C2 3 4 5 6 8"),
    ("c", "M1 2c1 1 3 3 5 6", "M1 2C2 3 4 5 6 8"),
    ("Q: controls at two thirds", "M1 2Q4 5 7 2", "M1 2C3 4 5 4 7 2"),
    ("q", "M1 2q3 3 6 0", "M1 2C3 4 5 4 7 2"),
    ("S mirrors the last control", "M1 2C1 4 3 4 4 3S8 0 9 2", "M1 2C1 4 3 4 4 3C5 2 8 0 9 2"),
    ("s", "M1 2c0 2 2 2 3 1s4-3 5-1", "M1 2C1 4 3 4 4 3C5 2 8 0 9 2"),
    ("S after S", "M0 0C0 1 1 1 2 0S5 2 6 0S9 1 9 0", "M0 0C0 1 1 1 2 0C3 -1 5 2 6 0C7 -2 9 1 9 0"),
    ("S after no cubic: the pen is the control", "M1 2L4 3S8 0 9 2", "M1 2L4 3C4 3 8 0 9 2"),
    ("S after a quadratic too", "M1 2Q4 5 7 2S8 0 9 2", "M1 2C3 4 5 4 7 2C7 2 8 0 9 2"),
    ("T mirrors the last control", "M0 0Q3 3 6 0T12 0", "M0 0C2 2 4 2 6 0C8 -2 10 -2 12 0"),
    ("t", "M0 0q3 3 6 0t6 0", "M0 0C2 2 4 2 6 0C8 -2 10 -2 12 0"),
    ("T after T mirrors the mirrored", "M0 0Q3 3 6 0T12 0T18 0", "M0 0C2 2 4 2 6 0C8 -2 10 -2 12 0C14 2 16 2 18 0"),
    ("T after no quadratic: a straight line", "M0 0L3 0T9 3", "M0 0L3 0C3 0 5 1 9 3"),
    ("A: a quarter is one cubic", "M0 5A5 5 0 0 1 5 0", "M0 5C0 2.24 2.24 0 5 0"),
    ("a", "M0 5a5 5 0 0 1 5-5", "M0 5C0 2.24 2.24 0 5 0"),
    ("A the other way round", "M0 5A5 5 0 0 0 5 0", "M0 5C2.76 5 5 2.76 5 0"),
    ("A the long way round", "M0 5A5 5 0 1 0 5 0", "M0 5C0 7.76 2.24 10 5 10C7.76 10 10 7.76 10 5C10 2.24 7.76 0 5 0"),
    ("A half way round", "M0 0A5 5 0 0 1 10 0", "M0 0C0 -2.76 2.24 -5 5 -5C7.76 -5 10 -2.76 10 0"),
    ("A: too small radii grow", "M0 0A1 1 0 0 1 10 0", "M0 0C0 -2.76 2.24 -5 5 -5C7.76 -5 10 -2.76 10 0"),
    ("A: negative radii are their amounts", "M0 5A-5-5 0 0 1 5 0", "M0 5C0 2.24 2.24 0 5 0"),
    ("A without a radius is a line", "M0 5A0 5 0 0 1 5 0", "M0 5L5 0"),
    ("A to where it is, nothing", "M0 5A5 5 0 0 1 0 5L3 3", "M0 5L0 5L3 3"),
    ("A turned by a right angle changes the radii's roles", "M0 4A4 8 90 0 1 8 0", "M0 4C0 1.79 3.58 0 8 0"),
    ("z", "M1 2h4v5z", "M1 2L5 2L5 7Z"),
    # grammar
    ("lineto implied after M", "M1 2 5 7 9 2", "M1 2L5 7L9 2"),
    ("lineto implied after m is relative", "m1 2 4 5 4-5", "M1 2L5 7L9 2"),
    ("the first m is absolute", "m1 2l1 1", "M1 2L2 3"),
    ("repeated arguments", "M1 2h1 2 3v1 1", "M1 2L2 2L4 2L7 2L7 3L7 4"),
    ("numbers glued by sign and point", "M9.9-8.5l.5.5-.5.25", "M9.9 -8.5L10.4 -8L9.9 -7.75"),
    ("exponents", "M1e1-2E0l+1e-1 5e+0", "M10 -2L10.1 3"),
    ("commas, lines and tabs", "M 1 , 2\n\tL5,7\r\n,9,2", "M1 2L5 7L9 2"),
    ("arc flags without separators", "M0 5a5 5 0 015-5", "M0 5C0 2.24 2.24 0 5 0"),
    ("arc flags, the end glued, repeated", "M0 5a5 5 0 0,15-5 5 5 0 105-5", "M0 5C0 2.24 2.24 0 5 0C5 2.76 7.24 5 10 5C12.76 5 15 2.76 15 0C15 -2.76 12.76 -5 10 -5"),
    ("after z the pen is at the sub-path's start", "M2 2h10v10zl-1 5h4z", "M2 2L12 2L12 12ZM2 2L1 7L5 7Z"),
    ("m after z counts from there", "M2 2h10v10zm1 1h4", "M2 2L12 2L12 12ZM3 3L7 3"),
    ("moves that draw nothing go", "M2 2M4 4m1 1h5M9 9", "M5 5L10 5"),
    ("z right after a move is a dot", "M2 2z", "M2 2L2 2"),
]


COMMANDS += [("no data are no error", data, "") for data in ("", "  \n")]


@pytest.mark.parametrize(("why", "data", "expected"), COMMANDS, ids=[why for why, *_ in COMMANDS])
def test_path_data(why, data, expected):
    assert absolute(data) == expected and not parse_path(data).broken


ERRORS = [
    # drawn up to the error (SVG 2, section 9.5.4)
    ("a letter that is none", "M2 2L9 2x L9 9", "M2 2L9 2"),
    ("a pair cut short: the whole pairs are drawn", "M2 2L9 2 9 9 5", "M2 2L9 2L9 9"),
    ("no arguments", "M2 2L9 2L L4 4", "M2 2L9 2"),
    ("two commas", "M2 2L9,,2L4 4", "M2 2"),
    ("a comma before a letter", "M2 2L9 2,L4 4", "M2 2L9 2"),
    ("a comma after a letter", "M2 2L9 2L,4 4", "M2 2L9 2"),
    ("a comma at the end", "M2 2L9 2,", "M2 2L9 2"),
    ("an arc flag that is none", "M0 5L1 1a5 5 0 2 1 5-5L9 9", "M0 5L1 1"),
    ("a number after z", "M2 2L9 2z5L4 4", "M2 2L9 2Z"),
    ("does not begin with a move", "L9 2M2 2L4 4", ""),
    ("a word", "none", ""),
    ("a unit", "M2 2L9px 2", "M2 2"),
    ("a point at the end", "M2 2L9 2L9. 9", "M2 2L9 2"),
]


@pytest.mark.parametrize(("why", "data", "expected"), ERRORS, ids=[why for why, *_ in ERRORS])
def test_path_is_drawn_up_to_an_error(why, data, expected):
    path = parse_path(data)
    assert path.broken
    assert absolute(data) == (expected if re.search("[LCZ]", expected) else "")


@pytest.mark.parametrize("data", ["M0 0L1e400 0", "M1e9 0L0 0", "M0 0A1e200 1e200 0 0 1 5 5L1e10 0"])
def test_numbers_beyond_measure_are_refused(data):
    with pytest.raises(ValueError, match="too large"):
        parse_path(data)


@pytest.mark.parametrize(("data", "ellipse"), [
    ("M2 12a10 10 0 0 1 20 0", (12, 12, 10, 10, 0)),
    ("M2 12a10 10 0 1 1 10 10", (12, 12, 10, 10, 0)),
    ("M4 12a8 4 0 0 0 16 0", (12, 12, 8, 4, 0)),
    ("M12 4a8 4 90 0 0 0 16", (12, 12, 8, 4, 90)),
    ("M0 0A9 3 30 1 1 15.58846 9", (7.79423, 4.5, 9, 3, 30)),
])
def test_arcs_lie_on_their_ellipse(data, ellipse):
    cx, cy, rx, ry, turn = ellipse
    path = parse_path(data)
    s = np.linspace(0, 1, 9)[:, None, None]
    p = np.concatenate([path.starts()[1:, None], path.points[1:]], axis=1)  # [K, 4, 2]
    points = (1 - s) ** 3 * p[:, 0] + 3 * s * (1 - s) ** 2 * p[:, 1] + 3 * s**2 * (1 - s) * p[:, 2] + s**3 * p[:, 3]
    x, y = np.moveaxis(points - (cx, cy), 2, 0)
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    radii = np.hypot((cosine * x + sine * y) / rx, (cosine * y - sine * x) / ry)
    np.testing.assert_allclose(radii, 1, atol=5e-4)


@pytest.mark.parametrize(("path", "box", "segments"), [
    (ellipse_path(5, 6, 4, 2), (1, 4, 9, 8), 6),
    (rounded_rect_path(1, 2, 8, 6, 0, 0), (1, 2, 9, 8), 5),
    (rounded_rect_path(1, 2, 8, 6, 2, 1), (1, 2, 9, 8), 10),
    (rounded_rect_path(1, 2, 8, 6, 4, 1), (1, 2, 9, 8), 8),   # no straight part above and below
    (rounded_rect_path(1, 2, 8, 6, 4, 3), (1, 2, 9, 8), 6),   # an ellipse
    (polygon_path([1, 2, 5, 2, 5, 9, 7], closed=True), (1, 2, 5, 9), 4),  # the odd number is dropped
    (parse_path("M0 0C0 4 4 4 4 0"), (0, 0, 4, 3), 2),        # tight: the curve reaches 3/4 of the way to its controls
])
def test_bounds_and_segments(path, box, segments):
    assert path.bounds() == pytest.approx(box) and len(path) == segments


# --- properties -------------------------------------------------------------------------------------

QUICK = (Phase.explicit, Phase.generate)
ARITY = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
NUMBER = st.integers(-400, 400).map(lambda v: v / 8)
PARTS = st.tuples(st.sampled_from("MLHVCSQTAZ"), st.lists(NUMBER, min_size=7, max_size=7), st.booleans(), st.booleans())


def arguments(letter: str, numbers: list[float], large: bool, sweep: bool) -> list[float]:
    if letter == "A":
        return [*numbers[:3], int(large), int(sweep), *numbers[3:5]]
    return numbers[: ARITY[letter]]


def written(value: float, draw) -> str:
    """A number in a random notation."""
    forms = [f"{value:g}", f"{value:.3f}", f"{value * 100:g}e-2", f"{value / 10:.4f}E+1"]
    if value >= 0:
        forms.append(f"+{value:g}")
    if 0 < abs(value) < 1:
        forms.append(f"{value:g}".replace("0.", "."))
    return draw(st.sampled_from(forms))


@st.composite
def same_path_twice(draw):
    """(absolute commands with single spaces, the same commands in another form)."""
    commands = [("M", draw(st.lists(NUMBER, min_size=2, max_size=2)))]
    for letter, numbers, large, sweep in draw(st.lists(PARTS, max_size=8)):
        commands.append((letter, arguments(letter, numbers, large, sweep)))
    plain, other = [], []
    x = y = first_x = first_y = 0.0
    last = ""
    for letter, numbers in commands:
        plain.append(f"{letter} {' '.join(f'{v:g}' for v in numbers)}")
        relative = draw(st.booleans())
        values = list(numbers)
        if relative:
            if letter == "A":
                values[5], values[6] = values[5] - x, values[6] - y
            elif letter == "V":
                values = [values[0] - y]
            else:
                values = [v - (x, y)[i % 2] for i, v in enumerate(values)]
        name = letter.lower() if relative else letter
        implied = {"M": "L", "m": "l"}.get(last, last)
        glued = name == implied and letter not in "MZ" and draw(st.booleans())  # repeated letter omitted
        text = "" if glued else name
        for i, value in enumerate(values):
            flag = letter == "A" and i in (3, 4)
            word = f"{value:g}" if flag else written(value, draw)
            after_flag = letter == "A" and i in (4, 5) and draw(st.booleans())
            needs_gap = (text or other) and text[-1:] not in tuple("MLHVCSQTAmlhvcsqta") and not after_flag
            may_glue = word[0] in "+-" and not flag
            if needs_gap and not (may_glue and draw(st.booleans())):
                text += draw(st.sampled_from([" ", ",", "\n", " , ", "\t"]))
            elif draw(st.booleans()):
                text += draw(st.sampled_from([" ", "\n"]))
            text += word
        other.append(text)
        last = name
        if letter == "M":
            first_x, first_y = numbers
        x = {"V": x, "Z": first_x}.get(letter, numbers[-2 if len(numbers) > 1 else 0] if numbers else 0)
        y = {"H": y, "Z": first_y}.get(letter, numbers[-1] if numbers else 0)
    return " ".join(plain), "".join(other)


@settings(max_examples=150, deadline=None, phases=QUICK)
@given(same_path_twice())
def test_every_legal_form_is_the_same_path(texts):
    plain, other = map(parse_path, texts)
    assert not plain.broken and not other.broken
    np.testing.assert_array_equal(plain.codes, other.codes)
    np.testing.assert_allclose(plain.points, other.points, atol=1e-6)
