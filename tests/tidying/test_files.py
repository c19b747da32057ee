"""The tidy stage on files and folders."""

import json
import re

import numpy as np
import pytest

from svgfusion_lib import cli
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.svg.document import local_name, read_document
from svgfusion_lib.tidying import tidy_svg
from svgfusion_lib.tidying.files import tidy_files
from tests.helpers import PEN as STROKE

WOBBLY = "M2.1 2.2L20 2.4L19.8 20.1L2.3 19.9L2 2.5M6.1 8.2L16.2 8M6 12.1L15.9 12.3"
CLEAN = "M2 2H20V20H2zM6 8H16M6 12H16"
APPROXIMATED = {
    "opacity of overlapping shapes in a group":
        f'<g opacity=".4"><circle cx="9" cy="9" r="6"/><circle cx="15" cy="9" r="6"/></g><path d="{WOBBLY}" {STROKE}/>',
    "non-scaling stroke": f'<path d="{WOBBLY}" vector-effect="non-scaling-stroke" {STROKE}/>',
    "animation": f'<path d="{WOBBLY}" {STROKE}><animate attributeName="opacity" values="0;1" dur="1s"/></path>',
}


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


def test_the_case_of_the_extension_does_not_matter(folder, tmp_path):
    (folder / "wobbly.svg").rename(folder / "UPPER.SVG")
    assert tidy_files(folder, tmp_path / "out")["files"]["UPPER.SVG"]["moved"]
    assert "H20" in (tmp_path / "out" / "UPPER.SVG").read_text()
    assert [record.file for record in read_records(folder)][0] == "UPPER.SVG"


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


@pytest.mark.parametrize("part", [1, 0.5, 0.25])
@pytest.mark.parametrize("side", [16, 20, 24, 32, 48, 64, 100, 128, 256, 512, 1024])
def test_a_clean_drawing_stays_on_the_grid_of_its_own_canvas(svg, side, part):
    """Exact points of a canvas of 512 moved to multiples of 10.67, a 24th of half a unit."""
    at = {name: round(share * side / part) * part for name, share in zip("abcde", (0.13, 0.3, 0.43, 0.61, 0.83))}
    body = (
        '<path d="M{a} {a}h{c}v{b}H{a}zM{d} {e}L{e} {e}M{b} {c}V{e}"/><circle cx="{d}" cy="{d}" r="{a}"/>'
        '<rect x="{b}" y="{d}" width="{c}" height="{b}"/>'
    ).format(**at)
    text, result = tidy_svg(svg(f"<g {STROKE}>{body}</g>", f'viewBox="0 0 {side} {side}"'))
    assert not result.changed
    assert not tidy_svg(text)[1].changed


def test_whole_units_of_a_large_canvas_stay(svg):
    body = '<path d="M10 10h100v100H10z"/><circle cx="300" cy="300" r="40"/>'
    text, result = tidy_svg(svg(body, 'viewBox="0 0 512 512"'))
    assert not result.changed
    assert 'x="10" y="10" width="100" height="100"' in text and 'cx="300" cy="300" r="40"' in text


@pytest.mark.parametrize("side", [100, 128, 256, 512, 1024])
@pytest.mark.parametrize("error", [0.01, 0.15])
def test_a_traced_drawing_on_a_large_canvas_comes_out_clean(svg, side, error):
    """Corners meet, lines are level or upright, and points are on whole units, whatever a unit's size."""
    generator, unit = np.random.default_rng(0), side / 32
    corners = [(4, 4), (28, 4), (28, 28), (4, 28), (4, 4)]
    traced = np.array(corners) * unit + generator.uniform(-error, error, (5, 2)) * side / 24
    d = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in traced)
    text, result = tidy_svg(svg(f'<path d="{d}" {STROKE}/>', f'viewBox="0 0 {side} {side}"'))
    assert result.moved
    written = re.search(r' d="M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)H\1V\2"', text)
    assert written
    near = np.array([float(value) for value in written.groups()]) - np.array([4, 4, 28, 28]) * unit
    assert np.abs(near).max() <= max(2.5 * error * side / 24, 0.5)
    if error > 0.1 or side >= 512:
        assert all(float(value).is_integer() for value in written.groups())
    assert not tidy_svg(text)[1].changed


def test_a_move_that_a_file_hardly_resolves_is_none(svg):
    text = svg(f'<path d="M2 3H9M2 7H9.004" {STROKE}/>', 'viewBox="0 0 24 24"')
    assert not tidy_svg(text)[1].changed


def test_the_command_says_what_moved(folder, tmp_path, capsys):
    assert cli.main(["tidy", "--svg", str(folder), "--output_dir", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("wobbly.svg: coordinates moved:") for line in lines)
    assert "deep/clean.svg: in order" in lines and any("text.svg: left as it is" in line for line in lines)
    assert cli.main(["tidy", "--svg", str(folder), "--output_dir", "x", "--without", "grids"]) == 2
    assert "the rules are" in capsys.readouterr().err


def test_the_next_command_reads_the_results(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["tidy", "--svg", str(folder / "wobbly.svg"), "--output_dir", str(out)]) == 0
    assert f"next: svgfusion roundtrip --svg_dir {out} " in capsys.readouterr().out
    assert cli.main(["tidy", "--svg", str(folder / "wobbly.svg"), "--in_place"]) == 0
    assert "next:" not in capsys.readouterr().out


@pytest.mark.parametrize("in_place", [True, False])
def test_a_link_that_leads_out_of_the_folder_is_refused(folder, tmp_path, in_place):
    (tmp_path / "mine.svg").write_text("mine")
    (folder / "z.svg").symlink_to(tmp_path / "mine.svg")
    with pytest.raises(UserError, match="'z.svg' leads out of its folder"):
        tidy_files(folder, None if in_place else tmp_path / "out", in_place)
    assert (tmp_path / "mine.svg").read_text() == "mine" and (folder / "z.svg").is_symlink()
    assert WOBBLY in (folder / "wobbly.svg").read_text()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("feature", APPROXIMATED)
def test_what_is_only_approximated_is_said_and_never_written_over(tmp_path, svg, capsys, feature):
    folder, size = tmp_path / "svgs", 'viewBox="0 0 24 24" width="48" height="48"'
    folder.mkdir()
    (folder / "a.svg").write_text(svg(APPROXIMATED[feature], size))
    before = (folder / "a.svg").read_bytes()
    assert cli.main(["tidy", "--svg", str(folder), "--output_dir", str(tmp_path / "out")]) == 0
    assert f"; approximated: {feature}" in capsys.readouterr().out
    said = json.loads((tmp_path / "out" / "tidy.json").read_text())["files"]["a.svg"]["approximated"]
    assert len(said) == 1 and said[0].startswith(feature) and (tmp_path / "out" / "a.svg").exists()
    assert cli.main(["tidy", "--svg", str(folder), "--in_place"]) == 0
    assert f"a.svg: left as it is (has features that would be approximated: {feature}" in capsys.readouterr().out
    assert (folder / "a.svg").read_bytes() == before


@pytest.mark.parametrize(("size", "written"), [
    ('viewBox="0 0 24 24" width="48" height="48"', 'width="48" height="48" viewBox="0 0 24 24"'),
    ('viewBox="0 0 24 24" width="1.5em" height="1.5em"', 'width="1.5em" height="1.5em" viewBox="0 0 24 24"'),
    ('viewBox="0 0 24 24"', 'viewBox="0 0 24 24"'),
    ('width="24px" height="24px"', 'width="24px" height="24px" viewBox="0 0 24 24"'),
    ('viewBox="0 0 24 24" width="48&quot;" height="48"', 'width="24" height="24" viewBox="0 0 24 24"'),
    ('viewBox="0 0 24 24" style="width:48px"', 'width="24" height="24" viewBox="0 0 24 24"'),
])
def test_a_file_keeps_its_size_on_a_page(svg, size, written):
    assert tidy_svg(svg(f'<path d="{WOBBLY}" {STROKE}/>', size))[0].startswith(
        f'<svg xmlns="http://www.w3.org/2000/svg" {written} fill="none"'
    )


def test_a_file_keeps_its_name_and_class(svg):
    named = 'viewBox="0 0 24 24" class="icon md:w-1/2" role="img" aria-label="A &amp; B" aria-labelledby="t"'
    text, _ = tidy_svg(svg(f'<title id="t">A &lt; B</title><path d="{WOBBLY}" {STROKE}/>', named))
    assert named.removeprefix('viewBox="0 0 24 24" ') + ">\n" in text and '<title id="t">A &lt; B</title>' in text
    assert tidy_svg(text)[0] == text


def test_a_file_keeps_its_licence_and_what_pages_say_about_it(svg):
    """A comment with the licence, and attributes of the root, were dropped without a word."""
    said = (
        'id="bell" preserveAspectRatio="xMinYMid slice" data-icon="bell-ring" data-name="Layer 1" data-empty=""'
        ' focusable="false"'
    )
    licence = "<!-- Icons by A & B,\n     CC BY 4.0 -->\n"
    drawing = svg(f'<path d="{WOBBLY}" {STROKE}/>', f'viewBox="0 0 24 24" {said}')
    for before in (licence, f'<?xml version="1.0"?>\n{licence}<!DOCTYPE svg>\n', f"<!DOCTYPE svg>{licence}"):
        text, _ = tidy_svg((before + drawing).encode())
        assert text.startswith(licence + "<svg ") and said in text.splitlines()[2]
        assert tidy_svg(text)[0] == text


@pytest.mark.parametrize("comment", ["<!--><script>y()</script>-->", "<!---><script>y()</script>-->"])
def test_a_comment_does_not_end_early_in_a_page(svg, comment):
    """HTML ends a comment at `<!-->` and `<!--->`, XML does not."""
    text, _ = tidy_svg(comment + svg(f'<path d="{WOBBLY}" {STROKE}/>', 'viewBox="0 0 24 24"'))
    assert text.startswith(("<!-- ><script>", "<!-- -><script>")) and text.count("<!--") == 1


def test_nothing_that_runs_or_fetches_is_kept(svg):
    hostile = (
        'viewBox="0 0 24 24" onload="x()" style="fill:url(//x())" href="x()" xml:base="x()" id="x()" role="x()"'
        ' aria-label="&quot;&gt;&lt;script&gt;y()&lt;/script&gt;&#10;" aria-x1="x()"'
        ' data-hx-get="//x()" data-a="&lt;x()" focusable="x()" preserveAspectRatio="x()"'
        ' class="&quot; onclick=&quot;x()"'
    )
    title = '<title id="layer-1" onclick="x()">&lt;/title&gt;<script>y()</script></title>'
    text, _ = tidy_svg(svg(f'{title}<path d="{WOBBLY}" {STROKE}/>', hostile))
    assert "x()" not in text and "<script" not in text and text.count("layer-1") == 1
    assert 'aria-label="&quot;&gt;&lt;script&gt;y()&lt;/script&gt;">' in text
    assert text.count("y()") == 2  # as text, not code:
    assert [local_name(element) for element in read_document(text).iter()] == ["svg", "title", "path"]


@pytest.mark.parametrize(("paint", "root", "kept"), [
    ("currentColor", "", True), ("CURRENTCOLOR", "", True), ("currentColor", 'color="red"', False),
    ("currentColor", 'style="color:red"', False), ("#123456", 'data-x="currentColor"', False), ("#000", "", False),
])
def test_current_colour_stays_if_it_is_the_only_paint(svg, paint, root, kept):
    drawing = f'<path d="{WOBBLY}" {STROKE.replace("#000", paint)}/>'
    text, _ = tidy_svg(svg(drawing, f'viewBox="0 0 24 24" {root}'))
    assert ('stroke="currentColor"' in text) == kept and ('stroke="#' in text) != kept
    text, _ = tidy_svg(svg(drawing + '<circle cx="9" cy="9" r="3"/>', f'viewBox="0 0 24 24" {root}'))
    assert "currentColor" not in text.replace(' data-x="currentColor"', "")  # data-* of the root is kept
