import numpy as np
import pytest

from svgfusion_lib.corpus.filters import PICTURE_SIZE, PictureIndex
from svgfusion_lib.utils.render import render_svg_by_resvg


def picture(body, colour="black"):
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<g fill="none" stroke="{colour}" stroke-width="2">{body}</g></svg>'
    )
    return render_svg_by_resvg(svg, PICTURE_SIZE)


CLOCK = '<circle cx="12" cy="12" r="9"/><path d="M12 7v5{}"/>'


@pytest.mark.parametrize(("one", "other", "expected", "why"), [
    (picture(CLOCK.format("l3 3")), picture(CLOCK.format("l3.05 2.96")), True, "moved by a hair"),
    (picture(CLOCK.format("l3 3")), picture(CLOCK.format("l3 -3")), False, "another time"),
    (picture('<path d="M5 12h14"/>'), picture('<path d="M5 12h14M12 5v14"/>'), False, "minus and plus"),
    (picture('<path d="M5 12h14"/>', "red"), picture('<path d="M5 12h14"/>', "blue"), False, "another colour"),
    (picture('<path d="M5 12h14"/>', "#eee"), picture('<path d="M5 16h14"/>', "#eee"), False, "pale, and elsewhere"),
    (picture(""), picture(""), True, "both blank"),
])
def test_nearly_the_same(one, other, expected, why):
    index = PictureIndex()
    index.add(one)
    assert (index.find(other) is not None) == expected, why


def test_the_filter_loses_nothing():
    """Against comparing all pairs, on pictures at all distances from each other."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (12, PICTURE_SIZE, PICTURE_SIZE, 3))
    noise = rng.normal(size=(90, PICTURE_SIZE, PICTURE_SIZE, 3)) * rng.uniform(0, 40, (90, 1, 1, 1))
    pictures = np.clip(base[rng.integers(12, size=90)] + noise, 0, 255).astype(np.uint8)
    index = PictureIndex()
    found = 0
    for i, each in enumerate(pictures):
        best = min(((slow_difference(each, other), k) for k, other in enumerate(pictures[:i])), default=(1, 0))
        result = index.find(each)
        assert (result is not None) == (best[0] < index.same_below)
        if result is not None:
            found += 1
            assert result[0] == best[1] and result[1] == pytest.approx(best[0], abs=1e-5)
        assert index.add(each) == i
    assert len(index) == 90 and 5 < found < 85


def slow_difference(one, other):
    def strongest(values):
        return max((values[y : y + 4, x : x + 4] ** 2).mean() for y in range(0, 32, 4) for x in range(0, 32, 4)) ** 0.5

    ink, other_ink = ((255.0 - p) / 255 for p in (one, other))
    return strongest(ink - other_ink) / max(strongest(ink), strongest(other_ink))
