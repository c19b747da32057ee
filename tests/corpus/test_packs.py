import base64
import hashlib
import io
import json
import os
import re
import tarfile
from dataclasses import replace

import pytest

from svgfusion_lib.corpus import packs
from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.reranking.routing import resolve_prompt

ICONS = {
    "prefix": "toy", "width": 24, "height": 24,
    "icons": {
        "cart-linear": {"body": '<path d="M1 1h2"/>'},
        "arrow-left-linear": {"body": '<g fill="none"/>', "left": -1, "top": 2, "width": 32},
        "old-linear": {"body": "<g/>", "hidden": True},
        "reused": {"body": '<use xlink:href="#a"/>'},
    },
    "aliases": {
        "basket-linear": {"parent": "cart-linear"},
        "trolley": {"parent": "basket-linear"},
        "arrow-right-linear": {"parent": "arrow-left-linear", "hFlip": True},
        "east-linear": {"parent": "arrow-right-linear"},
    },
}
FAKE_NPM = """#!/bin/sh
echo "$@" >> {log}
{action}
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A fake npm that delivers `ICONS` as the pinned pack `toy`; returns its log of calls."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = json.dumps(ICONS).encode()
        info = tarfile.TarInfo("package/icons.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    tarball = tmp_path / "toy.tgz"
    tarball.write_bytes(buffer.getvalue())
    digest = base64.b64encode(hashlib.sha512(buffer.getvalue()).digest()).decode()
    pack = packs.Pack(
        "toy", "1.0.0", f"sha512-{digest}", "MIT", "A. Nobody", "", "", "line", "toy", {"linear": "linear"},
    )
    monkeypatch.setattr(packs, "known_packs", lambda: {"toy": pack})
    return install_npm(tmp_path, monkeypatch, f"/bin/cp {tarball} iconify-json-toy-1.0.0.tgz")


def install_npm(tmp_path, monkeypatch, action):
    (tmp_path / "bin").mkdir(exist_ok=True)
    log, executable = tmp_path / "npm.log", tmp_path / "bin" / "npm"
    executable.write_text(FAKE_NPM.format(log=log, action=action))
    executable.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return log


def test_pinned_table_is_complete():
    known = packs.known_packs()
    assert {"tabler", "lucide", "hugeicons", "solar", "mynaui", "iconoir", "noto", "twemoji"} <= set(known)
    for pack in known.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", pack.version)
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", pack.integrity)
        assert pack.licence and pack.author and pack.style and pack.url.startswith("https://")
        assert pack.domain in ("line", "filled", "emoji", "colour")
        if pack.grid not in ({}, {"grid": False}):
            step, whole, half = (pack.grid[name] for name in ("step", "whole", "half"))
            assert 0 < step <= 1 and 0 < whole < 1 and 0 < half < 1 - whole


def test_pack_becomes_files_and_records(npm, tmp_path):
    (folder,) = fetch_packs(["toy"], tmp_path / "packs")
    assert folder == tmp_path / "packs" / "toy"
    assert sorted(p.name for p in folder.glob("*.svg")) == [
        "arrow-left-linear.svg", "cart-linear.svg", "reused.svg",
    ]
    arrow = (folder / "arrow-left-linear.svg").read_text()
    assert 'width="32" height="24" viewBox="-1 2 32 24"><g fill="none"/></svg>' in arrow
    assert "xmlns:xlink" not in arrow and "xmlns:xlink" in (folder / "reused.svg").read_text()
    cart = next(r for r in read_records(folder) if r.file == "cart-linear.svg")
    assert (cart.name, cart.pack, cart.licence) == ("cart", "toy", "MIT")
    assert cart.captions[:2] == ("cart, toy linear style", "cart")
    # "arrow right" is the mirrored arrow left, not a synonym
    assert all("right" not in k and "east" not in k for r in read_records(folder) for k in r.keywords)
    assert json.loads((folder / "pack.json").read_text())["version"] == "1.0.0"


def test_aliases_are_captions_unless_held_out(npm, tmp_path, monkeypatch):
    for held_out, expected in ((set(), ("basket", "trolley")), ({"trolley"}, ("basket",))):
        monkeypatch.setattr(
            packs, "split_of", lambda n, numbered, held=held_out: "held_out" if n in held else "train",
        )
        (folder,) = fetch_packs(["toy"], tmp_path / f"packs{len(held_out)}")
        cart = next(r for r in read_records(folder) if r.file == "cart-linear.svg")
        assert cart.keywords == ("basket", "trolley")
        assert cart.captions[2:] == tuple(f"{keyword}, toy linear style" for keyword in expected)


def test_a_fetched_pack_is_not_fetched_again(npm, tmp_path):
    for _ in range(2):
        fetch_packs(["toy", "toy"], tmp_path / "packs")
    (call,) = npm.read_text().splitlines()
    assert call.startswith("pack @iconify-json/toy@1.0.0 ")
    (tmp_path / "packs" / "toy" / "manifest.jsonl").unlink()  # an incomplete pack does not count
    fetch_packs(["toy"], tmp_path / "packs")
    assert len(npm.read_text().splitlines()) == 2


def test_a_pack_is_unfolded_again_where_its_entry_changed(npm, tmp_path, monkeypatch):
    fetch_packs(["toy"], tmp_path / "packs")
    changed = replace(packs.known_packs()["toy"], style="plaything")
    monkeypatch.setattr(packs, "known_packs", lambda: {"toy": changed})
    (folder,) = fetch_packs(["toy"], tmp_path / "packs")
    assert any(r.captions[0] == "cart, plaything linear style" for r in read_records(folder))


@pytest.mark.parametrize(("action", "message"), [
    ("echo nonsense > iconify-json-toy-1.0.0.tgz", "wrong hash"),
    ("printf 'npm error code ENOTFOUND\\nnpm error see log\\n' >&2; exit 1", r"failed \(ENOTFOUND\)"),
    ("echo 'node: too old' >&2; exit 1", r"failed \(node: too old\)"),
    ("true", "no package file"), ("exec /bin/sleep 60", "no answer in 3 s"),
])
def test_failures_leave_nothing(npm, tmp_path, monkeypatch, action, message):
    install_npm(tmp_path, monkeypatch, action)
    monkeypatch.setattr(packs, "TIMEOUT_SECONDS", 3)
    with pytest.raises(UserError, match=message) as error:
        fetch_packs(["toy"], tmp_path / "packs")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "packs").exists()


def test_unknown_pack_and_no_pack(tmp_path):
    for names in (["tabler", "tablr"], []):
        with pytest.raises(UserError, match="known: tabler, lucide"):
            fetch_packs(names, tmp_path)


def test_without_npm_the_user_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm not found.*any folder of SVG files"):
        fetch_packs(["tabler"], tmp_path / "packs")
    assert not (tmp_path / "packs").exists()


def test_a_users_own_folder_is_never_replaced(npm, tmp_path):
    own = tmp_path / "packs" / "toy" / "precious.svg"
    own.parent.mkdir(parents=True)
    own.write_text("<svg/>")
    with pytest.raises(UserError, match="choose another output folder"):
        fetch_packs(["toy"], tmp_path / "packs")
    assert own.read_text() == "<svg/>"


@pytest.mark.parametrize("name", ["fluent", "fluent-emoji-flat", "Fluent Emoji Flat", "fluent style"])
def test_a_style_goes_by_all_its_names(name):
    assert packs.find_style(name, ["twemoji", "fluent-emoji-flat"]) == "fluent-emoji-flat"


def test_an_unknown_style_names_the_nearest():
    with pytest.raises(UserError, match="no style 'tablr'; the nearest is 'tabler'"):
        packs.find_style("tablr", ["lucide", "tabler"])
    with pytest.raises(UserError, match="there are none"):
        packs.find_style("tabler", [])
    with pytest.raises(UserError, match="no style 'foo'; known: lucide, tabler"):
        packs.find_style("foo", ["lucide", "tabler"])


@pytest.mark.parametrize(("prompt", "bare"), [
    ("cart, tabler style", "cart"), ("cart, akar icons style", "cart"), ("cart, icon-park-outline style ", "cart"),
    ("cart, fluent emoji flat style", "cart"), ("cart, line icons style", "cart"),
    ("cart, art nouveau style", "cart, art nouveau style"), ("a man, with a nice hair style", None),
])
def test_a_style_of_several_words_is_removed_if_it_is_one(prompt, bare):
    assert packs.strip_style(prompt, ["line_icons"]) == (bare or prompt)


@pytest.mark.parametrize(("prompt", "bare", "pack"), [
    ("Email, Tabler Style", "Email", "tabler"), ("cart, ICON PARK STYLE", "cart", "icon-park-outline"),
    ("cart tabler style", "cart", "tabler"), ("red cart Icon-Park-Outline Style", "red cart", "icon-park-outline"),
    ("cart, big noto v1 style", "cart, big", "noto-v1"), ("a retro style", None, None), ("hair style", None, None),
    ("life style", None, None), ("tabler styles", None, None), ("a style", None, None), ("style", None, None),
    ("tabler, life style of a cat", None, None),
])
def test_neither_case_nor_a_comma_matter_to_a_style_that_is_one(prompt, bare, pack):
    """"Email, Tabler Style" chose tabler, but its name stayed unknown."""
    known = list(packs.known_packs())
    assert packs.strip_style(prompt) == (bare or prompt) and packs.named_style(prompt, known) == pack


@pytest.mark.parametrize("style", ["acme corp", "acme"])
def test_a_style_of_a_model_of_its_own_may_be_given_or_named(style):
    """Its captions had no words of style, but a prompt that named it kept them."""
    known = ["tabler", style]
    for end in (f", {style} style", f" {style} style", f", {style.title()} Style"):
        assert resolve_prompt(f"heart{end}", None, known) == resolve_prompt("heart", style, known) == ("heart", style)


@pytest.mark.parametrize("pack", packs.known_packs())
def test_a_style_after_a_comma_leaves_the_text_as_it_is(pack):
    prompt = f"cart, {packs.style_word(pack)} style"
    assert resolve_prompt(prompt, None, [pack]) == (prompt, pack)


@pytest.mark.parametrize(("prompt", "style"), [
    ("cart, tabelr style", "tabelr"), ("cart, Tabler style", None), ("cart", None), ("cart, art nouveau style", None),
    ("life style", None),
])
def test_a_word_that_names_no_style_is_found(prompt, style):
    assert packs.unknown_style(prompt, ["tabler"]) == style


@pytest.mark.parametrize(("pack", "icon", "others", "expected"), [
    ("solar", "bag-4-line-duotone", (), ("bag 4", "line-duotone")),
    ("hugeicons", "search-02", (), ("search", "")),
    ("icon-park-outline", "mail-one", (), ("mail", "")),
    ("heroicons", "bolt-20-solid", (), ("bolt", "20-solid")),
    ("fluent-emoji-flat", "judge-medium-dark", (), ("judge medium dark skin tone", "")),
    ("fluent-emoji-flat", "judge-dark", ("judge-medium-dark",), ("judge dark skin tone", "")),
    ("fluent-emoji-flat", "horizontal-traffic-light", (), ("horizontal traffic light", "")),
    ("lucide", "dice-2", (), ("dice 2", "")),
])
def test_spoken_names(pack, icon, others, expected):
    icons = dict.fromkeys((icon, *others), {})
    assert packs._readable_name(packs.known_packs()[pack], icon, icons) == expected
