"""Prompts to latents: text encoder -> VS-DiT with guidance -> latents of the VP-VAE."""

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from svgfusion_lib.config import DiffusionConfig, SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.text_encoder import TextEncoder, as_text_encoder, load_text_encoder
from svgfusion_lib.models.vsdit import VSDiT, drop_prompts
from svgfusion_lib.utils.dataset import padding_of
from svgfusion_lib.utils.diffusion import NoiseSchedule, add_noise, as_schedule
from svgfusion_lib.utils.samplers import (
    Correct,
    Denoise,
    ddim_sample,
    dpm_solver_sample,
    estimator,
    guided,
    initial_noise,
    sampling_timesteps,
    switch_at,
)


class LatentSampler:
    """Samples latents with a VS-DiT.

    dit: the trained network; text_encoder: defaults to the one it was trained with; schedule: of the noise; or names.
    """

    def __init__(
        self, dit: VSDiT, text_encoder: str | TextEncoder | None = None, schedule: str | NoiseSchedule | None = None
    ):
        self.dit = dit
        self.schedule = as_schedule(DiffusionConfig.schedule if schedule is None else schedule)
        self.text_encoder = as_text_encoder(text_encoder or load_text_encoder(dit.config.text_encoder))
        if self.text_encoder.width != dit.config.context_width:
            raise UserError(
                f"text encoder {self.text_encoder.name!r} has width {self.text_encoder.width}, but the VS-DiT was"
                f" trained with {dit.config.context_width}"
            )

    @property
    def device(self) -> torch.device:
        return self.dit.latent_mean.device

    def encode_prompts(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Text tokens [B, S, C] and padding mask [B, S] on the models' device."""
        context, mask = self.text_encoder.encode(list(prompts))
        return context.to(self.device), mask.to(self.device)

    def encode_styles(self, styles: Sequence[str]) -> Tensor:
        """Style ids int64 [B] for the VS-DiT: 1 + index of each style (`resolve_prompt`), 0 for NO_STYLE."""
        known = self.dit.config.styles
        return torch.tensor([1 + known.index(name) if name else 0 for name in styles], device=self.device)

    @cached_property
    def null_prompt(self) -> tuple[Tensor, Tensor]:
        """Text tokens [S, C] and padding mask [S] of the empty prompt, encoded once."""
        context, mask = self.encode_prompts([""])
        return context[0], mask[0]

    @torch.no_grad()
    def draw_lengths(
        self, context: Tensor, context_mask: Tensor, seeds: Sequence[int], temperature: float
    ) -> list[int]:
        """Draw the number of latents per sample from p(n | prompt) ** (1 / temperature); 0 takes the likeliest."""
        logits = self.dit.length_predictor(context, context_mask).cpu()  # [B, max_latents]
        if temperature == 0:
            return (logits.argmax(-1) + 1).tolist()
        probabilities = (logits / temperature).softmax(-1)
        generators = (torch.Generator().manual_seed(seed) for seed in seeds)
        return [int(torch.multinomial(p, 1, generator=g)) + 1 for p, g in zip(probabilities, generators)]

    @torch.no_grad()
    def sample_latents(
        self,
        context: Tensor,
        context_mask: Tensor,
        seeds: Sequence[int],
        lengths: int | Sequence[int],
        config: SamplingConfig,
        callback: Callable[[int, Tensor], None] | None = None,
        style: Tensor | None = None,
        start: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Sample VAE latents [B, N, Z] for B prompts (context [B, S, C], context_mask [B, S], style [B]).

        lengths: latents per sample, or one number for all; N is the largest, and padding is meaningless. start: other
        context, context_mask and style for the first timesteps (`SamplingConfig.style_switch`).
        """
        padding_mask = None
        if not isinstance(lengths, int) and len(set(lengths)) > 1:
            padding_mask = padding_of(lengths).to(context.device)  # [B, N]
        denoise = self.denoiser(context, context_mask, config, style, padding_mask)
        if start is not None:
            before = self.denoiser(*start[:2], config, start[2], padding_mask)
            denoise = switch_at((1 - config.style_switch) * self.schedule.num_steps, before, denoise)
        return self.solve(denoise, seeds, lengths, config, callback)

    def denoiser(
        self, context: Tensor, context_mask: Tensor, config: SamplingConfig, style: Tensor | None = None,
        padding_mask: Tensor | None = None,
    ) -> Denoise:
        """Build the guided denoiser of B prompts (context [B, S, C], context_mask [B, S], style [B]) for the samplers.

        padding_mask [B, N] (True = padding) of the latents, None if all have N. Prompts are encoded once for all
        timesteps. Outside the guidance interval of the config the null prompt is skipped, which halves the work.
        """
        if not self.dit.config.styles:
            style = None
        if config.guidance_scale == 1:
            prompts = self.dit.encode_prompts(context, context_mask)
            return lambda z, t: self.dit.denoise(z, _expand_timestep(z, t), prompts, padding_mask, style)
        low, high = (share * self.schedule.num_steps for share in (config.guidance_low, config.guidance_high))
        count = len(context)
        drop = torch.arange(2 * count, device=context.device) >= count  # second half: the null prompt
        both = drop_prompts(context.repeat(2, 1, 1), context_mask.repeat(2, 1), drop, *self.null_prompt)
        prompts = self.dit.encode_prompts(*both)
        conditional = prompts.first(count)
        both_style = None if style is None else style.repeat(2).masked_fill(drop, 0)  # [2 B]
        both_padding = None if padding_mask is None else padding_mask.repeat(2, 1)  # [2 B, N]

        def denoise(z: Tensor, t: int) -> Tensor:
            if not low <= t <= high:
                return self.dit.denoise(z, _expand_timestep(z, t), conditional, padding_mask, style)
            z = z.repeat(2, 1, 1)  # [2 B, N, Z]
            output = self.dit.denoise(z, _expand_timestep(z, t), prompts, both_padding, both_style)  # [2 B, N, Z]
            with_prompt, without = output.chunk(2)  # [B, N, Z] each
            return guided(with_prompt, without, config.guidance_scale)

        return denoise

    @torch.no_grad()
    def solve(
        self,
        denoise: Denoise,
        seeds: Sequence[int],
        lengths: int | Sequence[int],
        config: SamplingConfig,
        callback: Callable[[int, Tensor], None] | None = None,
        origin: Tensor | None = None,
        strength: float = 1.0,
        correct: Correct | None = None,
    ) -> Tensor:
        """Run the config's sampler, one sample per seed -> VAE latents [B, N, Z].

        lengths: as in `initial_noise`. strength below 1 starts from the latents `origin` [N, Z], noised to that share
        of the timesteps, and runs that share of the steps. correct acts on normalised latents (utils/samplers.py).
        """
        z_T, noise = initial_noise(list(seeds), lengths, self.dit.config.latent_width)
        z, start, steps = z_T.to(self.dit.latent_mean), None, config.num_inference_steps  # [B, N, Z]
        if strength < 1:
            if origin is None:
                raise ValueError("strength below 1 needs `origin`, the latents to start from")
            start = max(round(strength * self.schedule.num_steps) - 1, 0)
            steps = min(max(round(strength * steps), 1), start + 1)
            z_0 = self.dit.normalize(origin).expand_as(z)
            z, _ = add_noise(z_0, torch.full((len(z),), start, device=z.device), self.schedule, z)  # [B, N, Z]
        report = None if callback is None else lambda i, z0: callback(i, self.dit.denormalize(z0))
        estimate = estimator(denoise, self.schedule, self.dit.config.prediction, config.clip, correct)
        timesteps = sampling_timesteps(self.schedule.num_steps, steps, start)
        if config.sampler == "dpm++":
            z = dpm_solver_sample(estimate, z, self.schedule, timesteps, report)
        else:
            z = ddim_sample(estimate, z, self.schedule, timesteps, config.eta, noise, report)
        return self.dit.denormalize(z)


def _expand_timestep(z: Tensor, t: int) -> Tensor:
    """Repeat timestep t for a batch z [B, N, Z] -> int64 [B]."""
    return torch.full((len(z),), t, device=z.device)
