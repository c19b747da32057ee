"""What the gallery hands out: files as bytes, and links that hold them."""

import base64
import html
import io
import json
import re
import zipfile
from collections.abc import Sequence

from PIL import Image

from svgfusion_lib.gallery.icons import Icon
from svgfusion_lib.utils.render import contact_sheet

PNG_SIZE = 512  # pixels
_LONGEST_NAME = 48  # characters
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of the entries of an archive: equal icons give equal bytes


def file_name(icon: Icon, suffix: str) -> str:
    """A name for an icon's file that every system takes: letters a-z, digits and hyphens, the icon's number first."""
    words = "-".join(re.findall(r"[a-z0-9]+", icon.title.lower()))[:_LONGEST_NAME].strip("-")
    return f"{icon.number:03d}-{words or 'icon'}.{suffix}"


def with_own_ids(icon: Icon) -> str:
    """The SVG of an icon, with ids that begin with its number: two of them can stand in one page."""
    own = f"icon-{icon.number}-"
    return re.sub(r'( id="|url\(#)', rf"\g<1>{own}", icon.svg)


def transparent_png(svg: str, size: int = PNG_SIZE) -> bytes:
    """The picture of an SVG by our writer, `size` pixels wide, its background transparent."""
    import cairosvg

    return cairosvg.svg2png(bytestring=svg.encode(), output_width=size, output_height=size)


def sheet_bytes(icons: Sequence[Icon], columns: int = 6) -> bytes:
    """A contact sheet as PNG, the icons' numbers above them in the order given."""
    svgs: list[str | None] = [icon.svg for icon in icons]
    svgs += [None] * (-len(svgs) % min(columns, len(svgs)))
    width = min(columns, len(svgs))
    return _as_png(contact_sheet([svgs[k : k + width] for k in range(0, len(svgs), width)], cell=144))


def zip_bytes(icons: Sequence[Icon], animation: str | None = None) -> bytes:
    """An archive of the icons as SVG, of icons.json, which says what each is, and of the animation if there is one."""
    told = [
        {"file": file_name(icon, "svg"), "title": icon.title, "seed": icon.seed, "origin": icon.origin}
        for icon in icons
    ]
    files: dict[str, str] = {str(entry["file"]): with_own_ids(icon) for entry, icon in zip(told, icons)}
    files["icons.json"] = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    if animation is not None:
        files["morph.svg"] = animation
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode(), zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def data_address(content: str | bytes, media_type: str) -> str:
    """The address that holds the content itself."""
    data = content.encode() if isinstance(content, str) else content
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def download_link(label: str, name: str, content: str | bytes, media_type: str) -> str:
    """A link, as HTML, that saves the content under a name."""
    address = data_address(content, media_type)
    return (
        f'<a class="svgf-link" download="{html.escape(name)}" href="{address}"'
        f' aria-label="Download {html.escape(name)}">{html.escape(label)}</a>'
    )


def copy_button(label: str, text: str) -> str:
    """A button, as HTML, that copies a text; the text is data, never code."""
    return (
        f'<button class="svgf-link svgf-copy" data-text="{html.escape(text)}" onclick="navigator.clipboard.writeText('
        f'this.dataset.text).then(() => this.classList.add(\'svgf-copied\'))">{html.escape(label)}</button>'
    )


def _as_png(image: Image.Image) -> bytes:
    memory = io.BytesIO()
    image.save(memory, format="PNG")
    return memory.getvalue()
