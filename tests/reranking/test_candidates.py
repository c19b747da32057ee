"""Best of n: when more candidates are drawn, and how they start."""

import dataclasses

import numpy as np
import pytest
import torch

import svgfusion_lib.pipeline as pipeline_module
from svgfusion_lib import cli
from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.candidates import (
    GOOD,
    RECOGNISED,
    Candidate,
    best_first,
    number_needed,
)
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.name_pictures import NamePictures
from svgfusion_lib.reranking.ranker import Ranker
from tests.helpers import samples_of

QUICK = SamplingConfig(num_inference_steps=2, candidates=4, symmetry=False, simplify=False)
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
def judged(monkeypatch, emoji) -> tuple[list[int], dict[int, float]]:
    """How many drawings the stub ranker saw in each round, and their similarities by number (others: 0)."""
    rounds, similarity = [], {}

    def judge(prompts, svgs, examples):
        numbers = range(sum(rounds), sum(rounds) + len(svgs))
        rounds.append(len(svgs))
        return np.zeros(len(svgs)), np.array([
            0.0 if known is None else similarity.get(number, 0.0) for number, known in zip(numbers, examples)
        ])

    monkeypatch.setattr(emoji.ranker, "judge", judge)
    return rounds, similarity


def candidate(similarity: float, score: float = 0.0, known: bool = True) -> Candidate:
    examples = torch.eye(1, 8) if known else None
    return Candidate(0, 0, "x", "x", "", examples, score=score, similarity=similarity)


def test_only_a_known_name_that_is_not_recognised_is_doubtful(emoji, judged):
    _, similarity = judged
    similarity |= dict.fromkeys(range(100), RECOGNISED - 0.01)
    doubtful, unknown = emoji(["red heart", UNKNOWN], config=QUICK).images
    assert doubtful.is_doubtful and doubtful.similarity == RECOGNISED - 0.01
    assert not unknown.is_doubtful and unknown.similarity is None
    similarity |= dict.fromkeys(range(1000), RECOGNISED)
    good, = emoji("red heart", config=QUICK).images
    assert not good.is_doubtful and good.similarity == RECOGNISED
    single, = emoji("red heart", config=dataclasses.replace(QUICK, candidates=1)).images
    assert single.similarity is None  # nothing was ranked


def test_the_command_names_the_files_that_are_doubtful(tmp_path, capsys, monkeypatch):
    judge = Ranker.judge

    def strict(self, prompts, svgs, examples):
        scores, similarity = judge(self, prompts, svgs, examples)
        return scores, np.where([prompt.startswith("shop") for prompt in prompts], RECOGNISED - 0.01, similarity)

    monkeypatch.setattr(Ranker, "judge", strict)
    prompts = "shop, lucide style", "heart, tabler style"  # only the second is recognised
    flags = [flag for prompt in prompts for flag in ("--prompt", prompt)]
    assert cli.main(["generate", "--model", "line", "--output_dir", str(tmp_path), *flags]) == 0
    assert "unlike the training icons of that name: 000_shop-lucide-style_0.svg; try" in capsys.readouterr().out
    assert [entry["doubtful"] for entry in samples_of(tmp_path)] == [True, False]


@pytest.mark.parametrize(("similarities", "needed"), [
    ([], 8), ([GOOD] * 8, 8), ([GOOD - 0.01] * 8, 16), ([0.1] * 15 + [RECOGNISED], 16), ([0.1] * 16, 32),
    ([0.1] * 32, 32),
])
def test_the_similarity_of_the_best_one_decides_how_many_are_needed(similarities, needed):
    config = SamplingConfig(candidates=8)
    assert number_needed([candidate(each) for each in similarities], config) == needed
    fixed = max(8, len(similarities))
    assert number_needed([candidate(each, known=False) for each in similarities], config) == fixed
    if fixed == 8:
        plain = dataclasses.replace(config, adaptive=False)
        assert number_needed([candidate(each) for each in similarities], plain) == 8


def test_the_best_one_is_the_one_that_ranks_highest():
    low, high = candidate(0.2), candidate(GOOD)
    assert best_first([low, high])[0] is high
    drawn = [candidate(0.0, 9.0), high]
    assert best_first(drawn)[0].score == 9
    assert number_needed(drawn, SamplingConfig(candidates=2)) == 4


@pytest.mark.parametrize(("similarity", "rounds"), [
    ({0: GOOD}, [4]), ({3: GOOD}, [4]), ({3: RECOGNISED}, [4, 4]), ({4: RECOGNISED}, [4, 4]), ({8: GOOD}, [4, 4, 8]),
    ({3: 0.1}, [4, 4, 8]),
])
def test_candidates_are_drawn_until_one_is_recognised(emoji, judged, similarity, rounds):
    judged[1].update(similarity)
    reports = []
    emoji.sample(["deer"], [3], QUICK, [3], progress=lambda *report: reports.append(report))
    assert judged[0] == rounds
    steps = QUICK.num_inference_steps
    assert [done for done, _ in reports] == list(range(1, steps * len(rounds) + 1))
    assert [total for _, total in reports] == [steps * k for k in range(1, len(rounds) + 1) for _ in range(steps)]


@pytest.mark.parametrize(("prompt", "change"), [
    (UNKNOWN, {}), ("deer", {"adaptive": False}),
])
def test_the_number_of_candidates_is_fixed_for_an_unknown_name_or_if_told_so(emoji, judged, prompt, change):
    emoji.sample([prompt], [3], dataclasses.replace(QUICK, **change), [3])
    assert judged[0] == [4]


def test_a_single_candidate_is_not_judged(emoji, judged):
    assert len(emoji.sample(["deer"], [3], dataclasses.replace(QUICK, candidates=1), [3])) == 1 and not judged[0]


def test_each_prompt_gets_what_it_needs(emoji, judged):
    judged[1][8] = GOOD  # the first red heart
    drawn = emoji.sample([UNKNOWN, "deer", "red heart"], [1, 2, 3], QUICK)
    assert judged[0] == [12, 4, 8] and [image.seed for image in drawn] == [1, 2, 3]


def test_a_version_that_is_recognised_ends_the_search(emoji, judged):
    judged[1][4] = GOOD  # the first version of the best of four candidates
    emoji.sample(["deer"], [3], dataclasses.replace(QUICK, symmetry=True), [3])
    assert len(judged[0]) == 2


def test_versions_are_made_of_new_best_candidates_only(emoji, judged, monkeypatch):
    improved = []
    monkeypatch.setattr(pipeline_module, "improve_best", lambda ranker, rivals, config: improved.append(len(rivals)))
    judged[1].update({1: 0.1, 8: 0.2})
    emoji.sample(["deer"], [3], QUICK, [3])
    assert judged[0] == [4, 4, 8] and improved == [1, 0, 1]


def test_more_candidates_follow_the_first_ones(emoji, judged):
    few, many = (
        emoji.sample(["deer"], [3], dataclasses.replace(QUICK, adaptive=adaptive), styles=["twemoji"], kept=4)
        for adaptive in (False, True)
    )
    for one, other in zip(few, many, strict=True):  # all rank equal; from other batches, so the last bits differ
        np.testing.assert_allclose(one.rows, other.rows, atol=1e-3)
    assert judged[0] == [4, 4, 4, 8]  # the second time until the end


def test_later_candidates_start_in_another_style_that_has_the_name(emoji, judged, monkeypatch):
    starts, sample_latents = [], emoji.sample_latents

    def recorded(*arguments):
        starts.append(None if arguments[-1] is None else arguments[-1][2].tolist())
        return sample_latents(*arguments)

    monkeypatch.setattr(emoji, "sample_latents", recorded)
    config = dataclasses.replace(QUICK, candidates=2, style_switch=0.5)
    for name in ("red heart", "deer"):  # both packs have a red heart, Twemoji alone has a deer
        emoji.sample([name], [3], config, [3], styles=["twemoji"])
    twemoji, fluent = emoji.encode_styles(["twemoji", "fluent-emoji-flat"]).tolist()
    assert judged[0] == 2 * [2, 2, 4]
    assert starts == [None, [twemoji, fluent], [twemoji, fluent] * 2, None, None, None]


@pytest.mark.parametrize(("similarity", "model"), [(RECOGNISED, "line"), (RECOGNISED - 0.01, "emoji")])
def test_of_two_models_the_one_goes_on_whose_drawing_is_recognised(monkeypatch, similarity, model):
    pipeline = SVGFusionPipeline.from_pretrained()
    pipeline.set_progress_bar_config(disable=True)
    for name, score, own in (("line", 0.1, similarity), ("emoji", 0.9, 0.0)):
        part = pipeline.models[name]
        monkeypatch.setattr(part.ranker, "judge", lambda prompts, svgs, examples, judged=(score, own): tuple(
            np.full(len(svgs), each) for each in judged
        ))
    assert pipeline("heart", config=QUICK).images[0].model == model
