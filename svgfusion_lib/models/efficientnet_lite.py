"""EfficientNet-Lite0: inverted residual blocks without squeeze-and-excitation, ReLU6 throughout.

Only the layers that make the last feature map are here (stride 32, 320 channels); the classification
head of the weight file is left out. Attribute names are those of the weight file, TensorFlow's "SAME"
padding included, which is uneven where the stride is 2.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

FEATURE_WIDTH = 320  # channels of the last feature map
STRIDE = 32  # pixels per position of the last feature map
HEAD_PREFIXES = ("_conv_head.", "_bn1.", "_fc.")  # keys of the weight file that are not needed here

_STEM_WIDTH = 32
# (repeats, kernel, stride of the first, expansion, channels): table 1 of EfficientNet (arXiv 1905.11946)
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class _SameConv2d(nn.Conv2d):
    """Convolution without bias whose output is ceil(input / stride) wide, padded as TensorFlow does."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        totals = [
            max((-(-length // stride) - 1) * stride + kernel - length, 0)
            for length, kernel, stride in zip(x.shape[-2:], self.kernel_size, self.stride, strict=True)
        ]
        even = [total // 2 for total in totals]  # the convolution pads this much on both sides
        if any(total % 2 for total in totals):
            x = F.pad(x, (0, totals[1] % 2, 0, totals[0] % 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, even, groups=self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """Expand 1x1, depthwise, project 1x1; with a residual where shapes allow."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = channels_in * expansion
        self.expands = expansion != 1
        self.residual = stride == 1 and channels_in == channels_out
        if self.expands:
            self._expand_conv, self._bn0 = _SameConv2d(channels_in, wide, 1), _norm(wide)
        self._depthwise_conv, self._bn1 = _SameConv2d(wide, wide, kernel, stride, groups=wide), _norm(wide)
        self._project_conv, self._bn2 = _SameConv2d(wide, channels_out, 1), _norm(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x  # (B, wide, H, W)
        h = F.relu6(self._bn1(self._depthwise_conv(h)))  # (B, wide, H/stride, W/stride)
        h = self._bn2(self._project_conv(h))  # (B, out, H/stride, W/stride)
        return x + h if self.residual else h


class EfficientNetLite0(nn.Module):
    """Images float [B, 3, H, W] -> the last feature map [B, 320, ceil(H / 32), ceil(W / 32)]."""

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = _SameConv2d(3, _STEM_WIDTH, 3, 2), _norm(_STEM_WIDTH)
        blocks, channels = [], _STEM_WIDTH
        for repeats, kernel, stride, expansion, width in _STAGES:
            for i in range(repeats):
                blocks.append(_Block(channels, width, kernel, stride if i == 0 else 1, expansion))
                channels = width
        self._blocks = nn.ModuleList(blocks)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(images)))  # (B, 32, H/2, W/2)
        for block in self._blocks:
            x = block(x)
        return x  # (B, 320, H/32, W/32)

    def fuse_norms(self) -> None:
        """Fold every batch norm into its convolution: the same function in eval mode, faster."""
        for module in (self, *self._blocks):
            for conv, norm in (
                ("_conv_stem", "_bn0"), ("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"),
                ("_project_conv", "_bn2"),
            ):
                if hasattr(module, conv):
                    setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
                    setattr(module, norm, nn.Identity())
