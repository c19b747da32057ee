"""A gradient becomes its mean colour and opacity (the row format holds plain paints)."""

import pytest

from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.svg_parser import parse_svg

XMLNS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def fill(gradients: str, paint: str = 'fill="url(#a)"') -> list[float]:
    svg = f'<svg {XMLNS} viewBox="0 0 2 2"><defs>{gradients}</defs><rect width="2" height="2" {paint}/></svg>'
    return parse_svg(svg).rows[1, rf.FILL].tolist()


RED_BLUE = '<stop offset="0" stop-color="red"/><stop offset="1" stop-color="blue"/>'


@pytest.mark.parametrize(("gradients", "expected"), [
    (f'<linearGradient id="a">{RED_BLUE}</linearGradient>', (0.5, 0, 0.5, 1)),
    # the outer half of a radius covers three quarters of the disc
    ('<radialGradient id="a"><stop offset="50%" stop-color="red"/><stop offset="50%" stop-color="blue"/>'
     "</radialGradient>", (0.25, 0, 0.75, 1)),
    # a colour counts by its opacity; styles count like attributes
    ('<linearGradient id="a"><stop offset="0" stop-color="red" stop-opacity="0"/>'
     '<stop offset="1" style="stop-color: blue; stop-opacity: .5"/></linearGradient>', (0, 0, 1, 0.25)),
    # stops stand in another gradient
    (f'<linearGradient id="a" href="#b"/><linearGradient id="b">{RED_BLUE}</linearGradient>',
     (0.5, 0, 0.5, 1)),
    # one colour at one place, and offsets that run back
    ('<linearGradient id="a"><stop offset="1" stop-color="red"/></linearGradient>', (1, 0, 0, 1)),
    ('<linearGradient id="a"><stop offset="1" stop-color="red"/><stop offset="0" stop-color="blue"/>'
     "</linearGradient>", (1, 0, 0, 1)),
])
def test_mean_paint(gradients, expected):
    assert fill(gradients) == pytest.approx(expected, abs=0.01)


def test_fill_opacity_multiplies():
    gradient = '<linearGradient id="a"><stop stop-color="red" stop-opacity=".5"/></linearGradient>'
    assert fill(gradient, 'fill="url(#a)" fill-opacity="0.4"')[3] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("gradients", [
    "", '<linearGradient id="a"/>', '<linearGradient id="a" href="#a"/>',
    '<linearGradient id="a"><stop stop-color="red" stop-opacity="0"/></linearGradient>',
    '<linearGradient id="a" href="#b"/><linearGradient id="b" xlink:href="#a"/>',
])
def test_gradient_of_nothing_paints_nothing(gradients):
    with pytest.raises(ValueError, match="nothing is painted"):
        fill(gradients)
