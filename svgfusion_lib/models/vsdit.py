"""VS-DiT: a diffusion transformer over latent sequences, conditioned on a prompt.

Paper section 3.3 (arXiv 2412.10437); the block is DiT's adaLN-Zero (Peebles & Xie 2023, section 3.2) with
cross-attention to the prompt's tokens added. All blocks share one modulation network and each adds its own
offset (adaLN-single, PixArt-alpha, section 2.3), which saves a third of the weights. A model trained with
styles adds a style embedding to the condition; style 0 is the null style.

Letters: B batch, N latents, K tokens (patches of latents), S text tokens, C context width, D width, Z latent.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svgfusion_lib.config import DiTConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.base import PretrainedModel
from svgfusion_lib.models.layers import MLP, Attention, masked_mean, modulate, timestep_embedding, zero_init

# Configuration fields that `resized` may change.
_RESIZABLE = ("max_latents", "styles", "length_width", "length_dropout")


class DiTBlock(nn.Module):
    """Self-attention, cross-attention to the prompt, MLP; self-attention and MLP are modulated and gated (adaLN)."""

    def __init__(self, width: int, heads: int, mlp_ratio: float):
        super().__init__()
        self.norm_attention = nn.LayerNorm(width, elementwise_affine=False)
        self.attention = Attention(width, heads)
        self.norm_cross = nn.LayerNorm(width)
        self.cross_attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width, elementwise_affine=False)
        self.mlp = MLP(width, mlp_ratio)
        self.modulation_offset = nn.Parameter(torch.zeros(6 * width))
        zero_init(self.cross_attention.to_out)

    def forward(
        self, x: Tensor, modulation: Tensor, padding_mask: Tensor | None, keys_values: tuple[Tensor, Tensor],
        context_mask: Tensor,
    ) -> Tensor:
        """x [B, K, D], modulation [B, 6 D], keys and values [B, H, S, D/H], masks [B, K] and [B, S] -> [B, K, D]."""
        shift_attention, scale_attention, gate_attention, shift_mlp, scale_mlp, gate_mlp = (
            modulation + self.modulation_offset
        ).chunk(6, dim=-1)  # [B, D] each
        y = self.attention(modulate(self.norm_attention(x), shift_attention, scale_attention), None, padding_mask)
        x = x + gate_attention[:, None] * y  # [B, K, D]
        x = x + self.cross_attention.attend(self.norm_cross(x), *keys_values, context_mask)  # [B, K, D]
        return x + gate_mlp[:, None] * self.mlp(modulate(self.norm_mlp(x), shift_mlp, scale_mlp))


@dataclass
class EncodedPrompts:
    """Prompt features for B prompts, computed once and reused at every timestep.

    pooled [B, D]; keys_values: keys and values [B, H, S, D/H] of every block; mask bool [B, S] (True = padding).
    """

    pooled: Tensor
    keys_values: list[tuple[Tensor, Tensor]]
    mask: Tensor

    def first(self, count: int) -> "EncodedPrompts":
        """The first `count` prompts."""
        keys_values = [(keys[:count], values[:count]) for keys, values in self.keys_values]
        return EncodedPrompts(self.pooled[:count], keys_values, self.mask[:count])


class LengthPredictor(nn.Module):
    """Predicts how many latents a prompt needs, as a categorical distribution over 1..max_latents."""

    def __init__(self, context_width: int, max_latents: int, width: int, dropout: float = 0.0):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(context_width), nn.Dropout(dropout), nn.Linear(context_width, width), nn.GELU(),
            nn.Dropout(dropout), nn.Linear(width, max_latents),
        )

    def forward(self, context: Tensor, context_mask: Tensor) -> Tensor:
        """context [B, S, C], context_mask [B, S] -> logits [B, max_latents]; index n - 1 means n latents."""
        return self.layers(masked_mean(context, context_mask))

    def loss(self, context: Tensor, context_mask: Tensor, padding_mask: Tensor) -> Tensor:
        """Cross-entropy of the true lengths, read from padding_mask [B, N] -> scalar."""
        lengths = (~padding_mask).sum(1)  # [B]
        return F.cross_entropy(self(context, context_mask), lengths - 1)


class VSDiT(PretrainedModel):
    """Predicts the noise (or velocity) of latents z_t [B, N, Z] at timestep t, given a prompt (and a style).

    latent_mean, latent_std [Z]: statistics of the training latents; diffusion runs on normalised latents.
    """

    kind = "vsdit"
    config_class = DiTConfig
    config: DiTConfig
    latent_mean: Tensor  # [Z]
    latent_std: Tensor   # [Z]

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.config = config
        width = config.width
        patch_width = config.patch_size * config.latent_width
        self.x_embedder = nn.Linear(patch_width, width)
        self.position = nn.Parameter(torch.zeros(-(-config.max_latents // config.patch_size), width))
        self.t_embedder = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        text_width = config.context_width
        self.context_embedder = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, width))
        self.pooled_embedder = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, width))
        self.length_embedder = nn.Embedding(config.max_latents + 1, width)
        self.style_embedder = nn.Embedding(len(config.styles) + 1, width) if config.styles else None
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.blocks = nn.ModuleList(DiTBlock(width, config.heads, config.mlp_ratio) for _ in range(config.depth))
        self.final_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.final_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.final_layer = nn.Linear(width, patch_width)
        self.length_predictor = LengthPredictor(
            config.context_width, config.max_latents, config.length_width, config.length_dropout
        )
        self.register_buffer("latent_mean", torch.zeros(config.latent_width))
        self.register_buffer("latent_std", torch.ones(config.latent_width))
        self._initialize()

    def _initialize(self) -> None:
        slots = timestep_embedding(torch.arange(len(self.position)), self.position.shape[1])  # [K, D], of DiT
        with torch.no_grad():  # at the scale of the tokens, or it takes many steps to tell positions apart
            self.position[:, : slots.shape[1]].copy_(slots)
        nn.init.normal_(self.length_embedder.weight, std=0.02)
        if self.style_embedder is not None:
            nn.init.normal_(self.style_embedder.weight, std=0.02)
        for layer in self.t_embedder:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
        zero_init(self.modulation[-1])        # adaLN-Zero: every block starts as the identity
        zero_init(self.final_modulation[-1])
        zero_init(self.final_layer)           # a fresh model returns exactly zero

    def normalize(self, z: Tensor) -> Tensor:
        """Scale VAE latents [B, N, Z] to zero mean and unit variance per channel, as diffusion needs them."""
        return (z - self.latent_mean) / self.latent_std

    def denormalize(self, z: Tensor) -> Tensor:
        """Inverse of `normalize`."""
        return z * self.latent_std + self.latent_mean

    def forward(
        self, z_t: Tensor, t: Tensor, context: Tensor, context_mask: Tensor, padding_mask: Tensor | None = None,
        style: Tensor | None = None,
    ) -> Tensor:
        """Predict noise (or velocity): z_t [B, N, Z], t [B], context [B, S, C], context_mask [B, S] -> [B, N, Z]."""
        return self.denoise(z_t, t, self.encode_prompts(context, context_mask), padding_mask, style)

    def encode_prompts(self, context: Tensor, context_mask: Tensor) -> EncodedPrompts:
        """context [B, S, C], context_mask [B, S] -> prompt features for `denoise`, shared by all timesteps."""
        pooled = self.pooled_embedder(masked_mean(context, context_mask))  # [B, D]
        context = self.context_embedder(context)  # [B, S, D]
        blocks: Any = self.blocks  # ModuleList is not generic
        return EncodedPrompts(pooled, [b.cross_attention.keys_values(context) for b in blocks], context_mask)

    def denoise(
        self, z_t: Tensor, t: Tensor, prompts: EncodedPrompts, padding_mask: Tensor | None = None,
        style: Tensor | None = None,
    ) -> Tensor:
        """Like `forward`, for encoded prompts: z_t [B, N, Z], t [B] -> [B, N, Z].

        padding_mask [B, N] (True = padding): None if no latent is padding. style int64 [B]: 1 + index in
        config.styles, 0 for the null style; None if all are null.
        """
        if z_t.ndim != 3 or z_t.shape[-1] != self.config.latent_width or z_t.shape[1] > self.config.max_latents:
            raise ValueError(
                f"z_t must be [B, N <= {self.config.max_latents}, {self.config.latent_width}], got {list(z_t.shape)}"
            )
        if style is not None and self.style_embedder is None:
            raise ValueError("style given, but the model has no styles")
        length = z_t.shape[1]
        if padding_mask is None:
            lengths = torch.full((len(z_t),), length, device=z_t.device)
        else:
            lengths = (~padding_mask).sum(1)  # [B]
        condition = (
            self.t_embedder(timestep_embedding(t, 256).to(z_t))
            + prompts.pooled
            + self.length_embedder(lengths)
        )  # [B, D]
        if self.style_embedder is not None:
            style = torch.zeros_like(lengths) if style is None else style  # [B]
            condition = condition + self.style_embedder(style)  # [B, D]
        modulation = self.modulation(condition)  # [B, 6 D]
        x, token_mask = self.patchify(z_t, padding_mask)  # [B, K, p Z], [B, K]
        x = self.x_embedder(x) + self.position[: x.shape[1]]  # [B, K, D]
        for block, keys_values in zip(self.blocks, prompts.keys_values):
            x = block(x, modulation, token_mask, keys_values, prompts.mask)  # [B, K, D]
        shift, scale = self.final_modulation(condition).chunk(2, dim=-1)  # [B, D] each
        x = self.final_layer(modulate(self.final_norm(x), shift, scale))  # [B, K, p Z]
        return self.unpatchify(x, length)  # [B, N, Z]

    def patchify(self, z: Tensor, padding_mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Join patch_size consecutive latents: [B, N, Z] -> [B, K, p Z]; a token is padding if all its latents are."""
        p = self.config.patch_size
        missing = -z.shape[1] % p
        if padding_mask is not None:  # zero the padding inside partly padded tokens
            z = z.masked_fill(padding_mask[..., None], 0.0)
        z = F.pad(z, (0, 0, 0, missing))  # [B, K p, Z]
        if padding_mask is not None:
            padding_mask = F.pad(padding_mask, (0, missing), value=True).unflatten(1, (-1, p)).all(-1)  # [B, K]
        return z.unflatten(1, (-1, p)).flatten(2), padding_mask

    def unpatchify(self, x: Tensor, length: int) -> Tensor:
        """Inverse of `patchify`: [B, K, p Z] -> [B, length, Z]."""
        return x.unflatten(-1, (self.config.patch_size, -1)).flatten(1, 2)[:, :length]


@torch.no_grad()
def resized(dit: VSDiT, config: DiTConfig) -> VSDiT:
    """Copy a network to a configuration with other styles or lengths, keeping all shared weights.

    New styles start as the mean of the known ones and new lengths as the longest known one; new positions and a length
    predictor of another size are initialised as in a new model. UserError if the configurations differ otherwise.
    """
    kept = dit.config
    names = (f.name for f in fields(config) if f.name not in _RESIZABLE)
    other = [name for name in names if getattr(kept, name) != getattr(config, name)]
    if other:
        raise UserError(f"the pretrained weights belong to a VS-DiT with a different {', '.join(other)}")
    new = VSDiT(config)
    own, weights = dit.state_dict(), new.state_dict()
    for name, tensor in own.items():
        if name in weights and weights[name].shape == tensor.shape:
            weights[name] = tensor
    rows = min(len(own["position"]), len(weights["position"]))
    weights["position"][:rows] = own["position"][:rows]  # [K, D]
    lengths = torch.arange(config.max_latents + 1).clamp(max=kept.max_latents)
    weights["length_embedder.weight"] = own["length_embedder.weight"][lengths]  # [1 + N, D]
    if config.styles and kept.styles:
        known = own["style_embedder.weight"]  # [1 + styles, D]
        number = {style: 1 + k for k, style in enumerate(kept.styles)}
        mean = known[1:].mean(0)
        weights["style_embedder.weight"] = torch.stack(
            [known[0], *(known[number[style]] if style in number else mean for style in config.styles)]
        )
    new.load_state_dict(weights)
    return new


def drop_prompts(
    context: Tensor, context_mask: Tensor, drop: Tensor, null_context: Tensor, null_mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Replace context and mask by the null prompt's where drop [B] is True (classifier-free guidance).

    context [B, S, C], context_mask [B, S]; null_context [S0, C], null_mask [S0] -> the same shapes with
    max(S, S0) text tokens.
    """
    length = max(context.shape[1], len(null_context))
    context = F.pad(context, (0, 0, 0, length - context.shape[1]))  # [B, S', C]
    context_mask = F.pad(context_mask, (0, length - context_mask.shape[1]), value=True)  # [B, S']
    null_context = F.pad(null_context, (0, 0, 0, length - len(null_context)))  # [S', C]
    null_mask = F.pad(null_mask, (0, length - len(null_mask)), value=True)  # [S']
    return (
        torch.where(drop[:, None, None], null_context, context),
        torch.where(drop[:, None], null_mask, context_mask),
    )
