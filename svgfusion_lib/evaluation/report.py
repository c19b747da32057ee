"""What stage evaluate writes: report.json, report.md, plots.png and contact sheets."""

from collections.abc import Callable
from pathlib import Path

from svgfusion_lib.evaluation.plots import plot
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.utils.render import contact_sheet

CELL = 72         # pixels
SHEET_ROWS = 20
SUBJECTS = {
    "samples": "samples", "real": "real icons", "real_of_another_pack": "same name, other pack",
    "nearest_by_caption": "nearest training icon by caption", "untrained": "untrained model",
    "shuffled_prompts": "shuffled prompts",
}
SHEETS = {
    "samples": "{}: samples in the order of their seeds, right of the real icon",
    "failures": "{}: failures, the worst ranks first, right of the real icon",
    "nearest": "{}: samples beside the nearest training picture, most similar first",
    "rebuilt": "{}: icons beside their reconstruction, worst first",
}
NOTES = """\
How to read it (docs/evaluation.md in the repository says more): intervals are 95% bootstrap
intervals. R-precision: the real icon of the prompt's name is the nearest (or among the 5 nearest) of {gallery}, by the
evaluator's vectors; the bar for samples is what a real icon of that name from another pack reaches. Distances are of as
many pictures in every column, to the same reference icons. Copies: grey pictures at {novelty_size} px with an SSIM of
{near_copy} or more to a training picture, or the same commands with coordinates within {row_tolerance} of the
half-canvas; training icons are their own copies, and icons of one set resemble each other, so read the other columns
too. Style is asked only where the real icon is drawn with strokes alone. All icons are drawn from their rows.
"""


def write_report(output_dir: Path, report: dict, sheets: dict[str, dict]) -> None:
    """Write everything into output_dir. sheets: of each group, see evaluate._sheets."""
    write_json(output_dir / "report.json", report, "report of evaluate")
    plot(output_dir / "plots.png", report, sheets)
    pictures = {"plots.png": "Plots"}
    for key, sheet in sheets.items():
        pictures |= _draw_sheets(output_dir, key, sheet)
    write_text(output_dir / "report.md", markdown(report, pictures))


def markdown(report: dict, pictures: dict[str, str]) -> str:
    """The report as Markdown: a table for each group, a column for each subject; pictures (file -> title) below."""
    settings = report["settings"]
    sampling = settings["sampling"]
    lines = [
        "# Evaluation", "",
        f"{settings['num_prompts']} prompts of each domain and split, {settings['num_samples']} sample(s) each, from"
        f" seed {settings['seed']} on, the best of {sampling['candidates']} drawing(s) each; {sampling['ddim_steps']}"
        f" steps of {sampling['sampler']}, guidance {sampling['cfg_scale']} from {sampling['cfg_low']:g} to"
        f" {sampling['cfg_high']:g} of the timesteps."
        f" {settings['icons_too_long']} of the {settings['icons']} icons have more parts than the model draws and are"
        f" not asked for. Distances by {settings['pixel_encoder']}, R-precision by an evaluator"
        f" trained on {', '.join(settings['evaluator_packs']) or 'unknown packs'}.", "",
    ]
    shared = settings["packs_of_evaluator_in_training"]
    if shared:
        packs = ", ".join(shared)
        lines += [f"**The evaluator was trained on packs of this cache ({packs}): no fair judge here.**", ""]
    for key, group in report["groups"].items():
        lines += [f"## {key.replace('_', ' ', 1).replace('_', ' ')}", "", *_summary(group), "", *group_table(group), ""]
    lines.append(NOTES.format(**settings))
    for file, title in pictures.items():
        lines += [f"{title}:", "", f"![{title}]({file})", ""]
    return "\n".join(lines)


def group_table(group: dict) -> list[str]:
    """Lines of a Markdown table: a row for each measure, a column for each subject."""
    subjects = [name for name in SUBJECTS if name in group["subjects"]]
    lines = ["| measure | " + " | ".join(SUBJECTS[name] for name in subjects) + " |", "|---|" + "---|" * len(subjects)]
    for key, label, form in MEASURES:
        values = [group["subjects"][name].get(key) for name in subjects]
        if any(value is not None for value in values):
            cells = ["–" if value is None else form(value) for value in values]
            lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _summary(group: dict) -> list[str]:
    """What stands beside the table of a group, one bullet each."""
    lines = [
        f"- {group['prompts']} prompts for {group['names']} names; {group['reference']} reference icons, "
        f"{group['training_icons']} training icons; chance {_share(group['chance']['top1'])} (top 1)",
    ]
    if group["of_real_r_precision"]:
        shares = ", ".join(f"{_share(value)} at {key[3:]}" for key, value in group["of_real_r_precision"].items())
        lines.append(f"- R-precision as a share of that of real icons of another pack: {shares}")
    if group["two_packs"]:
        two = group["two_packs"]
        lines.append(
            f"- two real packs, {two['packs'][1]} to {two['packs'][0]} ({two['pictures'][0]} to {two['pictures'][1]}"
            f" icons): Frechet distance {number(two['frechet'])}, kernel distance {number(two['kernel'])}"
        )
    rebuilt = group["reconstruction"]
    if rebuilt["icons"]:
        lines.append(
            f"- reconstruction of {rebuilt['icons']} icons: SSIM {interval(rebuilt['ssim'])} from the posterior's mean,"
            f" {interval(rebuilt['ssim_from_sample'])} from a sample, {number(rebuilt['ssim_of_blank'])} of a blank"
            f" picture; token distance {interval(rebuilt['token_distance'])},"
            f" {number(rebuilt['token_distance_of_blank'])} of a blank picture"
        )
    return lines


def _share(value: float) -> str:
    return f"{value:.3f}"


def number(value: float) -> str:
    return f"{value:.3g}"


def interval(value: dict) -> str:
    return f"{value['mean']:.3f} ({value['interval'][0]:.3f}–{value['interval'][1]:.3f})"


def _quartiles(values: list[float]) -> str:
    return " / ".join(f"{v:.3g}" if v < 100 else f"{v:.0f}" for v in values)


MEASURES: tuple[tuple[str, str, Callable], ...] = (
    ("parses_and_renders", "parses and renders", interval),
    ("not_blank", "not blank", interval),
    ("inside_canvas", "inside the canvas", interval),
    ("top1", "**R-precision at 1**", interval),
    ("top5", "R-precision at 5", interval),
    ("median_rank", "median rank", number),
    ("top1_by_text", "R-precision at 1, by the names' texts", interval),
    ("similarity_to_text", "similarity to the name's text", interval),
    ("clip_score", "CLIPScore of picture and name", interval),
    ("frechet", "**Frechet distance**", number),
    ("kernel", "kernel distance", number),
    ("precision", "precision", _share),
    ("recall", "recall", _share),
    ("spread", "diversity: mean distance of two pictures", _share),
    ("spread_within_name", "… for one name", interval),
    ("unique", "unlike every other one", interval),
    ("of_nearest_name", "drawn for the nearest name that the model knows", interval),
    ("near_copies", "**near copies of training pictures**", interval),
    ("copies_by_rows", "copies by rows", interval),
    ("memorised", "copies by either", interval),
    ("same_commands", "commands of some training icon", interval),
    ("nearest_bears_the_name", "nearest training picture bears the name", interval),
    ("ssim_to_nearest", "SSIM to the nearest, quartiles", _quartiles),
    ("keeps_style", "**keeps the set's style**", interval),
    ("strokes_only", "… strokes only", interval),
    ("pens_of_set", "… widths, caps and joins", interval),
    ("on_grid", "… on the grid", interval),
    ("elements", "elements, quartiles", _quartiles),
    ("elements_ratio", "… median to that of real icons", _share),
    ("elements_mean", "… mean", interval),
    ("rows", "rows, quartiles", _quartiles),
    ("rows_ratio", "… median to that of real icons", _share),
    ("bytes", "bytes, quartiles", _quartiles),
    ("bytes_ratio", "… median to that of real icons", _share),
    ("seconds_per_sample", "seconds per sample", number),
)


# --- contact sheets -----------------------------------------------------------------------------------


def _draw_sheets(output_dir: Path, key: str, sheet: dict) -> dict[str, str]:
    """Draw the contact sheets of a group -> their titles by file name."""
    failures = sorted(sheet["failures"], key=lambda entry: -entry[3])
    content = {
        "samples": (
            [entry[1:3] for entry in sheet["drawn"]], [entry[0] for entry in sheet["drawn"]], ("real", "sample"),
        ),
        "failures": (
            [entry[1:3] for entry in failures], [f"{prompt} ({rank + 1})" for prompt, *_, rank in failures],
            ("real", "sample"),
        ),
    }
    sorted_kinds = (("nearest", ("sample", "nearest"), True), ("rebuilt", ("icon", "rebuilt"), False))
    for kind, columns, descending in sorted_kinds:
        entries = sorted(sheet[kind], key=lambda entry: entry[2], reverse=descending)
        content[kind] = ([entry[:2] for entry in entries], [f"{score:.3f}" for *_, score in entries], columns)
    drawn = {}
    for kind, (pairs, labels, columns) in content.items():
        if pairs:
            file = f"{kind}_{key}.png"
            _draw_pairs(output_dir / file, pairs, labels, columns)
            drawn[file] = SHEETS[kind].format(key.replace("_", " "))
    return drawn


def _draw_pairs(path: Path, pairs: list, labels: list[str], columns: tuple[str, str], across: int = 3) -> None:
    """Pairs of SVGs, `across` of them in a row, with their labels beside the row."""
    pairs, labels = pairs[: across * SHEET_ROWS], labels[: across * SHEET_ROWS]
    starts = range(0, len(pairs), across)
    cells = [[svg for pair in pairs[i : i + across] for svg in pair] for i in starts]
    row_labels = [" / ".join(labels[i : i + across]) for i in starts]
    contact_sheet(cells, path, CELL, row_labels, list(columns) * min(across, len(pairs)))
