import json

import pytest
from PIL import Image

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.stages.benchmark import benchmark
from svgfusion_lib.stages.create_dummy_data import create_dummy_data
from svgfusion_lib.stages.evaluate import choose_prompts, evaluate
from svgfusion_lib.stages.prepare_latents import prepare_latents
from svgfusion_lib.stages.preprocess import load_cache, preprocess
from svgfusion_lib.stages.train_dit import train_dit
from svgfusion_lib.stages.train_vae import train_vae


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A few synthetic icons and models that have seen them once."""
    folder = tmp_path_factory.mktemp("evaluate")
    create_dummy_data(folder / "svgs", num_samples=60)
    preprocess(folder / "svgs", folder / "cache")
    vae = train_vae(folder / "vae", precomputed_dir=folder / "cache", num_epochs=1)
    prepare_latents(vae, folder / "cache", folder / "latents")
    dit = train_dit(folder / "dit", vae, folder / "latents", num_epochs=1)
    return folder / "cache", {"vae_checkpoint": vae, "dit_checkpoint": dit}


def test_report_has_every_measure_beside_its_reference_points(trained, tmp_path):
    cache_dir, checkpoints = trained
    fast = SamplingConfig(ddim_steps=2)
    report = evaluate(tmp_path, cache_dir, num_prompts=4, num_samples=2, sampling=fast, **checkpoints)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert list(report["splits"]) == ["train", "held_out"]
    train = report["splits"]["train"]
    assert train["prompts"] == 4 and train["samples"] == 8 and train["reference"] > 10
    assert set(train["validity_real"].values()) == {1}
    assert 0 <= train["validity"]["not_blank"] <= train["validity"]["parses_and_renders"] <= 1
    assert train["reconstruction"]["icons"] == 4 and 0 < train["reconstruction"]["ssim"]["mean"] <= 1
    assert train["complexity_real"]["elements"][1] >= 1 and train["seconds_per_sample"] > 0
    assert report["splits"]["held_out"]["novelty_real"]["ssim_to_nearest"][1] < 1
    if train["validity"]["not_blank"] > 0.5:
        assert train["alignment"]["names"] == 4 and train["alignment"]["chance_top1"] == 0.25
        assert train["distance"]["frechet"]["samples"] > 0
    text = (tmp_path / "report.md").read_text()
    assert "reconstruction SSIM" in text and "unseen real icons" in text
    for name in ("plots.png", "samples_train.png", "rebuilt_held_out.png"):
        assert name in text and Image.open(tmp_path / name).width > 200


def test_prompts_are_distinct_names_and_leave_icons_for_reference(trained):
    cache = load_cache(trained[0])
    indices = choose_prompts(cache, "train", 1000, seed=0)
    titles = [cache["titles"][i] for i in indices]
    names = {t for t, s in zip(cache["titles"], cache["splits"]) if s == "train"}
    assert len(set(titles)) == len(titles) == len(names) // 2
    assert choose_prompts(cache, "train", 5, seed=0) == indices[:5]
    assert choose_prompts(cache, "train", 5, seed=1) != indices[:5]


@pytest.mark.parametrize(
    "options", [{"splits": ("test",)}, {"splits": ()}, {"num_prompts": 1}, {"num_samples": 0}]
)
def test_wrong_options_are_refused_before_anything_is_loaded(options, tmp_path):
    with pytest.raises(UserError, match="evaluate: splits are train, held_out"):
        evaluate(tmp_path, tmp_path, **options)


def test_benchmark_tells_medians_and_threads(trained, tmp_path):
    options = {"batch_sizes": (1, 2), "steps": (1, 2), "repeats": 1, "num_svgs": 8, "latents": 3}
    report = benchmark(tmp_path, **options, **trained[1])
    assert json.loads((tmp_path / "report.json").read_text()) == report
    timings = report["seconds_per_sample"]
    assert [(t["batch_size"], t["steps"]) for t in timings] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(t["seconds"] > 0 for t in timings)
    assert all(rate > 0 for rate in report["per_second"].values())
    assert "encode latents" in report["per_second"]
    assert "thread(s)" in (tmp_path / "report.md").read_text() and (tmp_path / "plot.png").exists()


def test_benchmark_refuses_what_the_model_cannot_draw(trained, tmp_path):
    with pytest.raises(UserError, match="at most 16 latents"):
        benchmark(tmp_path, latents=17, repeats=1, **trained[1])
    with pytest.raises(UserError, match="at least 1"):
        benchmark(tmp_path, steps=())
