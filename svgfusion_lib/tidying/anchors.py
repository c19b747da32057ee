"""Anchors: the points of a drawing that a designer places, as an array that can be moved and written back to rows.

Anchors are the ends of path rows, two corners of every rectangle, and the centres of circles and ellipses. Units: the
canvas is 24 wide, with the origin at its corner. A is the number of anchors, S of segments.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import circle_through
from svgfusion_lib.utils.hybrid_utils import IS_POSITION, paints_stroke

UNITS = 12            # per canvas unit, for a canvas 24 wide
SMALLEST = 0.1        # units: least side of a rectangle, least radius
_MOVES = (rf.MOVE, rf.SUBMOVE)


@dataclass
class Anchors:
    """points [A, 2]; row, part [A]: an anchor's row, and its sub-path or primitive.

    Segments: segment [S] is the row of a line, cubic, arc or close; start and end [S] are its anchors. The last line of
    an implicitly closed path has no row: segment -1. first, last: end anchors of every part that is a path.
    """

    rows: np.ndarray
    points: np.ndarray
    row: np.ndarray
    part: np.ndarray
    segment: np.ndarray
    start: np.ndarray
    end: np.ndarray
    first: np.ndarray
    last: np.ndarray
    open: np.ndarray   # bool, for every part that is a path: a stroke with two ends

    @classmethod
    def of(cls, rows: np.ndarray) -> "Anchors":
        """The anchors of valid rows [L, 22]."""
        element, command = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
        geometry = rows[:, rf.GEOMETRY].astype(np.float64)
        on_path = element == rf.PATH
        closes = on_path & (command == rf.CLOSE)
        moves = on_path & rf.is_one_of(command, _MOVES)
        ends = np.flatnonzero(on_path & ~closes)
        rects = np.flatnonzero(element == rf.RECT)
        rounds = np.flatnonzero(rf.is_one_of(element, (rf.CIRCLE, rf.ELLIPSE)))
        corner = geometry[rects, :2]
        points = np.concatenate([
            geometry[ends, rf.END_POINT], corner, corner + geometry[rects, 2:4], geometry[rounds, :2]
        ])
        row = np.concatenate([ends, rects, rects, rounds])
        begins = moves | rf.is_one_of(element, (rf.RECT, rf.CIRCLE, rf.ELLIPSE))
        part_of_row = np.cumsum(begins) - 1  # [L]
        anchor = np.full(len(rows), -1)      # [L]: for path rows
        anchor[ends] = np.arange(len(ends))
        first_row = np.flatnonzero(moves)
        begun = np.maximum.accumulate(np.where(moves, np.arange(len(rows)), 0))  # [L]
        anchor[closes] = anchor[begun[closes]]
        segments = np.flatnonzero(on_path & ~moves)
        start, end = anchor[segments - 1], anchor[segments]
        first = anchor[first_row]
        after = np.append(first_row[1:], len(rows))
        last_row = np.array([
            np.flatnonzero(on_path[a:b] & ~closes[a:b])[-1] + a for a, b in zip(first_row, after)
        ], dtype=int)
        last = anchor[last_row]
        stroked = paints_stroke(rows[first_row].T) if len(first_row) else np.zeros(0, dtype=bool)
        closed = np.isin(first_row, begun[closes])
        itself = ~stroked & (last != first)
        return cls(
            rows, (points + 1) * UNITS, row, part_of_row[row],
            np.concatenate([segments, np.full(itself.sum(), -1)]),
            np.concatenate([start, last[itself]]), np.concatenate([end, first[itself]]),
            first, last, stroked & ~closed & (last != first),
        )

    @cached_property
    def arc(self) -> np.ndarray:
        """Which segments [S] are arcs."""
        return (self.segment >= 0) & (self.rows[self.segment, rf.COMMAND] == rf.ARC)

    @cached_property
    def cubic(self) -> np.ndarray:
        """Which segments [S] are cubics."""
        return (self.segment >= 0) & (self.rows[self.segment, rf.COMMAND] == rf.CUBIC)

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """The segments [S] before and after each segment; -1 for none."""
        starts_at = np.full(len(self.points) + 1, -1)
        starts_at[self.start] = np.arange(len(self.start))
        after = starts_at[self.end]
        before = np.full(len(after), -1)
        before[after[after >= 0]] = np.flatnonzero(after >= 0)
        return before, after

    def sweeps(self) -> np.ndarray:
        """Sweep angle [S] of arcs, positive clockwise on screen; 0 for other segments."""
        points = self._geometry()[self.arc]  # [K, 4, 2]
        result = np.zeros(len(self.segment))
        result[self.arc] = circle_through(points[:, 0], points[:, 1], points[:, 3])[2]
        return result

    def tangents(self) -> tuple[np.ndarray, np.ndarray]:
        """Directions [S, 2], not normalised, in which segments leave their starts and arrive at their ends."""
        way = self.points[self.end] - self.points[self.start]
        half = self.sweeps()[:, None] / 2
        across = np.stack([-way[:, 1], way[:, 0]], axis=1)
        leaves, arrives = way * np.cos(half) - across * np.sin(half), way * np.cos(half) + across * np.sin(half)
        points = self._geometry()[self.cubic]  # [K, 4, 2]
        leaves[self.cubic], arrives[self.cubic] = points[:, 1] - points[:, 0], points[:, 3] - points[:, 2]
        return leaves, arrives

    def _geometry(self) -> np.ndarray:
        """Points [S, 4, 2] of the segments' rows, in units."""
        return (self.rows[self.segment, rf.GEOMETRY].astype(np.float64).reshape(-1, 4, 2) + 1) * UNITS

    @cached_property
    def straight(self) -> np.ndarray:
        """Which segments [S] are lines."""
        return ~self.arc & ~self.cubic

    def moved(self, points: np.ndarray) -> np.ndarray:
        """Rows [L, 22] with the anchors at `points` [A, 2].

        Control points of cubics move with their end; an arc keeps its sweep: its middle is rotated and scaled with its
        chord. A rectangle keeps a least side, and its corner radii are at most half its sides.
        """
        rows = self.rows.copy()
        geometry = (rows[:, rf.GEOMETRY].astype(np.float64) + 1) * UNITS  # [L, 8]; wrong for lengths, but unused
        own = self.segment >= 0
        segment, start, end = self.segment[own], self.start[own], self.end[own]
        cubic, arc = self.cubic[own], self.arc[own]
        shift = points - self.points
        geometry[segment[cubic], 2:4] += shift[start[cubic]]
        geometry[segment[cubic], 4:6] += shift[end[cubic]]
        geometry[segment[arc], 2:4] = _turned(
            geometry[segment[arc], 2:4], self.points[start[arc]], self.points[end[arc]],
            points[start[arc]], points[end[arc]],
        )
        on_path = rows[self.row, rf.ELEMENT] == rf.PATH
        geometry[self.row[on_path], 6:8] = points[on_path]
        geometry[segment, 0:2], geometry[segment, 6:8] = points[start], points[end]
        geometry = geometry / UNITS - 1
        used = _used(rows)
        rows[:, rf.GEOMETRY] = np.where(used, geometry, rows[:, rf.GEOMETRY])
        self._move_primitives(rows, points / UNITS - 1)
        return rows

    def _move_primitives(self, rows: np.ndarray, points: np.ndarray) -> None:
        """Write primitives at `points` [A, 2], in canvas units, into rows."""
        rect = np.flatnonzero(rows[self.row, rf.ELEMENT] == rf.RECT)
        low, high = np.split(rect, 2)  # [R] each: first corners, second corners
        size = np.maximum(points[high] - points[low], np.minimum(SMALLEST / UNITS, rows[self.row[low], 4:6]))
        rows[self.row[low], 2:4], rows[self.row[low], 4:6] = points[low], size
        rows[self.row[low], 6:8] = np.minimum(rows[self.row[low], 6:8], size / 2)
        round_ = rf.is_one_of(rows[self.row, rf.ELEMENT], (rf.CIRCLE, rf.ELLIPSE))
        rows[self.row[round_], 2:4] = points[round_]


def as_complex(points: np.ndarray) -> np.ndarray:
    """Points [K, 2] as complex numbers [K]."""
    return points[:, 0] + 1j * points[:, 1]


def arc_middle(start: complex, end: complex, sweep: float) -> complex:
    """The middle of an arc with given ends and sweep (radians, clockwise on screen)."""
    return (start + end) / 2 - 0.5j * (end - start) * math.tan(sweep / 4)


def tie(count: int, *pairs: np.ndarray) -> np.ndarray:
    """Group numbers [count] of the connected components given by pairs [K, 2]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([np.zeros((0, 2), dtype=int), *pairs])
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _turned(
    middle: np.ndarray, start: np.ndarray, end: np.ndarray, new_start: np.ndarray, new_end: np.ndarray
) -> np.ndarray:
    """Middles [K, 2] of arcs whose ends [K, 2] move to other places [K, 2] with unchanged sweep."""
    m, s, e, s2, e2 = (p[:, 0] + 1j * p[:, 1] for p in (middle, start, end, new_start, new_end))
    chord = e - s
    whole = np.abs(chord) < 1e-6
    share = (m - s) / np.where(whole, 1, chord)
    result = np.where(whole, m + s2 - s, s2 + share * (e2 - s2))
    return np.stack([result.real, result.imag], axis=1)


def _used(rows: np.ndarray) -> np.ndarray:
    """Which geometry columns [L, 8] of path rows are used."""
    ids = rows[:, rf.ELEMENT].astype(int), rows[:, rf.COMMAND].astype(int)
    return IS_POSITION[ids] & (rows[:, rf.ELEMENT] == rf.PATH)[:, None]
