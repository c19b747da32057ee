"""One process at a time in a folder. The lock goes with its process, however that ends."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from svgfusion_lib.errors import UserError

try:
    import fcntl
except ImportError:  # Windows: no locks
    fcntl = None  # type: ignore[assignment]

ABANDONED_SECONDS = 600  # that nobody has touched a temporary file for
_held: set[tuple[int, Path]] = set()  # process and folder


@contextmanager
def locked_folder(folder: str | Path) -> Iterator[Path]:
    """Make a folder and be the one process that works in it; temporary files that killed ones left are removed.

    UserError if another process works in it. A process may lock a folder again that it has locked. Of several that
    train together (`accelerate launch`) the first one has the lock. Where the file system knows no locks, there are
    none.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    key = os.getpid(), folder.resolve()
    if os.environ.get("RANK", "0") != "0" or key in _held or fcntl is None:
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if lock(descriptor) is False:
            raise UserError(f"{folder}: another process is at work in it; wait for its end, or give another folder")
        _held.add(key)
        try:
            _remove_abandoned(folder)
            yield folder
        finally:
            _held.remove(key)
    finally:
        os.close(descriptor)


def lock(descriptor: int) -> bool | None:
    """Lock an open file or folder until it is closed: True; False if another process has it, None without locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that has none
        return None
    return True


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):  # its writer has just finished
            if path.is_file() and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
