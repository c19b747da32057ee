"""Canonical form of rows: arcs, circles and rectangles become `arc`, `circle` and `rect`, however a file spells them.

Rules, each within TOLERANCE (a fiftieth of a unit would be visible in a 24 x 24 icon; this is half of that):

1.  a cubic that follows a circle becomes an arc;
2.  consecutive arcs on one circle become one arc; a full circle becomes two half turns;
3.  a sub-path that is a full circle, or a rectangle with or without rounded corners, becomes `circle` or `rect` if
    that changes nothing else: it is the whole path, or the path has only an opaque stroke and is split;
4.  a stroked sub-path of one line with no visible length becomes a dot: it ends where it begins.

Paint order, dashes (already resolved), caps, joins and holes are preserved.
"""

import math

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry.paths import cubic_basis
from svgfusion_lib.utils.arcs import circle_of_points, circle_through, points_at
from svgfusion_lib.utils.hybrid_utils import paints_fill, paints_stroke

TOLERANCE = 0.01 / 12     # canvas units: a hundredth of a unit of a 24 x 24 icon
ROUNDNESS = 0.03          # share of an arc's sagitta: flat curves must follow the circle more closely
DOT = 0.02 / 12           # canvas units: a shorter line is a dot
_START, _MIDDLE, _END = slice(2, 4), slice(4, 6), slice(8, 10)  # columns of an arc row
_BASIS = cubic_basis(np.arange(1, 8) / 8)                       # [7, 4]: where a cubic is compared with its circle


def canonical_rows(rows: np.ndarray) -> np.ndarray:
    """Convert rows [L, 22] (with or without BOS and EOS) to canonical form [L', 22]."""
    return _primitives(merge_arcs(cubics_to_arcs(rows)))


def cubics_to_arcs(rows: np.ndarray) -> np.ndarray:
    """Rule 1: rows [L, 22] -> rows [L, 22]."""
    cubics = np.flatnonzero((rows[:, rf.ELEMENT] == rf.PATH) & (rows[:, rf.COMMAND] == rf.CUBIC))
    if not len(cubics):
        return rows
    points = rows[cubics, rf.GEOMETRY].astype(np.float64).reshape(-1, 4, 2)  # [K, 4, 2]
    samples = _BASIS @ points                                                # [K, 7, 2]
    start, middle, end = points[:, 0], samples[:, 3], points[:, 3]
    centre, radius, sweep = circle_through(start, middle, end)               # [K, 2], [K], [K]
    with np.errstate(invalid="ignore"):
        arms = samples - centre[:, None]                                     # [K, 7, 2]
        beside = np.abs(np.hypot(arms[..., 0], arms[..., 1]) - radius[:, None]).max(1)  # [K]
        onwards = (arms[:, :-1, 0] * arms[:, 1:, 1] - arms[:, :-1, 1] * arms[:, 1:, 0]) * np.sign(sweep)[:, None]
        sagitta = radius * (1 - np.cos(sweep / 2))
        # two-decimal coordinates need half the tolerance
        allowed = np.where(np.abs(sweep) > 1, np.maximum(ROUNDNESS * sagitta, TOLERANCE / 2), ROUNDNESS * sagitta)
        round_ = (beside <= np.minimum(TOLERANCE, allowed)) & (onwards > 0).all(1) & (sweep != 0)
    round_ &= np.isfinite(radius) & (np.abs(sweep) < 1.5 * math.pi)
    if not round_.any():
        return rows
    rows, chosen = rows.copy(), cubics[round_]
    rows[chosen, rf.COMMAND] = rf.ARC
    rows[chosen, _MIDDLE] = points_at(start, centre, sweep, 0.5)[round_]
    rows[chosen, 6:8] = 0
    return rows


def merge_arcs(rows: np.ndarray) -> np.ndarray:
    """Rule 2: rows [L, 22] -> rows [L', 22]."""
    is_arc = (rows[:, rf.COMMAND] == rf.ARC) & (rows[:, rf.ELEMENT] == rf.PATH)
    if not (is_arc[1:] & is_arc[:-1]).any():
        return rows
    arcs = np.flatnonzero(is_arc)
    points = (rows[arcs, part].astype(np.float64) for part in (_START, _MIDDLE, _END))  # [K, 2] each
    centre, radius, sweep = circle_through(*points)
    follows = np.zeros(len(arcs), dtype=bool)  # candidate to merge with the previous arc
    near = np.maximum(8 * TOLERANCE, 0.1 * radius[1:])
    with np.errstate(invalid="ignore"):
        follows[1:] = (
            (np.diff(arcs) == 1) & (np.sign(sweep[1:]) == np.sign(sweep[:-1])) & (sweep[1:] != 0)
            & (np.abs(np.diff(radius)) < near) & (np.hypot(*np.diff(centre, axis=0).T) < near)
        )
    if not follows.any():
        return rows
    rows, keep = rows.copy(), np.ones(len(rows), dtype=bool)
    bounds = [*np.flatnonzero(~follows), len(arcs)]
    for first, after in zip(bounds[:-1], bounds[1:]):
        k = first
        while k < after - 1:
            taken, merged = _longest(rows[arcs[k:after]])
            if taken > 1:
                rows[arcs[k : k + len(merged)]] = merged
                keep[arcs[k + len(merged) : k + taken]] = False
            k += max(taken, 1)
    return rows[keep]


def _longest(run: np.ndarray) -> tuple[int, np.ndarray]:
    """How many of the arc rows [k, 22], from the first, lie on one circle, and the one or two rows replacing them."""
    taken, merged = 1, run[:1]
    for count in range(2, len(run) + 1):
        longer = _merged(run[:count])
        if longer is None:
            break
        taken, merged = count, longer
    return taken, merged


def _merged(run: np.ndarray) -> np.ndarray | None:
    """Merge arc rows [k, 22] on one circle into one row, or two for a full circle; None if they share no circle."""
    points = [tuple(point) for row in run for point in (row[_MIDDLE].tolist(), row[_END].tolist())]  # 2 k of them
    start, end = tuple(run[0, _START].tolist()), points[-1]
    across = max(points, key=lambda p: min(math.dist(p, start), math.dist(p, end)))
    circle = circle_of_points(start, across, end)
    if circle is None:
        return None
    (x, y), radius = circle
    allowed = min(TOLERANCE, max(ROUNDNESS * radius, TOLERANCE / 2))
    if any(abs(math.dist(point, (x, y)) - radius) > allowed for point in points):
        return None
    angles = [math.atan2(py - y, px - x) for px, py in (start, *points)]
    steps = [math.remainder(after - before, 2 * math.pi) for before, after in zip(angles, angles[1:])]
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        return None
    total = sum(steps)
    full = abs(abs(total) - 2 * math.pi) < 0.02 and math.dist(start, end) <= 2 * TOLERANCE
    if not full and abs(total) > 2 * math.pi - 0.05:
        return None
    if full:
        total = math.copysign(2 * math.pi, total)
    places = []
    for share in (0.25, 0.5, 0.75) if full else (0.5,):
        cosine, sine = math.cos(share * total), math.sin(share * total)
        u, v = start[0] - x, start[1] - y
        places.append((x + u * cosine - v * sine, y + u * sine + v * cosine))
    merged = np.repeat(run[:1], 1 + full, axis=0)
    merged[:, _MIDDLE] = places[::2]
    if full:
        merged[0, _END] = merged[1, _START] = places[1]
    merged[-1, _END] = end
    return merged


def _primitives(rows: np.ndarray) -> np.ndarray:
    """Rules 3 and 4: rows [L, 22] -> rows [L', 22]."""
    begins = (rows[:, rf.ELEMENT] != rf.PATH) | rf.is_one_of(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE))
    starts = np.flatnonzero(begins)
    sizes = np.diff(starts, append=len(rows))
    heads = rows[starts]
    is_path, moves = heads[:, rf.ELEMENT] == rf.PATH, heads[:, rf.COMMAND]
    curves = np.add.reduceat(rows[:, rf.COMMAND] == rf.CUBIC, starts, dtype=int)
    # before the close, a circle has two arcs, a dot one line, a rectangle at most eight sides and corners
    candidates = (sizes >= 2) & (sizes <= 10) & is_path & (curves == 0)
    if not candidates.any():
        return rows
    opens = is_path & (moves == rf.MOVE)
    path = np.cumsum(opens)                                      # path index of each sub-path
    paths = np.bincount(path[is_path], minlength=path[-1] + 1)   # sub-paths per path
    after_gradient = np.zeros(len(starts), dtype=bool)
    after_gradient[1:] = rf.is_one_of(heads[:-1, rf.ELEMENT], rf.GRADIENTS)
    has_gradient = np.zeros(path[-1] + 1, dtype=bool)
    has_gradient[path[opens & after_gradient]] = True
    alone = paths[path] == 1
    splits = ~paints_fill(heads.T) & (heads[:, 17] >= 1 - rf.MIN_OPACITY) & paints_stroke(heads.T) & ~has_gradient[path]
    changed: dict[int, np.ndarray] = {}
    for k in np.flatnonzero(candidates & (alone | splits)).tolist():
        piece = rows[starts[k] : starts[k] + sizes[k]]
        primitive = _as_circle(piece)
        if primitive is None:
            primitive = _as_rect(piece)
        if primitive is not None:
            row = piece[:1].copy()
            row[0, rf.COMMAND], row[0, rf.GEOMETRY] = rf.NONE, 0
            row[0, rf.ELEMENT], *values = primitive
            row[0, 2 : 2 + len(values)] = values
            changed[k] = row
    ends = rows[np.minimum(starts + 1, len(rows) - 1)]
    dots = candidates & (sizes == 2) & (ends[:, rf.COMMAND] == rf.LINE)
    dots &= np.abs(ends[:, _END] - ends[:, _START]).max(1) <= DOT
    if not changed and not dots.any():
        return rows
    rows = rows.copy()
    for k in np.flatnonzero(dots):
        rows[starts[k] + 1, _END] = rows[starts[k] + 1, _START]
    pieces, reopen = [], False
    for k, (start, size) in enumerate(zip(starts, sizes)):
        piece = changed.get(k)
        if piece is None:
            piece = rows[start : start + size]
            if reopen and is_path[k] and moves[k] == rf.SUBMOVE:
                piece[0, rf.COMMAND] = rf.MOVE
        reopen = k in changed
        pieces.append(piece)
    return np.concatenate(pieces)


def _as_circle(piece: np.ndarray) -> tuple[float, ...] | None:
    """A closed sub-path [k, 22] of two half turns as (CIRCLE, x, y, r), or None."""
    commands = piece[:, rf.COMMAND].astype(int).tolist()
    if commands[1:3] != [rf.ARC, rf.ARC] or len(commands) > 4 or (len(commands) == 4 and commands[3] != rf.CLOSE):
        return None
    if len(commands) == 3 and piece[0, rf.CAP] == rf.CAPS.index("square") and paints_stroke(piece[0]):
        return None  # its square caps are visible
    first, second = piece[1].astype(np.float64), piece[2].astype(np.float64)
    if np.abs(second[_END] - first[_START]).max() > 2 * TOLERANCE:
        return None
    corners = np.stack([first[_START], first[_MIDDLE], first[_END], second[_MIDDLE]])  # [4, 2]
    centre = corners.mean(0)
    arms = corners - centre
    radii = np.hypot(*arms.T)
    if np.ptp(radii) > 2 * min(TOLERANCE, ROUNDNESS * radii.mean()):
        return None
    turns = arms[:, 0] * np.roll(arms[:, 1], -1) - arms[:, 1] * np.roll(arms[:, 0], -1)
    if not ((turns > 0).all() or (turns < 0).all()):
        return None
    return (rf.CIRCLE, *centre, radii.mean())


def _as_rect(piece: np.ndarray) -> tuple[float, ...] | None:
    """A closed sub-path [k, 22] with axis-parallel sides and equal corners as (RECT, x, y, w, h, rx, ry), or None."""
    kinds = piece[1:, rf.COMMAND].tolist()
    closed = kinds[-1] == rf.CLOSE
    bends = kinds.count(rf.ARC)
    sides = len(kinds) - bends - closed
    if bends not in (0, 2, 4) or not 3 <= bends + sides <= 8 or (bends == 0 and sides > 4):
        return None
    if not closed and paints_stroke(piece[0]):
        return None
    segments = piece[1 : len(piece) - int(closed)].astype(np.float64)
    if np.abs(segments[-1, _END] - segments[0, _START]).max() > 1e-6:  # the side drawn by the close
        side = segments[-1].copy()
        side[rf.COMMAND], side[_START], side[_END] = rf.LINE, segments[-1, _END], segments[0, _START]
        segments = np.concatenate([segments, side[None]])
    commands = segments[:, rf.COMMAND].astype(int)
    lines, arcs = segments[commands == rf.LINE], segments[commands == rf.ARC]
    run = lines[:, _END] - lines[:, _START]
    if len(run) and (np.abs(run).min(1) > TOLERANCE / 4).any():
        return None
    ends = segments[:, _END]
    (left, top), (right, bottom) = ends.min(0), ends.max(0)
    if not len(arcs):
        corners = {(bool(abs(x - right) < abs(x - left)), bool(abs(y - bottom) < abs(y - top))) for x, y in ends}
        on_edges = np.minimum(np.abs(ends - (left, top)), np.abs(ends - (right, bottom))).max() <= TOLERANCE / 4
        neighbours = (np.abs(run) > TOLERANCE).sum(1) == 1
        if len(segments) != 4 or len(corners) != 4 or not on_edges or not neighbours.all():
            return None
        return (rf.RECT, left, top, right - left, bottom - top, 0.0, 0.0)
    start, middle, end = (arcs[:, part] for part in (_START, _MIDDLE, _END))
    centre, radius, sweep = circle_through(start, middle, end)
    if not np.isfinite(radius).all() or np.ptp(radius) > 2 * TOLERANCE or len({*np.sign(sweep)}) != 1:
        return None
    r = radius.mean()
    turn = math.pi / 2 if len(arcs) == 4 else math.pi
    if (np.abs(np.abs(sweep) - turn) > 0.04).any() or len(lines) > 4:
        return None
    if len(arcs) == 2:  # a pill: each half turn is a short side
        if len(lines) != 2 or (commands[:-1] == commands[1:]).any():
            return None
        points = np.concatenate([ends, middle])
        (left, top), (right, bottom) = points.min(0), points.max(0)
        if abs(min(right - left, bottom - top) - 2 * r) > 2 * TOLERANCE:
            return None
        short = 0 if right - left < bottom - top else 1
        inner = np.array([left + r, top + r]), np.array([right - r, bottom - r])
        expected = np.sort(np.array([inner[0][1 - short], inner[1][1 - short]]))
        if np.abs(np.sort(centre[:, 1 - short]) - expected).max() > 2 * TOLERANCE:
            return None
        if np.abs(centre[:, short] - (inner[0][short] + inner[1][short]) / 2).max() > 2 * TOLERANCE:
            return None
        side = min(right - left, bottom - top) / 2
        return (rf.RECT, left, top, right - left, bottom - top, side, side)
    if (commands[:-1] == commands[1:]).any() and len(lines) == 4:
        return None
    middle_of_box = np.array([(left + right) / 2, (top + bottom) / 2])
    outward = np.sign(centre - middle_of_box)
    half = np.array([right - left, bottom - top]) / 2
    flat = half - r <= 2 * TOLERANCE  # no straight side along that axis: two corners share a centre
    outward = np.where(flat, np.sign(middle - middle_of_box), outward)
    if len({tuple(side) for side in outward}) != 4 or (outward == 0).any():
        return None
    expected = middle_of_box + outward * np.maximum(half - r, 0)
    if np.abs(centre - expected).max() > 2 * TOLERANCE or (half < r - 2 * TOLERANCE).any():
        return None
    if np.abs(middle - (expected + outward * r * math.sqrt(0.5))).max() > 2 * TOLERANCE:
        return None
    r = min(r, *half)
    return (rf.RECT, left, top, right - left, bottom - top, r, r)
