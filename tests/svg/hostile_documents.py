"""Hostile files at the level of bytes and XML: sizes, encodings, gzip, entities, references to the outside.

CASES: (name, builder, expected result): a pattern for the reason of refusal, ROWS if it must be drawn, EITHER if only
time, memory and outside access matter. Builders create files in the given folder.
"""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from string import Template

ROWS, EITHER = "rows", ""
Case = tuple[str, Callable[[Path], str | bytes | Path], str]
NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SHAPE = '<path d="M2 2h9v9z"/>'
UMLAUT_GROUP = '<g id="ä"/>'
MILLION = 1_000_000


def svg(body: str = SHAPE, attributes: str = 'viewBox="0 0 24 24"') -> str:
    return f"<svg {NAMESPACES} {attributes}>{body}</svg>"


def many(part: str, size: int) -> Callable[[], str]:
    """`size` characters of repeated text, built on demand."""
    return lambda: part * (size // len(part))


def case(name: str, body: str, reason: str = EITHER, attributes: str = 'viewBox="0 0 24 24"', **parts) -> Case:
    """A case whose $names are replaced by parts (text, or functions that return it); $shape is a shape."""

    def build(_: Path) -> str:
        values = {key: part() if callable(part) else part for key, part in parts.items()}
        return svg(Template(body).substitute(values, shape=SHAPE), Template(attributes).substitute(values))

    return name, build, reason


def _file(name: str, data: bytes) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return build


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.svg")
    return folder / "pipe.svg"


def _sparse(folder: Path) -> Path:
    path = folder / "sparse.svg"
    with path.open("wb") as file:
        file.truncate(50 * MILLION)
    return path


def _gzip_bomb(folder: Path) -> Path:
    return _file("bomb.svgz", gzip.compress(b"<svg>" + b" " * (200 * MILLION), 1))(folder)


def _entity(declarations: str, use: str = "&a;", copies: int = 1) -> str:
    return f"<!DOCTYPE svg [{declarations}]>" + svg(SHAPE + f"<text>{use}</text>" * copies)


_LAUGHS = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {after} "{10 * (chr(38) + name + chr(59))}">' for name, after in zip("abcdefgh", "bcdefghi")
)
_ILLUSTRATOR = (
    '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
    '"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [<!ENTITY ns_svg "http://www.w3.org/2000/svg">'
    '<!ENTITY ns_xlink "http://www.w3.org/1999/xlink">]><svg xmlns="&ns_svg;" xmlns:xlink="&ns_xlink;" '
    'viewBox="0 0 24 24"><path d="M2 2h9v9z"/></svg>'
)
_UMLAUT = svg('<title>ä€</title><path id="ä" d="M2 2h9v9z"/>')

_BYTES = [
    ("empty file", lambda _: b"", "the file is empty"),
    ("spaces only", lambda _: b" \n\t" * MILLION, "the file is empty"),
    ("not XML at all", lambda _: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not UTF-8"),
    ("HTML", lambda _: "<!doctype html><html><svg/></html>", "not well-formed|root element"),
    ("root of another namespace", lambda _: '<svg xmlns="urn:other"/>', "root element is <{urn:other}svg>"),
    ("root of a long name", lambda _: f"<{'x' * MILLION}/>", "root element is <xxx"),
    ("root of line breaks", lambda _: '<x xmlns="a&#10;b"/>', "root element"),
    ("50 MB path", lambda _: svg(f"<path d='M0 0{'L1 1' * 12 * MILLION}'/>".replace("'", '"')), "larger than 4 MB"),
    ("50 MB file", _sparse, "larger than 4 MB"),
    ("50 MB of bytes", lambda _: bytes(50 * MILLION), "larger than 4 MB"),
    ("missing file", lambda folder: folder / "missing.svg", "cannot be read .*No such file"),
    ("folder", lambda folder: folder, "not a regular file"),
    ("endless device", lambda _: Path("/dev/zero"), "not a regular file"),
    ("pipe that nobody writes to", _pipe, "not a regular file"),
    ("file of its own", _file("own.svg", svg().encode()), ROWS),
    ("gzip", lambda _: gzip.compress(svg().encode()), ROWS),
    ("gzip bomb", _gzip_bomb, "larger than 4 MB"),
    ("gzip cut short", lambda _: gzip.compress(svg().encode())[:-12], "not a readable gzip file"),
    ("gzip of nothing", lambda _: gzip.compress(b""), "the file is empty"),
    ("gzip in gzip", lambda _: gzip.compress(gzip.compress(svg().encode())), "not UTF-8"),
    ("gzip with a broken sum", lambda _: gzip.compress(svg().encode())[:-8] + bytes(8), "not a readable gzip file"),
]
_ENCODINGS = [
    *[(f"{name} with its mark", lambda _, name=name: _UMLAUT.encode(name), ROWS) for name in (
        "utf-16", "utf-32", "utf-8-sig")],
    *[(f"{name} without a mark", lambda _, name=name: _UMLAUT.encode(name), "not well-formed|not UTF-8")
      for name in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")],
    ("UTF-16 of odd length", lambda _: svg().encode("utf-16") + b"x", "not UTF-16"),
    *[(f"declared {name}", lambda _, name=name: f'<?xml version="1.0" encoding="{name}"?>{svg()}'.encode(), reason)
      for name, reason in (
          ("utf-16", ROWS), ("latin-1", ROWS), ("windows-1252", ROWS), ("klingon", "unknown encoding 'klingon'"),
          ("punycode", "unknown encoding"), ("idna", "unknown encoding"), ("rot13", "unknown encoding"),
          ("zip", "unknown encoding"),
          ("unicode_escape", "unknown encoding"), ("undefined", "unknown encoding"), ("../../etc/passwd", EITHER),
          ("os.path", "unknown encoding"), ("utf-7", EITHER), ("cp500", EITHER), ("shift_jis", ROWS), ("gb18030", ROWS),
      )],
    ("declared UTF-8, is latin-1", lambda _: f'<?xml version="1.0" encoding="UTF-8"?>{svg(UMLAUT_GROUP)}'
     .encode("latin-1"), "not UTF-8 text .* at byte"),
    ("4 MB of punycode", lambda _: b'<?xml version="1.0" encoding="punycode"?>-' + b"9" * 3 * MILLION,
     "unknown encoding"),
    ("EBCDIC", lambda _: svg().encode("cp500"), "not UTF-8|not well-formed"),
    ("lone surrogate", lambda _: svg('<g id="\ud800"/>'), "text that cannot be encoded"),
    ("lone surrogate in UTF-8", lambda _: svg('<g id="X"/>').encode().replace(b"X", b"\xed\xa0\x80"), "not UTF-8"),
    ("NUL", lambda _: svg("\0"), "not well-formed"),
    ("NUL in an attribute", lambda _: svg('<path d="M0 0\0h9v9"/>'), "not well-formed"),
    ("NUL by number", lambda _: svg("&#0;"), "not well-formed"),
    ("3 MB of emoji", lambda _: svg(f"<title>{'😀' * 700_000}</title>{SHAPE}"), ROWS),
]
_ENTITIES = [
    ("entities as Illustrator writes them", lambda _: _ILLUSTRATOR, ROWS),
    ("entity of a file", lambda _: _entity('<!ENTITY a SYSTEM "file:///etc/passwd">'), "XML entities"),
    ("entity of a server", lambda _: _entity('<!ENTITY a SYSTEM "http://127.0.0.1:9/x">'), "XML entities"),
    ("unparsed entity", lambda _: _entity('<!ENTITY a SYSTEM "x.png" NDATA png>', "x"), "XML entities"),
    ("parameter entity", lambda _: _entity('<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;', "x"), "XML entities"),
    ("billion laughs", lambda _: _entity(_LAUGHS, "&i;"), "XML entities"),
    ("quadratic blow-up", lambda _: _entity(f"<!ENTITY a '{'x' * 5000}'>", "&a;" * 5000), "XML entities would add"),
    ("entity of itself", lambda _: _entity('<!ENTITY a "&a;">'), "XML entities"),
    ("undeclared entity", lambda _: svg("&nbsp;"), "not well-formed.*undefined entity"),
    ("4 MB of entities cut open", lambda _: "<!DOCTYPE svg [" + "<!ENTITY a '" * 300_000, "XML entities"),
    ("entities with long gaps", lambda _: "<!DOCTYPE svg [" + f"<!ENTITY{' ' * 30_000}" * 100, "XML entities"),
    ("4 MB entity in pieces", lambda _: _entity(f"<!ENTITY a '{('x' + chr(34)) * 1_900_000}'>"), "XML entities"),
    ("DTD of a server", lambda _: '<!DOCTYPE svg SYSTEM "http://127.0.0.1:9/x.dtd">' + svg(), ROWS),
    ("attributes of a DTD", lambda _: "<!DOCTYPE svg [<!ATTLIST path d CDATA #IMPLIED>]>" + svg(), ROWS),
    ("attributes multiplied by a DTD", lambda _: "<!DOCTYPE svg [<!ATTLIST path d CDATA '" + "M0 0h9" * 50_000 + "'>]>"
     + svg("<path/>" * 300_000), "DTD"),
    ("4 MB of attribute lists cut open", lambda _: "<!DOCTYPE svg [" + "<!ATTLIST ' " * 300_000, "DTD"),
    ("4 MB of DTD", lambda _: f"<!DOCTYPE svg [{'<!ELEMENT a EMPTY>' * 200_000}]>{svg()}", EITHER),
]
_OUTSIDE = [
    ("style sheet by instruction", lambda _: '<?xml-stylesheet href="http://127.0.0.1:9/a.css"?>' + svg(), ROWS),
    ("xinclude", lambda _: svg(
        '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>' + SHAPE), ROWS),
    ("script", lambda _: svg('<script>while(1);</script><path onload="x()" d="M2 2h9v9z"/>'), ROWS),
    ("link to script", lambda _: svg(f'<a href="javascript:x()">{SHAPE}</a>'), ROWS),
    ("foreignObject", lambda _: svg(
        f'<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="http://127.0.0.1:9/"/></foreignObject>{SHAPE}'
    ), ROWS),
    ("image of a server", lambda _: svg('<image href="http://127.0.0.1:9/a.png" width="9" height="9"/>'), "image"),
    ("image as data", lambda _: svg('<image href="data:image/png;base64,' + "A" * 3 * MILLION + '"/>' + SHAPE), ROWS),
    ("use of a server", lambda _: svg('<use href="http://127.0.0.1:9/a.svg#x"/>'), "reference to a missing element"),
    ("use of data", lambda _: svg('<use href="data:image/svg+xml,<svg/>#x"/>'.replace("<svg/>", "")), "reference to"),
    ("paint of a server", lambda _: svg('<path d="M0 0h9v9z" fill="url(http://127.0.0.1:9/a.svg#x)"/>'), "outside"),
    ("paint of a file, fallback", lambda _: svg('<path d="M0 0h9v9z" fill="url(file:///etc/passwd) red"/>'), ROWS),
    ("import of a style sheet", lambda _: svg(f"<style>@import url(http://127.0.0.1:9/a.css);</style>{SHAPE}"), ROWS),
    ("font of a server", lambda _: svg(f"<style>@font-face{{src:url(http://127.0.0.1:9/a)}}</style>{SHAPE}"), ROWS),
    *[(f"{name} of a server", lambda _, name=name: svg(f'<path {name}="url(http://127.0.0.1:9/a#b)" d="M0 0h9v9z"/>'),
       EITHER) for name in ("clip-path", "mask", "filter", "marker-start")],
    case("base of a server", '<use href="#a"/>$shape', ROWS, 'xml:base="http://127.0.0.1:9/" width="9" height="9"'),
]
_TREES = [
    ("250 nested groups", lambda _: svg("<g>" * 250 + SHAPE + "</g>" * 250), "nested more than"),
    ("500,000 unclosed groups", lambda _: "<svg>" + "<g>" * 500_000, "nested more than"),
    ("million elements", lambda _: svg("<g/>" * 990_000), "elements"),
    ("330,000 attributes", lambda _: svg("<g " + " ".join(f'a{i:x}=""' for i in range(330_000)) + "/>"),
     EITHER),
    ("300,000 attributes of one name", lambda _: svg("<g " + 'a="" ' * 300_000 + "/>"), "duplicate attribute"),
    ("150,000 namespaces", lambda _: "<svg " + " ".join(f'xmlns:a{i:x}="u{i:x}"' for i in range(150_000)) + "/>",
     EITHER),
    ("2 MB namespace of 400,000 elements", lambda _: '<svg xmlns="' + "u" * 2 * MILLION + '">' + "<g/>" * 400_000,
     "namespace"),
    ("2 MB namespace of 200,000 attributes", lambda _: '<svg xmlns:x="' + "xmlns" * 400_000 + '">'
     + '<g x:a=""/>' * 160_000, "namespace"),
    ("namespaces cut open", lambda _: "<svg " + "xmlns:" * 600_000, "namespace"),
    ("undeclared prefixes", lambda _: "<svg " + "".join(f'a{i:x}:b="" ' for i in range(200_000)) + "/>", EITHER),
    ("3 MB comment", lambda _: svg(f"<!--{'x' * 3 * MILLION}-->{SHAPE}"), ROWS),
    ("400,000 comments", lambda _: svg("<!---->" * 400_000 + SHAPE), ROWS),
    ("3 MB of text in pieces", lambda _: svg(f"<title>{'x&lt;' * 700_000}</title>{SHAPE}"), ROWS),
    ("3 MB in CDATA", lambda _: svg(f"<title><![CDATA[{'<' * 3 * MILLION}]]></title>{SHAPE}"), ROWS),
    ("cut short", lambda _: svg()[:-8], "not well-formed"),
]
CASES: list[Case] = [*_BYTES, *_ENCODINGS, *_ENTITIES, *_OUTSIDE, *_TREES]
