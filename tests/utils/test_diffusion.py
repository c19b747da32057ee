"""Schedules, objectives and DDIM against the papers' formulas, rederived in float64."""

import math

import numpy as np
import pytest
import torch

from svgfusion_lib.config import DiffusionConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.utils.diffusion import (
    NoiseSchedule,
    add_noise,
    make_schedule,
    timestep_probabilities,
    to_z0_epsilon,
    training_target,
)

SCHEDULES = ["linear", "cosine"]
PREDICTIONS = ["epsilon", "v"]


def params_of(schedule: str, num_steps: int = 1000):
    return make_schedule(DiffusionConfig(num_steps=num_steps, schedule=schedule))


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
    assert (table.diff() < 0).all() and table[-1] > 0 and table[0] < 1


def test_pinned_schedule_values():
    """Linear a_999 of DDPM is 4.0358e-5 in every published implementation."""
    assert params_of("linear").alphas_cumprod[-1].item() == pytest.approx(4.0358e-5, rel=1e-4)
    assert params_of("cosine").alphas_cumprod[499].item() == pytest.approx(0.49384, abs=1e-4)


def test_unknown_schedule():
    with pytest.raises(UserError, match="schedule must be 'cosine' or 'linear', not 'sigmoid'"):
        params_of("sigmoid")


@pytest.mark.parametrize("table", [
    [0.9, 0.1], torch.tensor([0.9, 0.5, 0.0]), torch.tensor([1.5, 0.5]), torch.tensor([0.1, 0.9]), torch.ones(3),
    torch.tensor([0.9, float("nan")]), torch.zeros(0), torch.rand(2, 2),
])
def test_a_table_that_is_no_schedule_is_refused(table):
    with pytest.raises(UserError, match="decreasing numbers above 0 and at most 1"):
        NoiseSchedule(table)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_noising_and_targets_sample_by_sample(schedule):
    params, table = params_of(schedule), alpha_bar(schedule)
    g = torch.Generator().manual_seed(0)
    z0, noise = torch.randn(4, 3, 5, generator=g), torch.randn(4, 3, 5, generator=g)
    t = torch.tensor([0, 1, 500, 999])
    z_t, returned = add_noise(z0, t, params, noise)
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
    z_t, noise = add_noise(z0, torch.full((64,), 700), params_of("linear"))
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


def test_tables_follow_the_timesteps_to_their_device():
    """Checked on torch's "meta" device, available everywhere."""
    params, t = params_of("cosine"), torch.zeros(2, dtype=torch.int64, device="meta")
    signal, sigma = params.coefficients(t)
    assert {signal.device.type, sigma.device.type} == {"meta"}
    assert signal.shape == sigma.shape == (2, 1, 1)
    assert params.alphas_cumprod.device.type == "cpu"


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_what_the_network_sees_is_of_single_precision(prediction):
    """The tables are float64, and multiplying by them would promote everything."""
    params, t = params_of("linear"), torch.tensor([3, 700])
    z0 = torch.zeros(2, 3, 4)
    z_t, noise = add_noise(z0, t, params)
    found = (z_t, noise, training_target(prediction, z0, noise, t, params))
    assert {tensor.dtype for tensor in found} == {torch.float32} and params.num_steps == 1000


def test_no_float64_goes_to_a_device(monkeypatch):
    """MPS does not support it."""
    moved = []
    to = torch.Tensor.to

    def watch(tensor, *args, **kwargs):
        result = to(tensor, *args, **kwargs)
        moved.append(result.dtype)
        return result

    schedule = make_schedule(DiffusionConfig())
    monkeypatch.setattr(torch.Tensor, "to", watch)
    t = torch.zeros(2, dtype=torch.long)
    schedule.coefficients(t)
    assert moved and torch.float64 not in moved


def test_timesteps_near_log_snr_0_are_drawn_more_often():
    schedule = make_schedule(DiffusionConfig())
    assert torch.equal(timestep_probabilities("uniform", schedule), torch.full((1000,), 1e-3, dtype=torch.float64))
    often = timestep_probabilities("laplace", schedule)
    assert often.sum().item() == pytest.approx(1) and often.min() >= 0.5e-3
    log_snr = torch.logit(schedule.alphas_cumprod)
    within = often[log_snr.abs() < 0.5].sum() - 0.5e-3 * (log_snr.abs() < 0.5).sum()
    assert within.item() == pytest.approx(0.5 * (1 - math.exp(-1)), abs=0.01)  # Laplace density of scale 0.5


def test_a_checkpoint_knows_a_schedule_by_name_and_table():
    schedule = NoiseSchedule(torch.tensor([0.75, 0.5], dtype=torch.float64))
    named = {"num_steps": 2, "schedule": "own"}
    assert schedule.state() == {"diffusion": named, "alphas_cumprod": schedule.alphas_cumprod}
    assert schedule.fingerprint() == "own 1a9b3652"
