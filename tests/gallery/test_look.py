"""The look of all icons at once, copies and downloads, favourites."""

import base64
import io
import re
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery import Gallery, Request, markup
from svgfusion_lib.gallery.downloads import copy_button, jsx_of, svg_of, transparent_png
from svgfusion_lib.gallery.look import Look
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

TWO = (
    '<svg viewBox="0 0 24 24"><path d="M3 3h18" fill="none" stroke="#000" stroke-width="2"/>'
    '<rect x="4" y="8" width="8" height="8" fill="#d33"/></svg>'
)
GRADIENT = (
    '<svg viewBox="0 0 24 24"><linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="blue"/>'
    '</linearGradient><rect x="4" y="4" width="16" height="16" fill="url(#g)"/></svg>'
)


@pytest.fixture
def icon(session):
    return session.open_svg("two.svg", TWO.encode()).icons[0]


@pytest.mark.parametrize(("look", "there", "gone"), [
    (Look(), ['stroke="#000"', 'stroke-width="2"', 'fill="#d33"'], []),
    (Look(width=1.5), ['stroke-width="1.5"', 'fill="#d33"'], ['stroke-width="2"']),
    (Look(cap="round"), ['stroke-linecap="round"', 'stroke-linejoin="round"'], []),
    (Look(colour="#0a7"), ["#0a7"], ["#000", "#d33"]),
])
def test_a_look_changes_pens_and_colours_and_nothing_else(look, there, gone):
    rows = parse_svg(TWO).rows
    text = rows_to_svg(look.rows(rows))
    assert all(part in text for part in there) and not any(part in text for part in gone)
    assert np.array_equal(parse_svg(text).rows[:, :10], rows[:, :10])


@pytest.mark.parametrize(("colour", "is_current"), [("#0a7", True), ("", False)])  # "": its two colours stay
def test_files_of_one_colour_take_that_of_the_text(session, icon, colour, is_current):
    session.set_look(Look(colour=colour, current_colour=True))
    for text in (svg_of(icon), jsx_of(icon)):
        assert ("currentColor" in text, "#d33" in text) == (is_current, not is_current)
    assert "currentColor" not in icon.svg  # the picture, and PNG files, show the colour


@pytest.mark.parametrize(("size", "pixels"), [(0, 24), (48, 48)])
def test_a_size_is_of_files_and_of_the_grid(session, icon, size, pixels):
    session.set_look(Look(size=size))
    for text in (icon.svg, svg_of(icon)):
        assert f'width="{pixels}" height="{pixels}" viewBox="0 0 24 24"' in text
    assert f"size = {pixels}," in jsx_of(icon)
    assert (f"--size: {pixels}px" in markup.card(icon)) == bool(size)
    (twice,) = re.findall(r'2x\.png" href="data:image/png;base64,([^"]*)"', markup.large_view(icon))
    assert Image.open(io.BytesIO(base64.b64decode(twice))).width == 2 * pixels


def test_one_colour_takes_the_place_of_a_gradient():
    text = rows_to_svg(Look(colour="#123456").rows(parse_svg(GRADIENT).rows))
    assert "Gradient" not in text and "#123456" in text


def test_the_look_is_of_all_icons_of_the_session_those_to_come_too(session, icon):
    before = icon.svg
    session.set_look(Look(width=3))
    later = session.open_svg("two.svg", TWO.encode()).icons[0]
    assert 'stroke-width="3"' in icon.svg and 'stroke-width="3"' in later.svg
    assert icon.plain_svg == before  # edits start from the drawing
    with pytest.raises(UserError, match="is not a colour"):
        session.set_look(Look(colour="reddish"))
    assert session.look == Look(width=3)


def test_two_icons_can_stand_in_one_page(session):
    icons = [session.open_svg("g.svg", GRADIENT.encode()).icons[0] for _ in range(2)]
    ids = [set(re.findall(r'id="([^"]*)"', svg_of(icon))) for icon in icons]
    used = [set(re.findall(r"url\(#([^)]*)\)", svg_of(icon))) for icon in icons]
    assert not ids[0] & ids[1] and all(ids) and all(use and use <= own for use, own in zip(used, ids))


@pytest.mark.parametrize("size", [24, 96])
def test_pictures_are_transparent(size):
    picture = Image.open(io.BytesIO(transparent_png(TWO, size)))
    assert picture.size == (size, size) and picture.mode == "RGBA"
    assert picture.getpixel((size - 1, size - 1))[3] == 0 and picture.getpixel((size // 3, size // 2))[3] == 255


@pytest.mark.parametrize("text", ["</button><script>alert(1)</script>", "\" onclick=\"alert(1)", "it's & <b>"])
def test_what_is_copied_is_data(text):
    element = ElementTree.fromstring(copy_button("Copy", text))
    assert element.get("data-text") == text and element.get("onclick").startswith("navigator.clipboard.writeText(this.")
    assert len(element) == 0


def test_favourites_are_a_batch_of_their_own(session, icon):
    assert session.set_favourite(icon, True).icons == (icon,) and session.set_favourite(icon, True).icons == (icon,)
    assert session.history[-1].title != "favourites"
    assert session.set_favourite(icon, False).icons == () and session.favourites == []


def test_the_widgets_set_look_background_and_favourites(session):
    gallery = Gallery(session)
    gallery._open("two.svg", TWO.encode())
    gallery.appearance.width.value = 3
    assert 'stroke-width="3"' in session.icons[0].svg and gallery.detail.icon is session.icons[0]
    gallery.appearance.size.value = 64
    assert 'width="64"' in session.icons[0].svg and "64px" in gallery.grid.children[0].children[0].value
    gallery.appearance.colour.value = "nonsense"
    assert "is not a colour" in gallery.status.value and 'stroke-width="3"' in session.icons[0].svg
    gallery.appearance.width.value = 2.5
    assert "is not a colour" in gallery.status.value and 'stroke-width="2.5"' in session.icons[0].svg
    gallery.appearance.colour.value = "#0a7"
    assert "#0a7" in session.icons[0].svg and "is not a colour" not in gallery.status.value
    gallery.appearance.background.value = "dark"
    assert "svgf-on-dark" in gallery._dom_classes and "svgf-on-light" not in gallery._dom_classes
    star = gallery.grid.children[0].children[-1]
    star.value = True
    assert session.favourites == [session.icons[0]] and len(gallery.favourites.children) == 1
    star.value = False
    assert not gallery.favourites.children
    assert "Copy SVG" in markup.large_view(session.icons[0]) and "4x.png" in markup.large_view(session.icons[0])


def test_a_look_and_edits_are_also_of_the_history_the_favourites_and_the_zip(session):
    gallery = Gallery(session)
    gallery._open("two.svg", TWO.encode())
    icon = gallery.detail.icon
    gallery.grid.children[0].children[-1].value = True
    gallery._open("other.svg", TWO.encode())
    gallery.choose(icon)
    for widget, value in ((gallery.appearance.width, 3), (gallery.detail.show_boxes[0], False)):
        widget.value = value
        strips = [gallery.history.children[1], *gallery.favourites.children]
        assert all(markup.picture(icon.svg, "") in strip.children[0].value for strip in strips)
        assert svg_of(icon) in _files(gallery._history_heading.value)


def _files(link: str) -> list[str]:
    """Texts of the files in a ZIP that a link contains."""
    (content,) = re.findall(r'href="data:application/zip;base64,([^"]*)"', link)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(content))) as archive:
        return [archive.read(name).decode() for name in archive.namelist()]


def test_a_morph_and_what_an_icon_was_before_have_the_look_too(session, icon):
    other = session.open_svg("g.svg", GRADIENT.encode()).icons[0]
    morph = session.morph(icon, other, 3)
    icon.paint_layer(2, "#2a9d8f")
    assert "#d33" in icon.before
    session.set_look(Look(width=3, size=48))
    assert 'stroke-width="3"' in icon.before and 'stroke-width="3"' in morph.animation
    assert morph.animation.count('width="48"') == 1  # of the whole
    session.set_look(Look(colour="#0a7"))
    assert icon.before is None  # it looks the same
    assert "#0a7" in morph.animation


def test_drawings_unlike_their_name_are_pointed_out(session):
    request = Request("dragon, lucide style", None, 2)  # the model draws shards for this one
    for numbers in ("1, 2", "3, 4"):  # as in the grid
        expected = f"Icons {numbers}: unlike the training icons of that name; try another seed or style. "
        assert session.generate(request).note == expected
    batch = session.generate(Request("shopping cart, tabler style", None, 1))
    assert batch.note == ""


def test_chips_draw_names_are_completed_and_unknown_words_are_said(session):
    gallery = Gallery(session)
    assert {"heart", "shopping cart"} <= set(gallery.controls.prompt.options)
    gallery.controls.count.value, gallery.controls.steps.value, gallery.controls.candidates.value = 1, 2, 1
    gallery.controls.chips.children[0].click()
    gallery.worker.wait(60)
    assert gallery.controls.prompt.value == "shopping cart" and gallery.detail.icon is session.icons[-1]
    batch = session.generate(Request("a trampolinist", None, 1, steps=2, candidates=1))
    assert batch.note == "The models do not know: trampolinist. " and session.history[-1] is batch
    batch = session.generate(Request("trampolinist trampolinist", None, 1, steps=2, candidates=1))
    assert batch.note.startswith("The models do not know: trampolinist. ")
