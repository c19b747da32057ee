"""One thing at a time in the background, so that a click returns at once and Cancel is heard."""

import threading
import time
from collections.abc import Callable

from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery.session import Tick

TELL_SECONDS = 0.2  # between two calls of on_tick: the page that shows them takes its time from the drawing
_FAULT = "That ended with a fault of the program; the log of the notebook server has its traceback."


class Cancelled(Exception):
    """Raised by the worker's tick once Cancel was pressed."""


class Worker:
    """Runs `work(tick)` in a thread. The listeners are called from that thread.

    on_tick(done, total) as it goes on, a few times a second; on_end(message, kind) when it is over, kind "done",
    "cancelled" or "error": what the work returned, or the reason why it did not.
    """

    def __init__(self, on_tick: Tick, on_end: Callable[[str, str], None]):
        self._on_tick, self._on_end = on_tick, on_end
        self._busy, self._cancel = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._told = 0.0  # when on_tick was called last

    @property
    def busy(self) -> bool:
        return self._busy.locked()

    def start(self, work: Callable[[Tick], str]) -> bool:
        """Begin; False, and nothing happens, if something is going on already (a double click)."""
        if not self._busy.acquire(blocking=False):
            return False
        self._cancel.clear()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        return True

    def cancel(self) -> None:
        """End what is going on at its next step."""
        self._cancel.set()

    def wait(self, seconds: float | None = None) -> None:
        """Return when what is going on is over, or after that time."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, work: Callable[[Tick], str]) -> None:
        message, kind = _FAULT, "error"
        try:
            message, kind = work(self._tick), "done"
        except Cancelled:
            message, kind = "Cancelled.", "cancelled"
        except (UserError, OSError) as error:
            message = f"{error}."
        finally:
            try:
                self._on_end(message, kind)
            finally:
                self._busy.release()

    def _tick(self, done: int, total: int) -> None:
        if self._cancel.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS or done == total:
            self._told = now
            self._on_tick(done, total)
