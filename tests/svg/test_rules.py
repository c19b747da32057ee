# ruff: noqa: E501 - tables of SVG text
"""What browsers draw, rule by rule: each row is a rule, an SVG, the expected elements, and the spec section.

Documents are 24 x 24. Fills, strokes and positions of the expected elements are compared, as written from rows.
"""

import pytest

RECT = '<rect width="3" height="3"/>'
SHAPE, PATH = '<path d="M0 0h3v3h-3z"/>', '<path d="M0 0H3V3H0Z"'
DRAWN = '<rect x="0" y="0" width="3" height="3"'
RED, BLUE, BLACK = [f'{DRAWN} fill="#f00"/>'], [f'{DRAWN} fill="#00f"/>'], [f"{DRAWN}/>"]
LINE = '<path d="M2 2H9" fill="none" stroke="#f00"{}/>'


def rect(attributes: str) -> str:
    return f'<rect width="3" height="3" {attributes}/>'


def line(attributes: str) -> str:
    return f'<path d="M2 2h7" fill="none" stroke="red" {attributes}/>'


def group(attributes: str, body: str) -> str:
    return f"<g {attributes}>{body}</g>"


def width(number: str) -> list[str]:
    return [LINE.format(f' stroke-width="{number}"')]


def sheet(css: str, body: str = '<rect class="a" width="3" height="3"/>', attributes: str = "") -> str:
    return f"<style {attributes}><![CDATA[{css}]]></style>{body}"


def at(x, y, wide, high, paint: str = "") -> list[str]:
    return [f'<rect x="{x}" y="{y}" width="{wide}" height="{high}"{paint}/>']


INVALID = [  # CSS Cascade 5, section 4.1: invalid declarations are ignored; SVG 2, section 6.6: and so are invalid attributes
    ("fill: the one before stays", rect('style="fill:red;fill:color(display-p9 1 0 0)"'), RED),
    ("fill: a newer colour that is known wins", rect('style="fill:blue;fill:color(display-p3 1 0 0)"'), RED),
    ("fill-opacity: the inherited one stays", group('fill-opacity=".5"', rect('fill="red" fill-opacity="foo"')), [f'{DRAWN} fill="#f00" fill-opacity="0.5"/>']),
    ("fill-rule", group('fill-rule="evenodd"', '<path fill-rule="auto" d="M2 2h9v9zM3 2h4v4z"/>'), ['<path d="M2 2H11V11ZM3 2H7V6Z" fill-rule="evenodd"/>']),
    ("opacity", rect('fill="red" style="opacity:.5;opacity:foo"'), [f'{DRAWN} fill="#f00" fill-opacity="0.5"/>']),
    ("visibility", group('visibility="hidden"', '<circle r="1" visibility="foo"/>') + RECT, BLACK),
    ("display", '<rect width="3" height="3" display="foo"/>', BLACK),
    ("stroke-width", group('stroke-width="4"', line('stroke-width="null"')), width("4")),
    ("stroke-width: not below 0", group('stroke-width="4"', line('stroke-width="-1"')), width("4")),
    ("stroke-width: an attribute under an invalid style", line('stroke-width="4" style="stroke-width:foo"'), width("4")),
    ("stroke-linecap", line('style="stroke-linecap:round;stroke-linecap:foo"'), [LINE.format(' stroke-linecap="round"')]),
    ("stroke-linejoin", group('stroke-linejoin="round"', line('stroke-linejoin="null"')), [LINE.format(' stroke-linejoin="round"')]),
    ("stroke-dasharray", line('style="stroke-dasharray:4 3;stroke-dasharray:4 foo"'), ['<path d="M2 2H6" fill="none" stroke="#f00"/>']),
    ("stroke-dasharray: not below 0", line('stroke-dasharray="4 -3"'), [LINE.format("")]),
    ("width: no space before a unit", '<rect width="3 px" height="3"/>' + RECT, BLACK),
    ("rx: not below 0", rect('rx="-1"'), BLACK),
    ("transform", rect('transform="scale(2) foo"'), BLACK),
    ("clip-path", rect('clip-path="foo"'), BLACK),
    ("lengths in a sheet have units", sheet(".a{width:9;height:9;font-size:9}"), BLACK),
    ("but places and radii need none, and in a style attribute nothing does", sheet(".a{x:2;y:2}", '<rect class="a" style="width:4;height:5"/>'), at(2, 2, 4, 5)),
    ("a radius that is no length is 0", rect('rx="1" ry="none"'), BLACK),
    ("auto and inherit are no lengths of attributes", '<ellipse cx="9" cy="9" rx="5" ry="auto"/><rect width="inherit" height="9"/>' + RECT, BLACK),
    ("a width of a use that is none", '<symbol id="s"><rect width="9" height="9"/></symbol><use href="#s" width="foo" height="9"/>' + RECT, BLACK),
    ("a negative width of a nested svg", '<svg width="-5" height="9"><rect width="9" height="9"/></svg>' + RECT, BLACK),
    ("a point at the end is no part of a number", line('stroke-width="4."'), [LINE.format("")]),
    ("points up to what is none", '<polygon points="0,0 3,0 3,3 0,3 foo 9,9"/>', ['<path d="M0 0H3V3H0Z"/>']),
    ("!important before an invalid one", rect('style="fill:red!important;fill:blue;fill:foo"'), RED),
    ("in a sheet", sheet(".a{fill:red;fill:foo}"), RED),
    ("an unknown property is none", rect('style="filll:red;-x-fill:red"'), BLACK),
    ("a comma too many in dashes", line('stroke-dasharray="4,3,"'), [LINE.format("")]),
    ("a comma too many in a transform", rect('transform="translate(3,)"'), BLACK),
    ("a comma too many between transforms", rect('transform="translate(3),,scale(2)"'), BLACK),
    ("the third length of an origin is no percentage", rect('transform="scale(2)" transform-origin="3 3 9%"'), at(0, 0, 6, 6)),
    ("hsl() with commas has percentages", group('fill="red"', rect('fill="hsl(120,50,50)"')), RED),
    ("url() and a box", rect('style="clip-path:url(#c) border-box"') + '<clipPath id="c"/>', BLACK),
    ("a url with a space", rect('fill="url(#a b)"'), BLACK),
    ("what is open at the end is closed there", '<linearGradient id="g"><stop stop-color="red"/></linearGradient>' + rect('fill="url(#g"'), RED),  # CSS Syntax 3, section 4.3
    ("presentation attributes cannot be important", rect('fill="red !important"'), BLACK),
]
VARIABLES = [  # CSS Custom Properties 1, sections 2 and 3
    ("a width has a unit", '<rect width="var(--a, 9)" height="9"/>' + RECT, BLACK),
    ("set on a group", group('style="--a:red"', rect('fill="var(--a)"')), RED),
    ("set on the root by a sheet", sheet(":root{--a:red}.a{fill:var(--a)}"), RED),
    ("the nearest wins", group('style="--a:blue"', group('style="--a:red"', rect('style="fill:var(--a)"'))), RED),
    ("fallback", rect('fill="var(--no, red)"'), RED),
    ("fallback in a fallback", rect('fill="var(--no, var(--nor, red))"'), RED),
    ("fallback with commas", rect('fill="var(--no, rgb(255, 0, 0))"'), RED),
    ("a variable of variables", group('style="--a:var(--b);--b:red"', rect('fill="var(--a)"')), RED),
    ("as a part of a value", group('style="--a:255"', rect('style="fill:rgb(var(--a) 0 0)"')), RED),
    ("names have a case", group('style="--a:blue;--A:red"', rect('fill="var(--A)"')), RED),
    ("a width", group('style="--w:4px"', line('style="stroke-width:var(--w)"')), width("4")),
    ("currentColor", group('style="--c:red;color:var(--c)"', rect('fill="currentColor"')), RED),
    ("nothing set and no fallback: the inherited value", group('fill="red"', rect('fill="blue" style="fill:var(--no)"')), RED),
    ("invalid when it is known: inherited, not the one before", group('fill="red"', rect('style="--a:5px;fill:blue;fill:var(--a)"')), RED),
    ("a circle has no value", rect('style="--a:var(--b);--b:var(--a);fill:var(--a, red)"'), RED),
    ("a circle's own fallbacks do not help", rect('style="--a:var(--b,blue);--b:var(--a,blue);fill:var(--a,red)"'), RED),
    ("initial takes it away", group('style="--a:blue"', rect('style="--a:initial;fill:var(--a,red)"')), RED),
    ("in a shorthand", '<marker id="m" markerUnits="userSpaceOnUse"><rect width="3" height="3"/></marker><path d="M0 0v9" style="--m:url(#m);marker:var(--m);marker-end:none" fill="none"/>', BLACK),
    ("functions have no case", rect('style="--a:red;fill:VAR(--a)"'), RED),
    ("registered: its initial value", sheet("@property --a{syntax:'<color>';inherits:true;initial-value:red}.a{fill:var(--a)}"), RED),  # Properties and Values 1, section 2
    ("registered: not inherited", sheet("@property --a{syntax:'*';inherits:false;initial-value:red}g{--a:blue}.a{fill:var(--a)}", group("", rect('class="a"'))), RED),
    ("of a stop", '<linearGradient id="g" style="--a:red"><stop stop-color="var(--a)"/></linearGradient>' + rect('fill="url(#g)"'), RED),
]
AT_RULES = [  # CSS Conditional 3 and Media Queries 4; CSS Cascade 5, section 6.4; CSS Nesting 1
    *((f"@media {query}", sheet(f".a{{fill:blue}}@media {query}{{.a{{fill:red}}}}"), RED) for query in (
        "screen", "all", "screen, print", "print, screen", "only screen", "not print", "(min-width: 1px)", "(max-width: 100000px)", "(width > 1px)", "(1px < width <= 24px)",
        "screen and (min-width:0)", "(min-width:0) and (max-width:99em)", "(min-width:99em) or (min-width:1px)", "not (min-width:99em)", "(prefers-color-scheme: light)",
        "(prefers-reduced-motion: no-preference)", "(hover)", "(color)", "(min-aspect-ratio: 1/1)", "(orientation: portrait)", "(not (print)), screen", "(min-resolution: 1dppx)",
    )),
    *((f"@media {query}", sheet(f".a{{fill:red}}@media {query}{{.a{{fill:blue}}}}"), RED) for query in (
        "print", "not screen", "not all", "(min-width: 1000px)", "(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "(prefers-reduced-motion)", "(unheard-of)",
        "not (unheard-of)", "screen and print", "screen or (color)", "speech", "(monochrome)", "(width < 1px)", "&",
    )),
    ("@media in @media", sheet("@media screen{@media (min-width:1px){.a{fill:red}}}"), RED),
    ("@media of a sheet", sheet(".a{fill:blue}", attributes='media="print"'), BLACK),
    ("@media of a sheet that holds", sheet(".a{fill:red}", attributes='media="screen and (min-width:1px)"'), RED),
    *((f"@supports {condition}", sheet(f".a{{fill:blue}}@supports {condition}{{.a{{fill:red}}}}"), RED) for condition in (
        "(fill: red)", "(fill: color(display-p3 1 0 0))", "not (fill: foo)", "(fill: foo) or (fill: red)", "((fill: red) and (stroke: red))", "(--a: 0)", "(display: grid)", "selector(a > b)",
        "(mask-image: url(#a))", "(color: var(--x))",
    )),
    *((f"@supports {condition}", sheet(f".a{{fill:red}}@supports {condition}{{.a{{fill:blue}}}}"), RED) for condition in (
        "(fill: foo)", "(foo: red)", "not (fill: red)", "(fill: red) and (fill: foo)", "unheard-of(1)", "(fill: red) and (stroke: red) or (color: red)",
    )),
    ("@layer", sheet("@layer x{.a{fill:red}}"), RED),
    ("no layer beats a layer", sheet(".a{fill:red}@layer x{#b.a{fill:blue}}", '<rect id="b" class="a" width="3" height="3"/>'), RED),
    ("later layers beat earlier ones", sheet("@layer x{#b{fill:blue}}@layer y{.a{fill:red}}", '<rect id="b" class="a" width="3" height="3"/>'), RED),
    ("in the order first named", sheet("@layer y,x;@layer x{.a{fill:red}}@layer y{.a{fill:blue}}"), RED),
    ("a layer's own rules beat its sub-layers'", sheet("@layer x{.a{fill:red}@layer y{.a{fill:blue}}}"), RED),
    ("importance turns layers around", sheet("@layer x{.a{fill:red!important}}@layer y{.a{fill:blue!important}}.a{fill:blue!important}"), RED),
    ("nested rules", sheet("g{fill:blue;.a{fill:red}}", group("", rect('class="a"'))), RED),
    ("nested: & is the rule's own", sheet(".a{fill:blue;&.b{fill:red}}", rect('class="a b"')), RED),
    ("nested @media", sheet(".a{fill:blue;@media screen{fill:red}}"), RED),
    ("nested in a list of selectors", sheet("g,a{> .a,.b{fill:red}}", group("", rect('class="a"'))), RED),
    ("a rule that is broken is left out alone", sheet(".a{fill:red}.a!{fill:blue}.a,.b!{fill:blue}"), RED),
    ("a selector that never holds leaves its list", sheet(".b:hover,.a{fill:red}"), RED),
    ("a selector of an unheard-of kind takes its list with it", sheet(".a{fill:red}.a,.a:unheard-of{fill:blue}", rect('class="a"')), RED),
    ("pseudo-classes", sheet("rect:first-child{fill:blue}rect:nth-child(2){fill:red}rect:not(.a){fill:blue}"), RED),
    ("pseudo-elements paint nothing", sheet(".a{fill:red}.a::before{fill:blue}"), RED),
    ("a sheet of XHTML", '<style xmlns="http://www.w3.org/1999/xhtml">.a{fill:red}</style>' + rect('class="a"'), RED),
    ("sheets end by themselves", sheet(".x{", "") + sheet(".a{fill:red}"), RED),
]
WIDE = [  # CSS Cascade 5, section 7: CSS-wide keywords; CSS Values 4, section 3.1: keywords are case-insensitive
    ("inherit of overflow, which a nested svg's own sheet hides", '<svg width="3" height="3" overflow="inherit"><rect width="9" height="9"/></svg>', at(0, 0, 9, 9)),
    ("initial of overflow", '<svg width="3" height="3" style="overflow:initial"><rect width="9" height="9"/></svg>', at(0, 0, 9, 9)),
    ("opacity inherit", group('opacity=".5"', rect('fill="red" opacity="inherit"')), [f'{DRAWN} fill="#f00" fill-opacity="0.25"/>']),
    ("opacity initial", rect('fill="red" opacity=".5" style="opacity:initial"'), RED),
    ("display inherit", group('display="inline"', rect('fill="red" style="display:inherit"')), RED),
    ("stop-opacity inherit", '<linearGradient id="g" stop-opacity=".5"><stop stop-color="red" stop-opacity="inherit"/></linearGradient>' + rect('fill="url(#g)"'), [f'{DRAWN} fill="#f00" fill-opacity="0.5"/>']),
    ("stop-color inherit", '<linearGradient id="g" stop-color="red"><stop stop-color="inherit"/></linearGradient>' + rect('fill="url(#g)"'), RED),
    ("fill initial", group('fill="red"', rect('fill="initial"')), BLACK),
    ("fill unset", group('fill="red"', rect('fill="blue" style="fill:UNSET"')), RED),
    ("stroke-width inherit", group('stroke-width="4"', line('stroke-width="inherit"')), width("4")),
    ("all: unset", group('fill="red"', group('fill="blue" opacity=".5" style="all:unset"', RECT)), RED),
    ("None", rect('fill="None"') + rect('fill="red"'), RED),
    ("EvenOdd", '<path style="fill-rule:EvenOdd" d="M2 2h9v9zM3 2h4v4z"/>', ['<path d="M2 2H11V11ZM3 2H7V6Z" fill-rule="evenodd"/>']),
    ("ROUND", line('stroke-linecap="ROUND"'), [LINE.format(' stroke-linecap="round"')]),
    ("VISIBLE", group('visibility="hidden"', rect('fill="red" visibility="VISIBLE"')), RED),
    ("NONE of display", '<circle r="3" style="DISPLAY:NONE"/>' + RECT, BLACK),
    ("RED", rect('fill="RED"'), RED),
]
TRANSFORMS = [  # SVG 2, section 8.5; CSS Transforms 1, section 6 and 2, section 5
    ("units in the attribute", rect('transform="translate(8px, 8px)"'), BLACK),
    ("degrees in the attribute", rect('transform="rotate(45deg)"'), BLACK),
    ("CSS needs units", rect('style="transform:translate(8)"'), BLACK),
    ("percentages of the viewport", rect('style="transform:translate(50%, 25%)"'), at(12, 6, 3, 3)),
    ("calc()", rect('style="transform:translate(calc(50% - 2px))"'), at(10, 0, 3, 3)),
    ("em", rect('style="font-size:4px;transform:translate(2em)"'), at(8, 0, 3, 3)),
    ("scale", rect('style="scale:2"'), at(0, 0, 6, 6)),
    ("translate, rotate, scale, transform come in this order", rect('style="transform:translate(1px);scale:2;rotate:90deg;translate:9px"'), at(3, 2, 6, 6)),
    ("rotate about transform-origin", rect('style="rotate:180deg;transform-origin:3px 3px"'), at(3, 3, 3, 3)),
    ("translateZ does nothing in the plane", rect('style="transform:translateZ(3px) translate3d(1px, 2px, 3px)"'), at(1, 2, 3, 3)),
    ("none", rect('transform="scale(2)" style="transform:none"'), BLACK),
    ("the attribute of a gradient", '<linearGradient id="g" gradientTransform="rotate(45deg)"><stop stop-color="red"/></linearGradient>' + rect('fill="url(#g)"'), RED),
    ("a gradient's that cannot be read", '<linearGradient id="g" gradientTransform="scale(NaN)"><stop stop-color="red"/></linearGradient>' + rect('fill="url(#g)"'), RED),
    ("transform-origin of a pattern", '<pattern id="p" patternUnits="userSpaceOnUse" width="24" height="24" patternTransform="scale(2)" transform-origin="3 3"><rect x="2" y="2" width="2" height="2" fill="red"/></pattern><rect width="20" height="20" fill="url(#p)"/>', at(1, 1, 4, 4, ' fill="#f00"')),
    ("scale of a gradient", '<linearGradient id="g" gradientUnits="userSpaceOnUse" x2="24" style="scale:.1"><stop stop-color="blue"/><stop offset="1" stop-color="red"/></linearGradient><rect x="9" width="3" height="3" fill="url(#g)"/>', at(9, 0, 3, 3, ' fill="#f00"')),
    ("of a symbol", f'<symbol id="s" transform="scale(2)">{RECT}</symbol><use href="#s"/>', at(0, 0, 6, 6)),
]
UNITS = [  # CSS Values 4, sections 6 and 10; SVG 2, section 8.9
    ("em of fonts in fonts", group('font-size="4"', group('font-size="2em"', '<rect width="1em" height="0.5em"/>')), at(0, 0, 8, 4)),
    ("percent of a font", group('font-size="4"', '<rect font-size="200%" width="1em" height="0.5em"/>'), at(0, 0, 8, 4)),
    ("font-size keywords", '<rect font-size="large" width="1em" height="0.5em"/>', at(0, 0, 18, 9)),
    ("larger", group('font-size="10"', '<rect font-size="larger" width="1em" height="0.5em"/>'), at(0, 0, 12, 6)),
    ("font", '<rect style="font:bold 10px/1.5 serif" width="1em" height="0.5em"/>', at(0, 0, 10, 5)),
    ("rem is the root's", group('font-size="40"', '<rect width="1rem" height="0.5rem"/>'), at(0, 0, 16, 8)),
    ("em computes where it is written", group('font-size="4" stroke-width="1em"', group('font-size="9"', line(""))), width("4")),
    ("ch", group('font-size="8"', '<rect width="2ch" height="1ex"/>'), at(0, 0, 8, 4)),
    ("Q", '<rect width="4Q" height="1mm"/>', at(0, 0, 3.78, 3.78)),
    ("vw, vh", '<rect width="50vw" height="25vh"/>', at(0, 0, 12, 6)),
    ("lh, cqw", '<rect font-size="4" width="50cqw" height="2lh"/>', at(0, 0, 12, 9.2)),
    ("calc() of numbers, in attributes", '<rect width="calc(1 + 2)" height="3"/><rect style="width:calc(9);height:9px"/>', BLACK),
    ("infinity is as large as can be, what is no number is 0", '<clipPath id="c"><rect width="calc(infinity * 1px)" height="3"/></clipPath><rect width="9" height="9" clip-path="url(#c)"/><rect width="calc(NaN * 1px)" height="9"/>', ['<path d="M0 0H9V3H0Z"/>']),
    ("em of a gradient's own font", '<linearGradient id="g" font-size="6" gradientUnits="userSpaceOnUse" x2="1em"><stop stop-color="blue"/><stop offset="1" stop-color="red"/></linearGradient><rect x="9" width="3" height="3" fill="url(#g)"/>', at(9, 0, 3, 3, ' fill="#f00"')),
    ("calc()", '<rect style="width:calc(100% - 8px);height:calc(2 * (1px + 2px))"/>', at(0, 0, 16, 6)),
    ("min(), max(), clamp()", '<rect width="min(9px, 50%)" height="max(3px, 25%)" x="clamp(1px, 50%, 4px)"/>', at(4, 0, 9, 6)),
    ("of an attribute that is no property", '<line x1="0" y1="0" x2="calc(1px + 2px)" y2="0" fill="none" stroke="red"/>', ['<path d="M0 0H3" fill="none" stroke="#f00"/>']),
    ("of a use", f'<g font-size="4"><defs><g id="r">{RECT}</g></defs><use href="#r" x="2em"/></g>', at(8, 0, 3, 3)),
    ("of a nested svg", f'<g font-size="4"><svg x="1em" width="3em" height="3em" viewBox="0 0 3 3">{RECT}</svg></g>', at(4, 0, 12, 12)),
    ("geometry is a property of its elements alone", '<rect width="3" height="3" style="r:9px;cx:9px;d:path(\'M0 0h9\')"/>', BLACK),
]
CONDITIONS = [  # SVG 2, section 5.9
    ("requiredExtensions on a shape", '<circle r="2" requiredExtensions="http://example.org/x"/>' + RECT, BLACK),
    ("on a group", '<g requiredExtensions="http://example.org/x"><circle r="2"/></g>' + RECT, BLACK),
    ("empty is false", '<circle r="2" requiredExtensions=""/><circle r="2" systemLanguage=""/>' + RECT, BLACK),
    ("languages end where they end", '<circle r="2" systemLanguage="eng"/><rect width="3" height="3" systemLanguage="de, en-GB"/>', BLACK),
    ("extensions that browsers know", '<rect width="3" height="3" requiredExtensions="http://www.w3.org/1999/xhtml"/>', BLACK),
    ("not on what is only referred to", '<clipPath id="c" systemLanguage="de"><rect width="3" height="3"/></clipPath><rect width="9" height="9" clip-path="url(#c)"/>', ['<path d="M0 0H3V3H0Z"/>']),
    ("in a switch", f'<switch><circle r="2" requiredExtensions=""/>{RECT}<circle r="1"/></switch>', BLACK),
    ("a switch draws the first that holds, even if it draws nothing", f'<switch><desc/><circle r="2"/></switch>{RECT}', BLACK),
    ("in a clip path", '<clipPath id="c"><rect width="3" height="3"/><rect width="9" height="9" systemLanguage="de"/></clipPath><rect width="9" height="9" clip-path="url(#c)"/>', ['<path d="M0 0H3V3H0Z"/>']),
    ("on what is used", '<defs><circle id="c" r="2" systemLanguage="de"/></defs><use href="#c"/>' + RECT, BLACK),
]
PARTS = [  # one bad part does not spoil the rest; SVG 2, sections 5.1, 8.6, 13.2 and 14
    ("a group of display: contents has no opacity", f'<g opacity=".5" style="display:contents">{RECT}</g>', BLACK),  # CSS Display 3, appendix B
    ("an <a> in an <a> is not drawn", f'<a>{RECT}<a><circle r="9"/></a></a>', BLACK),  # SVG 2, section 16.2
    ("a nested viewBox that is broken", '<svg viewBox="0 0 auto"><rect width="3" height="3"/></svg>', BLACK),
    ("a nested viewBox that is empty", '<svg viewBox="0 0 0 0"><circle r="3"/></svg>' + RECT, BLACK),
    ("an id with a space", '<defs><rect id="a b" width="3" height="3"/></defs><use href="#a%20b"/>', BLACK),
    ("an id that is no ASCII", '<linearGradient id="ä"><stop stop-color="red"/></linearGradient>' + rect('fill="url(#%C3%A4)"'), RED),
    ("fallback of a paint that is not there", rect('fill="url(#no) red"'), RED),
    ("fallback currentColor", rect('color="red" fill="url(#no) currentColor"'), RED),
    ("fallback none", rect('fill="url(#no) none"') + RECT, BLACK),
    ("no fallback: nothing", rect('fill="url(#no)"') + RECT, BLACK),
    ("fallback of a gradient without a box", '<linearGradient id="g"><stop/><stop offset="1"/></linearGradient>' + '<path d="M2 2h7" fill="none" stroke="url(#g) red"/>', [LINE.format("")]),
    ("what closes a circle is left out", f'<g id="a">{RECT}<use href="#a"/></g>', BLACK),
    ("an element of no namespace is none of SVG's", '<circle xmlns="" r="9"/>' + RECT, BLACK),
    ("a gradient on a line, by its transform", '<linearGradient id="g" gradientTransform="scale(1 0)"><stop/><stop offset="1"/></linearGradient>' + rect('fill="url(#g) red"'), RED),
    ("what reaches far out is cut there", '<path d="M-600-600H3V3H-600Z"/>', ['<path d="M-12 -12H3V3H-12Z"/>']),
    ("a font in the sheet", sheet("@font-face{font-family:x;src:url(data:font/woff2;base64," + "A" * 300_000 + ")}.a{fill:red}"), RED),
    ("stop offsets that are invalid", '<linearGradient id="g"><stop offset="a" stop-color="red"/><stop offset="0" stop-color="red"/></linearGradient>' + rect('fill="url(#g)"'), RED),
    ("a zero-length arc with round caps is a dot", '<path d="M5 5a2 2 0 0 1 0 0" fill="none" stroke="red" stroke-linecap="round"/>', ['<path d="M5 5H5.01" fill="none" stroke="#f00" stroke-linecap="round"/>']),
    ("a line without length that is closed is a dot", '<path d="M5 5l0 0z" fill="none" stroke="red" stroke-linecap="round"/>', ['<path d="M5 5H5.01" fill="none" stroke="#f00" stroke-linecap="round"/>']),
    ("a pathLength of 0 makes dashes endless", line('pathLength="0" stroke-dasharray="1"'), [LINE.format("")]),
]
USED = '<defs><path id="p" class="a" d="M0 0h3v3h-3z"/></defs><g class="o"><use href="#p" class="u"/></g>'
USES = [  # SVG 2, section 5.5.3: for selectors, a use shows a separate tree, which inherits from the use
    ("no ancestors of where it is written", sheet("defs path{fill:blue}svg path{fill:blue}.a{fill:red}", USED), [f'{PATH} fill="#f00"/>']),
    ("nor of where it is shown", sheet(".o path,use path,.u > path{fill:blue}.u{fill:red}", USED), [f'{PATH} fill="#f00"/>']),
    ("ancestors within it", sheet(".k path{fill:red}", f'<defs><g id="k" class="k">{SHAPE}</g></defs><use href="#k"/>'), [f'{PATH} fill="#f00"/>']),
    ("it is a first child", sheet("path:nth-child(2){fill:blue}path:first-child{fill:red}", '<defs><g/><path id="q" d="M0 0h3v3h-3z"/></defs><use href="#q"/>'), [f'{PATH} fill="#f00"/>']),
    (":root is the document's", sheet(":root path{fill:blue}:root{--a:red}path{fill:var(--a)}", USED), [f'{PATH} fill="#f00"/>']),
    ("in a clip path", sheet("g rect{display:none}", '<g><rect id="r" width="3" height="3"/></g><clipPath id="c"><use href="#r"/></clipPath><rect width="9" height="9" clip-path="url(#c)"/>'), ['<path d="M0 0H3V3H0Z"/>']),
]
SQUARE = '<rect x="2" y="2" width="10" height="10" fill="#f00"{}/>'
WHITE = '<rect x="-9" y="-9" width="99" height="99" fill="#fff"/>'
MASKS = [  # CSS Masking 1, sections 7 and 8
    ("the region is the box and a tenth around it", f'<mask id="m">{WHITE}</mask><path d="M5 5h10v10H5z" fill="none" stroke="red" stroke-width="8" mask="url(#m)"/>', ['<path d="M16 16H4V4H16ZM9 9V11H11V9Z" fill="#f00"/>']),
    ("a box without height has no region", f'<mask id="m">{WHITE}</mask><path d="M2 2h9" stroke="red" mask="url(#m)"/>' + RECT, BLACK),
    ("a group of such lines has", f'<mask id="m">{WHITE}</mask><g mask="url(#m)" fill="none" stroke="red"><path d="M2 2H9"/><path d="M2 20H9"/></g>', [LINE.format(""), '<path d="M2 20H9" fill="none" stroke="#f00"/>']),
    ("hidden children count for the box", f'<mask id="m">{WHITE}</mask><g mask="url(#m)"><path d="M2 2H9" fill="none" stroke="red"/><path d="M0 0v20" visibility="hidden"/></g>', [LINE.format("")]),
    ("the region of a use is of its own space", f'<mask id="m" maskUnits="userSpaceOnUse" x="0" y="0" width="5" height="9">{WHITE}</mask><defs><path id="r" d="M0 0h10v10H0z" fill="red"/></defs><use href="#r" x="2" y="2" mask="url(#m)"/>', ['<path d="M2 2H7V11H2Z" fill="#f00"/>']),
    ("a clip path is of a nested svg's own space", f'<clipPath id="c"><rect width="1" height="9"/></clipPath><svg x="2" y="2" width="9" height="9" viewBox="0 0 3 3" clip-path="url(#c)">{RECT}</svg>', ['<path d="M2 2H5V11H2Z"/>']),
    ("mask-image", '<mask id="m"><rect width="7" height="24" fill="#fff"/></mask>' + SQUARE.format(' style="mask-image:url(#m)"'), ['<path d="M2 2H7V12H2Z" fill="#f00"/>']),
    ("-webkit-mask", '<mask id="m"><rect width="7" height="24" fill="#fff"/></mask>' + SQUARE.format(' style="-webkit-mask:url(#m)"'), ['<path d="M2 2H7V12H2Z" fill="#f00"/>']),
    ("a mask that shows itself is not masked by itself", '<mask id="m"><rect width="7" height="24" fill="#fff" mask="url(#m)"/></mask>' + SQUARE.format(' mask="url(#m)"'), ['<path d="M2 2H7V12H2Z" fill="#f00"/>']),
    ("luminance of linear light", '<mask id="m" color-interpolation="linearRGB"><rect width="24" height="24" fill="#bcbcbc"/></mask>' + SQUARE.format(' mask="url(#m)"'), [SQUARE.format(' fill-opacity="0.503"')]),
]
MASKS.append((
    "a clip path of the box: its transform is of user space",
    '<clipPath id="c" clipPathUnits="objectBoundingBox" transform="translate(2)"><rect width=".5" height="1"/></clipPath>' + SQUARE.format(' clip-path="url(#c)"'), ['<path d="M4 2H9V12H4Z" fill="#f00"/>'],
))
DOT = '<rect width="2" height="2"/>'
UNIT = 'markerUnits="userSpaceOnUse"'
MARKERS = [  # SVG 2, section 13.7
    ("at the ends", f'<marker id="m" {UNIT}>{DOT}</marker><path d="M4 4H9" fill="none" marker-start="url(#m)" marker-end="url(#m)"/>', [*at(4, 4, 2, 2), *at(9, 4, 2, 2)]),
    ("between", f'<marker id="m" {UNIT}>{DOT}</marker><polyline points="1,1 5,5 9,1" fill="none" marker-mid="url(#m)"/>', at(5, 5, 2, 2)),
    ("of a line, none of a rect", f'<marker id="m" {UNIT}>{DOT}</marker><line x1="1" x2="9" marker-end="url(#m)"/><rect width="1" height="1" fill="none" marker-end="url(#m)"/>', at(9, 0, 2, 2)),
    ("in stroke widths", f'<marker id="m">{DOT}</marker><path d="M4 4H9" fill="none" stroke-width="2" marker-end="url(#m)"/>', at(9, 4, 4, 4)),
    ("refX, refY", f'<marker id="m" {UNIT} refX="1" refY="1">{DOT}</marker><path d="M4 4H9" fill="none" marker-end="url(#m)"/>', at(8, 3, 2, 2)),
    ("viewBox", f'<marker id="m" {UNIT} viewBox="0 0 2 2" markerWidth="6" markerHeight="6" refX="1" refY="1">{DOT}</marker><path d="M4 4H9" fill="none" marker-end="url(#m)"/>', at(6, 1, 6, 6)),
    ("what overflows is cut", f'<marker id="m" {UNIT} markerWidth="1">{DOT}</marker><path d="M4 4H9" fill="none" marker-end="url(#m)"/>', ['<path d="M9 4H10V6H9Z"/>']),
    ("unless it says not to", f'<marker id="m" {UNIT} markerWidth="1" overflow="visible">{DOT}</marker><path d="M4 4H9" fill="none" marker-end="url(#m)"/>', at(9, 4, 2, 2)),
    ("orient auto", f'<marker id="m" {UNIT} orient="auto">{DOT}</marker><path d="M4 4V9" fill="none" marker-end="url(#m)"/>', at(2, 9, 2, 2)),
    ("orient auto-start-reverse", f'<marker id="m" {UNIT} orient="auto-start-reverse">{DOT}</marker><path d="M4 4V9" fill="none" marker-start="url(#m)"/>', at(4, 2, 2, 2)),
    ("orient as an angle", f'<marker id="m" {UNIT} orient="90">{DOT}</marker><path d="M4 4H9" fill="none" marker-end="url(#m)"/>', at(7, 4, 2, 2)),
    ("the bisector at a corner", f'<marker id="m" {UNIT} orient="auto" overflow="visible"><path d="M0 0H2" fill="none" stroke="red"/></marker><path d="M2 2H6V6" fill="none" marker-mid="url(#m)"/>', ['<path d="M6 2L7.41 3.41" fill="none" stroke="#f00"/>']),
    ("context-fill, context-stroke", f'<marker id="m" {UNIT} overflow="visible"><rect width="2" height="2" fill="context-stroke" stroke="context-fill"/></marker><path d="M4 4H9" fill="blue" stroke="red" marker-end="url(#m)"/>', ['<path d="M4 4H9" fill="#00f" stroke="#f00"/>', '<rect x="9" y="4" width="2" height="2" fill="#f00" stroke="#00f"/>']),
    ("the shorthand, by CSS alone", f'<marker id="m" {UNIT}>{DOT}</marker><path d="M4 4H9" fill="none" style="marker:url(#m)"/>', [*at(4, 4, 2, 2), *at(9, 4, 2, 2)]),
    ("the shorthand is no attribute", f'<marker id="m" {UNIT}><circle r="9"/></marker><path d="M4 4H9" fill="none" marker="url(#m)"/>' + RECT, BLACK),
    ("no size, no marker", '<marker id="m" markerWidth="0"><circle r="9"/></marker><path d="M4 4H9" fill="none" marker-end="url(#m)"/>' + RECT, BLACK),
    ("a stroke that does not scale", f'<marker id="m">{DOT}</marker><g transform="scale(2)"><path d="M2 2H4" fill="none" stroke-width="2" vector-effect="non-scaling-stroke" marker-end="url(#m)"/></g>', at(8, 4, 4, 4)),
    ("percentages are of the shape's viewport", f'<marker id="m" {UNIT} viewBox="0 0 4 4" markerWidth="4" markerHeight="4" refX="25%">{DOT}</marker><path d="M8 4H9" fill="none" marker-end="url(#m)"/>', at(3, 4, 2, 2)),
    ("a close without length has no direction", f'<marker id="m" {UNIT} orient="auto">{DOT}</marker><path d="M4 4H9V9L4 4z" fill="none" marker-start="url(#m)"/>', at(4, 4, 2, 2)),
    ("at moves that nothing follows, away from where the pen was", f'<marker id="m" {UNIT} orient="auto">{DOT}</marker><path d="M4 4H9M9 9" fill="none" marker-end="url(#m)"/><path d="M0 4" marker-start="url(#m)"/>', [*at(7, 9, 2, 2), *at(-2, 4, 2, 2)]),
    ("no stroke width, no marker", '<marker id="m"><circle r="9"/></marker><path d="M4 4H9" fill="none" stroke-width="0" marker-end="url(#m)"/>' + RECT, BLACK),
    ("a marker's style is that of where it stands", f'<g fill="red"><marker id="m" {UNIT}>{DOT}</marker></g><path d="M4 4H9" fill="none" marker-end="url(#m)"/>', at(9, 4, 2, 2, ' fill="#f00"')),
    ("a marker in itself is left out", f'<marker id="m" {UNIT}>{DOT}<path d="M0 0H1" fill="none" marker-end="url(#m)"/></marker><path d="M4 4H9" fill="none" marker-end="url(#m)"/>', at(9, 4, 2, 2)),
]
TILE = '<rect width="3" height="3" fill="#f00"/>'
PATTERNS = [  # SVG 2, section 14.3
    ("tiles of the box", f'<pattern id="p" width=".5" height="1">{TILE}</pattern><rect width="12" height="6" fill="url(#p)"/>', [*at(0, 0, 3, 3, ' fill="#f00"'), *at(6, 0, 3, 3, ' fill="#f00"')]),
    ("tiles of user space, cut by the shape", f'<pattern id="p" patternUnits="userSpaceOnUse" width="6" height="6">{TILE}</pattern><rect width="8" height="6" fill="url(#p)"/>', [*at(0, 0, 3, 3, ' fill="#f00"'), '<path d="M6 0H8V3H6Z" fill="#f00"/>']),
    ("a tile cuts", '<pattern id="p" patternUnits="userSpaceOnUse" width="8" height="24"><rect x="6" width="9" height="3" fill="red"/></pattern><rect width="8" height="6" fill="url(#p)"/>', ['<path d="M6 0H8V3H6Z" fill="#f00"/>']),
    ("no seam between tiles", '<pattern id="p" patternUnits="userSpaceOnUse" width="6" height="6"><rect width="6" height="3" fill="red"/></pattern><rect width="12" height="6" fill="url(#p)"/>', ['<path d="M0 0H6V3H0ZM6 0H12V3H6Z" fill="#f00"/>']),
    ("a tile cuts, whatever overflow says", '<pattern id="p" patternUnits="userSpaceOnUse" width="12" height="12" overflow="visible"><rect x="6" width="9" height="3" fill="red"/></pattern><rect width="12" height="6" fill="url(#p)"/>', ['<path d="M6 0H12V3H6Z" fill="#f00"/>']),
    ("viewBox", '<pattern id="p" width="1" height="1" viewBox="0 0 3 3"><rect width="1" height="1" fill="red"/></pattern><rect width="12" height="12" fill="url(#p)"/>', at(0, 0, 4, 4, ' fill="#f00"')),
    ("content of the box", '<pattern id="p" width="1" height="1" patternContentUnits="objectBoundingBox"><rect width=".5" height=".25" fill="red"/></pattern><rect width="12" height="12" fill="url(#p)"/>', at(0, 0, 6, 3, ' fill="#f00"')),
    ("patternTransform", f'<pattern id="p" patternUnits="userSpaceOnUse" width="24" height="24" patternTransform="translate(2 1)">{TILE}</pattern><rect x="1" y="1" width="12" height="6" fill="url(#p)"/>', at(2, 1, 3, 3, ' fill="#f00"')),
    ("by href", f'<pattern id="q" width="1" height="1">{TILE}</pattern><pattern id="p" href="#q"/><rect width="12" height="6" fill="url(#p)"/>', at(0, 0, 3, 3, ' fill="#f00"')),
    ("no size: the fallback", f'<pattern id="p">{TILE}</pattern>' + rect('fill="url(#p) blue"'), BLUE),
    ("an empty viewBox: the fallback", f'<pattern id="p" width="1" height="1" viewBox="0 0 0 3">{TILE}</pattern>' + rect('fill="url(#p) blue"'), BLUE),
    ("the fill's opacity", f'<pattern id="p" width="1" height="1">{TILE}</pattern><rect width="12" height="6" fill="url(#p)" fill-opacity=".5"/>', at(0, 0, 3, 3, ' fill="#f00" fill-opacity="0.5"')),
    ("its stroke stays", f'<pattern id="p" width="1" height="1">{TILE}</pattern><rect width="12" height="6" fill="url(#p)" stroke="blue"/>', [*at(0, 0, 3, 3, ' fill="#f00"'), *at(0, 0, 12, 6, ' fill="none" stroke="#00f"')]),
]
CONTEXT = [  # SVG 2, section 13.2
    ("its opacity is not part of a paint", '<defs><rect id="r" width="3" height="3" fill="context-fill" fill-opacity="1"/></defs><use href="#r" fill="red" fill-opacity=".5"/>', RED),
    ("a gradient of the box of a use", '<linearGradient id="g"><stop offset=".5" stop-color="red"/><stop offset=".5" stop-color="blue"/></linearGradient><defs><g id="r"><rect width="3" height="3" fill="context-fill"/><path d="M3 3h9"/></g></defs><use href="#r" fill="url(#g)"/>', RED),
    ("a pattern stays where its shape has it", f'<pattern id="p" patternUnits="userSpaceOnUse" width="24" height="24">{TILE}</pattern><defs><rect id="r" width="9" height="3" fill="context-fill"/></defs><use href="#r" x="1" fill="url(#p)"/>', at(1, 0, 3, 3, ' fill="#f00"')),
    ("context-fill in a use", '<defs><rect id="r" width="3" height="3" fill="context-fill"/></defs><use href="#r" fill="red"/>', RED),
    ("without a context: nothing", rect('fill="context-fill"') + RECT, BLACK),
]
TABLES = {
    "invalid": INVALID, "var()": VARIABLES, "at-rules": AT_RULES, "keywords": WIDE, "transforms": TRANSFORMS, "units": UNITS,
    "conditions": CONDITIONS, "parts": PARTS, "uses": USES, "masks": MASKS, "markers": MARKERS, "patterns": PATTERNS, "context": CONTEXT,
}
RULES = [(f"{kind}: {why}", body, expected) for kind, rows in TABLES.items() for why, body, expected in rows]


@pytest.mark.parametrize(("rule", "body", "expected"), RULES, ids=[rule for rule, *_ in RULES])
def test_rule(drawn, rule, body, expected):
    assert drawn(body) == expected


ROOTS = [  # attributes of the root, body, expected, section
    ("a background is the first layer", 'viewBox="0 0 24 24" style="background:red"', RECT, [*at(0, 0, 24, 24, ' fill="#f00"'), *BLACK]),  # CSS Backgrounds 3, 2.11
    ("background-color by class", 'viewBox="0 0 24 24" class="r"', sheet(".r{background-color:red}", RECT), [*at(0, 0, 24, 24, ' fill="#f00"'), *BLACK]),
    ("the colour of a shorthand", 'viewBox="0 0 24 24" style="background:no-repeat red 0 0"', RECT, [*at(0, 0, 24, 24, ' fill="#f00"'), *BLACK]),
    ("background of a wide one", 'viewBox="0 0 24 12" style="background:red"', RECT, [*at(0, 6, 24, 12, ' fill="#f00"'), *at(0, 6, 3, 3)]),
    ("one that is invalid leaves the one before", 'viewBox="0 0 24 24" style="background:red;background:red foo"', RECT, [*at(0, 0, 24, 24, ' fill="#f00"'), *BLACK]),
    ("it knows no opacity and is never hidden", 'viewBox="0 0 24 24" style="background:red;opacity:.5;visibility:hidden"', RECT, at(0, 0, 24, 24, ' fill="#f00"')),
    ("em of the root's own font", 'width="1em" height="2em" font-size="12"', RECT, [*at(6, 0, 3, 3)]),
    ("its attribute is none", 'viewBox="0 0 24 24" background="red" fill="blue"', RECT, BLUE),
    ("a root turns about its middle", 'viewBox="0 0 24 24" transform="rotate(180)"', RECT, at(21, 21, 3, 3)),  # CSS Transforms 1, section 5
    ("so it does by CSS", 'viewBox="0 0 24 24" style="transform:scaleX(-1)"', RECT, at(21, 0, 3, 3)),
    ("unless it says where", 'viewBox="0 0 24 24" style="transform:scale(2);transform-origin:0 0"', RECT, at(0, 0, 6, 6)),
    ("in pixels of its viewport", 'width="48" height="48" viewBox="0 0 24 24" style="transform:translate(12px)"', RECT, at(6, 0, 3, 3)),
    ("its clip path is in pixels of its viewport", 'width="48" height="48" viewBox="0 0 24 24" clip-path="url(#c)"', '<clipPath id="c"><rect width="6" height="6"/></clipPath><rect width="9" height="9"/>', ['<path d="M0 0H3V3H0Z"/>']),  # CSS Masking 1, section 5
    ("rem is its font size", 'viewBox="0 0 24 24" font-size="3"', '<g font-size="9"><rect width="1rem" height="1rem"/></g>', BLACK),
    ("vw is its viewport", 'width="48" height="48" viewBox="0 0 24 24"', '<rect width="6.25vw" height="6.25vw"/>', BLACK),
    ("a broken viewBox beside a size is none", 'width="24" height="24" viewBox="0 0 a b"', RECT, BLACK),  # SVG 2, section 8.6
    # SVG 2, section 8.11: the width of non-scaling strokes is in viewport pixels
    ("non-scaling-stroke", 'width="48" height="48" viewBox="0 0 24 24"', line('vector-effect="non-scaling-stroke"'), width("0.5")),
    ("under any transform", 'viewBox="0 0 24 24"', line('vector-effect="non-scaling-stroke" transform="scale(2 1)"').replace("M2 2h7", "M1 2h3.5"), [LINE.format("")]),
    ("inherited when asked", 'viewBox="0 0 24 24"', group('vector-effect="non-scaling-stroke" transform="scale(2)"', line('vector-effect="inherit"').replace("M2 2h7", "M1 1h3.5")), [LINE.format("")]),
    ("its dashes do not scale either", 'width="48" height="48" viewBox="0 0 24 24"', line('vector-effect="non-scaling-stroke" stroke-dasharray="4 99"'), ['<path d="M2 2H4" fill="none" stroke="#f00" stroke-width="0.5"/>']),
]


@pytest.mark.parametrize(("rule", "attributes", "body", "expected"), ROOTS, ids=[rule for rule, *_ in ROOTS])
def test_rule_of_the_root(drawn, rule, attributes, body, expected):
    assert drawn(body, attributes) == expected


MESSAGES = [
    ('<text x="2" y="9">hi</text>', "text"), ('<use href="#no"/>', "reference to a missing element"), ('<rect width="3" height="3" fill="url(#no)"/>', "paint with a missing reference"),
    ('<g display="none"><circle r="3"/></g>', "elements that are not displayed"), ('<circle r="3" visibility="hidden"/>', "elements that are hidden"),
    ('<circle r="3" opacity="0"><animate attributeName="opacity" to="1"/></circle>', "elements with opacity 0, animation"), ('<image href="a.png" width="3" height="3"/>', "image"),
]


@pytest.mark.parametrize(("body", "reason"), MESSAGES, ids=[reason for _, reason in MESSAGES])
def test_nothing_painted_says_why(parsed, body, reason):
    with pytest.raises(ValueError, match=rf"nothing is painted that rows can represent \(left out: {reason}\)"):
        parsed(body)


NAMED = [
    (rect('style="transform:rotateX(30deg)"'), {"3D transform": 1}), (rect('style="rotate:x 30deg"'), {"3D transform": 1}),
    (rect('style="offset-path:path(&quot;M0 0h9&quot;)"'), {"offset-path": 1}), (rect('style="mask:linear-gradient(red, blue)"'), {"mask by an image": 1}), (rect('style="clip-path:circle(3px)"'), {"clip-path by a CSS shape": 1}),
    (rect('style="offset:path(&quot;M0 0h9&quot;)"'), {"offset-path": 1}),
]
SHOWN_ANOTHER_WAY = [
    (f'<clipPath id="c"><use href="#u"/></clipPath><defs><use id="u" href="#r"/></defs><rect id="r" width="9" height="9"/><g clip-path="url(#c)">{RECT}</g>', {"use of a use in a clip path": 1}),
    (rect('fill="red icc-color(a)"'), {"ICC colour, by its sRGB fallback": 1}),
    ('<linearGradient id="g" display="none"><stop/></linearGradient>' + rect('fill="url(#g)"'), {"paint, clip path or mask that is itself not displayed": 1}),
    ('<clipPath id="c" systemLanguage="de"><rect width="9" height="9"/></clipPath>' + rect('clip-path="url(#c)"'), {"paint, clip path or mask that is itself not displayed": 1}),
    ('<radialGradient id="g" cx="3" cy="3" r="9"><stop/><stop offset=".6" stop-color="red"/><stop offset="1"/></radialGradient><rect width="24" height="24" fill="url(#g)"/>', {"gradient that reaches far beyond the canvas": 1}),
    (f'<pattern id="p" width=".5" height="1">{TILE}</pattern>' + rect('fill="url(#p)"'), {"pattern as shapes": 1}),
    (f'<clipPath id="c"><rect width="9" height="9"/></clipPath><svg width="9" height="9" clip-path="url(#c)">{RECT}</svg>', {"clip path or mask of a viewport": 1}),
    ('<linearGradient id="g"><stop/></linearGradient><path d="M2 2h9" stroke="url(#g)"/>', {"single-stop gradient without a bounding box": 1}),
    ('<mask id="m"><g color-interpolation="linearRGB"><rect width="3" height="3" fill="#fff"/></g></mask>' + rect('mask="url(#m)"'), {"color-interpolation within a mask": 1}),
]


@pytest.mark.parametrize(("body", "counted"), NAMED, ids=[next(iter(counted)) for _, counted in NAMED])
def test_what_rows_cannot_hold_is_named(parsed, body, counted):
    assert parsed(body).unsupported == counted


@pytest.mark.parametrize(
    ("body", "counted"), SHOWN_ANOTHER_WAY, ids=[next(iter(counted)) for _, counted in SHOWN_ANOTHER_WAY]
)
def test_what_is_shown_another_way_is_named(parsed, body, counted):
    found = parsed(body)
    assert found.approximated == counted and not found.unsupported
