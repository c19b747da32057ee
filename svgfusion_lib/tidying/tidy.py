"""Rows brought into order: the rules of this room, applied in turn, and what they moved.

What is off by no more than errors of a size explain is put right, anything else is left. That size is what a drawing
itself shows (noise.py): clean ones have next to none, so next to nothing moves in them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from svgfusion_lib.errors import UserError
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import UNITS
from svgfusion_lib.tidying.curves import meet_strokes, round_curves, settle_arcs, settle_radii
from svgfusion_lib.tidying.drawing import drop_doubles, fit_canvas, mirror_halves, one_palette
from svgfusion_lib.tidying.noise import LEAST_NOISE, MOST_NOISE, estimated_noise
from svgfusion_lib.tidying.points import settle_points
from svgfusion_lib.tidying.settle import Grid
from svgfusion_lib.utils.hybrid_utils import sanitize_rows

MOST_ROWS = 2000  # of an icon
HAIR = 0.1    # units over the canvas's edge
MOVED = 1e-3  # units from which a coordinate counts as moved
Rule = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class TidyConfig:
    """Which rules are applied, and how far they may move anything. Units: 24 to the canvas's side."""

    doubles: bool = True          # strokes that are there twice, and stubs
    curves: bool = True           # curves that are nearly arcs become arcs; outlines that are nearly circles, circles
    mirror: bool = True           # drawings whose halves are nearly mirror images
    weld: bool = True             # ends that nearly meet a point of another stroke, shapes that nearly close
    straight: bool = True         # lines that are nearly horizontal or vertical
    diagonals: bool = True        # lines and quarter turns that are nearly at 45 degrees
    centres: bool = True          # circles that are nearly concentric
    grid: bool = True             # coordinates that are nearly whole or half
    arcs: bool = True             # quarter and half turns, smooth joints
    radii: bool = True            # radii that are nearly equal, whole or half
    junctions: bool = True        # ends that nearly meet another stroke anywhere along it
    palette: bool = True          # colours and stroke widths that are nearly equal
    canvas: bool = True           # drawings that pass the canvas's edge
    max_move: float = 1.0         # units: nothing that is drawn moves further
    step: float = Grid.step       # units: of the half grid
    whole: float = Grid.whole     # share of the coordinates that are meant to be whole (multiples of two steps)
    half: float = Grid.half       # ... and half (those between)
    noise: float | None = None    # units: errors of points that are undone; None: as the drawing shows

    def __post_init__(self):
        for name, largest in (("max_move", 24), ("step", 6)):
            value = getattr(self, name)
            if not 0 < value <= largest:
                raise UserError(f"TidyConfig: {name} must be above 0 and at most {largest}, not {value}")
        if not (self.whole > 0 and self.half > 0 and self.whole + self.half < 1):
            raise UserError(
                f"TidyConfig: whole and half must be above 0 and below 1 together, not {self.whole} and {self.half}"
            )
        if self.noise is not None and not 0 <= self.noise <= 1:
            raise UserError(f"TidyConfig: noise must be from 0 to 1, not {self.noise}")


RULES = tuple(f.name for f in fields(TidyConfig) if f.type == "bool" or f.type is bool)


@dataclass
class Tidied:
    """A drawing in order: valid rows [L', 22], and what was done to it.

    noise: errors of points that were found, in units; moved: of every rule that moved something, how many coordinates
    and how far at most, in units; largest: how far any coordinate is from where it was; dropped: rows that are gone or
    became part of others; painted: rows whose colours or width changed.
    """

    rows: np.ndarray
    noise: float
    moved: dict[str, tuple[int, float]] = field(default_factory=dict)
    largest: float = 0.0
    dropped: int = 0
    painted: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything is not as it was."""
        return bool(self.moved or self.dropped or self.painted)


def tidy_rows(rows: np.ndarray, config: TidyConfig | None = None) -> Tidied:
    """Any rows [L, 22] -> the same drawing in order. Never more rows than the valid ones among them.

    An illustration of more than MOST_ROWS rows is none that these rules are made for: it comes back as it is.
    """
    config = config or TidyConfig()
    given = sanitize_rows(rows)
    if len(given) > MOST_ROWS:
        return Tidied(given, LEAST_NOISE)
    noise = estimated_noise(given) if config.noise is None else config.noise
    noise = min(max(noise, LEAST_NOISE), MOST_NOISE)
    rows = drop_doubles(given, noise) if config.doubles else given
    rows = round_curves(rows, min(noise, config.max_move / 2)) if config.curves else rows
    before = rows
    moved: dict[str, tuple[int, float]] = {}
    for name, rule in _rules(config, noise):
        after = _bounded(before, rows, sanitize_rows(rule(rows)), config.max_move, whole=name == "canvas")
        distance = _distances(rows, after)
        if (distance > MOVED).any():
            count, furthest = moved.get(name, (0, 0.0))
            moved[name] = max(count, int((distance > MOVED).sum())), max(furthest, float(distance.max()))
        rows = after
    largest = float(_distances(before, rows).max(initial=0))
    painted = 0
    if config.palette:
        merged = one_palette(rows)
        painted = int((merged[:, rf.STYLE] != rows[:, rf.STYLE]).any(1).sum())
        rows = merged
    return Tidied(sanitize_rows(rows), noise, moved, largest, len(given) - len(rows), painted)


def _rules(config: TidyConfig, noise: float) -> list[tuple[str, Rule]]:
    """The rules that move something, in order."""
    grid = Grid(config.step, config.whole, config.half) if config.grid else None
    clean = noise <= LEAST_NOISE
    most = HAIR if clean else math.inf  # a clean drawing that goes further is meant to
    ties = {name: getattr(config, name) for name in ("weld", "straight", "diagonals", "centres")}
    rules: list[tuple[str, Rule, bool]] = [
        ("canvas", lambda rows: fit_canvas(rows, 0, most), config.canvas),
        ("mirror", lambda rows: mirror_halves(rows, noise), config.mirror),
        ("points", lambda rows: settle_points(rows, noise, grid, **ties), config.grid or any(ties.values())),
        ("arcs", lambda rows: settle_arcs(rows, noise), config.arcs),
        ("radii", lambda rows: settle_radii(rows, noise, config.step), config.radii),
        ("junctions", lambda rows: meet_strokes(rows, noise), config.junctions),
        ("canvas", lambda rows: fit_canvas(rows, 0 if clean else config.step, most), config.canvas),
    ]
    return [(name, rule) for name, rule, asked in rules if asked]


def _bounded(before: np.ndarray, rows: np.ndarray, after: np.ndarray, most: float, whole: bool) -> np.ndarray:
    """What a rule made of rows, but for elements that it would take further than `most` from where they began.

    These are as they were; of a rule that moves the drawing as a whole, so is the drawing. A rule that changes which
    rows there are is not followed.
    """
    if not np.array_equal(rows[:, :2], after[:, :2]):
        return rows
    far = (_distances(before, after) > most).any(1)  # [L]
    if not far.any():
        return after
    if whole:
        return rows
    begins = (rows[:, rf.ELEMENT] != rf.PATH) | (rows[:, rf.COMMAND] == rf.MOVE)
    element = np.cumsum(begins)
    kept = np.isin(element, element[far])
    return np.where(kept[:, None], rows, after)


def _distances(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far the geometry columns [L, 8] are from where they were, in units."""
    return np.abs(after[:, rf.GEOMETRY].astype(np.float64) - before[:, rf.GEOMETRY]) * UNITS
