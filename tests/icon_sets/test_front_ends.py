"""Sets of hostile words in front-end tools: @iconify/utils, React with esbuild, Vue with its compiler."""

import re
from pathlib import Path

import numpy as np
import pytest

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.icon_sets import draw_set, write_set
from svgfusion_lib.icon_sets.names import component_name
from svgfusion_lib.utils.render import render_svg

QUICK = SamplingConfig(num_inference_steps=2, candidates=1)
WORDS = [
    "house", "</script><script>globalThis.hacked = true</script>", "constructor", "toString", "__proto__", "😀",
    "default",
    "{{ constructor.constructor('globalThis.hacked = true')() }}", "${globalThis.hacked = true}", "x" * 300, "House 2",
    "house-2", "class", "3d", "*/ globalThis.hacked = true; /*", "a'b\"c`d\\",
]


@pytest.fixture(scope="module", params=["tabler", "twemoji"])
def built(request, front_ends, tmp_path_factory) -> tuple[Path, dict]:
    """A set, and what the front ends built from it."""
    from svgfusion_lib.pipeline import SVGFusionPipeline

    pipeline = SVGFusionPipeline.from_pretrained()
    folder = write_set(draw_set(pipeline, WORDS, request.param, config=QUICK), tmp_path_factory.mktemp("set") / "icons")
    return folder, front_ends(folder)


def test_nothing_in_a_word_is_executed(built):
    _, found = built
    assert found["executed"] is False and found["react"]["warnings"] == found["vue"]["warnings"] == []


def test_iconify_takes_the_set(built):
    folder, found = built
    assert found["quick"] and set(found["iconify"]) == {path.stem for path in (folder / "svg").iterdir()}


@pytest.mark.parametrize("front_end", ["react", "vue", "iconify"])
def test_every_icon_looks_like_its_file(built, front_end):
    folder, found = built
    icons = found[front_end] if front_end == "iconify" else found[front_end]["icons"]
    files = sorted((folder / "svg").iterdir())
    assert len(icons) == len(files) == len(WORDS)
    for file in files:
        markup = icons[file.stem if front_end == "iconify" else component_name(file.stem)]
        markup = re.sub(r"<!--.*?-->", "", markup)
        picture, expected = render_svg(markup, 64).astype(int), render_svg(file.read_text(), 64)
        assert np.abs(picture - expected).mean() < 0.5, file.stem
