"""The gallery's widgets without a browser: buttons, Cancel, history, screen reader labels."""

import threading
from datetime import UTC, datetime

import pytest

from svgfusion_lib.gallery import Gallery, markup

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "🛒 cart 🎉", "عربة التسوق", "a\u202eb\x00c"]


@pytest.fixture
def gallery(session):
    gallery = Gallery(session)
    gallery.controls.prompt.value = "cart"
    gallery.controls.count.value, gallery.controls.steps.value = 3, 3
    return gallery


def press(gallery, button) -> str:
    button.click()
    gallery.worker.wait(60)
    return gallery.status.value


def open_first(gallery):
    gallery.grid.children[0].children[1].click()
    return gallery.detail


def test_generate_fills_the_grid_and_the_history(gallery):
    assert "3 icons: cart." in press(gallery, gallery.controls.generate)
    assert len(gallery.grid.children) == 3 and len(gallery.history.children) == 1
    assert not gallery.controls.generate.disabled and gallery.controls.cancel.disabled
    gallery.controls.prompt.value, gallery.controls.style_box.value = "bell", "lucide"
    gallery.controls.prompt._handle_custom_msg({"event": "submit"}, [])  # Enter
    gallery.worker.wait(60)
    assert "bell, lucide style" in gallery.heading.value and len(gallery.history.children) == 2
    gallery.history.children[-1].children[1].click()
    assert "<h3 dir=\"auto\">cart</h3>" in gallery.heading.value


def test_one_icon_is_not_called_icons(gallery):
    gallery.controls.count.value = 1
    assert "1 icon: cart." in press(gallery, gallery.controls.generate)


def test_cancel_ends_the_drawing_and_nothing_is_kept(gallery, monkeypatch):
    reached, go_on = threading.Event(), threading.Event()
    tick = gallery.worker._on_tick

    def slow(done: int, total: int) -> None:
        tick(done, total)
        reached.set()
        go_on.wait(60)

    monkeypatch.setattr(gallery.worker, "_on_tick", slow)
    gallery.controls.generate.click()
    assert reached.wait(60)
    detail = gallery.detail
    starters = [
        gallery.controls.generate, *gallery.controls.chips.children, gallery.set_controls.draw, gallery.files,
        detail.vary, detail.redraw, detail.find,
    ]
    cancels = [gallery.controls.cancel, gallery.set_controls.cancel]
    assert all(each.disabled for each in starters) and not any(each.disabled for each in cancels)
    gallery.generate()  # a double click does nothing
    assert "Still drawing; press Cancel first." in gallery.status.value
    gallery.controls.cancel.click()
    go_on.set()
    gallery.worker.wait(60)
    assert "Cancelled." in gallery.status.value and not gallery.session.history and not gallery.grid.children
    assert not any(each.disabled for each in starters) and all(each.disabled for each in cancels)
    assert "3 icons" in press(gallery, gallery.controls.generate)


def test_what_comes_while_drawing_changes_no_field(gallery, monkeypatch, cart_file):
    gallery._open("cart.svg", cart_file)
    gallery._open("other.svg", cart_file)
    reached, go_on = threading.Event(), threading.Event()

    def wait(request, tick):
        reached.set()
        go_on.wait(60)
        tick(1, 2)
        return gallery.session.history[0]

    monkeypatch.setattr(gallery.session, "generate", wait)
    gallery.controls.generate.click()
    assert reached.wait(60)
    before = gallery.controls.request
    gallery.controls.chips.children[0].click()
    assert gallery.controls.request == before and "Still drawing; press Cancel first." in gallery.status.value
    gallery._open_files([("request.json", b'{"prompt": "bell", "seed": 9}')])
    assert gallery.controls.request == before and "Still drawing; press Cancel first." in gallery.status.value
    gallery.choose(gallery.session.icons[0])
    assert gallery.detail.morph.disabled and gallery.detail.restyle.disabled
    shown = []
    gallery.status.observe(lambda change: shown.append(change["new"]), "value")
    go_on.set()
    gallery.worker.wait(60)
    assert "Step 1 of 2 ... Still drawing; press Cancel first." in shown[0]
    assert not gallery.detail.morph.disabled and not gallery.detail.restyle.disabled


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 10_000, " "])
def test_hostile_prompts_are_drawn_or_refused_in_words(gallery, text):
    gallery.controls.prompt.value = text
    status = press(gallery, gallery.controls.generate)
    assert "<script" not in status and "<img" not in status and "fault" not in status
    refused = len(text) > 1000 or not text.strip()
    assert ("svgf-note error" in status) == refused and len(gallery.session.icons) == (0 if refused else 3)
    assert "<script" not in gallery.heading.value


def test_an_icon_is_taken_apart_by_its_widgets(gallery, cart_file):
    gallery._open("cart.svg", cart_file)
    detail = open_first(gallery)
    detail.show_boxes[0].value = False
    detail.colour_boxes[2].value = "#dd3333"
    assert detail.icon.hidden == {1} and "#d33" in detail.icon.svg and "#d33" in detail.code.value
    card = gallery.grid.children[0].children[0].value
    assert card == markup.card(detail.icon)
    detail.palette.value = "#264653, red"
    detail.recolour.click()
    assert "&#x27;red&#x27; is not a colour" in gallery.status.value
    detail.palette.value = "#264653, #2a9d8f"
    detail.recolour.click()
    assert "#2a9d8f" in detail.icon.svg and "is not a colour" not in gallery.status.value
    for _ in range(3):
        detail.undo.click()
    assert detail.undo.disabled and detail.show_boxes[0].value and detail.colour_boxes[2].value == "#000000"


def test_more_is_made_of_an_icon(gallery, cart_file):
    gallery._open("cart.svg", cart_file)
    press(gallery, gallery.controls.generate)
    gallery.history.children[-1].children[1].click()
    detail = open_first(gallery)
    assert "mark the layers" in press(gallery, detail.redraw)
    detail.redraw_toggles[1].value = True
    assert "3 icons: redrawn layers of 1" in press(gallery, detail.redraw)
    first, follower = gallery.session.icons[0], detail.icon
    assert follower is gallery.session.history[-1].icons[0]  # the detail follows a new batch
    gallery.choose(first)
    assert "3 icons: variations of 1" in press(gallery, detail.vary)
    gallery.choose(first)
    assert "3 icons: 1 in tabler style" in press(gallery, detail.restyle)
    in_place = [icon.svg for icon in gallery.session.history[-1].icons]
    detail.move.value = True
    gallery.choose(first)
    assert "3 icons: 1 in tabler style" in press(gallery, detail.restyle)
    assert [icon.svg for icon in gallery.session.history[-1].icons] != in_place
    gallery.choose(first)
    detail.other.value = 4
    assert "12 icons: morph from 1 to 4" in press(gallery, detail.morph) and "morph.svg" in gallery.heading.value
    assert "CACHE_DIR" in press(gallery, detail.find)
    assert len(gallery.history.children) == len(gallery.session.history) == 7
    assert detail.sections.options == ("Layers", "Remix", "Code")  # no cache, so nothing to search
    for index, child in enumerate((detail.layer_rows, detail.vary, detail.code)):
        detail.sections.index = index
        assert child in _descendants(detail._pane)


def _descendants(widget) -> list:
    children = list(getattr(widget, "children", ()))
    return children + [each for child in children for each in _descendants(child)]


def test_files_of_the_user_are_opened_or_refused(gallery, cart_file):
    files = tuple(
        {
            "name": name, "type": "image/svg+xml", "size": len(content), "content": memoryview(content),
            "last_modified": datetime.now(UTC),
        }
        for name, content in (('"><script>.svg', cart_file), ("b.svg", b"<svg"))
    )
    gallery.controls.upload.value = files[:1]
    assert len(gallery.session.icons) == 1 and "<script" not in gallery.heading.value + gallery.detail.view.value
    gallery.controls.upload.value = files[1:]
    assert "b: not well-formed" in gallery.status.value and gallery.controls.upload.value == ()
    gallery.controls.upload.value = files
    assert gallery.controls.upload.multiple and len(gallery.session.icons) == 2
    assert "b: not well-formed" in gallery.status.value


def test_the_dice_gives_another_seed(gallery):
    seeds = {gallery.controls.seed.value for _ in range(4) if not gallery.controls.dice.click()}
    assert len(seeds) > 1


def test_every_button_has_a_name(gallery):
    press(gallery, gallery.controls.generate)
    open_first(gallery)
    for widget in _descendants(gallery):
        if type(widget).__name__ in ("Button", "Checkbox", "ToggleButton", "Dropdown", "Text", "BoundedIntText"):
            assert widget.description or widget.tooltip
        if type(widget).__name__ == "ColorPicker":
            assert widget.description.startswith("Colour of layer")
