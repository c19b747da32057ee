"""Test helpers: small SVGs and their rows, a cache of synthetic SVGs, networks with visible outputs."""

from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.utils.svg_parser import parse_svg

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("data/**/*CARD.md")])
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
PEN = 'fill="none" stroke="#000" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
QUICK = SamplingConfig(num_inference_steps=3, candidates=1)


def svg(body: str, style: str = "", box: str = 'viewBox="0 0 24 24"') -> str:
    """An SVG document; style and box: attributes of its root."""
    return f"<svg {NAMESPACES} {box} {style}>{body}</svg>"


def rows_of(body: str, style: str = "") -> np.ndarray:
    """Rows [L, 22] of an SVG document."""
    return parse_svg(svg(body, style)).rows


def text_of(page: Path) -> str:
    """The text of a documentation page or notebook."""
    from svgfusion_lib.notebook_tools.cleaner import read_notebook

    if page.suffix != ".ipynb":
        return page.read_text(encoding="utf-8")
    return "\n".join(cell["source"] for cell in read_notebook(page)["cells"])


def make_cache(folder: Path, count: int, **options: object) -> Path:
    """Write `count` synthetic SVGs to folder/svg and their cache to folder/cache; options: passed to `preprocess`."""
    from svgfusion_lib.corpus.dummy import create_dummy_data
    from svgfusion_lib.corpus.preprocess import preprocess

    create_dummy_data(folder / "svg", num_samples=count)
    preprocess(folder / "svg", folder / "cache", **options)
    return folder / "cache"


def samples_of(folder: Path) -> list[dict]:
    """The entries of samples.json."""
    from svgfusion_lib.pipeline import SAMPLES_KIND
    from svgfusion_lib.system.files import ENTRIES, read_json

    return read_json(folder / "samples.json", SAMPLES_KIND, "")[ENTRIES]


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file in a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def awake(model: torch.nn.Module, std: float = 0.3) -> torch.nn.Module:
    """Randomise zero-initialised weights, so that every input affects the output."""
    for parameter in model.parameters():
        if parameter.abs().max() == 0:
            torch.nn.init.normal_(parameter, std=std)
    return model
