"""What the cross-attention of a VS-DiT looks at, read while it runs; the models themselves keep no record."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from svgfusion_lib.models.layers import Attention
from svgfusion_lib.models.vsdit import VSDiT


def attention_weights(attention: Attention, x: Tensor, key: Tensor, padding_mask: Tensor | None) -> Tensor:
    """softmax(q k / sqrt(D/H)) of x [B, K, D] and keys [B, H, S, D/H], padding_mask [B, S] -> [B, H, K, S].

    What `Attention.attend` multiplies the values by, written out.
    """
    query = attention.to_query(x).unflatten(-1, (attention.heads, -1)).transpose(1, 2)  # [B, H, K, D/H]
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5  # [B, H, K, S]
    if padding_mask is not None:
        hidden = padding_mask & ~padding_mask.all(dim=-1, keepdim=True)  # [B, S]
        scores = scores.masked_fill(hidden[:, None, None], float("-inf"))
    return scores.softmax(-1)


@contextmanager
def cross_attention_recorded(dit: VSDiT) -> Iterator[list[Tensor]]:
    """While it is open, every call of the model adds the weights of all its blocks [blocks, B, H, K, S] to the list."""
    calls: list[Tensor] = []
    queries: dict[int, Tensor] = {}
    blocks: list[Tensor] = []

    def keep_query(number: int):
        def hook(_module, _inputs, output: Tensor) -> None:
            queries[number] = output  # [B, K, D]
        return hook

    def weigh(number: int):
        def hook(block, inputs, _output) -> None:
            *_, (key, _value), mask = inputs
            blocks.append(attention_weights(block.cross_attention, queries.pop(number), key, mask).detach())
            if number == len(dit.blocks) - 1:
                calls.append(torch.stack(blocks))
                blocks.clear()
        return hook

    handles = [
        handle for number, block in enumerate(dit.blocks) for handle in (
            block.get_submodule("norm_cross").register_forward_hook(keep_query(number)),
            block.register_forward_hook(weigh(number)),
        )
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
