"""Stage benchmark: how fast everything is, beside the specification done plainly; JSON and Markdown.

All of it is measured in one run on one machine, so that ratios mean something.
"""

import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import numpy as np
import torch

from svgfusion_lib.config import DEFAULT_MODEL, EvaluationConfig, SamplingConfig
from svgfusion_lib.corpus.dummy import make_dummy_svg
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.sweep import sweep, sweep_table
from svgfusion_lib.experiments import benchmark_reference as reference
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.svg.document import read_document
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.parallel import torch_threads
from svgfusion_lib.system.progress import track
from svgfusion_lib.training.throughput import median_seconds
from svgfusion_lib.utils.dataset import ChunkItem, collate_chunks
from svgfusion_lib.utils.path_chunks import Chunks, rows_to_chunks
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg


def markdown(report: dict) -> str:
    """The report as Markdown."""
    machine, settings, reference = report["machine"], report["settings"], report["reference"]
    parameters, training, load = settings["parameters"], report["training"], report["load_seconds"]
    one, sampling = report["one_sample_by_default"], settings["sampling"]
    icons = "synthetic SVGs" if settings["synthetic"] else "SVGs"
    lines = [
        "# Benchmark", "",
        f"{machine['device']} ({machine['processor']}, {machine['cpu_count']} cores, **{machine['threads']}"
        f" thread(s)** where nothing else is said), torch {machine['torch']}, Python {machine['python']}."
        f" Medians of {settings['repeats']} runs after a warm-up. {settings['svgs']} {icons}.", "",
        f"Parameters: VP-VAE {parameters['vae']:,}, VS-DiT {parameters['dit']:,}."
        f" Loading: {load['median']:.2f} s (first time {load['first']:.2f} s). Peak memory of a process that draws 16"
        f" samples: {report['peak_memory'] / 2**20:,.0f} MiB.", "",
        "## Against the specification, done plainly", "",
        f"The reference: 1,024 latents of one row each, {reference['parameters'] / 1e6:.0f} M parameters, fp32,"
        " attention written out; sampling by 100 steps of DDIM with guidance 7, of which"
        f" {reference['steps_timed']} were timed.", "",
        "| | reference | here | ratio |", "|---|---|---|---|",
        f"| one prompt, one sample ({sampling['sampler']}, {sampling['num_inference_steps']} steps,"
        f" {settings['latents']} latents)"
        f" | {reference['seconds']:.0f} s | {one:.3f} s | {reference['seconds'] / one:,.0f} |",
        f"| training a VS-DiT S, rows a second | {training['plain']['rows_per_second']:.1f}"
        f" | {training['ours']['rows_per_second']:.1f}"
        f" | {training['ours']['rows_per_second'] / training['plain']['rows_per_second']:,.0f} |", "",
    ]
    timings = report["seconds_per_sample"]
    steps = sorted({t["steps"] for t in timings})
    for threads in sorted({t["threads"] for t in timings}):
        value = {(t["batch_size"], t["steps"]): t["seconds"] for t in timings if t["threads"] == threads}
        lines += [
            f"## Seconds per sample, {threads} thread(s), {settings['latents']} latents, with guidance", "",
            "| batch size | " + " | ".join(f"{s} steps" for s in steps) + " |", "|---|" + "---|" * len(steps),
        ]
        for batch_size in sorted({b for b, _ in value}):
            lines.append(f"| {batch_size} | " + " | ".join(f"{value[batch_size, s]:.3f}" for s in steps) + " |")
        lines.append("")
    lines += ["## A guided step of the reference VS-DiT by length, attention fused", ""]
    lines += ["| latents | seconds |", "|---|---|"]
    lines += [f"| {length} | {seconds:.3f} |" for length, seconds in report["reference_step_seconds"].items()]
    lines += ["", "## SVGs per second", "", "| step | SVGs / s |", "|---|---|"]
    lines += [f"| {name} | {rate:.0f} |" for name, rate in report["per_second"].items()]
    if "quality" in report:
        lines += ["", "## Quality by steps", "", sweep_table(report["quality"])]
    return "\n".join(lines) + "\n"


IMAGE_SIZE = 224  # pixels
ONE = SamplingConfig(candidates=1)  # how a drawing is timed
_PEAK_MEMORY = """
import pathlib, re, resource, sys
from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.pipeline import SVGFusionPipeline
vae, dit, device, model = (None if a == "-" else a for a in sys.argv[1:])
SVGFusionPipeline.from_pretrained(model, vae=vae, dit=dit, device=device).sample(
    ["shopping cart"] * 16, range(16), SamplingConfig(candidates=1)
)
status = pathlib.Path("/proc/self/status")  # ru_maxrss is no less than the memory of the process that began this one
kilobytes = re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text()) if status.is_file() else None
if kilobytes:
    print(int(kilobytes[1]) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def benchmark(
    output_dir: str | Path,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    batch_sizes: Sequence[int] = (1, 4, 16),
    steps: Sequence[int] = (5, 10, 20, 50, 100),
    threads: Sequence[int] = (1, 2),
    lengths: Sequence[int] = (64, 128, 256, 512),
    repeats: int = 3,
    reference_steps: int = 3,
    svg_dir: str | Path | None = None,
    num_svgs: int = 64,
    latents: int = 8,
    precomputed_dir: str | Path | None = None,
    num_prompts: int = 100,
    device: str = "cpu",
    model: str | Path = DEFAULT_MODEL,
) -> dict:
    """Medians over repeats, after one unmeasured warm-up; writes report.json and report.md.

    svg_dir: the SVGs that are parsed, rendered and trained on, at most num_svgs of them; synthetic ones if None.
    latents: length of the sampled sequences, fixed so that batches stay whole. lengths: of the sequences by which the
    cost of a step of the reference model is shown. reference_steps: how many of the reference's 100 steps are timed.
    precomputed_dir: a cache of icons: quality at every number of steps is measured on num_prompts of each group
    (evaluation/sweep.py), to stand beside the times.
    """
    counts = [*batch_sizes, *steps, *threads, *lengths, repeats, num_svgs, latents, reference_steps]
    if min(counts) < 1 or not all((batch_sizes, steps, threads, lengths)):
        raise UserError(
            "benchmark: batch sizes, steps, threads, lengths, repeats, num_svgs, latents and reference_steps must be"
            " at least 1, one of each"
        )
    load_times = []
    for _ in range(repeats):
        before = time.perf_counter()
        pipeline = SVGFusionPipeline.from_pretrained(model, vae=vae_checkpoint, dit=dit_checkpoint, device=device)
        load_times.append(time.perf_counter() - before)
    limit = pipeline.dit.config.max_latents
    if latents > limit:
        raise UserError(f"benchmark: the model draws at most {limit} latents, asked for {latents}")
    svgs = _svgs(svg_dir, num_svgs)
    rows = [parse_svg(svg).rows for svg in svgs]
    config = pipeline.vae.config
    chunks = [rows_to_chunks(r, config.layout, config.rows_per_latent, config.arcs) for r in rows]
    default = partial(pipeline.sample, ["shopping cart"], [0], None, [latents])
    with output_set(output_dir, "benchmark", svg_dir, precomputed_dir, vae_checkpoint, dit_checkpoint) as folder:
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
            "load_seconds": {"first": load_times[0], "median": median(load_times)},
            "peak_memory": _peak_memory(vae_checkpoint, dit_checkpoint, device, model),
            "per_second": _throughput(pipeline, svgs, rows, chunks, repeats),
            "one_sample_by_default": median_seconds(default, repeats),
            "seconds_per_sample": [
                {"threads": count} | timing
                for count in threads
                for timing in _sampling(pipeline, count, batch_sizes, steps, repeats, latents)
            ],
            "reference": reference.reference_sampling(device, reference_steps),
            "reference_step_seconds": reference.step_seconds_by_length(lengths, device, repeats),
            "training": reference.training_rates(
                [len(r) - 2 for r in rows], [len(c) for c in chunks], pipeline.vae.latent_width, device, repeats
            ),
        }
        if precomputed_dir is not None:
            asked = EvaluationConfig(num_prompts=num_prompts, device=device, sampling=ONE)
            slowly = replace(ONE, sampler="ddim", num_inference_steps=100, guidance_low=0.0, guidance_high=1.0)
            report["quality"] = sweep(
                Path(output_dir) / "quality", precomputed_dir,
                {"num_inference_steps": sorted(steps), "sampling": [slowly]}, asked,
                vae_checkpoint, dit_checkpoint, model,
            )
        write_json(folder / "report.json", report, "report of benchmark")
        write_text(folder / "report.md", markdown(report))
    return report


def _peak_memory(
    vae_checkpoint: str | Path | None, dit_checkpoint: str | Path | None, device: str, model: str | Path
) -> int:
    """Bytes of a fresh process that loads the model and draws 16 samples."""
    arguments = [str(vae_checkpoint or "-"), str(dit_checkpoint or "-"), device, str(model)]
    done = subprocess.run([sys.executable, "-c", _PEAK_MEMORY, *arguments], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


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


def _throughput(
    pipeline: SVGFusionPipeline, svgs: list[str], rows: list[np.ndarray], chunks: list[Chunks], repeats: int
) -> dict[str, float]:
    """SVGs a second of each step outside the diffusion model."""
    vae, config = pipeline.vae, pipeline.vae.config
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
