"""Colours of an icon: palettes, and recolouring of rows [L, 22] without a model."""

import re
from collections.abc import Sequence

import numpy as np

from svgfusion_lib.corpus.colours import lab
from svgfusion_lib.errors import UserError
from svgfusion_lib.options import check_types
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import paints_stroke
from svgfusion_lib.utils.tensorsvg import element_of_rows

RECOLOURINGS = ("nearest", "luminance", "layers")
FILL_RGB, STROKE_RGB = slice(rf.FILL.start, rf.FILL.start + 3), slice(rf.STROKE.start, rf.STROKE.start + 3)
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


def parse_palette(colours: Sequence[str]) -> np.ndarray:
    """Parse "#d33", "dd3333", ... -> float [M, 3] in [0, 1]; UserError if empty or malformed."""
    check_types({"colours": colours}, parse_palette, "palette")
    if not colours:
        raise UserError("the palette has no colour; give for instance #264653 #2a9d8f #e9c46a")
    palette = []
    for colour in colours:
        match = _HEX.fullmatch(colour.strip())
        if match is None:
            raise UserError(f"{colour[:20]!r} is not a colour; write #rgb or #rrggbb")
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        palette.append([int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)])
    return np.array(palette)


def recolour(rows: np.ndarray, palette: np.ndarray | Sequence[str], by: str = "layers") -> np.ndarray:
    """Replace every visible colour in rows [L, 22] by one of palette [M, 3], or of colours for `parse_palette`.

    by "nearest": the nearest colour in CIELAB. "luminance": the icon's colours, from dark to light, are spread over
    the palette's, from dark to light. "layers": layer k gets colour k of the palette, cyclically; the only mode
    that can give a one-colour icon several colours.
    """
    if by not in RECOLOURINGS:
        raise UserError(f"recolouring works by {', '.join(RECOLOURINGS)}, not by {by!r}")
    palette = palette if isinstance(palette, np.ndarray) else parse_palette(palette)
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
    """Give layer 1, 2, ... (from the back) of rows [L, 22] a single colour."""
    rows = rows.copy()
    own = element_of_rows(rows) == layer - 1  # [L]
    for columns, seen in _seen(rows):
        rows[own & seen, columns] = parse_palette([colour])
    return rows


def layer_colour(rows: np.ndarray, layer: int) -> str:
    """Colour of a layer as "#rrggbb": its stroke, or else its fill."""
    own = element_of_rows(rows) == layer - 1
    for columns, seen in reversed(_seen(rows)):
        if (own & seen).any():
            red, green, blue = (round(255 * float(v)) for v in rows[own & seen][0, columns])
            return f"#{red:02x}{green:02x}{blue:02x}"
    return "#000000"


def _seen(rows: np.ndarray) -> list[tuple[slice, np.ndarray]]:
    """Colour columns of fill and stroke, each with the mask [L] of rows [L, 22] where that paint is visible."""
    drawn = rows[:, rf.ELEMENT] > rf.EOS
    gradient = np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)  # their columns hold the first and the last stop
    fill = (rows[:, rf.FILL.stop - 1] > rf.MIN_OPACITY) | gradient
    stroke = np.where(gradient, rows[:, rf.COMMAND] != rf.STOP, paints_stroke(rows.T))
    return [(FILL_RGB, drawn & fill), (STROKE_RGB, drawn & stroke)]


def nearest_colours(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Nearest colour of palette [M, 3] in CIELAB for each of colours [..., 3] -> [..., 3]."""
    distance = np.linalg.norm(lab(colours)[..., None, :] - lab(palette), axis=-1)  # [..., M]
    return palette[distance.argmin(-1)]


def _by_luminance(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    rank = np.argsort(np.argsort(lab(colours)[:, 0], kind="stable"))  # [C]
    share = rank / max(len(colours) - 1, 1)
    by_lightness = palette[np.argsort(lab(palette)[:, 0], kind="stable")]
    return by_lightness[np.round(share * (len(palette) - 1)).astype(int)]
