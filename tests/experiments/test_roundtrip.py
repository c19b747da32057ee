import gzip
import json

import pytest
from PIL import Image

from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments.roundtrip import roundtrip

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}">'
STROKE = 'fill="none" stroke="red" stroke-width="3"'
FILES = {
    "ring.svg": HEAD.format(24, 24) + f'<circle cx="12" cy="12" r="9" {STROKE}/></svg>',
    "wide/flag.svg": HEAD.format(40, 20) + '<path d="M2 2h36v16h-36z" fill="blue"/></svg>',
    "dash.svg": HEAD.format(24, 24) + f'<path d="M2 12h20" {STROKE} stroke-dasharray="4"/></svg>',
    "text.svg": HEAD.format(24, 24) + f'<text x="1" y="18" font-size="18">Ag</text><path d="M2 22h9" {STROKE}/></svg>',
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
    assert (summary["files"], summary["parsed"], summary["compared"]) == (5, 4, 4)
    assert summary["same_structure"] == 4
    assert "not well-formed" in entries["broken.svg"]["reason"] and not (out / "broken.svg").exists()
    for name in ("ring.svg", "wide/flag.svg"):  # a wide drawing keeps its place in the square
        assert entries[name]["ssim"] > 0.99 and entries[name]["blank_ssim"] < 0.9
    assert entries["ring.svg"]["rows"] == entries["ring.svg"]["elements"] == 1
    assert entries["dash.svg"]["ssim"] > 0.99 and entries["text.svg"]["ssim"] < 0.95
    assert summary["unsupported"] == {"text": {"times": 1, "files": 1}}
    assert summary["approximated"] == {"dashes as sub-paths": {"times": 1, "files": 1}}
    assert summary["share_ssim_0.98"] == 0.6  # of all files, the broken one included
    assert Image.open(out / "worst.png").width > 300
    assert 'viewBox="0 0 40 20"' in (out / "wide" / "flag.svg").read_text()


def test_the_number_of_files_can_be_limited_and_processes_change_nothing(svg_dir, tmp_path):
    one = roundtrip(svg_dir, tmp_path / "one", max_files=2, processes=1)
    two = roundtrip(svg_dir, tmp_path / "two", max_files=2, processes=2)
    assert one == two and one["files"] == 2


def test_a_pattern_and_nothing_that_can_be_parsed(svg_dir, tmp_path):
    summary = roundtrip(svg_dir, tmp_path / "out", pattern="broken*.svg")
    assert summary["parsed"] == summary["compared"] == 0 and "ssim" not in summary
    assert summary["reasons"] and not (tmp_path / "out" / "worst.png").exists()


def test_originals_are_never_overwritten(svg_dir, tmp_path):
    with pytest.raises(UserError, match="originals"):
        roundtrip(svg_dir, svg_dir)
    with pytest.raises(UserError, match="no such folder"):
        roundtrip(tmp_path / "none", tmp_path / "out")
    assert (svg_dir / "ring.svg").read_text() == FILES["ring.svg"]


def test_a_compressed_file_is_compared_like_its_plain_text(svg_dir, tmp_path):
    (svg_dir / "ring.svgz").write_bytes(gzip.compress(FILES["ring.svg"].encode()))
    roundtrip(svg_dir, tmp_path / "out", pattern="ring.svg*")
    plain, packed = json.loads((tmp_path / "out" / "report.json").read_text())["files"]
    assert packed["file"] == "ring.svgz" and packed["ssim"] == plain["ssim"]


def test_a_small_file_that_keeps_the_renderer_busy_is_ended(tmp_path):
    """resvg takes minutes, in compiled code that signals cannot interrupt."""
    (tmp_path / "svg").mkdir()
    (tmp_path / "svg" / "noise.svg").write_text(
        HEAD.format(24, 24) + '<filter id="f"><feTurbulence numOctaves="99999" baseFrequency="1"/></filter>'
        '<path d="M1 1h20v9z"/><path d="M1 1h22v22z" filter="url(#f)"/></svg>'
    )
    summary = roundtrip(tmp_path / "svg", tmp_path / "out", processes=1)
    assert list(summary["reasons"]) == ["cannot be compared: drawing it takes more than 2 s"]
    assert (summary["parsed"], summary["compared"]) == (1, 0) and (tmp_path / "out" / "noise.svg").is_file()


def test_a_file_with_entities_and_undeclared_prefixes_is_compared(tmp_path):
    """As in files from drawing programs and copied fragments; plain cairosvg refuses both."""
    (tmp_path / "svgs").mkdir()
    (tmp_path / "svgs" / "a.svg").write_text(
        '<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg">]><svg xmlns="&ns;" viewBox="0 0 24 24">'
        '<path id="p" d="M2 2h9v9z"/><use xlink:href="#p" x="9"/></svg>'
    )
    summary = roundtrip(tmp_path / "svgs", tmp_path / "out")
    assert summary["compared"] == 1 and summary["ssim"]["mean"] > 0.999


def test_a_drawing_too_small_for_the_written_decimals_stops_nothing(svg_dir, tmp_path):
    (svg_dir / "speck.svg").write_text(HEAD.format(24, 24) + '<rect x="3" y="3" width="1e-4" height="1e-4"/></svg>')
    summary = roundtrip(svg_dir, tmp_path / "out")
    assert summary["parsed"] == 5 and summary["same_structure"] == 4  # the speck paints nothing once written
