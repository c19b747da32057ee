"""Colours of an icon: palettes, and rows [L, 22] recoloured without any model."""

import re
from collections.abc import Sequence

import numpy as np

from svgfusion_lib.corpus.colours import lab
from svgfusion_lib.errors import UserError
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import paints_stroke
from svgfusion_lib.utils.tensorsvg import element_of_rows

RECOLOURINGS = ("nearest", "luminance", "layers")
FILL_RGB, STROKE_RGB = slice(rf.FILL.start, rf.FILL.start + 3), slice(rf.STROKE.start, rf.STROKE.start + 3)
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


def parse_palette(colours: Sequence[str]) -> np.ndarray:
    """"#d33", "dd3333", ... -> float [M, 3] in [0, 1]; UserError for none, or for one that is not like that."""
    if not colours:
        raise UserError("the palette has no colour; give for instance #264653 #2a9d8f #e9c46a")
    palette = []
    for colour in colours:
        match = _HEX.fullmatch(colour.strip())
        if match is None:
            raise UserError(f"{colour[:20]!r} is no colour; write #rgb or #rrggbb")
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        palette.append([int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)])
    return np.array(palette)


def recolour(rows: np.ndarray, palette: np.ndarray, by: str = "nearest") -> np.ndarray:
    """Rows [L, 22] with every colour that is seen replaced by one of palette [M, 3].

    by "nearest": each colour goes to the nearest one in CIELAB. "luminance": the icon's colours from dark to
    light are spread over the palette's from dark to light. "layers": layer k gets colour k, round and round, in
    the order of the palette; the only one that gives an icon of one colour several.
    """
    if by not in RECOLOURINGS:
        raise UserError(f"recolouring goes by {', '.join(RECOLOURINGS)}, not by {by!r}")
    rows = rows.copy()
    if by == "layers":
        layers = element_of_rows(rows) % len(palette)  # [L]
        for columns, seen in _seen(rows):
            rows[seen, columns] = palette[layers[seen]]
        return rows
    given = np.concatenate([rows[seen, columns] for columns, seen in _seen(rows)])  # [K, 3]
    if len(given) == 0:
        return rows
    distinct, which = np.unique(given.round(3), axis=0, return_inverse=True)  # [C, 3], [K]
    chosen = nearest_colours(distinct, palette) if by == "nearest" else _by_luminance(distinct, palette)  # [C, 3]
    replaced, done = chosen[which.reshape(-1)], 0
    for columns, seen in _seen(rows):
        rows[seen, columns] = replaced[done : done + seen.sum()]
        done += seen.sum()
    return rows


def paint_layer(rows: np.ndarray, layer: int, colour: str) -> np.ndarray:
    """Rows [L, 22] in which all that layer 1, 2, ... (from the back) paints has one colour."""
    rows = rows.copy()
    own = element_of_rows(rows) == layer - 1  # [L]
    for columns, seen in _seen(rows):
        rows[own & seen, columns] = parse_palette([colour])
    return rows


def layer_colour(rows: np.ndarray, layer: int) -> str:
    """"#rrggbb" of what a layer paints: its stroke, or else its fill."""
    own = element_of_rows(rows) == layer - 1
    for columns, seen in reversed(_seen(rows)):
        if (own & seen).any():
            red, green, blue = (round(255 * float(v)) for v in rows[own & seen][0, columns])
            return f"#{red:02x}{green:02x}{blue:02x}"
    return "#000000"


def _seen(rows: np.ndarray) -> list[tuple[slice, np.ndarray]]:
    """Colour columns, and which of rows [L, 22] show what these say: fill and stroke."""
    drawn = rows[:, rf.ELEMENT] > rf.EOS
    gradient = np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)  # whose columns are the first and the last stop
    fill = (rows[:, rf.FILL.stop - 1] > rf.MIN_OPACITY) | gradient
    stroke = np.where(gradient, rows[:, rf.COMMAND] != rf.STOP, paints_stroke(rows.T))
    return [(FILL_RGB, drawn & fill), (STROKE_RGB, drawn & stroke)]


def nearest_colours(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """For each of colours [..., 3] the one of palette [M, 3] at the least distance in CIELAB -> [..., 3]."""
    distance = np.linalg.norm(lab(colours)[..., None, :] - lab(palette), axis=-1)  # [..., M]
    return palette[distance.argmin(-1)]


def _by_luminance(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    rank = np.argsort(np.argsort(lab(colours)[:, 0], kind="stable"))  # [C]
    share = rank / max(len(colours) - 1, 1)
    by_lightness = palette[np.argsort(lab(palette)[:, 0], kind="stable")]
    return by_lightness[np.round(share * (len(palette) - 1)).astype(int)]
