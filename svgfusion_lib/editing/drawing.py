"""Drawing anew: some of an icon stays, or some of its channels, and the VS-DiT draws the rest by a prompt."""

from collections.abc import Sequence

import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.editing.latents import box_channels, style_channels
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import SVGFusionPipeline, check_prompts
from svgfusion_lib.utils.samplers import Denoise, StepCallback

FAMILIAR = 3.0  # standard deviations
RESAMPLED = 0.5  # share of all timesteps that a round of resampling goes back
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
    """One z' [B, N, Z] for each seed: z [N, Z] noised to `strength` of all timesteps and drawn from there.

    Strength 0 gives z itself, 1 a fresh sample of N latents for the prompt, in which nothing of z is left but, with
    keep_style, every latent's colours, opacities and stroke (layout "path").
    """
    _check_strength(strength)
    config = config or SamplingConfig()
    denoise = prompted(pipeline, prompt, len(seeds), config, style)
    if strength == 0:
        return z.repeat(len(seeds), 1, 1)  # [B, N, Z]
    if not keep_style:
        return pipeline.solve(denoise, seeds, len(z), config, callback, origin=z, strength=strength)
    _check_style_channels(pipeline)
    return _holding(pipeline, denoise, z, z, style_channels(pipeline), seeds, config, strength, callback)


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
    """One z' [B, N, Z] for each seed: latents with keep [N] stay as in z [N, Z], the others are drawn to fit.

    Every step's estimate of z_0 is told the kept latents, so that they stand at the step's own noise level
    beside those being drawn. resample: how often the finished drawing is noised again, to RESAMPLED of all
    timesteps, and drawn from there beside the kept latents (resampling: Lugmayr et al. 2022, section 4.2, with one
    long jump a round). keep_style: as in `variations`.
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
    denoise = prompted(pipeline, prompt, len(seeds), config, style)
    drawn = _holding(pipeline, denoise, z, z, held, seeds, config, 1.0, callback)  # [B, N, Z]
    for k in range(1, resample + 1):
        again = [seed + k * _SEED_STRIDE for seed in seeds]
        drawn = _holding(pipeline, denoise, z, drawn, held, again, config, RESAMPLED, callback)
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
    """One z' [B, N, Z] for each seed: the same icon in another style.

    Every part of z [N, Z] stays where it is and as large as it is (layout "path"), unless it may move; its shape,
    colours and stroke are noised to `strength` and drawn for the style, which is asked for as the model knows it
    (`SVGFusionPipeline.words_and_style`).
    """
    _check_strength(strength)
    config = config or SamplingConfig()
    denoise = prompted(pipeline, prompt, len(seeds), config, style)
    if strength == 0:
        return z.repeat(len(seeds), 1, 1)  # [B, N, Z]
    held = torch.zeros_like(box_channels(pipeline)) if move else box_channels(pipeline)  # [Z]
    return _holding(pipeline, denoise, z, z, held, seeds, config, strength, callback)


def prompted(
    pipeline: SVGFusionPipeline, prompt: str, count: int, config: SamplingConfig, style: str | None
) -> Denoise:
    """The network, guided by one prompt and style for all of `count` samples."""
    check_prompts([prompt])
    words, condition = pipeline.words_and_style(prompt, style)
    context, context_mask = pipeline.encode_prompts([words])  # [1, S, C], [1, S]
    return pipeline.denoiser(
        context.repeat(count, 1, 1), context_mask.repeat(count, 1), config, pipeline.encode_styles([condition] * count)
    )


def _holding(
    pipeline: SVGFusionPipeline, denoise: Denoise, z: Tensor, origin: Tensor, held: Tensor, seeds: Sequence[int],
    config: SamplingConfig, strength: float, callback: StepCallback | None,
) -> Tensor:
    """Samples [B, N, Z] from origin ([N, Z], or one for each seed) noised to `strength`, with z [N, Z] where `held`.

    held: bool, broadcast to z. The network is shown styles within FAMILIAR deviations of those that it learned from:
    a model of black lines that saw red ones would draw no good shapes.
    """
    known = _familiar(pipeline, z)  # [N, Z]
    drawn = pipeline.solve(
        denoise, seeds, len(z), config, callback, strength=strength,
        origin=pipeline.dit.denormalize(_familiar(pipeline, origin)),
        correct=lambda z_0: torch.where(held, known, z_0),
    )  # [B, N, Z]
    return torch.where(held, z, drawn)


def _familiar(pipeline: SVGFusionPipeline, z: Tensor) -> Tensor:
    """z [..., Z] normalised, its style channels within FAMILIAR deviations."""
    known = pipeline.dit.normalize(z)
    return torch.where(style_channels(pipeline), known.clamp(-FAMILIAR, FAMILIAR), known)


def _check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise UserError(f"strength is {strength}; it must be between 0 (as it was) and 1 (drawn anew)")


def _check_style_channels(pipeline: SVGFusionPipeline) -> None:
    if not pipeline.vae.explicit_width:
        raise UserError("the model's latents have no channels for style, so it cannot be kept")
