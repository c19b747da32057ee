"""SVG text to latents of a VP-VAE and back."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.config import VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.utils.arcs import arcs_to_cubic_rows
from svgfusion_lib.utils.dataset import ChunkItem, collate_chunks
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.path_chunks import Chunks, rows_to_chunks
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.rendering_sequence import partial_rows, stage_of_rows, stage_sizes
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

if TYPE_CHECKING:
    from svgfusion_lib.models.vpvae import VPVAE

_pixel_encoder = lru_cache(maxsize=2)(load_pixel_encoder)


@torch.no_grad()
def encode_svg(
    vae: "VPVAE", svg: str | Path, max_latents: int | None = None, pixel_encoder: PixelEncoder | None = None
) -> Tensor:
    """SVG text, or the file at a Path -> posterior mean z [N, Z] on the VP-VAE's device.

    pixel_encoder: that of the VP-VAE's configuration, which is loaded if None. UserError if the SVG cannot be read or
    has more than max_latents latents.
    """
    config = vae.config
    most = config.max_latents if max_latents is None else max_latents
    name, rows, chunks = read_chunks(config, svg, most)  # rows [L, 22]
    item = ChunkItem(name, chunks)
    if config.pixel_fusion:
        encoder = pixel_encoder or _pixel_encoder(config.pixel_encoder)
        sizes = stage_sizes(rows, most if config.stage_tokens else 1)  # [K]
        pictures = [render_svg(rows_to_svg(partial_rows(rows, size)), encoder.image_size) for size in sizes]
        stages = stage_of_rows(rows, sizes)[chunks.first_row]  # [N]
        item = ChunkItem(name, chunks, encoder.encode(np.stack(pictures)), stages)
    batch = collate_chunks([item]).to(next(vae.parameters()).device)
    return vae.encode(batch).latent()[0]  # [N, Z]


def decode_svg(vae: "VPVAE", z: Tensor, canvas: float = 24) -> str:
    """Latents [N, Z] -> SVG text with a viewBox of canvas x canvas."""
    padding_mask = torch.zeros(1, len(z), dtype=torch.bool, device=z.device)
    return rows_to_svg(sanitize_rows(vae.decode_rows(z[None], padding_mask)[0]), canvas)


def read_chunks(config: VAEConfig, svg: str | Path, max_latents: int) -> tuple[str, np.ndarray, Chunks]:
    """Name for messages, rows [L, 22] and chunks of an SVG; UserError as `encode_svg`."""
    name = str(svg) if isinstance(svg, Path) else "the SVG"
    try:
        rows = parse_svg(svg).rows  # [L, 22]
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error
    if not config.arcs:
        rows = arcs_to_cubic_rows(rows)  # [L', 22]
    chunks = rows_to_chunks(rows, config.layout, config.rows_per_latent)
    if len(chunks) > max_latents:
        raise UserError(
            f"{name}: has {len(chunks)} parts (sub-paths, shapes, gradients), the model takes at most {max_latents};"
            " simplify the drawing"
        )
    return name, rows, chunks
