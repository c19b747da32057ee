"""How much work one document may cause: a budget that all steps of reading it share.

Limits on single things (elements, segments, clips) come first and say more. The budget catches what multiplies
them: long attributes that are used often, many selectors on many elements, outlines that cross everywhere. It
counts, and does not look at the clock, so that a file is accepted everywhere or nowhere.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import pathops

MAX_WORK = 1_200_000   # units of about a microsecond
FEW_SEGMENTS = 32      # of outlines so small that counting what may cross in them is not worth it
MAX_PAIRS = 12_000     # of segments that may cross in one operation on outlines; drawn by hand: below 8,000
MAX_COLUMN = 500_000   # pairs of segments that share a column or a row; beyond it they are not counted

_spent: ContextVar[Counter | None] = ContextVar("spent", default=None)
_POINTS = {
    pathops.PathVerb.MOVE: 1, pathops.PathVerb.LINE: 1, pathops.PathVerb.QUAD: 2, pathops.PathVerb.CONIC: 2,
    pathops.PathVerb.CUBIC: 3, pathops.PathVerb.CLOSE: 0,
}


@contextmanager
def bounded_effort() -> Iterator[Counter]:
    """While one document is read: `spend` counts, and raises when it is too much. Yields what was spent on what."""
    token = _spent.set(Counter())
    try:
        yield _spent.get()
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
        del spent[""]
        raise ValueError(f"drawing it takes too much work, most of it for {max(spent, key=spent.get)}")


def count_pairs(*outlines: pathops.Path) -> int:
    """How many pairs of segments have boxes that overlap; MAX_PAIRS + 1 where they are too many to count."""
    boxes = np.concatenate([_boxes(outline) for outline in outlines])  # [N, 4]
    for axis in (0, 1):  # a sweep along x, or along y where fewer share a row than a column
        low, high = boxes[:, axis], boxes[:, axis + 2]
        order = np.argsort(low)
        boxes, low, high = boxes[order], low[order], high[order]
        after = np.searchsorted(low, high, side="right") - np.arange(len(boxes)) - 1  # [N]: begin before this one ends
        if after.sum() <= MAX_COLUMN:
            break
    else:
        return MAX_PAIRS + 1
    first = np.repeat(np.arange(len(boxes)), after)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(after) - after, after)
    other = 1 - axis
    meet = (boxes[first, other] <= boxes[second, other + 2]) & (boxes[second, other] <= boxes[first, other + 2])
    return int(meet.sum())


def _boxes(outline: pathops.Path) -> np.ndarray:
    """Boxes [N, 4] around the segments of an outline, controls included, and those that close it."""
    verbs = list(outline.verbs)
    points = np.array(outline.points, dtype=float).reshape(-1, 2)
    counts = np.array([_POINTS[verb] for verb in verbs], dtype=int)
    ends = np.cumsum(counts)
    moves = np.array([verb == pathops.PathVerb.MOVE for verb in verbs], dtype=bool)
    firsts = np.maximum.accumulate(np.where(moves, ends - 1, 0))  # where the sub-path of each verb begins
    drawn = ~moves
    first = np.where(counts == 0, firsts, ends - 1)[drawn]        # a close ends there
    low = high = points[np.maximum(ends - counts - 1, 0)[drawn]]  # where each segment starts
    for back in range(3):
        inner = points[np.where(counts[drawn] > back, np.maximum(ends[drawn] - 1 - back, 0), first)]
        low, high = np.minimum(low, inner), np.maximum(high, inner)
    return np.concatenate([low, high], axis=1)
