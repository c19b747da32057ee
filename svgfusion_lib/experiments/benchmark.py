"""Stage benchmark: measures speed; writes JSON and Markdown. docs/performance.md has results, with quality.

Everything is measured in one run on one machine, so that ratios are meaningful.
"""

import os
import platform
import random
import timeit
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import numpy as np
import torch

from svgfusion_lib.config import DEFAULT_MODEL, SamplingConfig
from svgfusion_lib.corpus.dummy import make_dummy_svg
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.svg.document import read_document
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.dataset import ChunkItem, collate_chunks
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

IMAGE_SIZE = 224  # pixels
LATENTS = 8       # per sample, so that batches are not split; fewer if the model draws fewer
ONE = SamplingConfig(candidates=1)  # settings for timing


def benchmark(
    output_dir: str | Path,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    batch_sizes: Sequence[int] = (1, 4, 16),
    steps: Sequence[int] = (5, 10, 20, 50, 100),
    repeats: int = 3,
    svg_dir: str | Path | None = None,
    num_svgs: int = 64,
    device: str = "cpu",
    model: str | Path = DEFAULT_MODEL,
) -> dict:
    """Measure medians over repeats, after one warm-up run; writes report.json and report.md.

    svg_dir: SVGs to parse, render and encode, at most num_svgs of them; synthetic ones if None.
    Uses torch's number of threads (set by OMP_NUM_THREADS).
    """
    if not (batch_sizes and steps) or min(*batch_sizes, *steps, repeats, num_svgs) < 1:
        raise UserError("benchmark: give at least one batch size and step count; all numbers must be at least 1")
    load = partial(SVGFusionPipeline.from_pretrained, model, vae=vae_checkpoint, dit=dit_checkpoint, device=device)
    pipeline = load()
    latents = min(LATENTS, pipeline.dit.config.max_latents)
    svgs = _svgs(svg_dir, num_svgs)
    with output_set(output_dir, "benchmark", svg_dir, vae_checkpoint, dit_checkpoint) as folder:
        report = {
            "machine": {
                "processor": platform.machine(), "cpu_count": os.cpu_count(), "threads": torch.get_num_threads(),
                "device": device, "python": platform.python_version(), "torch": torch.__version__,
            },
            "settings": {
                "repeats": repeats, "latents": latents, "svgs": len(svgs), "synthetic": svg_dir is None,
                "sampling": ONE.to_dict(),
                "parameters": {
                    name: sum(p.numel() for p in getattr(pipeline, name).parameters()) for name in ("vae", "dit")
                },
            },
            "load_seconds": median_seconds(load, repeats),
            "per_second": _throughput(pipeline, svgs, repeats),
            "seconds_per_sample": _sampling(pipeline, batch_sizes, steps, repeats, latents),
        }
        write_json(folder / "report.json", report, "report of benchmark")
        write_text(folder / "report.md", markdown(report))
    return report


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock seconds of work(), after one warm-up call."""
    return median(timeit.repeat(work, number=1, repeat=repeats + 1)[1:])


def markdown(report: dict) -> str:
    """Format the report as Markdown."""
    machine, settings = report["machine"], report["settings"]
    parameters, sampling = settings["parameters"], settings["sampling"]
    icons = "synthetic SVGs" if settings["synthetic"] else "SVGs"
    lines = [
        "# Benchmark", "",
        f"{machine['device']} ({machine['processor']}, {machine['cpu_count']} cores, **{machine['threads']} thread(s)**"
        f"), torch {machine['torch']}, Python {machine['python']}."
        f" Medians of {settings['repeats']} runs after a warm-up. {settings['svgs']} {icons}.", "",
        f"Parameters: VP-VAE {parameters['vae']:,}, VS-DiT {parameters['dit']:,}."
        f" Loading: {report['load_seconds']:.2f} s.", "",
    ]
    seconds = {(t["batch_size"], t["steps"]): t["seconds"] for t in report["seconds_per_sample"]}
    steps = sorted({s for _, s in seconds})
    lines += [
        f"## Seconds per sample, {settings['latents']} latents, {sampling['sampler']} with guidance", "",
        "| batch size | " + " | ".join(f"{s} steps" for s in steps) + " |", "|---|" + "---|" * len(steps),
    ]
    for batch_size in sorted({b for b, _ in seconds}):
        lines.append(f"| {batch_size} | " + " | ".join(f"{seconds[batch_size, s]:.3f}" for s in steps) + " |")
    lines.append("")
    lines += ["## SVGs per second", "", "| step | SVGs / s |", "|---|---|"]
    lines += [f"| {name} | {rate:.0f} |" for name, rate in report["per_second"].items()]
    return "\n".join(lines) + "\n"


def _svgs(svg_dir: str | Path | None, count: int) -> list[str]:
    if svg_dir is None:
        rng = random.Random(0)
        return [make_dummy_svg(rng)[0] for _ in range(count)]
    svgs: list[str] = []
    for record in read_records(svg_dir):
        path = Path(svg_dir) / record.file
        try:
            text = ElementTree.tostring(read_document(path), encoding="unicode")
            parse_svg(text)
            render_svg(text, IMAGE_SIZE)
        except ValueError:
            continue
        svgs.append(text)
        if len(svgs) == count:
            break
    if not svgs:
        raise UserError(f"{svg_dir}: no SVG in it can be read and rendered")
    return svgs


def _throughput(pipeline: SVGFusionPipeline, svgs: list[str], repeats: int) -> dict[str, float]:
    """SVGs per second for each step outside the diffusion model."""
    vae, config = pipeline.vae, pipeline.vae.config
    rows = [parse_svg(svg).rows for svg in svgs]
    images = np.stack([render_svg(svg, IMAGE_SIZE) for svg in svgs])
    work: dict[str, Callable[[], object]] = {
        "parse to rows": lambda: [parse_svg(svg) for svg in svgs],
        f"parse, rows and rendering at {IMAGE_SIZE} px": lambda: [
            render_svg(rows_to_svg(parse_svg(svg).rows), IMAGE_SIZE) for svg in svgs
        ],
        "write rows as SVG": lambda: [rows_to_svg(r) for r in rows],
    }
    tokens = None
    if config.pixel_fusion:
        encoder = load_pixel_encoder(config.pixel_encoder, pipeline.device)
        tokens = encoder.encode(images)  # [SVGs, P, C]
        work["pixel tokens"] = lambda: encoder.encode(images)
    batch = collate_chunks([
        ChunkItem(
            "", rows_to_chunks(own, config.layout, config.rows_per_latent, config.arcs),
            None if tokens is None else tokens[i : i + 1],
        )
        for i, own in enumerate(rows)
    ]).to(pipeline.device)
    with torch.no_grad():
        z = vae.encode(batch).latent()
        work["decode latents to rows"] = lambda: vae.decode_rows(z, batch.padding_mask)
        bar = track(list(work.items()), "throughput")
        return {name: len(svgs) / median_seconds(function, repeats) for name, function in bar}


def _sampling(
    pipeline: SVGFusionPipeline, batch_sizes: Sequence[int], steps: Sequence[int], repeats: int, latents: int
) -> list[dict]:
    """Seconds per sample, from text encoder to SVG text, for each batch size and number of steps."""
    result = []
    for batch_size, num_steps in track([(b, s) for b in batch_sizes for s in steps], "sampling"):
        prompts = [f"shopping cart {i}" for i in range(batch_size)]
        config = replace(ONE, num_inference_steps=num_steps)
        work = partial(pipeline.sample, prompts, range(batch_size), config, [latents] * batch_size)
        seconds = median_seconds(work, repeats)
        result.append({"batch_size": batch_size, "steps": num_steps, "seconds": seconds / batch_size})
    return result
