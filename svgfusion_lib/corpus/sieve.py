"""What a data set keeps of many SVG files: no drawing twice, and the captions of all its copies with it."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.filters import Finding, PictureIndex
from svgfusion_lib.corpus.keywords import Vocabulary
from svgfusion_lib.corpus.packs import pack_domain
from svgfusion_lib.corpus.phrases import compose_captions
from svgfusion_lib.corpus.records import COUNT, COUNTED, SPLITS, Record, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import write_json, write_text

PERCENTILES = (25, 50, 75, 95, 99)


class Tally:
    """Counts of one pack, or of all."""

    def __init__(self) -> None:
        self.splits: Counter = Counter()
        self.dropped: Counter = Counter()
        self.approximated: Counter = Counter()
        self.rows: list[int] = []  # of the icons kept, without <BOS> and <EOS>

    def keep(self, split: str, rows: int, approximated: Iterable[str]) -> None:
        self.splits[split] += 1
        self.approximated.update(approximated)
        self.rows.append(rows)

    @classmethod
    def merge(cls, tallies: Iterable["Tally"]) -> "Tally":
        total = cls()
        for tally in tallies:
            total.splits += tally.splits
            total.dropped += tally.dropped
            total.approximated += tally.approximated
            total.rows += tally.rows
        return total

    def summary(self) -> dict:
        quantiles = np.percentile(self.rows, PERCENTILES).tolist() if self.rows else []
        return {
            "icons": len(self.rows) + self.dropped.total(), "kept": len(self.rows),
            **{split: self.splits[split] for split in SPLITS},
            "dropped": dict(self.dropped.most_common()),
            "approximated": dict(self.approximated.most_common()),
            "rows": {f"p{p}": round(q) for p, q in zip(PERCENTILES, quantiles, strict=False)},
        }


SUMMARY = "summary.json"
DROPPED = "dropped.jsonl"
NO_PACK = "icons"  # folder of the files that belong to no pack


@dataclass(frozen=True)
class Source:
    """One file to choose from."""

    path: Path
    record: Record

    @property
    def domain(self) -> str:
        """line, filled or emoji; "" if it comes from no known pack."""
        return pack_domain(self.record.pack)


@dataclass
class _Kept:
    """One file of the data set, and the duplicates whose captions it takes over."""

    record: Record
    domain: str
    colours: tuple[str, ...]
    duplicates: list[Record] = field(default_factory=list)

    def join(self, duplicate: Record) -> None:
        """A record to train on takes nothing of one that is held out."""
        if self.record.split != "train" or duplicate.split == "train":
            self.duplicates.append(duplicate)

    def finished(self, vocabulary: Vocabulary) -> Record:
        """The record with all of its captions."""
        record, others = self.record, self.duplicates
        if not record.style:
            captions = [caption for each in (record, *others) for caption in each.captions]
            return replace(record, captions=tuple(dict.fromkeys(captions)))
        keywords = (*record.keywords[:2], *vocabulary.keywords_of(record.name), *record.keywords[2:])
        captions = compose_captions(
            record.name, record.style, self.domain, self.colours, keywords,
            [other.captions[0] for other in others], record.split,
        )
        return replace(record, captions=captions)


class Sieve:
    """Takes files one by one; copies those that stay into `output` and counts all."""

    def __init__(self, output: Path, vocabulary: Vocabulary, near_duplicates: bool):
        self.output = output
        self.vocabulary = vocabulary
        self.near_duplicates = near_duplicates
        self.kept: list[_Kept] = []
        self._by_fingerprint: dict[bytes, _Kept] = {}
        self._pictures: dict[str, tuple[PictureIndex, list[_Kept]]] = {}  # by domain
        self._tally: dict[str, Tally] = {}
        self._dropped: list[dict] = []

    def drop(self, record: Record, reason: str, same_as: _Kept | None = None, **facts) -> None:
        """Leave a file out, with facts about it; a duplicate's captions go to the one that it is the same as."""
        entry = {"file": _target(record), "reason": reason} | facts
        if same_as is not None:
            same_as.join(record)
            entry["same_as"] = same_as.record.file
        self._dropped.append(entry)
        self._tally_of(record).dropped[reason] += 1

    def add(self, source: Source, finding: Finding) -> None:
        """Keep a file or drop it."""
        record = source.record
        if finding.reason:
            return self.drop(record, finding.reason)
        if finding.fingerprint in self._by_fingerprint:
            return self.drop(record, "duplicate", self._by_fingerprint[finding.fingerprint])
        kept = _Kept(replace(record, file=_target(record)), source.domain, finding.colours)
        if self.near_duplicates and finding.picture is not None:
            index, members = self._pictures.setdefault(source.domain, (PictureIndex(), []))
            found = index.find(finding.picture)
            if found is not None:
                number, difference = found
                return self.drop(record, "near duplicate", members[number], difference=round(difference, 3))
            index.add(finding.picture)
            members.append(kept)
        self._by_fingerprint[finding.fingerprint] = kept
        self.kept.append(kept)
        self._tally_of(record).keep(record.split, finding.rows, finding.approximated)
        target = self.output / kept.record.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.path, target)

    def finish(self, options: dict) -> dict:
        """Write manifest, summary and what was dropped; return the summary. UserError if nothing was kept."""
        total = Tally.merge(self._tally.values())
        if not self.kept:
            reasons = total.dropped.most_common(3)
            hint = "; fills are allowed with stroke_only off" if "not stroke only" in dict(reasons) else ""
            raise UserError(f"no SVG was kept: {', '.join(f'{n} {reason}' for reason, n in reasons)}{hint}")
        records = sorted((kept.finished(self.vocabulary) for kept in self.kept), key=lambda record: record.file)
        captions = [caption for record in records for caption in record.captions]
        summary = {
            "options": options,
            "total": total.summary(),
            COUNT: len(records),
            "captions": {"all": len(captions), "different": len(set(captions))},
            "packs": {name: self._tally[name].summary() for name in sorted(self._tally)},
        }
        write_manifest(self.output, records)
        lines = (json.dumps(entry, ensure_ascii=False) + "\n" for entry in self._dropped)
        write_text(self.output / DROPPED, "".join(lines))
        write_json(self.output / SUMMARY, summary, COUNTED[SUMMARY])
        return summary

    def _tally_of(self, record: Record) -> Tally:
        return self._tally.setdefault(record.pack or NO_PACK, Tally())


def _target(record: Record) -> str:
    """Path of a file in the data set: below its pack."""
    pack = record.pack or NO_PACK
    return record.file if record.file.startswith(f"{pack}/") else f"{pack}/{record.file}"
