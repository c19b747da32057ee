"""Stages vary, morph, redraw: SVG files of the user's, edited in latent space (svgfusion_lib/editing.py)."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.editing import (
    decode_svg,
    encode_svg,
    interpolate,
    interpolate_prompts,
    layer_of_latents,
    redraw,
    variations,
)
from svgfusion_lib.errors import UserError
from svgfusion_lib.sampling import Pipeline, check_prompts, check_seeds
from svgfusion_lib.utils.animation import animated_svg
from svgfusion_lib.utils.files import write_json, write_text
from svgfusion_lib.utils.render import contact_sheet

ANIMATION_NAME = "morph.svg"


def vary_svg(
    pipeline: Pipeline, svg: str | Path, prompt: str, output_dir: str | Path, strength: float = 0.4,
    num_samples: int = 8, seed: int = 0, config: SamplingConfig | None = None, style: str | None = None,
    keep_style: bool = False,
) -> list[dict]:
    """Variations of an SVG file: output_dir/{k}.svg with seed `seed + k`, beside reconstruction.svg.

    Also samples.json (returned) and sheet.png: the reconstruction, then the variations.
    """
    config, seeds = _checked(pipeline, config, seed, num_samples)
    _check_folder(output_dir, svg)
    z = encode_svg(pipeline, Path(svg))
    varied = variations(pipeline, z, prompt, strength, seeds, config, style, keep_style)  # [B, N, Z]
    entry = {"svg": str(svg), "prompt": prompt, "style": style, "keep_style": keep_style, "strength": strength}
    return _write_samples(pipeline, z, varied, seeds, config, output_dir, entry)


def redraw_svg(
    pipeline: Pipeline, svg: str | Path, keep: Sequence[int], prompt: str, output_dir: str | Path,
    num_samples: int = 8, seed: int = 0, config: SamplingConfig | None = None, style: str | None = None,
    keep_style: bool = False,
) -> list[dict]:
    """Keep layers of an SVG file (1, 2, ..., as in reconstruction.svg), draw the others; writes as `vary_svg`."""
    config, seeds = _checked(pipeline, config, seed, num_samples)
    _check_folder(output_dir, svg)
    check_prompts([prompt])
    pipeline.encode_styles([style])
    z = encode_svg(pipeline, Path(svg))
    layers = layer_of_latents(pipeline, z)  # [N]
    count = int(layers.max())
    strange = [k for k in keep if not 1 <= k <= count]
    if strange:
        raise UserError(f"{svg}: has no layer {strange[0]}; its layers are 1 to {count}, from the back to the front")
    kept = torch.isin(layers, torch.tensor(list(keep), dtype=layers.dtype, device=layers.device))  # [N]
    if kept.all():
        raise UserError(f"{svg}: all {count} layers are kept, so there is nothing to draw; keep fewer")
    drawn = redraw(pipeline, z, kept, prompt, seeds, config, style, keep_style)  # [B, N, Z]
    entry = {"svg": str(svg), "prompt": prompt, "style": style, "keep_style": keep_style, "keep": list(keep)}
    return _write_samples(pipeline, z, drawn, seeds, config, output_dir, entry)


def morph_svgs(
    pipeline: Pipeline, svg: str | Path, svg_b: str | Path, output_dir: str | Path, steps: int = 8,
    config: SamplingConfig | None = None,
) -> list[Path]:
    """From one SVG file to another: output_dir/{k}.svg, the strip sheet.png and morph.svg, which moves."""
    config, _ = _checked(pipeline, config)
    _check_folder(output_dir, svg, svg_b)
    frames = interpolate(pipeline, *(encode_svg(pipeline, Path(path)) for path in (svg, svg_b)), steps)
    return _write_frames(pipeline, frames, config, output_dir)


def morph_prompts(
    pipeline: Pipeline, prompt: str, prompt_b: str, output_dir: str | Path, steps: int = 8, seed: int = 0,
    config: SamplingConfig | None = None, style: str | None = None,
) -> list[Path]:
    """From one prompt's sample to another's, at one seed; writes as `morph_svgs`."""
    config, _ = _checked(pipeline, config, seed)
    frames = interpolate_prompts(pipeline, prompt, prompt_b, steps, seed, None, config, style)  # [steps, N, Z]
    return _write_frames(pipeline, list(frames), config, output_dir)


def _checked(
    pipeline: Pipeline, config: SamplingConfig | None, seed: int = 0, num_samples: int = 1
) -> tuple[SamplingConfig, list[int]]:
    """The settings and one seed for each sample; UserError if the model cannot do them."""
    config = config or SamplingConfig()
    check_seeds(seed, num_samples)
    pipeline.check_steps(config)
    return config, [seed + k for k in range(num_samples)]


def _check_folder(output_dir: str | Path, *svgs: str | Path) -> None:
    """UserError if an SVG lies in the folder that is written to."""
    for svg in svgs:
        if Path(svg).resolve().parent == Path(output_dir).resolve():
            raise UserError(f"{svg}: lies in --output_dir, where it could be overwritten; give another folder")


def _write_samples(
    pipeline: Pipeline, z: Tensor, edited: Tensor, seeds: Sequence[int], config: SamplingConfig,
    output_dir: str | Path, entry: dict,
) -> list[dict]:
    """z [N, Z] and what was made of it [B, N, Z] as files."""
    output_dir = Path(output_dir)
    svgs = [decode_svg(pipeline, each, config) for each in (z, *edited)]
    names = ["reconstruction.svg", *(f"{k}.svg" for k in range(len(edited)))]
    for name, svg in zip(names, svgs):
        write_text(output_dir / name, svg)
    entry = entry | {"settings": config.to_dict()}
    entries = [{"file": name, "seed": seed} | entry for name, seed in zip(names[1:], seeds)]
    write_json(output_dir / "samples.json", entries)
    labels = ["rebuilt", *(f"seed {seed}" for seed in seeds)]
    contact_sheet([svgs], output_dir / "sheet.png", column_labels=labels)
    return entries


def _write_frames(
    pipeline: Pipeline, frames: Sequence[Tensor], config: SamplingConfig, output_dir: str | Path
) -> list[Path]:
    """Latents [N, Z] of each frame as files."""
    output_dir = Path(output_dir)
    svgs = [decode_svg(pipeline, z, config) for z in frames]
    paths = [write_text(output_dir / f"{k:02d}.svg", svg) for k, svg in enumerate(svgs)]
    write_text(output_dir / ANIMATION_NAME, animated_svg(svgs, config.canvas))
    contact_sheet([svgs], output_dir / "sheet.png")
    return paths
