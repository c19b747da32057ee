"""Stage preprocess: a folder of SVGs -> cache.pt (rows, captions, pixel tokens) and report.json."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.corpus.records import Record, read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.utils import row_format
from svgfusion_lib.utils.checkpoint import load_tensors, save_tensors
from svgfusion_lib.utils.files import write_json
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

CACHE_NAME = "cache.pt"


def preprocess(
    svg_dir: str | Path,
    precomputed_dir: str | Path,
    pattern: str = "*.svg",
    max_files: int | None = 300,
    pixel_encoder: str = "efficientnet-lite0",
    seed: int = 0,
) -> Path:
    """Parse and render the SVGs of a folder and write precomputed_dir/cache.pt; returns its path.

    Of more than max_files files (None: no limit) a random choice is taken, the same for the same seed.
    pixel_encoder "none" leaves the pixel tokens out. Files that cannot be parsed or rendered are left out and
    named with the reason in report.json; UserError if none is left.
    """
    records = read_records(svg_dir, pattern)
    if max_files is not None and len(records) > max_files:
        chosen = np.random.default_rng(seed).choice(len(records), max_files, replace=False)
        records = [records[i] for i in sorted(chosen)]
    encoder = None if pixel_encoder == "none" else load_pixel_encoder(pixel_encoder)
    skipped: dict[str, str] = {}
    unsupported: Counter = Counter()
    approximated: Counter = Counter()
    kept, rows, images = [], [], []
    for record in track(records, "preprocess"):
        try:
            parsed = parse_svg(Path(svg_dir) / record.file)
            if encoder is not None:
                images.append(render_svg(rows_to_svg(parsed.rows), encoder.image_size))  # what the rows show
        except ValueError as error:
            skipped[record.file] = str(error)
            continue
        unsupported.update(parsed.unsupported)
        approximated.update(parsed.approximated)
        kept.append(record)
        rows.append(parsed.rows)
    if not kept:
        file, reason = next(iter(skipped.items()))
        raise UserError(f"{svg_dir}: none of {len(skipped)} SVG files could be used; {file}: {reason}")
    cache = {
        "row_format": row_format.VERSION,
        "names": [record.file.removesuffix(".svg") for record in kept],
        "titles": [record.name for record in kept],
        "packs": [record.pack for record in kept],
        "captions": [list(record.captions) for record in kept],
        "splits": _splits(kept),
        "rows": torch.from_numpy(np.concatenate(rows)),
        "offsets": torch.tensor(np.cumsum([0] + [len(r) for r in rows])),
        "pixel_encoder": pixel_encoder,
        "pixel_tokens": None if encoder is None else _pixel_tokens(encoder, images),
    }
    path = save_tensors(Path(precomputed_dir) / CACHE_NAME, "cache", cache)
    lengths = [len(r) - 2 for r in rows]
    write_json(Path(precomputed_dir) / "report.json", {
        "files": len(records), "kept": len(kept), "skipped": skipped, "unsupported": dict(unsupported),
        "approximated": dict(approximated),
        "rows_percentiles": {str(p): float(np.percentile(lengths, p)) for p in (25, 50, 75, 95, 99)},
    })
    return path


def load_cache(precomputed_dir: str | Path) -> dict:
    """The cache that `preprocess` wrote into a folder; UserError if it is missing or of another format."""
    path = Path(precomputed_dir) / CACHE_NAME
    cache = load_tensors(path, "cache", "preprocess")
    if cache["row_format"] != row_format.VERSION:
        raise UserError(
            f"{path}: row format {cache['row_format']}, this program has {row_format.VERSION}; preprocess anew"
        )
    return cache


def cache_rows(cache: dict, index: int) -> np.ndarray:
    """Rows [L, 22] of one SVG of a cache."""
    start, end = cache["offsets"][index : index + 2].tolist()
    return cache["rows"][start:end].numpy()


def _splits(records: Sequence[Record]) -> list[str]:
    """Every SVG's split; a folder with nothing to train on is used whole for training."""
    splits = [record.split for record in records]
    return splits if "train" in splits else ["train"] * len(splits)


def _pixel_tokens(encoder: PixelEncoder, images: list[np.ndarray]) -> torch.Tensor:
    """uint8 images [H, W, 3] -> fp16 tokens [SVGs, P, C]."""

    def batches() -> Iterator[np.ndarray]:
        for start in range(0, len(images), 64):
            yield np.stack(images[start : start + 64])

    total = -(-len(images) // 64)
    return torch.cat([encoder.encode(batch).half().cpu() for batch in track(batches(), "pixel tokens", total)])
