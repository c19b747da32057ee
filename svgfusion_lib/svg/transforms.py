"""Affine matrices (a, b, c, d, e, f) as SVG writes them, transform lists, and how a viewBox fits its viewport."""

import math
import re

from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.values import parse_length, parse_numbers, scan_numbers

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_FUNCTION = re.compile(r"([a-zA-Z]+)\s*\(([^()]*)\)[\s,]*")
_ALIGN = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
_ASPECT = re.compile(r"(?:defer\s+)?x(Min|Mid|Max)Y(Min|Mid|Max)(?:\s+(meet|slice))?")
# number of arguments each function takes
_ARITY = {
    "matrix": (6,), "translate": (1, 2), "translateX": (1,), "translateY": (1,), "scale": (1, 2), "scaleX": (1,),
    "scaleY": (1,), "rotate": (1, 3), "skewX": (1,), "skewY": (1,), "skew": (1, 2),
}
_ANGLES = {"rotate": 1, "skewX": 1, "skewY": 1, "skew": 2}  # how many of them are angles


def multiply(m: Matrix, n: Matrix) -> Matrix:
    """m after n: the point goes through n first."""
    a, b, c, d, e, f = m
    g, h, i, j, k, n5 = n
    return (
        a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * n5 + e, b * k + d * n5 + f,
    )


def apply(m: Matrix, x: float, y: float) -> tuple[float, float]:
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def determinant(m: Matrix) -> float:
    return m[0] * m[3] - m[1] * m[2]


def is_similarity(m: Matrix, tolerance: float = 1e-3) -> bool:
    """Circles stay circles: turned, mirrored, moved and scaled alike in all directions."""
    a, b, c, d = m[:4]
    size = a * a + b * b
    return abs(a * c + b * d) <= tolerance * size and abs(c * c + d * d - size) <= 2 * tolerance * size


def is_axis_aligned(m: Matrix, tolerance: float = 1e-9) -> bool:
    """Upright rectangles stay upright rectangles (quarter turns and mirror images included)."""
    a, b, c, d = map(abs, m[:4])
    limit = tolerance * max(a, b, c, d)
    return (b <= limit and c <= limit) or (a <= limit and d <= limit)


def mean_scale(m: Matrix) -> float:
    """Scale of lengths; exact for a similarity."""
    return math.sqrt(abs(determinant(m)))


def parse_transform(text: str) -> Matrix:
    """A transform attribute or CSS property. Raises ValueError naming the function it cannot read.

    Angles may have units; lengths in px and other absolute units count as user units.
    """
    matrix, position = IDENTITY, 0
    spend(len(text) / 2, "transforms")
    text = text.strip()
    if text == "none":
        return IDENTITY
    while position < len(text):
        match = _FUNCTION.match(text, position)
        if match is None:
            raise ValueError(f"the transform {text[position : position + 40]!r} cannot be read")
        matrix = multiply(matrix, _function(match[1], match[2]))
        position = match.end()
    return matrix


def _function(name: str, text: str) -> Matrix:
    numbers, whole = scan_numbers(text, _ANGLES.get(name, 0))
    if not whole or len(numbers) not in _ARITY.get(name, ()):
        raise ValueError(f"the transform {f'{name}({text})'[:60]!r} cannot be read")
    if name == "matrix":
        a, b, c, d, x, y = numbers
        return a, b, c, d, x, y
    if name.startswith("translate"):
        x, y = (0.0, numbers[0]) if name == "translateY" else (numbers[0], numbers[1] if len(numbers) > 1 else 0.0)
        return (1.0, 0.0, 0.0, 1.0, x, y)
    if name.startswith("scale"):
        x, y = numbers[0], numbers[-1]
        return (1.0 if name == "scaleY" else x, 0.0, 0.0, 1.0 if name == "scaleX" else y, 0.0, 0.0)
    radians = [math.radians(v) for v in numbers[:2]]
    if name == "rotate":
        cosine, sine = math.cos(radians[0]), math.sin(radians[0])
        turn = (cosine, sine, -sine, cosine, 0.0, 0.0)
        return around(turn, numbers[1], numbers[2]) if len(numbers) == 3 else turn
    skew_x = math.tan(radians[0]) if name != "skewY" else 0.0
    skew_y = math.tan(radians[0]) if name == "skewY" else (math.tan(radians[1]) if len(radians) > 1 else 0.0)
    return (1.0, skew_y, skew_x, 1.0, 0.0, 0.0)


def around(m: Matrix, x: float, y: float) -> Matrix:
    """The transform about the point (x, y) in place of the origin."""
    return multiply(multiply((1, 0, 0, 1, x, y), m), (1, 0, 0, 1, -x, -y))


def parse_origin(text: str, viewport: tuple[float, float]) -> tuple[float, float]:
    """transform-origin: lengths, percentages of the viewport or keywords; the z value is left out."""
    words = text.split()
    if words[:1] in (["top"], ["bottom"]) or words[1:2] in (["left"], ["right"]):
        words[:2] = *words[1:2], words[0]
        words = ["center", *words] if len(words) == 1 else words
    keywords = {"left": "0%", "top": "0%", "center": "50%", "right": "100%", "bottom": "100%"}
    words = [keywords.get(word, word) for word in words[:2]] + ["50%"] * (2 - len(words[:2]))
    return parse_length(words[0], viewport[0]), parse_length(words[1], viewport[1])


def parse_view_box(text: str | None) -> tuple[float, float, float, float] | None:
    """(left, top, width, height), or None if there is none. ValueError if it is broken or empty."""
    if text is None or not text.strip():
        return None
    numbers = parse_numbers(text)
    if len(numbers) != 4 or len(re.split(r"[\s,]+", text.strip())) != 4:
        raise ValueError(f"no usable viewBox ({text[:60]!r})")
    left, top, width, height = numbers
    if width <= 0 or height <= 0:
        raise ValueError(f"the viewBox is empty ({text[:60]!r})")
    return left, top, width, height


def fit_view_box(view_box: tuple[float, float, float, float], width: float, height: float, aspect: str) -> Matrix:
    """viewBox -> viewport (0, 0, width, height) by preserveAspectRatio (SVG 2, section 8.2)."""
    left, top, box_width, box_height = view_box
    scale_x, scale_y = width / box_width, height / box_height
    aspect = aspect.strip()
    if aspect.removeprefix("defer").strip() == "none":
        return (scale_x, 0.0, 0.0, scale_y, -left * scale_x, -top * scale_y)
    match = _ASPECT.fullmatch(aspect)
    x_align, y_align, meet = match.groups() if match else ("Mid", "Mid", None)
    scale = max(scale_x, scale_y) if meet == "slice" else min(scale_x, scale_y)
    x = (width - box_width * scale) * _ALIGN[x_align] - left * scale
    y = (height - box_height * scale) * _ALIGN[y_align] - top * scale
    return (scale, 0.0, 0.0, scale, x, y)
