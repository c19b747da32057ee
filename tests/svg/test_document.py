# ruff: noqa: E501 - tables of bytes and text
"""Bytes and text -> tree: encodings, gzip, entities, prefixes (limits and hostile documents: test_hostile.py)."""

import codecs
import gzip

import pytest

from svgfusion_lib.svg.document import decode_document, href, local_name, read_document
from svgfusion_lib.utils.svg_parser import parse_svg

XMLNS = 'xmlns="http://www.w3.org/2000/svg"'
TEXT = f"<svg {XMLNS}><title>caf\xe9 \u2603</title></svg>"
LATIN = f"<svg {XMLNS}><title>caf\xe9</title></svg>"


def declared(encoding: str, text: str = TEXT) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'


@pytest.mark.parametrize(("why", "data", "text"), [
    ("UTF-8 unless said", TEXT.encode(), TEXT),
    ("UTF-8 with its mark", codecs.BOM_UTF8 + TEXT.encode(), TEXT),
    ("UTF-16 by its mark", codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), TEXT),
    ("the other way round", codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), TEXT),
    ("UTF-32 is no UTF-16", codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), TEXT),
    ("the declaration", declared("ISO-8859-1", LATIN).encode("latin-1"), declared("ISO-8859-1", LATIN)),
    ("a declaration with single quotes", declared("latin1", LATIN).replace('"', "'", 4).encode("latin-1"),
     declared("latin1", LATIN).replace('"', "'", 4)),
    ("a mark beats the declaration", codecs.BOM_UTF8 + declared("ISO-8859-1").encode(), declared("ISO-8859-1")),
    ("plain bytes that say UTF-16 are not", declared("UTF-16").encode(), declared("UTF-16")),
    ("gzip", gzip.compress(TEXT.encode(), mtime=0), TEXT),
])
def test_bytes_are_decoded(why, data, text):
    assert decode_document(data) == text
    assert read_document(data).findtext("{*}title").startswith("caf\xe9")


@pytest.mark.parametrize(("data", "reason"), [
    (LATIN.encode("latin-1"), "not UTF-8 text .* at byte"), (declared("klingon").encode(), "unknown encoding 'klingon'"),
    (gzip.compress(TEXT.encode(), mtime=0)[:-9], "truncated"), (b"\x1f\x8b\x08 no gzip", "not a readable gzip file"),
    (b"", "empty"), (b" \n", "empty"), (codecs.BOM_UTF8, "empty"), (b"\x89PNG\r\n\x1a\n", "not UTF-8"), (b"hello", "not well-formed"),
    (b"<svg>", "not well-formed"), (f"<svg {XMLNS}><g></svg>".encode(), "not well-formed"), (b"<html/>", "root element is <html>"),
    (b'<svg xmlns="http://example.org"/>', "root element is <.*svg>, not <svg>"),
])
def test_bytes_that_are_no_svg_are_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        read_document(data)


@pytest.mark.parametrize(("why", "text"), [
    ("a namespace", f"<svg {XMLNS}><g/></svg>"),
    ("none", "<svg><g/></svg>"),
    ("a prefix", '<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:g/></s:svg>'),
    ("a document type", f'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x/svg11.dtd"><svg {XMLNS}><g/></svg>'),
    ("a prefix that is not declared", f'<svg {XMLNS}><g xlink:href="#a" inkscape:label="b"/></svg>'),
    ("not even the element's own", "<svg:svg><svg:g/></svg:svg>"),
])
def test_root_and_children_are_named(why, text):
    root = read_document(text)
    assert local_name(root) == "svg" and [local_name(child) for child in root] == ["g"]


def test_entities_of_plain_text_stand_for_it():
    text = f"""<!DOCTYPE svg [<!ENTITY red "#f00"><!ENTITY ns 'http://x/y'>]><svg {XMLNS} a="&red;" b="&ns;"/>"""
    assert read_document(text).attrib == {"a": "#f00", "b": "http://x/y"}


def test_entities_of_entities_before_them():
    text = f"""<!DOCTYPE svg [<!ENTITY w "9"><!ENTITY r "<rect width='&w;' id='&quot;&#65;'/>">]><svg {XMLNS}>&r;</svg>"""
    assert read_document(text)[0].attrib == {"width": "9", "id": '"A'}


def test_style_sheets_of_processing_instructions_are_named():
    found = parse_svg(f'<?xml-stylesheet href="a.css"?><?other?><svg {XMLNS} viewBox="0 0 9 9"><rect width="9" height="9"/></svg>')
    assert found.unsupported == {"external style sheet": 1}


@pytest.mark.parametrize(("attributes", "name"), [
    ('href="#a"', "a"), ('xlink:href=" #a "', "a"), ('href="#b" xlink:href="#a"', "b"), ("", ""), ('href="a.svg#b"', ""), ('href=""', ""),
])
def test_href(attributes, name):
    for declared_prefix in (' xmlns:xlink="http://www.w3.org/1999/xlink"', ""):  # undeclared, it means the same
        assert href(read_document(f"<svg {XMLNS}{declared_prefix}><use {attributes}/></svg>")[0]) == name


def test_local_name_of_what_is_not_svg():
    root = read_document(f'<svg {XMLNS}><x xmlns="http://example.org"/><g xmlns=""/><g/></svg>')
    assert [local_name(child) for child in root] == ["", "", "g"]


def test_path_is_read(tmp_path):
    path = tmp_path / "a.svgz"
    path.write_bytes(gzip.compress(TEXT.encode(), mtime=0))
    assert local_name(read_document(path)) == "svg"
