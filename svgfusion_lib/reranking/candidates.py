"""Best of n: the candidates of a sample, and the versions of the best one that compete with it.

The ranker scores all of them (ranker.py); docs/runs.md, sections 13, 23, 28, 30, 31 and 34.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.reranking.ranker import EXAMPLE_WEIGHT, Ranker
from svgfusion_lib.reranking.simpler import without_parts
from svgfusion_lib.reranking.symmetry import axes_of, symmetric_versions
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying.drawing import snap_to_grid
from svgfusion_lib.utils.outlines import outlines
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

# Similarity to real icons of the name from which a drawing (docs/runs.md, section 34)
GOOD = 0.7              # ... is good: no more than config.candidates are drawn
RECOGNISED = 0.5        # ... shows its name: no more than twice as many
MOST = 4                # times config.candidates are drawn while none is recognised
VERSION_MARGIN = 0.05   # by which a version must rank higher than the drawing (sections 28 and 31)
SYMMETRY_BONUS = 0.08   # of a symmetric version that looks nearly like its origin (section 35)
ALIKE = 0.15            # of the origin's ink: the pictures of such a version differ less
PICTURE_SIZE = 64       # of these pictures, in pixels
SIMPLER_MARGIN = 0.03   # of the best versions that rank nearly alike, the one with the fewest rows is taken
SYMMETRY_TRIED = 3      # candidates of which versions with several axes are made


@dataclass(eq=False)
class Candidate:
    """One of the drawings of which a sample is the best: the `number`-th of its prompt.

    text: the prompt for the ranker; drawn_for, style: the VS-DiT's inputs; examples: picture embeddings [k, D] of real
    icons of its name, None if there are none; length: in latents, None: from the length predictor; start: text and
    style of the first timesteps, if they differ; rows [L, 22], score and similarity to the examples: set once drawn
    and judged; bonus: of nearly symmetric drawings made symmetric.
    """

    number: int
    seed: int
    text: str
    drawn_for: str
    style: str
    examples: Tensor | None = None
    length: int | None = None
    start: tuple[str, str] | None = None
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, rf.NUM_COLUMNS)))
    score: float = 0.0
    similarity: float = 0.0
    bonus: float = 0.0

    @property
    def total(self) -> float:
        return self.score + EXAMPLE_WEIGHT * self.similarity + self.bonus

    @property
    def is_recognised(self) -> bool:
        return self.similarity >= RECOGNISED

    @property
    def is_doubtful(self) -> bool:
        """Whether a drawing of a known name looks unlike real icons of it; of common words, .13 of these are right."""
        return self.examples is not None and not self.is_recognised


@dataclass
class Contest:
    """The candidates of one sample: all that it may need, of which the first ones are drawn and judged."""

    prompt: str
    seed: int
    source: list[Candidate]
    drawn: list[Candidate] = field(default_factory=list)

    @property
    def best(self) -> Candidate:
        return best_first(self.drawn)[0]


def best_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates in the order of the ranker's totals."""
    return sorted(candidates, key=lambda each: -each.total)


def number_needed(judged: Sequence[Candidate], config: SamplingConfig) -> int:
    """How many candidates a prompt needs, given those judged so far.

    With config.adaptive and a known name: twice as many unless the best one is GOOD, then MOST times as many unless it
    is RECOGNISED.
    """
    if not judged:
        return config.candidates
    best = best_first(judged)[0]
    is_enough = best.similarity >= GOOD if len(judged) == config.candidates else best.is_recognised
    if best.examples is None or is_enough:
        return len(judged)
    return min(2 * len(judged), most_needed(config))


def most_needed(config: SamplingConfig) -> int:
    """The largest number of candidates that a prompt may need."""
    return config.candidates * (MOST if config.adaptive and config.candidates > 1 else 1)


def judge(ranker: Ranker, candidates: Sequence[Candidate], config: SamplingConfig) -> None:
    """Set score and similarity of drawn candidates (`Ranker.judge`)."""
    svgs = [rows_to_svg(snap_to_grid(each.rows, config), config.canvas) for each in candidates]
    judged = ranker.judge([each.text for each in candidates], svgs, [each.examples for each in candidates])
    for each, score, similarity in zip(candidates, *judged):
        each.score, each.similarity = float(score), float(similarity)


def improve_best(ranker: Ranker, rivals: Sequence[list[Candidate]], config: SamplingConfig) -> None:
    """Replace candidates, in place, by versions that rank higher than the best one of their prompt.

    Versions are symmetric or lack a part; those that lack one may become symmetric after all. rivals: judged
    candidates of each prompt, by number.
    """
    if config.symmetry:
        _compete(ranker, rivals, config, symmetric_versions, SYMMETRY_BONUS, SYMMETRY_TRIED)
    if config.simplify:
        simpler = _compete(ranker, rivals, config, lambda rows, name: without_parts(rows))
        if config.symmetry:
            _compete(ranker, simpler, config, symmetric_versions, SYMMETRY_BONUS)


def _compete(
    ranker: Ranker, rivals: Sequence[list[Candidate]], config: SamplingConfig,
    versions_of: Callable[[np.ndarray, str], list[np.ndarray]], bonus: float = 0.0, tried: int = 1,
) -> list[list[Candidate]]:
    """One round of `improve_best`; returns the rivals of prompts with a new best candidate.

    versions_of(rows, name) -> versions, of which one must rank VERSION_MARGIN higher than the best candidate.
    bonus: for versions that look nearly like their origin.
    tried: candidates of which versions are made, if the name has several axes of symmetry; else of the best only.
    """
    versions = []  # of each prompt
    for own in rivals:
        name = strip_style(own[0].text)
        origins = best_first(own)[: tried if axes_of(name) else 1]
        versions.append([
            replace(each, rows=rows, bonus=0.0 if bonus else each.bonus)
            for each in origins for rows in versions_of(each.rows, name)
        ])
    judge(ranker, [each for new in versions for each in new], config)
    improved = []
    for own, new in zip(rivals, versions):
        bar = max(each.total for each in own) + VERSION_MARGIN
        for each in new:
            if bonus and each.total > bar - bonus and _look_alike(each.rows, own[each.number].rows):
                each.bonus = bonus
        top = max((each.total for each in new), default=bar)
        if top > bar:
            good = [each for each in new if each.total > bar and each.total >= top - SIMPLER_MARGIN]
            chosen = min(good, key=lambda each: (len(each.rows), -each.total))
            own[chosen.number] = chosen
            improved.append(own)
    return improved


def _look_alike(rows: np.ndarray, origin: np.ndarray) -> bool:
    """Whether a drawing [L, 22] has as many parts as its origin, and their pictures differ by less than ALIKE."""
    if len(outlines(rows)) != len(outlines(origin)):
        return False
    picture, other = (render_svg(rows_to_svg(each), PICTURE_SIZE).astype(np.float64) for each in (rows, origin))
    return float(np.abs(picture - other).sum()) < ALIKE * float((255 - other).sum())
