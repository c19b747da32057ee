"""Write constraints.txt: the versions that this environment has of all that the project and its tests need.

    .venv/bin/python .ci/constraints.py

torch stays out: which build of it fits is the machine's affair, and the Makefile names the version (TORCH).
"""

import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PATH = ROOT / "constraints.txt"
LEFT_OUT = {"svgfusion", "torch"}
HEADER = """\
# The versions that CI installs and tests, of every package that the project needs: `make` uses them, and so does
# `pip install -e . -c constraints.txt`. pyproject.toml says what works; this file, what has been tried last.
# Made by .ci/constraints.py from an environment without constraints: make clean && make setup CONSTRAINTS=
# torch is not in it: TORCH of the Makefile names the version, and your machine the build.
"""


def direct_requirements() -> list[Requirement]:
    """What pyproject.toml asks for, extras too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(text) for text in [*project["dependencies"], *(text for extra in extras for text in extra)]]


def needed(requirements: list[Requirement]) -> dict[str, str]:
    """Name -> installed version of the requirements and of all that they need, as far as it is installed here."""
    versions: dict[str, str] = {}
    todo = [(requirement, "") for requirement in requirements]
    seen = set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        versions[name] = found.version.partition("+")[0]
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                todo += [(Requirement(text), wanted) for text in found.requires or ()]
    return {name: version for name, version in sorted(versions.items()) if name not in LEFT_OUT}


if __name__ == "__main__":
    lines = [f"{name}=={version}\n" for name, version in needed(direct_requirements()).items()]
    PATH.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{PATH.name}: {len(lines)} packages")
