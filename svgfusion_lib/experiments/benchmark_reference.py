"""What the benchmark measures against: the specification's configuration, done plainly.

Every SVG is 1,024 latents, one for each row and most of them padding; attention is written out; all in fp32; DDIM with
100 steps and guidance 7. The presets `reference` hold the sizes. Weights are random: time does not depend on them.
"""

import copy
import math
import time
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import TypeVar

import torch
from torch import Tensor, nn

from svgfusion_lib.config import DiffusionConfig, DiTConfig, TrainConfig, VAEConfig
from svgfusion_lib.models.layers import Attention
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.training.dit import dit_step_loss
from svgfusion_lib.training.optimisation import EMA, make_optimizer
from svgfusion_lib.training.throughput import median_seconds
from svgfusion_lib.utils.dataset import LatentBatch, LengthBucketSampler, collate_latents
from svgfusion_lib.utils.diffusion import make_schedule
from svgfusion_lib.utils.samplers import ddim_sample, estimator, guided, sampling_timesteps

LENGTH, STEPS, CFG_SCALE = 1024, 100, 7.0
TEXT_TOKENS = 8
PLAIN_BATCH, OUR_BATCH = 4, 64  # SVGs in a training step
Model = TypeVar("Model", bound=nn.Module)


class PlainAttention(Attention):
    """The same attention with its matrix of N x S weights written out."""

    def attend(self, x: Tensor, key: Tensor, value: Tensor, padding_mask: Tensor | None) -> Tensor:
        """As `Attention.attend`."""
        query = self._split(self.to_query(x))  # [B, H, N, D/H]
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])  # [B, H, N, S]
        if padding_mask is not None:
            scores = scores.masked_fill(padding_mask[:, None, None], -math.inf)
        return self.to_out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))  # [B, N, D]


def plainly(model: Model) -> Model:
    """A copy of the model with every attention written out."""
    model = copy.deepcopy(model)
    for module in model.modules():
        if type(module) is Attention:
            module.__class__ = PlainAttention
    return model


def reference_sampling(device: str, steps_timed: int) -> dict:
    """Seconds of one sample, from steps_timed of the 100 steps and one decoding; times of the rest are inferred."""
    torch.manual_seed(0)
    dit = plainly(VSDiT(DiTConfig.preset("reference"))).to(device).eval()
    vae = plainly(VPVAE(VAEConfig.preset("reference"))).to(device).eval()
    params = make_schedule(DiffusionConfig(schedule="linear"))
    context = torch.randn(2, TEXT_TOKENS, dit.config.context_width, device=device)
    mask = torch.zeros(2, TEXT_TOKENS, dtype=torch.bool, device=device)
    stamps = []

    def denoise(z: Tensor, t: int) -> Tensor:
        stamps.append(time.perf_counter())
        both = torch.full((2,), t, device=device)
        with_text, without = dit(z.repeat(2, 1, 1), both, context, mask).chunk(2)
        return guided(with_text, without, CFG_SCALE)

    with torch.no_grad():
        noise = torch.randn(1, LENGTH, dit.config.latent_width, device=device)  # [1, N, Z]
        timesteps = sampling_timesteps(params.num_steps, 1 + steps_timed)
        z = ddim_sample(estimator(denoise, params), noise, params, timesteps)  # [1, N, Z]
        step = median(b - a for a, b in zip(stamps, stamps[1:]))
        before = time.perf_counter()
        vae.decode_rows(z, torch.zeros(1, LENGTH, dtype=torch.bool, device=device))
        decoding = time.perf_counter() - before
    return {
        "seconds_per_step": step, "seconds_of_decoding": decoding, "seconds": STEPS * step + decoding,
        "steps_timed": steps_timed,
        "parameters": sum(p.numel() for model in (vae, dit) for p in model.parameters()),
    }


def step_seconds_by_length(lengths: Sequence[int], device: str, repeats: int) -> dict[str, float]:
    """Seconds of a guided step of the VS-DiT `reference` at several lengths, attention fused."""
    torch.manual_seed(0)
    dit = VSDiT(DiTConfig.preset("reference")).to(device).eval()
    context = torch.randn(2, TEXT_TOKENS, dit.config.context_width, device=device)
    mask = torch.zeros(2, TEXT_TOKENS, dtype=torch.bool, device=device)
    times = {}
    with torch.no_grad():
        prompts = dit.encode_prompts(context, mask)
        for length in lengths:
            z = torch.randn(2, length, dit.config.latent_width, device=device)  # [2, N, Z]
            t = torch.tensor([500, 500], device=device)
            times[str(length)] = median_seconds(partial(dit.denoise, z, t, prompts), repeats)
    return times


def training_rates(rows: Sequence[int], latents: Sequence[int], latent_width: int, device: str, repeats: int) -> dict:
    """Rows a second in training the same VS-DiT (S): plainly, and as this library does.

    rows and latents: numbers of them in each of some SVGs. Plainly an SVG is 1,024 padded latents, 4 SVGs a step; here
    as many latents as it has, 64 SVGs of similar length a step, attention fused. Both in fp32 with AdamW and EMA.
    """
    torch.manual_seed(0)
    size = {"max_latents": max(16, *latents), "latent_width": latent_width}
    ours, plain = VSDiT(DiTConfig.preset("S", **size)), plainly(VSDiT(DiTConfig.preset("reference")))
    order = next(iter(LengthBucketSampler(latents, min(OUR_BATCH, len(latents)))))
    few = range(min(PLAIN_BATCH, len(rows)))
    result = {}
    batches = {
        "plain": (plain, few, _random_batch([LENGTH] * len(few), plain.config, [min(rows[i], LENGTH) for i in few])),
        "ours": (ours, order, _random_batch([latents[i] for i in order], ours.config)),
    }
    for name, (model, members, batch) in batches.items():
        seconds = _training_step_seconds(model.to(device), batch.to(device), device, repeats)
        rate = sum(rows[i] for i in members) / seconds
        result[name] = {"svgs": len(members), "seconds_per_step": seconds, "rows_per_second": rate}
    return result


def _random_batch(lengths: Sequence[int], config: DiTConfig, used: Sequence[int] | None = None) -> LatentBatch:
    """Random latents of these lengths; with `used`, only so many of each are not padding."""
    text = torch.randn(TEXT_TOKENS, config.context_width)
    batch = collate_latents([
        ("", torch.randn(n, config.latent_width), torch.zeros(n, config.latent_width), text, 0) for n in lengths
    ])
    if used is not None:
        batch.padding_mask = torch.arange(max(lengths)) >= torch.tensor(used)[:, None]  # [B, N]
    return batch


def _training_step_seconds(model: VSDiT, batch: LatentBatch, device: str, repeats: int) -> float:
    config = TrainConfig(device=device)
    null_context = torch.zeros(2, model.config.context_width)
    loss_of = dit_step_loss(model.config, make_schedule(DiffusionConfig()), config, null_context)
    optimizer, ema = make_optimizer(model.train(), config), EMA(model, config.ema_decay)

    def step() -> None:
        loss, _ = loss_of(model, batch, 0)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()
        ema.update(model, 0)

    return median_seconds(step, repeats)
