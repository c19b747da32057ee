"""Evaluates VP-VAE reconstructions of held-out SVGs, and the use of its latent channels."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.models.checkpoint import load_model
from svgfusion_lib.models.vpvae import VPVAE, Posterior
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.progress import track
from svgfusion_lib.training.latents import check_pixel_encoder, encode_dataset
from svgfusion_lib.utils.dataset import ChunkBatch, ChunkDataset, collate_chunks
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.path_chunks import MIN_HALF_SIZE
from svgfusion_lib.utils.render import contact_sheet, render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

IMAGE_SIZE = 128  # pixels of the comparison
BATCH = 16        # SVGs per batch


def reconstruct_and_sample(
    ckpt_path: str | Path,
    precomputed_dir: str | Path,
    out_dir: str | Path,
    num_eval: int = 5,
    num_samples: int = 5,
    seed: int = 0,
) -> dict[str, list[Path]]:
    """Reconstruct num_eval SVGs of a cache and draw num_samples random samples from a VP-VAE.

    A random sample takes the number of latents and the explicit channels (box and style, if the layout has
    them) from a real SVG, and the learned channels from the prior N(0, 1): a check of the decoder, not a
    generative model of icons. Writes recon_{k}.svg, random_{k}.svg and sheet.png (original, reconstruction).
    """
    if num_eval < 0 or num_samples < 0 or num_eval + num_samples == 0:
        raise UserError(f"--num_eval {num_eval} and --num_samples {num_samples}: nothing to draw; set one above 0")
    vae, _ = load_model(ckpt_path, "vpvae")
    cache = load_cache(precomputed_dir)
    check_pixel_encoder(vae, cache)
    config = vae.config
    dataset = ChunkDataset(cache, config)
    if not len(dataset):
        raise UserError(f"{precomputed_dir}: no SVG has at most {config.max_latents} latents")
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(dataset), generator=generator).tolist()
    count = max(num_eval, num_samples)
    chosen = [chosen[i % len(chosen)] for i in range(count)]
    means, _ = encode_dataset(vae, Subset(dataset, chosen))
    out_dir = Path(out_dir)
    written: dict[str, list[Path]] = {"recon": [], "random": []}
    sheet = []
    with output_set(out_dir, "reconstruct", ckpt_path, precomputed_dir) as folder:
        for k, mean in enumerate(means):
            mask = torch.zeros(1, len(mean), dtype=torch.bool)
            if k < num_eval:
                svg = rows_to_svg(vae.decode_rows(mean[None], mask)[0])
                written["recon"].append(out_dir / write_text(folder / f"recon_{k}.svg", svg).name)
                sheet.append([rows_to_svg(cache_rows(cache, dataset.indices[chosen[k]])), svg])
            if k < num_samples:
                prior = torch.randn(1, len(mean), config.latent_width, generator=generator)
                z = torch.cat([mean[None, :, : vae.explicit_width], prior], dim=-1)  # [1, N, Z]
                svg = rows_to_svg(vae.decode_rows(z, mask)[0])
                written["random"].append(out_dir / write_text(folder / f"random_{k}.svg", svg).name)
        if sheet:
            contact_sheet(sheet, folder / "sheet.png", row_labels=[dataset.names[i] for i in chosen[:num_eval]],
                          column_labels=["original", "reconstruction"])
    return written


ACTIVE = 0.01       # channels with more variance of the posterior mean are active (Burda et al. 2016, section 5.2)
PERCENTILES = (1, 5, 25, 50, 75)
SHEET_COUNT = 12    # SVGs on the sheet: this many worst ones, and as many random ones


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
    """Reconstruct SVGs of a cache from the posterior mean and from a sample; return the report.

    If the split has more than max_files SVGs (None: no limit), a random subset is used. Writes
    output_dir/report.json (SSIM at 128 px on white, also of a blank picture; accuracy of element and command
    ids; geometry error; KL; active units) and reconstructions.png.
    """
    vae, _ = load_model(vae_checkpoint, "vpvae", device)
    cache = load_cache(precomputed_dir)
    check_pixel_encoder(vae, cache)
    own = [i for i, s in enumerate(cache["splits"]) if s == split]
    if max_files is not None:
        own = np.random.default_rng(seed).permutation(own)[:max_files].tolist()
    if not own:
        raise UserError(f"{precomputed_dir}: has no {split} SVG")
    dataset = ChunkDataset(cache, vae.config, only=set(own))
    if not len(dataset):
        raise UserError(f"{precomputed_dir}: no {split} SVG has at most {vae.config.max_latents} latents")
    sums: Counter[str] = Counter()
    means, entries, svgs = [], [], []
    generator = torch.Generator().manual_seed(seed)
    with output_set(output_dir, "evaluate_vae", vae_checkpoint, precomputed_dir) as folder:
        for start in track(range(0, len(dataset), BATCH), "reconstructions"):
            part = range(start, min(start + BATCH, len(dataset)))
            batch = collate_chunks([dataset[k] for k in part])
            noise = torch.randn(*batch.padding_mask.shape, vae.config.latent_width, generator=generator)
            batch, noise = batch.to(device), noise.to(device)
            posterior = vae.encode(batch)
            sums.update(_sums(vae, batch, posterior))
            means.append(posterior.mean[~batch.padding_mask].cpu())  # [latents, Z_learned]
            by_mean = vae.decode_rows(posterior.latent(), batch.padding_mask)
            by_sample = vae.decode_rows(posterior.latent(noise), batch.padding_mask)
            for k, mean_rows, sample_rows in zip(part, by_mean, by_sample):
                rows = cache_rows(cache, dataset.indices[k]), sanitize_rows(mean_rows), sanitize_rows(sample_rows)
                svgs.append([rows_to_svg(each) for each in rows])
                picture, from_mean, from_sample = (render_svg(svg, IMAGE_SIZE) for svg in svgs[-1])
                entries.append({
                    "name": dataset.names[k], "latents": dataset.lengths[k], "ssim_from_mean": ssim(picture, from_mean),
                    "ssim_from_sample": ssim(picture, from_sample),
                    "ssim_of_blank": ssim(picture, np.full_like(picture, 255)),
                })
        report = {"split": split, "svgs": len(dataset), "too_long": dataset.too_long}
        report |= _report(sums, torch.cat(means), entries)
        write_json(folder / "report.json", report | {"files": entries}, "report of evaluate_vae")
        _draw_sheet(folder / "reconstructions.png", entries, svgs, seed)
    return report


def _sums(vae: VPVAE, batch: ChunkBatch, posterior: Posterior) -> dict[str, float]:
    """Sums over a batch: rows, rows with correct ids, their squared geometry error (canvas units), and KL."""
    valid = ~batch.padding_mask  # [B, N]
    decoded = vae.decode(posterior.latent(), batch.padding_mask)
    ids, geometry, _ = vae.to_rows.read_rows(decoded)  # [B, N, R, 2], [B, N, R, 8]
    rows = valid[..., None] & (batch.ids[..., 0] > rf.EOS)  # [B, N, R]
    right = ids == batch.ids  # [B, N, R, 2]
    free = torch.tensor(rf.free_arguments(), device=rows.device)[batch.ids[..., 0], batch.ids[..., 1]]  # [B, N, R, 8]
    used = free & (rows & right.all(-1))[..., None]
    scale = batch.box[..., 2].clamp(min=MIN_HALF_SIZE)[..., None, None]  # [B, N, 1, 1]
    mean, logvar = posterior.mean[valid], posterior.logvar[valid].clamp(max=80)  # [latents, Z_learned]
    return {
        "rows": int(rows.sum()),
        "right_elements": int((right[..., 0] & rows).sum()),
        "right_commands": int((right[..., 1] & rows).sum()),
        "squares": float((((geometry - batch.geometry) * scale)[used] ** 2).sum()),
        "numbers": int(used.sum()),
        "kl": float(0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum()),
    }


def _report(sums: Mapping[str, float], means: Tensor, entries: list[dict]) -> dict:
    """Report from the sums over all batches, the posterior means [latents, Z_learned] and the entries of the SVGs."""
    report: dict = {
        "elements_right": sums["right_elements"] / sums["rows"],
        "commands_right": sums["right_commands"] / sums["rows"],
        "geometry_rms": (sums["squares"] / max(sums["numbers"], 1)) ** 0.5,
        "kl_per_latent": sums["kl"] / len(means),
        "active_units": int((means.var(0, correction=0) > ACTIVE).sum()), "units": means.shape[1],
    }
    for name in ("ssim_from_mean", "ssim_from_sample", "ssim_of_blank"):
        values = [entry[name] for entry in entries]
        report[name] = {"mean": float(np.mean(values))} | {
            f"p{p}": float(np.percentile(values, p)) for p in PERCENTILES
        }
    return report


def _draw_sheet(path: Path, entries: list[dict], svgs: list[list[str]], seed: int) -> None:
    """Draw original, reconstruction from the mean and from a sample, for the worst and some random SVGs."""
    order = np.argsort([entry["ssim_from_mean"] for entry in entries]).tolist()
    others = np.random.default_rng(seed).permutation(order[SHEET_COUNT:]).tolist()[:SHEET_COUNT]
    rows, labels = [], []
    for kind, chosen in (("worst", order[:SHEET_COUNT]), ("random", others)):
        for column, label in enumerate(("original", "mean", "sample")):
            if chosen:
                rows.append([svgs[k][column] for k in chosen])
                labels.append(f"{kind}, {label}")
    contact_sheet(rows, path, cell=64, row_labels=labels)
