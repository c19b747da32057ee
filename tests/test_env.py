"""pyproject.toml is the source; environment.yml and the installed environment must agree with it."""

import importlib.util
import re
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared_requirements() -> list[Requirement]:
    table = project()
    return [Requirement(text) for text in [*table["dependencies"], *table["optional-dependencies"]["test"]]]


def conda_environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def conda_pip_section() -> list[str]:
    (section,) = [entry["pip"] for entry in conda_environment()["dependencies"] if isinstance(entry, dict)]
    return section


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def ci_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_environment_yml_lists_python_pip_the_same_requirements_and_the_package_itself_last():
    names = [entry for entry in conda_environment()["dependencies"] if isinstance(entry, str)]
    assert f"python{project()['requires-python']}" in names and "pip" in names
    assert conda_pip_section()[-1] == "-e ."
    listed = [Requirement(text) for text in conda_pip_section() if not text.startswith("-e")]
    assert sorted(map(str, listed)) == sorted(map(str, declared_requirements()))


def test_every_requirement_has_a_lower_bound_and_torch_an_upper_one():
    unbounded = [
        str(requirement) for requirement in declared_requirements()
        if not {specifier.operator for specifier in requirement.specifier} & {">=", "=="}
    ]
    assert unbounded == []
    (torch,) = [requirement for requirement in declared_requirements() if requirement.name == "torch"]
    assert "<" in {specifier.operator for specifier in torch.specifier}
    assert not torch.specifier.contains("2.5.1")  # its weights_only runs code (CVE-2025-32434)


def test_installed_versions_satisfy_the_requirements():
    wrong = []
    for requirement in declared_requirements():
        # The public part: a local label such as "+cpu" names a build, not a version.
        installed = Version(metadata.version(requirement.name)).public
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement} but {installed} is installed")
    assert wrong == []


# --- the versions that CI installs ------------------------------------------------------------------


def test_constraints_are_plain_pins():
    """Constraints with a local label or a URL are not available from every index."""
    pins = constraints()
    odd = [f"{name}=={version}" for name, version in pins.items() if not re.fullmatch(r"[0-9a-z.]+", version)]
    assert odd == [] and len(pins) > 100


def test_every_requirement_is_constrained_to_a_version_that_it_allows():
    pins = constraints()
    wrong = [
        f"{requirement}: {pins.get(canonicalize_name(requirement.name))}" for requirement in declared_requirements()
        if requirement.name != "torch"
        and not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]
    assert wrong == []


def test_constraints_name_all_that_is_needed_here():
    """Including indirect requirements: no untested versions."""
    script = ci_script("constraints")
    needed = script.needed(script.direct_requirements())
    assert len(needed) > 100 and set(needed) - set(constraints()) == set()


def test_torch_comes_from_the_makefile_alone():
    (named,) = re.findall(r"^TORCH \?= (torch==.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    (declared,) = [requirement for requirement in declared_requirements() if requirement.name == "torch"]
    (version,) = Requirement(named).specifier
    assert declared.specifier.contains(version.version) and "torch" not in constraints()


@pytest.mark.parametrize(("packages", "status", "said"), [
    ([{"name": "a", "version": "1", "vulns": []}], 0, "1 packages, no known vulnerability"),
    ([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}], 1, "a 1: CVE-1, CVE-2"),
    ([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}, {"name": "b", "skip_reason": "?"}], 1, "CVE-1"),
    ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "?"}], 2, "1 of 2 packages"),
    ([], 2, "NO VERDICT"),
], ids=["clean", "vulnerable", "vulnerable, in part", "not looked up", "nothing"])
def test_audit_passes_only_what_was_looked_up(packages, status, said):
    found, message = ci_script("audit").verdict({"dependencies": packages})
    assert found == status and said in message
