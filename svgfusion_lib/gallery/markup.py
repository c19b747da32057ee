"""The gallery's HTML. All text goes through `html.escape`; pictures are <img>, so no scripts can run in them."""

import html
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.gallery.batches import REQUEST_FILE, Batch
from svgfusion_lib.gallery.downloads import (
    copy_button,
    download_link,
    file_name,
    jsx_of,
    link_button,
    sheet_bytes,
    svg_of,
    transparent_png,
    zip_bytes,
)
from svgfusion_lib.gallery.icons import Icon, Layer
from svgfusion_lib.gallery.neighbours import Neighbour
from svgfusion_lib.utils.render import data_address
from svgfusion_lib.utils.tensorsvg import rows_to_svg

SVG_TYPE, PNG_TYPE, ZIP_TYPE = "image/svg+xml", "image/png", "application/zip"
STRIP_LENGTH = 4  # icons shown per batch in the history


@cache
def style_sheet() -> str:
    """The gallery's <style> element, which also starts its script (arrow keys, dropped files, opened links)."""
    style, script = (Path(__file__).with_name(f"gallery.{end}").read_text(encoding="utf-8") for end in ("css", "js"))
    return f'<style onload="{html.escape(script)}">{style}</style>'


def picture(svg: str, text: str, kind: str = "icon") -> str:
    """SVG text from our writer as <img>; text: the alt text."""
    return f'<img class="svgf-{kind}" alt="{html.escape(text)}" src="{data_address(svg, SVG_TYPE)}">'


def describe(icon: Icon) -> str:
    """A short description of an icon."""
    return f"Icon {icon.number}: {icon.title}"


def number_of(icons: Sequence[Icon]) -> str:
    """How many icons there are, in words."""
    return f"{len(icons)} icon{'' if len(icons) == 1 else 's'}"


def card(icon: Icon) -> str:
    """An icon in the grid."""
    told = strip_style(icon.title) if icon.seed is None or icon.drawings else f"seed {icon.seed}"
    size = f' style="--size: {icon.look.size}px"' if icon.look.size else ""
    return (
        f'<div class="svgf-paper"{size}>{picture(icon.svg, describe(icon))}</div>'
        f'<div class="svgf-caption"><b>{icon.number}</b><span dir="auto">{html.escape(told)}</span></div>'
    )


def drawing(number: int, rows: np.ndarray) -> str:
    """Thumbnail of a candidate that can replace an icon."""
    return f'<div class="svgf-paper">{picture(rows_to_svg(rows), f"Drawing {number}")}</div>'


def layer_thumb(layer: Layer) -> str:
    """Thumbnail of one layer alone."""
    return f'<div class="svgf-paper">{picture(layer.svg, f"Layer {layer.number} alone")}</div>'


def batch_heading(batch: Batch) -> str:
    """Heading of the grid, with download links."""
    links = [
        download_link("ZIP", "icons.zip", zip_bytes(batch.icons, batch.animation, batch.request), ZIP_TYPE),
        download_link("Contact sheet", "icons.png", sheet_bytes(batch.icons), PNG_TYPE),
    ]
    if batch.request is not None:
        links += [
            link_button("Copy link", batch.request.to_json()),
            download_link("Request", REQUEST_FILE, batch.request.to_json(), "application/json"),
        ]
    moving = ""
    if batch.animation is not None:
        links.append(download_link("Moving SVG", "morph.svg", batch.animation, SVG_TYPE))
        moving = f'<div class="svgf-paper svgf-moving">{picture(batch.animation, batch.title)}</div>'
    return (
        f'<div class="svgf-heading"><h3 dir="auto">{html.escape(batch.title)}</h3>'
        f'<span class="svgf-quiet">{number_of(batch.icons)}</span>'
        f'<span class="svgf-links">{"".join(links)}</span></div>{moving}'
    )


def section_heading(title: str, links: str = "") -> str:
    """Heading of a section of the page, with links (HTML)."""
    return (
        f'<div class="svgf-heading"><h3 class="svgf-title">{html.escape(title)}</h3>'
        f'<span class="svgf-links">{links}</span></div>'
    )


def batch_strip(batch: Batch) -> str:
    """A batch in the history: its first icons and its title."""
    shown = "".join(f'<span class="svgf-paper">{picture(icon.svg, "")}</span>' for icon in batch.icons[:STRIP_LENGTH])
    return f'<div class="svgf-strip">{shown}</div><div class="svgf-name" dir="auto">{html.escape(batch.title)}</div>'


def large_view(icon: Icon) -> str:
    """An enlarged icon with its facts and links."""
    facts = [f"No. {icon.number}", icon.origin, *([] if icon.seed is None else [f"seed {icon.seed}"])]
    svg = svg_of(icon)
    links = [
        copy_button("Copy SVG", svg), copy_button("Copy JSX", jsx_of(icon)),
        copy_button("Copy data URI", data_address(svg, SVG_TYPE)),
        download_link("SVG", file_name(icon, "svg"), svg, SVG_TYPE),
        *(
            download_link(
                f"PNG {scale}x", file_name(icon, f"{scale}x.png"), transparent_png(icon.svg, icon.look.pixels * scale),
                PNG_TYPE,
            )
            for scale in (1, 2, 3, 4)
        ),
        download_link("PNG 512", file_name(icon, "png"), transparent_png(icon.svg), PNG_TYPE),
    ]
    before, slider = _comparison(icon)
    return (
        f'<div><div class="svgf-paper svgf-large">{picture(icon.svg, describe(icon))}{before}</div>{slider}</div>'
        f'<div class="svgf-heading"><h3 dir="auto">{html.escape(icon.title)}</h3>'
        f'<span class="svgf-links">{"".join(links)}</span></div>'
        f'<div class="svgf-quiet" dir="auto">{html.escape(" · ".join(facts))}</div>'
    )


def _comparison(icon: Icon) -> tuple[str, str]:
    """The icon before its edits, and a slider that reveals it; both "" if there is no such icon or no difference."""
    before = icon.before
    if before is None:
        return "", ""
    return (
        picture(before, "Before", "before"),
        '<input class="svgf-slider" type="range" min="0" max="100" value="0" aria-label="Before and after" oninput="'
        "this.parentNode.style.setProperty('--before', this.value + '%')\">"
    )


def code(svg: str) -> str:
    """SVG text to read and copy."""
    size = len(svg.encode())
    return (
        f'<pre class="svgf-code" tabindex="0" aria-label="SVG code">{html.escape(svg)}</pre>'
        f'<div class="svgf-quiet">{size} bytes</div>'
    )


def neighbours(found: Sequence[Neighbour]) -> str:
    """Training icons side by side."""
    cells = "".join(
        f'<figure><div class="svgf-paper">{picture(each.svg, each.name)}</div><figcaption dir="auto">'
        f'{html.escape(each.name)}<span class="svgf-quiet">{html.escape(each.pack)} {each.similarity:.2f}</span>'
        "</figcaption></figure>"
        for each in found
    )
    return f'<div class="svgf-neighbours">{cells}</div>'


def note(text: str, kind: str = "") -> str:
    """A line of text, announced by screen readers when it changes; kind "error" makes it stand out."""
    return f'<div class="svgf-note {kind}" role="status" aria-live="polite" dir="auto">{html.escape(text)}</div>'
