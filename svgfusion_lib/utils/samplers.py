"""Samplers: turn noise into latents with a network given as a function `denoise(z_t, t)`.

    sqrt(a_t) = alpha_t,  sqrt(1 - a_t) = sigma_t,  lambda_t = log(alpha_t / sigma_t)

Both take timesteps from `sampling_timesteps`, which may start below T - 1, and an `estimator` of z_0 and epsilon.
They know nothing of text, guidance or models.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from svgfusion_lib.utils.diffusion import NoiseSchedule, to_z0_epsilon

# denoise(z_t [B, N, Z], t) -> the network's prediction [B, N, Z]
Denoise = Callable[[Tensor, int], Tensor]
# correct(estimate of z_0 [B, N, Z]) -> the corrected estimate
Correct = Callable[[Tensor], Tensor]
# estimate(z_t [B, N, Z], t) -> z_0 and epsilon [B, N, Z]
Estimate = Callable[[Tensor, int], tuple[Tensor, Tensor]]
# noise() -> [B, N, Z], fresh at every call
Noise = Callable[[], Tensor]
# callback(step, estimate of z_0 [B, N, Z]) after every step
StepCallback = Callable[[int, Tensor], None]


def sampling_timesteps(num_steps: int, steps: int, start: int | None = None) -> list[int]:
    """`steps` timesteps from `start` (None: T - 1) down ("trailing" spacing: Lin et al. 2024, table 2)."""
    if start is not None and not 0 <= start < num_steps:
        raise ValueError(f"start must be between 0 and {num_steps - 1}, got {start}")
    most = num_steps if start is None else start + 1
    if not 1 <= steps <= most:
        raise ValueError(f"sampling steps must be between 1 and {most}, got {steps}")
    return (torch.round(torch.linspace(most, 0, steps + 1)[:-1]).long() - 1).tolist()


def initial_noise(seeds: list[int], lengths: int | Sequence[int], width: int) -> tuple[Tensor, Noise]:
    """z_T [B, N, width] and a function that draws more noise of that shape; sample k depends only on its own seed.

    lengths: number of latents of each sample, or of all; N is the largest, and padding is zero.
    """
    lengths = [lengths] * len(seeds) if isinstance(lengths, int) else lengths
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def draw() -> Tensor:
        own = [torch.randn(length, width, generator=g) for length, g in zip(lengths, generators, strict=True)]
        return pad_sequence(own, batch_first=True)  # [B, N, width]

    return draw(), draw


def guided(conditional: Tensor, unconditional: Tensor, guidance_scale: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022, eq. 6 with w = guidance_scale - 1)."""
    return unconditional + guidance_scale * (conditional - unconditional)


def switch_at(timestep: float, before: Denoise, after: Denoise) -> Denoise:
    """Denoise with `before` at timesteps of at least `timestep`, which come first, and with `after` below."""
    return lambda z, t: before(z, t) if t >= timestep else after(z, t)


def estimator(
    denoise: Denoise, schedule: NoiseSchedule, prediction: str, clip: float, correct: Correct | None = None
) -> Estimate:
    """Wrap a network that predicts "epsilon" or "v" as a function that estimates z_0 and epsilon.

    clip > 0 clamps the estimates of z_0 (static thresholding: Saharia et al. 2022, section 2.3), which strong guidance
    would otherwise push out of the data range. correct is applied to every estimate of z_0: where it inserts known
    values, z follows them at every noise level (replacement: Lugmayr et al. 2022, eq. 8, with one noise for all
    steps) and ends at them exactly.
    """

    def estimate(z: Tensor, t: int) -> tuple[Tensor, Tensor]:
        a = schedule.alphas_cumprod[t].item()
        z0, epsilon = to_z0_epsilon(denoise(z, t), prediction, z, math.sqrt(a), math.sqrt(1 - a))
        if clip > 0:
            z0 = z0.clamp(-clip, clip)
        if correct is not None:
            z0 = correct(z0)  # [B, N, Z]
        if clip > 0 or correct is not None:
            epsilon = (z - math.sqrt(a) * z0) / math.sqrt(1 - a)
        return z0, epsilon

    return estimate


@torch.no_grad()
def ddim_sample(
    estimate: Estimate, z: Tensor, schedule: NoiseSchedule, timesteps: list[int], eta: float = 0.0,
    noise: Noise | None = None, callback: StepCallback | None = None,
) -> Tensor:
    """DDIM (Song et al. 2021, eq. 12 and 16) from z [B, N, Z] at the first timestep to z_0 [B, N, Z].

    eta > 0 adds noise at every step.
    """
    if eta > 0 and noise is None:
        raise ValueError("eta > 0 needs noise to add")
    for i, t in enumerate(timesteps):
        a = schedule.alphas_cumprod[t].item()
        a_prev = schedule.alphas_cumprod[timesteps[i + 1]].item() if i + 1 < len(timesteps) else 1.0
        z0, epsilon = estimate(z, t)
        sigma = eta * math.sqrt((1 - a_prev) / (1 - a) * (1 - a / a_prev))  # eq. 16
        z = math.sqrt(a_prev) * z0 + math.sqrt(max(1 - a_prev - sigma**2, 0.0)) * epsilon  # eq. 12
        if sigma > 0 and noise is not None:
            z = z + sigma * noise().to(z)
        if callback is not None:
            callback(i, z0)
    return z


@torch.no_grad()
def dpm_solver_sample(
    estimate: Estimate, z: Tensor, schedule: NoiseSchedule, timesteps: list[int], callback: StepCallback | None = None
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2) from z [B, N, Z] to z_0 [B, N, Z]; needs few steps.

    Deterministic. One network evaluation per step; second order thanks to the previous estimate, except for the first
    and last step, which are first order.
    """
    alphas = [math.sqrt(schedule.alphas_cumprod[t].item()) for t in timesteps] + [1.0]
    sigmas = [math.sqrt(1 - schedule.alphas_cumprod[t].item()) for t in timesteps] + [0.0]
    lambdas = [math.log(alpha / sigma) if sigma > 0 else math.inf for alpha, sigma in zip(alphas, sigmas)]
    before = None
    for i, t in enumerate(timesteps):
        z0, _ = estimate(z, t)
        h = lambdas[i + 1] - lambdas[i]
        direction = z0
        if before is not None and i + 1 < len(timesteps):
            r = (lambdas[i] - lambdas[i - 1]) / h
            direction = (1 + 1 / (2 * r)) * z0 - 1 / (2 * r) * before
        z = sigmas[i + 1] / sigmas[i] * z - alphas[i + 1] * math.expm1(-h) * direction
        before = z0
        if callback is not None:
            callback(i, z0)
    return z
