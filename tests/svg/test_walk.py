# ruff: noqa: E501 - tables of SVG text
"""What is painted and in which order: groups, references, hidden elements, skipped and counted ones."""

import pytest

SQUARE = '<rect width="3" height="3"/>'
NAMED = '<rect id="a" width="3" height="3"/>'


def rect(x, y, width=3, height=3, paint: str = "") -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}"{paint}/>'


DRAWN = [rect(0, 0)]
ORDER = [
    ("paint order is document order", '<circle r="2"/><g><path d="M1 1h2v2z"/></g><rect width="1" height="1"/>',
     ['<circle cx="0" cy="0" r="2"/>', '<path d="M1 1H3V3Z"/>', rect(0, 0, 1, 1)]),
    ("groups and links", f'<g><a href="#x"><g>{SQUARE}</g></a></g>', DRAWN),
    ("definitions are not painted", f'<defs><circle r="4"/></defs>{SQUARE}', DRAWN),
    ("nor are symbols, clips, masks, patterns, markers", "".join(f"<{tag}><circle r='4'/></{tag}>" for tag in ("symbol", "clipPath", "mask", "pattern", "marker")) + SQUARE, DRAWN),
    ("nor unknown elements and what is in them", f"<foo>{SQUARE}</foo><g><bar/></g>{SQUARE}", DRAWN),
    ("nor other namespaces", f'<rect xmlns="http://example.org/x" width="9" height="9"/>{SQUARE}', DRAWN),
    ("comments, titles, metadata", f'<!-- hi --><?pi x?><title>a &amp; b</title><desc/><metadata><rect width="1" height="1"/></metadata>{SQUARE}', DRAWN),
    ("text between elements says nothing", f"hello {SQUARE} world", DRAWN),
]
USES = [
    ("by href", f'<defs>{NAMED}</defs><use href="#a"/>', [rect(0, 0)]),
    ("by xlink:href", f'<defs>{NAMED}</defs><use xlink:href="#a"/>', [rect(0, 0)]),
    ("href goes before xlink:href", f'<defs>{NAMED}<circle id="b" r="1"/></defs><use xlink:href="#b" href="#a"/>', [rect(0, 0)]),
    ("at x and y", f'<defs>{NAMED}</defs><use href="#a" x="10" y="50%"/>', [rect(10, 12)]),
    ("its transform comes before x and y", f'<defs>{NAMED}</defs><use href="#a" x="2" y="1" transform="scale(2)"/>', [rect(4, 2, 6, 6)]),
    ("what is used inherits from the use", f'<defs>{NAMED}</defs><g fill="blue"><use href="#a" fill="red"/></g>', [rect(0, 0, paint=' fill="#f00"')]),
    ("not from where it stands", f'<g fill="red"><defs>{NAMED}</defs></g><use href="#a"/>', [rect(0, 0)]),
    ("its own style comes first", '<defs><rect id="a" fill="red" width="3" height="3"/></defs><use href="#a" fill="blue"/>', [rect(0, 0, paint=' fill="#f00"')]),
    ("of a group", f'<defs><g id="a" transform="translate(1 2)">{SQUARE}{rect(4, 0)}</g></defs><use href="#a" x="1"/>', [rect(2, 2), rect(6, 2)]),
    ("of a use", f'<defs>{NAMED}<use id="b" href="#a" x="1" y="1"/></defs><use href="#b" x="4"/>', [rect(5, 1)]),
    ("of something that is painted too", f'{NAMED}<use href="#a" x="5"/>', [rect(0, 0), rect(5, 0)]),
    ("of something that stands later", f'<use href="#a" x="5"/><defs>{NAMED}</defs>', [rect(5, 0)]),
    ("width and height say nothing of a shape", f'<defs>{NAMED}</defs><use href="#a" width="9" height="9"/>', [rect(0, 0)]),
    ("of a symbol", f'<symbol id="a">{SQUARE}</symbol><use href="#a" x="4"/>', [rect(4, 0)]),
    ("of a symbol in defs, twice", f'<defs><symbol id="a">{SQUARE}</symbol></defs><use href="#a"/><use href="#a" x="4"/>', [rect(0, 0), rect(4, 0)]),
    ("of a symbol with a viewBox: it fits the use's size", f'<symbol id="a" viewBox="0 0 3 3">{SQUARE}</symbol><use href="#a" x="1" y="2" width="6" height="6"/>', [rect(1, 2, 6, 6)]),
    ("or all of the viewport", f'<symbol id="a" viewBox="0 0 3 3">{SQUARE}</symbol><use href="#a"/>', [rect(0, 0, 24, 24)]),
    ("or the symbol's own", f'<symbol id="a" viewBox="0 0 3 3" width="6" height="6">{SQUARE}</symbol><use href="#a"/>', [rect(0, 0, 6, 6)]),
    ("a symbol's aspect ratio", f'<symbol id="a" viewBox="0 0 3 3" preserveAspectRatio="xMaxYMin">{SQUARE}</symbol><use href="#a" width="12" height="6"/>', [rect(6, 0, 6, 6)]),
    ("a symbol cuts what overflows", f'<symbol id="a" viewBox="0 0 3 3">{rect(1, 1, 9, 9)}</symbol><use href="#a" width="6" height="6"/>', ['<path d="M2 2H6V6H2Z"/>']),
    ("unless it says not to", f'<symbol id="a" viewBox="0 0 3 3" overflow="visible">{rect(1, 1, 4, 4)}</symbol><use href="#a" width="6" height="6"/>', [rect(2, 2, 8, 8)]),
    ("a symbol inherits from the use", f'<symbol id="a">{SQUARE}</symbol><use href="#a" fill="red"/>', [rect(0, 0, paint=' fill="#f00"')]),
    ("of a nested svg: its size is the use's", f'<defs><svg id="a" viewBox="0 0 3 3" width="6" height="6">{SQUARE}</svg></defs><use href="#a" width="12" height="12"/>', [rect(0, 0, 12, 12)]),
    ("of the first of two with an id", f'<defs>{NAMED}<circle id="a" r="2"/></defs><use href="#a"/>', [rect(0, 0)]),
]
HIDDEN = [
    ("display none", f'<rect display="none" width="4" height="4"/>{SQUARE}', DRAWN),
    ("of a group, whatever its children say", f'<g display="none"><rect display="inline" width="4" height="4"/></g>{SQUARE}', DRAWN),
    ("by CSS", f'<rect style="display:none" width="4" height="4"/>{SQUARE}', DRAWN),
    ("what is hidden can be used only if it shows", f'<defs><rect id="a" display="none" width="4" height="4"/></defs><use href="#a"/>{SQUARE}', DRAWN),
    ("what is in a hidden group can", f'<g display="none">{NAMED}</g><use href="#a"/>', DRAWN),
    ("a hidden use", f'<defs>{NAMED}</defs><use href="#a" x="9" display="none"/>{SQUARE}', DRAWN),
    ("visibility", f'<rect visibility="hidden" width="4" height="4"/><rect visibility="collapse" width="4" height="4"/>{SQUARE}', DRAWN),
    ("is inherited, and a child may show again", '<g visibility="hidden"><circle r="2"/><rect visibility="visible" width="3" height="3"/></g>', DRAWN),
    ("systemLanguage: English", '<rect systemLanguage="de" width="4" height="4"/><rect systemLanguage="de, en-GB" width="3" height="3"/>', DRAWN),
    ("an empty systemLanguage never holds", f'<rect systemLanguage="" width="4" height="4"/>{SQUARE}', DRAWN),
    ("switch: the first that holds", f'<switch><rect systemLanguage="fr" width="4" height="4"/>{SQUARE}<rect width="5" height="5"/></switch>', DRAWN),
    ("switch: not what needs extensions", f'<switch><g requiredExtensions="http://x"><circle r="1"/></g><g>{SQUARE}</g></switch>', DRAWN),
    ("switch: what is no element of SVG does not count", f'<switch><!-- --><p xmlns="urn:x"/>{SQUARE}</switch>', DRAWN),
    ("switch in which nothing holds", f'<switch><rect systemLanguage="fr" width="4" height="4"/></switch>{SQUARE}', DRAWN),
]


@pytest.mark.parametrize(("why", "body", "expected"), [*ORDER, *USES, *HIDDEN], ids=[why for why, *_ in [*ORDER, *USES, *HIDDEN]])
def test_painted(drawn, parsed, why, body, expected):
    assert drawn(body) == expected
    assert not parsed(body).unsupported


UNSUPPORTED = [
    ('<text x="2" y="9">hi</text>', {"text": 1}),
    ('<text>a<tspan>b</tspan></text><g><text/></g>', {"text": 2}),
    ('<defs><text id="a">x</text></defs><use href="#a"/><use href="#a"/>', {"text": 2}),
    ('<image href="a.png" width="4" height="4"/>' * 2, {"image": 2}),
    ('<foreignObject width="4" height="4"><p xmlns="http://www.w3.org/1999/xhtml">hi</p></foreignObject>', {"foreignObject": 1}),
    ('<switch><foreignObject width="4" height="4"/><rect width="9" height="9"/></switch>', {"foreignObject": 1}),
    ('<filter id="f"/><g filter="url(#f)"><circle r="1"/></g>', {"filter": 1}),
    ('<circle r="1" style="filter:blur(2px)"/>', {"filter": 1}),
    ('<circle r="1" filter="url(#missing)"/><circle r="1" filter="none"/>', {}),
    ('<circle r="1" style="mix-blend-mode:multiply"/>', {"mix-blend-mode": 1}),
    ('<circle r="1" style="mix-blend-mode:normal"/>', {}),
    ('<use href="#missing"/>', {"reference to a missing element": 1}),
    ('<use href="other.svg#a"/>', {"reference to a missing element": 1}),
    ('<use/>', {"reference to a missing element": 1}),
    ('<g display="none"><text>a</text><image/></g><defs><text/></defs><text display="none"/>', {}),
    ('<circle r="1"><animate attributeName="r" to="5"/></circle><script/><style/>', {}),
]


@pytest.mark.parametrize(("body", "counted"), UNSUPPORTED, ids=[body for body, _ in UNSUPPORTED])
def test_what_rows_cannot_hold_is_counted_by_name(parsed, body, counted):
    assert parsed(body + SQUARE).unsupported == counted


@pytest.mark.parametrize("body", [
    '<g id="a"><use href="#a"/></g>', '<use id="a" href="#a"/>', '<use id="a" href="#b"/><use id="b" href="#a"/>',
    '<symbol id="a"><use href="#a"/></symbol><use href="#a"/>',
])
def test_what_closes_a_circle_is_left_out(parsed, drawn, body):
    assert drawn(body + SQUARE) == DRAWN
    assert set(parsed(body + SQUARE).unsupported) == {"circular reference"}
    with pytest.raises(ValueError, match="nothing is painted .*circular reference"):
        parsed(body)


def test_sheet_of_symbols_looks_the_same(assert_alike):
    """As in icon sprites: symbols with viewBoxes, rotated and coloured by their uses."""
    assert_alike(
        '<defs><symbol id="s" viewBox="-5 -5 10 10" preserveAspectRatio="xMinYMax"><circle r="4"/><path d="M-3 0h6" stroke="#fff"/></symbol></defs>'
        '<use href="#s" width="12" height="8" fill="red"/><use href="#s" x="10" y="8" width="10" height="14" fill="blue" transform="rotate(15 12 12)"/>',
        "resvg",
    )
