"""Conversion between SVGs and VP-VAE latents z [N, Z], and the assignment of latents to layers."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.path_chunks import BOX_COLUMNS
from svgfusion_lib.utils.tensorsvg import element_of_rows, rows_to_svg


def encode_svg(pipeline: SVGFusionPipeline, svg: str | Path) -> Tensor:
    """Encode SVG text, or the file at a Path, to the posterior mean z [N, Z] on the models' device.

    UserError if it cannot be read or has more latents than the VS-DiT can draw.
    """
    return pipeline.vae.encode_svg(svg, pipeline.dit.config.max_latents)


def layer_of_parts(pipeline: SVGFusionPipeline, svg: str | Path) -> Tensor:
    """Layer (1, 2, ..., from the back) that each latent of an SVG belongs to -> int64 [N], on the CPU."""
    _, rows, chunks = pipeline.vae.read_chunks(svg, pipeline.dit.config.max_latents)
    return torch.from_numpy(element_of_rows(rows)[chunks.first_row] + 1)


def decode_svg(pipeline: SVGFusionPipeline, z: Tensor, config: SamplingConfig | None = None) -> str:
    """Decode latents [N, Z] to SVG text. Not batched, so equal latents of layout "path" give equal rows."""
    config = config or SamplingConfig()
    return rows_to_svg(pipeline.decode_latents(z[None], config)[0], config.canvas)


def decode_layers(pipeline: SVGFusionPipeline, z: Tensor, layers: Tensor, config: SamplingConfig) -> list[np.ndarray]:
    """Decode latents [B, N, Z] to rows [L, 22] each, starting a new layer wherever layers [N] changes.

    Otherwise a redrawn part could join the path of the layer before it as a sub-path. A layer may come out as several,
    or as none. Layers are decoded separately, so equal latents of a layer give equal rows. Layout "row" is decoded as
    a whole, as its latents themselves encode where an element starts.
    """
    if not pipeline.vae.explicit_width:
        return pipeline.decode_latents(z, config)
    runs = torch.unique_consecutive(layers, return_counts=True)[1].tolist()
    result = []
    for each in z:  # [N, Z]
        parts = [pipeline.decode_latents(run[None], config)[0] for run in each.split(runs)]  # [L_i, 22] each
        result.append(np.concatenate([parts[0][:1], *(rows[1:-1] for rows in parts), parts[0][-1:]]))
    return result


def layer_of_latents(pipeline: SVGFusionPipeline, z: Tensor) -> Tensor:
    """Layer (1, 2, ..., as in the ids `layer-1` of the SVG) that each latent [N, Z] decodes to -> int64 [N]."""
    ids = pipeline.vae.to_rows.read_rows(pipeline.vae.decode(z[None]))[0][0].cpu()  # [N, R, 2]
    drawn = (ids[..., 0] > rf.EOS).long().argmax(-1)  # [N], a chunk's first row
    rows = np.zeros((len(z) + 2, rf.NUM_COLUMNS))
    rows[0, rf.ELEMENT], rows[-1, rf.ELEMENT] = rf.BOS, rf.EOS
    rows[1:-1, : rf.COMMAND + 1] = ids[torch.arange(len(z)), drawn]
    return torch.from_numpy(element_of_rows(rows)[1:-1] + 1).to(z.device)


def box_channels(pipeline: SVGFusionPipeline) -> Tensor:
    """Mask [Z] of the channels for a latent's position and size; all False in a layout without boxes."""
    channel = _channels(pipeline)
    return (channel < BOX_COLUMNS) & (channel < pipeline.vae.explicit_width)


def style_channels(pipeline: SVGFusionPipeline) -> Tensor:
    """Mask [Z] of a latent's style channels (columns row_format.STYLE); all False in a layout without them."""
    channel = _channels(pipeline)
    return (channel >= BOX_COLUMNS) & (channel < pipeline.vae.explicit_width)


def _channels(pipeline: SVGFusionPipeline) -> Tensor:
    return torch.arange(pipeline.vae.latent_width, device=pipeline.dit.latent_mean.device)
