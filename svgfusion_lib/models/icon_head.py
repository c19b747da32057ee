"""The evaluator: a small head on frozen encoders that embeds icons and texts into one space, like CLIP.

Trained by `svgfusion train_icon_head` on packs that no generator here is trained on, so that its scores do not reward
what the generator has memorised.
"""

import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svgfusion_lib.errors import UserError, first_line
from svgfusion_lib.models.layers import masked_mean
from svgfusion_lib.models.pretrained import PRETRAINED_DIR, check_named
from svgfusion_lib.system.files import write_bytes

KIND = "svgfusion icon head"
VERSION = 2
SHIPPED = PRETRAINED_DIR / "icon_head.safetensors"


class IconHead(nn.Module):
    """Projects the pixel tokens of a rendering, and a text, into one space of unit vectors [B, D].

    pixel_encoder, text_encoder: the frozen models whose outputs it reads; packs: the icon packs it was trained on.
    realism: only in a ranker; a linear classifier of real icons against generated ones (`train_realism`).
    """

    mean: Tensor  # [P, C]
    std: Tensor   # [P, C]

    def __init__(
        self, pixel_encoder: str, num_tokens: int, token_width: int, width: int = 128, text_encoder: str = "minilm",
        text_width: int = 384, packs: tuple[str, ...] = (),
    ):
        super().__init__()
        self.pixel_encoder, self.text_encoder, self.packs = pixel_encoder, text_encoder, tuple(packs)
        self.register_buffer("mean", torch.zeros(num_tokens, token_width))
        self.register_buffer("std", torch.ones(num_tokens, token_width))
        self.dropout = nn.Dropout(0.3)
        self.linear = nn.Linear(num_tokens * token_width, width)
        self.text = nn.Linear(text_width, width)
        self.realism: nn.Linear | None = None

    def add_realism(self) -> nn.Linear:
        """Replace the `log_realism` classifier by a newly initialised one, and return it."""
        self.realism = nn.Linear(self.mean.numel(), 1)
        return self.realism

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [B, P, C] of `pixel_encoder` -> unit vectors [B, D]: standardise, flatten, project."""
        return F.normalize(self.linear(self.dropout(self.standardise(tokens))), dim=-1)  # [B, D]

    def standardise(self, tokens: Tensor) -> Tensor:
        """tokens [B, P, C] -> standardised and flattened [B, P C]."""
        if tokens.shape[1:] != self.mean.shape:
            raise ValueError(f"tokens must be [B, {', '.join(map(str, self.mean.shape))}], got {list(tokens.shape)}")
        return ((tokens - self.mean) / self.std).flatten(1)  # [B, P C]

    def log_realism(self, tokens: Tensor) -> Tensor:
        """tokens [B, P, C] -> [B]: log-probability that a picture is a real icon; 0 without a realism classifier."""
        if self.realism is None:
            return torch.zeros(len(tokens))
        return F.logsigmoid(self.realism(self.standardise(tokens))).squeeze(1)  # [B]

    def encode_texts(self, means: Tensor) -> Tensor:
        """Mean text tokens [B, text_width] of `text_encoder` (see `mean_text_tokens`) -> unit vectors [B, D]."""
        return F.normalize(self.text(means), dim=-1)


def mean_text_tokens(context: Tensor, padding_mask: Tensor) -> Tensor:
    """Text tokens [B, S, C], padding mask [B, S] (True = pad) -> mean token [B, C], scaled to length 1."""
    return F.normalize(masked_mean(context, padding_mask), dim=-1)


def save_icon_head(head: IconHead, path: str | Path) -> Path:
    """Write the head as bf16 safetensors. Metadata is one entry, since safetensors does not fix their order."""
    from safetensors.torch import save

    tensors = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in head.state_dict().items()}
    description: dict = {
        "pixel_encoder": head.pixel_encoder, "text_encoder": head.text_encoder, "packs": list(head.packs),
    }
    description |= {"version": VERSION, "sha256": _hash_of(tensors, description)}
    return write_bytes(path, save(tensors, metadata={KIND: json.dumps(description)}))


def load_icon_head(path: str | Path = SHIPPED) -> IconHead:
    """Load the shipped head, or one written by `save_icon_head`, in eval mode; UserError if invalid or damaged."""
    from safetensors import SafetensorError, safe_open

    remedy = "make one with `svgfusion train_icon_head`"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        if KIND not in metadata:
            raise UserError(f"{path}: is not an icon head; {remedy}")
        description = json.loads(metadata[KIND])
        version, sha256 = description.pop("version", 1), description.pop("sha256", None)
        if version != VERSION:
            raise UserError(f"{path}: icon head of version {version}, but this program reads {VERSION}; {remedy}")
        if sha256 != _hash_of(tensors, description):
            raise UserError(f"{path}: damaged (its hash does not match); {remedy}")
        width, text_width = tensors["text.weight"].shape
        head = IconHead(
            num_tokens=tensors["mean"].shape[0], token_width=tensors["mean"].shape[1], width=width,
            text_width=text_width, **description,
        )
        if "realism.weight" in tensors:
            head.add_realism()
        head.load_state_dict(tensors)
    except (
        OSError, SafetensorError, LookupError, RuntimeError, AttributeError, TypeError, ValueError, MemoryError,
    ) as error:
        raise UserError(f"{path}: not a readable icon head ({first_line(error)}); {remedy}") from error
    for name in (head.pixel_encoder, head.text_encoder):
        check_named(name, path)
    return head.eval()


def _hash_of(tensors: dict[str, Tensor], description: dict) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {list(tensor.shape)}".encode())
        digest.update(tensor.float().numpy().tobytes())
    return digest.hexdigest()
