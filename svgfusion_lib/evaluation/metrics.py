"""Metrics of pictures and sets of pictures: SSIM, Frechet and kernel distance, ranks, novelty.

Pictures are uint8 [H, W, 3] (or [H, W]); features are float [N, D], one vector per picture.
"""

import numpy as np
from numpy.typing import ArrayLike

CANDIDATES = 8  # pictures to compute SSIM for, per query

# --- pairs of pictures ----------------------------------------------------------------------------


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of two uint8 pictures [H, W, 3] (mean over channels) or [H, W]; 1 = equal.

    Settings of Wang et al. 2004: Gaussian window, sigma 1.5, population covariance.
    """
    from skimage.metrics import structural_similarity

    return float(structural_similarity(
        a, b, channel_axis=-1 if a.ndim == 3 else None, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    ))


# --- sets of features -----------------------------------------------------------------------------


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of two Gaussians fitted to features [N, D] and [M, D] (Heusel et al. 2017).

    Grows as N and M shrink: compare only values with equal N and equal M.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"a Frechet distance needs two pictures on each side, got {len(a)} and {len(b)}")
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean_gap = a.mean(0) - b.mean(0)
    # tr (A B)^1/2 is the sum of the singular values of A^1/2 B^1/2; with centred data X: A = X'X / (N - 1).
    x, y = ((v - v.mean(0)) / np.sqrt(len(v) - 1) for v in (a, b))
    cross = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    return float(mean_gap @ mean_gap + (x * x).sum() + (y * y).sum() - 2 * cross)


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared MMD of features [N, D] and [M, D] with the cubic kernel (KID, Binkowski et al. 2018).

    The unbiased estimate: 0 on average for two samples of one distribution, whatever their sizes.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"a kernel distance needs two pictures on each side, got {len(a)} and {len(b)}")
    a, b = a.astype(np.float64), b.astype(np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def mean_off_diagonal(k: np.ndarray) -> float:
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    return float(mean_off_diagonal(kernel(a, a)) + mean_off_diagonal(kernel(b, b)) - 2 * kernel(a, b).mean())


def ranks(
    features: np.ndarray, targets: np.ndarray, own: ArrayLike, gallery: int | None = None
) -> np.ndarray:
    """Rank of each feature's own target among the targets, by cosine: features [N, D], targets [K, D], unit vectors.

    own [N]: indices into the targets. 0 = its own target is the nearest; R-precision at k is the share of ranks < k.
    Ties count against the sample. gallery: rank among the own target and the gallery - 1 targets after it (wrapping
    around); None: among all.
    """
    own = np.asarray(own, dtype=int)
    gallery = len(targets) if gallery is None else min(gallery, len(targets))
    nearness = features @ targets.T  # [N, K]
    among = (own[:, None] + np.arange(gallery)) % len(targets)  # [N, gallery], own target first
    nearness = np.take_along_axis(nearness, among, axis=1)
    return (nearness >= nearness[:, :1] - 1e-9).sum(1) - 1


def bootstrap_interval(
    values: ArrayLike, of: ArrayLike | None = None, seed: int = 0, resamples: int = 1000
) -> tuple[float, float]:
    """95% bootstrap confidence interval of the mean of values [N], or of sum(values) / sum(of [N])."""
    values = np.asarray(values, dtype=np.float64)
    of = np.ones(len(values)) if of is None else np.asarray(of)
    if len(values) == 0:
        raise ValueError("no values to resample")
    choice = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    sums, counts = values[choice].sum(1), of[choice].sum(1)  # [resamples] each
    low, high = np.percentile(sums[counts > 0] / counts[counts > 0], (2.5, 97.5))
    return float(low), float(high)


def nearest_pictures(queries: np.ndarray, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the picture most similar to each query by SSIM: indices [N] and SSIM [N].

    queries uint8 [N, S, S], pictures uint8 [M, S, S], dark on white. SSIM is computed only for the CANDIDATES
    pictures with the highest cosine of slightly blurred ink: over all pictures SSIM, like pixel distance,
    favours nearly empty ones.
    """
    ink = _blurred_ink(pictures)  # [M, S S]
    indices, similarity = np.zeros(len(queries), dtype=int), np.zeros(len(queries))
    for i, query in enumerate(queries):
        near = np.argsort(-(ink @ _blurred_ink(query[None])[0]), kind="stable")[:CANDIDATES]
        scores = [ssim(query, pictures[j]) for j in near]
        indices[i], similarity[i] = near[int(np.argmax(scores))], max(scores)
    return indices, similarity


def _blurred_ink(pictures: np.ndarray) -> np.ndarray:
    """uint8 [M, S, S] -> ink (inverted), blurred by a pixel, as unit vectors [M, S S]."""
    from scipy.ndimage import gaussian_filter

    ink = gaussian_filter(255 - pictures.astype(np.float32), sigma=(0, 1, 1)).reshape(len(pictures), -1)
    return ink / np.maximum(np.linalg.norm(ink, axis=1, keepdims=True), 1e-6)
