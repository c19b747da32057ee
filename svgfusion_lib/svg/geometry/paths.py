"""Paths as arrays, and parsing of path data (SVG 2, section 9.3).

A path of K segments is codes int8 [K] (MOVE, LINE, CUBIC, CLOSE) and points float64 [K, 3, 2]: first
control, second control, end. Only CUBIC uses control points; CLOSE ends where its sub-path began. Every
sub-path starts with MOVE, and every MOVE is followed by a segment.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.style.transforms import Matrix
from svgfusion_lib.svg.style.values import LARGEST, NUMBER, end_of_gap

MOVE, LINE, CUBIC, CLOSE = range(4)
MAX_SEGMENTS = 50_000  # of one path; icons have hundreds
CIRCLE_CONTROL = 4 / 3 * math.tan(math.pi / 8)  # control length of a quarter turn, relative to the radius

_LETTERS = frozenset("MmLlHhVvCcSsQqTtAaZz")
_FLAGS = frozenset("01")
_COMMAND = re.compile(r"([MmLlHhVvCcSsQqTtAaZz])([^MmLlHhVvCcSsQqTtAaZz]*)")
_NUMBER = re.compile(NUMBER)
_TOKEN = re.compile(f"{NUMBER}|[MmLlHhVvCcSsQqTtAaZz]")
_NO_GAPS = str.maketrans("", "", " ,\t\n\f\r")
_MISPLACED_COMMA = re.compile(r",\s*(?:[MmLlHhVvCcSsQqTtAaZz,]|$)|[MmLlHhVvCcSsQqTtAaZz]\s*,")
# radii, rotation, two flags that need no separators, end point; possessive, so without backtracking
_ARC = re.compile("".join(rf"\s*+,?\s*+((?>{part}))" for part in (*[NUMBER] * 3, "[01]", "[01]", *[NUMBER] * 2)))
_ARITY = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}


@dataclass
class Path:
    codes: np.ndarray   # int8 [K]
    points: np.ndarray  # float64 [K, 3, 2]
    broken: bool = False  # path data with an error; the path ends there
    isolated_moves: tuple[tuple[int, float, float], ...] = ()  # moves without segments: index of the next segment, x, y

    def __len__(self) -> int:
        return len(self.codes)

    def transformed(self, matrix: Matrix) -> "Path":
        a, b, c, d, e, f = matrix
        points = np.dot(self.points.reshape(-1, 2), ((a, b), (c, d)))  # [3 K, 2]
        points += (e, f)
        return Path(self.codes, points.reshape(-1, 3, 2))

    def starts(self) -> np.ndarray:
        """The current point before each segment [K, 2]; a MOVE starts where it ends."""
        starts = np.empty((len(self.codes), 2))
        starts[0], starts[1:] = self.points[0, 2], self.points[:-1, 2]
        moves = self.codes == MOVE
        starts[moves] = self.points[moves, 2]
        return starts

    def hull(self) -> tuple[float, float, float, float]:
        """Box around ends and control points: fast, and at least as large as the tight box."""
        ends, curves = self.points[:, 2], self.points[self.codes == CUBIC, :2]  # [K, 2], [C, 2, 2]
        low, high = ends.min(0), ends.max(0)
        if len(curves):
            low, high = np.minimum(low, curves.min((0, 1))), np.maximum(high, curves.max((0, 1)))
        return (*low.tolist(), *high.tolist())

    def bounds(self) -> tuple[float, float, float, float]:
        """Tight box (left, top, right, bottom) of the geometry, without stroke."""
        ends = self.points[:, 2]
        low, high = ends.min(0), ends.max(0)
        curves = self.codes == CUBIC
        if curves.any():
            controls = self.points[curves, :2].reshape(-1, 2)
            if (controls < low).any() or (controls > high).any():
                extremes = cubic_extremes(self.starts()[curves], *self.points[curves].swapaxes(0, 1))
                low, high = np.minimum(low, extremes.min((0, 1))), np.maximum(high, extremes.max((0, 1)))
        return (*low.tolist(), *high.tolist())


def cubic_extremes(p0: np.ndarray, p1: np.ndarray, p2: np.ndarray, p3: np.ndarray) -> np.ndarray:
    """Extrema of x and y on cubics (4 times [N, 2]) -> [2, N, 2]; end points where there are none."""
    a, b, c = p3 - p0 + 3 * (p1 - p2), 2 * (p0 - 2 * p1 + p2), p1 - p0  # derivative / 3 = a t^2 + b t + c
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
        quotient = -(b + np.where(b < 0, -root, root)) / 2
        t = np.stack([quotient / a, c / quotient])  # [2, N, 2]: stable where a is near 0
    t = np.where(np.isfinite(t), t, 0).clip(0, 1)
    s = 1 - t
    return s**3 * p0 + 3 * s * s * t * p1 + 3 * s * t * t * p2 + t**3 * p3


def cubic_basis(t: np.ndarray) -> np.ndarray:
    """Bernstein polynomials [T, 4] at t [T]: basis @ (start, two controls, end [4, 2]) are points [T, 2] on a cubic."""
    return np.stack([(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3], axis=1)


class PathBuilder:
    """Collects segments; moves without segments are kept apart, and a segment after a close starts a new sub-path."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.numbers: list[float] = []  # six per segment
        self.x = self.y = self.first_x = self.first_y = 0.0
        self.isolated_moves: list[tuple[int, float, float]] = []
        self._move_due = True
        self._moved = False

    def move(self, x: float, y: float) -> None:
        if self._moved:
            self.isolated_moves.append((len(self.codes), self.x, self.y))
        self.x, self.y, self.first_x, self.first_y = x, y, x, y
        self._move_due = self._moved = True

    def line(self, x: float, y: float) -> None:
        if self._move_due:
            self._begin()
        self.codes.append(LINE)
        self.numbers += (0.0, 0.0, 0.0, 0.0, x, y)
        self.x, self.y = x, y

    def cubic(self, x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> None:
        if self._move_due:
            self._begin()
        self.codes.append(CUBIC)
        self.numbers += (x1, y1, x2, y2, x, y)
        self.x, self.y = x, y

    def close(self) -> None:
        if self._move_due:  # nothing to close: a dot, written as a zero-length line
            self.line(self.first_x, self.first_y)
        elif self.codes[-2] == MOVE and self.codes[-1] == LINE and (self.x, self.y) == (self.first_x, self.first_y):
            pass  # a closed dot is a dot
        else:
            self.codes.append(CLOSE)
            self.numbers += (0.0, 0.0, 0.0, 0.0, self.first_x, self.first_y)
        self.x, self.y = self.first_x, self.first_y
        self._move_due = True

    def build(self, broken: bool = False) -> Path:
        """Build the path; ValueError if a coordinate is not finite or too large."""
        points = np.array(self.numbers, dtype=np.float64).reshape(-1, 3, 2)
        if not np.abs(points).max(initial=0.0) < LARGEST:  # also catches NaN
            raise ValueError("a coordinate in path data is infinite, not a number, or too large")
        if self._moved:
            self.move(0.0, 0.0)
        return Path(np.array(self.codes, dtype=np.int8), points, broken, tuple(self.isolated_moves))

    def _begin(self) -> None:
        if len(self.codes) > MAX_SEGMENTS:
            raise ValueError(f"a path has more than {MAX_SEGMENTS:,} segments")
        self.codes.append(MOVE)
        self.numbers += (0.0, 0.0, 0.0, 0.0, self.first_x, self.first_y)
        self._move_due = self._moved = False


def parse_path(data: str) -> Path:
    """Parse path data up to the first error, as SVG 2 requires (section 9.5.4); sets `broken` on an error.

    Quadratics become exact cubics, arcs become cubics of at most a quarter turn. Raises ValueError for
    non-finite coordinates and for more than MAX_SEGMENTS segments.
    """
    builder = PathBuilder()
    control_x = control_y = 0.0  # last control point, for S and T
    last = ""                    # last command, upper case
    broken = bool(data.strip()) and data.lstrip()[0] not in "Mm"
    spend(len(data) / 12, "path data")
    for letter, numbers, whole in () if broken else _commands(data):
        command = letter.upper()
        arity = _ARITY[command]
        if arity == 0:
            builder.close()
            last, broken = "Z", not whole
            if broken:
                break
            continue
        usable = len(numbers) - len(numbers) % arity
        broken = not whole or usable != len(numbers) or usable == 0
        if usable // arity > MAX_SEGMENTS:
            raise ValueError(f"a path has more than {MAX_SEGMENTS:,} segments")
        relative = letter.islower()
        for i in range(0, usable, arity):
            x, y = (builder.x, builder.y) if relative else (0.0, 0.0)
            if command == "C":
                x1, y1, x2, y2, x3, y3 = numbers[i : i + 6]
                control_x, control_y = x2 + x, y2 + y
                builder.cubic(x1 + x, y1 + y, control_x, control_y, x3 + x, y3 + y)
            elif command == "L" or (command == "M" and i):
                builder.line(numbers[i] + x, numbers[i + 1] + y)
            elif command == "H":
                builder.line(numbers[i] + x, builder.y)
            elif command == "V":
                builder.line(builder.x, numbers[i] + y)
            elif command == "M":
                builder.move(numbers[i] + x, numbers[i + 1] + y)
            elif command == "S":
                x1, y1 = builder.x, builder.y
                if last in ("C", "S"):
                    x1, y1 = 2 * x1 - control_x, 2 * y1 - control_y
                control_x, control_y = numbers[i] + x, numbers[i + 1] + y
                builder.cubic(x1, y1, control_x, control_y, numbers[i + 2] + x, numbers[i + 3] + y)
            elif command == "A":
                rx, ry, turn, large, sweep, x3, y3 = numbers[i : i + 7]
                add_arc(builder, rx, ry, turn, large != 0, sweep != 0, x3 + x, y3 + y)
            else:  # Q, T
                x0, y0 = builder.x, builder.y
                if command == "Q":
                    control_x, control_y = numbers[i] + x, numbers[i + 1] + y
                elif last in ("Q", "T"):
                    control_x, control_y = 2 * x0 - control_x, 2 * y0 - control_y
                else:
                    control_x, control_y = x0, y0
                x3, y3 = numbers[i + arity - 2] + x, numbers[i + arity - 1] + y
                builder.cubic(
                    x0 + (control_x - x0) * 2 / 3, y0 + (control_y - y0) * 2 / 3,
                    x3 + (control_x - x3) * 2 / 3, y3 + (control_y - y3) * 2 / 3, x3, y3,
                )
            last = command
        if len(builder.codes) > MAX_SEGMENTS:
            raise ValueError(f"a path has more than {MAX_SEGMENTS:,} segments")
        if broken:
            break
    return builder.build(broken)


def _commands(data: str) -> Iterator[tuple[str, list[float], bool]]:
    """Each command letter with its numbers up to the first error, and whether it had none."""
    tokens = _TOKEN.findall(data)
    if "".join(tokens) == data.translate(_NO_GAPS) and not _MISPLACED_COMMA.search(data):  # no errors
        starts = [i for i, token in enumerate(tokens) if token in _LETTERS]
        commands = [(tokens[i], tokens[i + 1 : end]) for i, end in zip(starts, [*starts[1:], len(tokens)])]
        arcs = [texts for letter, texts in commands if letter in "Aa"]
        if all(_FLAGS.issuperset(texts[3::7] + texts[4::7]) for texts in arcs):
            for letter, texts in commands:
                yield letter, list(map(float, texts)), not texts or letter not in "Zz"
            return
    for letter, text in _COMMAND.findall(data):
        yield letter, *_arguments(letter, text)


def _arguments(letter: str, text: str) -> tuple[list[float], bool]:
    """The numbers of a command's text up to the first error, and whether it had none."""
    numbers: list[float] = []
    position = 0
    if letter in "Aa":
        while match := _ARC.match(text, position):
            numbers += map(float, match.groups())
            position = match.end()
    elif letter not in "Zz":
        start = len(text) - len(text.lstrip())
        while match := _NUMBER.match(text, start):
            numbers.append(float(match[0]))
            position = match.end()
            start = end_of_gap(text, position)
    return numbers, not text[position:].strip()


def add_arc(
    builder: PathBuilder, rx: float, ry: float, turn: float, large: bool, sweep: bool, x: float, y: float
) -> None:
    """Add an elliptical arc from the current point to (x, y) as cubics; turn in degrees (SVG 2, appendix B.2.4)."""
    x0, y0 = builder.x, builder.y
    rx, ry = abs(rx), abs(ry)
    if (x0, y0) == (x, y) or rx == 0 or ry == 0 or not math.isfinite(rx + ry):
        builder.line(x, y)
        return
    cosine, sine = math.cos(math.radians(turn % 360)), math.sin(math.radians(turn % 360))
    half_x, half_y = (x0 - x) / 2, (y0 - y) / 2
    px, py = (cosine * half_x + sine * half_y) / rx, (cosine * half_y - sine * half_x) / ry  # on the unit circle
    excess = px * px + py * py
    if not math.isfinite(excess):
        raise ValueError("an arc in path data is infinite, not a number, or too large")
    if excess > 1:  # radii too small: scale them up
        scale = math.sqrt(excess)
        rx, ry, px, py, excess = rx * scale, ry * scale, px / scale, py / scale, 1.0
    factor = math.sqrt(max(0.0, 1 / excess - 1)) if excess > 1e-24 else 0.0
    if large == sweep:
        factor = -factor
    cx, cy = factor * py, -factor * px  # centre relative to the chord's middle, in unit circle coordinates
    first = math.atan2(py - cy, px - cx)
    delta = math.atan2(-py - cy, -px - cx) - first
    if sweep and delta < 0:
        delta += 2 * math.pi
    elif not sweep and delta > 0:
        delta -= 2 * math.pi
    count = max(1, math.ceil(abs(delta) / (math.pi / 2) - 1e-3))
    step = delta / count
    control = 4 / 3 * math.tan(step / 4)
    middle_x, middle_y = (x0 + x) / 2, (y0 + y) / 2

    def place(u: float, v: float) -> tuple[float, float]:
        u, v = rx * (u + cx), ry * (v + cy)
        return middle_x + cosine * u - sine * v, middle_y + sine * u + cosine * v

    for i in range(count):
        c0, s0 = math.cos(first + i * step), math.sin(first + i * step)
        c1, s1 = math.cos(first + (i + 1) * step), math.sin(first + (i + 1) * step)
        end = (x, y) if i == count - 1 else place(c1, s1)
        builder.cubic(*place(c0 - control * s0, s0 + control * c0), *place(c1 + control * s1, s1 - control * c1), *end)


def ellipse_path(cx: float, cy: float, rx: float, ry: float) -> Path:
    """Four quarter turns, clockwise from the rightmost point (SVG 2, section 10.4)."""
    builder = PathBuilder()
    builder.move(cx + rx, cy)
    kx, ky = rx * CIRCLE_CONTROL, ry * CIRCLE_CONTROL
    builder.cubic(cx + rx, cy + ky, cx + kx, cy + ry, cx, cy + ry)
    builder.cubic(cx - kx, cy + ry, cx - rx, cy + ky, cx - rx, cy)
    builder.cubic(cx - rx, cy - ky, cx - kx, cy - ry, cx, cy - ry)
    builder.cubic(cx + kx, cy - ry, cx + rx, cy - ky, cx + rx, cy)
    builder.close()
    return builder.build()


def rounded_rect_path(x: float, y: float, width: float, height: float, rx: float, ry: float) -> Path:
    """Rectangle with elliptical corners, clockwise from its top edge (SVG 2, section 10.2)."""
    builder = PathBuilder()
    right, bottom = x + width, y + height
    if rx <= 0 or ry <= 0:
        builder.move(x, y)
        for corner in ((right, y), (right, bottom), (x, bottom)):
            builder.line(*corner)
    else:
        kx, ky = rx * (1 - CIRCLE_CONTROL), ry * (1 - CIRCLE_CONTROL)
        straight_x, straight_y = width > 2 * rx * (1 + 1e-9), height > 2 * ry * (1 + 1e-9)
        builder.move(x + rx, y)
        if straight_x:
            builder.line(right - rx, y)
        builder.cubic(right - kx, y, right, y + ky, right, y + ry)
        if straight_y:
            builder.line(right, bottom - ry)
        builder.cubic(right, bottom - ky, right - kx, bottom, right - rx, bottom)
        if straight_x:
            builder.line(x + rx, bottom)
        builder.cubic(x + kx, bottom, x, bottom - ky, x, bottom - ry)
        if straight_y:
            builder.line(x, y + ry)
        builder.cubic(x, y + ky, x + kx, y, x + rx, y)
    builder.close()
    return builder.build()


def polygon_path(numbers: list[float], closed: bool) -> Path:
    """Points x0, y0, x1, y1, ... as lines; drops an unpaired last number."""
    builder = PathBuilder()
    for i in range(0, len(numbers) - 1, 2):
        (builder.line if i else builder.move)(numbers[i], numbers[i + 1])
    if closed and len(numbers) >= 2:
        builder.close()
    return builder.build()
