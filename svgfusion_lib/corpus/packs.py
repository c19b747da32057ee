"""Icon packs: pinned npm packages, checked by hash, unpacked into captioned SVG files.

The packages `@iconify-json/<pack>` contain icons.json: `icons[name]` has a body and optionally its own box
(left, top, width, height; the top level has defaults), and `aliases[name]` has a parent. An alias without
a transformation is a synonym of its parent and becomes a keyword.
"""

import base64
import difflib
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from svgfusion_lib.corpus.captions import humanise, make_captions, read_resource, split_of, strip_suffix
from svgfusion_lib.corpus.records import COUNT, COUNTED, MANIFEST, Record, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import read_json, write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.progress import track

SCOPE = "@iconify-json"
PACK_INFO = "pack.json"
_ICON_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_STYLE_WORD = re.compile(r",\s*([\w-]+) style\s*$", re.IGNORECASE)  # at the end of a prompt
_STYLE_END = re.compile(r" style\s*$", re.IGNORECASE)
_WORD = re.compile(r"[\w-]+")
_TONES = ("medium-light", "medium-dark", "light", "medium", "dark")


@dataclass(frozen=True)
class Pack:
    """One pinned icon pack from packs.json."""

    name: str
    version: str
    integrity: str              # "sha512-" + base64 of the npm tarball's digest
    licence: str                # SPDX identifier
    author: str
    url: str
    licence_url: str
    domain: str                 # "line" (strokes only, mostly), "filled" (one colour), "emoji" or "colour"
    style: str                  # the word captions use: "tabler" -> "..., tabler style"
    suffixes: Mapping[str, str] = field(default_factory=dict)  # name suffix -> style word
    variant: str = ""           # regex for trailing numbers that count drawings of one thing
    grid: Mapping[str, Any] = field(default_factory=dict)  # see `style_grid`
    skin_tones: bool = False    # names end in "-light" where others end in "-light-skin-tone"


@cache
def known_packs() -> dict[str, Pack]:
    """All pinned packs by name, line packs first."""
    return {name: Pack(name=name, **entry) for name, entry in json.loads(read_resource("packs.json")).items()}


def pack_domain(pack: str) -> str:
    """Domain of an icon pack by name ("line", "filled", "emoji", "colour"); "" if the pack is unknown."""
    known = known_packs()
    return known[pack].domain if pack in known else ""


def style_word(pack: str) -> str:
    """The word for a pack's style in captions ("fluent" for fluent-emoji-flat); the name itself if unknown."""
    known = known_packs()
    return known[pack].style if pack in known else pack


def style_grid(pack: str) -> Mapping[str, Any]:
    """The design grid of an icon pack, as fields of `TidyConfig`; {} if unknown."""
    known = known_packs()
    return known[pack].grid if pack in known else {}


def mentions_style(prompt: str, word: str) -> bool:
    """Whether a prompt asks for the style `word` ("..., twemoji style")."""
    return re.search(rf"\b{re.escape(word)} style\b", prompt.lower()) is not None


def match_style(text: str, packs: Sequence[str]) -> str | None:
    """The pack in `packs` that a name refers to: `fluent`, `Fluent Emoji Flat` and `fluent-emoji-flat` are the same."""
    return _style_names(packs).get(humanise(text).removesuffix(" style"))


def _style_names(packs: Sequence[str]) -> dict[str, str]:
    return {humanise(name): pack for pack in packs for name in (style_word(pack), pack)}


def find_style(text: str, packs: Sequence[str]) -> str:
    """The pack found by `match_style`; UserError with the nearest style, or all of them, if there is none."""
    found = match_style(text, packs)
    if found is not None:
        return found
    if not packs:
        raise UserError(f"no style {text!r}: there are none")
    near = difflib.get_close_matches(humanise(text), _style_names(packs), n=1)
    raise UserError(f"no style {text!r}; " + (f"the nearest is {near[0]!r}" if near else f"known: {', '.join(packs)}"))


def named_style(prompt: str, packs: Sequence[str]) -> str | None:
    """The pack in `packs` that the end of a prompt names: `cart, icon park outline style` -> `icon-park-outline`."""
    return _split_style(prompt, packs)[1]


def _split_style(prompt: str, packs: Sequence[str]) -> tuple[str, str | None]:
    """A prompt without the style at its end, and the pack in `packs` that it names by most words; None for none."""
    end = _STYLE_END.search(prompt)
    if end:
        names = _style_names(packs)
        for word in _WORD.finditer(prompt, prompt.rfind(",", 0, end.start()) + 1, end.start()):
            if found := names.get(humanise(prompt[word.start() : end.start()])):
                return prompt[: word.start()].rstrip(" \t,"), found
    return prompt, None


def unknown_style(prompt: str, packs: Sequence[str]) -> str | None:
    """The word that stands for a style at the end of a prompt but names none in `packs`; None if there is none."""
    named = _STYLE_WORD.search(prompt)
    return named[1] if named and match_style(named[1], packs) is None else None


def strip_style(prompt: str, packs: Sequence[str] = ()) -> str:
    """Remove a style from the end of a prompt: `cart, tabler style` -> `cart`.

    After a comma any single word is a style; several words, or words without a comma, if they name a known pack's style
    or one of `packs`.
    """
    bare = _STYLE_WORD.sub("", prompt)
    return (bare if bare != prompt else _split_style(prompt, [*known_packs(), *packs])[0]).rstrip()


def check_packs(packs: Sequence[str]) -> list[Pack]:
    """Look up packs by name, in the given order; UserError for an unknown name."""
    known = known_packs()
    unknown = [name for name in packs if name not in known]
    if unknown:
        raise UserError(f"unknown icon pack {', '.join(map(repr, unknown))}; known: {', '.join(known)}")
    if not packs:
        raise UserError(f"no icon pack given; known: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(packs)]


def fetch_packs(packs: Sequence[str], output_dir: str | Path) -> list[Path]:
    """Fetch icon packs with the npm client; return one folder `output_dir/<pack>` per pack.

    Each contains <name>.svg per icon, manifest.jsonl and pack.json (version, licence, author). A pack that
    already exists in the pinned version is left alone; one that fails leaves nothing behind.
    """
    folders = []
    for pack in check_packs(packs):
        folder = Path(output_dir) / pack.name
        if not _is_fetched(pack, folder):
            icons = fetch_file(f"{SCOPE}/{pack.name}", pack.version, pack.integrity, "icons.json")
            _unpack_icons(pack, json.loads(icons), folder)
        folders.append(folder)
    return folders


def _is_fetched(pack: Pack, folder: Path) -> bool:
    info = folder / PACK_INFO
    if not info.is_file() or not (folder / MANIFEST).is_file():
        return False
    stored = read_json(info, COUNTED[PACK_INFO], f"remove {folder} and fetch it again")
    if "integrity" not in stored:
        raise UserError(f"{info}: not a pack; remove {folder} and fetch it again")
    return _entry(pack).items() <= stored.items()  # names and styles are those of this version


def _entry(pack: Pack) -> dict[str, Any]:
    """Everything that a pack's files depend on."""
    return {name: value for name, value in asdict(pack).items() if name != "grid"}


def _unpack_icons(pack: Pack, data: dict, folder: Path) -> None:
    icons = {name: icon for name, icon in data["icons"].items() if not icon.get("hidden")}
    aliases = _aliases_by_parent(data)
    with output_set(folder, "fetch_packs", replace=True) as partial:
        records = []
        for name, icon in track(sorted(icons.items()), f"icons of {pack.name}"):
            if not _ICON_NAME.fullmatch(name):
                raise UserError(f"{pack.name}: {name!r} is not a valid file name")
            write_text(partial / f"{name}.svg", _svg_document(icon, data))
            records.append(_make_record(pack, name, aliases.get(name, []), icons))
        write_manifest(partial, records)
        write_json(partial / PACK_INFO, _entry(pack) | {COUNT: len(records)}, COUNTED[PACK_INFO])


def _aliases_by_parent(data: dict) -> dict[str, list[str]]:
    """Aliases that show an icon unchanged; rotated or mirrored ones show something else."""
    aliases = data.get("aliases", {})
    plain: dict[str, list[str]] = {}
    for name, alias in aliases.items():
        seen = set()
        while set(alias) <= {"parent", "hidden"} and alias["parent"] in aliases:
            if alias["parent"] in seen:
                raise UserError(f"alias {name!r} refers to itself")
            seen.add(alias["parent"])
            alias = aliases[alias["parent"]]
        if set(alias) <= {"parent", "hidden"}:
            plain.setdefault(alias["parent"], []).append(name)
    return plain


def _svg_document(icon: dict, data: dict) -> str:
    left, top = (icon.get(key, data.get(key, 0)) for key in ("left", "top"))
    width, height = (icon.get(key, data.get(key, 16)) for key in ("width", "height"))
    xlink = ' xmlns:xlink="http://www.w3.org/1999/xlink"' if "xlink:" in icon["body"] else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg"{xlink} width="{width}" height="{height}" '
        f'viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>\n'
    )


def _make_record(pack: Pack, icon: str, aliases: Sequence[str], icons: Mapping[str, dict]) -> Record:
    name, suffix = _readable_name(pack, icon, icons)
    keywords = dict.fromkeys(_readable_name(pack, alias, icons)[0] for alias in sorted(aliases))
    keywords.pop(name, None)
    split = split_of(name, numbered=True)
    # A training picture never carries a held-out name.
    said = [k for k in keywords if split == "held_out" or split_of(k, numbered=True) == split]
    style = " ".join(filter(None, (pack.style, pack.suffixes.get(suffix, ""))))
    return Record(
        file=f"{icon}.svg", name=name, pack=pack.name, captions=make_captions(name, said, style),
        keywords=tuple(keywords), licence=pack.licence, split=split,
    )


def _readable_name(pack: Pack, icon: str, icons: Mapping[str, dict]) -> tuple[str, str]:
    """(`bag 4`, `line-duotone`) for solar's `bag-4-line-duotone`."""
    base, suffix = strip_suffix(icon, pack.suffixes)
    if pack.variant:
        base = re.sub(pack.variant, "", base) or base
    if pack.skin_tones:
        person, tone = strip_suffix(base, _TONES)
        if tone and f"{person}-medium-dark" in icons:
            base = f"{base}-skin-tone"
    return humanise(base), suffix


# --- npm: files of pinned packages, checked by hash --------------------------------------------------

TIMEOUT_SECONDS = 600
_CODE = re.compile(r"npm (?:error|ERR!) code (\S+)")


def fetch_file(package: str, version: str, integrity: str, path: str) -> bytes:
    """Fetch one file from an npm package; path: as inside the package.

    integrity: "sha512-" + base64 of the tarball's digest. UserError without npm or network, or on a hash mismatch.
    """
    tarball = _fetch_tarball(f"{package}@{version}")
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != integrity:
        raise UserError(f"{package}@{version}: wrong hash {found[:23]}..., pinned is {integrity[:23]}...")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        file = archive.extractfile(f"package/{path}")
        assert file is not None  # None only for a folder
        return file.read()


def _fetch_tarball(package: str) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            "npm not found: icon packs need the npm client (part of Node.js); "
            "without it, use any folder of SVG files with --svg_dir"
        )
    with tempfile.TemporaryDirectory(prefix="svgfusion-") as temporary:
        try:
            done = subprocess.run(
                [npm, "pack", package, "--loglevel=error", "--no-update-notifier"], cwd=temporary,
                capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"npm pack {package}: no answer in {TIMEOUT_SECONDS} s") from error
        tarballs = sorted(Path(temporary).glob("*.tgz"))
        if done.returncode != 0 or len(tarballs) != 1:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it wrote no package file"]
            code = next((m[1] for m in map(_CODE.match, said) if m), said[-1])
            raise UserError(f"npm pack {package} failed ({code}); is the network reachable?")
        return tarballs[0].read_bytes()
