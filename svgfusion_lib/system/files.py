"""Reads and writes bytes, text, JSON with a seal, and TOML. Writes are atomic (system/outputs.py)."""

import hashlib
import json
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import IO

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.outputs import atomic_path

SEAL = "seal"  # field of a JSON file with its kind, and a hash to detect changes
SEAL_VERSION = 1
PLAN_NAME, PLAN = "config.json", "plan of a model"
ENTRIES = "entries"  # field that holds the list, if a JSON file is one


class Writer:
    """File wrapper for libraries that hide the reason of a failed write: `error` keeps it."""

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


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write bytes atomically and return the path."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text atomically and return the path.

    Parts of file names that are not UTF-8 are written as `\\udcff`, which JSON restores.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    return Path(path)


def write_json(path: str | Path, data, kind: str | None = None) -> Path:
    """Write indented JSON atomically and return the path.

    kind: for `read_json` to check; a list is then written as the dictionary {"entries": list}.
    """
    if kind is not None:
        content = {ENTRIES: data} if isinstance(data, list) else data
        data = content | {SEAL: _seal_of(content, kind)}
    return write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path, kind: str, remedy: str) -> dict:
    """Read the dictionary in a JSON file; UserError, ending in `remedy`, if missing, damaged or of another kind."""
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({error}); {remedy}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: damaged (a {type(data).__name__}, not a {kind}); {remedy}")
    seal = data.pop(SEAL, None)
    if not isinstance(seal, dict) or seal.get("kind") != kind:
        raise UserError(f"{path}: not a {kind}, or of an earlier version; {remedy}")
    if seal.get("version") != SEAL_VERSION:
        raise UserError(f"{path}: format version {seal.get('version')}, this version reads {SEAL_VERSION}; {remedy}")
    if seal.get("sha256") != _hash_of(data):
        raise UserError(f"{path}: damaged (its content does not match its hash); {remedy}")
    return data


def keep_plan(folder: str | Path, plan: dict, free: Collection[str] = ()) -> None:
    """Save a run's settings in its folder; UserError if it was started with others, except for those in `free`."""
    path = Path(folder) / PLAN_NAME
    if not path.is_file():
        write_json(path, plan, PLAN)
        return
    before = read_json(path, PLAN, f"use another folder than {folder}")
    changed = [name for name in before | plan if before.get(name) != plan.get(name) and name not in free]
    if changed:
        raise UserError(
            f"{folder}: was started with other settings of {', '.join(changed)}; use the same, or another folder"
        )


def _seal_of(data: dict, kind: str) -> dict:
    return {"kind": kind, "version": SEAL_VERSION, "sha256": _hash_of(data)}


def _hash_of(data: dict) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def read_toml(path: str | Path) -> dict:
    """Read a TOML file; UserError if it cannot be read."""
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: not a readable TOML file ({reason})") from error
