"""The benchmark's figures as Markdown and plots."""

from pathlib import Path

from svgfusion_lib.evaluation.figures import new_figure, save_figure
from svgfusion_lib.evaluation.sweep import sweep_table
from svgfusion_lib.system.files import write_json, write_text


def write_benchmark(output_dir: Path, report: dict) -> None:
    """report.json, report.md, sampling.png and lengths.png."""
    write_json(output_dir / "report.json", report, "report of benchmark")
    write_text(output_dir / "report.md", markdown(report))
    _plot_sampling(output_dir / "sampling.png", report["seconds_per_sample"])
    _plot_lengths(output_dir / "lengths.png", report["reference_step_seconds"])


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
        f"| one prompt, one sample ({sampling['sampler']}, {sampling['ddim_steps']} steps, {settings['latents']}"
        f" latents) | {reference['seconds']:.0f} s | {one:.3f} s | {reference['seconds'] / one:,.0f} |",
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
    lines += ["![Seconds per sample](sampling.png)", ""]
    lines += ["## A guided step of the reference VS-DiT by length, attention fused", ""]
    lines += ["| latents | seconds |", "|---|---|"]
    lines += [f"| {length} | {seconds:.3f} |" for length, seconds in report["reference_step_seconds"].items()]
    lines += ["", "![Seconds per step](lengths.png)", "", "## SVGs per second", "", "| step | SVGs / s |", "|---|---|"]
    lines += [f"| {name} | {rate:.0f} |" for name, rate in report["per_second"].items()]
    if "quality" in report:
        lines += ["", "## Quality by steps", "", sweep_table(report["quality"])]
    return "\n".join(lines) + "\n"


def _plot_sampling(path: Path, timings: list[dict]) -> None:
    figure = new_figure(6, 4)
    axes = figure.subplots()
    for threads in sorted({t["threads"] for t in timings}):
        for batch_size in sorted({t["batch_size"] for t in timings}):
            own = sorted(
                (t["steps"], t["seconds"]) for t in timings if (t["batch_size"], t["threads"]) == (batch_size, threads)
            )
            axes.plot(*zip(*own), "o-", label=f"batch of {batch_size}, {threads} thread(s)")
    axes.set(xlabel="steps", ylabel="seconds per sample", xlim=(0, None), ylim=(0, None))
    axes.legend()
    save_figure(figure, path)


def _plot_lengths(path: Path, seconds: dict[str, float]) -> None:
    figure = new_figure(6, 4)
    axes = figure.subplots()
    axes.loglog([int(length) for length in seconds], list(seconds.values()), "o-")
    axes.set(xlabel="latents", ylabel="seconds per step")
    save_figure(figure, path)
