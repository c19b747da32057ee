"""Stage preprocess: a folder of SVGs -> cache.pt (rows, captions), pixel_tokens/ and report.json."""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.corpus.records import Record, read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.utils import row_format
from svgfusion_lib.utils.checkpoint import load_tensors, save_tensors
from svgfusion_lib.utils.files import write_json
from svgfusion_lib.utils.parallel import map_in_order
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.rendering_sequence import partial_rows, stage_sizes
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from svgfusion_lib.utils.token_store import TokenStore, write_tokens
from svgfusion_lib.utils.training import check_counts

CACHE_NAME, TOKENS_NAME = "cache.pt", "pixel_tokens"
ENCODER_BATCH = 64  # pictures at a time


@dataclass
class Prepared:
    """What a process makes of one file: rows [L, 22], sizes of its stages [K], their pictures uint8 [K, H, W, 3]."""

    rows: np.ndarray
    sizes: np.ndarray
    images: np.ndarray | None
    unsupported: Counter
    approximated: Counter


def preprocess(
    svg_dir: str | Path,
    precomputed_dir: str | Path,
    pattern: str = "*.svg",
    max_files: int | None = 300,
    pixel_encoder: str = "efficientnet-lite0",
    renderings: int = 1,
    seed: int = 0,
    processes: int | None = None,
) -> Path:
    """Parse and render the SVGs of a folder and write precomputed_dir/cache.pt; returns its path.

    Of more than max_files files (None: no limit) a random choice is taken, the same for the same seed.
    pixel_encoder "none" leaves the pixel tokens out; else they are in precomputed_dir/pixel_tokens, of at most
    `renderings` stages of every SVG, the whole among them (utils/rendering_sequence.py). processes: None: one for
    each core. Files that cannot be parsed or rendered are left out and named with the reason in report.json;
    UserError if none is left.
    """
    check_counts(renderings=renderings)
    precomputed_dir = Path(precomputed_dir)
    records = read_records(svg_dir, pattern)
    if max_files is not None and len(records) > max_files:
        chosen = np.random.default_rng(seed).choice(len(records), max_files, replace=False)
        records = [records[i] for i in sorted(chosen)]
    encoder = None if pixel_encoder == "none" else load_pixel_encoder(pixel_encoder)
    skipped: dict[str, str] = {}
    unsupported: Counter = Counter()
    approximated: Counter = Counter()
    kept, rows, sizes = [], [], []

    def pictures() -> Iterator[np.ndarray]:
        work = partial(
            _prepare, renderings=renderings, image_size=None if encoder is None else encoder.image_size
        )
        files = [Path(svg_dir) / record.file for record in records]
        results = track(map_in_order(work, files, processes), "preprocess", len(files))
        for result, record in zip(results, records):  # in this order, so that the bar gets to its end
            if isinstance(result, str):
                skipped[record.file] = result
                continue
            unsupported.update(result.unsupported)
            approximated.update(result.approximated)
            kept.append(record)
            rows.append(result.rows)
            sizes.append(result.sizes)
            yield result.images

    (precomputed_dir / CACHE_NAME).unlink(missing_ok=True)  # its tokens are about to be replaced
    key = f"{os.getpid()}-{time.time_ns()}"
    if encoder is None:
        for _ in pictures():
            pass
    else:
        write_tokens(precomputed_dir / TOKENS_NAME, encode_pictures(encoder, pictures()), key)
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
        "stage_sizes": torch.from_numpy(np.concatenate(sizes)),
        "stage_offsets": torch.tensor(np.cumsum([0] + [len(s) for s in sizes])),
        "pixel_encoder": pixel_encoder,
        "pixel_tokens": None if encoder is None else key,
    }
    path = save_tensors(precomputed_dir / CACHE_NAME, "cache", cache)
    lengths = [len(r) - 2 for r in rows]
    write_json(precomputed_dir / "report.json", {
        "files": len(records), "kept": len(kept), "skipped": skipped, "unsupported": dict(unsupported),
        "approximated": dict(approximated), "renderings": sum(len(s) for s in sizes),
        "rows_percentiles": {str(p): float(np.percentile(lengths, p)) for p in (25, 50, 75, 95, 99)},
    })
    return path


def _prepare(file: Path, renderings: int, image_size: int | None) -> Prepared | str:
    """One file parsed and its stages rendered; the reason if that cannot be done."""
    try:
        parsed = parse_svg(file)
        sizes = stage_sizes(parsed.rows, renderings)
        images = None
        if image_size is not None:  # what the rows show, not what the file does
            stages = (rows_to_svg(partial_rows(parsed.rows, size)) for size in sizes)
            images = np.stack([render_svg(svg, image_size) for svg in stages])
    except ValueError as error:
        return str(error)
    return Prepared(parsed.rows, sizes, images, parsed.unsupported, parsed.approximated)


def encode_pictures(encoder: PixelEncoder, pictures: Iterable[np.ndarray]) -> Iterator[torch.Tensor]:
    """Pictures uint8 [K, H, W, 3] of one SVG after the other -> pixel tokens [K P, C] of each, encoded in batches."""
    waiting: list[np.ndarray] = []
    for images in pictures:
        waiting.append(images)
        if sum(map(len, waiting)) >= ENCODER_BATCH:
            yield from _encode(encoder, waiting)
            waiting = []
    if waiting:
        yield from _encode(encoder, waiting)


def _encode(encoder: PixelEncoder, pictures: list[np.ndarray]) -> Iterator[torch.Tensor]:
    tokens = encoder.encode(np.concatenate(pictures))  # [sum K, P, C]
    for part in tokens.split([len(images) for images in pictures]):
        yield part.flatten(0, 1)  # [K P, C]


def load_cache(precomputed_dir: str | Path) -> dict:
    """The cache that `preprocess` wrote into a folder; UserError if it is missing or of another format.

    "pixel_tokens" is a TokenStore over the SVGs (utils/token_store.py), or None.
    """
    path = Path(precomputed_dir) / CACHE_NAME
    cache = load_tensors(path, "cache", "preprocess")
    if cache["row_format"] != row_format.VERSION:
        raise UserError(
            f"{path}: row format {cache['row_format']}, this program has {row_format.VERSION}; preprocess anew"
        )
    if "stage_sizes" not in cache:
        raise UserError(f"{path}: made by an earlier version of this program; preprocess anew")
    if cache["pixel_tokens"] is not None:
        cache["pixel_tokens"] = TokenStore.open(path.parent / TOKENS_NAME, cache["pixel_tokens"])
    return cache


def cache_rows(cache: dict, index: int) -> np.ndarray:
    """Rows [L, 22] of one SVG of a cache."""
    start, end = cache["offsets"][index : index + 2].tolist()
    return cache["rows"][start:end].numpy()


def _splits(records: Sequence[Record]) -> list[str]:
    """Every SVG's split; a folder with nothing to train on is used whole for training."""
    splits = [record.split for record in records]
    return splits if "train" in splits else ["train"] * len(splits)

