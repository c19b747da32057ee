"""The runner on small test notebooks: strict parameters, failures kept."""

import json
from pathlib import Path

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.notebook_tools.cleaner import problems, read_notebook, write_notebook
from svgfusion_lib.notebook_tools.runner import main, refresh_notebooks, run_notebooks

WRITES = """
import os
from pathlib import Path
folder = Path("..") / OUT_DIR / "01_work"
folder.mkdir(parents=True, exist_ok=True)
(folder / "result.json").write_text(f'[{STEPS}, {RATE}, "{os.environ.get("SVGFUSION_HEADLESS")}"]')
print(Path.cwd().name, STEPS)
"""


@pytest.fixture
def project(tmp_path) -> Path:
    """A repository with one notebook that writes 01_work/result.json; returns its notebooks folder."""
    folder = tmp_path / "notebooks"
    (folder / "params").mkdir(parents=True)
    write(folder / "01_work.ipynb", 'OUT_DIR: str = "runs/notebooks"\nSTEPS: int = 3\nRATE: float = 0.5', WRITES)
    return folder


def write(path: Path, parameters: str, *sources: str) -> None:
    cells = [{"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# Title"}]
    for number, source in enumerate((parameters, *sources)):
        tags = {"tags": ["parameters"]} if number == 0 else {}
        cells.append({
            "cell_type": "code", "id": f"c{number}", "metadata": tags, "execution_count": None,
            "outputs": [], "source": source,
        })
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    write_notebook(path, {"cells": cells, "metadata": spec, "nbformat": 4, "nbformat_minor": 5})


def profile(folder: Path, text: str) -> None:
    (folder / "params" / "smoke.yaml").write_text(text)


def test_run_injects_the_profile(project):
    profile(project, "01_work: {STEPS: 5, RATE: 1}\n")
    (copy,) = run_notebooks("smoke", notebooks_dir=project)
    out = project.parent / "runs" / "smoke"
    assert json.loads((out / "01_work" / "result.json").read_text()) == [5, 1.0, "1"]
    assert copy == out / "notebooks" / "01_work.ipynb"
    cells = read_notebook(copy)["cells"]
    assert "".join(cells[-1]["outputs"][0]["text"]) == "notebooks 5\n"  # runs in the notebook's own folder


def test_run_removes_what_an_earlier_run_wrote_and_nothing_else(project):
    """A user's note among the results must not be listed and removed with them next time."""
    profile(project, "")
    written = WRITES + '\nfrom pathlib import Path\nPath("..", OUT_DIR, "01_work", "stale.svg").write_text("old")'
    write(project / "01_work.ipynb", 'OUT_DIR: str = "runs/notebooks"\nSTEPS: int = 3\nRATE: float = 0.5', written)
    (copy,) = run_notebooks("smoke", notebooks_dir=project)
    folder = project.parent / "runs" / "smoke" / "01_work"
    assert (folder / "stale.svg").is_file()
    (folder / "note.txt").write_text("mine")
    with pytest.raises(UserError, match="note.txt: no notebook wrote it, or it has been changed since; move it away"):
        run_notebooks("smoke", notebooks_dir=project)
    assert not (folder / "stale.svg").exists() and (folder / "note.txt").read_text() == "mine"
    (folder / "note.txt").rename(project / "note.txt")
    copy.write_text("mine")
    with pytest.raises(UserError, match="01_work.ipynb: was not written by `notebooks`, or has been changed since"):
        run_notebooks("smoke", notebooks_dir=project)
    assert copy.read_text() == "mine" and not folder.exists()


def test_run_refuses_a_folder_of_the_user(project):
    profile(project, "")
    own = project.parent / "runs" / "smoke" / "01_work" / "thesis.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        run_notebooks("smoke", notebooks_dir=project)
    assert own.read_text() == "mine"


@pytest.mark.parametrize("text, said", [
    ("01_work: {STEPZ: 5}", "01_work has no parameter 'STEPZ'; did you mean 'STEPS'?"),
    ("01_work: {RATE: 1e-4}", "RATE is '1e-4'; it must be a finite number"),
    ("02_other: {STEPS: 5}", "no notebook named '02_other'"),
    ("a: [", "not YAML"),
])
def test_run_refuses_a_wrong_profile_before_anything_runs(project, text, said):
    profile(project, text)
    with pytest.raises(UserError) as caught:
        run_notebooks("smoke", notebooks_dir=project)
    assert said in str(caught.value)
    assert not (project.parent / "runs").exists()


def test_run_names_unknown_profile_and_number(project):
    profile(project, "")
    with pytest.raises(UserError, match="no such profile; known: smoke"):
        run_notebooks("smokey", notebooks_dir=project)
    with pytest.raises(UserError, match="no notebook with number 7"):
        run_notebooks("smoke", only=[7], notebooks_dir=project)


def test_failing_cell_is_named_and_its_notebook_kept(project):
    profile(project, "")
    write(project / "01_work.ipynb", "STEPS: int = 1", "1 / 0", "print('never')")
    with pytest.raises(UserError, match="01_work.ipynb, cell 2: ZeroDivisionError: division by zero"):
        run_notebooks("smoke", notebooks_dir=project)
    kept = read_notebook(project.parent / "runs" / "smoke" / "notebooks" / "01_work.ipynb")
    assert any(o["output_type"] == "error" for c in kept["cells"] for o in c.get("outputs", ()))


def test_refresh_stores_clean_outputs_and_default_parameters(project):
    refresh_notebooks(notebooks_dir=project)
    stored = read_notebook(project / "01_work.ipynb")
    assert problems(stored) == []
    assert len(stored["cells"]) == 3
    assert "".join(stored["cells"][-1]["outputs"][0]["text"]) == "notebooks 3\n"
    assert (project.parent / "runs" / "notebooks" / "01_work" / "result.json").is_file()


def test_main_prints_one_line_and_returns_2(capsys):
    assert main(["--profile", "no-such-profile"]) == 2
    assert "no such profile" in capsys.readouterr().err
