"""A few drawings by heart: little training is enough to see that the figures are those of the files."""


import numpy as np
import pytest

from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments import overfit as module
from svgfusion_lib.experiments.overfit import overfit
from svgfusion_lib.system.files import read_json


@pytest.fixture
def pack(tmp_path, monkeypatch):
    create_dummy_data(tmp_path / "pack", num_samples=12)
    monkeypatch.setattr(module, "fetch_packs", lambda packs, packs_dir: [tmp_path / "pack"])


def test_reconstructions_are_learned_first(pack, tmp_path):
    report = overfit(tmp_path / "out", num_icons=4, vae_steps=250, dit_steps=3, vae_preset="tiny", dit_preset="tiny")
    assert read_json(tmp_path / "out" / "report.json", "report of overfit", "") == report
    assert report["icons"] == 4 == len(report["captions"]) and (tmp_path / "out" / "sheet.png").is_file()
    assert report["ssim_from_mean"] > 0.8 > report["ssim_of_drawn"], "three steps of diffusion teach nothing"
    drawn = list(report["captions"].values())
    assert report["drawn_at_least_0.9"] == sum(v >= 0.9 for v in drawn)
    assert report["ssim_of_drawn"] == pytest.approx(np.mean(drawn), abs=1e-3)


def test_too_small_a_pack_is_refused(pack, tmp_path):
    with pytest.raises(UserError, match="holds fewer than 500 icons"):
        overfit(tmp_path / "out", num_icons=500)


def test_nearest_picture_by_pixel_distance():
    pictures = np.zeros((3, 4, 4, 3), dtype=np.uint8)
    pictures[1], pictures[2] = 100, 200
    queries = pictures[[2, 0, 1]] + np.uint8(20)
    assert module._nearest(queries, pictures).tolist() == [2, 0, 1]
