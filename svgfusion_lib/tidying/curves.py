"""Rules for curves: nearly round curves become arcs, arcs get quarter and half turns and smooth joints, radii become
equal, and ends meet other strokes.

Each corrects deviations that errors of size `noise` (see noise.py) explain: valid rows [L, 22] -> rows.
"""

import cmath
import math

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry.paths import cubic_basis
from svgfusion_lib.tidying.anchors import UNITS, Anchors, arc_middle, as_complex
from svgfusion_lib.tidying.noise import MIN_NOISE, correction_radius
from svgfusion_lib.utils.arcs import circle_through, points_at
from svgfusion_lib.utils.canonical import canonical_rows
from svgfusion_lib.utils.outlines import ends_near_strokes, outlines

MAX_RADIUS = 48.0         # units: flatter curves are not arcs
SWEEP_ERROR = 1.2         # error of an arc's height, relative to that of a point
QUARTER, HALF = 2.5, 1.5  # log odds of a quarter turn on a diagonal chord, and of a half turn on a straight one
SMOOTH, AGREE = 2.0, 1.5  # log odds of a smooth joint, and of both joints of an arc being smooth
MAX_MERGED = 8            # curves merged into one arc
MIN_MERGE_COSINE = 0.8    # cosine of the angle between neighbours merged into one arc
MAX_SWEEP = 5.5           # radians: sweep of one arc merged from several curves
_SHARES = np.linspace(0, 1, 9)
_BASIS = cubic_basis(_SHARES)  # [9, 4]
MAX_GROWTH = 0.2          # relative growth of a radius
_WHOLE = 6.2              # radians: an arc with a larger sweep has hardly a chord


def round_curves(rows: np.ndarray, noise: float) -> np.ndarray:
    """Replace curves by arcs, and nearly circular closed outlines by `circle`, if point errors explain the deviation.

    Neighbours on nearly the same circle become one arc. Rows of clean drawings are unchanged.
    """
    if noise <= MIN_NOISE:
        return rows
    points = np.zeros((len(rows), 9, 2))  # along every curve, in units
    curves = (rows[:, rf.ELEMENT] == rf.PATH) & rf.is_one_of(rows[:, rf.COMMAND], (rf.CUBIC, rf.ARC))
    points[curves] = _along(rows[curves])
    pieces, done = [], 0
    for outline in outlines(rows):
        if not curves[outline.rows].any():
            continue
        own = rows[outline.rows]
        circle = _as_circle(own, points[outline.rows], noise)
        made = _with_arcs(own, points[outline.rows], noise) if circle is None else circle
        pieces += [rows[done : outline.rows.start], made]
        done = outline.rows.stop
    return canonical_rows(np.concatenate([*pieces, rows[done:]]))


def _along(rows: np.ndarray) -> np.ndarray:
    """Nine points [K, 9, 2], in units, along every cubic or arc row [K, 22]."""
    points = (rows[:, rf.GEOMETRY].astype(np.float64).reshape(-1, 4, 2) + 1) * UNITS
    along = _BASIS @ points  # [K, 9, 2]
    arcs = rows[:, rf.COMMAND] == rf.ARC
    if arcs.any():
        start, middle, end = points[arcs][:, [0, 1, 3]].transpose(1, 0, 2)  # [A, 2] each
        centre, radius, sweep = circle_through(start, middle, end)
        turned = np.stack([points_at(start, centre, sweep, share) for share in _SHARES], axis=1)  # [A, 9, 2]
        lines = start[:, None] + _SHARES[:, None] * (end - start)[:, None]  # [A, 9, 2]
        along[arcs] = np.where(np.isfinite(radius)[:, None, None], turned, lines)
    return along


def _with_arcs(own: np.ndarray, points: np.ndarray, noise: float) -> np.ndarray:
    """A sub-path's rows [K, 22] with arcs for the longest runs of curves (points [K, 9, 2]) on nearly one circle."""
    own, kept, k = own.copy(), np.ones(len(own), dtype=bool), 1
    curved = rf.is_one_of(own[:, rf.COMMAND], (rf.CUBIC, rf.ARC))  # [K]
    before, after = points[:-1, 8] - points[:-1, 7], points[1:, 1] - points[1:, 0]  # [K - 1, 2]
    smooth = (before * after).sum(1) > MIN_MERGE_COSINE * np.hypot(*before.T) * np.hypot(*after.T)  # [K - 1]
    while k < len(own):
        stop = k
        while stop < min(len(own), k + MAX_MERGED) and curved[stop] and (stop == k or smooth[stop - 1]):
            stop += 1
        while stop > k:
            middle = _common_arc(points[k:stop].reshape(-1, 2), noise, own[k, rf.COMMAND] == rf.ARC and stop == k + 1)
            if middle is not None:
                own[k, rf.COMMAND] = rf.ARC
                own[k, 4:6], own[k, 6:8], own[k, 8:10] = middle / UNITS - 1, 0, own[stop - 1, 8:10]
                kept[k + 1 : stop] = False
                break
            stop -= 1
        k = max(stop, k + 1)
    return own[kept]


def _common_arc(points: np.ndarray, noise: float, known: bool) -> np.ndarray | None:
    """The middle [2] of the arc that fits points [P, 2] within the noise; None if there is none."""
    start, end = points[0], points[-1]
    chord = math.hypot(*(end - start))
    if known or chord < 2 * noise:
        return None
    far = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    middle = np.array([np.interp(far[-1] / 2, far, points[:, axis]) for axis in (0, 1)])
    centre, radius, sweep = circle_through(start[None], middle[None], end[None])
    if not radius[0] <= MAX_RADIUS or abs(sweep[0]) > MAX_SWEEP:
        return None
    arms = points - centre[0]
    height = radius[0] * (1 - math.cos(sweep[0] / 2))
    beside = noise if len(points) == len(_SHARES) else max(noise, min(2 * noise, 0.05 * radius[0]))
    if np.abs(np.hypot(*arms.T) - radius[0]).max() > min(beside, 0.15 * height):
        return None
    onwards = (arms[:-1, 0] * arms[1:, 1] - arms[:-1, 1] * arms[1:, 0]) * np.sign(sweep[0])
    return middle if (onwards > -noise * radius[0] / 2).all() else None


def _as_circle(own: np.ndarray, points: np.ndarray, noise: float) -> np.ndarray | None:
    """Two half turns for a closed sub-path [K, 22] of curves (points [K, 9, 2]) that is nearly a circle, or None."""
    curves = rf.is_one_of(own[:, rf.COMMAND], (rf.CUBIC, rf.ARC))
    points = points[curves].reshape(-1, 2)
    if curves.sum() < 2 or (own[:, rf.COMMAND] == rf.LINE).any() or math.hypot(*(points[-1] - points[0])) > 2 * noise:
        return None
    low, high = points.min(0), points.max(0)
    centre, radius = (low + high) / 2, (high - low).mean() / 2
    if np.abs(np.hypot(*(points - centre).T) - radius).max() > min(2 * noise, 0.25 * radius):
        return None
    circle = np.repeat(own[:1], 4 if own[-1, rf.COMMAND] == rf.CLOSE else 3, axis=0)
    circle[1:, rf.COMMAND] = (rf.ARC, rf.ARC, rf.CLOSE)[: len(circle) - 1]
    right, below, left, above = (centre + radius * np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])) / UNITS - 1
    unused = np.zeros(2)
    circle[:, rf.GEOMETRY] = np.array([
        np.concatenate(row) for row in (
            (unused, unused, unused, right), (right, below, unused, left), (left, above, unused, right),
            (right, unused, unused, right),
        )
    ])[: len(circle)]
    return circle


def settle_arcs(rows: np.ndarray, noise: float) -> np.ndarray:
    """Set the sweep of arcs: quarter turns on diagonal chords, half turns on straight ones, or smooth joints.

    Of these and its current sweep, an arc gets the most likely one, given point errors; its ends stay. Arcs between
    arcs follow their neighbours.
    """
    anchors = Anchors.of(rows)
    if not anchors.arc.any():
        return rows
    rows = rows.copy()
    start, end = (as_complex(anchors.points[side]) for side in (anchors.start, anchors.end))
    leaves, arrives = (as_complex(side) for side in anchors.tangents())
    sweeps = anchors.sweeps()
    directed = np.minimum(np.abs(leaves), np.abs(arrives)) > 0.2
    known = (~anchors.arc & directed).tolist()  # segments whose directions can be followed
    before, after = (side.tolist() for side in anchors.neighbours())
    todo = np.flatnonzero(anchors.arc & (np.abs(end - start) > 0.05) & (np.abs(sweeps) < _WHOLE)).tolist()
    for final in (False, False, True):
        left = []
        for k in todo:
            chord = end[k] - start[k]
            wanted = _sweeps_wanted(chord, sweeps[k], [
                2 * cmath.phase(chord / arrives[b]) for b in (before[k],) if b >= 0 and known[b]
            ] + [2 * cmath.phase(leaves[a] / chord) for a in (after[k],) if a >= 0 and known[a]])
            if not wanted and not final:
                left.append(k)
                continue
            best = _likeliest(abs(chord), sweeps[k], wanted, noise)
            leaves[k], arrives[k] = chord * cmath.rect(1, -best / 2), chord * cmath.rect(1, best / 2)
            known[k] = True
            if best == sweeps[k]:
                continue
            middle = arc_middle(start[k], end[k], best)
            rows[anchors.segment[k], 4:6] = middle.real / UNITS - 1, middle.imag / UNITS - 1
        todo = left
    return rows


def _sweeps_wanted(chord: complex, sweep: float, smooth: list[float]) -> list[tuple[float, float]]:
    """Sweeps suggested by the chord and by smooth joints, with log odds."""
    x, y = abs(chord.real), abs(chord.imag)
    wanted = [(joint, SMOOTH) for joint in smooth]
    if abs(x - y) < 0.02:
        wanted.append((math.copysign(math.pi / 2, sweep), QUARTER))
    if min(x, y) < 0.02:
        wanted.append((math.copysign(math.pi, sweep), HALF))
    if len(smooth) == 2 and abs(smooth[0] - smooth[1]) < 0.05:
        wanted.append((sum(smooth) / 2, SMOOTH + AGREE))
    return wanted


def _likeliest(chord: float, sweep: float, wanted: list[tuple[float, float]], noise: float) -> float:
    """The most likely sweep, given that point errors affect an arc's height."""
    def height(angle: float) -> float:
        return math.tan(angle / 4) * chord / 2

    best, most = sweep, 0.0
    for angle, odds in wanted:
        if abs(angle) < _WHOLE:
            gain = odds - (height(angle) - height(sweep)) ** 2 / (2 * (SWEEP_ERROR * noise) ** 2)
            if gain > most:
                best, most = angle, gain
    return best


def settle_radii(rows: np.ndarray, noise: float, step: float = 0.5) -> np.ndarray:
    """Make nearly equal radii of circles, ellipses and rectangle corners equal, and snap them to (half) units."""
    rows = rows.copy()
    element = rows[:, rf.ELEMENT]
    for kind, columns in ((rf.CIRCLE, slice(4, 5)), (rf.ELLIPSE, slice(4, 6)), (rf.RECT, slice(6, 8))):
        own = np.flatnonzero(element == kind)
        radii = rows[own, columns].astype(np.float64) * UNITS  # [K, 1 or 2]
        radii[radii > 0] = _settled_lengths(radii[radii > 0], noise, step)
        if kind == rf.RECT:
            radii = np.minimum(radii, rows[own, 4:6].min(1, keepdims=True) * UNITS / 2)
        rows[own, columns] = radii / UNITS
    return rows


def _settled_lengths(values: np.ndarray, noise: float, step: float) -> np.ndarray:
    """Merge positive lengths [K] that agree within the noise, and round them to whole or half units if close."""
    if not len(values):
        return values
    order = np.argsort(values)
    group = np.zeros(len(values), dtype=int)
    group[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > 1.5 * noise)])
    mean = np.bincount(group, values) / np.bincount(group)
    for size, reach in ((step, 1.2 * noise), (2 * step, 2.5 * noise)):
        near = np.maximum(np.round(mean / size), 1) * size
        mean = np.where(np.abs(near - mean) <= np.minimum(reach, MAX_GROWTH * mean), near, mean)
    return mean[group]


def meet_strokes(rows: np.ndarray, noise: float) -> np.ndarray:
    """Make ends of open strokes meet another stroke that they nearly touch; lines keep their direction."""
    anchors = Anchors.of(rows)
    found = outlines(rows)
    ends = ends_near_strokes(found, correction_radius(noise) / UNITS, 0.05 / UNITS)
    points = anchors.points.copy()
    anchor_of = {int(row): k for k, row in enumerate(anchors.row.tolist())}
    for k in np.flatnonzero(ends.gap * UNITS > 1e-3).tolist():
        own = found[ends.outline[k]]
        last = bool(ends.last[k])
        row = own.rows.stop - 1 if last else own.rows.start
        inner = own.rows.stop - 2 if last else own.rows.start + 1
        end, beside = anchor_of[row], anchor_of[inner]
        if (np.abs(anchors.points - anchors.points[end]).max(1) <= 0.01).sum() > 1:
            continue  # it coincides with another point
        segment = row if last else inner
        place = (ends.place[k] + 1) * UNITS
        if rows[segment, rf.COMMAND] == rf.LINE:
            way = anchors.points[end] - anchors.points[beside]
            line = (found[ends.other[k]].points + 1) * UNITS
            crossing = _crossing(anchors.points[end], way, line)
            if crossing is not None and math.hypot(*(crossing - anchors.points[end])) <= 1.5 * correction_radius(noise):
                place = crossing
            elif min(abs(way)) < 0.01:
                continue
            else:
                aside = place - anchors.points[end]
                width = rows[[own.rows.start, found[ends.other[k]].rows.start], rf.STROKE_WIDTH].mean()
                if ends.gap[k] > width and abs(aside @ way) < 0.3 * math.hypot(*aside) * math.hypot(*way):
                    continue  # a stroke that lies beside it
        points[end] = place
    return anchors.moved(points)


def _crossing(point: np.ndarray, way: np.ndarray, line: np.ndarray) -> np.ndarray | None:
    """Nearest crossing of a line through a point [2] along `way` [2] with a polyline [P, 2]; None if there is none."""
    start, along = line[:-1], np.diff(line, axis=0)  # [P - 1, 2]
    cross = way[0] * along[:, 1] - way[1] * along[:, 0]  # [P - 1]
    offset = start - point
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (offset[:, 0] * way[1] - offset[:, 1] * way[0]) / cross  # along the polyline's segment
        far = (offset[:, 0] * along[:, 1] - offset[:, 1] * along[:, 0]) / cross  # along the way
    hit = (share >= -1e-6) & (share <= 1 + 1e-6) & (far > -0.9)
    if not hit.any():
        return None
    return point + way * far[hit][np.abs(far[hit]).argmin()]
