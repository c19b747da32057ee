"""Stage `preprocess`: a folder of SVGs -> cache.pt (rows, captions), pixel_tokens/ and report.json.

Files are processed in parts of PART_FILES. Each part is written when done, so an interrupted call resumes; the parts
are joined into one cache at the end.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from types import NoneType

import numpy as np
import torch

from svgfusion_lib.corpus.records import Record, read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import load_tensors, save_tensors
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.models.pretrained import check_named, name_encoder
from svgfusion_lib.options import check_counts
from svgfusion_lib.svg import row_format
from svgfusion_lib.system.files import read_json, write_json, write_text
from svgfusion_lib.system.outputs import claim_folder, finish_pending_moves, output_set, remove_listed
from svgfusion_lib.system.parallel import default_processes, map_in_order, torch_threads
from svgfusion_lib.system.processes import check_single_process
from svgfusion_lib.system.progress import track
from svgfusion_lib.system.token_store import TokenStore, write_tokens
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import partial_rows, rows_to_svg, stage_sizes

CACHE_NAME, TOKENS_NAME, PARTS_NAME = "cache.pt", "pixel_tokens", "parts"
PART_FILES = 128  # files per part
MAX_ROWS = 12_000  # per SVG; 99 of 100 icons have fewer than 800
CACHE_FIELDS: dict[str, type | tuple] = {
    "row_format": int, "names": list, "titles": list, "packs": list, "captions": list, "splits": list,
    "rows": torch.Tensor, "offsets": torch.Tensor, "stage_sizes": torch.Tensor, "stage_offsets": torch.Tensor,
    "pixel_encoder": str, "pixel_tokens": (str, NoneType),
}


def preprocess(
    svg_dir: str | Path,
    precomputed_dir: str | Path,
    pattern: str = "*.svg",
    max_files: int | None = None,
    pixel_encoder: str = "efficientnet-lite0",
    renderings: int = 1,
    seed: int = 0,
    processes: int | None = None,
) -> Path:
    """Parse and render the SVGs of a folder, write precomputed_dir/cache.pt and return its path.

    If there are more than max_files files (None: no limit), a random subset is used, determined by the seed.
    pixel_encoder "none" skips the pixel tokens; otherwise precomputed_dir/pixel_tokens holds those of at most
    `renderings` stages of every SVG, the whole included (utils/tensorsvg.py). processes: None for one per core.
    An interrupted call resumes if files and options are unchanged. Files that cannot be parsed or rendered are
    skipped and listed with the reason in report.json; UserError if none is left.
    """
    check_single_process("preprocess")
    check_counts(renderings=renderings, processes=processes, max_files=max_files)
    svg_dir, precomputed_dir = Path(svg_dir), Path(precomputed_dir)
    records = read_records(svg_dir, pattern)
    found = len(records)
    if max_files is not None and len(records) > max_files:
        chosen = np.random.default_rng(seed).choice(len(records), max_files, replace=False)
        records = [records[i] for i in sorted(chosen)]
    if pixel_encoder != "none":
        name_encoder(pixel_encoder)
        _encoder(pixel_encoder)  # fail early if it cannot be loaded
    files = [svg_dir / record.file for record in records]
    parts = [files[i : i + PART_FILES] for i in range(0, len(files), PART_FILES)]
    options: dict = {"pixel_encoder": pixel_encoder, "renderings": renderings}
    with claim_folder(precomputed_dir, "preprocess", svg_dir):
        parts_dir = _parts_folder(precomputed_dir, files, options)
        todo = [k for k in range(len(parts)) if not _is_complete(_part_path(parts_dir, k))]
        count = default_processes(sum(len(parts[k]) for k in todo)) if processes is None else processes
        results = map_in_order(partial(_make_part, **options), [parts[k] for k in todo], count, chunk_size=1)

        def saved_files() -> Iterator[Path]:
            for k, part in zip(todo, results):
                save_tensors(_part_path(parts_dir, k), "part", {"files": [*map(_as_tensors, part)]})
                yield from parts[k]

        done = len(files) - sum(len(parts[k]) for k in todo)
        for _ in track(saved_files(), "preprocess", len(files), done):
            pass
        with output_set(precomputed_dir, "preprocess", replace=True) as folder:  # also removes the parts
            _join(folder, records, [_part_path(parts_dir, k) for k in range(len(parts))], pixel_encoder, found)
    return precomputed_dir / CACHE_NAME


def _parts_folder(precomputed_dir: Path, files: Sequence[Path], options: dict) -> Path:
    """The folder of finished parts; emptied if they come from other files or options."""
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    plan = [options, row_format.VERSION, PART_FILES, stats]
    key = hashlib.sha256(json.dumps(plan).encode()).hexdigest()
    folder = precomputed_dir / PARTS_NAME
    key_path = folder / "key"
    if not key_path.is_file() or key_path.read_bytes() != key.encode():
        remove_listed(folder)
        write_text(key_path, key)
    return folder


def _part_path(parts_dir: Path, number: int) -> Path:
    return parts_dir / f"part-{number:06d}.pt"


def _load_part(path: Path) -> list[dict]:
    return load_tensors(path, "part", "preprocess", {"files": list})["files"]


def _is_complete(path: Path) -> bool:
    """Whether a part exists; removes damaged ones."""
    if not path.is_file():
        return False
    try:
        _load_part(path)
    except UserError:
        remove_listed(path)
        return False
    return True


@cache
def _encoder(name: str) -> PixelEncoder:
    """The pixel encoder, loaded once per process."""
    return load_pixel_encoder(name)


def _make_part(files: Sequence[Path], renderings: int, pixel_encoder: str) -> list[dict]:
    """Process the files of one part; one entry per file.

    "skipped": the reason; or "rows" [L, 22], stage "sizes" [K], their "tokens" fp16 [K P, C] (only with an encoder),
    and counts of features that rows cannot represent or only approximate. Arrays, not tensors, because each tensor
    sent between processes would take a file descriptor.
    """
    encoder = None if pixel_encoder == "none" else _encoder(pixel_encoder)
    entries: list[dict] = []
    images: list[np.ndarray] = []
    for file in files:
        try:
            parsed = parse_svg(file)
            if len(parsed.rows) > MAX_ROWS:
                raise ValueError(f"{len(parsed.rows):,} rows; drawing more than {MAX_ROWS:,} takes too long")
            sizes = stage_sizes(parsed.rows, renderings)
            if encoder is not None:  # render the rows, not the file
                stages = (rows_to_svg(partial_rows(parsed.rows, size)) for size in sizes)
                images += [render_svg(svg, encoder.image_size) for svg in stages]
        except ValueError as error:
            entries.append({"skipped": str(error)})
            continue
        entries.append({
            "rows": parsed.rows, "sizes": sizes, "unsupported": dict(parsed.unsupported),
            "approximated": dict(parsed.approximated),
        })
    if encoder is not None and images:
        with torch_threads(1):  # the same numbers in every process
            tokens = encoder.encode(np.stack(images)).half()  # [stages, P, C]
        kept = [entry for entry in entries if "rows" in entry]
        for entry, own in zip(kept, tokens.split([len(entry["sizes"]) for entry in kept])):
            entry["tokens"] = own.flatten(0, 1).numpy()  # [K P, C]
    return entries


def _as_tensors(entry: dict) -> dict:
    return {name: torch.tensor(v) if isinstance(v, np.ndarray) else v for name, v in entry.items()}


def _join(folder: Path, records: Sequence[Record], paths: Sequence[Path], pixel_encoder: str, found: int) -> None:
    """Write cache.pt, pixel_tokens/ and report.json from the parts."""
    skipped: dict[str, str] = {}
    unsupported: Counter = Counter()
    approximated: Counter = Counter()
    kept: list[Record] = []
    rows, sizes = [], []

    def tokens_of_files() -> Iterator[torch.Tensor]:
        of_files = iter(records)
        for path in paths:
            for entry, record in zip(_load_part(path), of_files):  # entries first: no record is lost
                if "skipped" in entry:
                    skipped[record.file] = entry["skipped"]
                    continue
                kept.append(record)
                rows.append(entry["rows"])
                sizes.append(entry["sizes"])
                unsupported.update(entry["unsupported"])
                approximated.update(entry["approximated"])
                if "tokens" in entry:
                    yield entry["tokens"]  # [K P, C]
        if not kept:  # the folder keeps its previous content
            remove_listed(paths[0].parent)
            file, reason = next(iter(skipped.items()))
            raise UserError(f"none of {len(skipped)} SVG files could be used; {file}: {reason}")

    content = [pixel_encoder, row_format.VERSION, [r.file for r in records], [path.stat().st_size for path in paths]]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()  # equal for equal files, as are the caches
    if pixel_encoder == "none":
        list(tokens_of_files())  # yields none
    else:
        write_tokens(folder / TOKENS_NAME, tokens_of_files(), key)
    write_json(folder / "report.json", {
        "found": found, "files": len(records), "kept": len(kept), "skipped": skipped, "unsupported": dict(unsupported),
        "approximated": dict(approximated), "renderings": sum(map(len, sizes)),
        "rows_percentiles": {str(p): float(np.percentile([*map(len, rows)], p)) - 2 for p in (25, 50, 75, 95, 99)},
    }, "report of preprocess")
    splits = [record.split for record in kept]
    if set(splits) == {"held_out"}:  # a folder with only held-out names is used for training as a whole
        splits = ["train"] * len(splits)
    save_tensors(folder / CACHE_NAME, "cache", {
        "row_format": row_format.VERSION,
        "names": [record.file.removesuffix(".svg") for record in kept],
        "titles": [record.name for record in kept],
        "packs": [record.pack for record in kept],
        "captions": [list(record.captions) for record in kept],
        "splits": splits,
        "rows": torch.cat(rows),
        "offsets": torch.tensor([0, *map(len, rows)]).cumsum(0),
        "stage_sizes": torch.cat(sizes),
        "stage_offsets": torch.tensor([0, *map(len, sizes)]).cumsum(0),
        "pixel_encoder": pixel_encoder,
        "pixel_tokens": None if pixel_encoder == "none" else key,
    })


def left_out_message(precomputed_dir: str | Path) -> str:
    """A line on how many files max_files left out of a cache; "" if none."""
    report = read_json(Path(precomputed_dir) / "report.json", "report of preprocess", "run preprocess again")
    left, found = report["found"] - report["files"], report["found"]
    return f"{left} of {found} files left out at random: --max_files all takes all\n" if left else ""


def load_cache(precomputed_dir: str | Path) -> dict:
    """Load the cache that `preprocess` wrote into a folder; UserError if it is missing or has another format.

    "pixel_tokens" is a TokenStore over the SVGs (system/token_store.py), or None.
    """
    finish_pending_moves(precomputed_dir)
    path = Path(precomputed_dir) / CACHE_NAME
    cache = load_tensors(path, "cache", "preprocess", CACHE_FIELDS)
    if cache["row_format"] != row_format.VERSION:
        raise UserError(
            f"{path}: row format {cache['row_format']}, this version needs {row_format.VERSION}; run preprocess again"
        )
    check_named(cache["pixel_encoder"], path)
    if cache["pixel_tokens"] is not None:
        cache["pixel_tokens"] = TokenStore.open(path.parent / TOKENS_NAME, cache["pixel_tokens"])
    return cache


def cache_hash(cache: dict) -> str:
    """Short hash of the cache content that a VP-VAE depends on: rows and splits."""
    digest = hashlib.sha256(json.dumps([cache["names"], cache["splits"]]).encode())
    digest.update(cache["rows"].numpy().tobytes())
    return digest.hexdigest()[:16]


def cache_rows(cache: dict, index: int) -> np.ndarray:
    """Rows [L, 22] of one SVG of a cache."""
    start, end = cache["offsets"][index : index + 2].tolist()
    return cache["rows"][start:end].numpy()
