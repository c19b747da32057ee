from dataclasses import replace

import numpy as np
import pytest
import torch

from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments import compare_encoders as stage
from svgfusion_lib.experiments.compare_encoders import compare_encoders, encoder_table
from svgfusion_lib.models.icon_head import IconHead, save_icon_head
from svgfusion_lib.system.files import ENTRIES, read_json

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
SHAPES = {
    "dot": '<circle cx="12" cy="12" r="4"/>', "bar": '<path d="M2 10h20v4h-20z"/>',
    "post": '<path d="M10 2h4v20h-4z"/>',
    "corner": '<path d="M2 2h9v9h-9z"/>', "ring": '<path fill-rule="evenodd" d="M2 2h20v20h-20zM6 6h12v12h-12z"/>',
}


@pytest.fixture
def two_packs(tmp_path, monkeypatch):
    """The same things in two styles, and one thing that only the first has."""
    for pack, colour in (("red", "#c00"), ("navy", "#006")):
        (tmp_path / pack).mkdir()
        for name, body in SHAPES.items():
            (tmp_path / pack / f"{name}.svg").write_text(f'{HEAD}<g fill="{colour}">{body}</g></svg>')
    (tmp_path / "red" / "only here.svg").write_text(f'{HEAD}<rect width="9" height="5"/></svg>')
    monkeypatch.setattr(stage, "fetch_packs", lambda packs, packs_dir: [tmp_path / pack for pack in packs])
    return tmp_path


def test_the_same_thing_is_found_in_another_style(two_packs):
    lines = compare_encoders(two_packs / "out", ["red:navy"], encoders=())
    assert lines == [
        {"pair": "red:navy", "names": 5, "encoder": "pixels", "features": "16 x 16", "top_1": 1.0, "top_5": 1.0}
    ]
    assert read_json(two_packs / "out" / "encoders.json", "report of compare_encoders", "")[ENTRIES] == lines
    assert (two_packs / "out" / "encoders.md").read_text() == encoder_table(lines)
    assert "| red and navy | 5 | pixels | 16 x 16 | 1.000 | 1.000 |" in encoder_table(lines)


def test_tokens_are_used_both_ways(two_packs, monkeypatch):
    class Encoder:
        def encode(self, pictures):
            flat = torch.from_numpy(stage._small(pictures)).float()
            return flat.unflatten(1, (4, -1))  # (N, 4, C)

    monkeypatch.setattr(stage, "load_pixel_encoder", lambda name: Encoder())
    lines = compare_encoders(two_packs / "out", ["red:navy"], encoders=["mine"], max_names=4)
    assert [(line["encoder"], line["features"], line["names"]) for line in lines] == [
        ("pixels", "16 x 16", 4), ("mine", "mean", 4), ("mine", "tokens", 4),
    ]
    assert lines[2]["top_1"] == lines[0]["top_1"] == 1.0


def test_ranks_count_both_what_is_right_and_what_is_wrong():
    basis = np.eye(6)[:, :5]
    assert (stage._ranks(basis, basis) == 0).all()
    swapped = basis[[1, 0, 2, 3, 4, 5]]
    assert (stage._ranks(basis, swapped) > 0).tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize(("pairs", "max_names", "message"), [
    (["red"], 9, "'red' is no pair"), (["red:red"], 9, "no pair"), (["red:navy"], 1, "max_names is 1"),
    (["red:empty"], 9, "share 1 names"),
])
def test_what_cannot_be_compared_is_named(two_packs, pairs, max_names, message):
    (two_packs / "empty").mkdir()
    (two_packs / "empty" / "dot.svg").write_text(f"{HEAD}{SHAPES['dot']}</svg>")
    with pytest.raises(UserError, match=message):
        compare_encoders(two_packs / "out", pairs, encoders=(), max_names=max_names)


def test_the_icon_head_is_compared_on_held_out_names_alone(two_packs, monkeypatch):
    class Encoder:
        def encode(self, pictures):
            return torch.from_numpy(stage._small(pictures)).float().unflatten(1, (4, -1))  # (N, 4, C)

    read = stage.read_records
    monkeypatch.setattr(stage, "load_pixel_encoder", lambda name: Encoder())
    monkeypatch.setattr(stage, "read_records", lambda folder: [
        replace(record, split="train" if record.name == "dot" else "held_out") for record in read(folder)
    ])
    head = IconHead("mine", 4, 192, width=64)
    save_icon_head(head, two_packs / "head.safetensors")
    lines = compare_encoders(
        two_packs / "out", ["red:navy"], ["mine"], held_out=True, icon_head=two_packs / "head.safetensors"
    )
    assert [(line["features"], line["names"]) for line in lines] == [
        ("16 x 16", 4), ("mean", 4), ("tokens", 4), ("icon head", 4),
    ]
    others = compare_encoders(two_packs / "out", ["red:navy"], ["mine"], icon_head=two_packs / "head.safetensors")
    assert [line["features"] for line in others] == ["16 x 16", "mean", "tokens"]
