"""The SVG editing commands: outputs render, and bad input gives a one-line error."""

from pathlib import Path

import numpy as np
import pytest

from svgfusion_lib import SVGFusionPipeline, cli
from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.editing import layer_colour
from svgfusion_lib.editing.files import recolour_svg, vary_svg
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from tests.helpers import samples_of, svg

DRAWINGS = {
    "cart": '<circle cx="6" cy="19" r="2"/><path d="M17 17H6V3H4"/><path d="m6 5l14 1l-1 7H6"/>',
    "mail": '<path d="M4 6l8 6l8-6"/><rect width="20" height="16" x="2" y="4" rx="2"/>',
    "grid": "".join(f'<path d="M{x} 2v20M2 {x}h20"/>' for x in range(2, 22)),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, shapes in DRAWINGS.items():
        Path(f"{name}.svg").write_text(svg(shapes, 'fill="none" stroke="#000" stroke-width="2"'))
    Path("broken.svg").write_text("<svg")
    return tmp_path


@pytest.mark.parametrize(("command", "files"), [
    ("vary --svg cart.svg --prompt cart --num_samples 2", ["0.svg", "1.svg", "reconstruction.svg", "samples.json"]),
    ("redraw --svg cart.svg --keep 1 3 --prompt cart --num_samples 1", ["0.svg", "reconstruction.svg", "samples.json"]),
    ("redraw --svg cart.svg --keep 1 --prompt cart --num_samples 1 --resample 1",
     ["0.svg", "reconstruction.svg", "samples.json"]),
    ("restyle --svg cart.svg --style lucide --prompt cart --num_samples 1",
     ["0.svg", "reconstruction.svg", "samples.json"]),
    ("morph --svg cart.svg --svg_b mail.svg --match order --steps 2",
     ["00.svg", "01.svg", "morph.svg", "samples.json"]),
    ("morph --svg cart.svg --svg_b mail.svg --steps 3", ["00.svg", "01.svg", "02.svg", "morph.svg", "samples.json"]),
])
def test_commands_write_files_that_render(folder, command, files):
    quick = ["--ddim_steps", "3"] if "--prompt" in command else []
    assert cli.main([*command.split(), "--output_dir", "out", *quick]) == 0
    assert sorted(path.name for path in Path("out").glob("[!.]*")) == sorted([*files, "sheet.png"])
    for name in files:
        if name == "samples.json":
            assert all(entry["file"] in files for entry in samples_of(Path("out")))
        else:
            render_svg(Path("out", name).read_text(), 32)
            parse_svg(Path("out", name))


def test_python_draws_what_the_command_draws(folder):
    pipeline = SVGFusionPipeline.from_pretrained()
    flags = ["--prompt", "red cart emoji", "--num_samples", "1", "--ddim_steps", "2"]
    assert cli.main(["vary", "--svg", "cart.svg", *flags, "--output_dir", "command"]) == 0
    config = SamplingConfig(num_inference_steps=2)
    vary_svg(pipeline, "cart.svg", "red cart emoji", "python", num_samples=1, config=config)
    assert Path("python/0.svg").read_text() == Path("command/0.svg").read_text()


def test_a_recoloured_file_is_the_same_drawing(folder):
    assert cli.main(["palette", "--svg", "cart.svg", "--palette", "#d33", "#264653", "--output_dir", "out"]) == 0
    before, after = parse_svg(Path("cart.svg")).rows, parse_svg(Path("out/cart.svg")).rows
    assert np.allclose(before[:, :10], after[:, :10], atol=2e-3)
    assert {layer_colour(after, k) for k in (1, 2, 3)} == {"#dd3333", "#264653"}
    recolour_svg("cart.svg", ["#d33", "#264653"], "python")
    assert Path("python/cart.svg").read_text() == Path("out/cart.svg").read_text()


@pytest.mark.parametrize(("command", "message"), [
    ("restyle --svg cart.svg --style lucide --prompt cart --strength -1", "strength is -1"),
    ("palette --svg cart.svg --palette red", "'red' is not a colour"),
    ("palette --svg cart.svg --palette #d33 --by mood", "not by 'mood'"),
    ("palette --svg cart.svg --palette #d33 --output_dir .", "is not apart from the input cart.svg"),
    ("redraw --svg cart.svg --keep 1 --prompt cart --resample -1", "resample is -1"),
    ("morph --svg cart.svg --svg_b mail.svg --match mood", "not by 'mood'"),
    ("vary --svg broken.svg --prompt cart", "broken.svg: not well-formed"),
    ("vary --svg grid.svg --prompt cart", "grid.svg: has 40 parts"),
    ("vary --svg cart.svg --prompt cart --strength 2", "strength is 2.0"),
    ("vary --svg cart.svg --prompt cart --ddim_steps 5000", "--ddim_steps is 5000"),
    ("vary --svg cart.svg --prompt cart --style tablet", "no style 'tablet'"),
    ("redraw --svg cart.svg --keep 0 2 --prompt cart", "cart.svg: has no layer 0; its layers are 1 to 3"),
    ("redraw --svg cart.svg --keep 1 2 3 --prompt cart", "nothing to draw"),
    ("redraw --svg cart.svg --keep 1 --prompt=", "a prompt is empty"),
    ("morph --svg cart.svg --svg_b broken.svg", "broken.svg: not well-formed"),
    ("morph --svg cart.svg --svg_b mail.svg --steps 1", "at least 2"),
])
def test_bad_input_is_one_line_and_exit_code_2(folder, capsys, command, message):
    assert cli.main([command.split()[0], "--output_dir", "out", *command.split()[1:]]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and message in lines[0] and not Path("out").exists()


@pytest.mark.parametrize("command", [
    "vary --svg cart.svg --prompt cart", "redraw --svg cart.svg --keep 1 --prompt cart",
    "restyle --svg cart.svg --style lucide --prompt cart", "morph --svg cart.svg --svg_b mail.svg",
])
def test_nothing_is_drawn_for_a_folder_of_others(folder, capsys, monkeypatch, command):
    monkeypatch.setattr("svgfusion_lib.cli.editing.load_pipeline", lambda *_: pytest.fail("has drawn"))
    Path("out").mkdir()
    Path("out/mine.svg").write_text("mine")
    assert cli.main([*command.split(), "--output_dir", "out"]) == 2
    assert "choose another output folder" in capsys.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["mine.svg"]


@pytest.mark.parametrize("command", [
    "vary --svg cart.svg --prompt cart --num_samples 1 --ddim_steps 2", "palette --svg cart.svg --palette #d33",
    "morph --svg cart.svg --svg_b cart.svg --steps 2",
])
def test_what_an_edited_file_loses_is_said(folder, capsys, command):
    more = "<text>a</text><text>b</text><image/></svg>"
    Path("cart.svg").write_text(Path("cart.svg").read_text().replace("</svg>", more))
    assert cli.main([*command.split(), "--output_dir", "out"]) == 0
    lost = "image, text (2 times)"
    assert f"left out of cart.svg: {lost}" in capsys.readouterr().out
    entries = samples_of(Path("out"))
    assert {entry[name] for entry in entries for name in entry if name.startswith("left_out")} == {lost}
