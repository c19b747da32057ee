"""Work budget of one document, shared by all steps of parsing it.

Limits on single quantities (elements, segments, clips) apply first and give clearer errors. The budget catches
products of them: long attributes used often, many selectors on many elements, outlines that cross everywhere.
It counts operations instead of time, so that a file is accepted on all machines or on none.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_WORK = 1_000_000    # roughly microseconds on one core; none of 29,000 icons in eight packs needs more than 502,000
MAX_CLIPPING = 800_000  # share for boolean operations on outlines, estimated at their worst case

_spent: ContextVar[dict[str, float] | None] = ContextVar("spent", default=None)


@contextmanager
def bounded_effort() -> Iterator[dict[str, float]]:
    """Context in which `spend` counts against one document's budget. Yields the work spent by category."""
    spent: dict[str, float] = defaultdict(float)
    token = _spent.set(spent)
    try:
        yield spent
    finally:
        _spent.reset(token)


def spend(work: float, what: str) -> None:
    """Count work (roughly microseconds) in a category. ValueError if the budget is used up."""
    spent = _spent.get()
    if spent is None:
        return
    spent[what] += work
    spent[""] += work
    if spent[""] > MAX_WORK:
        most = max((name for name in spent if name), key=lambda name: spent[name])
        raise ValueError(f"drawing takes too much work, most of it for {most}")


@contextmanager
def uncounted() -> Iterator[None]:
    """Suspend counting for work whose result is cached, so that the count does not depend on earlier documents."""
    token = _spent.set(None)
    try:
        yield
    finally:
        _spent.reset(token)


def clipping_left() -> float:
    """Budget left for boolean operations ("outlines that cross")."""
    spent = _spent.get()
    return MAX_CLIPPING - (spent["outlines that cross"] if spent is not None else 0)
