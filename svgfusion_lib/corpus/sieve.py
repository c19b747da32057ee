"""Builds a data set from many SVG files: drops duplicates and merges their captions."""

import json
import random
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.captions import (
    alternative_names,
    compose_captions,
    make_captions,
    name_key,
    name_parts,
    split_of,
)
from svgfusion_lib.corpus.directions import allowed_moves, apply_move
from svgfusion_lib.corpus.filters import PICTURE_SIZE, Inspection, PictureIndex, Source
from svgfusion_lib.corpus.keywords import Vocabulary, synonyms_of
from svgfusion_lib.corpus.packs import pack_domain
from svgfusion_lib.corpus.records import COUNT, COUNTED, SPLITS, Record, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

PERCENTILES = (25, 50, 75, 95, 99)
SUMMARY = "summary.json"
DROPPED = "dropped.jsonl"
NO_PACK = "icons"  # folder for files that belong to no pack
_LOGO = frozenset({"brand", "logo"})
MAX_DRAWINGS = 3   # of one name in one pack and style; numbered from the second on


@dataclass
class _KeptIcon:
    """One kept file, and the duplicates whose captions it takes over."""

    record: Record
    domain: str
    colours: tuple[str, ...]
    base: str  # the name before drawings of one thing are numbered
    rows: int  # without <BOS> and <EOS>
    approximated: tuple[str, ...]
    duplicates: list[Record] = field(default_factory=list)

    def join(self, duplicate: Record) -> None:
        """Add a duplicate; a training record takes nothing from a held-out one."""
        if self.record.split != "train" or duplicate.split == "train":
            self.duplicates.append(duplicate)

    def final_record(
        self, vocabulary: Vocabulary, names: Collection[str], logos: frozenset[str], hold_out: bool,
        unseen: Collection[tuple[str, str]],
    ) -> Record:
        """The final record with all its captions.

        names: keys of all names in the domain; a keyword among them would mean another icon. logos: brand words.
        unseen: pairs of name key and pack that are excluded from training.
        """
        record, others = self.record, self.duplicates
        if not record.style:
            captions = [caption for each in (record, *others) for caption in each.captions]
            return replace(record, captions=tuple(dict.fromkeys(captions)))

        def is_allowed(text: str) -> bool:
            return not hold_out or record.split != "train" or split_of(text, numbered=True) == "train"

        def is_allowed_move(name: str) -> bool:
            pair = name_key(name, numbered=True), record.pack
            return is_allowed(name) and (record.split != "train" or pair not in unseen)

        aliases = alternative_names(record.name, record.keywords, is_allowed)
        near = [word for word in vocabulary.keywords_of(record.name) if name_key(word, numbered=True) not in names]
        captions = compose_captions(
            record.name, record.style, self.domain, self.colours, synonyms_of(record.name, self.domain),
            [*aliases[:2], *near, *aliases[2:]], [other.captions[0] for other in others], is_allowed,
        )
        return replace(
            record, captions=captions, keywords=tuple(aliases), parts=name_parts(record.name, is_allowed),
            moves=tuple(allowed_moves(self.base, is_allowed_move, logos)),
        )


@dataclass
class Sieve:
    """Takes files one by one, writes those it keeps into `output`, drawn from their rows, and counts all.

    Rows hold only shapes and paints, so no script, link or reference from a file gets into a data set.
    num_parts: parts of the name added to each training record's captions, a fixed choice.
    moved_copies: add mirrored and turned copies of training pictures as their records allow, except those that
    look like an existing picture; needs near_duplicates.
    """

    output: Path
    vocabulary: Vocabulary
    near_duplicates: bool
    hold_out: bool
    num_parts: int
    moved_copies: bool

    def __post_init__(self) -> None:
        self.kept: list[_KeptIcon] = []
        self._by_fingerprint: dict[bytes, _KeptIcon] = {}
        self._pictures: dict[str, tuple[PictureIndex, list[_KeptIcon]]] = {}  # by domain
        self._drawings: Counter = Counter()  # by pack, style and name
        self._names: dict[str, set[str]] = {}  # keys of all names by domain, including dropped files
        self._dropped: list[dict] = []
        self._reasons: list[tuple[str, str]] = []  # pack folder, and why a file in it was dropped

    def drop(self, record: Record, reason: str, same_as: _KeptIcon | None = None, **facts) -> None:
        """Drop a file, recording facts about it; a duplicate passes its captions to `same_as`."""
        self._register_name(record)
        entry = {"file": record.file, "reason": reason} | facts
        if same_as is not None:
            same_as.join(record)
            entry["same_as"] = same_as.record.file
        self._dropped.append(entry)
        self._reasons.append((_folder(record), reason))

    def add(self, source: Source, finding: Inspection) -> None:
        """Keep a file or drop it."""
        record = source.record
        if finding.reason:
            return self.drop(record, finding.reason)
        if finding.fingerprint in self._by_fingerprint:
            return self.drop(record, "duplicate", self._by_fingerprint[finding.fingerprint])
        kept = _KeptIcon(
            self._numbered(record), source.domain, finding.colours, record.name, finding.rows, finding.approximated
        )
        picture = finding.picture if self.near_duplicates else None
        if picture is not None:
            index, members = self._pictures.setdefault(source.domain, (PictureIndex(), []))
            found = index.find(picture)
            if found is not None:
                number, difference = found
                return self.drop(record, "near duplicate", members[number], difference=round(difference, 3))
        if self._drawings[_drawing(record)] == MAX_DRAWINGS:
            return self.drop(record, "variant")
        if picture is not None:
            index.add(picture)
            members.append(kept)
        self._register_name(record)
        self._drawings[_drawing(record)] += 1
        self._by_fingerprint[finding.fingerprint] = kept
        self.kept.append(kept)
        write_text(self.output / kept.record.file, finding.svg)

    def finish(self, options: dict) -> dict:
        """Write the manifest, summary and list of dropped files; return the summary. UserError if nothing was kept."""
        if not self.kept:
            reasons = Counter(reason for _, reason in self._reasons).most_common(3)
            hint = "; to allow fills, turn stroke_only off" if "not stroke only" in dict(reasons) else ""
            raise UserError(f"no SVG was kept: {', '.join(f'{n} {reason}' for reason, n in reasons)}{hint}")
        may_not = self.hold_out, self._resolve_unseen_pairs()
        said = {domain: (names, _logos(names)) for domain, names in self._names.items()}
        done = [
            (kept.final_record(self.vocabulary, *said[kept.domain], *may_not), kept.rows, kept.approximated)
            for kept in self.kept
        ]
        if self.moved_copies:
            done += self._moved_copies([record for record, *_ in done])
        records = sorted((self._with_parts(record) for record, *_ in done), key=lambda record: record.file)
        captions = [caption for record in records for caption in record.captions]
        folders = {_folder(record) for record, *_ in done} | {folder for folder, _ in self._reasons}
        summary = {
            "options": options,
            "total": _summary(done, [reason for _, reason in self._reasons]),
            COUNT: len(records),
            "captions": {"all": len(captions), "different": len(set(captions))},
            "packs": {
                folder: _summary(
                    [each for each in done if _folder(each[0]) == folder],
                    [reason for own, reason in self._reasons if own == folder],
                ) for folder in sorted(folders)
            },
        }
        write_manifest(self.output, records)
        lines = (json.dumps(entry, ensure_ascii=False) + "\n" for entry in self._dropped)
        write_text(self.output / DROPPED, "".join(lines))
        write_json(self.output / SUMMARY, summary, COUNTED[SUMMARY])
        return summary

    def _moved_copies(self, records: Sequence[Record]) -> list[tuple[Record, int, tuple[str, ...]]]:
        copies = []
        for record in track([r for r in records if r.split == "train" and r.moves], "moved copies"):
            parsed = parse_svg(self.output / record.file)
            index, _ = self._pictures[pack_domain(record.pack)]
            for move in record.moves:
                copy, rows = apply_move(record, parsed.rows, move)
                text = rows_to_svg(rows, parsed.size)
                picture = render_svg_by_resvg(text, PICTURE_SIZE)
                if index.find(picture) is None:
                    index.add(picture)
                    copy = replace(copy, file=f"{record.file.removesuffix('.svg')}.{move}.svg")
                    copies.append((copy, len(rows) - 2, tuple(parsed.approximated)))
                    write_text(self.output / copy.file, text)
        return copies

    def _with_parts(self, record: Record) -> Record:
        if record.split != "train" or not record.parts:
            return record
        choice = random.Random(record.file).sample(record.parts, min(self.num_parts, len(record.parts)))
        return replace(record, captions=tuple(dict.fromkeys([*record.captions, *choice])))

    def _resolve_unseen_pairs(self) -> set[tuple[str, str]]:
        """Move unseen pairs whose name no other pack has kept for training to train; return the remaining pairs."""
        trained: dict[tuple[str, str], set[str]] = {}
        for kept in self.kept:
            if kept.record.split == "train":
                key = kept.domain, name_key(kept.record.name, numbered=True)
                trained.setdefault(key, set()).add(kept.record.pack)
        unseen = set()
        for kept in self.kept:
            record, key = kept.record, name_key(kept.record.name, numbered=True)
            if record.split != "unseen_pair":
                continue
            if trained.get((kept.domain, key), set()) - {record.pack}:
                unseen.add((key, record.pack))
            else:
                kept.record = replace(record, split="train")
        return unseen

    def _numbered(self, record: Record) -> Record:
        """Number repeated names: the second `mouse` in a pack becomes `mouse 2`."""
        count = self._drawings[_drawing(record)]
        if not count:
            return record
        name = f"{record.name} {count + 1}"
        return replace(record, name=name, captions=make_captions(name, record.keywords, record.style))

    def _register_name(self, record: Record) -> None:
        self._names.setdefault(pack_domain(record.pack), set()).add(name_key(record.name, numbered=True))


def _summary(kept: Sequence[tuple[Record, int, Iterable[str]]], reasons: Sequence[str]) -> dict:
    """Counts of kept files, their row percentiles and approximated features, and of dropped files."""
    rows = [count for _, count, _ in kept]
    splits = Counter(record.split for record, *_ in kept)
    quantiles = np.percentile(rows, PERCENTILES).tolist() if rows else []
    return {
        "icons": len(kept) + len(reasons), "kept": len(kept), **{split: splits[split] for split in SPLITS},
        "dropped": dict(Counter(reasons).most_common()),
        "approximated": dict(Counter(name for *_, names in kept for name in names).most_common()),
        "rows": {f"p{p}": round(q) for p, q in zip(PERCENTILES, quantiles, strict=False)},
    }


def _logos(names: Collection[str]) -> frozenset[str]:
    """Brand words: `github`, if there is a `brand github` or `logo github`."""
    words = (key.split() for key in names)
    return frozenset(
        word for pair in words if len(pair) == 2 and not _LOGO.isdisjoint(pair) for word in pair if word not in _LOGO
    )


def _drawing(record: Record) -> tuple[str, ...]:
    """Key shared by drawings of one thing in one pack and style; files without a style are unique."""
    return (record.pack, record.style, record.name) if record.style else (record.file,)


def _folder(record: Record) -> str:
    return record.pack or NO_PACK


def dataset_path(record: Record) -> str:
    """Path of a file in the data set: in the folder of its pack."""
    folder = _folder(record)
    return record.file if record.file.startswith(f"{folder}/") else f"{folder}/{record.file}"
