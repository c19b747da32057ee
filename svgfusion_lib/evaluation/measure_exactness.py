"""Stage exactness: how exact the drawings of a folder of SVGs are, and whether they can be told from real icons."""

from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.exactness import exactness, exactness_table
from svgfusion_lib.evaluation.two_sample import FOLDS, pooled, row_features, two_sample_accuracy
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import check_apart, output_set
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

REPORT = "report of exactness"


def measure_exactness(
    svg_dir: str | Path,
    output_dir: str | Path,
    reference_dir: str | Path | None = None,
    pattern: str = "*.svg",
    max_files: int | None = 300,
    pixel_encoder: str = "efficientnet-lite0",
    seed: int = 0,
) -> dict:
    """Measure the SVGs of a folder and, beside them, those of another one (real icons, say).

    Of more than max_files files (None: no limit) in a folder a random choice is taken. With reference_dir the
    two-sample test is made too, by rows and by picture; drawings of one name (`cart` of `cart.svg` or of the captions)
    are never on both sides of training and question. Writes report.json (returned) and report.md. Files that cannot be
    parsed are left out and named with the reason.
    """
    check_apart(output_dir, svg_dir, reference_dir)
    folders = {"drawings": svg_dir} | ({} if reference_dir is None else {"reference": reference_dir})
    sets = {name: _read(Path(folder), pattern, max_files, seed) for name, folder in folders.items()}
    skipped = {name: reasons for name, (_, _, reasons) in sets.items()}
    report: dict = {
        "folders": {name: str(folder) for name, folder in folders.items()}, "skipped": skipped,
        "drawings": {name: len(drawings) for name, (drawings, _, _) in sets.items()},
        "exactness": {name: exactness(drawings) for name, (drawings, _, _) in sets.items()},
    }
    text = exactness_table(report["exactness"])
    if reference_dir is not None:
        if min(report["drawings"].values()) < 2 * FOLDS:
            raise UserError(f"{reference_dir}: the two-sample test needs {2 * FOLDS} SVGs in each folder")
        (drawings, names, _), (real, real_names, _) = sets.values()
        number = {name: k for k, name in enumerate(dict.fromkeys([*names, *real_names]))}
        groups = [number[name] for name in names], [number[name] for name in real_names]
        encoder = load_pixel_encoder(pixel_encoder)
        shown, real_shown = (picture_features(encoder, own) for own in (drawings, real))
        report["two_sample"] = {
            "by_rows": two_sample_accuracy(row_features(drawings), row_features(real), groups, seed),
            "by_picture": two_sample_accuracy(shown, real_shown, groups, seed),
        }
        told = report["two_sample"]
        text += (
            f"\nTwo-sample test, .5 where nothing tells them apart: {told['by_rows']['mean']:.3f} by rows,"
            f" {told['by_picture']['mean']:.3f} by picture.\n"
        )
    with output_set(output_dir, "exactness") as folder:
        write_text(folder / "report.md", text)
        write_json(folder / "report.json", report, REPORT)
    return report


def picture_features(encoder: PixelEncoder, drawings: list[np.ndarray]) -> np.ndarray:
    """Pooled pixel tokens [N, 2 C] of the pictures of drawings (rows [L, 22] each)."""
    pictures = np.stack([render_svg(rows_to_svg(rows), encoder.image_size) for rows in drawings])
    return pooled(encoder.encode(pictures))


def _read(folder: Path, pattern: str, max_files: int | None, seed: int) -> tuple[list[np.ndarray], list[str], dict]:
    """Rows and names of the SVGs of a folder, and the reasons of those that cannot be parsed."""
    records = read_records(folder, pattern)
    if max_files is not None and len(records) > max_files:
        chosen = np.random.default_rng(seed).choice(len(records), max_files, replace=False)
        records = [records[i] for i in sorted(chosen)]
    drawings, names, skipped = [], [], dict[str, str]()
    for record in track(records, folder.name, len(records)):
        try:
            drawings.append(parse_svg(folder / record.file).rows)
        except ValueError as error:
            skipped[record.file] = str(error)
            continue
        names.append(record.name)
    if not drawings:
        file, reason = next(iter(skipped.items()))
        raise UserError(f"{folder}: none of {len(skipped)} SVG files could be read; {file}: {reason}")
    return drawings, names, skipped
