"""Stage roundtrip: SVG -> rows -> SVG for every file of a folder, and how well it came through."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.metrics import mean_absolute_error, ssim
from svgfusion_lib.svg.document import read_document
from svgfusion_lib.system.files import read_json, write_json, write_text
from svgfusion_lib.system.limits import TimeIsUp, call_in_child, cpu_limit
from svgfusion_lib.system.outputs import claimed, output_set
from svgfusion_lib.system.parallel import map_in_order
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import RENDERERS, contact_sheet
from svgfusion_lib.utils.svg_parser import ParsedSVG, parse_svg
from svgfusion_lib.utils.tensorsvg import element_structure, quantize_rows, rows_to_svg

REPORT_NAME, SHEET_NAME = "report.json", "worst.png"
REPORT = "report of a round trip"
IMAGE_SIZE = 128           # pixels of the comparison
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SSIM_LEVELS = (0.95, 0.98)
WORST_COUNT = 24
LARGE = 16_000             # characters of a document that is drawn in a process of its own
_FAR_OR_DASHED = re.compile(r"dasharray|inf|nan|(?<![\d.#])\d{6}|\de\+?\d", re.IGNORECASE)  # so are these, of any size
RENDER_SECONDS = 2         # CPU time to draw one file; the parser has limits of its own


def roundtrip(
    svg_dir: str | Path,
    out_dir: str | Path,
    pattern: str = "*.svg",
    max_files: int | None = None,
    processes: int | None = None,
    renderer: str = "resvg",
    bins: int = 256,
    seed: int = 0,
) -> dict:
    """Write every SVG of svg_dir as its rows draw it, under the same name in out_dir, and compare the two.

    out_dir/report.json holds one entry a file and a summary (returned); out_dir/worst.png shows the
    24 worst, original beside result. Pictures are compared at 128 px on white, by `renderer`, as they are and
    with coordinates rounded to `bins` levels (0: not measured). resvg draws masks as browsers do, cairosvg does not.
    Of more than max_files files a random choice is taken. processes: None: one for each core.
    """
    svg_dir, out_dir = Path(svg_dir), Path(out_dir)
    if renderer not in RENDERERS:
        raise UserError(f"renderer {renderer!r} is not known; one of {', '.join(RENDERERS)}")
    if bins < 0 or bins == 1:
        raise UserError(f"bins is {bins}; it must be 0 (not measured) or at least 2")
    files = [record.file for record in read_records(svg_dir, pattern)]
    if max_files is not None and len(files) > max_files:
        chosen = np.random.default_rng(seed).choice(len(files), max_files, replace=False)
        files = [files[i] for i in sorted(chosen)]
    with output_set(out_dir, "roundtrip", svg_dir) as folder:
        work = partial(roundtrip_file, svg_dir=svg_dir, out_dir=folder, renderer=renderer, bins=bins)
        entries = list(track(map_in_order(work, files, processes), "roundtrip", len(files)))
        summary = {"renderer": renderer, "bins": bins} | summarise(entries)
        write_json(folder / REPORT_NAME, {"summary": summary, "files": entries}, REPORT)
        _draw_worst(entries, svg_dir, folder, renderer)
    return summary


def roundtrip_file(file: str, svg_dir: Path, out_dir: Path, renderer: str, bins: int) -> dict:
    """Entry of the report for one file; its result is written to out_dir/file if it can be parsed."""
    entry: dict = {"file": file, "parsed": False}
    path = svg_dir / file
    try:
        parsed = parse_svg(path)
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return entry | {"reason": reason}
    result = rows_to_svg(parsed.rows, parsed.size)
    write_text(_place(out_dir, file), result)
    structure = element_structure(parsed.rows)
    entry |= {
        "parsed": True, "rows": len(parsed.rows) - 2, "elements": len(structure),
        "bytes": path.stat().st_size, "bytes_written": len(result.encode()),
        "same_structure": _structure_of(result) == structure,
        "unsupported": dict(parsed.unsupported), "approximated": dict(parsed.approximated),
    }
    try:
        return entry | _compared(_plain_text(path), parsed, result, renderer, bins)
    except (ValueError, TimeIsUp, MemoryError) as error:  # cairo runs out of memory over some matrices
        return entry | {"reason": f"cannot be compared: {error}"}


def _place(out_dir: Path, file: str) -> Path:
    """Where a file's result goes: under its name, with .svg at its end."""
    return out_dir / (file if file.endswith(".svg") else f"{file}.svg")


def _structure_of(result: str) -> list:
    """Structure of what was written, read again; empty where it is too small for the written decimals to show."""
    try:
        return element_structure(parse_svg(result).rows)
    except ValueError:
        return []


def _plain_text(path: Path) -> str:
    """The document without what renderers differ in accepting: compression, encoding, entities, undeclared prefixes."""
    return ElementTree.tostring(read_document(path), encoding="unicode")


def _compared(original: str, parsed: ParsedSVG, result: str, renderer: str, bins: int) -> dict:
    """SSIM and mean absolute error of the result's picture against the original's, and the floor."""
    before, after = _drawn(original, renderer), _drawn(result, renderer)
    measured = {
        "ssim": ssim(before, after),
        "mae": mean_absolute_error(before, after),
        "blank_ssim": ssim(before, np.full_like(before, 255)),
    }
    if bins:
        rounded = rows_to_svg(quantize_rows(parsed.rows, bins), parsed.size)
        measured[f"ssim_{bins}_bins"] = ssim(before, _drawn(rounded, renderer))
    return measured


def _drawn(svg: str, renderer: str) -> np.ndarray:
    """SVG text -> uint8 [S, S, 3]; TimeIsUp for one that takes too long, in a process of its own if that may be so."""
    render, slow = RENDERERS[renderer], f"drawing it takes more than {RENDER_SECONDS} s"
    if len(svg) > LARGE or _FAR_OR_DASHED.search(svg):  # it may keep the renderer's C code busy for minutes
        return call_in_child(RENDER_SECONDS, slow, render, svg, IMAGE_SIZE)
    with cpu_limit(RENDER_SECONDS, slow):
        return render(svg, IMAGE_SIZE)


def summarise(entries: list[dict]) -> dict:
    """Counts, SSIM and error percentiles over the compared files, shares over all files, features by name."""
    compared = [e for e in entries if "ssim" in e]
    parsed = [e for e in entries if e["parsed"]]
    summary: dict = {
        "files": len(entries),
        "parsed": len(parsed),
        "same_structure": sum(e["same_structure"] for e in parsed),
        "compared": len(compared),
        "reasons": dict(Counter(e["reason"] for e in entries if "reason" in e).most_common()),
    }
    measures = ["ssim", "mae", "blank_ssim", *{k for e in compared for k in e if k.endswith("_bins")}]
    for key, group in [*((k, compared) for k in measures), ("rows", parsed), ("elements", parsed)]:
        values = [e[key] for e in group]
        if values:
            percentiles = {f"p{p}": round(float(np.percentile(values, p)), 4) for p in PERCENTILES}
            summary[key] = {"mean": round(float(np.mean(values)), 4)} | percentiles
    for level in SSIM_LEVELS:
        summary[f"share_ssim_{level}"] = round(sum(e["ssim"] >= level for e in compared) / len(entries), 4)
    if parsed:
        ratio = [e["bytes_written"] / max(e["bytes"], 1) for e in parsed]
        summary["bytes_ratio_median"] = round(float(np.median(ratio)), 3)
    for kind in ("unsupported", "approximated"):
        features: Counter[str] = Counter()
        affected: Counter[str] = Counter()
        for entry in parsed:
            features.update(entry[kind])
            affected.update(entry[kind].keys())
        summary[kind] = {k: {"times": n, "files": affected[k]} for k, n in features.most_common()}
    return summary


def _draw_worst(entries: list[dict], svg_dir: Path, out_dir: Path, renderer: str) -> None:
    """Two originals with their results per line, the worst first; files that were not compared are not drawn."""
    worst = sorted((e for e in entries if "ssim" in e), key=lambda e: e["ssim"])[:WORST_COUNT]
    rows, labels = [], []
    for start in range(0, len(worst), 2):
        pair = worst[start : start + 2]
        rows.append([text for entry in pair for text in (
            _plain_text(svg_dir / entry["file"]),
            _place(out_dir, entry["file"]).read_text(encoding="utf-8"),
        )])
        labels.append(" / ".join(f"{Path(e['file']).stem} {e['ssim']:.3f}" for e in pair))
    if rows:
        columns = ["original", "result"] * (len(rows[0]) // 2)
        contact_sheet(rows, out_dir / SHEET_NAME, row_labels=labels, column_labels=columns, renderer=renderer)


TABLE_NAME = "table.md"
ROW_PERCENTILES = ("p25", "p50", "p75", "p95", "p99")


def roundtrip_packs(
    packs: Sequence[str], out_dir: str | Path, packs_dir: str | Path = "data/packs", **options
) -> str:
    """Fetch packs where they are not there, send each through `roundtrip` into out_dir/<pack>.

    options are those of `roundtrip`. Returns the Markdown table that out_dir/table.md holds.
    """
    out_dir = Path(out_dir)
    reports = {}
    with claimed(out_dir, "roundtrip_packs"):
        for folder in fetch_packs(packs, packs_dir):
            roundtrip(folder, out_dir / folder.name, **options)
            reports[folder.name] = read_json(out_dir / folder.name / REPORT_NAME, REPORT, "run it again")
        table = comparison_table(reports)
        write_text(out_dir / TABLE_NAME, table)
    return table


def comparison_table(reports: dict[str, dict]) -> str:
    """Markdown: a line for each pack's report, figures of SSIM beside the floor of a blank picture."""
    bins = max((report["summary"]["bins"] for report in reports.values()), default=0)
    titles = ["pack", "files", "parsed", "SSIM >= .98", "mean SSIM", "1% below", "blank picture"]
    titles += [f"mean SSIM, {bins} levels"] if bins else []
    titles += ["same structure", "rows 25 / 50 / 75 / 95 / 99", "missing in (files)"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for pack, report in reports.items():
        summary, measured = report["summary"], report["summary"].get("ssim")
        if measured is None:
            lines.append(f"| {pack} | {summary['files']} | {summary['parsed']} |" + " |" * (len(titles) - 3))
            continue
        missing = ", ".join(f"{name} {count['files']}" for name, count in summary["unsupported"].items())
        cells = [
            pack, summary["files"], f"{summary['parsed'] / summary['files']:.2%}", f"{summary['share_ssim_0.98']:.2%}",
            f"{measured['mean']:.4f}", f"{measured['p1']:.3f}", f"{summary['blank_ssim']['mean']:.2f}",
            *([f"{summary[f'ssim_{bins}_bins']['mean']:.3f}"] if bins else []),
            f"{summary['same_structure'] / max(summary['parsed'], 1):.2%}",
            " / ".join(f"{summary['rows'][p]:.0f}" for p in ROW_PERCENTILES),
            missing or "-",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"
