"""What a drawing's parts look at as it comes about, by the shipped model."""

from dataclasses import replace

import pytest
import torch

from svgfusion_lib.config import DiTConfig, SamplingConfig
from svgfusion_lib.editing.explain import END, START, Chain, settling, watch, words_of
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.vsdit import VSDiT

QUICK = SamplingConfig(num_inference_steps=4, candidates=1)


@pytest.fixture(scope="module")
def chain(pipeline) -> Chain:
    return watch(pipeline, "circle check, lucide style", 0)


@pytest.mark.parametrize(("text", "words"), [
    ("shopping cart, tabler style", ["shopping", "cart", ",", "tabler", "style"]),
    ("umbrellas-off", ["umbrellas", "-", "off"]),   # "umbrellas" and "tabler" are two pieces each
])
def test_pieces_of_a_word_are_one_word(pipeline, text, words):
    found, owners = words_of(pipeline.text_encoder, text)
    assert found == [START, *words, END]
    assert len(owners) > len(found) and sorted(set(owners)) == list(range(len(found)))
    assert len(owners) == pipeline.encode_prompts([text])[0].shape[1]


def test_a_watched_drawing_is_the_one_that_is_sampled(pipeline, chain):
    assert chain.svg == pipeline.sample("circle check, lucide style", [0], SamplingConfig(candidates=1))[0].svg


def test_shapes_and_shares(pipeline, chain):
    steps, blocks, parts, words = chain.attention.shape
    assert (steps, blocks) == (SamplingConfig().num_inference_steps, pipeline.dit.config.depth)
    assert parts == len(chain.z) == len(chain.parts) and words == len(chain.words)
    assert chain.estimates.shape == (steps, *chain.z.shape)
    assert torch.allclose(chain.attention.sum(-1), torch.ones(steps, blocks, parts), atol=1e-5)
    assert torch.allclose(chain.by_word().sum(-1), torch.ones(parts), atol=1e-5)


def test_without_guidance_and_everywhere_guided(pipeline):
    for config in (replace(QUICK, guidance_scale=1.0), replace(QUICK, guidance_low=0.0, guidance_high=1.0)):
        chain = watch(pipeline, "heart", 1, config, length=3)
        assert chain.attention.shape == (4, pipeline.dit.config.depth, 3, 3)


def test_latents_of_one_patch_share_what_they_look_at(pipeline):
    patched = VSDiT(DiTConfig(patch_size=2, latent_width=pipeline.vae.latent_width)).eval()
    chain = watch(pipeline.with_parts(dit=patched), "heart", 0, QUICK, length=3)
    assert chain.attention.shape[2] == 3 and torch.equal(chain.attention[:, :, 0], chain.attention[:, :, 1])


def test_settling_ends_at_nothing(pipeline, chain):
    gaps = settling(pipeline, [chain, chain])
    assert set(gaps) == {"place and size", "shape"}
    for values in gaps.values():
        assert len(values) == len(chain.estimates) and values[-1] == pytest.approx(0, abs=1e-5)
        assert max(values) > 0.2
    for name, values in settling(pipeline, [chain]).items():
        assert values == pytest.approx(gaps[name], abs=1e-6)


def test_an_empty_prompt_is_refused(pipeline):
    with pytest.raises(UserError, match="prompt is empty"):
        watch(pipeline, " ")
