"""An icon of the gallery: rows that can be looked at layer by layer, recoloured and partly hidden, and undone."""

from dataclasses import dataclass, field

import numpy as np

from svgfusion_lib.editing import layer_colour, paint_layer, parse_palette, recolour
from svgfusion_lib.gallery.look import Look
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.rendering_sequence import element_of_rows
from svgfusion_lib.utils.tensorsvg import element_structure, rows_to_svg


@dataclass(frozen=True)
class Layer:
    """One element of an icon: its number from the back (1, 2, ...), what it is, its colour "#rrggbb", alone as SVG."""

    number: int
    kind: str
    colour: str
    svg: str


@dataclass(eq=False)
class Icon:
    """Rows [L, 22] with where they come from; edits are kept, so that each can be undone.

    number: of the icon within the session, from 1. title: the prompt, or the name of a file. origin: in words, for
    instance "variations of 3". model: name of the pipeline that drew it, or that edits it. seed: None if it was not
    drawn from noise. style: the model's own, if it was drawn in one. hidden: numbers of layers that are not shown.
    look: pens and colour, the same for all icons.
    """

    number: int
    title: str
    rows: np.ndarray
    origin: str
    model: str
    seed: int | None = None
    style: str | None = None
    hidden: frozenset[int] = frozenset()
    look: Look = Look()
    _before: list[tuple[np.ndarray, frozenset[int]]] = field(default_factory=list, repr=False)

    @property
    def svg(self) -> str:
        """SVG text, by our writer, of the layers that are shown, with the session's look."""
        return self.look.svg(self.shown_rows)

    @property
    def drawn_svg(self) -> str:
        """The same without the look: what edits go by."""
        return rows_to_svg(self.shown_rows)

    @property
    def shown_rows(self) -> np.ndarray:
        """Rows [L', 22] without the hidden layers."""
        drawn = self.rows[:, rf.ELEMENT] > rf.EOS
        hidden = np.isin(element_of_rows(self.rows) + 1, list(self.hidden))
        return self.rows[~(drawn & hidden)]

    @property
    def layers(self) -> list[Layer]:
        """All layers, hidden ones too, from the back to the front."""
        layer_of_row = element_of_rows(self.rows) + 1  # [L]
        layers = []
        for number, (kind, sub_paths, _, _) in enumerate(element_structure(self.rows), start=1):
            alone = rows_to_svg(self.rows[layer_of_row == number])
            name = f"{kind} of {sub_paths} parts" if sub_paths > 1 else kind
            layers.append(Layer(number, name, layer_colour(self.rows, number), alone))
        return layers

    @property
    def is_edited(self) -> bool:
        return bool(self._before)

    def show_layer(self, number: int, shown: bool) -> None:
        """Show or hide one layer."""
        hidden = self.hidden - {number} if shown else self.hidden | {number}
        if hidden != self.hidden:
            self._change(self.rows, hidden)

    def paint_layer(self, number: int, colour: str) -> None:
        """All that a layer paints in one colour, "#rgb" or "#rrggbb"; UserError for another text."""
        parse_palette([colour])
        if layer_colour(self.rows, number) != colour.lower():
            self._change(paint_layer(self.rows, number, colour), self.hidden)

    def recolour(self, colours: list[str], by: str) -> None:
        """The whole icon in the colours of a palette (`svgfusion_lib.editing.recolour`)."""
        self._change(recolour(self.rows, parse_palette(colours), by), self.hidden)

    def undo(self) -> None:
        """Take back the latest edit, if there is one."""
        if self._before:
            self.rows, self.hidden = self._before.pop()

    def _change(self, rows: np.ndarray, hidden: frozenset[int]) -> None:
        self._before.append((self.rows, self.hidden))
        self.rows, self.hidden = rows, hidden
