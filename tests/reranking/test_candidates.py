"""Best of n: when more candidates are drawn, and how they start."""

import dataclasses

import numpy as np
import pytest
import torch

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.candidates import RECOGNISED, Candidate, best_first, is_unlike_examples
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.name_pictures import NamePictures

QUICK = SamplingConfig(num_inference_steps=2, candidates=2, retries=2, symmetry=False, simplify=False)
UNKNOWN = "a name that nobody knows"


@pytest.fixture
def emoji(monkeypatch) -> SVGFusionPipeline:
    """The emoji model; it has pictures of "red heart", by both packs, and of "deer", by one."""
    pipeline = SVGFusionPipeline.from_pretrained("emoji")
    styles = ["twemoji", "fluent-emoji-flat", "twemoji"]
    pictures = NamePictures(torch.eye(3, 8), torch.tensor([0, 0, 1]), styles, pipeline.ranker.fingerprint)
    monkeypatch.setattr(pipeline, "known_names", KnownNames(["red heart", "deer"], pictures=pictures))
    return pipeline


@pytest.fixture
def judged(monkeypatch, emoji) -> tuple[list[int], dict]:
    """How many drawings the stub ranker saw in each round; `similar`: the first that resembles its name's icons."""
    rounds, similar = [], {"first": np.inf}

    def judge(prompts, svgs, examples):
        rounds.append(len(svgs))
        seen = sum(rounds[:-1]) + np.arange(len(svgs))
        known = np.array([each is not None for each in examples])
        return np.zeros(len(svgs)), np.where(known & (seen >= similar["first"]), RECOGNISED, 0.0)

    monkeypatch.setattr(emoji.ranker, "judge", judge)
    return rounds, similar


def candidate(similarity: float, score: float = 0.0, known: bool = True) -> Candidate:
    examples = torch.eye(1, 8) if known else None
    return Candidate(0, 0, "x", "x", "", ("x", ""), examples=examples, score=score, similarity=similarity)


def test_more_are_drawn_only_if_the_best_one_is_unlike_the_icons_of_its_name():
    low, high = candidate(RECOGNISED - 0.01), candidate(RECOGNISED)
    assert is_unlike_examples([low, low]) and not is_unlike_examples([low, high])
    assert is_unlike_examples([candidate(0, 9.0), high])  # the one that would be chosen counts
    assert not is_unlike_examples([candidate(0, known=False)])
    assert best_first([low, high, candidate(0, 9.0), high])[1] is high


@pytest.mark.parametrize(("first", "rounds"), [(0, [2]), (1, [2]), (2, [2, 2]), (5, [2, 2, 4]), (99, [2, 2, 4])])
def test_the_number_of_candidates_doubles_until_one_is_recognised(emoji, judged, first, rounds):
    seen, similar = judged
    similar["first"] = first
    reports = []
    emoji.sample(["deer"], [3], QUICK, [3], progress=lambda *report: reports.append(report))
    assert seen == rounds
    steps = QUICK.num_inference_steps
    assert [done for done, _ in reports] == list(range(1, steps * len(rounds) + 1))
    assert [total for _, total in reports] == [steps * k for k in range(1, len(rounds) + 1) for _ in range(steps)]


@pytest.mark.parametrize(("prompt", "change"), [
    (UNKNOWN, {}), ("deer", {"retries": 0}), ("deer", {"candidates": 1}),
])
def test_nothing_is_drawn_again_for_an_unknown_name_or_if_told_so(emoji, judged, prompt, change):
    config = dataclasses.replace(QUICK, **change)
    emoji.sample([prompt], [3], config, [3])
    assert judged[0] in ([config.candidates], [])


def test_one_prompt_is_drawn_again_and_the_others_are_not(emoji, judged):
    seen, _ = judged
    drawn = emoji.sample([UNKNOWN, "deer", UNKNOWN], [1, 2, 3], QUICK, kept=99)
    assert seen == [6, 2, 4]
    assert [sum(image.seed == seed for image in drawn) for seed in (1, 2, 3)] == [2, 8, 2]


def test_more_candidates_follow_the_first_ones(emoji, judged):
    few, many = (
        emoji.sample(["deer"], [3], dataclasses.replace(QUICK, retries=retries), styles=["twemoji"], kept=99)
        for retries in (0, 2)
    )
    for one, other in zip(few, many[:2], strict=True):  # all rank equal; from other batches, so the last bits differ
        np.testing.assert_allclose(one.rows, other.rows, atol=1e-3)


def test_later_candidates_start_in_another_style_that_has_the_name(emoji, judged, monkeypatch):
    starts, sample_latents = [], emoji.sample_latents

    def recorded(*arguments):
        starts.append(None if arguments[-1] is None else arguments[-1][2].tolist())
        return sample_latents(*arguments)

    monkeypatch.setattr(emoji, "sample_latents", recorded)
    config = dataclasses.replace(QUICK, retries=1, style_switch=0.5)
    for name in ("red heart", "deer"):  # both packs have a red heart, Twemoji alone has a deer
        emoji.sample([name], [3], config, [3], styles=["twemoji"])
    twemoji, fluent = emoji.encode_styles(["twemoji", "fluent-emoji-flat"]).tolist()
    assert starts == [None, [twemoji, fluent], None, None]


@pytest.mark.parametrize("retries", [-1, 5, 1.5])
def test_numbers_of_retries_that_make_no_sense(retries):
    with pytest.raises(UserError, match="retries must be"):
        SamplingConfig(retries=retries)
