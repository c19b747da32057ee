"""Which of several processes this is, by what `accelerate launch` puts into the environment."""

import os

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
