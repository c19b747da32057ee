"""Stages vary, redraw, restyle, palette, morph: edit SVG files (svgfusion_lib/editing/)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.editing import (
    decode_layers,
    decode_svg,
    encode_svg,
    interpolate,
    layer_of_latents,
    parse_palette,
    recolour,
    redraw,
    restyle,
    variations,
)
from svgfusion_lib.editing.morphing import animated_svg
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import SAMPLES_KIND, SVGFusionPipeline, check_prompts, check_seeds
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import check_no_overlap, output_set
from svgfusion_lib.utils.render import contact_sheet
from svgfusion_lib.utils.svg_parser import ParsedSVG, parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

ANIMATION_NAME = "morph.svg"


def vary_svg(
    pipeline: SVGFusionPipeline, svg: str | Path, prompt: str, output_dir: str | Path, strength: float = 0.4,
    num_samples: int = 8, seed: int = 0, config: SamplingConfig | None = None, style: str | None = None,
    keep_style: bool = False,
) -> list[dict]:
    """Draw variations of an SVG file: output_dir/{k}.svg with seed `seed + k`, and reconstruction.svg.

    Also writes samples.json (returned; left_out: parts of the file that rows cannot represent) and sheet.png: the
    reconstruction, then the variations.
    """
    pipeline, config, seeds = _prepare(pipeline, prompt, style, config, seed, num_samples)
    check_no_overlap(output_dir, svg)
    z = encode_svg(pipeline, Path(svg))
    varied = variations(pipeline, z, prompt, strength, seeds, config, style, keep_style)  # [B, N, Z]
    entry = _source(svg) | {"prompt": prompt, "style": style, "keep_style": keep_style, "strength": strength}
    return _write_samples(pipeline, z, varied, seeds, config, output_dir, "vary", entry)


def redraw_svg(
    pipeline: SVGFusionPipeline, svg: str | Path, keep: Sequence[int], prompt: str, output_dir: str | Path,
    num_samples: int = 8, seed: int = 0, config: SamplingConfig | None = None, style: str | None = None,
    keep_style: bool = False, resample: int = 0,
) -> list[dict]:
    """Keep some layers of an SVG file (1, 2, ..., as in reconstruction.svg), redraw the rest; outputs as `vary_svg`."""
    pipeline, config, seeds = _prepare(pipeline, prompt, style, config, seed, num_samples)
    check_no_overlap(output_dir, svg)
    z = encode_svg(pipeline, Path(svg))
    layers = layer_of_latents(pipeline, z)  # [N]
    count = int(layers.max())
    strange = [k for k in keep if not 1 <= k <= count]
    if strange:
        raise UserError(f"{svg}: has no layer {strange[0]}; its layers are 1 to {count}, from back to front")
    kept = torch.isin(layers, torch.tensor(list(keep), dtype=layers.dtype, device=layers.device))  # [N]
    if kept.all():
        raise UserError(f"{svg}: all {count} layers are kept, so there is nothing to draw; keep fewer")
    drawn = redraw(pipeline, z, kept, prompt, seeds, config, style, keep_style, resample)  # [B, N, Z]
    entry = _source(svg) | {"prompt": prompt, "style": style, "keep_style": keep_style, "keep": list(keep)}
    return _write_samples(pipeline, z, drawn, seeds, config, output_dir, "redraw", entry | {"resample": resample})


def restyle_svg(
    pipeline: SVGFusionPipeline, svg: str | Path, prompt: str, style: str, output_dir: str | Path,
    strength: float = 0.4, num_samples: int = 8, seed: int = 0, config: SamplingConfig | None = None,
    move: bool = False,
) -> list[dict]:
    """Redraw an SVG file in another style, with its parts in place unless `move`; outputs as `vary_svg`."""
    pipeline, config, seeds = _prepare(pipeline, prompt, style, config, seed, num_samples)
    check_no_overlap(output_dir, svg)
    z = encode_svg(pipeline, Path(svg))
    drawn = restyle(pipeline, z, prompt, style, seeds, strength, config, move=move)  # [B, N, Z]
    entry = _source(svg) | {"prompt": prompt, "style": style, "strength": strength, "move": move}
    return _write_samples(pipeline, z, drawn, seeds, config, output_dir, "restyle", entry)


def recolour_svg(svg: str | Path, palette: Sequence[str], output_dir: str | Path, by: str = "layers") -> dict:
    """Recolour an SVG file with a palette, without a model: output_dir/<its name> and samples.json.

    Returns the entry of samples.json: file, svg, palette, by, and left_out (parts that rows cannot represent).
    """
    colours = parse_palette(palette)
    check_no_overlap(output_dir, svg)
    parsed = _parse(svg)
    name = Path(svg).with_suffix(".svg").name
    entry = {"file": name} | _source(svg) | {"palette": list(palette), "by": by}
    with output_set(output_dir, "palette") as folder:
        write_text(folder / name, rows_to_svg(recolour(parsed.rows, colours, by), parsed.size))
        write_json(folder / "samples.json", [entry], SAMPLES_KIND)
    return entry


def morph_svgs(
    pipeline: SVGFusionPipeline, svg: str | Path, svg_b: str | Path, output_dir: str | Path, steps: int = 8,
    config: SamplingConfig | None = None, match: str = "boxes",
) -> list[dict]:
    """Morph one SVG file into another: output_dir/{k}.svg, the strip sheet.png and the animated morph.svg.

    Also writes samples.json (returned; left_out, left_out_b: parts of the two files that rows cannot represent).
    """
    config = replace(config or SamplingConfig(), candidates=1)  # edits are not ranked
    check_no_overlap(output_dir, svg, svg_b)
    first, last = (encode_svg(pipeline, Path(path)) for path in (svg, svg_b))
    frames = interpolate(pipeline, first, last, steps, match)
    ends = _source(svg) | {f"{name}_b": value for name, value in _source(svg_b).items()}
    svgs = [decode_svg(pipeline, z, config) for z in frames]
    entry: dict = ends | {"match": match, "settings": config.to_dict()}
    entries: list[dict] = [{"file": f"{k:02d}.svg"} | entry for k in range(len(svgs))]
    with output_set(output_dir, "morph") as folder:
        for each, frame in zip(entries, svgs):
            write_text(folder / each["file"], frame)
        write_json(folder / "samples.json", entries, SAMPLES_KIND)
        write_text(folder / ANIMATION_NAME, animated_svg(svgs, config.canvas))
        contact_sheet([svgs], folder / "sheet.png")
    return entries


def _prepare(
    pipeline: SVGFusionPipeline, prompt: str, style: str | None, config: SamplingConfig | None, seed: int,
    num_samples: int,
) -> tuple[SVGFusionPipeline, SamplingConfig, list[int]]:
    """Return the model that the prompt is routed to, the settings and one seed per sample.

    UserError if the model does not support them.
    """
    check_prompts([prompt])
    pipeline = pipeline.route(prompt, style)
    config = replace(config or SamplingConfig(), candidates=1)  # edits are not ranked
    seed = check_seeds(seed, num_samples)
    pipeline.check(config, style)
    return pipeline, config, [seed + k for k in range(num_samples)]


def _parse(svg: str | Path) -> ParsedSVG:
    try:
        return parse_svg(Path(svg))
    except ValueError as error:
        raise UserError(f"{svg}: {error}") from error


def _source(svg: str | Path) -> dict[str, str]:
    """Entry of samples.json for an edited file: its path, and the parts that rows cannot represent."""
    return {"svg": str(svg), "left_out": _parse(svg).left_out}


def _write_samples(
    pipeline: SVGFusionPipeline, z: Tensor, edited: Tensor, seeds: Sequence[int], config: SamplingConfig,
    output_dir: str | Path, stage: str, entry: dict,
) -> list[dict]:
    """Write z [N, Z] as reconstruction.svg, its edits [B, N, Z] as {k}.svg, samples.json and sheet.png."""
    rows = decode_layers(pipeline, torch.cat([z[None], edited]), layer_of_latents(pipeline, z), config)
    rebuilt, *svgs = (rows_to_svg(each, config.canvas) for each in rows)
    entry = entry | {"settings": config.to_dict()}
    entries = [{"file": f"{k}.svg", "seed": seed} | entry for k, seed in enumerate(seeds)]
    with output_set(output_dir, stage) as folder:
        write_text(folder / "reconstruction.svg", rebuilt)
        for each, svg in zip(entries, svgs):
            write_text(folder / each["file"], svg)
        write_json(folder / "samples.json", entries, SAMPLES_KIND)
        labels = ["rebuilt", *(f"seed {seed}" for seed in seeds)]
        contact_sheet([[rebuilt, *svgs]], folder / "sheet.png", column_labels=labels)
    return entries
