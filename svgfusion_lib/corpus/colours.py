"""The colours that people would name in a picture, measured on its rendering."""

from functools import cache

import numpy as np

from svgfusion_lib.utils.render import render_svg_by_resvg

SIZE = 40               # pixels per side
MIN_SINGLE_SHARE = 0.7  # least share of the painted area for naming one colour
MIN_PAIR_SHARE = 0.2    # for naming two colours: least share of each,
MIN_TOTAL_SHARE = 0.8   # and of both together
_OPAQUE = 8             # of 255: a pixel is opaque if it differs by at most this between white and black backgrounds
_MIN_PIXELS = 20

# Several examples of each colour; a pixel gets the name of the nearest one in CIELAB.
_EXAMPLES = {
    "red": ("#e02020", "#dd2e44", "#b01020", "#ff4a3d"), "orange": ("#ff8c1a", "#f4900c", "#f57c00"),
    "yellow": ("#ffe033", "#ffcc4d", "#fcc21b", "#ffb02e"), "green": ("#1f9d3a", "#77b255", "#2e7d32", "#8bc34a"),
    "blue": ("#2060e0", "#3b88c3", "#55acee", "#0a3d91", "#bbddf5", "#a8d8ff"),
    "purple": ("#8020b0", "#aa8ed6", "#5e35b1"), "pink": ("#ff8fc8", "#ea596e", "#f4abba"),
    "brown": ("#8b5a2b", "#662113", "#bf6952", "#5d4037"), "black": ("#000000", "#292f33", "#31373d"),
    "grey": ("#808080", "#66757f", "#99aab5", "#546e7a"), "white": ("#ffffff", "#e6e7e8", "#f0f4f8"),
    "beige": ("#ffe0bd", "#f7dece", "#e8c9a0"),
}
_NEVER_NAMED = frozenset({"beige"})  # skin and paper: nobody names this colour
_NAMES = np.array([name for name, examples in _EXAMPLES.items() for _ in examples])
_RGB = np.array([
    [int(example[i : i + 2], 16) for i in (1, 3, 5)] for examples in _EXAMPLES.values() for example in examples
])
COLOUR_WORDS = frozenset(_EXAMPLES) | {"gray", "golden", "silver", "violet"}


def dominant_colours(svg: str) -> tuple[str, ...]:
    """One or two colour words, the larger area first; none for many colours or an all-black picture.

    ValueError if the SVG cannot be rendered.
    """
    white, black = (render_svg_by_resvg(svg, SIZE, background).astype(int) for background in ("white", "black"))
    opaque = np.abs(white - black).max(axis=2) <= _OPAQUE  # [S, S]
    pixels = white[opaque]  # [N, 3]
    if len(pixels) < _MIN_PIXELS:
        return ()
    nearest = ((lab(pixels / 255)[:, None] - _examples()) ** 2).sum(axis=2).argmin(axis=1)  # [N]
    names, counts = np.unique(_NAMES[nearest], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    names, shares = names[order].tolist(), counts[order] / counts.sum()
    if names == ["black"]:
        return ()
    if len(names) > 1 and shares[1] >= MIN_PAIR_SHARE and shares[:2].sum() >= MIN_TOTAL_SHARE:
        named = tuple(names[:2])
    else:
        named = (names[0],) if shares[0] >= MIN_SINGLE_SHARE else ()
    return () if _NEVER_NAMED & set(named) else named


def lab(colours: np.ndarray) -> np.ndarray:
    """RGB [..., 3] from 0 to 1 -> CIELAB [..., 3]."""
    from skimage.color import rgb2lab  # imported here, since most uses of this module do not need it

    return rgb2lab(np.clip(colours, 0, 1).astype(np.float64))


@cache
def _examples() -> np.ndarray:
    return lab(_RGB / 255)  # [K, 3]
