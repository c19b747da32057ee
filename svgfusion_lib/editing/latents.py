"""An SVG of the user's <-> latents z [N, Z] of the VP-VAE, and which of them make up which layer."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import Pipeline
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.dataset import ChunkItem, collate_chunks
from svgfusion_lib.utils.path_chunks import BOX_COLUMNS, Chunks, rows_to_chunks
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.rendering_sequence import element_of_rows, partial_rows, stage_of_rows, stage_sizes
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg


@torch.no_grad()
def encode_svg(pipeline: Pipeline, svg: str | Path) -> Tensor:
    """SVG text, or the file at a Path -> posterior mean z [N, Z] on the models' device.

    UserError if it cannot be read or has more latents than the VS-DiT can draw.
    """
    vae, config, most = pipeline.vae, pipeline.vae.config, pipeline.dit.config.max_latents
    name, rows, chunks = _read(pipeline, svg)  # rows [L, 22]
    item = ChunkItem(name, chunks)
    if config.pixel_fusion:
        sizes = stage_sizes(rows, most if config.stage_tokens else 1)  # [K]
        side = pipeline.pixel_encoder.image_size
        pictures = [render_svg(rows_to_svg(partial_rows(rows, size)), side) for size in sizes]
        stages = stage_of_rows(rows, sizes)[chunks.first_row]  # [N]
        item = ChunkItem(name, chunks, pipeline.pixel_encoder.encode(np.stack(pictures)), stages)
    batch = collate_chunks([item]).to(pipeline.dit.latent_mean.device)
    return vae.encode(batch).latent()[0]  # [N, Z]


def layer_of_parts(pipeline: Pipeline, svg: str | Path) -> Tensor:
    """Which layer (1, 2, ..., from the back) of an SVG each of its latents stands for -> int64 [N], on the CPU."""
    _, rows, chunks = _read(pipeline, svg)
    return torch.from_numpy(element_of_rows(rows)[chunks.first_row] + 1)


def _read(pipeline: Pipeline, svg: str | Path) -> tuple[str, np.ndarray, Chunks]:
    """Name for messages, rows [L, 22] and chunks of an SVG; UserError as `encode_svg`."""
    config, most = pipeline.vae.config, pipeline.dit.config.max_latents
    name = str(svg) if isinstance(svg, Path) else "the SVG"
    try:
        rows = parse_svg(svg).rows  # [L, 22]
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error
    chunks = rows_to_chunks(rows, config.layout, config.rows_per_latent)
    if len(chunks) > most:
        raise UserError(
            f"{name}: has {len(chunks)} parts (sub-paths, shapes, gradients), the model takes at most {most};"
            " simplify the drawing"
        )
    return name, rows, chunks


def decode_svg(pipeline: Pipeline, z: Tensor, config: SamplingConfig | None = None) -> str:
    """Latents [N, Z] -> SVG text. Decoded alone: equal latents of layout "path" give equal rows."""
    config = config or SamplingConfig()
    return rows_to_svg(pipeline.decode_latents(z[None], config)[0], config.canvas)


def decode_layers(pipeline: Pipeline, z: Tensor, layers: Tensor, config: SamplingConfig) -> list[np.ndarray]:
    """Latents [B, N, Z] -> rows [L, 22] of each, in which a layer begins wherever layers [N] changes.

    Else a part drawn anew could join the path of the layer before it, as one of its sub-paths. A layer may come out
    as several, or as none. Every layer is decoded alone: equal latents of a layer give equal rows. Layout "row" is
    decoded whole, as its latents say themselves where an element begins.
    """
    if not pipeline.vae.explicit_width:
        return pipeline.decode_latents(z, config)
    runs = torch.unique_consecutive(layers, return_counts=True)[1].tolist()
    result = []
    for each in z:  # [N, Z]
        parts = [pipeline.decode_latents(run[None], config)[0] for run in each.split(runs)]  # [L_i, 22] each
        result.append(np.concatenate([parts[0][:1], *(rows[1:-1] for rows in parts), parts[0][-1:]]))
    return result


def layer_of_latents(pipeline: Pipeline, z: Tensor) -> Tensor:
    """Which layer (1, 2, ...; the ids `layer-1` of the SVG written) each latent [N, Z] belongs to -> int64 [N]."""
    ids = pipeline.vae.read_rows(pipeline.vae.decode(z[None]))[0][0].cpu()  # [N, R, 2]
    drawn = (ids[..., 0] > rf.EOS).long().argmax(-1)  # [N], a chunk's first row
    rows = np.zeros((len(z) + 2, rf.NUM_COLUMNS))
    rows[0, rf.ELEMENT], rows[-1, rf.ELEMENT] = rf.BOS, rf.EOS
    rows[1:-1, : rf.COMMAND + 1] = ids[torch.arange(len(z)), drawn]
    return torch.from_numpy(element_of_rows(rows)[1:-1] + 1).to(z.device)


def box_channels(pipeline: Pipeline) -> Tensor:
    """Mask [Z] of the channels that say where a latent is and how large; a layout without boxes has none."""
    channel = _channels(pipeline)
    return (channel < BOX_COLUMNS) & (channel < pipeline.vae.explicit_width)


def style_channels(pipeline: Pipeline) -> Tensor:
    """Mask [Z] of a latent's style channels, which are columns row_format.STYLE; a layout without them has none."""
    channel = _channels(pipeline)
    return (channel >= BOX_COLUMNS) & (channel < pipeline.vae.explicit_width)


def _channels(pipeline: Pipeline) -> Tensor:
    return torch.arange(pipeline.vae.latent_width, device=pipeline.dit.latent_mean.device)
