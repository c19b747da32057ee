"""Rules for joints: rounded corners become tangent to both lines, and cubics continue their neighbours.

In real line icons, 93% of the joints between a line and a curve are smooth within 2 degrees, and hardly any deviate by
2 to 40 degrees: larger angles are intended corners, smaller ones are errors (docs/runs.md, section 27).
"""

import cmath
import math

import numpy as np

from svgfusion_lib.tidying.anchors import UNITS, Anchors, arc_middle, as_complex
from svgfusion_lib.tidying.noise import MIN_NOISE, correction_radius

MAX_KINK = math.radians(40)                     # larger angles between neighbours are corners
MIN_TURN, MAX_TURN = math.radians(15), math.radians(165)  # of rounded corners
MAX_SWEEP_ERROR = math.radians(60)              # of a rounded corner's arc
MIN_LENGTH = 0.05                               # units: shorter lines and handles have no direction
EXACT = 0.01                                    # units: a smaller change is none


def smooth_joints(rows: np.ndarray, noise: float) -> np.ndarray:
    """Make rounded corners tangent to both lines, then align the handles of cubics with their neighbours.

    Corrects what errors of size `noise` explain: valid rows [L, 22] -> rows. Rows of clean drawings are unchanged.
    """
    if noise <= MIN_NOISE:
        return rows
    reach = 1.5 * correction_radius(noise)
    return _align_handles(_round_corners(rows, reach), reach)


def _round_corners(rows: np.ndarray, reach: float) -> np.ndarray:
    """Make arcs between two lines tangent to both, by moving their ends along the lines by at most `reach`.

    Of the two radii that keep one end in place, a corner gets the one nearer to the median of its sub-path, or the
    smaller one.
    """
    anchors = Anchors.of(rows)
    if not anchors.arc.any():
        return rows
    points = as_complex(anchors.points)
    way = points[anchors.end] - points[anchors.start]  # [S]
    before, after = anchors.neighbours()
    line = anchors.straight & (anchors.segment >= 0) & (np.abs(way) > MIN_LENGTH)
    sweeps = anchors.sweeps()
    number, count = np.unique(anchors.points.round(2), axis=0, return_inverse=True, return_counts=True)[1:]
    shared = count[number.ravel()] > 1  # [A]: other strokes meet here
    corners = []
    for k in np.flatnonzero(anchors.arc & (before >= 0) & (after >= 0)).tolist():
        a, b = before[k], after[k]
        start, end = anchors.start[k], anchors.end[k]
        if not (line[a] and line[b]) or start == end or shared[start] or shared[end]:
            continue
        into, out = way[a] / abs(way[a]), way[b] / abs(way[b])
        turn = cmath.phase(out / into)
        if not MIN_TURN < abs(turn) < MAX_TURN or abs(turn - sweeps[k]) > MAX_SWEEP_ERROR:
            continue
        chord, sine = points[end] - points[start], (into.conjugate() * out).imag
        lengths = (chord.conjugate() * out).imag / sine, (into.conjugate() * chord).imag / sine  # start, end to corner
        if min(lengths) > MIN_LENGTH and abs(lengths[0] - lengths[1]) <= reach:
            corners.append((k, turn, [length / math.tan(abs(turn) / 2) for length in lengths]))
    moved, sweep_of = points.copy(), {}
    for k, turn, radii in corners:
        part = anchors.part[anchors.start[k]]
        median = float(np.median([sum(r) / 2 for j, _, r in corners if anchors.part[anchors.start[j]] == part]))
        radius = min(radii, key=lambda r: (round(abs(r - median), 2), r))
        a, b = before[k], after[k]
        shifts = [(r - radius) * math.tan(abs(turn) / 2) for r in radii]  # along the lines, towards the corner
        if max(shifts) <= reach and -shifts[0] < abs(way[a]) and -shifts[1] < abs(way[b]):
            moved[anchors.start[k]] += shifts[0] * way[a] / abs(way[a])
            moved[anchors.end[k]] -= shifts[1] * way[b] / abs(way[b])
            sweep_of[k] = turn
    rows = anchors.moved(np.stack([moved.real, moved.imag], axis=1))
    for k, turn in sweep_of.items():
        start, end = moved[anchors.start[k]], moved[anchors.end[k]]
        middle = arc_middle(start, end, turn)
        rows[anchors.segment[k], 4:6] = middle.real / UNITS - 1, middle.imag / UNITS - 1
    return rows


def _align_handles(rows: np.ndarray, reach: float) -> np.ndarray:
    """Turn the handles of cubics at nearly smooth joints to the direction of the line or arc, or to a common one."""
    anchors = Anchors.of(rows)
    if not anchors.cubic.any():
        return rows
    rows = rows.copy()
    points = as_complex(anchors.points)
    leaves, arrives = (as_complex(side) for side in anchors.tangents())
    _, after = anchors.neighbours()
    for k in np.flatnonzero(after >= 0).tolist():
        a = after[k]
        into, out = arrives[k], leaves[a]
        if not (anchors.cubic[k] or anchors.cubic[a]) or min(abs(into), abs(out)) < MIN_LENGTH:
            continue
        kink = abs(cmath.phase(out / into))
        if kink > MAX_KINK:
            continue
        way = into + out if anchors.cubic[k] and anchors.cubic[a] else out if anchors.cubic[k] else into
        way /= abs(way)
        joint = points[anchors.end[k]]
        for segment, handle, place in ((k, -into, 6), (a, out, 4)):
            new = way * abs(handle) * (-1 if place == 6 else 1)
            if anchors.cubic[segment] and EXACT < abs(new - handle) <= reach:
                rows[anchors.segment[segment], place : place + 2] = (
                    (joint + new).real / UNITS - 1, (joint + new).imag / UNITS - 1
                )
    return rows
