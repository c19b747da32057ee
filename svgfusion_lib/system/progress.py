"""Progress bars that stay readable in terminals, JupyterLab and papermill logs."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from tqdm import tqdm


def track(
    iterable: Iterable, description: str, total: int | None = None, initial: int = 0, disable: bool = False
) -> tqdm:
    """A progress bar over `iterable`, none if disabled. With SVGFUSION_HEADLESS=1 it prints a plain line every 5 s.

    Always uses the plain-text bar, not the widget: a saved notebook shows its last state, while the widget
    freezes at 0%.
    """
    return tqdm(iterable, total=total, initial=initial, disable=disable, **_style(description))


def progress_bar(description: str, **options) -> tqdm:
    """A progress bar for manual updates, with options of tqdm."""
    return tqdm(**{"total": 0} | _style(description) | options)


def reporter(bar: tqdm, callback: Callable[[int, int], None] | None) -> Callable[[int, int], None]:
    """report(done, total): moves the bar there, even if the total has grown, and then calls the callback."""

    def report(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - int(bar.n))
        if callback is not None:
            callback(done, total)

    return report


def _style(description: str) -> dict[str, Any]:
    headless = os.environ.get("SVGFUSION_HEADLESS") == "1"
    return {
        "desc": description, "file": sys.stdout, "ascii": True, "mininterval": 5.0 if headless else 0.5,
        "dynamic_ncols": not headless, "ncols": 90 if headless else None,
    }
