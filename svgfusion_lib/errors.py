"""The exceptions that are messages to the person at the keyboard."""


class UserError(Exception):
    """Something the user can put right: says what is wrong, which file, and what to do.

    The command line prints it as one line and exits with code 2; notebooks show that line in place of a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows."""
        return [f"UserError: {self}"]


class Paused(Exception):
    """A training that has used up the minutes it was given; the same call continues it.

    The command line prints it as one line and exits with code 3.
    """


def printable(text: str) -> str:
    """Text with control characters, escape codes among them, and what no encoding holds written as `\\x1b`."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in text
    )


def first_line(error: BaseException) -> str:
    """The first line of an error's message; its kind where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


# What PyTorch says when the memory is short, or when a device fails or is gone; it has no exceptions of their own for
# all of these.
_NO_MEMORY = (
    "out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory", "failed to map segment",
    "could not create a primitive",  # oneDNN
    "error return without exception set",  # CPython's, of code in C that got no memory
)
_NO_DEVICE = ("cuda error", "no cuda gpus", "cuda driver", "nvidia driver", "nccl error", "hip error", "mps backend")


def machine_trouble(error: BaseException) -> str | None:
    """One line for an error that is the machine's: too little memory, a device that fails. None for any other."""
    reason = first_line(error)[:160]
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return (
            f"not enough memory ({reason}); a smaller --batch_size or fewer --processes need less. What is written is"
            " whole, and the same command continues a training"
        )
    if any(words in text for words in _NO_DEVICE):
        return (
            f"the device failed ({reason}). What is written is whole; the same command continues a training from its"
            " last checkpoint, with --device cpu too"
        )
    return None
