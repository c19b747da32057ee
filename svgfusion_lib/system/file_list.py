"""The list of files that a stage wrote into a folder, which may be replaced and removed there (system/outputs.py).

A journal of JSON lines: the first names the stage, the others the written files with their SHA-256. A file is ours if
its name is listed with the hash of its current content. A damaged line proves nothing, so no file is lost by it.
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from svgfusion_lib.errors import UserError

LIST_NAME = ".svgfusion.jsonl"
VERSION = 1
BULK_SYNC_FILES = 100  # from this many files on, they are flushed together


class FileList:
    """A folder's list and what it proves. stage: the writing stage; "": accept the list of any stage."""

    def __init__(self, folder: Path, stage: str = ""):
        self.folder = resolve_path(folder)
        self.places = {self.folder, folder.absolute()}
        self.path = self.folder / LIST_NAME
        self.stage = stage
        self.key = uuid.uuid4().hex
        self.files: dict[str, set[str]] = {}      # name relative to the folder -> hashes of contents written under it
        self.moves: dict[str, Any] | None = None  # moves that have begun: folder of the new files, names of stale ones
        self._stats: dict[str, tuple[int, int]] = {}  # size and time of files that this process wrote
        self._torn = False
        self._open = False

    @property
    def prefix(self) -> str:
        """Prefix of temporary files and folders, which no other program uses."""
        return f".svgfusion-{self.key}-"

    def read(self) -> bool:
        """Read the list; False if there is no readable one. UserError for another stage's list."""
        self.files, self.moves = {}, None
        lines = self.path.read_bytes().split(b"\n") if self.path.is_file() and not self.path.is_symlink() else []
        self._torn = bool(lines) and lines[-1] != b""
        head, *entries = [entry for entry in map(_entry_of, lines) if entry is not None] or [{}]
        if not str(head.get("key", "")).isalnum():
            return False
        if head.get("version") != VERSION:
            raise UserError(f"{self.path}: format version {head.get('version')}, this version reads {VERSION}")
        if self.stage not in ("", head.get("stage")):
            raise UserError(f"{self.folder}: holds what `{head.get('stage')}` wrote; choose another output folder")
        self.key, self.stage = head["key"], str(head.get("stage"))
        for entry in entries:
            if "file" in entry:
                self.files.setdefault(str(entry["file"]), set()).add(str(entry.get("sha256")))
            elif "gone" in entry:
                self.files.pop(str(entry["gone"]), None)
            elif self._is_pending_move(entry):
                self.moves = entry
        return True

    def _is_pending_move(self, entry: dict) -> bool:
        """Whether moves are as `_move_all` recorded them, and belong to this folder, not to one it was copied from."""
        name, stale = entry.get("moves"), entry.get("stale")
        own = isinstance(name, str) and name.startswith(self.prefix) and is_name(name[1:])
        partial = self.folder / str(name)
        return own and isinstance(stale, list) and partial.is_dir() and not partial.is_symlink()

    def open(self, alone: bool) -> None:
        """Check that the folder may be written to; clean up after killed processes if no other process uses it."""
        if not self.read():
            others = sorted(p.name for p in self.folder.iterdir() if p != self.path or not _may_be_list(p))
            if others:
                raise UserError(
                    f"{self.folder}: is not empty ({others[0]}) and was not made by `{self.stage}`; choose another"
                    " output folder"
                )
            self.path.write_text(self._head(), encoding="utf-8")
            self._torn = False
        elif alone:
            if self.moves is not None:
                self.finish_moves()
            for name in {self.prefix, *(f"{Path(name).parent}/{self.prefix}" for name in self.files)}:
                for left in inside(self.folder, name, self.path).parent.glob(f"{self.prefix}*"):
                    shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        self._open = True

    def close(self, made: bool) -> None:
        """Remove the list if nothing was written, and the folder if it was made for it."""
        if self._open and not self.files and [*self.folder.iterdir()] == [self.path]:
            self.path.unlink()
            if made:
                remove_if_empty(self.folder)

    # --- one file ---

    def name_of(self, path: Path) -> str:
        """Name relative to the folder; UserError for a path that leads out of it."""
        place = next(place for place in self.places if place in path.absolute().parents)
        name = path.absolute().relative_to(place)
        inside(self.folder, name)
        return name.as_posix()

    def is_partial(self, name: str) -> bool:
        """Whether a name belongs to a file of a set that has not been moved into place yet."""
        return name.startswith(self.prefix) and "/" in name

    def check_replaceable(self, name: str) -> None:
        """UserError unless a file may be written: it does not exist, or is unchanged since it was written."""
        path = self.folder / name
        if (path.exists() or path.is_symlink()) and not self.owns(name):
            raise UserError(
                f"{path}: was not written by `{self.stage}`, or has been changed since, and would be replaced; move it"
                " away, or choose another output folder"
            )

    def owns(self, name: str) -> bool:
        """Whether the list proves that a file is ours."""
        path, hashes = self.folder / name, self.files.get(name, set())
        if not hashes or path.is_symlink() or not path.is_file():
            return False
        found = _stat(path)
        return self._stats.get(name) == found or (_hash(path) in hashes and _stat(path) == found)

    def entry(self, name: str, path: Path) -> dict:
        """List entry for a file whose content is currently at `path`."""
        return {"file": name, "sha256": _hash(path)}

    def append(self, *entries: dict, durable: bool = True) -> None:
        """Add lines to the list, but not to copies that share its file by hard links (backups)."""
        if self.path.is_file() and self.path.stat().st_nlink > 1:
            self._rewrite()
        text = ("\n" if self._torn else "") + "".join(map(_line, entries))
        self._torn = True  # until it is written completely
        with error_filename(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        self._torn = False
        for entry in entries:
            if "file" in entry:
                self.files.setdefault(entry["file"], set()).add(entry["sha256"])

    def place(self, temporary: Path, name: str) -> None:
        """Move a file into place; it is listed before and checked immediately before the move."""
        self.append(self.entry(name, temporary))
        self.check_replaceable(name)
        os.replace(temporary, self.folder / name)
        self._stats[name] = _stat(self.folder / name)

    def remove(self, name: str) -> None:
        """Remove a file if it is ours, and folders that become empty."""
        if self.owns(name):
            path = inside(self.folder, name)
            path.unlink()
            remove_if_empty(*(folder for folder in path.parents if self.folder in folder.parents))
        self.append({"gone": name}, durable=False)
        self.files.pop(name, None)

    # --- many files ---

    @contextmanager
    def transaction(self, shown: Path, replace: bool) -> Iterator[Path]:
        """See outputs.output_set. shown: the folder's name in messages."""
        partial = self.folder / f"{self.prefix}{uuid.uuid4().hex}"
        partial.mkdir()
        try:
            with error_filename(shown, partial):
                yield partial
                self._move_all(partial, replace)
        finally:
            if self.moves is None:
                shutil.rmtree(partial, ignore_errors=True)

    def _move_all(self, partial: Path, replace: bool) -> None:
        files = _files_in(partial)
        for name in files:
            self.check_replaceable(name)
        if os.name == "posix" and len(files) > BULK_SYNC_FILES:
            os.sync()
        else:
            for path in files.values():
                sync(path)
        stale = [name for name in self.files if name not in files] if replace else []
        moves = {"moves": partial.name, "stale": stale}
        self.append(*map(self.entry, files, files.values()), moves)
        self.moves = moves
        self.finish_moves()

    def finish_moves(self) -> None:
        """Move the new files into place and remove the stale ones."""
        assert self.moves is not None
        partial = inside(self.folder, str(self.moves["moves"]))
        for name, path in _files_in(partial).items():
            self.check_replaceable(name)
            target = inside(self.folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
        for name in self.moves["stale"]:
            self.remove(name)
        self.moves = None
        self._rewrite()
        shutil.rmtree(partial, ignore_errors=True)

    def _head(self) -> str:
        return _line({"key": self.key, "stage": self.stage, "version": VERSION})

    def _rewrite(self) -> None:
        """Rewrite the list without outdated lines."""
        entries = ({"file": name, "sha256": each} for name, hashes in self.files.items() for each in hashes)
        temporary = self.folder / f"{self.prefix}{uuid.uuid4().hex}.tmp"  # nobody can put a link there
        with error_filename(self.path):
            temporary.write_text(self._head() + "".join(map(_line, entries)), encoding="utf-8")
            sync(temporary)
            os.replace(temporary, self.path)


def resolve_path(path: str | Path) -> Path:
    """Resolve links in a path; a path with a loop of links is returned unchanged."""
    return Path(os.path.realpath(path))


def inside(folder: str | Path, name: str | Path, where: str | Path | None = None) -> Path:
    """The path of `name` in `folder`; UserError if it leads out of it by `..`, as an absolute path or through a link.

    where: prefix of the message, for a name that was read from a file.
    """
    path = Path(folder, name)
    try:
        within = Path(folder).resolve() in path.resolve().parents
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL
        within = False
    if not within:
        raise UserError(f"{where or folder}: the name {str(name)[:80]!r} leads out of its folder")
    return path


def svg_files(folder: Path, pattern: str = "*.svg") -> list[str]:
    """Names in `folder` of the files that match `pattern` (recursively), sorted; hidden ones are left out.

    `*.svg` also matches x.SVG. UserError for an invalid pattern or file name, or a link that leads out of the folder.
    """
    any_case = re.sub(r"\.svg$", ".[sS][vV][gG]", pattern, flags=re.IGNORECASE)
    try:
        paths = [path.relative_to(folder) for path in folder.rglob(any_case) if path.is_file()]
    except (ValueError, NotImplementedError) as error:
        raise UserError(f"{pattern!r} is not a file pattern ({error}); try '*.svg'") from error
    files = sorted(p.as_posix() for p in paths if not any(part.startswith(".") for part in p.parts))
    strange = next((file for file in files if not file.isprintable()), None)  # non-UTF-8 names are not printable
    if strange is not None:
        raise UserError(f"{folder}: the file name {strange!r} is not UTF-8 or has control characters; rename the file")
    for file in files:
        inside(folder, file)  # links are followed only within the folder
    return files


def _may_be_list(path: Path) -> bool:
    """Whether an unreadable list is the beginning of one whose process was killed."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return b'{"key": "'.startswith(file.read(9))


def is_name(text: object) -> bool:
    """Whether a text can be a single folder name: no path, and not hidden like the list."""
    return isinstance(text, str) and re.fullmatch(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*", text) is not None


@contextmanager
def error_filename(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Put the final file name in errors of failed writes, which name the temporary file, or none if the disk is full.

    temporary: the folder that stands in for `path`.
    """
    try:
        yield
    except OSError as error:
        name = str(error.filename)
        within = temporary is not None and name.startswith(str(temporary))
        if error.filename is None or within or name.endswith(".tmp"):
            error.filename = str(path)
        raise


def sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_if_empty(*folders: Path) -> None:
    """Remove empty folders, up to the first one that is not empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _files_in(folder: Path) -> dict[str, Path]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _entry_of(line: bytes) -> dict | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _line(entry: dict) -> str:
    return json.dumps(entry) + "\n"


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
