"""Rows -> SVG text, and rows <-> targets in [-1, 1] for the continuous decoder head."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.system.files import write_text
from svgfusion_lib.utils.arcs import circle_through
from svgfusion_lib.utils.hybrid_utils import paints_fill, paints_stroke, sanitize_rows

FULL_TURN = 6.28   # radians: a larger sweep is a full circle
MAX_RADIUS = 1e3   # of an arc, canvas units: larger arcs are written as lines
RESOLUTION = 2000  # least number of steps across the canvas that the written decimals resolve
OPACITY_DECIMALS = 3

# target = rows * scale + shift, column by column: ids, geometry, colours, width and style ids to [-1, 1]
_UPPER = torch.tensor(
    [len(rf.ELEMENTS) - 1, len(rf.COMMANDS) - 1]
    + [0] * rf.NUM_GEOMETRY
    + [1] * 8
    + [2, len(rf.CAPS) - 1, len(rf.JOINS) - 1, len(rf.FILL_RULES) - 1],
    dtype=torch.float32,
)
_SCALE = torch.where(_UPPER > 0, 2 / _UPPER.clamp(min=1), torch.ones(()))
_SHIFT = torch.where(_UPPER > 0, -torch.ones(()), torch.zeros(()))
_IS_LENGTH = torch.tensor(rf.IS_LENGTH)  # [elements, commands, 8]


def normalize_target(rows: Tensor) -> Tensor:
    """Rows [..., 22] -> targets [..., 22] in [-1, 1] for the tanh head (positions off canvas are clipped)."""
    return (rows * _SCALE.to(rows) + _shift(rows)).clamp(-1, 1)


def denormalize_target(target: Tensor) -> Tensor:
    """Inverse of `normalize_target` on its range; ids stay fractional (see hybrid_utils)."""
    rows = (target - _SHIFT.to(target)) / _SCALE.to(target)  # correct except for lengths
    return (target - _shift(rows)) / _SCALE.to(target)


def _shift(rows: Tensor) -> Tensor:
    """Offsets for the columns of rows [..., 22]: lengths from 0 to 2 map to [-1, 1], as positions do."""
    element = rows[..., rf.ELEMENT].round().long().clamp(0, len(rf.ELEMENTS) - 1)  # [...]
    command = rows[..., rf.COMMAND].round().long().clamp(0, len(rf.COMMANDS) - 1)  # [...]
    shift = _SHIFT.to(rows).repeat(*rows.shape[:-1], 1)  # [..., 22]
    shift[..., rf.GEOMETRY] -= _IS_LENGTH.to(rows.device)[element, command].to(rows)
    return shift


# --- elements, and an SVG as a sequence of partial renderings (paper, section 3.2) --------------------
# An element is a primitive, or a path with all its sub-paths; the gradient rows before it belong to it.
# A stage shows the first k elements. The last stage is the whole SVG.


def element_of_rows(rows: np.ndarray) -> np.ndarray:
    """Element index of each row [L, 22] -> int64 [L]; <BOS> belongs to the first element, <EOS> to the last."""
    element = rows[:, rf.ELEMENT]
    gradient = rf.is_one_of(element, rf.GRADIENTS)
    after_gradient = np.append(False, gradient[:-1])
    drawn = element > rf.EOS
    own = drawn & ~gradient & ((element != rf.PATH) | (rows[:, rf.COMMAND] == rf.MOVE))
    begins = (own | gradient) & ~after_gradient  # [L]
    return (np.cumsum(begins) - 1).clip(min=0)


def stage_sizes(rows: np.ndarray, most: int) -> np.ndarray:
    """Number of elements in each stage of rows [L, 22]: at most `most` stages, evenly spaced -> int64 [K]."""
    count = int(element_of_rows(rows)[-1]) + 1
    return np.unique(np.ceil(np.linspace(0, count, min(most, count) + 1)[1:]).astype(np.int64))


def partial_rows(rows: np.ndarray, size: int) -> np.ndarray:
    """The first `size` elements of rows [L, 22] as a copy [L', 22]."""
    kept = element_of_rows(rows) < size
    kept[-1] = True  # <EOS>
    return rows[kept]


def stage_of_rows(rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The first stage (of sizes [K]) that shows each row [L, 22] -> int64 [L]."""
    return np.searchsorted(sizes, element_of_rows(rows), side="right").clip(max=len(sizes) - 1)


def split_elements(rows: np.ndarray) -> list[np.ndarray]:
    """Valid rows [L, 22] -> one array per drawn element, in paint order, its gradient rows first."""
    body = rows[rows[:, rf.ELEMENT] > rf.EOS]
    return np.split(body, np.flatnonzero(np.diff(element_of_rows(body))) + 1) if len(body) else []


def split_gradients(group: np.ndarray) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Split one element's rows into its gradients (rows [1 + stops, 22] by element id) and the rows of its shape."""
    gradient = rf.is_one_of(group[:, rf.ELEMENT], rf.GRADIENTS)
    if not gradient.any():
        return {}, group
    kinds = {kind: group[group[:, rf.ELEMENT] == kind] for kind in rf.GRADIENTS}
    return {kind: rows for kind, rows in kinds.items() if len(rows)}, group[~gradient]


def element_structure(rows: np.ndarray) -> list[tuple[str, int, str, str]]:
    """Name, number of sub-paths, fill rule and paints of every element: what paint order and holes depend on."""
    structure = []
    for group in split_elements(rows):
        paints, shape = split_gradients(group)
        first = shape[0]
        structure.append((
            rf.ELEMENTS[int(first[rf.ELEMENT])], int(rf.is_one_of(shape[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE)).sum()),
            rf.FILL_RULES[int(first[rf.FILL_RULE])],
            "+".join(
                name if kind not in paints else f"{name} gradient"
                for name, kind, paints_it in (
                    ("fill", rf.FILL_GRADIENT, paints_fill), ("stroke", rf.STROKE_GRADIENT, paints_stroke),
                ) if paints_it(first)
            ),
        ))
    return structure


# --- rows -> SVG text ----------------------------------------------------------------------------------


def rows_to_svg(
    rows: np.ndarray | Tensor, size: float | tuple[float, float] = 24, decimals: int | None = None
) -> str:
    """Write rows [L, 22] as SVG text with viewBox `0 0 size size`, one element per shape.

    size: side of the square, or (width, height); the canvas is then the smallest square around that rectangle.

    Any matrix of that width gives a valid SVG, even with infinite values (rules: hybrid_utils). Style
    attributes shared by all shapes go on the root; gradients go in <defs>, without duplicates; ids number the
    layers in paint order. decimals: of coordinates; None: enough to resolve 1/RESOLUTION of the canvas.
    """
    if isinstance(rows, Tensor):
        rows = rows.detach().float().cpu().numpy()
    width, height = (size, size) if isinstance(size, int | float) else size
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise ValueError(f"size must be positive, got {size}")
    side = max(width, height)
    if decimals is None:
        decimals = max(0, math.ceil(math.log10(RESOLUTION / side)))
    frame = _Frame(side / 2, width / 2, height / 2, decimals)
    gradients: dict[str, str] = {}  # text -> id
    elements = []
    for group in split_elements(sanitize_rows(rows)):
        paints, shape = split_gradients(group)
        style = _style_attributes(shape[0], frame)
        for name, kind in (("fill", rf.FILL_GRADIENT), ("stroke", rf.STROKE_GRADIENT)):
            if kind in paints:
                number = gradients.setdefault(_gradient(paints[kind], frame), f"gradient-{len(gradients) + 1}")
                style[name] = f"url(#{number})"
                style.pop(f"{name}-opacity", None)
        elements.append((*_shape(shape, frame), style))
    shared = {}
    if elements:
        first = elements[0][2]
        shared = {k: v for k, v in first.items() if all(style.get(k) == v for _, _, style in elements)}
    finer = max(decimals, 2, math.ceil(2 - math.log10(min(width, height))))  # a written side is never 0
    width, height = (_number(v, finer) for v in (width, height))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}"{_attributes(shared)}>'
    ]
    if gradients:
        lines += ["  <defs>", *(text.replace("ID", number, 1) for text, number in gradients.items()), "  </defs>"]
    for i, (tag, geometry, style) in enumerate(elements, start=1):
        own = {k: v for k, v in style.items() if k not in shared}
        lines.append(f'  <{tag} id="layer-{i}"{_attributes(geometry | own)}/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


class _Frame(NamedTuple):
    """Canvas units -> user units: v * scale for lengths, plus centre for positions; decimals: digits to write."""

    scale: float
    centre_x: float
    centre_y: float
    decimals: int

    def length(self, value: float) -> str:
        return _number(value * self.scale, self.decimals)

    def x(self, value: float) -> str:
        return _number(value * self.scale + self.centre_x, self.decimals)

    def y(self, value: float) -> str:
        return _number(value * self.scale + self.centre_y, self.decimals)


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in values.items())


def _number(value: float, decimals: int) -> str:
    """Shortest decimal form: no trailing zeros, no "-0", no exponent."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _colour(rgb: np.ndarray) -> str:
    digits = "".join(f"{round(float(v) * 255):02x}" for v in rgb)
    return f"#{digits[::2]}" if digits[::2] == digits[1::2] else f"#{digits}"


def _style_attributes(row: np.ndarray, frame: _Frame) -> dict[str, str]:
    style = {"fill": "none"}
    if paints_fill(row):
        style["fill"] = _colour(row[10:13])
        if row[13] < 1 - rf.MIN_OPACITY:
            style["fill-opacity"] = _number(row[13], OPACITY_DECIMALS)
        if row[rf.FILL_RULE] == rf.FILL_RULES.index("evenodd"):
            style["fill-rule"] = "evenodd"
    if paints_stroke(row):
        style["stroke"] = _colour(row[14:17])
        if row[17] < 1 - rf.MIN_OPACITY:
            style["stroke-opacity"] = _number(row[17], OPACITY_DECIMALS)
        style["stroke-width"] = frame.length(row[rf.STROKE_WIDTH])
        if row[rf.CAP]:
            style["stroke-linecap"] = rf.CAPS[int(row[rf.CAP])]
        if row[rf.JOIN]:
            style["stroke-linejoin"] = rf.JOINS[int(row[rf.JOIN])]
    return style


def _gradient(rows: np.ndarray, frame: _Frame) -> str:
    """Write a gradient's rows as an element for <defs>, with the placeholder ID as its id."""
    row, between = rows[0], rows[1:]
    x, y, ax, ay, minor, inner, fx, fy = row[rf.GEOMETRY].tolist()
    offset = 0.0
    if row[rf.COMMAND] == rf.LINEAR:
        tag = "linearGradient"
        place = {"x1": frame.x(x), "y1": frame.y(y), "x2": frame.x(ax), "y2": frame.y(ay)}
    else:
        tag = "radialGradient"
        ux, uy, focal_x, focal_y = ax - x, ay - y, fx - x, fy - y
        major = math.hypot(ux, uy)
        offset = min(inner / major, 1.0)
        off_centre = math.hypot(focal_x, focal_y) > 0.01 * min(major, minor)
        if abs(major - minor) < 0.01 * major:
            place = {"cx": frame.x(x), "cy": frame.y(y), "r": frame.length(major)}
            if off_centre:
                place |= {"fx": frame.x(fx), "fy": frame.y(fy)}
        else:  # the unit circle, scaled and rotated
            vx, vy = -uy / major * minor, ux / major * minor
            place = {"cx": "0", "cy": "0", "r": "1"}
            if off_centre:
                along, across = (focal_x * ux + focal_y * uy) / major**2, (focal_x * vx + focal_y * vy) / minor**2
                place |= {"fx": _number(along, 3), "fy": _number(across, 3)}
            finer = frame._replace(decimals=frame.decimals + 1)
            numbers = [*map(finer.length, (ux, uy, vx, vy)), finer.x(x), finer.y(y)]
            place["gradientTransform"] = f"matrix({' '.join(numbers)})"
    along = ((between[:, 2:4] - (x, y)) @ (ax - x, ay - y)) / ((ax - x) ** 2 + (ay - y) ** 2)
    places = np.maximum.accumulate([offset, *along.clip(offset, 1), 1.0])
    colours = [row[rf.FILL], *between[:, rf.FILL], row[rf.STROKE]]
    stops = []
    for at, colour in zip(places, colours):
        stop = {"offset": _number(at, 3), "stop-color": _colour(colour[:3])}
        if colour[3] < 1 - rf.MIN_OPACITY:
            stop["stop-opacity"] = _number(colour[3], OPACITY_DECIMALS)
        stops.append(f"<stop{_attributes(stop)}/>")
    return f'    <{tag} id="ID" gradientUnits="userSpaceOnUse"{_attributes(place)}>{"".join(stops)}</{tag}>'


def _shape(group: np.ndarray, frame: _Frame) -> tuple[str, dict[str, str]]:
    """Tag and geometry attributes of one element's rows."""
    element, geometry = int(group[0, rf.ELEMENT]), group[0, rf.GEOMETRY]
    if element == rf.PATH:
        return "path", {"d": path_data(group, frame)}
    write = {"x": frame.x, "y": frame.y, "l": frame.length}
    kinds = rf.ARGUMENTS[rf.ELEMENTS[element], "none"]
    values = [write[kind](value) for kind, value in zip(kinds, geometry) if kind != "."]
    if element == rf.CIRCLE:
        return "circle", dict(zip(("cx", "cy", "r"), values))
    if element == rf.ELLIPSE:
        return "ellipse", dict(zip(("cx", "cy", "rx", "ry"), values))
    rect = dict(zip(("x", "y", "width", "height", "rx", "ry"), values))
    if rect["rx"] == rect["ry"]:
        del rect["ry"]
        if rect["rx"] == "0":
            del rect["rx"]
    return "rect", rect


def _arc(
    start: Sequence[float], end: Sequence[float], circle: tuple[np.ndarray, np.float64, np.float64], frame: _Frame
) -> str:
    """Arc commands for an arc's ends (user units) and its centre, radius and sweep, or "" if it is a line.

    The radius is computed from the rounded end points and gets enough decimals to keep the middle in place: near a
    half turn, a small error in the radius moves the middle a lot.
    """
    first, last = ([round(v, frame.decimals) for v in point] for point in (start, end))
    x, y = (_number(v, frame.decimals) for v in end)
    centre, radius, sweep = circle
    if math.isfinite(radius) and abs(sweep) > FULL_TURN:  # as two half turns
        half = [_number(v, frame.decimals) for v in 2 * centre - start]
        size, turns = _number(radius, frame.decimals + 1), int(sweep > 0)
        return f"A{size} {size} 0 0 {turns} {' '.join(half)}A{size} {size} 0 0 {turns} {x} {y}"
    half_chord = math.dist(first, last) / 2
    if not math.isfinite(radius) or half_chord == 0:
        return ""
    sagitta = radius * (1 - math.cos(sweep / 2))
    exact = (sagitta**2 + half_chord**2) / (2 * sagitta)
    if not 0 < exact < MAX_RADIUS * frame.scale:
        return ""
    large = abs(sweep) > math.pi
    for decimals in range(frame.decimals, frame.decimals + 4):
        size = round(exact, decimals)
        height = math.sqrt(max(size**2 - half_chord**2, 0))  # renderers scale a smaller radius up to a half turn
        drawn = max(size, half_chord) + (height if large else -height)
        if size > 0 and abs(drawn - sagitta) < 10.0**-frame.decimals / 2:
            break
    large &= size > half_chord  # otherwise it is a half turn, where the flag makes no difference
    size_text = _number(size, decimals)
    return f"A{size_text} {size_text} 0 {int(large)} {int(sweep > 0)} {x} {y}"


def path_data(group: np.ndarray, frame: _Frame) -> str:
    """Write the `d` attribute for one path's rows [K, 22]: absolute M, L, H, V, C, A, Z.

    Paths without a stroke are implicitly closed (row_format), so each of their sub-paths ends with Z.
    """
    parts: list[str] = []
    pen = ("", "")
    closes = not paints_stroke(group[0])
    places = group[:, rf.GEOMETRY].reshape(-1, 4, 2) * frame.scale + (frame.centre_x, frame.centre_y)  # [K, 4, 2]
    arcs = places[group[:, rf.COMMAND] == rf.ARC]  # [A, 4, 2]
    circles = zip(*circle_through(arcs[:, 0], arcs[:, 1], arcs[:, 3])) if len(arcs) else iter(())
    for command, (start, *controls, end) in zip(group[:, rf.COMMAND].astype(int).tolist(), places.tolist()):
        x, y = (_number(v, frame.decimals) for v in end)
        if command in (rf.MOVE, rf.SUBMOVE):
            if closes and parts and parts[-1] != "Z":
                parts.append("Z")
            parts.append(f"M{x} {y}")
        elif command == rf.CUBIC:
            numbers = [_number(v, frame.decimals) for point in controls for v in point]
            parts.append(f"C{' '.join((*numbers, x, y))}")
        elif command == rf.ARC and (arc := _arc(start, end, next(circles), frame)):
            parts.append(arc)
        elif (x, y) == pen and parts[-1].startswith("M"):  # a dot: some viewers do not draw zero-length lines
            parts.append(f"H{_number(end[0] + 10.0**-frame.decimals, frame.decimals)}")
        elif command == rf.CLOSE:
            if parts[-1] != "Z":
                parts.append("Z")
            x = y = ""
        elif y == pen[1]:
            parts.append(f"H{x}")
        elif x == pen[0]:
            parts.append(f"V{y}")
        else:
            parts.append(f"L{x} {y}")
        pen = (x, y)
    if closes and parts[-1] != "Z":
        parts.append("Z")
    return "".join(parts)


def write_svg(rows: np.ndarray | Tensor, path: str | Path | None = None, size: float | tuple[float, float] = 24) -> str:
    """Convert rows [L, 22] to SVG text with viewBox `0 0 size size`; also save it to `path`, if given."""
    text = rows_to_svg(rows, size)
    if path is not None:
        write_text(path, text)
    return text
