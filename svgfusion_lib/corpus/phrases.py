"""Captions of an icon: its name in the ways people say it, with style, kind and colour, and other words for it."""

import re
from collections.abc import Iterable, Sequence

from svgfusion_lib.corpus.captions import make_captions, name_key, split_of
from svgfusion_lib.corpus.colours import COLOUR_WORDS

MAX_CAPTIONS = 10
MAX_KEYWORDS = 4
MAX_OTHERS = 2  # canonical captions of the same drawing elsewhere
KINDS = {"line": "line icon", "filled": "filled icon", "emoji": "emoji"}  # domain of a pack -> word for its pictures

_AN = re.compile(r"(?!uni|use|usb|usa|eu|one\b|once|ufo|uk\b|ut|urin|uran)[aeiou]|hour|honest|heir")
_TONE = re.compile(r"^(.+?) ((?:medium light|medium dark|light|medium|dark) skin tone)$")
_ING_THINGS = frozenset(
    "building ceiling clothing drawing earring evening king morning painting ring spring string wing".split()
)
_PEOPLE = frozenset("men women people mx".split())
# First or last words of names that are no thing with an article: "arrow left", "wifi off", "zoom in", "align top".
_NO_THING = frozenset(
    "left right up down off on in out top bottom start end center centre middle horizontal vertical over under with by "
    "to at from of and or all more less empty full add edit remove delete open close closed cancel check done slash "
    "plus minus back forward next previous alt small large medium big".split()
)


def article(phrase: str) -> str:
    """`heart` -> `a heart`, `hourglass` -> `an hourglass`."""
    return f"an {phrase}" if _AN.match(phrase) else f"a {phrase}"


def noun_phrase(name: str, kind: str = "") -> str:
    """`a shopping cart`; the bare name where an article would be wrong (`scissors`, `arrow left`).

    kind "emoji": `flag japan` -> `the flag of japan`; "line": `brand github` -> `the github logo`.
    """
    words = name.split()
    if kind == "emoji" and words[0] == "flag" and len(words) > 1 and words[1] != "in":
        return f"the flag of {' '.join(words[1:])}"
    if kind == "line" and words[0] == "brand" and len(words) > 1:
        return f"the {' '.join(words[1:])} logo"
    if match := _TONE.match(name):
        return f"{noun_phrase(match[1])} with {match[2]}"
    return article(name) if is_thing(name) else name


def is_thing(name: str) -> bool:
    """True if a name reads as one thing: no number, letter, plural, action or state about it."""
    words = name.split()
    first, last = words[0], words[-1]
    plural = first in _PEOPLE or (last.endswith("s") and not last.endswith(("ss", "us", "is", "as")))
    action = last.endswith("ing") and last not in _ING_THINGS
    odd = any(len(word) == 1 or not word.isalpha() for word in words)
    return not (plural or action or odd or {first, last} & _NO_THING)


def colour_phrase(name: str, colours: Sequence[str]) -> str:
    """`a red heart`, `black and yellow glasses`; "" without colours or if the name says its colour already."""
    if not colours or not COLOUR_WORDS.isdisjoint(name.split()) or name.startswith("flag ") or _TONE.match(name):
        return ""
    phrase = f"{' and '.join(colours)} {name}"
    return article(phrase) if is_thing(name) else phrase


def compose_captions(
    name: str,
    style: str,
    kind: str = "",
    colours: Sequence[str] = (),
    keywords: Iterable[str] = (),
    others: Iterable[str] = (),
    split: str = "train",
) -> tuple[str, ...]:
    """At most MAX_CAPTIONS captions of an icon with a style, no two the same, the canonical one first.

    kind: a key of KINDS, or "". others: captions of the same drawing elsewhere. An icon to train on gets no keyword
    and no colour that make a held-out name of it ("red heart" may be held out where "heart" is not).
    """
    first, plain, *styled = make_captions(name, allowed_keywords(name, keywords, split), style)
    others = [other for other in dict.fromkeys(others) if other not in (first, plain)][:MAX_OTHERS]
    thing = noun_phrase(name, kind)
    phrases = [thing]
    coloured = colour_phrase(name, colours)
    if coloured and (split != "train" or split_of(f"{' and '.join(colours)} {name}", numbered=True) == "train"):
        phrases.append(coloured)
    phrases.append(f"{name} icon" if thing == name else f"an icon of {thing}")
    if kind in KINDS:
        word = KINDS[kind]
        says_it_already = not set(style.split()).isdisjoint(word.split())  # "solar line duotone"
        phrases.append(f"{name}, {style} {word.split()[-1] if says_it_already else word}")
    return tuple(dict.fromkeys([first, plain, *others, *phrases, *styled]))[:MAX_CAPTIONS]


def allowed_keywords(name: str, keywords: Iterable[str], split: str) -> tuple[str, ...]:
    """The first MAX_KEYWORDS keywords that say something else than the name and, to train on, are not held out."""
    own = name_key(name, numbered=True)
    allowed = [
        keyword for keyword in dict.fromkeys(keywords)
        if name_key(keyword, numbered=True) != own and (split != "train" or split_of(keyword, numbered=True) == "train")
    ]
    return tuple(allowed[:MAX_KEYWORDS])
