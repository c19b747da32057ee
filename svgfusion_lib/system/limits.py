"""Limits on the CPU time of a block of code, or of a call in a child process, where the platform allows them."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

try:
    import resource
except ImportError:  # Windows: no limits
    resource = None  # type: ignore[assignment]


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


def call_in_child(seconds: int, message: str, function: Callable, *arguments) -> Any:
    """function(*arguments) in a forked child, which the system ends after so much CPU time: TimeIsUp(message).

    For C code, which `cpu_limit` cannot interrupt. A ValueError or MemoryError of the function comes through.
    """
    if resource is None:
        return function(*arguments)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_result, args=(sender, seconds, function, arguments))
    child.start()
    sender.close()
    try:
        result = receiver.recv()
    except EOFError as error:
        raise TimeIsUp(message) from error
    finally:
        child.join()
    if isinstance(result, ValueError | MemoryError):
        raise result
    return result


def _send_result(sender, seconds: int, function: Callable, arguments: tuple) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        result = function(*arguments)
    except (ValueError, MemoryError) as error:
        result = error
    sender.send(result)
