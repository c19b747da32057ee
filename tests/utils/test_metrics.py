import numpy as np
import pytest
from scipy.linalg import sqrtm

from svgfusion_lib.utils import metrics
from svgfusion_lib.utils.svg_parser import parse_svg


def svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{body}</svg>'


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    noisy = np.clip(image + rng.normal(0, 40, image.shape), 0, 255).astype(np.uint8)
    assert metrics.ssim(image, image) == pytest.approx(1)
    assert 0 < metrics.ssim(image, noisy) < 0.95
    assert metrics.ssim(image[..., 0], image[..., 0]) == pytest.approx(1)
    assert metrics.mean_absolute_error(image, 255 - image) > 60


@pytest.mark.parametrize(("n", "m", "d"), [(200, 300, 5), (12, 9, 30)])  # more pictures than features; fewer
def test_frechet_distance_is_the_formula_with_a_matrix_root(n, m, d):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(n, d)), rng.normal(0.5, 2, size=(m, d))
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(cov_a @ cov_b + 1e-12 * np.eye(d)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-3)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_zero_on_average_and_sees_a_shift():
    rng = np.random.default_rng(2)

    def distance(shift: float) -> float:
        return metrics.kernel_distance(rng.normal(size=(40, 8)), rng.normal(shift, 1, size=(90, 8)))

    same = [distance(0) for _ in range(40)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(40)
    assert distance(1) > 3 * np.std(same)


@pytest.mark.parametrize("distance", [metrics.frechet_distance, metrics.kernel_distance])
def test_distance_of_one_picture_is_refused(distance):
    with pytest.raises(ValueError, match="two pictures"):
        distance(np.zeros((1, 3)), np.zeros((5, 3)))


def test_ranks_count_the_nearer_targets_and_ties_are_no_hit():
    targets = np.array([[1.0, 0], [0, 1], [-1, 0]])
    features = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    assert metrics.ranks(features, targets, [0, 1, 2]).tolist() == [0, 1, 2]
    assert metrics.ranks(np.zeros((1, 2)), targets, [0]).tolist() == [2]  # a constant feature finds nothing


def test_standardised_features_have_length_one_even_where_a_channel_never_varies():
    reference = np.random.default_rng(3).normal(size=(20, 4))
    reference[:, 0] = 7
    z = metrics.standardise(reference + 0.1, reference)
    assert np.isfinite(z).all() and np.linalg.norm(z, axis=1) == pytest.approx(np.ones(20))


def test_bootstrap_interval_covers_the_mean_and_narrows():
    rng = np.random.default_rng(4)
    few, many = rng.random(20) < 0.3, rng.random(2000) < 0.3
    low, high = metrics.bootstrap_interval(few)
    assert low < few.mean() < high
    assert np.diff(metrics.bootstrap_interval(many)) < (high - low) / 4
    with pytest.raises(ValueError, match="no values"):
        metrics.bootstrap_interval([])


def test_nearest_picture_is_found_by_ssim():
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 256, (12, 24, 24), dtype=np.uint8)
    queries = np.clip(pictures[[4, 9]].astype(int) + 6, 0, 255).astype(np.uint8)
    indices, similarity = metrics.nearest_pictures(queries, pictures)
    assert indices.tolist() == [4, 9] and (similarity > 0.95).all()


@pytest.mark.parametrize(("body", "expected"), [
    ('<path d="M0 0L24 24" stroke="red"/>', 0),
    ('<path d="M0 0L36 24" stroke="red"/>', 1),      # 12 of a half-width of 12
    ('<circle cx="12" cy="12" r="15"/>', 0.25),
    ('<rect x="-3" y="0" width="9" height="4"/>', 0.25),
    ('<rect x="3" y="0" width="9" height="30"/>', 0.5),
])
def test_overshoot_measures_what_stands_outside_the_canvas(body, expected):
    assert metrics.overshoot(parse_svg(svg(body)).rows) == pytest.approx(expected, abs=1e-6)
