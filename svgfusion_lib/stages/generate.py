"""Stage generate: prompts -> SVG files; or reconstructions and random samples of a VP-VAE."""

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.utils.data import Subset

from svgfusion_lib.config import CANDIDATES, SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.sampling import OWN_MODEL, SAMPLES_KIND, check_prompts, check_seeds, load_pipeline
from svgfusion_lib.stages.prepare_latents import check_pixel_encoder, encode_dataset
from svgfusion_lib.stages.preprocess import cache_rows, load_cache
from svgfusion_lib.utils.checkpoint import load_model
from svgfusion_lib.utils.dataset import ChunkDataset
from svgfusion_lib.utils.files import write_json, write_text
from svgfusion_lib.utils.locks import locked_folder
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.render import contact_sheet
from svgfusion_lib.utils.tensorsvg import rows_to_svg
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


def reconstruct_and_sample(
    ckpt_path: str | Path,
    precomputed_dir: str | Path,
    out_dir: str | Path,
    num_eval: int = 5,
    num_samples: int = 5,
    seed: int = 0,
) -> dict[str, list[Path]]:
    """Reconstructions of num_eval SVGs of a cache and num_samples random draws from a VP-VAE.

    A random draw takes the number of latents and the explicit channels (box and style, where the layout has
    them) of a real SVG, and the learned channels from the prior N(0, 1): a check of the decoder, not a
    generative model of icons. Writes recon_{k}.svg, random_{k}.svg and sheet.png (original, reconstruction).
    """
    if num_eval < 0 or num_samples < 0 or num_eval + num_samples == 0:
        raise UserError(f"--num_eval {num_eval} and --num_samples {num_samples}: nothing to draw; give one above 0")
    vae, _ = load_model(ckpt_path, "vpvae")
    cache = load_cache(precomputed_dir)
    check_pixel_encoder(vae, cache)
    config = vae.config
    dataset = ChunkDataset(cache, config)
    if not len(dataset):
        raise UserError(f"{precomputed_dir}: no SVG has at most {config.max_latents} latents")
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(dataset), generator=generator).tolist()
    count = max(num_eval, num_samples)
    chosen = [chosen[i % len(chosen)] for i in range(count)]
    means, _ = encode_dataset(vae, Subset(dataset, chosen))
    out_dir = Path(out_dir)
    written: dict[str, list[Path]] = {"recon": [], "random": []}
    sheet = []
    with locked_folder(out_dir):
        for k, mean in enumerate(means):
            mask = torch.zeros(1, len(mean), dtype=torch.bool)
            if k < num_eval:
                svg = rows_to_svg(vae.decode_rows(mean[None], mask)[0])
                written["recon"].append(write_text(out_dir / f"recon_{k}.svg", svg))
                sheet.append([rows_to_svg(cache_rows(cache, dataset.indices[chosen[k]])), svg])
            if k < num_samples:
                prior = torch.randn(1, len(mean), config.latent_width, generator=generator)
                z = torch.cat([mean[None, :, : vae.explicit_width], prior], dim=-1)  # [1, N, Z]
                svg = rows_to_svg(vae.decode_rows(z, mask)[0])
                written["random"].append(write_text(out_dir / f"random_{k}.svg", svg))
        if sheet:
            contact_sheet(sheet, out_dir / "sheet.png", row_labels=[dataset.names[i] for i in chosen[:num_eval]],
                          column_labels=["original", "reconstruction"])
    return written
