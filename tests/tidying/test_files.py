"""The tidy stage on files and folders."""

import json

import pytest

from svgfusion_lib import cli
from svgfusion_lib.errors import UserError
from svgfusion_lib.tidying import tidy_svg
from svgfusion_lib.tidying.files import tidy_files
from tests.helpers import PEN as STROKE

WOBBLY = "M2.1 2.2L20 2.4L19.8 20.1L2.3 19.9L2 2.5M6.1 8.2L16.2 8M6 12.1L15.9 12.3"
CLEAN = "M2 2H20V20H2zM6 8H16M6 12H16"


@pytest.fixture
def folder(tmp_path, svg):
    for name, body in {
        "wobbly.svg": f'<path d="{WOBBLY}" {STROKE}/>', "deep/clean.svg": f'<path d="{CLEAN}" {STROKE}/>',
        "text.svg": f'<text x="2" y="9">A</text><path d="{CLEAN}" {STROKE}/>',
    }.items():
        path = tmp_path / "svgs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svg(body))
    (tmp_path / "svgs" / "broken.svg").write_text("<svg")
    return tmp_path / "svgs"


def test_a_folder_comes_back_in_order_elsewhere(folder, tmp_path):
    before = {path: path.read_bytes() for path in folder.rglob("*.svg")}
    out = tmp_path / "out"
    report = tidy_files(folder, out)
    assert report["summary"]["files"] == 4 and report["summary"]["left"] == 2 and report["summary"]["changed"] == 1
    assert 0 < report["summary"]["largest"] <= 1
    assert report["files"]["wobbly.svg"]["moved"] and "text" in report["files"]["text.svg"]["left"]
    assert (out / "deep" / "clean.svg").read_bytes() == before[folder / "deep" / "clean.svg"]  # nothing moved: a copy
    assert "H20" in (out / "wobbly.svg").read_text() and not (out / "text.svg").exists()
    assert json.loads((out / "tidy.json").read_text())["summary"] == report["summary"]
    assert {path: path.read_bytes() for path in folder.rglob("*.svg")} == before


def test_originals_are_written_over_only_when_told(folder):
    before = (folder / "text.svg").read_bytes()
    for wrong in ({}, {"output_dir": folder}, {"output_dir": folder, "in_place": True}):
        with pytest.raises(UserError):
            tidy_files(folder, **wrong)
    tidy_files(folder, in_place=True)
    assert "H20" in (folder / "wobbly.svg").read_text() and (folder / "text.svg").read_bytes() == before


def test_a_file_without_content_to_read_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such SVG file"):
        tidy_files(tmp_path / "absent.svg", tmp_path / "out")
    with pytest.raises(UserError, match="no such SVG file"):
        tidy_files(tmp_path, tmp_path / "out")


def test_a_small_canvas_has_its_own_grid(svg):
    """Half a unit of 16 is .75 of 24: all lines snap to the file's own grid."""
    d = "M2.03 3.02H9.02M2 7.52H9M2 11H9.04"
    text, result = tidy_svg(svg(f'<path d="{d}" {STROKE}/>', 'viewBox="0 0 16 16"'))
    assert 'viewBox="0 0 16 16"' in text and "M2 3H9M2 7.5H9M2 11H9" in text
    assert result.largest < 0.1


def test_the_command_says_what_moved(folder, tmp_path, capsys):
    assert cli.main(["tidy", "--svg", str(folder), "--output_dir", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("wobbly.svg: coordinates moved:") for line in lines)
    assert "deep/clean.svg: in order" in lines and any("text.svg: left as it is" in line for line in lines)
    assert cli.main(["tidy", "--svg", str(folder), "--output_dir", "x", "--without", "grids"]) == 2
    assert "the rules are" in capsys.readouterr().err


@pytest.mark.parametrize("in_place", [True, False])
def test_a_link_that_leads_out_of_the_folder_is_refused(folder, tmp_path, in_place):
    (tmp_path / "mine.svg").write_text("mine")
    (folder / "z.svg").symlink_to(tmp_path / "mine.svg")
    with pytest.raises(UserError, match="'z.svg' leads out of its folder"):
        tidy_files(folder, None if in_place else tmp_path / "out", in_place)
    assert (tmp_path / "mine.svg").read_text() == "mine" and (folder / "z.svg").is_symlink()
    assert WOBBLY in (folder / "wobbly.svg").read_text()
    assert not (tmp_path / "out").exists()
