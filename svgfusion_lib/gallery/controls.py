"""The gallery's input widgets: prompt, style, numbers, and clickable cards."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets as W  # noqa: N812 - as everyone calls it

from svgfusion_lib.config import MAX_CANDIDATES, SamplingConfig
from svgfusion_lib.gallery.batches import Request
from svgfusion_lib.gallery.look import AS_DRAWN, BACKGROUNDS, CAPS, MAX_PIXELS, Look
from svgfusion_lib.gallery.session import MAX_ICONS

ANY_STYLE = "any style"
CHIPS = ("shopping cart", "rocket", "red heart", "camera, tabler style", "bell off", "smiling face emoji")
MAX_COMPLETIONS = 20_000  # names offered for completion
SET_WORDS = (  # initial words
    "home", "search", "user", "bell", "calendar", "mail", "heart", "star", "shopping cart", "camera", "lock", "phone",
    "map pin", "cloud", "sun", "moon", "book", "folder", "trash", "settings", "download", "upload", "user plus",
    "circle check",
)
_SEEDS = 1_000_000  # range that the Roll button draws from


def add_classes(widget: W.Widget, *classes: str) -> W.Widget:
    """Add classes of gallery.css to a widget and return it."""
    for name in classes:
        widget.add_class(name)
    return widget


def button(label: str, on_press: Callable[[], None], *classes: str, tooltip: str | None = None) -> W.Button:
    """Make a button that calls on_press."""
    pressed = add_classes(W.Button(description=label, tooltip=tooltip or label), "svgf-button", *classes)
    pressed.on_click(lambda _: on_press())
    return pressed


def shared_widget(kind: type[W.DOMWidget], *classes: str, **options: Any) -> W.DOMWidget:
    """Make a widget that shares its layout and style models with all others of its kind, for use in large numbers."""
    for name in ("layout", "style"):
        if name in kind.class_traits():
            options[name] = _shared(kind, name)
    return kind(_dom_classes=classes, **options)


_SHARED: dict[tuple[type, str], W.Widget] = {}


def _shared(kind: type[W.DOMWidget], name: str) -> W.Widget:
    known = _SHARED.get((kind, name))
    if known is None or known.comm is None:  # closed
        known = _SHARED[kind, name] = getattr(kind(), name)
    return known


def card(content: str, name: str, on_press: Callable[[], None], *others: W.Widget) -> W.Box:
    """HTML that acts as a button for mouse, touch, Enter and space; name: for screen readers.

    others: widgets on top of it.
    """
    cover = shared_widget(W.Button, "svgf-button", "svgf-cover", description=name, tooltip=name)
    cover.on_click(lambda _: on_press())
    return shared_widget(W.Box, "svgf-card", children=[shared_widget(W.HTML, value=content), cover, *others])


def mark_chosen(cards: Sequence[W.Box], index: int | None) -> None:
    """Show which of some cards is chosen."""
    for k, each in enumerate(cards):
        (each.add_class if k == index else each.remove_class)("svgf-chosen")


def style_choices(styles: Sequence[str]) -> list[tuple[str, str]]:
    """Options for a drop-down: "" for no style (None would mean that nothing is selected), then all styles."""
    return [(ANY_STYLE, ""), *((style, style) for style in styles)]


class Controls(W.VBox):
    """Prompt, style, numbers. on_generate: called by the button and by Enter, by chips with their prompt.

    on_open: gets names and contents of files.
    """

    def __init__(
        self, styles: Sequence[str], on_generate: Callable[..., None], on_cancel: Callable[[], None],
        on_open: Callable[[Sequence[tuple[str, bytes]]], None], known_names: Sequence[str] = (),
    ):
        defaults = Request("")
        self.prompt = add_classes(
            W.Combobox(
                description="What to draw", placeholder="in English, e.g. shopping cart",
                options=list(known_names[:MAX_COMPLETIONS]),
            ), "svgf-field", "svgf-prompt",
        )
        chips = [button(text, partial(on_generate, text), "svgf-chip") for text in CHIPS]
        self.chips = add_classes(W.Box(chips), "svgf-line", "svgf-chips")
        self.prompt.on_msg(lambda _, content, buffers: on_generate() if content.get("event") == "submit" else None)
        self.style_box = _field(W.Dropdown(description="Style", options=style_choices(styles)), "svgf-style")
        self.count = _field(W.BoundedIntText(description="Icons", value=defaults.count, min=1, max=MAX_ICONS))
        self.seed = _field(W.BoundedIntText(description="Seed", value=defaults.seed, min=0, max=2**31 - 1))
        self.dice = button("Roll", self._roll, "svgf-dice", tooltip="Pick a random seed")
        self.steps = _field(W.BoundedIntText(description="Steps", value=defaults.steps, min=2, max=200))
        self.guidance = _field(
            W.FloatSlider(
                description="Guidance", value=SamplingConfig.guidance_scale, min=1, max=8, step=0.5,
                readout_format=".1f",
            ), "svgf-wide",
        )
        self.generate = button("Generate", on_generate, "svgf-primary", "svgf-generate")
        self.cancel = button("Cancel", on_cancel, "svgf-cancel")
        self.cancel.disabled = True
        self.candidates = _field(
            W.BoundedIntText(
                description="Best of", value=defaults.candidates, min=1, max=MAX_CANDIDATES,
                tooltip="Drawings per icon; the one that matches the prompt best is kept",
            )
        )
        self.upload = W.FileUpload(accept=".svg,.json", description="Open an SVG", multiple=True)
        add_classes(self.upload, "svgf-button", "svgf-upload")
        self.upload.observe(lambda change: self._on_upload(change["new"], on_open), "value")
        first = add_classes(W.Box([self.prompt, self.generate, self.cancel]), "svgf-line")
        second = add_classes(
            W.Box([
                self.style_box, self.count, add_classes(W.Box([self.seed, self.dice]), "svgf-pair"), self.steps,
                self.guidance, self.candidates, self.upload,
            ]), "svgf-line",
        )
        super().__init__([first, self.chips, second])
        add_classes(self, "svgf-panel")

    @property
    def request(self) -> Request:
        """The request as currently entered."""
        return Request(
            self.prompt.value, self.style_box.value or None, self.count.value, self.seed.value, self.steps.value,
            self.guidance.value, self.candidates.value,
        )

    def set_request(self, request: Request) -> None:
        """Fill in the values of a request; an unknown style counts as none."""
        self.prompt.value, self.count.value, self.seed.value = request.prompt, request.count, request.seed
        self.steps.value, self.guidance.value, self.candidates.value = (
            request.steps, request.guidance, request.candidates
        )
        known = [value for _, value in self.style_box.options]
        self.style_box.value = request.style if request.style in known else ""

    def set_busy(self, busy: bool) -> None:
        """Enable only Cancel while busy, only what draws otherwise."""
        for starter in (self.generate, *self.chips.children):
            starter.disabled = busy
        self.cancel.disabled = not busy

    def _roll(self) -> None:
        self.seed.value = random.SystemRandom().randrange(_SEEDS)

    def _on_upload(self, files: Sequence[dict], on_open: Callable[[Sequence[tuple[str, bytes]]], None]) -> None:
        if files:
            on_open([(str(file["name"]), bytes(file["content"])) for file in files])
            self.upload.value = ()


class SetControls(W.VBox):
    """Words and a style for a set of icons. on_draw: gets the words (one per line) and the style."""

    def __init__(
        self, styles: Sequence[str], on_draw: Callable[[Sequence[str], str], None], on_cancel: Callable[[], None]
    ):
        self.words = _field(W.Textarea(description="One icon per line", value="\n".join(SET_WORDS)), "svgf-words")
        self.style_box = _field(W.Dropdown(description="Style", options=list(styles)), "svgf-style")
        self.draw = button(
            "Draw the set", lambda: on_draw(self.words.value.split("\n"), self.style_box.value), "svgf-primary",
            "svgf-generate",
        )
        self.cancel = button("Cancel", on_cancel, "svgf-cancel")
        self.cancel.disabled = True
        told = W.HTML(
            '<div class="svgf-quiet">One model draws all icons in one visual weight. Seed, steps, guidance and Best of'
            " are those of the Icons tab. Press an icon to see its other drawings.</div>"
        )
        super().__init__([self.words, add_classes(W.Box([self.style_box, self.draw, self.cancel]), "svgf-line"), told])
        add_classes(self, "svgf-panel")

    def set_busy(self, busy: bool) -> None:
        """Enable only Cancel while busy, only what draws otherwise."""
        self.draw.disabled, self.cancel.disabled = busy, not busy


class Appearance(W.Box):
    """Strokes, colour, size and background for all icons at once.

    on_look: called with a new look; on_background: called with one of BACKGROUNDS.
    """

    def __init__(self, on_look: Callable[[Look], None], on_background: Callable[[str], None]):
        self.width = _field(W.FloatSlider(
            description="Stroke width (0: as drawn)", value=0, min=0, max=4, step=0.25, readout_format=".2f",
            continuous_update=False,
        ), "svgf-wide")
        self.cap = _field(W.Dropdown(description="Caps", options=CAPS, value=AS_DRAWN), "svgf-style")
        self.colour = _field(W.Text(description="Colour", placeholder=AS_DRAWN, continuous_update=False))
        self.size = _field(W.BoundedIntText(
            description="Size (px)", tooltip="of files and icons; 0: as drawn", value=0, min=0, max=MAX_PIXELS,
        ))
        self.current = W.Checkbox(description="currentColor", value=False, indent=False)
        self.background = _field(W.Dropdown(description="Background", options=BACKGROUNDS), "svgf-style")
        for widget in (self.width, self.cap, self.colour, self.size, self.current):
            widget.observe(lambda _: on_look(self.look), "value")
        self.background.observe(lambda change: on_background(change["new"]), "value")
        super().__init__([self.width, self.cap, self.colour, self.size, self.current, self.background])
        add_classes(self, "svgf-panel", "svgf-line", "svgf-appearance")

    @property
    def look(self) -> Look:
        return Look(
            self.width.value, self.cap.value, self.colour.value.strip(), self.current.value, self.size.value
        )


def _field(widget: W.Widget, *classes: str) -> W.Widget:
    return add_classes(widget, "svgf-field", *classes)
