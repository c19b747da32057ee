"""The gallery's view of one icon: enlarged, its layers, edits, code and most similar training icons."""

from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets as W  # noqa: N812 - as everyone calls it

from svgfusion_lib.editing import RECOLOURINGS
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery import markup
from svgfusion_lib.gallery.batches import Batch, Request
from svgfusion_lib.gallery.controls import add_classes, button, card, mark_chosen
from svgfusion_lib.gallery.icons import Icon, Layer
from svgfusion_lib.gallery.session import Session, Tick

PALETTE = "#264653 #2a9d8f #e9c46a #e76f51"
Start = Callable[[Callable[[Tick], Batch | str]], None]  # runs work in the background and shows the batch


class Detail(W.VBox):
    """Shows `icon`, or a hint how to choose one.

    start: see Start. request: returns the controls' request. on_edit: called with an edited icon.
    """

    def __init__(
        self, session: Session, start: Start, request: Callable[[], Request], on_edit: Callable[[Icon], None],
        on_error: Callable[[str], None],
    ):
        self.session = session
        self.icon: Icon | None = None
        self._busy = False
        self._start, self._request, self._on_edit, self._on_error = start, request, on_edit, on_error
        self.view, self.code, self.found = W.HTML(), W.HTML(), W.HTML()
        self.drawings = add_classes(W.Box(), "svgf-drawings")
        self.layer_rows = add_classes(W.VBox(), "svgf-layers")
        self.show_boxes: list[W.Checkbox] = []
        self.colour_boxes: list[W.ColorPicker] = []
        self.redraw_toggles: list[W.ToggleButton] = []
        sections = {
            "Layers": "Show, hide and colour its parts", "Remix": "Variations, styles and morphs of it",
            "Code": "Its SVG text",
        }
        if session.cache_dir is not None:
            sections["Nearest"] = "The most similar training icons"
        self.sections = add_classes(
            W.ToggleButtons(options=list(sections), tooltips=list(sections.values())), "svgf-sections",
        )
        self._panes = [self._layers_pane(), self._remix_pane(), W.VBox([self.code]), self._nearest_pane()]
        self._pane = add_classes(W.VBox([self._panes[0]]), "svgf-pane")
        self.sections.observe(self._switch_pane, "index")
        self._empty = W.HTML(markup.note("Press an icon to see it large, with its layers and its code."))
        super().__init__([self._empty])
        add_classes(self, "svgf-panel", "svgf-detail")

    def show(self, icon: Icon) -> None:
        """Show another icon."""
        self.icon, self.found.value = icon, ""
        self._update_styles(self.session.styles_for(icon))
        self.update_morph_targets()
        self._rebuild_layers()
        self.drawings.children = [
            card(markup.drawing(k, rows), f"Use drawing {k} instead", partial(self._choose, k))
            for k, rows in enumerate(icon.drawings, start=1)
        ]
        self._refresh()
        self.children = [self.view, self.drawings, self.sections, self._pane]

    def set_busy(self, busy: bool) -> None:
        """Disable all that starts work in the background while busy."""
        self._busy = busy
        for starter in (self.vary, self.redraw, self.find):
            starter.disabled = busy
        self.restyle.disabled = busy or not self.style_box.options
        self.morph.disabled = busy or not self.other.options

    @property
    def _shown(self) -> Icon:
        """The icon, for code that runs only while one is shown."""
        assert self.icon is not None
        return self.icon

    def _update_styles(self, styles: list[str]) -> None:
        """Offer styles to draw the icon in; keep the one chosen for the previous icon if possible."""
        chosen = self.style_box.value
        self.style_box.options = styles
        if styles:
            self.style_box.value = chosen if chosen in styles else styles[0]
        self.restyle.disabled = self._busy or not styles

    def update_morph_targets(self) -> None:
        """Offer all other icons as morph targets, the latest first."""
        if self.icon is None:
            return
        chosen = self.other.value
        others = [each for each in self.session.icons[::-1] if each is not self._shown]
        self.other.options = [(markup.describe(each), each.number) for each in others]
        numbers = [each.number for each in others]
        self.other.value = chosen if chosen in numbers else next(iter(numbers), None)
        self.morph.disabled = self._busy or not others

    # --- panes -----------------------------------------------------------------------------------

    def _layers_pane(self) -> W.VBox:
        self.palette = add_classes(W.Text(description="Palette", value=PALETTE), "svgf-field", "svgf-whole")
        self.by = add_classes(W.Dropdown(description="By", options=list(RECOLOURINGS[::-1])), "svgf-field")
        self.recolour = button("Recolour", self._recolour)
        self.undo = button("Undo", self._undo)
        self.redraw = button(
            "Redraw marked layers", lambda: self._run_edit(self._redraw), "svgf-redraw",
            tooltip="The other layers stay exactly as they are",
        )
        return W.VBox([
            self.layer_rows, add_classes(W.Box([self.redraw, self.undo]), "svgf-line"),
            add_classes(W.Box([self.palette, self.by, self.recolour]), "svgf-line"),
        ])

    def _remix_pane(self) -> W.VBox:
        self.strength = add_classes(
            W.FloatSlider(description="Strength", value=0.4, min=0.05, max=1, step=0.05), "svgf-field", "svgf-wide"
        )
        self.keep_style = W.Checkbox(description="Keep its colours and strokes", value=True, indent=False)
        self.vary = button("Variations", lambda: self._run_edit(self._vary), "svgf-vary", "svgf-primary")
        self.style_box = add_classes(W.Dropdown(description="Style", options=[]), "svgf-field", "svgf-style")
        self.move = W.Checkbox(description="Allow parts to move", value=False, indent=False)
        self.restyle = button("Draw in this style", lambda: self._run_edit(self._restyle))
        self.other = add_classes(W.Dropdown(description="To", options=[]), "svgf-field", "svgf-wide")
        self.morph = button("Morph", lambda: self._run_edit(self._morph), "svgf-morph")
        return W.VBox([
            add_classes(W.Box([self.strength, self.vary]), "svgf-line"), self.keep_style,
            add_classes(W.Box([self.style_box, self.move, self.restyle]), "svgf-line"),
            add_classes(W.Box([self.other, self.morph]), "svgf-line"),
            W.HTML('<div class="svgf-quiet">Count, seed, steps and guidance are those above.</div>'),
        ])

    def _nearest_pane(self) -> W.VBox:
        self.find = button("Find training icons like this", self._find_nearest)
        return W.VBox([self.find, self.found])

    def _switch_pane(self, change: dict) -> None:
        self._pane.children = [self._panes[change["new"]]]

    # --- layers and colours ----------------------------------------------------------------------

    def _rebuild_layers(self) -> None:
        """Rebuild the widgets for every layer, front layer first, as drawing programs list them."""
        layers = self._shown.layers
        self.show_boxes = [self._show_box(layer) for layer in layers]
        self.colour_boxes = [self._colour_box(layer) for layer in layers]
        self.redraw_toggles = [
            add_classes(
                W.ToggleButton(description="redraw", tooltip=f"Mark layer {layer.number} to redraw it"), "svgf-toggle"
            ) for layer in layers
        ]
        rows = [
            add_classes(W.Box([W.HTML(markup.layer_thumb(layer)), *own]), "svgf-layer")
            for layer, *own in zip(layers, self.show_boxes, self.colour_boxes, self.redraw_toggles)
        ]
        self.layer_rows.children = rows[::-1]

    def _show_box(self, layer: Layer) -> W.Checkbox:
        shown = layer.number not in self._shown.hidden
        box = W.Checkbox(value=shown, description=layer.name, indent=False)
        box.tooltip = f"Show layer {layer.number}, a {layer.kind}"
        box.observe(lambda change: self._edit(lambda: self._shown.show_layer(layer.number, change["new"])), "value")
        return box

    def _colour_box(self, layer: Layer) -> W.ColorPicker:
        box = W.ColorPicker(value=layer.colour, description=f"Colour of layer {layer.number}")
        box.observe(lambda change: self._edit(lambda: self._shown.paint_layer(layer.number, change["new"])), "value")
        return box

    def _edit(self, change: Callable[[], None], rebuild: bool = False) -> None:
        try:
            change()
        except UserError as error:
            self._on_error(f"{error}.")
            return
        if rebuild:
            self._rebuild_layers()
        self._refresh()
        self._on_edit(self._shown)

    def _choose(self, number: int) -> None:
        self._edit(lambda: self._shown.choose(number), rebuild=True)

    def _recolour(self) -> None:
        colours = self.palette.value.replace(",", " ").split()
        self._edit(lambda: self._shown.recolour(colours, self.by.value), rebuild=True)

    def _undo(self) -> None:
        self._edit(self._shown.undo, rebuild=True)

    def _refresh(self) -> None:
        self.view.value, self.code.value = markup.large_view(self._shown), markup.code(self._shown.svg)
        self.undo.disabled = not self._shown.is_edited
        mark_chosen(self.drawings.children, self._shown.chosen)

    # --- variations and other edits --------------------------------------------------------------

    def _run_edit(self, action: Callable[[Icon, Request, Tick], Batch]) -> None:
        icon, request = self._shown, self._request()
        self._start(lambda tick: action(icon, request, tick))

    def _vary(self, icon: Icon, request: Request, tick: Tick) -> Batch:
        return self.session.vary(icon, self.strength.value, request, self.keep_style.value, tick)

    def _redraw(self, icon: Icon, request: Request, tick: Tick) -> Batch:
        return self.session.redraw(icon, self._marked_layers(), request, tick)

    def _restyle(self, icon: Icon, request: Request, tick: Tick) -> Batch:
        return self.session.restyle(icon, self.style_box.value, self.strength.value, request, tick, self.move.value)

    def _morph(self, icon: Icon, request: Request, tick: Tick) -> Batch:
        return self.session.morph(icon, self.session.icons[self.other.value - 1])

    def _marked_layers(self) -> Sequence[int]:
        return [number for number, box in enumerate(self.redraw_toggles, start=1) if box.value]

    def _find_nearest(self) -> None:
        icon = self._shown

        def work(tick: Tick) -> str:
            found = self.session.nearest(icon)
            if icon is self._shown:
                self.found.value = markup.neighbours(found)
            return f"{len(found)} training icons most similar to {icon.number}."

        self._start(work)
