import json

import numpy as np
import pytest

from svgfusion_lib.corpus import packs
from svgfusion_lib.corpus.records import Record, read_records, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.stages.prepare_dataset import is_stroke_only, prepare_dataset
from svgfusion_lib.utils.svg_parser import parse_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
LINE = 'fill="none" stroke="currentColor" stroke-width="2"'
FILES = {
    "arrow-left.svg": f'{HEAD}<path {LINE} d="M5 12h14M5 12l6 6"/></svg>',
    "back.svg": f'{HEAD}<g {LINE}><path d="M5 12H19M5 12L11 18"/></g></svg>',  # the same drawing
    "ring.svg": f'{HEAD}<circle {LINE} cx="12" cy="12" r="9"/></svg>',
    "zigzag.svg": f'{HEAD}<path {LINE} d="M1 1{"l2 5l2-5" * 5}"/></svg>',
    "disc.svg": f'{HEAD}<circle cx="12" cy="12" r="9"/></svg>',
    "label.svg": f'{HEAD}<path {LINE} d="M1 1h9"/><text>hi</text></svg>',
    "broken.svg": f"{HEAD}<path",
    "empty.svg": f'{HEAD}<path fill="none" d="M0 0h24"/></svg>',
}


@pytest.fixture
def svg_dir(tmp_path):
    folder = tmp_path / "svgs"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_folder_is_cleaned_and_what_is_left_out_is_told(svg_dir, tmp_path):
    out = tmp_path / "out"
    summary = prepare_dataset(out, svg_dir=svg_dir)
    assert {r.file: r.captions for r in read_records(out)} == {
        "icons/arrow-left.svg": ("arrow left", "back"),
        "icons/ring.svg": ("ring",), "icons/zigzag.svg": ("zigzag",),
    }
    assert sorted(p.name for p in (out / "icons").iterdir()) == ["arrow-left.svg", "ring.svg", "zigzag.svg"]
    assert (out / "icons" / "ring.svg").read_text() == FILES["ring.svg"]
    entries = map(json.loads, (out / "dropped.jsonl").read_text().splitlines())
    dropped = {entry["file"]: entry["reason"] for entry in entries}
    assert set(dropped) == {f"icons/{n}.svg" for n in ("back", "disc", "label", "broken", "empty")}
    assert dropped["icons/back.svg"] == "duplicate"
    assert dropped["icons/disc.svg"] == "not stroke only"
    assert dropped["icons/label.svg"] == "rows cannot show: text"
    assert dropped["icons/broken.svg"].startswith("does not parse: not well-formed")
    assert json.loads((out / "summary.json").read_text()) == summary
    icons = summary["packs"]["icons"]
    assert (icons["icons"], icons["kept"], sum(icons["dropped"].values())) == (8, 3, 5)
    assert icons["train"] + icons["held_out"] == 3
    assert icons["rows"]["p50"] == len(parse_svg(FILES["arrow-left.svg"]).rows) - 2


def test_fills_and_rows_are_options(svg_dir, tmp_path):
    summary = prepare_dataset(tmp_path / "out", svg_dir=svg_dir, stroke_only=False, max_rows=6)
    assert {r.name for r in read_records(tmp_path / "out")} == {"arrow left", "ring", "disc"}
    assert summary["total"]["dropped"]["more than 6 rows"] == 1


def test_max_files_is_a_fixed_choice_that_grows(svg_dir, tmp_path):
    names = []
    for i, n in enumerate((1, 2, 2)):
        prepare_dataset(tmp_path / f"out{i}", svg_dir=svg_dir, max_files=n)
        names.append({r.name for r in read_records(tmp_path / f"out{i}")})
    assert [len(n) for n in names] == [1, 2, 2]
    assert names[0] < names[1] == names[2]


def test_packs_keep_folders_styles_and_splits(tmp_path, monkeypatch):
    """Two packs that are already fetched; the same name falls on the same side in both."""
    known = packs.known_packs()
    for name in ("tabler", "lucide"):
        folder = tmp_path / "packs" / name
        folder.mkdir(parents=True)
        records = []
        for icon in ("arrow-left.svg", f"ring-{name}.svg"):
            x = 3 if name == "tabler" else 4
            (folder / icon).write_text(FILES["arrow-left.svg"].replace("M5", f"M{x}") if "arrow" in icon
                                       else FILES["ring.svg"])
            records.append(packs._make_record(known[name], icon.removesuffix(".svg"), [], {}))
        write_manifest(folder, records)
        (folder / "pack.json").write_text(json.dumps({"integrity": known[name].integrity}))
    monkeypatch.setenv("PATH", "")  # nothing is fetched
    summary = prepare_dataset(tmp_path / "out", packs=["tabler", "lucide"], packs_dir=tmp_path / "packs")
    records = {r.file: r for r in read_records(tmp_path / "out")}
    assert set(records) == {"tabler/arrow-left.svg", "lucide/arrow-left.svg", "tabler/ring-tabler.svg"}
    assert records["lucide/arrow-left.svg"].captions == ("arrow left, lucide style", "arrow left")
    assert records["lucide/arrow-left.svg"].split == records["tabler/arrow-left.svg"].split
    assert records["lucide/arrow-left.svg"].licence == "ISC"
    assert summary["packs"]["lucide"]["dropped"] == {"duplicate": 1}


def test_a_training_icon_takes_no_held_out_name(tmp_path):
    folder = tmp_path / "svgs"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.svg").write_text(FILES["ring.svg"])
    write_manifest(folder, [
        Record("a.svg", "ring", captions=("ring",), split="train"),
        Record("b.svg", "secret", captions=("secret",), split="held_out"),
        Record("c.svg", "circle", captions=("circle",), split="train"),
    ])
    prepare_dataset(tmp_path / "out", svg_dir=folder)
    (record,) = read_records(tmp_path / "out")
    assert record.captions == ("ring", "circle") and record.split == "train"


def test_a_second_call_replaces_the_first(svg_dir, tmp_path):
    prepare_dataset(tmp_path / "out", svg_dir=svg_dir)
    (svg_dir / "ring.svg").unlink()
    prepare_dataset(tmp_path / "out", svg_dir=svg_dir)
    assert not (tmp_path / "out" / "icons" / "ring.svg").exists()


@pytest.mark.parametrize(("options", "message"), [
    ({}, "nothing to prepare"),
    ({"packs": ["tablr"]}, "unknown icon pack 'tablr'"),
    ({"svg_dir": "absent"}, "no such folder"),
    ({"svg_dir": "svgs", "max_rows": 0}, "max_rows is 0"),
    ({"svg_dir": "filled"}, "no SVG was kept: 1 not stroke only; fills are allowed"),
])
def test_bad_calls_write_nothing(svg_dir, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "filled").mkdir()
    (tmp_path / "filled" / "disc.svg").write_text(FILES["disc.svg"])
    with pytest.raises(UserError, match=message):
        prepare_dataset("out", **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["filled", "svgs"]


@pytest.mark.parametrize("output", ["svgs", "svgs/out", "."])
def test_output_apart_from_the_source(svg_dir, tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="apart from it"):
        prepare_dataset(output, svg_dir="svgs")
    assert len(list(svg_dir.iterdir())) == len(FILES)


def test_stroke_only_looks_at_every_painted_row():
    stroke = parse_svg(FILES["ring.svg"]).rows
    fill = parse_svg(FILES["disc.svg"]).rows
    both = np.concatenate([stroke[:-1], fill[1:]])
    assert is_stroke_only(stroke) and not is_stroke_only(fill) and not is_stroke_only(both)
    assert not is_stroke_only(stroke[[0, -1]])
