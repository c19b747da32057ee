"""The checker of drawn shapes: right for what the captions say, wrong for every kind of mistake."""

import random

import pytest

from svgfusion_lib.corpus.dummy import make_dummy_svg
from svgfusion_lib.evaluation.shapes import RELATION, check_relation, read_shapes

PAIRS = [
    (svg, caption) for svg, caption in (make_dummy_svg(random.Random(f"checker/{k}")) for k in range(200))
    if RELATION.fullmatch(caption)
]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{}</svg>'
CIRCLE = '<circle cx="16" cy="32" r="10" fill="#ffe033"/>'
SQUARE = '<rect x="38" y="22" width="20" height="20" fill="#8020b0"/>'
DRAWN = SVG.format(CIRCLE + SQUARE)


def test_what_the_generator_draws_is_what_its_captions_say():
    right = [check_relation(svg, caption).right for svg, caption in PAIRS]
    assert len(right) > 60 and sum(right) >= 0.98 * len(right)


def test_layers_are_read_with_kind_colour_and_place():
    circle, square = read_shapes(DRAWN)
    assert (circle.kind, circle.colour, square.kind, square.colour) == ("circle", "yellow", "square", "purple")
    assert (circle.x, circle.y) == pytest.approx((0.25, 0.5), abs=0.01)


@pytest.mark.parametrize(("caption", "wrong"), [
    ("a yellow circle left of a purple square", ""), ("a purple square right of a yellow circle", ""),
    ("a circle left of a square", ""), ("a purple circle left of a yellow square", "colours"),
    ("a yellow circle right of a purple square", "side"), ("a circle above a square", "side"),
    ("a yellow star left of a purple square", "kinds"), ("a yellow circle left of a blue square", "colours"),
])
def test_a_mistake_is_named(caption, wrong):
    verdict = check_relation(DRAWN, caption)
    assert verdict.right is not bool(wrong)
    assert not wrong or not getattr(verdict, wrong)


@pytest.mark.parametrize("body", [CIRCLE, CIRCLE + SQUARE + '<circle cx="50" cy="50" r="5"/>'])
def test_one_shape_or_three_are_not_two(body):
    assert not check_relation(SVG.format(body), "a yellow circle left of a purple square").right


def test_a_caption_of_something_else_is_refused():
    with pytest.raises(ValueError, match="says nothing of two shapes"):
        check_relation(DRAWN, "a house")
