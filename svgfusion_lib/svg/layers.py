"""Layers: painted elements on the canvas, and their conversion to rows."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry.clipping import Box, Clip, clip_path, stroke_outline
from svgfusion_lib.svg.geometry.paths import CLOSE, CUBIC, LINE, MOVE, Path
from svgfusion_lib.svg.geometry.shapes import Shape
from svgfusion_lib.svg.paint.gradients import Gradient

MITER_LIMIT = 4.0  # the default of SVG, and so the meaning of `miter` in rows
_COMMANDS = np.array([rf.SUBMOVE, rf.LINE, rf.CUBIC, rf.CLOSE])  # by path code; the first MOVE is a `move`
_SAME = 1e-6       # canvas units: closer points count as one
_SAME_FILL = 0.01 / 12  # ... of an outline without stroke: two decimals in a 24 x 24 file cannot tell them apart


@dataclass
class Layer(Shape):
    """One element: a shape on the canvas with its paints.

    Coordinates and width are in canvas units, opacities are multiplied out, a paint of None paints nothing.
    """

    fill: Any = None    # RGBA, Gradient or None; a painting.ServerPaint until a pattern's tiles are drawn
    stroke: Any = None  # likewise
    width: float = 0.0
    cap: str = "butt"
    join: str = "miter"
    miter_limit: float = MITER_LIMIT
    evenodd: bool = False

    def painted_box(self) -> Box:
        """Upper bound of the painted area: the stroke may extend by the miter limit at corners."""
        left, top, right, bottom = self.box() if self.primitive is not None else self.as_path().hull()
        margin = 0.0
        if self.stroke is not None:
            reach = self.miter_limit if self.join == "miter" and self.primitive is None else 1.5
            margin = self.width / 2 * reach
        return left - margin, top - margin, right + margin, bottom + margin

    def moved(self, dx: float, dy: float) -> "Layer":
        """The layer, translated on the canvas."""
        path, primitive = self.path, self.primitive
        if path is not None:
            path = path.transformed((1.0, 0.0, 0.0, 1.0, dx, dy))
        if primitive is not None:
            element, (x, y, *lengths) = primitive
            primitive = element, (x + dx, y + dy, *lengths)
        fill, stroke = (p.moved(dx, dy) if isinstance(p, Gradient) else p for p in (self.fill, self.stroke))
        return replace(self, path=path, primitive=primitive, fill=fill, stroke=stroke)

    def stroke_to_path(self) -> "Layer":
        """The layer's stroke as a filled path."""
        outline = stroke_outline(self.as_path(), self.width, self.cap, self.join, self.miter_limit)
        return Layer(path=outline, fill=self.stroke)

    def split_paint(self, stroke_first: bool) -> list["Layer"]:
        """Fill and stroke as two layers, in paint order."""
        fill = replace(self, stroke=None)
        stroke = replace(self, fill=None, evenodd=False)
        return [stroke, fill] if stroke_first else [fill, stroke]

    def clipped(self, clip: Clip) -> list["Layer"]:
        """The parts of the layer inside the clip; the layer itself if it is not cut. May raise ClippingError."""
        box = self.painted_box()
        if clip.hides(box):
            return []
        if clip.contains(box):
            return [self]
        parts, cut = [], False
        for part in self.split_paint(stroke_first=False):
            if part.fill is None and part.stroke is None:
                continue
            whole = part if part.stroke is None else part.stroke_to_path()
            inside = clip_path(whole.as_path(), whole.evenodd, clip)
            cut = cut or inside is not None
            parts.append(part if inside is None else Layer(path=inside, fill=whole.fill))
        return [part for part in parts if part.path is None or len(part.path)] if cut else [self]

    def style(self) -> list[float]:
        """The 12 style columns."""
        style = [0.0] * rf.NUM_STYLE
        if self.fill is not None:
            style[:4] = self.fill.mean if isinstance(self.fill, Gradient) else self.fill
            style[11] = float(self.evenodd)
        if self.stroke is not None:
            style[4:8] = self.stroke.mean if isinstance(self.stroke, Gradient) else self.stroke
            style[8:11] = self.width, rf.CAPS.index(self.cap), rf.JOINS.index(self.join)
        return style


def layers_to_rows(layers: list[Layer]) -> np.ndarray:
    """Convert layers to rows [K, 22] in paint order, gradient rows before each layer's own; paths are vectorised.

    A layer whose path draws nothing gives no rows.
    """
    with_path = [i for i, layer in enumerate(layers) if layer.path is not None]
    outlines = [layer.path for layer in layers if layer.path is not None]
    counts = np.ones(len(layers), dtype=int)              # rows of each layer, without gradients
    if with_path:
        codes = np.concatenate([path.codes for path in outlines])
        points = np.concatenate([path.points for path in outlines])
        owner = np.repeat(np.array(with_path), [len(path) for path in outlines])
        filled_only = np.array([layer.stroke is None for layer in layers])[owner]
        keep = draws(codes, points[:, 2], filled_only)
        path_rows, owner = _path_rows(Path(codes[keep], points[keep])), owner[keep]
        counts[with_path] = np.bincount(owner, minlength=len(layers))[with_path]
        path_rows[np.flatnonzero(np.diff(owner, prepend=-1)), rf.COMMAND] = rf.MOVE  # the first row of each path
    gradients = [
        (i, np.concatenate([
            _gradient_rows(element, paint)
            for element, paint in ((rf.FILL_GRADIENT, layer.fill), (rf.STROKE_GRADIENT, layer.stroke))
            if isinstance(paint, Gradient)
        ]))
        for i, layer in enumerate(layers)
        if counts[i] and (isinstance(layer.fill, Gradient) or isinstance(layer.stroke, Gradient))
    ]
    before = np.zeros(len(layers), dtype=int)
    before[[i for i, _ in gradients]] = [len(rows) for _, rows in gradients]
    ends = np.cumsum(counts + before)
    firsts = ends - counts                                # index of each layer's first own row
    rows = np.zeros((int(ends[-1]) if layers else 0, rf.NUM_COLUMNS))
    if with_path:
        within = np.arange(len(owner)) - np.repeat(np.cumsum(counts[with_path]) - counts[with_path], counts[with_path])
        rows[firsts[owner] + within] = path_rows
    for i, layer in enumerate(layers):
        if layer.primitive is not None:
            element, geometry = layer.primitive
            rows[firsts[i], rf.ELEMENT] = element
            rows[firsts[i], 2 : 2 + len(geometry)] = geometry
        rows[firsts[i] : ends[i], rf.STYLE] = layer.style()
    for i, own in gradients:
        rows[firsts[i] - len(own) : firsts[i]] = own
    return rows


def _gradient_rows(element: int, gradient: Gradient) -> np.ndarray:
    """Rows [1 + stops, 22] of a gradient."""
    rows = np.zeros((1 + len(gradient.stops), rf.NUM_COLUMNS))
    rows[:, rf.ELEMENT], rows[1:, rf.COMMAND] = element, rf.STOP
    rows[0, rf.COMMAND] = rf.RADIAL if gradient.radial else rf.LINEAR
    rows[0, rf.GEOMETRY], rows[0, rf.FILL], rows[0, rf.STROKE] = gradient.geometry, gradient.first, gradient.last
    for row, (x, y, colour) in zip(rows[1:], gradient.stops):
        row[2:4], row[rf.FILL] = (x, y), colour
    return rows


def _path_rows(path: Path) -> np.ndarray:
    """Rows [K, 22] of path segments, with every MOVE as a submove and style columns 0."""
    rows = np.zeros((len(path), rf.NUM_COLUMNS))
    if len(path) == 0:
        return rows
    rows[:, rf.ELEMENT] = rf.PATH
    rows[:, rf.COMMAND] = _COMMANDS[path.codes]
    rows[:, 8:10] = path.points[:, 2]
    segments = path.codes != MOVE
    rows[segments, 2:4] = path.starts()[segments]
    curves = path.codes == CUBIC
    rows[curves, 4:8] = path.points[curves, :2].reshape(-1, 4)
    return rows


def draws(codes: np.ndarray, ends: np.ndarray, filled_only: np.ndarray) -> np.ndarray:
    """Which segments [K] of paths are not redundant; ends [K, 2], filled_only bool [K].

    A straight segment back to the sub-path's start is redundant before a close, and unstroked paths are implicitly
    closed. Zero-length segments are redundant if the sub-path has others or no stroke; without a stroke, so are lines
    too short to be written.
    """
    count = len(codes)
    is_close = codes == CLOSE
    moves = np.flatnonzero(codes == MOVE)
    sizes = np.diff(moves, append=count)                  # segments of each sub-path, its move included
    closing = np.zeros(count, dtype=bool)                 # the next segment closes the sub-path
    closing[:-1] = is_close[1:]
    closing[moves[1:] - 1] |= filled_only[moves[1:] - 1]
    closing[-1] |= filled_only[-1]
    same = np.where(filled_only, _SAME_FILL, _SAME)
    home = np.abs(ends - np.repeat(ends[moves], sizes, axis=0)).max(1) < same
    line = codes == LINE
    idle = home & closing & line
    short = (np.abs(np.diff(ends, axis=0, prepend=np.inf)).max(1) < same) & line
    last = -1
    for k in np.flatnonzero(short).tolist():              # a run of short lines is measured from the last point kept
        last = last if idle[k - 1] else k - 1
        idle[k] |= bool(np.abs(ends[k] - ends[last]).max() < same[k])
    idle |= is_close & filled_only
    sub_path = np.repeat(np.arange(len(moves)), sizes)
    kept = np.bincount(sub_path[~idle], minlength=len(moves)) - 1
    curves = np.bincount(sub_path[codes == CUBIC], minlength=len(moves))
    idle |= (filled_only[moves] & (kept + curves < 2))[sub_path]  # a point or one straight line has no area
    drawn = kept - np.bincount(sub_path[is_close & ~filled_only], minlength=len(moves))
    dot = ~filled_only[moves] & (drawn <= 0)              # only zero-length segments: caps make it visible
    return ~idle | dot[sub_path]


def resolve_join(path: Path, limit: float) -> tuple[str, bool]:
    """`miter` (with the default limit of 4) or `bevel`, whichever is closer to corners with this miter limit.

    Also returns whether all corners are exact.
    """
    ratios = _miter_ratios(path)
    mitered = ratios <= limit
    right_by_miter, right_by_bevel = (mitered == (ratios <= MITER_LIMIT)), ~mitered
    if right_by_miter.all():
        return "miter", True
    return ("bevel" if right_by_bevel.sum() > right_by_miter.sum() else "miter"), bool(right_by_bevel.all())


def _miter_ratios(path: Path) -> np.ndarray:
    """Miter length over stroke width, 1 / sin(angle / 2), at every corner, including where a sub-path closes."""
    starts, ends = path.starts(), path.points[:, 2]
    curves = (path.codes == CUBIC)[:, None]
    first, second = path.points[:, 0], path.points[:, 1]
    leave = np.where(curves, np.where(np.abs(first - starts).max(1)[:, None] > _SAME, first, second), ends) - starts
    arrive = ends - np.where(curves, np.where(np.abs(second - ends).max(1)[:, None] > _SAME, second, first), starts)
    corner = (path.codes[:-1] != MOVE) & (path.codes[1:] != MOVE)
    incoming, outgoing = [arrive[:-1][corner]], [leave[1:][corner]]
    moves = np.flatnonzero(path.codes == MOVE)
    closes = np.flatnonzero(path.codes == CLOSE)
    for i in closes:
        start = moves[moves < i].max()
        closing = arrive[i] if np.abs(arrive[i]).max() > _SAME else arrive[i - 1]
        incoming.append(closing[None])
        outgoing.append(leave[start + 1][None])
    u, v = np.concatenate(incoming), np.concatenate(outgoing)
    lengths = np.hypot(*u.T) * np.hypot(*v.T)
    u, v, lengths = u[lengths > 1e-12], v[lengths > 1e-12], lengths[lengths > 1e-12]
    cosine = ((u * v).sum(1) / lengths).clip(-1, 1)  # of the turning angle; the angle between the lines is pi minus it
    return 1 / np.sqrt(np.maximum((1 + cosine) / 2, 1e-12))
