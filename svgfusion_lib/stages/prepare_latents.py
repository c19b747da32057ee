"""Stage prepare_latents: VP-VAE checkpoint + cache.pt -> latents.pt, all that diffusion training reads."""

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Subset

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.text_encoder import TextEncoder, load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.stages.preprocess import load_cache
from svgfusion_lib.utils.checkpoint import load_model, load_tensors, save_tensors, weights_hash
from svgfusion_lib.utils.dataset import ChunkDataset, collate_chunks
from svgfusion_lib.utils.progress import track

LATENTS_NAME = "latents.pt"
MIN_STD = 0.02  # floor of a channel's std: one that hardly varies is not blown up


def prepare_latents(
    vae_checkpoint: str | Path,
    precomputed_dir: str | Path,
    output_dir: str | Path,
    text_encoder: str = "minilm",
    max_latents: int = 16,
    device: str = "cpu",
) -> Path:
    """Encode every SVG of a cache with at most max_latents latents -> output_dir/latents.pt (returned).

    Holds posterior mean and sigma per latent, the text tokens of every caption, the null prompt's, and the
    per-channel mean and std of the training latents.
    """
    vae, _ = load_model(vae_checkpoint, "vpvae", device)
    cache = load_cache(precomputed_dir)
    check_pixel_encoder(vae, cache)
    limit = min(max_latents, vae.config.max_latents)
    dataset = ChunkDataset(cache, vae.config.layout, vae.config.rows_per_latent, limit)
    if not len(dataset):
        raise UserError(f"{precomputed_dir}: no SVG has at most {max_latents} latents; give a larger --max_latents")
    means, sigmas = encode_dataset(vae, dataset)
    splits = [cache["splits"][i] for i in dataset.indices]
    captions = [cache["captions"][i] for i in dataset.indices]
    vocabulary = sorted({caption for own in captions for caption in own})
    number = {caption: k for k, caption in enumerate(vocabulary)}
    encoder = load_text_encoder(text_encoder)
    context, context_offsets = encode_captions(encoder, vocabulary)
    null_context, _ = encoder.encode([""])  # [1, S0, C]
    train = torch.cat([m for m, s in zip(means, splits) if s == "train"] or means)  # [train latents, Z]
    return save_tensors(Path(output_dir) / LATENTS_NAME, "latents", {
        "names": dataset.names,
        "titles": [cache["titles"][i] for i in dataset.indices],
        "packs": [cache["packs"][i] for i in dataset.indices],
        "splits": splits,
        "offsets": torch.tensor([0, *(len(m) for m in means)]).cumsum(0),
        "mean": torch.cat(means),
        "sigma": torch.cat(sigmas),
        "latent_mean": train.mean(0),
        "latent_std": train.std(0, correction=0).clamp(min=MIN_STD),
        "captions": vocabulary,
        "caption_ids": [[number[c] for c in own] for own in captions],
        "context": context,
        "context_offsets": context_offsets,
        "null_context": null_context[0].half(),
        "text_encoder": text_encoder,
        "max_latents": max_latents,
        "too_long": dataset.too_long,
        "vae_hash": weights_hash(vae),
    })


def load_latents(latents_dir: str | Path) -> dict:
    """The file that `prepare_latents` wrote into a folder."""
    return load_tensors(Path(latents_dir) / LATENTS_NAME, "latents", "prepare_latents")


def check_pixel_encoder(vae: VPVAE, cache: dict) -> None:
    """UserError unless the cache holds the pixel tokens the VP-VAE was trained with."""
    if vae.config.pixel_fusion and cache["pixel_encoder"] != vae.config.pixel_encoder:
        raise UserError(
            f"the VP-VAE was trained with pixel encoder {vae.config.pixel_encoder!r}, the cache was made with"
            f" {cache['pixel_encoder']!r}; preprocess anew with --pixel_encoder {vae.config.pixel_encoder}"
        )


@torch.no_grad()
def encode_dataset(
    vae: VPVAE, dataset: ChunkDataset | Subset, batch_size: int = 256
) -> tuple[list[Tensor], list[Tensor]]:
    """Posterior mean and sigma [N_i, Z] of every SVG, explicit channels included (their sigma is 0)."""
    device = next(vae.parameters()).device
    means, sigmas = [], []
    for start in track(range(0, len(dataset), batch_size), "latents"):
        batch = collate_chunks([dataset[i] for i in range(start, min(start + batch_size, len(dataset)))]).to(device)
        posterior = vae.encode(batch)
        mean = posterior.latent().cpu()  # [B, N, Z]
        sigma = torch.zeros_like(mean)
        sigma[..., vae.explicit_width :] = torch.exp(0.5 * posterior.logvar.clamp(max=80)).cpu()
        for i, mask in enumerate(batch.padding_mask.cpu()):
            means.append(mean[i, ~mask])
            sigmas.append(sigma[i, ~mask])
    return means, sigmas


def encode_captions(encoder: TextEncoder, captions: list[str], batch_size: int = 256) -> tuple[Tensor, Tensor]:
    """Text tokens of all captions, one after the other: fp16 [sum S_i, C], and where each begins [captions + 1]."""
    order = sorted(range(len(captions)), key=lambda i: len(captions[i]))  # similar lengths share a batch
    tokens: list[Tensor] = [torch.empty(0)] * len(captions)
    for start in track(range(0, len(order), batch_size), "captions"):
        part = order[start : start + batch_size]
        context, mask = encoder.encode([captions[i] for i in part])
        for j, i in enumerate(part):
            tokens[i] = context[j, ~mask[j]].half()
    return torch.cat(tokens), torch.tensor([0, *(len(t) for t in tokens)]).cumsum(0)
