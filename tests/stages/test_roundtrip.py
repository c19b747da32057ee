import json

import numpy as np
import pytest
from PIL import Image

from svgfusion_lib.errors import UserError
from svgfusion_lib.stages.roundtrip import roundtrip
from svgfusion_lib.utils.render import render_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}">'
STROKE = 'fill="none" stroke="red" stroke-width="3"'
FILES = {
    "ring.svg": HEAD.format(24, 24) + f'<circle cx="12" cy="12" r="9" {STROKE}/></svg>',
    "wide/flag.svg": HEAD.format(40, 20) + '<path d="M2 2h36v16h-36z" fill="blue"/></svg>',
    "dash.svg": HEAD.format(24, 24) + f'<path d="M2 12h20" {STROKE} stroke-dasharray="4"/></svg>',
    "broken.svg": "<svg",
}


@pytest.fixture
def svg_dir(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "svgs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "svgs"


def test_every_file_comes_through_or_is_named_with_the_reason(svg_dir, tmp_path):
    out = tmp_path / "out"
    summary = roundtrip(svg_dir, out)
    report = json.loads((out / "report.json").read_text())
    entries = {entry["file"]: entry for entry in report["files"]}
    assert report["summary"] == summary
    assert (summary["files"], summary["parsed"], summary["compared"]) == (4, 3, 3)
    assert "not well-formed" in entries["broken.svg"]["reason"] and not (out / "broken.svg").exists()
    for name in ("ring.svg", "wide/flag.svg"):  # a wide drawing keeps its place in the square
        assert entries[name]["ssim"] > 0.99 and entries[name]["blank_ssim"] < 0.9
        difference = np.abs(render_svg(FILES[name]).astype(int) - render_svg((out / name).read_text()))
        assert difference.mean() == pytest.approx(entries[name]["mae"])
    assert entries["ring.svg"]["rows"] == entries["ring.svg"]["elements"] == 1
    assert entries["dash.svg"]["ssim"] < 0.95
    assert summary["unsupported"] == {"stroke-dasharray": {"times": 1, "files": 1}}
    assert summary["share_ssim_0.95"] == 0.5  # of all files, the broken one included
    assert Image.open(out / "worst.png").width > 300


def test_the_number_of_files_can_be_limited_and_processes_change_nothing(svg_dir, tmp_path):
    one = roundtrip(svg_dir, tmp_path / "one", max_files=2, processes=1)
    two = roundtrip(svg_dir, tmp_path / "two", max_files=2, processes=2)
    assert one == two and one["files"] == 2


def test_a_pattern_and_nothing_that_can_be_parsed(svg_dir, tmp_path):
    summary = roundtrip(svg_dir, tmp_path / "out", pattern="broken*.svg")
    assert summary["parsed"] == summary["compared"] == 0 and "ssim" not in summary
    assert (tmp_path / "out" / "worst.png").exists()


def test_originals_are_never_overwritten(svg_dir, tmp_path):
    with pytest.raises(UserError, match="originals"):
        roundtrip(svg_dir, svg_dir)
    with pytest.raises(UserError, match="no such folder"):
        roundtrip(tmp_path / "none", tmp_path / "out")
    assert (svg_dir / "ring.svg").read_text() == FILES["ring.svg"]
