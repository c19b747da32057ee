"""Stage train_refiner: learns to undo disturbances, like those of samples, in drawings of a cache."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from svgfusion_lib.config import RefinerConfig, TrainConfig
from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import save_model
from svgfusion_lib.models.refiner import Refiner, coordinate_kinds, part_index, to_units
from svgfusion_lib.options import check_counts
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.training.loop import budget_steps, fit
from svgfusion_lib.utils.dataset import ToDevice, make_loader, pad_sequences
from svgfusion_lib.utils.hybrid_utils import has_gradients
from svgfusion_lib.utils.path_chunks import turned_chunks

FINAL_NAME = "refiner_final.pt"
CLEAN_RATE = 0.15     # share of drawings shown undisturbed, to be kept as they are
MAX_STRENGTH = 1.3    # strength is uniform between 0 and this multiple of the values below
SHIFT, TURN, SCALE, STRETCH = 0.4, math.radians(3), 0.05, 0.03  # per sub-path: units, radians, relative
JITTER = (0.04, 0.03, 0.3)  # per point: units, plus a share of its sub-path's half size, and the maximum
EXACT = 0.06          # units: a coordinate this near its target counts as correct
COPY_RATE = 0.1       # share of drawings with a duplicated part, to be dropped


@dataclass
class RowsBatch(ToDevice):
    """B drawings: ids int64 [B, L, 2], canvas geometry [B, L, 8], padding_mask [B, L] (True = padding)."""

    ids: Tensor
    geometry: Tensor
    padding_mask: Tensor
    names: list[str] = field(default_factory=list)


class RowsDataset(Dataset):
    """Drawings of a cache with at most `max_rows` rows and without gradients."""

    def __init__(self, cache: dict, max_rows: int, split: str | None = None):
        self.rows: list[np.ndarray] = []
        self.names: list[str] = []
        for i, name in enumerate(cache["names"]):
            rows = cache_rows(cache, i)[1:-1]  # [L, 22]
            known = not has_gradients(rows)
            if (split is None or cache["splits"][i] == split) and len(rows) <= max_rows and known:
                self.rows.append(rows)
                self.names.append(name)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[str, np.ndarray]:
        return self.names[i], self.rows[i]

    @property
    def lengths(self) -> list[int]:
        return [len(rows) for rows in self.rows]


def collate_rows(items: Sequence[tuple[str, np.ndarray]]) -> RowsBatch:
    """Pad drawings to the longest in the batch."""
    names, rows = zip(*items)
    ids, _ = pad_sequences([torch.from_numpy(each[:, : rf.COMMAND + 1].astype(np.int64)) for each in rows])
    geometry, mask = pad_sequences([torch.from_numpy(each[:, rf.GEOMETRY]) for each in rows])
    return RowsBatch(ids, geometry, mask, list(names))


def train_refiner(
    output_dir: str | Path,
    precomputed_dir: str | Path,
    batch_size: int = 96,
    num_epochs: int = 30,
    device: str = "cpu",
    seed: int = 0,
    lr: float = 1.0e-3,
    val_every: int = 500,
    preset: str = "S",
    samples_seen: int | None = None,
    max_minutes: float | None = None,
) -> Path:
    """Train a refiner on the drawings of a cache -> output_dir/refiner_final.pt; budgets as for train_vae."""
    check_device(device)
    check_counts(num_epochs=num_epochs, batch_size=batch_size, val_every=val_every, samples_seen=samples_seen)
    config = RefinerConfig.preset(preset)
    cache = load_cache(precomputed_dir)
    train_set = RowsDataset(cache, config.max_rows, "train")
    held_out = RowsDataset(cache, config.max_rows, "held_out")
    if not len(train_set):
        raise UserError(f"{precomputed_dir}: holds no training SVG of at most {config.max_rows} rows without gradients")
    steps = budget_steps(len(train_set), batch_size, num_epochs, samples_seen)
    train_config = TrainConfig(
        num_steps=steps, batch_size=batch_size, device=device, seed=seed, lr=lr, val_every=val_every
    )
    torch.manual_seed(seed)
    model = Refiner(config)
    ema = fit(
        model, make_loader(train_set, batch_size, seed, collate_rows), refiner_step_loss, train_config, output_dir,
        make_loader(held_out, batch_size, collate=collate_rows) if len(held_out) else None, max_minutes=max_minutes,
    )
    return save_model(
        Path(output_dir) / FINAL_NAME, "refiner", model, ema.weights, train_config=train_config.to_dict(),
        train_svgs=len(train_set),
    )


def refiner_step_loss(model: Refiner, batch: RowsBatch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy over grid lines (or keep) for each free coordinate, plus detection of duplicated rows."""
    ids, geometry, padding_mask = batch.ids, batch.geometry, batch.padding_mask
    if model.training:
        turns = torch.randint(8, (len(ids), 1), device=ids.device)  # one of the canvas's eight symmetries
        geometry = turned_chunks(ids[:, None], geometry[:, None], turns)[:, 0]  # [B, L, 8]
    ids, geometry, padding_mask, doubled = add_duplicates(ids, geometry, padding_mask)
    units = to_units(ids, geometry)                                 # [B, L, 8]
    noisy = perturb(ids, units)
    refined = model(ids, noisy, padding_mask)
    true, before = units[refined.free], noisy[refined.free]         # [M] each
    line = ((true - model.grid[0]) / model.config.step).round().long().clamp(0, model.lines - 1)  # [M]
    target = torch.where((before - true).abs() < model.config.step, 0, 1 + line)
    counts = ~doubled[..., None].expand_as(refined.free)[refined.free]  # [M]
    entropy = F.cross_entropy(refined.logits[counts].float(), target[counts])
    drop = F.binary_cross_entropy_with_logits(refined.drop[~padding_mask].float(), doubled[~padding_mask].float())
    with torch.no_grad():
        decided = model.decide(refined, noisy)[refined.free]        # [M]
        parts = {
            name: ((value - true).abs()[counts] < EXACT).float().mean()
            for name, value in (("exact", decided), ("exact_before", before))
        }
    return entropy + drop, {"entropy": entropy, "drop": drop} | parts


def perturb(ids: Tensor, units: Tensor, strength: Tensor | None = None) -> Tensor:
    """Disturb coordinates [B, L, 8] as in samples: move, rotate and scale parts, and jitter points.

    strength [B]: per drawing, a multiple of this module's values; None: random, sometimes 0.
    """
    batch, length = ids.shape[:2]
    device = ids.device
    if strength is None:
        strength = torch.rand(batch, device=device) * MAX_STRENGTH
        strength = strength * (torch.rand(batch, device=device) >= CLEAN_RATE)
    s = strength[:, None, None]                                                        # [B, 1, 1]
    part = part_index(ids)                                                             # [B, L]
    pair = part[..., None].expand(-1, -1, 2)                                           # [B, L, 2]
    points = units.unflatten(-1, (4, 2))                                               # [B, L, 4, 2]
    is_path = ids[..., 0] == rf.PATH                                                   # [B, L]
    ends = points[:, :, 3]                                                             # [B, L, 2]
    zeros = torch.zeros(batch, length, 2, device=device)
    count = zeros[..., :1].scatter_add(1, part[..., None], is_path[..., None].float()).clamp(min=1)
    centre = zeros.scatter_add(1, pair, ends * is_path[..., None]) / count             # [B, parts, 2]
    size = torch.zeros(batch, length, device=device).scatter_reduce(
        1, part, (ends - centre.gather(1, pair)).abs().amax(-1) * is_path, "amax"
    )                                                                                  # [B, parts]
    shift = torch.randn(batch, length, 2, device=device) * SHIFT * s
    turn = torch.randn(batch, length, device=device) * TURN * s[..., 0]
    scale = (1 + torch.randn(batch, length, 1, device=device) * SCALE * s) * (
        1 + torch.randn(batch, length, 2, device=device) * STRETCH * s
    )                                                                                  # [B, parts, 2]
    c, t, a = (v.gather(1, pair)[:, :, None] for v in (centre, shift, scale))          # [B, L, 1, 2] each
    angle = turn.gather(1, part)[..., None]                                            # [B, L, 1]
    x, y = ((points - c) * a).unbind(-1)                                               # [B, L, 4] each
    turned = torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], dim=-1)
    base, share, most = JITTER
    reach = (base + share * size.gather(1, part)).clamp(max=most)[..., None, None]     # [B, L, 1, 1]
    moved = turned + c + t + torch.randn_like(points) * reach * s[..., None]           # [B, L, 4, 2]
    position, is_length = coordinate_kinds(ids)                                        # [B, L, 8] each
    primitive = units + torch.where(
        is_length, torch.randn_like(units) * (0.08 * units.abs()).clamp(max=0.35) * s,
        shift.gather(1, pair).repeat(1, 1, 4),
    )
    out = torch.where(position | is_length, torch.where(is_path[..., None], moved.flatten(-2), primitive), 0.0)
    follows = is_path[:, 1:] & (ids[:, 1:, 1] != rf.MOVE) & (ids[:, 1:, 1] != rf.SUBMOVE)  # starts at the last end
    out[:, 1:, :2] = torch.where(follows[..., None], out[:, :-1, 6:8], out[:, 1:, :2])
    return out


def add_duplicates(ids: Tensor, geometry: Tensor, padding_mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Append a copy of a random part to a share of the drawings -> ids, geometry, mask, doubled [B, L].

    Only if the copy fits into the drawing's padding, so the batch does not grow.
    """
    doubled = torch.zeros_like(padding_mask)
    ids, geometry, padding_mask = ids.clone(), geometry.clone(), padding_mask.clone()
    part = part_index(ids)
    lengths = (~padding_mask).sum(1)
    for i in torch.nonzero(torch.rand(len(ids), device=ids.device) < COPY_RATE)[:, 0].tolist():
        n = int(lengths[i])
        rows = torch.nonzero(part[i, :n] == part[i, int(torch.randint(n, ()))])[:, 0]
        room = ids.shape[1] - n
        if not 0 < len(rows) <= room:
            continue
        place = slice(n, n + len(rows))
        ids[i, place], geometry[i, place] = ids[i, rows], geometry[i, rows]
        padding_mask[i, place], doubled[i, place] = False, True
    return ids, geometry, padding_mask, doubled
