"""Evaluation on two small packs that draw the same names: known figures, and all output files."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from svgfusion_lib import cli
from svgfusion_lib.config import EvaluationConfig, SamplingConfig
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import cache_rows, load_cache, preprocess
from svgfusion_lib.corpus.records import write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.evaluate import evaluate, load_bench, settings_of
from svgfusion_lib.evaluation.report import markdown
from svgfusion_lib.evaluation.samples import choose_names, make_groups
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import read_json
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from tests.helpers import svg

QUICK = SamplingConfig(num_inference_steps=2, candidates=1)
FAST = EvaluationConfig(num_prompts=4, sampling=QUICK, max_reference=30)
NAMES = 20  # the last 6 are held out


def make_cache(folder, packs=("tabler", "lucide"), names=NAMES, trained=NAMES - 6):
    """A cache of two packs that draw the same names."""
    records = []
    for k, record in enumerate(create_dummy_data(folder / "svg", num_samples=2 * names)):
        name, pack, split = f"thing {k % names}", packs[k // names], "train" if k % names < trained else "held_out"
        records.append(replace(record, name=name, pack=pack, split=split, captions=(f"{name}, {pack} style", name)))
    write_manifest(folder / "svg", records)
    preprocess(folder / "svg", folder / "cache")
    return folder / "cache"


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return make_cache(tmp_path_factory.mktemp("evaluate"))


@pytest.fixture(scope="module")
def written(cache_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return evaluate(folder, cache_dir, FAST), folder


def test_report_has_every_measure_beside_its_reference_points(written):
    report, folder = written
    assert read_json(folder / "report.json", "report of evaluate", "") == report
    assert list(report["groups"]) == ["line_train", "line_held_out"]
    train = report["groups"]["line_train"]
    assert (train["prompts"], train["names"], train["training_icons"]) == (4, 4, 28)
    assert train["reference"] == 20  # the 10 other names, in both packs
    assert list(train["subjects"]) == [
        "samples", "real", "nearest_by_caption", "nearest_by_words", "pasted", "real_of_another_pack"
    ]
    samples, real = train["subjects"]["samples"], train["subjects"]["real"]
    assert real["not_blank"]["mean"] == real["near_copies"]["mean"] == 1 and "top1" not in real
    assert samples["seconds_per_sample"] > 0 and samples["frechet"] > 0
    assert sum(samples[key]["prompts"] for key in samples if key.startswith("top1_")) == train["prompts"]
    assert report["settings"]["packs_of_evaluator_in_training"] == []


def test_a_search_by_caption_finds_what_is_in_training_and_nothing_new(written):
    groups = written[0]["groups"]
    assert groups["line_train"]["subjects"]["nearest_by_caption"]["top1"]["mean"] == 1
    assert groups["line_held_out"]["subjects"]["nearest_by_caption"]["top1"]["mean"] < 1


def test_every_file_is_named_in_the_markdown(written):
    _, folder = written
    text = (folder / "report.md").read_text()
    assert "| **R-precision at 1** |" in text and "same name, other pack" in text
    for name in ("plots.png", "samples_line_train.png", "failures_line_held_out.png", "nearest_line_train.png"):
        assert f"({name})" in text and Image.open(folder / name).width > 200
    assert {path.name for path in folder.glob("*.png")} == {f for f in text.replace("(", ")").split(")") if "png" in f}


def test_an_evaluator_that_knows_the_packs_is_no_fair_judge(written):
    report = written[0]
    assert "fair judge" not in markdown(report, {})
    changed = report | {"settings": report["settings"] | {"packs_of_evaluator_in_training": ["ph"]}}
    assert "trained on packs of this cache (ph): not a fair judge" in markdown(changed, {})


def test_blank_samples_are_misses(cache_dir, tmp_path, monkeypatch):
    sample = SVGFusionPipeline.sample
    monkeypatch.setattr(SVGFusionPipeline, "sample", lambda *args, **how: [
        replace(s, rows=s.rows[[0, -1]], svg=svg("")) for s in sample(*args, **how)
    ])
    report = evaluate(tmp_path, cache_dir, FAST)
    for group in report["groups"].values():
        samples = group["subjects"]["samples"]
        assert samples["not_blank"]["mean"] == samples["top1"]["mean"] == samples["top5"]["mean"] == 0
        assert samples["frechet"] > 0 and "near_copies" not in samples
    assert "not blank | 0.000" in (tmp_path / "report.md").read_text()
    assert (tmp_path / "failures_line_train.png").exists() and not (tmp_path / "nearest_line_train.png").exists()


def test_no_held_out_names_and_unknown_packs(tmp_path):
    cache_dir = make_cache(tmp_path, packs=("mine", "yours"), names=6)
    report = evaluate(tmp_path / "out", cache_dir, replace(FAST, packs=["mine"]))
    assert list(report["groups"]) == ["other_train"]
    assert report["groups"]["other_train"]["training_icons"] == 6 and report["settings"]["packs"] == ["mine"]
    with pytest.raises(UserError, match="fewer than two distinct names"):
        evaluate(tmp_path / "out", cache_dir, replace(FAST, splits=["held_out"]))


def test_names_that_nothing_was_trained_on_have_no_search_beside_them(cache_dir, tmp_path, monkeypatch):
    cache = load_cache(cache_dir)
    cache["splits"] = ["held_out"] * len(cache["splits"])
    monkeypatch.setattr("svgfusion_lib.evaluation.evaluate.load_cache", lambda folder: cache)
    report = evaluate(tmp_path, cache_dir, replace(FAST, num_prompts=2))
    group = report["groups"]["line_held_out"]
    assert group["training_icons"] == 0 and "nearest_by_caption" not in group["subjects"]
    assert "near_copies" not in group["subjects"]["samples"]


def test_a_cache_without_packs_says_so():
    with pytest.raises(UserError, match=r"the cache has no packs \(got tabler\)"):
        make_groups({"packs": ["", ""]}, 5, 0, None, ["tabler"])


@pytest.mark.parametrize(("changes", "reason"), [
    ({"splits": ("test",)}, "splits are train, held_out, unseen_pair"), ({"splits": ()}, "got none"),
    ({"packs": ("noto",)}, "packs are lucide, tabler"),
    ({"sampling": SamplingConfig(num_inference_steps=2000)}, "1000 timesteps"),
])
def test_what_the_cache_or_the_model_has_not_is_refused(cache_dir, tmp_path, changes, reason):
    with pytest.raises(UserError, match=reason):
        evaluate(tmp_path, cache_dir, replace(FAST, **changes))
    assert not any(tmp_path.iterdir())


def test_styles_are_asked_for_of_a_model_that_has_some(cache_dir, tmp_path, pipeline):
    plain = pipeline.with_parts(dit=VSDiT(replace(pipeline.dit.config, styles=())))
    with pytest.raises(UserError, match="has no styles"):
        evaluate(tmp_path / "out", cache_dir, replace(FAST, styles=True), pipeline=plain)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("other", [{"model": "emoji"}, {"vae_checkpoint": "a.pt", "dit_checkpoint": "b.pt"}])
def test_a_pipeline_beside_another_model_is_refused(cache_dir, tmp_path, pipeline, other):
    with pytest.raises(UserError, match="^evaluate: give a pipeline of your own, or a model or checkpoints, not both$"):
        evaluate(tmp_path / "out", cache_dir, FAST, pipeline=pipeline, **other)
    assert not (tmp_path / "out").exists()


def test_one_of_several_models_has_to_be_chosen(cache_dir, tmp_path):
    both = SVGFusionPipeline.from_pretrained()
    for given in ({"pipeline": both}, {"model": None}):
        with pytest.raises(UserError, match=r"has several models \(line, emoji\); load the one to evaluate by its"):
            evaluate(tmp_path / "out", cache_dir, FAST, **given)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("changes", [{"num_prompts": 1}, {"max_reference": 1}])
def test_numbers_that_measure_nothing_are_refused(changes):
    with pytest.raises(UserError, match="EvaluationConfig: num_prompts"):
        replace(FAST, **changes)


def test_the_command(cache_dir, tmp_path):
    argv = ["evaluate", "--precomputed_dir", str(cache_dir), "--output_dir", str(tmp_path), "--num_prompts", "3",
            "--ddim_steps", "2", "--splits", "train", "--packs", "tabler", "--seed", "5"]
    assert cli.main(argv) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert list(report["groups"]) == ["line_train"] and report["settings"]["seed"] == 5
    assert report["settings"]["sampling"]["num_inference_steps"] == 2 and report["settings"]["max_reference"] == 500


# --- prompts ----------------------------------------------------------------------------------------


def plain_cache(entries) -> dict:
    """entries: (title, pack, split) of each icon."""
    titles, packs, splits = zip(*entries)
    captions = [[f"{title}, {pack} style", title] for title, pack, _ in entries]
    return {"titles": list(titles), "packs": list(packs), "splits": list(splits), "captions": captions}


def test_prompts_are_of_different_names_and_leave_icons_for_reference():
    cache = plain_cache([(f"n{k % 30}", ("tabler", "lucide")[k // 30], "train") for k in range(60)])
    names = choose_names(cache, range(60), 1000, seed=0)
    titles = [cache["titles"][i] for i in names]
    assert len(set(titles)) == len(titles) == 15
    assert choose_names(cache, range(60), 5, seed=0) == names[:5] != choose_names(cache, range(60), 5, seed=1)
    group, = make_groups(cache, 5, 0, None, None)
    assert group.name_ids.tolist() == [0, 1, 2, 3, 4]
    asked = {cache["titles"][i] for i in group.names}
    assert len(group.others) == 50 and not asked & {cache["titles"][i] for i in group.others}


def test_where_names_are_few_their_other_captions_are_asked_for():
    cache = plain_cache([("sun", "tabler", "train"), ("moon", "tabler", "train")])
    group, = make_groups(cache, 5, 0, None, None)
    assert len(set(group.prompts)) == 4 and group.prompts[4] == group.prompts[0]
    assert [cache["titles"][group.names[k]] for k in group.name_ids] == [p.split(",")[0] for p in group.prompts]


def test_common_words_can_be_evaluated_alone_from_the_command_line(tmp_path, capsys):
    """They are a group, not a split; the command used to refuse the name."""
    folders = ["--precomputed_dir", str(tmp_path), "--output_dir", str(tmp_path / "out")]
    assert cli.main(["evaluate", "--splits", "common", *folders]) == 2
    assert "cache.pt: no such file" in capsys.readouterr().err


def test_groups_are_domains_by_splits_line_first():
    cache = plain_cache([
        (f"n{k}", pack, split) for k in range(2) for pack in ("noto", "tabler") for split in ("held_out", "train")
    ] + [("alone", "twemoji", "held_out_pack")])
    keys = [group.key for group in make_groups(cache, 2, 0, None, None)]
    assert keys == ["line_train", "line_held_out", "emoji_train", "emoji_held_out"]
    assert [g.key for g in make_groups(cache, 2, 0, ["train"], ["noto"])] == ["emoji_train"]
    short = [i for i, pack in enumerate(cache["packs"]) if pack == "noto"]
    assert [g.key for g in make_groups(cache, 2, 0, None, None, short)] == ["emoji_train", "emoji_held_out"]
    with pytest.raises(UserError, match="fewer than two distinct names"):
        make_groups(plain_cache([("sun", "tabler", "train")] * 3), 2, 0, None, None)


def test_icons_longer_than_the_model_draws_are_not_asked_for(cache_dir, tmp_path, monkeypatch):
    """Limit the shipped model to the median number of parts."""
    whole = load_bench(cache_dir, FAST)
    config = whole.pipeline.vae.config
    parts = [
        len(rows_to_chunks(cache_rows(whole.cache, i), config.layout, config.rows_per_latent, config.arcs))
        for i in range(len(whole.cache["names"]))
    ]
    most = sorted(parts)[len(parts) // 2]
    assert whole.drawable == list(range(len(parts))) and max(parts) > most
    pipeline = SVGFusionPipeline.from_pretrained("line")
    pipeline.dit.config = replace(pipeline.dit.config, max_latents=most)
    monkeypatch.setattr(SVGFusionPipeline, "from_pretrained", lambda *_, **__: pipeline)
    bench = load_bench(cache_dir, FAST)
    assert bench.drawable == [i for i, count in enumerate(parts) if count <= most]
    asked = {i for group in bench.groups for i in [*group.names, *group.others]}
    assert asked | {i for group in bench.groups for i in group.training} <= set(bench.drawable)
    assert settings_of(bench)["icons_too_long"] == len(parts) - len(bench.drawable)
