"""What every notebook needs and none should define: where things are, and pictures of a training log."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import svgfusion_lib
from svgfusion_lib.errors import UserError


def project_root() -> Path:
    """The repository's folder, relative to the working directory (`..` in a notebook).

    Relative, so that the paths a notebook prints are the same on every machine.
    """
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "svgfusion_lib").is_dir() and (folder / "pyproject.toml").is_file():
            return Path(os.path.relpath(folder))
    installed = Path(svgfusion_lib.__file__).resolve().parents[1]
    return Path(os.path.relpath(installed))


def need(path: str | Path, notebook: str) -> Path:
    """`path` if it exists; else a UserError that says which notebook writes it."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path} is missing: run notebook {notebook} first, with the same OUT_DIR.")
    return path


def read_log(path: str | Path) -> list[dict]:
    """The lines of a train_log.jsonl."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def series(log: Sequence[dict], key: str) -> tuple[list[int], list[float]]:
    """Steps and values of the log lines that have `key`."""
    lines = [line for line in log if line.get(key) is not None]
    return [line["step"] for line in lines], [line[key] for line in lines]


def smooth(values: Sequence[float], window: int) -> list[float]:
    """Centred running mean; the window shrinks at both ends."""
    half = window // 2
    parts = [values[max(0, i - half):i + half + 1] for i in range(len(values))]
    return [sum(part) / len(part) for part in parts]


def plot_log(log: Sequence[dict], panels: Sequence[Sequence[str]], window: int = 15, log_scale: bool = True):
    """One panel per group of keys: the values as a pale line, their running mean as a strong one.

    Held-out keys (`val_...`) are few, so they are drawn as marked points. Returns the matplotlib Figure.
    """
    from matplotlib.figure import Figure

    # A Figure of its own, not pyplot's: the notebook shows it once, and nothing is left open.
    figure = Figure(figsize=(4.6 * len(panels), 3.2), layout="constrained")
    for axes, keys in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for index, key in enumerate(keys):
            steps, values = series(log, key)
            if not steps:
                raise UserError(f"The log has no value named {key!r}.")
            colour = f"C{index}"
            if key.startswith("val"):
                axes.plot(steps, values, "o--", color=colour, label=key, markersize=4, linewidth=1)
            else:
                axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
                axes.plot(steps, smooth(values, window), color=colour, label=key, linewidth=1.6)
        if log_scale and all(value > 0 for key in keys for value in series(log, key)[1]):
            axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.grid(alpha=0.25, which="both")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure
