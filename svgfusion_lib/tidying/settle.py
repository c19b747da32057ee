"""Where tied coordinates belong: the likeliest places of points that errors have moved.

Of a designer's coordinates most are whole, some are half, the others may be anything; an error shifts a whole sub-path
and every point by itself. `settled` finds the most probable places under that model, by iterated conditional modes
(Besag 1986, "On the statistical analysis of dirty pictures"). Units: 24 to the canvas's side. Letters: A points,
G groups of tied coordinates, P sub-paths, K diagonals.
"""

import math

import numpy as np

WHOLE, HALF, ANY = 0.74, 0.05, 0.21   # shares of the coordinates of tabler and lucide that are whole, half, or neither
LEAST_SHIFT = 0.3                     # units: error of a sub-path's place, where points have errors at all
SHIFTS = np.linspace(-1, 1, 41)       # of a sub-path that are tried, in whole steps
ROUNDS = 4
DIAGONAL = 2.0                        # log odds that what looks like a diagonal is meant as one
_SAME = 1e-6


def settled(
    points: np.ndarray, groups: tuple[np.ndarray, np.ndarray], part: np.ndarray, diagonals: np.ndarray, noise: float,
    shift: float, step: float,
) -> np.ndarray:
    """Places [A, 2] of points [A, 2]: coordinates of one group have one, on the grid if that is likelier than not.

    groups: numbers [A] of the tied groups in x and in y; part [A]: sub-path; diagonals [K, 3]: two points whose way is
    meant to be as far in x as in y, and the sign of y's against x's; noise, shift: errors of a point and of a sub-path
    (standard deviations); step: of the half grid (0: there is none; a group's place is its mean).
    """
    if not len(points):
        return points
    axes = [_axis_places(points[:, k], groups[k], part, noise, shift, step) for k in (0, 1)]
    mean, spread, place = (np.concatenate(values) for values in zip(*axes))  # [G] each: groups in x, then in y
    in_y = groups[1] + len(axes[0][0])
    if len(diagonals):
        first, second, sign = diagonals.T
        terms = np.stack([groups[0][first], groups[0][second], in_y[first], in_y[second]], axis=1)  # [K, 4]
        _fit_diagonals(place, mean, spread, terms, sign, step)
    return np.stack([place[groups[0]], place[in_y]], axis=1)


def _axis_places(
    values: np.ndarray, group: np.ndarray, part: np.ndarray, noise: float, shift: float, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means [G] of groups of coordinates [A] without their sub-paths' shifts, the means' errors, likeliest places."""
    count = np.bincount(group)
    spread = noise / np.sqrt(count)
    if not step:
        mean = np.bincount(group, values) / count
        return mean, spread, mean.copy()
    size = np.bincount(part)
    shifts = _likely_shifts(values, group, part, noise, shift, step)  # [P]
    for _ in range(ROUNDS):
        mean = np.bincount(group, values - shifts[part]) / count
        place = _places(mean, spread, step)
        shifts = np.bincount(part, values - place[group]) / (size + (noise / shift) ** 2)
    return mean, spread, place


def _likely_shifts(
    values: np.ndarray, group: np.ndarray, part: np.ndarray, noise: float, shift: float, step: float
) -> np.ndarray:
    """The shifts of sub-paths [P] that put their coordinates on the grid best; small ones where none does better."""
    pair, own = np.unique(np.stack([part, group]), axis=1, return_inverse=True)  # groups within sub-paths
    own = own.ravel()
    count = np.bincount(own)
    mean = np.bincount(own, values) / count
    spread = noise / np.sqrt(count)
    tried = SHIFTS * min(2 * step, 3 * shift)
    scores = [
        np.bincount(pair[0], np.logaddexp.reduce(_log_likelihoods(mean - way, spread, step)), part.max() + 1)
        - way**2 / (2 * shift**2)
        for way in tried
    ]
    return tried[np.argmax(scores, axis=0)]


def _log_likelihoods(mean: np.ndarray, spread: np.ndarray, step: float) -> np.ndarray:
    """Of means [G] with errors [G] as those of whole, half and any coordinates: [3, G]."""
    whole = np.abs(mean / (2 * step) - np.round(mean / (2 * step)))  # [G]: 0 to .5
    density = np.log(2 * step / (spread * math.sqrt(math.tau)))
    return np.stack([
        math.log(WHOLE) + density - (2 * step * whole / spread) ** 2 / 2,
        math.log(HALF) + density - (2 * step * (0.5 - whole) / spread) ** 2 / 2,
        np.full(len(mean), math.log(ANY)),
    ])


def _places(mean: np.ndarray, spread: np.ndarray, step: float) -> np.ndarray:
    """The likeliest places [G] of means [G]."""
    whole = np.round(mean / (2 * step)) * 2 * step
    half = (np.floor(mean / (2 * step)) + 0.5) * 2 * step
    return np.choose(_log_likelihoods(mean, spread, step).argmax(0), [whole, half, mean])


def _fit_diagonals(
    place: np.ndarray, mean: np.ndarray, spread: np.ndarray, terms: np.ndarray, sign: np.ndarray, step: float
) -> None:
    """Moves places [G] so that more of the diagonals hold, one coordinate at a time, where that is likelier.

    terms [K, 4]: groups of the two points' x and y.
    """
    uses: dict[int, list[int]] = {}
    for k, own in enumerate(terms.tolist()):
        for g in own:
            uses.setdefault(g, []).append(k)
    ways = list(zip(terms.tolist(), sign.tolist()))

    def off(k: int) -> float:
        (x, to_x, y, to_y), direction = ways[k]
        return (place[to_x] - place[x]) - direction * (place[to_y] - place[y])

    def worth(g: int, value: float) -> float:
        place[g] = value
        likely = _log_prior(value, spread[g], step) - ((value - mean[g]) / spread[g]) ** 2 / 2
        return likely + DIAGONAL * sum(abs(off(k)) < _SAME for k in uses[g])

    for _ in range(ROUNDS):
        moved = False
        for k, (own, direction) in enumerate(ways):
            gap = off(k)
            if abs(gap) < _SAME:
                continue
            best, choice = 0.0, None
            for g, factor in zip(own, (-1, 1, direction, -direction)):
                old = place[g]
                gain = -worth(g, old) + worth(g, old - gap / factor)
                if gain > best:
                    best, choice = gain, (g, place[g])
                place[g] = old
            if choice is not None:
                place[choice[0]] = choice[1]
                moved = True
        if not moved:
            break


def _log_prior(value: float, spread: float, step: float) -> float:
    """Of a place as whole, half or any; one on the grid explains a mean with errors better the smaller those are."""
    if not step:
        return 0.0
    halves = value / step
    if abs(halves - round(halves)) > _SAME:
        return math.log(ANY)
    return math.log((HALF if round(halves) % 2 else WHOLE) * 2 * step / (spread * math.sqrt(math.tau)))
