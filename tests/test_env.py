"""pyproject.toml is the source; environment.yml and the installed environment must agree with it."""

import tomllib
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
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


def test_environment_yml_lists_the_same_requirements():
    listed = [Requirement(text) for text in conda_pip_section() if not text.startswith("-e")]
    assert sorted(map(str, listed)) == sorted(map(str, declared_requirements()))


def test_environment_yml_installs_the_package_itself_last():
    assert conda_pip_section()[-1] == "-e ."


def test_environment_yml_names_python_and_pip():
    names = [entry for entry in conda_environment()["dependencies"] if isinstance(entry, str)]
    assert f"python{project()['requires-python']}" in names
    assert "pip" in names


def test_every_requirement_has_a_lower_bound():
    unbounded = [
        str(requirement) for requirement in declared_requirements()
        if not {specifier.operator for specifier in requirement.specifier} & {">=", "=="}
    ]
    assert unbounded == []


def test_torch_is_bounded_above():
    (torch,) = [requirement for requirement in declared_requirements() if requirement.name == "torch"]
    assert "<" in {specifier.operator for specifier in torch.specifier}


def test_installed_versions_satisfy_the_requirements():
    wrong = []
    for requirement in declared_requirements():
        # The public part: a local label such as "+cpu" names a build, not a version.
        installed = Version(metadata.version(requirement.name)).public
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement} but {installed} is installed")
    assert wrong == []


def test_console_script_is_declared():
    assert project()["scripts"] == {"svgfusion": "svgfusion_lib.cli:main"}
