"""Style and colours of an icon: what is fixed, what may change, and what a palette allows."""

import re

import numpy as np
import pytest
import torch

from svgfusion_lib.config import DiTConfig
from svgfusion_lib.editing import encode_svg, layer_colour, paint_layer, parse_palette, recolour, restyle
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import QUICK, rows_of, svg

SHAPES = svg(
    '<path d="M4 19a2 2 0 1 0 4 0a2 2 0 1 0-4 0"/><path d="M17 17H6V3H4"/><path d="m6 5l14 1l-1 7H6"/>',
    'fill="none" stroke="#000" stroke-width="2"',
)


@pytest.fixture(scope="module")
def cart(pipeline):
    return encode_svg(pipeline, SHAPES)


def test_restyling_moves_no_part_unless_it_may(pipeline, cart):
    drawn = restyle(pipeline, cart, "shopping cart", "lucide", [0, 1], 0.7, QUICK)
    assert torch.equal(drawn[..., :3], cart[:, :3].expand(2, -1, -1))
    assert not torch.allclose(drawn[0, :, 15:], cart[:, 15:], atol=0.05)
    assert torch.equal(restyle(pipeline, cart, "cart", "lucide", [0], 0, QUICK)[0], cart)
    moved = restyle(pipeline, cart, "shopping cart", "lucide", [0], 0.7, QUICK, move=True)
    assert not torch.allclose(moved[0, :, :3], cart[:, :3], atol=0.01)


def test_a_model_with_styles_is_asked_by_its_condition(pipeline):
    dit = VSDiT(DiTConfig.preset("tiny", latent_width=pipeline.vae.latent_width, styles=("tabler", "lucide")))
    styled = pipeline.with_parts(dit=dit)
    assert styled.resolve_prompt("cart, tabler style", "lucide") == ("cart, lucide style", "lucide")
    with pytest.raises(UserError, match="no style 'noto'"):
        styled.resolve_prompt("cart", "noto")


@pytest.mark.parametrize(("by", "colours"), [
    ("nearest", ["#f00", "#f00", "#00f"]),
    ("luminance", ["#ff0", "#f00", "#00f"]),
    ("layers", ["#00f", "#ff0", "#f00"]),
])
def test_recolouring_takes_colours_of_the_palette_and_changes_nothing_else(by, colours):
    shapes = [f'<circle cx="12" cy="12" r="{9 - k}" fill="{c}"/>' for k, c in enumerate(["#e99", "#c22", "#113"])]
    rows = rows_of("".join(shapes))
    painted = recolour(rows, parse_palette(["#00f", "#ff0", "#f00"]), by)
    assert re.findall(r'fill="(.*?)"', rows_to_svg(painted)) == colours
    other = [k for k in range(rows.shape[1]) if k not in (10, 11, 12)]
    assert np.array_equal(painted[:, other], rows[:, other])


def test_one_layer_is_painted(pipeline):
    rows = paint_layer(parse_svg(SHAPES).rows, 2, "#d33")
    strokes = [re.search(r'stroke="(.*?)"', line) for line in rows_to_svg(rows).splitlines() if "layer-" in line]
    assert [stroke and stroke[1] for stroke in strokes] == ["#000", "#d33", "#000"]
    assert layer_colour(rows, 2) == "#dd3333" and layer_colour(rows, 1) == "#000000"


@pytest.mark.parametrize("colours", ["#d33", [3], None])
def test_a_palette_is_a_list_of_texts(colours):
    for read in (parse_palette, lambda palette: recolour(np.zeros((2, 22)), palette)):
        with pytest.raises(UserError, match=r"^palette: colours must be a list \(of text\), not "):
            read(colours)


@pytest.mark.parametrize("colours", [[], ["red"], ["#12"], ["#1234567"], ["<b>"]])
def test_a_palette_is_of_hexadecimal_colours(colours):
    with pytest.raises(UserError, match="has no colour|is not a colour"):
        parse_palette(colours)
    with pytest.raises(UserError, match="has no colour|is not a colour"):
        recolour(np.zeros((2, 22)), colours)
    with pytest.raises(UserError, match="not by 'mood'"):
        recolour(np.zeros((2, 22)), np.zeros((1, 3)), "mood")
