"""Measures of a few pictures against hand counts."""

from types import SimpleNamespace

import numpy as np
import pytest

from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.row_metrics import line_style
from svgfusion_lib.evaluation.samples import Subject, picture
from tests.helpers import PEN

RING, LINE = f'<circle cx="12" cy="12" r="9" {PEN}/>', f'<path d="M3 3L21 21" {PEN}/>'
FAR = f'<path d="M3 3L30 21" {PEN}/>'


@pytest.fixture
def draw(parsed):
    """draw(body): render it; None stays None."""
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
        "not_blank": 0.5, "inside_canvas": 0.5, "elements": 1
    }
    assert measures._validity(subject(RING + LINE, LINE))["elements"]["mean"] == 1.5
    assert "elements" not in measures._validity(subject(None))


def test_pictures_that_show_nothing_are_misses():
    reference_data = SimpleNamespace(targets=np.eye(3))
    vectors = np.array([[1.0, 0, 0], [0.6, 0.8, 0]])  # for names 0 and 1; two more are blank
    found, ranks = measures.alignment(vectors, np.array([0, 1]), 4, reference_data)
    assert ranks.tolist() == [0, 0] and found["top1"]["mean"] == found["top5"]["mean"] == 0.5
    found, ranks = measures.alignment(np.zeros((0, 3)), np.zeros(0, dtype=int), 2, reference_data)
    assert found["top5"]["mean"] == 0 and len(ranks) == 0


def test_style_is_that_of_the_pack_of_each_name(subject, draw):
    style = line_style([draw(RING).rows, draw(LINE).rows])
    thin = LINE.replace('width="2"', 'width="1"')
    filled = RING.replace('fill="none"', 'fill="#000"')
    beside = f'<path d="M3 3L20.8 21.2" {PEN}/>'
    found = measures._style(subject(RING, thin, filled, beside, None, thin), [style] * 5 + [None])
    assert found["keeps_style"]["mean"] == 1 / 5
    assert measures._style(subject(RING), [None]) == {}


def test_the_nearest_training_picture_and_how_near_it_is(subject, draw):
    training = np.stack([measures._thumbnail(draw(body).rows) for body in (RING, LINE)])
    backwards = f'<path d="M21 21L3 3" {PEN}/>'   # the same picture, other rows
    other = f'<path d="M12 2L9 21L3 9" {PEN}/>'
    nearest, similarity = measures.nearest_training(subject(RING, backwards, other).shown(), training)
    assert nearest[:2].tolist() == [0, 1] and similarity[:2] == pytest.approx(1)
    assert similarity[2] < measures.NEAR_COPY
    for nothing in (measures.nearest_training([], training),
                    measures.nearest_training(subject(RING).shown(), measures.NO_THUMBNAILS)):
        assert [len(part) for part in nothing] == [0, 0]


def test_distances_are_of_as_many_pictures_everywhere():
    rng = np.random.default_rng(1)
    reference, means = rng.normal(size=(12, 5)), rng.normal(size=(30, 5))
    reference_data = SimpleNamespace(reference=reference, targets=np.zeros((10, 3)))
    found = measures.distances(means, reference_data)
    assert found == measures.distances(means[:10], reference_data) and found["frechet"] > 0
    assert measures.distances(means[:9], reference_data) == {}
    assert measures.distances(reference, SimpleNamespace(reference=reference[:1], targets=np.zeros((10, 3)))) == {}
