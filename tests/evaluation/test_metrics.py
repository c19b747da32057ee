import numpy as np
import pytest
from scipy.linalg import sqrtm

from svgfusion_lib.evaluation import metrics


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    noisy = np.clip(image + rng.normal(0, 40, image.shape), 0, 255).astype(np.uint8)
    assert metrics.ssim(image, image) == pytest.approx(1)
    assert 0 < metrics.ssim(image, noisy) < 0.95
    assert metrics.ssim(image[..., 0], image[..., 0]) == pytest.approx(1)


@pytest.mark.parametrize(("n", "m", "d"), [(200, 300, 5), (12, 9, 30)])  # more pictures than features; fewer
def test_frechet_distance_is_the_formula_with_a_matrix_root(n, m, d):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(n, d)), rng.normal(0.5, 2, size=(m, d))
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(cov_a @ cov_b + 1e-12 * np.eye(d)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-3)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("distance", [metrics.frechet_distance, metrics.kernel_distance])
def test_distance_of_one_picture_is_refused(distance):
    with pytest.raises(ValueError, match="two pictures"):
        distance(np.zeros((1, 3)), np.zeros((5, 3)))


def test_ranks_count_the_nearer_targets_and_ties_are_no_hit():
    targets = np.array([[1.0, 0], [0, 1], [-1, 0]])
    features = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    assert metrics.ranks(features, targets, [0, 1, 2]).tolist() == [0, 1, 2]
    assert metrics.ranks(np.zeros((1, 2)), targets, [0]).tolist() == [2]  # a constant feature finds nothing
    targets, features = np.eye(4), np.array([[0.1, 0.9, 0, 0], [0.1, 0, 0.2, 0.9]])
    assert metrics.ranks(features, targets, [0, 2]).tolist() == [1, 1]
    # a gallery is the sample's own target and the ones after it
    assert metrics.ranks(features, targets, [0, 2], gallery=2).tolist() == [1, 1]  # against 1, and against 3
    assert metrics.ranks(features, targets, [2, 2], gallery=3).tolist() == [2, 1]  # against 3 and 0
    assert metrics.ranks(np.zeros((0, 4)), targets, []).tolist() == []


def test_bootstrap_interval_covers_the_mean_and_narrows():
    rng = np.random.default_rng(4)
    few, many = rng.random(20) < 0.3, rng.random(2000) < 0.3
    low, high = metrics.bootstrap_interval(few)
    assert low < few.mean() < high
    assert np.diff(metrics.bootstrap_interval(many)) < (high - low) / 4
    low, high = metrics.bootstrap_interval([9, 1] * 50, [10, 10] * 50)  # for a ratio of sums
    assert 0.4 < low < 0.5 < high < 0.6
    with pytest.raises(ValueError, match="no values"):
        metrics.bootstrap_interval([])


def test_nearest_picture_is_found_by_ssim():
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 256, (12, 24, 24), dtype=np.uint8)
    queries = np.clip(pictures[[4, 9]].astype(int) + 6, 0, 255).astype(np.uint8)
    indices, similarity = metrics.nearest_pictures(queries, pictures)
    assert indices.tolist() == [4, 9] and (similarity > 0.95).all()
    line = np.full((3, 24, 24), 255, dtype=np.uint8)
    line[0, 11:13] = line[1, 12:14] = 0  # line[2] is blank, and has little to differ in
    assert metrics.nearest_pictures(line[:1], line[1:])[0].tolist() == [0]


def test_kernel_distance_is_the_sum_over_pairs():
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=(4, 3)), rng.normal(1, 2, size=(5, 3))

    def k(x, y):
        return (float(x @ y) / 3 + 1) ** 3

    expected = (
        sum(k(a[i], a[j]) for i in range(4) for j in range(4) if i != j) / 12
        + sum(k(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / 20
        - 2 * sum(k(x, y) for x in a for y in b) / 20
    )
    assert metrics.kernel_distance(a, b) == pytest.approx(expected)
