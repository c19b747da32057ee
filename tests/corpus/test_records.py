import json
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from svgfusion_lib.corpus.captions import split_of
from svgfusion_lib.corpus.records import Record, copy_records, export_table, read_records, write_manifest
from svgfusion_lib.errors import UserError

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M0 0h24"/></svg>'


def make_files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SVG)
    return folder


def test_file_names_become_captions(tmp_path):
    make_files(tmp_path, "shopping-cart.svg", "sub/HeartBeat.svg", ".hidden/x.svg", "notes.txt")
    records = read_records(tmp_path)
    assert [(r.file, r.name, r.captions) for r in records] == [
        ("shopping-cart.svg", "shopping cart", ("shopping cart",)),
        ("sub/HeartBeat.svg", "heart beat", ("heart beat",)),
    ]
    assert {r.pack for r in records} == {""}


def test_manifest_round_trip(tmp_path):
    make_files(tmp_path, "a.svg", "b.svg")
    records = [
        Record("a.svg", "heart", "tabler", ("heart, tabler style", "herz"), ("love",), "MIT", "held_out"),
        Record("b.svg", "star", captions=("star",)),
    ]
    write_manifest(tmp_path, records)
    assert read_records(tmp_path) == records
    assert [r.file for r in read_records(tmp_path, "b*.svg")] == ["b.svg"]


def test_some_of_a_folder_as_a_folder_of_its_own(tmp_path):
    source = make_files(tmp_path / "all", "a.svg", "b.svg", "sub/c.svg")
    copy_records(make_files(tmp_path / "before", "old.svg"), [Record("old.svg", "old")], tmp_path / "some")
    chosen = [record for record in read_records(source) if record.file != "b.svg"]
    assert read_records(copy_records(source, chosen, tmp_path / "some")) == chosen
    assert sorted(p.name for p in (tmp_path / "some").rglob("*.svg")) == ["a.svg", "c.svg"]


def test_packs_below_a_folder_are_read_by_their_manifests(tmp_path):
    make_files(tmp_path, "tabler/x.svg", "plain/y.svg")
    write_manifest(tmp_path / "tabler", [Record("x.svg", "heart", "tabler", ("heart, tabler style",))])
    assert [(r.file, r.captions) for r in read_records(tmp_path)] == [
        ("plain/y.svg", ("y",)), ("tabler/x.svg", ("heart, tabler style",)),
    ]


def test_csv_gives_captions(tmp_path):
    make_files(tmp_path, "0001.svg", "heart.svg", "other.svg")
    text = 'caption, file\n"a red, full heart",heart.svg\nlove,heart.svg\n\nein Stern ★,0001.svg\n'
    (tmp_path / "captions.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert {r.file: r.captions for r in read_records(tmp_path)} == {
        "0001.svg": ("ein Stern ★",), "heart.svg": ("a red, full heart", "love"), "other.svg": ("other",),
    }


@pytest.mark.parametrize(("content", "message"), [
    (b"name,text\nheart.svg,x\n", "file,caption; it has name, text"),
    (b"", "file,caption; it has nothing"),
    (b"file,caption\nabsent.svg,x\n", "absent.svg"),
    (b"file,caption\nheart.svg,red, full\n", "quotes"),
    (b"file,caption\nheart.svg\n", None),
    (b"file;caption\nheart.svg;x\n", "file,caption; it has file;caption"),
    (b'file,caption\nheart.svg,"never closed\n', "not readable as CSV"),
    ("file,caption\nheart.svg,x\n".encode("utf-16"), "UTF-8"),
    (b"file,caption\nheart.svg,a\0b\n", "NUL characters"),
    (b"file,caption\nheart.svg,%s\n" % (b"x" * 200_000), "not readable as CSV"),
    (b"file,caption\n%s,x\n" % (b"x" * 10_000), "there is no file"),
    (b"file,caption\n../heart.svg,x\n", "the name '../heart.svg' leads out of"),
    (b"file,caption\n/etc/passwd,x\n", "the name '/etc/passwd' leads out of"),
])
def test_broken_csv_is_one_clear_line(tmp_path, content, message):
    make_files(tmp_path, "heart.svg")
    (tmp_path / "captions.csv").write_bytes(content)
    if message is None:
        assert read_records(tmp_path)[0].captions == ("heart",)
        return
    with pytest.raises(UserError, match=message) as error:
        read_records(tmp_path)
    assert "captions.csv" in str(error.value) and "\n" not in str(error.value)


def test_captions_with_any_characters(tmp_path):
    """Quotes, line breaks and Unicode line separators are kept in captions."""
    make_files(tmp_path, "heart.svg")
    text = 'file,caption\r\nheart.svg,"a ""red"" heart,\nfull"\r\nheart.svg,a\u2028b\x85c \U0001f600 \u202eabc\r\n'
    (tmp_path / "captions.csv").write_bytes(text.encode())
    assert read_records(tmp_path)[0].captions == ('a "red" heart, full', "a b c \U0001f600 \u202eabc")


@pytest.mark.parametrize("line", [
    "{", "[]", '{"name": "x"}', "null", '{"file": 5, "name": "x"}', '{"file": "a.svg", "name": null}',
    '{"file": "a.svg", "name": "a", "captions": "text"}', '{"file": "a.svg", "name": "a", "captions": [1]}',
    '{"file": "a.svg", "name": "a", "split": "test"}', '{"file": "../a.svg", "name": "a"}',
    '{"file": "/etc/passwd", "name": "a"}', '{"file": "%s", "name": "a"}' % ("x" * 5000), "[" * 100_000,
])
def test_broken_manifest_is_one_clear_line(tmp_path, line):
    make_files(tmp_path, "a.svg")
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"file": "a.svg", "name": "a"}) + "\n" + line + "\n")
    with pytest.raises(UserError, match=r"manifest\.jsonl line 2"):
        read_records(tmp_path)


def test_manifest_with_a_missing_file(tmp_path):
    make_files(tmp_path, "a.svg")
    write_manifest(tmp_path, [Record("gone.svg", "gone")])
    with pytest.raises(UserError, match="gone.svg"):
        read_records(tmp_path)


def test_nothing_to_read(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        read_records(tmp_path / "absent")
    with pytest.raises(UserError, match=r"no file matches '\*\.svg'"):
        read_records(tmp_path)
    make_files(tmp_path, "a.svg")
    for pattern in ("b*.svg", "", "/etc/*.svg"):
        with pytest.raises(UserError, match="pattern|no file"):
            read_records(tmp_path, pattern)


def test_names_and_splits_come_from_captions_where_there_are_some(tmp_path):
    """Captions, not file names, decide what is held out."""
    held_out = next(word for word in map(str, range(1000)) if split_of(f"thing {word}") == "held_out")
    (tmp_path / "icon0.svg").write_text("<svg/>")
    (tmp_path / "icon1.svg").write_text("<svg/>")
    (tmp_path / "captions.csv").write_text(f"file,caption\nicon0.svg,thing {held_out}\n")
    records = read_records(tmp_path)
    assert [(record.name, record.split) for record in records] == [
        (f"thing {held_out}", "held_out"), ("icon1", split_of("icon1")),
    ]


@pytest.mark.parametrize("pattern", ["*.svg", "sub/*.svg"])
@pytest.mark.parametrize("link", ["file", "folder", "manifest.jsonl", "captions.csv", "pack.json"])
def test_a_link_that_leads_out_of_the_folder_is_refused_or_left_out(tmp_path, link, pattern):
    """Neither linked drawings nor linked lists are read."""
    inside, outside = make_files(tmp_path / "in", "a.svg", "sub/b.svg"), make_files(tmp_path / "out", "x.svg")
    (outside / "captions.csv").write_text("file,caption\na.svg,stolen\n")
    (outside / "pack.json").write_text('{"records": 5}')
    write_manifest(outside, [Record("a.svg", "stolen")])
    if link == "folder":
        (inside / "linked").symlink_to(outside)  # not followed
        assert {record.file for record in read_records(inside, pattern)} <= {"a.svg", "sub/b.svg"}
        return
    if link == "file":
        (inside / "sub" / "c.svg").symlink_to("../../out/x.svg")
    else:
        (inside / link).symlink_to(outside / link)
    if link == "pack.json":
        write_manifest(inside, [Record("a.svg", "a"), Record("sub/b.svg", "b")])
    with pytest.raises(UserError, match=r"the name '[\w./]+' leads out of its folder"):
        read_records(inside, pattern)


def test_a_link_within_the_folder_is_followed(tmp_path):
    make_files(tmp_path, "a.svg")
    (tmp_path / "b.svg").symlink_to("a.svg")
    assert [record.file for record in read_records(tmp_path)] == ["a.svg", "b.svg"]


# --- tables -----------------------------------------------------------------------------------------


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
    records = export_table(str(table), folder)
    assert [(r.file, r.name, r.captions) for r in records] == [
        ("0000000.svg", "a red hat", ("a red hat",)), ("0000001.svg", "nothing", ("nothing",)),
        ("0000002.svg", "", ()), ("0000003.svg", "hat", ("hat",)),
    ]
    assert (folder / "0000000.svg").read_text() == SVG and (folder / "0000001.svg").read_text() == ""
    lists = export_table(str(table), folder, caption_column="words", max_rows=2)
    assert [record.captions for record in lists] == [("hat", "cap"), ()]


def test_json_lines_and_csv_are_read_too(tmp_path, folder):
    (tmp_path / "icons.jsonl").write_text(json.dumps({"code": SVG, "text": "hat"}) + "\n")
    (tmp_path / "icons.csv").write_text('code,text\n"{}",hat\n'.format(SVG.replace('"', '""')))
    (tmp_path / "icons[1].csv").write_text((tmp_path / "icons.csv").read_text())  # brackets are not a glob pattern
    (tmp_path / "icons1.csv").write_text("code,text\n,wrong\n")
    for name in ("icons.jsonl", "icons.csv", "icons[1].csv"):
        (record,) = export_table(str(tmp_path / name), folder, "code", "text")
        assert record.name == "hat" and (folder / record.file).read_text() == SVG


@pytest.mark.parametrize(("options", "message"), [
    ({"dataset": "absent.parquet"}, "absent.parquet: no such file"),
    ({"svg_column": "picture"}, "no column 'picture'; it has 'svg', 'caption', 'words'; set"),
    ({"svg_column": "a", "caption_column": "b"}, "no column 'a' and no column 'b'"),
    ({"max_rows": 0}, "has no rows"),
    ({"dataset": "broken.parquet"}, "broken.parquet: cannot be read"),
    ({"dataset": "somebody/icons"}, "somebody/icons: neither a file .* nor an available dataset"),
])
def test_what_is_missing_is_said_in_one_line(table, folder, monkeypatch, options, message):
    monkeypatch.chdir(table.parent)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (table.parent / "broken.parquet").write_text("no")
    with pytest.raises(UserError, match=message) as error:
        export_table(**({"dataset": str(table), "folder": folder} | options))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("data", "message"), [
    (pd.DataFrame({"svg": [SVG], "caption": ["hat"]}), "^the data: a row is 'svg'; give pairs of an SVG and a caption"),
    ({"train": [(SVG, "hat")]}, "a row is 'train'"), ([SVG], "a row is '<svg"), ([(SVG, "hat", 1)], "a row is "),
    ([3], "a row is 3"), ([], "^the data: has no rows$"),
])
def test_data_in_memory_that_is_no_table_is_named(folder, data, message):
    with pytest.raises(UserError, match=message):
        export_table(data, folder)


def test_without_the_library_the_user_is_told_what_to_install(table, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"pip install 'svgfusion\[datasets\]'"):
        export_table(str(table), folder)
