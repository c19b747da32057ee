"""Which shipped model draws a prompt, and several models behind one call."""

import shutil
from dataclasses import replace

import pytest
import torch

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.captions import split_of
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery import Request, Session
from svgfusion_lib.generate import generate
from svgfusion_lib.models import checkpoint
from svgfusion_lib.models.checkpoint import save_model, shipped_models, weights_hash
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.routing import NO_STYLE, candidate_prompts, emoji_to_text, models_for, resolve_prompt
from svgfusion_lib.system.files import read_json, write_json
from svgfusion_lib.training.dit import training_provenance
from svgfusion_lib.utils.render import render_svg
from tests.helpers import svg

QUICK = SamplingConfig(num_inference_steps=2, candidates=1)


@pytest.fixture
def two_models(tmp_path, monkeypatch):
    """A pretrained folder with the line model twice, once under the name emoji."""
    for name in ("line", "emoji"):
        shutil.copytree(checkpoint.PRETRAINED_DIR / "line", tmp_path / "box" / name)
    monkeypatch.setattr(checkpoint, "PRETRAINED_DIR", tmp_path / "box")
    return tmp_path / "box"


@pytest.mark.parametrize(("prompt", "style", "model"), [
    ("shopping cart", None, "line"), ("shopping cart, tabler style", None, "line"),
    ("arrow, lucide style", None, "line"),
    ("heart, twemoji style", None, "emoji"), ("a smile in fluent style", None, "emoji"), ("RED heart", None, "emoji"),
    ("smile emoji", None, "emoji"), ("black circle", None, "line"), ("red heart, tabler style", None, "line"),
    ("shared red tape", None, "emoji"), ("redo", None, "line"), ("heart", "twemoji", "emoji"),
    ("heart", "fluent-emoji-flat", "emoji"), ("red heart", "lucide", "line"),
    ("<script>", None, "line"), ("", None, "line"),
    ("heart", "no such style", "line"), ("twemoji stylex", None, "line"),
])
def test_a_prompt_asks_for_a_model(two_models, prompt, style, model):
    assert models_for(prompt, style)[0] == model


@pytest.mark.parametrize(("prompt", "style", "models"), [
    ("rocket", None, {"line", "emoji"}), ("rocket, tabler style", None, {"line"}), ("rocket", "Fluent", {"emoji"}),
    ("rocket", "Tabler style", {"line"}), ("\u2764\ufe0f", None, {"emoji"}), ("a rocket, outline", None, {"line"}),
    ("rocket, tabler line icon", None, {"line"}), ("waterline", None, {"line", "emoji"}),
])
def test_both_models_may_draw_what_no_word_gives_to_one(two_models, prompt, style, models):
    assert set(models_for(prompt, style)) == models


@pytest.mark.parametrize(("prompt", "words"), [
    ("\u2764\ufe0f on fire", "red heart on fire"), ("\U0001f1ef\U0001f1f5", "flag japan"), ("caf\u00e9", "caf\u00e9"),
    ("\U0001f469\u200d\U0001f680, twemoji style", "woman astronaut , twemoji style"), ("heart", "heart"),
])
def test_emoji_characters_are_read_as_their_names(prompt, words):
    assert emoji_to_text(prompt) == words


@pytest.mark.parametrize(("prompt", "style", "styles"), [
    ("rocket", None, ["tabler", "tabler", "lucide", "lucide", "tabler"]), ("rocket", "solar", ["solar"] * 5),
    ("rocket, solar style", None, ["solar"] * 5), ("rocket", NO_STYLE, [NO_STYLE] * 5),
])
def test_without_a_style_candidates_are_of_the_usual_ones(prompt, style, styles):
    asked = candidate_prompts(prompt, style, ["lucide", "solar", "tabler"], 5)
    assert [own for _, own in asked] == styles
    assert asked[0][0] == ("rocket, tabler style" if styles[0] == "tabler" else resolve_prompt(prompt, style, [])[0])
    assert candidate_prompts("rocket", None, ["solar"], 2) == [("rocket", NO_STYLE)] * 2


@pytest.mark.parametrize(("named", "style"), [
    ("icon-park-outline", "icon-park-outline"), ("icon park outline", "icon-park-outline"),
    ("akar-icons", "akar-icons"), ("akar icons", "akar-icons"), ("Akar Icons", "akar-icons"),
    ("lucide-lab", "lucide-lab"), ("line icons", "line_icons"), ("fluent-emoji-flat", "fluent-emoji-flat"),
])
def test_a_prompt_names_a_style_as_an_argument_does(named, style):
    known = ["tabler", "lucide", "akar-icons", "lucide-lab", "icon-park-outline", "fluent-emoji-flat", "line_icons"]
    assert resolve_prompt(f"house, {named} style", None, known) == resolve_prompt("house", style, known)


@pytest.mark.parametrize(("prompt", "models"), [
    ("house, fluent-emoji-flat style", ["emoji"]), ("house, noto-v1 style", ["emoji"]),
    ("red house, icon-park-outline style", ["line"]),
])
def test_the_name_of_a_pack_gives_a_prompt_to_a_model(two_models, prompt, models):
    assert models_for(prompt) == models


def test_a_style_that_no_model_knows_is_said():
    pipeline = SVGFusionPipeline.from_pretrained()
    for prompt in ("heart, Tabler style", "heart, akar icons style", "heart, emoji style", "heart"):
        assert pipeline.unknown_words(prompt) == []
    assert pipeline.unknown_words("gargoylish heart, tabelr style") == ["gargoylish", "tabelr style"]
    assert pipeline.unknown_words("heart, tabelr style", "tabler") == []
    with pytest.raises(UserError, match="no style 'foo'; known: .*tabler.*twemoji"):
        pipeline("house", style="foo")
    with pytest.raises(UserError, match="no style 'mdi'; known"):  # a pack, but no model's style
        pipeline("house", style="mdi")


def test_of_two_models_the_ranker_chooses(two_models):
    pipeline = SVGFusionPipeline.from_pretrained()
    pipeline.set_progress_bar_config(disable=True)
    config = replace(QUICK, candidates=4)
    shares = [
        part.sample(["rocket"], [0], replace(config, candidates=2))[0]
        for part in pipeline.models.values()
    ]
    image = pipeline("rocket", seed=0, config=config).images[0]
    assert image.svg == max(shares, key=lambda share: share.score).svg
    assert {share.model for share in shares} == {"line", "emoji"}


@pytest.mark.parametrize(("prompt", "model"), [
    ("a gargoyle cat", "emoji"), ("a GARGOYLE heart", "line"), ("gargoyle", "emoji"), ("cat, tabler style", "line"),
    ("an icon of the sea", "line"), ("shopping cart", "line"), ("", "line"),
])
def test_the_model_that_knows_more_of_the_words_draws(two_models, prompt, model):
    path = two_models / "emoji" / checkpoint.JSON_NAME
    description = read_json(path, checkpoint.DESCRIPTION, "")
    write_json(path, description | {"names": ["cat of gargoyle"]}, checkpoint.DESCRIPTION)
    assert models_for(prompt)[0] == model


def test_an_exported_model_says_the_names_that_it_knows(tmp_path):
    shipped = SVGFusionPipeline.from_pretrained("line")
    vae, dit = shipped.vae, shipped.dit
    latents = {"titles": ["red cat", "an old cat", "dog"], "splits": ["train", "train", "held_out"]}
    latents |= {"text_encoder": "minilm"}
    paths = [tmp_path / "vae.pt", tmp_path / "dit.pt"]
    save_model(paths[0], "vpvae", vae, vae.state_dict())
    known = training_provenance(latents | {"vae_hash": weights_hash(vae)}, shipped.text_encoder)
    save_model(paths[1], "vsdit", dit, dit.state_dict(), **shipped.schedule.state(), **known)
    SVGFusionPipeline.from_pretrained(vae=paths[0], dit=paths[1]).save_pretrained(tmp_path / "model")
    pipeline = SVGFusionPipeline.from_pretrained(tmp_path / "model")
    assert list(pipeline.known_names.names) == ["an old cat", "red cat"] == known["names"]
    assert pipeline.known_names.nearest(["a scarlet cat"], pipeline.text_encoder) == ["red cat"]
    assert list(SVGFusionPipeline.from_pretrained(vae=paths[0], dit=paths[1]).known_names.names) == known["names"]
    pipeline.save_pretrained(tmp_path / "model", nearest_name=False)
    silent = SVGFusionPipeline.from_pretrained(tmp_path / "model")
    assert list(silent.known_names.names) == known["names"]
    assert not (tmp_path / "model" / checkpoint.NAMES_NAME).exists()
    assert silent.known_names.nearest(["a scarlet cat"], pipeline.text_encoder) == [None]
    assert known["train_svgs"] == 2


def test_an_exported_model_says_what_its_names_look_like(tmp_path):
    shipped = SVGFusionPipeline.from_pretrained("line")
    for name, colour in (("red_circle", "#a00"), ("square", "#000")):
        path = tmp_path / "icons" / f"{name}.svg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(svg(f'<rect x="4" y="4" width="16" height="16" fill="{colour}"/>'))
    preprocess(tmp_path / "icons", tmp_path / "cache", pixel_encoder="none")
    names = [name for name in ("red circle", "square") if split_of(name) == "train"]
    shipped.known_names = shipped.ranker.add_pictures(KnownNames([*names, "cat"]), tmp_path / "cache")
    shipped.save_pretrained(tmp_path / "model", nearest_name=False)
    again = SVGFusionPipeline.from_pretrained(tmp_path / "model").known_names
    assert again.pictures.ranker == shipped.ranker.fingerprint and not again.vectors.numel()
    for name in names:
        torch.testing.assert_close(again.examples(name), shipped.known_names.examples(name), atol=0.02, rtol=0)
        assert again.examples(name).norm(dim=-1).min() > 0.99
    assert names and again.examples("cat") is None
    with pytest.raises(UserError, match="has no training icon with a name known to the model"):
        shipped.ranker.add_pictures(KnownNames(["cat"]), tmp_path / "cache")


def test_a_box_without_emoji_draws_all_by_lines(two_models):
    assert shipped_models() == ["line", "emoji"]
    shutil.rmtree(two_models / "emoji")
    assert shipped_models() == ["line"]
    assert models_for("red heart, twemoji style")[0] == models_for("heart", "twemoji")[0] == "line"


def test_the_emoji_model_paints_what_a_prompt_says():
    (sample,) = SVGFusionPipeline.from_pretrained("emoji").sample(["red heart, twemoji style"], [0], styles=["twemoji"])
    red, green, blue = render_svg(sample.svg, 64)[24, 32]  # in the middle of the heart
    assert red > 150 > green and red > 150 > blue


def test_an_unknown_model_is_named(two_models, tmp_path):
    with pytest.raises(UserError, match="no model 'lines'; use one of line, emoji, or a folder"):
        SVGFusionPipeline.from_pretrained("lines")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="model.safetensors: no such file"):
        SVGFusionPipeline.from_pretrained(tmp_path / "empty")


def test_every_prompt_is_drawn_by_its_model(two_models, tmp_path):
    prompts = ["cart", "red heart", "bell, lucide style"]
    entries = generate(SVGFusionPipeline.from_pretrained(), prompts, tmp_path / "out", num_samples=2, config=QUICK)
    assert [(e["prompt"], e["seed"], e["model"]) for e in entries] == [
        ("cart", 0, "line"), ("cart", 1, "line"), ("red heart", 0, "emoji"), ("red heart", 1, "emoji"),
        ("bell, lucide style", 0, "line"), ("bell, lucide style", 1, "line"),
    ]
    for model in ("emoji", two_models / "line"):
        only = SVGFusionPipeline.from_pretrained(model)
        assert {e["model"] for e in generate(only, prompts, tmp_path / "by", config=QUICK)} == {str(model)}


def test_a_gallery_of_two_models(two_models, cart_file):
    pipeline = SVGFusionPipeline.from_pretrained()
    assert list(pipeline.models) == ["line", "emoji"]
    assert SVGFusionPipeline.from_pretrained("line").route("red heart").name == "line"
    line, emoji = (part.dit for part in pipeline.models.values())
    line.config = replace(line.config, styles=())
    emoji.config = replace(emoji.config, styles=("twemoji",))  # the choice sees this style; the network has none
    session = Session(pipeline, ["tabler", "lucide"])
    assert session.styles == ["tabler", "lucide", "twemoji"]
    assert pipeline.route("heart", "twemoji").name == "emoji"
    emoji.config = replace(emoji.config, styles=())
    drawn = [session.generate(Request(prompt, None, 1, steps=2)).icons[0] for prompt in ("cart", "red cart")]
    assert [icon.model for icon in drawn] == ["line", "emoji"]
    assert [icon.model for icon in session.vary(drawn[1], 0.5, Request("", count=2, steps=2)).icons] == ["emoji"] * 2
    assert session.open_svg("cart.svg", cart_file).icons[0].model == "line"
    filled = cart_file.replace(b'fill="none"', b'fill="#a00"')
    assert session.open_svg("cart.svg", filled).icons[0].model == "emoji"
    assert session.styles_for(drawn[0]) == session.styles
    emoji.config = replace(emoji.config, styles=("twemoji",))
    assert session.styles_for(drawn[1]) == ["twemoji"] and session.styles_for(drawn[0]) == ["tabler", "lucide"]
    with pytest.raises(UserError, match="the line model cannot draw twemoji style; it has tabler, lucide"):
        session.restyle(drawn[0], "twemoji", 0.5, Request("", count=1, steps=2))
