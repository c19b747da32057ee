"""Files that are whole or absent: write to a temporary name, then move into place."""

import hashlib
import json
import os
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from svgfusion_lib.errors import UserError

SEAL = "seal"  # field of a JSON file that says what it is, and by a hash that it is as it was written
SEAL_VERSION = 1
ENTRIES = "entries"  # field that holds the list which a JSON file is
_TEMPORARY = ".tmp"


@contextmanager
def atomic_path(path: str | Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`, nobody else's; on success it is moved to `path`, on error removed.

    durable: the content is on the disk before the name is, so that a power cut leaves the old file or the new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        with naming(path):
            yield temporary
            if durable:
                sync(temporary)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if durable and os.name == "posix":
        with suppress(OSError):  # some file systems cannot; the file is in its place all the same
            sync(path.parent)


@contextmanager
def naming(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """A failed write says which file it was for, not its temporary name; a full disk has no name in the system's error.

    temporary: the folder in whose place `path` will be.
    """
    try:
        yield
    except OSError as error:
        name = str(error.filename)
        within = temporary is not None and name.startswith(str(temporary))
        if error.filename is None or within or name.endswith(_TEMPORARY):
            error.filename = str(path)
        raise


class Writer:
    """A file for libraries that report a failed write without its reason: `error` keeps it."""

    def __init__(self, file: IO[bytes]):
        self.file = file
        self.error: OSError | None = None

    def write(self, data) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self.file.flush()


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that no other process and no other thread has."""
    return path.with_name(f".{uuid.uuid4().hex}{_TEMPORARY}")


def sync(path: Path) -> None:
    """Wait until what was written of a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write bytes atomically and return the path."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def write_text(path: str | Path, text: str, durable: bool = True) -> Path:
    """Write UTF-8 text atomically and return the path."""
    with atomic_path(path, durable) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | Path, data, kind: str | None = None) -> Path:
    """Write indented JSON atomically and return the path.

    kind: what it is, for `read_json` to check; a list of that kind is written as the dictionary {"entries": list}.
    """
    if kind is not None:
        content = {ENTRIES: data} if isinstance(data, list) else data
        data = content | {SEAL: _seal_of(content, kind)}
    return write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path, kind: str, remedy: str) -> dict:
    """The dictionary of a JSON file. UserError, ending in `remedy`, if it is missing, damaged, or of another kind.

    A file without a seal, as earlier versions of this program wrote it, is checked for being JSON alone.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({error}); {remedy}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: damaged (no {kind}, but a {type(data).__name__}); {remedy}")
    seal = data.pop(SEAL, None)
    if seal is None:
        last = [*data.values()][-1:]
        if last and isinstance(last[0], dict) and set(last[0]) == set(_seal_of({}, "")):  # its name is damaged
            raise UserError(f"{path}: damaged (its seal is not where it was); {remedy}")
        return data
    if not isinstance(seal, dict) or seal.get("kind") != kind:
        raise UserError(f"{path}: is not a {kind}; {remedy}")
    if seal.get("version") != SEAL_VERSION:
        raise UserError(f"{path}: format version {seal.get('version')}, this program reads {SEAL_VERSION}; {remedy}")
    if seal.get("sha256") != _hash_of(data):
        raise UserError(f"{path}: damaged (its content is not what its hash says); {remedy}")
    return data


def _seal_of(data: dict, kind: str) -> dict:
    return {"kind": kind, "version": SEAL_VERSION, "sha256": _hash_of(data)}


def _hash_of(data: dict) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def read_toml(path: str | Path) -> dict:
    """The content of a TOML file; UserError if it cannot be read."""
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: not a readable TOML file ({reason})") from error
