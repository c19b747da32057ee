"""Training losses (specification: design of the stages; paper sections 3.2 and 3.3).

VP-VAE   loss = recon_mse_loss_weight * recon + kl_weight * kl
VS-DiT   loss = mean((prediction - target)^2), target = noise for the specified objective
"""

import torch
from torch import Tensor

from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.utils.dataset import ChunkBatch


def kl_divergence(mean: Tensor, logvar: Tensor, padding_mask: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) || N(0, 1)), summed over channels and averaged over valid positions -> scalar.

    mean, logvar [B, N, Z], padding_mask [B, N]; logvar is clamped at 80 inside exp.
    """
    kl = -0.5 * (1 + logvar - mean**2 - torch.exp(logvar.clamp(max=80))).sum(-1)  # [B, N]
    valid = (~padding_mask).to(kl)
    return (kl * valid).sum() / (valid.sum() + 1e-9)


def vae_loss(
    model: VPVAE, batch: ChunkBatch, noise: Tensor | None, kl_weight: float, recon_mse_loss_weight: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """VP-VAE loss of a batch, decoded from the posterior mean (or a sample) -> scalar, and its parts for the log."""
    decoded, posterior = model(batch, noise)
    recon, parts = model.to_rows.loss(decoded, batch)
    kl = kl_divergence(posterior.mean, posterior.logvar, batch.padding_mask)
    return recon_mse_loss_weight * recon + kl_weight * kl, parts | {"kl": kl}


def kl_weight_at(step: int, kl_weight_max: float, kl_warmup_steps: int) -> float:
    """KL weight rising linearly from 0 to kl_weight_max over kl_warmup_steps."""
    return kl_weight_max * min(1.0, step / max(1, kl_warmup_steps))


def diffusion_loss(prediction: Tensor, target: Tensor, padding_mask: Tensor) -> Tensor:
    """Mean squared error over valid positions: prediction, target [B, N, Z], padding_mask [B, N] -> scalar."""
    valid = (~padding_mask)[..., None].to(target)  # [B, N, 1]
    error = ((prediction - target) ** 2) * valid  # [B, N, Z]
    return error.sum() / (valid.sum() * target.shape[-1] + 1e-9)
