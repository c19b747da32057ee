"""An icon of the gallery: rows that can be looked at layer by layer, recoloured and partly hidden, and undone."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from svgfusion_lib.editing import layer_colour, paint_layer, parse_palette, recolour
from svgfusion_lib.editing.explain import with_names
from svgfusion_lib.gallery.look import Look
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.tensorsvg import element_of_rows, element_structure, rows_to_svg


@dataclass(frozen=True)
class Layer:
    """One element of an icon: its number from the back (1, 2, ...), its name, what it is, its colour "#rrggbb", alone
    as SVG.
    """

    number: int
    name: str
    kind: str
    colour: str
    svg: str


@dataclass(eq=False)
class Icon:
    """Rows [L, 22] with where they come from; edits are kept, so that each can be undone.

    number: of the icon within the session, from 1. title: the prompt, or the name of a file. origin: in words, for
    instance "variations of 3". model: name of the pipeline that drew it, or that edits it. seed: None if it was not
    drawn from noise. style: the model's own, if it was drawn in one. hidden: numbers of layers that are not shown.
    look: pens and colour, the same for all icons. names: of layers, "" or none where nothing names one. source: SVG
    text of the icon that it was made from. drawings: rows of all that was drawn in its place, in a set.
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
    names: Sequence[str] = ()
    source: str | None = None
    drawings: Sequence[np.ndarray] = ()
    _before: list[tuple[np.ndarray, frozenset[int]]] = field(default_factory=list, repr=False)

    @property
    def svg(self) -> str:
        """SVG text, by our writer, of the layers that are shown, with the session's look; ids are names of layers."""
        text = self.look.sized(rows_to_svg(self.look.rows(self.shown_rows)))
        shown = [layer_name(self.names, k) for k in range(1, len(self._structure) + 1) if k not in self.hidden]
        return with_names(text, shown)

    @property
    def before(self) -> str | None:
        """SVG text of what it was before it was edited, or of the icon that it was made from."""
        return rows_to_svg(self._before[0][0]) if self._before else self.source

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
        for number, (kind, sub_paths, _, _) in enumerate(self._structure, start=1):
            alone = rows_to_svg(self.rows[layer_of_row == number])
            what = f"{kind} of {sub_paths} parts" if sub_paths > 1 else kind
            layers.append(Layer(number, layer_name(self.names, number), what, layer_colour(self.rows, number), alone))
        return layers

    @property
    def _structure(self) -> list[tuple[str, int, str, str]]:
        return element_structure(self.rows)

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

    def choose(self, number: int) -> None:
        """Put drawing `number` (1, 2, ...) of a set's in its place."""
        self._change(self.drawings[number - 1], frozenset())

    def undo(self) -> None:
        """Take back the latest edit, if there is one."""
        if self._before:
            self.rows, self.hidden = self._before.pop()

    def _change(self, rows: np.ndarray, hidden: frozenset[int]) -> None:
        self._before.append((self.rows, self.hidden))
        self.rows, self.hidden = rows, hidden


def layer_name(names: Sequence[str], number: int) -> str:
    """The name of layer 1, 2, ...; `layer-3` where it has none."""
    return (names[number - 1] if number <= len(names) else "") or f"layer-{number}"
