"""Cross-attention from a drawing's parts to prompt words: the weights a VS-DiT really uses, and the shipped model's."""

from dataclasses import replace

import pytest
import torch

from svgfusion_lib.config import DiTConfig, SamplingConfig
from svgfusion_lib.editing.explain import (
    END,
    START,
    Chain,
    attention_weights,
    cross_attention_recorded,
    settling,
    watch,
    words_of,
)
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.layers import Attention
from svgfusion_lib.models.vsdit import VSDiT

B, N, S = 2, 5, 7
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


# --- weights ----------------------------------------------------------------------------------------


@pytest.fixture
def dit():
    torch.manual_seed(0)
    return VSDiT(DiTConfig.preset("tiny", latent_width=6, context_width=12, max_latents=8)).eval()


@pytest.fixture
def inputs():
    mask = torch.zeros(B, S, dtype=torch.bool)
    mask[1, 4:] = True
    return torch.randn(B, N, 6), torch.tensor([3, 800]), torch.randn(B, S, 12), mask


def test_weights_times_values_is_what_attend_returns():
    torch.manual_seed(0)
    attention, x, mask = Attention(16, 4), torch.randn(B, N, 16), torch.arange(S).expand(B, S) > 4
    key, value = attention.keys_values(torch.randn(B, S, 16))
    weights = attention_weights(attention, x, key, mask)  # [B, H, N, S]
    result = attention.to_out((weights @ value).transpose(1, 2).flatten(2))
    assert torch.allclose(result, attention.attend(x, key, value, mask), atol=1e-6)


@pytest.mark.parametrize("padded", [True, False])
def test_padding_gets_nothing_unless_all_is_padding(padded):
    attention, x = Attention(8, 2), torch.randn(1, 3, 8)
    key, _ = attention.keys_values(torch.randn(1, 4, 8))
    mask = torch.tensor([[False, False, True, True]]) if padded else torch.ones(1, 4, dtype=torch.bool)
    weights = attention_weights(attention, x, key, mask)
    assert torch.allclose(weights.sum(-1), torch.ones(1, 2, 3))
    assert (weights[..., 2:] == 0).all() == padded


def test_every_block_of_every_call_is_recorded(dit, inputs):
    with cross_attention_recorded(dit) as calls, torch.no_grad():
        dit(*inputs)
        dit(*inputs)
    assert [list(call.shape) for call in calls] == [[len(dit.blocks), B, dit.config.heads, N, S]] * 2
    assert torch.allclose(calls[0].sum(-1), torch.ones(calls[0].shape[:-1])) and torch.equal(*calls)
    assert (calls[0][:, 1, :, :, 4:] == 0).all() and (calls[0][:, 0, :, :, 4:] > 0).all()


def test_recording_changes_nothing_and_ends(dit, inputs):
    with torch.no_grad():
        plain = dit(*inputs)
        with cross_attention_recorded(dit) as calls:
            assert torch.equal(dit(*inputs), plain)
        dit(*inputs)
    assert len(calls) == 1
    assert not any(module._forward_hooks for module in dit.modules())
