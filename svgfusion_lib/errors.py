"""Exceptions that are shown to the user as a message."""

from collections.abc import Iterator


class UserError(Exception):
    """An error the user can fix: says what is wrong, in which file, and what to do.

    The command line prints it as one line and exits with code 2; notebooks show that line instead of a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """Traceback lines shown by IPython."""
        return [f"UserError: {self}"]


class Paused(Exception):
    """Raised when training reaches its time limit; the same call resumes it.

    The command line prints it as one line and exits with code 3.
    """


def printable(text: str) -> str:
    """Escape control characters (ANSI codes included) and unencodable characters, as in `\\x1b`."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in text
    )


def first_line(error: BaseException) -> str:
    """First line of an error's message; if it has none, its type, or "out of memory" for a MemoryError."""
    unnamed = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    return (str(error).strip() or unnamed).splitlines()[0]


# Messages of PyTorch for out of memory and for failed or missing devices, not all of which have exception types.
_NO_MEMORY = (
    "out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory", "failed to map segment",
    "could not create a primitive",  # oneDNN
    "error return without exception set",  # CPython, when C code runs out of memory
)
_NO_DEVICE = ("cuda error", "no cuda gpus", "cuda driver", "nvidia driver", "nccl error", "hip error", "mps backend")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from: a library may wrap one in its own words, as SciPy's import does."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def machine_error(error: BaseException) -> str | None:
    """One-line message for a hardware error (out of memory, device failure); None for any other error."""
    reason = first_line(error)[:160]
    causes = list(_causes(error))
    text = "\n".join(map(str, causes)).lower()
    if any(isinstance(each, MemoryError) for each in causes) or any(words in text for words in _NO_MEMORY):
        return (
            f"not enough memory ({reason}); use a smaller --batch_size or fewer --processes. Files already written are"
            " intact; rerun the same command to resume training"
        )
    if any(words in text for words in _NO_DEVICE):
        return (
            f"the device failed ({reason}). Files already written are intact; rerun the same command,"
            " with --device cpu if need be, to resume training from the last checkpoint"
        )
    return None
