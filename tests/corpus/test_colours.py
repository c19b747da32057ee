import pytest

from svgfusion_lib.corpus.colours import dominant_colours

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
STRIPES = "".join(f'<path d="M{3 * i} 0h3v24h-3z" fill="{{{i}}}"/>' for i in range(8))


def stripes(*colours):
    """Eight stripes cycling through these colours."""
    return f"{HEAD}{STRIPES.format(*(colours[i % len(colours)] for i in range(8)))}</svg>"


@pytest.mark.parametrize(("svg", "expected", "why"), [
    (stripes("#dd2e44"), ("red",), "one colour"),
    (stripes("#fcc21b", "#fcc21b", "#fcc21b", "#222"), ("yellow", "black"), "two, the larger area first"),
    (stripes("#fff", "#2060e0"), ("blue", "white"), "white is seen, though the ground is white"),
    (stripes("#2060e0", "#a8d8ff"), ("blue",), "shades of one colour"),
    (stripes("red", "blue", "green", "orange"), (), "too many to name"),
    (stripes("#ffe0bd"), (), "nobody says beige"),
    (f'{HEAD}<circle cx="12" cy="12" r="9" fill="none" stroke="currentColor"/></svg>', (), "a line icon"),
    (f'{HEAD}<path d="M1 1h22" stroke="red" stroke-width=".1"/></svg>', (), "next to nothing is painted"),
])
def test_dominant_colours(svg, expected, why):
    assert dominant_colours(svg) == expected, why


def test_what_cannot_be_rendered_is_an_error():
    with pytest.raises(ValueError, match="cannot be rendered"):
        dominant_colours("<svg")
