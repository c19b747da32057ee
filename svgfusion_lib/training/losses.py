"""The training losses (specification: design of the stages; paper section 3.2 and 3.3).

VP-VAE   loss = recon_mse_loss_weight * recon + kl_weight * kl
VS-DiT   loss = mean((prediction - target)^2), target = noise for the specified objective
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from svgfusion_lib.models.vpvae import Decoded, Posterior
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.dataset import ChunkBatch
from svgfusion_lib.utils.tensorsvg import normalize_target


def masked_mse(predicted: Tensor, target: Tensor, padding_mask: Tensor) -> Tensor:
    """predicted [B, L_out, F], target [B, L_tgt, F], padding_mask [B, L_tgt] (True = padding) -> scalar.

    Sum of squared errors over the valid part of the common length, over (its number of values + 1e-9).
    """
    length = min(predicted.shape[1], target.shape[1])
    predicted, target = predicted[:, :length], target[:, :length]
    mask = (~padding_mask[:, :length])[..., None].expand_as(target).to(target)  # [B, L, F]
    return ((predicted * mask - target * mask) ** 2).sum() / (mask.sum() + 1e-9)


def kl_divergence(mean: Tensor, logvar: Tensor, padding_mask: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) || N(0, 1)) summed over channels, mean over valid positions -> scalar.

    mean, logvar [B, N, Z], padding_mask [B, N]; logvar is clamped at 80 inside exp.
    """
    kl = -0.5 * (1 + logvar - mean**2 - torch.exp(logvar.clamp(max=80))).sum(-1)  # [B, N]
    valid = (~padding_mask).to(kl)
    return (kl * valid).sum() / (valid.sum() + 1e-9)


def reconstruction_loss(decoded: Decoded, batch: ChunkBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of the decoder's row slots against the batch -> scalar, and its parts.

    continuous head: masked_mse of the tanh features against normalize_target(rows). hybrid head:
    cross-entropy of element and command ids (unused slots must say PAD), plus 10 x squared error of the
    geometry columns that the true command needs (row_format.free_arguments), and of style where decoded.
    """
    slots_mask = batch.padding_mask[..., None].expand(batch.ids.shape[:3])  # [B, N, R]
    if decoded.features is not None:
        style = batch.style[:, :, None].expand(*batch.ids.shape[:3], -1)  # [B, N, R, 12]
        rows = torch.cat([batch.ids.to(style), batch.geometry, style], dim=-1)  # [B, N, R, 22]
        target = normalize_target(rows).flatten(1, 2)  # [B, N R, 22]
        loss = masked_mse(decoded.features.flatten(1, 2), target, slots_mask.flatten(1))
        return loss, {"recon": loss}
    element_logits, command_logits, geometry = decoded.of_hybrid_head()
    valid = (~slots_mask).to(geometry)  # [B, N, R]
    parts = {}
    for name, logits, ids in (
        ("element", element_logits, batch.ids[..., 0]),
        ("command", command_logits, batch.ids[..., 1]),
    ):
        entropy = F.cross_entropy(logits.flatten(0, 2).float(), ids.flatten(), reduction="none").view_as(valid)
        parts[name] = (entropy * valid).sum() / (valid.sum() + 1e-9)
    free = torch.tensor(rf.free_arguments(), device=valid.device)  # [elements, commands, 8]
    used = free[batch.ids[..., 0], batch.ids[..., 1]] * valid[..., None]  # [B, N, R, 8]
    parts["geometry"] = (((geometry - batch.geometry) ** 2) * used).sum() / (used.sum() + 1e-9)
    if decoded.style is not None:
        error = ((decoded.style - batch.style[:, :, None]) ** 2).mean(-1)  # [B, N, R]
        parts["style"] = (error * valid).sum() / (valid.sum() + 1e-9)
    loss = parts["element"] + parts["command"] + 10 * parts["geometry"] + 10 * parts.get("style", 0.0)
    return loss, parts


def vae_loss(
    decoded: Decoded, posterior: Posterior, batch: ChunkBatch, kl_weight: float, recon_mse_loss_weight: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """VP-VAE loss of a batch -> scalar, and its parts for the log."""
    recon, parts = reconstruction_loss(decoded, batch)
    kl = kl_divergence(posterior.mean, posterior.logvar, batch.padding_mask)
    return recon_mse_loss_weight * recon + kl_weight * kl, parts | {"kl": kl}


def kl_weight_at(step: int, kl_weight_max: float, kl_warmup_steps: int) -> float:
    """KL weight rising linearly from 0 to kl_weight_max over kl_warmup_steps."""
    return kl_weight_max * min(1.0, step / max(1, kl_warmup_steps))


def diffusion_loss(
    prediction: Tensor, target: Tensor, padding_mask: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Mean squared error over valid positions: prediction, target [B, N, Z], padding_mask [B, N] -> scalar.

    weight [B]: of each sample (diffusion.min_snr_weight); None: all alike, as specified.
    """
    valid = (~padding_mask)[..., None].to(target)  # [B, N, 1]
    error = ((prediction - target) ** 2) * valid  # [B, N, Z]
    if weight is not None:
        error = error * weight[:, None, None]
    return error.sum() / (valid.sum() * target.shape[-1] + 1e-9)
