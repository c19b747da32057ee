"""A ranker learns to recognise drawings by the shipped line model, from names unseen in training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.records import read_records, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments import train_realism as stage
from svgfusion_lib.experiments.train_realism import PACKS_OF, train_realism
from svgfusion_lib.models.icon_head import load_icon_head
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.ranker import SHIPPED

NAMES_OF = {
    "tabler": ["cat", "house", "mail", "clock"], "lucide": ["cat", "key", "cloud", "lamp"],
    "hugeicons": ["cat", "anvil", "quiver", "right arrow", "kiosk", "drum"],
}
HELD_OUT = {"lamp", "drum"}


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs")
    for seed, (pack, names) in enumerate(NAMES_OF.items()):
        records = create_dummy_data(folder / pack, num_samples=len(names), seed=seed)
        named = [
            replace(r, name=name, pack=pack, split="held_out" if name in HELD_OUT else "train")
            for r, name in zip(records, names)
        ]
        write_manifest(folder / pack, named)
    (folder / "tabler" / read_records(folder / "tabler")[1].file).write_text("<svg")
    return folder


@pytest.fixture(autouse=True)
def fetched(packs, monkeypatch):
    monkeypatch.setattr(stage, "fetch_packs", lambda names, _: [p for name in names if (p := packs / name).is_dir()])


def train(folder, **changes):
    return train_realism(folder, models=["line"], **{"num_steps": 60, "lr": 3e-3} | changes)


def test_real_icons_and_drawings_are_told_apart_and_the_rest_of_the_head_stays(packs, tmp_path):
    head, before = load_icon_head(train(tmp_path)), load_icon_head(SHIPPED)
    rng = np.random.default_rng(0)
    pipeline = SVGFusionPipeline.from_pretrained("line")
    own = [packs / name for name in PACKS_OF["line"]]
    real = stage._real_icons(pipeline, own, 9, rng)
    drawn = stage._draw(pipeline, stage._new_prompts(own, [packs / "hugeicons"], 9, rng))
    encoder = stage.load_pixel_encoder(head.pixel_encoder)
    real_scores, drawn_scores = (head.log_realism(stage._encode(encoder, svgs)) for svgs in (real, drawn))
    assert real_scores.min() > drawn_scores.max()
    assert torch.equal(head.linear.weight, before.linear.weight) and torch.equal(head.text.weight, before.text.weight)
    assert head.packs == before.packs


def test_neither_held_out_nor_broken_icons_nor_known_names(packs):
    rng = np.random.default_rng(0)
    own = [packs / name for name in PACKS_OF["line"]]
    real = stage._real_icons(SVGFusionPipeline.from_pretrained("line"), own, 9, rng)
    assert len(real) == 6  # eight, less one held out and one broken
    assert len(stage._real_icons(SVGFusionPipeline.from_pretrained("line"), [packs / "tabler"], 2, rng)) == 2
    prompts = stage._new_prompts(own, [packs / "hugeicons"], 9, rng)
    assert {text.split(",")[0] for text, _ in prompts} == {"anvil", "quiver", "right arrow", "kiosk"}
    assert [(pack, text.endswith(f"{pack} style")) for text, pack in prompts] == [
        ("tabler", True), ("lucide", True), ("tabler", True), ("lucide", True),
    ]
    assert len(stage._new_prompts(own, [packs / "hugeicons"], 3, rng)) == 3


def test_what_teaches_nothing_is_refused(packs, tmp_path):
    with pytest.raises(UserError, match="models are line, emoji"):
        train_realism(tmp_path, models=["mine"])
    with pytest.raises(UserError, match="has no names beyond those of tabler, lucide"):
        own = [packs / name for name in PACKS_OF["line"]]
        stage._new_prompts(own, own[1:], 9, np.random.default_rng(0))
    with pytest.raises(UserError, match="drawings is 0"):
        train(tmp_path, drawings=0)


def test_packs_are_those_of_the_models():
    assert set(SVGFusionPipeline.from_pretrained("emoji").dit.config.styles) == set(PACKS_OF["emoji"])
