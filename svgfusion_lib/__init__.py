"""SVGFusion: text to editable SVG by latent diffusion in vector space (arXiv 2412.10437).

Shape letters used in docstrings and comments throughout this package:

    B  batch                      L  rows of an SVG (BOS and EOS included)
    F  columns of a row           N  latents of an SVG (rows, or path chunks)
    R  rows per latent            Z  width of one latent
    P  pixel tokens               S  text tokens
    D  width of a model           T  diffusion steps of the training schedule

Padding masks are boolean and True marks padding, as in ``torch.nn.MultiheadAttention``.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Must be set before torch starts its threads: waiting threads spin by default, and on a busy machine a drawing then
# takes minutes (docs/performance.md).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__all__ = ["SVGFusionPipeline", "VPVAE", "VSDiT", "__version__", "read_svg", "write_svg"]
_WHERE = {
    "SVGFusionPipeline": "pipeline", "VPVAE": "models.vpvae", "VSDiT": "models.vsdit", "read_svg": "utils.svg_parser",
    "write_svg": "utils.tensorsvg",
}

if TYPE_CHECKING:
    from svgfusion_lib.models.vpvae import VPVAE
    from svgfusion_lib.models.vsdit import VSDiT
    from svgfusion_lib.pipeline import SVGFusionPipeline
    from svgfusion_lib.utils.svg_parser import read_svg
    from svgfusion_lib.utils.tensorsvg import write_svg


def __getattr__(name: str) -> Any:
    """Lazy imports, which keep `import svgfusion_lib` fast."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
