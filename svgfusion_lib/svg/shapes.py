"""Shape elements -> geometry in user space, and from there to the canvas."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from svgfusion_lib.svg import paths
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.paths import Path
from svgfusion_lib.svg.transforms import Matrix
from svgfusion_lib.svg.values import parse_numbers

Get = Callable[[str], str | None]                 # attribute by name
Length = Callable[[str, float], float]            # attribute as a length, percentages of the second argument

_CSS_PATH = re.compile(r"""\s*+path\(\s*+(?:"([^"]*+)"|'([^']*+)')\s*+\)\s*+""")  # how CSS writes path data


@dataclass(frozen=True)
class Shape:
    """A path, or a primitive: element id and its numbers (rect x, y, width, height, rx, ry; ellipse cx, cy, rx, ry)."""

    path: Path | None = None
    primitive: tuple[int, tuple[float, ...]] | None = None

    def box(self) -> tuple[float, float, float, float]:
        """Box around the geometry in user space."""
        if self.primitive is None:
            assert self.path is not None  # one of the two is there
            return self.path.bounds()
        element, (x, y, a, b, *_) = self.primitive
        return (x, y, x + a, y + b) if element == rf.RECT else (x - a, y - b, x + a, y + b)

    def as_path(self) -> Path:
        if self.primitive is None:
            assert self.path is not None
            return self.path
        element, numbers = self.primitive
        return (paths.rounded_rect_path if element == rf.RECT else paths.ellipse_path)(*numbers)

    def on_canvas(self, matrix: Matrix) -> tuple[Path | None, tuple[int, tuple[float, ...]] | None]:
        """(path, None), or (None, primitive as the row format has it) where that is exact."""
        if self.primitive is not None:
            element, (x, y, a, b, *radii) = self.primitive
            p, q, r, s = map(abs, matrix[:4])
            if element == rf.ELLIPSE:
                cx, cy = tf.apply(matrix, x, y)
                if abs(a - b) <= 1e-6 * a and tf.is_similarity(matrix, 1e-6):
                    return None, (rf.CIRCLE, (cx, cy, a * tf.mean_scale(matrix)))
                if tf.is_axis_aligned(matrix):
                    rx, ry = (a * p, b * s) if p > q else (b * r, a * q)
                    if abs(rx - ry) <= 1e-6 * rx:
                        return None, (rf.CIRCLE, (cx, cy, rx))
                    return None, (rf.ELLIPSE, (cx, cy, rx, ry))
            elif tf.is_axis_aligned(matrix):
                x0, y0 = tf.apply(matrix, x, y)
                x1, y1 = tf.apply(matrix, x + a, y + b)
                rx, ry = (radii[0] * p, radii[1] * s) if p > q else (radii[1] * r, radii[0] * q)
                return None, (rf.RECT, (min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0), rx, ry))
        return self.as_path().transformed(matrix), None


def _path(get: Get, length: Length, viewport: tuple[float, float]) -> Shape | None:
    data = get("d")
    css = _CSS_PATH.fullmatch(data or "")
    data = css[1] or css[2] if css else data
    path = paths.parse_path(data) if data else None
    return Shape(path=path) if path is not None and (len(path) or path.broken) else None


def _rect(get: Get, length: Length, viewport: tuple[float, float]) -> Shape | None:
    width, height = length("width", viewport[0]), length("height", viewport[1])
    if width <= 0 or height <= 0:
        return None
    rx = length("rx", viewport[0]) if get("rx") not in (None, "auto") else -1.0
    ry = length("ry", viewport[1]) if get("ry") not in (None, "auto") else -1.0
    rx, ry = (ry if rx < 0 else rx), (rx if ry < 0 else ry)  # one stands for the other
    rx, ry = min(max(rx, 0.0), width / 2), min(max(ry, 0.0), height / 2)
    if rx == 0 or ry == 0:
        rx = ry = 0.0
    return Shape(primitive=(rf.RECT, (length("x", viewport[0]), length("y", viewport[1]), width, height, rx, ry)))


def _circle(get: Get, length: Length, viewport: tuple[float, float]) -> Shape | None:
    diagonal = ((viewport[0] ** 2 + viewport[1] ** 2) / 2) ** 0.5
    r = length("r", diagonal)
    return _round(length, viewport, r, r)


def _ellipse(get: Get, length: Length, viewport: tuple[float, float]) -> Shape | None:
    rx = length("rx", viewport[0]) if get("rx") not in (None, "auto") else -1.0
    ry = length("ry", viewport[1]) if get("ry") not in (None, "auto") else -1.0
    rx, ry = (ry if rx < 0 else rx), (rx if ry < 0 else ry)  # one stands for the other
    return _round(length, viewport, rx, ry)


def _round(length: Length, viewport: tuple[float, float], rx: float, ry: float) -> Shape | None:
    if rx <= 0 or ry <= 0:
        return None
    return Shape(primitive=(rf.ELLIPSE, (length("cx", viewport[0]), length("cy", viewport[1]), rx, ry)))


def _line(get: Get, length: Length, viewport: tuple[float, float]) -> Shape | None:
    width, height = viewport
    numbers = [length("x1", width), length("y1", height), length("x2", width), length("y2", height)]
    return Shape(path=paths.polygon_path(numbers, closed=False))


def _polyline(get: Get, length: Length, viewport: tuple[float, float]) -> Shape | None:
    return _polygon(get, length, viewport, closed=False)


def _polygon(get: Get, length: Length, viewport: tuple[float, float], closed: bool = True) -> Shape | None:
    path = paths.polygon_path(parse_numbers(get("points") or ""), closed)
    return Shape(path=path) if len(path) else None


# element name -> reader(get, length, viewport), which gives None for what has no size
SHAPES = {
    "path": _path, "rect": _rect, "circle": _circle, "ellipse": _ellipse, "line": _line,
    "polyline": _polyline, "polygon": _polygon,
}
