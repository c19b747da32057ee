"""CSS values: numbers, lengths with units, angles, math functions, opacities, url(), lists."""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import tinycss2

from svgfusion_lib.svg.effort import spend

# These patterns never backtrack, so matching takes linear time.
NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"  # "5." is invalid (CSS Syntax 3, 4.3.12)
# CSS Values 4: pixels per absolute unit at 96 dpi
_PIXELS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
_DEGREES = {"deg": 1.0, "grad": 0.9, "rad": 180 / math.pi, "turn": 360.0}
_ITEM = re.compile(rf"\s*+({NUMBER})(%|[a-zA-Z]*+)")
_GAP = re.compile(r"\s*+,?\s*+")
_LENGTH = re.compile(rf"\s*+({NUMBER})(%|[a-zA-Z]*+)\s*+")
_RELATIVE = re.compile(
    rf"(?<![\w.])({NUMBER})(r?em|r?lh|ex|ch|ic|cap|(?:[sld]?v|cq)(?:w|h|min|max|i|b))(?![\w%])", re.IGNORECASE
)
_OF_FONT_SIZE = {"em": 1.0, "ic": 1.0, "ex": 0.5, "ch": 0.5, "cap": 0.66, "lh": 1.15}  # of a typical font
# open brackets and strings are closed at the end (CSS Syntax 3, section 4.3)
_URL = re.compile(
    r"""\s*+url\(\s*+(?:"([^"]*+)(?:"|\Z)|'([^']*+)(?:'|\Z)|([^\s)"'(]*+))\s*+(?:\)|\Z)\s*+(.*)""",
    re.DOTALL | re.IGNORECASE,
)
FONT_SIZE = 16.0
MAX_NUMBERS = 100_000  # in a list
MAX_MATH = 2_000       # characters of a value with math functions
MAX_MATH_DEPTH = 30    # of brackets in it
MAX_CACHED = 200       # characters of a value that is cached across documents
ENDLESS = 1e5  # replaces infinity, which CSS clamps to the largest value (CSS Values 4, section 10.9)
LARGEST = 1e9  # larger numbers are rejected: no viewer draws them; its square is still finite


class Units(NamedTuple):
    """Reference sizes for relative lengths, in pixels."""

    font_size: float = FONT_SIZE
    root_font_size: float = FONT_SIZE
    viewport: tuple[float, float] = (0.0, 0.0)  # of the document

    def pixels(self, unit: str) -> float:
        """Pixels per font-relative, viewport or container unit; all containers count as the viewport."""
        if unit in _OF_FONT_SIZE:
            return self.font_size * _OF_FONT_SIZE[unit]
        if unit in ("rem", "rlh"):
            return self.root_font_size * _OF_FONT_SIZE[unit[1:]]
        width, height = self.viewport
        side = unit[unit.index("cq") + 2 if unit.startswith("cq") else unit.index("v") + 1 :]
        sizes = {"w": width, "i": width, "h": height, "b": height, "min": min(self.viewport), "max": max(self.viewport)}
        return sizes[side] / 100


def absolute(text: str, units: Units) -> str:
    """Convert relative lengths in a value to pixels (its computed value, CSS Values 4, section 6.1)."""
    if "(" not in text and text[-1:] in "0123456789.%":  # most values are plain
        return text
    return _RELATIVE.sub(lambda m: f"{float(m[1]) * units.pixels(m[2].lower())!r}px", text)


def end_of_gap(text: str, position: int) -> int:
    """Index after the white space at `position`, which may contain one comma."""
    gap = _GAP.match(text, position)
    return gap.end() if gap else position


def parse_length(text: str | None, reference: float, default: float = 0.0) -> float:
    """A length in user units; percentages refer to `reference`. Invalid text gives the default (CSS: ignored).

    Font and viewport units must be made `absolute` first. Raises ValueError for numbers that are not finite or too
    large for any viewer.
    """
    if text is None:
        return default
    match = _LENGTH.fullmatch(text)
    if match is None:
        value = calculate(text, "length", reference) if "(" in text else None
        value = calculate(text, "number", reference) if value is None and "(" in text else value
        return default if value is None else _checked(value, text)
    unit = match[2].lower()
    factor = reference / 100 if unit == "%" else _PIXELS.get(unit)
    return default if factor is None else _checked(float(match[1]) * factor, text)


def is_length(text: str, css: bool, negative: bool = True) -> bool:
    """Whether a value is a length or percentage; css: as in style sheets, where all but 0 need a unit."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        kinds = ("length",) if css else ("length", "number")
        return "(" in text and any(calculate(absolute(text, _ANY), kind, 1.0) is not None for kind in kinds)
    if not negative and float(match[1]) < 0:
        return False
    unit = match[2].lower()
    return (unit in _PIXELS or unit == "%" or _RELATIVE.fullmatch(match[0].strip()) is not None) and (
        unit != "" or not css or float(match[1]) == 0
    )


_ANY = Units(1.0, 1.0, (1.0, 1.0))


def parse_number(text: str | None, default: float = math.nan) -> float:
    """A number, or a percentage as a share of 1; the default if it is neither."""
    match = _LENGTH.fullmatch(text) if text is not None else None
    if match is not None:
        return float(match[1]) / (100 if match[2] else 1) if match[2] in ("", "%") else default
    value = None
    if text is not None and "(" in text:
        value = calculate(text, "number", 1.0)
        value = calculate(text, "length", 1.0) if value is None and "%" in text else value
    return default if value is None else value


def parse_angle(text: str, css: bool) -> float | None:
    """An angle in degrees; None if invalid. css: units are allowed, and required for all but 0."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        return calculate(text, "angle", 0.0) if css and "(" in text else None
    value, unit = float(match[1]), match[2].lower()
    if unit == "":
        return value if not css or value == 0 else None
    return value * _DEGREES[unit] if css and unit in _DEGREES else None


def parse_numbers(text: str) -> list[float]:
    """The numbers of a list, up to the first invalid item."""
    return scan_numbers(text)[0]


def scan_numbers(text: str) -> tuple[list[float], bool]:
    """Plain numbers of a list up to the first invalid item, and whether the whole list was valid.

    Separated by spaces or a comma, or by nothing before a sign or a second decimal point. Raises ValueError for more
    than MAX_NUMBERS, and for numbers that are not finite or too large.
    """
    spend(len(text) / 3, "lists of numbers")
    numbers: list[float] = []
    position = end = 0
    while match := _ITEM.match(text, position):
        if match[2]:
            break
        numbers.append(_checked(float(match[1]), match[0]))
        end = match.end()
        position = end_of_gap(text, end)
        if len(numbers) > MAX_NUMBERS:
            raise ValueError(f"a list of more than {MAX_NUMBERS:,} numbers")
    return numbers, not text[end:].strip()


def split_list(text: str) -> list[str]:
    """Split a list at commas or spaces outside brackets."""
    if "(" not in text:
        return text.replace(",", " ").split()
    return [item for item in split_arguments(text, spaces=True) if item]


def split_arguments(text: str, spaces: bool = False) -> list[str]:
    """Split at commas outside brackets; with `spaces`, at spaces too."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth == 0 and (character == "," or (spaces and character.isspace())):
            parts.append("")
        else:
            parts[-1] += character
    return parts


def split_tokens(tokens: list, separator: str = ",") -> list[list]:
    """The tinycss2 tokens between separators, white space removed."""
    parts: list[list] = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        elif token.type not in ("whitespace", "comment"):
            parts[-1].append(token)
    return parts


# --- math functions (CSS Values 4, section 10) --------------------------------------------------------

Quantity = tuple[float, str]  # a value and its kind: "number", "length" (percentages included), "angle"
_CONSTANTS = {"pi": math.pi, "e": math.e, "infinity": math.inf, "-infinity": -math.inf, "nan": math.nan}


def calculate(text: str, kind: str, reference: float) -> float | None:
    """Evaluate calc() and the like to user units, degrees or a number; None if invalid or of another kind."""
    if len(text) > MAX_MATH:
        return None
    spend(30 + len(text), "calc()")
    return _calculated(text, kind, reference)


@lru_cache(maxsize=4096)
def _calculated(text: str, kind: str, reference: float) -> float | None:
    token = tinycss2.parse_one_component_value(text, skip_comments=True)
    found = evaluate(token, reference)
    if found is None or found[1] != kind:
        return None
    if math.isinf(found[0]):
        return math.copysign(ENDLESS, found[0])
    return 0.0 if math.isnan(found[0]) else found[0]


def evaluate(token, reference: float = 0.0, depth: int = 0) -> Quantity | None:
    """Evaluate a tinycss2 token: a number, a percentage (of `reference`), a dimension or a math function."""
    if token.type == "number":
        return token.value, "number"
    if token.type == "percentage":
        return token.value * reference / 100, "length"
    if token.type == "dimension":
        unit = token.lower_unit
        if unit in _PIXELS:
            return token.value * _PIXELS[unit], "length"
        return (token.value * _DEGREES[unit], "angle") if unit in _DEGREES else None
    if token.type == "ident":
        return (_CONSTANTS[token.lower_value], "number") if token.lower_value in _CONSTANTS and depth else None
    if depth > MAX_MATH_DEPTH:
        return None
    if token.type == "() block" and depth:
        return _sum(split_tokens(token.content, "")[0], reference, depth + 1)
    if token.type != "function" or token.lower_name not in _FUNCTIONS:
        return None
    values = [_sum(argument, reference, depth + 1) for argument in split_tokens(token.arguments)]
    if any(value is None for value in values):
        return None
    try:
        return _FUNCTIONS[token.lower_name]([value for value in values if value is not None])
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):  # also a wrong number of arguments
        return None


def _sum(parts: list, reference: float, depth: int) -> Quantity | None:
    """Evaluate `a + b * c - d`; None if invalid, or if it adds a number to a length."""
    if len(parts) % 2 == 0:
        return None
    total: Quantity | None = None
    product, sign = evaluate(parts[0], reference, depth), 1.0
    for operator, right in zip(parts[1::2], parts[2::2]):
        value = evaluate(right, reference, depth)
        if product is None or value is None:
            return None
        if operator == "*" and "number" in (product[1], value[1]):
            product = (product[0] * value[0], product[1] if value[1] == "number" else value[1])
        elif operator == "/" and value[1] == "number":
            inverse = 1 / value[0] if value[0] else math.copysign(math.inf, value[0])
            product = (product[0] * inverse, product[1])
        elif operator in ("+", "-"):
            total = _added(total, product, sign)
            if total is None:
                return None
            product, sign = value, 1.0 if operator == "+" else -1.0
        else:
            return None
    return None if product is None else _added(total, product, sign)


def _added(total: Quantity | None, value: Quantity, sign: float) -> Quantity | None:
    if total is None:
        return sign * value[0], value[1]
    return (total[0] + sign * value[0], value[1]) if total[1] == value[1] else None


def _of_one_kind(function: Callable) -> Callable[[list[Quantity]], Quantity]:
    def call(values: list[Quantity]) -> Quantity:
        if len({kind for _, kind in values}) != 1:
            raise ValueError
        return function(*(value for value, _ in values)), values[0][1]

    return call


def _to_number(function: Callable) -> Callable[[list[Quantity]], Quantity]:
    def call(values: list[Quantity]) -> Quantity:
        return function(*(math.radians(v) if kind == "angle" else v for v, kind in values)), "number"

    return call


def _to_angle(function: Callable) -> Callable[[list[Quantity]], Quantity]:
    return lambda values: (math.degrees(function(*(v for v, _ in values))), "angle")


_FUNCTIONS: dict[str, Callable[[list[Quantity]], Quantity]] = {
    "calc": _of_one_kind(lambda value: value), "-webkit-calc": _of_one_kind(lambda value: value),
    "min": _of_one_kind(lambda *v: min(v)), "max": _of_one_kind(lambda *v: max(v)),
    "clamp": _of_one_kind(lambda low, value, high: max(low, min(value, high))),
    "round": _of_one_kind(lambda value, step=1.0: math.floor(value / step + 0.5) * step),
    "mod": _of_one_kind(lambda a, b: a % b), "rem": _of_one_kind(math.fmod), "abs": _of_one_kind(abs),
    "hypot": _of_one_kind(math.hypot), "sign": _to_number(lambda v: (v > 0) - (v < 0)),
    "sin": _to_number(math.sin), "cos": _to_number(math.cos), "tan": _to_number(math.tan),
    "pow": _to_number(math.pow), "sqrt": _to_number(math.sqrt), "exp": _to_number(math.exp),
    "log": _to_number(math.log), "asin": _to_angle(math.asin), "acos": _to_angle(math.acos),
    "atan": _to_angle(math.atan), "atan2": _to_angle(math.atan2),
}


# --- references -------------------------------------------------------------------------------------------

def parse_url(text: str) -> tuple[str, str] | None:
    """`url(#id) fallback` -> (id, fallback); id is "" if the reference leaves the document; None if not a url()."""
    return _url(text) if len(text) <= MAX_CACHED else _url.__wrapped__(text)


@lru_cache(maxsize=4096)
def _url(text: str) -> tuple[str, str] | None:
    match = _URL.match(text)
    if match is None:
        return None
    return fragment(match[1] or match[2] or match[3] or ""), match[4].strip()


def fragment(address: str) -> str:
    """The percent-decoded id in a same-document URL; "" if the URL leads elsewhere."""
    address = address.strip()
    return unquote(address[1:]) if address.startswith("#") else ""


def _checked(value: float, text: str) -> float:
    if not abs(value) < LARGEST:
        raise ValueError(f"the number {text.strip()[:40]!r} is infinite, not a number, or too large")
    return value
