"""SVG rendering with cairosvg, blank detection, and contact sheets."""

import base64
import importlib
import io
import math
import struct
import sys
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

from svgfusion_lib.errors import UserError, machine_error
from svgfusion_lib.svg.document import XLINK_HREF, decode_document, read_document
from svgfusion_lib.svg.state import has_size, viewport
from svgfusion_lib.system.outputs import atomic_path

CAIRO_HELP = (
    "cairosvg cannot find the cairo library libcairo2. Install it with `sudo apt-get install libcairo2` "
    "(Debian, Ubuntu), `brew install cairo` (macOS) or `conda install -c conda-forge cairo`."
)
PICTURE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")  # allowed for embedded images; Pillow reads more, one via Ghostscript
MAX_IMAGE_PIXELS = 4_000_000  # of an image embedded in an SVG
BLANK_SIZE = 64  # pixels; is_blank renders at this size
BLANK_CONTRAST = 24  # of 255: distance from white that counts as painted
BLANK_SHARE = 0.002  # an image with a smaller share of painted pixels is blank

Renderer = Callable[[str, int], np.ndarray]  # SVG text, size -> image uint8 [size, size, 3]; raises ValueError
_SEPARATOR = (228, 228, 228)
_UNRENDERABLE = (220, 120, 120)
_INK = (40, 40, 40)
_MAX_LABEL_WIDTH = 220  # pixels; longer row labels wrap, then end in an ellipsis


def render_svg(svg: str, size: int = 128, background: str = "white") -> np.ndarray:
    """Render an SVG to uint8 [size, size, 3], centred, aspect ratio kept.

    External references (files, URLs) are refused; images embedded as data: URLs are drawn. Raises
    ValueError with the reason if the SVG cannot be rendered, UserError if cairo is not installed.
    """
    _require_cairo()
    drawing = _draw_premultiplied(svg, size)  # (h, w, 4)
    backdrop = np.array(ImageColor.getrgb(background)[:3])  # ValueError on an unknown colour
    behind = np.round(backdrop * (1 - np.arange(256)[:, None] / 255)).astype(np.uint8)  # [256, 3]: for every alpha
    shown = behind.take(drawing[..., 3], axis=0)  # (h, w, 3)
    shown += np.minimum(drawing[..., :3], 255 - shown)
    return _centred(shown, size, backdrop)


def _centred(shown: np.ndarray, size: int, backdrop: np.ndarray) -> np.ndarray:
    """A picture [h, w, 3] in the middle of a canvas uint8 [size, size, 3] with the colour `backdrop` [3]."""
    h, w = shown.shape[:2]
    top, left = (size - h) // 2, (size - w) // 2
    canvas = np.full((size, size, 3), backdrop, dtype=np.uint8)
    canvas[top : top + h, left : left + w] = shown
    return canvas


def render_svg_by_resvg(svg: str, size: int = 128, background: str = "white") -> np.ndarray:
    """Render like `render_svg`, with resvg instead of cairosvg: masks, markers and filters look as in browsers.

    Text is always set in DejaVu Sans, so images are the same on every machine.
    """
    import resvg_py

    try:
        root = read_document(svg)
        for element in root.iter():  # otherwise resvg would open files
            for name in ("href", XLINK_HREF):
                target = element.get(name, "#").strip()
                if target.startswith("data:"):
                    element.set(name, data_address(_embedded_picture(target), "image/png"))
                elif not target.startswith("#"):
                    del element.attrib[name]
        width, height = viewport(root) if has_size(root) else (1.0, 1.0)
        side: dict[str, Any] = {"width": size} if width >= height else {"height": size}
        text = ElementTree.tostring(root, encoding="unicode")
        if "text" in text:
            side |= _font()
        data = bytes(resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True, **side))
    except (ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"the SVG cannot be rendered: {error}") from error
    image = Image.open(io.BytesIO(data), formats=["PNG"])
    drawing = np.asarray(image.convert("RGBA"))[:size, :size].astype(np.float64)  # (h, w, 4)
    alpha = drawing[..., 3:] / 255  # (h, w, 1)
    backdrop = np.array(ImageColor.getrgb(background)[:3])  # ValueError on an unknown colour
    return _centred(np.minimum(np.round(drawing[..., :3] * alpha + backdrop * (1 - alpha)), 255), size, backdrop)


@cache
def _font() -> dict[str, Any]:
    """Font options for resvg: the font that ships with matplotlib."""
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    kinds = ("font_family", "serif_family", "sans_serif_family", "cursive_family", "fantasy_family", "monospace_family")
    return {"font_files": [str(file)]} | dict.fromkeys(kinds, "DejaVu Sans")


def is_blank(svg: str) -> bool:
    """True if the SVG leaves next to nothing visible on white. Raises ValueError like render_svg."""
    return is_white(render_svg(svg, BLANK_SIZE))


def is_white(pixels: np.ndarray) -> bool:
    """True if an image uint8 [H, W, 3] shows next to nothing."""
    red, green, blue = pixels.transpose(2, 0, 1)  # (H, W) each
    painted = np.minimum(np.minimum(red, green), blue) < 255 - BLANK_CONTRAST  # (H, W)
    return bool(painted.mean() < BLANK_SHARE)


def contact_sheet(
    rows: Sequence[Sequence[str | None]],
    path: str | Path | None = None,
    cell: int = 96,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    renderer: str = "cairosvg",
) -> Image.Image:
    """Draw a grid of rendered SVGs on white, one list of SVG texts per row; also save it to `path` (PNG).

    cell: width and height of a cell in pixels. None leaves a cell empty; an SVG that cannot be rendered
    gives a crossed-out cell. Labels stand left of the rows and above the columns.
    """
    if row_labels is not None and len(row_labels) != len(rows):
        raise ValueError(f"{len(row_labels)} row labels for {len(rows)} rows")
    columns = max((len(row) for row in rows), default=0)
    if columns == 0:
        raise ValueError("a contact sheet needs at least one cell")
    if column_labels is not None and len(column_labels) != columns:
        raise ValueError(f"{len(column_labels)} column labels for {columns} columns")

    font = ImageFont.load_default(size=max(10, min(14, cell // 7)))
    assert isinstance(font, ImageFont.FreeTypeFont)  # as Pillow's default font is
    line_height = sum(font.getmetrics()) + 1
    gap = cell // 12
    left = _left_margin(row_labels, font, gap)
    column_lines = [_wrap(text, font, cell - 4, 2) for text in column_labels or ()]
    top = max(map(len, column_lines), default=0) * line_height + (gap if column_lines else 0)
    sheet = Image.new("RGB", (left + columns * cell + 1, top + len(rows) * cell + 1), "white")
    draw = ImageDraw.Draw(sheet)

    for j, lines in enumerate(column_lines):
        centre = left + j * cell + cell / 2
        for k, line in enumerate(lines):
            y = top - gap / 2 - (len(lines) - k) * line_height
            draw.text((centre, y), line, fill=_INK, font=font, anchor="ma")
    for i, row in enumerate(rows):
        y = top + i * cell
        if row_labels is not None:
            lines = _wrap(row_labels[i], font, left - 2 * gap, max(1, cell // line_height))
            label_top = y + (cell - len(lines) * line_height) / 2
            for k, line in enumerate(lines):
                draw.text((left - gap, label_top + k * line_height), line, fill=_INK, font=font, anchor="ra")
        for j, svg in enumerate(row):
            if svg is not None:
                _draw_cell(sheet, draw, RENDERERS[renderer], svg, left + j * cell, y, cell, gap)
    for i in range(len(rows) + 1):
        draw.line((left, top + i * cell, left + columns * cell, top + i * cell), fill=_SEPARATOR)
    for j in range(columns + 1):
        draw.line((left + j * cell, top, left + j * cell, top + len(rows) * cell), fill=_SEPARATOR)

    if path is not None:
        with atomic_path(path) as temporary:
            sheet.save(temporary, format="PNG")
    return sheet


def _draw_cell(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, render: Renderer, svg: str, x: int, y: int, cell: int, gap: int
) -> None:
    """Paste one rendered SVG, or a cross if it cannot be rendered."""
    inner = cell - 2 * gap + 1
    try:
        sheet.paste(Image.fromarray(render(svg, inner)), (x + gap, y + gap))
    except ValueError:
        low, high = cell // 3, cell - cell // 3
        draw.line((x + low, y + low, x + high, y + high), fill=_UNRENDERABLE, width=2)
        draw.line((x + low, y + high, x + high, y + low), fill=_UNRENDERABLE, width=2)


def _left_margin(labels: Sequence[str] | None, font, gap: int) -> int:
    """Width in pixels of the column of row labels, gaps included."""
    if not labels:
        return 0
    return min(_MAX_LABEL_WIDTH, int(max(font.getlength(label) for label in labels)) + 1) + 2 * gap


def _wrap(text: str, font, width: float, max_lines: int) -> list[str]:
    """Break a label at spaces into at most `max_lines` lines of `width` pixels; longer lines end in "…"."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], " ".join(lines[max_lines - 1 :])]
    for i, line in enumerate(lines):
        if font.getlength(line) > width:
            while line and font.getlength(f"{line}…") > width:
                line = line[:-1]
            lines[i] = f"{line}…"
    return lines


def _require_cairo() -> None:
    """Import cairosvg, which loads the cairo library; UserError if either is missing."""
    try:
        importlib.import_module("cairosvg")
    except (OSError, ImportError) as error:
        if machine_error(error):  # installed, but out of memory
            raise
        if isinstance(error, OSError):
            raise UserError(CAIRO_HELP) from error
        raise UserError("rendering needs the package cairosvg: `pip install cairosvg`.") from error


def _refuse_external(url: str, resource_type: str) -> bytes:
    """url_fetcher for cairosvg: allows data: URLs only, and images only in PICTURE_FORMATS."""
    if not url.startswith("data:"):
        raise ValueError(f"it refers to the external resource {url!r:.80}")
    if resource_type == "image/*":
        return _embedded_picture(url)
    data = _data_of(url)
    return decode_document(data).encode() if "svg" in resource_type else data


def _embedded_picture(url: str) -> bytes:
    """Convert the image in a `data:` URL to PNG. ValueError for other formats and for too many pixels."""
    data = _data_of(url)
    try:
        with Image.open(io.BytesIO(data), formats=PICTURE_FORMATS) as image:
            width, height = image.size
            if width * height <= MAX_IMAGE_PIXELS:
                return _as_png(ImageOps.exif_transpose(image))
    except (
        OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError,
        struct.error, zlib.error, Image.DecompressionBombError,
    ) as error:
        known = ", ".join(PICTURE_FORMATS)
        raise ValueError(f"an embedded image cannot be read as {known} ({str(error)[:80]})") from error
    raise ValueError(f"an embedded image of {width} x {height} pixels is too large")


def _as_png(image: Image.Image) -> bytes:
    """Convert an image to an 8-bit PNG that any reader accepts."""
    if image.mode.startswith("I"):  # 16 bits
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    memory = io.BytesIO()
    image.convert("RGBA").save(memory, format="PNG", compress_level=1)
    return memory.getvalue()


def _data_of(url: str) -> bytes:
    with urllib.request.urlopen(url) as data:  # a `data:` URL: no network access
        return data.read()


def data_address(content: str | bytes, media_type: str = "image/svg+xml") -> str:
    """Encode content as a `data:` URL."""
    data = content.encode() if isinstance(content, str) else content
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _draw_premultiplied(svg: str, size: int) -> np.ndarray:
    """Render to premultiplied uint8 RGBA [h, w, 4], the longer side `size` pixels."""
    from cairosvg.helpers import PointError, node_format
    from cairosvg.parser import Tree
    from cairosvg.surface import PNGSurface, cairo

    # What cairosvg and its XML parser raise on broken input; cairosvg validates little.
    failures = (
        ValueError, TypeError, AttributeError, LookupError, ArithmeticError, SyntaxError,
        RecursionError, OSError, StopIteration, PointError, cairo.CairoError,
    )
    if not svg.strip():
        raise ValueError("the SVG cannot be rendered: it is empty")
    try:
        tree = Tree(bytestring=svg.encode(), unsafe=False, url_fetcher=_refuse_external)
        if tree.tag != "svg":
            raise ValueError(f"its root element is <{tree.tag}>, not <svg>")
        width, height = viewport(tree) if has_size(tree) else node_format(_Viewport(size), tree)[:2]
        if not (0 < width < math.inf and 0 < height < math.inf):
            raise ValueError(f"its size is {width} x {height}")
        scale = size / max(width, height)
        surface = PNGSurface(
            tree, None, _Viewport.dpi, parent_width=size, parent_height=size,
            output_width=max(1, round(width * scale)), output_height=max(1, round(height * scale)),
        )
        surface.cairo.flush()
    except failures as error:
        reason = f"{type(error).__name__}: {error}" if type(error) is not ValueError else str(error)
        raise ValueError(f"the SVG cannot be rendered: {reason}") from error
    image = surface.cairo
    h, w, stride = image.get_height(), image.get_width(), image.get_stride()
    channels = np.frombuffer(image.get_data(), dtype=np.uint8).reshape(h, stride // 4, 4)[:, :w]  # words 0xAARRGGBB
    return channels[..., [2, 1, 0, 3] if sys.byteorder == "little" else [1, 2, 3, 0]]


class _Viewport:
    """Stub with what cairosvg's length parser needs to resolve units and percentages of the root element."""

    dpi = 96
    font_size = 16.0

    def __init__(self, size: int):
        self.context_width = self.context_height = size


RENDERERS: dict[str, Renderer] = {"cairosvg": render_svg, "resvg": render_svg_by_resvg}
