"""Static thresholding: estimates of z_0 beyond a bound are brought back to it, and the noise is what then is left."""

import math

import pytest
import torch

from svgfusion_lib.config import DiffusionConfig
from svgfusion_lib.utils import samplers
from svgfusion_lib.utils.diffusion import make_schedule

CLIP = 0.5
TRUE = torch.tensor([[[-2.0, -0.25, 0.25, 2.0]]], dtype=torch.float64)  # (1, 1, 4): two of them beyond the bound
CLIPPED = torch.tensor([[[-0.5, -0.25, 0.25, 0.5]]], dtype=torch.float64)
PARAMS = make_schedule(DiffusionConfig(schedule="cosine"))


def ddim_sample(denoise, z, params, steps, prediction="epsilon", eta=0.0, generators=None, callback=None, **how):
    """By a denoiser that takes t as a tensor [B], as the network does."""
    estimate, timesteps = prepared(denoise, params, steps, prediction, **how)
    return samplers.ddim_sample(estimate, z, params, timesteps, eta, generators, callback)


def dpm_solver_sample(denoise, z, params, steps, prediction="epsilon", callback=None, **how):
    estimate, timesteps = prepared(denoise, params, steps, prediction, **how)
    return samplers.dpm_solver_sample(estimate, z, params, timesteps, callback)


def prepared(denoise, params, steps, prediction, clip=0.0, correct=None, start=None):
    def of_tensor(z, t):
        return denoise(z, torch.full((len(z),), t))

    timesteps = samplers.sampling_timesteps(params.num_steps, steps, start)
    return samplers.estimator(of_tensor, params, prediction, clip, correct), timesteps


def knows_z0(seen: list):
    """A network that finds the noise for z_0 = TRUE, and notes what it was asked."""

    def denoise(z, t):
        seen.append((z, t.tolist()))
        a = PARAMS.alphas_cumprod[t][:, None, None]
        return (z - a.sqrt() * TRUE) / (1 - a).sqrt()

    return denoise


@pytest.mark.parametrize("sampler", [ddim_sample, dpm_solver_sample])
def test_estimates_stay_within_the_bound_on_either_side(sampler):
    estimates = []
    z = sampler(
        knows_z0([]), torch.ones(1, 1, 4, dtype=torch.float64), PARAMS, 3, clip=CLIP,
        callback=lambda _, z0: estimates.append(z0),
    )
    for found in (*estimates, z):
        torch.testing.assert_close(found, CLIPPED, atol=1e-9, rtol=0)


@pytest.mark.parametrize("sampler", [ddim_sample, dpm_solver_sample])
def test_without_a_bound_nothing_is_clipped(sampler):
    z = sampler(knows_z0([]), torch.ones(1, 1, 4, dtype=torch.float64), PARAMS, 3)
    torch.testing.assert_close(z, TRUE, atol=1e-9, rtol=0)


def test_ddim_goes_on_with_the_noise_that_belongs_to_the_clipped_estimate():
    seen = []
    noise = torch.linspace(-1, 1, 4, dtype=torch.float64)[None, None]
    ddim_sample(knows_z0(seen), noise, PARAMS, 2, clip=CLIP)
    (first, (t,)), (second, (t_next,)) = seen
    assert (t, t_next) == (999, 499) and first is noise
    a, a_next = (PARAMS.alphas_cumprod[k].item() for k in (t, t_next))
    epsilon = (noise - math.sqrt(a) * CLIPPED) / math.sqrt(1 - a)
    torch.testing.assert_close(second, math.sqrt(a_next) * CLIPPED + math.sqrt(1 - a_next) * epsilon)


def test_noise_that_is_added_has_the_precision_of_the_latents():
    generators = [torch.Generator().manual_seed(0)]
    z = torch.zeros(1, 2, 4, dtype=torch.bfloat16)
    drawn = ddim_sample(lambda z, t: z, z, PARAMS, 3, eta=1.0, generators=generators)
    assert drawn.dtype == torch.bfloat16
