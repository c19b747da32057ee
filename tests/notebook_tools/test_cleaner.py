"""What a committed notebook may and may not contain."""

import copy
import itertools

import nbformat
import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.notebook_tools.cleaner import (
    WIDGET_VIEW,
    clean,
    main,
    parameters_of,
    problems,
    read_notebook,
    write_notebook,
)

# Split in two, so that the repository's hygiene test does not find it.
MACHINE_PATH = "/ho" "me/someone/file.svg"
NUMBERS = itertools.count()


def code(source: str, outputs=(), **metadata) -> dict:
    cell = {"cell_type": "code", "execution_count": 3, "source": source, "outputs": list(outputs)}
    return cell | {"id": f"c{next(NUMBERS)}", "metadata": metadata}


def stream(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": text}


def display(**data) -> dict:
    data = {kind.replace("_", "/"): value for kind, value in data.items()}
    return {"output_type": "display_data", "data": data, "metadata": {"isolated": True}}


def notebook(*cells: dict, **metadata) -> dict:
    opening = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# A title"}
    parameters = code("SEED: int = 1", tags=["parameters"])
    spec = {"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}}
    cells = [opening, parameters, *cells]
    return {"cells": cells, "metadata": spec | metadata, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize("cell, said", [
    (code("x", [{"output_type": "error", "ename": "E"}]), "an error output"),
    (code("x", [stream(f"saved {MACHINE_PATH}\n")]), "an absolute path"),
    (code("x", [display(text_plain=f"'{MACHINE_PATH}'")]), "an absolute path"),
    (code("def f():\n    pass"), "belongs in svgfusion_lib"),
    (code("class A:\n    pass"), "belongs in svgfusion_lib"),
    (code("OTHER = 1", tags=["parameters"]), "2 cells tagged `parameters`"),
])
def test_problems_names_what_is_wrong(cell, said):
    assert any(said in problem for problem in problems(notebook(cell)))


@pytest.mark.parametrize("text", [
    "saved ../runs/smoke/01_data/svg", "step 3/400", "<path d='M3 4/5'/>", "</svg>",
    "https://example.org/home/page",
])
def test_problems_lets_ordinary_text_pass(text):
    assert problems(clean(notebook(code("print()", [stream(text)])))) == []


def test_clean_removes_everything_problems_objects_to():
    dirty = notebook(
        code("x", [stream("warning", "stderr"), stream("kept\n")], papermill={}, execution={}, tags=["keep"]),
        code("SEED = 2", tags=["injected-parameters"]),
        code("y", [{"output_type": "display_data", "data": {WIDGET_VIEW: {}}, "metadata": {}}]),
        widgets={}, papermill={},
    )
    before = copy.deepcopy(dirty)
    cleaned = clean(dirty)
    assert dirty == before
    assert "traces of a run" in problems(dirty)[0] and problems(cleaned) == []
    assert [len(cell.get("outputs", ())) for cell in cleaned["cells"]] == [0, 0, 1, 0]
    assert cleaned["cells"][2]["metadata"] == {"tags": ["keep"]}
    assert clean(cleaned) == cleaned
    nbformat.validate(nbformat.from_dict(cleaned))


def test_clean_numbers_cells_by_their_place():
    result = {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}, "execution_count": 41}
    never_run = code("y") | {"execution_count": None}
    cleaned = clean(notebook(code("x", [result]), never_run, code("z")))
    assert [cell.get("execution_count") for cell in cleaned["cells"][1:]] == [1, 2, None, 4]
    assert cleaned["cells"][2]["outputs"][0]["execution_count"] == 2


def test_clean_leaves_progress_bars_out():
    bar = "icons:   0%|  | 0/2\ricons:  50%|# | 1/2\ricons: 100%|##| 2/2\n"
    cleaned = clean(notebook(code("x", [stream(f"{bar}one\rdone\n")]), code("y", [stream(bar)])))
    assert cleaned["cells"][2]["outputs"][0]["text"] == "done\n" and cleaned["cells"][3]["outputs"] == []


def test_clean_keeps_one_copy_of_a_picture():
    cleaned = clean(notebook(code("x", [display(image_png="A", image_jpeg="B", text_plain="P")])))
    assert set(cleaned["cells"][2]["outputs"][0]["data"]) == {"image/png", "text/plain"}


@pytest.mark.parametrize("source, said", [
    ("A: int = 1\nB: int = A * 2", "B is not a plain literal"),
    ("A: str = open('x')", "A is not a plain literal"),
    ("A: dict = {}", "A is dict, not one of str, int"),
    ("import os", "line 1 is not `NAME: type = literal`"),
    ("A = B = 1", "line 1 is not `NAME: type = literal`"),
    ("A: int", "line 1 is not `NAME: type = literal`"),
])
def test_parameters_are_what_papermill_can_override(source, said):
    with pytest.raises(ValueError, match=said):
        parameters_of({"cells": [code(source, tags=["parameters"])]})


def test_parameters_of_reads_names_values_and_types():
    assert parameters_of(notebook()) == {"SEED": 1, "__annotations__": {"SEED": int}}


def test_write_then_read_gives_the_same_notebook(tmp_path):
    cleaned = clean(notebook(code("a\nb", [stream("x\ny\n")])))
    path = write_notebook(tmp_path / "n.ipynb", cleaned)
    assert read_notebook(path)["cells"][2]["source"] == "a\nb"
    assert nbformat.read(path, as_version=4) == nbformat.from_dict(cleaned)
    assert path.read_text() == write_notebook(tmp_path / "again.ipynb", read_notebook(path)).read_text()


def test_main_refuses_a_file_that_is_no_notebook(tmp_path, capsys):
    path = tmp_path / "n.ipynb"
    path.write_text("not json")
    assert main([str(path)]) == 2
    assert "is not a notebook" in capsys.readouterr().err
    assert path.read_text() == "not json"
    with pytest.raises(UserError, match="No such notebook"):
        read_notebook(tmp_path / "missing.ipynb")
