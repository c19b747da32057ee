"""Symmetric versions of drawings: known answers, pictures, and what the ranker makes of them."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.candidates import Candidate, best_first, improve_best
from svgfusion_lib.reranking.symmetry import axes_of, mirrored_halves, symmetric_versions, unfolded_wedges
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
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


@pytest.mark.parametrize("axes", [3, 4, 5, 6, 8])
@pytest.mark.parametrize("body", [
    f'<path d="M12 2L15 9L22 10L16 14L18 21L12 17L6 21L8 15L2 10L9 9z" {PEN}/>',  # closed, around the centre
    f'<path d="M12 2L12 6M21 11H18M12 12L4 19M5 6L8 8" {PEN}/>',                  # lines on rays, beside and through
    f'<path d="M12 3C16 3 15 8 20 8C17 11 21 12 20 16C15 16 16 21 12 20C9 16 4 18 4 12C8 10 6 4 12 3z" {PEN}/>',
    f'<path d="M15 3A3 3 0 0 1 18 6A3 3 0 0 1 18 12" {PEN}/><circle cx="12.3" cy="12" r="3" {PEN}/>',
    f'<circle cx="16" cy="5" r="1" {PEN}/><circle cx="12.1" cy="4" r="1" {PEN}/>',
    '<path d="M12 12L14 3L20 6z" fill="#283"/>',
])
def test_each_wedge_is_unfolded_around_the_centre(parsed, body, axes):
    wedges = unfolded_wedges(parsed(body).rows, axes)
    assert wedges
    for wedge in wedges:
        assert sanitize_rows(wedge) == pytest.approx(wedge, abs=1e-6)
        picture = Image.fromarray(render_svg(rows_to_svg(wedge), 2 * SIZE))
        turned = picture.rotate(360 / axes, Image.Resampling.BICUBIC, fillcolor="white")
        flipped = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        inside = np.hypot(*(np.mgrid[: 2 * SIZE, : 2 * SIZE] - SIZE + 0.5)) < 0.95 * SIZE  # else cut by the canvas
        for other in (turned, flipped):
            assert np.abs(np.asarray(picture, dtype=float) - np.asarray(other))[inside].mean() < 6


@pytest.mark.parametrize(("axes", "d"), [
    (5, "M12 4L13.76 9.57L19.61 9.53L14.85 12.93L16.7 18.47L12 15L7.3 18.47L9.15 12.93L4.39 9.53L10.24 9.57z"),
    (6, "M12 4L18.93 8V16L12 20L5.07 16V8z"), (4, "M12 5V19M5 12H19"),
    (8, "M12 2V4M12 20V22M2 12H4M20 12H22M4.93 4.93L6.34 6.34M17.66 17.66L19.07 19.07M4.93 19.07L6.34 17.66"
        "M17.66 6.34L19.07 4.93"),
])
def test_a_drawing_with_several_axes_stays_as_it_is(parsed, axes, d):
    rows = parsed(f'<path d="{d}" {PEN}/>').rows
    image = render_svg(rows_to_svg(rows), SIZE).astype(float)
    wedges = unfolded_wedges(rows, axes)
    assert len(wedges) == 2 * axes
    for wedge in wedges:
        assert np.abs(render_svg(rows_to_svg(wedge), SIZE) - image).mean() < 1
    assert min(len(wedge) for wedge in wedges) == len(rows)


def test_lines_to_the_centre_go_through_it_and_specks_there_are_dropped(parsed):
    rows = parsed(f'<path d="M12.3 4.2L11.8 11.4" {PEN}/><path d="M11.5 12.4H12.6V12z" {PEN}/>').rows
    plus = parsed(f'<path d="M12 4.2V19.8M4.2 12H19.8" {PEN}/>').rows
    wanted = render_svg(rows_to_svg(plus), SIZE).astype(float)
    wedges = unfolded_wedges(rows, 4)
    assert min(len(wedge) for wedge in wedges) == len(plus)
    assert min(np.abs(render_svg(rows_to_svg(wedge), SIZE) - wanted).mean() for wedge in wedges) < 1.5
    assert min(len(wedge) for wedge in unfolded_wedges(rows, 5)) == 2 + 2 * 5  # five from the centre


def test_lines_beside_a_ray_are_not_doubled(parsed):
    sun = f'<circle cx="12" cy="12" r="4" {PEN}/><path d="M11.4 2L11.6 4" {PEN}/>'
    ray = f'<circle cx="12" cy="12" r="4" {PEN}/><path d="M12 2V4" {PEN}/>'
    for body in (sun, ray):
        wedges = unfolded_wedges(parsed(body).rows, 8)
        assert max(len(wedge) for wedge in wedges) == len(parsed(ray).rows) + 2 * 7


@pytest.mark.parametrize(("d", "left"), [
    ("M6 20L11.5 5A.6 .6 0 0 1 12.6 4.9L18 20z", "M6 20L11.5 5A.533 .533 0 0 1 12.5 5L18 20z"),
    ("M7 20C6 10 10 4.4 12 4C16 6 18 10 20 20z", "M7 20C6 10 10 4 12 4C14 4 18 10 17 20z"),
])
def test_rounded_corners_and_curves_are_level_on_the_axis(parsed, d, left):
    half = mirrored_halves(parsed(f'<path d="{d}" {PEN}/>').rows)[0]
    wanted = parsed(f'<path d="{left}" {PEN}/>').rows
    assert np.abs(render_svg(rows_to_svg(half), SIZE).astype(float) - render_svg(rows_to_svg(wanted), SIZE)).mean() < .2
    assert (half[:, 1] == rf.ARC).sum() == (wanted[:, 1] == rf.ARC).sum()


def test_names_with_several_axes(parsed):
    rows = parsed(f'<path d="M12 2L15 9L22 10L16 14L18 21L12 17L6 21L8 15L2 10L9 9z" {PEN}/>').rows
    assert axes_of("Star") == [5] and axes_of("sun") == [8] and axes_of("star half") == axes_of("house") == []
    assert len(symmetric_versions(rows, "star")) == len(mirrored_halves(rows)) + 10
    assert len(symmetric_versions(rows, "house")) == len(mirrored_halves(rows))


def test_any_rows_give_valid_rows():
    rng = np.random.default_rng(0)
    for _ in range(40):
        wild = rng.normal(0, 1, (30, 22))
        wild[:, 0], wild[:, 1] = rng.integers(3, 7, 30), rng.integers(0, 10, 30)
        rows = sanitize_rows(wild)
        for half in mirrored_halves(rows) + unfolded_wedges(rows, 5):
            assert sanitize_rows(half) == pytest.approx(half, abs=1e-5)


def test_the_best_candidate_is_replaced_if_a_symmetric_version_ranks_higher(monkeypatch):
    pipeline = SVGFusionPipeline.from_pretrained("line")
    config = SamplingConfig(num_inference_steps=2, candidates=2, adaptive=False, tidy=0, simplify=False)
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
    stars = [svg for prompt, svg in judged[1] if prompt.startswith("star")]
    assert star.svg in stars and len(stars) > 8 + 2 * 5  # halves and wedges of both candidates
    assert len(star.rows) == min(len(parse_svg(svg).rows) for svg in stars)  # the simplest of those that rank alike
    assert star.score == pytest.approx(0.06)
    assert [each.seed for each in (house, star)] == [each.seed for each in plain] == [1, 2]


@pytest.mark.parametrize("body, score, replaced", [
    (f'<path d="M4 5L12 12L20 5.5M4 20h16" {PEN}/>', -0.02, True),           # an end half a unit too low
    (f'<path d="M4 5L12 12L20 5.5M4 20h16" {PEN}/>', -0.04, False),
    (f'<circle cx="12" cy="12" r="9" {PEN}/><path d="M10.5 8h.01" {PEN}/>', 0.04, False),  # two dots, or none
    (f'<path d="M4 5L12 12L20 12M4 20h16" {PEN}/>', 0.04, False),             # far from symmetric
    (f'<path d="M4 5L12 12L20 12M4 20h16" {PEN}/>', 0.06, True),
])
def test_a_nearly_symmetric_drawing_becomes_symmetric_even_if_it_ranks_a_little_lower(parsed, body, score, replaced):
    class FixedRanker:
        def judge(self, prompts, svgs, examples):
            return np.full(len(svgs), score), np.zeros(len(svgs))

    rows = parsed(body).rows
    own = [Candidate(k, k, "chair", "chair", "", rows=rows, score=-k) for k in range(2)]
    improve_best(FixedRanker(), [own], SamplingConfig(simplify=False))
    assert (own[0].rows is not rows) is replaced and own[1].rows is rows
    best = best_first(own)[0]
    assert best is own[0] and best.score == (score if replaced else 0)
