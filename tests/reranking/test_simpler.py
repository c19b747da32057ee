"""Versions of a drawing without one of its parts: known answers, and what the ranker makes of them."""

import dataclasses

import numpy as np
import pytest

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.simpler import MAX_PARTS, without_parts
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import PEN


def shapes(rows: np.ndarray) -> list[str]:
    """Elements of an SVG as text without their ids."""
    lines = rows_to_svg(rows).split("\n")[1:-2]
    return [line.split('"', 2)[2] for line in lines]


def test_every_part_is_left_out_once(parsed):
    rows = parsed(
        f'<path d="M5 5L19 19M5 19L19 5" {PEN}/><circle cx="12" cy="12" r="9" {PEN}/><path d="M12 2v4" {PEN}/>'
    ).rows
    versions = without_parts(rows)
    first, second, circle, line = ("M5 5L19 19", "M5 19L19 5", 'cx="12"', "M12 2V6")
    assert len(versions) == 4
    for version, missing in zip(versions, (first, second, circle, line)):
        text = rows_to_svg(version)
        assert [part in text for part in (first, second, circle, line)] == [
            part != missing for part in (first, second, circle, line)
        ]


def test_a_hole_does_not_become_part_of_the_shape_before(parsed):
    rows = parsed(
        '<path d="M1 1H5V5H1z" fill="#f00"/><path d="M8 8H20V20H8zM10 10V12H12V10z" fill="#00f" fill-rule="evenodd"/>'
    ).rows
    red_missing, outline_missing, hole_missing = without_parts(rows)
    assert len(shapes(red_missing)) == 1 and len(shapes(hole_missing)) == 2
    red, hole = shapes(outline_missing)
    assert "M10 10" in hole and "M10 10" not in red


@pytest.mark.parametrize("body", [
    f'<path d="M5 5L19 19" {PEN}/>',
    '<defs><linearGradient id="g"><stop stop-color="#f00"/><stop offset="1" stop-color="#00f"/></linearGradient></defs>'
    '<rect x="2" y="2" width="9" height="9" fill="url(#g)"/><rect x="12" y="2" width="9" height="9" fill="#123"/>',
])
def test_a_single_part_and_gradients_have_no_simpler_versions(parsed, body):
    assert without_parts(parsed(body).rows) == []


def test_any_rows_give_valid_rows_and_few_versions():
    rng = np.random.default_rng(0)
    for _ in range(40):
        wild = rng.normal(0, 1, (60, 22))
        wild[:, 0], wild[:, 1] = rng.integers(3, 7, 60), rng.integers(0, 10, 60)
        rows = sanitize_rows(wild)
        versions = without_parts(rows)
        assert len(versions) <= MAX_PARTS
        for version in versions:
            assert len(version) < len(rows) and sanitize_rows(version) == pytest.approx(version, abs=1e-5)
            assert version[-1, rf.ELEMENT] == rf.EOS


def test_the_best_candidate_loses_a_part_if_it_ranks_higher_without(monkeypatch):
    pipeline = SVGFusionPipeline.from_pretrained("line")
    config = SamplingConfig(num_inference_steps=4, candidates=2, adaptive=False, tidy=0, symmetry=False)
    plain = pipeline.sample(["house"], [1], dataclasses.replace(config, simplify=False))
    judged = []

    def judge(prompts, svgs, examples):
        judged.append(list(svgs))
        ranks = {1: [0.5, 0.2], 2: [0.54] * len(svgs)}
        if gain:
            ranks[2][0] = 0.56
        return np.array(ranks[len(judged)]), np.zeros(len(svgs))

    monkeypatch.setattr(pipeline.ranker, "judge", judge)
    gain = True
    (simpler,) = pipeline.sample(["house"], [1], config)
    assert len(judged) == 2 and len(judged[1]) >= 2 and simpler.svg in judged[1]
    assert simpler.svg not in judged[0] and simpler.score == pytest.approx(0.56)
    judged.clear()
    gain = False
    (unchanged,) = pipeline.sample(["house"], [1], config)
    assert unchanged.svg == judged[0][0] and plain[0].seed == simpler.seed == 1
