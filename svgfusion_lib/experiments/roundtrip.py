"""Stage roundtrip: SVG -> rows -> SVG for every file of a folder, with a report of the differences."""

import re
from collections import Counter
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.svg.document import read_document
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.limits import TimeLimitExceeded, call_in_child
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.parallel import map_in_order
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import contact_sheet, render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import element_structure, rows_to_svg

IMAGE_SIZE = 128           # pixels, for the comparison
PERCENTILES = (1, 25, 50, 75, 95, 99)
GOOD_SSIM = 0.98
WORST_COUNT = 24
LARGE = 16_000             # documents with more characters are rendered in a separate process
_SLOW = re.compile(r"filter|dasharray|inf|nan|(?<![\d.#])\d{6}|\de\+?\d", re.IGNORECASE)  # these too, at any size
RENDER_SECONDS = 2         # CPU time to render such a file; the parser has its own limits


def roundtrip(
    svg_dir: str | Path,
    out_dir: str | Path,
    pattern: str = "*.svg",
    max_files: int | None = None,
    processes: int | None = None,
) -> dict:
    """Convert every SVG of svg_dir to rows and back, write it under the same name to out_dir, and compare the two.

    out_dir/report.json has one entry per file and a summary (returned); out_dir/worst.png shows the 24 worst,
    original next to result. Pictures are compared at 128 px on white, rendered by resvg.
    If there are more than max_files files, a random subset is used. processes: None means one per core.
    """
    svg_dir, out_dir = Path(svg_dir), Path(out_dir)
    files = [record.file for record in read_records(svg_dir, pattern)]
    if max_files is not None and len(files) > max_files:
        files = [files[i] for i in sorted(np.random.default_rng(0).choice(len(files), max_files, replace=False))]
    with output_set(out_dir, "roundtrip", svg_dir) as folder:
        work = partial(roundtrip_file, svg_dir=svg_dir, out_dir=folder)
        entries = list(track(map_in_order(work, files, processes), "roundtrip", len(files)))
        summary = summarise(entries)
        write_json(folder / "report.json", {"summary": summary, "files": entries}, "report of a round trip")
        _draw_worst(entries, svg_dir, folder)
    return summary


def roundtrip_file(file: str, svg_dir: Path, out_dir: Path) -> dict:
    """Report entry of one file; its result is written to out_dir/file if it can be parsed."""
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
        "same_structure": _structure_of(result) == structure,
        "unsupported": dict(parsed.unsupported), "approximated": dict(parsed.approximated),
    }
    try:
        before, after = _drawn(_plain_text(path)), _drawn(result)
    except (ValueError, TimeLimitExceeded, MemoryError) as error:  # some matrices make the renderer run out of memory
        return entry | {"reason": f"cannot be compared: {error}"}
    return entry | {"ssim": ssim(before, after), "blank_ssim": ssim(before, np.full_like(before, 255))}


def _place(out_dir: Path, file: str) -> Path:
    """Output path of a file: its name, ending in .svg."""
    return out_dir / (file if file.endswith(".svg") else f"{file}.svg")


def _structure_of(result: str) -> list:
    """Structure of the output when read again; [] if it is too small for the written precision."""
    try:
        return element_structure(parse_svg(result).rows)
    except ValueError:
        return []


def _plain_text(path: Path) -> str:
    """The document without what not all renderers accept: compression, encodings, entities, undeclared prefixes."""
    return ElementTree.tostring(read_document(path), encoding="unicode")


def _drawn(svg: str) -> np.ndarray:
    """Render SVG text to uint8 [S, S, 3]; suspected cases in a child, with TimeLimitExceeded if it takes too long."""
    if len(svg) > LARGE or _SLOW.search(svg):  # the renderer's compiled code may run for minutes
        slow = f"drawing it takes more than {RENDER_SECONDS} s"
        return call_in_child(RENDER_SECONDS, slow, render_svg_by_resvg, svg, IMAGE_SIZE)
    return render_svg_by_resvg(svg, IMAGE_SIZE)


def summarise(entries: list[dict]) -> dict:
    """Counts, percentiles of SSIM over the compared files, shares over all files, features by name."""
    compared = [e for e in entries if "ssim" in e]
    parsed = [e for e in entries if e["parsed"]]
    summary: dict = {
        "files": len(entries),
        "parsed": len(parsed),
        "same_structure": sum(e["same_structure"] for e in parsed),
        "compared": len(compared),
        "reasons": dict(Counter(e["reason"] for e in entries if "reason" in e).most_common()),
    }
    for key, group in (("ssim", compared), ("blank_ssim", compared), ("rows", parsed), ("elements", parsed)):
        values = [e[key] for e in group]
        if values:
            percentiles = {f"p{p}": round(float(np.percentile(values, p)), 4) for p in PERCENTILES}
            summary[key] = {"mean": round(float(np.mean(values)), 4)} | percentiles
    summary[f"share_ssim_{GOOD_SSIM}"] = round(sum(e["ssim"] >= GOOD_SSIM for e in compared) / len(entries), 4)
    for kind in ("unsupported", "approximated"):
        features: Counter[str] = Counter()
        affected: Counter[str] = Counter()
        for entry in parsed:
            features.update(entry[kind])
            affected.update(entry[kind].keys())
        summary[kind] = {k: {"times": n, "files": affected[k]} for k, n in features.most_common()}
    return summary


def _draw_worst(entries: list[dict], svg_dir: Path, out_dir: Path) -> None:
    """Draw two originals and their results per line, worst first; skips files that could not be compared."""
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
        contact_sheet(rows, out_dir / "worst.png", row_labels=labels, column_labels=columns, renderer="resvg")
