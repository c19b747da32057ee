"""Stage benchmark: how fast everything is; JSON and Markdown. docs/performance.md has figures, and quality beside them.

All of it is measured in one run on one machine, so that ratios mean something.
"""

import os
import platform
import random
import time
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
from svgfusion_lib.system.parallel import torch_threads
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.dataset import ChunkItem, collate_chunks
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

IMAGE_SIZE = 224  # pixels
ONE = SamplingConfig(candidates=1)  # how a drawing is timed


def benchmark(
    output_dir: str | Path,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    batch_sizes: Sequence[int] = (1, 4, 16),
    steps: Sequence[int] = (5, 10, 20, 50, 100),
    threads: Sequence[int] = (1, 2),
    repeats: int = 3,
    svg_dir: str | Path | None = None,
    num_svgs: int = 64,
    latents: int = 8,
    device: str = "cpu",
    model: str | Path = DEFAULT_MODEL,
) -> dict:
    """Medians over repeats, after one unmeasured warm-up; writes report.json and report.md.

    svg_dir: the SVGs that are parsed, rendered and encoded, at most num_svgs of them; synthetic ones if None.
    latents: length of the sampled sequences, fixed so that batches stay whole.
    """
    counts = [*batch_sizes, *steps, *threads, repeats, num_svgs, latents]
    if min(counts) < 1 or not all((batch_sizes, steps, threads)):
        raise UserError(
            "benchmark: batch sizes, steps, threads, repeats, num_svgs and latents must be at least 1, one of each"
        )
    load = partial(SVGFusionPipeline.from_pretrained, model, vae=vae_checkpoint, dit=dit_checkpoint, device=device)
    pipeline = load()
    limit = pipeline.dit.config.max_latents
    if latents > limit:
        raise UserError(f"benchmark: the model draws at most {limit} latents, asked for {latents}")
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
            "seconds_per_sample": [
                {"threads": count} | timing
                for count in threads
                for timing in _sampling(pipeline, count, batch_sizes, steps, repeats, latents)
            ],
        }
        write_json(folder / "report.json", report, "report of benchmark")
        write_text(folder / "report.md", markdown(report))
    return report


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock seconds of work(), after one call that does not count."""
    work()
    times = []
    for _ in range(repeats):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return median(times)


def markdown(report: dict) -> str:
    """The report as Markdown."""
    machine, settings = report["machine"], report["settings"]
    parameters, sampling = settings["parameters"], settings["sampling"]
    icons = "synthetic SVGs" if settings["synthetic"] else "SVGs"
    lines = [
        "# Benchmark", "",
        f"{machine['device']} ({machine['processor']}, {machine['cpu_count']} cores, **{machine['threads']}"
        f" thread(s)** where nothing else is said), torch {machine['torch']}, Python {machine['python']}."
        f" Medians of {settings['repeats']} runs after a warm-up. {settings['svgs']} {icons}.", "",
        f"Parameters: VP-VAE {parameters['vae']:,}, VS-DiT {parameters['dit']:,}."
        f" Loading: {report['load_seconds']:.2f} s.", "",
    ]
    timings = report["seconds_per_sample"]
    steps = sorted({t["steps"] for t in timings})
    for threads in sorted({t["threads"] for t in timings}):
        value = {(t["batch_size"], t["steps"]): t["seconds"] for t in timings if t["threads"] == threads}
        lines += [
            f"## Seconds per sample, {threads} thread(s), {settings['latents']} latents,"
            f" {sampling['sampler']} with guidance", "",
            "| batch size | " + " | ".join(f"{s} steps" for s in steps) + " |", "|---|" + "---|" * len(steps),
        ]
        for batch_size in sorted({b for b, _ in value}):
            lines.append(f"| {batch_size} | " + " | ".join(f"{value[batch_size, s]:.3f}" for s in steps) + " |")
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
        raise UserError(f"{svg_dir}: none of its SVGs can be read and drawn")
    return svgs


def _throughput(pipeline: SVGFusionPipeline, svgs: list[str], repeats: int) -> dict[str, float]:
    """SVGs a second of each step outside the diffusion model."""
    vae, config = pipeline.vae, pipeline.vae.config
    rows = [parse_svg(svg).rows for svg in svgs]
    images = np.stack([render_svg(svg, IMAGE_SIZE) for svg in svgs])
    work: dict[str, Callable[[], object]] = {
        "parse to rows": lambda: [parse_svg(svg) for svg in svgs],
        f"parse, rows and rendering at {IMAGE_SIZE} px": lambda: [
            render_svg(rows_to_svg(parse_svg(svg).rows), IMAGE_SIZE) for svg in svgs
        ],
        "write rows as SVG": lambda: [rows_to_svg(r) for r in rows],
        f"render at {IMAGE_SIZE} px": lambda: [render_svg(svg, IMAGE_SIZE) for svg in svgs],
        "encode prompts": lambda: pipeline.encode_prompts([f"shopping cart {i}" for i in range(len(svgs))]),
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
        work["encode latents"] = lambda: vae.encode(batch)
        work["decode latents to rows"] = lambda: vae.decode_rows(z, batch.padding_mask)
        bar = track(list(work.items()), "throughput")
        return {name: len(svgs) / median_seconds(function, repeats) for name, function in bar}


def _sampling(
    pipeline: SVGFusionPipeline, threads: int, batch_sizes: Sequence[int], steps: Sequence[int], repeats: int,
    latents: int,
) -> list[dict]:
    """Seconds per sample, text encoder to SVG text, for each batch size and number of steps."""
    result = []
    grid = [(b, s) for b in batch_sizes for s in steps]
    with torch_threads(threads):
        for batch_size, ddim_steps in track(grid, f"sampling, {threads} thread(s)"):
            prompts = [f"shopping cart {i}" for i in range(batch_size)]
            config = replace(ONE, num_inference_steps=ddim_steps)
            work = partial(pipeline.sample, prompts, range(batch_size), config, [latents] * batch_size)
            seconds = median_seconds(work, repeats)
            result.append({"batch_size": batch_size, "steps": ddim_steps, "seconds": seconds / batch_size})
    return result
