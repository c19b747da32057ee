"""Pictures that look alike: the same drawing written in another way, or moved by next to nothing."""

import numpy as np

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

    def __init__(self, same_below: float = SAME_BELOW):
        self.same_below = same_below
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
        bounds = self.same_below * np.maximum(self._strengths[:count], strength)  # [N]
        # A cell's mean differs by no more than its root mean square: what is left out here is no near duplicate.
        squares = self._squares[:count] - 2 * (self._cells[:count] @ cells) + cells @ cells
        near = np.flatnonzero(squares < CELLS * CELLS * bounds**2 + _ROUNDING)
        near = near[np.abs(self._cells[near] - cells).max(axis=1) < bounds[near] + _ROUNDING]
        if not len(near):
            return None
        delta = (self._inks[near].astype(np.float32) - ink) / 255  # [n, S, S, 3]
        differences = np.sqrt(_cell_means(delta**2).max(axis=1)) / np.maximum(bounds[near], 1e-9) * self.same_below
        best = int(differences.argmin())
        return (int(near[best]), float(differences[best])) if differences[best] < self.same_below else None


def _describe(ink: np.ndarray) -> tuple[np.ndarray, float]:
    """Ink uint8 [S, S, 3] -> mean of each cell [CELLS^2], and root mean square of the strongest."""
    ink = ink[None] / np.float32(255)
    return _cell_means(ink)[0], float(np.sqrt(_cell_means(ink**2).max()))


def _cell_means(values: np.ndarray) -> np.ndarray:
    """Float [N, S, S, 3] -> mean of each cell over pixels and channels [N, CELLS^2]."""
    side = values.shape[1] // CELLS
    cells = values.reshape(len(values), CELLS, side, CELLS, side * 3)
    return cells.mean(axis=(2, 4), dtype=np.float32).reshape(len(values), -1)
