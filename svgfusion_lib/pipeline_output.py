"""Pipeline outputs: SVG images that display themselves in Jupyter."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import write_bytes, write_text
from svgfusion_lib.utils.render import contact_sheet, data_address, render_svg


def _suffix_of(path: str | Path, *known: str) -> str:
    """A path's suffix in lower case; UserError if it is none of those known."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise UserError(f"{path}: must end in {' or '.join(filter(None, known))}")
    return suffix


@dataclass
class SVGImage:
    """One generated SVG.

    svg: its text; rows [L, 22]: its row matrix; prompt and seed: as requested; drawn_for: the prompt, or the one with
    the nearest known name (`SamplingConfig.nearest_name`); style: the one it was drawn in; model: name of the model
    that drew it; score: the ranker's, if it ran; similarity: to real icons of its name (cosine, embeddings of the
    ranker), None if the name is unknown or nothing was ranked; is_doubtful: whether it looks unlike them, and so
    is probably wrong (docs/runs.md, section 34).
    """

    prompt: str
    seed: int
    rows: np.ndarray
    svg: str
    drawn_for: str
    style: str | None = None
    model: str = ""
    score: float = 0.0
    similarity: float | None = None
    is_doubtful: bool = False

    def save(self, path: str | Path) -> Path:
        """Write the SVG file, or a PNG (`to_png`) if the path ends in .png."""
        if _suffix_of(path, "", ".svg", ".png") == ".png":
            self.to_png(path=path)
            return Path(path)
        return write_text(path, self.svg)

    def to_png(self, size: int = 512, path: str | Path | None = None) -> bytes:
        """Render to PNG on white, size x size pixels; also written to `path` if given."""
        memory = io.BytesIO()
        Image.fromarray(render_svg(self.svg, size)).save(memory, format="PNG")
        data = memory.getvalue()
        if path is not None:
            write_bytes(path, data)
        return data

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass
class SVGGrid:
    """A grid of images with `columns` per row, displayed in Jupyter."""

    images: Sequence[SVGImage]
    columns: int

    def save(self, path: str | Path) -> Path:
        """Write a contact sheet as PNG."""
        _suffix_of(path, "", ".png")
        svgs = [image.svg for image in self.images]
        contact_sheet([svgs[k : k + self.columns] for k in range(0, len(svgs), self.columns)], Path(path))
        return Path(path)

    def _repr_html_(self) -> str:
        """HTML grid with one <img> per image, so that gradient ids cannot collide."""
        cells = "".join(f'<img width="96" height="96" src="{data_address(image.svg)}">' for image in self.images)
        return f'<div style="display:grid;grid-template-columns:repeat({self.columns},96px);gap:8px">{cells}</div>'


@dataclass
class SVGFusionOutput:
    """Output of the pipeline. images: all of the first prompt, then all of the next, and so on."""

    images: list[SVGImage]
    per_prompt: int = 1

    def grid(self, columns: int | None = None) -> SVGGrid:
        """All images as a grid, by default one row per prompt (rows of 8 if there is one image per prompt)."""
        usual = self.per_prompt if self.per_prompt > 1 else 8
        return SVGGrid(self.images, max(1, min(columns or usual, len(self.images))))

    def _repr_html_(self) -> str:
        return self.grid()._repr_html_()
