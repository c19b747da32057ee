"""Prompts of any characters: drawn, with safe file names, or refused in one line."""

import re

import pytest

from svgfusion_lib import cli
from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.generate import generate, read_prompts
from svgfusion_lib.utils.render import render_svg
from tests.helpers import samples_of

PROMPTS = [
    "<script>alert('x')</script>", "]]><svg onload=alert(1)>", "😀 👩\u200d🚀 emoji",
    "\u202eقلب أحمر \u202c לב", "a\nb\tc\x07",
    "../../../etc/passwd", "%s {x} $HOME `id` \\", "CON", "con!", "c o n", "ﬁre", "FIRE",
    "ﷺ" * 30, "z̷̢a̶l̸g̵o̶" * 5, "x" * 1000,
]


def test_each_prompt_is_drawn_into_a_file_of_a_safe_name(pipeline, tmp_path):
    entries = generate(pipeline, PROMPTS, tmp_path / "out", config=SamplingConfig(num_inference_steps=1, candidates=1))
    assert [entry["prompt"] for entry in entries] == PROMPTS
    assert samples_of(tmp_path / "out") == entries
    assert {p.name for p in tmp_path.iterdir()} == {"out"}
    assert len({entry["file"].casefold() for entry in entries}) == len(PROMPTS)
    for entry in entries:
        assert re.fullmatch(r"\d{3}_[a-z0-9-]{1,40}_0\.svg", entry["file"]), entry["file"]
        svg = (tmp_path / "out" / entry["file"]).read_text()
        assert "script" not in svg and "onload" not in svg
        render_svg(svg, 16)


@pytest.mark.parametrize(("prompt", "reason"), [
    ("x" * 10_000, "a prompt has 10000 characters"), (" \n", "a prompt is empty"),
    ("\udcff heart", "a prompt is not text"),
])
def test_a_prompt_that_cannot_be_drawn_is_refused(pipeline, tmp_path, capsys, prompt, reason):
    with pytest.raises(UserError, match=reason):
        generate(pipeline, [prompt], tmp_path / "out")
    assert cli.main(["generate", "--prompt", prompt, "--output_dir", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"# only this\n", b"\n\n"])
def test_a_file_of_prompts_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "prompts.txt").write_bytes(content)
    with pytest.raises(UserError, match=r"prompts\.txt: "):
        read_prompts(tmp_path / "prompts.txt")
