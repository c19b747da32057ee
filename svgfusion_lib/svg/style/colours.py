"""CSS Color 4 and 5 colours as sRGB: names, functions, colour spaces, color-mix(), light-dark(), system colours.

tinycss2 parses the functions, coloraide converts and mixes; this module adds calc(), mixed units, `none` as alpha, and
clips out-of-gamut channels as browsers do.
"""

import math
import re
from functools import cache, lru_cache
from typing import Any

import tinycss2
from tinycss2 import ast, color5
from tinycss2.color4 import Color

from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.style.values import evaluate, split_tokens

RGBA = tuple[float, float, float, float]
Triple = tuple[float, float, float]
BLACK: RGBA = (0.0, 0.0, 0.0, 1.0)
MAX_COLOUR = 500       # characters
MAX_COLOUR_DEPTH = 8   # of nested color-mix() and light-dark()

# CSS Color 4, section 6.2 and appendix A, as in Chromium on a light page
_SYSTEM = {
    "accentcolor": "#0075ff", "accentcolortext": "#fff", "activetext": "#f00", "buttonborder": "#000",
    "buttonface": "#efefef", "buttontext": "#000", "canvas": "#fff", "canvastext": "#000", "field": "#fff",
    "fieldtext": "#000", "graytext": "#808080", "highlight": "#3367d1", "highlighttext": "#fff", "linktext": "#0000ee",
    "mark": "#ff0", "marktext": "#000", "selecteditem": "#3367d1", "selecteditemtext": "#fff", "visitedtext": "#551a8b",
}
_DEPRECATED = {
    "canvas": ("appworkspace", "activecaption", "background", "inactivecaption", "infobackground", "menu", "scrollbar",
               "window"),
    "canvastext": ("captiontext", "infotext", "menutext", "windowtext"),
    "buttonface": ("buttonhighlight", "buttonshadow", "threedface"),
    "buttonborder": ("activeborder", "inactiveborder", "threeddarkshadow", "threedhighlight", "threedlightshadow",
                     "threedshadow", "windowframe"),
    "graytext": ("inactivecaptiontext",),
}
_SYSTEM |= {old: _SYSTEM[new] for new, names in _DEPRECATED.items() for old in names}
_DARK_SYSTEM = {
    "buttonborder": "#fff", "buttonface": "#6b6b6b", "buttontext": "#fff", "canvas": "#121212", "canvastext": "#fff",
    "field": "#3b3b3b", "fieldtext": "#fff", "linktext": "#9e9eff", "visitedtext": "#d0adf0",
}
_DARK_SYSTEM |= {old: _DARK_SYSTEM[new] for new, names in _DEPRECATED.items() if new in _DARK_SYSTEM for old in names}


def parse_colour(text: str, current: RGBA | None = None, dark: bool = False) -> RGBA | str | None:
    """Parse a colour to (r, g, b, alpha) in [0, 1], or None if it is invalid.

    current: the value of currentColor; without it, such a colour gives the word "currentcolor".
    dark: which half of light-dark() applies.
    """
    if len(text) > MAX_COLOUR:
        return None
    if "(" in text:
        spend(30 + text.count("(") + 100 * text.count("color-mix("), "colours")
    return _colour(text, current, dark)


@lru_cache(maxsize=4096)
def _colour(text: str, current: RGBA | None, dark: bool) -> RGBA | str | None:
    token = tinycss2.parse_one_component_value(text, skip_comments=True)
    if token.type == "error" and "icc-color" in text:  # SVG 1.1: "red icc-color(...)"
        token = tinycss2.parse_one_component_value(text.split("icc-color")[0], skip_comments=True)
    found = colour_of(token, dark, current)
    return to_rgba(found) if isinstance(found, Color) else found


def colour_of(token, dark: bool = False, current: RGBA | None = None, depth: int = 0) -> Color | str | None:
    """The colour of a tinycss2 token; "currentcolor" if it depends on a missing `current`; None if invalid."""
    if token.type == "ident" and token.lower_value in _SYSTEM:
        known = _SYSTEM | _DARK_SYSTEM if dark else _SYSTEM
        return color5.parse_color(known[token.lower_value])
    if token.type == "function" and token.lower_name in ("color-mix", "light-dark") and depth < MAX_COLOUR_DEPTH:
        parts = split_tokens(token.arguments)
        if token.lower_name == "color-mix":
            return _mix(parts, dark, current, depth)
        if len(parts) != 2 or any(len(part) != 1 for part in parts):
            return None
        light, other = (colour_of(part[0], dark, current, depth + 1) for part in parts)
        return None if light is None or other is None else (other if dark else light)
    if token.type == "function" and token.lower_name == "contrast-color" and depth < MAX_COLOUR_DEPTH:
        parts = split_tokens(token.arguments)[0]
        return _contrast(colour_of(parts[0], dark, current, depth + 1)) if len(parts) == 1 else None
    if token.type == "function":
        if token.arguments and depth < MAX_COLOUR_DEPTH:
            token = _relative(token, dark, current, depth)
        token = _plain(token) if isinstance(token, ast.FunctionBlock) else token
        if token is None or isinstance(token, str):
            return token
    found = color5.parse_color(token)
    if found == "currentcolor" and current is not None:
        return Color("srgb", current[:3], current[3])
    if not isinstance(found, Color) or found.space not in _SPACES:
        return found if isinstance(found, str) else None
    one, two, three = found.coordinates
    if found.space in ("hsl", "lch", "oklch") and two is not None:
        two = max(two, 0.0)  # saturation or chroma
    return Color(found.space, (one, two, three), found.alpha)


def _contrast(colour: Color | str | None) -> Color | str | None:
    """Black or white, whichever stands out more (CSS Color 5, section 6; WCAG 2.1, contrast ratio)."""
    if not isinstance(colour, Color):
        return colour
    light = _engine()("srgb", to_rgba(colour)[:3]).luminance()
    return Color("srgb", [1.0, 1.0, 1.0] if 1.05 / (light + 0.05) > (light + 0.05) / 0.05 else [0.0, 0.0, 0.0], 1)


_WIDE_SPACES = re.compile(r"(?:color|lab|lch|oklab|oklch|color-mix)\(", re.IGNORECASE)


def mixes_in_oklab(text: str) -> bool:
    """Whether a stop colour makes a gradient interpolate in Oklab: any non-legacy colour syntax (CSS Images 4, 3.1)."""
    return "(" in text and _WIDE_SPACES.search(text) is not None


def interpolate(one: RGBA, two: RGBA, shares: list[float], space: str) -> list[RGBA]:
    """The colours at these shares of a gradient in a colour space, not premultiplied."""
    start, end = (_engine()("srgb", colour[:3]) for colour in (one, two))
    at = _engine().interpolate([start, end], space=space, out_space="srgb")
    return [to_rgba(Color("srgb", at(t).coords(), one[3] + t * (two[3] - one[3]))) for t in shares]


def _relative(function, dark: bool, current: RGBA | None, depth: int) -> ast.FunctionBlock | str | None:
    """Replace channel keywords in `oklch(from red l c h)` by numbers (CSS Color 5, section 4); others unchanged."""
    words = [token for token in function.arguments if token.type not in ("whitespace", "comment")]
    if len(words) < 3 or words[0].type != "ident" or words[0].lower_value != "from":
        return function
    name = function.lower_name
    named = words[2].lower_value if name == "color" and words[2].type == "ident" else name.removesuffix("a")
    space = {"rgb": "srgb", "xyz": "xyz-d65"}.get(named, named)
    origin = colour_of(words[1], dark, current, depth + 1)
    if not isinstance(origin, Color) or space not in _MIXED_IN:
        return origin if isinstance(origin, str) else None
    scale = 255 if name.startswith("rgb") else 1
    channels = [scale * (v or 0.0) for v in _converted(origin, space).coordinates]
    letters = {"srgb": "rgb", "srgb-linear": "rgb", "display-p3": "rgb", "xyz-d65": "xyz", "xyz-d50": "xyz"}
    values = dict(zip(letters.get(space, space.removeprefix("ok")), channels)) | {"alpha": origin.alpha}
    return ast.FunctionBlock(0, 0, function.name, [_with_values(token, values) for token in words[2:]])


def _with_values(token, values: dict[str, float], depth: int = 0):
    """A token with words replaced by numbers, also inside brackets."""
    if token.type == "ident":
        return _numeral(values[token.lower_value]) if token.lower_value in values else token
    if token.type not in ("function", "() block") or depth > MAX_COLOUR_DEPTH:
        return token
    inner = token.arguments if token.type == "function" else token.content
    inner = [_with_values(part, values, depth + 1) for part in inner]
    if token.type == "function":
        return ast.FunctionBlock(0, 0, token.name, inner)
    return ast.ParenthesesBlock(0, 0, inner)


def _plain(function) -> ast.FunctionBlock | None:
    """A colour function in a form tinycss2 can parse: math evaluated, alpha `none` as 0, mixed rgb() as numbers."""
    arguments = [_number(token) for token in function.arguments if token.type not in ("whitespace", "comment")]
    if not arguments or any(token is None for token in arguments):
        return None
    legacy = "," in arguments
    if legacy and function.lower_name.startswith("hsl") and {part.type for part in arguments[2:5]} & {"number"}:
        return None
    if not legacy and arguments[-2:-1] == ["/"] and arguments[-1].type == "ident":
        arguments[-1] = _numeral(0.0) if arguments[-1].lower_value == "none" else arguments[-1]
    kinds = {token.type for token in arguments[:3]} - {"ident"}
    if function.lower_name in ("rgb", "rgba", "hsl", "hsla") and not legacy and len(kinds) > 1:
        full = 255 if function.lower_name.startswith("rgb") else 100
        first = 0 if function.lower_name.startswith("rgb") else 1
        for i in range(first, min(3, len(arguments))):
            if arguments[i].type == "percentage":
                arguments[i] = _numeral(arguments[i].value * full / 100)
    return ast.FunctionBlock(function.source_line, function.source_column, function.name, arguments)


def _number(token):
    """The token, or the number, percentage or angle that a math function evaluates to; None if invalid."""
    if token.type != "function":
        return token
    percent = any(part.type == "percentage" for part in token.arguments)
    found = evaluate(token, 100.0)
    if found is None:
        return None
    value, kind = found
    if kind == "length":
        return ast.PercentageToken(0, 0, value, int(value), f"{value}") if percent else None
    return _numeral(value)  # angles are in degrees


def _numeral(value: float) -> ast.NumberToken:
    return ast.NumberToken(0, 0, value, None, f"{value}")


# --- mixing (CSS Color 5, section 3) --------------------------------------------------------------------

_MIXED_IN = {"srgb", "srgb-linear", "lab", "oklab", "lch", "oklch", "xyz-d65", "xyz-d50", "hsl", "hwb", "display-p3"}
_POLAR = {"hsl", "hwb", "lch", "oklch"}
_WAYS = {"shorter", "longer", "increasing", "decreasing"}  # around the circle of hues


def _mix(parts: list[list], dark: bool, current: RGBA | None, depth: int) -> Color | str | None:
    method, pair = (parts[0], parts[1:]) if len(parts) == 3 else ([], parts)
    words = [token.lower_value for token in method if token.type == "ident"]
    space = words[1] if len(words) > 1 else "oklab"
    space = "xyz-d65" if space == "xyz" else space
    if len(pair) != 2 or (method and words[:1] != ["in"]) or space not in _MIXED_IN or len(words) != len(method):
        return None
    way = words[2] if len(words) == 4 else "shorter"
    if way not in _WAYS:
        return None
    colours, shares = [], []
    for part in pair:
        numbers = [_number(token) for token in part]
        share = [number for number in numbers if number is not None and number.type == "percentage"]
        others = [token for token, number in zip(part, numbers) if number not in share]
        found = colour_of(others[0], dark, current, depth + 1) if len(others) == 1 and len(share) < 2 else None
        if found is None or any(not 0 <= token.value <= 100 for token in share):
            return None
        if isinstance(found, str):
            return "currentcolor"
        colours.append(found)
        shares.append(share[0].value / 100 if share else None)
    first, second = shares
    first = (1 - second if second is not None else 0.5) if first is None else first
    second = 1 - first if second is None else second
    total = first + second
    if total <= 0:
        return None
    mixed = _interpolate(colours[0], colours[1], space, second / total, way)
    return Color(mixed.space, mixed.coordinates, mixed.alpha * min(total, 1.0))


# --- colour spaces (CSS Color 4, section 18) -------------------------------------------------------------

_SPACES = _MIXED_IN | {"a98-rgb", "prophoto-rgb", "rec2020"}


def to_rgba(colour: Color) -> RGBA:
    """Convert to sRGB, each channel clipped to [0, 1]; `none` counts as 0."""
    plain = colour.space in ("srgb", "hsl", "hwb")
    r, g, b = (v or 0.0 for v in (colour.to("srgb") if plain else _converted(colour, "srgb")).coordinates)
    return min(max(r, 0.0), 1.0), min(max(g, 0.0), 1.0), min(max(b, 0.0), 1.0), colour.alpha


def linear_light(rgb: Triple) -> Triple:
    """Convert sRGB to linear light."""
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb)
    return r, g, b


def _converted(colour: Color, space: str) -> Color:
    """The colour in another space, not clipped; powerless hues become None."""
    return _from_engine(_to_engine(colour).convert(space))


def _interpolate(one: Color, two: Color, space: str, t: float, way: str) -> Color:
    """Interpolate two colours, premultiplied; missing (`none`) coordinates take the other's (CSS Color 4, 12)."""
    a, b = (_to_engine(colour).convert(space) for colour in (one, two))
    for i in range(3):
        a[i], b[i] = (b[i] if math.isnan(a[i]) else a[i]), (a[i] if math.isnan(b[i]) else b[i])
    if space in _POLAR and a["hue"] == b["hue"]:
        way = "shorter"  # a grey, which took the other's hue, does not lead once around
    return _from_engine(a.mix(b, t, space=space, hue=way, premultiplied=True))


@cache
def _engine() -> Any:
    """coloraide's class of colours; imported when first needed, as few drawings do and it takes a tenth of a second."""
    from coloraide import Color as Engine
    from coloraide.spaces.rec2020_oetf import Rec2020OETF

    Engine.register(Rec2020OETF(), silent=True)  # its own rec2020 is for displays
    return Engine


def _to_engine(colour: Color) -> Any:
    """A tinycss2 colour as coloraide's, which writes NaN for `none` and counts percentages from 0 to 1."""
    coordinates = [math.nan if v is None else v for v in colour.coordinates]
    if colour.space in ("hsl", "hwb"):
        coordinates[1:] = [v / 100 for v in coordinates[1:]]
    return _engine()("rec2020-oetf" if colour.space == "rec2020" else colour.space, coordinates, colour.alpha)


def _from_engine(colour: Any) -> Color:
    """The inverse of `_to_engine`."""
    coordinates = [None if math.isnan(v) else v for v in colour.coords()]
    if colour.space() in ("hsl", "hwb"):
        coordinates[1:] = [v and 100 * v for v in coordinates[1:]]
    return Color(colour.space(), coordinates, colour.alpha())
