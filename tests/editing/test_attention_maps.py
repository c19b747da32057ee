"""Cross-attention read from a running VS-DiT: the weights that it really uses, for every block and call."""

import pytest
import torch

from svgfusion_lib.config import DiTConfig
from svgfusion_lib.editing.explain import attention_weights, cross_attention_recorded
from svgfusion_lib.models.layers import Attention
from svgfusion_lib.models.vsdit import VSDiT

B, N, S = 2, 5, 7


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
