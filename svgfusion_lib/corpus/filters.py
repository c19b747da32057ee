"""Filters for data sets: unusable files, near duplicates, surplus variants of one picture, invisible parts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.captions import SKIN_TONE, humanise
from svgfusion_lib.corpus.colours import dominant_colours
from svgfusion_lib.corpus.packs import pack_domain
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import is_drawn, strokes_only
from svgfusion_lib.utils.placement import drawn_box
from svgfusion_lib.utils.render import BLANK_CONTRAST, render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import element_of_rows, rows_to_svg

PICTURE_SIZE = 32           # pixels
CELLS = 8                   # pictures are compared in CELLS x CELLS cells
DUPLICATE_THRESHOLD = 0.08  # pictures that differ by less count as the same drawing; docs/corpus.md explains the choice
_FIRST_CAPACITY = 256
_ROUNDING = 1e-3


class PictureIndex:
    """An index of pictures on white that finds near duplicates.

    The difference of two pictures is the root mean square difference in the cell where it is largest, relative to the
    strongest cell of either. So a clock hand counts as much in a busy picture as in an empty one, and pale drawings
    differ as much as black ones.
    """

    def __init__(self) -> None:
        self._count = 0
        self._inks = np.empty((_FIRST_CAPACITY, PICTURE_SIZE, PICTURE_SIZE, 3), dtype=np.uint8)
        self._cells = np.empty((_FIRST_CAPACITY, CELLS * CELLS), dtype=np.float32)  # mean ink
        self._squares = np.empty(_FIRST_CAPACITY, dtype=np.float32)                 # squared length of the above
        self._strengths = np.empty(_FIRST_CAPACITY, dtype=np.float32)               # RMS of the strongest cell

    def __len__(self) -> int:
        return self._count

    def add(self, picture: np.ndarray) -> int:
        """Add a picture uint8 [S, S, 3]; returns its index."""
        i = self._count
        if i == len(self._inks):
            for name in ("_inks", "_cells", "_squares", "_strengths"):
                array = getattr(self, name)
                setattr(self, name, np.concatenate([array, np.empty_like(array)]))
        self._inks[i] = 255 - picture
        self._cells[i], self._strengths[i] = _describe(self._inks[i])
        self._squares[i] = self._cells[i] @ self._cells[i]
        self._count += 1
        return i

    def find(self, picture: np.ndarray) -> tuple[int, float] | None:
        """Index of and difference to the picture most similar to `picture` uint8 [S, S, 3], if a near duplicate."""
        count = self._count
        ink = 255 - picture
        cells, strength = _describe(ink)
        bounds = DUPLICATE_THRESHOLD * np.maximum(self._strengths[:count], strength)  # [N]
        # Cell means differ by at most the cell's RMS difference, so pictures skipped here are not near duplicates.
        squares = self._squares[:count] - 2 * (self._cells[:count] @ cells) + cells @ cells
        near = np.flatnonzero(squares < CELLS * CELLS * bounds**2 + _ROUNDING)
        near = near[np.abs(self._cells[near] - cells).max(axis=1) < bounds[near] + _ROUNDING]
        if not len(near):
            return None
        delta = (self._inks[near].astype(np.float32) - ink) / 255  # [n, S, S, 3]
        differences = np.sqrt(_cell_means(delta**2).max(axis=1)) / np.maximum(bounds[near], 1e-9) * DUPLICATE_THRESHOLD
        best = int(differences.argmin())
        return (int(near[best]), float(differences[best])) if differences[best] < DUPLICATE_THRESHOLD else None


def _describe(ink: np.ndarray) -> tuple[np.ndarray, float]:
    """Ink uint8 [S, S, 3] -> mean of each cell [CELLS^2], and the RMS of the strongest cell."""
    ink = ink[None] / np.float32(255)
    return _cell_means(ink)[0], float(np.sqrt(_cell_means(ink**2).max()))


def _cell_means(values: np.ndarray) -> np.ndarray:
    """Float [N, S, S, 3] -> mean of each cell over pixels and channels [N, CELLS^2]."""
    side = values.shape[1] // CELLS
    cells = values.reshape(len(values), CELLS, side, CELLS, side * 3)
    return cells.mean(axis=(2, 4), dtype=np.float32).reshape(len(values), -1)


@dataclass(frozen=True)
class Source:
    """One candidate file."""

    path: Path
    record: Record  # its file is the path in the data set

    @property
    def domain(self) -> str:
        """line, filled, emoji or colour; "" if it comes from no known pack."""
        return pack_domain(self.record.pack)


@dataclass(frozen=True)
class Inspection:
    """Why a file is dropped ("" if it is kept), and its content if it is kept."""

    reason: str
    fingerprint: bytes = b""            # equal for equal drawings
    svg: str = ""                       # written from the rows
    rows: int = 0                       # between <BOS> and <EOS>
    approximated: tuple[str, ...] = ()  # features that rows only approximate
    picture: np.ndarray | None = None   # uint8 [S, S, 3] on white
    colours: tuple[str, ...] = ()


def inspect_svg(
    source: Source, stroke_only: bool | None, max_rows: int | None, pictures: bool, whole: bool
) -> Inspection:
    """Parse and render one file. Options as in `prepare_dataset`; pictures: render it for comparison.

    For emoji and colour icons, measure the colours and remove invisible parts.
    """
    coloured = source.domain in ("emoji", "colour")
    if stroke_only is None:
        stroke_only = source.domain == "line"
    try:
        parsed = parse_svg(source.path)
    except ValueError as error:
        return Inspection(f"does not parse: {str(error).split(' (')[0]}")
    rows = parsed.rows
    if whole and parsed.unsupported:
        return Inspection(f"rows cannot show: {', '.join(sorted(parsed.unsupported))}")
    if stroke_only and source.domain in ("", "line") and not strokes_only(rows):
        return Inspection("not stroke only")
    if max_rows is not None and len(rows) - 2 > max_rows:
        return Inspection(f"more than {max_rows} rows")
    picture, colours = None, ()
    try:
        rows = clean_rows(rows) if coloured else rows
        # Render the rows, which show everything: the file itself could keep a renderer busy for long.
        text = rows_to_svg(rows, parsed.size)
        if pictures:
            picture = render_svg_by_resvg(text, PICTURE_SIZE)
            if picture.min() >= 255 - BLANK_CONTRAST:
                return Inspection("blank on white")
        if coloured:
            colours = dominant_colours(text)
    except ValueError:
        return Inspection("cannot be rendered")
    rounded = np.round(rows, 3) + 0.0  # to a thousandth of half the canvas; turns -0.0 into 0.0
    fingerprint = hashlib.sha256(rounded.tobytes()).digest()
    return Inspection("", fingerprint, text, len(rows) - 2, tuple(parsed.approximated), picture, colours)


_PEOPLE = frozenset({"person", "people"})
_GENDERED = frozenset({"man", "woman", "men", "women", "boy", "girl"})


def base_name(name: str) -> str:
    """`woman cook medium skin tone` -> `cook`; a name for just a person (`woman`) is kept."""
    words = SKIN_TONE.sub(" ", humanise(name)).split()
    return " ".join(word for word in words if word not in _PEOPLE | _GENDERED) or " ".join(words)


def surplus_variants(records: Sequence[Record], max_variants: int) -> set[int]:
    """Indices of the records beyond `max_variants` of one base name and style within a pack.

    Priority: the plain name, then the neutral person, then the others in a fixed pseudo-random order. Several
    drawings with the same name (`search-01` and `search-02`) are not variants of each other.
    """
    groups: dict[tuple[str, str, str], list[int]] = {}
    for i, record in enumerate(records):
        groups.setdefault((record.pack, record.style, base_name(record.name)), []).append(i)
    surplus: set[int] = set()
    for (*_, base), members in groups.items():
        plain = [i for i in members if humanise(records[i].name) == base]
        others = sorted((i for i in members if i not in plain), key=lambda i: _order(records[i].name))
        surplus.update(others[max(0, max_variants - len(plain)) :])
    return surplus


def _order(name: str) -> tuple[bool, bytes]:
    """Sort key: neutral people first, the others by hash."""
    toned_or_gendered = bool(SKIN_TONE.search(name)) or not _GENDERED.isdisjoint(name.split())
    return toned_or_gendered, hashlib.sha256(name.encode()).digest()


# --- invisible parts, which a model would learn to draw all the same ---------------------------------

TINY = 0.008            # canvas units: half a pixel of 128
SIZE = 96               # pixels per side, to check whether anything changes
BACKDROP = "#8a5c3d"    # a colour that few drawings use, so that white and black shapes show
_SEGMENTS = (rf.LINE, rf.CUBIC)


def clean_rows(rows: np.ndarray) -> np.ndarray:
    """Remove invisible parts from rows [L, 22]; returns the same object if there are none.

    ValueError if they cannot be rendered.
    """
    cleaned = drop_invisible(merge_tiny_segments(drop_outside(rows)))
    return rows if len(cleaned) == len(rows) else cleaned


def drop_outside(rows: np.ndarray) -> np.ndarray:
    """Remove sub-paths and shapes that lie wholly outside the canvas from rows [L, 22]."""
    starts = (rows[:, rf.ELEMENT] != rf.PATH) | np.isin(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE))
    piece = np.cumsum(starts) - 1  # [L]
    kept = np.ones(len(rows), dtype=bool)
    for number in np.unique(piece[is_drawn(rows)]):
        own = piece == number
        low, high = drawn_box(rows[own])
        kept[own] = not ((high < -1).any() or (low > 1).any())
    return _without(rows, kept)


def merge_tiny_segments(rows: np.ndarray) -> np.ndarray:
    """Remove lines and cubics smaller than TINY from rows [L, 22]; the next segment takes over their start point.

    A sub-path always keeps its last segment, since it may be a dot.
    """
    rows, kept = rows.copy(), np.ones(len(rows), dtype=bool)
    segment = np.isin(rows[:, rf.COMMAND], _SEGMENTS) & (rows[:, rf.ELEMENT] == rf.PATH)  # [L]
    for i in np.flatnonzero(segment):
        points = rows[i, rf.GEOMETRY].reshape(4, 2)
        points = points if rows[i, rf.COMMAND] == rf.CUBIC else points[[0, 3]]
        if np.ptp(points, axis=0).max() < TINY and segment[i + 1]:
            kept[i] = False
            rows[i + 1, 2:4] = points[0]
    return rows[kept]


def drop_invisible(rows: np.ndarray) -> np.ndarray:
    """Remove elements that change no pixel from rows [L, 22]. Tests later ones first, because they cover others."""
    number = element_of_rows(rows)
    doubtful = set(range(int(number[-1]) + 1)) - _certainly_visible(rows, number)
    if not doubtful:
        return rows
    picture = _picture(rows)
    for element in sorted(doubtful, reverse=True):
        kept = number != element
        kept[[0, -1]] = True
        if kept[1:-1].any() and np.array_equal(_picture(rows[kept]), picture):
            rows, number = rows[kept], number[kept]
    return rows


def _certainly_visible(rows: np.ndarray, number: np.ndarray) -> set[int]:
    """Elements that are on top somewhere, found by rendering each in its own opaque colour."""
    drawn = ~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)  # [L]
    rows, number = rows[drawn].copy(), number[drawn]
    for columns in (rf.FILL, rf.STROKE):
        painted = (rows[:, columns][:, 3] > rf.MIN_OPACITY) & (rows[:, rf.ELEMENT] >= rf.PATH)  # [L]
        colours = np.stack([1 + number // 100, 1 + number % 100, np.full_like(number, 7)], axis=1) / 255  # [L, 3]
        rows[painted, columns.start : columns.start + 3] = colours[painted]
        rows[painted, columns.start + 3] = 1
    pixels = _picture(rows).reshape(-1, 3).astype(int)  # [SIZE^2, 3]
    pixels = np.unique(pixels[pixels[:, 2] == 7], axis=0)
    return set(((pixels[:, 0] - 1) * 100 + pixels[:, 1] - 1).tolist())


def _picture(rows: np.ndarray) -> np.ndarray:
    return render_svg_by_resvg(rows_to_svg(rows), SIZE, BACKDROP)


def _without(rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The kept rows; a path that loses its first sub-path starts with the next one, and unused gradients go too."""
    if kept.all():
        return rows
    rows, element = rows.copy(), element_of_rows(rows)
    is_gradient = np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)
    for number in np.unique(element[~kept]):
        own = np.flatnonzero((element == number) & (rows[:, rf.ELEMENT] >= rf.PATH))
        left = own[kept[own] & ~is_gradient[own]]
        if not len(left):
            kept[own] = False
        elif rows[left[0], rf.COMMAND] == rf.SUBMOVE:
            rows[left[0], rf.COMMAND] = rf.MOVE
    return rows[kept]
