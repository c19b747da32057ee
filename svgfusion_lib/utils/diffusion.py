"""Noise schedule, forward noising, objectives and the DDIM sampler. No network in here.

    a_t      = alpha-bar_t, the cumulative product of the schedule        (Ho et al. 2020, eq. 4)
    z_t      = sqrt(a_t) z_0 + sqrt(1 - a_t) eps
    v        = sqrt(a_t) eps - sqrt(1 - a_t) z_0                          (Salimans & Ho 2022, eq. 10)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from svgfusion_lib.config import DiffusionConfig

# denoise(z_t [B, N, Z], t [B]) -> the network's prediction [B, N, Z]
Denoise = Callable[[Tensor, Tensor], Tensor]


@dataclass
class DiffusionParams:
    """Schedule tables. alphas_cumprod float64 [T], on the CPU."""

    alphas_cumprod: Tensor

    @property
    def num_steps(self) -> int:
        return len(self.alphas_cumprod)

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(a_t), sqrt(1 - a_t) for t [B] -> two tensors [B, 1, 1] on t's device."""
        a = self.alphas_cumprod.to(t.device)[t][:, None, None]  # [B, 1, 1]
        return a.sqrt().float(), (1 - a).sqrt().float()


def make_diffusion_params(config: DiffusionConfig) -> DiffusionParams:
    """Tables of the "linear" (betas 1e-4 to 2e-2) or "cosine" (s = 0.008, betas <= 0.999) schedule."""
    steps = config.num_steps
    if config.schedule == "linear":
        betas = torch.linspace(1e-4, 2e-2, steps, dtype=torch.float64)
    elif config.schedule == "cosine":
        s = 0.008
        x = torch.arange(steps + 1, dtype=torch.float64) / steps
        f = torch.cos((x + s) / (1 + s) * math.pi / 2) ** 2
        betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    else:
        raise ValueError(f"schedule must be 'linear' or 'cosine', got {config.schedule!r}")
    return DiffusionParams(torch.cumprod(1 - betas, dim=0))


def noise_latent(z0: Tensor, t: Tensor, params: DiffusionParams, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """z_t and the noise in it: z0 [B, N, Z], t int64 [B], noise like z0 (drawn if None)."""
    noise = torch.randn_like(z0) if noise is None else noise
    signal, sigma = params.coefficients(t)
    return signal * z0 + sigma * noise, noise


def training_target(prediction: str, z0: Tensor, noise: Tensor, t: Tensor, params: DiffusionParams) -> Tensor:
    """What the network is asked for: the noise ("epsilon", the specification) or the velocity ("v")."""
    if prediction == "epsilon":
        return noise
    signal, sigma = params.coefficients(t)
    return signal * noise - sigma * z0


def to_z0_epsilon(output: Tensor, prediction: str, z_t: Tensor, signal: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """A network output -> its estimates of z_0 and epsilon, for sqrt(a_t) and sqrt(1 - a_t)."""
    if prediction == "epsilon":
        return (z_t - sigma * output) / signal, output
    return signal * z_t - sigma * output, sigma * z_t + signal * output


def ddim_timesteps(num_steps: int, steps: int) -> Tensor:
    """`steps` timesteps from T - 1 down ("trailing" spacing: Lin et al. 2024, table 2)."""
    if not 1 <= steps <= num_steps:
        raise ValueError(f"DDIM steps must be between 1 and {num_steps}, got {steps}")
    return torch.round(torch.linspace(num_steps, 0, steps + 1)[:-1]).long() - 1


def initial_noise(seeds: list[int], length: int, width: int) -> tuple[Tensor, list[torch.Generator]]:
    """z_T [B, length, width] and a CPU generator per sample: sample k is the same whatever the batch."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return torch.stack([torch.randn(length, width, generator=g) for g in generators]), generators


@torch.no_grad()
def ddim_sample(
    denoise: Denoise,
    z: Tensor,
    params: DiffusionParams,
    steps: int,
    prediction: str = "epsilon",
    eta: float = 0.0,
    generators: list[torch.Generator] | None = None,
    callback: Callable[[int, Tensor], None] | None = None,
    clip: float = 0.0,
) -> Tensor:
    """DDIM (Song et al. 2021, eq. 12 and 16) from noise z [B, N, Z] to z_0 [B, N, Z].

    eta > 0 adds noise from one generator per sample. callback(i, estimate of z_0) after every step.
    clip > 0 bounds the estimates of z_0 (static thresholding: Saharia et al. 2022, section 2.3), which strong
    guidance would otherwise drive out of the range of the data.
    """
    timesteps = ddim_timesteps(params.num_steps, steps).tolist()
    for i, t in enumerate(timesteps):
        a = params.alphas_cumprod[t].item()
        a_prev = params.alphas_cumprod[timesteps[i + 1]].item() if i + 1 < steps else 1.0
        output = denoise(z, torch.full((len(z),), t, device=z.device))  # [B, N, Z]
        z0, epsilon = to_z0_epsilon(output, prediction, z, math.sqrt(a), math.sqrt(1 - a))
        if clip > 0 and a < 1:
            z0 = z0.clamp(-clip, clip)
            epsilon = (z - math.sqrt(a) * z0) / math.sqrt(1 - a)
        sigma = eta * math.sqrt((1 - a_prev) / (1 - a) * (1 - a / a_prev))  # eq. 16
        z = math.sqrt(a_prev) * z0 + math.sqrt(max(1 - a_prev - sigma**2, 0.0)) * epsilon  # eq. 12
        if sigma > 0:
            if generators is None:
                raise ValueError("eta > 0 needs a generator per sample")
            z = z + sigma * torch.stack([torch.randn(z.shape[1:], generator=g) for g in generators]).to(z)
        if callback is not None:
            callback(i, z0)
    return z


def guided(conditional: Tensor, unconditional: Tensor, cfg_scale: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022, eq. 6 with w = cfg_scale - 1)."""
    return unconditional + cfg_scale * (conditional - unconditional)
