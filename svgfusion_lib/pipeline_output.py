"""What the pipeline returns: SVG images that show themselves in Jupyter."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from svgfusion_lib.system.files import write_bytes, write_text
from svgfusion_lib.utils.render import contact_sheet, data_address, render_svg


@dataclass
class SVGImage:
    """One generated SVG.

    svg: its text; rows [L, 22]: the same as numbers; prompt, style and seed: what was asked for; drawn_for: the prompt,
    or that with the nearest name that the model knows (`SamplingConfig.nearest_name`); model: who drew it;
    score: the ranker's, if it was asked.
    """

    prompt: str
    seed: int
    rows: np.ndarray
    svg: str
    drawn_for: str
    style: str | None = None
    model: str = ""
    score: float = 0.0

    def save(self, path: str | Path) -> Path:
        """Write the SVG file."""
        return write_text(path, self.svg)

    def to_png(self, size: int = 512, path: str | Path | None = None) -> bytes:
        """The picture on white, size x size pixels, as PNG; written to `path` if given."""
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
    """Images in rows of `columns`, shown side by side by Jupyter."""

    images: Sequence[SVGImage]
    columns: int

    def save(self, path: str | Path) -> Path:
        """Write a contact sheet as PNG."""
        svgs = [image.svg for image in self.images]
        contact_sheet([svgs[k : k + self.columns] for k in range(0, len(svgs), self.columns)], Path(path))
        return Path(path)

    def _repr_html_(self) -> str:
        """Each image is an <img> of its own, so that ids of gradients cannot meet."""
        cells = "".join(f'<img width="96" height="96" src="{data_address(image.svg)}">' for image in self.images)
        return f'<div style="display:grid;grid-template-columns:repeat({self.columns},96px);gap:8px">{cells}</div>'


@dataclass
class SVGFusionOutput:
    """images: those of the first prompt, then those of the next."""

    images: list[SVGImage]
    per_prompt: int = 1

    def grid(self, columns: int | None = None) -> SVGGrid:
        """All images, by default a row for each prompt (or rows of 8 for one image each)."""
        usual = self.per_prompt if self.per_prompt > 1 else 8
        return SVGGrid(self.images, max(1, min(columns or usual, len(self.images))))

    def _repr_html_(self) -> str:
        return self.grid()._repr_html_()
