"""Work on many items in several processes, in order, with bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

FEWEST_FOR_PROCESSES = 200  # items; below that starting processes costs more than it saves
CHUNK = 16                  # items that travel together
WAITING = 4                 # chunks of each process that may be under way or wait to be taken


def default_processes(count: int) -> int:
    """As many processes as the machine has cores, or this one alone for little work."""
    return (os.cpu_count() or 1) if count >= FEWEST_FOR_PROCESSES else 1


def map_in_order(work: Callable, items: Sequence, processes: int | None = None) -> Iterator:
    """work(item) of every item in order, made here (one process) or in fresh processes.

    work and its results must be picklable. Fresh ones, because a fork may hold torch's locks.
    """
    if processes is None:
        processes = default_processes(len(items))
    if processes <= 1:
        yield from map(work, items)
        return
    chunks = (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: deque = deque()
        for chunk in chunks:
            waiting.append(pool.submit(_work_on, work, chunk))
            if len(waiting) >= WAITING * processes:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _work_on(work: Callable, chunk: Sequence) -> list:
    return [work(item) for item in chunk]
