"""A small head on a frozen pixel encoder: pixel tokens of a rendering -> one vector that says what an icon shows.

Trained by `svgfusion train_icon_head` on icons that bear the same name in several packs: what they share is
the thing, what they do not is the style.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svgfusion_lib.errors import UserError
from svgfusion_lib.utils.files import atomic_path

KIND = "svgfusion icon head"
SHIPPED = Path(__file__).resolve().parents[2] / "data" / "pretrained" / "icon_head.safetensors"


class IconHead(nn.Module):
    """Tokens [B, P, C] -> unit vectors [B, D]: standardised, then one linear map of all tokens together."""

    def __init__(self, pixel_encoder: str, num_tokens: int, token_width: int, width: int = 128):
        super().__init__()
        self.pixel_encoder = pixel_encoder
        self.register_buffer("mean", torch.zeros(num_tokens, token_width))
        self.register_buffer("std", torch.ones(num_tokens, token_width))
        self.dropout = nn.Dropout(0.3)
        self.linear = nn.Linear(num_tokens * token_width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [B, P, C] of `pixel_encoder` -> [B, D], each of length 1."""
        if tokens.shape[1:] != self.mean.shape:
            raise ValueError(f"tokens must be [B, {', '.join(map(str, self.mean.shape))}], got {list(tokens.shape)}")
        x = (tokens - self.mean) / self.std  # [B, P, C]
        return F.normalize(self.linear(self.dropout(x.flatten(1))), dim=-1)  # [B, D]


def save_icon_head(head: IconHead, path: str | Path) -> Path:
    """Write the head as bf16 safetensors. One entry of metadata only: more are written in no fixed order."""
    from safetensors.torch import save_file

    tensors = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in head.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={KIND: head.pixel_encoder})
    return Path(path)


def load_icon_head(path: str | Path = SHIPPED) -> IconHead:
    """The shipped head, or another that `save_icon_head` wrote, in eval mode. UserError if it is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
        if KIND not in metadata:
            raise UserError(f"{path}: is not an icon head; make one with `svgfusion train_icon_head`")
        head = IconHead(metadata[KIND], *tensors["mean"].shape, width=len(tensors["linear.bias"]))
        head.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(f"{path}: not a readable icon head ({reason}); use `svgfusion train_icon_head`") from error
    return head.eval()
