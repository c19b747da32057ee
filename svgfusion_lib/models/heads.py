"""Decoder heads of the VP-VAE: outputs per row slot, their loss, and the rows they decode to.

Letters: B batch, N latents, R row slots per latent, D width.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.dataset import ChunkBatch
from svgfusion_lib.utils.tensorsvg import denormalize_target, normalize_target


class RowHead(nn.Sequential):
    """Decoder features [B, N, D] -> row slots [B, N, R, sum of sizes]; subclasses define what the outputs mean."""

    def __init__(self, width: int, slots: int, sizes: list[int]):
        super().__init__(nn.LayerNorm(width), nn.Linear(width, slots * sum(sizes)))
        self.slots, self.sizes = slots, sizes

    def slots_of(self, x: Tensor) -> Tensor:
        """Outputs per slot [B, N, R, H]."""
        return super().forward(x).unflatten(-1, (self.slots, -1))

    def loss(self, decoded: Any, batch: ChunkBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Reconstruction loss of the output of `forward` -> scalar, and its parts."""
        raise NotImplementedError

    def read_rows(self, decoded: Any) -> tuple[Tensor, Tensor, Tensor]:
        """ids int64 [B, N, R, 2], geometry [B, N, R, 8], style [B, N, R, 12], or [.., 0] where the latent holds it."""
        raise NotImplementedError


class ContinuousHead(RowHead):
    """The specification's head: all 22 columns, ids included, as numbers in [-1, 1]."""

    def __init__(self, width: int, slots: int):
        super().__init__(width, slots, [rf.NUM_COLUMNS])

    def forward(self, x: Tensor) -> Tensor:
        return self.slots_of(x).tanh()  # [B, N, R, 22]

    def loss(self, decoded: Tensor, batch: ChunkBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """`masked_mse` of the features against normalize_target(rows)."""
        style = batch.style[:, :, None].expand(*batch.ids.shape[:3], -1)  # [B, N, R, 12]
        rows = torch.cat([batch.ids.to(style), batch.geometry, style], dim=-1)  # [B, N, R, 22]
        target = normalize_target(rows).flatten(1, 2)  # [B, N R, 22]
        mask = batch.padding_mask[..., None].expand(batch.ids.shape[:3])  # [B, N, R]
        loss = masked_mse(decoded.flatten(1, 2), target, mask.flatten(1))
        return loss, {"recon": loss}

    def read_rows(self, decoded: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows = denormalize_target(decoded)  # [B, N, R, 22]
        return rows[..., : rf.COMMAND + 1].round().long(), rows[..., rf.GEOMETRY], rows[..., rf.STYLE]


class HybridRows(NamedTuple):
    """Logits [B, N, R, .] of both ids, geometry [B, N, R, 8], style [B, N, R, 12] or [.., 0] if the latent holds it."""

    element: Tensor
    command: Tensor
    geometry: Tensor
    style: Tensor


class HybridHead(RowHead):
    """Cross-entropy for ids, squared error for numbers. `columns`: 8 of geometry, plus 12 of style if decoded."""

    def __init__(self, width: int, slots: int, commands: int, columns: int):
        super().__init__(width, slots, [len(rf.ELEMENTS), commands, rf.NUM_GEOMETRY, columns - rf.NUM_GEOMETRY])

    def forward(self, x: Tensor) -> HybridRows:
        return HybridRows(*self.slots_of(x).split(self.sizes, dim=-1))

    def loss(self, decoded: HybridRows, batch: ChunkBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of ids (unused slots are PAD) + 10 x squared error of geometry + 10 x that of decoded style.

        Geometry counts only where the true command uses it (row_format.free_arguments).
        """
        valid = (~batch.padding_mask)[..., None].expand(batch.ids.shape[:3]).to(decoded.geometry)  # [B, N, R]
        parts = {}
        for name, logits, ids in (
            ("element", decoded.element, batch.ids[..., 0]), ("command", decoded.command, batch.ids[..., 1]),
        ):
            entropy = F.cross_entropy(logits.flatten(0, 2).float(), ids.flatten(), reduction="none").view_as(valid)
            parts[name] = (entropy * valid).sum() / (valid.sum() + 1e-9)
        free = torch.tensor(rf.free_arguments(), device=valid.device)  # [elements, commands, 8]
        used = free[batch.ids[..., 0], batch.ids[..., 1]] * valid[..., None]  # [B, N, R, 8]
        parts["geometry"] = (((decoded.geometry - batch.geometry) ** 2) * used).sum() / (used.sum() + 1e-9)
        if decoded.style.shape[-1]:
            error = ((decoded.style - batch.style[:, :, None]) ** 2).mean(-1)  # [B, N, R]
            parts["style"] = (error * valid).sum() / (valid.sum() + 1e-9)
        loss = parts["element"] + parts["command"] + 10 * parts["geometry"] + 10 * parts.get("style", 0.0)
        return loss, parts

    def read_rows(self, decoded: HybridRows) -> tuple[Tensor, Tensor, Tensor]:
        ids = torch.stack([decoded.element.argmax(-1), decoded.command.argmax(-1)], dim=-1)  # [B, N, R, 2]
        return ids, decoded.geometry, decoded.style


def masked_mse(predicted: Tensor, target: Tensor, padding_mask: Tensor) -> Tensor:
    """predicted [B, L_out, F], target [B, L_tgt, F], padding_mask [B, L_tgt] (True = padding) -> scalar.

    Sum of squared errors over the valid part of the common length, over (its number of values + 1e-9).
    """
    length = min(predicted.shape[1], target.shape[1])
    predicted, target = predicted[:, :length], target[:, :length]
    mask = (~padding_mask[:, :length])[..., None].expand_as(target).to(target)  # [B, L, F]
    return ((predicted * mask - target * mask) ** 2).sum() / (mask.sum() + 1e-9)
