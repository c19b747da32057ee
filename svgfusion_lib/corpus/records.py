"""Records: the SVG files of a folder or dataset, what each one shows, and its licence."""

import csv
import glob
import hashlib
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

from svgfusion_lib.config import SPLITS
from svgfusion_lib.corpus.captions import humanise, make_captions, split_of
from svgfusion_lib.errors import UserError, first_line
from svgfusion_lib.options import check_types
from svgfusion_lib.system.file_list import inside, is_name, svg_files
from svgfusion_lib.system.files import read_json, write_bytes, write_text
from svgfusion_lib.system.outputs import finish_pending_moves, output_set
from svgfusion_lib.system.progress import track

MANIFEST = "manifest.jsonl"
CAPTIONS = "captions.csv"
# Files next to a manifest that give the number of records written: name -> description for `read_json`.
COUNTED = {"summary.json": "summary of a data set", "pack.json": "pack", "dummy.json": "synthetic data set"}
COUNT = "records"  # the field with that number
FORMATS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".csv": "csv"}  # of table files


@dataclass(frozen=True)
class Record:
    """One captioned SVG file in a folder."""

    file: str                   # path relative to the folder, with forward slashes
    name: str                   # what it shows, in plain words: "shopping cart"
    pack: str = ""              # icon pack it came from, "" if none
    captions: tuple[str, ...] = ()  # the first one is canonical
    keywords: tuple[str, ...] = ()  # other words for the name
    licence: str = ""           # SPDX identifier, "" if not known
    # one of SPLITS: held out by name, by name in this pack only, or with the whole pack
    split: str = "train"
    parts: tuple[str, ...] = ()  # words of the name that also apply to other icons ("off" of "bell off")
    moves: tuple[str, ...] = ()  # of directions.MOVES: those that give a valid picture, possibly of another name

    @property
    def style(self) -> str:
        """The style words of the canonical caption: `tabler` in `shopping cart, tabler style`; "" if it has none."""
        canonical = self.captions[0] if self.captions else ""
        start, end = f"{self.name}, ", " style"
        fits = canonical.startswith(start) and canonical.endswith(end)
        return canonical.removeprefix(start).removesuffix(end) if fits else ""


def read_records(svg_dir: str | Path, pattern: str = "*.svg") -> list[Record]:
    """Read records of the SVG files in `svg_dir` (recursively) that match `pattern`, sorted by file.

    The case of the extension .svg does not matter. Captions come from manifest.jsonl if there is one, otherwise from
    captions.csv (columns file,caption; a file may have several lines). Files in neither get captions from their file
    names. A sub-folder with its own manifest.jsonl (an icon pack) is read from that manifest. UserError for a link
    that points outside the folder.
    """
    svg_dir = Path(svg_dir)
    if not svg_dir.is_dir():
        raise UserError(f"{svg_dir}: no such folder; give a folder of SVG files")
    finish_pending_moves(svg_dir)
    files = svg_files(svg_dir, pattern)
    if not files:
        raise UserError(f"{svg_dir}: no file matches {pattern!r}; give a folder of SVG files")
    if (svg_dir / MANIFEST).is_file():
        records = _read_manifest(svg_dir)
    elif (svg_dir / CAPTIONS).is_file():
        records = _named_records(files, _read_captions(svg_dir))
    else:
        nested = [
            replace(record, file=f"{child.name}/{record.file}")
            for child in sorted(svg_dir.iterdir())
            if (child / MANIFEST).is_file() and not child.is_symlink()
            for record in _read_manifest(child)
        ]
        known = {record.file.split("/")[0] for record in nested}
        records = nested + _named_records([f for f in files if f.split("/")[0] not in known], {})
    matching = set(files)
    chosen = sorted((r for r in records if r.file in matching), key=lambda record: record.file)
    if not chosen:
        raise UserError(f"{svg_dir / MANIFEST}: lists none of the files that match {pattern!r}")
    return chosen


def folder_hash(svg_dir: str | Path) -> str:
    """Short hash of a folder's SVGs and of what its records say of them."""
    content = [(r.name, r.captions, r.split, (Path(svg_dir) / r.file).read_bytes()) for r in read_records(svg_dir)]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def copy_records(source: str | Path, records: Sequence[Record], folder: str | Path) -> Path:
    """Copy some SVG files of `source` to a new folder with a manifest.

    Replaces a folder made this way before.
    """
    with output_set(folder, "copy_records", source, replace=True) as partial:
        for record in records:
            write_bytes(partial / record.file, (Path(source) / record.file).read_bytes())
        write_manifest(partial, records)
    return Path(folder)


def write_manifest(svg_dir: str | Path, records: Iterable[Record]) -> Path:
    """Write `records` as manifest.jsonl (one JSON object per line) into `svg_dir`; return its path."""
    lines = [json.dumps(asdict(record), ensure_ascii=False) + "\n" for record in records]
    return write_text(Path(svg_dir) / MANIFEST, "".join(lines))


def _named_records(files: list[str], captions: dict[str, list[str]]) -> list[Record]:
    records = []
    for file in files:
        given = captions.get(file, [])
        name = given[0] if given else humanise(Path(file).stem) or "icon"
        records.append(Record(
            file=file, name=name, captions=tuple(dict.fromkeys(given)) or make_captions(name),
            split=split_of(name),
        ))
    return records


def _read_manifest(folder: Path) -> list[Record]:
    path = folder / MANIFEST
    records = []
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            record = _record_of(json.loads(line), where)
        except (ValueError, TypeError, RecursionError) as error:
            raise UserError(f"{where}: not a record ({error}); create the manifest again") from error
        _check_beside(folder, record.file, where)
        records.append(record if record.captions else replace(record, captions=(record.name,)))
    _check_count(folder, len(records))
    return records


def _record_of(entry: object, where: str) -> Record:
    """Convert a manifest entry to a record; TypeError, ValueError or UserError if it is invalid."""
    if not isinstance(entry, dict):
        raise TypeError(f"a {type(entry).__name__}")
    values: dict = {field.name: entry[field.name] for field in fields(Record) if field.name in entry}
    check_types(values, Record, f"{where}: not a record")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    json.dumps(values, ensure_ascii=False).encode()  # ValueError for lone surrogates, which cannot be written to a file
    if values.get("pack") and not is_name(values["pack"]):
        raise ValueError(f"pack is {values['pack']!r:.60}, which is not a valid folder name")
    if values.get("split", "train") not in SPLITS:
        raise ValueError(f"split is {values['split']!r:.60}, not one of {', '.join(SPLITS)}")
    return Record(**values)


def _check_count(folder: Path, count: int) -> None:
    """UserError if the manifest lists more or fewer files than the file next to it says were written."""
    for name in COUNTED:
        if (folder / name).is_file():
            expected = read_json(inside(folder, name), COUNTED[name], f"create {folder} again").get(COUNT)
            if expected not in (None, count):
                raise UserError(
                    f"{folder / MANIFEST}: lists {count} files, but {name} says {expected}; create it again, or remove"
                    f" {name} if you changed the manifest"
                )


def _check_beside(folder: Path, file: str, where: str) -> None:
    """UserError unless a listed file is in the list's folder."""
    try:
        found = inside(folder, file, where).is_file()
    except OSError:  # the name is too long
        found = False
    if not found:
        raise UserError(f"{where}: there is no file {file[:80]!r} in the same folder")


def _read_captions(folder: Path) -> dict[str, list[str]]:
    path = folder / CAPTIONS
    captions: dict[str, list[str]] = {}
    try:
        reader = csv.DictReader(io.StringIO(_read_text(path), newline=""), skipinitialspace=True, strict=True)
        columns = [column.strip() for column in reader.fieldnames or []]
        if not {"file", "caption"} <= set(columns):
            found = ", ".join(columns)[:80] or "nothing"
            raise UserError(f"{path}: the first line must name the columns file,caption; it has {found}")
        reader.fieldnames = columns
        for row in reader:
            file = (row["file"] or "").strip().replace("\\", "/").removeprefix("./")
            caption = " ".join((row["caption"] or "").split())
            _check_beside(folder, file, f"{path} line {reader.line_num}")
            if None in row:
                raise UserError(f"{path} line {reader.line_num}: put a caption with commas in quotes")
            if caption:
                captions.setdefault(file, []).append(caption)
    except csv.Error as error:
        raise UserError(f"{path}: not readable as CSV ({error})") from error
    return captions


def _read_text(path: Path) -> str:
    inside(path.parent, path.name)  # refuses links that lead elsewhere
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
    if "\0" in text:
        raise UserError(f"{path}: not UTF-8 text (it has NUL characters); save it as UTF-8")
    return text


# --- Hugging Face datasets and table files (parquet, JSON lines, CSV) ----------------------------------


def export_table(
    dataset: str | Path | Iterable,
    folder: Path,
    svg_column: str = "svg",
    caption_column: str = "caption",
    split: str = "train",
    max_rows: int | None = None,
) -> list[Record]:
    """Write the SVGs of a dataset into `folder`, one file per row, and return their records in order.

    dataset: a table file; the name of a dataset on the Hugging Face Hub, whose `split` is streamed; or rows in
    memory: a datasets.Dataset, or any iterable of (svg, caption) pairs or mappings.
    The caption column holds texts or lists of texts; a row without a caption gives a record without captions. The
    first caption decides whether a row is held out. UserError for a missing library, file, split or column.
    """
    records: list[Record] = []
    columns = [svg_column, caption_column]
    name_of_data = str(dataset) if isinstance(dataset, str | Path) else "the data"
    try:
        rows: Iterable[Mapping]
        if isinstance(dataset, str | Path):
            rows = _columns_of(_open(name_of_data, split), name_of_data, columns)
        else:
            rows = (row if isinstance(row, Mapping) else dict(zip(columns, _pair_of(row))) for row in dataset)
        for number, row in enumerate(track(islice(rows, max_rows), "rows of the dataset")):
            if not records:
                _check_columns(name_of_data, row, columns)
            file = f"{number:07d}.svg"
            svg = row[svg_column]
            svg = svg.get("bytes") if isinstance(svg, Mapping) else svg  # in an image column
            (folder / file).write_bytes(svg if isinstance(svg, bytes) else str(svg or "").encode("utf-8", "replace"))
            captions = _captions(row[caption_column])
            name = captions[0] if captions else ""
            records.append(Record(file, name, captions=captions, split=split_of(name)))
    except (OSError, ValueError) as error:
        raise UserError(f"{name_of_data}: cannot be read ({first_line(error)})") from error
    if not records:
        raise UserError(f"{name_of_data}: has no rows")
    return records


def _open(dataset: str, split: str):
    try:
        from datasets import config, load_dataset
        from datasets.exceptions import DatasetNotFoundError
    except ImportError as error:
        raise UserError("--dataset needs the library datasets: `pip install 'svgfusion[datasets]'`") from error
    path = Path(dataset)
    try:
        if path.suffix in FORMATS:
            if not path.is_file():
                raise UserError(f"{dataset}: no such file")
            config.HF_UPDATE_DOWNLOAD_COUNTS = False  # would report to a server that a file of this kind is read
            # A table file has one split, which the library calls train.
            return load_dataset(FORMATS[path.suffix], data_files=glob.escape(str(path)), split="train", streaming=True)
        return load_dataset(dataset, split=split, streaming=True)
    except (DatasetNotFoundError, ConnectionError) as error:
        raise UserError(
            f"{dataset}: neither a file ({', '.join(FORMATS)}) nor an available dataset ({first_line(error)})"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{dataset}: cannot be read ({first_line(error)})") from error


def _columns_of(rows, dataset: str, columns: Sequence[str]) -> Iterable[Mapping]:
    """Rows with only these columns, undecoded: decoding an image would open the file or URL that it names."""
    names = rows.column_names or [*next(iter(rows), {})]  # if the columns are not known, nothing is decoded
    if names:
        _check_columns(dataset, names, columns)
    return (rows if rows.features is None else rows.decode(False)).select_columns(list(dict.fromkeys(columns)))


def _check_columns(dataset: str, row: Iterable[str], wanted: Iterable[str]) -> None:
    missing = [column for column in wanted if column not in row]
    if missing:
        raise UserError(
            f"{dataset}: has no column {' and no column '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, row))}; set the columns with --svg_column and --caption_column"
        )


def _pair_of(row: Any) -> Collection:
    """Check that a row in memory is a pair; UserError for the names that a DataFrame or a DatasetDict iterates over."""
    if isinstance(row, str) or not isinstance(row, Collection) or len(row) != 2:
        raise UserError(
            f"the data: a row is {row!r:.60}; give pairs of an SVG and a caption, mappings, or one datasets.Dataset"
        )
    return row


def _captions(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    stripped = (" ".join(text.split()) for text in texts if isinstance(text, str))
    return tuple(dict.fromkeys(text for text in stripped if text))
