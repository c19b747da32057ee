"""CPU time limits for a block of code, or for a call in a child process, if the platform supports them."""

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


class TimeLimitExceeded(Exception):
    """The block exceeded its time."""


@contextmanager
def cpu_limit(seconds: float, message: str) -> Iterator[None]:
    """Raise TimeLimitExceeded(message) in the block once it has used that much CPU time.

    Works only in the main thread on POSIX systems; elsewhere there is no limit.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise TimeLimitExceeded(message)

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def call_in_child(seconds: int, message: str, function: Callable, *arguments) -> Any:
    """Call function(*arguments) in a forked child with a limit of CPU time; TimeLimitExceeded(message) beyond it.

    For C code, which `cpu_limit` cannot interrupt. Passes on ValueError and MemoryError from the function.
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
        raise TimeLimitExceeded(message) from error
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
