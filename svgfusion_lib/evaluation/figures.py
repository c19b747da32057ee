"""Figures without a display: made here, written whole or not at all."""

from pathlib import Path

from svgfusion_lib.system.files import atomic_path


def new_figure(width: float, height: float):
    """An empty matplotlib figure of that size in inches, apart from pyplot and its state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure, path: Path) -> None:
    """Write it as PNG."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
