"""A sweep changes one thing at a time, asks the same of every setting, and refuses what cannot be changed."""

from dataclasses import replace

import pytest

from svgfusion_lib import cli
from svgfusion_lib.config import EvaluationConfig, SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.sweep import read_settings, sweep, sweep_table
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import ENTRIES, read_json
from tests.helpers import make_cache

FAST = EvaluationConfig(num_prompts=3, sampling=SamplingConfig(num_inference_steps=2, candidates=1), splits=("train",))


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return make_cache(tmp_path_factory.mktemp("sweep"), 16)


@pytest.fixture
def asked(monkeypatch):
    """What every call of SVGFusionPipeline.sample was asked: the weights' pipeline, prompts, seeds, settings."""
    calls, sample = [], SVGFusionPipeline.sample

    def recorded(self, prompts, seeds, config, **kwargs):
        calls.append((self, list(prompts), list(seeds), config))
        return sample(self, prompts, seeds, config, **kwargs)

    monkeypatch.setattr(SVGFusionPipeline, "sample", recorded)
    return calls


def test_one_thing_is_changed_at_a_time_and_all_else_is_the_same(cache_dir, tmp_path, asked):
    lines = sweep(tmp_path, cache_dir, {"cfg_scale": [1.0, 4.0], "sampler": ["ddim"]}, FAST)
    assert [(line["group"], line["setting"]) for line in lines] == [
        ("other_train", label) for label in ("as it is", "cfg_scale 1.0", "cfg_scale 4.0", "sampler ddim")
    ]
    changes = [{}, {"guidance_scale": 1.0}, {"guidance_scale": 4.0}, {"sampler": "ddim"}]
    assert [config for *_, config in asked] == [replace(FAST.sampling, **change) for change in changes]
    assert all(call[1:3] == asked[0][1:3] for call in asked) and asked[0][2] == [0, 1, 2]
    assert read_json(tmp_path / "sweep.json", "report of sweep", "")[ENTRIES] == lines
    assert (tmp_path / "sweep.md").read_text() == sweep_table(lines)
    assert all(line["top1"]["mean"] <= line["top5"]["mean"] and line["frechet"] > 0 for line in lines)


def test_the_table_has_a_dash_for_what_was_not_measured():
    share = {"mean": 0.5, "interval": [0.25, 0.75]}
    text = sweep_table([
        {"group": "line_train", "setting": "as it is", "top1": share, "frechet": 12.345},
        {"group": "line_held_out", "setting": "as it is", "top1": share},
    ])
    assert "## line train" in text and "## line held out" in text
    assert "| as it is | 0.500 (0.250–0.750) | – | – | 12.3 |" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_settings_are_read():
    texts = ["cfg_scale=1,2.5", "sampler=ddim,dpm++", "nearest_name=true,false"]
    assert read_settings(texts) == {
        "cfg_scale": [1, 2.5], "sampler": ["ddim", "dpm++"], "nearest_name": [True, False],
    }


def test_a_setting_given_twice_has_the_values_of_both():
    assert read_settings(["cfg_scale=1,2", "eta=0", "cfg_scale=4"]) == {"cfg_scale": [1, 2, 4], "eta": [0]}


@pytest.mark.parametrize("text", ["cfg_scale", "cfg_scale=1,,2"])
def test_settings_that_cannot_be_read_are_refused(text):
    with pytest.raises(UserError, match="not of the form"):
        read_settings([text])


@pytest.mark.parametrize(("settings", "reason"), [
    ({"sampler": "ddim"}, "^sweep: sampler must be a list of values, not 'ddim'"), ({"eta": 1.0}, "a list of values"),
    ({"guidance": [1]}, "unknown field 'guidance'; did you mean"), ({"ddim_steps": [1.5]}, "a whole number, not 1.5"),
    ({"sampler": ["euler"]}, "sampler must be"), ({"ddim_steps": [5, 2000]}, "1000 timesteps"),
])
def test_what_cannot_be_changed_is_refused_before_anything_is_drawn(cache_dir, tmp_path, asked, settings, reason):
    with pytest.raises(UserError, match=reason):
        sweep(tmp_path, cache_dir, settings, FAST)
    assert not asked and not any(tmp_path.iterdir())


def test_the_command(cache_dir, tmp_path, capsys):
    argv = ["sweep", "--precomputed_dir", str(cache_dir), "--output_dir", str(tmp_path), "--num_prompts", "2",
            "--splits", "train", "--sampler", "ddim", "--ddim_steps", "1", "--vary", "ddim_steps=2", "--vary", "eta=1"]
    assert cli.main(argv) == 0
    out = capsys.readouterr().out
    assert "| ddim_steps 2 |" in out and "| eta 1 |" in out and "| as it is |" in out
