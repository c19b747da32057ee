"""Icon sets from words: evened, swapped, exported, for any words."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from svgfusion_lib import cli
from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.icon_sets import draw_set, read_set, safe_names, swap_icons, write_set
from svgfusion_lib.icon_sets.evening import LIVE_AREA, UNITS, common_style, even_out, measure, optical_size
from svgfusion_lib.icon_sets.exports import read_drawing
from svgfusion_lib.icon_sets.names import NAME, component_name
from svgfusion_lib.system.files import write_json
from svgfusion_lib.utils.placement import drawn_box
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.helpers import rows_of, svg

QUICK = SamplingConfig(num_inference_steps=2, candidates=2, nearest_name=False)
HOSTILE = [
    "../../etc/passwd", "</script><script>globalThis.hacked = true</script>", "constructor", "__proto__", "toString",
    "😀 🎉", "家", "x" * 300, "House", "house 2", "house-2", "house", "HOUSE", "con", "NUL", "class", "3d glasses",
    "{{ hacked }}", "${hacked}", "`;hacked=1;//", 'a"b', "a'b<c>&d", "*/ url(javascript:1)", "}body{color:red",
    "\u202eright to left", "--swap", "%s %n", "straße", "STRASSE",
]
SQUARE = svg("{}", 'fill="none" stroke="#000"')


def drawing(body: str) -> np.ndarray:
    return rows_of(body, 'fill="none" stroke="#000"')


SMALL = drawing('<rect x="2" y="3" width="9" height="9" stroke-width="1"/>')
LARGE = drawing('<rect x="1" y="1" width="22" height="22" stroke-width="2"/>')
ROUND = drawing('<circle cx="13" cy="12" r="9" stroke-width="2" stroke-linecap="round"/>')
NEARLY_BLACK = drawing('<path d="M4 3H20V20H4z" stroke="#010102" stroke-width="2"/>')
LINE = drawing('<path d="M4 3H20" stroke-width="2"/>')


@pytest.fixture(scope="module")
def hostile(pipeline):
    """A set of hostile words."""
    return draw_set(pipeline, HOSTILE, config=QUICK)


@pytest.fixture
def written(hostile, tmp_path):
    return write_set(hostile, tmp_path / "icons")


@pytest.mark.parametrize(("words", "names"), [
    (["Shopping Cart", "shopping_cart"], ["shopping-cart", "shopping-cart-2"]),
    (["../x", "x"], ["x", "x-2"]), (["Häuschen", "家", "🎉"], ["hauschen", "icon", "party-popper"]),
    (["house", "house", "house 2", "house2"], ["house", "house-2", "house-2-2", "house2-3"]),
    (["CON", "3d", "constructor", "-"], ["icon-con", "icon-3d", "constructor", "icon"]),
    (["a" * 300], ["a" * 40]),
])
def test_names_are_safe_and_unlike(words, names):
    assert safe_names(words) == names


def test_names_of_hostile_words(hostile):
    names = [icon.name for icon in hostile.icons]
    assert all(NAME.fullmatch(name) and len(name) <= 46 for name in names)
    assert len({component_name(name).casefold() for name in names}) == len(names)
    words = [icon.word for icon in hostile.icons]
    assert "House" in words and "house" not in words and "HOUSE" not in words  # once
    assert "straße" in words and "STRASSE" not in words


def test_pens_become_one_and_sizes_alike():
    drawings = [SMALL, LARGE, ROUND, LINE]
    common = common_style(drawings)
    assert common.pen == 2
    even = [even_out(rows, common) for rows in drawings]
    before, after = measure(drawings), measure(even)
    assert (before.pens, after.pens) == (2, 1)
    assert after.size_spread < before.size_spread / 1.5 and after.off_centre < 0.26 < before.off_centre
    for rows in even:
        low, high = drawn_box(rows)
        assert ((high - low) * UNITS <= LIVE_AREA + 0.5).all() and (np.abs([low, high]) <= 1).all()
    assert optical_size(even[0]) == pytest.approx(common.size, rel=0.12)  # 9 units wide cannot become 18


def test_colours_that_are_nearly_the_same_become_one():
    common = common_style([LARGE, NEARLY_BLACK, LINE])
    assert {read_drawing(rows_to_svg(even_out(rows, common)), "x").colour for rows in (LARGE, NEARLY_BLACK)} == {"#000"}


def test_what_is_even_stays():
    common = common_style([ROUND])
    centred = even_out(ROUND, common)
    np.testing.assert_array_equal(even_out(centred, common), centred)
    np.testing.assert_allclose(centred[1, 2:5] * UNITS, [0, 0, 9], atol=1e-5)  # shifted by 1, nothing else


@pytest.mark.parametrize("rows", [ROUND[[0, -1]], drawing('<circle cx="12" cy="12" r="2" fill="#fff" stroke="none"/>')])
def test_a_drawing_that_shows_nothing_is_no_trouble(rows):
    common = common_style([rows])
    assert common.pen is None
    even_out(rows, common)
    assert measure([rows, rows]).ink_spread == 0


def test_a_set_is_one_model_and_one_style(hostile):
    assert hostile.settings["model"] == "line" and hostile.after.pens == 1
    assert {len(icon.candidates) for icon in hostile.icons} == {2}


@pytest.mark.parametrize(("model", "style"), [("line", "tabler"), ("emoji", "twemoji")])
def test_without_a_style_a_set_is_in_one_that_its_model_has(tmp_path, model, style):
    (tmp_path / "words.txt").write_text("house\n")
    flags = ["--words", str(tmp_path / "words.txt"), "--model", model, "--ddim_steps", "2", "--candidates", "1"]
    assert cli.main(["set", *flags, "--output_dir", str(tmp_path / "icons")]) == 0
    assert read_set(tmp_path / "icons").style == style


def test_the_command_names_words_that_the_models_do_not_know(tmp_path, capsys):
    (tmp_path / "words.txt").write_text("house\ntrampolinist\n")
    flags = ["--words", str(tmp_path / "words.txt"), "--ddim_steps", "2", "--candidates", "1"]
    assert cli.main(["set", *flags, "--output_dir", str(tmp_path / "icons")]) == 0
    assert "words unknown to the models: trampolinist; drawn as something similar\n" in capsys.readouterr().out


def test_files_of_hostile_words(written, hostile):
    names = {icon.name for icon in hostile.icons}
    assert {path.stem for path in (written / "svg").iterdir()} == names
    assert {path.name for path in written.parent.iterdir()} == {"icons"}
    assert len(list((written / "react").glob("*.jsx"))) == len(list((written / "vue").glob("*.vue"))) == len(names)
    for path in (written / "svg").iterdir():
        render_svg(path.read_text(), 32)
    ids = [each.get("id") for path in (written / "svg").iterdir() for each in ElementTree.parse(path).iter()]
    assert len(ids) - ids.count(None) == len(set(ids) - {None})
    for path in [written / "sprite.svg", written / "icons.json", *written.glob("react/*"), *written.glob("vue/*")]:
        assert not re.search(r"hacked *=|javascript:|</?script>.|\{\{ hacked|\$\{", _code(path)), path


def _code(path) -> str:
    """A file's code, without the header of every Vue component."""
    return path.read_text().replace("<script setup>\ndefineProps", "").replace("</script>\n", "")


def test_the_sprite_shows_each_icon(written, hostile):
    root = ElementTree.parse(written / "sprite.svg").getroot()
    symbols = {each.get("id"): each for each in root}
    assert list(symbols) == [icon.name for icon in hostile.icons]
    text = (written / "sprite.svg").read_text()
    for icon in hostile.icons[:3]:
        used = text.replace("</svg>", f'<use href="#{icon.name}" width="24" height="24"/></svg>')
        used = used.replace("<svg ", '<svg viewBox="0 0 24 24" ', 1)
        alone = (written / "svg" / f"{icon.name}.svg").read_text()
        assert np.abs(render_svg(used, 48).astype(int) - render_svg(alone, 48)).mean() < 1


class _Page(HTMLParser):
    """Counts scripts; collects texts and attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.scripts, self.handlers, self.addresses, self.headings, self.tag = 0, [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        if self.tag == "h2" and data.strip():
            self.headings.append(data)


def test_the_page_runs_nothing_but_its_own_script(written, hostile):
    text = (written / "index.html").read_text()
    page = _Page(text)
    assert page.scripts == 1 and page.handlers == []
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    assert text.count('class="large" width="96" height="96"') == len(hostile.icons)
    assert page.headings == [icon.word for icon in hostile.icons]
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_a_drawing_unlike_its_name_is_marked_until_another_is_chosen(tmp_path, hostile):
    first, second = hostile.icons[:2]
    icons = [replace(first, doubtful=True), replace(second, doubtful=False)]
    folder = write_set(replace(hostile, icons=icons), tmp_path / "icons")
    assert (folder / "index.html").read_text().count("probably wrong") == 1
    assert [each.doubtful for each in read_set(folder).icons] == [True, False]
    swap_icons(folder, {first.name: 2})
    assert "probably wrong" not in (folder / "index.html").read_text()


def test_a_swapped_icon_is_another_drawing_in_every_file(written, hostile):
    name = hostile.icons[0].name
    before = {path: path.read_text() for path in written.rglob("*.*") if path.suffix in (".svg", ".jsx", ".vue")}
    assert cli.main(["set", "--output_dir", str(written), "--swap", f"{name}=2"]) == 0
    changed = {path.name for path in before if path.read_text() != before[path]}
    assert changed == {f"{name}.svg", "sprite.svg", f"{component_name(name)}.jsx", f"{component_name(name)}.vue"}
    assert read_set(written)[name].chosen == 1
    swap_icons(written, {name: 1})
    assert {path: path.read_text() for path in before} == before


@pytest.mark.parametrize(("flags", "message"), [
    ("--swap nothing=1", "the set has no icon 'nothing'"), ("--swap x=0", "candidates 1 to 2"),
    ("--swap x", "NAME=NUMBER"), ("--swap x=99999999999", "candidates 1 to 2"), ("", "give --words"),
    ("--swap x=2 x=1", "names 'x' twice"), ("--swap x=2 --style lucide", "leave out --style"),
    ("--swap x=2 --candidates 4 --seed 3 --model line --no-symmetry", "--seed, --candidates, --symmetry, --model"),
])
def test_a_swap_that_cannot_be(tmp_path, hostile, capsys, flags, message):
    icons = draw_like(hostile, "x")
    write_set(icons, tmp_path / "icons")
    before = (tmp_path / "icons" / "set.json").read_text()
    assert cli.main(["set", "--output_dir", str(tmp_path / "icons"), *flags.split()]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (tmp_path / "icons" / "set.json").read_text() == before


RED, GREEN, BOTH = (
    rows_to_svg(rows_of(body)) for body in (
        '<circle cx="12" cy="12" r="9" fill="#f00"/>', '<circle cx="12" cy="12" r="9" fill="#0f0"/>',
        '<circle cx="6" cy="12" r="4" fill="#f00"/><circle cx="18" cy="12" r="4" fill="#0f0"/>',
    )
)


@pytest.mark.parametrize(("drawings", "options", "is_current"), [
    ([RED, RED], {}, True), ([RED, GREEN], {}, False), ([RED, BOTH], {}, False),
    ([RED, RED], {"current_colour": False}, False),
])
def test_only_a_colour_that_all_icons_share_becomes_the_colour_of_the_text(
    tmp_path, hostile, drawings, options, is_current
):
    icons = [
        replace(each, candidates=[text], drawn_for=[each.word], chosen=0)
        for each, text in zip(hostile.icons, drawings)
    ]
    folder = write_set(replace(hostile, icons=icons), tmp_path / "icons", **options)
    for path in [folder / "sprite.svg", folder / "icons.json", *folder.glob("svg/*"), *folder.glob("*/*.[jv][su][xe]")]:
        text = path.read_text()
        assert ("currentColor" in text, "#f00" in text or "#0f0" in text) == (is_current, not is_current), path
    assert json.loads((folder / "icons.json").read_text())["info"]["palette"] != is_current


def draw_like(icons, name):
    """The first icon of a set, alone, under another name."""
    return replace(icons, icons=[replace(icons.icons[0], word=name, name=name, chosen=0)])


def test_a_plain_string_is_one_word(pipeline):
    assert [icon.name for icon in draw_set(pipeline, "shopping cart", config=QUICK).icons] == ["shopping-cart"]


@pytest.mark.parametrize("change", [
    {"chosen": 0.5}, {"chosen": True}, {"chosen": "0"}, {"chosen": 5}, {"name": "../x"}, {"name": "X"}, {"name": 5},
    {"word": None}, {"word": ["x"]}, {"candidates": ["<svg/>"]}, {"candidates": 5}, {"drawn_for": [1, 2]}, {"more": 1},
    {"candidates": [SQUARE.format("<script>alert(1)</script>")] * 2},
    "twice", "pen", "size", "no list", "missing", "not JSON", "another kind",
])
def test_a_set_that_is_damaged_or_a_strangers_is_refused(tmp_path, hostile, change):
    folder = write_set(draw_like(hostile, "x"), tmp_path / "icons")
    path = folder / "set.json"
    content = json.loads(path.read_text())
    content.pop("seal")
    if change == "twice":
        content["icons"] = [content["icons"][0], content["icons"][0] | {"name": "x"}]
    elif change == "no list":
        content["icons"] = {"a": 1}
    elif change in ("pen", "size"):
        content["common"][change] = "alert(1)"
    elif isinstance(change, dict):
        content["icons"][0] |= change
    path.unlink()
    if change == "not JSON":
        path.write_text("{")
    elif change != "missing":
        write_json(path, content, "something else" if change == "another kind" else "set of icons")
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    with pytest.raises(UserError, match="is not a set of icons|draw the set"):
        swap_icons(folder, {"x": 1})
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


@pytest.mark.parametrize("root", [
    'viewBox="0 0 24 24" stroke-width="eval(name)"', 'viewBox="0 0 24 24" stroke-width="2, x = alert(1)"',
    'viewBox="0 0 24 24" stroke-width=""', 'viewBox="eval(name)"', 'viewBox="0 0 24"', "", 'viewBox="0 0 24 24 24"',
    'viewBox="0 0 24 24" fill="url(x.svg)"', 'viewBox="0 0 24 24" fill="  url( x.svg)"',
])
def test_values_that_would_be_code_or_an_address_are_not_exported(root):
    """Component code contains the pen width as a number."""
    with pytest.raises(UserError, match="draw the set again"):
        read_drawing(f'<svg xmlns="http://www.w3.org/2000/svg" {root}><path d="M1 1"/></svg>', "x")


@pytest.mark.parametrize("body", [
    '<path d="M1 1" onload="alert(1)"/>', "<script/>", "<path d='M1 1'>text</path>", '<path d="{alert(1)}"/>',
    '<path d="M1 1" style="fill:url(x)"/>', "<foreignObject/>", '<image href="x"/>',
])
def test_nothing_but_what_our_writer_writes_is_exported(body):
    with pytest.raises(UserError, match="not allowed"):
        read_drawing(SQUARE.format(body), "x")


@pytest.mark.parametrize(("words", "style", "message"), [
    ([], "tabler", "no words given"), ([" "], "tabler", "a prompt is empty"),
    (["x" * 2000], "tabler", "2000 characters"),
    ([str(k) for k in range(2001)], "tabler", "2001 words are too many"), (["house"], "baroque", "no style 'baroque'"),
])
def test_words_and_styles_that_make_no_set(pipeline, words, style, message):
    with pytest.raises(UserError, match=message):
        draw_set(pipeline, words, style=style, config=QUICK)


def test_the_words_do_not_lie_in_the_set(tmp_path, capsys):
    (tmp_path / "words.txt").write_text("house\n")
    assert cli.main(["set", "--words", str(tmp_path / "words.txt"), "--output_dir", str(tmp_path)]) == 2
    assert "not apart from the input" in capsys.readouterr().err


def test_nothing_is_drawn_for_a_folder_of_others(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("svgfusion_lib.icon_sets.drawing.draw_set", lambda *_: pytest.fail("has drawn"))
    (tmp_path / "words.txt").write_text("house\n")
    (tmp_path / "icons").mkdir()
    (tmp_path / "icons" / "mine.svg").write_text("mine")
    assert cli.main(["set", "--words", str(tmp_path / "words.txt"), "--output_dir", str(tmp_path / "icons")]) == 2
    assert "choose another output folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "icons").iterdir()] == ["mine.svg"]
