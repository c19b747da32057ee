"""SVG text -> rows [L, 22] on the canvas [-1, 1]^2 (see row_format).

    XML tree -> resolved tree -> shapes (svgelements) -> rows

The tree pass rejects entity declarations, resolves what svgelements leaves open (inline styles, opacity
products, gradients as their mean colour) and counts by name what the row format cannot hold.
svgelements then resolves transforms, <use>, inheritance, units, shorthands and relative commands.
"""

import io
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import svgelements as se

from svgfusion_lib.utils import row_format as rf

SVG_NS = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
MAX_BYTES = 4_000_000
MAX_DEPTH = 200
LARGEST = 1e9  # of a coordinate, in canvas units
NOT_REPRESENTED = ("mask", "clipPath", "filter", "pattern", "image", "text", "marker", "foreignObject", "script")
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z-]*")
_URL = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")


@dataclass
class ParsedSVG:
    """rows: float32 [L, 22], BOS first and EOS last. unsupported: feature name -> count."""

    rows: np.ndarray
    unsupported: Counter = field(default_factory=Counter)


def parse_svg(source: str | Path) -> ParsedSVG:
    """Parse SVG text, or the file at a Path. Raises ValueError with the reason if it cannot be done."""
    text = _read(source) if isinstance(source, Path) else source
    unsupported: Counter = Counter()
    root = _parse_xml(text)
    width, height = _set_viewport(root)
    _resolve(root, unsupported)
    scale = 2.0 / max(width, height)
    offset = np.array([-width / 2, -height / 2]) * scale
    rows = [_special(rf.BOS)]
    try:
        svg = se.SVG.parse(io.StringIO(ElementTree.tostring(root, encoding="unicode")), reify=False)
        for shape in svg.elements(lambda e: isinstance(e, se.Shape)):
            rows += _shape_rows(shape, scale, offset)
    except (ValueError, AttributeError, TypeError, IndexError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"broken geometry or attribute ({error})") from error
    except RecursionError as error:
        raise ValueError("elements refer to each other in a circle") from error
    rows.append(_special(rf.EOS))
    matrix = np.stack(rows)  # [L, 22]
    if len(matrix) == 2:
        raise ValueError("nothing is painted that rows can represent")
    if not (np.abs(matrix) < LARGEST).all():
        raise ValueError("a coordinate is infinite or not a number")
    return ParsedSVG(matrix.astype(np.float32), unsupported)


# --- XML ----------------------------------------------------------------------------------------


def _read(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1_000_000} MB")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text ({error.reason} at byte {error.start})") from error


def _parse_xml(text: str) -> ElementTree.Element:
    if len(text) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1_000_000} MB")
    if "<!ENTITY" in text.upper():
        raise ValueError("XML entity declarations are not accepted")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"not well-formed XML ({error})") from error
    if root.tag not in (f"{SVG_NS}svg", "svg"):
        raise ValueError(f"the root element is <{_local(root)}>, not <svg>")
    return root


def _local(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else "comment"


def _set_viewport(root: ElementTree.Element) -> tuple[float, float]:
    """Make the viewport equal the viewBox, so that svgelements works in viewBox units."""
    view_box = root.get("viewBox")
    try:
        if view_box:
            _, _, width, height = (float(v) for v in re.split(r"[\s,]+", view_box.strip()))
        else:
            width, height = (float(se.Length(root.get(k, "")).value(ppi=96)) for k in ("width", "height"))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"no usable viewBox or width and height (viewBox={view_box!r})") from error
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise ValueError(f"the viewBox is empty or not finite ({width} x {height})")
    root.set("width", str(width))
    root.set("height", str(height))
    return width, height


def _resolve(root: ElementTree.Element, unsupported: Counter) -> None:
    """Inline styles -> attributes, opacity -> leaf products, gradients -> mean colour; count the rest."""
    gradients = {
        e.get("id"): e for e in root.iter() if _local(e) in ("linearGradient", "radialGradient") and e.get("id")
    }
    stack = [(root, 1.0, 0)]
    while stack:
        element, opacity, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"elements are nested more than {MAX_DEPTH} deep")
        for declaration in element.attrib.pop("style", "").split(";"):
            name, separator, value = declaration.partition(":")
            if separator and _PROPERTY.fullmatch(name.strip()):
                element.set(name.strip(), value.replace("!important", "").strip())
        for name in [k for k, value in element.attrib.items() if value == "inherit"]:
            del element.attrib[name]
        if XLINK_HREF not in element.attrib and element.get("href"):
            element.set(XLINK_HREF, element.get("href"))
        for name in ("fill", "stroke"):
            match = _URL.match(element.get(name, ""))
            if match:
                unsupported["gradient or pattern as mean colour"] += 1
                colour, alpha = _mean_paint(match[1], gradients)
                element.set(name, colour)
                if alpha < 1:
                    element.set(f"{name}-opacity", str(_opacity(element.get(f"{name}-opacity", "1")) * alpha))
        for name in ("clip-path", "mask", "filter", "stroke-dasharray"):
            if element.get(name, "none") != "none":
                unsupported[name] += 1
        opacity *= _opacity(element.attrib.pop("opacity", "1"))
        if opacity < 1 and (len(element) == 0 or _local(element) == "use"):
            element.set("opacity", str(opacity))
        for child in list(element):
            if _local(child) in NOT_REPRESENTED:
                if _local(child) in ("image", "text", "foreignObject"):
                    unsupported[_local(child)] += 1
                element.remove(child)
                continue
            stack.append((child, opacity, depth + 1))
            if _local(child) in ("svg", "symbol") and child.get("viewBox"):
                unsupported["viewBox of a nested element"] += 1
            if _local(child) == "symbol" and _local(element) != "defs":  # painted only where it is used
                element.remove(child)
                ElementTree.SubElement(element, f"{SVG_NS}defs").append(child)


def _opacity(text: str) -> float:
    try:
        value = float(text[:-1]) / 100 if text.strip().endswith("%") else float(text)
    except ValueError:
        return 1.0
    return min(max(value, 0.0), 1.0)


def _mean_paint(name: str, gradients: dict[str, ElementTree.Element]) -> tuple[str, float]:
    """Mean colour and opacity of a gradient, weighted by area (a radial one is wider outside)."""
    gradient, seen, radial = gradients.get(name), set(), False
    while gradient is not None:
        radial = radial or (not seen and _local(gradient) == "radialGradient")
        seen.add(name)
        if len(gradient):
            break
        name = gradient.get(XLINK_HREF, gradient.get("href", "")).lstrip("#")  # stops stand in another one
        gradient = None if name in seen else gradients.get(name)
    offsets, paints = [], []
    for stop in gradient if gradient is not None else ():
        style = {k.strip(): v for k, _, v in (d.partition(":") for d in stop.get("style", "").split(";"))}
        colour = se.Color(stop.get("stop-color", style.get("stop-color", "black")).strip())
        if colour.value is not None:
            offsets.append(max([_opacity(stop.get("offset", "0")), *offsets]))  # read like an opacity
            alpha = _opacity(stop.get("stop-opacity", style.get("stop-opacity", "1"))) * colour.opacity
            paints.append((colour.red * alpha, colour.green * alpha, colour.blue * alpha, alpha))
    if not paints:
        return "none", 1.0
    t = (np.arange(256) + 0.5) / 256
    *rgb, alpha = (np.average(np.interp(t, offsets, c), weights=t if radial else None) for c in zip(*paints))
    if alpha < 1 / 255:
        return "none", 1.0
    return "#{:02x}{:02x}{:02x}".format(*(min(255, round(c / alpha)) for c in rgb)), float(alpha)


# --- rows ---------------------------------------------------------------------------------------


def _special(element: int) -> np.ndarray:
    row = np.zeros(rf.NUM_COLUMNS)
    row[rf.ELEMENT] = element
    return row


def _style(shape: se.Shape, scale: float) -> np.ndarray | None:
    """The 12 style columns of a shape, or None if it paints nothing."""
    values = shape.values
    opacity = float(values.get("opacity", 1.0) or 1.0) if values.get("opacity") != "0" else 0.0
    style = np.zeros(rf.NUM_STYLE)
    fill = se.Color("black") if values.get("fill") in (None, "") else shape.fill
    for start, colour in ((0, fill), (4, shape.stroke)):
        if colour is not None and colour.value is not None:
            style[start : start + 4] = (
                colour.red / 255, colour.green / 255, colour.blue / 255, colour.opacity * opacity
            )
    width = 1.0 if shape.stroke_width is None else float(shape.implicit_stroke_width)
    if style[7] > 0 and width > 0:
        style[8] = width * scale
        style[9] = _index(rf.CAPS, values.get("stroke-linecap"))
        style[10] = _index(rf.JOINS, values.get("stroke-linejoin"))
    else:
        style[4:8] = 0
    style[11] = _index(rf.FILL_RULES, values.get("fill-rule")) if style[3] > 0 else 0
    return style if style[3] > 0 or style[7] > 0 else None


def _index(vocabulary: tuple[str, ...], value: str | None) -> int:
    return vocabulary.index(value) if value in vocabulary else 0


def _shape_rows(shape: se.Shape, scale: float, offset: np.ndarray) -> list[np.ndarray]:
    style = _style(shape, scale)
    if style is None or shape.values.get("visibility") == "hidden" or shape.values.get("display") == "none":
        return []
    rows: list[np.ndarray] = []

    def add(element: int, command: int, geometry) -> None:
        row = np.zeros(rf.NUM_COLUMNS)
        row[rf.ELEMENT], row[rf.COMMAND] = element, command
        row[rf.GEOMETRY], row[rf.STYLE] = geometry, style
        rows.append(row)

    matrix = shape.transform
    a, b, c, d = matrix.a * scale, matrix.b * scale, matrix.c * scale, matrix.d * scale
    e, f = matrix.e * scale + offset[0], matrix.f * scale + offset[1]
    upright = b == c == 0 and a > 0 and d > 0

    def point(p) -> tuple[float, float]:
        return a * p.x + c * p.y + e, b * p.x + d * p.y + f

    if isinstance(shape, se.Circle | se.Ellipse) and shape.rx and shape.ry:
        centre = point(se.Point(shape.cx, shape.cy))
        turned = abs(a * c + b * d) < 1e-9 and abs(math.hypot(a, b) - math.hypot(c, d)) < 1e-9  # a similarity
        if turned and abs(shape.rx - shape.ry) * scale < 1e-6:
            add(rf.CIRCLE, rf.NONE, (*centre, shape.rx * math.hypot(a, b), 0, 0, 0, 0, 0))
            return rows
        if upright:
            radii = shape.rx * a, shape.ry * d
            if abs(radii[0] - radii[1]) < 1e-6:
                add(rf.CIRCLE, rf.NONE, (*centre, radii[0], 0, 0, 0, 0, 0))
            else:
                add(rf.ELLIPSE, rf.NONE, (*centre, *radii, 0, 0, 0, 0))
            return rows
    if isinstance(shape, se.Rect) and upright and shape.width and shape.height:
        size = shape.width * a, shape.height * d, (shape.rx or 0) * a, (shape.ry or 0) * d
        if min(size) >= 0:
            add(rf.RECT, rf.NONE, (*point(se.Point(shape.x, shape.y)), *size, 0, 0))
        return rows
    path = shape if isinstance(shape, se.Path) else se.Path(shape)
    _path_rows(path, point, add)
    return rows


def _path_rows(path: se.Path, point, add) -> None:
    """One row per segment. A move is written only when a segment follows it."""
    start = pen = None       # first point of the sub-path; where the pen is
    pending_move = True      # a move is due before the next segment
    command = rf.MOVE
    for segment in path:
        if isinstance(segment, se.Move):
            start = pen = segment.end
            pending_move = True
            continue
        if pen is None:
            continue
        if pending_move:
            add(rf.PATH, command, (0, 0, 0, 0, 0, 0, *point(start)))
            command, pending_move = rf.SUBMOVE, False
        if isinstance(segment, se.Close):
            add(rf.PATH, rf.CLOSE, (*point(pen), 0, 0, 0, 0, *point(start)))
            pen, pending_move = start, True
            continue
        if isinstance(segment, se.Line):
            add(rf.PATH, rf.LINE, (*point(pen), 0, 0, 0, 0, *point(segment.end)))
        else:
            for cubic in _cubics(segment):
                add(rf.PATH, rf.CUBIC, [v for p in cubic for v in point(p)])
        pen = segment.end


def _cubics(segment) -> list[tuple]:
    """Any curved segment as cubic Bezier curves (start, control, control, end)."""
    if isinstance(segment, se.CubicBezier):
        return [(segment.start, segment.control1, segment.control2, segment.end)]
    if isinstance(segment, se.QuadraticBezier):
        start, control, end = segment.start, segment.control, segment.end
        return [(start, start + (control - start) * (2 / 3), end + (control - end) * (2 / 3), end)]
    return _arc_cubics(segment)


def _arc_cubics(arc: se.Arc) -> list[tuple]:
    """An elliptical arc as cubics of at most a quarter turn: control length 4/3 tan(angle / 4) of the radii."""
    count = max(1, math.ceil(abs(arc.sweep) / (math.pi / 2) - 1e-4))
    step = arc.sweep / count
    length = 4 / 3 * math.tan(step / 4)
    first = arc.get_start_t()
    turn = arc.get_rotation()
    cosine, sine = float(math.cos(turn)), float(math.sin(turn))

    def at(t: float, tangent: float = 0.0) -> se.Point:
        """The point at angle t of the ellipse, moved along its tangent."""
        x = arc.rx * (math.cos(t) - tangent * math.sin(t))
        y = arc.ry * (math.sin(t) + tangent * math.cos(t))
        return se.Point(arc.center.x + x * cosine - y * sine, arc.center.y + x * sine + y * cosine)

    cubics = []
    for i in range(count):
        t0, t1 = first + i * step, first + (i + 1) * step
        start = arc.start if i == 0 else at(t0)
        end = arc.end if i == count - 1 else at(t1)
        cubics.append((start, at(t0, length), at(t1, -length), end))
    return cubics
