# ruff: noqa: E501 - tables of stops
"""As few stops as show the same: which places and colours are kept."""

import numpy as np
import pytest

from svgfusion_lib.svg.paint.stops import MAX_KEPT, MAX_REPEATS, VISIBLE, fewest_stops, fit_two_stops, unfold_stops

BLACK, WHITE, RED, CLEAR = (0, 0, 0, 1), (1, 1, 1, 1), (1, 0, 0, 1), (1, 0, 0, 0)
STEP = 1e-3


def table(stops) -> tuple[np.ndarray, np.ndarray]:
    """Offsets [S] and colours [S, 4]."""
    return np.array([at for at, _ in stops], dtype=float), np.array([colour for _, colour in stops], dtype=float)


def fit(stops, low=0.0, high=1.0):
    """(t0, t1, first, last, error) of the two stops nearest to what is seen from low to high."""
    offsets, colours = table(stops)
    t = np.linspace(low, high, 48)
    seen = np.stack([np.interp(t, offsets, c) for c in colours.T], axis=1)
    return fit_two_stops(offsets, t, seen, np.ones(48), STEP)


TWO = [
    # stops, where and what the two nearest are
    ("a ramp with a stop on the way", [(0, BLACK), (0.25, (0.25, 0.25, 0.25, 1)), (1, WHITE)], (0, 1, BLACK, WHITE)),
    ("flat ends", [(0, BLACK), (0.3, BLACK), (0.7, WHITE), (1, WHITE)], (0.3, 0.7, BLACK, WHITE)),
    ("flat at one end", [(0, RED), (0.4, BLACK), (1, BLACK)], (0, 0.4, RED, BLACK)),
    ("a fading", [(0, RED), (0.5, (1, 0, 0, 0.5)), (1, CLEAR)], (0, 1, RED, CLEAR)),
]


@pytest.mark.parametrize(("why", "stops", "expected"), TWO, ids=[why for why, *_ in TWO])
def test_two_stops_where_they_show_the_same(why, stops, expected):
    t0, t1, first, last, error = fit(stops)
    assert (t0, t1) == pytest.approx(expected[:2], abs=1e-6) and error < 0.01
    assert first == pytest.approx(expected[2], abs=0.01) and last == pytest.approx(expected[3], abs=0.01)


def test_two_stops_for_what_is_no_ramp_are_visibly_wrong():
    """Black, white, black: the error says that more are needed; the nearest pair is better than one grey."""
    t0, t1, first, last, error = fit([(0, BLACK), (0.5, WHITE), (1, BLACK)])
    t = np.linspace(0, 1, 48)
    triangle, ramp = 1 - np.abs(2 * t - 1), np.interp(t, [t0, t1], [first[0], last[0]])
    assert error > VISIBLE and ((ramp - triangle) ** 2).sum() <= ((triangle - triangle.mean()) ** 2).sum()


FEWEST = [
    ("all are needed", [(0, BLACK), (0.5, WHITE), (1, BLACK)], 0, 1, [0, 0.5, 1]),
    ("one on the way is not", [(0, BLACK), (0.25, (0.5, 0.5, 0.5, 1)), (0.5, WHITE), (1, BLACK)], 0, 1, [0, 0.5, 1]),
    ("outside of what is seen they are cut", [(0, BLACK), (0.5, WHITE), (1, BLACK)], 0.25, 0.75, [0.25, 0.5, 0.75]),
    ("beyond the stops nothing is added", [(0, BLACK), (0.5, WHITE), (1, BLACK)], -1, 2, [0, 0.5, 1]),
    ("a step is two at one place", [(0, BLACK), (0.5, BLACK), (0.5, WHITE), (1, WHITE)], 0, 1, [0, 0.5, 0.5, 1]),
    ("what is repeated is left out", [(0, BLACK), (0.5, WHITE), (0.5, WHITE), (0.5, RED), (1, BLACK)], 0, 1, [0, 0.5, 0.5, 1]),
]


@pytest.mark.parametrize(("why", "stops", "low", "high", "places"), FEWEST, ids=[why for why, *_ in FEWEST])
def test_fewest_stops(why, stops, low, high, places):
    offsets, colours = table(stops)
    kept, paints, error = fewest_stops(offsets, colours, low, high, STEP)
    assert kept == pytest.approx(places) and error < 0.01
    for at, colour in zip(kept, paints):
        if places.count(at) < 2:
            assert colour == pytest.approx([np.interp(at, offsets, c) for c in colours.T])


def test_no_more_stops_than_the_rows_may_hold():
    offsets = np.linspace(0, 1, 33)
    colours = np.where(np.arange(33)[:, None] % 2, [WHITE], [BLACK])
    kept, _, error = fewest_stops(offsets, colours, 0, 1, STEP)
    assert len(kept) == MAX_KEPT and error > 0.5


@pytest.mark.parametrize(("spread", "low", "high", "places", "reds"), [
    ("pad", -1, 2, [0, 1], [0, 1]),
    ("repeat", 0, 1, [0, 1], [0, 1]),                                   # nothing of the others is seen
    ("repeat", 0.5, 1.5, [0, 0, 1, 1, 1, 1, 2, 2], [0, 0, 1, 1, 0, 0, 1, 1]),
    ("reflect", 0.5, 1.5, [0, 0, 1, 1, 1, 1, 2, 2], [0, 0, 1, 1, 1, 1, 0, 0]),
    ("reflect", -0.5, 0.5, [-1, -1, 0, 0, 0, 0, 1, 1], [1, 1, 0, 0, 0, 0, 1, 1]),
])
def test_stops_over_all_that_is_seen(spread, low, high, places, reds):
    offsets, colours, whole = unfold_stops(*table([(0, BLACK), (1, RED)]), spread, low, high)
    assert offsets.tolist() == places and colours[:, 0].tolist() == reds and whole


def test_repeats_have_an_end():
    offsets, _, whole = unfold_stops(*table([(0, BLACK), (1, RED)]), "repeat", -100, 100)
    assert not whole and len(offsets) == 4 * MAX_REPEATS
