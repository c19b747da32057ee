"""Sets in the gallery, requests as files and links, layer names, before and after, persistent favourites."""

import dataclasses
import io
import json
import re
import zipfile

import numpy as np
import pytest
import torch

from svgfusion_lib.editing import explain
from svgfusion_lib.editing.explain import layer_names, name_layers
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery import Gallery, Request, Session, app, markup
from svgfusion_lib.gallery.app import PAGE_READY
from svgfusion_lib.gallery.downloads import file_name, jsx_of, link_button, set_bytes, svg_of, zip_bytes
from svgfusion_lib.gallery.look import Look
from svgfusion_lib.utils.svg_parser import parse_svg

QUICK = {"count": 2, "steps": 4, "candidates": 2}
HOSTILE = '</script>"><img src=x onerror=alert(1)>'


@pytest.fixture
def words(session):
    return session.draw_set(["home", "user plus", HOSTILE], "tabler", Request("", **QUICK))


def test_a_set_has_an_icon_for_each_word_and_other_drawings_to_put_in_its_place(session, words):
    assert [icon.title for icon in words.icons] == [f"{word}, tabler style" for word in ("home", "user plus", HOSTILE)]
    icon = words.icons[0]
    first, second = icon.drawings
    assert np.array_equal(icon.rows, first) and not np.array_equal(first, second)
    icon.choose(2)
    assert np.array_equal(icon.rows, second) and icon.is_edited
    icon.undo()
    assert np.array_equal(icon.rows, first)


def test_a_set_names_words_that_the_models_do_not_know(session):
    batch = session.draw_set(["home", "🚀", "trampolinist", "email"], "tabler", Request(""))
    assert batch.note.startswith("The models do not know: trampolinist. ")
    assert "Some icons show the nearest known name instead: mail. " in batch.note and "🚀" not in batch.note


def test_layers_of_another_drawing_do_not_take_the_names_of_the_first(words):
    icon = words.icons[1]
    icon.names = ["plus"]
    icon.choose(2)
    assert icon.layers[0].name == "layer-1"
    icon.undo()
    assert icon.layers[0].name == "plus"


def test_the_page_of_a_set_has_each_drawing_once_and_keeps_its_doubts(session, words):
    words.icons[1].choose(2)
    words.icons[2].paint_layer(1, "#dd3333")
    words.icon_set.icons[0].doubtful = True
    session.set_look(Look(width=1))
    with zipfile.ZipFile(io.BytesIO(set_bytes(words.icon_set, words.icons))) as archive:
        icons = json.loads(archive.read("icons/set.json"))["icons"]
        page = archive.read("icons/index.html").decode()
    assert [(len(icon["candidates"]), icon["chosen"]) for icon in icons] == [(2, 0), (2, 1), (3, 0)]
    assert all('stroke-width="1"' in svg for icon in icons for svg in icon["candidates"])
    assert page.count("probably wrong") == 1


def test_the_files_of_a_set_show_what_was_chosen_and_painted(session, words):
    words.icons[0].choose(2)
    words.icons[1].paint_layer(1, "#dd3333")
    with zipfile.ZipFile(io.BytesIO(set_bytes(words.icon_set, words.icons))) as archive:
        names = archive.namelist()
        assert {"icons/react/IconHome.jsx", "icons/vue/IconUserPlus.vue", "icons/sprite.svg"} <= set(names)
        home, user = (archive.read(f"icons/svg/{name}.svg").decode() for name in ("home", "user-plus"))
        assert not any("alert" in archive.read(name).decode() for name in names if name.endswith((".jsx", ".vue")))
    paths = re.findall(r' d="([^"]*)"', words.icons[0].svg)
    assert paths and re.findall(r' d="([^"]*)"', home) == paths
    assert "#d33" in user


@pytest.mark.parametrize(("look", "is_current"), [
    (Look(), True), (Look(width=1), True), (Look(colour="#0a7"), False),
    (Look(colour="#0a7", current_colour=True), True),
])
def test_the_files_of_a_set_keep_a_colour_that_was_chosen(session, words, look, is_current):
    session.set_look(look)
    with zipfile.ZipFile(io.BytesIO(set_bytes(words.icon_set, words.icons))) as archive:
        for name in ("svg/home.svg", "react/IconHome.jsx", "vue/IconHome.vue", "sprite.svg"):
            text = archive.read(f"icons/{name}").decode()
            assert ("currentColor" in text, "#0a7" in text) == (is_current, not is_current), name


def test_names_of_files_and_components_are_without_the_style(words):
    home, user, _ = words.icons
    assert file_name(home, "svg") == f"{home.number:03d}-home.svg" and "IconHome = " in jsx_of(home)
    assert file_name(user, "svg").endswith("-user-plus.svg") and "IconUserPlus = " in jsx_of(user)
    bare = dataclasses.replace(home, title=", tabler style")
    assert file_name(bare, "svg").endswith("-tabler-style.svg") and "IconTablerStyle = " in jsx_of(bare)


def test_a_request_draws_the_same_icons_elsewhere(session, pipeline):
    batch = session.generate(Request("mail, tabler style", None, seed=7, **QUICK))
    with zipfile.ZipFile(io.BytesIO(zip_bytes(batch.icons, request=batch.request))) as archive:
        request = Request.from_json(archive.read("request.json"))
    again = Session(pipeline).generate(request)
    assert request.weights == {"line": session.weights["line"]} and len(request.weights["line"]) == 16
    assert request == batch.request and [icon.svg for icon in again.icons] == [icon.svg for icon in batch.icons]


def test_a_request_that_was_drawn_with_other_weights_says_so(session):
    told = [
        session.generate(Request("mail, tabler style", seed=7, weights=weights, **QUICK)).note
        for weights in ({}, session.weights, {"line": "072b", "mine": "<b>"})
    ]
    assert told[:2] == ["", ""]
    assert told[2] == "The request was drawn with other weights (line 072b, mine <b>): these icons may differ. "


@pytest.mark.parametrize(("text", "message"), [
    ('{"prompt": "a", "weights": "x"}', "weights must be a table"),
    ("{", "cannot be read"), ("[" * 100_000, "cannot be read"), ("[1]", "not a gallery request"),
    ("{}", "not a gallery request"),
    ('{"prompt": "a", "sead": 1}', "did you mean 'seed'"), ('{"prompt": 1}', "prompt must be text"),
    ('{"prompt": "a", "count": 2.5}', "count must be a whole number"),
    ('{"prompt": "a", "style": []}', "style must be"),
])
def test_what_is_no_request_is_refused_in_one_line(text, message):
    with pytest.raises(UserError, match=message) as caught:
        Request.from_json(text)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_dropped_is_opened_or_drawn(session, cart_file):
    gallery = Gallery(session)
    gallery.inbox.value = dropped(("shopping_cart.svg", cart_file.decode()))
    assert session.icons[-1].title == "shopping cart" and gallery.inbox.value == ""
    gallery.inbox.value = dropped(("request.json", Request("bell", "lucide", seed=5, **QUICK).to_json()))
    gallery.worker.wait(60)
    assert session.history[-1].title == "bell, lucide style" and gallery.controls.request.seed == 5
    gallery.inbox.value = dropped(("request.json", "{}"))
    assert "not a gallery request" in gallery.status.value
    gallery.inbox.value = dropped(("request.json", Request("bell", **QUICK | {"count": 99}).to_json()))
    gallery.worker.wait(60)
    assert "at most 32" in gallery.status.value


def test_a_link_is_drawn_in_place_of_the_first_request(session):
    gallery = Gallery(session, first=Request("cart", **QUICK))
    gallery.inbox.value = dropped(("/opened", Request("bell", "lucide", seed=5, **QUICK).to_json()))
    gallery.worker.wait(60)
    assert [batch.title for batch in session.history] == ["bell, lucide style"]
    assert gallery.controls.request.seed == 5 and "icons: bell" in gallery.status.value


def dropped(*files: tuple[str, str]) -> str:
    """The message of gallery.js for names and texts of files."""
    return json.dumps(files)


def test_of_several_files_each_is_opened_and_told_of(session, cart_file):
    gallery = Gallery(session)
    text = cart_file.decode()
    gallery.inbox.value = dropped(("one.svg", text), ("two.svg", "<svg"), ("three.svg", text))
    assert [icon.title for icon in session.icons] == ["one", "three"]
    assert all(note in gallery.status.value for note in ("opened one.", "two: not well-formed", "opened three."))
    assert "svgf-note error" in gallery.status.value


def test_a_link_holds_the_request_as_data():
    link = link_button("Copy link", Request(HOSTILE).to_json())
    assert "<img" not in link and "encodeURIComponent(this.dataset.text)" in link


def test_the_set_tab_draws_swaps_and_makes_files(session):
    gallery = Gallery(session)
    gallery.tabs.index = 1
    assert gallery._active_controls.children == (gallery.set_controls,)
    gallery.controls.set_request(Request("", **QUICK))
    gallery.set_controls.words.value = "\n \n"
    gallery.set_controls.draw.click()
    gallery.worker.wait(60)
    assert "no words given; a set has one icon per word." in gallery.status.value
    gallery.set_controls.words.value = "home\n\nbell\n"
    gallery.set_controls.draw.click()
    gallery.worker.wait(60)
    assert "2 icons: set of 2 in tabler style" in gallery.status.value
    before = gallery.detail.icon.svg
    gallery.detail.drawings.children[1].children[1].click()
    assert gallery.detail.icon.svg != before
    assert ["svgf-chosen" in each._dom_classes for each in gallery.detail.drawings.children] == [False, True]
    assert markup.card(gallery.detail.icon) == gallery.grid.children[0].children[0].value
    gallery.files.click()
    gallery.worker.wait(60)
    assert "set.zip" in gallery.files_link.value
    gallery.detail.undo.click()
    assert gallery.files_link.value == ""  # it would no longer match what is shown


def test_before_and_after(session, cart_file):
    cart = session.open_svg("cart.svg", cart_file).icons[0]
    assert cart.before is None and "svgf-slider" not in markup.large_view(cart)
    made = session.vary(cart, 0.5, Request("", **QUICK)).icons[0]
    assert made.before == cart.plain_svg
    *_, picture = re.findall(r'<div class="svgf-paper svgf-large">.*?</div>', markup.large_view(made))
    assert "svgf-before" in picture and "svgf-slider" not in picture  # the slider is below: it would cover the icon
    cart.paint_layer(1, "#dd3333")
    assert "#d33" not in cart.before and "#d33" in cart.svg


def test_favourites_stay(pipeline, tmp_path, cart_file):
    kept = tmp_path / "favourites.json"
    session = Session(pipeline, favourites_file=kept)
    first, second = (session.open_svg(f"{name}.svg", cart_file).icons[0] for name in ("one", HOSTILE))
    session.set_favourite(first, True)
    session.set_favourite(second, True)
    session.set_favourite(first, False)
    later = Session(pipeline, favourites_file=kept)
    assert [icon.title for icon in later.favourites] == [second.title] and later.favourites[0].svg == second.svg
    assert later.history == [] and len(Gallery(later).favourites.children) == 1
    assert later.open_svg("two.svg", cart_file).icons[0].number == 2
    kept.write_text(json.dumps({"entries": "no"})[:-3])
    with pytest.raises(UserError, match="remove it to start"):
        Session(pipeline, favourites_file=kept)


def test_pages_share_their_favourites(pipeline, tmp_path, cart_file):
    kept = tmp_path / "favourites.json"
    one, other = (Session(pipeline, favourites_file=kept) for _ in range(2))
    gallery = Gallery(other)
    icon = one.open_svg("one.svg", cart_file).icons[0]
    one.set_favourite(icon, True)
    gallery.inbox.value = dropped((PAGE_READY, ""))  # a kernel started earlier is shown now
    assert [each.title for each in other.favourites] == [icon.title] and len(gallery.favourites.children) == 1
    other.set_favourite(other.open_svg("two.svg", cart_file).icons[0], True)
    assert [each.title for each in one.set_favourite(icon, False).icons] == ["two"]
    assert [each.title for each in other.read_favourites().icons] == ["two"]


def test_the_first_batch_waits_for_the_page(session, monkeypatch):
    monkeypatch.setattr(app, "PAGE_READY_SECONDS", 600)
    gallery = Gallery(session, first=Request("bell", "tabler", **QUICK | {"count": 1}))
    assert gallery.worker.busy and not session.history
    gallery.inbox.value = dropped((PAGE_READY, ""))
    gallery.worker.wait(300)
    assert len(session.history) == 1


def test_layers_are_named_by_the_words_that_they_attend_to(session, pipeline, cart_file):
    icon = session.generate(Request("circle check", "tabler", count=1)).icons[0]
    names = [layer.name for layer in icon.layers]
    assert {"circle", "check"} & set(names) and len(set(names)) == len(names)  # those of the weights at hand
    assert re.findall(r' id="([^"]*)"', icon.svg) == names and "check" not in icon.plain_svg
    assert re.findall(r' id="([^"]*)"', svg_of(icon)) == [f"icon-{icon.number}-{name}" for name in names]
    (image,) = pipeline("circle check", seed=0, style="tabler").images
    named = name_layers(pipeline, image)
    assert re.findall(r' id="([^"]*)"', named.svg) == names
    assert np.array_equal(parse_svg(named.svg).rows, parse_svg(image.svg).rows) and image.svg == icon.plain_svg
    empty = dataclasses.replace(image, rows=image.rows[[0, -1]])
    assert name_layers(pipeline, empty) == empty
    icon.show_layer(1, False)
    assert re.findall(r' id="([^"]*)"', icon.svg) == names[1:]
    assert layer_names(pipeline, icon.plain_svg, "check") == [""]  # one layer, one word: no part to name
    assert layer_names(pipeline, cart_file.decode(), "red cart") == ["", "", ""]  # colours name nothing


def test_only_clear_attention_names_a_layer(monkeypatch, pipeline, cart_file):
    """Words: (start) small cart (end)."""
    shares = torch.tensor([[0.5, 0.1, 0.4, 0], [0.2, 0.4, 0.4, 0], [0, 0.1, 0.5, 0.4]])
    monkeypatch.setattr(explain, "_pool_by_word", lambda *_: shares[None, None])  # [calls, blocks, N, W]
    assert layer_names(pipeline, cart_file.decode(), "small cart") == ["cart", "", "cart-2"]


def test_jsx_is_a_component_named_by_the_icon(session, cart_file):
    text = jsx_of(session.open_svg(f"{HOSTILE}.svg", cart_file).icons[0])
    assert "export const IconScriptImgSrcXOnerrorAlert1" in text and "strokeWidth={strokeWidth}" in text
    assert "<script" not in text and "<img" not in text
