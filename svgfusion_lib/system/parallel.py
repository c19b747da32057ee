"""Work on many items in several processes, in order, with bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.launch import environment

FEWEST_FOR_PROCESSES = 200  # items; below that starting processes costs more than it saves
CHUNK = 16                  # items that travel together
WAITING = 4                 # chunks of each process that may be under way or wait to be taken
SAFE = {"PYTHONSAFEPATH": "1"}  # no module of a process comes from the current folder, which may be a stranger's
POLL_SECONDS = 2.0          # between looks at whether all workers of a pool are alive


def default_processes(count: int) -> int:
    """As many processes as the machine has cores, or this one alone for little work."""
    return (os.cpu_count() or 1) if count >= FEWEST_FOR_PROCESSES else 1


def map_in_order(work: Callable, items: Sequence, processes: int | None = None, chunk_size: int = CHUNK) -> Iterator:
    """work(item) of every item in order, made here (one process) or in fresh processes.

    work and its results must be picklable. Fresh ones, because a fork may hold torch's locks.
    """
    if processes is None:
        processes = default_processes(len(items))
    if processes <= 1:
        yield from map(work, items)
        return
    chunks = (items[i : i + chunk_size] for i in range(0, len(items), chunk_size))
    others = active_children()
    with environment(**SAFE):
        started = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    with started as pool:
        waiting: deque[Future] = deque()  # under way, or to be taken
        try:
            for chunk in chunks:
                waiting.append(_submit(pool, work, chunk))
                if len(waiting) >= WAITING * processes:
                    yield from _result_of(waiting.popleft(), others)
            while waiting:
                yield from _result_of(waiting.popleft(), others)
        except BrokenProcessPool as error:
            _end_workers(others)
            raise UserError(
                "a worker process ended before its work was done: killed, or out of memory, or started by a script"
                " without `if __name__ == \"__main__\":`; fewer processes need less memory, one needs neither"
            ) from error


def _submit(pool: ProcessPoolExecutor, work: Callable, chunk: Sequence) -> Future:
    try:
        with environment(**SAFE):  # it may start a worker
            return pool.submit(_work_on, work, chunk)
    except (OSError, ValueError) as error:  # a worker was killed a moment ago: "handle is closed", "fds_to_keep"
        raise BrokenProcessPool(str(error)) from error


def _result_of(future: Future, others: Sequence) -> list:
    """The result of a process pool's future, or BrokenProcessPool.

    A pool whose worker is killed while another one starts waits for that one for ever (CPython, seen with 3.11):
    once a worker is missed, all are ended, and the pool notices.
    """
    seen: set = set()
    while True:
        try:
            return future.result(timeout=POLL_SECONDS)
        except TimeoutError:
            if future.done():  # the work itself ran into one
                raise
        workers = {child.pid for child in active_children() if child not in others}
        if seen - workers:
            _end_workers(others)
        seen |= workers


def _end_workers(others: Sequence) -> None:
    for child in active_children():
        if child not in others:
            child.terminate()


def _work_on(work: Callable, chunk: Sequence) -> list:
    return [work(item) for item in chunk]


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """So many threads of torch in this process for the time being: results then do not depend on the machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
