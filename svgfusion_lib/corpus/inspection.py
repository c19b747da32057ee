"""Whether an SVG file can be learned from, and what has to be known of it to choose among many."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from svgfusion_lib.corpus.colours import dominant_colours
from svgfusion_lib.corpus.near_duplicates import PICTURE_SIZE
from svgfusion_lib.utils.render import BLANK_CONTRAST, render_svg_by_resvg
from svgfusion_lib.utils.row_metrics import strokes_only
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg


@dataclass(frozen=True)
class Check:
    """A file and what is asked of it."""

    path: Path
    stroke_only: bool       # it has to paint strokes and no fills
    max_rows: int | None    # between <BOS> and <EOS>
    picture: bool           # render it
    colours: bool           # measure its colours


@dataclass(frozen=True)
class Finding:
    """Why a file is left out ("" if it stays), and if it stays: what it is made of."""

    reason: str
    fingerprint: bytes = b""            # the same for the same drawing
    rows: int = 0                       # between <BOS> and <EOS>
    approximated: tuple[str, ...] = ()  # features that rows show in another way
    picture: np.ndarray | None = None   # uint8 [S, S, 3] on white
    colours: tuple[str, ...] = ()


def inspect_svg(check: Check) -> Finding:
    """Parse and render one file."""
    try:
        parsed = parse_svg(check.path)
    except ValueError as error:
        return Finding(f"does not parse: {str(error).split(' (')[0]}")
    rows = parsed.rows
    if parsed.unsupported:
        return Finding(f"rows cannot show: {', '.join(sorted(parsed.unsupported))}")
    if check.stroke_only and not strokes_only(rows):
        return Finding("not stroke only")
    if check.max_rows is not None and len(rows) - 2 > check.max_rows:
        return Finding(f"more than {check.max_rows} rows")
    picture, colours = None, ()
    try:
        # What the rows show, which is all of it by now: the file itself may keep a renderer busy for long.
        text = rows_to_svg(rows, parsed.size) if check.picture or check.colours else ""
        if check.picture:
            picture = render_svg_by_resvg(text, PICTURE_SIZE)
            if picture.min() >= 255 - BLANK_CONTRAST:
                return Finding("blank on white")
        if check.colours:
            colours = dominant_colours(text)
    except ValueError:
        return Finding("cannot be rendered")
    return Finding("", _fingerprint(rows), len(rows) - 2, tuple(parsed.approximated), picture, colours)


def _fingerprint(rows: np.ndarray) -> bytes:
    """A hash that is equal for rows that agree to a thousandth of the half canvas (and 0.0 equals -0.0)."""
    return hashlib.sha256((np.round(rows, 3) + 0.0).tobytes()).digest()
