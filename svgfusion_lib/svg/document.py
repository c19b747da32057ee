"""Parse SVG bytes into an XML tree, safely: bounded size, no expanding or external entities, no network, no files.

Uses expat through xml.etree, which resolves neither external entities nor DTDs.
"""

import codecs
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from svgfusion_lib.svg.style.values import fragment

MAX_BYTES = 4_000_000            # of a document, after decompression
MAX_ENTITY_CHARACTERS = 100_000  # added by internal entities
MAX_DTD_CHARACTERS = 10_000_000  # added by attribute defaults declared in the document
MAX_XML_DEPTH = 300
MAX_XML_ELEMENTS = 100_000       # in total, drawn or not
MAX_CHAIN = 16                   # chained references between gradients or patterns
SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"
XHTML_NAMESPACE = "{http://www.w3.org/1999/xhtml}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_PREFIX = re.compile(r"[<\s/]([A-Za-z_][\w.-]*):[A-Za-z_]")
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?svg(?=[\s/>])")
_PROLOG = re.compile(r"\s*+(?:<\?.*?\?>|<!DOCTYPE[^\[>]*>|<!--(.*?)-->)", re.DOTALL)
_ENTITY = re.compile(r"""<!ENTITY\s+([\w.:-]+)\s+(["'])([^%]{0,10000}?)\2\s*>""")
_REFERENCE = re.compile(r"&([^;]*+);?")
# a namespace declaration longer than any in use; the gaps are bounded too
_LONG_NAMESPACE = re.compile(
    r"""xmlns(?::[^\s=<>"']{101}|(?::[^\s=<>"']{0,100})?(?:\s{101}|\s{0,100}="""
    r"""(?:\s{101}|\s{0,100}(?:"[^"]{1001}|'[^']{1001}))))"""
)
# Python codecs that are not text encodings
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})


def read_document(source: str | bytes | Path) -> ElementTree.Element:
    """Read the root <svg> element from SVG text, bytes (plain or gzip), or the file at a Path.

    Raises ValueError with the reason: too large, wrong encoding, entities that refer to files or to each
    other, not well-formed, nested too deeply, too many elements, or not an SVG.
    """
    text = document_text(source)
    if len(text) > MAX_BYTES:
        raise ValueError(_too_large())
    if not text.strip():
        raise ValueError("the file is empty")
    if isinstance(source, str) and "<" not in source:
        raise ValueError("not SVG text; give a file as a Path")
    _check_declarations(text)
    try:
        root = _parse(text)
    except ElementTree.ParseError as error:
        if "unbound prefix" not in str(error):
            raise ValueError(f"not well-formed XML ({error})") from error
        try:
            root = _parse(_with_prefixes(text))
        except ElementTree.ParseError as other:
            raise ValueError(f"not well-formed XML ({other})") from other
    if root.tag not in (f"{SVG_NAMESPACE}svg", "svg"):
        raise ValueError(f"the root element is <{repr(root.tag[:60])[1:-1]}>, not <svg>")
    return root


def document_text(source: str | bytes | Path) -> str:
    """Text of SVG text, bytes (plain or gzip), or the file at a Path; ValueError with the reason."""
    return source if isinstance(source, str) else decode_document(_bytes_of(source))


def leading_comments(text: str) -> list[str]:
    """The comments before the root of a document that `read_document` reads, up to a DTD with declarations."""
    comments, part = [], _PROLOG.match(text)
    while part:
        if part[1]:
            comments.append(part[1])
        part = _PROLOG.match(text, part.end())
    return comments


def _parse(text: str) -> ElementTree.Element:
    """Parse text into a tree. ValueError if it is too deep or too large, ParseError if it is not well-formed."""
    parser: Any = ElementTree.XMLPullParser(events=("start", "end", "pi"))
    styled = False
    depth, count = 0, 0
    root: ElementTree.Element | None = None
    for start in range(0, len(text), 65536):  # in pieces, to check the depth before the whole tree is built
        try:
            parser.feed(text[start : start + 65536])
        except UnicodeEncodeError as error:
            raise ValueError(f"text that cannot be encoded ({error.reason})") from error
        events: Iterator[tuple[str, ElementTree.Element]] = parser.read_events()  # of the two requested kinds
        for event, element in events:
            if event == "pi":
                styled = styled or (element.text or "").startswith("xml-stylesheet")
                continue
            if root is None:
                root = element
                named = element.tag.startswith(SVG_NAMESPACE)
            if event == "end":
                depth -= 1
                continue
            if named and element.tag[0] != "{":  # no namespace, in a document that has one
                element.tag = f"{{none}}{element.tag}"
            depth, count = depth + 1, count + 1
            if depth > MAX_XML_DEPTH:
                raise ValueError(f"elements are nested more than {MAX_XML_DEPTH} deep")
            if count > MAX_XML_ELEMENTS:
                raise ValueError(f"more than {MAX_XML_ELEMENTS:,} elements")
    parser.close()
    assert root is not None  # text without an element is not well-formed
    if styled:
        root.set("xml-stylesheet", "")
    return root


def _with_prefixes(text: str) -> str:
    """Declare undeclared prefixes on the root element; copied fragments often lack the declarations."""
    used = set(_PREFIX.findall(text)) - {"xml", "xmlns"}
    declared = set(re.findall(r"xmlns:([\w.-]+)\s*=", text))
    known = {"xlink": XLINK_HREF[1:].split("}")[0], "svg": SVG_NAMESPACE[1:-1]}
    added = " ".join(f'xmlns:{p}="{known.get(p, "urn:" + p)}"' for p in sorted(used - declared)[:100])
    return _ROOT.sub(lambda match: f"{match[0]} {added} ", text, count=1)


def decode_document(data: bytes) -> str:
    """Decode the bytes of an SVG file (plain or gzip) by byte order mark, XML declaration, or as UTF-8."""
    if data.startswith(_GZIP_MAGIC):
        data = _decompress(data)
    if len(data) > MAX_BYTES:
        raise ValueError(_too_large())
    encoding, mark = next(((name, bom) for bom, name in _BYTE_ORDER_MARKS if data.startswith(bom)), ("", b""))
    if not encoding:
        declared = _DECLARATION.match(data[:200])
        encoding = declared[1].decode() if declared else "utf-8"
        if encoding.lower().replace("_", "-") in ("utf-16", "utf-32"):  # declared in single bytes: wrong
            encoding = "utf-8"
    try:
        if codecs.lookup(encoding).name in _NO_CHARSETS:
            raise LookupError
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"not {encoding.upper()} text ({error.reason} at byte {error.start})") from error
    except LookupError as error:
        raise ValueError(f"unknown encoding {encoding!r}") from error


def local_name(element: ElementTree.Element) -> str:
    """Tag without its namespace; "" for non-SVG elements, comments included."""
    return _local_name(element.tag) if isinstance(element.tag, str) else ""


@lru_cache(maxsize=1024)
def _local_name(tag: str) -> str:
    if tag.startswith(SVG_NAMESPACE):
        return tag[len(SVG_NAMESPACE) :]
    return "" if tag.startswith("{") else tag


def href(element: ElementTree.Element) -> str:
    """Id that the element's href refers to; "" if it is missing or leads outside the document."""
    return fragment(element.get("href", element.get(XLINK_HREF, "")))


def href_chain(
    element: ElementTree.Element, ids: Mapping[str, ElementTree.Element], *kinds: str
) -> list[ElementTree.Element]:
    """The element and those of the given kinds that it refers to, directly or in turn: at most MAX_CHAIN."""
    chain = [element]
    while len(chain) < MAX_CHAIN:
        other = ids.get(href(chain[-1]))
        if other is None or local_name(other) not in kinds or other in chain:
            break
        chain.append(other)
    return chain


def _bytes_of(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        if not stat.S_ISREG(source.stat().st_mode):  # a device or a pipe may never end
            raise ValueError("not a regular file")
        with source.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if len(data) > MAX_BYTES:
        raise ValueError(_too_large())
    return data


def _decompress(data: bytes) -> bytes:
    """Decompress at most MAX_BYTES, whatever size the file declares."""
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"not a readable gzip file ({error})") from error
    if len(plain) <= MAX_BYTES and not unzip.eof:
        raise ValueError("not a readable gzip file (truncated)")
    return plain


def _check_declarations(text: str) -> None:
    """Check declarations that expat would multiply: entities, attribute defaults, namespaces.

    Entities may only stand for short text, which may contain characters and previously declared entities.
    """
    entities = text.count("<!ENTITY")
    if entities > 100:
        raise ValueError("more than 100 XML entities")
    declared = _ENTITY.findall(text) if entities else []
    sizes = dict.fromkeys(("lt", "gt", "amp", "quot", "apos"), 1)  # of each entity after expansion
    for name, _, value in declared:
        within = [other for other in _REFERENCE.findall(value) if other[:1] != "#"]
        if not sizes.keys() >= {*within}:
            entities = -1
            break
        sizes[name] = len(value) + sum(min(sizes[other], MAX_BYTES) for other in within)
    if len(declared) != entities:
        raise ValueError("XML entities must be short and must not refer to files or later entities")
    added = sum(sizes[name] * text.count(f"&{name};") for name, *_ in declared)
    if added > MAX_ENTITY_CHARACTERS:
        raise ValueError(f"XML entities would add more than {MAX_ENTITY_CHARACTERS:,} characters")
    if "<!ATTLIST" in text:  # each element may get every declared attribute
        root = _ROOT.search(text, text.rindex("<!ATTLIST"))
        declarations = text[text.index("<!ATTLIST") : root.start() if root else None]
        if len(declarations) * text.count("<") > MAX_DTD_CHARACTERS and ('"' in declarations or "'" in declarations):
            raise ValueError(f"the DTD would add more than {MAX_DTD_CHARACTERS:,} characters to the elements")
    if _LONG_NAMESPACE.search(text):  # each element's name repeats it
        raise ValueError("the name of an XML namespace is too long")


def _too_large() -> str:
    return f"larger than {MAX_BYTES // 1_000_000} MB"
