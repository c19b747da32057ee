"""Shape elements -> geometry in user space, and from there to the canvas."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from xml.etree.ElementTree import Element

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.geometry import paths
from svgfusion_lib.svg.geometry.paths import Path
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style
from svgfusion_lib.svg.style.transforms import Matrix
from svgfusion_lib.svg.style.values import scan_numbers

Size = tuple[float, float]


@dataclass
class Shape:
    """A path, or a primitive: element id and numbers.

    Numbers of a rect: x, y, width, height, rx, ry; ellipse: cx, cy, rx, ry; circle (on the canvas only): cx, cy, r.
    """

    path: Path | None = None
    primitive: tuple[int, tuple[float, ...]] | None = None

    def box(self) -> tuple[float, float, float, float]:
        """Box around the geometry, without stroke."""
        if self.primitive is None:
            return self.as_path().bounds()
        element, (x, y, a, *others) = self.primitive
        b = a if element == rf.CIRCLE else others[0]
        return (x, y, x + a, y + b) if element == rf.RECT else (x - a, y - b, x + a, y + b)

    def as_path(self) -> Path:
        if self.primitive is None:
            assert self.path is not None  # one of the two is set
            return self.path
        element, numbers = self.primitive
        if element == rf.CIRCLE:
            numbers = (*numbers, numbers[-1])
        return (paths.rounded_rect_path if element == rf.RECT else paths.ellipse_path)(*numbers)

    def on_canvas(self, matrix: Matrix) -> tuple[Path | None, tuple[int, tuple[float, ...]] | None]:
        """(path, None), or (None, primitive in the row format) if that is exact."""
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


def _path(element: Element, style: Style, viewport: Size) -> Shape | None:
    data = style["d"]
    path = paths.parse_path(data) if data else None
    return Shape(path=path) if path is not None and (len(path) or path.broken or path.isolated_moves) else None


def _rect(element: Element, style: Style, viewport: Size) -> Shape | None:
    width, height = style.length("width", viewport[0]), style.length("height", viewport[1])
    if width <= 0 or height <= 0:
        return None
    rx, ry = _radii(style, viewport)
    rx, ry = min(max(rx, 0.0), width / 2), min(max(ry, 0.0), height / 2)
    if rx == 0 or ry == 0:
        rx = ry = 0.0
    x, y = style.length("x", viewport[0]), style.length("y", viewport[1])
    return Shape(primitive=(rf.RECT, (x, y, width, height, rx, ry)))


def _radii(style: Style, viewport: Size) -> tuple[float, float]:
    """rx and ry; `auto` takes the other's value, or 0 if both are auto."""
    rx = style.length("rx", viewport[0]) if style["rx"] != "auto" else -1.0
    ry = style.length("ry", viewport[1]) if style["ry"] != "auto" else -1.0
    return (ry if rx < 0 else rx), (rx if ry < 0 else ry)


def _circle(element: Element, style: Style, viewport: Size) -> Shape | None:
    diagonal = ((viewport[0] ** 2 + viewport[1] ** 2) / 2) ** 0.5
    r = style.length("r", diagonal)
    return _round(style, viewport, r, r)


def _ellipse(element: Element, style: Style, viewport: Size) -> Shape | None:
    return _round(style, viewport, *_radii(style, viewport))


def _round(style: Style, viewport: Size, rx: float, ry: float) -> Shape | None:
    if rx <= 0 or ry <= 0:
        return None
    centre = style.length("cx", viewport[0]), style.length("cy", viewport[1])
    return Shape(primitive=(rf.ELLIPSE, (*centre, rx, ry)))


def _line(element: Element, style: Style, viewport: Size) -> Shape | None:
    ends = zip(("x1", "y1", "x2", "y2"), viewport * 2)
    return Shape(path=paths.polygon_path([style.attribute(element.get(k), whole) for k, whole in ends], closed=False))


def _polygon(element: Element, style: Style, viewport: Size, closed: bool = True) -> Shape | None:
    numbers, whole = scan_numbers(element.get("points", ""))
    path = paths.polygon_path(numbers, closed)
    path.broken = not whole
    return Shape(path=path) if len(path) else None


# element name -> reader(element, style, viewport), which returns None for shapes without size
SHAPES: dict[str, Callable[[Element, Style, Size], Shape | None]] = {
    "path": _path, "rect": _rect, "circle": _circle, "ellipse": _ellipse, "line": _line,
    "polyline": partial(_polygon, closed=False), "polygon": _polygon,
}
