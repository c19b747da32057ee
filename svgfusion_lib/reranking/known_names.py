"""Names that a model was trained on: reference pictures of them, and nearest-name lookup for unseen prompts.

A small model draws known names well and unseen ones as shards. So an unseen prompt may be replaced by its nearest
neighbour, as in retrieval-augmented diffusion models (Sheynin et al. 2022, "kNN-Diffusion"; Blattmann et al. 2022).
Here the neighbour is another name of the training set, so none of its icons is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import torch
from torch import Tensor

from svgfusion_lib.corpus.captions import content_words, name_key, words_of
from svgfusion_lib.corpus.colours import COLOUR_WORDS
from svgfusion_lib.corpus.keywords import synonym_table
from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import mean_text_tokens
from svgfusion_lib.models.text_encoder import TextEncoder
from svgfusion_lib.reranking.name_pictures import NamePictures

EXACT_WORDS = COLOUR_WORDS | set("one two three four five six seven eight nine ten eleven twelve".split())
_DECIMALS = 4  # of cosines: further decimals depend on the batch


@dataclass
class KnownNames:
    """Names of training icons, with their text and picture embeddings.

    vectors [N, C]: mean text tokens, as unit vectors ([0, 0] disables nearest-name lookup). pictures: the ranker's
    embeddings of their training icons.
    """

    names: Sequence[str] = ()
    vectors: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    pictures: NamePictures | None = None

    def nearest(
        self, prompts: Sequence[str], encoder: TextEncoder, styles: Sequence[str] | None = None
    ) -> list[str | None]:
        """Replace each prompt by its nearest known name: `moose, twemoji style` -> `deer, twemoji style`.

        A synonym comes first (`email` -> `mail`), also for a known name that the prompt's style lacks, and even if
        lookup is disabled. None if the prompt is another known name, in any word order, if no name is suitable, or if
        lookup is disabled. Similarity is the cosine of mean text tokens, without colours. If the prompt has a colour, a
        number or a single letter, names with a different one are excluded: no green square for `red square`. encoder:
        that of `vectors`.
        """
        words = [strip_style(prompt) or prompt for prompt in prompts]
        result: list[str | None] = [None] * len(prompts)
        for k, (text, style) in enumerate(zip(words, styles or [""] * len(words))):
            if synonyms := self.synonyms(text, style):
                result[k] = synonyms[0] + prompts[k][len(text) :]
        unknown = [k for k, text in enumerate(words) if result[k] is None and _key(text) not in self._row]
        if unknown and len(self.vectors):
            queries = mean_text_tokens(*encoder.encode([_colourless(words[k]) for k in unknown]))  # [n, C]
            cosine = (queries @ self.vectors.T * 10**_DECIMALS).round()  # [n, N]
            for k, row in zip(unknown, cosine):
                if _exact_words(content_words(words[k])):
                    prompt_words = set(words_of(words[k]))
                    other = torch.tensor([not exact <= prompt_words for exact in self._exact])  # [N]
                    row = row.masked_fill(other, -torch.inf)
                if row.isfinite().any():
                    result[k] = self.names[int(row.argmax())] + prompts[k][len(words[k]) :]
        return result

    def synonyms(self, prompt: str, style: str = "") -> list[str]:
        """Known names for a prompt that is none itself, the best first (corpus/synonyms.tsv): `email` -> [`mail`].

        Those of a style for a known name that it lacks: `love` -> [`heart`]. Else [].
        """
        key = _key(strip_style(prompt) or prompt)
        rows = {name: row for name in _synonyms().get(key, ()) if (row := self.index_of(name)) is not None}
        if (own := self._row.get(key)) is None:
            return list(rows)
        if not style or self.pictures is None or style in self.pictures.styles_of(own):
            return []
        return [name for name, row in rows.items() if style in self.pictures.styles_of(row)]

    def unknown_words(self, prompt: str) -> list[str]:
        """Words of a prompt that occur in no name, except style words and fillers.

        [] if there are no names, or if the prompt is a synonym of one.
        """
        words = content_words(strip_style(prompt))
        if not self.names or self.synonyms(prompt):
            return []
        return [word for word in words_of(prompt) if word in words - self._words]

    def familiarity(self, prompt: str) -> str:
        """Classify a prompt: its name is "known", "partly" (some of its words are), or "unknown"."""
        words = strip_style(prompt) or prompt
        if _key(words) in self._row:
            return "known"
        return "partly" if content_words(words) & self._words else "unknown"

    def examples(self, prompt: str, style: str = "") -> Tensor | None:
        """Picture embeddings [k, D] of the training icons with the prompt's name, or its synonyms; None without any."""
        if self.pictures is None:
            return None
        rows = self._indices_of(prompt, style)
        found = torch.cat([self.pictures.vectors[:0], *(self.pictures.embeddings_of(row, style) for row in rows)])
        return found if len(found) else None  # [k, D]

    def styles_of(self, prompt: str) -> list[str]:
        """Packs that have training icons with the prompt's name, or its synonyms; [] if that is unknown."""
        if self.pictures is None:
            return []
        styles = [style for row in self._indices_of(prompt) for style in self.pictures.styles_of(row)]
        return list(dict.fromkeys(styles))

    def _indices_of(self, prompt: str, style: str = "") -> list[int]:
        """Indices of the prompt's name and `synonyms`."""
        names = [strip_style(prompt) or prompt, *self.synonyms(prompt, style)]
        return [row for name in names if (row := self.index_of(name)) is not None]

    def index_of(self, name: str) -> int | None:
        """Index of a name, ignoring the order of its words; None if it is unknown."""
        return self._row.get(_key(name))

    def merged_with(self, other: "KnownNames") -> "KnownNames":
        """Union with the names of another one; nearest-name lookup stays disabled if it was disabled here."""
        if not self.names:
            return other
        present = set(self.names)
        new = [k for k, name in enumerate(other.names) if name not in present]
        searchable = len(self.vectors) and len(other.vectors)
        vectors = torch.cat([self.vectors, other.vectors[new]]) if searchable else self.vectors  # [N, C]
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


@cache
def _synonyms() -> dict[frozenset[str], dict[str, None]]:
    names: dict[frozenset[str], dict[str, None]] = {}  # names in order, without repetition
    for word, known_as in synonym_table():
        names.setdefault(_key(word), {}).update(dict.fromkeys(known_as))
    return names


def _exact_words(words: set[str]) -> set[str]:
    """Words that no similar word can replace: colours, numbers and single letters."""
    return {word for word in words if len(word) == 1 or word in EXACT_WORDS or any(map(str.isdigit, word))}


def _colourless(text: str) -> str:
    """Remove colour words from a text, unless nothing else would remain."""
    rest = " ".join(word for word in text.split() if word.lower().strip(",") not in COLOUR_WORDS)
    return rest if content_words(rest) else text


def _key(text: str) -> frozenset[str]:
    """Key under which two texts are the same name: their content words, in any order (`a bell` is `bell`)."""
    return frozenset(content_words(text) or name_key(text).split())


def embed_names(names: Sequence[str], encoder: TextEncoder) -> KnownNames:
    """Encode the distinct names, sorted alphabetically."""
    unique = sorted(set(names))
    return KnownNames(unique, mean_text_tokens(*encoder.encode(unique))) if unique else KnownNames()


def check_names(names: object, vectors: object, width: int, source: str) -> KnownNames:
    """Validate the known names of a file and their vectors of the given width; UserError if they are invalid."""
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise UserError(f"{source}: the model's known names are not a list of names; download it again")
    if isinstance(vectors, Tensor) and not vectors.numel():
        return KnownNames(names)
    if not (isinstance(vectors, Tensor) and vectors.is_floating_point() and vectors.shape == (len(names), width)):
        raise UserError(f"{source}: has no vector of width {width} for each known name; download it again")
    return KnownNames(names, vectors.float())
