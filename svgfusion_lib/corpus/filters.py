"""What a data set leaves out: files that cannot be learned from, near duplicates, surplus variants of one picture."""

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
from svgfusion_lib.svg.sanitise import sanitised_svg
from svgfusion_lib.utils.hybrid_utils import is_drawn, strokes_only
from svgfusion_lib.utils.placement import drawn_box
from svgfusion_lib.utils.render import BLANK_CONTRAST, render_svg_by_resvg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import element_of_rows, rows_to_svg

PICTURE_SIZE = 32       # pixels
CELLS = 8               # a picture is compared in CELLS x CELLS cells
SAME_BELOW = 0.08       # difference of two pictures of one drawing; docs/corpus.md says how it was chosen
_FIRST_CAPACITY = 256
_ROUNDING = 1e-3


class PictureIndex:
    """Pictures on white added so far, and which of them is nearly the same as another one.

    Two pictures differ by the root mean square difference of the cell where it is largest, relative to the strongest
    cell of either: a clock hand counts as much in a full picture as in an empty one, and pale drawings differ
    as much as black ones.
    """

    def __init__(self) -> None:
        self._count = 0
        self._inks = np.empty((_FIRST_CAPACITY, PICTURE_SIZE, PICTURE_SIZE, 3), dtype=np.uint8)
        self._cells = np.empty((_FIRST_CAPACITY, CELLS * CELLS), dtype=np.float32)  # mean ink
        self._squares = np.empty(_FIRST_CAPACITY, dtype=np.float32)                 # squared length of the above
        self._strengths = np.empty(_FIRST_CAPACITY, dtype=np.float32)               # of the strongest cell

    def __len__(self) -> int:
        return self._count

    def add(self, picture: np.ndarray) -> int:
        """Keep a picture uint8 [S, S, 3]; its number."""
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
        """Number of the picture most like `picture` uint8 [S, S, 3] and their difference, if nearly the same."""
        count = self._count
        ink = 255 - picture
        cells, strength = _describe(ink)
        bounds = SAME_BELOW * np.maximum(self._strengths[:count], strength)  # [N]
        # A cell's mean differs by no more than its root mean square: what is left out here is no near duplicate.
        squares = self._squares[:count] - 2 * (self._cells[:count] @ cells) + cells @ cells
        near = np.flatnonzero(squares < CELLS * CELLS * bounds**2 + _ROUNDING)
        near = near[np.abs(self._cells[near] - cells).max(axis=1) < bounds[near] + _ROUNDING]
        if not len(near):
            return None
        delta = (self._inks[near].astype(np.float32) - ink) / 255  # [n, S, S, 3]
        differences = np.sqrt(_cell_means(delta**2).max(axis=1)) / np.maximum(bounds[near], 1e-9) * SAME_BELOW
        best = int(differences.argmin())
        return (int(near[best]), float(differences[best])) if differences[best] < SAME_BELOW else None


def _describe(ink: np.ndarray) -> tuple[np.ndarray, float]:
    """Ink uint8 [S, S, 3] -> mean of each cell [CELLS^2], and root mean square of the strongest."""
    ink = ink[None] / np.float32(255)
    return _cell_means(ink)[0], float(np.sqrt(_cell_means(ink**2).max()))


def _cell_means(values: np.ndarray) -> np.ndarray:
    """Float [N, S, S, 3] -> mean of each cell over pixels and channels [N, CELLS^2]."""
    side = values.shape[1] // CELLS
    cells = values.reshape(len(values), CELLS, side, CELLS, side * 3)
    return cells.mean(axis=(2, 4), dtype=np.float32).reshape(len(values), -1)


@dataclass(frozen=True)
class Source:
    """One file to choose from."""

    path: Path
    record: Record  # its file is the place in the data set

    @property
    def domain(self) -> str:
        """line, filled, emoji or colour; "" if it comes from no known pack."""
        return pack_domain(self.record.pack)


@dataclass(frozen=True)
class Finding:
    """Why a file is left out ("" if it stays), and if it stays: what it is made of."""

    reason: str
    fingerprint: bytes = b""            # the same for the same drawing
    svg: str = ""                       # what the rows draw, or the original
    rows: int = 0                       # between <BOS> and <EOS>
    approximated: tuple[str, ...] = ()  # features that rows show in another way
    picture: np.ndarray | None = None   # uint8 [S, S, 3] on white
    colours: tuple[str, ...] = ()


def inspect_svg(
    source: Source, stroke_only: bool | None, max_rows: int | None, pictures: bool, whole: bool, originals: bool
) -> Finding:
    """Parse and render one file. Options are those of `prepare_dataset`; pictures: render it for comparison.

    For emoji and colour icons, measure the colours and remove what cannot be seen.
    """
    coloured = source.domain in ("emoji", "colour")
    if stroke_only is None:
        stroke_only = source.domain == "line"
    try:
        parsed = parse_svg(source.path)
    except ValueError as error:
        return Finding(f"does not parse: {str(error).split(' (')[0]}")
    rows = parsed.rows
    if whole and parsed.unsupported:
        return Finding(f"rows cannot show: {', '.join(sorted(parsed.unsupported))}")
    if stroke_only and source.domain in ("", "line") and not strokes_only(rows):
        return Finding("not stroke only")
    if max_rows is not None and len(rows) - 2 > max_rows:
        return Finding(f"more than {max_rows} rows")
    picture, colours = None, ()
    try:
        rows = clean_rows(rows) if coloured else rows
        # What the rows show, which is all of it by now: the file itself may keep a renderer busy for long.
        text = rows_to_svg(rows, parsed.size)
        if pictures:
            picture = render_svg_by_resvg(text, PICTURE_SIZE)
            if picture.min() >= 255 - BLANK_CONTRAST:
                return Finding("blank on white")
        if coloured:
            colours = dominant_colours(text)
        text = sanitised_svg(source.path) if originals else text
    except ValueError:
        return Finding("cannot be rendered")
    return Finding("", _fingerprint(rows), text, len(rows) - 2, tuple(parsed.approximated), picture, colours)


def _fingerprint(rows: np.ndarray) -> bytes:
    """A hash that is equal for rows that agree to a thousandth of the half canvas (and 0.0 equals -0.0)."""
    return hashlib.sha256((np.round(rows, 3) + 0.0).tobytes()).digest()


_PEOPLE = frozenset({"person", "people"})
_GENDERED = frozenset({"man", "woman", "men", "women", "boy", "girl"})


def base_name(name: str) -> str:
    """`woman cook medium skin tone` -> `cook`; what is nothing but a person (`woman`) stays that."""
    words = SKIN_TONE.sub(" ", humanise(name)).split()
    return " ".join(word for word in words if word not in _PEOPLE | _GENDERED) or " ".join(words)


def surplus_variants(records: Sequence[Record], max_variants: int) -> set[int]:
    """Indices of the records beyond `max_variants` of one base name and style within a pack.

    Kept are the name itself, then the neutral person, then the others in a fixed pseudo-random order. Several
    drawings of just that name (`search-01` and `search-02`) are no variants of each other.
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
    """Neutral people first; which of the others, their hashes say."""
    toned_or_gendered = bool(SKIN_TONE.search(name)) or not _GENDERED.isdisjoint(name.split())
    return toned_or_gendered, hashlib.sha256(name.encode()).digest()


# --- what nobody sees, and a model would learn all the same ------------------------------------------

TINY = 0.008            # canvas units: half a pixel of 128
SIZE = 96               # pixels a side, to see whether anything changes
BACKDROP = "#8a5c3d"    # a colour that hardly any drawing has, so that white and black shapes are seen
_SEGMENTS = (rf.LINE, rf.CUBIC)


def clean_rows(rows: np.ndarray) -> np.ndarray:
    """Rows [L, 22] without what is not seen; the same object if all of it is.

    ValueError if they cannot be rendered.
    """
    cleaned = drop_invisible(merge_tiny_segments(drop_outside(rows)))
    return rows if len(cleaned) == len(rows) else cleaned


def drop_outside(rows: np.ndarray) -> np.ndarray:
    """Rows [L, 22] without the sub-paths and shapes that lie wholly outside the canvas."""
    starts = (rows[:, rf.ELEMENT] != rf.PATH) | np.isin(rows[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE))
    piece = np.cumsum(starts) - 1  # [L]
    kept = np.ones(len(rows), dtype=bool)
    for number in np.unique(piece[is_drawn(rows)]):
        own = piece == number
        low, high = drawn_box(rows[own])
        kept[own] = not ((high < -1).any() or (low > 1).any())
    return _without(rows, kept)


def merge_tiny_segments(rows: np.ndarray) -> np.ndarray:
    """Rows [L, 22] without lines and cubics of an extent below TINY: the next segment starts where they did.

    A sub-path keeps its last segment, whatever its length: it may be a dot.
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
    """Rows [L, 22] without the elements that change no pixel. The later ones go first: they cover what is below."""
    number = element_of_rows(rows)
    doubtful = set(range(int(number[-1]) + 1)) - _surely_seen(rows, number)
    if not doubtful:
        return rows
    picture = _picture(rows)
    for element in sorted(doubtful, reverse=True):
        kept = number != element
        kept[[0, -1]] = True
        if kept[1:-1].any() and np.array_equal(_picture(rows[kept]), picture):
            rows, number = rows[kept], number[kept]
    return rows


def _surely_seen(rows: np.ndarray, number: np.ndarray) -> set[int]:
    """Elements that are on top somewhere, as a rendering shows where each has an opaque colour of its own."""
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
    """The kept rows, of paths whose first sub-path goes the next one becomes the first; gradients of nothing go too."""
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
