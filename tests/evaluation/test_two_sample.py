"""The two-sample test separates different samples and not equal ones."""

from types import SimpleNamespace

import numpy as np
import pytest

from svgfusion_lib.evaluation import measures
from svgfusion_lib.evaluation.samples import Picture, Subject
from svgfusion_lib.evaluation.two_sample import row_features, two_sample_accuracy
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg


def test_two_halves_of_one_set_cannot_be_told_apart():
    values = np.random.default_rng(0).normal(size=(200, 12))
    result = two_sample_accuracy(values[:100], values[100:], (range(100), range(100, 200)))
    low, high = result["interval"]
    assert low <= 0.5 <= high and result["of"] == 200


def test_what_differs_is_found_and_the_seed_decides():
    rng = np.random.default_rng(1)
    samples, real = rng.normal(size=(60, 8)), rng.normal(size=(90, 8))
    samples[:, 3] += 3
    each = range(60), range(60, 150)
    result = two_sample_accuracy(samples, real, each)
    assert result["mean"] > 0.85 and result["of"] == 120
    assert two_sample_accuracy(samples, real, each) == result


def test_a_group_is_never_trained_on_and_asked_about():
    """Otherwise copies of one drawing would leak from training into the test."""
    rng = np.random.default_rng(2)
    values = np.repeat(rng.normal(size=(40, 30)), 5, axis=0)
    samples, real = values[:100], values[100:]
    groups = np.arange(100) // 5, 100 + np.arange(100) // 5
    assert two_sample_accuracy(samples, real, (range(100), range(100, 200)))["mean"] > 0.9
    assert two_sample_accuracy(samples, real, groups)["mean"] < 0.7


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match="at least 10|needs 10"):
        two_sample_accuracy(np.zeros((9, 2)), np.zeros((50, 2)), (range(9), range(50)))


def test_features_of_any_drawing_are_finite(parsed):
    wild = sanitize_rows(np.random.default_rng(0).normal(0, 4, size=(200, 22)))
    nothing = sanitize_rows(np.zeros((2, 22)))
    drawn = parsed('<circle cx="9" cy="9" r="3" stroke="#000" fill="none"/>').rows
    features = row_features([wild, nothing, drawn])
    assert features.shape[0] == 3 and np.isfinite(features).all()


def test_wobble_is_seen_in_the_rows(parsed):
    rng = np.random.default_rng(3)

    def drawing(noise: float) -> np.ndarray:
        x, y = rng.integers(2, 12, 2) + rng.normal(0, noise, 2)
        return parsed(f'<path d="M{x} {y}h8v8h-8z" stroke="#000" fill="none"/>').rows

    exact, wobbly = ([drawing(noise) for _ in range(40)] for noise in (0, 0.1))
    each = range(40), range(40, 80)
    assert two_sample_accuracy(row_features(wobbly), row_features(exact), each)["mean"] > 0.9


def test_an_evaluation_has_both_tests_and_the_shares_of_what_is_exact(parsed, svg):
    """Slanted strokes against straight ones; too few pictures give no test."""
    def subject(lean: float, count: int = 24) -> Subject:
        pictures = []
        for k in range(count):
            body = f'<path d="M{2 + k % 7} {3 + k % 5}h9l{lean} 8" stroke="#000" stroke-width="2" fill="none"/>'
            pictures.append(Picture(svg(body), parsed(body).rows, render_svg(svg(body), 128)))
        return Subject(pictures, np.arange(count))

    judge = SimpleNamespace(encoder=load_pixel_encoder())
    real, leaning = subject(0), subject(0.4)
    told = measures.two_sample(judge, leaning, real)
    assert told["told_by_rows"]["mean"] > 0.8 and set(told) == {"told_by_rows", "told_by_picture"}
    assert measures.two_sample(judge, subject(0.4, 5), real) == {}
    assert measures._exactness(leaning)["straight_lines"]["mean"] == 0.5
    assert measures._exactness(real)["straight_lines"]["mean"] == 1
