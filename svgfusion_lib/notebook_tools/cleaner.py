"""Cleans notebooks for committing: keeps outputs, removes traces of one machine or run.

    python -m svgfusion_lib.notebook_tools.cleaner notebooks/*.ipynb     clean in place
"""

import argparse
import ast
import re
import sys
from pathlib import Path
from typing import Any

from svgfusion_lib.errors import UserError
from svgfusion_lib.notebook_tools.parameters import KINDS
from svgfusion_lib.system.files import write_text

MAX_NOTEBOOK_BYTES = 600_000
MAX_CODE_CELLS = 16
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_PROGRESS_BAR = re.compile(r"\d+%\|")
_ABSOLUTE_PATH = re.compile(r"(?<![\w.~/:<-])/(?:home|Users|root|work|tmp|opt|var|usr|private)/[\w.-]+")


def tags_of(cell: dict) -> list[str]:
    """The tags of a cell."""
    return cell.get("metadata", {}).get("tags", [])


def parameters_of(notebook: dict) -> dict[str, Any]:
    """Names and `__annotations__` from the only `parameters` cell; ValueError if it has more than literals."""
    cells = [cell for cell in notebook["cells"] if "parameters" in tags_of(cell)]
    if len(cells) != 1:
        raise ValueError(f"{len(cells)} cells tagged `parameters`, exactly one is needed")
    values: dict[str, Any] = {}
    kinds: dict[str, Any] = {}
    for statement in ast.parse(cells[0]["source"]).body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value):
            raise ValueError(f"line {statement.lineno} is not `NAME: type = literal`")
        name, kind = statement.target.id, ast.unparse(statement.annotation)
        if kind not in KINDS:
            raise ValueError(f"{name} is {kind}, not one of {', '.join(KINDS)}")
        try:
            values[name], kinds[name] = ast.literal_eval(statement.value), KINDS[kind]
        except ValueError as error:
            raise ValueError(f"{name} is not a plain literal") from error
    return values | {"__annotations__": kinds}


def clean(notebook: dict) -> dict:
    """Remove run metadata, injected cells, stderr and widget views from a notebook.

    Executed cells are numbered by position: counts that differ between runs would be noise in diffs, and without
    counts nbval would treat the cells as never run.
    """
    cells: list[dict] = []
    place = 0
    for cell in notebook["cells"]:
        if "injected-parameters" in tags_of(cell):
            continue
        cell = dict(cell, metadata={"tags": tags_of(cell)} if tags_of(cell) else {})
        if cell["cell_type"] == "code":
            place += 1
            count = place if cell["execution_count"] is not None or cell["outputs"] else None
            cell["execution_count"] = count
            cell["outputs"] = [_clean_output(output, count) for output in cell["outputs"] if _is_kept(output)]
        cells.append(cell)
    metadata = {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _is_kept(output: dict) -> bool:
    if output["output_type"] == "stream":
        return output["name"] == "stdout" and bool(_without_bars(output["text"]))
    return WIDGET_VIEW not in output.get("data", {})


def _clean_output(output: dict, execution_count: int | None) -> dict:
    output = dict(output)
    if "execution_count" in output:
        output["execution_count"] = execution_count
    if "metadata" in output:
        output["metadata"] = {}
    if "image/png" in output.get("data", {}):  # one copy of a picture is enough
        output["data"] = {kind: value for kind, value in output["data"].items() if kind != "image/jpeg"}
    if output["output_type"] == "stream":
        output["text"] = _without_bars(output["text"])
    return output


def _without_bars(text: str) -> str:
    """Remove progress bars from a stream, and keep only the last state of other rewritten lines."""
    lines = (line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join(line for line in lines if not _PROGRESS_BAR.search(line))


def problems(notebook: dict) -> list[str]:
    """Reasons why a notebook cannot be committed; empty if it is clean."""
    found = [] if clean(notebook) == notebook else ["contains traces of a run: clean it"]
    try:
        parameters_of(notebook)
    except ValueError as error:
        found.append(f"parameters: {error}")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if len(code) > MAX_CODE_CELLS:
        found.append(f"{len(code)} code cells, more than {MAX_CODE_CELLS}")
    if notebook["cells"][0]["cell_type"] != "markdown":
        found.append("does not start with a text cell")
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            found += [f"cell {number}: {what}" for what in _cell_problems(cell)]
    return found


def _cell_problems(cell: dict) -> list[str]:
    found = []
    if re.search(r"^(def|class|async def) ", cell["source"], re.MULTILINE):
        found.append("defines a function or class, which belongs in svgfusion_lib")
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            found.append(f"an error output: {output.get('ename')}")
        texts = [value for key, value in output.get("data", {}).items() if key.startswith("text/")]
        for text in [output.get("text", ""), *texts]:
            if match := _ABSOLUTE_PATH.search(text):
                found.append(f"an absolute path in its output: {match.group()}")
    return found


def read_notebook(path: str | Path) -> dict:
    """Read a notebook, with sources and texts as single strings; UserError if that fails."""
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError as error:
        raise UserError(f"No such notebook: {path}") from error
    except (ValueError, nbformat.ValidationError) as error:
        raise UserError(f"{path} is not a notebook: {str(error).splitlines()[0]:.200}") from error


def write_notebook(path: str | Path, notebook: dict) -> Path:
    """Write a notebook as Jupyter does (indent 1, sources as lists of lines), so that diffs stay small."""
    import nbformat

    text = nbformat.writes(nbformat.from_dict(notebook), version=nbformat.NO_CONVERT)
    return write_text(path, text.rstrip("\n") + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Clean notebooks in place and report remaining problems."""
    parser = argparse.ArgumentParser(prog="notebook_clean", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="notebooks")
    options = parser.parse_args(arguments)
    try:
        for path in options.files:
            write_notebook(path, clean(read_notebook(path)))
            for problem in problems(read_notebook(path)):
                print(f"{path}: {problem}")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
