"""Classifier two-sample test: can a small classifier tell samples from real icons?

The result is its accuracy on held-out drawings: .5 if they are indistinguishable (Lopez-Paz and Oquab 2017,
"Revisiting classifier two-sample tests").
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from svgfusion_lib.evaluation.exactness import MEASURES, anchors
from svgfusion_lib.evaluation.metrics import bootstrap_interval
from svgfusion_lib.evaluation.row_metrics import UNITS
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.canonical import canonical_rows
from svgfusion_lib.utils.path_chunks import rows_to_chunks

FOLDS = 5
HIDDEN = 32          # hidden units of the classifier
STEPS = 150          # training steps, each on all pictures of four folds
LEARNING_RATE, WEIGHT_DECAY = 5e-3, 0.1
SHARES = (10, 50, 90)  # percentiles that summarise a distribution
_PAIRS = sorted(rf.ARGUMENTS)
_LEVELS = (0.02, 0.05, 0.1, 0.25)  # units; distances to the half-unit grid and to the next coordinate


def row_features(drawings: Sequence[np.ndarray]) -> np.ndarray:
    """Pooled features float64 [N, F] of drawings (valid rows, [L, 22] each).

    Number of rows of each kind; shares of `exactness`; distances of coordinates to the half-unit grid and to the next
    coordinate; lengths, directions and turns of segments; positions and sizes of chunks; pens and paints.
    """
    return np.stack([_features_of(canonical_rows(rows)) for rows in drawings])


def two_sample_accuracy(
    samples: np.ndarray, real: np.ndarray, groups: tuple[Sequence[int], Sequence[int]], seed: int = 0
) -> dict:
    """Cross-validated accuracy of a classifier (one hidden layer) of samples [N, F] against real icons [M, F].

    The larger set is subsampled to equal size. groups: a group number per sample and per real icon; a group (all
    samples of one prompt, say) is never split between training and test folds. Returns {"mean", "interval" (95%,
    bootstrap), "of"}; deterministic for a given seed.
    """
    count = min(len(samples), len(real))
    if count < 2 * FOLDS:
        raise ValueError(f"a two-sample test needs {2 * FOLDS} pictures on each side, got {len(samples)}, {len(real)}")
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(len(side))[:count] for side in (samples, real)]
    features = np.concatenate([side[own] for side, own in zip((samples, real), chosen)])  # [2 count, F]
    labels = np.repeat((1.0, 0.0), count)
    numbers = np.concatenate([np.asarray(side)[own] for side, own in zip(groups, chosen)])
    different, group = np.unique(numbers, return_inverse=True)
    fold = (rng.permutation(len(different)) % FOLDS)[group]  # [2 count]
    right = np.empty(2 * count)
    for k in range(FOLDS):
        test = fold == k
        answers = _predict_logits(features[~test], labels[~test], features[test], seed)
        right[test] = (answers > 0) == (labels[test] > 0.5)
    return {"mean": float(right.mean()), "interval": list(bootstrap_interval(right)), "of": 2 * count}


def pooled(tokens: torch.Tensor) -> np.ndarray:
    """Pool pixel tokens [N, P, C] to features [N, 2 C]: mean and standard deviation."""
    return torch.cat([tokens.mean(1), tokens.std(1, correction=0)], dim=1).numpy()


def _predict_logits(features: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """Train a classifier on features [N, F] and labels [N]; return its logits [A] for test features [A, F]."""
    mean, std = features.mean(0), features.std(0)
    inputs, questions = (
        torch.from_numpy(((values - mean) / np.maximum(std, 1e-6)).clip(-5, 5)).float() for values in (features, test)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Dropout(0.2), nn.Linear(inputs.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        targets = torch.from_numpy(labels).float()
        for _ in range(STEPS):
            loss = nn.functional.binary_cross_entropy_with_logits(model(inputs)[:, 0], targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            return model(questions)[:, 0].numpy()


def _features_of(rows: np.ndarray) -> np.ndarray:
    """Features [F] of canonical rows [L, 22]."""
    element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    counts = [
        np.sum((element == rf.ELEMENT_ID[e]) & (command == rf.COMMAND_ID[c])) for e, c in _PAIRS
    ]
    near = np.array([count(rows) for count in MEASURES.values()], dtype=np.float64)  # [measures, 2]
    path = rows[element == rf.PATH]
    ends = (path[:, rf.GEOMETRY][:, rf.END_POINT].astype(np.float64) + 1) * UNITS  # [K, 2]
    starts = (path[:, rf.GEOMETRY][:, :2].astype(np.float64) + 1) * UNITS
    drawn = ~np.isin(path[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE))
    way = (ends - starts)[drawn]  # [S, 2]
    length = np.hypot(*way.T)
    angle = np.arctan2(way[:, 1], way[:, 0])
    turn = np.abs((np.diff(angle) + np.pi) % (2 * np.pi) - np.pi)
    places = anchors(rows)  # [A, 2]
    off_grid = np.abs(places * 2 - np.round(places * 2)).ravel() / 2
    apart = [_gaps(places[:, axis]) for axis in (0, 1)]
    box = rows_to_chunks(rows, "path", 16).box if len(rows) > 2 else np.zeros((0, 3))  # [N, 3]
    style = rows[element > rf.EOS][:, rf.STYLE]
    return np.concatenate([
        np.log1p(counts), np.log1p(near[:, 1]), (near[:, 0] + 0.5) / (near[:, 1] + 1),
        *(_below(values, _LEVELS) for values in (off_grid, *apart)),
        _spread(off_grid), _spread(length), _below(length, (0.25, 0.5, 1, 2)), _spread(turn),
        _below(np.abs(angle / (np.pi / 4) - np.round(angle / (np.pi / 4))), (0.01, 0.03, 0.1)),
        *(_spread(column) for column in (*places.T, *box.T)),
        [np.log1p(len(box)), len(np.unique(np.round(style[:, :8], 2), axis=0)) if len(style) else 0],
        style.mean(0) if len(style) else np.zeros(rf.NUM_STYLE), style.std(0) if len(style) else np.zeros(rf.NUM_STYLE),
    ])


def _gaps(values: np.ndarray) -> np.ndarray:
    """Distances between neighbouring distinct values of [K]."""
    gaps = np.diff(np.unique(np.round(values, 4)))
    return gaps[gaps > 1e-3]


def _spread(values: np.ndarray) -> np.ndarray:
    return np.percentile(values, SHARES) if len(values) else np.zeros(len(SHARES))


def _below(values: np.ndarray, levels: Sequence[float]) -> list[float]:
    return [float((values <= level).mean()) if len(values) else 0.0 for level in levels]
