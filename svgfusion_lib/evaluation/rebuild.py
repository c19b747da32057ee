"""SVGs of a cache through a VP-VAE and back: what stages evaluate and evaluate_vae both look at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.models.vpvae import VPVAE, Decoded, Posterior
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.dataset import ChunkBatch, ChunkDataset, collate_chunks
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

IMAGE_SIZE = 128  # pixels of the comparison
BATCH = 16        # SVGs

Watch = Callable[[ChunkBatch, Posterior, Decoded], None]


@dataclass
class Rebuilt:
    """An SVG, rebuilt from the posterior's mean and from a sample of it: texts, pictures uint8 [S, S, 3], SSIM."""

    number: int                # in the dataset
    svgs: tuple[str, str, str]  # original, from the mean, from a sample
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray]
    ssim_from_mean: float
    ssim_from_sample: float
    ssim_of_blank: float


@torch.no_grad()
def rebuild(
    vae: VPVAE, cache: dict, dataset: ChunkDataset, seed: int = 0, watch: Watch | None = None
) -> Iterator[Rebuilt]:
    """One SVG of the dataset after the other. watch: is shown every batch, its posterior and what is decoded of it."""
    generator = torch.Generator().manual_seed(seed)
    device = next(vae.parameters()).device
    for start in track(range(0, len(dataset), BATCH), "reconstructions"):
        part = range(start, min(start + BATCH, len(dataset)))
        batch = collate_chunks([dataset[k] for k in part])
        noise = torch.randn(*batch.padding_mask.shape, vae.config.latent_width, generator=generator)
        batch, noise = batch.to(device), noise.to(device)
        posterior = vae.encode(batch)
        if watch is not None:
            watch(batch, posterior, vae.decode(posterior.latent(), batch.padding_mask))
        by_mean = vae.decode_rows(posterior.latent(), batch.padding_mask)
        by_sample = vae.decode_rows(posterior.latent(noise), batch.padding_mask)
        for k, mean_rows, sample_rows in zip(part, by_mean, by_sample):
            original = cache_rows(cache, dataset.indices[k])
            svgs = rows_to_svg(original), rows_to_svg(sanitize_rows(mean_rows)), rows_to_svg(sanitize_rows(sample_rows))
            picture, by_mean_picture, by_sample_picture = (render_svg(svg, IMAGE_SIZE) for svg in svgs)
            yield Rebuilt(
                k, svgs, (picture, by_mean_picture, by_sample_picture), ssim(picture, by_mean_picture),
                ssim(picture, by_sample_picture), ssim(picture, np.full_like(picture, 255)),
            )
