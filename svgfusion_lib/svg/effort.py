"""How much work one document may cause: a budget that all steps of reading it share.

Limits on single things (elements, segments, clips) come first and say more. The budget catches what multiplies
them: long attributes that are used often, many selectors on many elements, outlines that cross everywhere. It
counts, and does not look at the clock, so that a file is accepted everywhere or nowhere.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_WORK = 1_000_000    # microseconds or so on one core; of 29,000 icons of eight packs none needs more than 502,000
MAX_CLIPPING = 800_000  # of them for boolean operations on outlines, which are estimated at their worst

_spent: ContextVar[dict[str, float] | None] = ContextVar("spent", default=None)


@contextmanager
def bounded_effort() -> Iterator[dict[str, float]]:
    """Give one document its budget: inside, `spend` counts and raises. Yields the work spent on each thing."""
    spent: dict[str, float] = defaultdict(float)
    token = _spent.set(spent)
    try:
        yield spent
    finally:
        _spent.reset(token)


def spend(work: float, what: str) -> None:
    """Count work, in microseconds or so, on something. ValueError if the document has used up what it may."""
    spent = _spent.get()
    if spent is None:
        return
    spent[what] += work
    spent[""] += work
    if spent[""] > MAX_WORK:
        most = max((name for name in spent if name), key=lambda name: spent[name])
        raise ValueError(f"drawing it takes too much work, most of it for {most}")


@contextmanager
def uncounted() -> Iterator[None]:
    """Suspend counting for work whose result is cached, so that every document counts the same."""
    token = _spent.set(None)
    try:
        yield
    finally:
        _spent.reset(token)


def clipping_left() -> float:
    """Work that may still be spent on boolean operations, "outlines that cross"."""
    spent = _spent.get()
    return MAX_CLIPPING - (spent["outlines that cross"] if spent is not None else 0)
