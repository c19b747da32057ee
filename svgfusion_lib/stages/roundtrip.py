"""Stage roundtrip: SVG -> rows -> SVG for every file of a folder, and how well it came through."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.utils.files import write_json, write_text
from svgfusion_lib.utils.metrics import mean_absolute_error, ssim
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.render import contact_sheet, render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg, split_elements

REPORT_NAME, SHEET_NAME = "report.json", "worst.png"
IMAGE_SIZE = 128           # pixels of the comparison
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SSIM_LEVELS = (0.95, 0.98)
WORST_COUNT = 24
FEWEST_FOR_PROCESSES = 100  # starting worker processes takes seconds


def roundtrip(
    svg_dir: str | Path,
    out_dir: str | Path,
    pattern: str = "*.svg",
    max_files: int | None = None,
    canvas: float = 24,
    processes: int | None = None,
    seed: int = 0,
) -> dict:
    """Write every SVG of svg_dir as its rows draw it, under the same name in out_dir, and compare the two.

    out_dir/report.json holds one entry a file and a summary (returned); out_dir/worst.png shows the 24
    worst, original beside result. Pictures are compared at 128 px on white, both fitted into the same
    square. canvas: side of the viewBox written. Of more than max_files files a random choice is taken.
    """
    svg_dir, out_dir = Path(svg_dir), Path(out_dir)
    files = [record.file for record in read_records(svg_dir, pattern)]
    if out_dir.resolve() == svg_dir.resolve():
        raise UserError(f"{out_dir}: holds the originals, which would be overwritten; give another --out_dir")
    if max_files is not None and len(files) > max_files:
        chosen = np.random.default_rng(seed).choice(len(files), max_files, replace=False)
        files = [files[i] for i in sorted(chosen)]
    if processes is None:
        processes = min(2, os.cpu_count() or 1) if len(files) >= FEWEST_FOR_PROCESSES else 1
    work = partial(roundtrip_file, svg_dir=svg_dir, out_dir=out_dir, canvas=canvas)
    entries = list(track(_map(work, files, processes), "roundtrip", len(files)))
    summary = summarise(entries)
    write_json(out_dir / REPORT_NAME, {"summary": summary, "files": entries})
    _draw_worst(entries, svg_dir, out_dir)
    return summary


def roundtrip_file(file: str, svg_dir: Path, out_dir: Path, canvas: float) -> dict:
    """Entry of the report for one file; its result is written to out_dir/file if it can be parsed."""
    entry: dict = {"file": file, "parsed": False}
    path = svg_dir / file
    try:
        parsed = parse_svg(path)
    except ValueError as error:
        return entry | {"reason": str(error)}
    result = rows_to_svg(parsed.rows, canvas)
    write_text(out_dir / file, result)
    entry |= {
        "parsed": True, "rows": len(parsed.rows) - 2, "elements": len(split_elements(parsed.rows)),
        "bytes": path.stat().st_size, "bytes_written": len(result.encode()),
        "unsupported": dict(parsed.unsupported),
    }
    try:
        original = render_svg(path.read_text(encoding="utf-8-sig"), IMAGE_SIZE)
    except ValueError as error:
        return entry | {"reason": f"original: {error}"}
    picture = render_svg(result, IMAGE_SIZE)
    return entry | {
        "ssim": ssim(original, picture),
        "mae": mean_absolute_error(original, picture),
        "blank_ssim": ssim(original, np.full_like(original, 255)),
    }


def summarise(entries: list[dict]) -> dict:
    """Counts, SSIM and error percentiles over the compared files, shares over all files, features by name."""
    compared = [e for e in entries if "ssim" in e]
    summary: dict = {
        "files": len(entries),
        "parsed": sum(e["parsed"] for e in entries),
        "compared": len(compared),
        "reasons": dict(Counter(e["reason"] for e in entries if "reason" in e).most_common()),
    }
    for key in ("ssim", "mae", "blank_ssim", "rows", "elements"):
        values = [e[key] for e in compared]
        if values:
            percentiles = {f"p{p}": round(float(np.percentile(values, p)), 4) for p in PERCENTILES}
            summary[key] = {"mean": round(float(np.mean(values)), 4)} | percentiles
    for level in SSIM_LEVELS:
        summary[f"share_ssim_{level}"] = round(sum(e["ssim"] >= level for e in compared) / len(entries), 4)
    if compared:
        ratio = [e["bytes_written"] / e["bytes"] for e in compared]
        summary["bytes_ratio_median"] = round(float(np.median(ratio)), 3)
    features, affected = Counter(), Counter()
    for entry in entries:
        features.update(entry.get("unsupported", {}))
        affected.update(entry.get("unsupported", {}).keys())
    summary["unsupported"] = {k: {"times": n, "files": affected[k]} for k, n in features.most_common()}
    return summary


def _map(work: partial, files: list[str], processes: int) -> Iterator[dict]:
    """Entries in the order of the files, made here or in fresh processes (a fork may hold torch's locks)."""
    if processes <= 1:
        yield from map(work, files)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, files, chunksize=8)


def _draw_worst(entries: list[dict], svg_dir: Path, out_dir: Path) -> None:
    """Two originals with their results per line, files that could not be parsed first."""
    worst = sorted(entries, key=lambda e: e.get("ssim", -1.0))[:WORST_COUNT]
    rows, labels = [], []
    for start in range(0, len(worst), 2):
        pair = worst[start : start + 2]
        cells: list[str | None] = []
        for entry in pair:
            cells.append(_readable_text(svg_dir / entry["file"]))
            cells.append((out_dir / entry["file"]).read_text(encoding="utf-8") if entry["parsed"] else None)
        rows.append(cells)
        labels.append(" / ".join(f"{Path(e['file']).stem} {e.get('ssim', float('nan')):.3f}" for e in pair))
    columns = ["original", "result"] * (len(rows[0]) // 2)
    contact_sheet(rows, out_dir / SHEET_NAME, row_labels=labels, column_labels=columns)


def _readable_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig", errors="replace")
