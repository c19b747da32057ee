"""Noise schedule, forward noising and training targets. Samplers are in samplers.py.

    a_t      = alpha-bar_t, the cumulative product of the schedule        (Ho et al. 2020, eq. 4)
    z_t      = sqrt(a_t) z_0 + sqrt(1 - a_t) eps
    v        = sqrt(a_t) eps - sqrt(1 - a_t) z_0                          (Salimans & Ho 2022, eq. 10)
"""

import hashlib
import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from svgfusion_lib.config import DiffusionConfig
from svgfusion_lib.errors import UserError


@dataclass
class NoiseSchedule:
    """A noise schedule: alphas_cumprod [T], decreasing, on the CPU, kept as float64; name, for checkpoints."""

    alphas_cumprod: Tensor
    name: str = "own"
    _on_device: dict = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        a = self.alphas_cumprod
        if not (isinstance(a, Tensor) and a.ndim == 1 and len(a) and a[0] <= 1 and a[-1] > 0 and (a.diff() < 0).all()):
            raise UserError("a noise schedule must be a table of decreasing numbers above 0 and at most 1")
        self.alphas_cumprod = a.double()

    def state(self) -> dict:
        """State for a checkpoint: number of steps, name and the table itself."""
        named = {"num_steps": self.num_steps, "schedule": self.name}
        return {"diffusion": named, "alphas_cumprod": self.alphas_cumprod}

    def fingerprint(self) -> str:
        """Name and short hash, to tell training runs with different schedules apart."""
        return f"{self.name} {hashlib.sha256(self.alphas_cumprod.numpy().tobytes()).hexdigest()[:8]}"

    @property
    def num_steps(self) -> int:
        return len(self.alphas_cumprod)

    def _tables(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """sqrt(a) and sqrt(1 - a) as float32 [T] on a device, which may lack float64."""
        if device not in self._on_device:
            a = self.alphas_cumprod
            self._on_device[device] = (a.sqrt().float().to(device), (1 - a).sqrt().float().to(device))
        return self._on_device[device]

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(a_t), sqrt(1 - a_t) for t [B] -> two tensors [B, 1, 1] on t's device."""
        signal, sigma = self._tables(t.device)  # [T] each
        return signal[t][:, None, None], sigma[t][:, None, None]  # [B, 1, 1] each


def make_schedule(config: DiffusionConfig) -> NoiseSchedule:
    """Build the "linear" (betas 1e-4 to 2e-2) or "cosine" (s = 0.008, betas <= 0.999) schedule."""
    steps = config.num_steps
    if config.schedule == "linear":
        betas = torch.linspace(1e-4, 2e-2, steps, dtype=torch.float64)
    else:
        s = 0.008
        x = torch.arange(steps + 1, dtype=torch.float64) / steps
        f = torch.cos((x + s) / (1 + s) * math.pi / 2) ** 2
        betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    return NoiseSchedule(torch.cumprod(1 - betas, dim=0), config.schedule)


def as_schedule(schedule: str | NoiseSchedule) -> NoiseSchedule:
    """A schedule of one's own, or the one of a name; UserError for anything else."""
    return schedule if isinstance(schedule, NoiseSchedule) else make_schedule(DiffusionConfig(schedule=schedule))


def timestep_probabilities(density: str, params: NoiseSchedule) -> Tensor:
    """Probability that training draws each timestep: float64 [T], sums to 1.

    "uniform", or "laplace": half of the draws are uniform, in the other half log SNR follows a Laplace distribution
    of mean 0 and scale 0.5 (Hang et al. 2024, "Improved noise schedule for diffusion training", table 1).
    """
    uniform = torch.full_like(params.alphas_cumprod, 1 / params.num_steps)
    if density == "uniform":
        return uniform
    log_snr = torch.logit(params.alphas_cumprod)  # [T], decreasing
    (spacing,) = torch.gradient(-log_snr)         # [T]
    laplace = torch.exp(-log_snr.abs() / 0.5) * spacing
    return 0.5 * uniform + 0.5 * laplace / laplace.sum()


def add_noise(z0: Tensor, t: Tensor, params: NoiseSchedule, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Noise z0 [B, N, Z] to z_t for t int64 [B]; returns z_t and the noise (shaped like z0, drawn if None)."""
    noise = torch.randn_like(z0) if noise is None else noise
    signal, sigma = params.coefficients(t)
    return signal * z0 + sigma * noise, noise


noise_latent = add_noise  # name used in the specification


def training_target(prediction: str, z0: Tensor, noise: Tensor, t: Tensor, params: NoiseSchedule) -> Tensor:
    """The network's regression target: the noise ("epsilon", as in the specification) or the velocity ("v")."""
    if prediction == "epsilon":
        return noise
    signal, sigma = params.coefficients(t)
    return signal * noise - sigma * z0


def to_z0_epsilon(
    output: Tensor, prediction: str, z_t: Tensor, signal: Tensor | float, sigma: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Convert a network output to estimates of z_0 and epsilon, given sqrt(a_t) and sqrt(1 - a_t)."""
    if prediction == "epsilon":
        return (z_t - sigma * output) / signal, output
    return signal * z_t - sigma * output, sigma * z_t + signal * output
