"""docs/cli.md, made of the parsers themselves, so that page and `--help` cannot differ.

    python -m svgfusion_lib.cli.reference docs/cli.md
"""

import argparse
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from svgfusion_lib.cli import build_parser, data, editing, measuring, stage_parsers, training
from svgfusion_lib.cli.meanings import EXAMPLES
from svgfusion_lib.system.files import write_text

SHARED_BY = 4  # stages, from which on a flag is explained once for all
TABLE = ["| flag | default | |", "|---|---|---|"]
CHAPTERS = {"Data": data, "Training": training, "Drawing and measuring": measuring, "Editing": editing}
OPENING = """\
# The command line

<!-- Made by `make docs` from the commands' own parsers (svgfusion_lib/cli/); edit those. -->

`svgfusion STAGE --flags`, or `python -m svgfusion_lib STAGE --flags`; `svgfusion STAGE --help` says the same. Paths are
relative to the current folder; folders are created as needed.

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
    count = Counter(_line(action) for parser in stages.values() for action in _flags(parser))
    shared = {line for line, times in count.items() if times >= SHARED_BY and "**needed**" not in line}
    parts = [OPENING, "## Flags of several stages\n", *TABLE, *sorted(shared), ""]
    for title, module in CHAPTERS.items():
        links = ", ".join(f"[{name}](#{name})" for name in module.STAGES)
        parts.append(f"## {title}\n\n{module.__doc__} {links}\n")
        parts += [_section(name, stages[name], shared) for name in module.STAGES]
    return "\n".join(parts)


def _section(name: str, parser: argparse.ArgumentParser, shared: Collection[str]) -> str:
    """One stage; `shared` are lines of the table of all stages, of which this one names the flags alone."""
    text = parser.description or ""
    example = f"svgfusion {name} {EXAMPLES[name]}"
    lines = [f"### {name}", "", f"{text[:1].upper()}{text[1:]}.", "", "```sh", example, "```", ""]
    actions = _flags(parser)
    lines += [*TABLE, *(line for line in map(_line, actions) if line not in shared)]
    others = [f"`{flag}`" for action in actions if _line(action) in shared for flag in action.option_strings]
    if others:
        lines += ["", f"And [of several stages](#flags-of-several-stages): {', '.join(others)}"]
    return "\n".join(lines) + "\n"


def _flags(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.dest != "help"]


def _line(action: argparse.Action) -> str:
    flags = ", ".join(f"`{flag}`" for flag in action.option_strings)
    if action.choices:
        values = " " + ", ".join(f"`{choice}`" for choice in action.choices)
    elif action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        values = ""
    else:
        values = f" {action.metavar}" if isinstance(action.metavar, str) else ""
        values += " ..." if action.nargs == "+" else ""
    return f"| {flags}{values} | {_default(action)} | {(action.help or '').replace('|', chr(92) + '|')} |"


def _default(action: argparse.Action) -> str:
    """The default value as a user would type it."""
    if action.required:
        return "**needed**"
    if action.default is None or action.default is False or action.default == []:
        return ""
    if isinstance(action.default, list):
        return " ".join(map(str, action.default))
    return f"`{action.option_strings[0]}`" if action.default is True else str(action.default)


if __name__ == "__main__":
    write_text(sys.argv[1] if len(sys.argv) > 1 else Path("docs") / "cli.md", reference())
