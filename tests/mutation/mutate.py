"""Mutation-test the core modules: does some test fail for every small change?

    python tests/mutation/mutate.py               all modules of MODULES, half an hour on one core
    python tests/mutation/mutate.py training/losses 40     every 40th mutant of losses.py

Each mutant is a process, forked after importing torch, that runs the module's tests until one fails.
Prints the survivors; exit code 1 if fewer than 90% of a module's mutants are killed. Survivors count even if their
change has no visible effect here, such as:
    heads       batch.ids without .to(style): torch.cat does it; free_arguments() without its device: seen on a GPU
"""

import importlib
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from pathlib import Path
from types import CodeType

import pytest
from mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
TIMEOUT = 120  # seconds for all tests of one mutant
WANTED = 0.9
# module -> test files that must catch its mutants, fastest first
MODULES = {
    "utils/diffusion": ("utils/test_diffusion.py", "utils/test_samplers.py"),
    "svg/row_format": ("svg/test_row_format.py",),
    "training/losses": ("training/test_losses.py",),
    "models/heads": ("training/test_losses.py", "models/test_vpvae.py"),
    "utils/samplers": ("utils/test_samplers.py",),
}
# Imported once, before forking.
HEAVY = (
    "pytest", "torch", "torch._dynamo", "hypothesis.extra.numpy", "diffusers", "cairosvg", "resvg_py",
    "svgfusion_lib.training.losses",
)
SURVIVED, KILLED, TIMED_OUT = "survived", "killed", "timed out"


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import hook that loads one module from mutated code."""

    def __init__(self, name: str, path: Path, code: CodeType):
        self.name, self.path, self.code = name, path, code

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def exec_module(self, module) -> None:
        exec(self.code, vars(module))


def fate(name: str, path: Path, code: CodeType, tests: list[Path]) -> str:
    """Run a mutated module's tests in a forked process and return the outcome."""
    child = os.fork()
    if child == 0:
        signal.alarm(TIMEOUT)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        for loaded in [module for module in sys.modules if module.partition(".")[0] == "svgfusion_lib"]:
            del sys.modules[loaded]  # they hold references to the original module
        sys.meta_path.insert(0, _Changed(name, path, code))
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore", *map(str, tests)]
        os._exit(min(int(pytest.main(arguments)), 2))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return TIMED_OUT if os.WTERMSIG(status) == signal.SIGALRM else KILLED
    return SURVIVED if os.WEXITSTATUS(status) == 0 else KILLED


def survivors(module: str, every: int = 1) -> tuple[list[Mutant], int]:
    """The mutants of a core module that survive its tests, and the number of all mutants."""
    path = ROOT / "svgfusion_lib" / f"{module}.py"
    tests = [TESTS / file for file in MODULES[module]]
    name = f"svgfusion_lib.{module.replace('/', '.')}"
    source = path.read_text(encoding="utf-8")
    if fate(name, path, compile(source, str(path), "exec"), tests) != SURVIVED:
        sys.exit(f"{module}: its tests fail without any change")
    found, count = [], 0
    for mutant in list(mutants(source))[::every]:
        count += 1
        if fate(name, path, compile(mutant.tree, str(path), "exec"), tests) == SURVIVED:
            found.append(mutant)
            print(f"  {module}, {mutant}", flush=True)
    return found, count


def main(arguments: list[str]) -> int:
    """Test the mutants of the named modules (default: all), or every n-th if a number is given."""
    every = next((int(text) for text in arguments if text.isdigit()), 1)
    chosen = [text for text in arguments if not text.isdigit()] or list(MODULES)
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for heavy in HEAVY:
        importlib.import_module(heavy)
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler  # noqa: F401 - diffusers imports them lazily
    from skimage.metrics import structural_similarity  # noqa: F401 - likewise
    from torch import set_num_threads

    set_num_threads(1)
    enough = True
    for module in chosen:
        began = time.monotonic()
        found, count = survivors(module, every)
        share = 1 - len(found) / count
        enough &= share >= WANTED
        seconds = time.monotonic() - began
        print(f"{module}: {count - len(found)} of {count} mutants killed ({share:.1%}) in {seconds:.0f} s", flush=True)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
