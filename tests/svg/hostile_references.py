"""Hostile drawings: references, style sheets and attributes that demand too much. CASES: see hostile_documents."""

from tests.svg.hostile_documents import EITHER, ROWS, SHAPE, case, many

_CLIPPED = f'<g clip-path="url(#a)">{SHAPE}</g>'


def each(count: int, part: str):
    """`part` repeated `count` times, with @ replaced by 0, 1, ..."""
    return lambda: "".join(part.replace("@", str(i)) for i in range(count))


def _bomb(leaf, copies: int = 10, levels: int = 10, attributes="") -> dict:
    """Parts of a case with body $groups: each group uses the previous one several times."""

    def build() -> str:
        inner, more = (part() if callable(part) else part for part in (leaf, attributes))
        groups = [f'<g id="a0">{inner}</g>'] + [
            f'<g id="a{i}" {more}>' + f'<use href="#a{i - 1}"/>' * copies + "</g>" for i in range(1, levels)
        ]
        return f'<defs>{"".join(groups)}</defs><use href="#a{levels - 1}"/>'

    return {"groups": build}


def _chain(count: int, last: str):
    return lambda: "".join(f'<use id="a{i}" href="#a{i + 1}"/>' for i in range(count)) + last.replace("@", str(count))


_CIRCLES = {
    "use of itself": '<use id="a" href="#a"/>',
    "use of its group": '<g id="a"><use href="#a"/></g>',
    "use of each other": '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>',
    "symbol of itself": '<symbol id="a"><use href="#a"/></symbol><use href="#a"/>',
    "use of the root": '<use href="#root"/>',
    "clip path of itself": f'<clipPath id="a" clip-path="url(#a)">{SHAPE}</clipPath>{_CLIPPED}',
    "clip path's child of itself":
        f'<clipPath id="a"><path d="M0 0h9v9z" clip-path="url(#a)"/></clipPath>{_CLIPPED}',
    "clip paths of each other":
        f'<clipPath id="a" clip-path="url(#b)">{SHAPE}</clipPath>'
        f'<clipPath id="b" clip-path="url(#a)">{SHAPE}</clipPath>{_CLIPPED}',
    "clip path's use of itself": f'<clipPath id="a"><use id="u" href="#u"/></clipPath>{_CLIPPED}',
    "mask of itself":
        f'<mask id="a"><path d="M0 0h9v9z" mask="url(#a)" fill="#fff"/></mask><g mask="url(#a)">{SHAPE}</g>',
    "mask and clip path of each other":
        '<mask id="a"><path d="M0 0h9v9z" clip-path="url(#b)"/></mask>'
        f'<clipPath id="b"><path d="M0 0h9v9z" mask="url(#a)"/></clipPath><g mask="url(#a)">{SHAPE}</g>',
}
_FILLED = '<path d="M0 0h9v9z" fill="url(#g)"/>'
_GRADIENT = '<linearGradient id="g"><stop stop-color="red"/><stop offset="1"/></linearGradient>'
_REFERENCES = [
    *[case(name, body, "circular|nothing is painted|rows", 'id="root" viewBox="0 0 24 24"')
      for name, body in _CIRCLES.items()],
    case("gradient of itself", f'<linearGradient id="g" href="#g"/>{_FILLED}', "nothing is painted"),
    case("gradients of each other", '<linearGradient id="g" href="#h"><stop/></linearGradient>'
         f'<radialGradient id="h" href="#g"/>{_FILLED}', ROWS),
    case("use bomb", "$groups", "more than 14,000 elements", **_bomb(SHAPE)),
    case("use bomb of symbols", "$groups", "more than 14,000 elements",
         **_bomb(f'<symbol id="s">{SHAPE}</symbol><use href="#s"/>')),
    case("use bomb of long paths", "$groups", "segments|work",
         **_bomb(lambda: f'<path d="M0 0{"l1 1" * 9_000}"/>', levels=5)),
    case("use bomb of spaces", "$groups", "work", **_bomb(lambda: f'<path d="M0 0h9v9{" " * 1_000_000}"/>', levels=5)),
    case("use bomb of long transforms", "$groups", "work",
         **_bomb(SHAPE, levels=5, attributes=lambda: f'transform="{"scale(1)" * 50_000}"')),
    case("use bomb of quoted styles", "$groups", "work",
         **_bomb(SHAPE, levels=5, attributes=lambda: "style=\"%s\"" % ("fill:'a';" * 5_000))),
    case("use bomb of opacity", "$groups", "elements|work", **_bomb(SHAPE * 40, 20, attributes='opacity=".9"')),
    case("nested opacity over many shapes", "$groups", "elements|work",
         groups=lambda: ('<g opacity=".99">' * 190 + SHAPE * 40 + "</g>" * 190) * 85),
    case("90,000 unknown elements, used 10,000 times", '<g id="a">$unknown</g>$uses', "work",
         unknown=many("<x/>", 320_000), uses=many('<use href="#a"/>', 160_000)),
    case("100,000 attributes, used 10,000 times", '<g id="a" $names/>$uses', "work",
         names=each(100_000, 'a@="" '), uses=many('<use href="#a"/>', 160_000)),
    case("long language list, used 10,000 times", '<g id="a" systemLanguage="$names">$shape</g>$uses', "work",
         names=many("de,", 1_000_000), uses=many('<use href="#a"/>', 160_000)),
    case("mask of 80,000 unknown elements", '<mask id="m">$unknown</mask>$users', "work",
         unknown=many("<x/>", 320_000), users=many(f'<g mask="url(#m)">{SHAPE}</g>', 150_000)),
    case("10,000 gradients of a long one", '<linearGradient id="g">$unknown</linearGradient>$users', "work",
         unknown=many("<x/>", 320_000),
         users=each(9_000, '<linearGradient id="g@" href="#g"/><path d="M0 0h9v9z" fill="url(#g@)"/>')),
    case("chain of 10,000 uses", "$uses", "nested more than", uses=_chain(10_000, '<path id="a@" d="M0 0h9v9"/>')),
    case("chain of 3,000 uses in a clip path",
         '<clipPath id="c"><use href="#a0"/></clipPath><defs>$uses</defs><g clip-path="url(#c)">$shape</g>',
         "nested more than", uses=_chain(3_000, '<path id="a@" d="M0 0h9v9z"/>')),
    case("nested clips by box", '<clipPath id="c" clipPathUnits="objectBoundingBox"><path d="M0 0h1v1z"/></clipPath>'
         "$groups", "rows|work", groups=lambda: '<g clip-path="url(#c)">' * 60 + SHAPE * 20 + "</g>" * 60),
    case("90,000 ids alike", "$ids$uses", ids=many('<x id="a"/>', 900_000), uses=many('<use href="#a"/>', 80_000)),
    case("gradient of 100,000 stops", f'<linearGradient id="g">$stops</linearGradient>{_FILLED}', "256 stops",
         stops=many("<stop/>", 690_000)),
    case("chain of 10,000 gradients", "$chain", "work|nothing",
         chain=each(10_000, '<linearGradient id="g@" href="#g@0"/><path d="M0 0h9v9z" fill="url(#g@)"/>')),
    case("5,000 gradients of 200 stops",
         "$deep<linearGradient id='g'>$stops</linearGradient>$end$users", "256 stops|work",
         deep=many("<g>", 450), end=many("</g>", 600), stops=each(
             100, '<stop offset="@%" stop-color="red"/><stop offset="@.3%" stop-color="currentColor"/>'),
         users=each(5_000, '<linearGradient id="g@" href="#g"/><path d="M0 0h9v9z" fill="url(#g@)"/>')),
    case("repeated gradient", '<linearGradient id="g" x2=".001" spreadMethod="reflect">$stops</linearGradient>$shapes',
         "work", stops=each(100, '<stop offset="@%" stop-color="red"/><stop offset="@.3%"/>'),
         shapes=many(_FILLED, 100_000)),
    case("gradient of no extent", '<radialGradient id="g" r="1e-30" fx="1e8" gradientTransform="scale(1e-20)"><stop/>'
         f'<stop offset="1"/></radialGradient>{_FILLED}'),
    case("gradient with a broken transform",
         f'<linearGradient id="h" href="#g" gradientTransform="rotate(1.2.3)"/>{_GRADIENT}'
         + _FILLED.replace("#g", "#h")),
]

_STYLED = "<style>$sheet</style>"
_CLASSES = '<path class="a" d="M0 0h9v9"/>'
_SHEETS = [
    case("3 MB style sheet", _STYLED, "style sheets of more than", sheet=many(".a{fill:red}", 3_000_000)),
    *[case(f"15,000 elements, 190 kB of {rule}", f"{_STYLED}$elements", "work", sheet=many(rule, 190_000),
           elements=many(_CLASSES, 15_000 * len(_CLASSES)))
      for rule in (".a{r:2px}.a{fill:red}", "g>*{r:2px}", "x~path{r:2px}")],
    case("deep descendant selectors", f"{_STYLED}$open$shape$end", ROWS, sheet=many("* ", 40)().strip() + " b{r:2px}",
         open=many("<g>", 540), end=many("</g>", 720)),
    case("thousands of descendant selectors", f"{_STYLED}$open$shapes$end", "work|rows",
         sheet=many("g g path{fill:red}", 150_000), open=many("<g>", 540), end=many("</g>", 720),
         shapes=many(SHAPE, 10_000)),
    case("groups in groups, each used, under thousands of selectors", f"{_STYLED}$groups$uses", "work|rows|elements",
         sheet=many("g path{fill:red}", 30_000), uses=each(140, '<use href="#a@"/>'),
         groups=lambda: "".join(f'<g id="a{i}">' for i in range(140)) + SHAPE * 30 + "</g>" * 140),
    case("registered properties", f"{_STYLED}$shapes", "work|rows", shapes=many(SHAPE, 60_000),
         sheet=each(1_500, "@property --a@{inherits:false;initial-value:red}")),
    *[case(f"selector of 300 {step!r}", f"{_STYLED}$shape", ROWS, sheet=step.join("g" * 300) + "{r:2px}")
      for step in (" ", ">", "+", "~", " > ")],
    case("selector of 300 steps among others", f"{_STYLED}$shape", ROWS,
         sheet=" ".join("g" * 300) + ",a" * 40 + "{r:2px}"),
    case("siblings", f"{_STYLED}$shapes", ROWS, sheet="*~*~*~b{fill:red}", shapes=many(SHAPE, 100_000)),
    case(":has and :not", f"{_STYLED}$shapes", ROWS, sheet=many("g:has(> path):not(:is(a,b)){fill:red}", 90_000),
         shapes=many(SHAPE, 60_000)),
    case("attribute selectors on long attributes", f'{_STYLED}<path d="M0 0$data"/>', "work|segments",
         sheet=many("[d~='x']{fill:red}", 190_000), data=many(" h9 v9", 1_000_000)),
    case("long class list", f'{_STYLED}<path d="M0 0h9v9" class="$names"/>', sheet=".a{fill:red}",
         names=many("a b ", 3_000_000)),
    case("long declaration of many elements", f"{_STYLED}$shapes", "work", shapes=many(SHAPE, 300_000),
         sheet=lambda: "*{stroke-dasharray:" + "1 " * 90_000 + "}"),
    case("many declarations of many elements", f"{_STYLED}$shapes", shapes=many(SHAPE, 100_000),
         sheet=lambda: "*{" + "fill:red;" * 20_000 + "}"),
    *[case(f"{part!r} in a style sheet", f"{_STYLED}$shape", sheet=many(part, 190_000))
      for part in ("(", "a{", "a[", "/*", "a{b:'", "@media all{", "path{fill:", ":not(", "a>")],
    case("brackets in a declaration", f"{_STYLED}$shape",
         sheet=lambda: "path{fill:" + "(" * 90_000 + ")" * 90_000 + "}"),
    case("nested @media that close", f"{_STYLED}$shape",
         sheet=lambda: "@media all{" * 15_000 + "path{fill:red}" + "}" * 15_000),
    *[case(f"500,000 {part!r} in a style attribute", '<path d="M0 0h9v9" style="fill:/**/$text"/>',
           text=many(part, 500_000)) for part in ("(", "{", "'", "\\", "/*")],
    *[case(f"500,000 {part!r} in a paint", '<path d="M0 0h9v9" fill="$text"/>', text=many(part, 500_000))
      for part in ("rgb(", "url(", "(", " ", "#", "url( ", "red icc-color(")],
    case("19,000 colours", "$shapes", shapes=each(19_000, '<path d="M0 0h9v9" fill="rgb(@,0,0)"/>')),
    case("90,000 style sheets", "$sheets$shape", ROWS, sheets=many("<style/>", 720_000)),
]

_LONG = 3_000_000
_USED = '<defs><path id="a" d="M1 1h9v9z" stroke="red" {}/></defs><use href="#a"/>'
_LISTS = {
    "transform": ("rotate(1)", "a(", "a", "rotate ", "rotate(", " ", ",", "1"),
    "style": ("fill:red;", "fill:'a';", ";"),
    "class": ("a ",), "stroke-dasharray": ("1 ", "1,", "1", " "), "fill": ("url(",), "data-x": ("x",),
    "transform-origin": ("left ",), "systemLanguage": ("de,",), "clip-path": ("url(", " "),
    "requiredExtensions": ("x",),
}
_SHORTER = ("stroke-width", "fill", "opacity", "font-size", "stroke-miterlimit", "clip-path", "pathLength")
_ATTRIBUTES = [
    *[case(f"3 MB of {part!r} in {name}", _USED.format(f'{name}="$text"'), text=many(part, _LONG))
      for name, parts in _LISTS.items() for part in parts],
    *[case(f"3 MB of {part!r} in points", '<polygon points="$text"/>', "numbers|too large|nothing is painted",
           text=many(part, _LONG)) for part in ("1 2 ", "1", " ", ",", "1e", "-")],
    *[case(f"3 MB of {part!r} in the viewBox", "$shape", "viewBox|number|rows", 'viewBox="$text" width="9" height="9"',
           text=many(part, _LONG)) for part in ("1 ", "1", " ", ",")],
    case("3 MB aspect", "$shape", ROWS, 'viewBox="0 0 9 9" preserveAspectRatio="$text"', text=many("defer ", _LONG)),
    case("3 MB width", "$shape", EITHER, 'width="$text" height="1"', text=many("1", _LONG)),
    case("3 MB reference", '<use href="#$text"/>$shape', ROWS, text=many("x", _LONG)),
    case("long dash array, inherited", '<g stroke="red" stroke-dasharray="$text">$shapes</g>', "work",
         text=many("1 ", 100_000), shapes=many(SHAPE, 300_000)),
    *[case(f"100,000 {part!r} in {name}",
           f'<g {name}="$text!"><path stroke="red" {name}="$text!" d="M0 0h9v9z"/></g>', text=many(part, 100_000))
      for name in _SHORTER for part in ("1", ".1", "1e", " ", "url( ", "-")],
    *[case(f"100,000 {part!r} after 1 in {name}", f'<path stroke="red" {name}="1$text!" d="M0 0h9v9z"/>',
           text=many(part, 100_000)) for name in _SHORTER for part in (" ", "a", ".")],
    *[case(f"200,000 {part!r} in path data", '<path d="M0 0$text!"/>$shape', text=many(part, 200_000))
      for part in (*"1 .eE,+-AzM\n", ".1", "1.1", "1e1", "1e", "e+", " ,", ", ", "A1", "A ", "zM", "M0 0", "1 ", "A,",
                   "z,")],
    *[case(f"arc of {why}", '<path d="M0 0A$text!"/>$shape', text=text) for why, text in {
        "digits": "1" * 3_000, "gaps": ("1" + " " * 300) * 6, "commas": ("1" + "," * 300) * 6, "dots": ".1" * 3_000,
        "long numbers": ("1" * 300 + " ") * 6, "mixed gaps": ("1" + " , " * 100) * 6, "flags": "1 1 1 " + "01" * 3_000,
    }.items()],
    *[case(f"url({gap!r} x 20,000 in {name}", f'<path d="M0 0h9v9z" {name}="url($text#a"/>', text=many(gap, 40_000))
      for name in ("fill", "clip-path", "filter") for gap in (" ", "'", "' ", ") ", "\n")],
    case("4,000 paints of 900 letters", "$shapes",
         shapes=each(4_000, '<path d="M0 0h9v9z" fill="url(#' + "x" * 900 + '@)"/>')),
]
CASES = [*_REFERENCES, *_SHEETS, *_ATTRIBUTES]
