"""Rows -> SVG text, and rows <-> the [-1, 1] targets of the continuous decoder head."""

import math

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.hybrid_utils import MIN_OPACITY, paints_fill, paints_stroke, sanitize_rows

RESOLUTION = 2000     # steps that the writer's decimals divide the canvas into, at least
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


def normalize_target(rows: Tensor) -> Tensor:
    """Rows [..., 22] -> targets [..., 22] in [-1, 1] for the tanh head (positions off canvas are clipped)."""
    return (rows * _SCALE.to(rows) + _SHIFT.to(rows)).clamp(-1, 1)


def denormalize_target(target: Tensor) -> Tensor:
    """Inverse of `normalize_target` on its range; ids stay fractional (see hybrid_utils)."""
    return (target - _SHIFT.to(target)) / _SCALE.to(target)


def rows_to_svg(rows: np.ndarray | Tensor, size: float = 24, decimals: int | None = None) -> str:
    """Write rows [L, 22] as SVG text with viewBox `0 0 size size`, one element per shape.

    Any finite or infinite matrix of that width gives a valid SVG (rules: hybrid_utils). Style attributes
    that all shapes share stand once, on the root; gradients stand in <defs>, equal ones once; ids count the
    layers in paint order. decimals: of coordinates; None: as many as a hair of the canvas needs.
    """
    if isinstance(rows, Tensor):
        rows = rows.detach().float().cpu().numpy()
    if decimals is None:
        decimals = max(0, math.ceil(math.log10(RESOLUTION / size)))
    gradients: dict[str, str] = {}  # text -> id
    elements = []
    for group in split_elements(sanitize_rows(rows)):
        paints, shape = split_gradients(group)
        style = _style_attributes(shape[0], size, decimals)
        for name, row in (("fill", paints.get(rf.FILL_GRADIENT)), ("stroke", paints.get(rf.STROKE_GRADIENT))):
            if row is not None:
                number = gradients.setdefault(_gradient(row, size, decimals), f"gradient-{len(gradients) + 1}")
                style[name] = f"url(#{number})"
                style.pop(f"{name}-opacity", None)
        elements.append((*_shape(shape, size, decimals), style))
    shared = {}
    if elements:
        first = elements[0][2]
        shared = {k: v for k, v in first.items() if all(style.get(k) == v for _, _, style in elements)}
    number = _number(size, decimals)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number}" height="{number}"'
        f' viewBox="0 0 {number} {number}"{_attributes(shared)}>'
    ]
    if gradients:
        lines += ["  <defs>", *(text.replace("ID", number, 1) for text, number in gradients.items()), "  </defs>"]
    for i, (tag, geometry, style) in enumerate(elements, start=1):
        own = {k: v for k, v in style.items() if k not in shared}
        lines.append(f'  <{tag} id="layer-{i}"{_attributes(geometry | own)}/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def split_elements(rows: np.ndarray) -> list[np.ndarray]:
    """Valid rows [L, 22] -> one array per drawn element, in paint order, its gradient rows first."""
    body = rows[rows[:, rf.ELEMENT] > rf.EOS]
    gradient = np.isin(body[:, rf.ELEMENT], rf.GRADIENTS)
    begins = (body[:, rf.ELEMENT] != rf.PATH) | (body[:, rf.COMMAND] == rf.MOVE)
    begins[1:] &= ~gradient[:-1]  # what follows a gradient belongs to it
    return np.split(body, np.flatnonzero(begins)[1:]) if len(body) else []


def split_gradients(group: np.ndarray) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """One element's rows -> its gradient rows by element id, and the rows of its shape."""
    gradient = np.isin(group[:, rf.ELEMENT], rf.GRADIENTS)
    return {int(row[rf.ELEMENT]): row for row in group[gradient]}, group[~gradient]


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


def _style_attributes(row: np.ndarray, size: float, decimals: int) -> dict[str, str]:
    style = {"fill": "none"}
    if paints_fill(row):
        style["fill"] = _colour(row[10:13])
        if row[13] < 1 - MIN_OPACITY:
            style["fill-opacity"] = _number(row[13], OPACITY_DECIMALS)
        if row[rf.FILL_RULE] == rf.FILL_RULES.index("evenodd"):
            style["fill-rule"] = "evenodd"
    if paints_stroke(row):
        style["stroke"] = _colour(row[14:17])
        if row[17] < 1 - MIN_OPACITY:
            style["stroke-opacity"] = _number(row[17], OPACITY_DECIMALS)
        style["stroke-width"] = _number(row[rf.STROKE_WIDTH] * size / 2, decimals)
        if row[rf.CAP]:
            style["stroke-linecap"] = rf.CAPS[int(row[rf.CAP])]
        if row[rf.JOIN]:
            style["stroke-linejoin"] = rf.JOINS[int(row[rf.JOIN])]
    return style


def _gradient(row: np.ndarray, size: float, decimals: int) -> str:
    """A gradient row as an element of <defs> whose id is the placeholder ID."""
    half, offset = size / 2, 0.0
    points = row[rf.GEOMETRY] * half
    if row[rf.COMMAND] == rf.LINEAR:
        tag, names = "linearGradient", ("x1", "y1", "x2", "y2")
        place = {name: _number(v + half, decimals) for name, v in zip(names, points)}
    else:
        tag = "radialGradient"
        x, y, ax, ay, minor, inner, fx, fy = points
        ax, ay, fx, fy = ax - x, ay - y, fx - x, fy - y
        major = math.hypot(ax, ay)
        offset = min(inner / major, 1.0)
        if abs(major - minor) < 0.01 * major:
            place = {"cx": _number(x + half, decimals), "cy": _number(y + half, decimals), "r": _number(major, decimals)}
            if math.hypot(fx, fy) > 0.01 * major:
                place |= {"fx": _number(x + fx + half, decimals), "fy": _number(y + fy + half, decimals)}
        else:  # the unit circle, stretched and turned
            across = -ay / major * minor, ax / major * minor
            matrix = (ax, ay, *across, x + half, y + half)
            place = {"cx": "0", "cy": "0", "r": "1"}
            if math.hypot(fx, fy) > 0.01 * minor:
                place |= {
                    "fx": _number((fx * ax + fy * ay) / major**2, 3),
                    "fy": _number((fx * across[0] + fy * across[1]) / minor**2, 3),
                }
            place["gradientTransform"] = f"matrix({' '.join(_number(v, decimals + 1) for v in matrix)})"
    stops = []
    for at, colour in ((offset, row[rf.FILL]), (1.0, row[rf.STROKE])):
        stop = {"offset": _number(at, 3), "stop-color": _colour(colour[:3])}
        if colour[3] < 1 - MIN_OPACITY:
            stop["stop-opacity"] = _number(colour[3], OPACITY_DECIMALS)
        stops.append(f"<stop{_attributes(stop)}/>")
    return f'    <{tag} id="ID" gradientUnits="userSpaceOnUse"{_attributes(place)}>{"".join(stops)}</{tag}>'


def _shape(group: np.ndarray, size: float, decimals: int) -> tuple[str, dict[str, str]]:
    """Tag and geometry attributes of one element's rows."""
    half = size / 2
    element, geometry = int(group[0, rf.ELEMENT]), group[0, rf.GEOMETRY]
    if element == rf.PATH:
        return "path", {"d": path_data(group, size, decimals)}
    kinds = rf.argument_kinds(element, rf.NONE)
    values = [_number(v * half + (0 if k == "l" else half), decimals) for v, k in zip(geometry, kinds)]
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


def path_data(group: np.ndarray, size: float, decimals: int) -> str:
    """The `d` attribute of one path's rows [K, 22]: absolute M, L, H, V, C, Z.

    A path without a stroke closes by itself (row_format): each of its sub-paths ends with Z.
    """
    half, parts, pen = size / 2, [], (None, None)
    closes = not paints_stroke(group[0])
    for row in group:
        command = int(row[rf.COMMAND])
        if command == rf.CLOSE:
            if parts[-1] != "Z":
                parts.append("Z")
            pen = (None, None)
            continue
        numbers = [_number(v * half + half, decimals) for v in row[rf.GEOMETRY]]
        x, y = numbers[6:8]
        if command in (rf.MOVE, rf.SUBMOVE):
            if closes and parts and parts[-1] != "Z":
                parts.append("Z")
            parts.append(f"M{x} {y}")
        elif command == rf.CUBIC:
            parts.append("C" + " ".join(numbers[2:8]))
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
