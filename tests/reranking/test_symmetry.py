"""Symmetric versions of drawings: known answers, pictures, and what the ranker makes of them."""

import dataclasses

import numpy as np
import pytest

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.symmetry import mirrored_halves
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import PEN

SIZE = 96


def composites(image: np.ndarray) -> list[np.ndarray]:
    """Left, right, upper and lower half of a picture [S, S, 3], each with its mirror image."""
    h = len(image) // 2
    left, right, top, bottom = image[:, :h], image[:, h:], image[:h], image[h:]
    return [
        np.concatenate([left, left[:, ::-1]], 1), np.concatenate([right[:, ::-1], right], 1),
        np.concatenate([top, top[::-1]]), np.concatenate([bottom[::-1], bottom]),
    ]


@pytest.mark.parametrize("body", [
    f'<path d="M3 5L21 10L14 20L6 15z" {PEN}/>',                            # a closed outline, cut at four lines
    f'<path d="M4 20L12 4L20 17M7 14H17.5" {PEN}/>',                       # a peak on the axis, a level line across
    f'<path d="M4 9A8 5 0 0 1 20 9" {PEN}/>',                              # cubics
    f'<path d="M5 8C5 2 19 3 18 9C17 15 8 14 6 20L20 21" {PEN}/>',
    f'<path d="M6 4V20M18 5V9M5 5h.01M12 20h.01" {PEN}/>',                 # pieces of one side, and dots
    f'<circle cx="12.1" cy="12" r="6" {PEN}/><circle cx="5" cy="5" r="2" {PEN}/>',
    f'<rect x="4" y="4.05" width="15.9" height="16" rx="2" {PEN}/>',
    '<path d="M4 4H10V20H4zM12 6L20 12L12 18z" fill="#283"/>',             # filled
    f'<path d="M12 4A4 4 0 0 0 12 12A4 4 0 0 1 12 20" {PEN}/>',            # arcs from axis to axis
    f'<path d="M4 12A8 8 0 1 1 12 20" {PEN}/>',                            # three quarters of a circle
])
def test_each_half_gets_its_mirror_image(parsed, body):
    rows = parsed(body).rows
    wanted = composites(render_svg(rows_to_svg(rows), SIZE).astype(float))
    halves = mirrored_halves(rows)
    assert 2 <= len(halves) <= 4
    for half in halves:
        assert sanitize_rows(half) == pytest.approx(half, abs=1e-6)
        image = render_svg(rows_to_svg(half), SIZE).astype(float)
        flipped = image[:, ::-1], image[::-1]
        assert min(np.abs(image - each).mean() for each in flipped) < 1.5
        assert min(np.abs(image - each).mean() for each in wanted) < 5


def test_a_symmetric_drawing_stays_as_it_is(parsed):
    rows = parsed(f'<path d="M4 11L12 3L20 11" {PEN}/><circle cx="12" cy="15" r="5" {PEN}/>').rows
    assert mirrored_halves(rows)[0] == pytest.approx(rows, abs=1e-6)
    assert mirrored_halves(rows)[1] == pytest.approx(rows, abs=1e-6)


@pytest.mark.parametrize(("d", "left"), [
    ("M11 3L15 10L21 12L17 20H7L3 12L8 10z", "M7 20L3 12L8 10L12 3L16 10L21 12L17 20Z"),  # one peak, a level base
    ("M13 21L9 14L3 12L7 4H17L21 12L16 14z", "M9 14L3 12L7 4H17L21 12L15 14L12 19.25Z"),
    ("M9 20L11.2 4L20 20", "M9 20L12 4L15 20"), ("M11 5H13V19H11z", "M11 5H13V19H11Z"),
])
def test_a_corner_near_the_axis_gives_one_peak(parsed, d, left):
    half = mirrored_halves(parsed(f'<path d="{d}" {PEN}/>').rows)[0]
    image = render_svg(rows_to_svg(parsed(f'<path d="{left}" {PEN}/>').rows), SIZE).astype(float)
    assert np.abs(render_svg(rows_to_svg(half), SIZE) - image).mean() < 1
    assert len(half) <= len(parsed(f'<path d="{left}" {PEN}/>').rows)


def test_a_half_without_anything_and_gradients_give_nothing(parsed):
    corner = parsed(f'<path d="M2 2L6 6" {PEN}/>').rows
    assert len(mirrored_halves(corner)) == 2  # left and upper
    gradient = parsed(
        '<defs><linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>'
        '</defs><path d="M4 4H20V20H4z" fill="url(#g)"/>'
    ).rows
    assert mirrored_halves(gradient) == []


def test_any_rows_give_valid_rows():
    rng = np.random.default_rng(0)
    for _ in range(40):
        wild = rng.normal(0, 1, (30, 22))
        wild[:, 0], wild[:, 1] = rng.integers(3, 7, 30), rng.integers(0, 10, 30)
        for half in mirrored_halves(sanitize_rows(wild)):
            assert sanitize_rows(half) == pytest.approx(half, abs=1e-5)


def test_the_best_candidate_is_replaced_if_a_symmetric_version_ranks_higher(monkeypatch):
    pipeline = SVGFusionPipeline.from_pretrained("line")
    config = SamplingConfig(num_inference_steps=2, candidates=2, tidy=0)
    plain = pipeline.sample(["house", "star"], [1, 2], dataclasses.replace(config, symmetry=False))
    judged = []

    def judge(prompts, svgs, examples):
        judged.append(list(zip(prompts, svgs)))
        score = np.zeros(len(svgs))
        if len(judged) % 2 == 0:  # the symmetric versions of both prompts
            score[:] = [0.04 if prompt.startswith("house") else 0.06 for prompt in prompts]
        return score, np.zeros(len(svgs))

    monkeypatch.setattr(pipeline.ranker, "judge", judge)
    house, star = pipeline.sample(["house", "star"], [1, 2], config)
    unchanged = pipeline.sample(["house", "star"], [1, 2], dataclasses.replace(config, symmetry=False))
    assert len(judged) == 3 and len({prompt for prompt, _ in judged[1]}) == 2
    assert house.svg == unchanged[0].svg and star.svg != unchanged[1].svg
    assert star.svg in [svg for _, svg in judged[1]] and star.score == pytest.approx(0.06)
    assert [each.seed for each in (house, star)] == [each.seed for each in plain] == [1, 2]
