"""Reconstructions of a cache and random samples of a VP-VAE, as SVG files."""

from pathlib import Path

import torch
from torch.utils.data import Subset

from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import load_model
from svgfusion_lib.system.files import write_text
from svgfusion_lib.system.locks import locked_folder
from svgfusion_lib.training.latents import check_pixel_encoder, encode_dataset
from svgfusion_lib.utils.dataset import ChunkDataset
from svgfusion_lib.utils.render import contact_sheet
from svgfusion_lib.utils.tensorsvg import rows_to_svg


def reconstruct_and_sample(
    ckpt_path: str | Path,
    precomputed_dir: str | Path,
    out_dir: str | Path,
    num_eval: int = 5,
    num_samples: int = 5,
    seed: int = 0,
) -> dict[str, list[Path]]:
    """Reconstructions of num_eval SVGs of a cache and num_samples random draws from a VP-VAE.

    A random draw takes the number of latents and the explicit channels (box and style, where the layout has
    them) of a real SVG, and the learned channels from the prior N(0, 1): a check of the decoder, not a
    generative model of icons. Writes recon_{k}.svg, random_{k}.svg and sheet.png (original, reconstruction).
    """
    if num_eval < 0 or num_samples < 0 or num_eval + num_samples == 0:
        raise UserError(f"--num_eval {num_eval} and --num_samples {num_samples}: nothing to draw; give one above 0")
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
    with locked_folder(out_dir):
        for k, mean in enumerate(means):
            mask = torch.zeros(1, len(mean), dtype=torch.bool)
            if k < num_eval:
                svg = rows_to_svg(vae.decode_rows(mean[None], mask)[0])
                written["recon"].append(write_text(out_dir / f"recon_{k}.svg", svg))
                sheet.append([rows_to_svg(cache_rows(cache, dataset.indices[chosen[k]])), svg])
            if k < num_samples:
                prior = torch.randn(1, len(mean), config.latent_width, generator=generator)
                z = torch.cat([mean[None, :, : vae.explicit_width], prior], dim=-1)  # [1, N, Z]
                svg = rows_to_svg(vae.decode_rows(z, mask)[0])
                written["random"].append(write_text(out_dir / f"random_{k}.svg", svg))
        if sheet:
            contact_sheet(sheet, out_dir / "sheet.png", row_labels=[dataset.names[i] for i in chosen[:num_eval]],
                          column_labels=["original", "reconstruction"])
    return written
