"""Baselines: simple retrieval from the training icons."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from svgfusion_lib.corpus.captions import content_words, words_of
from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.evaluation.samples import Group, Picture, Subject, picture, real_pictures
from svgfusion_lib.models.icon_head import mean_text_tokens
from svgfusion_lib.models.text_encoder import TextEncoder
from svgfusion_lib.tidying import tidy_rows
from svgfusion_lib.tidying.drawing import scale_and_shift
from svgfusion_lib.utils.svg_parser import parse_svg

SLASHES = frozenset({"off", "slash", "slashed", "disabled", "crossed"})
BADGE_SCALE, BADGE_SHIFT = 0.4, 0.55  # of the canvas; badges go to the lower right corner
_SLASH = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="black" stroke-width="2" stroke-linecap="round">'
    '<path d="M3 3 21 21"/></svg>'
)


def nearest_by_caption(cache: dict, group: Group, encoder: TextEncoder) -> Subject:
    """For each prompt, the training icon with the most similar canonical caption, by cosine of mean text tokens."""
    captions = list(dict.fromkeys(cache["captions"][i][0] for i in group.training))
    place = {caption: n for n, caption in enumerate(captions)}
    icon_of = {place[cache["captions"][i][0]]: i for i in reversed(group.training)}  # first icon of equal captions
    known = mean_text_tokens(*encoder.encode(captions))  # [captions, C]
    queries = mean_text_tokens(*encoder.encode(group.prompts))  # [prompts, C]
    found = [icon_of[n] for n in (queries @ known.T).argmax(1).tolist()]
    return Subject(real_pictures(cache, found), group.name_ids)


class WordSearch:
    """Finds training icons by the words of their names, weighted by idf; the requested pack breaks ties."""

    def __init__(self, cache: dict, training: Sequence[int]):
        self._cache, self._training = cache, list(training)
        self._words = [frozenset(content_words(cache["titles"][i])) for i in training]
        counts = Counter(word for words in self._words for word in words)
        self._idf = {word: math.log(len(self._words) / count) + 1 for word, count in counts.items()}
        self._icons_by_word: dict[str, list[int]] = {}
        for k, words in enumerate(self._words):
            for word in words:
                self._icons_by_word.setdefault(word, []).append(k)

    def find(self, words: frozenset[str], pack: str) -> int:
        """Cache index of the icon whose name matches the words best, by cosine of idf vectors."""
        def similarity(k: int) -> tuple[float, bool]:
            shared = sum(self._idf[word] ** 2 for word in self._words[k] & words)
            size = math.sqrt(sum(self._idf[word] ** 2 for word in self._words[k]) or 1)
            return round(shared / size, 6), self._cache["packs"][self._training[k]] == pack

        known = {k for word in words for k in self._icons_by_word.get(word, ())}
        return self._training[max(sorted(known) or [0], key=similarity)]

    def compose(self, words: frozenset[str], pack: str) -> np.ndarray:
        """Rows of the nearest icon, tidied, plus what its name lacks: a slash, or another icon as a badge."""
        base = self.find(words - SLASHES, pack)
        rows = cache_rows(self._cache, base)
        missing = words - content_words(self._cache["titles"][base])
        if missing & SLASHES:
            rows = _overlay(rows, parse_svg(_SLASH).rows)
        rest = frozenset(missing - SLASHES)
        badge = self.find(rest, pack) if any(word in self._icons_by_word for word in rest) else base
        if badge != base:
            shift = np.full(2, BADGE_SHIFT)
            rows = _overlay(rows, scale_and_shift(cache_rows(self._cache, badge), BADGE_SCALE, shift))
        return tidy_rows(rows).rows


def retrieve_by_words(cache: dict, group: Group, search: WordSearch, paste: bool = False) -> Subject:
    """For each prompt, the icon that `WordSearch` finds or, with `paste`, composes."""
    found: list[Picture | None] = []
    for prompt, k in zip(group.prompts, group.name_ids):
        pack = cache["packs"][group.names[k]]
        words = frozenset(words_of(strip_style(prompt)))
        rows = search.compose(words, pack) if paste else cache_rows(cache, search.find(words, pack))
        found.append(picture(rows))
    return Subject(found, group.name_ids)


def _overlay(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Draw the rows of others [M, 22] on top of rows [L, 22]."""
    return np.concatenate([rows[:-1], others[1:-1], rows[-1:]])
