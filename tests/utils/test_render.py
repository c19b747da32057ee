import base64
import contextlib
import io
import os
import random

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from svgfusion_lib.errors import UserError
from svgfusion_lib.utils import render
from svgfusion_lib.utils.render import RENDERERS, contact_sheet, is_blank, render_svg
from tests.helpers import svg

WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)


LEFT_RED = svg('<rect width="12" height="24" fill="red"/>')


def test_colours_at_known_pixels():
    image = render_svg(LEFT_RED, 32)
    assert image.shape == (32, 32, 3) and image.dtype == np.uint8 and image.flags.c_contiguous
    assert (image[:, :16] == RED).all() and (image[:, 16:] == WHITE).all()


def test_opacity_mixes_with_the_background():
    half = svg('<rect width="24" height="24" fill="red" opacity="0.5"/>')
    np.testing.assert_allclose(render_svg(half, 8)[4, 4], (255, 128, 128), atol=1)
    np.testing.assert_allclose(render_svg(half, 8, background="#00f")[4, 4], (128, 0, 128), atol=1)
    assert (render_svg(svg(""), 8, background="yellow") == (255, 255, 0)).all()


@pytest.mark.parametrize("attributes", [
    'width="40" height="20"', 'viewBox="0 0 40 20"', 'width="4cm" height="2cm" viewBox="0 0 40 20"',
])
def test_wide_drawing_keeps_its_aspect_ratio_and_is_centred(attributes):
    body = '<rect width="40" height="20" fill="blue"/>'
    image = render_svg(svg(body, box=attributes), 32)
    assert (image[8:24] == BLUE).all() and (image[:8] == WHITE).all() and (image[24:] == WHITE).all()


@pytest.mark.parametrize(("text", "reason"), [
    ("", "empty"),
    ("<svg", "ParseError"),
    ("not an svg", "ParseError"),
    ("<html/>", "root element is <html>"),
    (svg("", box='viewBox="0 0 a b"'), "no usable viewBox"),
    (svg("", box='width="-3" height="2"'), "viewport is empty"),
    (svg('<image href="file:///some/file.png" width="4" height="4"/>'), "external resource"),
    (svg('<image href="http://example.org/a.png" width="4" height="4"/>'), "external resource"),
    (svg('<use href="other.svg#x"/>'), "external resource"),
    (svg('<g id="a"><use href="#a"/></g>'), "RecursionError"),
    ('<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("<text>&a;</text>"), "EntitiesForbidden"),
])
def test_svg_that_cannot_be_rendered(text, reason):
    with pytest.raises(ValueError, match=reason):
        render_svg(text, 16)


@pytest.mark.parametrize(("error", "help_text"), [
    (OSError("no cairo-2"), "apt-get install libcairo2.*brew install cairo.*conda install"),
    (ImportError("No module named cairosvg"), "pip install cairosvg"),
])
def test_missing_cairo_is_named_with_the_command_that_installs_it(monkeypatch, error, help_text):
    def import_module(name):
        raise error

    monkeypatch.setattr(render.importlib, "import_module", import_module)
    with pytest.raises(UserError, match=help_text) as caught:
        render_svg(LEFT_RED)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("body", "blank"), [
    ("", True),
    ('<rect width="24" height="24" fill="white"/>', True),
    ('<path d="M4 4H20" fill="none"/>', True),
    ('<rect width="24" height="24" opacity="0.01"/>', True),
    ('<circle cx="12" cy="12" r="1"/>', False),
    ('<path d="M4 4H20" stroke="black" stroke-width="1"/>', False),
    ('<rect width="24" height="24"/>', False),
])
def test_is_blank(body, blank):
    assert is_blank(svg(body)) is blank


def test_contact_sheet_size_and_places(tmp_path):
    path = tmp_path / "deep" / "sheet.png"
    sheet = contact_sheet([[LEFT_RED, None, LEFT_RED], [None, LEFT_RED]], path, cell=48)
    assert sheet.size == (3 * 48 + 1, 2 * 48 + 1)
    pixels = np.asarray(sheet)
    red = (pixels == RED).all(axis=2)
    for i, j, painted in [(0, 0, 1), (0, 1, 0), (0, 2, 1), (1, 0, 0), (1, 1, 1), (1, 2, 0)]:
        cell = red[i * 48 : (i + 1) * 48, j * 48 : (j + 1) * 48]
        assert cell[:, 8:22].any() == painted, (i, j)
        assert not cell[:, 26:].any()
    assert pixels[0, 0].tolist() == pixels[48, 70].tolist() == list(render._SEPARATOR)
    with Image.open(path) as saved:
        assert (np.asarray(saved.convert("RGB")) == pixels).all()
    assert [p.name for p in path.parent.iterdir()] == ["sheet.png"]


def test_contact_sheet_labels_stand_left_and_above():
    plain = contact_sheet([[LEFT_RED] * 2], cell=64)
    sheet = contact_sheet([[LEFT_RED] * 2], cell=64, row_labels=["cart"], column_labels=["seed 1", "seed 2"])
    left, top = sheet.width - plain.width, sheet.height - plain.height
    assert left > 20 and top > 10
    pixels = np.asarray(sheet).astype(int)
    assert (pixels[top:, left:] == np.asarray(plain)).all()
    dark = pixels.max(axis=2) < 128
    assert dark[top:, :left].any(), "row label"
    assert dark[:top, left : left + 64].any() and dark[:top, left + 64 :].any(), "column labels"
    assert not dark[:top, :left].any()


def test_contact_sheet_takes_long_labels_and_what_cannot_be_rendered_and_refuses_wrong_ones():
    label = "a very long prompt that somebody has typed, with many words in it, " * 5
    sheet = contact_sheet([[LEFT_RED]], cell=64, row_labels=[label], column_labels=["unbreakable" * 9])
    assert sheet.width < 320 and sheet.height < 120
    assert (np.asarray(contact_sheet([["<svg"]], cell=48)) == render._UNRENDERABLE).all(axis=2).any()
    for cells, labels in (([[None]], {"row_labels": ["a", "b"]}), ([[None]], {"column_labels": ["a", "b"]}), ([], {})):
        with pytest.raises(ValueError, match="2 row labels for 1|2 column labels for 1|at least one cell"):
            contact_sheet(cells, **labels)


def embedded(data: bytes, kind: str) -> str:
    address = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return svg(f'<image width="8" height="8" href="{address}"/>', box='viewBox="0 0 8 8"')


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "eps", "tiff", "bmp", "ppm", "tga", "ico"])
def test_embedded_pictures_are_of_four_formats(renderer, kind):
    memory = io.BytesIO()
    Image.new("RGB", (8, 8), (255, 0, 0)).save(memory, format=kind)
    text = embedded(memory.getvalue(), "png" if kind in ("eps", "bmp") else kind)  # whatever the declared type
    if kind not in ("png", "jpeg", "gif", "webp"):
        with pytest.raises(ValueError, match="cannot be read as PNG, JPEG, GIF, WEBP"):
            RENDERERS[renderer](text, 16)
        return
    red, green, blue = RENDERERS[renderer](text, 16)[8, 8]
    assert red > 240 and green < 16 and blue < 16


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_picture_of_16_bits_keeps_its_grey(renderer):
    memory = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0x8000, np.uint16)).save(memory, format="png")
    assert abs(int(RENDERERS[renderer](embedded(memory.getvalue(), "png"), 16)[8, 8, 0]) - 128) <= 1


@pytest.mark.parametrize("renderer", RENDERERS)
def test_no_program_is_started_for_an_embedded_picture(renderer, tmp_path, monkeypatch):
    """Pillow passes EPS to Ghostscript, which executes its content."""
    witness = tmp_path / "witness"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {witness}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(ValueError, match="cannot be rendered"):
        RENDERERS[renderer](embedded(eps, "png"), 16)
    assert not witness.exists()


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_broken_picture_is_a_reason(renderer, kind):
    """With any byte wrong, or truncated: drawn, or a ValueError."""
    memory = io.BytesIO()
    Image.effect_noise((16, 16), 80).convert("RGB").save(memory, format=kind)
    data, rng = memory.getvalue(), random.Random(kind)
    for _ in range(40):
        broken = bytearray(data)
        broken[rng.randrange(len(broken))] ^= rng.randrange(1, 256)
        with contextlib.suppress(ValueError):
            RENDERERS[renderer](embedded(bytes(broken[: rng.randrange(4, len(broken) + 1)]), kind), 16)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_picture_that_unfolds_is_refused(renderer):
    memory = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(memory, format="png")
    with pytest.raises(ValueError, match="9000 x 9000 pixels is too large"):
        RENDERERS[renderer](embedded(memory.getvalue(), "png"), 16)
