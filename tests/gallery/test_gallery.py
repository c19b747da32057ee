"""The gallery without widgets: drawing, history, display and downloads."""

import io
import json
import zipfile
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery import Request, Session, markup
from svgfusion_lib.gallery.downloads import file_name, sheet_bytes, svg_of, transparent_png, zip_bytes
from svgfusion_lib.gallery.icons import Icon
from svgfusion_lib.gallery.worker import Cancelled
from svgfusion_lib.notebook_tools import gallery_page as page
from svgfusion_lib.notebook_tools.cleaner import read_notebook, tags_of
from svgfusion_lib.notebook_tools.gallery_page import NOTEBOOKS, write_page
from svgfusion_lib.reranking.known_names import embed_names
from svgfusion_lib.system.files import write_bytes
from svgfusion_lib.utils.render import render_svg

HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; DROP TABLE icons; --", "🛒 cart 🎉",
    "عربة التسوق", "a\u202eb\u0000c\nd", "&lt;b&gt; &amp;",
]


@pytest.fixture
def cart(session, cart_file):
    return session.open_svg("shopping_cart.svg", cart_file).icons[0]


def quick(prompt="cart", **values) -> Request:
    return Request(prompt, **({"count": 2, "steps": 3} | values))


# --- the session ------------------------------------------------------------------------------------


def test_an_icon_bears_the_name_that_it_was_drawn_for(monkeypatch, session, pipeline):
    """An unknown name (moose) is drawn as the pipeline draws it, and later edits keep the name it was drawn for."""
    monkeypatch.setattr(pipeline, "known_names", embed_names(["deer", "heart"], pipeline.text_encoder))
    batch = session.generate(quick("moose", style="tabler", seed=5))
    samples = pipeline.sample(["moose, tabler style"] * 2, [5, 6], quick().config)
    assert [icon.svg for icon in batch.icons] == [sample.svg for sample in samples]
    assert [(icon.number, icon.seed, icon.title) for icon in batch.icons] == [
        (k, sample.seed, sample.drawn_for) for k, sample in enumerate(samples, start=1)
    ]
    assert {icon.title for icon in batch.icons} <= {"moose, tabler style", "deer, tabler style"}
    assert batch.title == "moose, tabler style"


def test_every_action_is_remembered_and_icons_are_numbered_on(session, cart):
    request = quick()
    made = [
        session.generate(request), session.vary(cart, 0.5, request), session.redraw(cart, [2], request),
        session.restyle(cart, "lucide", 0.6, request), session.morph(cart, session.icons[1], frames=3),
    ]
    assert session.history[1:] == made and [len(batch.icons) for batch in made] == [2, 2, 2, 2, 3]
    assert [icon.number for icon in session.icons] == list(range(1, 13))
    assert made[-1].animation.count("<animate") == 3 and all(batch.animation is None for batch in made[:-1])


@pytest.mark.parametrize("action", ["generate", "vary", "redraw", "restyle"])
def test_ticks_count_up_to_the_total_and_can_end_the_action(session, cart, action):
    calls = {
        "generate": lambda tick: session.generate(quick(), tick),
        "vary": lambda tick: session.vary(cart, 0.5, quick(), tick=tick),
        "redraw": lambda tick: session.redraw(cart, [1], quick(), tick),
        "restyle": lambda tick: session.restyle(cart, "lucide", 0.6, quick(), tick),
    }
    ticks = []
    calls[action](lambda done, total: ticks.append((done, total)))
    total = ticks[-1][1]
    assert ticks == [(k, total) for k in range(1, total + 1)]

    def stop(done: int, total: int) -> None:
        raise Cancelled

    before = len(session.history), len(session.icons)
    with pytest.raises(Cancelled):
        calls[action](stop)
    assert (len(session.history), len(session.icons)) == before


def test_redrawing_keeps_the_other_layers_exactly(session, cart):
    for number in (1, 2, 3):
        drawn = session.redraw(cart, [number], quick(count=3)).icons
        kept = [[layer.svg for layer in icon.layers] for icon in drawn]
        same = set.intersection(*map(set, kept))
        assert len(same) >= 2, number


@pytest.mark.parametrize(("act", "message"), [
    (lambda s, icon: s.generate(quick("  ")), "a prompt is empty"),
    (lambda s, icon: s.generate(quick("x" * 10_000)), "10000 characters"),
    (lambda s, icon: s.generate(quick(count=33)), "at most 32"),
    (lambda s, icon: s.generate(quick(count=0)), "at least 1"),
    (lambda s, icon: s.generate(quick(steps=5000)), "5000"),
    (lambda s, icon: s.vary(icon, 2, quick()), "strength is 2"),
    (lambda s, icon: s.redraw(icon, [], quick()), "mark the layers"),
    (lambda s, icon: s.redraw(icon, [7], quick()), "mark the layers"),
    (lambda s, icon: s.redraw(icon, [1, 2, 3], quick()) and s.morph(icon, icon), "two icons"),
    (lambda s, icon: s.open_svg("a.svg", b"<svg"), "a: not well-formed"),
    (lambda s, icon: s.open_svg("a.svg", b" " * 1_000_001), "at most 1000000"),
    (lambda s, icon: s.nearest(icon), "CACHE_DIR"),
])
def test_what_cannot_be_done_is_said(session, cart, act, message):
    with pytest.raises(UserError, match=message):
        act(session, cart)


def test_nearest_icons_come_from_the_cache(pipeline, tmp_path, cart_file):
    disc = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="9"/></svg>'
    for name, content in (("cart", cart_file), ("disc", disc)):
        write_bytes(tmp_path / "svg" / f"{name}.svg", content)
    preprocess(tmp_path / "svg", tmp_path / "cache")
    session = Session(pipeline, cache_dir=tmp_path / "cache")
    found = session.nearest(session.open_svg("x.svg", cart_file).icons[0])
    assert [each.name for each in found] == ["cart", "disc"] and found[0].similarity > 0.99
    assert "<circle" in found[1].svg
    with pytest.raises(UserError, match="cache.pt"):
        Session(pipeline, cache_dir=tmp_path / "none").nearest(session.icons[0])


# --- one icon ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 4, 99])
def test_a_layer_that_an_icon_does_not_have_is_refused(cart, number):
    for edit in (lambda: cart.paint_layer(number, "#d33"), lambda: cart.show_layer(number, False)):
        with pytest.raises(UserError, match=f"has no layer {number}; its layers are 1 to 3"):
            edit()
    assert not cart.is_edited


def test_edits_of_an_icon_can_be_undone_one_by_one(cart):
    before = cart.svg
    assert [(layer.number, layer.kind) for layer in cart.layers] == [(1, "circle"), (2, "path"), (3, "path")]
    cart.show_layer(2, False)
    cart.paint_layer(3, "#d33")
    cart.recolour(["#2a9d8f"], "layers")
    assert cart.svg.count("id=") == 2 and "#2a9d8f" in cart.svg
    cart.undo()
    assert "#d33" in cart.svg and [layer.colour for layer in cart.layers] == ["#000000", "#000000", "#dd3333"]
    cart.undo()
    cart.undo()
    assert cart.svg == before and not cart.is_edited
    cart.undo()
    cart.show_layer(1, True)
    cart.paint_layer(1, "#000000")
    assert not cart.is_edited


def test_edits_work_on_what_is_shown(session, cart):
    cart.show_layer(1, False)
    assert all(len(icon.layers) <= 2 for icon in session.vary(cart, 0.05, quick()).icons)
    with pytest.raises(UserError, match="hidden layers do not count"):
        session.redraw(cart, [1], quick())
    cart.show_layer(2, False)
    cart.show_layer(3, False)
    with pytest.raises(UserError, match="all layers of 1 are hidden"):
        session.vary(cart, 0.5, quick())


# --- downloads and display --------------------------------------------------------------------------


def test_files_are_what_they_say(session, cart):
    icons = [cart, *session.generate(quick("heart")).icons]
    assert Image.open(io.BytesIO(transparent_png(cart.svg))).size == (512, 512)
    assert Image.open(io.BytesIO(sheet_bytes(icons))).width > 400
    data = zip_bytes(icons, "<svg/>")
    assert data == zip_bytes(icons, "<svg/>")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = json.loads(archive.read("icons.json"))
        names = [entry["file"] for entry in told]
        assert names == ["001-shopping-cart.svg", "002-heart.svg", "003-heart.svg"]
        assert sorted(archive.namelist()) == sorted([*names, "icons.json", "morph.svg"])
        assert archive.read(names[0]).decode() == svg_of(cart)


@pytest.mark.parametrize("text", [*HOSTILE, "../../etc/passwd", "C:\\x\\y", "n" * 10_000])
def test_hostile_texts_are_text_wherever_they_stand(session, text, cart_file):
    batch = session.open_svg(f"{text}.svg", cart_file)
    icon = Icon(1, text, batch.icons[0].rows, text, "line", 3)
    name = file_name(icon, "svg")
    assert len(name) < 64 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    for piece in (
        markup.card(icon), markup.large_view(icon), markup.batch_heading(batch), markup.batch_strip(batch),
        markup.note(text), markup.code(text), markup.picture(icon.svg, text),
    ):
        seen = Seen()
        seen.feed(piece)
        assert set(seen.tags) <= {"div", "span", "b", "h3", "a", "img", "pre", "button"}
        assert set(seen.handlers) <= {COPY}  # reads its text from an attribute
        assert all(address.startswith("data:") for address in seen.addresses)


COPY = "navigator.clipboard.writeText(this.dataset.text).then(() => this.classList.add('svgf-copied'))"


class Seen(HTMLParser):
    """What a browser sees in a piece of HTML."""

    def __init__(self):
        super().__init__()
        self.tags, self.handlers, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [value for name, value in attrs if name.startswith("on")]
        self.addresses += [value for name, value in attrs if name in ("href", "src")]


def test_a_file_with_scripts_and_links_is_shown_without_them(session, cart_file):
    hostile = b'<script>alert(1)</script><image href="http://x/y.png"/><circle onload="alert(1)"'
    content = cart_file.replace(b"<circle", hostile)
    icon = session.open_svg("a.svg", content).icons[0]
    assert not any(word in icon.svg for word in ("script", "onload", "href", "http://x"))
    assert np.array_equal(render_svg(icon.svg, 48), render_svg(session.open_svg("b.svg", cart_file).icons[0].svg, 48))


def test_the_page_has_the_cells_that_make_the_gallery_and_no_lesson(tmp_path):
    cells = read_notebook(write_page(tmp_path / "page" / "gallery.ipynb"))["cells"]
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    assert len(cells) == len(code) == 3 and "parameters" in tags_of(cells[0])
    assert code[-1].splitlines()[-2:] == ["gallery = Gallery(session, first=request)", "gallery"]


def test_the_page_says_that_voila_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    assert page.main([]) == 2 and "pip install voila" in capsys.readouterr().err


def test_a_page_that_the_user_changed_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(page, "serve", lambda *arguments: None)
    monkeypatch.setattr(page, "write_page", lambda path: write_page(path, NOTEBOOKS / "08_gallery.ipynb"))
    monkeypatch.setattr(page, "NOTEBOOKS", tmp_path / "notebooks")
    write_bytes(tmp_path / "runs" / "gallery" / "favourites.json", b"[]")  # from notebook 08, opened earlier
    written = tmp_path / "runs" / "gallery" / "page" / "SVGFusion.ipynb"
    assert page.main([]) == page.main([]) == 0 and written.is_file()
    written.write_text("mine")
    assert page.main([]) == 2 and "has been changed since" in capsys.readouterr().err
    assert written.read_text() == "mine"


def test_what_a_file_loses_is_said(session, cart_file):
    batch = session.open_svg("cart.svg", cart_file.replace(b"</svg>", b"<text>a</text></svg>"))
    assert batch.title == "opened cart, without its text" and batch.icons[0].origin == "your file, without its text"
    assert session.open_svg("cart.svg", cart_file).title == "opened cart"
