"""Turns arbitrary words into safe names for files, ids, CSS classes and components."""

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 40  # characters
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
# File names reserved on Windows.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(10))}


def safe_names(words: Sequence[str]) -> list[str]:
    """A name for each word: `a-z`, digits and single hyphens, a letter first; unique, also as component names.

    `Shopping Cart` -> `shopping-cart`, `Häuschen` -> `hauschen`, an emoji -> its Unicode name, `../x` -> `x`.
    """
    taken: set[str] = set()
    names = []
    for word in words:
        name = stem = _name(word)
        number = 1
        while component_name(name).casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(component_name(name).casefold())
        names.append(name)
    return names


def component_name(name: str) -> str:
    """`shopping-cart` -> `IconShoppingCart`; the prefix avoids reserved words and leading digits."""
    return "Icon" + "".join(part.capitalize() for part in name.split("-"))


def _name(word: str) -> str:
    text = "".join(_ascii(each) for each in unicodedata.normalize("NFKD", word))
    name = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:LONGEST].strip("-")
    if not name:
        return "icon"
    return f"icon-{name}" if name[0].isdigit() or name in _DEVICES else name


def _ascii(character: str) -> str:
    """A character as ASCII: symbols by Unicode name; marks and unnamed characters are dropped."""
    if character.isascii():
        return character
    if unicodedata.category(character) == "So":
        return f" {unicodedata.name(character, '')} "
    return "" if unicodedata.category(character) == "Mn" else " "
