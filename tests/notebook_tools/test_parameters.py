"""Notebook parameters: types, allowed values, names, and one-line errors."""

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.notebook_tools.cleaner import parameters_of, read_notebook
from svgfusion_lib.notebook_tools.parameters import check
from svgfusion_lib.notebook_tools.runner import NOTEBOOKS, _profile_values, check_parameters, numbered_notebooks

DECLARED = (
    'SOURCE: str = "packs"\nMAX_FILES: int = 300\nLR: float = 1.0e-3\nPROMPTS: list[str] = ["a", "b"]\n'
    "GUIDANCE: list[float] = [1.0]\nFRESH: bool = False\n"
)
SOURCES = ("packs", "synthetic")


def namespace(injected: str = "") -> dict:
    """A notebook's namespace after its parameters cell and papermill's injected one."""
    names: dict = {}
    exec(compile(DECLARED + injected, "cell", "exec"), names)
    return names


@pytest.mark.parametrize(("injected", "message"), [
    ("MAX_FILE = 20", "notebook has no parameter 'MAX_FILE'; did you mean 'MAX_FILES'?"),
    ("XYZ = [1]", "notebook has no parameter 'XYZ'; known: FRESH, GUIDANCE"),
    ('SOURCE = "wrong"', "SOURCE is 'wrong'; it can be 'packs', 'synthetic'"),
    ('MAX_FILES = "ten"', "MAX_FILES is 'ten'; it must be a whole number"),
    ("MAX_FILES = True", "MAX_FILES is True; it must be a whole number"),
    ('LR = "1e-4"', "LR is '1e-4'; it must be a finite number"),
    ("FRESH = 1", "FRESH is 1; it must be true or false"),
    ("PROMPTS = 3", "PROMPTS is 3; it must be a list (of text)"),
    ("PROMPTS = ['a', 3]", "PROMPTS is ['a', 3]; it must be a list (of text)"),
    ("GUIDANCE = 'a'", "GUIDANCE is 'a'; it must be a list (of a finite number)"),
])
def test_a_wrong_parameter_is_one_line(injected, message):
    with pytest.raises(UserError) as error:
        check("notebook", namespace(injected), SOURCE=SOURCES)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert error.value._render_traceback_() == [f"UserError: {error.value}"]


@pytest.mark.parametrize(("injected", "name", "value"), [
    ("", "MAX_FILES", 300), ('PROMPTS = "a cat"', "PROMPTS", ["a cat"]), ("LR = 1", "LR", 1.0),
    ("GUIDANCE = [2]", "GUIDANCE", [2.0]), ('SOURCE = "synthetic"', "SOURCE", "synthetic"),
])
def test_a_right_parameter_passes(injected, name, value):
    names = namespace(injected)
    check("notebook", names, SOURCE=SOURCES)
    assert names[name] == value and type(names[name]) is type(value)


@pytest.mark.parametrize("path", numbered_notebooks(), ids=lambda path: path.name)
def test_every_notebook_checks_its_own_parameters(path):
    notebook = read_notebook(path)
    assert parameters_of(notebook)
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert f'check("{path.stem}", globals()' in code[1]
    lines = code[0].splitlines()
    assert all("  # " in line or len(line) > 80 for line in lines), "a parameter says what it is"


@pytest.mark.parametrize("profile", ["smoke", "synthetic"])
def test_a_profile_gives_what_the_notebooks_take(profile):
    values = _profile_values(profile, NOTEBOOKS)
    given = {path.stem: check_parameters(path, values, {}) for path in numbered_notebooks()}
    assert {name: chosen for name, chosen in given.items() if chosen} == values


@pytest.mark.parametrize("path", numbered_notebooks(), ids=lambda path: path.name)
def test_a_notebook_links_to_those_before_and_after(path):
    opening = "".join(read_notebook(path)["cells"][0]["source"])
    paths = numbered_notebooks()
    place = paths.index(path)
    for other in paths[max(0, place - 1) : place] + paths[place + 1 : place + 2]:
        assert f"]({other.name})" in opening
