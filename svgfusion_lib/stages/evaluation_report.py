"""What stage evaluate writes: report.json, report.md, plots.png and contact sheets."""

from pathlib import Path

from svgfusion_lib.utils.files import atomic_path, write_json, write_text
from svgfusion_lib.utils.render import contact_sheet

SHEET_ROWS = 20
SHEETS = {
    "samples": "Samples ({}), right of the real icon",
    "nearest": "Samples ({}) beside the nearest training picture, most similar first",
    "rebuilt": "Icons ({}) beside their reconstruction, worst first",
}
NOTES = """\
How to read it:

- Intervals are 95% bootstrap intervals over the samples.
- R-precision: a sample counts at k if the real icon of its own prompt is among the k nearest of the real
  icons of all prompts, by the cosine of standardised mean pixel tokens. Shuffled prompts show what the
  measure says of pictures that have nothing to do with their prompt.
- The Frechet distance of so few pictures is far above that of the distributions: its estimate needs many more
  pictures than features. Read it only against the line "real icons", which has the same number of pictures
  and the same reference set. The kernel distance has no such bias; about 0 means no difference.
- Near copies: grey pictures at {novelty_size} px whose SSIM to the nearest training picture is at least
  {near_copy}. Icons of one set resemble each other: "unseen real icons" says how often those do.
- Real icons are drawn from their rows, by the same writer as the samples.
"""


def write_report(output_dir: Path, report: dict, sheets: dict[str, dict]) -> None:
    """Write everything into output_dir. sheets: per split, see evaluate._evaluate_split."""
    write_json(output_dir / "report.json", report)
    _plot(output_dir / "plots.png", report, sheets)
    pictures = {"plots.png": "Plots"}
    for split, sheet in sheets.items():
        pictures |= _draw_sheets(output_dir, split, sheet)
    write_text(output_dir / "report.md", markdown(report, pictures))


def markdown(report: dict, pictures: dict[str, str]) -> str:
    """The report as a Markdown table, one column a split, and pictures (file -> title) below it."""
    settings, splits = report["settings"], report["splits"]
    sampling = settings["sampling"]
    lines = [
        "# Evaluation", "",
        f"{settings['num_prompts']} prompts a split at most, {settings['num_samples']} sample(s) each,"
        f" seed {settings['seed']}, {sampling['ddim_steps']} DDIM steps, guidance {sampling['cfg_scale']},"
        f" features {settings['pixel_encoder']}, {settings['icons']} icons in the cache.", "",
        "| measure | " + " | ".join(splits) + " |", "|---|" + "---|" * len(splits),
    ]
    for label, cells in _table(list(splits.values())):
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines += ["", NOTES.format(**settings)]
    for file, title in pictures.items():
        lines += [f"{title}:", "", f"![{title}]({file})", ""]
    return "\n".join(lines)


def _table(splits: list[dict]) -> list[tuple[str, list[str]]]:
    """(label, one cell a split) of every measure that at least one split has."""
    rows: list[tuple[str, tuple[str, ...], object]] = [
        ("prompts / samples / reference icons", (), _counts),
        ("parses and renders", ("validity", "parses_and_renders"), _share),
        ("not blank", ("validity", "not_blank"), _share),
        ("inside the canvas", ("validity", "inside_canvas"), _share),
        ("… real icons", ("validity_real", "inside_canvas"), _share),
    ]
    for k in (1, 5):
        rows += [
            (f"**R-precision at {k}**", ("alignment", "samples", f"top{k}"), _interval),
            ("… chance", ("alignment", f"chance_top{k}"), _share),
            ("… shuffled prompts", ("alignment", "shuffled_prompts", f"top{k}"), _interval),
            ("… its name in another pack", ("alignment", "real_icon_of_another_pack", f"top{k}"), _interval),
        ]
    for name, label in (("frechet", "Frechet distance"), ("kernel", "Kernel distance")):
        rows += [
            (f"**{label}**, samples to reference", ("distance", name, "samples"), _number),
            ("… real icons to reference", ("distance", name, "real"), _number),
            ("… halves of the reference", ("distance", name, "real_halves"), _number),
        ]
    rows += [
        ("**near copies of training pictures**", ("novelty", "near_copies"), _interval),
        ("… unseen real icons", ("novelty_real", "near_copies"), _interval),
        ("nearest training picture bears the name", ("novelty", "nearest_bears_the_name"), _share),
        ("SSIM to the nearest, quartiles", ("novelty", "ssim_to_nearest"), _quartiles),
        ("… unseen real icons", ("novelty_real", "ssim_to_nearest"), _quartiles),
        ("**reconstruction SSIM** (posterior mean)", ("reconstruction", "ssim"), _interval),
        ("… quartiles", ("reconstruction", "ssim_quartiles"), _quartiles),
        ("… blank picture", ("reconstruction", "blank_ssim"), _number),
    ]
    for name in ("elements", "rows", "bytes"):
        rows += [
            (f"{name}, quartiles", ("complexity", name), _quartiles),
            ("… real icons", ("complexity_real", name), _quartiles),
        ]
    rows.append(("seconds per sample", ("seconds_per_sample",), _number))
    table = []
    for label, keys, form in rows:
        values = [_get(split, keys) for split in splits]
        if any(value is not None for value in values):
            table.append((label, ["–" if value is None else form(value) for value in values]))
    return table


def _get(values: dict, keys: tuple[str, ...]):
    for key in keys:
        if not isinstance(values, dict) or key not in values:
            return None
        values = values[key]
    return values


def _counts(split: dict) -> str:
    return f"{split['prompts']} / {split['samples']} / {split['reference']}"


def _share(value: float) -> str:
    return f"{value:.3f}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _interval(value: dict) -> str:
    return f"{value['mean']:.3f} ({value['interval'][0]:.3f}–{value['interval'][1]:.3f})"


def _quartiles(values: list[float]) -> str:
    return " / ".join(f"{v:.3g}" if v < 100 else f"{v:.0f}" for v in values)


# --- pictures ---------------------------------------------------------------------------------------


def _draw_sheets(output_dir: Path, split: str, sheet: dict) -> dict[str, str]:
    """Draw the contact sheets of a split -> their titles by file name."""
    drawn_files = {f"samples_{split}.png": SHEETS["samples"].format(split)}
    count = 2 * SHEET_ROWS
    drawn = [[real, *samples[:4]] for real, samples in zip(sheet["real"], sheet["samples"])][:count]
    cells = [[svg for icon in drawn[i : i + 2] for svg in icon] for i in range(0, len(drawn), 2)]
    labels = [" / ".join(sheet["prompts"][i : i + 2]) for i in range(0, len(drawn), 2)]
    columns = ["real", *["sample"] * (len(drawn[0]) - 1)] * min(2, len(drawn))
    contact_sheet(cells, output_dir / f"samples_{split}.png", 72, labels, columns)
    pairs = (("nearest", ("sample", "nearest"), True), ("rebuilt", ("icon", "rebuilt"), False))
    for kind, columns, descending in pairs:
        entries = sorted(sheet[kind], key=lambda e: e[2], reverse=descending)[: 3 * SHEET_ROWS]
        rows = [entries[i : i + 3] for i in range(0, len(entries), 3)]
        if rows:
            cells = [[svg for entry in row for svg in entry[:2]] for row in rows]
            scores = [", ".join(f"{score:.3f}" for *_, score in row) for row in rows]
            file = f"{kind}_{split}.png"
            contact_sheet(cells, output_dir / file, 72, scores, list(columns) * len(rows[0]))
            drawn_files[file] = SHEETS[kind].format(split)
    return drawn_files


def _plot(path: Path, report: dict, sheets: dict[str, dict]) -> None:
    """R-precision, similarity to the nearest training picture, reconstruction SSIM, rows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    (precision, novelty), (rebuilt, length) = figure.subplots(2, 2)
    groups = ("samples", "shuffled_prompts", "real_icon_of_another_pack")
    for n, (split, values) in enumerate(report["splits"].items()):
        colour = f"C{n}"
        for x, group in enumerate(groups):
            entry = _get(values, ("alignment", group, "top5"))
            if entry is not None:
                low, high = entry["interval"]
                error = [[max(0, entry["mean"] - low)], [max(0, high - entry["mean"])]]
                precision.bar(x + 0.4 * n - 0.2, entry["mean"], 0.36, color=colour, yerr=error, capsize=3)
        chance = _get(values, ("alignment", "chance_top5"))
        if chance is not None:
            precision.axhline(chance, color=colour, linestyle=":", linewidth=1)
        similarity = [score for *_, score in sheets[split]["nearest"]]
        scores = [score for *_, score in sheets[split]["rebuilt"]]
        for axes, data in ((novelty, similarity), (rebuilt, scores)):
            if data:
                axes.hist(data, bins=30, range=(min(0, *data), 1), histtype="step", color=colour, label=split)
        for m, (kind, style) in enumerate((("complexity", "-"), ("complexity_real", "--"))):
            quartiles = _get(values, (kind, "rows"))
            if quartiles:
                y = -(2 * n + m)
                length.plot(quartiles[::2], [y, y], style, color=colour, linewidth=2)
                length.plot(quartiles[1], y, "o", color=colour)
                length.annotate(f"{split}, {'samples' if m == 0 else 'real icons'}", (quartiles[0], y + 0.12))
    precision.set_xticks(range(3), ["samples", "shuffled\nprompts", "real icon,\nother pack"])
    precision.set(title="R-precision at 5 (dotted: chance)", ylim=(0, 1.05))
    near_copy = report["settings"]["near_copy"]
    novelty.axvline(near_copy, color="grey", linestyle=":")
    novelty.set(title=f"SSIM to the nearest training picture (copy: {near_copy})", ylabel="samples")
    rebuilt.set(title="Reconstruction SSIM", ylabel="icons")
    length.set(title="Rows per SVG: quartiles", yticks=[])
    length.margins(y=0.15)
    for axes in (novelty, rebuilt):
        if axes.has_data() and axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
