"""The gallery's pieces of HTML. Every text goes through `html.escape`; pictures are <img>, in which nothing can run."""

import html
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from svgfusion_lib.gallery.downloads import (
    copy_button,
    data_address,
    download_link,
    file_name,
    sheet_bytes,
    transparent_png,
    with_own_ids,
    zip_bytes,
)
from svgfusion_lib.gallery.icons import Icon, Layer
from svgfusion_lib.gallery.neighbours import Neighbour
from svgfusion_lib.gallery.session import Batch

SVG_TYPE, PNG_TYPE = "image/svg+xml", "image/png"
STRIP_LENGTH = 4  # icons that stand for a batch


@cache
def style_sheet() -> str:
    """The gallery's <style> element."""
    return f"<style>{Path(__file__).with_name('gallery.css').read_text(encoding='utf-8')}</style>"


def picture(svg: str, text: str, kind: str = "icon") -> str:
    """SVG text of our writer as <img>; text says what it shows, to those who cannot see it."""
    return f'<img class="svgf-{kind}" alt="{html.escape(text)}" src="{data_address(svg, SVG_TYPE)}">'


def described(icon: Icon) -> str:
    """An icon in words."""
    return f"Icon {icon.number}: {icon.title}"


def card(icon: Icon) -> str:
    """An icon as the grid shows it."""
    seed = "" if icon.seed is None else f"seed {icon.seed}"
    return (
        f'<div class="svgf-paper">{picture(icon.svg, described(icon))}</div>'
        f'<div class="svgf-caption"><b>{icon.number}</b><span>{seed}</span></div>'
    )


def layer_thumb(layer: Layer) -> str:
    """One layer alone, small."""
    return f'<div class="svgf-paper">{picture(layer.svg, f"Layer {layer.number} alone")}</div>'


def batch_heading(batch: Batch) -> str:
    """What the grid shows, and links to all of it."""
    count = len(batch.icons)
    links = [
        download_link("ZIP", "icons.zip", zip_bytes(batch.icons, batch.animation), "application/zip"),
        download_link("Contact sheet", "icons.png", sheet_bytes(batch.icons), "image/png"),
    ]
    moving = ""
    if batch.animation is not None:
        links.append(download_link("Moving SVG", "morph.svg", batch.animation, SVG_TYPE))
        moving = f'<div class="svgf-paper svgf-moving">{picture(batch.animation, batch.title)}</div>'
    return (
        f'<div class="svgf-heading"><h3 dir="auto">{html.escape(batch.title)}</h3>'
        f'<span class="svgf-quiet">{count} icon{"s" if count > 1 else ""}</span>'
        f'<span class="svgf-links">{"".join(links)}</span></div>{moving}'
    )


def batch_strip(batch: Batch) -> str:
    """A batch as the history shows it: its first icons and its name."""
    shown = "".join(f'<span class="svgf-paper">{picture(icon.svg, "")}</span>' for icon in batch.icons[:STRIP_LENGTH])
    return f'<div class="svgf-strip">{shown}</div><div class="svgf-name" dir="auto">{html.escape(batch.title)}</div>'


def large_view(icon: Icon) -> str:
    """An icon large, with what it is and links to it."""
    facts = [f"No. {icon.number}", icon.origin, *([] if icon.seed is None else [f"seed {icon.seed}"])]
    svg = with_own_ids(icon)
    links = [
        copy_button("Copy SVG", svg), copy_button("Copy data URI", data_address(svg, SVG_TYPE)),
        download_link("SVG", file_name(icon, "svg"), svg, SVG_TYPE),
        *(
            download_link(f"PNG {scale}x", file_name(icon, f"{scale}x.png"), transparent_png(svg, 24 * scale), PNG_TYPE)
            for scale in (1, 2, 3, 4)
        ),
        download_link("PNG 512", file_name(icon, "png"), transparent_png(svg), PNG_TYPE),
    ]
    return (
        f'<div class="svgf-paper svgf-large">{picture(icon.svg, described(icon))}</div>'
        f'<div class="svgf-heading"><h3 dir="auto">{html.escape(icon.title)}</h3>'
        f'<span class="svgf-links">{"".join(links)}</span></div>'
        f'<div class="svgf-quiet" dir="auto">{html.escape(" · ".join(facts))}</div>'
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
        f'{html.escape(each.name)}<span class="svgf-quiet">{html.escape(each.pack)} {each.likeness:.2f}</span>'
        "</figcaption></figure>"
        for each in found
    )
    return f'<div class="svgf-neighbours">{cells}</div>'


def note(text: str, kind: str = "") -> str:
    """A line of text; kind "error" makes it stand out. Read out by screen readers when it changes."""
    return f'<div class="svgf-note {kind}" role="status" aria-live="polite" dir="auto">{html.escape(text)}</div>'
