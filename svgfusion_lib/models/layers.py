"""Building blocks shared by VP-VAE and VS-DiT: attention, MLP, modulation."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention; self-attention without `context`, cross-attention with it."""

    def __init__(self, width: int, heads: int, context_width: int | None = None):
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width)
        self.to_key_value = nn.Linear(context_width or width, 2 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor | None = None, padding_mask: Tensor | None = None) -> Tensor:
        """x [B, N, D], context [B, S, C], padding_mask of the keys (True = padding) [B, S] or [B, N, S] -> [B, N, D].

        A query whose keys are all padding attends to all of them, so the output is never NaN; the caller must
        mask it anyway.
        """
        return self.attend(x, *self.keys_values(x if context is None else context), padding_mask)

    def keys_values(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """context [B, S, C] -> keys and values [B, H, S, D/H], for callers that reuse them."""
        key, value = (self._split(y) for y in self.to_key_value(context).chunk(2, dim=-1))
        return key, value

    def attend(self, x: Tensor, key: Tensor, value: Tensor, padding_mask: Tensor | None) -> Tensor:
        """Like `forward`, with precomputed keys and values."""
        query = self._split(self.to_query(x))  # [B, H, N, D/H]
        mask = None
        if padding_mask is not None:
            visible = ~padding_mask | padding_mask.all(dim=-1, keepdim=True)  # [B, S] or [B, N, S]
            mask = visible[:, None, None] if visible.ndim == 2 else visible[:, None]  # [B, 1, 1 or N, S]
        y = scaled_dot_product_attention(query, key, value, mask)  # [B, H, N, D/H]
        return self.to_out(y.transpose(1, 2).flatten(2))  # [B, N, D]

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, H, N, D/H]


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """F.scaled_dot_product_attention [B, H, N, D/H]; fp32 on CPUs, whose bf16 backward is 20 times slower."""
    if query.device.type != "cpu" or query.dtype == torch.float32:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    with torch.autocast("cpu", enabled=False):
        return F.scaled_dot_product_attention(query.float(), key.float(), value.float(), attn_mask=mask).to(query)


class MLP(nn.Sequential):
    """Two linear layers with GELU between them: D -> ratio * D -> D."""

    def __init__(self, width: int, ratio: float = 4.0):
        hidden = int(width * ratio)
        super().__init__(nn.Linear(width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, width))


class Block(nn.Module):
    """Pre-norm transformer block: self-attention (optional), cross-attention (optional), MLP."""

    def __init__(self, width: int, heads: int, self_attention: bool = True, context_width: int | None = None):
        super().__init__()
        self.attention = Attention(width, heads) if self_attention else None
        self.cross_attention = Attention(width, heads, context_width) if context_width else None
        self.norm_attention = nn.LayerNorm(width) if self_attention else None
        self.norm_cross = nn.LayerNorm(width) if context_width else None
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = MLP(width)

    def forward(
        self, x: Tensor, padding_mask: Tensor | None = None, context: Tensor | None = None,
        context_mask: Tensor | None = None,
    ) -> Tensor:
        """x [B, N, D], padding_mask [B, N], context [B, S, C], context_mask [B, S] or [B, N, S] -> [B, N, D]."""
        if self.attention is not None and self.norm_attention is not None:
            x = x + self.attention(self.norm_attention(x), padding_mask=padding_mask)  # [B, N, D]
        if self.cross_attention is not None and self.norm_cross is not None:
            x = x + self.cross_attention(self.norm_cross(x), context, context_mask)  # [B, N, D]
        return x + self.mlp(self.norm_mlp(x))  # [B, N, D]


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x [B, N, D], shift and scale [B, D] -> [B, N, D] (DiT, section 3.2, adaLN)."""
    return x * (1 + scale[:, None]) + shift[:, None]


def timestep_embedding(t: Tensor, width: int, max_period: float = 10_000) -> Tensor:
    """Sinusoids of t [B] at geometrically spaced frequencies -> [B, width] (Vaswani et al. 2017, 3.5)."""
    half = width // 2
    frequencies = torch.exp(-math.log(max_period) * torch.arange(half, device=t.device) / half)  # [D/2]
    angles = t[:, None].float() * frequencies  # [B, D/2]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)  # [B, D]


def zero_init(layer: nn.Module) -> nn.Module:
    """Set weights and bias to zero, so that the layer outputs zero until trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def masked_mean(x: Tensor, padding_mask: Tensor) -> Tensor:
    """Mean of x [B, S, C] over the positions not masked by padding_mask [B, S] -> [B, C]."""
    keep = (~padding_mask)[..., None].to(x)  # [B, S, 1]
    return (x * keep).sum(1) / keep.sum(1).clamp(min=1)
