"""Names that two packs draw: a head learns to find one drawing by the other, on the tokens of a real encoder."""

from dataclasses import replace

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.corpus.records import read_records, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import load_icon_head
from svgfusion_lib.stages.create_dummy_data import create_dummy_data
from svgfusion_lib.stages.preprocess import load_cache, preprocess
from svgfusion_lib.stages.train_icon_head import train_icon_head


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """24 drawings; drawing k of the first half has the name of drawing k of the second, which is another pack."""
    folder = tmp_path_factory.mktemp("head")
    records = create_dummy_data(folder / "svg", num_samples=24)
    named = [
        replace(record, name=f"thing {k % 12}", pack="ab"[k // 12], split="train") for k, record in enumerate(records)
    ]
    write_manifest(folder / "svg", named)
    assert [r.name for r in read_records(folder / "svg")] == [r.name for r in named]
    preprocess(folder / "svg", folder / "cache", max_files=None, renderings=2)
    return folder / "cache"


def test_training_finds_the_other_drawing_of_a_name(cache_dir, tmp_path):
    def found(num_steps: int) -> float:
        head = load_icon_head(train_icon_head(cache_dir, tmp_path / str(num_steps), num_steps=num_steps, width=16))
        cache = load_cache(cache_dir)
        vectors = head(torch.stack([cache["pixel_tokens"][i][-16:] for i in range(24)]))  # of the whole drawings
        order = sorted(range(24), key=lambda i: (cache["packs"][i], cache["titles"][i]))
        first, second = vectors[order[:12]], vectors[order[12:]]
        return float(((first @ second.T).argmax(1) == torch.arange(12)).float().mean())

    assert found(60) == 1.0 and found(1) < 0.5


def test_the_same_seed_gives_the_same_head(cache_dir, tmp_path):
    paths = [train_icon_head(cache_dir, tmp_path / str(k), num_steps=3, width=8) for k in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_caches_that_teach_nothing_are_refused(cache_dir, tmp_path):
    create_dummy_data(tmp_path / "svg", num_samples=6)
    preprocess(tmp_path / "svg", tmp_path / "none", max_files=None, pixel_encoder="none")
    with pytest.raises(UserError, match="holds no pixel tokens"):
        train_icon_head(tmp_path / "none", tmp_path)
    preprocess(tmp_path / "svg", tmp_path / "one", max_files=None)
    with pytest.raises(UserError, match="no two training names"):
        train_icon_head(tmp_path / "one", tmp_path)
    argv = ["train_icon_head", "--precomputed_dir", str(cache_dir), "--output_dir", str(tmp_path), "--num_steps", "0"]
    assert cli.main(argv) == 2
