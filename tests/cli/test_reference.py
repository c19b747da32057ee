"""docs/cli.md matches the parsers, and every documented command parses."""

import re
import shlex

import pytest

from svgfusion_lib import cli
from svgfusion_lib.cli import stage_parsers
from svgfusion_lib.cli.meanings import EXAMPLES, FLAG_HELP, NEXT
from svgfusion_lib.cli.reference import reference
from tests.helpers import NOTEBOOKS, PAGES, ROOT, text_of

COMMAND = re.compile(r"(?:\bsvgfusion|-m svgfusion_lib) ([a-z_]+)([^`|#;\n]*)")


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Every `svgfusion STAGE --flags` in a text: the stage and its flags."""
    lines = re.sub(r"\\+\n\s*", " ", text)
    unquoted = re.sub(r'"[^"\n]*"', '""', lines)
    return [(stage, re.findall(r"(?<!\S)--[\w-]+", flags)) for stage, flags in COMMAND.findall(unquoted)]


def test_the_page_is_what_the_parsers_say():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "docs/cli.md is out of date: run `make docs`"


@pytest.mark.parametrize("stage", cli.STAGES)
def test_every_stage_and_flag_is_explained(stage):
    page = reference()
    section = page[page.index(f"### {stage}\n"):].split("\n##", 1)[0]
    for action in stage_parsers(cli.build_parser())[stage]._actions:
        assert action.help, f"{stage} {action.option_strings[0]} says nothing: FLAG_HELP, or help= where it is added"
        if action.dest != "help":
            assert all(f"`{flag}`" in section for flag in action.option_strings)


@pytest.mark.parametrize("stage", cli.STAGES)
def test_the_example_of_a_stage_and_the_command_that_follows_can_be_typed(stage):
    parser = cli.build_parser()
    options = vars(parser.parse_args([stage, *shlex.split(EXAMPLES[stage])]))
    assert "None" not in cli.next_command(stage, options)
    words = shlex.split(cli.next_command(stage, options | {"output_dir": "a folder; rm -r"}))
    assert words[0] == "svgfusion"
    parser.parse_args(words[1:])


@pytest.mark.parametrize(("command", "expected"), [
    ("train_vae --precomputed_dir data/cache --output_dir vae", "--precomputed_dir data/cache "),
    ("train_vae --svg_dir icons --output_dir vae", "--precomputed_dir vae/cache "),
    ("evaluate --model emoji --precomputed_dir c --output_dir o", "--output_dir outputs/sweep --model emoji "),
    ("sweep --vary eta=0 --vae_checkpoint a --dit_checkpoint b --precomputed_dir c --output_dir o",
     "--output_dir outputs/evaluation --vae_checkpoint a --dit_checkpoint b"),
    ("generate --prompt cat --output_dir o", "vary --svg o/NAME.svg "),
    ("vary --svg a.svg --prompt cat --num_samples 1 --output_dir o", "--svg o/reconstruction.svg --svg_b o/0.svg "),
    ("vary --svg a.svg --prompt beer --style twemoji --output_dir o", "outputs/morph --model emoji "),
    ("vary --svg a.svg --prompt \u2764 --output_dir o", "outputs/morph --model emoji "),
    ("vary --svg a.svg --prompt cat --style tabler --output_dir o", "--output_dir outputs/morph "),
    ("vary --svg a.svg --prompt cat --model line --output_dir o", "outputs/morph --model line "),
    ("vary --svg a.svg --prompt cat --model emoji --output_dir o", "--output_dir outputs/morph --model emoji "),
])
def test_the_command_that_follows_uses_what_the_stage_used(command, expected):
    options = vars(cli.build_parser().parse_args(command.split()))
    assert expected in f"{cli.next_command(options['stage'], options)} "


def test_no_word_is_kept_for_a_flag_that_is_gone():
    known = {action.dest for parser in stage_parsers(cli.build_parser()).values() for action in parser._actions}
    assert set(FLAG_HELP) <= known and set(EXAMPLES) == set(cli.STAGES)


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda path: path.name)
def test_commands_in_the_documentation_exist(page):
    parsers = stage_parsers(cli.build_parser())
    wrong = []
    for stage, flags in commands(text_of(page)):
        known = parsers[stage]._option_string_actions if stage in parsers else {}
        wrong += [f"{stage} {flag}" for flag in ([] if stage in parsers else [""]) + flags if flag not in known]
    assert wrong == []


def test_commands_are_found_where_they_stand():
    text = 'run `svgfusion generate --prompt "a --b" --seed 1` or\n    svgfusion sweep --vary a=1 \\\n    --seed 2\n'
    assert commands(text) == [("generate", ["--prompt", "--seed"]), ("sweep", ["--vary", "--seed"])]


def test_defaults_are_said_and_zero_is_one(capsys):
    with pytest.raises(SystemExit):
        cli.main(["generate", "--help"])
    text = capsys.readouterr().out
    assert "(default: 0)" in text and "default: None" not in text and "example:\n  svgfusion generate" in text


@pytest.mark.parametrize("model", [None, "line", "emoji"])
@pytest.mark.parametrize("stage", [stage for stage, command in NEXT.items() if "{chosen_model}" in command])
def test_the_command_that_follows_uses_the_model_that_the_stage_used(stage, model):
    """After `generate --model line`, `vary` chose the model by the prompt."""
    parser = cli.build_parser()
    given = [] if model is None else ["--model", model]
    options = vars(parser.parse_args([stage, *shlex.split(EXAMPLES[stage]), *given]))
    following = parser.parse_args(shlex.split(cli.next_command(stage, options))[1:])
    assert following.model == options["model"]
