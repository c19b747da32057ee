"""Known names, and how prompts with unknown names are drawn."""

import dataclasses

import numpy as np
import pytest
import torch

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.captions import split_of
from svgfusion_lib.errors import UserError
from svgfusion_lib.generate import generate
from svgfusion_lib.models import checkpoint
from svgfusion_lib.models.icon_head import mean_text_tokens
from svgfusion_lib.models.text_encoder import load_text_encoder
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.known_names import KnownNames, check_names, embed_names
from svgfusion_lib.reranking.name_pictures import WIDTH, NamePictures, unpack_pictures
from svgfusion_lib.system.files import read_json
from tests.helpers import samples_of

QUICK = SamplingConfig(num_inference_steps=3, candidates=4, adaptive=False)


@pytest.fixture(scope="module")
def encoder():
    return load_text_encoder()


@pytest.fixture(scope="module")
def known(encoder) -> KnownNames:
    return embed_names(["deer", "red heart", "sports car", "deer", "umbrella"], encoder)


@pytest.fixture(scope="module")
def emoji() -> SVGFusionPipeline:
    return SVGFusionPipeline.from_pretrained("emoji")


@pytest.fixture
def rankings(monkeypatch, emoji):
    """The prompts given to a stub ranker, which prefers the k-th drawing."""
    asked, best = [], {"k": 0}

    def judge(prompts, svgs, examples):
        asked.append(list(prompts))
        return (np.arange(len(svgs)) % QUICK.candidates == best["k"]).astype(float), np.zeros(len(svgs))

    monkeypatch.setattr(emoji.ranker, "judge", judge)
    return asked, best


@pytest.mark.parametrize(("prompt", "nearest"), [
    ("red square", "red circle"), ("big red square, twemoji style", "red circle, twemoji style"),
    ("square", "green square"), ("a square", "green square"), ("green rectangle", "green square"),
    ("purple trophy", "medal"), ("letter i", "medal"), ("letter b sign", "letter b"), ("2nd place medal", "medal"),
    ("1st trophy", "1st place medal"), ("six oclock", "medal"), ("seven oclock time", "seven oclock"),
])
def test_a_colour_a_number_or_a_letter_is_not_replaced(encoder, prompt, nearest):
    names = ["green square", "red circle", "letter b", "1st place medal", "seven oclock", "medal"]
    found = embed_names(names, encoder).nearest([prompt], encoder)
    assert found == [nearest]
    without = embed_names(["blue heart", "letter b"], encoder)
    assert without.nearest(["red square", "green, blue and red thing"], encoder) == [None, "blue heart"]


@pytest.mark.parametrize(("prompt", "nearest"), [
    ("moose", "deer"), ("moose, twemoji style", "deer, twemoji style"), ("a fast racing automobile", "sports car"),
    ("parasol , fluent style ", "umbrella , fluent style "), ("deer", None), ("heart red, twemoji style", None),
    ("Red  Heart", None), ("an icon of a red heart", None), (", twemoji style", "ANY"),
])
def test_a_prompt_takes_the_nearest_name_unless_it_is_known(known, encoder, prompt, nearest):
    (found,) = known.nearest([prompt], encoder)
    assert found == nearest or (nearest == "ANY" and found)


def test_a_synonym_is_drawn_and_ranked_as_the_name_that_the_model_knows(encoder):
    pictures = NamePictures(torch.eye(4)[:3], torch.tensor([0, 0, 2]), ["tabler", "lucide", "tabler"], "ranker")
    known = KnownNames(["mail", "envelope", "moon"], torch.zeros(0, 0), pictures)  # without nearest names
    assert known.synonyms("an email, tabler style") == ["mail", "envelope"] and known.synonyms("mail") == []
    assert known.nearest(["email, tabler style", "night", "moon", "sundown"], encoder) == [
        "mail, tabler style", "moon", None, None,
    ]
    assert known.unknown_words("email") == [] and known.unknown_words("email night") == ["email", "night"]
    assert known.examples("email", "lucide").tolist() == torch.eye(4)[1:2].tolist()
    assert len(known.examples("email")) == 2 and known.examples("night").tolist() == torch.eye(4)[2:3].tolist()
    assert known.examples("envelope") is None and known.examples("sundown") is None
    searchable = embed_names(["mail", "moon"], encoder)
    assert searchable.nearest(["email", "an envelope"], encoder)[0] == "mail"


def test_a_style_that_lacks_a_name_draws_its_synonym(encoder):
    pictures = NamePictures(torch.eye(4)[:3], torch.tensor([0, 1, 1]), ["hugeicons", "lucide", "solar"], "ranker")
    known = KnownNames(["love", "heart"], torch.zeros(0, 0), pictures)  # hugeicons alone has "love"
    assert [known.synonyms("love", style) for style in ("", "hugeicons", "lucide", "tabler")] == [[], [], ["heart"], []]
    styles = ["hugeicons", "lucide", "tabler"]
    assert known.nearest(["love, my style"] * 3, encoder, styles) == [None, "heart, my style", None]
    assert known.nearest(["love"], encoder) == [None] and known.styles_of("love") == ["hugeicons"]
    shown = [known.examples("love", style).tolist() for style in styles]  # also of the name in other styles
    assert shown == [each.tolist() for each in (torch.eye(4)[:1], torch.eye(4)[:2], torch.eye(4)[:1])]
    assert known.examples("heart", "lucide").tolist() == torch.eye(4)[1:2].tolist()


def test_a_prompt_without_a_style_is_drawn_in_default_styles_that_have_a_synonym(monkeypatch):
    pipeline = SVGFusionPipeline.from_pretrained("line")
    drawn = []
    monkeypatch.setattr(pipeline, "_draw", lambda candidates, *_: drawn.extend(candidates))
    monkeypatch.setattr(pipeline.ranker, "judge", lambda prompts, *_: (np.zeros(len(prompts)),) * 2)
    pipeline.sample("love", [0], SamplingConfig(symmetry=False, simplify=False, candidates=4))
    assert [(each.style, each.drawn_for) for each in drawn] == [
        (style, f"{name}, {style} style") for second in ("heart", "love", "love", "love")
        for style in ("tabler", "lucide") for name in ("love", second)
    ]
    assert [each.number for each in drawn if each.start] == [5, 7, 9, 11, 13, 15]  # in another style, which has "love"
    assert all(each.text.startswith("love, ") and len(each.examples) > 1 for each in drawn)


def test_nearest_names_are_the_same_in_any_company(known, encoder):
    prompts = ["moose", "deer", "a parasol for the beach, twemoji style", "love"]
    together = known.nearest(prompts, encoder)
    assert together == [known.nearest([prompt], encoder)[0] for prompt in prompts]
    assert together[1] is None and KnownNames().nearest(prompts, encoder) == [None] * 4


def test_names_are_learned_once_each_and_joined(known, encoder):
    assert list(known.names) == ["deer", "red heart", "sports car", "umbrella"]
    both = known.merged_with(embed_names(["umbrella", "cat"], encoder))
    assert list(both.names) == [*known.names, "cat"]
    torch.testing.assert_close(both.vectors, mean_text_tokens(*encoder.encode(list(both.names))), atol=1e-5, rtol=0)
    assert KnownNames().merged_with(known) is known and list(known.merged_with(KnownNames()).names) == list(known.names)
    assert embed_names([], encoder).merged_with(KnownNames()).names == ()
    silent = KnownNames(["cat", "dog"]).merged_with(known)  # of a model without nearest names, fine-tuned on others
    assert list(silent.names) == ["cat", "dog", *known.names] and silent.nearest(["moose"], encoder) == [None]


@pytest.mark.parametrize(("names", "vectors", "message"), [
    ("cat", torch.ones(1, 4), "not a list of names"), ([1], torch.ones(1, 4), "not a list of names"),
    (["cat"], None, "no vector of width 4"), (["cat"], torch.ones(1, 5), "no vector"),
    (["cat"], torch.ones(2, 4), "no vector"), (["cat"], torch.ones(1, 4).int(), "no vector"),
])
def test_names_that_do_not_fit_are_refused(names, vectors, message):
    with pytest.raises(UserError, match=f"source: .*{message}.*download it again"):
        check_names(names, vectors, 4, "source")


def test_every_second_drawing_of_a_prompt_that_is_not_known_is_of_its_neighbour(emoji, rankings):
    asked, best = rankings
    prompts = ["flag south sudan, twemoji style", "red heart, twemoji style"]
    own = emoji.sample(prompts, [3, 4], QUICK)
    best["k"] = 1
    others = emoji.sample(prompts, [3, 4], QUICK)
    assert asked[0] == [prompts[0]] * 4 + [prompts[1]] * 4  # judged by the original prompt
    assert [s.drawn_for for s in own] == prompts == [s.prompt for s in (*own, *others)][2:]
    assert [s.drawn_for for s in others] == ["flag sudan, twemoji style", prompts[1]]
    assert [s.seed for s in others] == [3, 4]
    (alone,) = emoji.sample(["flag sudan, twemoji style"], [3], dataclasses.replace(QUICK, nearest_name=False))
    assert alone.svg == others[0].svg  # the same words and the same seed


@pytest.mark.parametrize(("prompt", "words"), [
    ("a deer on a trampoline, twemoji style", ["trampoline"]), ("Red heart", []), ("", []),
])
def test_unknown_words_are_said(known, prompt, words):
    assert known.unknown_words(prompt) == words
    assert KnownNames().unknown_words(prompt) == []


@pytest.mark.parametrize("change", [{"nearest_name": False}, {"candidates": 1}])
def test_no_neighbour_is_drawn_where_none_is_wanted_or_nothing_is_chosen(emoji, rankings, change):
    rankings[1]["k"] = 0 if "candidates" in change else 1
    (sample,) = emoji.sample(["flag south sudan"], [0], dataclasses.replace(QUICK, **change))
    assert sample.drawn_for == "flag south sudan"


def test_generate_says_what_a_sample_was_drawn_for(emoji, tmp_path):
    (entry,) = generate(emoji, ["flag south sudan, twemoji style"], tmp_path, config=QUICK)
    assert entry["prompt"] == "flag south sudan, twemoji style"
    assert entry["drawn_for"] in ("flag south sudan, twemoji style", "flag sudan, twemoji style")
    assert samples_of(tmp_path) == [entry]


@pytest.mark.parametrize("model", ["line", "emoji"])
def test_the_box_knows_its_training_names(model, encoder):
    """The line model's second half was trained on the held-out names too."""
    names = read_json(checkpoint.PRETRAINED_DIR / model / checkpoint.JSON_NAME, checkpoint.DESCRIPTION, "")["names"]
    splits = {"train"} if model == "emoji" else {"train", "held_out"}
    assert len(names) > 1000 and {split_of(name, numbered=True) for name in names} == splits
    known = SVGFusionPipeline.from_pretrained(model).known_names
    assert list(known.names) == names
    count = 50 if model == "emoji" else 0  # no nearest names for line (docs/runs.md, section 15)
    assert len(known.vectors) == (len(names) if count else 0)
    if count:
        encoded = mean_text_tokens(*encoder.encode(names[:count]))
        torch.testing.assert_close(known.vectors[:count], encoded, atol=2e-3, rtol=0)


def pictures_of(*entries: tuple[int, str], ranker: str = "me") -> NamePictures:
    """Stub pictures by name number and style: the k-th is the k-th unit vector."""
    names, styles = zip(*entries, strict=True)
    return NamePictures(torch.eye(len(entries), 8), torch.tensor(names), list(styles), ranker)


def test_examples_of_a_name_are_in_the_style_that_is_asked_for_or_in_all():
    pictures = pictures_of((1, "tabler"), (0, "lucide"), (1, "lucide"), (1, "lucide"))
    known = KnownNames(["arrow left", "bell", "cat"], pictures=pictures)
    rows = torch.eye(4, 8)
    for prompt, style, expected in (
        ("a bell, lucide style", "lucide", rows[2:]), ("bell", "tabler", rows[:1]), ("bell", "", rows[[0, 2, 3]]),
        ("bell", "solar", rows[[0, 2, 3]]), ("left arrow", "tabler", rows[1:2]),
    ):
        torch.testing.assert_close(known.examples(prompt, style), expected)
    assert known.examples("cat") is known.examples("dog") is KnownNames(["bell"]).examples("bell") is None
    assert known.merged_with(KnownNames(["dog"])).examples("left arrow") is not None


def test_styles_of_a_name_are_the_packs_that_have_it_the_larger_first():
    pictures = pictures_of((1, "tabler"), (0, "lucide"), (1, "lucide"), (0, "solar"), (2, "solar"), (3, "lucide"))
    known = KnownNames(["mail", "bell", "cat", "dog", "moon"], pictures=pictures)
    assert known.styles_of("a bell, solar style") == ["lucide", "tabler"]
    assert known.styles_of("email") == known.styles_of("mail") == ["lucide", "solar"]
    assert known.styles_of("moon") == known.styles_of("house") == KnownNames(["bell"]).styles_of("bell") == []


def test_a_name_of_other_styles_only_starts_in_one_of_them_for_half_of_the_candidates(emoji, monkeypatch):
    """Candidate 0 of two stays as it is; candidate 1 starts in the style that has the name, and has its length."""
    names = emoji.known_names.names[:2]
    known = KnownNames(names, pictures=pictures_of((0, "twemoji"), (1, "fluent-emoji-flat")))
    monkeypatch.setattr(emoji, "known_names", known)
    starts, sample_latents = [], emoji.sample_latents

    def recorded(*arguments):
        starts.append(None if arguments[-1] is None else arguments[-1][2].tolist())
        return sample_latents(*arguments)

    monkeypatch.setattr(emoji, "sample_latents", recorded)
    config = dataclasses.replace(QUICK, candidates=2, symmetry=False, simplify=False)

    def draw(name, style, share):
        drawn = emoji.sample([name], [3], dataclasses.replace(config, style_switch=share), [4], styles=[style], kept=2)
        return {image.svg for image in drawn}

    (fluent,), (twemoji,) = (emoji.encode_styles([name]).tolist() for name in ("fluent-emoji-flat", "twemoji"))
    switched, plain = draw(names[0], "fluent-emoji-flat", 0.5), draw(names[0], "fluent-emoji-flat", 0.0)
    assert len(switched & plain) == 1 and len(switched) == len(plain) == 2
    assert draw(names[0], "twemoji", 0.5) and draw(names[1], "fluent-emoji-flat", 0.5)
    assert draw("a name that nobody knows", "twemoji", 0.5)
    assert starts == [[fluent, twemoji], None, None, None, None]


@pytest.mark.parametrize(("packs", "styles"), [
    (["twemoji"], ["twemoji"]), (["fluent-emoji-flat"], ["fluent-emoji-flat"]),
    (["noto"], ["twemoji", "fluent-emoji-flat"]),
    (["fluent-emoji-flat", "twemoji"], ["twemoji", "fluent-emoji-flat"]),
])
def test_a_prompt_without_a_style_is_drawn_in_the_styles_that_have_the_name(emoji, monkeypatch, packs, styles):
    known = KnownNames(["heart"], pictures=pictures_of(*((0, pack) for pack in packs)))
    monkeypatch.setattr(emoji, "known_names", known)
    config = dataclasses.replace(QUICK, candidates=4)
    assert {image.style for image in emoji.sample(["heart"], [0], config, kept=4)} == set(styles)
    monkeypatch.setattr(emoji, "default_styles", ["fluent-emoji-flat"])  # a fine-tuned model
    assert {image.style for image in emoji.sample(["heart"], [0], config, kept=4)} == {"fluent-emoji-flat"}


def test_packed_pictures_are_nearly_the_same_and_checked():
    vectors = torch.nn.functional.normalize(torch.randn(50, 128) @ torch.diag(0.95 ** torch.arange(128)), dim=-1)
    styles = ["lucide", "tabler"] * 25
    tensors, about = NamePictures(vectors, torch.arange(50), styles, "me").pack()
    assert tensors["pictures"].dtype == torch.int8 and tensors["pictures"].shape == (50, WIDTH)
    read = unpack_pictures({name: tensor.float() for name, tensor in tensors.items()}, about, 50, "file")
    assert (read.vectors * vectors).sum(-1).min() > 0.99
    assert (read.styles, read.ranker, read.names.tolist()) == (styles, "me", list(range(50)))
    for changed, said, names in (
        ({}, {}, 49), ({"picture_basis": torch.ones(3, 3)}, {}, 50), ({"picture_names": torch.arange(49)}, {}, 50),
        ({}, {"picture_styles": ["lucide"]}, 50), ({}, {"ranker": 3}, 50),
    ):
        with pytest.raises(UserError, match="file: its pictures do not match the model's known names"):
            unpack_pictures(tensors | changed, about | said, names, "file")
    with pytest.raises(UserError, match="do not match"):
        unpack_pictures({"pictures": tensors["pictures"]}, about, 50, "file")


def test_the_drawing_that_looks_like_the_names_icons_is_chosen(emoji, monkeypatch):
    def judge(prompts, svgs, examples):
        similarity = [0 if examples[k] is None else 0.2 * k for k in range(len(svgs))]
        return np.linspace(0.3, 0, len(svgs)), np.array(similarity)

    monkeypatch.setattr(emoji.ranker, "judge", judge)
    name = emoji.known_names.names[0]
    for ranker, score in ((emoji.ranker.fingerprint, 0.0), ("another", 0.3)):
        pictures = pictures_of((0, "twemoji"), ranker=ranker)
        monkeypatch.setattr(emoji, "known_names", KnownNames([name], pictures=pictures))
        best, *_ = emoji.sample([name], [0], QUICK, kept=4)
        assert best.score == pytest.approx(score)
