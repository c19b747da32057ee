"""Applies the tidying rules in turn and reports what they moved.

Only deviations that errors of a certain size explain are corrected. That size is estimated from the drawing itself
(noise.py): in clean drawings it is nearly 0, so hardly anything moves.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from svgfusion_lib.errors import UserError
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.anchors import UNITS
from svgfusion_lib.tidying.curves import meet_strokes, round_curves, settle_arcs, settle_radii
from svgfusion_lib.tidying.drawing import drop_duplicates, fit_canvas, keep_apart, mirror_halves, one_palette
from svgfusion_lib.tidying.joints import smooth_joints
from svgfusion_lib.tidying.noise import MAX_NOISE, MIN_NOISE, estimate_noise
from svgfusion_lib.tidying.points import settle_points
from svgfusion_lib.tidying.settle import Grid
from svgfusion_lib.utils.hybrid_utils import sanitize_rows

MAX_ROWS = 2000       # rows of an icon
SMALL_OVERHANG = 0.1  # units beyond the canvas's edge
MIN_MOVE = 5e-3       # units: least change that counts as a move; files hardly resolve less
Rule = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class TidyConfig:
    """Which rules to apply, and how far they may move anything. Units: the canvas is 24 wide."""

    doubles: bool = True          # duplicate strokes, and stubs
    curves: bool = True           # nearly circular curves become arcs, nearly circular outlines become circles
    mirror: bool = True           # nearly symmetric drawings
    weld: bool = True             # ends that nearly meet a point of another stroke, shapes that nearly close
    straight: bool = True         # nearly horizontal or vertical lines
    diagonals: bool = True        # lines and quarter turns at nearly 45 degrees
    centres: bool = True          # nearly concentric circles
    grid: bool = True             # nearly whole or half coordinates
    arcs: bool = True             # quarter and half turns, arcs that continue their neighbours
    joints: bool = True           # rounded corners tangent to both lines, cubics that continue their neighbours
    radii: bool = True            # nearly equal, whole or half radii
    junctions: bool = True        # ends that nearly meet another stroke along its length
    palette: bool = True          # nearly equal colours and stroke widths
    canvas: bool = True           # drawings that extend beyond the canvas
    max_move: float = 1.0         # units: nothing moves further
    step: float = Grid.step       # units: of the half grid
    whole: float = Grid.whole     # share of intended whole coordinates (multiples of two steps)
    half: float = Grid.half       # ... and of half ones (between them)
    noise: float | None = None    # units: size of point errors to correct; None: estimate from the drawing

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
class TidyResult:
    """A tidied drawing: valid rows [L', 22], and what was done.

    noise: estimated point error, in units; moved: for every rule that moved something, the number of coordinates and
    the largest move in units; largest: largest total move of any coordinate; dropped: rows removed or merged;
    painted: rows whose colours or width changed.
    """

    rows: np.ndarray
    noise: float
    moved: dict[str, tuple[int, float]] = field(default_factory=dict)
    largest: float = 0.0
    dropped: int = 0
    painted: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything changed."""
        return bool(self.moved or self.dropped or self.painted)


def tidy_rows(rows: np.ndarray, config: TidyConfig | None = None) -> TidyResult:
    """Tidy any rows [L, 22]. Never returns more rows than the valid ones among them.

    Drawings of more than MAX_ROWS rows are illustrations, for which these rules are not made; they are unchanged.
    """
    config = config or TidyConfig()
    given = sanitize_rows(rows)
    if len(given) > MAX_ROWS:
        return TidyResult(given, MIN_NOISE)
    noise = estimate_noise(given) if config.noise is None else config.noise
    noise = min(max(noise, min(MIN_NOISE, 0.03 * config.step)), MAX_NOISE)  # a fine grid has small errors
    rows = drop_duplicates(given, noise) if config.doubles else given
    rows = round_curves(rows, min(noise, config.max_move / 2)) if config.curves else rows
    before = rows
    moved: dict[str, tuple[int, float]] = {}
    for name, rule in _rules(config, noise):
        after = _limit_moves(before, rows, sanitize_rows(rule(rows)), config.max_move, whole=name == "canvas")
        distance = _distances(rows, after)
        if (distance > MIN_MOVE).any():
            count, furthest = moved.get(name, (0, 0.0))
            moved[name] = max(count, int((distance > MIN_MOVE).sum())), max(furthest, float(distance.max()))
        rows = after
    largest = float(_distances(before, rows).max(initial=0))
    painted = 0
    if config.palette:
        merged = one_palette(rows)
        painted = int((merged[:, rf.STYLE] != rows[:, rf.STYLE]).any(1).sum())
        rows = merged
    return TidyResult(sanitize_rows(rows), noise, moved, largest, len(given) - len(rows), painted)


def _rules(config: TidyConfig, noise: float) -> list[tuple[str, Rule]]:
    """The rules to apply, in order."""
    grid = Grid(config.step, config.whole, config.half) if config.grid else None
    clean = noise <= MIN_NOISE
    most = SMALL_OVERHANG if clean else math.inf  # in a clean drawing, larger overhangs are intentional
    ties = {name: getattr(config, name) for name in ("weld", "straight", "diagonals", "centres")}
    rules: list[tuple[str, Rule, bool]] = [
        ("canvas", lambda rows: fit_canvas(rows, 0, most), config.canvas),
        ("mirror", lambda rows: mirror_halves(rows, noise), config.mirror),
        (
            "points", lambda rows: keep_apart(rows, settle_points(rows, noise, grid, **ties)),
            config.grid or any(ties.values()),
        ),
        ("arcs", lambda rows: settle_arcs(rows, noise), config.arcs),
        ("joints", lambda rows: smooth_joints(rows, noise), config.joints),
        ("radii", lambda rows: settle_radii(rows, noise, config.step), config.radii),
        ("junctions", lambda rows: meet_strokes(rows, noise), config.junctions),
        ("canvas", lambda rows: fit_canvas(rows, 0 if clean else config.step, most), config.canvas),
    ]
    return [(name, rule) for name, rule, asked in rules if asked]


def _limit_moves(before: np.ndarray, rows: np.ndarray, after: np.ndarray, most: float, whole: bool) -> np.ndarray:
    """A rule's result, except for elements that it would move further than `most` from their original position.

    Those are left unchanged; so is the whole drawing, if the rule moves it as a whole. A result that changes which rows
    there are is discarded.
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
    """Changes of the geometry columns [L, 8], in units."""
    return np.abs(after[:, rf.GEOMETRY].astype(np.float64) - before[:, rf.GEOMETRY]) * UNITS
