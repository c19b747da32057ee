"""On a real encoder, a head learns to retrieve a drawing by the same name's drawing in another pack, and by name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.packs import known_packs
from svgfusion_lib.corpus.records import read_records, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments import train_icon_head as stage
from svgfusion_lib.experiments.train_icon_head import EVALUATOR_PACKS, FILE_NAME, train_icon_head
from svgfusion_lib.models.icon_head import load_icon_head, mean_text_tokens
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.models.text_encoder import load_text_encoder
from svgfusion_lib.system.files import read_toml
from svgfusion_lib.utils.render import render_svg

NAMES = ["cat", "house", "mail", "clock", "apple", "arrow left", "cloud", "key", "music", "phone", "book", "lamp"]
CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    """Packs a and b draw the same twelve names; c two of them, one in a broken file; d draws others."""
    folder = tmp_path_factory.mktemp("packs")
    names_of = {"a": NAMES, "b": NAMES, "c": NAMES[:2], "d": ["sun", "moon"]}
    for seed, (pack, names) in enumerate(names_of.items()):
        records = create_dummy_data(folder / pack, num_samples=len(names), seed=seed)
        write_manifest(folder / pack, [replace(r, name=name, split="train") for r, name in zip(records, names)])
    (folder / "c" / read_records(folder / "c")[1].file).write_text("<svg")
    return folder


@pytest.fixture(autouse=True)
def fetched(packs, monkeypatch):
    monkeypatch.setattr(stage, "fetch_packs", lambda names, packs_dir: [packs / name for name in names])


def shares_found(path: Path, packs: Path) -> tuple[float, float]:
    """Share of pack a's drawings whose own name is nearest among pack b's drawings, and among all names' texts."""
    head = load_icon_head(path)
    encoder, texts = load_pixel_encoder(head.pixel_encoder), load_text_encoder(head.text_encoder)
    pictures = [
        np.stack([render_svg((packs / pack / r.file).read_text(), 128) for r in read_records(packs / pack)])
        for pack in "ab"
    ]
    with torch.inference_mode():
        a, b = (head(encoder.encode(p)) for p in pictures)
        asked = head.encode_texts(mean_text_tokens(*texts.encode(NAMES)))
    own = torch.arange(len(NAMES))
    return tuple(float(((a @ other.T).argmax(1) == own).float().mean()) for other in (b, asked))


def test_training_finds_the_other_drawing_and_the_name(packs, tmp_path):
    untrained = train_icon_head(tmp_path / "1", ["a", "b", "c"], num_steps=1, width=16)
    trained = train_icon_head(tmp_path / "80", ["a", "b", "c"], num_steps=80, width=16)
    assert min(shares_found(trained, packs)) > 0.9 > 0.5 > max(shares_found(untrained, packs))
    head = load_icon_head(trained)
    assert trained.name == FILE_NAME and head.packs == ("a", "b", "c") and head.text_encoder == "minilm"


def test_names_of_one_pack_teach_their_texts_where_they_may(packs, tmp_path):
    trained = train_icon_head(tmp_path, ["a"], num_steps=80, width=16, min_packs=1, weighted=True)
    _, by_text = shares_found(trained, packs)
    assert by_text > 0.9
    names, _ = stage._names_in_packs([packs / "a", packs / "d"], 1, np.random.default_rng(0))
    assert sorted(names) == sorted([*NAMES, "sun", "moon"])


def test_held_out_names_are_not_used(packs, monkeypatch):
    read = stage.read_records
    monkeypatch.setattr(stage, "read_records", lambda folder: [
        replace(r, split="held_out" if r.name in NAMES[:5] else "train") for r in read(folder)
    ])
    names, files = stage._names_in_packs([packs / "a", packs / "b"], 2, np.random.default_rng(0))
    assert sorted(names) == sorted(NAMES[5:]) and all(len(own) == 2 for own in files)


def test_views_differ_and_a_broken_file_is_none(packs):
    file = packs / "a" / read_records(packs / "a")[0].file
    views = stage._draw((3, file), image_size=64, seed=0)
    assert views.shape == (2, 64, 64, 3) and not (views[0] == views[1]).all()
    assert (views == stage._draw((3, file), image_size=64, seed=0)).all()
    assert stage._draw((0, packs / "c" / read_records(packs / "c")[1].file), 64, 0) is None


@pytest.mark.parametrize("chosen", [["a", "d"], ["a"]])
def test_packs_that_teach_nothing_are_refused(tmp_path, chosen):
    with pytest.raises(UserError, match="fewer than two names drawn by 2 packs"):
        train_icon_head(tmp_path, chosen, num_steps=1)


def test_the_evaluator_is_no_pupil_of_the_generators_packs():
    """No recipe trains a generator on the shipped head's packs, and none of them is share-alike."""
    assert load_icon_head().packs == EVALUATOR_PACKS
    for name in ("base", "small"):
        plan = read_toml(CONFIGS / f"{name}.toml")
        used = {pack for part in ("vae_data", "dit_data") for pack in plan.get(part, {}).get("packs", ())}
        assert used and not used & set(EVALUATOR_PACKS)
    assert not [pack for pack in EVALUATOR_PACKS if "SA" in known_packs()[pack].licence]
