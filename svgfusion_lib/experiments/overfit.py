"""Stage overfit: both models learn 32 icons by heart. What cannot do that cannot learn thousands."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.corpus.preprocess import load_cache, preprocess
from svgfusion_lib.corpus.records import Record, copy_records, read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.evaluation.vae import IMAGE_SIZE, rebuild
from svgfusion_lib.models.checkpoint import load_model
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import write_json
from svgfusion_lib.system.outputs import claimed
from svgfusion_lib.training.dit import train_dit
from svgfusion_lib.training.latents import prepare_latents
from svgfusion_lib.training.vae import train_vae
from svgfusion_lib.utils.dataset import ChunkDataset
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.render import contact_sheet, render_svg
from svgfusion_lib.utils.svg_parser import parse_svg

MAX_LATENTS = 12  # of an icon that is chosen
SAMPLING = SamplingConfig(guidance_scale=1.0, length_temperature=0.0, candidates=1)


def overfit(
    output_dir: str | Path,
    pack: str = "lucide",
    num_icons: int = 32,
    vae_steps: int = 4000,
    dit_steps: int = 8000,
    box_scale: float = 2.0,
    vae_preset: str = "S",
    dit_preset: str = "mini",
    device: str = "cpu",
    seed: int = 0,
    packs_dir: str | Path = "data/packs",
) -> dict:
    """Train a VP-VAE and a VS-DiT on the same icons, and ask for each icon by its caption; return the figures.

    Writes output_dir/report.json (SSIM of reconstructions from the mean and from a sample of the posterior, SSIM
    of samples with and without snapping to the grid, how many have the right icon as the nearest by pixel
    distance) and sheet.png (original, reconstruction, sample).
    """
    output_dir = Path(output_dir)
    with claimed(output_dir, "overfit"):
        records = _choose(fetch_packs([pack], packs_dir)[0], output_dir / "svg", num_icons, seed)
        preprocess(output_dir / "svg", output_dir / "cache", max_files=None)
        vae_path = train_vae(
            output_dir / "vae", precomputed_dir=output_dir / "cache", batch_size=num_icons, num_epochs=vae_steps,
            preset=vae_preset, device=device, seed=seed, lr=2.0e-3, kl_weight=1.0e-6,
        )
        prepare_latents(vae_path, output_dir / "cache", output_dir / "latents", box_scale=box_scale)
        dit_path = train_dit(
            output_dir / "dit", vae_path, latents_dir=output_dir / "latents", batch_size=num_icons,
            num_epochs=dit_steps, preset=dit_preset, device=device, seed=seed, lr=1.0e-3, val_every=dit_steps,
            checkpoint_every=1000,
        )
        vae, _ = load_model(vae_path, "vpvae")
        cache = load_cache(output_dir / "cache")
        rebuilt = list(rebuild(vae, cache, ChunkDataset(cache, vae.config), seed))
        pipeline = SVGFusionPipeline.from_pretrained(vae=vae_path, dit=dit_path, device=device)
        captions = [record.captions[0] for record in records]
        drawn, loose = (
            [s.svg for s in pipeline.sample(captions, [seed] * len(records), config)]
            for config in (SAMPLING, replace(SAMPLING, snap=0.0))
        )
        icons = np.stack([r.pictures[0] for r in rebuilt])  # [icons, H, W, 3]
        pictures = [np.stack([render_svg(svg, IMAGE_SIZE) for svg in svgs]) for svgs in (drawn, loose)]
        by_caption, by_caption_loose = ([ssim(a, b) for a, b in zip(icons, other)] for other in pictures)
        nearest = _nearest(pictures[0], icons)
        report = {
            "icons": len(records), "vae_steps": vae_steps, "dit_steps": dit_steps, "box_scale": box_scale,
            "ssim_from_mean": float(np.mean([r.ssim_from_mean for r in rebuilt])),
            "ssim_from_sample": float(np.mean([r.ssim_from_sample for r in rebuilt])),
            "ssim_of_drawn": float(np.mean(by_caption)), "drawn_at_least_0.9": sum(v >= 0.9 for v in by_caption),
            "ssim_of_drawn_without_snap": float(np.mean(by_caption_loose)),
            "drawn_at_least_0.9_without_snap": sum(v >= 0.9 for v in by_caption_loose),
            "nearest_is_right": int((nearest == np.arange(len(records))).sum()),
            "captions": {caption: round(v, 4) for caption, v in zip(captions, by_caption)},
        }
        write_json(output_dir / "report.json", report, "report of overfit")
        columns = zip(*((*r.svgs[:2], svg) for r, svg in zip(rebuilt, drawn)))
        _draw_sheet(output_dir / "sheet.png", [list(column) for column in columns])
    return report


def _choose(pack_dir: Path, svg_dir: Path, count: int, seed: int) -> list[Record]:
    """Copy `count` icons of a pack with one caption each, all to train on; records sorted by file."""
    records = read_records(pack_dir)
    chosen, captions = [], set()
    for i in np.random.default_rng(seed).permutation(len(records)):
        record = records[i]
        chunks = rows_to_chunks(parse_svg(pack_dir / record.file).rows, "path", 16)
        if len(chunks) <= MAX_LATENTS and record.captions[0] not in captions:
            captions.add(record.captions[0])
            chosen.append(replace(record, captions=record.captions[:1], split="train"))
        if len(chosen) == count:
            break
    else:
        raise UserError(f"{pack_dir}: holds fewer than {count} icons of at most {MAX_LATENTS} latents")
    chosen.sort(key=lambda record: record.file)
    copy_records(pack_dir, chosen, svg_dir)
    return chosen


def _nearest(queries: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Index of the picture with the least squared pixel distance to each query: uint8 [N, H, W, 3] -> [N]."""
    a, b = (x.reshape(len(x), -1).astype(np.float64) for x in (queries, pictures))
    return ((a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)).argmin(1)


def _draw_sheet(path: Path, columns: list[list[str]], per_row: int = 8) -> None:
    rows, labels = [], []
    for start in range(0, len(columns[0]), per_row):
        rows += [svgs[start : start + per_row] for svgs in columns]
        labels += ["icon", "VP-VAE", "from its caption"]
    contact_sheet(rows, path, cell=72, row_labels=labels)
