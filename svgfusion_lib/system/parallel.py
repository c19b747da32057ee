"""Processes many items in several processes, in order, with bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.launch import environment

MIN_ITEMS_FOR_PROCESSES = 200  # items; for fewer, starting processes costs more than it saves
CHUNK = 16                     # items sent together
MAX_PENDING = 4                # chunks per process that may be in progress or waiting
WORKER_ENVIRONMENT = {"PYTHONSAFEPATH": "1"}  # no imports from the current folder, which may be untrusted
POLL_SECONDS = 2.0          # between checks whether all workers of a pool are alive


def default_processes(count: int) -> int:
    """The number of cores, or 1 for few items."""
    return (os.cpu_count() or 1) if count >= MIN_ITEMS_FOR_PROCESSES else 1


def map_in_order(work: Callable, items: Sequence, processes: int | None = None, chunk_size: int = CHUNK) -> Iterator:
    """Yield work(item) for every item in order, computed here (one process) or in fresh processes.

    work and its results must be picklable. Processes are not forked, because a fork may hold torch's locks.
    """
    if processes is None:
        processes = default_processes(len(items))
    if processes <= 1:
        yield from map(work, items)
        return
    chunks = (items[i : i + chunk_size] for i in range(0, len(items), chunk_size))
    others = active_children()
    with environment(**WORKER_ENVIRONMENT):
        started = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    with started as pool:
        waiting: deque[Future] = deque()  # in progress, or finished
        try:
            for chunk in chunks:
                waiting.append(_submit(pool, work, chunk))
                if len(waiting) >= MAX_PENDING * processes:
                    yield from _result_of(waiting.popleft(), others)
            while waiting:
                yield from _result_of(waiting.popleft(), others)
        except BrokenProcessPool as error:
            _terminate_workers(others)
            raise UserError(
                "a worker process ended before its work was done: it was killed, ran out of memory, or was started by"
                " a script without `if __name__ == \"__main__\":`; use fewer processes, or 1"
            ) from error


def _submit(pool: ProcessPoolExecutor, work: Callable, chunk: Sequence) -> Future:
    try:
        with environment(**WORKER_ENVIRONMENT):  # may start a worker
            return pool.submit(_run_chunk, work, chunk)
    except (OSError, ValueError) as error:  # a worker was just killed: "handle is closed", "fds_to_keep"
        raise BrokenProcessPool(str(error)) from error


def _result_of(future: Future, others: Sequence) -> list:
    """The result of a process pool's future, or BrokenProcessPool.

    If a worker is killed while another one starts, the pool waits forever (CPython, seen with 3.11). So once a
    worker is missing, all are ended, which the pool notices.
    """
    seen: set = set()
    while True:
        try:
            return future.result(timeout=POLL_SECONDS)
        except TimeoutError:
            if future.done():  # raised by the work itself
                raise
        workers = {child.pid for child in active_children() if child not in others}
        if seen - workers:
            _terminate_workers(others)
        seen |= workers


def _terminate_workers(others: Sequence) -> None:
    for child in active_children():
        if child not in others:
            child.terminate()


def _run_chunk(work: Callable, chunk: Sequence) -> list:
    return [work(item) for item in chunk]


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Set the number of torch threads in the block, so that results do not depend on the machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
