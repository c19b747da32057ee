# ruff: noqa: E501 - tables of SVG text
"""Styles (attributes, style attributes, style sheets, inheritance): how a 3 x 3 rect is painted."""

import pytest

RECT = '<rect width="3" height="3"/>'
DRAWN = '<rect x="0" y="0" width="3" height="3" '
RED = f'{DRAWN}fill="#f00"/>'
BLACK = DRAWN.rstrip() + "/>"


def rect(attributes: str) -> str:
    return RECT.replace("/>", f" {attributes}/>")


def sheet(css: str, body: str = RECT) -> str:
    return f"<style>{css}</style>{body}"


def classed(css: str, attributes: str = 'class="a"') -> str:
    return sheet(css, rect(attributes))


ATTRIBUTES = [
    ("black unless said", RECT, BLACK),
    ("presentation attribute", rect('fill="red"'), RED),
    ("style attribute", rect('style="fill:red"'), RED),
    ("style beats presentation", rect('fill="blue" style="fill:red"'), RED),
    ("the last declaration counts", rect('style="fill:blue;fill:red"'), RED),
    ("spaces, capitals, semicolons", rect('style=" ; FILL : red ;; "'), RED),
    ("comments", rect('style="/* a:b; */fill:/* c */red"'), RED),
    ("!important is read", rect('style="fill:red !important"'), RED),
    ("declarations no attribute can have", rect('style="--x:1;a b:2;&lt;:3;:4;fill:red"'), RED),
    ("a broken declaration does not hide the next", rect('style="fill;fill:red"'), RED),
    ("a colour that is none is as if not written", rect('fill="redd"'), BLACK),
    ("in a style too", rect('fill="red" style="fill:redd"'), RED),
    ("inherited instead", '<g fill="red"><rect width="3" height="3" fill="redd"/></g>', RED),
    ("inherited", f'<g fill="red">{RECT}</g>', RED),
    ("from far above", f'<g style="fill:red"><g><a><g>{RECT}</g></a></g></g>', RED),
    ("one's own beats what is inherited", '<g fill="blue"><rect width="3" height="3" fill="red"/></g>', RED),
    ("inherit", '<g fill="red"><rect width="3" height="3" fill="inherit"/></g>', RED),
    ("unset is inherit for what is inherited", '<g fill="red"><rect width="3" height="3" style="fill:unset"/></g>', RED),
    ("initial", '<g fill="red"><rect width="3" height="3" style="fill:initial"/></g>', BLACK),
    ("currentColor", '<g color="red"><rect width="3" height="3" fill="currentColor"/></g>', RED),
    ("currentColor is the colour where it is used", '<g color="blue" fill="currentColor"><rect width="3" height="3" color="red"/></g>', RED),
    ("currentColor without a color is black", rect('fill="currentColor"'), BLACK),
    ("color: currentColor is the parent's", '<g color="red"><rect width="3" height="3" color="currentColor" fill="currentColor"/></g>', RED),
    ("a colour's alpha is an opacity", rect('fill="#ff000080"'), f'{DRAWN}fill="#f00" fill-opacity="0.502"/>'),
    ("and multiplies fill-opacity", rect('fill="rgba(255,0,0,.5)" fill-opacity=".5"'), f'{DRAWN}fill="#f00" fill-opacity="0.25"/>'),
    ("opacity is not inherited, it multiplies", '<g opacity=".5"><rect width="3" height="3" fill="red" opacity=".5"/></g>', f'{DRAWN}fill="#f00" fill-opacity="0.25"/>'),
    ("fill-opacity is inherited", '<g fill-opacity=".5"><rect width="3" height="3" fill="red"/></g>', f'{DRAWN}fill="#f00" fill-opacity="0.5"/>'),
]
SHEETS = [
    ("element", sheet("rect{fill:red}"), RED),
    ("any", sheet("*{fill:red}"), RED),
    ("class", classed(".a{fill:red}"), RED),
    ("one of several classes", classed(".a{fill:red}", 'class="b a c"'), RED),
    ("both of two classes", classed(".a.b{fill:red}.a.c{fill:blue}", 'class="a b"'), RED),
    ("id", classed("#i{fill:red}", 'id="i"'), RED),
    ("attribute", classed('[data-x="1"]{fill:red}', 'data-x="1"'), RED),
    ("descendant", sheet("g rect{fill:red}", f"<g><a>{RECT}</a></g>"), RED),
    ("no descendant", sheet("g rect{fill:red}"), BLACK),
    ("child", sheet("g>rect{fill:red}", f"<g>{RECT}</g>"), RED),
    ("no child", sheet("g>rect{fill:red}", f"<g><a>{RECT}</a></g>"), BLACK),
    ("sibling", sheet("title+rect{fill:red}", f"<title/>{RECT}"), RED),
    ("comma", sheet("circle,rect{fill:red}"), RED),
    ("inherited from a group that matches", sheet(".a{fill:red}", f'<g class="a">{RECT}</g>'), RED),
    ("beats presentation", classed(".a{fill:red}", 'class="a" fill="blue"'), RED),
    ("the style attribute beats it", classed(".a{fill:blue}", 'class="a" style="fill:red"'), RED),
    ("!important beats the style attribute", classed(".a{fill:red!important}", 'class="a" style="fill:blue"'), RED),
    ("but not an important style attribute", classed(".a{fill:blue!important}", 'class="a" style="fill:red!important"'), RED),
    ("id beats class", classed("#i{fill:red}.a{fill:blue}", 'id="i" class="a"'), RED),
    ("class beats element", classed(".a{fill:red}rect{fill:blue}"), RED),
    ("two classes beat one", classed(".a.b{fill:red}.a{fill:blue}", 'class="a b"'), RED),
    ("later beats earlier", classed(".a{fill:blue}.a{fill:red}"), RED),
    ("across sheets", classed(".a{fill:blue}").replace("</style>", "</style><style>.a{fill:red}</style>"), RED),
    ("a sheet after what it paints", '<rect width="3" height="3" class="a"/><style>.a{fill:red}</style>', RED),
    ("a sheet in defs, in CDATA", '<defs><style type="text/css"><![CDATA[rect{fill:red}]]></style></defs>' + RECT, RED),
    ("another type of sheet is none", '<style type="text/less">rect{fill:red}</style>' + RECT, BLACK),
    ("comments", sheet("/* a{ */rect{/* fill:blue; */fill:red}/* } */"), RED),
    ("@media that a screen is", sheet("@media screen{rect{fill:red}}"), RED),
    ("@media that it is not", sheet("rect{fill:red}@media print{rect{fill:blue}}"), RED),
    ("@font-face and the like are passed over", sheet("@font-face{font-family:x}@charset 'a';rect{fill:red}"), RED),
    ("a broken rule does not hide the next", sheet("rect{fill:}.b{{}}rect{fill:red}"), RED),
    ("what nobody is", sheet(".b{fill:blue}#c{fill:blue}circle{fill:blue}", rect('fill="red"')), RED),
    ("currentColor by CSS", sheet("g{color:red}rect{fill:currentColor}", f"<g>{RECT}</g>"), RED),
]


PATHS = [
    ("stroke of a group", '<g style="fill:none;stroke:red;stroke-width:2"><path d="M2 2L9 9"/></g>', '<path d="M2 2L9 9" fill="none" stroke="#f00" stroke-width="2"/>'),
    ("stroke inherits currentColor", '<g stroke="currentColor" fill="none" color="red"><path d="M2 2L9 9"/></g>', '<path d="M2 2L9 9" fill="none" stroke="#f00"/>'),
    ("fill-rule is inherited", '<g fill-rule="evenodd"><path d="M2 2h9v9zM3 2h4v4z"/></g>', '<path d="M2 2H11V11ZM3 2H7V6Z" fill-rule="evenodd"/>'),
    ("CSS sets geometry", '<style>circle{r:5px;cx:12px}</style><circle r="3" cy="12"/>', '<circle cx="12" cy="12" r="5"/>'),
    ("CSS sets path data", "<path d=\"M2 2h3v3z\" style=\"d:path('M2 2h9v9z')\"/>", '<path d="M2 2H11V11Z"/>'),
    ("geometry is no presentation attribute of others", '<g r="9" cx="9"><circle cx="4" cy="4" r="2"/></g>', '<circle cx="4" cy="4" r="2"/>'),
]


STYLES = [*ATTRIBUTES, *SHEETS, *PATHS]


@pytest.mark.parametrize(("why", "body", "expected"), STYLES, ids=[why for why, *_ in STYLES])
def test_style(drawn, why, body, expected):
    assert drawn(body) == [expected]


@pytest.mark.parametrize(("css", "counted"), [
    ("rect:hover{fill:red}", {}),            # never hovered
    ("rect!{fill:red}", {}),                 # invalid: browsers ignore it too
    ("rect:unheard-of{fill:red}", {"CSS selector": 1}),
    ("@scope (g){rect{fill:red}}", {"CSS @scope": 1}),
    ("@import url(a.css);", {"external style sheet": 1}),
    (".hover:hover{--x:1}", {}),   # sets nothing relevant
])
def test_sheets_that_cannot_be_followed_are_counted(parsed, css, counted):
    assert parsed(sheet(css)).unsupported == counted
