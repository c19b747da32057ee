"""The environment: which of several processes this is, as `accelerate launch` says, and what others are told."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from svgfusion_lib.errors import UserError


def launched() -> tuple[int, int]:
    """Rank of this process and how many there are; (0, 1) if it is alone. UserError for an environment that is wrong.

    RANK by itself says nothing: only with WORLD_SIZE above 1 are there others.
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
        raise UserError(f"the environment says {name}={text[:60]!r}, which is no number; unset it") from error


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Variables for the processes that are started meanwhile."""
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
