"""Whether a drawing shows the synthetic shapes that its caption names (corpus/dummy.py): which, what colour, what side.

Reads what is drawn, layer by layer, and knows nothing of how a drawing was made: the kind of a shape is that of the
silhouette it overlaps most with, its colour the nearest one by name.
"""

import random
import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from svgfusion_lib.corpus.dummy import COLOURS, RELATIONS, SHAPES, Place
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import paints_fill
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg, split_elements, split_gradients

SIDE = 48             # of a silhouette, pixels
SHAPES_OF_A_KIND = 6  # silhouettes, for kinds of several proportions
_CONTRAST = 24        # of 255: how far from white counts as painted
_SHAPE = rf"an? (?:({'|'.join(COLOURS)}) )?({'|'.join(sorted(SHAPES, key=len, reverse=True))})"
RELATION = re.compile(rf"{_SHAPE} ({'|'.join(RELATIONS)}) {_SHAPE}")


@dataclass(frozen=True)
class Shape:
    """One layer of a drawing: its kind and colour by name, and its centre, the canvas being 1 wide."""

    kind: str
    colour: str
    x: float
    y: float


@dataclass(frozen=True)
class Verdict:
    """What is right about a drawing of two shapes: their kinds, their colours, and on which side the first one is."""

    kinds: bool
    colours: bool
    side: bool

    @property
    def right(self) -> bool:
        return self.kinds and self.colours and self.side


def read_shapes(svg: str) -> list[Shape]:
    """The layers of an SVG that can be seen, from the back to the front."""
    rows = parse_svg(svg).rows
    shapes = []
    for group in split_elements(rows):
        _, own = split_gradients(group)
        rgb = own[0, rf.FILL if paints_fill(own[0]) else rf.STROKE][:3]
        mask = _painted(rows_to_svg(np.concatenate([rows[:1], own, rows[-1:]])))
        if mask.any():
            y, x = (np.nonzero(mask.any(axis))[0] for axis in (1, 0))
            middle = ((x[0] + x[-1] + 1) / 2 / len(mask), (y[0] + y[-1] + 1) / 2 / len(mask))
            shapes.append(Shape(_kind(mask), _colour(rgb), *middle))
    return shapes


def check_relation(svg: str, caption: str) -> Verdict:
    """Does a drawing show `a yellow circle left of a purple square`, and nothing else? A colour may be left unsaid.

    ValueError for a caption that is not like that.
    """
    match = RELATION.fullmatch(caption)
    if match is None:
        raise ValueError(f"{caption!r} says nothing of two shapes")
    first_colour, first_kind, relation, second_colour, second_kind = match.groups()
    shapes = read_shapes(svg)
    if len(shapes) != 2:
        return Verdict(False, False, False)

    def verdict(first: Shape, second: Shape) -> Verdict:
        dx, dy = RELATIONS[relation]
        along = (first.x - second.x) * dx + (first.y - second.y) * dy
        across = abs(first.x - second.x) * abs(dy) + abs(first.y - second.y) * abs(dx)
        return Verdict(
            (first.kind, second.kind) == (first_kind, second_kind),
            first_colour in (None, first.colour) and second_colour in (None, second.colour),
            bool(along > across),
        )

    one, other = verdict(*shapes), verdict(*reversed(shapes))
    return max(one, other, key=lambda each: (each.kinds + each.colours, each.side))


def _painted(svg: str, size: int = 4 * SIDE) -> np.ndarray:
    """Where an SVG shows on white: bool [size, size]."""
    return (255 - render_svg(svg, size).astype(np.int16)).max(axis=2) > _CONTRAST


def _silhouette(mask: np.ndarray) -> np.ndarray:
    """What is painted, its longer side SIDE pixels, in the middle of bool [SIDE, SIDE]."""
    from skimage.transform import resize

    y, x = (np.nonzero(mask.any(axis))[0] for axis in (1, 0))
    own = mask[y[0] : y[-1] + 1, x[0] : x[-1] + 1].astype(float)
    height, width = (max(1, round(SIDE * n / max(own.shape))) for n in own.shape)
    result = np.zeros((SIDE, SIDE), dtype=bool)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    result[top : top + height, left : left + width] = resize(own, (height, width), order=1, anti_aliasing=True) > 0.5
    return result


@cache
def _silhouettes() -> list[tuple[str, np.ndarray]]:
    """Silhouettes of all kinds, in several proportions."""
    found = []
    for kind, draw in SHAPES.items():
        thick = kind in ("ring", "arc")
        paint = 'fill="none" stroke="#000" stroke-width="7.2" stroke-linecap="round"' if thick else 'fill="#000"'
        for k in range(SHAPES_OF_A_KIND):
            element = draw(random.Random(k), Place(32, 32, 24), paint)
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{element}</svg>'
            found.append((kind, _silhouette(_painted(svg))))
    return found


def _kind(mask: np.ndarray) -> str:
    own = _silhouette(mask)
    overlaps = [(own & other).sum() / (own | other).sum() for _, other in _silhouettes()]
    return _silhouettes()[int(np.argmax(overlaps))][0]


def _colour(rgb: np.ndarray) -> str:
    """The name whose colour is the nearest in CIELAB."""
    from skimage.color import rgb2lab

    known = np.array([[int(code[k : k + 2], 16) / 255 for k in (1, 3, 5)] for code in COLOURS.values()])  # [K, 3]
    distance = np.linalg.norm(rgb2lab(np.clip(rgb, 0, 1).astype(np.float64)) - rgb2lab(known), axis=-1)  # [K]
    return list(COLOURS)[int(distance.argmin())]
