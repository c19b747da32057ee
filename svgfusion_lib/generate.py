"""Stage generate: prompts -> SVG files."""

import re
from collections.abc import Sequence
from pathlib import Path

from svgfusion_lib.config import CANDIDATES, SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import OWN_MODEL, SAMPLES_KIND, check_prompts, check_seeds, load_pipeline
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.locks import locked_folder
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import contact_sheet
from svgfusion_lib.weights import model_for

BATCH_SIZE = 64


def read_prompts(path: str | Path) -> list[str]:
    """Prompts of a text file, one a line; empty lines and lines that begin with # are left out."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a text file of prompts ({error})") from error
    prompts = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not prompts:
        raise UserError(f"{path}: holds no prompt; write one a line")
    return prompts


def generate(
    prompts: Sequence[str],
    output_dir: str | Path,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    num_samples: int = 1,
    seed: int = 0,
    config: SamplingConfig | None = None,
    device: str = "cpu",
    style: str | None = None,
    model: str | Path | None = None,
) -> list[dict]:
    """Draw num_samples SVGs for every prompt; without checkpoints by a shipped `model`, or the one that it asks for.

    Writes output_dir/{index:03d}_{slug}_{k}.svg, samples.json (file, prompt, style, seed, settings; returned) and
    a contact sheet sheet.png with a row per prompt. Sample k of every prompt has seed `seed + k`. style: of all
    samples, one that the model was trained with (`train_dit --style_condition`); else each prompt's, if it names one.
    """
    check_prompts(prompts)
    check_seeds(seed, num_samples)
    config = config or SamplingConfig(candidates=CANDIDATES)
    own = vae_checkpoint is not None or dit_checkpoint is not None
    models = [OWN_MODEL if own else str(model or model_for(prompt, style)) for prompt in prompts]
    pipelines = {name: load_pipeline(vae_checkpoint, dit_checkpoint, device, name) for name in dict.fromkeys(models)}
    for pipeline in pipelines.values():  # refused before any work
        pipeline.encode_styles([style])
        pipeline.check_steps(config)
    jobs = [(i, k) for i in range(len(prompts)) for k in range(num_samples)]
    entries, sheet = {}, [[None] * num_samples for _ in prompts]
    output_dir = Path(output_dir)
    with locked_folder(output_dir):
        for name, part in track(_batches(jobs, models), "generate"):
            styles = [style or pipelines[name].style_in(prompts[i]) for i, _ in part]
            samples = pipelines[name].sample(
                [prompts[i] for i, _ in part], [seed + k for _, k in part], config, styles=styles
            )
            for (i, k), own_style, sample in zip(part, styles, samples):
                path = write_text(output_dir / f"{i:03d}_{slug(sample.prompt)}_{k}.svg", sample.svg)
                sheet[i][k] = sample.svg
                entries[i, k] = {
                    "file": path.name, "prompt": sample.prompt, "drawn_for": sample.drawn_for,
                    "style": own_style, "seed": sample.seed, "model": name,
                    "rows": len(sample.rows) - 2, "settings": config.to_dict(),
                }
        in_order = [entries[job] for job in jobs]
        write_json(output_dir / "samples.json", in_order, SAMPLES_KIND)
        contact_sheet(sheet, output_dir / "sheet.png", row_labels=list(prompts))
    return in_order


def _batches(jobs: list[tuple[int, int]], models: list[str]) -> list[tuple[str, list[tuple[int, int]]]]:
    """(prompt, sample) jobs in batches of one model each, given the model of each prompt."""
    batches = []
    for name in dict.fromkeys(models):
        own = [job for job in jobs if models[job[0]] == name]
        batches += [(name, own[k : k + BATCH_SIZE]) for k in range(0, len(own), BATCH_SIZE)]
    return batches


def slug(prompt: str, length: int = 40) -> str:
    """A file name part: lower-case words joined by hyphens, at most `length` characters."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")
    return words[:length].rstrip("-") or "prompt"
