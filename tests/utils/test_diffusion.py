"""Schedules, objectives and DDIM against the papers' formulas, derived again in float64."""

import math

import numpy as np
import pytest
import torch

from svgfusion_lib.config import DiffusionConfig
from svgfusion_lib.utils.diffusion import (
    ddim_sample,
    ddim_timesteps,
    guided,
    initial_noise,
    make_diffusion_params,
    noise_latent,
    to_z0_epsilon,
    training_target,
)

SCHEDULES = ["linear", "cosine"]
PREDICTIONS = ["epsilon", "v"]


def params_of(schedule: str, num_steps: int = 1000):
    return make_diffusion_params(DiffusionConfig(num_steps=num_steps, schedule=schedule))


def alpha_bar(schedule: str, num_steps: int = 1000) -> np.ndarray:
    """a_t of Ho et al. 2020 (eq. 4) or Nichol & Dhariwal 2021 (eq. 17), term by term."""
    if schedule == "linear":
        betas = [1e-4 + (2e-2 - 1e-4) * i / (num_steps - 1) for i in range(num_steps)]
    else:
        def f(t):
            return math.cos((t / num_steps + 0.008) / 1.008 * math.pi / 2) ** 2

        betas = [min(1 - f(t + 1) / f(t), 0.999) for t in range(num_steps)]
    a, table = 1.0, []
    for beta in betas:
        a *= 1 - beta
        table.append(a)
    return np.array(table)


@pytest.mark.parametrize("num_steps", [10, 1000])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedule_is_the_papers(schedule, num_steps):
    table = params_of(schedule, num_steps).alphas_cumprod
    assert table.dtype == torch.float64
    np.testing.assert_allclose(table.numpy(), alpha_bar(schedule, num_steps), rtol=1e-10)
    assert (table.diff() < 0).all() and 0 < table[-1] and table[0] < 1


def test_pinned_schedule_values():
    """Linear a_999 of DDPM is 4.0358e-5 in every published implementation."""
    assert params_of("linear").alphas_cumprod[-1].item() == pytest.approx(4.0358e-5, rel=1e-4)
    assert params_of("cosine").alphas_cumprod[499].item() == pytest.approx(0.49384, abs=1e-4)


def test_unknown_schedule():
    with pytest.raises(ValueError, match="'sigmoid'"):
        params_of("sigmoid")


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_noising_and_targets_sample_by_sample(schedule):
    params, table = params_of(schedule), alpha_bar(schedule)
    g = torch.Generator().manual_seed(0)
    z0, noise = torch.randn(4, 3, 5, generator=g), torch.randn(4, 3, 5, generator=g)
    t = torch.tensor([0, 1, 500, 999])
    z_t, returned = noise_latent(z0, t, params, noise)
    v = training_target("v", z0, noise, t, params)
    assert returned is noise and training_target("epsilon", z0, noise, t, params) is noise
    for b, step in enumerate(t.tolist()):
        a = table[step]
        x, e = z0[b].double().numpy(), noise[b].double().numpy()
        np.testing.assert_allclose(z_t[b].numpy(), math.sqrt(a) * x + math.sqrt(1 - a) * e, atol=2e-6)
        np.testing.assert_allclose(v[b].numpy(), math.sqrt(a) * e - math.sqrt(1 - a) * x, atol=2e-6)


def test_drawn_noise_is_standard_normal_and_returned():
    torch.manual_seed(0)
    z0 = torch.zeros(64, 8, 32)
    z_t, noise = noise_latent(z0, torch.full((64,), 700), params_of("linear"))
    assert abs(noise.mean()) < 0.03 and abs(noise.std() - 1) < 0.03
    torch.testing.assert_close(z_t, math.sqrt(1 - alpha_bar("linear")[700]) * noise)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_prediction_is_inverted_to_z0_and_epsilon(schedule, prediction):
    params = params_of(schedule)
    torch.manual_seed(0)
    z0, noise = torch.randn(3, 4, 5).double(), torch.randn(3, 4, 5).double()
    for step in (0, 300, 900):
        a = params.alphas_cumprod[step].item()
        signal, sigma = math.sqrt(a), math.sqrt(1 - a)
        z_t = signal * z0 + sigma * noise
        output = noise if prediction == "epsilon" else signal * noise - sigma * z0
        found_z0, found_noise = to_z0_epsilon(output, prediction, z_t, signal, sigma)
        torch.testing.assert_close(found_z0, z0, atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(found_noise, noise, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(1, [999]), (2, [999, 499]), (4, [999, 749, 499, 249]), (1000, list(range(999, -1, -1)))],
)
def test_timesteps_start_at_pure_noise(steps, expected):
    assert ddim_timesteps(1000, steps).tolist() == expected


@pytest.mark.parametrize("steps", [1, 7, 40, 333, 1000])
def test_timesteps_fall_strictly(steps):
    timesteps = ddim_timesteps(1000, steps)
    assert len(timesteps) == steps and (timesteps.diff() < 0).all() and timesteps.min() >= 0


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_number_of_steps(steps):
    with pytest.raises(ValueError, match=f"between 1 and 1000, got {steps}"):
        ddim_timesteps(1000, steps)


def perfect_denoiser(z0: torch.Tensor, params, prediction: str):
    """Knows z_0: answers with the noise (or velocity) that is really in z_t."""

    def denoise(z, t):
        a = params.alphas_cumprod[t][:, None, None]
        epsilon = (z.double() - a.sqrt() * z0) / (1 - a).sqrt()
        return (epsilon if prediction == "epsilon" else a.sqrt() * epsilon - (1 - a).sqrt() * z0).to(z)

    return denoise


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_with_a_perfect_denoiser_recovers_z0(schedule, prediction, eta):
    params = params_of(schedule)
    torch.manual_seed(0)
    z0 = torch.randn(2, 3, 4, dtype=torch.float64)
    noise, generators = initial_noise([1, 2], 3, 4)
    denoise = perfect_denoiser(z0, params, prediction)
    z = ddim_sample(denoise, noise.double(), params, 20, prediction, eta, generators)
    torch.testing.assert_close(z, z0, atol=1e-6, rtol=0)


@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_keeps_the_distribution_of_gaussian_data(schedule, eta):
    """Known answer: for data N(0, s^2) the best epsilon is z_t sqrt(1-a) / (a s^2 + 1 - a), and the samples must
    have variance s^2 again, whatever eta is."""
    params, s = params_of(schedule), 2.0

    def denoise(z, t):
        a = params.alphas_cumprod[t][:, None, None].to(z)
        return z * (1 - a).sqrt() / (a * s**2 + 1 - a)

    noise, generators = initial_noise(list(range(8)), 50, 40)
    z = ddim_sample(denoise, noise, params, 250, "epsilon", eta, generators)
    assert z.std().item() == pytest.approx(s, rel=0.04)
    assert abs(z.mean().item()) < 0.06


@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
def test_one_ddim_step_is_equation_12_of_song(eta):
    """Two steps of which the second is deterministic and exact: the z after the first is compared."""
    params, table = params_of("linear"), alpha_bar("linear")
    seen = []

    def denoise(z, t):
        seen.append(z.double().clone())
        return torch.full_like(z, 0.25)

    z_T, generators = initial_noise([3], 2, 2)
    ddim_sample(denoise, z_T, params, 2, "epsilon", eta, generators)
    a, a_prev = table[999], table[499]
    sigma = eta * math.sqrt((1 - a_prev) / (1 - a)) * math.sqrt(1 - a / a_prev)  # eq. 16
    drawn = torch.Generator().manual_seed(3)
    torch.randn(2, 2, generator=drawn)  # z_T came first
    fresh = torch.randn(2, 2, generator=drawn)[None].double()
    x0 = (z_T.double() - math.sqrt(1 - a) * 0.25) / math.sqrt(a)
    expected = math.sqrt(a_prev) * x0 + math.sqrt(1 - a_prev - sigma**2) * 0.25 + sigma * fresh
    torch.testing.assert_close(seen[1], expected, atol=1e-4, rtol=1e-6)


def test_noise_added_with_eta_one_has_the_posterior_variance_of_ddpm():
    """eta = 1 is DDPM: variance beta~_t = (1 - a_prev) / (1 - a) * beta (Ho et al. 2020, eq. 7)."""
    params, table = params_of("linear", 10), alpha_bar("linear", 10)
    seen = []

    def denoise(z, t):
        seen.append(z.clone())
        return torch.zeros_like(z)

    z = torch.zeros(4, 100, 100)  # with z = 0 and epsilon = 0, only the added noise is left after a step
    ddim_sample(denoise, z, params, 10, "epsilon", 1.0, [torch.Generator().manual_seed(i) for i in range(4)])
    a, a_prev = table[9], table[8]
    posterior_variance = (1 - a_prev) / (1 - a) * (1 - a / a_prev)
    assert seen[1].var().item() == pytest.approx(posterior_variance, rel=0.03)


def test_ddim_without_generators_refuses_eta():
    with pytest.raises(ValueError, match="generator per sample"):
        ddim_sample(lambda z, t: z, torch.zeros(1, 1, 1), params_of("linear"), 4, eta=0.5)


def test_eta_zero_is_deterministic_and_reports_every_step():
    params = params_of("cosine")
    z, _ = initial_noise([0], 2, 3)
    calls = []
    first = ddim_sample(lambda z, t: 0.1 * z, z, params, 5, callback=lambda i, z0: calls.append((i, z0.shape)))
    torch.testing.assert_close(first, ddim_sample(lambda z, t: 0.1 * z, z, params, 5), atol=0, rtol=0)
    assert calls == [(i, z.shape) for i in range(5)]


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_sample_of_a_seed_is_the_same_in_any_batch(eta):
    params = params_of("cosine")

    def denoise(z, t):
        return torch.tanh(z * 0.5)

    def sample(seeds):
        z, generators = initial_noise(seeds, 4, 3)
        return ddim_sample(denoise, z, params, 8, "v", eta, generators)

    together, alone, other_order = sample([5, 6, 7]), sample([6]), sample([7, 6])
    torch.testing.assert_close(together[1], alone[0], atol=0, rtol=0)
    torch.testing.assert_close(together[1], other_order[1], atol=0, rtol=0)
    assert not torch.equal(together[0], together[1])


def test_guidance():
    conditional, unconditional = torch.tensor([3.0]), torch.tensor([1.0])
    assert guided(conditional, unconditional, 1.0).item() == 3.0
    assert guided(conditional, unconditional, 0.0).item() == 1.0
    assert guided(conditional, unconditional, 4.0).item() == 9.0


def test_clip_bounds_the_estimates_of_z0():
    params = make_diffusion_params(DiffusionConfig(schedule="cosine"))
    z, _ = initial_noise([0, 1], 3, 4)

    def too_large(z_t, t):  # says z_0 = 10 everywhere
        signal, sigma = params.coefficients(t)
        return (z_t - signal * 10) / sigma

    free = ddim_sample(too_large, z, params, 8)
    bound = ddim_sample(too_large, z, params, 8, clip=3.0)
    assert torch.allclose(free, torch.full_like(free, 10.0), atol=1e-2)
    assert torch.allclose(bound, torch.full_like(bound, 3.0), atol=1e-2)
