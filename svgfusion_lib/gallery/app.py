"""The gallery widget: puts the parts on one page and connects them."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import ipywidgets as W  # noqa: N812 - as everyone calls it

from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery import markup
from svgfusion_lib.gallery.batches import Batch, Request
from svgfusion_lib.gallery.controls import (
    Appearance,
    Controls,
    SetControls,
    add_classes,
    button,
    card,
    mark_chosen,
    shared_widget,
)
from svgfusion_lib.gallery.detail import Detail
from svgfusion_lib.gallery.downloads import download_link, set_bytes, zip_bytes
from svgfusion_lib.gallery.icons import Icon
from svgfusion_lib.gallery.look import BACKGROUNDS, Look
from svgfusion_lib.gallery.session import Session, Tick
from svgfusion_lib.gallery.worker import Worker

PAGE_READY = "/opened"  # sent by gallery.js once a browser shows the page, with the request in its link, if any
PAGE_READY_SECONDS = 6  # how long the first batch waits for PAGE_READY: drawing at once would delay the page
STILL_DRAWING = "Still drawing; press Cancel first."
WELCOME = "Say what to draw and press Generate, or open an SVG of your own."


class Gallery(W.VBox):
    """The gallery as a widget that a notebook can display. Its state is in `session`, which has no widgets.

    first: request to draw in the background once a browser shows the page, or after PAGE_READY_SECONDS.
    """

    def __init__(self, session: Session, first: Request | None = None):
        self.session = session
        self.worker = Worker(self._on_tick, self._on_end)
        self.controls = Controls(
            session.styles, self.generate, self.worker.cancel, self._open_files, session.known_names
        )
        self.set_controls = SetControls(session.styles, self.draw_set, self.worker.cancel)
        self.tabs = add_classes(W.ToggleButtons(options=["Icons", "A set"]), "svgf-sections", "svgf-tabs")
        self.tabs.observe(lambda change: self._switch_tab(change["new"]), "index")
        self._active_controls = W.VBox([self.controls])
        self.appearance = Appearance(self._set_look, self._set_background)
        # From gallery.js: names and texts of files. This box must stay on the page whatever tab is open.
        self.inbox = add_classes(W.Textarea(), "svgf-inbox")
        self.inbox.observe(lambda _: self._receive_files(), "value")
        self.status = W.HTML(markup.note(WELCOME))
        self.progress = add_classes(W.IntProgress(value=0, max=1), "svgf-progress")
        self.heading = W.HTML()
        self.files = button("Make files", self._make_files, "svgf-files", tooltip="SVG, sprite, Iconify, React, Vue")
        self.files_link = W.HTML()
        self._files = add_classes(W.Box([self.files, self.files_link]), "svgf-line")
        self.grid = add_classes(W.Box(), "svgf-grid")
        self.detail = Detail(session, self._start, lambda: self.controls.request, self._redraw_card, self._show_error)
        self.history = add_classes(W.Box(), "svgf-history")
        self.favourites = add_classes(W.Box(), "svgf-history")
        self._history_heading = W.HTML()
        self._shown: Batch | None = None
        self._listed: list[Batch] = []  # in the history, the latest first
        self._error_shown = False
        self._refusal = ""  # STILL_DRAWING after a request that came while drawing
        self._page_ready = threading.Event()
        self._results = add_classes(W.VBox([self.heading, self.grid]), "svgf-panel", "svgf-results")
        line = add_classes(W.VBox([self.progress, self.status]), "svgf-state")
        super().__init__([
            W.HTML(markup.style_sheet()), self.inbox, self.tabs, self._active_controls, line, self.appearance,
            add_classes(W.Box([self._results, self.detail]), "svgf-main"), self.favourites, self._history_heading,
            self.history,
        ])
        add_classes(self, "svgf")
        self._show_favourites(Batch("favourites", tuple(session.favourites)))
        for batch in session.history:
            self._add_to_history(batch)
        if session.history:
            self.show(session.history[-1])
        if first is not None:
            self._start(lambda tick: self._draw_first(first, tick))

    def generate(self, prompt: str | None = None) -> None:
        """Draw the request in the controls, in the background; `worker.wait()` waits for it.

        prompt: replaces the one in the controls.
        """
        if self._refuse_if_busy():
            return
        if prompt is not None:
            self.controls.prompt.value = prompt
        request = self.controls.request
        self._start(lambda tick: self.session.generate(request, tick))

    def draw_set(self, words: Sequence[str], style: str) -> None:
        """Draw an icon for each non-empty word, in the background."""
        request, words = self.controls.request, [word for word in words if word.strip()]
        self._start(lambda tick: self.session.draw_set(words, style, request, tick))

    def show(self, batch: Batch) -> None:
        """Show a batch in the grid."""
        self._shown, self.files_link.value = batch, ""
        self._results.children = [self.heading, *([self._files] if batch.icon_set else []), self.grid]
        self.heading.value = markup.batch_heading(batch)
        self.grid.children = [self._card(icon) for icon in batch.icons]

    def choose(self, icon: Icon) -> None:
        """Show one icon enlarged."""
        self.detail.show(icon)
        shown = self._shown.icons if self._shown else ()
        mark_chosen(self.grid.children, shown.index(icon) if icon in shown else None)

    def _set_look(self, look: Look) -> None:
        try:
            self.session.set_look(look)
            self._clear_error()
        except UserError as error:  # for its colour; the rest is valid
            self.session.set_look(replace(look, colour=self.session.look.colour))
            self._show_error(f"{error}.")
        if self._shown is not None:
            self.show(self._shown)
        if self.detail.icon is not None:
            self.choose(self.detail.icon)
        self._refresh_session()

    def _set_background(self, name: str) -> None:
        for each in BACKGROUNDS:
            (self.add_class if each == name else self.remove_class)(f"svgf-on-{each}")

    def _set_favourite(self, icon: Icon, favourite: bool) -> None:
        try:
            self._show_favourites(self.session.set_favourite(icon, favourite))
        except UserError as error:
            self._show_error(f"{error}.")

    def _show_favourites(self, favourites: Batch) -> None:
        self._favourites = favourites
        self.favourites.children = [
            card(markup.batch_strip(favourites), "Show the favourites", lambda: self.show(favourites))
        ] if favourites.icons else []

    def _switch_tab(self, index: int) -> None:
        self._active_controls.children = [(self.controls, self.set_controls)[index]]

    def _make_files(self) -> None:
        batch = self._shown

        def work(tick: Tick) -> str:
            assert batch is not None and batch.icon_set is not None
            content = set_bytes(batch.icon_set, batch.icons)
            self.files_link.value = download_link("Set as ZIP", "set.zip", content, markup.ZIP_TYPE)
            return "Made set.zip: SVG, sprite, Iconify JSON, React and Vue components and a page."

        self._start(work)

    # --- background work -------------------------------------------------------------------------

    def _start(self, work: Callable[[Tick], Batch | str]) -> None:
        def run(tick: Tick) -> str:
            result = work(tick)
            if isinstance(result, str):
                return result
            self._add_to_history(result)
            self.show(result)
            self.choose(result.icons[0])
            return f"{markup.number_of(result.icons)}: {result.title}. {result.note}".rstrip()

        if self._refuse_if_busy():
            return
        self._set_busy(True)
        self.progress.value, self.progress.max = 0, 1
        self.progress.add_class("svgf-running")
        self._refusal = ""
        self._show_note("Drawing ...")
        self.worker.start(run)

    def _refuse_if_busy(self) -> bool:
        """Whether a drawing is being made, which a note then says."""
        busy = self.worker.busy
        if busy:
            self._refusal = STILL_DRAWING
            self._show_note(STILL_DRAWING)
        return busy

    def _set_busy(self, busy: bool) -> None:
        for part in (self.controls, self.set_controls, self.detail):
            part.set_busy(busy)
        self.files.disabled = busy

    def _on_tick(self, done: int, total: int) -> None:
        self.progress.max, self.progress.value = total, done
        self._show_note(f"Step {done} of {total} ... {self._refusal}".rstrip())

    def _on_end(self, message: str, kind: str) -> None:
        self.progress.remove_class("svgf-running")
        self._set_busy(False)
        self._show_note(message, kind)

    def _show_note(self, message: str, kind: str = "") -> None:
        self.status.value, self._error_shown = markup.note(message, kind), kind == "error"

    def _show_error(self, message: str) -> None:
        self._show_note(message, "error")

    def _clear_error(self) -> None:
        if self._error_shown:
            self._show_note("")

    def _draw_first(self, request: Request, tick: Tick) -> Batch:
        self._page_ready.wait(PAGE_READY_SECONDS)
        return self.session.generate(request, tick)

    # --- icons -----------------------------------------------------------------------------------

    def _receive_files(self) -> None:
        if self.inbox.value:
            files = [(name, text.encode()) for name, text in json.loads(self.inbox.value)]
            self.inbox.value = ""
            self._open_files(files)

    def _open_files(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Open files by name and content; the note tells of each."""
        notes, kind = [], ""
        for name, content in files:
            try:
                notes.append(self._open(name, content))
            except UserError as error:
                notes.append(f"{error}.")
                kind = "error"
        if any(notes):
            self._show_note(" ".join(filter(None, notes)), kind)

    def _open(self, name: str, content: bytes) -> str:
        """Open one file and return a note, "" if the action has a note of its own."""
        if name == PAGE_READY:
            if content:  # it takes the place of the first request
                self.worker.cancel()
            self._page_ready.set()
            self._show_favourites(self.session.read_favourites())
            if not content:
                return ""
            self.worker.wait()
        if name == PAGE_READY or name.endswith(".json"):
            request = Request.from_json(content)
            if self._refuse_if_busy():
                return ""
            self.controls.set_request(request)
            self._start(lambda tick: self.session.generate(request, tick))
            return ""
        batch = self.session.open_svg(name, content)
        self._add_to_history(batch)
        self.show(batch)
        self.choose(batch.icons[0])
        return f"{batch.title}."

    def _card(self, icon: Icon) -> W.Box:
        star = shared_widget(
            W.ToggleButton, "svgf-star", description="★", value=icon in self.session.favourites,
            tooltip=f"Favourite: {markup.describe(icon)}",
        )
        star.observe(lambda change: self._set_favourite(icon, change["new"]), "value")
        return card(markup.card(icon), markup.describe(icon), lambda: self.choose(icon), star)

    def _redraw_card(self, icon: Icon) -> None:
        """Update an edited icon's card and the links; an error is no longer current."""
        self._clear_error()
        self.files_link.value = ""
        if self._shown is not None and icon in self._shown.icons:
            self.grid.children[self._shown.icons.index(icon)].children[0].value = markup.card(icon)
            self.heading.value = markup.batch_heading(self._shown)
        self._refresh_session()

    def _add_to_history(self, batch: Batch) -> None:
        entry = card(markup.batch_strip(batch), f"Show again: {batch.title}", lambda: self.show(batch))
        self.history.children = [entry, *self.history.children]
        self._listed.insert(0, batch)
        self.detail.update_morph_targets()
        self._pack_session()

    def _refresh_session(self) -> None:
        """Show the icons of the history and the favourites, and pack the ZIP, as they look now."""
        batches, entries = [*self._listed, self._favourites], [*self.history.children, *self.favourites.children]
        for batch, entry in zip(batches, entries):  # no entry for no favourites
            entry.children[0].value = markup.batch_strip(batch)
        self._pack_session()

    def _pack_session(self) -> None:
        if self._listed:
            everything = download_link("All as ZIP", "session.zip", zip_bytes(self.session.icons), markup.ZIP_TYPE)
            self._history_heading.value = markup.section_heading("This session", everything)
