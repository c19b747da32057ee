"""Redrawing: keeps some latents or channels of an icon, and samples the rest with the VS-DiT for a prompt."""

from collections.abc import Sequence

import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.editing.latents import box_channels, style_channels
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import SVGFusionPipeline, check_prompts
from svgfusion_lib.utils.samplers import Denoise, StepCallback

STYLE_CLAMP = 3.0  # standard deviations that style channels are clamped to
RESAMPLE_STRENGTH = 0.5  # share of all timesteps that a resampling round goes back
_SEED_STRIDE = 1_000_003  # between the seeds of a sample's rounds


def variations(
    pipeline: SVGFusionPipeline,
    z: Tensor,
    prompt: str,
    strength: float,
    seeds: Sequence[int],
    config: SamplingConfig | None = None,
    style: str | None = None,
    keep_style: bool = False,
    callback: StepCallback | None = None,
) -> Tensor:
    """Noise z [N, Z] to `strength` of all timesteps and denoise it from there -> z' [B, N, Z], one per seed.

    Strength 0 returns z itself; 1 a new sample of N latents for the prompt, independent of z except, with keep_style,
    for each latent's colours, opacities and stroke (layout "path").
    """
    _check_strength(strength)
    config = config or SamplingConfig()
    denoise = prompt_denoiser(pipeline, prompt, len(seeds), config, style)
    if strength == 0:
        return z.repeat(len(seeds), 1, 1)  # [B, N, Z]
    if not keep_style:
        return pipeline.solve(denoise, seeds, len(z), config, callback, origin=z, strength=strength)
    _check_style_channels(pipeline)
    return _inpaint(pipeline, denoise, z, z, style_channels(pipeline), seeds, config, strength, callback)


def redraw(
    pipeline: SVGFusionPipeline,
    z: Tensor,
    keep: Tensor,
    prompt: str,
    seeds: Sequence[int],
    config: SamplingConfig | None = None,
    style: str | None = None,
    keep_style: bool = False,
    resample: int = 0,
    callback: StepCallback | None = None,
) -> Tensor:
    """Keep the latents of z [N, Z] selected by keep [N] and redraw the others to fit -> z' [B, N, Z], one per seed.

    The kept latents are inserted into the z_0 estimate of every step, so that they have the step's own noise level.
    resample: number of rounds in which the finished drawing is noised to RESAMPLE_STRENGTH of all timesteps and
    denoised again with the kept latents (resampling: Lugmayr et al. 2022, section 4.2, with one long jump per round).
    keep_style: as in `variations`.
    """
    if keep.shape != z.shape[:1] or keep.dtype != torch.bool:
        raise ValueError(f"keep must be bool [{len(z)}], got {keep.dtype} {list(keep.shape)}")
    if resample < 0:
        raise UserError(f"resample is {resample}; it must be at least 0")
    config = config or SamplingConfig()
    held = keep.to(z.device)[:, None]  # [N, 1]
    if keep_style:
        _check_style_channels(pipeline)
        held = held | style_channels(pipeline)  # [N, Z]
    denoise = prompt_denoiser(pipeline, prompt, len(seeds), config, style)
    drawn = _inpaint(pipeline, denoise, z, z, held, seeds, config, 1.0, callback)  # [B, N, Z]
    for k in range(1, resample + 1):
        again = [seed + k * _SEED_STRIDE for seed in seeds]
        drawn = _inpaint(pipeline, denoise, z, drawn, held, again, config, RESAMPLE_STRENGTH, callback)
    return drawn


def restyle(
    pipeline: SVGFusionPipeline,
    z: Tensor,
    prompt: str,
    style: str,
    seeds: Sequence[int],
    strength: float = 0.4,
    config: SamplingConfig | None = None,
    callback: StepCallback | None = None,
    move: bool = False,
) -> Tensor:
    """Redraw an icon z [N, Z] in another style -> z' [B, N, Z], one per seed.

    Every part keeps its position and size (layout "path") unless `move`; its shape, colours and stroke are noised to
    `strength` and denoised for the style, given as text or condition (`SVGFusionPipeline.resolve_prompt`).
    """
    _check_strength(strength)
    config = config or SamplingConfig()
    denoise = prompt_denoiser(pipeline, prompt, len(seeds), config, style)
    if strength == 0:
        return z.repeat(len(seeds), 1, 1)  # [B, N, Z]
    held = torch.zeros_like(box_channels(pipeline)) if move else box_channels(pipeline)  # [Z]
    return _inpaint(pipeline, denoise, z, z, held, seeds, config, strength, callback)


def prompt_denoiser(
    pipeline: SVGFusionPipeline, prompt: str, count: int, config: SamplingConfig, style: str | None
) -> Denoise:
    """Build the guided denoiser of one prompt and style for `count` samples."""
    check_prompts([prompt])
    words, condition = pipeline.resolve_prompt(prompt, style)
    context, context_mask = pipeline.encode_prompts([words])  # [1, S, C], [1, S]
    return pipeline.denoiser(
        context.repeat(count, 1, 1), context_mask.repeat(count, 1), config, pipeline.encode_styles([condition] * count)
    )


def _inpaint(
    pipeline: SVGFusionPipeline, denoise: Denoise, z: Tensor, origin: Tensor, held: Tensor, seeds: Sequence[int],
    config: SamplingConfig, strength: float, callback: StepCallback | None,
) -> Tensor:
    """Sample [B, N, Z] from origin ([N, Z], or one per seed) noised to `strength`, keeping z [N, Z] where `held`.

    held: bool, broadcast to z. Styles shown to the network are clamped to STYLE_CLAMP standard deviations of the
    training data: a model of black lines draws poor shapes next to red ones.
    """
    known = _normalise_clamped(pipeline, z)  # [N, Z]
    drawn = pipeline.solve(
        denoise, seeds, len(z), config, callback, strength=strength,
        origin=pipeline.dit.denormalize(_normalise_clamped(pipeline, origin)),
        correct=lambda z_0: torch.where(held, known, z_0),
    )  # [B, N, Z]
    return torch.where(held, z, drawn)


def _normalise_clamped(pipeline: SVGFusionPipeline, z: Tensor) -> Tensor:
    """Normalise z [..., Z] and clamp its style channels to STYLE_CLAMP standard deviations."""
    known = pipeline.dit.normalize(z)
    return torch.where(style_channels(pipeline), known.clamp(-STYLE_CLAMP, STYLE_CLAMP), known)


def _check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise UserError(f"strength is {strength}; it must be between 0 (unchanged) and 1 (a new drawing)")


def _check_style_channels(pipeline: SVGFusionPipeline) -> None:
    if not pipeline.vae.explicit_width:
        raise UserError("the model's latents have no style channels, so the style cannot be kept")
