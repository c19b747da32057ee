"""VP-VAE: encodes SVG rows, fused with pixel tokens of their rendering, to a latent sequence, and decodes them.

Paper section 3.2 (arXiv 2412.10437). Each latent represents one chunk of R rows (utils/path_chunks.py):

    chunk [R, .] -> row embedding -> join R rows -> encoder blocks (x pixel tokens) -> posterior -> z
    z -> decoder blocks -> R rows

Layout "row" (the specification) has R = 1, learned positions, and self-attention along the sequence.
Layout "path" normalises each chunk to its bounding box, keeps box and style as explicit channels of z beside
the learned ones, and encodes every chunk independently: equal shapes get equal latents wherever they are.

A row attends to the pixel tokens of the whole rendering, or only to those of its own stage of the drawing
(utils/tensorsvg.py).

Letters: B batch, N latents, R rows per latent, K renderings, P pixel tokens of each, D width, Z latent channels.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from svgfusion_lib.config import VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.base import PretrainedModel
from svgfusion_lib.models.heads import ContinuousHead, HybridHead
from svgfusion_lib.models.layers import Block
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import arcs_to_cubic_rows
from svgfusion_lib.utils.dataset import ChunkBatch, ChunkItem, collate_chunks
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.path_chunks import (
    BOX_COLUMNS,
    MIN_HALF_SIZE,
    Chunks,
    chunks_to_rows,
    filled_boxes,
    rows_to_chunks,
)
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import partial_rows, rows_to_svg, stage_of_rows, stage_sizes


@dataclass
class Posterior:
    """Diagonal Gaussian over latents. mean, logvar [B, N, Z_learned]; explicit [B, N, Z_explicit]."""

    mean: Tensor
    logvar: Tensor
    explicit: Tensor

    def latent(self, noise: Tensor | None = None) -> Tensor:
        """z [B, N, Z]: explicit channels, then mean (or mean + sigma * noise)."""
        learned = self.mean
        if noise is not None:
            learned = learned + torch.exp(0.5 * self.logvar.clamp(max=80)) * noise
        return torch.cat([self.explicit, learned], dim=-1)  # [B, N, Z]


class VPVAE(PretrainedModel):
    """A variational autoencoder of SVG rows: `encode` to a posterior over latents [B, N, Z], `decode` to rows."""

    kind = "vpvae"
    config_class = VAEConfig
    config: VAEConfig

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.config = config
        by_row = config.layout == "row"
        width, slots = config.width, config.rows_per_latent
        self.explicit_width = 0 if by_row else BOX_COLUMNS + rf.NUM_STYLE
        self.latent_width = self.explicit_width + config.latent_width  # Z
        row_columns = rf.NUM_GEOMETRY + (rf.NUM_STYLE if by_row else 0)

        self.element_embedding = nn.Embedding(len(rf.ELEMENTS), config.row_width)
        commands = len(rf.COMMANDS) if config.arcs else rf.ARC  # the arc is the last command
        self.command_embedding = nn.Embedding(commands, config.row_width)
        self.column_embedding = nn.Linear(row_columns, config.row_width)
        self.join_rows = nn.Linear(slots * config.row_width, width)
        self.encoder_position = nn.Parameter(torch.zeros(config.max_latents, width)) if by_row else None
        self.pixel_norm = nn.LayerNorm(config.pixel_width) if config.pixel_fusion else None
        context_width = config.pixel_width if config.pixel_fusion else None
        self.encoder = nn.ModuleList(
            Block(width, config.heads, self_attention=by_row, context_width=context_width)
            for _ in range(config.encoder_depth)
        )
        self.to_posterior = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * config.latent_width))

        self.from_latent = nn.Linear(config.latent_width, width)
        self.decoder_position = nn.Parameter(torch.zeros(config.max_latents, width)) if by_row else None
        self.decoder = nn.ModuleList(
            Block(width, config.heads, self_attention=by_row) for _ in range(config.decoder_depth)
        )
        self.to_rows = (
            ContinuousHead(width, slots) if config.head == "continuous"
            else HybridHead(width, slots, commands, row_columns)
        )
        self._initialize()

    def _initialize(self) -> None:
        for position in (self.encoder_position, self.decoder_position):
            if position is not None:
                nn.init.normal_(position, std=0.02)
        for layer in (*self.to_posterior, *self.to_rows):  # start near z = 0 with sigma = 1
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)

    def encode(self, batch: ChunkBatch) -> Posterior:
        """Chunks (and pixel tokens, if fused) -> posterior over the N latents of each SVG."""
        columns = batch.geometry  # [B, N, R, 8]
        if self.explicit_width:
            explicit = torch.cat([batch.box, batch.style], dim=-1)  # [B, N, 15]
        else:
            columns = torch.cat([columns, batch.style[:, :, None]], dim=-1)  # [B, N, 1, 20]
            explicit = columns.new_zeros(*columns.shape[:2], 0)  # [B, N, 0]
        rows = self.column_embedding(columns)  # [B, N, R, row_width]
        rows = rows + self.element_embedding(batch.ids[..., 0]) + self.command_embedding(batch.ids[..., 1])
        x = self.join_rows(rows.flatten(2))  # [B, N, D]
        if self.encoder_position is not None:
            x = x + self.encoder_position[: x.shape[1]]  # [B, N, D]
        pixels, unseen = self._pixels(batch) if self.config.pixel_fusion else (None, None)
        for block in self.encoder:
            x = block(x, batch.padding_mask, pixels, unseen)  # [B, N, D]
        mean, logvar = self.to_posterior(x).chunk(2, dim=-1)  # [B, N, Z_learned] each
        return Posterior(mean, logvar, explicit)

    def _pixels(self, batch: ChunkBatch) -> tuple[Tensor, Tensor | None]:
        """Pixel tokens of all renderings [B, K P, C] and their mask [B, N, K P] (True = hidden from a latent)."""
        if batch.pixel_tokens is None or batch.stages is None or self.pixel_norm is None:
            raise ValueError("this VP-VAE fuses pixel tokens, but the batch has none")
        pixels = self.pixel_norm(batch.pixel_tokens)  # [B, K, P, C]
        renderings, tokens = pixels.shape[1:3]
        if renderings == 1:
            return pixels[:, 0], None
        stage = torch.arange(renderings, device=pixels.device).repeat_interleave(tokens)  # [K P]
        return pixels.flatten(1, 2), batch.stages[..., None] != stage

    def decode(self, z: Tensor, padding_mask: Tensor | None = None) -> Any:
        """Latents [B, N, Z] (explicit channels are ignored) -> outputs of the row head (models/heads.py)."""
        x = self.from_latent(z[..., self.explicit_width :])  # [B, N, D]
        if self.decoder_position is not None:
            x = x + self.decoder_position[: x.shape[1]]  # [B, N, D]
        for block in self.decoder:
            x = block(x, padding_mask)  # [B, N, D]
        return self.to_rows(x)

    def forward(self, batch: ChunkBatch, noise: Tensor | None = None) -> tuple[Any, Posterior]:
        """Reconstruct from the posterior mean, or from a sample if noise [B, N, Z_learned] is given."""
        posterior = self.encode(batch)
        return self.decode(posterior.latent(noise), batch.padding_mask), posterior

    @torch.no_grad()
    def decode_rows(self, z: Tensor, padding_mask: Tensor) -> list[np.ndarray]:
        """Latents [B, N, Z], padding_mask [B, N] -> one row matrix [L, 22] per sample, not yet sanitised."""
        ids, geometry, decoded_style = self.to_rows.read_rows(self.decode(z, padding_mask))
        if self.explicit_width:
            box = z[..., :BOX_COLUMNS].clone()  # [B, N, 3]
            box[..., 2].clamp_(min=MIN_HALF_SIZE)
            style = z[..., BOX_COLUMNS : self.explicit_width]  # [B, N, 12]
        else:
            box = z.new_tensor([0.0, 0.0, 1.0]).expand(*z.shape[:2], 3)  # [B, N, 3]
            style = decoded_style[:, :, 0]  # [B, N, 12]
        arrays = [a.cpu().numpy() for a in (ids, geometry.float(), box.float(), style.float())]
        keep = (~padding_mask).cpu().numpy()
        if self.explicit_width:
            arrays[1] = np.stack([filled_boxes(*own) for own in zip(arrays[0], arrays[1])])  # [B, N, R, 8]
        return [chunks_to_rows(*(a[i][keep[i]] for a in arrays)) for i in range(len(z))]

    @torch.no_grad()
    def encode_svg(self, svg: str | Path, max_latents: int | None = None) -> Tensor:
        """Encode SVG text, or the file at a Path, to the posterior mean z [N, Z] on the model's device.

        UserError if the SVG cannot be read or has more than max_latents latents.
        """
        most = self.config.max_latents if max_latents is None else max_latents
        name, rows, chunks = self.read_chunks(svg, most)  # rows [L, 22]
        item = ChunkItem(name, chunks)
        if self.config.pixel_fusion:
            encoder = _pixel_encoder(self.config.pixel_encoder)
            sizes = stage_sizes(rows, most if self.config.stage_tokens else 1)  # [K]
            pictures = [render_svg(rows_to_svg(partial_rows(rows, size)), encoder.image_size) for size in sizes]
            stages = stage_of_rows(rows, sizes)[chunks.first_row]  # [N]
            item = ChunkItem(name, chunks, encoder.encode(np.stack(pictures)), stages)
        batch = collate_chunks([item]).to(next(self.parameters()).device)
        return self.encode(batch).latent()[0]  # [N, Z]

    def read_chunks(self, svg: str | Path, max_latents: int) -> tuple[str, np.ndarray, Chunks]:
        """Return the name for messages, rows [L, 22] and chunks of an SVG; UserError as in `encode_svg`."""
        name = str(svg) if isinstance(svg, Path) else "the SVG"
        try:
            rows = parse_svg(svg).rows  # [L, 22]
        except ValueError as error:
            raise UserError(f"{name}: {error}") from error
        if not self.config.arcs:
            rows = arcs_to_cubic_rows(rows)  # [L', 22]
        chunks = rows_to_chunks(rows, self.config.layout, self.config.rows_per_latent)
        if len(chunks) > max_latents:
            raise UserError(
                f"{name}: has {len(chunks)} parts (sub-paths, shapes, gradients); the model takes at most"
                f" {max_latents}; simplify the drawing"
            )
        return name, rows, chunks

    def decode_svg(self, z: Tensor, canvas: float = 24) -> str:
        """Latents [N, Z] -> SVG text with a viewBox of canvas x canvas."""
        padding_mask = torch.zeros(1, len(z), dtype=torch.bool, device=z.device)
        return rows_to_svg(sanitize_rows(self.decode_rows(z[None], padding_mask)[0]), canvas)


@lru_cache(maxsize=2)
def _pixel_encoder(name: str) -> PixelEncoder:
    return load_pixel_encoder(name)
