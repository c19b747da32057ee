"""Dashed strokes as one open sub-path per dash (SVG 2, section 13.5.6)."""

import numpy as np

from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.geometry.paths import CUBIC, MOVE, Path, PathBuilder, cubic_basis
from svgfusion_lib.svg.state import State
from svgfusion_lib.svg.style.values import parse_length, split_list

MAX_DASHES = 400   # of one path; more are not worth the rows
_SAMPLES = 33      # points along a curve for measuring its length
_T = np.linspace(0, 1, _SAMPLES)
_BASIS = cubic_basis(_T)  # [samples, 4]


def parse_dashes(state: State) -> tuple[list[float], float]:
    """Alternating dash and gap lengths in user units (an even number), and the offset; [] for a solid line."""
    value = state.style["stroke-dasharray"]
    if isinstance(value, str):
        value = [parse_length(word, state.diagonal, -1.0) for word in split_list(value)]
    lengths = list(value[:MAX_DASHES])
    if not lengths or min(lengths) < 0 or sum(lengths) <= 0:
        return [], 0.0
    spend(2 * len(lengths), "dashes")
    return lengths * (1 + len(lengths) % 2), state.style.length("stroke-dashoffset", state.diagonal)


def dash_path(path: Path, pattern: list[float], offset: float, path_length: float) -> Path | None:
    """The dashes of a path, each an open sub-path; None if there are more than MAX_DASHES.

    path_length: the file's pathLength (0: none), which scales dashes and offset.
    """
    starts = path.starts()
    curves = _curve_points(path, starts)                      # [K, 4, 2]
    steps = np.hypot(*np.moveaxis(np.diff(_BASIS @ curves, axis=1), 2, 0))  # [K, samples - 1]
    steps[path.codes == MOVE] = 0
    along = np.concatenate([np.zeros((len(path), 1)), np.cumsum(steps, axis=1)], axis=1)  # [K, samples]
    total = float(along[:, -1].sum())
    if path_length > 0:
        scale = total / path_length
        pattern, offset = [v * scale for v in pattern], offset * scale
    if total / sum(pattern) * len(pattern) / 2 > MAX_DASHES:
        return None
    spend(10 * len(path) + 60 * total / sum(pattern) * len(pattern), "dashes")
    builder = PathBuilder()
    first, left = _phase(pattern, offset)
    index, rest = first, left
    for k, code in enumerate(path.codes.tolist()):
        if code == MOVE:
            index, rest = first, left
            _begin(builder, index, path.points[k, 2])
            continue
        length, position = float(along[k, -1]), 0.0
        while length - position > rest or (rest == 0 and length > position):
            end = position + rest
            if index % 2 == 0:
                _draw(builder, curves[k], along[k], position, end, code == CUBIC)
            position = end
            index, rest = (index + 1) % len(pattern), pattern[(index + 1) % len(pattern)]
            _begin(builder, index, _points_at(curves[k], along[k], position))
        if index % 2 == 0:
            _draw(builder, curves[k], along[k], position, length, code == CUBIC)
        rest -= length - position
    return builder.build()


def _curve_points(path: Path, starts: np.ndarray) -> np.ndarray:
    """Every segment as a cubic [K, 4, 2]; lines get control points at thirds."""
    ends = path.points[:, 2]
    third = (ends - starts) / 3
    curved = (path.codes == CUBIC)[:, None]
    first = np.where(curved, path.points[:, 0], starts + third)
    second = np.where(curved, path.points[:, 1], ends - third)
    return np.stack([starts, first, second, ends], axis=1)


def _phase(pattern: list[float], offset: float) -> tuple[int, float]:
    """Index of the pattern entry at the start of a line, and its remaining length."""
    offset %= sum(pattern)
    index = 0
    while offset >= pattern[index] and (offset > 0 or pattern[index] == 0) and index < len(pattern) - 1:
        if pattern[index] == 0 and index % 2 == 0 and offset == 0:
            break  # a dot at the very start
        offset -= pattern[index]
        index += 1
    return index, max(0.0, pattern[index] - offset)


def _begin(builder: PathBuilder, index: int, point: np.ndarray) -> None:
    if index % 2 == 0:
        builder.move(float(point[0]), float(point[1]))


def _points_at(curve: np.ndarray, along: np.ndarray, position: float) -> np.ndarray:
    t = float(np.interp(position, along, _T))
    s = 1 - t
    return s**3 * curve[0] + 3 * s * s * t * curve[1] + 3 * s * t * t * curve[2] + t**3 * curve[3]


def _draw(builder: PathBuilder, curve: np.ndarray, along: np.ndarray, start: float, end: float, curved: bool) -> None:
    """Draw the part of a segment between two lengths along it."""
    if not curved:
        builder.line(*_points_at(curve, along, end).tolist())
        return
    t0, t1 = np.interp((start, end), along, _T)
    part = _split(curve, t0, t1)
    builder.cubic(*part[1:].ravel().tolist())


def _split(curve: np.ndarray, t0: float, t1: float) -> np.ndarray:
    """Control points [4, 2] of the part of a cubic between two parameters (blossoming)."""

    def blossom(a: float, b: float, c: float) -> np.ndarray:
        points = curve
        for t in (a, b, c):
            points = (1 - t) * points[:-1] + t * points[1:]
        return points[0]

    return np.stack([blossom(t0, t0, t0), blossom(t0, t0, t1), blossom(t0, t1, t1), blossom(t1, t1, t1)])
