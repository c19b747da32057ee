"""An icon in the gallery: rows with layers that can be shown, hidden and recoloured, with undo."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from svgfusion_lib.editing import layer_colour, paint_layer, parse_palette, recolour
from svgfusion_lib.editing.explain import with_names
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery.look import Look
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.tensorsvg import element_of_rows, element_structure, rows_to_svg


@dataclass(frozen=True)
class Layer:
    """One element of an icon: number from the back (1, 2, ...), name, kind, colour "#rrggbb", and the layer alone as
    SVG text.
    """

    number: int
    name: str
    kind: str
    colour: str
    svg: str


@dataclass(eq=False)
class Icon:
    """Rows [L, 22] and their origin, with an undo history.

    number: of the icon within the session, from 1. title: the prompt, or the file name. origin: a description such as
    "variations of 3". model: name of the pipeline that drew it, or that edits it. seed: None if it was not drawn from
    noise. style: the model's style, if any. hidden: numbers of hidden layers. look: strokes and colour, the same for
    all icons. names: layer names, "" or missing where there is none. source: rows of the icon that it was made from.
    drawings: rows of all candidates for it, in a set.
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
    source: np.ndarray | None = None
    drawings: Sequence[np.ndarray] = ()
    _undo_stack: list[tuple[np.ndarray, frozenset[int], Sequence[str]]] = field(default_factory=list, repr=False)

    @property
    def svg(self) -> str:
        """SVG text of the visible layers, with the session's look; ids are layer names."""
        shown = [layer_name(self.names, k) for k in range(1, len(self._structure) + 1) if k not in self.hidden]
        return with_names(self.look.sized(self.picture), shown)

    @property
    def picture(self) -> str:
        """SVG text of the visible layers, with the session's strokes and colours."""
        return rows_to_svg(self.look.rows(self.shown_rows))

    @property
    def before(self) -> str | None:
        """`picture` from before the edits, or of the icon that this one was made from; None if it looks the same."""
        rows = self._undo_stack[0][0] if self._undo_stack else self.source
        before = None if rows is None else rows_to_svg(self.look.rows(rows))
        return None if before == self.picture else before

    @property
    def plain_svg(self) -> str:
        """`svg` without the look; edits start from this."""
        return rows_to_svg(self.shown_rows)

    @property
    def shown_rows(self) -> np.ndarray:
        """Rows [L', 22] without the hidden layers."""
        drawn = self.rows[:, rf.ELEMENT] > rf.EOS
        hidden = np.isin(element_of_rows(self.rows) + 1, list(self.hidden))
        return self.rows[~(drawn & hidden)]

    @property
    def layers(self) -> list[Layer]:
        """All layers, including hidden ones, from back to front."""
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
    def chosen(self) -> int | None:
        """Index of the drawing that is shown; None if it was edited, or if there are none."""
        same = (k for k, rows in enumerate(self.drawings) if np.array_equal(rows, self.rows))
        return None if self.hidden else next(same, None)

    @property
    def is_edited(self) -> bool:
        return bool(self._undo_stack)

    def show_layer(self, number: int, shown: bool) -> None:
        """Show or hide one layer."""
        self._check_layer(number)
        hidden = self.hidden - {number} if shown else self.hidden | {number}
        if hidden != self.hidden:
            self._change(self.rows, hidden)

    def paint_layer(self, number: int, colour: str) -> None:
        """Paint a whole layer in one colour, "#rgb" or "#rrggbb"; UserError for any other text."""
        self._check_layer(number)
        parse_palette([colour])
        if layer_colour(self.rows, number) != colour.lower():
            self._change(paint_layer(self.rows, number, colour), self.hidden)

    def _check_layer(self, number: int) -> None:
        count = len(self._structure)
        if not 1 <= number <= count:
            raise UserError(f"{self.title}: has no layer {number}; its layers are 1 to {count}, from back to front")

    def recolour(self, colours: list[str], by: str) -> None:
        """Recolour the whole icon with a palette (`svgfusion_lib.editing.recolour`)."""
        self._change(recolour(self.rows, parse_palette(colours), by), self.hidden)

    def choose(self, number: int) -> None:
        """Replace the icon with candidate `number` (1, 2, ...) of its set."""
        self._change(self.drawings[number - 1], frozenset())
        self.names = ()  # of the first candidate's layers

    def undo(self) -> None:
        """Undo the latest edit, if there is one."""
        if self._undo_stack:
            self.rows, self.hidden, self.names = self._undo_stack.pop()

    def _change(self, rows: np.ndarray, hidden: frozenset[int]) -> None:
        self._undo_stack.append((self.rows, self.hidden, self.names))
        self.rows, self.hidden = rows, hidden


def layer_name(names: Sequence[str], number: int) -> str:
    """The name of layer 1, 2, ...; e.g. `layer-3` if it has none."""
    return (names[number - 1] if number <= len(names) else "") or f"layer-{number}"
