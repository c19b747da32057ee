"""The refiner: corrects slightly wrong coordinates of a whole drawing to those a designer would have used.

It runs after the VP-VAE decoder, which decodes every sub-path independently and so cannot make their ends meet. A
transformer over all rows reads the inexact coordinates and classifies each onto a fine grid, or keeps it. Regression
would average the candidates, and the mean of two grid lines lies on neither. Classifying coordinates follows
HouseDiffusion (Shabani et al. 2023, section 3.3), which uses bits.

Letters: B drawings, L rows of a drawing, D width, G grid lines. Units: the canvas is 24 units wide.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from svgfusion_lib.config import RefinerConfig
from svgfusion_lib.models.base import PretrainedModel
from svgfusion_lib.models.layers import Block
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import sanitize_rows

UNITS = 24                     # side of the canvas
LOWEST, HIGHEST = -1.2, 25.2   # units: the grid extends a little beyond the canvas
LEFT_OUT = 1e4                 # minus this is the logit of choices that are not allowed
_PERIODS = (48, 24, 12, 6, 3, 1.5, 1, 0.5)  # units, of the Fourier features of a coordinate
_IS_X, _IS_Y, _IS_LENGTH = (torch.tensor(mask) for mask in (rf.IS_X, rf.IS_Y, rf.IS_LENGTH))  # [elements, commands, 8]
_FREE = torch.tensor(rf.free_arguments())


@dataclass
class Refined:
    """Decisions of the refiner. free bool [B, L, 8]: the M coordinates that do not follow from earlier rows.

    logits [M, 1 + G]: keep the value, or one of the grid lines. drop [B, L]: logit for dropping a row.
    """

    free: Tensor
    logits: Tensor
    drop: Tensor


class Refiner(PretrainedModel):
    """Corrects the coordinates of whole drawings (see the module docstring)."""

    kind = "refiner"
    config_class = RefinerConfig
    grid: Tensor  # [G]: units

    def __init__(self, config: RefinerConfig):
        super().__init__()
        self.config = config
        width = config.width
        self.element_embedding = nn.Embedding(len(rf.ELEMENTS), width)
        self.command_embedding = nn.Embedding(len(rf.COMMANDS), width)
        self.row_position = nn.Embedding(config.max_rows, width)
        self.part_position = nn.Embedding(config.max_rows, width)
        self.coordinates = nn.Linear(rf.NUM_GEOMETRY * (1 + 2 * len(_PERIODS)), width)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.lines = round((HIGHEST - LOWEST) / config.step) + 1  # G
        self.to_logits = nn.ModuleList(nn.Linear(width, 1 + self.lines) for _ in range(rf.NUM_GEOMETRY))
        self.to_drop = nn.Linear(width, 1)
        self.reach = nn.Parameter(torch.zeros(rf.NUM_GEOMETRY))  # log slope of the penalty on distant lines
        lines = torch.arange(self.lines, device="cpu")  # [G], on the CPU whatever the default device
        self.register_buffer("grid", LOWEST + config.step * lines, persistent=False)

    def forward(self, ids: Tensor, units: Tensor, padding_mask: Tensor) -> Refined:
        """ids int64 [B, L, 2], units [B, L, 8] (`to_units`; 0 where unused), padding_mask [B, L] -> decisions."""
        periods = units.new_tensor(_PERIODS)
        angles = 2 * math.pi * units[..., None] / periods                             # [B, L, 8, F]
        features = torch.cat([units[..., None] / 12 - 1, angles.sin(), angles.cos()], dim=-1).flatten(-2)
        rows = torch.arange(ids.shape[1], device=ids.device)
        x = (
            self.coordinates(features) + self.element_embedding(ids[..., 0]) + self.command_embedding(ids[..., 1])
            + self.row_position(rows) + self.part_position(part_index(ids))
        )  # [B, L, D]
        for block in self.blocks:
            x = block(x, padding_mask)  # [B, L, D]
        x = self.norm(x)
        free = _FREE.to(ids.device)[ids[..., 0], ids[..., 1]] & ~padding_mask[..., None]  # [B, L, 8]
        column = torch.nonzero(free)[:, 2]                                            # [M]
        logits = x.new_zeros(len(column), 1 + self.lines)                             # [M, 1 + G]
        for k, layer in enumerate(self.to_logits):
            logits[column == k] = layer(x[free[..., k]])
        distance = (units[free][:, None] - self.grid).abs().clamp(max=4)              # [M, G]
        near = distance * (1 + self.reach.exp())[column, None]                        # [M, G]
        return Refined(free, logits - nn.functional.pad(near, (1, 0)), self.to_drop(x)[..., 0])

    def decide(self, refined: Refined, units: Tensor) -> Tensor:
        """Set each free coordinate of units [B, L, 8] to its likeliest value within config.farthest of the old one."""
        before = units[refined.free]                                                  # [M]
        near = (before[:, None] - self.grid).abs() <= self.config.farthest            # [M, G]
        allowed = nn.functional.pad(near, (1, 0), value=True)                         # [M, 1 + G]
        choice = refined.logits.masked_fill(~allowed, -LEFT_OUT).argmax(-1)           # [M]
        decided = units.clone()
        decided[refined.free] = torch.where(choice == 0, before, self.grid[(choice - 1).clamp(min=0)])
        return decided

    @torch.no_grad()
    def refine(self, rows: np.ndarray) -> np.ndarray:
        """Rows [L, 22] -> valid rows [L', 22] with exact coordinates; longer than config.max_rows is left unchanged."""
        body = rows[1:-1]  # [L - 2, 22]
        if not 0 < len(body) <= self.config.max_rows:
            return rows
        ids = torch.from_numpy(body[:, : rf.COMMAND + 1].astype(np.int64))[None].to(self.grid.device)  # [1, L, 2]
        geometry = torch.from_numpy(body[:, rf.GEOMETRY].astype(np.float32))[None].to(self.grid.device)
        units = to_units(ids, geometry)
        refined = self(ids, units, torch.zeros(ids.shape[:2], dtype=torch.bool, device=ids.device))
        out = rows.copy()
        out[1:-1, rf.GEOMETRY] = from_units(ids, self.decide(refined, units))[0].cpu().numpy()
        keep = np.ones(len(rows), dtype=bool)
        keep[1:-1] = ~self._dropped(ids, refined)[0].cpu().numpy()
        result = sanitize_rows(out[keep])
        return result if len(result) > 2 else sanitize_rows(out)

    def _dropped(self, ids: Tensor, refined: Refined) -> Tensor:
        """Rows [B, L] of parts to drop as a whole, decided by the mean logit of a part's rows."""
        part = part_index(ids)
        total = torch.zeros_like(refined.drop).scatter_add_(1, part, refined.drop)
        count = torch.zeros_like(refined.drop).scatter_add_(1, part, torch.ones_like(refined.drop))
        return (total / count.clamp(min=1)).gather(1, part) > self.config.drop_above


def to_units(ids: Tensor, geometry: Tensor) -> Tensor:
    """Canvas coordinates [B, L, 8] -> units (canvas side 24), positions from the top left corner; 0 where unused."""
    position, length = coordinate_kinds(ids)
    half = UNITS / 2
    return torch.where(position, (geometry + 1) * half, torch.where(length, geometry * half, 0.0))


def from_units(ids: Tensor, units: Tensor) -> Tensor:
    """Inverse of `to_units`."""
    position, length = coordinate_kinds(ids)
    half = UNITS / 2
    return torch.where(position, units / half - 1, torch.where(length, units / half, 0.0))


def coordinate_kinds(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Masks [B, L, 8] of the columns that are positions, and of those that are lengths."""
    is_x, is_y, is_length = (t.to(ids.device)[ids[..., 0], ids[..., 1]] for t in (_IS_X, _IS_Y, _IS_LENGTH))
    return is_x | is_y, is_length


def part_index(ids: Tensor) -> Tensor:
    """Zero-based index [B, L] of the sub-path or primitive that each row belongs to."""
    begins = (ids[..., 0] != rf.PATH) | (ids[..., 1] == rf.MOVE) | (ids[..., 1] == rf.SUBMOVE)
    return (begins.long().cumsum(-1) - 1).clamp(min=0)
