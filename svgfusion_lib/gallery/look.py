"""The look of all icons of a session: pens, colour and background, changed at once and kept in what is downloaded."""

from dataclasses import dataclass

import numpy as np

from svgfusion_lib.editing import parse_palette
from svgfusion_lib.svg import row_format as rf

AS_DRAWN = "as drawn"
SIZE = 24  # of a drawing
MOST_PIXELS = 512
CAPS = (AS_DRAWN, *rf.CAPS)
BACKGROUNDS = ("light", "dark", "checkerboard")


@dataclass(frozen=True)
class Look:
    """width: of strokes, in units of 24, 0 for as drawn; cap: of CAPS; colour: of all that is painted, "" for as drawn.

    size: of files in pixels, and of icons in the grid; 0: files have SIZE, and the grid shows icons as large as it can.

    current_colour: files of what is painted in one colour say `currentColor`, the colour of the text around it.
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
        """SVG text of our writer with this width and height; its viewBox stays."""
        return svg.replace(f'width="{SIZE}" height="{SIZE}"', f'width="{self.pixels}" height="{self.pixels}"', 1)

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """Rows [L, 22] with these pens and colours; what is not stroked or filled stays so."""
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
