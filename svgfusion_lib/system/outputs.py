"""Folders that stages write into: claimed, kept apart from inputs, changed file by file or as a set.

A folder is claimed if it is empty, or carries the list (system/file_list.py) of the stage that claims it. Only what the
list proves to be ours is replaced or removed, and while a process holds claims, it writes below them and nowhere else.
The check comes right before the move: what another program saves under the same name in between, in some microseconds,
is replaced. To move it away first and look at it then would lose it to a kill.

    with claimed(folder, "train_vae"):               files change one by one, each whole (`atomic_path`)
    with output_set(folder, "generate") as partial:  all files change together at the end, or none does
"""

import os
import sys
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.file_list import LIST_NAME, FileList, naming, real, remove_if_empty, sync
from svgfusion_lib.system.launch import launched

try:
    import fcntl
except ImportError:  # Windows: no locks
    fcntl = None  # type: ignore[assignment]

_claims: dict[tuple[int, Path], FileList] = {}  # by process and folder, as it was given and as it is resolved
_own_files: set[Path] = set()  # outside of claims


class FolderInUse(UserError):
    """Another process works in the folder."""


@contextmanager
def claimed(folder: str | Path, stage: str, *inputs: str | Path | None) -> Iterator[Path]:
    """Make a folder, or take one that is empty or that the stage wrote before, and be the one process at work in it.

    UserError if it holds anything else, is not apart from `inputs`, or if another process works in it; the lock goes
    with its process, however that ends. A folder that is claimed already may be claimed again by what the stage calls.
    Of several processes that train together (`accelerate launch`) the first one has the claim.
    """
    folder = Path(folder)
    check_apart(folder, *inputs)
    if launched()[0] > 0 or _is_claimed(folder):
        yield folder
        return
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file of that name is in the way; choose another output folder")
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder) as alone:
        claim = FileList(folder, stage)
        keys = [(os.getpid(), place) for place in claim.places]
        _claims.update(dict.fromkeys(keys, claim))
        try:
            with naming(folder):
                claim.open(alone)
            yield folder
        finally:
            for key in keys:
                del _claims[key]
            claim.close(made)


@contextmanager
def output_set(folder: str | Path, stage: str, *inputs: str | Path | None, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder; on success all files in it take their places in `folder`, on error nothing changes.

    replace: what the list has of earlier sets goes, as far as it is as it was written. A process that is killed among
    the moves has its work finished by the next claim, or by `settle`.
    """
    folder = Path(folder)
    with claimed(folder, stage, *inputs):
        claim = _claims[os.getpid(), real(folder)]
        with claim.changed_together(folder, replace) as partial:
            yield partial


def settle(folder: str | Path) -> None:
    """Before reading: finish the moves of a process that was killed among them."""
    claim = FileList(Path(folder))
    if not _is_claimed(claim.folder) and claim.read() and claim.moves is not None:
        with suppress(FolderInUse), _locked(claim.folder):
            claim.finish_moves()


def adopt(folder: str | Path, stage: str = "") -> None:
    """List all files below a folder as ours, in the claim around it, or as the stage's: those of an earlier version."""
    folder = real(folder)
    claim = _find(folder / LIST_NAME) or FileList(folder, stage)
    claim.begin()
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    claim.append(*(
        claim.entry(path.relative_to(claim.folder).as_posix(), path) for path in paths if path != claim.path
    ))


def remove_listed(folder: str | Path) -> None:
    """Remove a file, or what is in a folder, as far as the claim around it, or its own list, proves it ours.

    A folder below that has a list of its own is another's, unless the claim has adopted it.
    """
    folder = real(folder)
    around = _find(folder / LIST_NAME)
    if around is not None:
        _remove_all(around, folder)
    else:
        claim = FileList(folder)
        with _locked(folder):
            if claim.read():
                _remove_all(claim, folder)
                claim.path.unlink()
    remove_if_empty(folder)


def _remove_all(claim: FileList, folder: Path) -> None:
    for name in [name for name in claim.files if (claim.folder / name).is_relative_to(folder)]:
        claim.remove(name)


# --- paths ------------------------------------------------------------------------------------------


def check_apart(output: str | Path, *inputs: str | Path | None) -> None:
    """UserError if an output folder is an input or lies in one, or if an input file lies in it."""
    target = real(output)
    for given in inputs:
        if given is None:
            continue
        source = real(given)
        if source == target or source in target.parents or (source.parent == target and source.is_file()):
            raise UserError(f"{output}: is not apart from the input {given}; choose another output folder")


def distinct(names: list[str]) -> list[str]:
    """Names with a number added where an earlier one is the same to some disk: a.svg, A.svg -> a.svg, A-2.svg.

    The same but for capitals, or for how accents are composed.
    """
    taken: set[str] = set()
    result = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        number, chosen = 1, name
        while _folded(chosen) in taken:
            number += 1
            chosen = f"{stem}-{number}.{suffix}" if dot else f"{name}-{number}"
        taken.add(_folded(chosen))
        result.append(chosen)
    return result


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


# --- files ------------------------------------------------------------------------------------------


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, nobody else's; on success it is moved to `path`, on error removed.

    The content is on the disk before the name is, so that a power cut leaves the old file or the new one.
    UserError, before anything is written, if the claims of this process do not allow `path`.
    """
    path = Path(path)
    claim = _find(path)
    name = claim.name_of(path) if claim else ""
    partial = claim is not None and claim.is_partial(name)
    if partial and path.exists():
        raise UserError(f"{path.name}: two files of one set have this name")
    if claim is not None and not partial:
        claim.admit(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{claim.prefix if claim else '.'}{uuid.uuid4().hex}.tmp")
    try:
        with naming(path):
            yield temporary
            if not partial:  # all of a set are flushed together
                sync(temporary)
            if claim is not None and not partial:
                claim.place(temporary, name)
            else:
                os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if not partial and os.name == "posix":
        with suppress(OSError):  # some file systems cannot; the file is in its place all the same
            sync(path.parent)


@contextmanager
def own_file(path: Path) -> Iterator[None]:
    """Let a file be written that lies in no claimed folder, of which the caller knows, by its seal, that it is ours."""
    _own_files.add(path.absolute())
    try:
        yield
    finally:
        _own_files.remove(path.absolute())


def _is_claimed(folder: Path) -> bool:
    return (os.getpid(), real(folder)) in _claims


def _find(path: Path) -> FileList | None:
    """The innermost claim of this process that a path is below. UserError if there are claims, but none of them is."""
    own = {place: claim for (process, place), claim in _claims.items() if process == os.getpid()}
    around = [place for place in own if place in path.absolute().parents]
    if not around and path.absolute() in _own_files:
        return None
    if own and not around:
        raise UserError(f"{path}: lies outside of the output folder {next(iter(own))}")
    return own[max(around, key=lambda place: len(place.parts))] if around else None


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Yields whether there is a lock at all: not on Windows, nor on a file system that has none."""
    if fcntl is None:
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except BlockingIOError as error:
            raise FolderInUse(
                f"{folder}: another process is at work in it; wait for its end, or give another folder"
            ) from error
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(descriptor)


if __name__ == "__main__":  # `python -m svgfusion_lib.system.outputs FOLDER STAGE`: a folder of an earlier version
    adopt(Path(sys.argv[1]), sys.argv[2])
