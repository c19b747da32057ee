"""Path boolean operations with skia-pathops: clip paths, and strokes converted to outlines where necessary.

All coordinates are canvas units; Skia uses single precision, hence SCALE.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pathops

from svgfusion_lib.svg.effort import clipping_left, spend
from svgfusion_lib.svg.geometry.crossings import MAX_SEGMENTS, cost_of_operation
from svgfusion_lib.svg.geometry.paths import CLOSE, CUBIC, LINE, MOVE, Path, PathBuilder

SCALE = 1000.0
SAME_AREA = 1e-4       # relative: smaller changes in area count as none
FAR = 16.0             # canvas units: stands in for infinity
SHORTEST = 1e-4        # canvas units: shorter segments are dropped from the result
Box = tuple[float, float, float, float]

_CAPS = {"butt": pathops.LineCap.BUTT_CAP, "round": pathops.LineCap.ROUND_CAP, "square": pathops.LineCap.SQUARE_CAP}
_JOINS = {
    "miter": pathops.LineJoin.MITER_JOIN, "round": pathops.LineJoin.ROUND_JOIN, "bevel": pathops.LineJoin.BEVEL_JOIN,
}


EVERYWHERE: Box = (-math.inf, -math.inf, math.inf, math.inf)


class ClippingError(ValueError):
    """The operation is too large, or Skia failed."""


@dataclass(frozen=True)
class Clip:
    """A clip region: the intersection of a box and outlines (pathops)."""

    box: Box
    outlines: tuple = field(default=())

    def within(self, other: "Clip") -> "Clip":
        a, b = self.box, other.box
        box = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
        return Clip(box, self.outlines + other.outlines)

    @classmethod
    def of_polygon(cls, corners: list[tuple[float, float]]) -> "Clip":
        return cls(EVERYWHERE, (_polygon(corners),))

    @property
    def open(self) -> bool:
        return self.box == EVERYWHERE and not self.outlines

    def contains(self, box: Box) -> bool:
        return not self.outlines and _inside(box, self.box)

    def hides(self, box: Box) -> bool:
        a = self.box
        return box[2] <= a[0] or box[0] >= a[2] or box[3] <= a[1] or box[1] >= a[3] or a[0] >= a[2] or a[1] >= a[3]


NOTHING = Clip((0.0, 0.0, 0.0, 0.0))  # an empty clip


def box_clip(points: Iterable) -> Clip:
    """The clip of a box (left, top, right, bottom), or around points; sides beyond the canvas do not clip."""
    points = list(points)
    if len(points) == 4 and not isinstance(points[0], tuple):
        points = [tuple(points[:2]), tuple(points[2:])]
    xs, ys = zip(*points)
    slack = 1 - 1e-6
    return Clip((
        min(xs) if min(xs) > -slack else -math.inf, min(ys) if min(ys) > -slack else -math.inf,
        max(xs) if max(xs) < slack else math.inf, max(ys) if max(ys) < slack else math.inf,
    ))


def _inside(inner: Box, outer: Box) -> bool:
    slack = 1e-4
    return (
        inner[0] >= outer[0] - slack and inner[1] >= outer[1] - slack
        and inner[2] <= outer[2] + slack and inner[3] <= outer[3] + slack
    )


def outline_clip(outlines: list[tuple[Path, bool, Clip | None]]) -> Clip:
    """The clip of a clipPath's shapes, each (path on the canvas, evenodd, own clip). Without shapes, hides all."""
    if not outlines:
        return NOTHING
    if len(outlines) == 1 and outlines[0][2] is None and (box := rectangle_of(outlines[0][0])) is not None:
        return box_clip(box)
    shapes = []
    for path, evenodd, own in outlines:
        shape = simplified(to_skia(path, evenodd))
        if own is not None and not own.contains(path.bounds()):
            if not _inside(path.bounds(), own.box):
                shape = operate(shape, rectangle(own.box), pathops.PathOp.INTERSECTION)
            for outline in own.outlines:
                shape = operate(shape, outline, pathops.PathOp.INTERSECTION)
        shapes.append(shape)
    return Clip(EVERYWHERE, (union(shapes),))


def clip_path(path: Path, evenodd: bool, clip: Clip) -> Path | None:
    """The part of a filled path inside the clip; None if nothing is cut off. ClippingError if it fails."""
    if len(path) == 0:
        return None
    result = simplified(to_skia(path, evenodd))
    area = abs(result.area)
    if not _inside(path.bounds(), clip.box):
        result = operate(result, rectangle(clip.box), pathops.PathOp.INTERSECTION)
    for outline in clip.outlines:
        result = operate(result, outline, pathops.PathOp.INTERSECTION)
    return None if abs(abs(result.area) - area) <= SAME_AREA * area else from_skia(result)


def union(paths: list[pathops.Path]) -> pathops.Path:
    """The union of outlines."""
    result = pathops.Path()
    for path in paths:
        result = operate(result, path, pathops.PathOp.UNION)
    return result


def operate(one: pathops.Path, two: pathops.Path, operation: pathops.PathOp) -> pathops.Path:
    _check(one, two)
    try:
        return pathops.op(one, two, operation, fix_winding=True, keep_starting_points=False)
    except pathops.PathOpsError as error:
        raise ClippingError(f"clipping failed ({error})") from error


def _check(*paths: pathops.Path) -> None:
    """ClippingError if an operation on the paths is too large, by itself or together with earlier ones."""
    cost = cost_of_operation(*paths)
    if cost > clipping_left():
        raise ClippingError("too many segments, or too many that cross or overlap")
    spend(cost, "outlines that cross")


def simplified(path: pathops.Path) -> pathops.Path:
    """Remove self-overlaps, so that the area is the covered area."""
    _check(path)
    path = pathops.Path(path)
    try:
        path.simplify(fix_winding=True, keep_starting_points=False)
    except pathops.PathOpsError as error:
        raise ClippingError(f"clipping failed ({error})") from error
    return path


def rectangle(box: Box) -> pathops.Path:
    """A box as a path; infinite sides are placed well outside the canvas."""
    left, top, right, bottom = (min(max(v, -FAR), FAR) for v in box)
    return _polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def _polygon(corners: list[tuple[float, float]]) -> pathops.Path:
    path = pathops.Path()
    pen = path.getPen()
    pen.moveTo([v * SCALE for v in corners[0]])
    for corner in corners[1:]:
        pen.lineTo([v * SCALE for v in corner])
    pen.closePath()
    return path


def stroke_outline(path: Path, width: float, cap: str, join: str, miter_limit: float) -> Path:
    """The outline of a path's stroke, as a filled path."""
    skia = to_skia(path, evenodd=False, closed=False)
    if len(path) > MAX_SEGMENTS:
        raise ClippingError(f"more than {MAX_SEGMENTS:,} segments to stroke")
    skia.stroke(width * SCALE, _CAPS[cap], _JOINS[join], miter_limit)
    skia.convertConicsToQuads(0.1)
    return from_skia(simplified(skia))


def to_skia(path: Path, evenodd: bool, closed: bool = True) -> pathops.Path:
    """Convert to a Skia path. closed: close every sub-path, as fills do; else only those that end where they begin.

    (Skia's simplification mistakes the outline of a stroke with touching ends for a disc.)
    """
    skia = pathops.Path(fillType=pathops.FillType.EVEN_ODD if evenodd else pathops.FillType.WINDING)
    pen = skia.getPen()
    first = last = None

    def end_sub_path() -> None:
        if first is not None:
            pen.closePath() if closed or math.dist(first, last) < SHORTEST * SCALE else pen.endPath()

    for code, (control, second, end) in zip(path.codes.tolist(), (path.points * SCALE).tolist()):
        if code == MOVE:
            end_sub_path()
            pen.moveTo(end)
            first = end
        elif code == LINE:
            pen.lineTo(end)
        elif code == CUBIC:
            pen.curveTo(control, second, end)
        elif code == CLOSE:
            pen.closePath()
            first = None
        last = end
    end_sub_path()
    return skia


def from_skia(skia: pathops.Path) -> Path:
    builder = PathBuilder()
    for verb, points in skia:
        points = [(x / SCALE, y / SCALE) for x, y in points]
        if verb == pathops.PathVerb.MOVE:
            builder.move(*points[0])
        elif verb == pathops.PathVerb.CLOSE:
            builder.close()
        elif verb != pathops.PathVerb.CUBIC and math.dist(points[-1], (builder.x, builder.y)) < SHORTEST:
            continue
        elif verb == pathops.PathVerb.LINE:
            builder.line(*points[0])
        elif verb == pathops.PathVerb.QUAD:
            (x0, y0), (x1, y1), (x, y) = (builder.x, builder.y), *points
            builder.cubic(
                x0 + (x1 - x0) * 2 / 3, y0 + (y1 - y0) * 2 / 3, x + (x1 - x) * 2 / 3, y + (y1 - y) * 2 / 3, x, y
            )
        elif verb == pathops.PathVerb.CUBIC:
            (x1, y1), (x2, y2), (x, y) = points
            builder.cubic(x1, y1, x2, y2, x, y)
        else:
            raise ClippingError(f"clipping returned an unexpected kind of segment ({verb})")
    return builder.build()


def rectangle_of(path: Path) -> Box | None:
    """The box that a path fills if it is an axis-aligned rectangle, else None."""
    lines = path.codes[1:] != CLOSE
    if path.codes[0] != MOVE or (path.codes[1:][lines] != LINE).any() or not 3 <= lines.sum() <= 4:
        return None
    corners = np.unique(np.round(path.points[:, 2], 6), axis=0)
    if len(corners) != 4 or len(np.unique(corners[:, 0])) != 2 or len(np.unique(corners[:, 1])) != 2:
        return None
    ends = path.points[: 1 + lines.sum(), 2]
    steps = np.diff(ends, axis=0)
    if (np.abs(steps).min(1) > 1e-6).any():
        return None
    return (*corners.min(0).tolist(), *corners.max(0).tolist())
