"""Simpler versions of a drawing, each without one of its parts, as candidates to rank.

A VS-DiT draws some parts twice, or one too many: a second stroke beside a cross, a third dot below a question mark
(docs/runs.md, section 31).
"""

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.hybrid_utils import has_gradients, sanitize_rows
from svgfusion_lib.utils.outlines import Outline, outlines

MAX_PARTS = 12  # of a drawing with more parts, only the last ones, which are on top, are left out


def without_parts(rows: np.ndarray) -> list[np.ndarray]:
    """Valid rows [L, 22] without each of their sub-paths and primitives in turn.

    Empty for drawings with gradients or of a single part.
    """
    if has_gradients(rows):
        return []
    parts = outlines(rows)
    return [_without(rows, part) for part in parts[-MAX_PARTS:]] if len(parts) > 1 else []


def _without(rows: np.ndarray, part: Outline) -> np.ndarray:
    first = part.rows.start
    rest = np.delete(rows, part.rows, axis=0)
    if rows[first, rf.COMMAND] == rf.MOVE and rest[first, rf.COMMAND] == rf.SUBMOVE:  # the path's next sub-path
        rest[first, rf.COMMAND] = rf.MOVE
    return sanitize_rows(rest)
