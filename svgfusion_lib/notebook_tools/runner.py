"""Runs the numbered notebooks in order in one process.

    python -m svgfusion_lib.notebook_tools.runner --profile smoke             all from 01 on
    python -m svgfusion_lib.notebook_tools.runner --profile smoke --first 3   from 03 on, with existing files
    python -m svgfusion_lib.notebook_tools.runner --refresh                   store outputs in notebooks/

A profile is a YAML file in notebooks/params/ with one section per notebook. Names and types must match the
notebook's `parameters` cell.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from svgfusion_lib.errors import UserError
from svgfusion_lib.notebook_tools.cleaner import clean, parameters_of, read_notebook, write_notebook
from svgfusion_lib.notebook_tools.parameters import check
from svgfusion_lib.options import check_known
from svgfusion_lib.system.files import write_bytes
from svgfusion_lib.system.launch import environment
from svgfusion_lib.system.outputs import claim_folder, register_files, remove_listed

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CELL_TIMEOUT_SECONDS = 1800
START_TIMEOUT_SECONDS = 120


def run_notebooks(
    profile: str | None = "smoke",
    out_dir: str | Path | None = None,
    only: Sequence[int] = (),
    first: int = 1,
    notebooks_dir: str | Path = NOTEBOOKS,
) -> list[Path]:
    """Execute the notebooks from number `first` on (or those in `only`) with the profile's parameters.

    profile: name of notebooks/params/<name>.yaml, or None for the notebooks' defaults.
    out_dir: OUT_DIR of every notebook (default: runs/<profile>); must be new or made by this function. Files written
    there by an earlier run of the same notebooks are removed first. Executed copies go to <out_dir>/notebooks/ and
    are returned. The first failure ends the run with a UserError that names notebook, cell and error.
    """
    notebooks_dir = Path(notebooks_dir)
    notebooks = _select(notebooks_dir, only, first)
    values = _profile_values(profile, notebooks_dir)
    out_dir = (Path(out_dir) if out_dir else notebooks_dir.parent / "runs" / (profile or "notebooks")).resolve()
    given = {} if profile is None else {"OUT_DIR": _portable(out_dir, notebooks_dir.parent)}
    # Check everything before running anything.
    parameters = {path: check_parameters(path, values, given) for path in notebooks}
    copies = []
    for path in notebooks:
        written = f"{path.name[:2]}_*"
        with claim_folder(out_dir, "notebooks"):
            for folder in sorted(out_dir.glob(written)):
                remove_listed(folder)
                left = next((each for each in folder.rglob("*") if each.is_symlink() or not each.is_dir()), None)
                if left is not None:  # the notebooks would overwrite it, and it would be listed as theirs
                    raise UserError(f"{left}: no notebook wrote it, or it has been changed since; move it away")
            start = time.monotonic()
            try:
                copies.append(_execute(path, out_dir / "notebooks" / path.name, parameters[path]))
            finally:
                for folder in sorted(out_dir.glob(written)):
                    register_files(folder)
        print(f"{path.name}: {time.monotonic() - start:.0f} s", flush=True)
    return copies


def refresh_notebooks(only: Sequence[int] = (), notebooks_dir: str | Path = NOTEBOOKS) -> list[Path]:
    """Run every notebook (or those in `only`) with its defaults and store the cleaned outputs in it."""
    copies = run_notebooks(profile=None, only=only, first=0, notebooks_dir=notebooks_dir)
    for copy in copies:
        write_notebook(Path(notebooks_dir) / copy.name, clean(read_notebook(copy)))
    return copies


def numbered_notebooks(notebooks_dir: str | Path = NOTEBOOKS) -> list[Path]:
    """The notebooks NN_*.ipynb in order."""
    paths = sorted(Path(notebooks_dir).glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        raise UserError(f"{notebooks_dir}: no numbered notebooks found")
    return paths


def _select(notebooks_dir: Path, only: Sequence[int], first: int) -> list[Path]:
    by_number = {int(path.name[:2]): path for path in numbered_notebooks(notebooks_dir)}
    unknown = sorted(set(only) - by_number.keys())
    if unknown:
        raise UserError(f"{notebooks_dir}: no notebook with number {', '.join(map(str, unknown))}")
    return [path for number, path in by_number.items() if (number in only if only else number >= first)]


# --- parameters ---------------------------------------------------------------------------------


def _profile_values(profile: str | None, notebooks_dir: Path) -> dict[str, dict]:
    """The sections of the profile; UserError for a section without a notebook."""
    if profile is None:
        return {}
    import yaml

    path = notebooks_dir / "params" / f"{profile}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        raise UserError(f"{path}: no such profile; known: {known}")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({error})".replace("\n", " ")) from error
    for name in values:
        check_known(name, [p.stem for p in numbered_notebooks(notebooks_dir)], f"{path}: no notebook named")
    return values


def check_parameters(path: Path, values: Mapping[str, dict], given: Mapping[str, object]) -> dict:
    """The values for one notebook, checked as in the notebook (parameters.py); UserError for a wrong one.

    given: values for every notebook that declares them.
    """
    try:
        namespace = parameters_of(read_notebook(path))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    chosen = {name: value for name, value in given.items() if name in namespace} | (values.get(path.stem) or {})
    namespace.update(chosen)
    check(path.stem, namespace)
    return {name: namespace[name] for name in chosen}


def _portable(out_dir: Path, root: Path) -> str:
    """The path relative to the repository if possible, so that outputs contain no absolute paths."""
    root = root.resolve()
    return out_dir.relative_to(root).as_posix() if out_dir.is_relative_to(root) else str(out_dir)


# --- execution ----------------------------------------------------------------------------------


def _execute(path: Path, output: Path, parameters: Mapping[str, object]) -> Path:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    write_bytes(output, path.read_bytes())  # fails early if the file is not ours
    with tempfile.TemporaryDirectory(prefix="svgfusion-") as folder:
        executed = Path(folder, path.name)
        try:
            with environment(SVGFUSION_HEADLESS="1"):
                papermill.execute_notebook(
                    str(path), str(executed), parameters=dict(parameters), kernel_name="python3",
                    cwd=str(path.parent), execution_timeout=CELL_TIMEOUT_SECONDS,
                    start_timeout=START_TIMEOUT_SECONDS, progress_bar=False, coalesce_streams=True,
                    # Local sockets avoid a warning about unencrypted TCP in every output notebook.
                    config=Config({"AsyncKernelManager": {"transport_encryption": "auto"}}),
                )
        except papermill.PapermillExecutionError as error:
            raise UserError(
                f"{path.name}, cell {error.cell_index}: {error.ename}: {error.evalue} (see {output})"
            ) from error
        except CellTimeoutError as error:
            limit = f"{CELL_TIMEOUT_SECONDS} s"
            raise UserError(f"{path.name}: a cell took more than {limit} (see {output})") from error
        except DeadKernelError as error:
            raise UserError(f"{path.name}: the kernel died, often for lack of memory (see {output})") from error
        finally:
            if executed.is_file():
                write_bytes(output, executed.read_bytes())
    return output


def main(arguments: list[str] | None = None) -> int:
    """Command line of the runner; exit code 2 and one line if a notebook or value is wrong."""
    parser = argparse.ArgumentParser(prog="notebook_runner", description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="smoke", help="notebooks/params/<name>.yaml")
    parser.add_argument("--out_dir", type=Path, help="OUT_DIR of the notebooks (default: runs/<profile>)")
    parser.add_argument("--first", type=int, default=1, help="number of the first notebook to run")
    parser.add_argument("--only", type=int, nargs="+", default=(), help="numbers of the notebooks to run")
    parser.add_argument("--refresh", action="store_true", help="run with defaults, store cleaned outputs")
    options = parser.parse_args(arguments)
    try:
        if options.refresh:
            copies = refresh_notebooks(options.only)
        else:
            copies = run_notebooks(options.profile, options.out_dir, options.only, options.first)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(copies)} notebooks: {copies[-1].parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
