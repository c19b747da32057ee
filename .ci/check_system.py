"""Check that the machine is ready for setup; one line and exit code 2 for the first missing requirement.

Standard library only: it runs before anything is installed.
"""

import ctypes
import ctypes.util
import importlib.util
import sys

CAIRO_NAMES = ("libcairo.so.2", "libcairo.2.dylib", "libcairo-2.dll")


def cairo_loads() -> bool:
    """Look for cairo where cairosvg will: the usual file names, then the linker's search."""
    for name in (*CAIRO_NAMES, ctypes.util.find_library("cairo"), ctypes.util.find_library("cairo-2")):
        if name is None:
            continue
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def problem() -> str | None:
    """The first missing requirement with the command that installs it, or None."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the project needs it, this file must run to say so
        found = sys.version.split()[0]
        return f"Python {found} is too old: 3.11 or newer is needed (make PYTHON=/path/to/python3.11)."
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        return "Python's venv module is missing. Debian/Ubuntu: sudo apt-get install python3-venv"
    if not cairo_loads():
        return (
            "The system library libcairo2 is missing (cairosvg needs it). Debian/Ubuntu: "
            "sudo apt-get install libcairo2 | macOS: brew install cairo | conda: conda install cairo"
        )
    return None


if __name__ == "__main__":
    message = problem()
    if message:
        print(message, file=sys.stderr)
        sys.exit(2)
