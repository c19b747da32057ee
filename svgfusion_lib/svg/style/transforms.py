"""Affine matrices (a, b, c, d, e, f) in SVG order, transform lists, and fitting a viewBox to its viewport."""

import math
import re
from functools import lru_cache
from typing import NamedTuple

from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.style.values import (
    LARGEST,
    MAX_CACHED,
    Units,
    absolute,
    is_length,
    parse_angle,
    parse_length,
    parse_number,
    parse_numbers,
    scan_numbers,
    split_arguments,
    split_list,
)

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_FUNCTION = re.compile(r"([a-zA-Z]++)\s*+\(([^()]*+)\)\s*+,?\s*+")
_ALIGN = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
_ASPECT = re.compile(r"x(Min|Mid|Max)Y(Min|Mid|Max)(?:\s+(meet|slice))?")
# number of arguments of each function in the attribute
_ARITY = {"matrix": (6,), "translate": (1, 2), "scale": (1, 2), "rotate": (1, 3), "skewX": (1,), "skewY": (1,)}
_CSS_FUNCTION = re.compile(r"\s*+([a-zA-Z0-9]++)\(")


def multiply(m: Matrix, n: Matrix) -> Matrix:
    """Matrix product m n: applies n first."""
    a, b, c, d, e, f = m
    g, h, i, j, k, n5 = n
    return (
        a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * n5 + e, b * k + d * n5 + f,
    )


def apply(m: Matrix, x: float, y: float) -> tuple[float, float]:
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def determinant(m: Matrix) -> float:
    return m[0] * m[3] - m[1] * m[2]


def inverse(m: Matrix) -> Matrix:
    """The inverse of a matrix with a non-zero determinant."""
    a, b, c, d, e, f = m
    size = determinant(m)
    return (d / size, -b / size, -c / size, a / size, (c * f - d * e) / size, (b * e - a * f) / size)


def is_similarity(m: Matrix, tolerance: float = 1e-3) -> bool:
    """Whether circles stay circles: rotation, mirroring, translation and uniform scaling only."""
    a, b, c, d = m[:4]
    size = a * a + b * b
    return abs(a * c + b * d) <= tolerance * size and abs(c * c + d * d - size) <= 2 * tolerance * size


def is_axis_aligned(m: Matrix, tolerance: float = 1e-9) -> bool:
    """Whether axis-aligned rectangles stay axis-aligned (quarter turns and mirroring included)."""
    a, b, c, d = map(abs, m[:4])
    limit = tolerance * max(a, b, c, d)
    return (b <= limit and c <= limit) or (a <= limit and d <= limit)


def mean_scale(m: Matrix) -> float:
    """Mean scale of lengths; exact for a similarity."""
    return math.sqrt(abs(determinant(m)))


# --- transform lists ----------------------------------------------------------------------------------

def parse_attribute(text: str) -> Matrix | None:
    """Parse the transform attribute: plain numbers, angles in degrees (SVG 2, section 8.5). None if invalid."""
    matrix, position = IDENTITY, 0
    spend(len(text) / 2, "transforms")
    text = text.strip()
    if text == "none":
        return IDENTITY
    while position < len(text):
        match = _FUNCTION.match(text, position)
        if match is None or match[1] not in _ARITY:
            return None
        numbers, whole = scan_numbers(match[2])
        if not whole or len(numbers) not in _ARITY[match[1]]:
            return None
        matrix = multiply(matrix, _matrix_of(match[1], numbers))
        position = match.end()
    return matrix


def _matrix_of(name: str, numbers: list[float]) -> Matrix:
    """The matrix of one function; angles in degrees."""
    if name == "matrix":
        a, b, c, d, x, y = numbers
        return a, b, c, d, x, y
    if name == "translate":
        return (1.0, 0.0, 0.0, 1.0, numbers[0], numbers[1] if len(numbers) > 1 else 0.0)
    if name == "scale":
        return (numbers[0], 0.0, 0.0, numbers[-1], 0.0, 0.0)
    if name == "rotate":
        angle = math.radians(numbers[0])
        turn = (math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle), 0.0, 0.0)
        return about_point(turn, numbers[1], numbers[2]) if len(numbers) == 3 else turn
    along_x, along_y = numbers[0] if name != "skewY" else 0.0, numbers[0] if name == "skewY" else 0.0
    if name == "skew" and len(numbers) == 2:
        along_y = numbers[1]
    return (1.0, math.tan(math.radians(along_y)), math.tan(math.radians(along_x)), 1.0, 0.0, 0.0)


class Spatial(NamedTuple):
    """A 3D transform, reduced to its effect in the plane."""

    matrix: Matrix


def parse_css(text: str, size: tuple[float, float]) -> Matrix | Spatial | None:
    """Parse the CSS property transform (CSS Transforms 1 and 2); percentages refer to `size`. None if invalid.

    3D functions without a visible 3D effect, such as translateZ() and rotateZ(), give their planar matrix.
    """
    spend(20 + len(text), "transforms")
    matrix, position, spatial = IDENTITY, 0, False
    text = text.strip()
    while position < len(text):
        match = _CSS_FUNCTION.match(text, position)
        if match is None:
            return None
        end = _closing(text, match.end())
        found = _css_function(match[1].lower(), split_arguments(text[match.end() : end]), size)
        if found is None:
            return None
        spatial = spatial or isinstance(found, Spatial)
        matrix = multiply(matrix, found.matrix if isinstance(found, Spatial) else found)
        position = end + 1
    return Spatial(matrix) if spatial else matrix


def _closing(text: str, position: int) -> int:
    """Index at which the open bracket closes; the end of the text if it does not."""
    depth = 1
    for i in range(position, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return len(text)


# CSS function -> kinds of its arguments: length along x, along y or z, number, angle; "?" marks optional ones
_CSS_ARGUMENTS = {
    "matrix": "nnnnnn", "translate": "xy?", "translatex": "x", "translatey": "y", "scale": "nn?", "scalex": "n",
    "scaley": "n", "rotate": "a", "skew": "aa?", "skewx": "a", "skewy": "a",
    "translatez": "z", "translate3d": "xyz", "scalez": "n", "scale3d": "nnn", "rotatex": "a", "rotatey": "a",
    "rotatez": "a", "rotate3d": "nnna", "matrix3d": "n" * 16, "perspective": "z",
}


def _css_function(name: str, texts: list[str], size: tuple[float, float]) -> Matrix | Spatial | None:
    kinds = _CSS_ARGUMENTS.get(name)
    if kinds is None:
        return None
    optional, kinds = "?" in kinds, kinds.replace("?", "")
    if len(texts) != len(kinds) and not (optional and len(texts) == len(kinds) - 1):
        return None
    values = []
    for text, kind in zip(texts, kinds):
        value = _css_argument(text.strip(), kind, size)
        if value is None:
            return None
        values.append(value)
    if name in ("translatex", "translatey"):
        return (1.0, 0.0, 0.0, 1.0, *((values[0], 0.0) if name == "translatex" else (0.0, values[0])))
    if name in ("scalex", "scaley"):
        return (values[0], 0.0, 0.0, 1.0, 0.0, 0.0) if name == "scalex" else (1.0, 0.0, 0.0, values[0], 0.0, 0.0)
    if name in _ARITY or name in ("skew", "skewx", "skewy"):
        return _matrix_of({"skewx": "skewX", "skewy": "skewY"}.get(name, name), values)
    return _spatial(name, values)


def _css_argument(text: str, kind: str, size: tuple[float, float]) -> float | None:
    if kind in "an":
        value = parse_angle(text, css=True) if kind == "a" else parse_number(text)
        return value if value is not None and abs(value) < LARGEST else None
    if not is_length(text, css=True):
        return None
    return parse_length(absolute(text, Units()), size[0] if kind == "x" else size[1] if kind == "y" else 0.0)


def _spatial(name: str, values: list[float]) -> Matrix | Spatial:
    """The effect of a CSS Transforms 2 function within the plane."""
    if name in ("translatez", "scalez", "perspective"):  # no effect without perspective
        return IDENTITY
    if name == "translate3d":
        return (1.0, 0.0, 0.0, 1.0, values[0], values[1])
    if name == "scale3d":
        return (values[0], 0.0, 0.0, values[1], 0.0, 0.0)
    if name == "matrix3d":
        flat = values[2:4] == [0, 0] and values[6:12] == [0, 0, 0, 0, 1, 0] and values[14:] == [0, 1]
        a, b, c, d, x, y = values[0], values[1], values[4], values[5], values[12], values[13]
        return (a, b, c, d, x, y) if flat else Spatial((a, b, c, d, x, y))
    if name == "rotatez" or (name == "rotate3d" and values[:2] == [0, 0] and values[2] != 0):
        return _matrix_of("rotate", [math.copysign(values[-1], values[-1] * (values[2] if len(values) == 4 else 1))])
    return Spatial(IDENTITY) if values[-1] % 360 else IDENTITY


def parse_single(name: str, text: str, size: tuple[float, float]) -> Matrix | Spatial | None:
    """Parse the CSS property `translate`, `rotate` or `scale`; None if invalid."""
    words = split_list(text.lower())
    if words == ["none"]:
        return IDENTITY
    if "," in text and "(" not in text:
        return None
    if name == "rotate" and len(words) in (2, 4):
        angles = [word for word in words if parse_angle(word, css=True) is not None and math.isnan(parse_number(word))]
        axis = [word for word in words if word not in angles]
        if len(angles) != 1:
            return None
        if len(axis) == 1:
            axis = {"x": ["1", "0", "0"], "y": ["0", "1", "0"], "z": ["0", "0", "1"]}.get(axis[0], [])
        return _css_function("rotate3d", [*axis, *angles], size)
    if not 1 <= len(words) <= (1 if name == "rotate" else 3):
        return None
    return _css_function(name if len(words) < 3 else f"{name}3d", words, size)


PROPERTIES = ("translate", "rotate", "scale", "transform")


def of_style(style, box: tuple[float, float, float, float], origin: str = "0 0") -> tuple[Matrix, bool]:
    """The matrix of a style's transform properties, and whether any is 3D (CSS Transforms 2, 8).

    box: reference box (left, top, width, height) for percentages; origin: default transform-origin.
    """
    matrix, spatial = IDENTITY, False
    for name in PROPERTIES:
        value = style[name]
        if isinstance(value, str):
            value = parse_css(value, box[2:]) if name == "transform" else parse_single(name, value, box[2:])
            if isinstance(value, Spatial):
                value, spatial = value.matrix, True
        matrix = multiply(matrix, value or IDENTITY)
    x, y = parse_origin(style["transform-origin"] or origin, box, css=False) or (0.0, 0.0)
    return about_point(matrix, x, y), spatial


def placed(transform, viewport: tuple[float, float]) -> Matrix:
    """The matrix of a gradient's or pattern's transform, given as a matrix or a style."""
    return transform if isinstance(transform, tuple) else of_style(transform, (0.0, 0.0, *viewport))[0]


def about_point(m: Matrix, x: float, y: float) -> Matrix:
    """The transform about the point (x, y) instead of the origin."""
    return multiply(multiply((1, 0, 0, 1, x, y), m), (1, 0, 0, 1, -x, -y))


_KEYWORDS = {"left": "0%", "top": "0%", "center": "50%", "right": "100%", "bottom": "100%"}


def parse_origin(text: str, box: tuple[float, float, float, float], css: bool = True) -> tuple[float, float] | None:
    """Parse transform-origin in a box (left, top, width, height); None if invalid. Ignores the z value."""
    words = split_list(text.lower())
    if not 1 <= len(words) <= 3 or ("," in text and "(" not in text):
        return None
    vertical = ("top", "bottom")
    if words[0] in vertical or words[1:2] in (["left"], ["right"]):
        words[:2] = *(words[1:2] or ["center"]), words[0]
    if words[0] in vertical or words[1:2] in (["left"], ["right"]) or (
        len(words) == 3 and (words[2] in _KEYWORDS or "%" in words[2])
    ):
        return None
    places = [_KEYWORDS.get(word, word) for word in words]
    if any(not is_length(place, css) for place in places):
        return None
    places = [absolute(place, Units()) for place in (*places, "50%")][:2]
    return box[0] + parse_length(places[0], box[2]), box[1] + parse_length(places[1], box[3])


_CSS_PATH = re.compile(
    r"""path\(\s*+(?:(?:nonzero|evenodd)\s*+,\s*+)?+(?:"([^"]*+)"|'([^']*+)')\s*+\)""", re.IGNORECASE
)


def parse_css_path(text: str, css: bool) -> str | None:
    """Path data of the property d, in CSS path("...") or none."""
    if not css:
        return text
    match = _CSS_PATH.fullmatch(text)
    if match is None:
        return "" if text.lower() == "none" else None
    return match[1] or match[2] or ""


def parse_view_box(text: str | None) -> tuple[float, float, float, float] | None:
    """Parse a viewBox to (left, top, width, height); None if missing or invalid. Its size may be 0."""
    return _view_box(text) if text and len(text) <= MAX_CACHED else None


@lru_cache(maxsize=4096)
def _view_box(text: str) -> tuple[float, float, float, float] | None:
    numbers = parse_numbers(text)
    if len(numbers) != 4 or len(re.split(r"[\s,]+", text.strip())) != 4 or min(numbers[2:]) < 0:
        return None
    left, top, width, height = numbers
    return left, top, width, height


def is_empty(width: float, height: float, view_box: tuple[float, float, float, float] | None) -> bool:
    """Whether a viewport paints nothing because it or its viewBox has no area (SVG 2, section 8.6)."""
    return width <= 0 or height <= 0 or (view_box is not None and min(view_box[2:]) == 0)


def fit_view_box(view_box: tuple[float, float, float, float], width: float, height: float, aspect: str) -> Matrix:
    """viewBox -> viewport (0, 0, width, height) by preserveAspectRatio (SVG 2, section 8.2)."""
    left, top, box_width, box_height = view_box
    scale_x, scale_y = width / box_width, height / box_height
    aspect = aspect.strip()
    if aspect == "none":
        return (scale_x, 0.0, 0.0, scale_y, -left * scale_x, -top * scale_y)
    match = _ASPECT.fullmatch(aspect)
    x_align, y_align, meet = match.groups() if match else ("Mid", "Mid", None)
    scale = max(scale_x, scale_y) if meet == "slice" else min(scale_x, scale_y)
    x = (width - box_width * scale) * _ALIGN[x_align] - left * scale
    y = (height - box_height * scale) * _ALIGN[y_align] - top * scale
    return (scale, 0.0, 0.0, scale, x, y)
