"""docs/images has the diagrams that the code draws, and they are pictures."""

from pathlib import Path

import pytest

from svgfusion_lib.notebook_tools.diagrams import DIAGRAMS
from svgfusion_lib.utils.render import render_svg

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_diagram_in_the_documentation_is_the_one_drawn(name):
    text = DIAGRAMS[name]()
    stored = (IMAGES / name).read_text(encoding="utf-8")
    assert stored == text, "run `python -m svgfusion_lib.notebook_tools.diagrams docs/images`"
    assert (render_svg(text, 400) < 128).any()
