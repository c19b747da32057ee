"""The size table in docs/models.md matches the code."""

import re
from pathlib import Path

import torch

from svgfusion_lib.config import DiTConfig, VAEConfig
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
ROW = re.compile(r"\| (VP-VAE|VS-DiT) \| (\w+) \| ([\d,]+) \| ([\d +]+) \| (\d+) \| ([\d,]+) \|")


def parameters(model: torch.nn.Module) -> str:
    return f"{sum(p.numel() for p in model.parameters()):,}"


def test_table_of_presets_holds_what_the_code_builds():
    expected = []
    with torch.device("meta"):  # shapes without memory
        for name in VAEConfig.PRESETS:
            config = VAEConfig.preset(name, pixel_width=320)
            depth = f"{config.encoder_depth} + {config.decoder_depth}"
            size = (f"{config.width:,}", depth, str(config.heads), parameters(VPVAE(config)))
            expected.append(("VP-VAE", name, *size))
        for name in DiTConfig.PRESETS:
            config = DiTConfig.preset(name, latent_width=47, context_width=384, patch_size=1, max_latents=16)
            size = (f"{config.width:,}", str(config.depth), str(config.heads), parameters(VSDiT(config)))
            expected.append(("VS-DiT", name, *size))
    assert ROW.findall(PAGE.read_text(encoding="utf-8")) == expected


def test_presets_of_the_dit_are_those_of_the_field():
    """Peebles & Xie 2023, table 1: depth, width, heads; and an MLP ratio of 4."""
    table = {"S": (12, 384, 6), "B": (12, 768, 12), "L": (24, 1024, 16)}
    for name, size in table.items():
        config = DiTConfig.preset(name)
        assert (config.depth, config.width, config.heads) == size and config.mlp_ratio == 4
    assert DiTConfig.preset("mini") == DiTConfig()  # old checkpoints rely on these defaults
