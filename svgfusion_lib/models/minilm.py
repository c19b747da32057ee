"""all-MiniLM-L6-v2 (arXiv 2002.10957): BERT's encoder (arXiv 1810.04805) with six layers, without its pooler.

Implemented here because importing transformers' version takes longer than the gallery takes to draw eight icons.
"""

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from svgfusion_lib.models.base import NoInit

_WIDTH, _HEADS, _LAYERS, _POSITIONS, _TOKENS = 384, 12, 6, 512, 30_522
_EPSILON = 1e-12
_LAYER = {  # names in nn.TransformerEncoderLayer -> names in the weight file
    "self_attn.out_proj": "attention.output.dense", "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense", "linear2": "output.dense", "norm2": "output.LayerNorm",
}


class MiniLM(nn.Module):
    """Token ids [B, S] and attention mask (1: token) -> `last_hidden_state` [B, S, 384], as in transformers."""

    config = SimpleNamespace(hidden_size=_WIDTH, max_position_embeddings=_POSITIONS)

    def __init__(self):
        super().__init__()
        self.words, self.positions = nn.Embedding(_TOKENS, _WIDTH), nn.Embedding(_POSITIONS, _WIDTH)
        self.kinds, self.norm = nn.Embedding(2, _WIDTH), nn.LayerNorm(_WIDTH, _EPSILON)
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 4 * _WIDTH, activation="gelu", layer_norm_eps=_EPSILON, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        places = self.positions.weight[: input_ids.shape[1]] + self.kinds.weight[0]  # [S, D]
        x = self.norm(self.words(input_ids) + places)  # [B, S, D]
        return SimpleNamespace(last_hidden_state=self.layers(x, src_key_padding_mask=attention_mask == 0))  # [B, S, D]

    @classmethod
    def load(cls, path: str | Path) -> "MiniLM":
        """Load a model from a weight file (safetensors)."""
        from safetensors.torch import load_file

        file = load_file(path)
        weights = {}
        for own, name in (
            ("words", "word_embeddings"), ("positions", "position_embeddings"), ("kinds", "token_type_embeddings"),
        ):
            weights[f"{own}.weight"] = file[f"embeddings.{name}.weight"]
        for kind in ("weight", "bias"):
            weights[f"norm.{kind}"] = file[f"embeddings.LayerNorm.{kind}"]
            for k in range(_LAYERS):
                source, target = f"encoder.layer.{k}", f"layers.layers.{k}"
                for own, name in _LAYER.items():
                    weights[f"{target}.{own}.{kind}"] = file[f"{source}.{name}.{kind}"]
                parts = [file[f"{source}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
                weights[f"{target}.self_attn.in_proj_{kind}"] = torch.cat(parts)  # [3 D, D] or [3 D]
        with NoInit():  # skip initialisation: all weights are overwritten
            model = cls()
        model.load_state_dict(weights, assign=True)
        return model
