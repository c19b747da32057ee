"""Pictures of one thing that differ in skin tone or gender alone, and how many of them a data set keeps."""

import hashlib
from collections.abc import Sequence

from svgfusion_lib.corpus.captions import SKIN_TONE, humanise
from svgfusion_lib.corpus.records import Record

_PEOPLE = frozenset({"person", "people"})
_GENDERED = frozenset({"man", "woman", "men", "women", "boy", "girl"})


def base_name(name: str) -> str:
    """`woman cook medium skin tone` -> `cook`; what is nothing but a person (`woman`) stays that."""
    words = SKIN_TONE.sub(" ", humanise(name)).split()
    return " ".join(word for word in words if word not in _PEOPLE | _GENDERED) or " ".join(words)


def surplus_variants(records: Sequence[Record], max_variants: int) -> set[int]:
    """Indices of the records beyond `max_variants` of one base name and style within a pack.

    Kept are the name itself, then the neutral person, then the others in a fixed pseudo-random order. Several
    drawings of just that name (`search-01` and `search-02`) are no variants of each other.
    """
    groups: dict[tuple[str, str, str], list[int]] = {}
    for i, record in enumerate(records):
        groups.setdefault((record.pack, record.style, base_name(record.name)), []).append(i)
    surplus: set[int] = set()
    for (*_, base), members in groups.items():
        plain = [i for i in members if humanise(records[i].name) == base]
        others = sorted((i for i in members if i not in plain), key=lambda i: _order(records[i].name))
        surplus.update(others[max(0, max_variants - len(plain)) :])
    return surplus


def _order(name: str) -> tuple[bool, bytes]:
    """Neutral people first; which of the others, their hashes say."""
    toned_or_gendered = bool(SKIN_TONE.search(name)) or not _GENDERED.isdisjoint(name.split())
    return toned_or_gendered, hashlib.sha256(name.encode()).digest()
