"""Reduces a gradient's stops to as few as look the same in its visible part."""

import math

import numpy as np

RGBA = tuple[float, float, float, float]
MAX_KEPT = 10          # stops per gradient in the rows
MAX_REPEATS = 12       # repetitions by spreadMethod
VISIBLE = 9 / 255      # with a larger error of two stops, more are kept
INVISIBLE = 2.5 / 255  # gradients with smaller colour differences become a plain colour


def repeat_stops(
    offsets: np.ndarray, colours: np.ndarray, spread: str, low: float, high: float
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Repeat stops by spreadMethod over the visible part, low to high; also returns whether all repetitions fit."""
    first, last = math.floor(low + 1e-6), math.ceil(high - 1e-6)
    if spread not in ("reflect", "repeat") or (first >= 0 and last <= 1):
        return offsets, colours, True
    whole = last - first <= MAX_REPEATS
    first, last = (first, last) if whole else (max(first, -MAX_REPEATS // 2), min(last, MAX_REPEATS // 2))
    offsets = np.concatenate([[0.0], offsets, [1.0]])
    colours = np.concatenate([colours[:1], colours, colours[-1:]])
    places, paints = [], []
    for k in range(first, last):
        turned = spread == "reflect" and k % 2 == 1
        places.append(k + (1 - offsets[::-1] if turned else offsets))
        paints.append(colours[::-1] if turned else colours)
    return np.concatenate(places), np.concatenate(paints), whole


def reduce_stops(
    offsets: np.ndarray, colours: np.ndarray, low: float, high: float, step: float
) -> tuple[list[float], list[list[float]], float]:
    """The fewest stops, 2 to MAX_KEPT, that look the same between low and high, and the largest error.

    The first and the last are at least `step` apart.
    """
    inner = (offsets > low - 1e-6) & (offsets < high + 1e-6)
    ends = [at for at in (low, high) if offsets[0] < at < offsets[-1] and np.abs(offsets - at).min() > 1e-6]
    if inner.sum() + len(ends) == 0:  # a step exactly at an end of the visible part
        ends = [low, high]
    end_colours = np.array([[np.interp(at, offsets, c) for c in colours.T] for at in ends]).reshape(-1, 4)
    offsets = np.concatenate([offsets[inner], ends])
    colours = np.concatenate([colours[inner], end_colours])
    order = np.argsort(offsets, kind="stable")
    offsets, colours = offsets[order], colours[order]
    fresh = np.append(True, (np.diff(offsets) > 0) | (np.diff(colours, axis=0) != 0).any(1))
    offsets, colours = offsets[fresh], colours[fresh]  # drops repeated stops
    if len(offsets) < 2 or offsets[-1] - offsets[0] < step:  # all at one place
        return [float(offsets[0]), float(offsets[0]) + step], colours[[0, -1]].tolist(), 0.0
    painted = premultiplied(colours)
    kept, worst = [0, len(offsets) - 1], 1.0
    while len(kept) < MAX_KEPT:
        shown = np.stack([np.interp(offsets, offsets[kept], c[kept]) for c in painted.T], axis=1)
        shown[kept] = painted[kept]
        errors = np.abs(shown - painted).max(1)
        worst = float(errors.max())
        if worst < INVISIBLE:
            break
        kept = sorted([*kept, int(errors.argmax())])
    return offsets[kept].tolist(), colours[kept].tolist(), worst


def premultiplied(colours: np.ndarray) -> np.ndarray:
    result = colours.copy()
    result[..., :3] *= colours[..., 3:]
    return result


def fit_two_stops(
    offsets: np.ndarray, t: np.ndarray, seen: np.ndarray, weights: np.ndarray, step: float
) -> tuple[float, float, RGBA, RGBA, float]:
    """Fit two stops, at t0 + step <= t1, to colours `seen` [T, 4] at t [T].

    offsets [S] are the file's and are tried first. Returns (t0, t1, first, last, largest difference in a
    premultiplied channel).
    """
    low, high = t[0], t[-1]
    inner = offsets[(offsets > low) & (offsets < high)]
    before, after = offsets[offsets <= low], offsets[offsets >= high]
    knots = np.unique(np.concatenate([
        before[-1:], after[:1], inner[:: max(1, len(inner) // 8)], [low, high], np.linspace(low, high, 7)[1:-1],
    ]))
    i, j = np.triu_indices(len(knots), 1)
    a, b = knots[i], knots[j]
    b = np.maximum(b, a + step)
    u = ((t - a[:, None]) / (b - a)[:, None]).clip(0, 1)  # [pairs, T]
    w = weights * (seen[:, 3] + 1e-3)                      # weight colours by opacity
    first, last = _least_squares(u, seen, w)               # [pairs, 4] each
    alpha_first, alpha_last = _least_squares(u, seen[:, 3:], weights)
    first[:, 3:], last[:, 3:] = alpha_first, alpha_last
    first, last = first.clip(0, 1), last.clip(0, 1)
    model = first[:, None] * (1 - u[..., None]) + last[:, None] * u[..., None]  # [pairs, T, 4]
    difference = np.abs(premultiplied(model) - premultiplied(seen))
    best = int(((difference**2).sum(-1) * weights).sum(-1).argmin())
    return (
        float(a[best]), float(b[best]), tuple(first[best].tolist()), tuple(last[best].tolist()),
        float(difference[best].max()),
    )


def _least_squares(u: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares end values of ramps u [pairs, T] for target [T, C] -> [pairs, C] at u = 0 and at u = 1."""
    v = 1 - u
    tiny = 1e-9 * weights.sum()
    s00, s01, s11 = ((weights * p * q).sum(1) for p, q in ((v, v), (v, u), (u, u)))
    right0, right1 = (weights * v) @ target, (weights * u) @ target  # [pairs, C]
    s00, s11 = s00 + tiny, s11 + tiny
    determinant = (s00 * s11 - s01 * s01)[:, None]
    return (
        (right0 * s11[:, None] - right1 * s01[:, None]) / determinant,
        (right1 * s00[:, None] - right0 * s01[:, None]) / determinant,
    )
