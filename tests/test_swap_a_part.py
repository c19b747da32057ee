"""The code in docs/swap_a_part.md works as described."""

import re
from pathlib import Path

import pytest
import torch

from svgfusion_lib.utils.render import render_svg

PAGE = Path(__file__).parents[1] / "docs" / "swap_a_part.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The names defined by the page's code after running it, and the folder it ran in."""
    names: dict = {"__name__": "page"}
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("page")
        patch.chdir(folder)
        for block in BLOCKS:
            exec(compile(block, str(PAGE), "exec"), names)
    return names, folder


def test_the_parts_are_those_that_were_passed(page):
    names, folder = page
    pipe = names["pipe"]
    assert type(pipe.text_encoder).__name__ == "Letters" and pipe.schedule.name == "straight"
    assert torch.equal(pipe.schedule.alphas_cumprod, names["straight"].alphas_cumprod)
    assert [image.seed for image in names["images"]] == [0, 1]
    render_svg(names["svg"], 16)
    narrow = names["NarrowDiT"].from_pretrained(folder / "narrow" / "vsdit_final.pt")
    assert narrow.t_embedder[0].out_features == 8


def test_the_metric_is_in_the_report(page):
    names, folder = page
    for group in names["report"]["groups"].values():
        assert group["subjects"]["real"]["own"]["rows"] > 0
    assert "| rows |" in (folder / "report" / "report.md").read_text()


def test_each_part_takes_about_ten_lines():
    for block in BLOCKS:
        code = [line for line in block.splitlines() if line and not re.match(r"(from|import) ", line)]
        assert len(code) <= 10, block


def test_a_dataset_in_memory_is_data(tmp_path):
    datasets = pytest.importorskip("datasets")
    from svgfusion_lib.corpus.prepare_dataset import prepare_dataset

    icon = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M2 2h{0}v{0}z"/></svg>'
    rows = datasets.Dataset.from_dict({"svg": [icon.format(k) for k in (3, 20)], "caption": ["short", "long"]})
    assert prepare_dataset(tmp_path / "out", dataset=rows)["total"]["kept"] == 2
