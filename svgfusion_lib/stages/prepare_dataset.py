"""Stage `prepare_dataset`: icon packs or a folder of SVGs -> a clean, captioned, split data set."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.folders import whole_folder
from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.corpus.records import Record, read_records, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.files import write_json, write_text
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.svg_parser import parse_svg

SUMMARY = "summary.json"
DROPPED = "dropped.jsonl"
NO_PACK = "icons"  # folder of the files that belong to no pack
PERCENTILES = (25, 50, 75, 95, 99)


def prepare_dataset(
    output_dir: str | Path,
    svg_dir: str | Path | None = None,
    packs: Sequence[str] | None = None,
    packs_dir: str | Path = "data/packs",
    stroke_only: bool = True,
    max_rows: int | None = None,
    max_files: int | None = None,
) -> dict:
    """Clean, deduplicate, caption and split SVGs; return the summary.

    Sources are icon packs (fetched into `packs_dir` if they are not there), a folder `svg_dir`, or
    both. A file is kept if it parses into rows that show all of it, is no exact duplicate of one kept
    before (its captions join that one's) and, with `stroke_only`, paints strokes and no fills.
    `max_rows` limits the rows between <BOS> and <EOS>; `max_files` the files kept (a fixed
    pseudo-random choice).

    Writes `output_dir/<pack>/<name>.svg`, manifest.jsonl, summary.json (per pack: icons, kept, train,
    held_out, dropped by reason, approximated, percentiles of rows) and dropped.jsonl (file, reason).
    """
    if not packs and svg_dir is None:
        raise UserError("nothing to prepare: name icon packs by --packs or a folder of SVGs by --svg_dir")
    for name, value in (("max_rows", max_rows), ("max_files", max_files)):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1")
    if svg_dir is not None:
        _check_apart(Path(svg_dir), Path(output_dir))
    folders = fetch_packs(packs, packs_dir) if packs else []
    if svg_dir is not None:
        folders.append(Path(svg_dir))
    sources = [(folder, record) for folder in folders for record in read_records(folder)]
    if max_files is not None:
        random.Random(0).shuffle(sources)

    tally: dict[str, _Tally] = {}
    kept: dict[bytes, Record] = {}  # by fingerprint, so that a drawing is kept once
    dropped: list[dict] = []
    with whole_folder(output_dir, SUMMARY) as output:
        for folder, record in track(sources, "icons"):
            if max_files is not None and len(kept) == max_files:
                break
            pack = record.pack or NO_PACK
            counts = tally.setdefault(pack, _Tally())
            reason, rows, approximated = _inspect(folder / record.file, stroke_only, max_rows)
            shape = b"" if reason else _fingerprint(rows)
            if shape in kept:
                reason = "duplicate"
                kept[shape] = _with_captions_of(record, kept[shape])
            file = record.file if record.file.startswith(f"{pack}/") else f"{pack}/{record.file}"
            counts.add(record, reason, rows, approximated)
            if reason:
                dropped.append({"file": file, "reason": reason})
                continue
            (output / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / record.file, output / file)
            kept[shape] = replace(record, file=file)
        if not kept:
            _explain_empty(tally)
        summary = {
            "options": {"stroke_only": stroke_only, "max_rows": max_rows, "max_files": max_files},
            "total": _Tally.merge(tally.values()).summary(),
            "packs": {name: tally[name].summary() for name in sorted(tally)},
        }
        write_manifest(output, sorted(kept.values(), key=lambda record: record.file))
        write_text(output / DROPPED, "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in dropped))
        write_json(output / SUMMARY, summary)
    return summary


class _Tally:
    """Counts of one pack, or of all."""

    def __init__(self) -> None:
        self.splits: Counter = Counter()
        self.dropped: Counter = Counter()
        self.approximated: Counter = Counter()
        self.rows: list[int] = []  # of the icons kept, without <BOS> and <EOS>

    def add(self, record: Record, reason: str, rows: np.ndarray | None, approximated: set[str]) -> None:
        if reason:
            self.dropped[reason] += 1
            return
        self.splits[record.split] += 1
        self.approximated.update(approximated)
        self.rows.append(len(rows) - 2)

    @classmethod
    def merge(cls, tallies: Iterable["_Tally"]) -> "_Tally":
        total = cls()
        for tally in tallies:
            total.splits += tally.splits
            total.dropped += tally.dropped
            total.approximated += tally.approximated
            total.rows += tally.rows
        return total

    def summary(self) -> dict:
        quantiles = np.percentile(self.rows, PERCENTILES) if self.rows else []
        return {
            "icons": len(self.rows) + self.dropped.total(), "kept": len(self.rows),
            "train": self.splits["train"], "held_out": self.splits["held_out"],
            "dropped": dict(self.dropped.most_common()),
            "approximated": dict(self.approximated.most_common()),
            "rows": {f"p{p}": round(float(q)) for p, q in zip(PERCENTILES, quantiles, strict=False)},
        }


def _inspect(path: Path, stroke_only: bool, max_rows: int | None) -> tuple[str, np.ndarray | None, set[str]]:
    """Why the file is left out ("" if it stays), its rows [L, 22], and what was approximated."""
    try:
        parsed = parse_svg(path)
    except ValueError as error:
        return f"does not parse: {str(error).split(' (')[0]}", None, set()
    rows = parsed.rows
    if parsed.unsupported:
        return f"rows cannot show: {', '.join(sorted(parsed.unsupported))}", rows, set()
    if stroke_only and not is_stroke_only(rows):
        return "not stroke only", rows, set()
    if max_rows is not None and len(rows) - 2 > max_rows:
        return f"more than {max_rows} rows", rows, set()
    return "", rows, set(parsed.approximated)


def is_stroke_only(rows: np.ndarray) -> bool:
    """True if rows [L, 22] paint something, and only by strokes."""
    painted = rows[(rows[:, rf.ELEMENT] > rf.EOS) & ~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)]
    fill_alpha, stroke_alpha = painted[:, rf.FILL][:, 3], painted[:, rf.STROKE][:, 3]
    return len(painted) > 0 and bool((stroke_alpha > 0).all() and (fill_alpha == 0).all())


def _with_captions_of(duplicate: Record, record: Record) -> Record:
    """`record` with the captions of a duplicate too; a record to train on takes no held-out name."""
    if record.split == "train" and duplicate.split != "train":
        return record
    return replace(record, captions=tuple(dict.fromkeys([*record.captions, *duplicate.captions])))


def _fingerprint(rows: np.ndarray) -> bytes:
    """Equal for rows that agree to a thousandth of the half canvas (and 0.0 equals -0.0)."""
    return (np.round(rows, 3) + 0.0).tobytes()


def _check_apart(svg_dir: Path, output_dir: Path) -> None:
    source, target = svg_dir.resolve(), output_dir.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise UserError(f"{output_dir}: lies in {svg_dir} or around it; choose one apart from it")


def _explain_empty(tally: dict[str, _Tally]) -> None:
    reasons = _Tally.merge(tally.values()).dropped.most_common(3)
    hint = "; fills are allowed with stroke_only off" if "not stroke only" in dict(reasons) else ""
    raise UserError(f"no SVG was kept: {', '.join(f'{n} {reason}' for reason, n in reasons)}{hint}")
