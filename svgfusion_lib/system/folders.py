"""Folders that are whole or absent: filled beside their place, then moved into it."""

import errno
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import naming
from svgfusion_lib.system.locks import ABANDONED_SECONDS, lock

_FILLED = "partial"  # the folder that is filled, in the temporary one
ATTEMPTS = 100       # to take the place, if others do so too


@contextmanager
def whole_folder(folder: str | Path, marker: str) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it becomes `folder`, on error it goes.

    A former `folder` is replaced only if it is empty or holds the file `marker`, which says that it
    was made this way: nobody's own files are ever removed. Of two processes that fill the same folder the last one
    to end has it, whole.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file of that name is in the way; choose another output folder")
    _check_replaceable(folder, marker)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        partial = Path(temporary) / _FILLED
        partial.mkdir()
        with _opened(partial) as descriptor:
            lock(descriptor)  # says to others that it is in use
            with naming(folder, Path(temporary)):
                yield partial
        if os.name == "posix":
            os.sync()  # the content before the name, should the power be cut
        _move(partial, folder, marker, Path(temporary))


def _move(partial: Path, folder: Path, marker: str, temporary: Path) -> None:
    """Put `partial` in the place of `folder`, whatever other processes put there in the meantime."""
    for number in range(ATTEMPTS):
        _check_replaceable(folder, marker)
        try:
            if folder.exists():
                os.replace(folder, temporary / f"former-{number}")
            os.replace(partial, folder)
            return
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST) or number == ATTEMPTS - 1:
                raise


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check_replaceable(folder: Path, marker: str) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / marker).is_file():
        raise UserError(f"{folder}: holds other files, which would be lost; choose another output folder")


def _remove_abandoned(folder: Path) -> None:
    """What killed processes left: folders that nobody fills any more."""
    for temporary in folder.parent.glob(f".{glob.escape(folder.name)}.*"):
        filled = temporary / _FILLED
        with suppress(FileNotFoundError):  # its process has just finished
            if filled.is_dir() and time.time() - filled.stat().st_mtime > ABANDONED_SECONDS:
                with _opened(filled) as descriptor:
                    if lock(descriptor):
                        shutil.rmtree(temporary, ignore_errors=True)
