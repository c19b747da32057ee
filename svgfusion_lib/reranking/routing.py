"""Routing: which shipped models and which style a prompt's words select."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from svgfusion_lib.config import DEFAULT_MODEL
from svgfusion_lib.corpus.captions import content_words, humanise
from svgfusion_lib.corpus.colours import COLOUR_WORDS
from svgfusion_lib.corpus.packs import (
    find_style,
    known_packs,
    mentions_style,
    named_style,
    strip_style,
    style_word,
)
from svgfusion_lib.models.checkpoint import DESCRIPTION, JSON_NAME, model_folder, shipped_models
from svgfusion_lib.system.files import read_json

NO_STYLE = ""  # the null style, whatever the prompt says
# Styles for prompts without one, if the model has them: two candidates in the first, two in the next, and so on.
# A fine-tuned model has its own (`SVGFusionPipeline.default_styles`).
DEFAULT_STYLES = ("tabler", "lucide", "twemoji", "fluent-emoji-flat")
_NEUTRAL_COLOURS = {"black", "white", "grey", "gray"}  # colour words that do not select the emoji model; these do:
EMOJI_CUES = {"emoji", "emoticon", "colourful", "colorful"}
_LINE_CUES = re.compile(r"\b(line|outlined?) icon\b|\boutlined?$")


def emoji_to_text(prompt: str) -> str:
    """Replace emoji characters by their names: `\u2764\ufe0f on fire` -> `red heart on fire`."""
    if prompt.isascii():
        return prompt
    import emoji  # takes a tenth of a second, and few prompts need it

    def name(characters: str, data: dict) -> str:
        words = data["en"].strip(":").replace("_", " ").replace("-", " ").lower()
        is_flag = all("\U0001f1e6" <= character <= "\U0001f1ff" for character in characters)
        return f" {'flag ' if is_flag else ''}{words} "

    return " ".join(emoji.replace_emoji(prompt, name).split())


def resolve_prompt(prompt: str, style: str | None, known: Sequence[str]) -> tuple[str, str]:
    """Turn a prompt and a style into a model's inputs: text for the text encoder, and a style condition.

    known: styles that the model was trained with. Style words of prompts are parsed only here. For a model without
    styles, "cart, tabler style" in style "lucide" becomes "cart, lucide style". A model with styles also gets the style
    as condition; the text then uses the words of the pack's captions, or none if the style is not a pack's. With style
    None the words of the prompt set the condition, and the prompt is unchanged unless its end names a style by other
    words than captions do ("cart, icon-park-outline style", or one that is not a pack's); NO_STYLE: null condition.
    UserError for an unknown style.
    """
    prompt = emoji_to_text(prompt)
    if style == NO_STYLE:
        return prompt, NO_STYLE
    packs = known_packs()
    if style is None:
        mentioned = [name for name in known if mentions_style(prompt, style_word(name))]
        style = named_style(prompt, known)
        if style is None or style in mentioned and style in packs:
            return prompt, style or next(iter(mentioned), NO_STYLE)
    style = find_style(style, known or list(packs))
    words = f"{style_word(style) if style in packs else style} style" if style in packs or not known else ""
    bare = strip_style(prompt, known)
    return (f"{bare}, {words}" if bare and words else bare), style if known else NO_STYLE


def candidate_prompts(
    prompt: str, style: str | None, known: Sequence[str], count: int, default_styles: Sequence[str] = DEFAULT_STYLES
) -> list[tuple[str, str]]:
    """`resolve_prompt` for each of `count` candidates; cycles through default_styles if no style is given or named."""
    resolved = resolve_prompt(prompt, style, known)
    defaults = [name for name in default_styles if name in known]
    if style is not None or resolved[1] or not defaults:
        return [resolved] * count
    return [resolve_prompt(prompt, defaults[k // 2 % len(defaults)], known) for k in range(count)]


def models_for(prompt: str, style: str | None = None) -> list[str]:
    """Names of the shipped models that may draw a prompt, chosen by the first of these that it has:

    a style, given or named ("..., twemoji style"), whose pack's domain selects the model; a colour word, "emoji" or an
    emoji character; "line icon" or "outline". Otherwise all models may draw it and the ranker chooses; the one whose
    training names cover more of its words comes first.
    """
    shipped, domains = shipped_models(), _style_domains()
    named = [word for word in domains if mentions_style(prompt, word)]
    named.append(humanise(named_style(prompt, list(known_packs())) or ""))
    requested = [humanise(style).removesuffix(" style")] if style else named
    for word in requested:
        if domains.get(word) in shipped:
            return [domains[word]]
    prompt_words = set(re.findall(r"[a-z]+", prompt.lower()))
    cues = COLOUR_WORDS - _NEUTRAL_COLOURS | EMOJI_CUES
    if "emoji" in shipped and (prompt_words & cues or emoji_to_text(prompt) != prompt):
        return ["emoji"]
    if "line" in shipped and _LINE_CUES.search(prompt.lower()):
        return ["line"]
    words = content_words(prompt)
    known = {name: len(words & _known_words(model_folder(name))) for name in shipped}
    return sorted(shipped, key=lambda name: -known[name]) or [DEFAULT_MODEL]


@cache
def _known_words(folder: Path) -> frozenset[str]:
    """Words of the names that a shipped model was trained on."""
    names = read_json(folder / JSON_NAME, DESCRIPTION, "download it again").get("names", [])
    return frozenset().union(*map(content_words, names))


@cache
def _style_domains() -> dict[str, str]:
    """Map pack names and style words of captions to the pack's domain, longest word first."""
    packs = known_packs().values()
    domains = {humanise(name): pack.domain for pack in packs for name in (pack.style, pack.name)}
    return {word: domains[word] for word in sorted(domains, key=len, reverse=True)}
