"""Captions that people would type for an icon's name, and the split that the name belongs to."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources

from svgfusion_lib.corpus.colours import COLOUR_WORDS

HELD_OUT_PERCENT = 10
UNSEEN_PAIR_PERCENT = 5
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\s_\-./]+")
SKIN_TONE = re.compile(r"\b(?:medium[ -]light|medium[ -]dark|light|medium|dark) skin tone\b")
_FILLER_WORDS = frozenset("a an the of and or in on at to with for by from my our some this icon icons style".split())
_TRAILING_NUMBERS = re.compile(r"(?: \d+)+$")


def humanise(name: str) -> str:
    """`shopping-cart`, `shopping_cart` or `ShoppingCart` -> `shopping cart`."""
    return _SEPARATORS.sub(" ", _CAMEL.sub(" ", name)).strip().lower()


def strip_suffix(name: str, suffixes: Iterable[str]) -> tuple[str, str]:
    """Split a raw icon name into base and style suffix: `bag-line-duotone` -> (`bag`, `line-duotone`).

    The longest matching suffix wins; the suffix is empty if none matches.
    """
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.endswith("-" + suffix):
            return name[: -len(suffix) - 1], suffix
    return name, ""


def make_captions(name: str, keywords: Sequence[str] = (), style: str = "") -> tuple[str, ...]:
    """Make an icon's captions, the canonical one first.

    With a style: `shopping cart, tabler style`, `shopping cart`, then one styled caption per keyword.
    Without: the name, then the keywords.
    """
    styled = [f"{text}, {style} style" if style else text for text in (name, *keywords)]
    return tuple(dict.fromkeys([styled[0], name, *styled[1:]]))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case: `A cat's tail_2` -> `a`, `cat`, `s`, `tail`, `2`."""
    return re.findall(r"[^\W_]+", text.lower())


def content_words(text: str) -> set[str]:
    """Content words of a name or prompt: `An icon of a cat` -> {`cat`}."""
    return set(words_of(text)) - _FILLER_WORDS


def name_key(name: str, numbered: bool = False) -> str:
    """Key by which the split treats names as equal: the words in any order, without a skin tone.

    With `numbered`, trailing numbers are dropped too, because icon packs number drawings of one thing
    (`search-01`, `search-02`). Other folders keep them, because `icon-0001` names nothing.
    """
    text = SKIN_TONE.sub(" ", humanise(name))
    if numbered:
        text = _TRAILING_NUMBERS.sub("", text)
    words = words_of(text) or [humanise(name)]
    return " ".join(sorted(words))


def split_of(name: str, numbered: bool = False) -> str:
    """`train` or `held_out` (10%), determined by the name alone: the same in every pack and run."""
    digest = hashlib.sha256(name_key(name, numbered).encode()).digest()
    return "held_out" if int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_PERCENT else "train"


def is_unseen_pair(name: str, pack: str, seed: int = 0) -> bool:
    """Whether a name in one pack is excluded from training (5% of all pairs, a different 5% per seed)."""
    digest = hashlib.sha256(f"{seed}/{pack}/{name_key(name, numbered=True)}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < UNSEEN_PAIR_PERCENT


# --- captions of an icon: ways to say its name -------------------------------------------------------

MAX_CAPTIONS = 12
MAX_KEYWORDS = 4
MAX_SYNONYMS = 4
MAX_DUPLICATE_CAPTIONS = 2  # canonical captions from duplicates of the drawing
KINDS = {"line": "line icon", "filled": "filled icon", "emoji": "emoji", "colour": "colour icon"}  # by domain of a pack

_AN = re.compile(r"(?!uni|use|usb|usa|eu|one\b|once|ufo|uk\b|ut|urin|uran)[aeiou]|hour|honest|heir")
_TONE = re.compile(r"^(.+?) ((?:medium light|medium dark|light|medium|dark) skin tone)$")
_PREPOSITIONS = frozenset("in with of on at over behind under up".split())
_PEOPLE = frozenset("men women people mx".split())


@cache
def word_list(name: str) -> frozenset[str]:
    """The words of one list in words.tsv."""
    return frozenset(word for key, words in read_table("words.tsv") if key == name for word in words.split())


def read_table(file: str) -> list[list[str]]:
    """Lines of a file in this folder, split at tabs; lines that start with # are comments."""
    return [line.split("\t") for line in read_resource(file).splitlines() if not line.startswith("#")]


def read_resource(file: str) -> str:
    """The text of a file in this folder."""
    return resources.files("svgfusion_lib.corpus").joinpath(file).read_text(encoding="utf-8")


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
    """True if a name denotes a single thing, not a number, letter, plural, action or state."""
    words = name.split()
    first, last = words[0], words[-1]
    head = next((word for word, following in zip(words, words[1:]) if following in _PREPOSITIONS), last)
    plural = first in _PEOPLE or any(w.endswith("s") and not w.endswith(("ss", "us", "is", "as")) for w in (head, last))
    action = last.endswith("ing") and last not in word_list("ing_things")
    odd = any(len(word) == 1 or not word.isalpha() for word in words)
    odd = odd or (len(last) <= 4 and not set("aeiouy") & set(last))  # "sql", "sms"
    state = last.endswith("ly") or (last.endswith("ed") and last not in word_list("ed_things"))
    no_thing = first in word_list("no_first_word") or last in word_list("no_last_word")
    return not (plural or action or odd or state or no_thing or {first, last} & word_list("no_thing"))


def colour_phrase(name: str, colours: Sequence[str]) -> str:
    """`a red heart`, `black and yellow glasses`; "" without colours or if the name already contains a colour."""
    if not colours or not COLOUR_WORDS.isdisjoint(name.split()) or name.startswith("flag ") or _TONE.match(name):
        return ""
    phrase = f"{' and '.join(colours)} {name}"
    return article(phrase) if is_thing(name) else phrase


def compose_captions(
    name: str,
    style: str,
    kind: str = "",
    colours: Sequence[str] = (),
    synonyms: Iterable[str] = (),
    keywords: Iterable[str] = (),
    others: Iterable[str] = (),
    is_allowed: Callable[[str], bool] = lambda text: True,
) -> tuple[str, ...]:
    """Compose at most MAX_CAPTIONS distinct captions of an icon with a style, the canonical one first.

    kind: a key of KINDS, or "". synonyms are used alone, keywords with the style; others: captions of duplicates of
    the drawing. is_allowed: whether a name may be trained on, so that a training icon gets no keyword or colour that
    gives a held-out name ("red heart" may be held out while "heart" is not).
    """
    synonyms = alternative_names(name, synonyms, is_allowed)[:MAX_SYNONYMS]
    keywords = [word for word in alternative_names(name, keywords, is_allowed) if word not in synonyms][:MAX_KEYWORDS]
    first, plain, *styled = make_captions(name, keywords, style)
    others = [other for other in dict.fromkeys(others) if other not in (first, plain)][:MAX_DUPLICATE_CAPTIONS]
    thing = noun_phrase(name, kind)
    phrases = [thing]
    coloured = colour_phrase(name, colours)
    if coloured and is_allowed(f"{' and '.join(colours)} {name}"):
        phrases.append(coloured)
    phrases.append(f"{name} icon" if thing == name else f"an icon of {thing}")
    if kind in KINDS:
        word = KINDS[kind]
        repeats_style = not set(style.split()).isdisjoint(word.split())  # "solar line duotone"
        phrases.append(f"{name}, {style} {word.split()[-1] if repeats_style else word}")
    return tuple(dict.fromkeys([first, plain, *synonyms, *others, *phrases, *styled]))[:MAX_CAPTIONS]


def alternative_names(name: str, words: Iterable[str], is_allowed: Callable[[str], bool]) -> list[str]:
    """Distinct words that differ from the name and may be used."""
    own = name_key(name, numbered=True)
    return [word for word in dict.fromkeys(words) if name_key(word, numbered=True) != own and is_allowed(word)]


def name_parts(name: str, is_allowed: Callable[[str], bool]) -> tuple[str, ...]:
    """Parts of a name of several words: each word alone, and all words but one.

    Sampled at random in training, they teach what a word means on its own: `off` is a slash, whatever is off.
    """
    words = name.split()
    spoken = [word for word in words if len(word) > 1 and not word.isdigit() and content_words(word)]
    if len(spoken) < 2:
        return ()
    rests = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))] if len(words) > 2 else []
    return tuple(alternative_names(name, [*spoken, *rests], is_allowed))
