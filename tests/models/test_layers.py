import math

import pytest
import torch

from svgfusion_lib.models.layers import Attention, Block, masked_mean, modulate, timestep_embedding, zero_init


def plain_attention(layer: Attention, x, context, mask):
    """Softmax attention written out with loops over samples and heads (no padding in the sums)."""
    width = layer.to_query.out_features
    size = width // layer.heads
    query = layer.to_query(x)
    key, value = layer.to_key_value(context).split(width, dim=-1)
    out = torch.zeros(*x.shape[:2], width)
    for b in range(len(x)):
        keep = slice(None) if mask is None else ~mask[b]
        for h in range(layer.heads):
            part = slice(h * size, (h + 1) * size)
            scores = query[b, :, part] @ key[b, keep, part].T / math.sqrt(size)
            out[b, :, part] = scores.softmax(-1) @ value[b, keep, part]
    return layer.to_out(out)


@pytest.mark.parametrize("context_width", [None, 6])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_the_written_out_one(context_width, masked):
    torch.manual_seed(0)
    layer = Attention(8, 2, context_width)
    x = torch.randn(3, 4, 8)
    context = x if context_width is None else torch.randn(3, 5, context_width)
    mask = torch.arange(context.shape[1])[None] >= torch.tensor([1, 3, 4])[:, None] if masked else None
    result = layer(x, None if context_width is None else context, mask)
    torch.testing.assert_close(result, plain_attention(layer, x, context, mask), atol=1e-6, rtol=1e-5)


def test_block_uses_only_the_parts_it_is_given():
    torch.manual_seed(0)
    x, pixels = torch.randn(2, 3, 8), torch.randn(2, 4, 6)
    alone = Block(8, 2, self_attention=False)
    torch.testing.assert_close(alone(x)[:, 1], alone(x[:, 1:2])[:, 0])  # each position alone
    together = Block(8, 2)
    assert not torch.allclose(together(x)[:, 1], together(x[:, 1:2])[:, 0], atol=1e-4)
    crossed = Block(8, 2, self_attention=False, context_width=6)
    assert not torch.allclose(crossed(x, None, pixels), crossed(x, None, pixels + 1), atol=1e-4)


def test_modulate_and_zero_init():
    x = torch.randn(2, 3, 4)
    zero = torch.zeros(2, 4)
    torch.testing.assert_close(modulate(x, zero, zero), x)
    shift, scale = torch.randn(2, 4), torch.randn(2, 4)
    torch.testing.assert_close(modulate(x, shift, scale)[1, 2], x[1, 2] * (1 + scale[1]) + shift[1])
    assert (zero_init(torch.nn.Linear(3, 4))(torch.randn(5, 3)) == 0).all()


def test_timestep_embedding_by_the_formula():
    embedding = timestep_embedding(torch.tensor([0, 7, 999]), 8)
    for row, t in zip(embedding, (0, 7, 999)):
        angles = [t * 10_000 ** (-i / 4) for i in range(4)]
        expected = torch.tensor([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
        torch.testing.assert_close(row, expected, atol=1e-4, rtol=0)


def test_masked_mean():
    x = torch.tensor([[[1.0], [2.0], [100.0]], [[5.0], [6.0], [7.0]]])
    mask = torch.tensor([[False, False, True], [True, True, True]])
    assert masked_mean(x, mask).flatten().tolist() == [1.5, 0.0]
