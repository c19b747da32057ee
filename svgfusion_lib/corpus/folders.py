"""Folders that are whole or absent: filled beside their place, then moved into it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from svgfusion_lib.errors import UserError


@contextmanager
def whole_folder(folder: str | Path, marker: str) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it becomes `folder`, on error it goes.

    A former `folder` is replaced only if it is empty or holds the file `marker`, which says that it
    was made this way: nobody's own files are ever removed.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file of that name is in the way; choose another output folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / marker).is_file():
        raise UserError(f"{folder}: holds other files, which would be lost; choose another output folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        partial = Path(temporary) / "partial"
        partial.mkdir()
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
