"""CSS Color 4 and 5 colours as sRGB: names, functions, colour spaces, color-mix(), light-dark(), system colours.

tinycss2 parses the functions; this module adds calc(), mixed units, `none` as alpha, and the conversion to sRGB, which
clips out-of-gamut channels as browsers do.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache

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
        spend(30 + text.count("("), "colours")
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
    return found if found is None or isinstance(found, str) or found.space in _TO_SRGB else None


def _contrast(colour: Color | str | None) -> Color | str | None:
    """Black or white, whichever stands out more (CSS Color 5, section 6; WCAG 2.1, contrast ratio)."""
    if not isinstance(colour, Color):
        return colour
    r, g, b, _ = to_rgba(colour)
    light = sum(weight * value for weight, value in zip(_LINEAR_TO_XYZ[1], linear_light((r, g, b))))
    return Color("srgb", [1.0, 1.0, 1.0] if 1.05 / (light + 0.05) > (light + 0.05) / 0.05 else [0.0, 0.0, 0.0], 1)


_WIDE_SPACES = re.compile(r"(?:color|lab|lch|oklab|oklch|color-mix)\(", re.IGNORECASE)


def mixes_in_oklab(text: str) -> bool:
    """Whether a stop colour makes a gradient interpolate in Oklab: any non-legacy colour syntax (CSS Images 4, 3.1)."""
    return "(" in text and _WIDE_SPACES.search(text) is not None


def interpolate(one: RGBA, two: RGBA, t: float, space: str) -> RGBA:
    """The colour at t of a gradient in a colour space, not premultiplied."""
    start, end = (Color("srgb", colour[:3], 1.0) for colour in (one, two))
    return (*to_rgba(_interpolate(start, end, space, t, "shorter"))[:3], one[3] + t * (two[3] - one[3]))


def _relative(function, dark: bool, current: RGBA | None, depth: int) -> ast.FunctionBlock | str | None:
    """Replace channel keywords in `oklch(from red l c h)` by numbers (CSS Color 5, section 4); others unchanged."""
    words = [token for token in function.arguments if token.type not in ("whitespace", "comment")]
    if len(words) < 3 or words[0].type != "ident" or words[0].lower_value != "from":
        return function
    name = function.lower_name
    named = words[2].lower_value if name == "color" and words[2].type == "ident" else name.removesuffix("a")
    space = {"rgb": "srgb", "xyz": "xyz-d65"}.get(named, named)
    origin = colour_of(words[1], dark, current, depth + 1)
    if not isinstance(origin, Color) or space not in _FROM_SRGB:
        return origin if isinstance(origin, str) else None
    scale = 255 if name.startswith("rgb") else 1
    channels = [scale * (v or 0.0) for v in _converted(origin, space)]
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

_POLAR = {"hsl": 0, "hwb": 0, "lch": 2, "oklch": 2}  # which coordinate is the hue
_MIXED_IN = {"srgb", "srgb-linear", "lab", "oklab", "lch", "oklch", "xyz-d65", "xyz-d50", "hsl", "hwb", "display-p3"}


def _mix(parts: list[list], dark: bool, current: RGBA | None, depth: int) -> Color | str | None:
    method, pair = (parts[0], parts[1:]) if len(parts) == 3 else ([], parts)
    words = [token.lower_value for token in method if token.type == "ident"]
    space = words[1] if len(words) > 1 else "oklab"
    space = "xyz-d65" if space == "xyz" else space
    if len(pair) != 2 or (method and words[:1] != ["in"]) or space not in _MIXED_IN or len(words) != len(method):
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
    mixed = _interpolate(colours[0], colours[1], space, second / total, words[2] if len(words) == 4 else "shorter")
    return Color(mixed.space, mixed.coordinates, mixed.alpha * min(total, 1.0))


def _interpolate(one: Color, two: Color, space: str, t: float, way: str) -> Color:
    """Interpolate two colours, premultiplied; missing (`none`) coordinates take the other's (CSS Color 4, 12)."""
    a, b = list(_converted(one, space)), list(_converted(two, space))
    for i in range(3):
        a[i], b[i] = (b[i] if a[i] is None else a[i]), (a[i] if b[i] is None else b[i])
    a, b = [v or 0.0 for v in a], [v or 0.0 for v in b]
    hue = _POLAR.get(space)
    if hue is not None:
        turn = (b[hue] - a[hue]) % 360
        if (way == "shorter" and turn > 180) or (way == "longer" and 0 < turn < 180) or way == "decreasing":
            turn -= 360 if turn else 0
        b[hue] = a[hue] + turn
    alpha = one.alpha + t * (two.alpha - one.alpha)
    values = []
    for i in range(3):
        if i == hue or alpha == 0:
            values.append(a[i] + t * (b[i] - a[i]))
        else:
            values.append((a[i] * one.alpha * (1 - t) + b[i] * two.alpha * t) / alpha)
    return Color(space, values, alpha)


def _converted(colour: Color, space: str) -> tuple:
    """Coordinates in another space; powerless hues and `none` become None."""
    if colour.space == space:
        return colour.coordinates
    coordinates = _FROM_SRGB[space](_TO_SRGB[colour.space](*(v or 0.0 for v in colour.coordinates)))
    hue = _POLAR.get(space)
    grey = hue is not None and (
        coordinates[1] < (1e-4 if space == "oklch" else 1e-2) if space != "hwb" else sum(coordinates[1:]) >= 100 - 1e-6
    )
    return tuple(None if grey and i == hue else v for i, v in enumerate(coordinates))


# --- colour spaces (CSS Color 4, section 18) -------------------------------------------------------------

def to_rgba(colour: Color) -> RGBA:
    """Convert to sRGB, each channel clipped to [0, 1]; `none` counts as 0."""
    r, g, b = _TO_SRGB[colour.space](*(v or 0.0 for v in colour.coordinates))
    return min(max(r, 0.0), 1.0), min(max(g, 0.0), 1.0), min(max(b, 0.0), 1.0), colour.alpha


def _apply_matrix(matrix: tuple[Triple, Triple, Triple], v: Sequence[float]) -> Triple:
    one, two, three = (row[0] * v[0] + row[1] * v[1] + row[2] * v[2] for row in matrix)
    return one, two, three


_XYZ_TO_LINEAR = (
    (3.2409699419045226, -1.537383177570094, -0.4986107602930034),
    (-0.9692436362808796, 1.8759675015077202, 0.04155505740717559),
    (0.05563007969699366, -0.20397695888897652, 1.0569715142428786),
)
_LINEAR_TO_XYZ = (
    (0.41239079926595934, 0.357584339383878, 0.1804807884018343),
    (0.21263900587151027, 0.715168678767756, 0.07219231536073371),
    (0.01933081871559182, 0.11919477979462598, 0.9505321522496607),
)
_P3_TO_XYZ = (
    (0.4865709486482162, 0.26566769316909306, 0.1982172852343625),
    (0.2289745640697488, 0.6917385218365064, 0.079286914093745), (0.0, 0.04511338185890264, 1.043944368900976),
)
_XYZ_TO_P3 = (
    (2.493496911941425, -0.9313836179191239, -0.40271078445071684),
    (-0.8294889695615747, 1.7626640603183463, 0.023624685841943577),
    (0.03584583024378447, -0.07617238926804182, 0.9568845240076872),
)
_A98_TO_XYZ = (
    (0.5766690429101305, 0.1855582379065463, 0.1882286462349947),
    (0.29734497525053605, 0.6273635662554661, 0.07529145849399788),
    (0.02703136138641234, 0.07068885253582723, 0.9913375368376388),
)
_PROPHOTO_TO_XYZ50 = (
    (0.7977666449006423, 0.13518129740053308, 0.0313477341283922),
    (0.2880748288194013, 0.711835234241873, 0.00008993693872564), (0.0, 0.0, 0.8251046025104602),
)
_REC2020_TO_XYZ = (
    (0.6369580483012914, 0.14461690358620832, 0.1688809751641721),
    (0.2627002120112671, 0.6779980715188708, 0.05930171646986196), (0.0, 0.028072693049087428, 1.060985057710791),
)
_D50_TO_D65 = (
    (0.955473421488075, -0.02309845494876471, 0.06325924320057072),
    (-0.0283697093338637, 1.0099953980813041, 0.021041441191917323),
    (0.012314014864481998, -0.020507649298898964, 1.330365926242124),
)
_D65_TO_D50 = (
    (1.0479297925449969, 0.022946870601609652, -0.05019226628920524),
    (0.02962780877005599, 0.9904344267538799, -0.017073799063418826),
    (-0.009243040646204504, 0.015055191490298152, 0.7518742814281371),
)
_OKLAB_TO_LMS = (
    (1.0, 0.3963377773761749, 0.2158037573099136), (1.0, -0.1055613458156586, -0.0638541728258133),
    (1.0, -0.0894841775298119, -1.2914855480194092),
)
_LMS_TO_XYZ = (
    (1.2268798758459243, -0.5578149944602171, 0.2813910456659647),
    (-0.0405757452148008, 1.112286803280317, -0.0717110580655164),
    (-0.0763729366746601, -0.4214933324022432, 1.5869240198367816),
)
_XYZ_TO_LMS = (
    (0.819022437996703, 0.3619062600528904, -0.1288737815209879),
    (0.0329836539323885, 0.9292868615863434, 0.0361446663506424),
    (0.0481771893596242, 0.2642395317527308, 0.6335478284694309),
)
_LMS_TO_OKLAB = (
    (0.210454268309314, 0.7936177747023054, -0.0040720430116193),
    (1.9779985324311684, -2.4285922420485799, 0.450593709617411),
    (0.0259040424655478, 0.7827717124575296, -0.8086757549230774),
)
_WHITE_D50 = (0.3457 / 0.3585, 1.0, (1 - 0.3457 - 0.3585) / 0.3585)
_KAPPA, _EPSILON = 24389 / 27, 216 / 24389


def _signed_power(v: float, exponent: float) -> float:
    return math.copysign(abs(v) ** exponent, v)


def _linear(v: float) -> float:
    return v / 12.92 if abs(v) <= 0.04045 else math.copysign(((abs(v) + 0.055) / 1.055) ** 2.4, v)


def _gamma(v: float) -> float:
    return 12.92 * v if abs(v) <= 0.0031308 else math.copysign(1.055 * abs(v) ** (1 / 2.4) - 0.055, v)


def linear_light(rgb: Triple) -> Triple:
    """Convert sRGB to linear light."""
    r, g, b = rgb
    return _linear(r), _linear(g), _linear(b)


def _from_linear(rgb: Triple) -> Triple:
    r, g, b = rgb
    return _gamma(r), _gamma(g), _gamma(b)


def _from_xyz(*xyz: float) -> Triple:
    return _from_linear(_apply_matrix(_XYZ_TO_LINEAR, xyz))


def _to_xyz(rgb: Triple) -> Triple:
    return _apply_matrix(_LINEAR_TO_XYZ, linear_light(rgb))


def _from_xyz50(*xyz: float) -> Triple:
    return _from_xyz(*_apply_matrix(_D50_TO_D65, xyz))


def _from_lab(lightness: float, a: float, b: float) -> Triple:
    fy = (lightness + 16) / 116
    fx, fz = fy + a / 500, fy - b / 200
    x, z = ((f**3 if f**3 > _EPSILON else (116 * f - 16) / _KAPPA) for f in (fx, fz))
    y = fy**3 if lightness > _KAPPA * _EPSILON else lightness / _KAPPA
    return _from_xyz50(x * _WHITE_D50[0], y, z * _WHITE_D50[2])


def _to_lab(rgb: Triple) -> Triple:
    xyz = _apply_matrix(_D65_TO_D50, _to_xyz(rgb))
    fx, fy, fz = (
        math.cbrt(v) if v > _EPSILON else (_KAPPA * v + 16) / 116
        for v in (value / white for value, white in zip(xyz, _WHITE_D50))
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _from_oklab(lightness: float, a: float, b: float) -> Triple:
    long, medium, short = _apply_matrix(_OKLAB_TO_LMS, (lightness, a, b))
    return _from_xyz(*_apply_matrix(_LMS_TO_XYZ, (long**3, medium**3, short**3)))


def _to_oklab(rgb: Triple) -> Triple:
    long, medium, short = _apply_matrix(_XYZ_TO_LMS, _to_xyz(rgb))
    return _apply_matrix(_LMS_TO_OKLAB, (math.cbrt(long), math.cbrt(medium), math.cbrt(short)))


def _rectangular(lightness: float, chroma: float, hue: float) -> Triple:
    chroma = max(chroma, 0.0)
    return lightness, chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))


def _polar(lab: Triple) -> Triple:
    lightness, a, b = lab
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def _from_hsl(hue: float, saturation: float, lightness: float) -> Triple:
    saturation, lightness = max(saturation, 0.0) / 100, lightness / 100
    swing = saturation * min(lightness, 1 - lightness)

    def channel(n: int) -> float:
        k = (n + hue / 30) % 12
        return lightness - swing * max(-1.0, min(k - 3, 9 - k, 1.0))

    return channel(0), channel(8), channel(4)


def _from_hwb(hue: float, white: float, black: float) -> Triple:
    white, black = white / 100, black / 100
    if white + black >= 1:
        return (white / (white + black),) * 3
    r, g, b = (v * (1 - white - black) + white for v in _from_hsl(hue, 100.0, 50.0))
    return r, g, b


def _hue(rgb: Triple) -> float:
    (r, g, b), high, low = rgb, max(rgb), min(rgb)
    if high == low:
        return 0.0
    if high == r:
        return 60 * ((g - b) / (high - low) % 6)
    return 60 * ((b - r) / (high - low) + 2) if high == g else 60 * ((r - g) / (high - low) + 4)


def _to_hsl(rgb: Triple) -> Triple:
    high, low = max(rgb), min(rgb)
    lightness = (high + low) / 2
    room = min(lightness, 1 - lightness)
    return _hue(rgb), 100 * (high - lightness) / room if room > 0 else 0.0, 100 * lightness


def _rec2020(v: float) -> float:
    alpha, beta = 1.09929682680944, 0.018053968510807
    return v / 4.5 if abs(v) < beta * 4.5 else math.copysign(((abs(v) + alpha - 1) / alpha) ** (1 / 0.45), v)


def _prophoto(v: float) -> float:
    return v / 16 if abs(v) <= 16 / 512 else _signed_power(v, 1.8)


_TO_SRGB = {
    "srgb": lambda r, g, b: (r, g, b),
    "srgb-linear": lambda r, g, b: _from_linear((r, g, b)),
    "hsl": _from_hsl, "hwb": _from_hwb, "lab": _from_lab, "oklab": _from_oklab,
    "lch": lambda *v: _from_lab(*_rectangular(*v)),
    "oklch": lambda *v: _from_oklab(*_rectangular(*v)),
    "xyz-d65": _from_xyz, "xyz-d50": _from_xyz50,
    "display-p3": lambda *v: _from_xyz(*_apply_matrix(_P3_TO_XYZ, linear_light(v))),
    "a98-rgb": lambda *rgb: _from_xyz(*_apply_matrix(_A98_TO_XYZ, tuple(_signed_power(v, 563 / 256) for v in rgb))),
    "prophoto-rgb": lambda r, g, b: _from_xyz50(*_apply_matrix(_PROPHOTO_TO_XYZ50, tuple(map(_prophoto, (r, g, b))))),
    "rec2020": lambda r, g, b: _from_xyz(*_apply_matrix(_REC2020_TO_XYZ, tuple(map(_rec2020, (r, g, b))))),
}
_FROM_SRGB = {
    "srgb": lambda rgb: rgb, "srgb-linear": linear_light, "hsl": _to_hsl,
    "hwb": lambda rgb: (_hue(rgb), 100 * min(rgb), 100 * (1 - max(rgb))),
    "lab": _to_lab, "oklab": _to_oklab, "lch": lambda rgb: _polar(_to_lab(rgb)),
    "oklch": lambda rgb: _polar(_to_oklab(rgb)),
    "xyz-d65": _to_xyz, "xyz-d50": lambda rgb: _apply_matrix(_D65_TO_D50, _to_xyz(rgb)),
    "display-p3": lambda rgb: tuple(map(_gamma, _apply_matrix(_XYZ_TO_P3, _to_xyz(rgb)))),
}
