"""Progress bars that stay readable in a terminal, in JupyterLab and in a papermill log."""

import os
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def track(
    iterable: Iterable, description: str, total: int | None = None, initial: int = 0, disable: bool = False
) -> tqdm:
    """A progress bar over `iterable`, none if disabled. With SVGFUSION_HEADLESS=1 it prints a plain line every 5 s.

    The plain-text bar is used everywhere (not the widget one): its last state is what a saved
    notebook shows, while the widget freezes at 0%.
    """
    return tqdm(iterable, total=total, initial=initial, disable=disable, **_style(description))


def progress_bar(description: str, **options) -> tqdm:
    """A progress bar that is moved by hand, with options of tqdm."""
    return tqdm(**{"total": 0} | _style(description) | options)


def _style(description: str) -> dict[str, Any]:
    headless = os.environ.get("SVGFUSION_HEADLESS") == "1"
    return {
        "desc": description, "file": sys.stdout, "ascii": True, "mininterval": 5.0 if headless else 0.5,
        "dynamic_ncols": not headless, "ncols": 90 if headless else None,
    }
