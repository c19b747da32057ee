"""A limit on the CPU time of a block of code, where the platform and the thread allow one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TimeIsUp(Exception):
    """The block used up its time."""


@contextmanager
def cpu_limit(seconds: float, message: str) -> Iterator[None]:
    """Raise TimeIsUp(message) in the block once it has used that much CPU time.

    Only the main thread of a process on a POSIX system can be interrupted; elsewhere there is no limit.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise TimeIsUp(message)

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
