"""Snap drawn rows to the design grid: interface icons live on one, samples land beside it by a hair."""

import numpy as np

from svgfusion_lib.svg import row_format as rf


def snap_rows(rows: np.ndarray, step: float, reach: float = 0.35) -> np.ndarray:
    """Move coordinates that lie within `reach * step` of a grid line onto it; rows [L, 22] -> [L, 22].

    step is in canvas units (the canvas is 2 wide); the grid passes through the canvas's corner. x and y
    snap independently. A curve's control points move with the end they belong to, so tangents stay; lengths
    (radii, rect sizes) snap too, but never to 0. Stroke widths go to fifths of a step: 2.01 says 2.
    """
    if not 0 < reach <= 0.5:
        raise ValueError(f"reach must be above 0 and at most 0.5, got {reach}")
    rows = rows.copy()
    start_shift = first_shift = np.zeros(2)
    for row in rows:
        kinds = rf.argument_kinds(int(row[rf.ELEMENT]), int(row[rf.COMMAND]))
        if kinds is None or row[rf.ELEMENT] in rf.GRADIENTS:
            continue
        width = row[rf.STROKE_WIDTH]
        row[rf.STROKE_WIDTH] = round(width / (step / 5)) * (step / 5) or width
        geometry = row[rf.GEOMETRY]  # a view: changes reach the row
        if row[rf.ELEMENT] != rf.PATH:
            for i, kind in enumerate(kinds):
                if kind != "." and not (kind == "l" and abs(geometry[i]) < step / 2):
                    geometry[i] += _shift(geometry[i], step, reach)
            continue
        command = row[rf.COMMAND]
        end_shift = first_shift if command == rf.CLOSE else _shift(geometry[rf.END_POINT], step, reach)
        if command not in (rf.MOVE, rf.SUBMOVE):
            geometry[0:2] += start_shift
        if command == rf.CUBIC:
            geometry[2:4] += start_shift
            geometry[4:6] += end_shift
        if command == rf.ARC:
            geometry[2:4] += (start_shift + end_shift) / 2
        geometry[rf.END_POINT] += end_shift
        if command in (rf.MOVE, rf.SUBMOVE):
            first_shift = end_shift
        start_shift = end_shift
    return rows


def _shift(value: np.ndarray, step: float, reach: float) -> np.ndarray:
    """What to add to reach the nearest grid line, or 0 where that is too far."""
    distance = np.round((value + 1) / step) * step - 1 - value
    return np.where(np.abs(distance) <= reach * step, distance, 0.0)
