# ruff: noqa: E501 - tables of SVG text
"""Hostile values, sheets, markers and patterns: cycles, bombs, deep nesting, and absurd amounts of everything."""

from tests.svg.hostile_documents import ROWS, case, many


def chain(count: int, value: str) -> str:
    """Custom properties, each with the next one in its value."""
    return ";".join(f"--v{i}:{value.replace('NEXT', f'var(--v{i + 1})')}" for i in range(count)) + f";--v{count}:red"


def nest(text: str, depth: int, inner: str) -> str:
    """`inner` wrapped `depth` times in `text`, where … marks the content."""
    start, end = text.split("…")
    return start * depth + inner + end * depth


def classes(count: int) -> str:
    return "".join(f'<rect class="c{i}" width="3" height="3"/>' for i in range(count))


VARIABLES = [
    case("var() in a circle", '<g style="--a:var(--b);--b:var(--c);--c:var(--a)"><rect width="3" height="3" fill="var(--a, red)"/></g>', ROWS),
    case("var() that doubles 60 times", f'<rect width="3" height="3" style="{chain(60, "NEXT NEXT")};fill:var(--v0, red)"/>', ROWS),
    case("var() in a chain of 5,000", f'<rect width="3" height="3" style="{chain(5000, "NEXT")};fill:var(--v0, red)"/>', ROWS),
    case("var() in 2,000 fallbacks", f'<rect width="3" height="3" fill="{nest("var(--a, …)", 2000, "red")}"/>$shape'),
    case("5,000 variables on 2,000 elements", f'<g style="{chain(5000, "x")}">$shapes</g>', shapes=many('<rect width="3" height="3" fill="var(--v9, red)"/>', 90_000)),
    case("a long variable in 5,000 values", '<g style="--a:$long">$shapes</g>', long=many("a ", 9_000), shapes=many('<path d="M0 0h9v9" stroke-dasharray="var(--a)"/>', 300_000)),
    case("variables set anew 300 deep", nest(f'<g style="{chain(40, "NEXT")}">…</g>', 280, "$shape")),
]
MATH = [
    case("calc() 3,000 deep", f'<rect width="{nest("calc(… + 1px)", 3000, "1px")}" height="3"/>$shape'),
    case("calc() of 100,000 sums", '<rect width="calc(1px$more)" height="3"/>$shape', more=many(" + 1px", 600_000)),
    case("20,000 different calc()", "$shapes", shapes=lambda: "".join(f'<rect width="calc(1px + {i}px)" height="3"/>' for i in range(20_000))),
    case("numbers beyond all measure in calc()", '<rect width="calc(1e300px * 1e300)" height="3"/><rect width="calc(1px / 0)" height="calc(infinity * 1px)"/>$shape', ROWS),
]
COLOURS = [
    case("color-mix() 2,000 deep", f'<rect width="3" height="3" style="fill:{nest("color-mix(in srgb, …, red)", 2000, "blue")}"/>$shape'),
    case("20,000 different colours of another space", "$shapes", shapes=lambda: "".join(f'<rect width="3" height="3" fill="oklch({i / 2e4} .1 {i})"/>' for i in range(20_000))),
    case("250 stops through Oklab, 400 times", '<linearGradient id="g">$stops</linearGradient>$shapes', stops=lambda: "".join(f'<stop offset="{i / 250}" stop-color="oklch(.5 .1 {i})"/>' for i in range(250)), shapes=many('<rect width="9" height="9" fill="url(#g)"/>', 15_000)),
]
SHEETS = [
    case("@media 3,000 deep", f"<style>{nest('@media screen{…}', 3000, 'rect{fill:red}')}</style>$shape"),
    case("@media and its not 3,000 deep", f"<style>@media {nest('(not …)', 3000, '(color)')}{{path{{fill:red}}}}</style>$shape"),
    case("10,000 media queries", "<style>@media $queries{path{fill:red}}</style>$shape", queries=many("(min-width:1px),", 160_000)),
    case("@supports 3,000 deep", f"<style>@supports {nest('(…)', 3000, '(fill:red)')}{{path{{fill:red}}}}</style>$shape"),
    case("10,000 layers", "<style>$layers</style>$shape", layers=lambda: "".join(f"@layer a{i}.b.c{{path{{fill:red}}}}" for i in range(5_000))),
    case("nested rules 25 deep that double", f"<style>{nest('&amp;,&amp; &amp;{…}', 25, 'fill:red')}</style>$shape"),
    case("nested rules 3,000 deep", f"<style>{nest('g{…}', 3000, 'fill:red')}</style>$shape"),
    case(":is() 500 deep", f"<style>{nest(':is(…)', 500, 'path')}{{fill:red}}</style>$shape"),
    case(":has() of all", "<style>:has(:has(:has(rect))){fill:red}</style>$shapes", shapes=many('<g><rect width="1" height="1"/></g>', 200_000)),
    case(":nth-of-type of many", "<style>rect:nth-of-type(2n+1){fill:red}rect:nth-last-of-type(3n){fill:blue}</style>$shapes", shapes=many('<rect width="1" height="1"/>', 200_000)),
    case("3,000 rules on 3,000 elements", "<style>$rules</style>$shapes", rules=lambda: "".join(f".c{i}{{fill:red;--a{i}:b}}" for i in range(3_000)), shapes=lambda: classes(3_000)),
    case("a font of 3 MB", "<style>@font-face{src:url(data:font/woff2;base64,$data)}path{fill:red}</style>$shape", ROWS, data=many("A", 3_000_000)),
]
MARKER = '<marker id="m" markerUnits="userSpaceOnUse" overflow="visible">{}</marker>'
MARKERS = [
    case("markers on 50,000 vertices", MARKER.format('<path d="M0 0h1v1"/>') + '<path d="M0 0$points" marker-mid="url(#m)"/>', points=many("h.1v.1", 300_000)),
    case("markers on markers 12 deep", "".join(f'<marker id="m{i}" markerUnits="userSpaceOnUse" overflow="visible"><path d="M0 0h1v1h1v1" marker-mid="url(#m{i + 1})" marker-end="url(#m{i + 1})"/></marker>' for i in range(12)) + '<path d="M0 0h9v9h9" marker-mid="url(#m0)"/>'),
    case("markers that cut, many times", MARKER.replace(' overflow="visible"', ' orient="auto"').format('<circle r="9"/>') + '<path d="M0 0$points" marker-mid="url(#m)"/>', points=many("l.1.2l-.1.3", 20_000)),
    case("a marker of a circle of markers", MARKER.format('<path d="M0 0h1" marker-end="url(#m)"/>') + '<path d="M0 0h9v9" marker-end="url(#m)"/>', ROWS),
]
PATTERN = '<pattern id="p" width="{0}" height="{0}" patternUnits="userSpaceOnUse">{1}</pattern>'
PATTERNS = [
    case("a million tiles", PATTERN.format(0.01, '<rect width=".01" height=".005"/>') + '<rect width="24" height="24" fill="url(#p) red"/>', ROWS),
    case("400 tiles cut by an outline that crosses itself", PATTERN.format(1.3, '<circle r="1"/>') + '<path d="M0 0$points" fill="url(#p)"/>', points=many("L9 20L20 3L2 17", 3_000)),
    case("tiles for 500 shapes", PATTERN.format(2, '<circle r="1.5"/>') + "$shapes", shapes=many('<circle cx="12" cy="12" r="11" fill="url(#p)"/>', 25_000)),
    case("patterns in patterns 12 deep", "".join(f'<pattern id="p{i}" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="url(#p{i + 1})"/><circle r="2"/></pattern>' for i in range(12)) + '<rect width="24" height="24" fill="url(#p0)"/>'),
    case("a pattern in itself", PATTERN.format(6, '<rect width="3" height="3" fill="url(#p) red"/>') + '<rect width="24" height="24" fill="url(#p)"/>', ROWS),
    case("patterns in a circle of href", '<pattern id="a" href="#b"/><pattern id="b" href="#a"/><rect width="3" height="3" fill="url(#a) red"/>', ROWS),
]
BOXES = [
    case("boxes of boxes", nest('<g style="transform-box:fill-box;transform:scale(.99);transform-origin:center">…</g>', 150, '<rect width="3" height="3"/>')),
    case("masks by boxes, nested", '<mask id="m"><rect width="99" height="99" fill="#fff"/></mask>' + nest('<g mask="url(#m)">…</g>', 150, '<rect width="3" height="3"/>')),
    case("a wide group with a box for each child", '<mask id="m"><rect width="99" height="99" fill="#fff"/></mask><g mask="url(#m)">$shapes</g>', shapes=many('<g mask="url(#m)"><rect width="3" height="3"/></g>', 100_000)),
]
CASES = [*VARIABLES, *MATH, *COLOURS, *SHEETS, *MARKERS, *PATTERNS, *BOXES]
