"""Parse SVG into rows [L, 22] on the canvas [-1, 1]^2 (see row_format).

    bytes -> XML tree (svg/document) -> layers in paint order (svg/walk) -> rows (svg/layers) -> canonical form

The walk resolves what a renderer would: styles, transforms, references, viewports, clip paths, gradients,
dashes. Features that rows cannot represent are counted by name, never dropped silently.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.context import Context
from svgfusion_lib.svg.document import read_document
from svgfusion_lib.svg.effort import bounded_effort
from svgfusion_lib.svg.layers import layers_to_rows
from svgfusion_lib.svg.state import viewport_size
from svgfusion_lib.svg.walk import Walker
from svgfusion_lib.utils.canonical import canonical_rows

LARGEST = 1e6  # absolute value in the rows; the canvas is 2 wide


@dataclass
class ParsedSVG:
    """A parsed SVG. rows: float32 [L, 22], BOS first, EOS last. size: width and height of the drawing in user units.

    unsupported: features missing from the rows, name -> count. approximated: features drawn differently from the
    file, but closely enough for training.
    """

    rows: np.ndarray
    size: tuple[float, float] = (24.0, 24.0)
    unsupported: Counter = field(default_factory=Counter)
    approximated: Counter = field(default_factory=Counter)

    @property
    def left_out(self) -> str:
        """What is missing, as in "image, text (2 times)"; "" if nothing is."""
        counted = sorted(self.unsupported.items())
        return ", ".join(name if times == 1 else f"{name} ({times} times)" for name, times in counted)


def parse_svg(source: str | bytes | Path, canonical: bool = True) -> ParsedSVG:
    """Parse SVG text, bytes (also gzipped), or the file at a Path. Raises ValueError with the reason on failure.

    canonical: write arcs, circles and rectangles as such (utils/canonical.py); False: keep the file's own form.
    Nothing outside the document is ever read; time and memory are bounded by limits on the document's size,
    depth, drawn elements, path segments and clips, and on the total work (svg/effort).
    """
    try:
        with bounded_effort():
            context = Context(read_document(source))
            rows = layers_to_rows(Walker(context).run())
            if canonical and len(rows):
                rows = canonical_rows(rows)
    except RecursionError as error:
        raise ValueError("brackets, styles or references are nested too deep") from error
    except (OverflowError, ZeroDivisionError, np.linalg.LinAlgError) as error:
        raise ValueError(f"numeric overflow ({error})") from error
    if len(rows) == 0:
        raise ValueError(f"nothing is painted that rows can represent{context.omission_note()}")
    rows = rf.with_ends(rows)  # [L, 22]
    if not (np.abs(rows) < LARGEST).all():
        raise ValueError("a coordinate is infinite, not a number, or too large")
    return ParsedSVG(rows.astype(np.float32), viewport_size(context.root), context.unsupported, context.approximated)


def read_svg(source: str | bytes | Path) -> np.ndarray:
    """Read rows float32 [L, 22] from an SVG file, or from SVG text or bytes. Raises ValueError naming the file."""
    if isinstance(source, str) and not source.lstrip("\ufeff \t\r\n").startswith("<"):
        source = Path(source)
    try:
        return parse_svg(source).rows
    except ValueError as error:
        raise ValueError(f"{source if isinstance(source, Path) else 'the SVG'}: {error}") from error
