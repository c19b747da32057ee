"""Stage `prepare_dataset`: turn icon packs, a folder of SVGs or a dataset into a clean, captioned, split data set."""

import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from svgfusion_lib.corpus.captions import is_unseen_pair, make_captions, name_key, split_of
from svgfusion_lib.corpus.filters import Source, inspect_svg, surplus_variants
from svgfusion_lib.corpus.keywords import NO_KEYWORDS, Vocabulary, load_vocabulary
from svgfusion_lib.corpus.packs import fetch_packs, style_word
from svgfusion_lib.corpus.records import Record, export_table, read_records
from svgfusion_lib.corpus.sieve import Sieve, dataset_path
from svgfusion_lib.errors import UserError
from svgfusion_lib.options import check_counts
from svgfusion_lib.system.outputs import check_no_overlap, output_set, unique_names
from svgfusion_lib.system.parallel import map_in_order
from svgfusion_lib.system.progress import track


def prepare_dataset(
    output_dir: str | Path,
    svg_dir: str | Path | None = None,
    packs: Sequence[str] | None = None,
    packs_dir: str | Path = "data/packs",
    held_out_packs: Sequence[str] | None = None,
    dataset: str | Path | Iterable | None = None,
    svg_column: str = "svg",
    caption_column: str = "caption",
    dataset_split: str = "train",
    dataset_rows: int | None = None,
    stroke_only: bool | None = None,
    max_rows: int | None = None,
    max_files: int | None = None,
    max_variants: int | None = 2,
    near_duplicates: bool = True,
    keywords: bool = True,
    one_style: bool = True,
    hold_out: bool = True,
    whole: bool = True,
    seed: int = 0,
    num_parts: int = 0,
    moved_copies: bool = False,
    processes: int | None = None,
) -> dict:
    """Clean, deduplicate, balance, caption and split SVGs; return the summary. Rules: docs/corpus.md.

    Sources are icon packs (fetched into `packs_dir` if missing), a folder `svg_dir` and a `dataset` (see
    `export_table`; at most `dataset_rows` rows are read). `held_out_packs` form the split held_out_pack and are never
    trained on. A file is kept if it parses into rows (`whole`: rows that show all of it), if no file kept before has
    the same rows or, with `near_duplicates`, looks nearly the same within its domain (captions of duplicates are
    merged), and if it is among the first `max_variants` (None: all) variants of its name in skin tone and gender
    within its pack. `stroke_only`: line packs keep only files with strokes and no fills; True: folders and datasets
    too; False: no such rule. `max_rows` limits the rows between <BOS> and <EOS>, `max_files` the files kept (a fixed
    pseudo-random choice). Pack icons get captions from their names, colours and, with `keywords`, a dictionary;
    others keep theirs.
    `one_style`: use only the main style of each line pack. Invisible parts of emoji are removed (corpus/filters.py).
    `hold_out`: 10% of the names go to the split held_out; of the remaining name-pack pairs, 5%, chosen by `seed`, go
    to unseen_pair if another pack has the name in training. Without it, all is trained on.
    `num_parts`: parts of the name added to the captions of training icons. `moved_copies`: add mirrored and turned
    copies of them, named for what they show (corpus/directions.py).

    Writes `output_dir/<pack>/<name>.svg`, manifest.jsonl, summary.json (per pack: icons, kept, those of each split,
    dropped by reason, approximated, percentiles of rows) and dropped.jsonl (file, reason and, for duplicates, same_as).
    """
    packs, held_out_packs = list(packs or ()), list(held_out_packs or ())
    if not packs and not held_out_packs and svg_dir is None and dataset is None:
        raise UserError(
            "nothing to prepare: give icon packs (--packs), a folder of SVGs (--svg_dir) or a dataset (--dataset)"
        )
    limits = {"max_rows": max_rows, "max_files": max_files, "max_variants": max_variants, "dataset_rows": dataset_rows}
    check_counts(**limits)
    if num_parts < 0:
        raise UserError(f"num_parts is {num_parts}; it must be at least 0")
    if moved_copies and not near_duplicates:
        raise UserError("moved copies of symmetric icons are near duplicates; remove --no-near_duplicates")
    check_no_overlap(output_dir, svg_dir, dataset if isinstance(dataset, str | Path) else None)
    vocabulary = NO_KEYWORDS
    folders = []
    if packs or held_out_packs:
        # Held-out packs come last, so that duplicates from other packs are kept instead.
        folders = fetch_packs([*(pack for pack in packs if pack not in held_out_packs), *held_out_packs], packs_dir)
        vocabulary = load_vocabulary(packs_dir) if keywords else NO_KEYWORDS
    if svg_dir is not None:
        folders.append(Path(svg_dir))
    with (
        tempfile.TemporaryDirectory(prefix="svgfusion-") as unfolded,
        output_set(output_dir, "prepare_dataset", replace=True) as output,
    ):
        sources = [Source(folder / record.file, record) for folder in folders for record in read_records(folder)]
        if dataset is not None:
            rows = export_table(dataset, Path(unfolded), svg_column, caption_column, dataset_split, dataset_rows)
            sources += [Source(Path(unfolded, record.file), record) for record in rows]
        places = unique_names([dataset_path(source.record) for source in sources])
        records = [_finalise_record(source, vocabulary, held_out_packs, hold_out, seed) for source in sources]
        sources = [
            replace(source, record=replace(record, file=place))
            for source, record, place in zip(sources, records, places)
        ]
        if max_files is not None:
            random.Random(0).shuffle(sources)
            sources.sort(key=lambda source: source.record.split == "held_out_pack")
        sieve = Sieve(output, vocabulary, near_duplicates, hold_out, num_parts, moved_copies)
        candidates = []
        surplus = set() if max_variants is None else surplus_variants([s.record for s in sources], max_variants)
        for i, source in enumerate(sources):
            reason = (
                "variant" if i in surplus else "no caption" if not source.record.captions
                else "other style" if one_style and source.domain == "line"
                and source.record.style != style_word(source.record.pack) else ""
            )
            if reason:
                sieve.drop(source.record, reason)
            else:
                candidates.append(source)
        inspect = partial(
            inspect_svg, stroke_only=stroke_only, max_rows=max_rows, pictures=near_duplicates, whole=whole
        )
        findings = track(map_in_order(inspect, candidates, processes), "icons", len(candidates))
        for finding, source in zip(findings, candidates):  # in this order, so that the progress bar completes
            sieve.add(source, finding)
            if len(sieve.kept) == max_files:
                break
        return sieve.finish({
            "stroke_only": stroke_only, "near_duplicates": near_duplicates, "one_style": one_style,
            "hold_out": hold_out, "whole": whole, "seed": seed, "num_parts": num_parts, "moved_copies": moved_copies,
            **limits,
        })


def _finalise_record(
    source: Source, vocabulary: Vocabulary, held_out_packs: Sequence[str], hold_out: bool, seed: int
) -> Record:
    """The record with its final name, spelt as in other packs, and its split as far as name and pack determine it."""
    record = source.record
    if source.domain == "emoji":
        name, keywords = vocabulary.respell(record.name), tuple(filter(None, map(vocabulary.respell, record.keywords)))
        keywords = tuple(word for word in dict.fromkeys(keywords) if name_key(word) != name_key(name))
        captions = make_captions(name, keywords, record.style) if name else ()  # it has no name
        split = split_of(name, numbered=True)
        record = replace(record, name=name or record.name, keywords=keywords, captions=captions, split=split)
    if record.pack in held_out_packs:
        return replace(record, split="held_out_pack")
    if not hold_out:
        return replace(record, split="train")
    if record.pack and record.split == "train" and is_unseen_pair(record.name, record.pack, seed):
        return replace(record, split="unseen_pair")
    return record
