"""docs/cli.md, made of the parsers themselves, so that page and `--help` cannot differ.

    python -m svgfusion_lib.cli.reference docs/cli.md
"""

import argparse
import sys
from pathlib import Path

from svgfusion_lib.cli import build_parser, data, editing, measuring, stage_parsers, training
from svgfusion_lib.cli.meanings import EXAMPLES
from svgfusion_lib.system.files import write_text

WIDTH = 118  # of an example's lines
CHAPTERS = {"Data": data, "Training": training, "Drawing and measuring": measuring, "Editing": editing}
OPENING = """\
# The command line

<!-- Made by `make docs` from the commands' own parsers (svgfusion_lib/cli/); edit those. -->

`svgfusion STAGE --flags`, or `python -m svgfusion_lib STAGE --flags`. Every stage calls the function that its notebook
calls, and `svgfusion STAGE --help` says what stands here. Paths are relative to where you are; folders are made as
needed.

| exit code | |
|---|---|
| 0 | done |
| 2 | something that you can put right: one line says what is wrong, in which file, and what to do |
| 3 | paused by `--max_minutes`; rerun the same command to resume |
| 130 | interrupted (Ctrl-C); rerun the same command to resume a training |
"""


def reference() -> str:
    """The page: a chapter for each group of stages, each stage with an example and a table of its flags."""
    stages = stage_parsers(build_parser())
    parts = [OPENING]
    for title, module in CHAPTERS.items():
        links = ", ".join(f"[{name}](#{name})" for name in module.STAGES)
        parts.append(f"## {title}\n\n{module.__doc__} {links}\n")
        parts += [_section(name, stages[name]) for name in module.STAGES]
    return "\n".join(parts)


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    lines = [f"### {name}", "", _sentence(parser.description or ""), "", "```sh", *example(name), "```", ""]
    lines += ["| flag | default | |", "|---|---|---|"]
    lines += [_line(action) for action in parser._actions if action.dest != "help"]
    return "\n".join(lines) + "\n"


def example(name: str) -> list[str]:
    """The example of a stage as lines of a shell."""
    lines = [f"svgfusion {name}"]
    for flag in EXAMPLES[name].split(" --"):
        flag = f"--{flag.removeprefix('--')}"
        if len(lines[-1]) + len(flag) + 3 > WIDTH:
            lines[-1] += " \\"
            lines.append(f"    {flag}")
        else:
            lines[-1] += f" {flag}"
    return lines


def _line(action: argparse.Action) -> str:
    flags = ", ".join(f"`{flag}`" for flag in action.option_strings)
    if action.choices:
        values = " " + ", ".join(f"`{choice}`" for choice in action.choices)
    elif action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        values = ""
    else:
        values = f" {action.metavar or action.dest.upper()}" + (" ..." if action.nargs == "+" else "")
    return f"| {flags}{values} | {_default(action)} | {(action.help or '').replace('|', chr(92) + '|')} |"


def _default(action: argparse.Action) -> str:
    """As somebody would type it."""
    if action.required:
        return "**needed**"
    if any(action.default is nothing for nothing in (None, False, argparse.SUPPRESS)) or action.default == []:
        return ""
    if isinstance(action.default, list):
        return " ".join(map(str, action.default))
    return f"`{action.option_strings[0]}`" if action.default is True else str(action.default)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


if __name__ == "__main__":
    write_text(sys.argv[1] if len(sys.argv) > 1 else Path("docs") / "cli.md", reference())
