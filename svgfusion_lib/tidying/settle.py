"""Finds the most likely true positions of tied coordinates that have been perturbed by errors.

Model: many of a designer's coordinates are on the set's grid, the others anywhere; errors shift each sub-path as a
whole and each point independently. `most_likely_positions` finds them by iterated conditional modes (Besag 1986, "On
the statistical analysis of dirty pictures"). Units: the canvas is 24 wide. A is the number of points, G of groups of
tied coordinates, P of sub-paths, K of diagonals.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MIN_SHIFT = 0.3                  # units: error of a sub-path's position, if points have errors at all
SHIFTS = np.linspace(-1, 1, 41)  # shifts of a sub-path to try, in whole steps
ROUNDS = 4
DIAGONAL = 2.0                        # log odds that an apparent diagonal is intended
_SAME = 1e-6


@dataclass(frozen=True)
class Grid:
    """Prior of coordinates in a set: on multiples of two steps, halfway between these, or anywhere else.

    step: units; whole, half: shares of coordinates on even and on odd multiples of it, as measured in tabler and
    lucide.
    """

    step: float = 0.5
    whole: float = 0.74
    half: float = 0.05

    @cached_property
    def log_shares(self) -> tuple[float, float, float]:
        """Log probabilities of an even multiple, an odd one, and any other place."""
        return math.log(self.whole), math.log(self.half), math.log(1 - self.whole - self.half)


def most_likely_positions(
    points: np.ndarray, groups: tuple[np.ndarray, np.ndarray], part: np.ndarray, diagonals: np.ndarray, noise: float,
    shift: float, grid: Grid | None,
) -> np.ndarray:
    """Positions [A, 2] for points [A, 2]: one coordinate per group, on the grid if that is more likely than not.

    groups: numbers [A] of the tied groups in x and in y; part [A]: sub-path; diagonals [K, 3]: two points that should
    differ equally in x and y, and the sign of dy relative to dx; noise, shift: errors of a point and of a sub-path
    (standard deviations); grid: None places each group at its mean.
    """
    if not len(points):
        return points
    axes = [_axis_places(points[:, k], groups[k], part, noise, shift, grid) for k in (0, 1)]
    mean, spread, place = (np.concatenate(values) for values in zip(*axes))  # [G] each: groups in x, then in y
    in_y = groups[1] + len(axes[0][0])
    if len(diagonals):
        first, second, sign = diagonals.T
        terms = np.stack([groups[0][first], groups[0][second], in_y[first], in_y[second]], axis=1)  # [K, 4]
        _fit_diagonals(place, mean, spread, terms, sign, grid)
    return np.stack([place[groups[0]], place[in_y]], axis=1)


def _axis_places(
    values: np.ndarray, group: np.ndarray, part: np.ndarray, noise: float, shift: float, grid: Grid | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For groups of coordinates [A]: means [G] without sub-path shifts, errors of the means, most likely positions."""
    count = np.bincount(group)
    spread = noise / np.sqrt(count)
    if grid is None:
        mean = np.bincount(group, values) / count
        return mean, spread, mean.copy()
    size = np.bincount(part)
    shifts = _likely_shifts(values, group, part, noise, shift, grid)  # [P]
    for _ in range(ROUNDS):
        mean = np.bincount(group, values - shifts[part]) / count
        place = _places(mean, spread, grid)
        shifts = np.bincount(part, values - place[group]) / (size + (noise / shift) ** 2)
    return mean, spread, place


def _likely_shifts(
    values: np.ndarray, group: np.ndarray, part: np.ndarray, noise: float, shift: float, grid: Grid
) -> np.ndarray:
    """Shifts of sub-paths [P] that best align their coordinates with the grid; small ones if none is better."""
    pair, own = np.unique(np.stack([part, group]), axis=1, return_inverse=True)  # groups within sub-paths
    own = own.ravel()
    count = np.bincount(own)
    mean = np.bincount(own, values) / count
    spread = noise / np.sqrt(count)
    tried = SHIFTS * min(2 * grid.step, 3 * shift)
    likely = np.logaddexp.reduce(_log_likelihoods(mean - tried[:, None], spread, grid))  # [T, G]
    scores = [
        np.bincount(pair[0], own, part.max() + 1) - way**2 / (2 * shift**2) for way, own in zip(tried, likely)
    ]
    return tried[np.argmax(scores, axis=0)]


def _log_likelihoods(mean: np.ndarray, spread: np.ndarray, grid: Grid) -> np.ndarray:
    """Log likelihoods [3, ..., G] of means [..., G] with errors [G] as whole, half and arbitrary coordinates."""
    period = 2 * grid.step
    whole = np.abs(mean / period - np.round(mean / period))  # [..., G]: 0 to .5
    density = np.log(period / (spread * math.sqrt(math.tau)))
    of_whole, of_half, of_any = grid.log_shares
    return np.stack([
        of_whole + density - (period * whole / spread) ** 2 / 2,
        of_half + density - (period * (0.5 - whole) / spread) ** 2 / 2,
        np.full(mean.shape, of_any),
    ])


def _places(mean: np.ndarray, spread: np.ndarray, grid: Grid) -> np.ndarray:
    """The most likely positions [G] for means [G]."""
    period = 2 * grid.step
    whole = np.round(mean / period) * period
    half = (np.floor(mean / period) + 0.5) * period
    return np.choose(_log_likelihoods(mean, spread, grid).argmax(0), [whole, half, mean])


def _fit_diagonals(
    place: np.ndarray, mean: np.ndarray, spread: np.ndarray, terms: np.ndarray, sign: np.ndarray, grid: Grid | None
) -> None:
    """Move positions [G], one coordinate at a time, so that more diagonals hold, if that is more likely.

    terms [K, 4]: groups of the two points' x and y.
    """
    uses: dict[int, list[int]] = {}
    for k, own in enumerate(terms.tolist()):
        for g in own:
            uses.setdefault(g, []).append(k)
    ways = list(zip(terms.tolist(), sign.tolist()))

    def deviation(k: int) -> float:
        (x, to_x, y, to_y), direction = ways[k]
        return (place[to_x] - place[x]) - direction * (place[to_y] - place[y])

    def log_posterior(g: int, value: float) -> float:
        place[g] = value
        likely = _log_prior(value, spread[g], grid) - ((value - mean[g]) / spread[g]) ** 2 / 2
        return likely + DIAGONAL * sum(abs(deviation(k)) < _SAME for k in uses[g])

    for _ in range(ROUNDS):
        moved = False
        for k, (own, direction) in enumerate(ways):
            gap = deviation(k)
            if abs(gap) < _SAME:
                continue
            best, choice = 0.0, None
            for g, factor in zip(own, (-1, 1, direction, -direction)):
                old = place[g]
                gain = -log_posterior(g, old) + log_posterior(g, old - gap / factor)
                if gain > best:
                    best, choice = gain, (g, place[g])
                place[g] = old
            if choice is not None:
                place[choice[0]] = choice[1]
                moved = True
        if not moved:
            break


def _log_prior(value: float, spread: float, grid: Grid | None) -> float:
    """Log probability of a position; a grid position explains a mean better, the smaller the mean's error."""
    if grid is None:
        return 0.0
    of_whole, of_half, of_any = grid.log_shares
    steps = value / grid.step
    if abs(steps - round(steps)) > _SAME:
        return of_any
    on_grid = of_half if round(steps) % 2 else of_whole
    return on_grid + math.log(2 * grid.step / (spread * math.sqrt(math.tau)))
