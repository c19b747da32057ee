"""Stage evaluate_vae: how well does a VP-VAE rebuild SVGs it never saw, and what do its latents hold?"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.corpus.preprocess import load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.rebuild import rebuild
from svgfusion_lib.models.checkpoint import load_model
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.system.files import write_json
from svgfusion_lib.system.locks import locked_folder
from svgfusion_lib.training.latents import check_pixel_encoder
from svgfusion_lib.utils.dataset import ChunkBatch, ChunkDataset
from svgfusion_lib.utils.path_chunks import MIN_HALF_SIZE
from svgfusion_lib.utils.render import contact_sheet

ACTIVE = 0.01       # variance of a channel's posterior mean from which on it is active (Burda et al. 2016, section 5.2)
PERCENTILES = (1, 5, 25, 50, 75)
SHEET_COUNT = 12    # SVGs on the sheet: the worst, and as many at random
SHEET_NAME = "reconstructions.png"


@dataclass
class _Tally:
    """What is added up over the batches."""

    elements: int = 0            # rows
    right_elements: int = 0
    right_commands: int = 0
    squares: float = 0.0         # of the error of geometry, canvas units
    numbers: int = 0
    kl: float = 0.0              # nats, summed over channels and latents
    means: list[Tensor] = field(default_factory=list)  # [latents, Z_learned]


@torch.no_grad()
def evaluate_vae(
    vae_checkpoint: str | Path,
    precomputed_dir: str | Path,
    output_dir: str | Path,
    split: str = "held_out",
    max_files: int | None = 500,
    seed: int = 0,
    device: str = "cpu",
) -> dict:
    """Rebuild SVGs of a cache from the posterior's mean and from a sample of it; return the figures.

    Of more than max_files SVGs of the split (None: no limit) a random choice is taken. Writes
    output_dir/report.json (SSIM at 128 px on white beside that of a blank picture; shares of right element and
    command ids; error of geometry; KL; active units) and reconstructions.png.
    """
    vae, _ = load_model(vae_checkpoint, "vpvae", device)
    cache = load_cache(precomputed_dir)
    check_pixel_encoder(vae, cache)
    own = [i for i, s in enumerate(cache["splits"]) if s == split]
    if max_files is not None:
        own = np.random.default_rng(seed).permutation(own)[:max_files].tolist()
    if not own:
        raise UserError(f"{precomputed_dir}: holds no {split} SVG")
    dataset = ChunkDataset(cache, vae.config, only=set(own))
    if not len(dataset):
        raise UserError(f"{precomputed_dir}: no {split} SVG has at most {vae.config.max_latents} latents")
    tally, entries, svgs = _Tally(), [], []
    with locked_folder(output_dir):
        for rebuilt in rebuild(vae, cache, dataset, seed, partial(_count, tally, vae)):
            entries.append({
                "name": dataset.names[rebuilt.number], "latents": dataset.lengths[rebuilt.number],
                "ssim_from_mean": rebuilt.ssim_from_mean, "ssim_from_sample": rebuilt.ssim_from_sample,
                "ssim_of_blank": rebuilt.ssim_of_blank,
            })
            svgs.append(rebuilt.svgs)
        report = _report(vae, tally, entries) | {"split": split, "svgs": len(dataset), "too_long": dataset.too_long}
        output_dir = Path(output_dir)
        write_json(output_dir / "report.json", report | {"files": entries}, "report of evaluate_vae")
        _draw_sheet(output_dir / SHEET_NAME, entries, svgs, seed)
    return report


def _count(tally: _Tally, vae: VPVAE, batch: ChunkBatch, posterior, decoded) -> None:
    """Add a batch's right ids, geometry errors where the ids are right, KL and posterior means."""
    valid = ~batch.padding_mask  # [B, N]
    ids, geometry, _ = vae.read_rows(decoded)  # [B, N, R, 2], [B, N, R, 8]
    rows = valid[..., None] & (batch.ids[..., 0] > rf.EOS)  # [B, N, R]
    right = ids == batch.ids  # [B, N, R, 2]
    tally.elements += int(rows.sum())
    tally.right_elements += int((right[..., 0] & rows).sum())
    tally.right_commands += int((right[..., 1] & rows).sum())
    free = torch.tensor(rf.free_arguments(), device=rows.device)[batch.ids[..., 0], batch.ids[..., 1]]  # [B, N, R, 8]
    used = free & (rows & right.all(-1))[..., None]
    scale = batch.box[..., 2].clamp(min=MIN_HALF_SIZE)[..., None, None]  # [B, N, 1, 1]
    tally.squares += float((((geometry - batch.geometry) * scale)[used] ** 2).sum())
    tally.numbers += int(used.sum())
    mean, logvar = posterior.mean[valid], posterior.logvar[valid].clamp(max=80)  # [latents, Z_learned]
    tally.kl += float(0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum())
    tally.means.append(mean.cpu())


def _report(vae: VPVAE, tally: _Tally, entries: list[dict]) -> dict:
    means = torch.cat(tally.means)  # [latents, Z_learned]
    lengths = [entry["latents"] for entry in entries]
    report: dict = {
        "elements_right": tally.right_elements / tally.elements,
        "commands_right": tally.right_commands / tally.elements,
        "geometry_rms": (tally.squares / max(tally.numbers, 1)) ** 0.5,
        "kl_per_latent": tally.kl / len(means),
        "active_units": int((means.var(0, correction=0) > ACTIVE).sum()), "units": means.shape[1],
        "latents_per_svg": {f"p{p}": float(np.percentile(lengths, p)) for p in (25, 50, 75, 95)},
        "parameters": sum(p.numel() for p in vae.parameters()),
    }
    for name in ("ssim_from_mean", "ssim_from_sample", "ssim_of_blank"):
        values = [entry[name] for entry in entries]
        report[name] = {"mean": float(np.mean(values))} | {
            f"p{p}": float(np.percentile(values, p)) for p in PERCENTILES
        }
    return report


def _draw_sheet(path: Path, entries: list[dict], svgs: list[tuple[str, str, str]], seed: int) -> None:
    """Original, from the mean, from a sample: the worst SVGs, and some at random."""
    order = np.argsort([entry["ssim_from_mean"] for entry in entries]).tolist()
    others = np.random.default_rng(seed).permutation(order[SHEET_COUNT:]).tolist()[:SHEET_COUNT]
    rows, labels = [], []
    for kind, chosen in (("worst", order[:SHEET_COUNT]), ("random", others)):
        for column, label in enumerate(("original", "mean", "sample")):
            if chosen:
                rows.append([svgs[k][column] for k in chosen])
                labels.append(f"{kind}, {label}")
    contact_sheet(rows, path, cell=64, row_labels=labels)
