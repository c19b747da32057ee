"""Rows -> SVG text, and rows <-> the [-1, 1] targets of the continuous decoder head."""

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.hybrid_utils import MIN_OPACITY, sanitize_rows

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


def rows_to_svg(rows: np.ndarray | Tensor, size: float = 24, decimals: int = 2) -> str:
    """Write rows [L, 22] as SVG text with viewBox `0 0 size size`, one element per shape.

    Any finite or infinite matrix of that width gives a valid SVG (rules: hybrid_utils). Style attributes
    that all shapes share stand once, on the root; ids count the layers in paint order.
    """
    if isinstance(rows, Tensor):
        rows = rows.detach().float().cpu().numpy()
    elements = [
        (*_shape(group, size, decimals), _style_attributes(group[0], size, decimals))
        for group in split_elements(sanitize_rows(rows))
    ]
    shared = {}
    if elements:
        first = elements[0][2]
        shared = {k: v for k, v in first.items() if all(style.get(k) == v for _, _, style in elements)}
    number = _number(size, decimals)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number}" height="{number}"'
        f' viewBox="0 0 {number} {number}"{_attributes(shared)}>'
    ]
    for i, (tag, geometry, style) in enumerate(elements, start=1):
        own = {k: v for k, v in style.items() if k not in shared}
        lines.append(f'  <{tag} id="layer-{i}"{_attributes(geometry | own)}/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def split_elements(rows: np.ndarray) -> list[np.ndarray]:
    """Valid rows [L, 22] -> one array per drawn element, in paint order (BOS, EOS left out)."""
    body = rows[rows[:, rf.ELEMENT] > rf.EOS]
    starts = np.flatnonzero((body[:, rf.ELEMENT] != rf.PATH) | (body[:, rf.COMMAND] == rf.MOVE))
    return np.split(body, starts[1:]) if len(body) else []


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
    if row[13] > MIN_OPACITY:
        style["fill"] = _colour(row[10:13])
        if row[13] < 1 - MIN_OPACITY:
            style["fill-opacity"] = _number(row[13], 2)
        if row[rf.FILL_RULE] == rf.FILL_RULES.index("evenodd"):
            style["fill-rule"] = "evenodd"
    if row[17] > MIN_OPACITY and row[rf.STROKE_WIDTH] > 0:
        style["stroke"] = _colour(row[14:17])
        if row[17] < 1 - MIN_OPACITY:
            style["stroke-opacity"] = _number(row[17], 2)
        style["stroke-width"] = _number(row[rf.STROKE_WIDTH] * size / 2, decimals)
        if row[rf.CAP]:
            style["stroke-linecap"] = rf.CAPS[int(row[rf.CAP])]
        if row[rf.JOIN]:
            style["stroke-linejoin"] = rf.JOINS[int(row[rf.JOIN])]
    return style


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
    """The `d` attribute of one path's rows [K, 22]: absolute M, L, H, V, C, Z."""
    half, parts, pen = size / 2, [], (None, None)
    for row in group:
        command = int(row[rf.COMMAND])
        if command == rf.CLOSE:
            parts.append("Z")
            pen = (None, None)
            continue
        numbers = [_number(v * half + half, decimals) for v in row[rf.GEOMETRY]]
        x, y = numbers[6:8]
        if command in (rf.MOVE, rf.SUBMOVE):
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
    return "".join(parts)
