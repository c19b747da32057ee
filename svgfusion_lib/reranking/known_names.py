"""The names that a model was trained on: what their icons look like, and which is nearest to an unknown prompt.

A small model draws what it never saw as shards, and what it knows as it is. So a prompt may borrow the drawing of a
neighbour, as retrieval does for diffusion models with pictures (Sheynin et al. 2022, "kNN-Diffusion"; Blattmann et al.
2022); here the neighbour is another name of the training set, and no icon of it has to be at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from svgfusion_lib.corpus.captions import content_words, name_key, words_of
from svgfusion_lib.corpus.colours import COLOUR_WORDS
from svgfusion_lib.corpus.packs import without_style
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import mean_text_tokens
from svgfusion_lib.models.text_encoder import TextEncoder
from svgfusion_lib.reranking.name_pictures import NamePictures

EXACT_WORDS = COLOUR_WORDS | set("one two three four five six seven eight nine ten eleven twelve".split())
_DECIMALS = 4  # of a cosine: what is below depends on the batch


@dataclass
class KnownNames:
    """Names of training icons, with what is known of each.

    vectors [N, C]: mean text tokens, each of length 1 ([0, 0]: no nearest name is sought). pictures: what their
    training icons look like to the ranker.
    """

    names: Sequence[str] = ()
    vectors: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    pictures: NamePictures | None = None

    def nearest(self, prompts: Sequence[str], encoder: TextEncoder) -> list[str | None]:
        """Each prompt with the nearest name in place of its words: `moose, twemoji style` -> `deer, twemoji style`.

        None where its words are a known name, in any order, and where no name is fit or none is sought. Nearness is the
        cosine of mean text tokens, colours left out; of a prompt that asks for a colour, a number or a single letter no
        name is fit that has another one: for `red square` no green square. encoder: the one that `vectors` are of.
        """
        words = [without_style(prompt) or prompt for prompt in prompts]
        unknown = [k for k, text in enumerate(words) if len(self.vectors) and _key(text) not in self._row]
        result: list[str | None] = [None] * len(prompts)
        if unknown:
            asked = mean_text_tokens(*encoder.encode([_colourless(words[k]) for k in unknown]))  # [n, C]
            cosine = (asked @ self.vectors.T * 10**_DECIMALS).round()  # [n, N]
            for k, own in zip(unknown, cosine):
                if _exact_words(content_words(words[k])):
                    said = set(words_of(words[k]))
                    own = own.masked_fill(torch.tensor([not found <= said for found in self._exact]), -torch.inf)
                if own.isfinite().any():
                    result[k] = self.names[int(own.argmax())] + prompts[k][len(words[k]) :]
        return result

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that no name has, style words and fillers aside; none if there are no names."""
        words = content_words(without_style(prompt))
        return [word for word in words_of(prompt) if word in words - self._words] if self.names else []

    def kind_of(self, prompt: str) -> str:
        """Whether a prompt asks for a name that is "known", for one of words that are "partly" known, or "unknown"."""
        words = without_style(prompt) or prompt
        if _key(words) in self._row:
            return "known"
        return "partly" if content_words(words) & self._words else "unknown"

    def examples(self, prompt: str, style: str = "") -> Tensor | None:
        """Pictures [k, D] of training icons of the name that a prompt says; None without any."""
        row = self._row.get(_key(without_style(prompt) or prompt))
        found = None if row is None or self.pictures is None else self.pictures.of(row, style)
        return found if found is not None and len(found) else None

    def number_of(self, name: str) -> int | None:
        """Number of a name among these, whatever the order of its words."""
        return self._row.get(_key(name))

    def joined(self, other: "KnownNames") -> "KnownNames":
        """These names and those of another one that are not among them; no nearest one is sought if none was here."""
        if not self.names:
            return other
        own = set(self.names)
        new = [k for k, name in enumerate(other.names) if name not in own]
        sought = len(self.vectors) and len(other.vectors)
        vectors = torch.cat([self.vectors, other.vectors[new]]) if sought else self.vectors  # [N, C]
        return KnownNames([*self.names, *(other.names[k] for k in new)], vectors, self.pictures)

    @cached_property
    def _row(self) -> dict[frozenset[str], int]:
        return {_key(name): k for k, name in enumerate(self.names)}

    @cached_property
    def _words(self) -> set[str]:
        return {word for name in self.names for word in words_of(name)}

    @cached_property
    def _exact(self) -> list[set[str]]:
        return [_exact_words(set(words_of(name))) for name in self.names]


def _exact_words(words: set[str]) -> set[str]:
    """Those of the words that no similar one can stand for: colours, numbers and single letters."""
    return {word for word in words if len(word) == 1 or word in EXACT_WORDS or any(map(str.isdigit, word))}


def _colourless(text: str) -> str:
    """A text without its colours, or as it is if they are all it says."""
    rest = " ".join(word for word in text.split() if word.lower().strip(",") not in COLOUR_WORDS)
    return rest if content_words(rest) else text


def _key(text: str) -> frozenset[str]:
    """What makes two texts the same name here: their words that say something, in any order (`a bell` is `bell`)."""
    return frozenset(content_words(text) or name_key(text).split())


def learn_names(names: Sequence[str], encoder: TextEncoder) -> KnownNames:
    """Different names in the order of the alphabet, encoded."""
    different = sorted(set(names))
    return KnownNames(different, mean_text_tokens(*encoder.encode(different))) if different else KnownNames()


def check_names(names: object, vectors: object, width: int, source: str) -> KnownNames:
    """What a file says to be known names, with vectors of this width; UserError if it is none."""
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise UserError(f"{source}: the names that the model knows are no list of names; get it anew")
    if isinstance(vectors, Tensor) and not vectors.numel():
        return KnownNames(names)
    if not (isinstance(vectors, Tensor) and vectors.is_floating_point() and vectors.shape == (len(names), width)):
        raise UserError(f"{source}: holds no vector of width {width} for each name that the model knows; get it anew")
    return KnownNames(names, vectors.float())
