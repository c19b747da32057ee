"""Synonyms for icon names: the project's own list, and a dictionary built from the tags of three npm packages.

Tags are many and vary in quality: a shopping cart has "checkout", "ecommerce" and "buy" next to "basket". Only the few
closest to the name in the text encoder's embedding are kept. This loses common words ("delete", "help", "gear",
"hide"), which the list, synonyms.tsv, adds back.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from svgfusion_lib.corpus.captions import humanise, name_key, read_resource, read_table
from svgfusion_lib.corpus.packs import fetch_file
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import read_json, write_json
from svgfusion_lib.system.outputs import allow_write

KEYWORDS = "keywords.json"
KEYWORDS_KIND = "dictionary of keywords"
MAX_PER_NAME = 8       # keywords per name
MIN_SIMILARITY = 0.55  # least cosine similarity of a keyword to the name
MAX_TAG_COUNT = 4      # a tag on more names than this is a category
_VERSION = 2           # version of the other rules
_KEYWORD = re.compile(r"[a-z]{3,}(?: [a-z]{3,})?")
_FLAG = re.compile(r"^flags? (?:for )?(?:flag )?")
_BATCH_SIZE = 2048

TextEmbedder = Callable[[Sequence[str]], np.ndarray]  # texts -> vectors [N, D] of length 1


@dataclass(frozen=True)
class Vocabulary:
    """Keywords by name key (corpus/captions.py), and spellings of names written without spaces."""

    keywords: Mapping[str, Sequence[str]]
    spellings: Mapping[str, str]

    def keywords_of(self, name: str) -> tuple[str, ...]:
        """At most MAX_PER_NAME synonyms for a name, the closest first."""
        return tuple(self.keywords.get(name_key(name, numbered=True), ()))

    def respell(self, name: str) -> str:
        """An emoji's name as most packs spell it: `flag japan` for `flag for japan`, `fire engine` for `fireengine`.

        "" if the name says nothing about the picture.
        """
        table = _fxemoji_names()
        return table[name] if name in table else self.spellings.get(name, _FLAG.sub("flag ", name))


NO_KEYWORDS = Vocabulary({}, {})


def load_vocabulary(folder: str | Path) -> Vocabulary:
    """Load the dictionary from `folder`; build it from its pinned npm sources if it is missing."""
    path, build_inputs = Path(folder) / KEYWORDS, _build_inputs()
    if path.is_file():
        remedy = "remove it, and it will be rebuilt"
        stored = read_json(path, KEYWORDS_KIND, remedy)
        keywords, spellings = stored.get("keywords"), stored.get("spellings")
        if "sources" not in stored or not isinstance(keywords, dict) or not isinstance(spellings, dict):
            raise UserError(f"{path}: damaged (no keywords or no spellings); {remedy}")
        if {key: stored.get(key) for key in build_inputs} == build_inputs:
            return Vocabulary(keywords, spellings)
    contents = {
        package: json.loads(fetch_file(package, entry["version"], entry["integrity"], entry["path"]))
        for package, entry in build_inputs["sources"].items()
    }
    vocabulary = make_vocabulary(contents, default_embedder())
    with allow_write(path):
        write_json(path, build_inputs | asdict(vocabulary), KEYWORDS_KIND)
    return vocabulary


def synonyms_of(name: str, domain: str) -> tuple[str, ...]:
    """Synonyms for a name from the project's list, for packs of a domain; word order does not matter."""
    return _synonyms().get((domain, name_key(name, numbered=True)), ())


def synonym_table() -> list[tuple[str, list[str]]]:
    """The project's list: each word that people type, with the names of icons that show it, the best first."""
    return [(word, names.split(", ")) for _, word, names in read_table("synonyms.tsv")]


def _build_inputs() -> dict[str, Any]:
    """Everything that the dictionary depends on; it is rebuilt if this changes."""
    sources = json.loads(read_resource("keyword_sources.json"))
    return {"sources": sources, "rules": [_VERSION, MAX_PER_NAME, MIN_SIMILARITY, MAX_TAG_COUNT]}


def make_vocabulary(contents: Mapping[str, Any], embed: TextEmbedder) -> Vocabulary:
    """Build the dictionary from the packages' parsed JSON files."""
    lucide, tabler, emoji = (contents[name] for name in ("lucide-static", "@tabler/icons", "emojibase-data"))
    brands = {humanise(name.removeprefix("brand-")) for name, icon in tabler.items() if icon["category"] == "Brand"}
    line = [
        {humanise(name): tags for name, tags in lucide.items()},
        {humanise(name): icon["tags"] for name, icon in tabler.items() if icon["category"] != "Brand"},
    ]
    emoji = {humanise(entry["label"].replace(":", " ")): entry.get("tags", []) for entry in emoji}
    candidates: dict[str, tuple[str, dict[str, None]]] = {}  # name key -> name, its distinct tags in order
    for names in (*line, emoji):
        for name, tags in _useful_tags(names, brands).items():
            # Skip names like "hours 24", which has the same key as "hours 12".
            if not any(map(str.isdigit, name)) and (names is emoji or not _is_variation(name, names)):
                key = name_key(name, numbered=True)
                candidates.setdefault(key, (name, {}))[1].update(dict.fromkeys(tags))
    spellings = {name.replace(" ", ""): name for name in emoji if " " in name}
    return Vocabulary(_nearest(candidates, embed), spellings)


def default_embedder() -> TextEmbedder:
    """Similarity by the default text encoder: compares mean token embeddings."""
    from svgfusion_lib.models.icon_head import mean_text_tokens
    from svgfusion_lib.models.text_encoder import load_text_encoder

    encoder = load_text_encoder()

    def vectors(texts: Sequence[str]) -> np.ndarray:
        parts = (texts[i : i + _BATCH_SIZE] for i in range(0, len(texts), _BATCH_SIZE))
        return np.concatenate([mean_text_tokens(*encoder.encode(list(part))).numpy() for part in parts])

    return vectors


def _useful_tags(names: Mapping[str, Iterable], brands: set[str]) -> dict[str, list[str]]:
    """Tags of one source that can be keywords: one or two plain words, not too common, no brand, not in the name."""
    readable = {name: [humanise(str(tag)) for tag in tags] for name, tags in names.items()}
    count = Counter(tag for tags in readable.values() for tag in set(tags))
    useful = {}
    for name, tags in readable.items():
        words = set(name.split())
        useful[name] = [
            tag for tag in tags
            if _KEYWORD.fullmatch(tag) and count[tag] <= MAX_TAG_COUNT and not brands & {tag, *tag.split()}
            and not {word.removesuffix("s") for word in tag.split()} <= {word.removesuffix("s") for word in words}
        ]
    return useful


def _is_variation(name: str, names: Iterable[str]) -> bool:
    """True for `printer off` if there is a `printer`: its tags describe a printer and miss the difference."""
    words = name.split()
    return any(" ".join(words[:count]) in names for count in range(1, len(words)))


def _nearest(candidates: Mapping[str, tuple[str, Iterable[str]]], embed: TextEmbedder) -> dict[str, list[str]]:
    named = {key: (name, list(tags)) for key, (name, tags) in candidates.items() if tags}
    if not named:
        return {}
    texts = sorted({text for name, tags in named.values() for text in (name, *tags)})
    row = {text: i for i, text in enumerate(texts)}
    vectors = embed(texts)  # [N, D]
    chosen = {}
    for key, (name, tags) in named.items():
        near = vectors[[row[tag] for tag in tags]] @ vectors[row[name]]
        best = [tags[i] for i in np.argsort(-near, kind="stable") if near[i] >= MIN_SIMILARITY][:MAX_PER_NAME]
        if best:
            chosen[key] = best
    return chosen


@cache
def _synonyms() -> dict[tuple[str, str], tuple[str, ...]]:
    words: dict[tuple[str, str], tuple[str, ...]] = {}
    for domain, word, names in read_table("synonyms.tsv"):
        for name in names.split(", "):
            key = domain, name_key(name, numbered=True)
            words[key] = (*words.get(key, ()), word)
    return words


@cache
def _fxemoji_names() -> dict[str, str]:
    return dict(read_table("fxemoji_names.tsv"))
