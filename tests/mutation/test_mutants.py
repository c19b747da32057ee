"""The mutation tester itself, on code small enough to count the mutants by hand."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module, and mutate.py imports mutants.py
    spec.loader.exec_module(module)
    return module


mutants = load("mutants").mutants
mutate = load("mutate")


@pytest.mark.parametrize(("source", "changed"), [
    ("x = 2", ["x = 3"]),
    ("x = True", ["x = False"]),
    ("x = 'a'", ["x = 'a?'"]),
    ("x = a + b", ["x = a - b"]),
    ("x += a", ["x -= a"]),
    ("x = a < b", ["x = a <= b"]),
    ("x = a and b", ["x = a or b"]),
    ("x = -a", ["x = a"]),
    ("x = a[:b]", ["x = a[:]"]),
    ("x = b if a else c", ["x = b if not a else c"]),
    ("x = [a for a in b if a]", ["x = [a for a in b]"]),
    ("x = f(a, k=b)", ["x = f(a)"]),
    ("x = a.clamp(b)", ["x = a"]),
    ("x = torch.cat(a)", []),
    ("def f(a: 1) -> 2:\n    '''3'''\n    return a", ['def f(a: 1) -> 2:\n    """3"""\n    return None']),
    ("raise ValueError(f'{1} is not {2}')", []),
])
def test_mutants_are_these(source, changed):
    assert [ast.unparse(mutant.tree) for mutant in mutants(source)] == changed
    assert all(ast.unparse(mutant.tree) != ast.unparse(ast.parse(source)) for mutant in mutants(source))


def test_every_core_module_has_tests_that_exist():
    for module, tests in mutate.MODULES.items():
        assert (mutate.ROOT / "svgfusion_lib" / f"{module}.py").is_file()
        assert tests and all((mutate.TESTS / test).is_file() for test in tests)


def test_a_mutant_lives_until_a_test_notices(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--rootdir={tmp_path} -c {tmp_path}/pytest.ini")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    module = tmp_path / "counted_here.py"
    module.write_text("def twice(x):\n    return x + x\n")
    test = tmp_path / "test_it.py"
    test.write_text("import counted_here\n\n\ndef test_it():\n    assert counted_here.twice(2) == 4\n")

    def fate(source: str) -> str:
        return mutate.fate("counted_here", module, compile(source, str(module), "exec"), [test])

    assert fate(module.read_text()) == fate("def twice(x):\n    return x * x\n") == mutate.SURVIVED
    assert fate("def twice(x):\n    return x - x\n") == fate("def twice(x):\n    return None\n") == mutate.KILLED
