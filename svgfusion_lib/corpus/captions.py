"""From an icon's name to what people would type, and to the side of the split it belongs to."""

import hashlib
import re
from collections.abc import Iterable, Sequence

HELD_OUT_PERCENT = 10
UNSEEN_PAIR_PERCENT = 5
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\s_\-./]+")
SKIN_TONE = re.compile(r"\b(?:medium[ -]light|medium[ -]dark|light|medium|dark) skin tone\b")
_NO_CONTENT = frozenset("a an the of and or in on at to with for by from my our some this icon icons style".split())
_TRAILING_NUMBERS = re.compile(r"(?: \d+)+$")


def humanise(name: str) -> str:
    """`shopping-cart`, `shopping_cart` or `ShoppingCart` -> `shopping cart`."""
    return _SEPARATORS.sub(" ", _CAMEL.sub(" ", name)).strip().lower()


def strip_suffix(name: str, suffixes: Iterable[str]) -> tuple[str, str]:
    """Split a raw icon name into base and style suffix: `bag-line-duotone` -> (`bag`, `line-duotone`).

    The longest of `suffixes` that fits wins; without one the suffix is empty.
    """
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.endswith("-" + suffix):
            return name[: -len(suffix) - 1], suffix
    return name, ""


def make_captions(name: str, keywords: Sequence[str] = (), style: str = "") -> tuple[str, ...]:
    """Captions of an icon, the canonical one first.

    With a style: `shopping cart, tabler style`, `shopping cart`, then one styled caption per keyword.
    Without: the name, then the keywords.
    """
    styled = [f"{text}, {style} style" if style else text for text in (name, *keywords)]
    return tuple(dict.fromkeys([styled[0], name, *styled[1:]]))


def words_of(text: str) -> list[str]:
    """All words of a text in lower case: `A cat's tail_2` -> `a`, `cat`, `s`, `tail`, `2`."""
    return re.findall(r"[^\W_]+", text.lower())


def content_words(text: str) -> set[str]:
    """Words of a name or a prompt that say what it shows: `An icon of a cat` -> {`cat`}."""
    return set(words_of(text)) - _NO_CONTENT


def name_key(name: str, numbered: bool = False) -> str:
    """What makes two names the same for the split: the words in any order, without a skin tone.

    With `numbered`, trailing numbers go too: icon packs number the drawings of one thing
    (`search-01`, `search-02`). Other folders keep them, for `icon-0001` names nothing.
    """
    text = SKIN_TONE.sub(" ", humanise(name))
    if numbered:
        text = _TRAILING_NUMBERS.sub("", text)
    words = words_of(text) or [humanise(name)]
    return " ".join(sorted(words))


def split_of(name: str, numbered: bool = False) -> str:
    """`train` or `held_out` (10%), from the name alone: the same in every pack and in every run."""
    digest = hashlib.sha256(name_key(name, numbered).encode()).digest()
    return "held_out" if int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_PERCENT else "train"


def is_unseen_pair(name: str, pack: str, seed: int = 0) -> bool:
    """Whether the drawings of a name in one pack are kept from training (5% of all pairs, another 5% for each seed)."""
    digest = hashlib.sha256(f"{seed}/{pack}/{name_key(name, numbered=True)}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < UNSEEN_PAIR_PERCENT
