"""Stage generate: prompts -> SVG files."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import BATCH_SIZE, SAMPLES_KIND, SVGFusionPipeline, check_prompts, check_seeds
from svgfusion_lib.pipeline_output import SVGImage
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.utils.render import contact_sheet


def read_prompts(path: str | Path) -> list[str]:
    """Read prompts from a text file, one per line, skipping empty lines and lines that start with #."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a text file of prompts ({error})") from error
    prompts = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not prompts:
        raise UserError(f"{path}: holds no prompt; write one per line")
    return prompts


def generate(
    pipeline: SVGFusionPipeline,
    prompts: str | Sequence[str],
    output_dir: str | Path,
    num_samples: int = 1,
    seed: int = 0,
    config: SamplingConfig | None = None,
    style: str | None = None,
    finish: Callable[[SVGImage], SVGImage] | None = None,
) -> list[dict]:
    """Run the pipeline on every prompt and write the drawings.

    Writes output_dir/{index:03d}_{slug}_{k}.svg, samples.json (returned: file, prompt, style, seed, settings, the
    words of the prompt unknown to the models, and whether the drawing is doubtful) and a contact sheet sheet.png with
    one row per prompt. Sample k of every prompt has seed `seed + k`. style: of all samples; None: the one named in
    each prompt, if any.
    finish: postprocesses each image before it is written (`svgfusion_lib.editing.explain.name_layers`).
    """
    prompts = [prompts] if isinstance(prompts, str) else list(prompts)
    check_prompts(prompts)
    check_seeds(seed, num_samples)
    config = config or SamplingConfig()
    for prompt in prompts:  # fail before any work
        pipeline.route(prompt, style).check(config, style)
    unknown = [pipeline.unknown_words(prompt, style) for prompt in prompts]
    entries, sheet = [], []
    at_once = max(1, BATCH_SIZE // num_samples)
    with output_set(output_dir, "generate") as folder:
        for start in range(0, len(prompts), at_once):
            images = pipeline(
                prompts[start : start + at_once], num_samples, seed=seed, style=style, config=config
            ).images
            images = images if finish is None else [finish(image) for image in images]
            for number, image in enumerate(images, start=start * num_samples):
                i, k = divmod(number, num_samples)
                path = write_text(folder / f"{i:03d}_{slug(image.prompt)}_{k}.svg", image.svg)
                entries.append({
                    "file": path.name, "prompt": image.prompt, "drawn_for": image.drawn_for, "style": image.style,
                    "unknown_words": unknown[i], "similarity": image.similarity, "doubtful": image.is_doubtful,
                    "seed": image.seed, "model": image.model, "rows": len(image.rows) - 2,
                    "settings": config.to_dict(),
                })
            sheet += [[image.svg for image in images[k : k + num_samples]] for k in range(0, len(images), num_samples)]
        write_json(folder / "samples.json", entries, SAMPLES_KIND)
        contact_sheet(sheet, folder / "sheet.png", row_labels=prompts)
    return entries


def slug(prompt: str, length: int = 40) -> str:
    """Turn a prompt into part of a file name: lower-case words joined by hyphens, at most `length` characters."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")
    return words[:length].rstrip("-") or "prompt"
