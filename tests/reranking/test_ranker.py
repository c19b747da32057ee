"""The ranker keeps the best of several drawings for a prompt."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.config import EvaluationConfig, SamplingConfig
from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import load_icon_head
from svgfusion_lib.reranking.ranker import Ranker, candidate_seeds, load_ranker
from svgfusion_lib.utils.render import render_svg
from tests.helpers import QUICK, samples_of, svg


def icon(body: str) -> str:
    return svg(body, 'fill="none" stroke="#000" stroke-width="2"')


DRAWN = {
    "heart": icon('<path d="M12 20C4 14 3 11 3 8a4.5 4.5 0 0 1 9 -1a4.5 4.5 0 0 1 9 1c0 3 -1 6 -9 12z"/>'),
    "arrow right": icon('<path d="M4 12H20M14 6L20 12L14 18"/>'),
    "clock": icon('<circle cx="12" cy="12" r="9"/><path d="M12 7V12L15 15"/>'),
    "mail": icon('<path d="M3 5H21V19H3z"/><path d="M3 7L12 13L21 7"/>'),
}
BLANK = icon("")


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return load_ranker()


def best_of(ranker, prompts, svgs, count):
    scores = ranker.scores(prompts, svgs).reshape(-1, count)
    return [k * count + int(own.argmax()) for k, own in enumerate(scores)]


@pytest.mark.parametrize("name", DRAWN)
def test_the_right_drawing_is_chosen(ranker, name):
    names = list(DRAWN)
    (best,) = best_of(ranker, [f"{name}, tabler style"] * len(names), list(DRAWN.values()), len(names))
    assert names[best] == name


def test_what_a_model_draws_for_words_it_does_not_know_looks_less_real(ranker, pipeline):
    prompts = ["xylophone", "bagpipes", "kangaroo", "waterfall", "cathedral", "octopus"]
    drawn = [sample.svg for sample in pipeline.sample(prompts, range(len(prompts)), SamplingConfig(candidates=1))]
    real, unreal = (
        ranker.head.log_realism(ranker.pixel_encoder.encode(np.stack([render_svg(svg, 128) for svg in svgs])))
        for svgs in (DRAWN.values(), drawn)
    )
    assert unreal.mean() < real.mean() - 1 and real.max() < 0


def test_of_two_that_show_the_same_the_one_that_looks_real_is_chosen(ranker, monkeypatch):
    monkeypatch.setattr(ranker.head, "log_realism", lambda tokens: torch.tensor([-9.0, -0.1, -5.0]))
    assert best_of(ranker, ["mail"] * 3, [DRAWN["mail"]] * 3, 3) == [1]


def test_words_of_style_say_nothing_of_what_is_shown(ranker):
    plain, styled = ranker.scores(["clock", "clock, lucide style"], [DRAWN["clock"]] * 2)
    assert plain == styled
    assert np.isfinite(ranker.scores([", lucide style"], [DRAWN["clock"]])).all()
    assert strip_style("a clock, lucide style ") == "a clock" and strip_style("life style") == "life style"


def test_what_shows_nothing_is_chosen_only_where_there_is_nothing_else(ranker):
    broken = "<svg"
    assert ranker.scores(["heart"] * 2, [BLANK, broken]).tolist() == [-np.inf, -np.inf]
    assert best_of(ranker, ["heart"] * 3, [BLANK, broken, DRAWN["mail"]], 3) == [2]
    assert best_of(ranker, ["heart"] * 4, [BLANK, BLANK, DRAWN["mail"], DRAWN["mail"]], 2) == [0, 2]


def test_the_ranker_is_not_the_evaluator_nor_its_pupil(ranker):
    assert not set(ranker.head.packs) & set(load_icon_head().packs)
    assert {"tabler", "lucide", "twemoji", "fluent-emoji-flat"} <= set(ranker.head.packs)


def test_encoders_at_hand_are_used_if_they_are_the_right_ones(ranker):
    again = load_ranker(text_encoder=ranker.text_encoder, pixel_encoder=ranker.pixel_encoder)
    assert again.text_encoder is ranker.text_encoder and again.pixel_encoder is ranker.pixel_encoder
    other = copy.copy(ranker.text_encoder)
    other.name = "another"
    assert load_ranker(text_encoder=other, pixel_encoder=ranker.pixel_encoder).text_encoder.name == "minilm"


@pytest.mark.parametrize("seed", [0, 7, 2**62])
def test_seeds_of_candidates_begin_with_the_samples_own_and_go_on_alike(seed):
    seeds = candidate_seeds(seed, 8)
    assert seeds[0] == seed and seeds[:3] == candidate_seeds(seed, 3)
    assert len(set(seeds)) == 8 and all(0 <= s < 2**63 for s in seeds)
    assert not set(seeds) & set(candidate_seeds(seed + 1, 8))


def test_a_sample_is_the_best_of_its_candidates_whatever_the_batch(pipeline):
    prompts, count = ["a bell, lucide style", "shopping cart, tabler style"], 4
    # The ranker sees untidied drawings.
    one = dataclasses.replace(QUICK, adaptive=False, tidy=0, symmetry=False, simplify=False)
    config = dataclasses.replace(one, candidates=count)
    samples = pipeline.sample(prompts, [5, 6], config)
    for prompt, seed, sample in zip(prompts, [5, 6], samples):
        drawn = pipeline.sample([prompt] * count, candidate_seeds(seed, count), one)
        scores = pipeline.ranker.scores([prompt] * count, [each.svg for each in drawn])
        best = drawn[int(scores.argmax())]  # from another batch, so the last bits differ
        np.testing.assert_allclose(sample.rows, best.rows, atol=1e-3)
        assert (sample.prompt, sample.seed) == (prompt, seed)
        np.testing.assert_allclose(pipeline.sample([prompt], [seed], config)[0].rows, sample.rows, atol=1e-3)
    assert scores.max() > scores.min()


def test_lengths_hold_for_all_candidates(pipeline):
    config = dataclasses.replace(QUICK, candidates=3, symmetry=False, simplify=False)
    (sample,) = pipeline.sample(["bell"], [0], config, [2], styles=["lucide"])
    drawn = pipeline.sample(["bell"] * 3, candidate_seeds(0, 3), QUICK, [2] * 3, styles=["lucide"] * 3)
    assert sample.svg in [each.svg for each in drawn]


@pytest.mark.parametrize("count", [0, 65])
def test_numbers_of_candidates_that_make_no_sense(count):
    with pytest.raises(UserError, match="candidates must be between 1 and 64"):
        SamplingConfig(candidates=count)


def test_the_best_of_several_is_kept_unless_told_otherwise(tmp_path):
    assert EvaluationConfig().sampling.candidates == SamplingConfig().candidates > 1
    command = f"generate --prompt bell --ddim_steps 3 --candidates 1 --output_dir {tmp_path / 'b'}"
    assert cli.main(command.split()) == 0
    (entry,) = samples_of(tmp_path / "b")
    assert entry["settings"]["candidates"] == 1
