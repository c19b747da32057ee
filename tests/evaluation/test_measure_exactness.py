"""Stage exactness on folders of SVGs."""

import json

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.measure_exactness import measure_exactness


@pytest.fixture
def folders(tmp_path, svg):
    """Squares, and squares that lean; one file of the second folder is broken."""
    for name, lean in (("real", 0), ("drawn", 0.4)):
        folder = tmp_path / name
        folder.mkdir()
        for k in range(12):
            d = f"M{2 + k % 5} {3 + k % 3}h{8 + k % 4}l{lean} {9 + k % 3}"
            folder.joinpath(f"square{name}{k}.svg").write_text(svg(f'<path d="{d}" stroke="#000" fill="none"/>'))
    (tmp_path / "drawn" / "broken.svg").write_text("<svg")
    return tmp_path


def test_drawings_stand_beside_real_icons(folders):
    out = folders / "out"
    report = measure_exactness(folders / "drawn", out, folders / "real", seed=1)
    assert report["drawings"] == {"drawings": 12, "reference": 12}
    assert list(report["skipped"]["drawings"]) == ["broken.svg"]
    assert report["exactness"]["reference"]["straight_lines"]["mean"] == 1
    assert report["exactness"]["drawings"]["straight_lines"]["mean"] == 0.5
    assert report["two_sample"]["by_rows"]["mean"] > 0.8
    assert set(report["two_sample"]) == {"by_rows", "by_picture"}
    assert json.loads((out / "report.json").read_text())["exactness"] == report["exactness"]
    text = (out / "report.md").read_text()
    assert "0.500 (24)" in text and "Two-sample test" in text


def test_a_folder_alone_is_measured_without_a_test(folders):
    report = measure_exactness(folders / "real", folders / "out", max_files=3)
    assert report["drawings"] == {"drawings": 3} and "two_sample" not in report


def test_folders_of_too_few_or_no_drawings_are_refused(folders, tmp_path):
    with pytest.raises(UserError, match="needs 10 SVGs"):
        measure_exactness(folders / "drawn", folders / "out", folders / "real", max_files=5)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.svg").write_text("<svg")
    with pytest.raises(UserError, match="none of 1 SVG files"):
        measure_exactness(tmp_path / "bad", folders / "out")
    assert not (folders / "out").exists()
