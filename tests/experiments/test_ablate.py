"""The plan of an ablation is checked before any run; a small one runs, and is not run again."""

import pytest

from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments import ablate as module
from svgfusion_lib.experiments.ablate import ablate, read_plan
from svgfusion_lib.system.files import write_text
from svgfusion_lib.system.outputs import claimed

PLAN = """
[data]
packs = []
renderings = 2
[vae]
preset = "tiny"
num_epochs = 1
[dit]
preset = "tiny"
num_epochs = 2
[evaluation]
vae_files = 4
num_prompts = 3
[[vae_runs]]
name = "path"
slug = "base"
[[vae_runs]]
name = "row"
slug = "row"
partial_rate = 0.5
changes = { layout = "row", head = "continuous" }
[[dit_runs]]
name = "rows by two"
slug = "last-stage"
vae = "row"
patch_size = 2
[[dit_runs]]
name = "all stages"
slug = "all"
vae = "row"
every_stage = true
"""


def test_a_small_ablation_runs_once(tmp_path, monkeypatch):
    (tmp_path / "plan.toml").write_text(PLAN)
    create_dummy_data(tmp_path / "svg", num_samples=24)
    with claimed(tmp_path / "out", "ablate"):
        preprocess(tmp_path / "svg", tmp_path / "out" / "cache", max_files=None, renderings=2)
        write_text(tmp_path / "out" / "ablation.md", "begun")
    text = ablate(tmp_path / "plan.toml", tmp_path / "out")
    assert (tmp_path / "out" / "ablation.md").read_text() == text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0][2:] for row in rows] == ["VP-VAE", "path", "row", "VS-DiT", "rows by two", "all stages"]
    assert all(row.count("|") == rows[0].count("|") for row in rows[:3])
    assert all(row.count("|") == rows[3].count("|") for row in rows[3:])

    def refuse(*args, **kwargs):
        raise AssertionError("ran again")

    monkeypatch.setattr(module, "train_vae", refuse)
    monkeypatch.setattr(module, "train_dit", refuse)
    assert ablate(tmp_path / "plan.toml", tmp_path / "out") == text


@pytest.mark.parametrize(("change", "reason"), [
    (("[dit]", "[d it]"), "not a readable TOML file"),
    (("[dit]", "[other]"), "has no section dit"),
    (('slug = "row"', 'slug = "base"'), "a slug of its own"),
    (('slug = "row"', 'slug = "BASE"'), "a slug of its own"),
    (('slug = "row"', 'slug = "../row"'), "a slug of its own"),
    (('vae = "row"', 'vae = "rows"'), "names the VP-VAE 'rows'"),
    (("patch_size", "patchsize"), r"\[\[dit_runs\]\] has no option 'patchsize'; did you mean 'patch_size'"),
    (("partial_rate = 0.5", 'partial_rate = "half"'), r"\[\[vae_runs\]\]: partial_rate must be a number, not 'half'"),
    (("num_epochs = 2", "num_epochs = 2.5"), r"\[dit\]: num_epochs must be a whole number, not 2.5"),
    (("renderings = 2", ""), r"\[data\] has no renderings"),
    (("[[vae_runs]]", "[vae_runs]"), "vae_runs must be sections|not a readable TOML file"),
    (("num_prompts = 3", "num_prompt = 3"), "EvaluationConfig: unknown field 'num_prompt'; did you mean 'num_prompts'"),
])
def test_a_plan_that_cannot_be_run_is_refused(tmp_path, change, reason):
    (tmp_path / "plan.toml").write_text(PLAN.replace(*change))
    with pytest.raises(UserError, match=reason):
        read_plan(tmp_path / "plan.toml")


def test_no_plan(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_plan(tmp_path / "plan.toml")


def test_the_plan_of_the_repository_is_sound():
    plan = read_plan(module.__file__.replace("svgfusion_lib/experiments/ablate.py", "configs/ablation.toml"))
    assert len(plan["vae_runs"]) > 10 and len(plan["dit_runs"]) > 10
