"""The report of an evaluation: report.json, report.md, plots and contact sheets."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import atomic_path
from svgfusion_lib.utils.render import contact_sheet

# Pairs of SVGs (None: could not be drawn), labels of the pairs, labels of the two columns.
Sheet = tuple[Sequence[tuple[str, str | None]], Sequence[str], tuple[str, str]]
PRECISIONS = {
    "samples": "samples", "real_of_another_pack": "real icon,\nother pack", "nearest_by_caption": "nearest\nby caption",
}


def plot(path: Path, groups: dict[str, dict]) -> None:
    """Plot R-precision at 1 of the samples and baselines, one colour per group."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(groups)
    for n, (key, group) in enumerate(groups.items()):
        entries = {name: group["subjects"].get(name, {}).get("top1") for name in PRECISIONS}
        places = {x - 0.4 + width * (n + 0.5): entry for x, entry in enumerate(entries.values()) if entry is not None}
        axes.bar(list(places), [entry["mean"] for entry in places.values()], width, color=f"C{n}", capsize=2,
                 yerr=_error_bars(list(places.values())), label=key.replace("_", " "))
    axes.set_xticks(range(len(PRECISIONS)), list(PRECISIONS.values()), fontsize=8)
    axes.set(title="R-precision at 1", ylim=(0, 1.05))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))  # next to the plot
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _error_bars(entries: Sequence[dict]) -> list[list[float]]:
    """Lengths of the intervals below and above the means."""
    return [
        [max(0, entry["mean"] - entry["interval"][0]) for entry in entries],
        [max(0, entry["interval"][1] - entry["mean"]) for entry in entries],
    ]


CELL = 72         # pixels
SHEET_ROWS = 20
SUBJECTS = {
    "samples": "samples", "real": "real icons", "real_of_another_pack": "same name, other pack",
    "nearest_by_caption": "nearest training icon by caption", "nearest_by_words": "by words (idf)",
    "pasted": "by words, badge or slash pasted",
}
SHEETS = {
    "samples": "{}: samples in the order of their seeds, right of the real icon",
    "failures": "{}: failures, the worst ranks first, right of the real icon",
    "nearest": "{}: samples beside the nearest training picture, most similar first",
}
NOTES = "What each figure is, and how it can mislead: docs/evaluation.md. Intervals are 95% bootstrap intervals."


def write_report(output_dir: Path, report: dict, sheets: dict[str, dict[str, Sheet]]) -> None:
    """Write the report to output_dir. sheets: contact sheets per group and kind."""
    write_json(output_dir / "report.json", report, "report of evaluate")
    plot(output_dir / "plots.png", report["groups"])
    pictures = {"plots.png": "Plots"}
    for key, sheet in sheets.items():
        pictures |= _draw_sheets(output_dir, key, sheet)
    write_text(output_dir / "report.md", markdown(report, pictures))


def markdown(report: dict, pictures: dict[str, str]) -> str:
    """Format the report as Markdown: one table per group, one column per subject; pictures (file -> title) below."""
    settings = report["settings"]
    sampling = settings["sampling"]
    lines = [
        "# Evaluation", "",
        f"{settings['num_prompts']} prompts of each domain and split, one sample each, from"
        f" seed {settings['seed']} on, the best of {sampling['candidates']} drawing(s) each"
        f"{' (adaptive)' if sampling['adaptive'] else ''};"
        f" {sampling['num_inference_steps']} steps of {sampling['sampler']}, guidance"
        f" {sampling['guidance_scale']} from {sampling['guidance_low']:g} to"
        f" {sampling['guidance_high']:g} of the timesteps."
        f" {settings['icons_too_long']} of the {settings['icons']} icons have more parts than the model draws and are"
        f" not asked for. Distances by {settings['pixel_encoder']}, R-precision by an evaluator"
        f" trained on {', '.join(settings['evaluator_packs']) or 'unknown packs'}.", "",
    ]
    shared = settings["packs_of_evaluator_in_training"]
    if shared:
        packs = ", ".join(shared)
        lines += [f"**The evaluator was trained on packs of this cache ({packs}): not a fair judge here.**", ""]
    for key, group in report["groups"].items():
        lines += [f"## {key.replace('_', ' ', 1).replace('_', ' ')}", "", _summary(group), "", *group_table(group), ""]
    lines += [NOTES, ""]
    for file, title in pictures.items():
        lines += [f"{title}:", "", f"![{title}]({file})", ""]
    return "\n".join(lines)


def group_table(group: dict, only: Collection[str] = ()) -> list[str]:
    """Lines of a Markdown table: one row per measure (or those in `only`), one column per subject."""
    subjects = [name for name in SUBJECTS if name in group["subjects"]]
    lines = ["| measure | " + " | ".join(SUBJECTS[name] for name in subjects) + " |", "|---|" + "---|" * len(subjects)]
    for key, label, form in MEASURES:
        values = [group["subjects"][name].get(key) for name in subjects]
        if any(value is not None for value in values) and (not only or key in only):
            cells = ["–" if value is None else form(value) for value in values]
            lines.append(f"| {label} | {' | '.join(cells)} |")
    for key in group["subjects"]["samples"].get("own", {}):
        values = [group["subjects"][name].get("own", {}).get(key) for name in subjects]
        lines.append(f"| {key} | {' | '.join('–' if value is None else number(value) for value in values)} |")
    return lines


def _summary(group: dict) -> str:
    return (
        f"{group['prompts']} prompts for {group['names']} names; {group['reference']} reference icons,"
        f" {group['training_icons']} training icons."
    )


def number(value: float) -> str:
    return f"{value:.3g}"


def interval(value: dict) -> str:
    return f"{value['mean']:.3f} ({value['interval'][0]:.3f}–{value['interval'][1]:.3f})"


def counted(value: dict) -> str:
    return f"{interval(value)} of {value['prompts']}"


MEASURES: tuple[tuple[str, str, Callable], ...] = (
    ("not_blank", "not blank", interval),
    ("inside_canvas", "inside the canvas", interval),
    ("top1", "**R-precision at 1**", interval),
    ("top1_known", "… of names that the model knows", counted),
    ("top1_partly", "… of names with some words that it knows", counted),
    ("top1_unknown", "… of names without any", counted),
    ("top5", "R-precision at 5", interval),
    ("frechet", "**Frechet distance**", number),
    ("kernel", "kernel distance", number),
    ("near_copies", "**near copies of training pictures**", interval),
    ("keeps_style", "**keeps the set's style**", interval),
    ("straight_lines", "**exact**: lines that are nearly straight or diagonal", interval),
    ("touching_ends", "… ends near another stroke that touch it", interval),
    ("ends_on_grid", "… coordinates on the half grid", interval),
    ("circular_curves", "… curves that are circular arcs", interval),
    ("concentric_circles", "… circles near a centre that share it", interval),
    ("closed_shapes", "… shapes without a notch", interval),
    ("told_by_rows", "**told from real icons** by rows", interval),
    ("told_by_picture", "… by picture", interval),
    ("elements", "elements", interval),
    ("seconds_per_sample", "seconds per sample", number),
)


# The most important of MEASURES.
KEY_MEASURES = (
    "not_blank", "inside_canvas", "top1", "top5", "frechet", "kernel", "near_copies", "keeps_style",
    "touching_ends", "told_by_picture", "seconds_per_sample",
)


# --- contact sheets -----------------------------------------------------------------------------------


def _draw_sheets(output_dir: Path, key: str, sheets: dict[str, Sheet]) -> dict[str, str]:
    """Draw a group's contact sheets; returns their titles by file name."""
    drawn = {}
    for kind, (pairs, labels, columns) in sheets.items():
        if pairs:
            file = f"{kind}_{key}.png"
            _draw_pairs(output_dir / file, pairs, labels, columns)
            drawn[file] = SHEETS[kind].format(key.replace("_", " "))
    return drawn


def _draw_pairs(path: Path, pairs: Sequence, labels: Sequence[str], columns: Sequence[str], across: int = 3) -> None:
    """Draw pairs of SVGs, `across` per row, with their labels next to the row."""
    pairs, labels = pairs[: across * SHEET_ROWS], labels[: across * SHEET_ROWS]
    starts = range(0, len(pairs), across)
    cells = [[svg for pair in pairs[i : i + across] for svg in pair] for i in starts]
    row_labels = [" / ".join(labels[i : i + across]) for i in starts]
    contact_sheet(cells, path, CELL, row_labels, list(columns) * min(across, len(pairs)))
