"""An SVG as the sequence of its partial renderings: the first k elements drawn (paper, section 3.2).

What an element is: a primitive, or a path with all its sub-paths; the gradient rows before it belong to it.
A stage is a drawing of the first k elements. The last stage of every sequence is the whole SVG.
"""

import numpy as np

from svgfusion_lib.svg import row_format as rf


def element_of_rows(rows: np.ndarray) -> np.ndarray:
    """Which element each row [L, 22] belongs to, from 0 -> int64 [L]; <BOS> counts to the first, <EOS> to the last."""
    element = rows[:, rf.ELEMENT]
    gradient = np.isin(element, rf.GRADIENTS)
    after_gradient = np.append(False, gradient[:-1])
    drawn = element > rf.EOS
    own = drawn & ~gradient & ((element != rf.PATH) | (rows[:, rf.COMMAND] == rf.MOVE))
    begins = (own | gradient) & ~after_gradient  # [L]
    return (np.cumsum(begins) - 1).clip(min=0)


def stage_sizes(rows: np.ndarray, most: int) -> np.ndarray:
    """How many elements the stages of rows [L, 22] show, at most `most` of them, evenly spread -> int64 [K]."""
    count = int(element_of_rows(rows)[-1]) + 1
    return np.unique(np.ceil(np.linspace(0, count, min(most, count) + 1)[1:]).astype(np.int64))


def partial_rows(rows: np.ndarray, size: int) -> np.ndarray:
    """The first `size` elements of rows [L, 22] as rows [L', 22] of their own."""
    kept = element_of_rows(rows) < size
    kept[-1] = True  # <EOS>
    return rows[kept]


def stage_of_rows(rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The first stage (of sizes [K]) that shows each row [L, 22] -> int64 [L]."""
    return np.searchsorted(sizes, element_of_rows(rows), side="right").clip(max=len(sizes) - 1)
