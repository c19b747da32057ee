"""Stage `common_names`: words that people ask for and that most icon packs have a picture for, to evaluate with."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from svgfusion_lib.corpus.captions import name_key, words_of
from svgfusion_lib.corpus.keywords import NO_KEYWORDS, synonyms_of
from svgfusion_lib.corpus.packs import fetch_packs, known_packs
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import write_text

MADE_BY = "# Made by `svgfusion common_names`"
MOST_PACKS = 0.75  # share of the emoji packs that have to draw a name
_UNASKED = frozenset({"brand", "logo", "flag", "skin"})


def common_names(
    output: str | Path, packs: Sequence[str] | None = None, packs_dir: str | Path = "data/packs",
    num_interface: int = 200, num_emoji: int = 100,
) -> list[str]:
    """Write words for interface icons and names of emoji, one a line; return them. Names of emoji end with "emoji".

    A pack draws a word if an icon has it as its name or by the list of synonyms. Interface words: those that most line
    packs draw. Emoji, of what three quarters of the emoji packs draw: half are the names that most line packs draw too,
    half are words of the list, a fixed pseudo-random choice. packs: None for all line and emoji packs that are pinned.
    """
    path = Path(output)
    if os.path.lexists(path) and not _is_ours(path):
        raise UserError(f"{path}: was not made by `common_names`, or has been changed since; choose another file")
    names = packs or [pack.name for pack in known_packs().values() if pack.domain in ("line", "emoji")]
    counts: dict[str, tuple[Counter, Counter]] = {"line": (Counter(), Counter()), "emoji": (Counter(), Counter())}
    num_packs: Counter = Counter()
    for folder in fetch_packs(names, packs_dir):
        domain = known_packs()[folder.name].domain
        if domain in counts:
            named = {record.name for record in read_records(folder)}
            if domain == "emoji":
                named = {NO_KEYWORDS.spell(name) for name in named}
            counts[domain][0].update(named)
            counts[domain][1].update(named | {word for name in named for word in synonyms_of(name, domain)})
            num_packs[domain] += 1
    line_named, line_drawn = counts["line"]
    emoji_named, emoji_drawn = counts["emoji"]
    interface = _first(line_drawn, lambda word: (-line_drawn[word], -line_named[word]))[:num_interface]
    everywhere = [word for word, count in emoji_drawn.items() if count >= MOST_PACKS * num_packs["emoji"]]
    named = _first((w for w in everywhere if emoji_named[w]), lambda w: (-line_named[w],))[: num_emoji - num_emoji // 2]
    listed = _first((w for w in everywhere if not emoji_named[w]), lambda w: (hashlib.sha256(w.encode()).hexdigest(),))
    emoji = [f"{word} emoji" for word in named + listed[: num_emoji // 2]]
    text = "\n".join(["# interface", *interface, "# emoji", *emoji]) + "\n"
    heading = f"{MADE_BY}: what most of {len(names)} icon packs draw; below, sha256 {_hash(text.encode())}\n"
    write_text(path, heading + text)
    return interface + emoji


def _is_ours(path: Path) -> bool:
    """Whether a file is as it was written: its heading has the hash of what is below."""
    if path.is_symlink() or not path.is_file():
        return False
    heading, _, text = path.read_bytes().partition(b"\n")
    return heading.startswith(MADE_BY.encode()) and heading.endswith(_hash(text).encode())


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _first(candidates: Iterable[str], rank: Callable[[str], tuple]) -> list[str]:
    """Words by rank, the shorter first, no two of the same words; no brands, letters, numbers, tones and flags."""
    words = list(candidates)
    split = {word: words_of(word) for word in words}
    logos = {parts[1] for parts in split.values() if len(parts) == 2 and parts[0] in ("brand", "logo")}
    chosen: dict[str, str] = {}
    for word in sorted(words, key=lambda word: (*rank(word), len(word), word)):
        parts = split[word]
        asked = len(parts) == 1 or _UNASKED.isdisjoint(parts)
        if asked and all(len(part) > 1 and part.isalpha() and part not in logos for part in parts):
            chosen.setdefault(name_key(word), word)
    return list(chosen.values())
