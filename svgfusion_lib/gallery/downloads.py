"""The gallery's downloads: files as bytes, and links that contain them."""

import html
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.gallery.batches import REQUEST_FILE, Request
from svgfusion_lib.gallery.icons import Icon
from svgfusion_lib.icon_sets import IconSet, write_set
from svgfusion_lib.icon_sets.drawing import SetIcon
from svgfusion_lib.icon_sets.exports import CURRENT, Drawing, react_component, read_drawing, recoloured, svg_file
from svgfusion_lib.icon_sets.names import safe_names
from svgfusion_lib.utils.render import contact_sheet, data_address

PNG_SIZE = 512  # pixels
LINK_PREFIX = "#svgfusion="  # precedes the request in a URL
_LONGEST_NAME = 48  # characters
_EPOCH = (1980, 1, 1, 0, 0, 0)  # date of archive entries: equal icons give equal bytes


def file_name(icon: Icon, suffix: str) -> str:
    """A portable file name for an icon: its number, then letters a-z, digits and hyphens."""
    words = "-".join(re.findall(r"[a-z0-9]+", _plain_title(icon).lower()))[:_LONGEST_NAME].strip("-")
    return f"{icon.number:03d}-{words or 'icon'}.{suffix}"


def svg_of(icon: Icon) -> str:
    """The SVG file of an icon; ids start with the icon's number, so that several fit on one page."""
    return svg_file(_drawing(icon, keep_layers=True))


def jsx_of(icon: Icon) -> str:
    """An icon as a React component."""
    return react_component(safe_names([_plain_title(icon)])[0], _drawing(icon, keep_layers=False))


def _plain_title(icon: Icon) -> str:
    """An icon's title without its style."""
    return strip_style(icon.title) or icon.title


def _drawing(icon: Icon, keep_layers: bool) -> Drawing:
    drawing = read_drawing(icon.svg, f"icon-{icon.number}", keep_layers)
    return recoloured(drawing, CURRENT if icon.look.current_colour else None)


def transparent_png(svg: str, size: int = PNG_SIZE) -> bytes:
    """Render SVG text from our writer as PNG, `size` pixels wide, on a transparent background."""
    import cairosvg

    return cairosvg.svg2png(bytestring=svg.encode(), output_width=size, output_height=size)


def sheet_bytes(icons: Sequence[Icon], columns: int = 6) -> bytes:
    """Draw a contact sheet as PNG, in the given order, with the icons' numbers above them."""
    svgs = [icon.svg for icon in icons]
    return _as_png(contact_sheet([svgs[k : k + columns] for k in range(0, len(svgs), columns)], cell=144))


def zip_bytes(icons: Sequence[Icon], animation: str | None = None, request: Request | None = None) -> bytes:
    """A ZIP of the icons as SVG, icons.json that describes them, and the animation and request, if any."""
    told = [
        {"file": file_name(icon, "svg"), "title": icon.title, "seed": icon.seed, "origin": icon.origin}
        for icon in icons
    ]
    files: dict[str, str] = {str(entry["file"]): svg_of(icon) for entry, icon in zip(told, icons)}
    files["icons.json"] = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    if animation is not None:
        files["morph.svg"] = animation
    if request is not None:
        files[REQUEST_FILE] = request.to_json()
    return _archive({name: text.encode() for name, text in files.items()})


def set_bytes(icon_set: IconSet, icons: Sequence[Icon]) -> bytes:
    """A ZIP of everything that `write_set` writes for a set, with the icons as shown.

    A colour of the look is kept, unless the look asks for `currentColor`.
    """
    keeps_colour = any(icon.look.colour and not icon.look.current_colour for icon in icons)
    shown = [_as_shown(each, icon) for each, icon in zip(icon_set.icons, icons)]
    with TemporaryDirectory() as folder:
        root = write_set(replace(icon_set, icons=shown), Path(folder) / "icons", current_colour=not keeps_colour)
        return _archive({
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith(".")
        })


def _as_shown(each: SetIcon, icon: Icon) -> SetIcon:
    """An icon of a set with the look in all its drawings; if it was edited, that is one more drawing, the first."""
    drawings = [replace(icon, rows=rows, hidden=frozenset(), names=()).svg for rows in icon.drawings]
    if icon.chosen is not None:
        return replace(each, candidates=drawings, chosen=icon.chosen)
    drawings, drawn_for = [icon.svg, *drawings], [icon.title, *each.drawn_for]
    return replace(each, candidates=drawings, drawn_for=drawn_for, chosen=0, doubtful=False)


def _archive(files: Mapping[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def download_link(label: str, name: str, content: str | bytes, media_type: str) -> str:
    """An HTML link that saves the content under a name."""
    address = data_address(content, media_type)
    return (
        f'<a class="svgf-link" download="{html.escape(name)}" href="{address}"'
        f' aria-label="Download {html.escape(name)}">{html.escape(label)}</a>'
    )


def link_button(label: str, request: str) -> str:
    """An HTML button that copies this page's URL with a request, which the page draws when opened."""
    address = f"location.origin + location.pathname + '{LINK_PREFIX}' + encodeURIComponent(this.dataset.text)"
    return copy_button(label, request).replace("this.dataset.text", address)


def copy_button(label: str, text: str) -> str:
    """An HTML button that copies a text; the text is data, never code."""
    return (
        f'<button class="svgf-link svgf-copy" data-text="{html.escape(text)}" onclick="navigator.clipboard.writeText('
        f'this.dataset.text).then(() => this.classList.add(\'svgf-copied\'))">{html.escape(label)}</button>'
    )


def _as_png(image: Image.Image) -> bytes:
    memory = io.BytesIO()
    image.save(memory, format="PNG")
    return memory.getvalue()
