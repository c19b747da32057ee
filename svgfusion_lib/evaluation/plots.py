"""The plots of stages evaluate and sweep."""

from collections.abc import Sequence
from pathlib import Path

from svgfusion_lib.evaluation.figures import new_figure, save_figure

PRECISIONS = {
    "samples": "samples", "real_of_another_pack": "real icon,\nother pack", "nearest_by_caption": "nearest\nby caption",
    "untrained": "untrained\nmodel", "shuffled_prompts": "shuffled\nprompts",
}


def plot(path: Path, report: dict, sheets: dict[str, dict]) -> None:
    """R-precision, similarity to the nearest training picture, reconstruction SSIM, rows: a colour for each group."""
    figure = new_figure(11, 7)
    (precision, novelty), (rebuilt, length) = figure.subplots(2, 2)
    groups = report["groups"]
    width = 0.8 / len(groups)
    for n, (key, group) in enumerate(groups.items()):
        colour, label = f"C{n}", key.replace("_", " ")
        for x, name in enumerate(PRECISIONS):
            entry = group["subjects"].get(name, {}).get("top1")
            if entry is not None:
                place, error = x - 0.4 + width * (n + 0.5), _error_bars([entry])
                precision.bar(place, entry["mean"], width, color=colour, yerr=error, capsize=2)
        similarity = [score for *_, score in sheets[key]["nearest"]]
        scores = [score for *_, score in sheets[key]["rebuilt"]]
        for axes, data in ((novelty, similarity), (rebuilt, scores)):
            if data:
                axes.hist(data, bins=30, range=(min(0, *data), 1), histtype="step", color=colour, label=label)
        for m, (name, line) in enumerate((("samples", "-"), ("real", "--"))):
            quartiles = group["subjects"][name].get("rows")
            if quartiles:
                y = -(2 * n + m)
                length.plot(quartiles[::2], [y, y], line, color=colour, linewidth=2)
                length.plot(quartiles[1], y, "o", color=colour)
                length.annotate(f"{label}, {name}", (quartiles[0], y + 0.12))
    precision.set_xticks(range(len(PRECISIONS)), list(PRECISIONS.values()), fontsize=8)
    precision.set(title="R-precision at 1", ylim=(0, 1.05))
    near_copy = report["settings"]["near_copy"]
    novelty.axvline(near_copy, color="grey", linestyle=":")
    novelty.set(title=f"SSIM to the nearest training picture (copy: {near_copy})", ylabel="samples")
    rebuilt.set(title="Reconstruction SSIM", ylabel="icons")
    length.set(title="Rows per SVG: quartiles", yticks=[])
    length.margins(y=0.15)
    for axes in (novelty, rebuilt):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left")
    save_figure(figure, path)


def plot_sweep(path: Path, lines: Sequence[dict]) -> None:
    """R-precision at 1 (with its interval), Frechet distance and time of each setting: a row for each group."""
    keys = list(dict.fromkeys(line["group"] for line in lines))
    figure = new_figure(12, 2.6 * len(keys) + 0.6)
    grid = figure.subplots(len(keys), 3, squeeze=False)
    for row, key in zip(grid, keys):
        own = [line for line in lines if line["group"] == key]
        labels = [line["setting"] for line in own]
        for axes, name in zip(row, ("top1", "frechet", "seconds_per_sample")):
            values = [line.get(name) for line in own]
            heights = [0 if value is None else value["mean"] if name == "top1" else value for value in values]
            error = _error_bars([value or _NOTHING for value in values]) if name == "top1" else None
            axes.bar(range(len(own)), heights, color="C0", yerr=error, capsize=2)
            axes.set_xticks(range(len(own)), labels, rotation=60, ha="right", fontsize=7)
        titles = ("R-precision at 1", "Frechet distance", "seconds per sample")
        for axes, title in zip(row, titles):
            axes.set_title(f"{key.replace('_', ' ')}: {title}", fontsize=9)
    save_figure(figure, path)


_NOTHING = {"mean": 0.0, "interval": (0.0, 0.0)}  # of a setting that has no such figure


def _error_bars(entries: Sequence[dict]) -> list[list[float]]:
    """How far the intervals reach below and above the means."""
    return [
        [max(0, entry["mean"] - entry["interval"][0]) for entry in entries],
        [max(0, entry["interval"][1] - entry["mean"]) for entry in entries],
    ]
