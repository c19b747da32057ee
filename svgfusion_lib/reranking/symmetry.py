"""Symmetric versions of a drawing: one half and its mirror image, as further candidates for the ranker.

Most things that icons show are symmetric, but a VS-DiT draws both halves independently. In complex coordinates
z = x + iy the vertical axis of the canvas is x = 0, and the mirror image of z is -conj(z) (docs/runs.md, section 28).
"""

import cmath
import math
from collections.abc import Iterable

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import circle_through, points_at
from svgfusion_lib.utils.canonical import canonical_rows
from svgfusion_lib.utils.hybrid_utils import paints_stroke, sanitize_rows

NEAR = 0.04                 # canvas units: points this near to the axis are on it
SMALLEST = 0.02             # canvas units: shorter pieces are dropped
CENTRED = 0.35              # of a radius: circles with a centre this near to the axis are on it
PEAK = 0.1                  # canvas units: a corner between lines this near to the axis is meant to be on it
FLAT = math.radians(12)     # lines that meet the axis at a smaller angle to the horizontal become one line
ROUND = math.radians(35)    # ... arcs: one arc
Segment = tuple[int, list[complex]]  # rf.LINE, rf.CUBIC or rf.ARC, and its points
_ON_AXIS = 1e-9
_IS_X = np.array(rf.argument_tables()[0])  # [elements, commands, 8]


def mirrored_halves(rows: np.ndarray) -> list[np.ndarray]:
    """The left, right, upper and lower half of valid rows [L, 22], each with its mirror image.

    Empty for drawings with gradients; a half without anything in it is left out.
    """
    if np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS).any():
        return []
    turned = _transpose(rows)
    halves = [_with_mirror_image(each) for each in (rows, _flip(rows))]
    halves += [_transpose(_with_mirror_image(each)) for each in (turned, _flip(turned))]
    return [half for half in halves if len(half) > 2]


def _transpose(rows: np.ndarray) -> np.ndarray:
    """Swap x and y in rows [L, 22]."""
    rows = rows.copy()
    own = rows[:, rf.ELEMENT] != rf.CIRCLE
    rows[:, 2:4] = rows[:, [3, 2]]
    rows[own, 4:10] = rows[own][:, [5, 4, 7, 6, 9, 8]]
    return rows


def _flip(rows: np.ndarray) -> np.ndarray:
    """Mirror rows [L, 22] at the vertical axis."""
    rows = rows.copy()
    columns = _IS_X[rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)]  # [L, 8]
    rows[:, rf.GEOMETRY] = np.where(columns, -rows[:, rf.GEOMETRY], rows[:, rf.GEOMETRY])
    rects = rows[:, rf.ELEMENT] == rf.RECT
    rows[rects, 2] -= rows[rects, 4]
    return rows


def _with_mirror_image(rows: np.ndarray) -> np.ndarray:
    """The parts of rows [L, 22] on the left of the axis, with their mirror images."""
    made: list[np.ndarray] = []
    first = rf.MOVE  # command of the next sub-path
    drawn = rows[:, rf.ELEMENT] > rf.EOS
    begins = drawn & ((rows[:, rf.ELEMENT] != rf.PATH) | np.isin(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE)))
    for part in np.split(rows[drawn], np.flatnonzero(begins[drawn]))[1:]:  # [K, 22] each
        row = part[0]
        if row[rf.ELEMENT] != rf.PATH:
            made += _mirrored_primitive(row)
            continue
        if row[rf.COMMAND] == rf.MOVE:
            first = rf.MOVE
        for segments, closed in _mirrored_pieces(part):
            made += _path_rows(segments, closed, first, row)
            first = rf.SUBMOVE
    return canonical_rows(sanitize_rows(np.array(made).reshape(-1, rf.NUM_COLUMNS)))


def _mirrored_primitive(row: np.ndarray) -> list[np.ndarray]:
    """Rows for a rect, circle or ellipse [22]: centred on the axis, a pair, or none if it lies on the right."""
    row = row.copy()
    if row[rf.ELEMENT] == rf.RECT:
        left, right = row[2], row[2] + row[4]
        if left < -SMALLEST and right > 0:
            row[4] = -2 * left
            return [row]
    else:
        left = right = row[2]
        if abs(left) < max(NEAR, CENTRED * row[4]):
            row[2] = 0
            return [row]
    return [row, _flip(row[None])[0]] if right <= 0 else []


def _mirrored_pieces(rows: np.ndarray) -> Iterable[tuple[list[Segment], bool]]:
    """Sub-paths, as segments and whether they are closed, for the rows [K, 22] of one sub-path."""
    closed = rows[-1, rf.COMMAND] == rf.CLOSE or not paints_stroke(rows[0])  # without a stroke: implicitly
    segments = _segments(rows, closed)
    parts = [part for segment in segments for part in _cut(segment)]
    sides = [_side(part) for part in parts]
    if all(side < 0 for side in sides):
        whole, chains = closed, [parts] if parts else []
    else:
        whole, chains = False, _chains(parts, sides, closed)
    for chain in chains:
        if 1 in sides and len(chain) == 1 and abs(chain[0][1][-1] - chain[0][1][0]) < SMALLEST:
            continue
        if all(abs(point.real) <= _ON_AXIS for _, points in chain for point in points):
            yield chain, False
            continue
        starts, ends = (abs(point.real) <= _ON_AXIS for point in (chain[0][1][0], chain[-1][1][-1]))
        if whole or not (starts or ends):
            yield chain, whole
            yield _reflected(chain), whole
        elif starts and ends:
            chain = _with_peak(_reversed(_with_peak(_reversed(chain))))
            back = _reversed(_reflected(chain[:1]))
            yield _joined(chain[1:]) + _joined(back) if len(chain) > 1 else chain + back, True
        else:
            yield _joined(_with_peak(chain if ends else _reversed(chain))), False


def _segments(rows: np.ndarray, closed: bool) -> list[Segment]:
    """Segments of a sub-path's rows [K, 22]; points near the axis are moved to it."""
    geometry = rows[:, rf.GEOMETRY].astype(np.float64)
    points = geometry[:, 0::2] + 1j * geometry[:, 1::2]  # [K, 4]
    ends = np.where(np.abs(points[:, 3].real) < NEAR, 1j * points[:, 3].imag, points[:, 3])  # [K]
    result: list[Segment] = []
    for k in range(1, len(rows)):
        command = int(rows[k, rf.COMMAND])
        start, end = ends[k - 1], ends[0] if command == rf.CLOSE else ends[k]
        if command == rf.CUBIC:
            shifts = start - points[k, 0], end - points[k, 3]
            result.append((rf.CUBIC, [start, points[k, 1] + shifts[0], points[k, 2] + shifts[1], end]))
        elif command == rf.ARC:
            chord = points[k, 3] - points[k, 0]
            share = (points[k, 1] - points[k, 0]) / chord if chord else 0
            middle = start + share * (end - start) if chord else points[k, 1]
            result.append((rf.ARC, [start, middle, end]))
        elif start != end or len(rows) == 2:  # a dot
            result.append((rf.LINE, [start, end]))
    if closed and result and result[-1][1][-1] != ends[0]:
        result.append((rf.LINE, [result[-1][1][-1], ends[0]]))
    return result


def _cut(segment: Segment) -> list[Segment]:
    """A segment's parts between its crossings with the axis."""
    command, points = segment
    if command == rf.LINE:
        start, end = points
        if start.real * end.real >= 0:
            return [segment]
        middle = complex(0, start.imag + (end - start).imag * start.real / (start - end).real)
        return [(rf.LINE, [start, middle]), (rf.LINE, [middle, end])]
    parts = _cut_arc(points) if command == rf.ARC else _cut_cubic(points)
    for before, after in zip(parts, parts[1:]):
        before[-1] = after[0] = complex(0, after[0].imag)
    return [(command, part) for part in parts]


def _cut_arc(points: list[complex]) -> list[list[complex]]:
    start, middle, end = (np.array([[z.real, z.imag]]) for z in points)
    centre, radius, sweep = circle_through(start, middle, end)
    if not np.isfinite(radius[0]) or abs(centre[0, 0]) >= radius[0] or not sweep[0]:
        return [points]
    first = math.atan2(*(start - centre)[0][::-1])
    angle = math.acos(-centre[0, 0] / radius[0])
    turns = [((a - first) * math.copysign(1, sweep[0])) % math.tau / abs(sweep[0]) for a in (angle, -angle)]
    shares = np.array([0, *sorted(t for t in turns if 1e-6 < t < 1 - 1e-6), 1])
    count = len(shares) - 1
    halves = np.stack([shares[:-1], (shares[:-1] + shares[1:]) / 2, shares[1:]], axis=1).ravel()  # [3 count]
    places = [
        complex(*points_at(start, centre, sweep, float(share))[0]) for share in halves
    ]
    places[0], places[-1] = points[0], points[2]
    return [places[3 * k : 3 * k + 3] for k in range(count)]


def _cut_cubic(points: list[complex]) -> list[list[complex]]:
    p0, p1, p2, p3 = (z.real for z in points)
    roots = np.roots([p3 - 3 * p2 + 3 * p1 - p0, 3 * (p2 - 2 * p1 + p0), 3 * (p1 - p0), p0])
    shares = sorted(float(r.real) for r in roots if abs(r.imag) < 1e-9 and 1e-6 < r.real < 1 - 1e-6)
    parts, rest, done = [], points, 0.0
    for share in shares:
        t = (share - done) / (1 - done)
        a, b, c = (rest[k] + t * (rest[k + 1] - rest[k]) for k in range(3))
        d, e = a + t * (b - a), b + t * (c - b)
        cut = d + t * (e - d)
        parts.append([rest[0], a, d, cut])
        rest, done = [cut, e, c, rest[3]], share
    return [*parts, rest]


def _chains(parts: list[Segment], sides: list[int], closed: bool) -> list[list[Segment]]:
    """Runs of parts on the left of the axis, and single parts on it. sides: those of the parts (`_side`)."""
    if closed and 1 in sides:  # start behind a part on the right
        first = sides.index(1)
        parts, sides = parts[first:] + parts[:first], sides[first:] + sides[:first]
    chains: list[list[Segment]] = []
    before = 1
    for part, side in zip(parts, sides):
        if side < 0 and before < 0:
            chains[-1].append(part)
        elif side <= 0:
            chains.append([part])
        before = side
    return chains


def _side(part: Segment) -> int:
    """-1: left of the axis, 0: on it, 1: right."""
    command, points = part
    weights = (0.125, 0.375, 0.375, 0.125) if command == rf.CUBIC else (0, 1, 0) if command == rf.ARC else (0.5, 0.5)
    x = sum(weight * point.real for weight, point in zip(weights, points))
    return 0 if abs(x) <= _ON_AXIS else -1 if x < 0 else 1


def _reversed(chain: list[Segment]) -> list[Segment]:
    return [(command, points[::-1]) for command, points in reversed(chain)]


def _reflected(chain: list[Segment]) -> list[Segment]:
    return [(command, [-point.conjugate() for point in points]) for command, points in chain]


def _joined(chain: list[Segment]) -> list[Segment]:
    """A chain that ends on the axis and its reversed mirror image; nearly level lines and arcs there become one."""
    command, points = chain[-1]
    start, end = points[0], points[-1]
    if command == rf.LINE and _slope(end - start) < FLAT:
        middle = [(rf.LINE, [start, -start.conjugate()])]
    elif command == rf.ARC and _slope(_arrival(points)) < ROUND:
        middle = [(rf.ARC, [start, end, -start.conjugate()])]
    else:
        middle = [chain[-1], *_reversed(_reflected(chain[-1:]))]
    return [*chain[:-1], *middle, *_reversed(_reflected(chain[:-1]))]


def _with_peak(chain: list[Segment]) -> list[Segment]:
    """A chain that ends on the axis; a corner between lines shortly before is moved there, instead of two peaks."""
    if len(chain) < 2 or not chain[-1][0] == chain[-2][0] == rf.LINE:
        return chain
    before, corner, end = chain[-2][1][0], *chain[-1][1]
    if corner.real < -PEAK or _slope(end - corner) < FLAT:
        return chain
    return [*chain[:-2], (rf.LINE, [before, complex(0, corner.imag)])]


def _slope(way: complex) -> float:
    """Angle of a direction to the horizontal, in radians."""
    return math.atan2(abs(way.imag), abs(way.real))


def _arrival(points: list[complex]) -> complex:
    """Direction in which an arc (start, middle, end) arrives: its second half's chord, turned by half of that half."""
    start, middle, end = points
    return (end - middle) * cmath.sqrt((end - middle) / (middle - start)) if middle != start else 1


def _path_rows(segments: list[Segment], closed: bool, first: int, like: np.ndarray) -> list[np.ndarray]:
    """Rows [22] of a sub-path, with the style of `like`."""
    def row(command: int, *places: tuple[int, complex]) -> np.ndarray:
        made = np.zeros(rf.NUM_COLUMNS)
        made[rf.ELEMENT], made[rf.COMMAND], made[rf.STYLE] = rf.PATH, command, like[rf.STYLE]
        for k, point in places:
            made[rf.GEOMETRY][2 * k : 2 * k + 2] = point.real, point.imag
        return made

    made = [row(first, (3, segments[0][1][0]))]
    if closed and len(segments) > 1 and segments[-1][0] == rf.LINE:
        segments = segments[:-1]  # drawn by the close
    for command, points in segments:
        slots = {rf.LINE: (0, 3), rf.CUBIC: (0, 1, 2, 3), rf.ARC: (0, 1, 3)}[command]
        made.append(row(command, *zip(slots, points)))
    return [*made, row(rf.CLOSE)] if closed else made
