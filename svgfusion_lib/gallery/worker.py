"""Runs one job at a time in the background, so that clicks return at once and Cancel works."""

import threading
import time
from collections.abc import Callable

from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery.session import Tick

UPDATE_SECONDS = 0.2  # between calls of on_tick: updating the page slows down the drawing
_INTERNAL_ERROR = "Internal error; see the notebook server's log for the traceback."


class Cancelled(Exception):
    """Raised by the worker's tick after Cancel."""


class Worker:
    """Runs `work(tick)` in a thread. The callbacks run in that thread.

    on_tick(done, total) is called a few times a second; on_end(message, kind) at the end, with kind "done",
    "cancelled" or "error" and the message that the work returned or the reason why it failed.
    """

    def __init__(self, on_tick: Tick, on_end: Callable[[str, str], None]):
        self._on_tick, self._on_end = on_tick, on_end
        self._busy, self._cancel = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._last_update = 0.0  # when on_tick was called last

    @property
    def busy(self) -> bool:
        return self._busy.locked()

    def start(self, work: Callable[[Tick], str]) -> bool:
        """Start a job; do nothing and return False if one is running (a double click)."""
        if not self._busy.acquire(blocking=False):
            return False
        self._cancel.clear()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        return True

    def cancel(self) -> None:
        """Stop the job at its next step."""
        self._cancel.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the job to end, at most `seconds`."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, work: Callable[[Tick], str]) -> None:
        message, kind = _INTERNAL_ERROR, "error"
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
        if now - self._last_update >= UPDATE_SECONDS or done == total:
            self._last_update = now
            self._on_tick(done, total)
