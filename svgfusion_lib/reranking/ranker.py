"""Best of n: ranks drawings by match to the prompt and by quality, with a head on a frozen pixel encoder.

Reranking samples with a contrastive model follows Ramesh et al. 2021, section 2.6; rejecting samples with a
discriminator follows Azadi et al. 2019. The head was trained by `svgfusion train_icon_head` and `train_realism` on the
packs that the generators are trained on, without held-out names. The evaluator is a different head, trained on packs
that neither has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import weights_hash
from svgfusion_lib.models.icon_head import IconHead, load_icon_head, mean_text_tokens
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.models.pretrained import PRETRAINED_DIR
from svgfusion_lib.models.text_encoder import TextEncoder, load_text_encoder
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.name_pictures import NamePictures
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import is_white, render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

SHIPPED = PRETRAINED_DIR / "ranker.safetensors"
REALISM_WEIGHT = 0.05  # of the log-probability of being real, relative to the cosine (docs/runs.md, section 14)
EXAMPLE_WEIGHT = 2.0   # of the similarity to real icons of the prompt's name (section 23)
BATCH_SIZE = 64  # icons per batch
_DECIMALS = 4  # of scores: further decimals depend on the batch


@dataclass
class Ranker:
    """Scores how well pictures match texts. Scores are only comparable between pictures for the same text."""

    head: IconHead
    pixel_encoder: PixelEncoder
    text_encoder: TextEncoder
    _encoded: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)  # texts and their vectors [D]

    def add_pictures(self, known: KnownNames, precomputed_dir: str | Path) -> KnownNames:
        """Add pictures of a cache's training icons to the known names; UserError if it has none of these names."""
        cache = load_cache(precomputed_dir)
        numbers = {
            i: number for i, title in enumerate(cache["titles"])
            if cache["splits"][i] == "train" and (number := known.index_of(title)) is not None
        }
        members = list(numbers)
        if not members:
            raise UserError(f"{precomputed_dir}: has no training icon with a name known to the model")
        batches = [members[k : k + BATCH_SIZE] for k in range(0, len(members), BATCH_SIZE)]
        svgs = ([rows_to_svg(cache_rows(cache, i)) for i in batch] for batch in track(batches, "names"))
        vectors = torch.cat([self.vectors(batch) for batch in svgs])  # [P, D]
        names, styles = torch.tensor(list(numbers.values())), [cache["packs"][i] for i in members]
        return replace(known, pictures=NamePictures(vectors, names, styles, self.fingerprint))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the head's weights; stored picture embeddings are only valid for the same ranker."""
        return weights_hash(self.head)

    def scores(self, prompts: Sequence[str], svgs: Sequence[str]) -> np.ndarray:
        """Scores [B]: cosine between each SVG's picture and its prompt without style words, plus weighted realism.

        Blank drawings score -inf.
        """
        return self.judge(prompts, svgs)[0]

    @torch.inference_mode()
    def judge(
        self, prompts: Sequence[str], svgs: Sequence[str], examples: Sequence[Tensor | None] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `scores` [B], and each drawing's similarity [B] to the nearest of its examples (0 without any).

        examples: for each drawing the embeddings [k, D] of real icons of its name (`KnownNames.examples`), or None.
        """
        scores, similarity = np.full(len(svgs), -np.inf), np.zeros(len(svgs))
        shown, tokens = self._encode_svgs(svgs)
        if not shown:
            return scores, similarity
        texts = [strip_style(prompts[k]) or prompts[k] for k in shown]
        targets, vectors = self._encode_texts(texts), self.head(tokens)  # [b, D] each
        score = (vectors * targets).sum(-1) + REALISM_WEIGHT * self.head.log_realism(tokens)  # [b]
        scores[shown] = score.double().numpy().round(_DECIMALS)
        for k, vector in zip(shown, vectors):
            if examples is not None and (known := examples[k]) is not None:
                similarity[k] = round(float((known @ vector).max()), _DECIMALS)
        return scores, similarity

    @torch.inference_mode()
    def vectors(self, svgs: Sequence[str]) -> Tensor:
        """Embeddings [B, D] of SVGs as unit vectors; zeros for blank drawings."""
        vectors = torch.zeros(len(svgs), self.head.linear.out_features)
        shown, tokens = self._encode_svgs(svgs)
        if shown:
            vectors[shown] = self.head(tokens)
        return vectors

    def _encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [B, D] of texts; those of the last call are not encoded again, as versions follow candidates."""
        if not self._encoded.keys() >= set(texts):
            new = list(dict.fromkeys(texts))
            self._encoded = dict(zip(new, self.head.encode_texts(mean_text_tokens(*self.text_encoder.encode(new)))))
        return torch.stack([self._encoded[text] for text in texts])

    def _encode_svgs(self, svgs: Sequence[str]) -> tuple[list[int], Tensor]:
        """Indices of the non-blank SVGs, and their pixel tokens [b, P, C]; equal SVGs are encoded once."""
        pictures = {svg: picture for svg in dict.fromkeys(svgs) if (picture := self._render(svg)) is not None}
        if not pictures:
            return [], torch.zeros(0)
        tokens = self.pixel_encoder.encode(np.stack(list(pictures.values())))  # [distinct, P, C]
        number_of = {svg: number for number, svg in enumerate(pictures)}
        shown = [k for k, svg in enumerate(svgs) if svg in number_of]
        return shown, tokens[[number_of[svgs[k]] for k in shown]]  # [b, P, C]

    def _render(self, svg: str) -> np.ndarray | None:
        """Render to uint8 [S, S, 3]; None if the SVG is blank or cannot be rendered."""
        try:
            picture = render_svg(svg, self.pixel_encoder.image_size)
        except ValueError:
            return None
        return None if is_white(picture) else picture


def load_ranker(
    path: str | Path = SHIPPED, text_encoder: TextEncoder | None = None, pixel_encoder: PixelEncoder | None = None
) -> Ranker:
    """Load the shipped ranker, or another head; given encoders are reused if it was trained with them."""
    head = load_icon_head(path)
    if text_encoder is None or text_encoder.name != head.text_encoder:
        text_encoder = load_text_encoder(head.text_encoder)
    if pixel_encoder is None or pixel_encoder.name != head.pixel_encoder:
        pixel_encoder = load_pixel_encoder(head.pixel_encoder)
    return Ranker(head, pixel_encoder, text_encoder)


def candidate_seeds(seed: int, count: int) -> list[int]:
    """Seeds of a sample's candidates, its own first, so that more candidates never lower the best score."""
    others = [int(np.random.SeedSequence((seed, k)).generate_state(1, np.uint64)[0] >> 1) for k in range(1, count)]
    return [seed, *others]
