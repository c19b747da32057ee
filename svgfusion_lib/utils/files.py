"""Files that are whole or absent: write to a temporary name, then move into place."""

import json
import os
import tomllib
from contextlib import contextmanager
from pathlib import Path

from svgfusion_lib.errors import UserError


@contextmanager
def atomic_path(path: str | Path):
    """Yield a temporary path beside `path`; on success it is moved to `path`, on error removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text atomically and return the path."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | Path, data) -> Path:
    """Write indented JSON atomically and return the path."""
    return write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read_toml(path: str | Path) -> dict:
    """The content of a TOML file; UserError if it cannot be read."""
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: not a readable TOML file ({reason})") from error
