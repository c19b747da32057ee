"""DDIM and DPM-Solver++ against the papers' formulas, known answers, and the schedulers of diffusers."""

import math

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

from svgfusion_lib.config import DiffusionConfig
from svgfusion_lib.utils import samplers
from svgfusion_lib.utils.diffusion import add_noise, make_schedule
from svgfusion_lib.utils.samplers import guided, initial_noise, sampling_timesteps, switch_at

SCHEDULES = ["linear", "cosine"]
PREDICTIONS = ["epsilon", "v"]
THEIRS = {"linear": "linear", "cosine": "squaredcos_cap_v2", "epsilon": "epsilon", "v": "v_prediction"}


def params_of(schedule: str, num_steps: int = 1000):
    return make_schedule(DiffusionConfig(num_steps=num_steps, schedule=schedule))


def ddim_sample(denoise, z, params, steps, prediction="epsilon", eta=0.0, noise=None, callback=None, **how):
    """DDIM with a denoiser that takes t as a tensor [B], like the network."""
    estimate, timesteps = prepared(denoise, params, steps, prediction, **how)
    return samplers.ddim_sample(estimate, z, params, timesteps, eta, noise, callback)


def dpm_solver_sample(denoise, z, params, steps, prediction="epsilon", callback=None, **how):
    estimate, timesteps = prepared(denoise, params, steps, prediction, **how)
    return samplers.dpm_solver_sample(estimate, z, params, timesteps, callback)


def prepared(denoise, params, steps, prediction, clip=0.0, correct=None, start=None):
    def of_tensor(z, t):
        return denoise(z, torch.full((len(z),), t))

    timesteps = samplers.sampling_timesteps(params.num_steps, steps, start)
    return samplers.estimator(of_tensor, params, prediction, clip, correct), timesteps


@pytest.mark.parametrize(("steps", "start", "expected"), [
    (1, None, [999]), (2, None, [999, 499]), (4, None, [999, 749, 499, 249]), (1000, None, list(range(999, -1, -1))),
    (1, 0, [0]), (2, 399, [399, 199]), (4, 999, [999, 749, 499, 249]),
])
def test_timesteps_start_at_pure_noise_or_where_asked(steps, start, expected):
    assert sampling_timesteps(1000, steps, start) == expected


@pytest.mark.parametrize("steps", [1, 7, 40, 333, 1000])
def test_timesteps_fall_strictly(steps):
    timesteps = torch.tensor(sampling_timesteps(1000, steps))
    assert len(timesteps) == steps and (timesteps.diff() < 0).all() and timesteps.min() >= 0


@pytest.mark.parametrize(("steps", "start", "message"), [
    (0, None, "between 1 and 1000, got 0"), (1001, None, "between 1 and 1000, got 1001"),
    (5, 3, "between 1 and 4, got 5"), (1, -1, "start must be"), (1, 1000, "start must be"),
])
def test_impossible_steps(steps, start, message):
    with pytest.raises(ValueError, match=message):
        sampling_timesteps(1000, steps, start)


@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
def test_one_ddim_step_is_equation_12_of_song(eta):
    """Of two steps, the second is deterministic and exact, so z after the first is compared."""
    params = params_of("linear")
    table = params.alphas_cumprod.tolist()
    seen = []

    def denoise(z, t):
        seen.append(z.double().clone())
        return torch.full_like(z, 0.25)

    z_T, noise = initial_noise([3], 2, 2)
    ddim_sample(denoise, z_T, params, 2, "epsilon", eta, noise)
    a, a_prev = table[999], table[499]
    sigma = eta * math.sqrt((1 - a_prev) / (1 - a)) * math.sqrt(1 - a / a_prev)  # eq. 16
    drawn = torch.Generator().manual_seed(3)
    torch.randn(2, 2, generator=drawn)  # z_T came first
    fresh = torch.randn(2, 2, generator=drawn)[None].double()
    x0 = (z_T.double() - math.sqrt(1 - a) * 0.25) / math.sqrt(a)
    expected = math.sqrt(a_prev) * x0 + math.sqrt(1 - a_prev - sigma**2) * 0.25 + sigma * fresh
    torch.testing.assert_close(seen[1], expected, atol=1e-4, rtol=1e-6)


def test_ddim_without_noise_refuses_eta():
    with pytest.raises(ValueError, match="needs noise"):
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
        z, noise = initial_noise(list(seeds), list(seeds.values()), 3)
        return ddim_sample(denoise, z, params, 8, "v", eta, noise)

    together, alone, other_order = sample({5: 4, 6: 3, 7: 4}), sample({6: 3}), sample({7: 4, 6: 3})  # seeds, lengths
    torch.testing.assert_close(together[1, :3], alone[0], atol=0, rtol=0)
    torch.testing.assert_close(together[1, :3], other_order[1, :3], atol=0, rtol=0)
    assert together.shape == (3, 4, 3) and not torch.equal(together[0], together[2])


def test_guidance():
    conditional, unconditional = torch.tensor([3.0]), torch.tensor([1.0])
    assert guided(conditional, unconditional, 1.0).item() == 3.0
    assert guided(conditional, unconditional, 0.0).item() == 1.0
    assert guided(conditional, unconditional, 4.0).item() == 9.0


# --- DPM-Solver++ -----------------------------------------------------------------------------------


def best_epsilon(params, s: float):
    """The optimal epsilon for data N(0, s^2); the ODE then ends at z_T s, up to how far z_T is from pure noise."""

    def denoise(z, t):
        a = params.alphas_cumprod[t][:, None, None].to(z)
        return z * (1 - a).sqrt() / (a * s**2 + 1 - a)

    return denoise


# --- later start, known values -----------------------------------------------------------------------


@pytest.mark.parametrize("sample", [ddim_sample, dpm_solver_sample])
def test_a_start_takes_z_for_its_own_noise_level(sample):
    """For Gaussian data the ODE scales z_t by s / sqrt(a s^2 + 1 - a); a wrong level gives another factor."""
    params, s, start = params_of("linear"), 2.0, 400
    z, _ = initial_noise([0, 1], 20, 4)
    a = params.alphas_cumprod[start].item()
    exact = z * s / math.sqrt(a * s**2 + 1 - a)
    torch.testing.assert_close(sample(best_epsilon(params, s), z, params, 100, start=start), exact, atol=0.05, rtol=0)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("sample", [ddim_sample, dpm_solver_sample])
def test_corrected_values_pass_every_noise_level_and_end_exactly(sample, prediction):
    params, seen = params_of("cosine"), []
    z, _ = initial_noise([0, 1], 3, 4)
    known, kept = initial_noise([2], 3, 4)[0][0], torch.tensor([True, False, True])[:, None]

    def denoise(z_t, t):
        seen.append((int(t[0]), z_t))
        return torch.tanh(z_t)

    out = sample(denoise, z, params, 6, prediction, correct=lambda z0: torch.where(kept, known, z0))
    assert torch.equal(out[:, ::2], known[::2].expand(2, 2, 4))
    for t, z_t in seen[1:]:
        expected, _ = add_noise(known.expand_as(z), torch.full((2,), t), params, z)
        torch.testing.assert_close(z_t[:, ::2], expected[:, ::2], atol=1e-3, rtol=0)  # z_T itself is all noise
    free = sample(lambda z_t, t: torch.tanh(z_t), z, params, 6, prediction)
    torch.testing.assert_close(out[:, 1], free[:, 1], atol=1e-4, rtol=1e-5)  # this network ignores neighbours


# --- static thresholding: estimates of z_0 are clipped to a bound -------------------------------------

CLIP = 0.5
TRUE = torch.tensor([[[-2.0, -0.25, 0.25, 2.0]]], dtype=torch.float64)  # (1, 1, 4): two are beyond the bound
CLIPPED = torch.tensor([[[-0.5, -0.25, 0.25, 0.5]]], dtype=torch.float64)
COSINE = params_of("cosine")


def knows_z0(seen: list):
    """A network that returns the noise for z_0 = TRUE and records its inputs."""

    def denoise(z, t):
        seen.append((z, t.tolist()))
        a = COSINE.alphas_cumprod[t][:, None, None]
        return (z - a.sqrt() * TRUE) / (1 - a).sqrt()

    return denoise


@pytest.mark.parametrize(("clip", "expected"), [(CLIP, CLIPPED), (0.0, TRUE)])
@pytest.mark.parametrize("sampler", [ddim_sample, dpm_solver_sample])
def test_estimates_stay_within_the_bound_if_there_is_one(sampler, clip, expected):
    estimates, z = [], torch.ones(1, 1, 4, dtype=torch.float64)
    z = sampler(knows_z0([]), z, COSINE, 3, clip=clip, callback=lambda _, z0: estimates.append(z0))
    assert len(estimates) == 3
    for found in (*estimates, z):
        torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)


def test_ddim_goes_on_with_the_noise_that_belongs_to_the_clipped_estimate():
    seen = []
    noise = torch.linspace(-1, 1, 4, dtype=torch.float64)[None, None]
    ddim_sample(knows_z0(seen), noise, COSINE, 2, clip=CLIP)
    (first, (t,)), (second, (t_next,)) = seen
    assert (t, t_next) == (999, 499) and first is noise
    a, a_next = (COSINE.alphas_cumprod[k].item() for k in (t, t_next))
    epsilon = (noise - math.sqrt(a) * CLIPPED) / math.sqrt(1 - a)
    torch.testing.assert_close(second, math.sqrt(a_next) * CLIPPED + math.sqrt(1 - a_next) * epsilon)


def test_noise_that_is_added_has_the_precision_of_the_latents():
    _, noise = initial_noise([0], 2, 4)
    z = torch.zeros(1, 2, 4, dtype=torch.bfloat16)
    drawn = ddim_sample(lambda z, t: z, z, COSINE, 3, eta=1.0, noise=noise)
    assert drawn.dtype == torch.bfloat16


# --- diffusers --------------------------------------------------------------------------------------


def smooth(z, t):
    """A network for both libraries: a deterministic function of z and t."""
    return torch.tanh(0.7 * z) * (0.3 + t[:, None, None].double() / 1000).to(z)


def run_theirs(scheduler, z, steps, **more):
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        z = scheduler.step(smooth(z, torch.full((len(z),), int(t))), t, z, **more).prev_sample
    return z


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [4, 20, 50])
def test_a_ddim_run_is_that_of_diffusers(schedule, prediction, steps):
    """THEIRS maps names to those of diffusers; its default betas are our linear ones (1e-4 to 2e-2)."""
    theirs = DDIMScheduler(
        num_train_timesteps=1000, beta_schedule=THEIRS[schedule], prediction_type=THEIRS[prediction],
        clip_sample=False, set_alpha_to_one=True, timestep_spacing="trailing",
    )
    theirs.alphas_cumprod = params_of(schedule).alphas_cumprod  # in float64, like ours
    theirs.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    z = initial_noise([3, 4], 5, 6)[0].double()
    torch.testing.assert_close(
        ddim_sample(smooth, z, params_of(schedule), steps, prediction), run_theirs(theirs, z, steps, eta=0.0),
        atol=1e-5, rtol=1e-5,  # relative where alpha_999 = 5e-5 blows epsilon up (cosine)
    )


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("steps", [2, 5, 20])
def test_a_dpm_solver_run_is_that_of_diffusers(prediction, steps):
    theirs = DPMSolverMultistepScheduler(
        num_train_timesteps=1000, beta_schedule="linear", prediction_type=THEIRS[prediction], solver_order=2,
        algorithm_type="dpmsolver++", solver_type="midpoint", timestep_spacing="trailing",
        final_sigmas_type="zero", lower_order_final=True,
    )
    z = initial_noise([3, 4], 5, 6)[0].double()
    torch.testing.assert_close(
        dpm_solver_sample(smooth, z, params_of("linear"), steps, prediction), run_theirs(theirs, z, steps),
        atol=2e-4, rtol=2e-4,  # its sigmas are float32
    )


def test_one_denoiser_before_a_timestep_and_another_after_it():
    denoise = switch_at(750.0, lambda z, t: z + 1, lambda z, t: z - 1)
    z = torch.zeros(1, 2, 3)
    assert [float(denoise(z, t).mean()) for t in (999, 750, 749, 0)] == [1, 1, -1, -1]
