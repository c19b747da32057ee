"""Mirrored and turned copies of icons that correctly show another name, or their own.

`arrow left` mirrored is `arrow right`, `cat` mirrored is still a cat, but a mirrored clock, letter or `wifi off`
(whose slash would lean the other way) is wrong. The words of the name decide, using the tables in this module.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from svgfusion_lib.corpus.captions import word_list, words_of
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.path_chunks import turned_chunks

# x -> -x; y -> -y; a quarter turn clockwise, (x, y) -> (-y, x): numbered as in `turned_chunks`
MOVES = {"mirror": 1, "flip": 2, "turn": 6}
_LEFT_RIGHT = (
    ("left", "right"), ("leftward", "rightward"), ("leftwards", "rightwards"), ("west", "east"),
    ("northwest", "northeast"), ("southwest", "southeast"),
)
_UP_DOWN = (
    ("up", "down"), ("upward", "downward"), ("upwards", "downwards"), ("top", "bottom"), ("north", "south"),
    ("northwest", "southwest"), ("northeast", "southeast"), ("upper", "lower"), ("above", "below"),
)
_TURNS = (
    ("top", "right", "bottom", "left"), ("up", "right", "down", "left"),  # the later entry wins: left becomes up
    ("upwards", "rightwards", "downwards", "leftwards"), ("north", "east", "south", "west"),
    ("northeast", "southeast", "southwest", "northwest"), ("vertical", "horizontal"), ("vertically", "horizontally"),
)
_WITH_LETTERS = frozenset({"top arrow", "up button"})  # emoji that contain letters
_SWAPS: dict[str, dict[str, str]] = {
    "mirror": {a: b for pair in _LEFT_RIGHT for a, b in (pair, pair[::-1])},
    "flip": {a: b for pair in _UP_DOWN for a, b in (pair, pair[::-1])},
    "turn": {word: ring[(i + 1) % len(ring)] for ring in _TURNS for i, word in enumerate(ring)},
}
_DIRECTIONS = {word for swaps in _SWAPS.values() for word in swaps}
_HORIZONTAL_FIRST = re.compile(r"\b(left|right) (up|down|top|bottom)\b")


def move_words(text: str, move: str) -> str:
    """Replace the directions in a text as a move does: `arrow up right`, turned, is `arrow down right`."""
    swaps = _SWAPS[move]
    if move == "turn" and re.search(r"\b(top|bottom)\b", text):
        swaps = swaps | {"left": "top", "right": "bottom"}
    text = re.sub(r"[a-z]+", lambda found: swaps.get(found[0], found[0]), text)
    return _HORIZONTAL_FIRST.sub(r"\2 \1", text) if move == "turn" else text  # "up right", not "right up"


def allowed_moves(
    name: str, is_allowed: Callable[[str], bool] = lambda name: True, logos: frozenset[str] = frozenset()
) -> list[str]:
    """Which of MOVES give a correct picture of the moved name.

    is_allowed: whether a name may be trained on. logos: brand words.
    """
    words = words_of(name)
    if not words or any(len(word) == 1 or not word.isalpha() for word in words) or not logos.isdisjoint(words):
        return []
    plain = set(words) - _DIRECTIONS
    if plain & word_list("handed") or name in _WITH_LETTERS:
        return []
    candidates = MOVES if set(words) & _DIRECTIONS and plain <= word_list("arrows") else ["mirror"]
    return [move for move in candidates if is_allowed(move_words(name, move))]


def apply_move(record: Record, rows: np.ndarray, move: str) -> tuple[Record, np.ndarray]:
    """Apply one of its moves to a record and its rows [L, 22]; updates name, captions, keywords and parts."""
    if move not in record.moves:
        raise ValueError(f"{record.file}: {move} is not allowed; its moves are {', '.join(record.moves) or 'none'}")

    def move_all(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(move_words(text, move) for text in texts))

    turned = rows.copy()
    ids = torch.from_numpy(rows[None, None, :, : rf.COMMAND + 1].astype(np.int64))  # [1, 1, L, 2]
    geometry = torch.from_numpy(rows[None, None, :, rf.GEOMETRY])                   # [1, 1, L, 8]
    turned[:, rf.GEOMETRY] = turned_chunks(ids, geometry, torch.tensor([[MOVES[move]]]))[0, 0].numpy()
    return replace(
        record, name=move_words(record.name, move), captions=move_all(record.captions),
        keywords=move_all(record.keywords), parts=move_all(record.parts), moves=(),
    ), turned
