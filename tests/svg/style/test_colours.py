# ruff: noqa: E501 - tables of values
"""Colours: text -> sRGB. Values in other spaces are from the examples and sample code of CSS Color 4, or are sRGB
coordinates of primaries, white and grey."""

import pytest

from svgfusion_lib.svg.style.colours import mixes_in_oklab, parse_colour

COLOURS = [
    ("red", (255, 0, 0, 1)), ("RED", (255, 0, 0, 1)), ("rebeccapurple", (102, 51, 153, 1)), ("transparent", (0, 0, 0, 0)),
    ("#f80", (255, 136, 0, 1)), ("#F808", (255, 136, 0, 136 / 255)),
    ("#336699", (51, 102, 153, 1)), ("#33669980", (51, 102, 153, 128 / 255)),
    ("rgb(51,102,153)", (51, 102, 153, 1)), ("rgb(51 102 153)", (51, 102, 153, 1)), ("rgb(20%, 40%, 60%)", (51, 102, 153, 1)),
    ("rgb(300,-5,0)", (255, 0, 0, 1)), ("rgba(51,102,153,.5)", (51, 102, 153, 0.5)), ("rgb(51 102 153 / 50%)", (51, 102, 153, 0.5)),
    ("rgba(0, 127, 0, 50%)", (0, 127, 0, 0.5)), ("rgb(20% 102 153)", (51, 102, 153, 1)), ("rgb(none 102 153)", (0, 102, 153, 1)),
    ("rgb(51 102 153 / none)", (51, 102, 153, 0)), ("rgb(calc(50 + 1) calc(2 * 51) 153)", (51, 102, 153, 1)),
    ("hsl(120,100%,50%)", (0, 255, 0, 1)), ("hsl(210deg 50% 40%)", (51, 102, 153, 1)), ("hsla(0,100%,50%,.25)", (255, 0, 0, 0.25)),
    ("hsl(210 50 40)", (51, 102, 153, 1)), ("hsl(calc(1turn / 3) 100% 50%)", (0, 255, 0, 1)),
    ("hwb(120 0% 0%)", (0, 255, 0, 1)), ("hwb(0 50% 50%)", (127.5, 127.5, 127.5, 1)), (" red ", (255, 0, 0, 1)), ("red icc-color(a, 1)", (255, 0, 0, 1)),
    # CSS Color 4, sections 9 and 10, and red, white and grey in each space
    ("lab(100 0 0)", (255, 255, 255, 1)), ("lab(54.29% 80.8 69.89)", (255, 0, 0, 1)), ("lch(54.29 106.84 40.86)", (255, 0, 0, 1)),
    ("oklab(1 0 0)", (255, 255, 255, 1)), ("oklab(62.796% .22486 .12585)", (255, 0, 0, 1)), ("oklch(.62796 .25768 29.234)", (255, 0, 0, 1)),
    ("oklch(62.796% .25768 29.234deg / 50%)", (255, 0, 0, 0.5)), ("color(srgb 1 .5 0)", (255, 127.5, 0, 1)),
    ("color(srgb-linear .21586 .21586 .21586)", (128, 128, 128, 1)), ("color(display-p3 1 1 1)", (255, 255, 255, 1)),
    ("color(display-p3 .91749 .20029 .13856)", (255, 0, 0, 1)), ("color(a98-rgb .85859 0 0)", (255, 0, 0, 1)),
    ("color(xyz .95046 1 1.08906)", (255, 255, 255, 1)), ("color(xyz-d50 .96430 1 .82510)", (255, 255, 255, 1)),
    ("color(rec2020 1 1 1)", (255, 255, 255, 1)), ("color(prophoto-rgb 1 1 1)", (255, 255, 255, 1)),
    # out of the gamut of sRGB: cut off
    ("color(display-p3 1 0 0)", (255, 0, 0, 1)), ("color(display-p3 0 0 1)", (0, 0, 255, 1)),
    # CSS Color 5: mixing, either half, and parts of another colour
    ("color-mix(in srgb, red, blue)", (127.5, 0, 127.5, 1)), ("color-mix(in srgb, red 25%, blue)", (63.75, 0, 191.25, 1)),
    ("color-mix(in srgb, red 30%, blue 30%)", (127.5, 0, 127.5, 0.6)), ("color-mix(in srgb, red, transparent)", (255, 0, 0, 0.5)),
    ("color-mix(in hsl longer hue, red, lime)", (0, 0, 255, 1)), ("light-dark(red, blue)", (255, 0, 0, 1)),
    ("color-mix(in hsl increasing hue, lime, red)", (0, 0, 255, 1)), ("color-mix(in hsl decreasing hue, red, lime)", (0, 0, 255, 1)),
    ("color-mix(in hsl, blue, yellow)", (0, 255, 127.5, 1)), ("color-mix(in hsl longer hue, gray, red)", (191.25, 64.25, 64.25, 1)),
    ("color-mix(in oklab, red, oklab(none .1 .1 / 0))", (255, 0, 0, 0.5)), ("lch(50 -20 100)", (119, 119, 119, 1)),
    ("rgb(from red g r b)", (0, 255, 0, 1)), ("rgb(from #336699 r g b / .5)", (51, 102, 153, 0.5)), ("hsl(from red calc(h + 120) s l)", (0, 255, 0, 1)),
    # system colours
    ("CanvasText", (0, 0, 0, 1)), ("canvas", (255, 255, 255, 1)), ("LinkText", (0, 0, 238, 1)), ("WindowText", (0, 0, 0, 1)),
]


@pytest.mark.parametrize(("text", "rgba"), COLOURS, ids=[text for text, _ in COLOURS])
def test_colour(text, rgba):
    r, g, b, alpha = parse_colour(text)
    assert (r * 255, g * 255, b * 255) == pytest.approx(rgba[:3], abs=0.6)
    assert alpha == pytest.approx(rgba[3])


@pytest.mark.parametrize("text", [
    "", "none", "reddish", "#12", "#12345", "#ggg", "rgb(1,2)", "hsl(a)", "url(#a)", "red blue", "12", "rgb(1 2, 3)", "rgb(1,2,3,)", "rgb()",
    "color()", "color(foo 1 1 1)", "oklch(1)", "lab(1,2,3)", "color-mix(red, blue, green, blue)", "color-mix(in foo, red, blue)", "color-mix(in hsl other hue, red, blue)",
    "color-mix(in srgb, red 0%, blue 0%)", "light-dark(red)", "rgb(from foo r g b)", "var(--a)", "device-cmyk(0 1 1 0)",
])
def test_no_colour(text):
    assert parse_colour(text) is None


def test_current_colour_stays_a_word_until_it_is_known():
    blue = (0.0, 0.0, 1.0, 1.0)
    assert parse_colour("currentColor") == parse_colour("CURRENTCOLOR") == parse_colour("color-mix(in srgb, currentColor, red)") == "currentcolor"
    assert parse_colour("currentColor", blue) == blue
    assert parse_colour("color-mix(in srgb, currentColor, red)", blue) == pytest.approx((0.5, 0, 0.5, 1))


def test_a_dark_scheme_takes_the_other_half():
    assert parse_colour("light-dark(red, blue)", dark=True) == (0, 0, 1, 1)


@pytest.mark.parametrize(("text", "through"), [("red", False), ("rgb(1 2 3)", False), ("hsl(1 2% 3%)", False), ("oklch(1 0 0)", True), ("color(srgb 1 0 0)", True)])
def test_gradients_of_newer_colours_run_through_oklab(text, through):
    assert mixes_in_oklab(text) == through
