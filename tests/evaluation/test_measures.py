"""Measures of a few pictures, against what can be counted by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.samples import Subject, picture
from svgfusion_lib.utils.row_metrics import RowIndex, line_style

PEN = 'stroke="#000" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" fill="none"'
RING, LINE = f'<circle cx="12" cy="12" r="9" {PEN}/>', f'<path d="M3 3L21 21" {PEN}/>'
FAR = f'<path d="M3 3L30 21" {PEN}/>'


@pytest.fixture
def draw(parsed):
    """draw(body): its picture; None stays None."""
    return lambda body: None if body is None else picture(parsed(body).rows)


@pytest.fixture
def subject(draw):
    """subject(bodies): pictures for the names 0, 1, ..."""
    return lambda *bodies: Subject([draw(body) for body in bodies], np.arange(len(bodies)))


def test_what_is_not_drawn_is_counted(subject):
    nothing = '<path d="M3 3L21 21" stroke="#fff"/>'  # white on white
    four = subject(RING, FAR, nothing, None)
    found = measures._validity(four)
    assert four.painted == [0, 1]
    assert {name: value["mean"] for name, value in found.items()} == {
        "parses_and_renders": 0.75, "not_blank": 0.5, "inside_canvas": 0.5
    }
    sizes = measures.complexity(four, measures.complexity(subject(RING + LINE), {}))
    assert sizes["elements"] == [1, 1, 1] and sizes["elements_ratio"] == 0.5
    assert sizes["elements_mean"]["mean"] == 1
    assert measures.complexity(subject(RING + LINE, LINE), {})["elements_mean"]["mean"] == 1.5
    assert sizes["rows"] == [1.5, 2, 2] and sizes["rows_ratio"] == 2 / 3
    assert measures.complexity(subject(None), {}) == {}


def test_pictures_that_show_nothing_are_misses():
    yardstick = SimpleNamespace(targets=np.eye(3), texts=np.eye(3)[[1, 0, 2]])
    vectors = np.array([[1.0, 0, 0], [0.6, 0.8, 0]])  # for names 0 and 1; two more show nothing
    found, ranks = measures.alignment(vectors, np.array([0, 1]), 4, yardstick)
    assert ranks.tolist() == [0, 0] and found["top1"]["mean"] == found["top5"]["mean"] == 0.5
    assert found["top1_by_text"]["mean"] == 0 and found["similarity_to_text"]["mean"] == pytest.approx(0.3)
    found, ranks = measures.alignment(np.zeros((0, 3)), np.zeros(0, dtype=int), 2, yardstick)
    assert found["top5"]["mean"] == 0 and found["median_rank"] == 6 and len(ranks) == 0


def test_style_is_that_of_the_pack_of_each_name(subject, draw):
    style = line_style([draw(RING).rows, draw(LINE).rows])
    thin = LINE.replace('width="2"', 'width="1"')
    filled = RING.replace('fill="none"', 'fill="#000"')
    beside = f'<path d="M3 3L20.8 21.2" {PEN}/>'
    found = measures._style(subject(RING, thin, filled, beside, None, thin), [style] * 5 + [None])
    assert {name: round(value["mean"] * 5) for name, value in found.items()} == {
        "keeps_style": 1, "strokes_only": 3, "pens_of_set": 3, "on_grid": 3
    }
    assert measures._style(subject(RING), [None]) == {}


def test_copies_are_found_by_picture_and_by_rows(subject, draw):
    known = [draw(RING), draw(LINE)]
    grey = np.stack([measures._grey(p.svg) for p in known])
    training = measures.Training([0, 1], ["ring", "line"], grey, RowIndex([p.rows for p in known]))
    yardstick = SimpleNamespace(training=training, titles=["ring", "cat", "line", "dog"])
    backwards = f'<path d="M21 21L3 3" {PEN}/>'   # the same picture, other rows
    moved = f'<path d="M3 3L20.5 20.5" {PEN}/>'   # rows within the tolerance
    other = f'<path d="M12 2L9 21L3 9" {PEN}/>'
    four = subject(RING, backwards, moved, other)
    found, nearest, similarity = measures._novelty(four.shown(), four.own, yardstick)
    assert nearest[:3].tolist() == [0, 1, 1] and similarity[:2] == pytest.approx(1)
    assert found["copies_by_rows"]["mean"] == 0.5 and found["same_commands"]["mean"] == 0.75
    assert found["memorised"]["mean"] == 0.75 and found["nearest_bears_the_name"]["mean"] >= 0.5
    assert found["near_copies"]["mean"] == np.mean(similarity >= measures.NEAR_COPY)
    nothing = measures._novelty([], np.zeros(0, dtype=int), yardstick)
    assert nothing[0] == {} and len(nothing[1]) == len(nothing[2]) == 0


def test_a_distance_of_more_pictures_than_it_takes_is_the_mean_of_choices():
    rng = np.random.default_rng(1)
    reference, means = rng.normal(size=(12, 5)), rng.normal(size=(30, 5))
    yardstick = SimpleNamespace(reference=reference, count=10, seed=0)
    choices = np.random.default_rng(0)
    parts = [means[choices.permutation(30)[:10]] for _ in range(measures.DRAWS)]
    single = [measures.distances(part, yardstick) for part in parts]  # of ten pictures there is one choice
    found = measures.distances(means, yardstick)
    for name in ("frechet", "kernel", "precision", "recall"):
        each = [one[name] for one in single]
        assert found[name] == pytest.approx(np.mean(each)) and np.std(each) > 0


def test_distances_are_of_as_many_pictures_everywhere():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(40, 5))
    yardstick = SimpleNamespace(reference=reference, count=10, seed=0)
    many = measures.distances(rng.normal(size=(30, 5)), yardstick)
    assert set(many) == {"frechet", "kernel", "precision", "recall"}
    assert measures.distances(rng.normal(size=(9, 5)), yardstick) == {}
    assert measures.distances(reference, SimpleNamespace(reference=reference[:1], count=10, seed=0)) == {}


def test_diversity_within_a_name_and_over_all():
    vectors = np.array([[1.0, 0], [0, 1], [1, 0]])
    found = measures._diversity(vectors, np.array([0, 0, 1]))
    assert found["spread_within_name"]["mean"] == 1 and found["spread"] == pytest.approx(2 / 3)
    assert measures._diversity(vectors[:1], np.array([0])) == {}
