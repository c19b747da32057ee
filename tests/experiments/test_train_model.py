"""A whole model from a TOML file: one run and many resumed runs agree, and impossible plans are refused."""

from pathlib import Path

import pytest

from svgfusion_lib import cli
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.errors import Paused, UserError
from svgfusion_lib.experiments.train_model import read_recipe, train_model
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.system.files import write_text
from svgfusion_lib.system.outputs import claim_folder
from svgfusion_lib.training.loop import LOG_NAME, read_log

RECIPE = """
[vae_data]
svg_dir = "{svg}"
stroke_only = false
[vae]
preset = "tiny"
batch_size = 8
samples_seen = 24
[latents]
box_scale = 2.0
[dit]
preset = "tiny"
batch_size = 8
samples_seen = 40
val_every = 1000
[evaluation]
num_prompts = 3
sampling = {{ sampler = "dpm++", ddim_steps = 2 }}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    create_dummy_data(folder / "svg", num_samples=24)
    (folder / "recipe.toml").write_text(RECIPE.format(svg=folder / "svg"))
    return folder / "recipe.toml"


@pytest.fixture(scope="module")
def whole(recipe) -> Path:
    output_dir = recipe.parent / "whole"
    assert cli.main(["train_model", "--config", str(recipe), "--output_dir", str(output_dir)]) == 0
    return output_dir


def test_the_budget_is_in_samples_seen(whole):
    assert [read_log(whole / part / LOG_NAME)[-1]["step"] for part in ("vae", "dit")] == [3, 5]
    assert read_log(whole / "vae" / LOG_NAME)[0]["samples"] == 8
    assert (whole / "evaluation" / "report.json").is_file()


def test_in_many_pieces_it_is_the_same_model(recipe, whole):
    output_dir, pauses = recipe.parent / "pieces", 0
    while True:
        try:
            train_model(recipe, output_dir, max_minutes=0)
            break
        except Paused as pause:
            assert "rerun the same command to resume" in str(pause)
            pauses += 1
        assert pauses < 50
    assert pauses == 11  # cache, 3 and 5 steps, latents, model; the report is the last
    assert (output_dir / "model" / "model.safetensors").read_bytes() == (
        whole / "model" / "model.safetensors"
    ).read_bytes()
    resumed, at_once = (VSDiT.from_pretrained(folder / "model") for folder in (output_dir, whole))
    assert resumed.config == at_once.config


def test_paused_is_exit_code_3(recipe, tmp_path, capsys):
    code = cli.main(["train_model", "--config", str(recipe), "--output_dir", str(tmp_path), "--max_minutes", "0"])
    assert code == 3
    assert "rerun the same command to resume" in capsys.readouterr().err


def test_another_plan_in_the_same_folder_is_refused(recipe, whole, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text().replace("box_scale = 2.0", "box_scale = 1.0"))
    with pytest.raises(UserError, match="other settings of latents"):
        train_model(other, whole)


@pytest.mark.parametrize(("change", "reason"), [
    (("[dit]", "[d it]"), "not a readable TOML file"),
    (("[dit]", "[dot]"), "no section 'dot'; did you mean 'dit'"),
    (("[vae]", "[evaluation.vae]"), "no section vae|has no section"),
    (("batch_size", "batchsize"), r"\[vae\] has no option 'batchsize'; did you mean 'batch_size'"),
    (('sampler = "dpm++"', 'sampler = "euler"'), "sampler must be"),
    (("box_scale = 2.0", "precision = 2"), r"\[latents\] has no option 'precision'"),
    (("box_scale = 2.0", 'output_dir = "elsewhere"'), r"\[latents\] has no option 'output_dir'"),
    (("num_prompts = 3", "num_prompts = 1"), r"num_prompts \(1\)"),
    (("samples_seen = 40", "samples_seen = 4.5"), r"\[dit\]: samples_seen must be a whole number, not 4.5"),
    (("stroke_only = false", "stroke_only = 0"), r"\[vae_data\]: stroke_only must be true or false, not 0"),
    (("stroke_only = false", 'packs = "tabler"'), r"\[vae_data\]: packs must be a list \(of text\), not 'tabler'"),
    (('preset = "tiny"', 'preset = "tiniest"'), "plan.toml: VAEConfig: unknown preset 'tiniest'"),
    (('preset = "tiny"', "changes = { width = 95 }"), "width 95 is not divisible by 4 heads"),
    (("samples_seen = 40", 'schedule = "karras"'), "DiffusionConfig: schedule must be 'cosine' or 'linear', not 'karr"),
    (("samples_seen = 40", 'prediction = "x0"'), "plan.toml: DiTConfig: prediction must be 'epsilon' or 'v', not 'x0'"),
    (("samples_seen = 40", 'optimizer = "sgd"'), "plan.toml: TrainConfig: optimizer must be 'adamw' or 'muon'"),
    (("ddim_steps = 2", "ddim_step = 2"), "SamplingConfig: unknown field 'ddim_step'; did you mean 'ddim_steps'"),
    (("ddim_steps = 2", "ddim_steps = true"), "SamplingConfig: num_inference_steps must be a whole number, not True"),
    (('sampling = { sampler = "dpm++", ddim_steps = 2 }', "sampling = 3"),
     r"\[evaluation\]: sampling must be a table, not 3"),
])
def test_a_plan_that_cannot_be_run_is_refused(recipe, tmp_path, change, reason):
    text = recipe.read_text()
    assert change[0] in text
    (tmp_path / "plan.toml").write_text(text.replace(*change, 1))
    with pytest.raises(UserError, match=reason):
        read_recipe(tmp_path / "plan.toml")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 10_000, b"x = [" + b"[" * 100_000, b"\0", b"vae = 3", b""])
def test_a_file_that_is_no_plan_is_refused(tmp_path, content):
    (tmp_path / "plan.toml").write_bytes(content)
    with pytest.raises(UserError, match=r"plan\.toml: ") as error:
        read_recipe(tmp_path / "plan.toml")
    assert len(str(error.value)) < 500


def test_a_damaged_plan_in_the_folder_is_named(recipe, tmp_path):
    with claim_folder(tmp_path / "out", "train_model"):
        write_text(tmp_path / "out" / "config.json", '{"vae": {')
    with pytest.raises(UserError, match=r"config\.json: damaged .*use another folder"):
        train_model(recipe, tmp_path / "out")


@pytest.mark.parametrize("name", ["base", "small"])
def test_the_plans_of_the_repository_are_sound(name):
    plan = read_recipe(Path(__file__).parents[2] / "configs" / f"{name}.toml")
    assert plan["dit"]["samples_seen"] > 1e6
