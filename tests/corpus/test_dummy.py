"""Dummy captions match their pictures, as checked by a reader independent of the generator."""

import io
import random
import re
from functools import cache

import cairosvg
import numpy as np
import pytest
from PIL import Image
from skimage.measure import label

from svgfusion_lib.corpus.dummy import SHAPES, create_dummy_data, make_dummy_svg
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.utils.svg_parser import parse_svg

SIZE = 96
PALETTE = {
    "red": (230, 0, 0), "orange": (255, 140, 0), "yellow": (255, 225, 0), "green": (0, 150, 50),
    "blue": (0, 80, 240), "purple": (128, 0, 160), "pink": (255, 150, 200), "black": (0, 0, 0),
}
COLOUR = "|".join(PALETTE)
KIND = "|".join(sorted(SHAPES, key=len, reverse=True))
SINGLE = re.compile(rf"an? ({COLOUR}) ({KIND})( outline)?")
PAIR = re.compile(rf"an? ({COLOUR}) ({KIND}) (left of|right of|above|below|inside) an? ({COLOUR}) ({KIND})")
COUNT = re.compile(rf"(two|three|four) ({COLOUR}) ({KIND})e?s")
SAMPLES = [make_dummy_svg(random.Random(f"test/{i}")) for i in range(500)]

# kind -> share of its bounding box that it paints, and range of longer side / shorter side
FORM = {
    "circle": (0.785, 1, 1.05), "ellipse": (0.785, 1.4, 2.5), "square": (1, 1, 1.05),
    "rectangle": (1, 1.4, 2.5), "rounded square": (0.96, 1, 1.05), "triangle": (0.5, 1.05, 1.25),
    "diamond": (0.5, 1, 1.05), "pentagon": (0.69, 1, 1.1), "hexagon": (0.75, 1.1, 1.2),
    "star": (0.359, 1, 1.1), "heart": (0.709, 1, 1.1), "half circle": (0.785, 1.9, 2.1),
    "crescent": (0.563, 1.3, 1.37), "cross": (0.54, 1, 1.05), "ring": (0.418, 1, 1.05),
    "arc": (0.395, 1.7, 1.76),
}


@cache
def colour_masks(svg):
    """Colour name -> bool [SIZE, SIZE]. Without antialiasing, which mixes red and yellow to orange."""
    svg = svg.replace("<svg ", '<svg shape-rendering="crispEdges" ', 1)
    png = cairosvg.svg2png(svg.encode(), output_width=SIZE, output_height=SIZE)
    rgba = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)
    distance = np.stack([np.abs(rgba[..., :3] - c).sum(-1) for c in PALETTE.values()])
    assert distance[:, rgba[..., 3] > 0].min(0).max() < 110
    masks = {name: (rgba[..., 3] > 0) & (distance.argmin(0) == i) for i, name in enumerate(PALETTE)}
    return {name: mask for name, mask in masks.items() if mask.any()}


def box(mask):
    ys, xs = np.nonzero(mask)
    return xs.min(), ys.min(), xs.max() + 1, ys.max() + 1


def is_separated(relation, first, second):
    ax0, ay0, ax1, ay1 = box(first)
    bx0, by0, bx1, by1 = box(second)
    return {
        "left of": ax1 <= bx0, "right of": ax0 >= bx1, "above": ay1 <= by0, "below": ay0 >= by1,
        "inside": bx0 < ax0 and by0 < ay0 and ax1 < bx1 and ay1 < by1
        and not (first & second).any() and second[ay0:ay1, ax0 - 1].all() and second[ay0:ay1, ax1].all(),
    }[relation]


@pytest.mark.parametrize("part", range(5))
def test_captions_are_true(part):
    for svg, caption in SAMPLES[part::5]:
        masks = colour_masks(svg)
        for mask in masks.values():  # nothing touches the border
            assert not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()), caption
        if match := PAIR.fullmatch(caption):
            assert set(masks) == {match[1], match[4]}, (caption, svg)
            assert is_separated(match[3], masks[match[1]], masks[match[4]]), (caption, svg)
            if match[3] != "inside":
                assert_form(match[5], masks[match[4]], (caption, svg))
            assert_form(match[2], masks[match[1]], (caption, svg))
        elif match := COUNT.fullmatch(caption):
            assert set(masks) == {match[2]}, (caption, svg)
            number = {"two": 2, "three": 3, "four": 4}[match[1]]
            assert label(masks[match[2]], connectivity=2).max() == number, (caption, svg)
        else:
            match = SINGLE.fullmatch(caption)
            assert match and set(masks) == {match[1]}, (caption, svg)
            assert label(masks[match[1]], connectivity=2).max() == 1, (caption, svg)
            if match[3]:
                assert 'fill="none"' in svg and label(~masks[match[1]], connectivity=1).max() == 2, svg
            else:
                assert_form(match[2], masks[match[1]], (caption, svg))


def assert_form(kind, mask, message):
    x0, y0, x1, y1 = box(mask)
    covered, low, high = FORM[kind]
    sides = sorted((x1 - x0, y1 - y0))
    slack = 3 / sides[0]  # the box may be off by a pixel on each side
    assert abs(mask.sum() / (sides[0] * sides[1]) - covered) < 0.05 + slack, message
    assert low - slack * low <= sides[1] / sides[0] <= high + slack * high, message
    if kind == "ring":
        assert label(~mask[y0:y1, x0:x1], connectivity=1).max() == 5, message  # four corners and the hole


def test_every_kind_and_scene_occurs_and_parses():
    captions = " / ".join(caption for _, caption in SAMPLES)
    for word in (*SHAPES, *PALETTE, "left of", "right of", "above", "below", "inside", "outline", "three"):
        assert word in captions
    for svg, _ in SAMPLES[:100]:
        assert not parse_svg(svg).unsupported


def test_data_set_is_deterministic_and_grows(tmp_path):
    small = create_dummy_data(tmp_path / "small", num_samples=5, seed=3)
    large = create_dummy_data(tmp_path / "large", num_samples=8, seed=3)
    assert large[:5] == small
    assert read_records(tmp_path / "large") == large
    for record in small:
        one, other = (tmp_path / folder / record.file for folder in ("small", "large"))
        assert one.read_bytes() == other.read_bytes()
    assert create_dummy_data(tmp_path / "large", num_samples=2, seed=4) != large[:2]
    assert len(list((tmp_path / "large").glob("*.svg"))) == 2
