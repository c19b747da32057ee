"""Hugging Face datasets and table files (parquet, JSON lines, CSV) with a column of SVGs and one of captions."""

import glob
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from svgfusion_lib.corpus.captions import split_of
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.progress import track

FORMATS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".csv": "csv"}


def unfold_table(
    dataset: str | Path | Iterable,
    folder: Path,
    svg_column: str = "svg",
    caption_column: str = "caption",
    split: str = "train",
    most_rows: int | None = None,
) -> list[Record]:
    """Write the SVGs of a dataset into `folder`, a file for each row, and return their records in order.

    dataset: a table file; a dataset by its name on the Hugging Face hub, of which `split` is read as it arrives; or
    rows in memory: a datasets.Dataset, or any iterable of (svg, caption) pairs or mappings.
    The caption column holds texts or lists of texts; a row without one has a record without captions. Whether a
    row is held out, its first caption says. UserError for what is missing: library, file, split, column.
    """
    records: list[Record] = []
    columns = [svg_column, caption_column]
    name_of_data = str(dataset) if isinstance(dataset, str | Path) else "the data"
    try:
        rows: Iterable[Mapping]
        if isinstance(dataset, str | Path):
            rows = _columns_of(_open(name_of_data, split), name_of_data, columns)
        else:
            rows = (_as_mapping(row, svg_column, caption_column) for row in dataset)
        for number, row in enumerate(track(islice(rows, most_rows), "rows of the dataset")):
            if not records:
                _check_columns(name_of_data, row, columns)
            file = f"{number:07d}.svg"
            svg = row[svg_column]
            svg = svg.get("bytes") if isinstance(svg, Mapping) else svg  # of a column of pictures
            (folder / file).write_bytes(svg if isinstance(svg, bytes) else str(svg or "").encode("utf-8", "replace"))
            captions = _captions(row[caption_column])
            name = captions[0] if captions else ""
            records.append(Record(file, name, captions=captions, split=split_of(name)))
    except (OSError, ValueError) as error:
        raise UserError(f"{name_of_data}: cannot be read ({_first_line(error)})") from error
    if not records:
        raise UserError(f"{name_of_data}: has no rows in split {split!r}")
    return records


def _as_mapping(row: Mapping | Sequence, svg_column: str, caption_column: str) -> Mapping:
    """A row by the names of its columns; a pair is (svg, caption)."""
    return row if isinstance(row, Mapping) else dict(zip((svg_column, caption_column), row, strict=True))


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
            config.HF_UPDATE_DOWNLOAD_COUNTS = False  # it would tell a server that somebody reads a file of this kind
            # A table file is one split, which the library calls train.
            return load_dataset(FORMATS[path.suffix], data_files=glob.escape(str(path)), split="train", streaming=True)
        return load_dataset(dataset, split=split, streaming=True)
    except (DatasetNotFoundError, ConnectionError) as error:
        raise UserError(
            f"{dataset}: neither a file ({', '.join(FORMATS)}) nor a dataset that can be had ({_first_line(error)})"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{dataset}: cannot be read ({_first_line(error)})") from error


def _columns_of(rows, dataset: str, columns: Sequence[str]) -> Iterable[Mapping]:
    """Rows with these columns alone, as they are stored: decoding a picture would open the file or address it names."""
    names = rows.column_names or [*next(iter(rows), {})]  # without known columns nothing is decoded
    if names:
        _check_columns(dataset, names, columns)
    return (rows if rows.features is None else rows.decode(False)).select_columns(list(dict.fromkeys(columns)))


def _check_columns(dataset: str, row: Iterable[str], wanted: Iterable[str]) -> None:
    missing = [column for column in wanted if column not in row]
    if missing:
        raise UserError(
            f"{dataset}: has no column {' and no column '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, row))}; name the columns by --svg_column and --caption_column"
        )


def _captions(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    stripped = (" ".join(text.split()) for text in texts if isinstance(text, str))
    return tuple(dict.fromkeys(text for text in stripped if text))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
