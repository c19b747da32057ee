"""Prompts to SVG: text encoder -> VS-DiT with guidance -> VP-VAE decoder -> rows -> SVG text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.config import DEFAULT_MODEL, DiffusionConfig, SamplingConfig
from svgfusion_lib.corpus.packs import names_style, style_word
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.models.text_encoder import TextEncoder, load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT, drop_prompts
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.ranker import Ranker, candidate_seeds, load_ranker
from svgfusion_lib.system.checks import check_device
from svgfusion_lib.utils.diffusion import DiffusionParams, make_diffusion_params, noise_latent
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.samplers import Correct, Denoise, ddim_sample, dpm_solver_sample, guided, initial_noise
from svgfusion_lib.utils.snapping import snap_rows
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from svgfusion_lib.weights import load_checkpoints, model_for, shipped_models

SAMPLES_KIND = "list of samples"  # what samples.json is
BATCH_SIZE = 64  # drawings at once
OWN_MODEL = "own"  # name of a pipeline that is not a shipped one


@dataclass
class Sample:
    """One generated SVG: what was asked, valid rows [L, 22], the SVG text, and the prompt that it was drawn for."""

    prompt: str
    seed: int
    rows: np.ndarray
    svg: str
    drawn_for: str  # prompt, or that with the nearest name that the model knows (SamplingConfig.nearest_name)


@dataclass
class Pipeline:
    """The trained parts, ready to sample."""

    vae: VPVAE
    dit: VSDiT
    text_encoder: TextEncoder
    params: DiffusionParams
    known_names: KnownNames = field(default_factory=KnownNames)

    def sample(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        config: SamplingConfig | None = None,
        lengths: Sequence[int] | None = None,
        progress: Callable[[int, int], None] | None = None,
        styles: Sequence[str | None] | None = None,
    ) -> list[Sample]:
        """One sample for each (prompt, seed) pair; the same pair gives the same SVG whatever the batch.

        lengths: latents per sample, drawn from the length predictor if None. progress(done, total) is called after
        every step; what it raises ends the sampling. styles: one of dit.config.styles for each prompt, or None for no
        style. Of config.candidates drawings with seeds of their own the one that shows its prompt best is the sample;
        with config.nearest_name every second one is drawn for the nearest name that the model knows, if the prompt is
        none of them.
        """
        if len(prompts) != len(seeds):
            raise ValueError(f"one seed for each prompt: got {len(prompts)} prompts and {len(seeds)} seeds")
        if styles is not None and len(prompts) != len(styles):
            raise ValueError(f"one style for each prompt: got {len(prompts)} prompts and {len(styles)} styles")
        check_prompts(prompts)
        config = config or SamplingConfig()
        count = config.candidates
        each = [i for i in range(len(prompts)) for _ in range(count)]  # of every drawing, which prompt it is for
        asked = [prompts[i] for i in each]
        drawn = self._draw(
            self._words_to_draw(asked, config),
            [own for seed in seeds for own in candidate_seeds(seed, count)],
            config,
            None if lengths is None else [lengths[i] for i in each],
            progress,
            [None if styles is None else styles[i] for i in each],
        )
        if count > 1:
            best = self.ranker.best_of(asked, [sample.svg for sample in drawn], count)
            drawn = [replace(drawn[k], prompt=prompt, seed=seed) for k, prompt, seed in zip(best, prompts, seeds)]
        return drawn

    def _words_to_draw(self, asked: Sequence[str], config: SamplingConfig) -> list[str]:
        """The prompts of all drawings, config.candidates of each in a row: every second one of the nearest name."""
        if config.candidates == 1 or not config.nearest_name:
            return list(asked)
        different = list(dict.fromkeys(asked))
        nearest = dict(zip(different, self.known_names.nearest(different, self.text_encoder)))
        second = [k % config.candidates % 2 == 1 for k in range(len(asked))]
        return [nearest[prompt] or prompt if other else prompt for prompt, other in zip(asked, second)]

    @torch.no_grad()
    def _draw(
        self, prompts: Sequence[str], seeds: Sequence[int], config: SamplingConfig, lengths: Sequence[int] | None,
        progress: Callable[[int, int], None] | None, styles: Sequence[str | None],
    ) -> list[Sample]:
        """One drawing for each prompt, seed and style, in batches of equal length."""
        different = {prompt: row for row, prompt in enumerate(dict.fromkeys(prompts))}
        context, context_mask = self.encode_prompts(list(different))  # [b, S, C], [b, S]
        row = torch.tensor([different[prompt] for prompt in prompts], device=context.device)
        context, context_mask = context[row], context_mask[row]  # [B, S, C], [B, S]
        style = self.encode_styles(styles)  # [B]
        if lengths is None:
            lengths = self.draw_lengths(context, context_mask, seeds, config.length_temperature)
        members = {n: [i for i, own in enumerate(lengths) if own == n] for n in sorted(set(lengths))}
        batches = [(n, own[k : k + BATCH_SIZE]) for n, own in members.items() for k in range(0, len(own), BATCH_SIZE)]
        samples: dict[int, Sample] = {}
        for number, (length, batch) in enumerate(batches):
            report = None if progress is None else partial(
                _report, progress, number * config.ddim_steps, len(batches) * config.ddim_steps
            )
            z = self.sample_latents(
                context[batch], context_mask[batch], [seeds[i] for i in batch], length, config, report, style[batch]
            )  # [b, N, Z]
            for i, rows in zip(batch, self.decode_latents(z, config)):
                samples[i] = Sample(prompts[i], seeds[i], rows, rows_to_svg(rows, config.canvas), prompts[i])
        return [samples[i] for i in range(len(prompts))]

    def decode_latents(self, z: Tensor, config: SamplingConfig) -> list[np.ndarray]:
        """Latents [B, N, Z] of the VAE -> valid rows [L, 22] of each, on the grid that the config says."""
        mask = torch.zeros(z.shape[:2], dtype=torch.bool, device=z.device)
        decoded = (sanitize_rows(rows) for rows in self.vae.decode_rows(z, mask))
        return [snap_rows(rows, 2 * config.snap / config.canvas) if config.snap else rows for rows in decoded]

    def encode_prompts(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Text tokens [B, S, C] and padding mask [B, S] on the models' device."""
        device = self.dit.latent_mean.device
        context, mask = self.text_encoder.encode(list(prompts))
        return context.to(device), mask.to(device)

    def encode_styles(self, styles: Sequence[str | None]) -> Tensor:
        """int64 [B] for the VS-DiT: 1 + index of each style, 0 for None. UserError for one it was not trained with."""
        known = self.dit.config.styles
        for name in styles:
            if name is not None and name not in known:
                raise UserError(f"the model has no style {name!r}; known are {', '.join(known) or 'none at all'}")
        indices = [0 if name is None else 1 + known.index(name) for name in styles]
        return torch.tensor(indices, device=self.dit.latent_mean.device)

    def known_styles(self, packs: Sequence[str]) -> list[str | None]:
        """Of each pack its style, to be asked for; None for a pack that the model was not trained on as a style."""
        return [pack if pack in self.dit.config.styles else None for pack in packs]

    def can_draw(self, rows: np.ndarray) -> bool:
        """Are these rows [L, 22] of no more latents than the VS-DiT draws?"""
        config = self.vae.config
        return len(rows_to_chunks(rows, config.layout, config.rows_per_latent)) <= self.dit.config.max_latents

    def style_in(self, prompt: str) -> str | None:
        """The style of the model that a prompt names as captions do ("..., twemoji style"); None if it names none."""
        for name in self.dit.config.styles:
            if names_style(prompt, style_word(name)):
                return name
        return None

    def check_steps(self, config: SamplingConfig) -> None:
        """UserError for more sampling steps than the model has timesteps."""
        if config.ddim_steps > self.params.num_steps:
            raise UserError(f"--ddim_steps is {config.ddim_steps}; the model has {self.params.num_steps} timesteps")

    @cached_property
    def null_prompt(self) -> tuple[Tensor, Tensor]:
        """Text tokens [S, C] and padding mask [S] of the empty prompt, encoded once."""
        context, mask = self.encode_prompts([""])
        return context[0], mask[0]

    @cached_property
    def ranker(self) -> Ranker:
        """What chooses among candidates, loaded when asked."""
        return load_ranker(text_encoder=self.text_encoder)

    @cached_property
    def pixel_encoder(self) -> PixelEncoder:
        """The encoder whose tokens the VP-VAE fuses: needed to edit SVGs, not to draw prompts, so loaded when asked."""
        return load_pixel_encoder(self.vae.config.pixel_encoder)

    @torch.no_grad()
    def draw_lengths(
        self, context: Tensor, context_mask: Tensor, seeds: Sequence[int], temperature: float
    ) -> list[int]:
        """Number of latents per sample, drawn from p(n | prompt) ** (1 / temperature); 0 takes the likeliest."""
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
        length: int,
        config: SamplingConfig,
        callback: Callable[[int, Tensor], None] | None = None,
        style: Tensor | None = None,
    ) -> Tensor:
        """Latents [B, length, Z] of the VAE for B prompts (context [B, S, C], context_mask [B, S], style [B])."""
        denoise = self.denoiser(context, context_mask, config, style)
        return self.solve(denoise, seeds, length, config, callback)

    def denoiser(
        self, context: Tensor, context_mask: Tensor, config: SamplingConfig, style: Tensor | None = None
    ) -> Denoise:
        """What the samplers call, with guidance, for B prompts (context [B, S, C], context_mask [B, S], style [B]).

        The prompts are encoded here, once for all timesteps. Outside the guidance interval of the config the null
        prompt is left out, half of the work.
        """
        if not self.dit.config.styles:
            style = None
        if config.cfg_scale == 1:
            prompts = self.dit.encode_prompts(context, context_mask)
            return lambda z, t: self.dit.denoise(z, t, prompts, style=style)
        low, high = (share * self.params.num_steps for share in (config.cfg_low, config.cfg_high))
        count = len(context)
        drop = torch.arange(2 * count, device=context.device) >= count  # second half: the null prompt
        both = drop_prompts(context.repeat(2, 1, 1), context_mask.repeat(2, 1), drop, *self.null_prompt)
        prompts = self.dit.encode_prompts(*both)
        conditional = prompts.first(count)
        both_style = None if style is None else style.repeat(2).masked_fill(drop, 0)  # [2 B]

        def denoise(z: Tensor, t: Tensor) -> Tensor:
            if not low <= t[0].item() <= high:
                return self.dit.denoise(z, t, conditional, style=style)
            output = self.dit.denoise(z.repeat(2, 1, 1), t.repeat(2), prompts, style=both_style)  # [2 B, N, Z]
            with_prompt, without = output.chunk(2)  # [B, N, Z] each
            return guided(with_prompt, without, config.cfg_scale)

        return denoise

    @torch.no_grad()
    def solve(
        self,
        denoise: Denoise,
        seeds: Sequence[int],
        length: int,
        config: SamplingConfig,
        callback: Callable[[int, Tensor], None] | None = None,
        origin: Tensor | None = None,
        strength: float = 1.0,
        correct: Correct | None = None,
    ) -> Tensor:
        """Latents [B, length, Z] of the VAE, one sample for each seed, by the sampler that the config says.

        strength below 1 begins with the latents `origin` [length, Z] noised to that share of all timesteps, and
        takes that share of the steps. correct works on normalised latents (utils/samplers.py).
        """
        noise, generators = initial_noise(list(seeds), length, self.dit.config.latent_width)
        z, start, steps = noise.to(self.dit.latent_mean), None, config.ddim_steps  # [B, N, Z]
        if strength < 1:
            if origin is None:
                raise ValueError("strength below 1 needs the latents to begin with")
            start = max(round(strength * self.params.num_steps) - 1, 0)
            steps = min(max(round(strength * steps), 1), start + 1)
            z_0 = self.dit.normalize(origin).expand_as(z)
            z, _ = noise_latent(z_0, torch.full((len(z),), start, device=z.device), self.params, z)  # [B, N, Z]
        report = None if callback is None else lambda i, z0: callback(i, self.dit.denormalize(z0))
        how: dict[str, Any] = {"prediction": self.dit.config.prediction, "callback": report, "clip": config.clip}
        how |= {"start": start, "correct": correct}
        if config.sampler == "dpm++":
            z = dpm_solver_sample(denoise, z, self.params, steps, **how)
        else:
            how |= {"eta": config.eta, "generators": generators}
            z = ddim_sample(denoise, z, self.params, steps, **how)
        return self.dit.denormalize(z)


def _report(progress: Callable[[int, int], None], before: int, total: int, step: int, z_0: Tensor) -> None:
    """A sampler's step as progress, `before` steps of other batches being done."""
    progress(before + step + 1, total)


def check_seeds(seed: int, num_samples: int) -> None:
    """UserError unless there is a sample to draw and seeds from `seed` on are in torch's range."""
    if num_samples < 1:
        raise UserError(f"--num_samples is {num_samples}; it must be at least 1")
    if not 0 <= seed < 2**63 - num_samples:
        raise UserError(f"--seed is {seed}; it must be between 0 and 2**63")


def check_prompts(prompts: Sequence[str], max_characters: int = 1000) -> None:
    """UserError for a prompt that is empty or far too long for any text encoder here."""
    if not prompts:
        raise UserError("no prompt given; use --prompt TEXT or --prompts FILE")
    for prompt in prompts:
        if not prompt.strip():
            raise UserError("a prompt is empty; say what to draw, for instance \"shopping cart, tabler style\"")
        if any("\ud800" <= character <= "\udfff" for character in prompt):  # bytes that are no UTF-8
            raise UserError(f"a prompt is not text: {prompt[:40]!r}; write it in UTF-8")
        if len(prompt) > max_characters:
            raise UserError(f"a prompt has {len(prompt)} characters (at most {max_characters}): {prompt[:40]!r} ...")


def load_pipeline(
    vae_checkpoint: str | Path | None = None, dit_checkpoint: str | Path | None = None, device: str = "cpu",
    model: str | Path = DEFAULT_MODEL,
) -> Pipeline:
    """The models of two checkpoints, or a shipped `model` if neither is given, with their text encoder."""
    target = check_device(device)
    vae, dit, diffusion, names = load_checkpoints(vae_checkpoint, dit_checkpoint, model)
    encoder = load_text_encoder(dit.config.text_encoder)
    if encoder.width != dit.config.context_width:
        raise UserError(
            f"text encoder {encoder.name!r} has width {encoder.width}, the VS-DiT was trained with"
            f" {dit.config.context_width}"
        )
    params = make_diffusion_params(DiffusionConfig.from_dict(diffusion))
    return Pipeline(vae.to(target), dit.to(target), encoder, params, names)


def load_pipelines(
    vae_checkpoint: str | Path | None = None, dit_checkpoint: str | Path | None = None, device: str = "cpu"
) -> dict[str, Pipeline]:
    """The pipeline of two checkpoints as "own", or if neither is given those of all shipped models by their names."""
    if vae_checkpoint is not None or dit_checkpoint is not None:
        return {OWN_MODEL: load_pipeline(vae_checkpoint, dit_checkpoint, device)}
    return {name: load_pipeline(device=device, model=name) for name in shipped_models()}


def choose_pipeline(pipelines: Mapping[str, Pipeline], prompt: str, style: str | None = None) -> str:
    """Name of the pipeline for a prompt: the one that has the style, else by its words, else the first."""
    styled = [name for name, pipeline in pipelines.items() if style in pipeline.dit.config.styles]
    wanted = styled[0] if styled else model_for(prompt, style)
    return name_or_first(pipelines, wanted)


def name_or_first(pipelines: Mapping[str, Pipeline], wanted: str) -> str:
    """`wanted`, or the name of the first pipeline where there is none of that name."""
    return wanted if wanted in pipelines else next(iter(pipelines))
