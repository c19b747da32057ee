"""Stage prepare_latents: VP-VAE checkpoint + cache.pt -> latents.pt and context/, the inputs of diffusion training."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Subset

from svgfusion_lib.corpus.preprocess import load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import load_model, load_tensors, save_tensors, weights_hash
from svgfusion_lib.models.pretrained import check_named
from svgfusion_lib.models.text_encoder import TextEncoder, as_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.options import check_counts
from svgfusion_lib.system.outputs import finish_pending_moves, output_set
from svgfusion_lib.system.processes import check_single_process
from svgfusion_lib.system.progress import track
from svgfusion_lib.system.token_store import TokenStore, write_tokens
from svgfusion_lib.utils.dataset import ChunkDataset, collate_chunks
from svgfusion_lib.utils.path_chunks import BOX_COLUMNS

LATENTS_NAME, CONTEXT_NAME = "latents.pt", "context"
LATENTS_FIELDS = {
    "names": list, "titles": list, "packs": list, "splits": list, "offsets": Tensor, "mean": Tensor, "sigma": Tensor,
    "latent_mean": Tensor, "latent_std": Tensor, "captions": list, "caption_ids": list, "context": str,
    "null_context": Tensor, "text_encoder": str, "max_latents": int, "vae_hash": str,
}
MIN_STD = 0.02  # floor of a channel's std, so that near-constant channels are not amplified


def prepare_latents(
    vae_checkpoint: str | Path,
    precomputed_dir: str | Path,
    output_dir: str | Path,
    text_encoder: str | TextEncoder = "minilm",
    max_latents: int = 16,
    every_stage: bool = False,
    box_scale: float = 1.0,
    device: str = "cpu",
) -> Path:
    """Encode every SVG of a cache with at most max_latents latents -> output_dir/latents.pt (returned).

    The file holds the posterior mean and sigma of each latent, the null prompt's text tokens (those of every caption
    are in output_dir/context), and the per-channel mean and std of the training latents. every_stage: also encode the
    earlier stages in the cache as separate SVGs, with the captions of the whole.
    text_encoder: a name, or an object with the name, width and encode of TextEncoder.
    box_scale: standard deviation of the box channels (layout "path") in diffusion, where the others have 1; above 1,
    noise moves shapes less.
    """
    if not 0 < box_scale < math.inf:
        raise UserError(f"box_scale is {box_scale}; it must be a finite number above 0")
    check_counts(max_latents=max_latents)
    check_single_process("prepare_latents")
    with output_set(output_dir, "prepare_latents", vae_checkpoint, precomputed_dir, replace=True) as folder:
        vae, _ = load_model(vae_checkpoint, "vpvae", device)
        cache = load_cache(precomputed_dir)
        check_pixel_encoder(vae, cache)
        limit = min(max_latents, vae.config.max_latents)
        dataset = ChunkDataset(cache, vae.config, max_latents=limit, every_stage=every_stage)
        if not len(dataset):
            raise UserError(f"{precomputed_dir}: no SVG has at most {max_latents} latents; give a larger --max_latents")
        means, sigmas = encode_dataset(vae, dataset)
        splits = [cache["splits"][i] for i in dataset.indices]
        captions = [cache["captions"][i] for i in dataset.indices]
        vocabulary = sorted({caption for own in captions for caption in own})
        number = {caption: k for k, caption in enumerate(vocabulary)}
        encoder = as_text_encoder(text_encoder)
        vae_hash = weights_hash(vae)
        key = hashlib.sha256(json.dumps([encoder.name, vocabulary]).encode()).hexdigest()  # identifies the text tokens
        null_context, _ = encoder.encode([""])  # [1, S0, C]
        train = torch.cat([m for m, s in zip(means, splits) if s == "train"] or means)  # [train latents, Z]
        std = train.std(0, correction=0).clamp(min=MIN_STD)  # [Z]
        if vae.explicit_width:
            std[:BOX_COLUMNS] /= box_scale
        write_tokens(folder / CONTEXT_NAME, encode_captions(encoder, vocabulary), key)
        save_tensors(folder / LATENTS_NAME, "latents", {
            "names": dataset.names,
            "titles": [cache["titles"][i] for i in dataset.indices],
            "packs": [cache["packs"][i] for i in dataset.indices],
            "splits": splits,
            "offsets": torch.tensor([0, *(len(m) for m in means)]).cumsum(0),
            "mean": torch.cat(means),
            "sigma": torch.cat(sigmas),
            "latent_mean": train.mean(0),
            "latent_std": std,
            "captions": vocabulary,
            "caption_ids": [[number[c] for c in own] for own in captions],
            "context": key,
            "null_context": null_context[0].half(),
            "text_encoder": encoder.name,
            "max_latents": max_latents,
            "too_long": dataset.too_long,
            "vae_hash": vae_hash,
        })
    return Path(output_dir) / LATENTS_NAME


def load_latents(latents_dir: str | Path) -> dict:
    """Load the file that `prepare_latents` wrote to a folder.

    "context" is a TokenStore of the captions' text tokens (system/token_store.py).
    """
    finish_pending_moves(latents_dir)
    path = Path(latents_dir) / LATENTS_NAME
    latents = load_tensors(path, "latents", "prepare_latents", LATENTS_FIELDS)
    check_named(latents["text_encoder"], path)
    latents["context"] = TokenStore.open(path.parent / CONTEXT_NAME, latents["context"])
    return latents


def latents_hash(latents: dict) -> str:
    """Short hash of a latents file's training data: the latents, their scale, and the captions."""
    digest = hashlib.sha256(json.dumps([latents["captions"], latents["caption_ids"], latents["splits"]]).encode())
    for name in ("mean", "sigma", "latent_mean", "latent_std"):
        digest.update(latents[name].float().numpy().tobytes())
    return digest.hexdigest()[:16]


def check_pixel_encoder(vae: VPVAE, cache: dict) -> None:
    """Check that the cache has the pixel tokens the VP-VAE was trained with; UserError if not."""
    if vae.config.pixel_fusion and cache["pixel_encoder"] != vae.config.pixel_encoder:
        raise UserError(
            f"the VP-VAE was trained with pixel encoder {vae.config.pixel_encoder!r}, but the cache was made with"
            f" {cache['pixel_encoder']!r}; preprocess again with --pixel_encoder {vae.config.pixel_encoder}"
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


def encode_captions(encoder: TextEncoder, captions: Sequence[str], batch_size: int = 256) -> Iterator[Tensor]:
    """Yield the text tokens [S_i, C] of each caption in order."""
    window = 16 * batch_size  # captions are sorted by length within a window
    for first in track(range(0, len(captions), window), "captions"):
        own = captions[first : first + window]
        order = sorted(range(len(own)), key=lambda i: len(own[i]))
        tokens: dict[int, Tensor] = {}
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            context, mask = encoder.encode([own[i] for i in part])  # [B, S, C], [B, S]
            tokens |= {i: context[j, ~mask[j]] for j, i in enumerate(part)}
        yield from (tokens[i] for i in range(len(own)))
