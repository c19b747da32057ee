"""The common look of a session's icons: strokes, colour, size and background; downloads keep it."""

from dataclasses import dataclass

import numpy as np

from svgfusion_lib.editing import parse_palette
from svgfusion_lib.svg import row_format as rf

AS_DRAWN = "as drawn"
SIZE = 24  # of a drawing, in user units
MAX_PIXELS = 512
CAPS = (AS_DRAWN, *rf.CAPS)
BACKGROUNDS = ("light", "dark", "checkerboard")


@dataclass(frozen=True)
class Look:
    """width: of strokes, on a canvas of 24, 0: as drawn; cap: one of CAPS; colour: of all paint, "": as drawn.

    size: of files and of icons in the grid, in pixels; 0: files have SIZE, and icons fill the grid.

    current_colour: files of single-colour icons use `currentColor`, the colour of the surrounding text.
    """

    width: float = 0.0
    cap: str = AS_DRAWN
    colour: str = ""
    current_colour: bool = False
    size: int = 0

    @property
    def pixels(self) -> int:
        return self.size or SIZE

    def sized(self, svg: str) -> str:
        """Set this width and height in SVG text from our writer; the viewBox stays."""
        return svg.replace(f'width="{SIZE}" height="{SIZE}"', f'width="{self.pixels}" height="{self.pixels}"', 1)

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """Apply these strokes and colours to rows [L, 22]; adds no strokes or fills."""
        rows = rows.copy()
        stroked, filled = rows[:, rf.STROKE][:, 3] > 0, rows[:, rf.FILL][:, 3] > 0  # [L] each
        if self.width:
            rows[stroked, rf.STROKE_WIDTH] = self.width / 12
        if self.cap != AS_DRAWN:
            rows[stroked, rf.CAP] = rf.CAPS.index(self.cap)
            rows[stroked, rf.JOIN] = rf.JOINS.index("round" if self.cap == "round" else "miter")
        if self.colour:
            (colour,) = parse_palette([self.colour])  # [3]
            for paint, painted in ((rf.FILL, filled), (rf.STROKE, stroked)):
                rows[painted, paint.start : paint.start + 3] = colour
            rows = rows[~np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS)]
        return rows
