"""A limit of CPU time for a call in a child process, if the platform supports it."""

import multiprocessing
from collections.abc import Callable
from typing import Any

try:
    import resource
except ImportError:  # Windows: no limits
    resource = None  # type: ignore[assignment]


class TimeLimitExceeded(Exception):
    """The call exceeded its time."""


def call_in_child(seconds: int, message: str, function: Callable, *arguments) -> Any:
    """Call function(*arguments) in a forked child with a limit of CPU time; TimeLimitExceeded(message) beyond it.

    For C code, which no signal handler can interrupt. Passes on ValueError and MemoryError from the function.
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
