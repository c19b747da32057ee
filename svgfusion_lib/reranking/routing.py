"""Which of the shipped models a prompt asks for."""

import re
from functools import cache
from pathlib import Path

from svgfusion_lib.config import DEFAULT_MODEL
from svgfusion_lib.corpus.captions import content_words
from svgfusion_lib.corpus.colours import COLOUR_WORDS
from svgfusion_lib.corpus.packs import known_packs, names_style
from svgfusion_lib.models.checkpoint import DESCRIPTION, JSON_NAME, model_folder, shipped_models
from svgfusion_lib.system.files import read_json

_COLOURLESS = {"black", "white", "grey", "gray"}  # words that do not ask for a picture in colours; these do:
_COLOURFUL = {"emoji", "emoticon", "colourful", "colorful"}


def model_for(prompt: str, style: str | None = None) -> str:
    """Name of the shipped model that a prompt asks for, by the first of these that it has:

    a style that one model was trained with; the style word of a pack ("..., twemoji style"), whose domain tells; a
    word of colour or "emoji"; more words than the other models know from the names they were trained on. Without any
    of them: DEFAULT_MODEL.
    """
    shipped, domains = shipped_models(), _style_domains()
    asked = [style] if style else [word for word in domains if names_style(prompt, word)]
    for word in asked:
        if domains.get(word) in shipped:
            return domains[word]
    coloured = set(re.findall(r"[a-z]+", prompt.lower())) & (COLOUR_WORDS - _COLOURLESS | _COLOURFUL)
    if coloured and "emoji" in shipped:
        return "emoji"
    words = content_words(prompt)
    return max(shipped, key=lambda name: len(words & _known_words(model_folder(name))), default=DEFAULT_MODEL)


@cache
def _known_words(folder: Path) -> frozenset[str]:
    """Words of the names that a shipped model was trained on."""
    names = read_json(folder / JSON_NAME, DESCRIPTION, "get it anew").get("names", [])
    return frozenset().union(*map(content_words, names))


@cache
def _style_domains() -> dict[str, str]:
    """Packs and the words that captions have for their styles -> domain of the pack, longest word first."""
    packs = known_packs().values()
    domains = {pack.style: pack.domain for pack in packs} | {pack.name: pack.domain for pack in packs}
    return {word: domains[word] for word in sorted(domains, key=len, reverse=True)}
