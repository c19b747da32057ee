"""Output folders of stages: claimed, separate from inputs, changed file by file or as a set.

A folder can be claimed if it is empty, or has the list (system/file_list.py) of the claiming stage. Only files that the
list proves to be ours are replaced or removed, and a process with claims writes only inside them. The check comes
immediately before the move: a file that another program saves under the same name in the microseconds between is
replaced. Moving the old file away before checking it would lose it if the process were killed.

    with claim_folder(folder, "train_vae"):          files change one by one, each atomically (`atomic_path`)
    with output_set(folder, "generate") as partial:  all files change together at the end, or none do
"""

import os
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.file_list import LIST_NAME, FileList, error_filename, remove_if_empty, resolve_path, sync
from svgfusion_lib.system.launch import rank_and_world_size

try:
    import fcntl
except ImportError:  # Windows: no locks
    fcntl = None  # type: ignore[assignment]

_claims: dict[tuple[int, Path], FileList] = {}  # by process and folder, both as given and resolved
_writable_files: set[Path] = set()  # outside claims


class FolderInUse(UserError):
    """Another process is using the folder."""


@contextmanager
def claim_folder(folder: str | Path, stage: str, *inputs: str | Path | None) -> Iterator[Path]:
    """Claim a folder for this process: a new or empty one, or one that the stage wrote before.

    UserError if it contains anything else, overlaps `inputs`, or is used by another process; the lock ends with its
    process, however that ends. Functions called by the stage may claim the folder again. If several processes train
    together (`accelerate launch`), the first one holds the claim.
    """
    folder = Path(folder)
    check_no_overlap(folder, *inputs)
    if rank_and_world_size()[0] > 0 or _is_claimed(folder):
        yield folder
        return
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file with that name exists; choose another output folder")
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with _folder_lock(folder) as alone:
        claim = FileList(folder, stage)
        keys = [(os.getpid(), place) for place in claim.places]
        _claims.update(dict.fromkeys(keys, claim))
        try:
            with error_filename(folder):
                claim.open(alone)
            yield folder
        finally:
            for key in keys:
                del _claims[key]
            claim.close(made)


@contextmanager
def output_set(folder: str | Path, stage: str, *inputs: str | Path | None, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder; on success, its files are moved into `folder`; on error, nothing changes.

    replace: remove listed files of earlier sets that are unchanged since. If a process is killed between moves, the
    next claim, or `finish_pending_moves`, completes them.
    """
    folder = Path(folder)
    with claim_folder(folder, stage, *inputs):
        claim = _claims[os.getpid(), resolve_path(folder)]
        with claim.transaction(folder, replace) as partial:
            yield partial


def finish_pending_moves(folder: str | Path) -> None:
    """Call before reading: complete the moves of a killed process."""
    claim = FileList(Path(folder))
    if not _is_claimed(claim.folder) and claim.read() and claim.moves is not None:
        with suppress(FolderInUse), _folder_lock(claim.folder):
            claim.finish_moves()


def register_files(folder: str | Path) -> None:
    """List all files in a folder as ours, in the enclosing claim."""
    folder = resolve_path(folder)
    claim = _find_claim(folder / LIST_NAME)
    assert claim is not None  # the caller holds one
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    claim.append(*(
        claim.entry(path.relative_to(claim.folder).as_posix(), path) for path in paths if path != claim.path
    ))


def remove_listed(folder: str | Path) -> None:
    """Remove a file, or a folder's content, if the enclosing claim, or the folder's own list, proves it ours.

    A subfolder with its own list belongs to another stage, unless the claim has adopted it.
    """
    folder = resolve_path(folder)
    around = _find_claim(folder / LIST_NAME)
    if around is not None:
        _remove_all(around, folder)
    else:
        claim = FileList(folder)
        with _folder_lock(folder):
            if claim.read():
                _remove_all(claim, folder)
                claim.path.unlink()
    remove_if_empty(folder)


def _remove_all(claim: FileList, folder: Path) -> None:
    for name in [name for name in claim.files if (claim.folder / name).is_relative_to(folder)]:
        claim.remove(name)


# --- paths ------------------------------------------------------------------------------------------


def check_no_overlap(output: str | Path, *inputs: str | Path | None) -> None:
    """UserError if an output folder is an input or inside one, or if an input file is inside it."""
    target = resolve_path(output)
    for given in inputs:
        if given is None:
            continue
        source = resolve_path(given)
        if source == target or source in target.parents or (source.parent == target and source.is_file()):
            raise UserError(f"{output}: is not apart from the input {given}; choose another output folder")


def unique_names(names: list[str]) -> list[str]:
    """Number names that some file systems treat as equal to an earlier one: a.svg, A.svg -> a.svg, A-2.svg.

    Equal means up to case and Unicode composition.
    """
    taken: set[str] = set()
    result = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        number, chosen = 1, name
        while _fold_name(chosen) in taken:
            number += 1
            chosen = f"{stem}-{number}.{suffix}" if dot else f"{name}-{number}"
        taken.add(_fold_name(chosen))
        result.append(chosen)
    return result


def _fold_name(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


# --- files ------------------------------------------------------------------------------------------


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a unique temporary path next to `path`; on success it is moved to `path`, on error removed.

    The content is flushed before the move, so that a power cut leaves the old file or the new one.
    UserError, before anything is written, if the claims of this process do not allow `path`.
    """
    path = Path(path)
    claim = _find_claim(path)
    name = claim.name_of(path) if claim else ""
    partial = claim is not None and claim.is_partial(name)
    if partial and path.exists():
        raise UserError(f"{path.name}: two files of one set have this name")
    if claim is not None and not partial:
        claim.check_replaceable(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{claim.prefix if claim else '.'}{uuid.uuid4().hex}.tmp")
    try:
        with error_filename(path):
            yield temporary
            if not partial:  # files of a set are flushed together
                sync(temporary)
            if claim is not None and not partial:
                claim.place(temporary, name)
            else:
                os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if not partial and os.name == "posix":
        with suppress(OSError):  # some file systems cannot; the file is in place anyway
            sync(path.parent)


@contextmanager
def allow_write(path: Path) -> Iterator[None]:
    """Allow writing a file outside claimed folders that the caller knows, by its seal, to be ours."""
    _writable_files.add(path.absolute())
    try:
        yield
    finally:
        _writable_files.remove(path.absolute())


def _is_claimed(folder: Path) -> bool:
    return (os.getpid(), resolve_path(folder)) in _claims


def _find_claim(path: Path) -> FileList | None:
    """This process's innermost claim around a path. UserError if there are claims, but none contains it."""
    own = {place: claim for (process, place), claim in _claims.items() if process == os.getpid()}
    around = [place for place in own if place in path.absolute().parents]
    if not around and path.absolute() in _writable_files:
        return None
    if own and not around:
        raise UserError(f"{path}: lies outside the output folder {next(iter(own))}")
    return own[max(around, key=lambda place: len(place.parts))] if around else None


@contextmanager
def _folder_lock(folder: Path) -> Iterator[bool]:
    """Lock a folder; yields whether locks are supported (not on Windows and some file systems)."""
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
                f"{folder}: another process is using it; wait until it ends, or choose another folder"
            ) from error
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(descriptor)
