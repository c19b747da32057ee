"""Stage `tidy`: tidies any SVG files and reports what was moved and by how much."""

import math
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from svgfusion_lib.errors import UserError
from svgfusion_lib.svg.document import document_text, leading_comments, read_document
from svgfusion_lib.system.file_list import svg_files
from svgfusion_lib.system.files import read_json, write_bytes, write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.progress import track
from svgfusion_lib.tidying.anchors import Anchors
from svgfusion_lib.tidying.noise import MIN_NOISE, estimate_noise
from svgfusion_lib.tidying.root import with_root_of
from svgfusion_lib.tidying.tidy import TidyConfig, TidyResult, tidy_rows
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.svg_parser import ParsedSVG, parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

REPORT_NAME, REPORT = "tidy.json", "report of tidy"
SMALL_CANVAS, LARGE_CANVAS = 10, 64  # sides in a file's own units: smaller canvases suggest no grid of these units
FINEST_GRID = 1 / 8   # units of a file: of the finest grid that a designer places points on
ON_GRID = 1e-2        # its steps: tolerance of a point on it
GRID_PER_NOISE = 3    # least step between whole coordinates, relative to point errors, that these do not blur


def tidy_svg(source: str | bytes | Path, config: TidyConfig | None = None) -> tuple[str, TidyResult]:
    """Tidy SVG text, bytes or a file; returns the SVG text and what was done.

    The grid is in the file's own units, unless config sets a step. ValueError with the reason if the file cannot be
    read, or has features that rows would lose (text, images, filters).
    Comments before the root, its size on a page, names, class, data and currentColor are those of the file (root.py).
    """
    text, tidied, _ = _tidied(source, config)
    return text, tidied


def _tidied(source: str | bytes | Path, config: TidyConfig | None) -> tuple[str, TidyResult, list[str]]:
    """`tidy_svg`, and the features that the text only approximates."""
    content = document_text(source)
    parsed = parse_svg(content)
    if parsed.unsupported:
        raise ValueError(f"has features that would be lost: {', '.join(sorted(parsed.unsupported))}")
    config, decimals = _fitted(parsed, config or TidyConfig())
    tidied = tidy_rows(parsed.rows, config)
    drawing = rows_to_svg(tidied.rows, parsed.size, decimals)
    text = with_root_of(drawing, read_document(content), leading_comments(content))
    return text, tidied, sorted(parsed.approximated)


def _fitted(parsed: ParsedSVG, config: TidyConfig) -> tuple[TidyConfig, int | None]:
    """The config with a grid of whole and half units of the file, unless it sets a step; decimals to write.

    On a large canvas, errors can be larger than a unit; then the grid is a power of two of units that exceeds them. A
    clean drawing with all its points on that canvas's own fine grid has no errors, however small a unit is.
    """
    side = max(parsed.size)
    if config.step != TidyConfig.step or side < SMALL_CANVAS:
        return config, None
    unit = 24 / side
    if side <= LARGE_CANVAS:
        return replace(config, step=unit / 2), None
    rows = sanitize_rows(parsed.rows)
    noise = estimate_noise(rows) if config.noise is None else config.noise
    parts = Anchors.of(rows).points / (unit * FINEST_GRID)  # [A, 2]
    if config.noise is None and noise <= MIN_NOISE and (np.abs(parts - np.round(parts)) < ON_GRID).all():
        return replace(config, step=unit / 2, noise=0), 3
    period = unit * 2 ** max(0, math.ceil(math.log2(GRID_PER_NOISE * max(noise, MIN_NOISE) / unit)))
    return replace(config, step=period / 2, noise=noise), None


def tidy_files(
    svg: str | Path, output_dir: str | Path | None = None, in_place: bool = False, config: TidyConfig | None = None
) -> dict:
    """Tidy an SVG file, or all SVG files in a folder (recursively); returns the report, tidy.json.

    Results keep their names, in output_dir or in_place. Files without changes are copied unchanged; files that cannot
    be read or would lose something are skipped (in place: left alone) and reported with the reason. Files with features
    that rows only approximate are reported, and left alone in place. UserError if there is no SVG file, a link leads
    out of the folder, a name has control characters, output_dir contains the originals, or the destination is unclear.
    """
    svg = Path(svg)
    folder = svg if svg.is_dir() else svg.parent
    files = [folder / name for name in svg_files(folder)] if svg.is_dir() else [svg]
    if not files or not files[0].is_file():
        raise UserError(f"{svg}: no such SVG file or folder of SVG files")
    if (output_dir is None) != in_place:
        raise UserError("give either --output_dir, or --in_place to overwrite the originals")
    target = folder if output_dir is None else Path(output_dir)
    if in_place and (target / REPORT_NAME).exists():
        read_json(target / REPORT_NAME, REPORT, "move it away")  # only a report may be overwritten
    entries = {}
    with nullcontext(target) if in_place else output_set(target, "tidy", svg) as written:
        for path in track(files, "tidy", len(files)):
            name = path.relative_to(folder)
            entries[name.as_posix()] = _tidy_file(path, written / name, config)
        report = {"files": entries, "summary": _summary(entries)}
        write_json(written / REPORT_NAME, report, REPORT)
    return report


def _tidy_file(path: Path, target: Path, config: TidyConfig | None) -> dict:
    """Tidy one file, write the result and return its entry in the report."""
    try:
        text, tidied, approximated = _tidied(path, config)
    except ValueError as error:
        return {"left": str(error)}
    entry = {key: value for key, value in asdict(tidied).items() if key != "rows"}
    entry["approximated"] = approximated if tidied.changed else []
    if entry["approximated"] and path == target:
        return {"left": f"has features that would be approximated: {', '.join(approximated)}"}
    if tidied.changed:
        write_text(target, text)
    elif path != target:
        write_bytes(target, path.read_bytes())
    return entry | {"changed": tidied.changed}


def _summary(entries: dict[str, dict]) -> dict:
    done = [entry for entry in entries.values() if "left" not in entry]
    return {
        "files": len(entries), "left": len(entries) - len(done), "changed": sum(entry["changed"] for entry in done),
        "largest": float(np.max([entry["largest"] for entry in done], initial=0)),
    }


def summary_line(name: str, entry: dict) -> str:
    """One line on what was done to a file."""
    if "left" in entry:
        return f"{name}: left as it is ({entry['left']})"
    if not entry["changed"]:
        return f"{name}: in order"
    rules = ", ".join(f"{rule} {count} by up to {far:.2f}" for rule, (count, far) in entry["moved"].items())
    rest = [f"{entry[key]} rows {word}" for key, word in (("dropped", "fewer"), ("painted", "repainted")) if entry[key]]
    parts = "; ".join([*([f"coordinates moved: {rules}"] if rules else []), *rest])
    line = f"{name}: {parts} (furthest {entry['largest']:.2f} of 24 units)"
    return line + (f"; approximated: {', '.join(entry['approximated'])}" if entry["approximated"] else "")
