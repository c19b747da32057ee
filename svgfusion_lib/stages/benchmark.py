"""Stage benchmark: how fast loading, parsing, rendering, encoding and sampling are; JSON, Markdown, plot."""

import os
import platform
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.dummy import make_dummy_svg
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.sampling import Pipeline, load_pipeline
from svgfusion_lib.utils.dataset import ChunkItem, collate_chunks
from svgfusion_lib.utils.files import atomic_path, write_json, write_text
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

IMAGE_SIZE = 128  # pixels


def benchmark(
    output_dir: str | Path,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    batch_sizes: Sequence[int] = (1, 4, 16),
    steps: Sequence[int] = (5, 10, 20, 50),
    repeats: int = 3,
    svg_dir: str | Path | None = None,
    num_svgs: int = 64,
    latents: int = 8,
    device: str = "cpu",
) -> dict:
    """Medians over repeats, after one unmeasured warm-up; writes report.json, report.md and plot.png.

    svg_dir: the SVGs that are parsed and rendered, at most num_svgs of them; synthetic ones if None.
    latents: length of the sampled sequences, fixed so that batches stay whole.
    """
    if min([*batch_sizes, *steps, repeats, num_svgs, latents], default=0) < 1 or not batch_sizes or not steps:
        raise UserError("benchmark: batch sizes, steps, repeats, num_svgs and latents must be at least 1")
    load_times = []
    for _ in range(repeats):
        before = time.perf_counter()
        pipeline = load_pipeline(vae_checkpoint, dit_checkpoint, device)
        load_times.append(time.perf_counter() - before)
    limit = pipeline.dit.config.max_latents
    if latents > limit:
        raise UserError(f"benchmark: the model draws at most {limit} latents, asked for {latents}")
    report = {
        "machine": {
            "processor": platform.machine(), "cpu_count": os.cpu_count(), "threads": torch.get_num_threads(),
            "device": device, "python": platform.python_version(), "torch": torch.__version__,
        },
        "settings": {"repeats": repeats, "latents": latents, "svgs": num_svgs, "synthetic": svg_dir is None},
        "load_seconds": {"first": load_times[0], "median": median(load_times)},
        "per_second": _throughput(pipeline, _svgs(svg_dir, num_svgs), repeats),
        "seconds_per_sample": _sampling(pipeline, batch_sizes, steps, repeats, latents),
    }
    report["settings"]["parameters"] = {
        name: sum(p.numel() for p in getattr(pipeline, name).parameters()) for name in ("vae", "dit")
    }
    output_dir = Path(output_dir)
    write_json(output_dir / "report.json", report)
    write_text(output_dir / "report.md", markdown(report))
    _plot(output_dir / "plot.png", report["seconds_per_sample"])
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


def _svgs(svg_dir: str | Path | None, count: int) -> list[str]:
    if svg_dir is None:
        rng = random.Random(0)
        return [make_dummy_svg(rng)[0] for _ in range(count)]
    files = [Path(svg_dir) / record.file for record in read_records(svg_dir)[:count]]
    return [file.read_text(encoding="utf-8-sig") for file in files]


def _throughput(pipeline: Pipeline, svgs: list[str], repeats: int) -> dict[str, float]:
    """SVGs a second of each step outside the diffusion model."""
    vae, config = pipeline.vae, pipeline.vae.config
    rows = [parse_svg(svg).rows for svg in svgs]
    images = np.stack([render_svg(svg, IMAGE_SIZE) for svg in svgs])
    chunks = [rows_to_chunks(r, config.layout, config.rows_per_latent) for r in rows]
    work: dict[str, Callable[[], object]] = {
        "parse to rows": lambda: [parse_svg(svg) for svg in svgs],
        "write rows as SVG": lambda: [rows_to_svg(r) for r in rows],
        f"render at {IMAGE_SIZE} px": lambda: [render_svg(svg, IMAGE_SIZE) for svg in svgs],
        "encode prompts": lambda: pipeline.encode_prompts([f"shopping cart {i}" for i in range(len(svgs))]),
    }
    tokens = None
    if config.pixel_fusion:
        encoder = load_pixel_encoder(config.pixel_encoder, next(vae.parameters()).device)
        tokens = encoder.encode(images)  # [SVGs, P, C]
        work["pixel tokens"] = lambda: encoder.encode(images)
    items = [ChunkItem("", c, None if tokens is None else tokens[i : i + 1]) for i, c in enumerate(chunks)]
    batch = collate_chunks(items).to(next(vae.parameters()).device)
    with torch.no_grad():
        z = vae.encode(batch).latent()
        work["encode latents"] = lambda: vae.encode(batch)
        work["decode latents to rows"] = lambda: vae.decode_rows(z, batch.padding_mask)
        bar = track(list(work.items()), "throughput")
        return {name: len(svgs) / median_seconds(function, repeats) for name, function in bar}


def _sampling(
    pipeline: Pipeline, batch_sizes: Sequence[int], steps: Sequence[int], repeats: int, latents: int
) -> list[dict]:
    """Seconds per sample, text encoder to SVG text, for each batch size and number of steps."""
    result = []
    grid = [(b, s) for b in batch_sizes for s in steps]
    for batch_size, ddim_steps in track(grid, "sampling"):
        prompts = [f"shopping cart {i}" for i in range(batch_size)]
        config = SamplingConfig(ddim_steps=ddim_steps)
        work = partial(pipeline.sample, prompts, range(batch_size), config, [latents] * batch_size)
        seconds = median_seconds(work, repeats)
        result.append({"batch_size": batch_size, "steps": ddim_steps, "seconds": seconds / batch_size})
    return result


def markdown(report: dict) -> str:
    """The report as Markdown."""
    machine, settings = report["machine"], report["settings"]
    load = report["load_seconds"]
    timings = report["seconds_per_sample"]
    steps = sorted({t["steps"] for t in timings})
    value = {(t["batch_size"], t["steps"]): t["seconds"] for t in timings}
    lines = [
        "# Benchmark", "",
        f"{machine['device']} ({machine['processor']}, {machine['cpu_count']} cores, **{machine['threads']}"
        f" thread(s)**), torch {machine['torch']}, Python {machine['python']}."
        f" Medians of {settings['repeats']} runs after a warm-up.", "",
        f"Parameters: VP-VAE {settings['parameters']['vae']:,}, VS-DiT {settings['parameters']['dit']:,}."
        f" Loading: {load['median']:.2f} s (first time {load['first']:.2f} s).", "",
        f"## Seconds per sample ({settings['latents']} latents, with guidance)", "",
        "| batch size | " + " | ".join(f"{s} steps" for s in steps) + " |", "|---|" + "---|" * len(steps),
    ]
    for batch_size in sorted({t["batch_size"] for t in timings}):
        cells = " | ".join(f"{value[batch_size, s]:.3f}" for s in steps)
        lines.append(f"| {batch_size} | {cells} |")
    lines += ["", "![Seconds per sample](plot.png)", ""]
    lines += ["## SVGs per second", "", "| step | SVGs / s |", "|---|---|"]
    lines += [f"| {name} | {rate:.0f} |" for name, rate in report["per_second"].items()]
    return "\n".join(lines) + "\n"


def _plot(path: Path, timings: list[dict]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for batch_size in sorted({t["batch_size"] for t in timings}):
        own = sorted((t["steps"], t["seconds"]) for t in timings if t["batch_size"] == batch_size)
        axes.plot(*zip(*own), "o-", label=f"batch of {batch_size}")
    axes.set(xlabel="DDIM steps", ylabel="seconds per sample", xlim=(0, None), ylim=(0, None))
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
