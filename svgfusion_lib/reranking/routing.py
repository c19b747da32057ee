"""What the words of a prompt ask for: which of the shipped models, which style."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from svgfusion_lib.config import DEFAULT_MODEL
from svgfusion_lib.corpus.captions import content_words, humanise
from svgfusion_lib.corpus.colours import COLOUR_WORDS
from svgfusion_lib.corpus.packs import find_style, known_packs, names_style, style_word, without_style
from svgfusion_lib.models.checkpoint import DESCRIPTION, JSON_NAME, model_folder, shipped_models
from svgfusion_lib.system.files import read_json

NO_STYLE = ""  # the null style, whatever the prompt says
# What a prompt without a style is drawn in, if the model has them: two of its candidates in one, two in the next, ...
USUAL_STYLES = ("tabler", "lucide", "twemoji", "fluent-emoji-flat")
_COLOURLESS = {"black", "white", "grey", "gray"}  # words that do not ask for a picture in colours; these do:
_COLOURFUL = {"emoji", "emoticon", "colourful", "colorful"}
_LINES = re.compile(r"\b(line|outlined?) icon\b|\boutlined?$")


def spoken(prompt: str) -> str:
    """A prompt with the names of its emoji characters: `\u2764\ufe0f on fire` -> `red heart on fire`."""
    if prompt.isascii():
        return prompt
    import emoji  # a tenth of a second, which few prompts need

    def name(characters: str, data: dict) -> str:
        words = data["en"].strip(":").replace("_", " ").replace("-", " ").lower()
        is_flag = all("\U0001f1e6" <= character <= "\U0001f1ff" for character in characters)
        return f" {'flag ' if is_flag else ''}{words} "

    return " ".join(emoji.replace_emoji(prompt, name).split())


def words_and_style(prompt: str, style: str | None, known: Sequence[str]) -> tuple[str, str]:
    """A prompt in a style, as a model is asked for it: words for the text encoder, and a style condition.

    known: styles that the model was trained with. The one place where style words of a prompt are read. "cart, tabler
    style" in style "lucide" is "cart, lucide style" to a model without styles. One with styles gets the condition
    beside the words, which are those of a pack's captions, or none if the style is no pack's. Without a style the
    prompt stays as it is, and its words say the condition; NO_STYLE: the null condition. UserError for a style that the
    model does not know.
    """
    prompt = spoken(prompt)
    if style == NO_STYLE:
        return prompt, NO_STYLE
    if style is None:
        return prompt, next((name for name in known if names_style(prompt, style_word(name))), NO_STYLE)
    packs = known_packs()
    style = find_style(style, known or list(packs))
    words = f"{style_word(style) if style in packs else style} style" if style in packs or not known else ""
    bare = without_style(prompt)
    return (f"{bare}, {words}" if bare and words else bare), style if known else NO_STYLE


def asked_of_candidates(prompt: str, style: str | None, known: Sequence[str], count: int) -> list[tuple[str, str]]:
    """`words_and_style` of each of `count` candidates: in USUAL_STYLES in turn if neither prompt nor style says one."""
    asked = words_and_style(prompt, style, known)
    usual = [name for name in USUAL_STYLES if name in known]
    if style is not None or asked[1] or not usual:
        return [asked] * count
    return [words_and_style(prompt, usual[k // 2 % len(usual)], known) for k in range(count)]


def models_for(prompt: str, style: str | None = None) -> list[str]:
    """Names of the shipped models that may draw a prompt, by the first of these that it has:

    a style that one model was trained with, or a pack's name for its style ("..., twemoji style"), whose domain tells;
    a word of colour, "emoji" or an emoji character; "line icon" or "outline". Without any of them all may draw it,
    and the ranker chooses: first the one that knows more of its words by the names that it was trained on.
    """
    shipped, domains = shipped_models(), _style_domains()
    named = [word for word in domains if names_style(prompt, word)]
    asked = [humanise(style).removesuffix(" style")] if style else named
    for word in asked:
        if domains.get(word) in shipped:
            return [domains[word]]
    said = set(re.findall(r"[a-z]+", prompt.lower()))
    if "emoji" in shipped and (said & (COLOUR_WORDS - _COLOURLESS | _COLOURFUL) or spoken(prompt) != prompt):
        return ["emoji"]
    if "line" in shipped and _LINES.search(prompt.lower()):
        return ["line"]
    words = content_words(prompt)
    known = {name: len(words & _known_words(model_folder(name))) for name in shipped}
    return sorted(shipped, key=lambda name: -known[name]) or [DEFAULT_MODEL]


@cache
def _known_words(folder: Path) -> frozenset[str]:
    """Words of the names that a shipped model was trained on."""
    names = read_json(folder / JSON_NAME, DESCRIPTION, "get it anew").get("names", [])
    return frozenset().union(*map(content_words, names))


@cache
def _style_domains() -> dict[str, str]:
    """Packs and the words that captions have for their styles -> domain of the pack, longest word first."""
    packs = known_packs().values()
    domains = {humanise(name): pack.domain for pack in packs for name in (pack.style, pack.name)}
    return {word: domains[word] for word in sorted(domains, key=len, reverse=True)}
