"""Environment variables: rank and process count from `accelerate launch`, and variables for child processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from svgfusion_lib.errors import UserError


def rank_and_world_size() -> tuple[int, int]:
    """Rank and number of processes; (0, 1) for a single process. UserError for an invalid environment.

    RANK alone means nothing: there are other processes only if WORLD_SIZE is above 1.
    """
    count = _number("WORLD_SIZE", 1)
    rank = _number("RANK", 0) if count > 1 else 0
    if count < 1 or not 0 <= rank < count:
        raise UserError(f"the environment says RANK={rank} of WORLD_SIZE={count}; unset both, or use accelerate launch")
    return rank, count


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    try:
        return int(text) if text else default
    except ValueError as error:
        raise UserError(f"the environment says {name}={text[:60]!r}, which is not a number; unset it") from error


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables for processes started in the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
