"""Symmetric versions of a drawing: one half and its mirror image, or one wedge all around, as candidates to rank.

Most things that icons show are symmetric, but a VS-DiT draws all parts independently. In complex coordinates
z = x + iy a drawing with n axes of symmetry, one of them vertical, is made from its points in the wedge between two
neighbouring rays, the vertical one and the one turned by pi / n: reflections in both rays take the wedge to all others
(the dihedral group; docs/runs.md, sections 28 and 30). With n = 1 the wedge is the left half.
"""

import cmath
import math
from collections.abc import Iterable

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import circle_through, points_at
from svgfusion_lib.utils.canonical import canonical_rows
from svgfusion_lib.utils.hybrid_utils import has_gradients, paints_stroke, sanitize_rows

NEAR = 0.04                 # canvas units: points this near to the axis are on it
BESIDE = 0.12               # canvas units: lines this near to a ray of several are meant to be on it
CENTRE = 0.1                # canvas units: parts this near to the centre of several rays are dropped, lines reach it
SMALLEST = 0.02             # canvas units: shorter pieces are dropped
CENTRED = 0.35              # of a radius: circles with a centre this near to the axis are on it
PEAK = 0.1                  # canvas units: a corner between lines this near to the axis is meant to be on it
CORNER = 0.15               # ... a rounded corner that begins this near to it
LARGEST_CORNER = 0.5        # canvas units: radius of a rounded corner on the axis
FLAT = math.radians(12)     # lines that meet the axis at a smaller angle to the horizontal become one line
ROUND = math.radians(35)    # ... arcs: one arc
LEVEL = math.radians(25)    # ... cubics: a level one
Segment = tuple[int, list[complex]]  # rf.LINE, rf.CUBIC or rf.ARC, and its points
_ON_AXIS = 1e-9

# Names of which most real icons have several axes of symmetry, and how many (measured in the 15 line packs).
AXES = {
    4: ("close", "cross", "crosshair", "expand", "focus", "frame", "full screen", "fullscreen", "grid", "lifebuoy",
        "maximize", "minimize", "move", "plus", "sparkle", "target", "x"),
    5: ("pentagon", "star"),
    6: ("asterisk", "hexagon", "snow", "snowflake"),
    8: ("badge", "brightness", "cog", "dharmachakra", "flower", "gear", "loader", "octagon", "setting", "settings",
        "ship wheel", "sun", "wheel"),
}


def symmetric_versions(rows: np.ndarray, name: str = "") -> list[np.ndarray]:
    """`mirrored_halves` of valid rows [L, 22], and `unfolded_wedges` if the named thing has several axes (`AXES`)."""
    return mirrored_halves(rows) + [each for count in axes_of(name) for each in unfolded_wedges(rows, count)]


def axes_of(name: str) -> list[int]:
    """How many axes of symmetry a named thing has; empty: not more than two, or unknown."""
    return [count for count, names in AXES.items() if name.lower() in names]


def mirrored_halves(rows: np.ndarray) -> list[np.ndarray]:
    """The left, right, upper and lower half of valid rows [L, 22], each with its mirror image.

    Empty for drawings with gradients; a half without anything in it is left out.
    """
    if has_gradients(rows):
        return []
    turned = _transpose(rows)
    halves = [_valid(_unfold(each, 1)) for each in (rows, _flip(rows))]
    halves += [_transpose(_valid(_unfold(each, 1))) for each in (turned, _flip(turned))]
    return [half for half in halves if len(half) > 2]


def unfolded_wedges(rows: np.ndarray, axes: int) -> list[np.ndarray]:
    """The 2 axes wedges between the axes of valid rows [L, 22], each unfolded around the centre of the canvas.

    Rects and ellipses are left out. Empty for drawings with gradients; a wedge without anything in it is left out.
    """
    if has_gradients(rows):
        return []
    turns = [cmath.rect(1, math.pi * k / axes) for k in range(2 * axes)]
    wedges = [_valid(_turn(_unfold(_turn(rows, 1 / turn), axes), turn)) for turn in turns]
    return [wedge for wedge in wedges if len(wedge) > 2]


def _valid(rows: np.ndarray) -> np.ndarray:
    return canonical_rows(sanitize_rows(rows))


def _turn(rows: np.ndarray, turn: complex) -> np.ndarray:
    """Rotate the paths and circles of rows [L, 22] about the centre of the canvas."""
    rows = rows.astype(np.float64)
    z = (rows[:, 2:10:2] + 1j * rows[:, 3:10:2]) * turn  # [L, 4]
    turned = np.stack([z.real, z.imag], axis=-1).reshape(len(rows), rf.NUM_GEOMETRY)
    paths, circles = (rows[:, rf.ELEMENT] == element for element in (rf.PATH, rf.CIRCLE))
    rows[paths, rf.GEOMETRY] = turned[paths]
    rows[circles, 2:4] = turned[circles, :2]
    return rows


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
    columns = rf.IS_X[rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)]  # [L, 8]
    rows[:, rf.GEOMETRY] = np.where(columns, -rows[:, rf.GEOMETRY], rows[:, rf.GEOMETRY])
    rects = rows[:, rf.ELEMENT] == rf.RECT
    rows[rects, 2] -= rows[rects, 4]
    return rows


def _unfold(rows: np.ndarray, axes: int) -> np.ndarray:
    """The parts of rows [L, 22] in the wedge on the left of the ray x = 0, y > 0, and their images in all others.

    The rows [L', 22] that it returns are neither valid nor canonical yet.
    """
    made: list[np.ndarray] = []
    first = rf.MOVE  # command of the next sub-path
    drawn = rows[:, rf.ELEMENT] > rf.EOS
    begins = drawn & ((rows[:, rf.ELEMENT] != rf.PATH) | rf.is_one_of(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE)))
    for part in np.split(rows[drawn], np.flatnonzero(begins[drawn]))[1:]:  # [K, 22] each
        row = part[0]
        if row[rf.ELEMENT] != rf.PATH:
            made += _mirrored_primitive(row) if axes == 1 else _unfolded_primitive(row, axes)
            continue
        if row[rf.COMMAND] == rf.MOVE:
            first = rf.MOVE
        for segments, closed in _unfolded_pieces(part, axes):
            made += _path_rows(segments, closed, first, row)
            first = rf.SUBMOVE
    return np.array(made).reshape(-1, rf.NUM_COLUMNS)


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


def _unfolded_primitive(row: np.ndarray, axes: int) -> list[np.ndarray]:
    """Rows for a circle [22] in all wedges: one in the centre, one on each ray, or one in each wedge."""
    if row[rf.ELEMENT] != rf.CIRCLE:
        return []
    turn, centre = _turn_of(axes), complex(row[2], row[3])
    near = max(NEAR, CENTRED * row[4])
    swapped = _swap(centre, turn)
    if abs(centre) < near:
        centres = [0j]
    elif abs(centre.real) < near and centre.imag > 0:
        centres = _turned_copies(complex(0, abs(centre)), axes)
    elif abs(swapped.real) < near and swapped.imag > 0:
        centres = _turned_copies(_swap(complex(0, abs(centre)), turn), axes)
    elif centre.real < 0 and swapped.real < 0:
        centres = _turned_copies(centre, axes) + _turned_copies(-centre.conjugate(), axes)
    else:
        centres = []
    made = np.repeat(row[None], len(centres), axis=0)
    made[:, 2] = [z.real for z in centres]
    made[:, 3] = [z.imag for z in centres]
    return list(made)


def _turn_of(axes: int) -> complex:
    """The rotation from a wedge's first ray, x = 0 and y > 0, to its second one; exact for one and two axes."""
    return {1: -1 + 0j, 2: 1j}.get(axes, cmath.rect(1, math.pi / axes))


def _swap(point: complex, turn: complex) -> complex:
    """Reflect a point in the middle of the wedge: its rays change places, and it stays on the left of x = 0."""
    return -turn * point.conjugate()


def _swapped(chain: list[Segment], turn: complex) -> list[Segment]:
    return [(command, [_swap(point, turn) for point in points]) for command, points in chain]


def _turned(chain: list[Segment], turn: complex) -> list[Segment]:
    return [(command, [point * turn for point in points]) for command, points in chain]


def _turned_copies(point: complex, axes: int) -> list[complex]:
    return [point * cmath.rect(1, math.tau * k / axes) for k in range(axes)]


def _unfolded_pieces(rows: np.ndarray, axes: int) -> Iterable[tuple[list[Segment], bool]]:
    """Sub-paths, as segments and whether they are closed, for the rows [K, 22] of one sub-path."""
    turn = _turn_of(axes)
    closed = rows[-1, rf.COMMAND] == rf.CLOSE or not paints_stroke(rows[0])  # without a stroke: implicitly
    parts = _cut(_segments(rows, closed, turn))
    parts = _swapped(_cut(_swapped(parts, turn)), turn)
    sides = [max(_side(part), _side(*_swapped([part], turn))) for part in parts]
    if all(side < 0 for side in sides):
        whole, chains = closed, [parts] if parts else []
    else:
        whole, chains = False, _chains(parts, sides, closed)
    for chain in chains:
        if 1 in sides and len(chain) == 1 and abs(chain[0][1][-1] - chain[0][1][0]) < SMALLEST:
            continue
        yield from _unfolded_chain(chain, whole, axes)


def _unfolded_chain(chain: list[Segment], whole: bool, axes: int) -> Iterable[tuple[list[Segment], bool]]:
    """Sub-paths, as in `_unfolded_pieces`, for one chain in the wedge; whole: it is a closed sub-path of its own."""
    turn = _turn_of(axes)
    command, points = chain[0]
    rays = {_ray(point, turn) for point in (points[0], chain[-1][1][-1])}  # of the ends
    ends_meet, images, copies = False, [chain], _turned_copies(1, axes)
    if axes > 2 and max(abs(point) for _, own in chain for point in own) < CENTRE:
        return
    if rays == {1, 2}:
        around = _around(chain if _ray(points[0], turn) == 1 else _reversed(chain), turn)
        yield [segment for each in copies for segment in _turned(around, each)], True
        return
    if axes > 2 and command == rf.LINE and len(chain) == 1 and (line := _on_ray(points, turn)):
        near, far = sorted(line, key=abs)
        if abs(near) < CENTRE:  # a spoke: through the centre if there is one on the other side
            near, copies = (-far, copies[: axes // 2]) if axes % 2 == 0 else (0j, copies)
        images = [[(command, [near, far])]]
    elif whole or rays == {None}:
        images, ends_meet = [chain, _reflected(chain)], whole
    elif not _is_on_ray(chain, turn):
        chain = _swapped(chain, turn) if 2 in rays else chain
        ends_meet = None not in rays
        at_end = abs(chain[-1][1][-1].real) <= _ON_AXIS
        joined = _loop(chain) if ends_meet else _joined(_with_peak(chain if at_end else _reversed(chain)))
        images = [_swapped(joined, turn) if 2 in rays else joined]
    for image in images:
        for each in copies:
            yield _turned(image, each), ends_meet


def _is_on_ray(chain: list[Segment], turn: complex) -> bool:
    """All points are on the line of one of the wedge's rays."""
    sides = (chain, _swapped(chain, turn))
    return any(all(abs(point.real) <= _ON_AXIS for _, points in each for point in points) for each in sides)


def _on_ray(line: list[complex], turn: complex) -> list[complex] | None:
    """A short line near a ray, moved onto it, as the rays of a sun are; None: it is farther from both."""
    for swapped in (False, True):
        ends = [_swap(point, turn) if swapped else point for point in line]
        if all(abs(point.real) < BESIDE and point.imag > -_ON_AXIS for point in ends):
            ends = [complex(0, abs(point)) for point in ends]
            return [_swap(point, turn) for point in ends] if swapped else ends
    return None


def _ray(point: complex, turn: complex) -> int | None:
    """1 or 2: a point is on the wedge's first or second ray; None: on neither."""
    for number, z in ((1, point), (2, _swap(point, turn))):
        if abs(z.real) <= _ON_AXIS and z.imag >= -_ON_AXIS:
            return number
    return None


def _loop(chain: list[Segment]) -> list[Segment]:
    """A chain with both ends on the first ray, and its mirror image: a closed sub-path."""
    chain = _with_peak(_reversed(_with_peak(_reversed(chain))))
    back = _reversed(_reflected(chain[:1]))
    return _joined(chain[1:]) + _joined(back) if len(chain) > 1 else chain + back


def _around(chain: list[Segment], turn: complex) -> list[Segment]:
    """A chain from the first to the second ray and its mirror image there: one turn of a closed sub-path."""
    chain = _reversed(_with_peak(_reversed(chain)))
    chain = _swapped(_with_peak(_swapped(chain, turn)), turn)
    if len(chain) == 1:
        other_way = _joined(_reversed(chain))
        return _reversed(other_way) if len(other_way) == 1 else _swapped(_joined(_swapped(chain, turn)), turn)
    back = _reversed(_swapped(_reflected(_swapped(chain[:1], turn)), turn))
    there = _swapped(_joined(_swapped(chain[1:], turn)), turn)
    next_ray = turn * turn
    return there + _turned(_joined(_turned(back, 1 / next_ray)), next_ray)


def _segments(rows: np.ndarray, closed: bool, turn: complex) -> list[Segment]:
    """Segments of a sub-path's rows [K, 22]; points near the rays of a wedge are moved to them."""
    geometry = rows[:, rf.GEOMETRY].astype(np.float64)
    points = geometry[:, 0::2] + 1j * geometry[:, 1::2]  # [K, 4]
    ends = points[:, 3]  # [K]
    for _ in range(2):  # the first ray, then the second one, which a reflection brings to its place
        ends = np.where(np.abs(ends.real) < NEAR, 1j * ends.imag, ends)
        ends = -turn * ends.conjugate()
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


def _cut(chain: list[Segment]) -> list[Segment]:
    """Parts of a chain's segments between their crossings with the axis."""
    arcs = np.array([points for command, points in chain if command == rf.ARC]).reshape(-1, 3)  # [A, 3]
    places = np.stack([arcs.real, arcs.imag], axis=2).transpose(1, 0, 2)  # [3, A, 2]
    circles = zip(*circle_through(*places)) if len(arcs) else iter(())
    result: list[Segment] = []
    for command, points in chain:
        if command == rf.LINE:
            parts = _cut_line(points)
        else:
            parts = _cut_arc(points, *next(circles)) if command == rf.ARC else _cut_cubic(points)
        for before, after in zip(parts, parts[1:]):
            before[-1] = after[0] = complex(0, after[0].imag)
        result += [(command, part) for part in parts]
    return result


def _cut_line(points: list[complex]) -> list[list[complex]]:
    start, end = points
    if start.real * end.real >= 0:
        return [points]
    middle = complex(0, start.imag + (end - start).imag * start.real / (start - end).real)
    return [[start, middle], [middle, end]]


def _cut_arc(points: list[complex], centre: np.ndarray, radius: float, sweep: float) -> list[list[complex]]:
    if not np.isfinite(radius) or abs(centre[0]) >= radius or not sweep:
        return [points]
    start = np.array([points[0].real, points[0].imag])
    first = math.atan2(*(start - centre)[::-1])
    angle = math.acos(-centre[0] / radius)
    turns = [((a - first) * math.copysign(1, sweep)) % math.tau / abs(sweep) for a in (angle, -angle)]
    shares = np.array([0, *sorted(t for t in turns if 1e-6 < t < 1 - 1e-6), 1])
    count = len(shares) - 1
    halves = np.stack([shares[:-1], (shares[:-1] + shares[1:]) / 2, shares[1:]], axis=1).ravel()  # [3 count]
    found = points_at(start[None], centre[None], np.repeat(sweep, len(halves)), halves)  # [3 count, 2]
    places = [complex(*place) for place in found.tolist()]
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
    """A chain that ends on the axis and its reversed mirror image.

    Nearly level lines and arcs on the axis become one, and cubics arrive level.
    """
    command, points = chain[-1]
    start, end = points[0], points[-1]
    if command == rf.LINE and _slope(end - start) < FLAT:
        middle = [(rf.LINE, [start, -start.conjugate()])]
    elif command == rf.ARC and _slope(_arrival(points)) < ROUND:
        middle = [(rf.ARC, [start, end, -start.conjugate()])]
    elif command == rf.CUBIC and abs(start.real) < LARGEST_CORNER and _slope(end - points[2]) < LEVEL:
        half = [(rf.CUBIC, [start, points[1], complex(points[2].real, end.imag), end])]
        middle = [*half, *_reversed(_reflected(half))]
    else:
        middle = [chain[-1], *_reversed(_reflected(chain[-1:]))]
    return [*chain[:-1], *middle, *_reversed(_reflected(chain[:-1]))]


def _with_peak(chain: list[Segment]) -> list[Segment]:
    """A chain that ends on the axis; a corner shortly before is moved there, or there would be two.

    A corner between lines becomes a peak, a rounded one after a line an arc that touches the line and arrives level.
    """
    commands = [command for command, _ in chain]
    if commands[-2:] == [rf.LINE, rf.LINE]:
        before, corner, end = chain[-2][1][0], *chain[-1][1]
        if corner.real >= -PEAK and _slope(end - corner) >= FLAT:
            return [*chain[:-2], (rf.LINE, [before, complex(0, corner.imag)])]
    for k in (1, 2):  # the arc is the last segment, or the last but one
        if len(chain) > k and commands[-k - 1] == rf.LINE and commands[-k] == rf.ARC:
            start, end = chain[-k - 1][1]
            arc = _level_arc(start, end) if end.real >= -CORNER else None
            return chain if arc is None else [*chain[:-k], (rf.ARC, arc)]
    return chain


def _level_arc(start: complex, end: complex) -> list[complex] | None:
    """The arc (start, middle, end) from the end of a line to the axis that touches the line and arrives level.

    None: the line runs along the axis or away from it, or the arc would be larger than a rounded corner.
    """
    way = (end - start) / abs(end - start) if end != start else 0j
    if way.real < 0.1 or abs(way.imag) < 0.1:
        return None
    radius = end.real / way.imag  # negative for a turn to the other side
    if not SMALLEST < abs(radius) < LARGEST_CORNER:
        return None
    centre = complex(0, (end + radius * 1j * way).imag)
    between = -1j * radius * cmath.sqrt(way)  # half of the turn from `way` to level
    return [end, centre + between, centre - 1j * radius]


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
