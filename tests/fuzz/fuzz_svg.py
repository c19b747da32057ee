"""Fuzz target: any bytes as an SVG, any numbers as rows. Only ValueError may be raised, and results must be valid.

    python tests/fuzz/fuzz_svg.py -max_total_time=60 tests/fuzz/corpus

The first byte selects the input: raw bytes, a document built from SVG names, or a matrix.
"""

import sys
from xml.etree import ElementTree

import atheris
import numpy as np

with atheris.instrument_imports(include=[
    "svgfusion_lib.svg", *(f"svgfusion_lib.utils.{name}" for name in ("svg_parser", "tensorsvg", "hybrid_utils")),
]):
    from svgfusion_lib.svg import row_format as rf
    from svgfusion_lib.utils.hybrid_utils import sanitize_rows
    from svgfusion_lib.utils.svg_parser import parse_svg
    from svgfusion_lib.utils.tensorsvg import rows_to_svg

TAGS = [
    "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "g", "use", "svg", "symbol", "defs",
    "clipPath", "mask", "linearGradient", "radialGradient", "stop", "style", "switch", "a", "text", "image",
    "pattern", "marker",
]
NAMES = [
    "d", "x", "y", "width", "height", "rx", "ry", "r", "cx", "cy", "x1", "y1", "x2", "y2", "fx", "fy", "fr",
    "points", "id", "href", "xlink:href", "class", "style", "transform", "transform-origin", "viewBox",
    "preserveAspectRatio", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "opacity", "fill-opacity", "fill-rule",
    "clip-path", "clip-rule", "mask", "clipPathUnits", "maskUnits", "maskContentUnits", "mask-type",
    "gradientUnits", "gradientTransform", "spreadMethod", "offset", "stop-color", "stop-opacity", "display",
    "visibility", "overflow", "paint-order", "vector-effect", "pathLength", "color", "font-size", "marker-start",
    "marker-mid", "marker-end", "markerUnits", "markerWidth", "orient", "refX", "patternUnits", "patternTransform",
    "patternContentUnits", "requiredExtensions", "systemLanguage", "color-interpolation",
]
VALUES = [
    "M2 2h9v9z", "M1 1C2 3 4 5 6 7S8 9 1 2", "M1 1a5 3 20 0 1 6 6", "M0 0q3 3 6 0t6 0", "m3,3-1.5.5 2-2z",
    "url(#a)", "url(#b)", "#a", "#b", "a", "b", "0", "1", "-3", "12", "50%", "1e9", "1e-9", "1e400", "nan", "2em",
    "3mm", "none", "red", "#0f08", "hsl(9 9% 9%)", "currentColor", "inherit", "evenodd", "round", "bevel",
    "objectBoundingBox", "userSpaceOnUse", "reflect", "repeat", "rotate(30)", "scale(2 .1)", "skewX(89.9)",
    "matrix(1 0 0 0 1 1)", "translate(1e8)", "0 0 24 24", "0 0 1e-9 9", "1 2 3", "4 0 2", "stroke",
    "non-scaling-stroke", "hidden", "visible", "alpha", "white", "black", "fill:red;stroke:url(#b)",
    "1,1 9,1 9,9", "xMinYMax slice", "en", "0.5", "2", "var(--a)", "var(--b, red)", "--a:var(--b);--b:var(--a)",
    "--a:3px;stroke-width:var(--a)", "calc(1em + 50%)", "min(1px, 2vw)", "calc(1px / 0)", "oklch(.5 .1 20)",
    "color-mix(in lch, red, currentColor 20%)", "color(display-p3 1 0 0 / none)", "light-dark(red, #fff)", "auto",
    "initial", "unset", "context-fill", "context-stroke", "url(#a) red", "auto-start-reverse", "left", "larger",
    "rotate:45deg;scale:2 3;translate:50%", "transform:rotateX(3deg) translateZ(0)", "transform-box:fill-box",
    "background:red", "linearRGB", "rgb(from red g r calc(b + 1))", "mask:url(#a)", "all:unset", "marker:url(#b)",
]

CSS = [
    *TAGS[:8], "*", ".a", "#b", " ", "&gt;", "~", "+", ",", "[d]", ":hover", "{", "}", "{fill:blue}", "{r:3px}",
    "{stroke:red!important}", "{transform:scale(2)}", "{d:path('M0 0h9v9z')}", "@media all{", "/*", "*/", "'", "(",
    ";", ":", "clip-path:url(#b)", "@supports (fill:red){", "@layer x{", "@media (min-width:1px) and (color){", "&amp;",
    ":is(", ":not(", ":nth-child(2n)", ":root", ":has(", ")", "{--a:red;fill:var(--a)}", "@layer a,b;", "!important",
]
ROOTS = [
    'viewBox="0 0 24 24"', "", 'width="9" height="5mm"', 'viewBox="-1e3 2 1e4 1e-3" width="9"', 'width="50%"',
    'viewBox="0 0 1e-7 1e7"', 'viewBox="1 1 8 6" preserveAspectRatio="xMaxYMin slice" width="4" height="40"',
]


def document(data: atheris.FuzzedDataProvider, depth: int = 0) -> str:
    """An element built from SVG names, with children."""
    tag = data.PickValueInList(TAGS)
    attributes = {}
    for _ in range(data.ConsumeIntInRange(0, 6)):
        raw = data.ConsumeIntInRange(0, 9) == 0
        value = data.ConsumeUnicodeNoSurrogates(20) if raw else data.PickValueInList(VALUES)
        value = "".join(c for c in value if c.isprintable())
        attributes[data.PickValueInList(NAMES)] = value.translate({34: "&quot;", 38: "&amp;", 60: "&lt;"})
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    if tag == "style":
        inner = "".join(data.PickValueInList(CSS) for _ in range(data.ConsumeIntInRange(1, 9)))
    else:
        inner = "".join(document(data, depth + 1) for _ in range(data.ConsumeIntInRange(0, 3) if depth < 5 else 0))
    return f"<{tag}{written}>{inner}</{tag}>"


def check_rows(rows: np.ndarray) -> None:
    """Invariants of every matrix that the parser or the sanitiser returns."""
    assert np.isfinite(rows).all() and rows.dtype == np.float32 and rows.shape[1] == rf.NUM_COLUMNS
    assert rows[0, rf.ELEMENT] == rf.BOS and rows[-1, rf.ELEMENT] == rf.EOS
    ElementTree.fromstring(rows_to_svg(rows))


def check_sanitized(rows: np.ndarray) -> None:
    """The sanitiser leaves valid rows unchanged."""
    again = sanitize_rows(rows)
    assert again.shape == rows.shape, f"{len(rows)} rows became {len(again)}"
    assert np.abs(again - rows).max(initial=0) < 1e-6


def check_svg(source: str | bytes) -> None:
    try:
        parsed = parse_svg(source)
    except ValueError as error:
        assert str(error).strip() and "\n" not in str(error), repr(str(error))
        return
    check_rows(parsed.rows)
    if np.abs(parsed.rows[:, rf.GEOMETRY]).max() <= rf.POSITION_LIMIT and parsed.rows[:, rf.STROKE_WIDTH].max() <= 2:
        check_sanitized(parsed.rows)  # points far outside the canvas are moved closer
    text = rows_to_svg(parsed.rows, parsed.size)
    ElementTree.fromstring(text)
    try:
        check_rows(parse_svg(text).rows)
    except ValueError as error:  # too small for the writer's decimals, or clipped away by them
        assert "nothing is painted" in str(error) or "too" in str(error), error


def check_matrix(data: atheris.FuzzedDataProvider) -> None:
    count = data.ConsumeIntInRange(0, 12)
    matrix = np.array([
        data.ConsumeIntInRange(-1, 9) if data.ConsumeBool() else data.ConsumeFloat()
        for _ in range(count * rf.NUM_COLUMNS)
    ], dtype=np.float64).reshape(count, rf.NUM_COLUMNS)
    rows = sanitize_rows(matrix)
    check_rows(rows)
    check_sanitized(rows)


def test_one_input(raw: bytes) -> None:
    data = atheris.FuzzedDataProvider(raw[1:])
    kind = raw[0] % 4 if raw else 0
    if kind == 0:
        check_svg(raw[1:])
    elif kind == 1:
        check_matrix(data)
    else:
        body = "".join(document(data) for _ in range(data.ConsumeIntInRange(1, 4)))
        check_svg(
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f"{data.PickValueInList(ROOTS)}>"
            '<linearGradient id="a"><stop stop-color="red"/><stop offset="1"/></linearGradient>'
            f'<clipPath id="b"><circle cx="9" cy="9" r="8"/></clipPath>{body}</svg>'
        )


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
