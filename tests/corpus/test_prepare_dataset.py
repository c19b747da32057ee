import json
from collections import Counter
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from svgfusion_lib import cli
from svgfusion_lib.corpus import packs
from svgfusion_lib.corpus import prepare_dataset as stage
from svgfusion_lib.corpus.captions import split_of
from svgfusion_lib.corpus.keywords import Vocabulary
from svgfusion_lib.corpus.prepare_dataset import prepare_dataset
from svgfusion_lib.corpus.preprocess import load_cache, preprocess
from svgfusion_lib.corpus.records import COUNTED, SPLITS, Record, read_records, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import read_json, write_json
from svgfusion_lib.training.latents import load_latents, prepare_latents
from svgfusion_lib.training.vae import train_vae
from svgfusion_lib.utils.dataset import LatentDataset
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
    summary = prepare_dataset(out, svg_dir=svg_dir, stroke_only=True)
    assert {r.file: r.captions for r in read_records(out)} == {
        "icons/arrow-left.svg": ("arrow left", "back"),
        "icons/ring.svg": ("ring",), "icons/zigzag.svg": ("zigzag",),
    }
    assert sorted(p.name for p in (out / "icons").iterdir()) == ["arrow-left.svg", "ring.svg", "zigzag.svg"]
    assert np.allclose(parse_svg(out / "icons" / "ring.svg").rows, parse_svg(FILES["ring.svg"]).rows, atol=1e-3)
    reasons = {file: entry["reason"] for file, entry in dropped(out).items()}
    assert set(reasons) == {f"icons/{n}.svg" for n in ("back", "disc", "label", "broken", "empty")}
    assert reasons["icons/back.svg"] == "duplicate"
    assert reasons["icons/disc.svg"] == "not stroke only"
    assert reasons["icons/label.svg"] == "rows cannot show: text"
    assert reasons["icons/broken.svg"].startswith("does not parse: not well-formed")
    assert read_json(out / "summary.json", COUNTED["summary.json"], "") == summary
    icons = summary["packs"]["icons"]
    assert (icons["icons"], icons["kept"], sum(icons["dropped"].values())) == (8, 3, 5)
    assert icons["train"] + icons["held_out"] == 3
    assert icons["rows"]["p50"] == len(parse_svg(FILES["arrow-left.svg"]).rows) - 2


def test_what_is_left_out_is_an_option(svg_dir, tmp_path):
    prepare_dataset(tmp_path / "whole", svg_dir=svg_dir, whole=False)
    assert "label" in {record.name for record in read_records(tmp_path / "whole")}
    summary = prepare_dataset(tmp_path / "out", svg_dir=svg_dir, max_rows=6)  # user folders keep their fills
    assert {r.name for r in read_records(tmp_path / "out")} == {"arrow left", "ring", "disc"}
    assert summary["total"]["dropped"]["more than 6 rows"] == 1


def test_max_files_is_a_fixed_choice_that_grows(svg_dir, tmp_path):
    names = []
    for i, n in enumerate((1, 2, 2)):
        prepare_dataset(tmp_path / f"out{i}", svg_dir=svg_dir, max_files=n)
        names.append({r.name for r in read_records(tmp_path / f"out{i}")})
    assert [len(n) for n in names] == [1, 2, 2]
    assert names[0] < names[1] == names[2]


VOCABULARY = Vocabulary({"arrow left": ["back", "a b off"], "heart": ["love"]}, {"sparklingheart": "sparkling heart"})


@pytest.fixture
def make_packs(tmp_path, monkeypatch):
    """Create packs (name -> {icon: SVG}) as if fetched, and `VOCABULARY`; returns their folder."""
    known = packs.known_packs()

    def make(icons):
        for name, texts in icons.items():
            folder = tmp_path / "packs" / name
            folder.mkdir(parents=True)
            for icon, text in texts.items():
                (folder / f"{icon}.svg").write_text(text)
            write_manifest(folder, [packs._make_record(known[name], icon, [], {}) for icon in texts])
            write_json(folder / "pack.json", asdict(known[name]), COUNTED["pack.json"])
        return tmp_path / "packs"

    monkeypatch.setattr(stage, "load_vocabulary", lambda folder: VOCABULARY)
    monkeypatch.setenv("PATH", "")  # no fetching
    return make


def dropped(folder):
    lines = (folder / "dropped.jsonl").read_text().splitlines()
    return {entry["file"]: entry for entry in map(json.loads, lines)}


def disc(colour, x=12.0, r=9.0):
    return f'{HEAD}<circle cx="{x}" cy="12" r="{r}" fill="{colour}"/></svg>'


def test_packs_keep_folders_styles_and_splits(make_packs, tmp_path):
    """A name is in the same split in both packs."""
    arrow, ring = FILES["arrow-left.svg"], FILES["ring.svg"]
    packs_dir = make_packs({
        "tabler": {"arrow-left": arrow, "ring-tabler": ring},
        "lucide": {"arrow-left": arrow.replace("M5", "M2"), "ring-lucide": ring},
    })
    summary = prepare_dataset(tmp_path / "out", packs=["tabler", "lucide"], packs_dir=packs_dir)
    records = {r.file: r for r in read_records(tmp_path / "out")}
    assert set(records) == {"tabler/arrow-left.svg", "lucide/arrow-left.svg", "tabler/ring-tabler.svg"}
    assert records["lucide/arrow-left.svg"].split == records["tabler/arrow-left.svg"].split
    assert records["lucide/arrow-left.svg"].licence == "ISC"
    assert records["lucide/arrow-left.svg"].captions == (
        "arrow left, lucide style", "arrow left", "back", "go back", "arrow left icon", "arrow left, lucide line icon",
    )  # not "a b off", which is held out
    assert records["lucide/arrow-left.svg"].parts == ("arrow", "left")
    assert records["lucide/arrow-left.svg"].moves == ("mirror", "flip", "turn")
    assert summary["packs"]["lucide"]["dropped"] == {"duplicate": 1}
    assert records["tabler/ring-tabler.svg"].captions[2] == "ring lucide, lucide style"
    assert summary["captions"]["all"] == sum(len(record.captions) for record in records.values())


def test_no_record_to_train_on_has_a_held_out_caption(make_packs, tmp_path, monkeypatch):
    """Names and keywords of all kinds, with splits from the function that assigns them."""
    words = [f"word{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    held_out = {word for word in words if split_of(word, numbered=True) == "held_out"}
    assert len(held_out) > 2
    vocabulary = Vocabulary({word: words[i + 1 : i + 4] for i, word in enumerate(words)}, {})
    monkeypatch.setattr(stage, "load_vocabulary", lambda folder: vocabulary)
    icons = {word: FILES["ring.svg"].replace('r="9"', f'r="{2 + i % 8}"') for i, word in enumerate(words)}
    prepare_dataset(tmp_path / "out", packs=["tabler"], packs_dir=make_packs({"tabler": icons}))
    records = read_records(tmp_path / "out")
    assert {record.split for record in records} == {"train", "held_out"}
    trained = {w for r in records if r.split == "train" for c in r.captions for w in c.replace(",", "").split()}
    assert not trained & held_out and len(trained & set(words)) > 10


def test_drawings_of_one_name_are_numbered_and_few(make_packs, tmp_path):
    rings = {f"ring-0{i}": FILES["ring.svg"].replace('r="9"', f'r="{1 + 2 * i}"') for i in range(1, 5)}
    prepare_dataset(tmp_path / "out", packs=["hugeicons"], packs_dir=make_packs({"hugeicons": rings}))
    assert [record.name for record in read_records(tmp_path / "out")] == ["ring", "ring 2", "ring 3"]
    assert dropped(tmp_path / "out")["hugeicons/ring-04.svg"]["reason"] == "variant"


def test_line_packs_keep_one_style(make_packs, tmp_path):
    icons = {"heart-linear": FILES["ring.svg"], "heart-broken": FILES["zigzag.svg"]}
    packs_dir = make_packs({"solar": icons})
    prepare_dataset(tmp_path / "out", packs=["solar"], packs_dir=packs_dir)
    (record,) = read_records(tmp_path / "out")
    assert record.captions[0] == "heart, solar style"
    prepare_dataset(tmp_path / "both", packs=["solar"], packs_dir=packs_dir, one_style=False)
    assert {record.style for record in read_records(tmp_path / "both")} == {"solar", "solar broken"}


def test_pairs_are_unseen_where_another_pack_trains_on_the_name(make_packs, tmp_path):
    """Chosen by seed, only if the name remains in training elsewhere; without hold-out all records are for training."""
    names = [f"word{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    ring = FILES["ring.svg"]
    shared = {name: ring.replace('r="9"', f'r="{1 + i / 8}"') for i, name in enumerate(names)}
    other = {name: shared[name].replace('cx="12"', 'cx="9"') for name in names[:40]}
    packs_dir = make_packs({"tabler": shared, "lucide": other})
    options = {"packs": ["tabler", "lucide"], "packs_dir": packs_dir, "near_duplicates": False}
    chosen = []
    for seed in (0, 0, 1):
        summary = prepare_dataset(tmp_path / "out", seed=seed, **options)
        records = read_records(tmp_path / "out")
        trained = {record.name for record in records if record.split == "train"}
        chosen.append({(record.pack, record.name) for record in records if record.split == "unseen_pair"})
        assert {name for _, name in chosen[-1]} <= trained & set(other)
        assert summary["total"]["unseen_pair"] == len(chosen[-1]) > 0
        assert summary["packs"]["lucide"]["kept"] == sum(summary["packs"]["lucide"][split] for split in SPLITS)
    assert chosen[0] == chosen[1] != chosen[2]
    total = prepare_dataset(tmp_path / "all", hold_out=False, **options)["total"]
    assert total["train"] == total["kept"]


def test_moved_copies_and_parts_of_names_are_options(make_packs, tmp_path):
    """No mirrored copy for symmetric pictures, nor if the mirror image exists under another name."""
    arrow, ring = FILES["arrow-left.svg"], FILES["ring.svg"]
    right = f'{HEAD}<path {LINE} d="M19 12h-14M19 12l-6 6"/></svg>'
    packs_dir = make_packs({"tabler": {"arrow-left": arrow, "ring": ring}, "lucide": {"arrow-right": right}})
    options = {"packs": ["tabler", "lucide"], "packs_dir": packs_dir}
    total = prepare_dataset(tmp_path / "out", moved_copies=True, num_parts=1, **options)["total"]
    records = {record.file: record for record in read_records(tmp_path / "out")}
    copies = {file: record.name for file, record in records.items() if file.count(".") > 1}
    assert total["kept"] == len(records) == 3 + len(copies)
    assert copies["tabler/arrow-left.flip.svg"] == "arrow left" and copies["tabler/arrow-left.turn.svg"] == "arrow up"
    assert not any("mirror" in file or "ring" in file for file in copies)
    assert "arrow up, tabler style" in records["tabler/arrow-left.turn.svg"].captions
    assert len({"arrow", "left"} & set(records["tabler/arrow-left.svg"].captions)) == 1
    with pytest.raises(UserError, match="near duplicates; remove"):
        prepare_dataset(tmp_path / "no", moved_copies=True, near_duplicates=False, **options)


def test_emoji_lose_what_nobody_sees_and_their_names_are_spelt_out(make_packs, tmp_path):
    body = '<circle cx="12" cy="12" r="5" fill="blue"/><circle cx="12" cy="12" r="9" fill="red"/>'
    packs_dir = make_packs({"fxemoji": {"sparklingheart": f"{HEAD}{body}</svg>"}})
    prepare_dataset(tmp_path / "out", packs=["fxemoji"], packs_dir=packs_dir)
    (record,) = read_records(tmp_path / "out")
    assert len(parse_svg(tmp_path / "out" / record.file).rows) == 3
    assert record.name == "sparkling heart" and record.captions[0] == "sparkling heart, fxemoji style"
    assert record.split == split_of("sparkling heart", numbered=True)


def test_near_duplicates_are_dropped_and_lend_their_captions(make_packs, tmp_path):
    ring = FILES["ring.svg"]
    packs_dir = make_packs({
        "lucide": {"ring": ring, "dot": ring.replace('r="9"', 'r="2"')},
        "feather": {"circle": ring.replace('r="9"', 'r="9.02"')},
        "twemoji": {"ring": disc("red")}, "noto": {"heart": disc("#f00001", r=9.02), "star": disc("blue")},
    })
    options = {"packs": ["lucide", "feather", "twemoji", "noto"], "packs_dir": packs_dir}
    summary = prepare_dataset(tmp_path / "out", **options)
    gone = dropped(tmp_path / "out")
    assert {file: (e["reason"], e["same_as"]) for file, e in gone.items()} == {
        "feather/circle.svg": ("near duplicate", "lucide/ring.svg"),
        "noto/heart.svg": ("near duplicate", "twemoji/ring.svg"),
    }
    assert summary["packs"]["feather"]["dropped"] == {"near duplicate": 1}
    captions = {r.file: r.captions for r in read_records(tmp_path / "out")}
    assert captions["lucide/ring.svg"][:4] == ("ring, lucide style", "ring", "circle, feather style", "a ring")
    assert "a red ring" in captions["twemoji/ring.svg"] and "heart, noto style" in captions["twemoji/ring.svg"]
    both = prepare_dataset(tmp_path / "both", near_duplicates=False, **options)
    assert both["total"]["kept"] == 6 and both["total"]["dropped"] == {}


def test_skin_tones_and_genders_are_balanced(make_packs, tmp_path):
    who = ["cook", "man-cook", "woman-cook", *(f"cook-{tone}-skin-tone" for tone in ("light", "medium", "dark"))]
    icons = {name: disc("green", r=3 + i) for i, name in enumerate([*who, "heart"])}
    packs_dir = make_packs({"noto": icons})
    for limit, expected in ((1, 2), (2, 3), (None, 7)):
        summary = prepare_dataset(tmp_path / f"out{limit}", packs=["noto"], packs_dir=packs_dir, max_variants=limit)
        names = {record.name for record in read_records(tmp_path / f"out{limit}")}
        assert len(names) == expected and {"cook", "heart"} <= names
        assert summary["total"]["dropped"].get("variant", 0) == 7 - expected


def test_a_held_out_pack_is_never_trained_on(make_packs, tmp_path):
    """From the packs to the batches of both training stages."""
    icons = {name: disc("green", x=4 + 2 * i, r=3) for i, name in enumerate(("ant", "bee", "cat", "dog", "elk"))}
    packs_dir = make_packs({"noto": icons, "twemoji": {"ant": icons["ant"], "ape": disc("red"), "asp": disc("blue")}})
    summary = prepare_dataset(
        tmp_path / "svg", packs=["twemoji", "noto"], held_out_packs=["twemoji"], packs_dir=packs_dir,
    )
    assert summary["packs"]["twemoji"]["train"] == summary["packs"]["twemoji"]["held_out"] == 0
    assert summary["total"]["held_out_pack"] == 2  # shared drawings stay with the training pack
    records = {r.file: r for r in read_records(tmp_path / "svg")}
    assert records["twemoji/ape.svg"].split == "held_out_pack"
    assert not any("twemoji" in caption for caption in records["noto/ant.svg"].captions)

    preprocess(tmp_path / "svg", tmp_path / "cache")
    cache = load_cache(tmp_path / "cache")
    splits = dict(zip(cache["names"], cache["splits"]))
    assert splits == {file.removesuffix(".svg"): record.split for file, record in records.items()}
    train_vae(tmp_path / "vae", precomputed_dir=tmp_path / "cache", batch_size=4, num_epochs=1)
    prepare_latents(tmp_path / "vae" / "vpvae_final.pt", tmp_path / "cache", tmp_path / "latents")
    latents = load_latents(tmp_path / "latents")
    trained = {latents["packs"][i] for split in ("train", "held_out") for i in LatentDataset(latents, split).indices}
    assert trained == {"noto"} and Counter(latents["splits"])["held_out_pack"] == 2

    prepare_dataset(tmp_path / "alone", held_out_packs=["twemoji"], packs_dir=packs_dir)
    preprocess(tmp_path / "alone", tmp_path / "alone_cache")
    with pytest.raises(UserError, match="no training SVG of the cache"):
        train_vae(tmp_path / "none", precomputed_dir=tmp_path / "alone_cache", batch_size=4, num_epochs=1)


def test_a_parquet_file_is_a_source(tmp_path, capsys):
    ring, arrow = FILES["ring.svg"], FILES["arrow-left.svg"]
    rows = {
        "code": [ring, ring, FILES["broken.svg"], None, arrow, FILES["zigzag.svg"]],
        "text": ["a ring", "a circle", "broken", "nothing", None, "off a b"],
    }
    pq.write_table(pa.table(rows), tmp_path / "icons.parquet")
    command = ["prepare_dataset", "--dataset", str(tmp_path / "icons.parquet"), "--svg_column", "code"]
    assert cli.main([*command, "--caption_column", "text", "--output_dir", str(tmp_path / "out")]) == 0
    assert f"2 SVGs in {tmp_path / 'out'}: 1 train, 1 held out" in capsys.readouterr().out
    assert {r.file: (r.captions, r.split) for r in read_records(tmp_path / "out")} == {
        "icons/0000000.svg": (("a ring", "a circle"), "train"), "icons/0000005.svg": (("off a b",), "held_out"),
    }
    reasons = {file: entry["reason"].split(":")[0] for file, entry in dropped(tmp_path / "out").items()}
    assert reasons == {
        "icons/0000001.svg": "duplicate", "icons/0000002.svg": "does not parse", "icons/0000003.svg": "does not parse",
        "icons/0000004.svg": "no caption",
    }
    assert cli.main([*command, "--output_dir", str(tmp_path / "other")]) == 2
    assert "no column 'caption'; it has 'code', 'text'" in capsys.readouterr().err
    pq.write_table(pa.table({"svg": ["<svg"], "caption": ["x"]}), tmp_path / "bad.parquet")
    with pytest.raises(UserError, match="no SVG was kept: 1 does not parse"):
        prepare_dataset(tmp_path / "other", dataset=str(tmp_path / "bad.parquet"))
    assert not (tmp_path / "other").exists()


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
    ({"svg_dir": "svgs", "max_variants": 0}, "max_variants is 0"),
    ({"dataset": "absent.parquet"}, "absent.parquet: no such file"),
    ({"held_out_packs": ["tablr"]}, "unknown icon pack 'tablr'"),
    ({"svg_dir": "filled", "stroke_only": True}, "no SVG was kept: 1 not stroke only; to allow fills"),
])
def test_bad_calls_write_nothing(svg_dir, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "filled").mkdir()
    (tmp_path / "filled" / "disc.svg").write_text(FILES["disc.svg"])
    with pytest.raises(UserError, match=message):
        prepare_dataset("out", **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["filled", "svgs"]
