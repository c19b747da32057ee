import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from svgfusion_lib.corpus.records import unfold_table
from svgfusion_lib.errors import UserError

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M0 0h24v9z"/></svg>'


@pytest.fixture
def table(tmp_path):
    """A parquet file of four rows."""
    path = tmp_path / "icons.parquet"
    columns = {
        "svg": [SVG, None, SVG, SVG], "caption": ["a  red\nhat ", "nothing", None, "hat"],
        "words": [["hat", "cap", "hat"], [], None, ["cap", " "]],
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "unfolded").mkdir()
    return tmp_path / "unfolded"


def test_rows_become_files_and_records(table, folder):
    records = unfold_table(str(table), folder)
    assert [(r.file, r.name, r.captions) for r in records] == [
        ("0000000.svg", "a red hat", ("a red hat",)), ("0000001.svg", "nothing", ("nothing",)),
        ("0000002.svg", "", ()), ("0000003.svg", "hat", ("hat",)),
    ]
    assert (folder / "0000000.svg").read_text() == SVG and (folder / "0000001.svg").read_text() == ""
    lists = unfold_table(str(table), folder, caption_column="words", most_rows=2)
    assert [record.captions for record in lists] == [("hat", "cap"), ()]


def test_json_lines_and_csv_are_read_too(tmp_path, folder):
    (tmp_path / "icons.jsonl").write_text(json.dumps({"code": SVG, "text": "hat"}) + "\n")
    (tmp_path / "icons.csv").write_text('code,text\n"{}",hat\n'.format(SVG.replace('"', '""')))
    (tmp_path / "icons[1].csv").write_text((tmp_path / "icons.csv").read_text())  # a name, not a pattern
    (tmp_path / "icons1.csv").write_text("code,text\n,wrong\n")
    for name in ("icons.jsonl", "icons.csv", "icons[1].csv"):
        (record,) = unfold_table(str(tmp_path / name), folder, "code", "text")
        assert record.name == "hat" and (folder / record.file).read_text() == SVG


@pytest.mark.parametrize(("options", "message"), [
    ({"dataset": "absent.parquet"}, "absent.parquet: no such file"),
    ({"svg_column": "picture"}, "no column 'picture'; it has 'svg', 'caption', 'words'; name"),
    ({"svg_column": "a", "caption_column": "b"}, "no column 'a' and no column 'b'"),
    ({"most_rows": 0}, "has no rows"),
    ({"dataset": "broken.parquet"}, "broken.parquet: cannot be read"),
    ({"dataset": "somebody/icons"}, "somebody/icons: neither a file .* nor a dataset that can be had"),
])
def test_what_is_missing_is_said_in_one_line(table, folder, monkeypatch, options, message):
    monkeypatch.chdir(table.parent)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (table.parent / "broken.parquet").write_text("no")
    with pytest.raises(UserError, match=message) as error:
        unfold_table(**({"dataset": str(table), "folder": folder} | options))
    assert "\n" not in str(error.value)


def test_without_the_library_the_user_is_told_what_to_install(table, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"pip install 'svgfusion\[datasets\]'"):
        unfold_table(str(table), folder)
