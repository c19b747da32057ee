"""Best of n: which of several drawings shows its prompt best and is drawn best, by a head on a frozen pixel encoder.

Reranking samples by a model of pictures and texts is from Ramesh et al. 2021, section 2.6; rejecting what a
discriminator knows for a model's drawing is from Azadi et al. 2019. The head here was trained by `svgfusion
train_icon_head` and `train_realism` on the packs that generators are trained on, without held-out names; the evaluator
is another one, of packs that neither of them saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.corpus.packs import without_style
from svgfusion_lib.models.icon_head import IconHead, load_icon_head, mean_text_tokens
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.models.pretrained import PRETRAINED_DIR
from svgfusion_lib.models.text_encoder import TextEncoder, load_text_encoder
from svgfusion_lib.utils.render import is_white, render_svg

SHIPPED = PRETRAINED_DIR / "ranker.safetensors"
REALISM_WEIGHT = 0.05  # of log-probabilities beside cosines (docs/runs.md, section 14)
_DECIMALS = 4  # of a score: what is below depends on the batch


@dataclass
class Ranker:
    """How well pictures show texts, on a scale of its own: compare pictures for one text only."""

    head: IconHead
    pixel_encoder: PixelEncoder
    text_encoder: TextEncoder

    @torch.inference_mode()
    def scores(self, prompts: Sequence[str], svgs: Sequence[str]) -> np.ndarray:
        """Scores [B]: cosine of each SVG's picture and its prompt without style words, and how real it looks.

        What shows nothing has -inf.
        """
        scores = np.full(len(svgs), -np.inf)
        pictures = {k: picture for k, svg in enumerate(svgs) if (picture := self._picture(svg)) is not None}
        if not pictures:
            return scores
        shown = list(pictures)
        tokens = self.pixel_encoder.encode(np.stack(list(pictures.values())))  # [b, P, C]
        asked = [without_style(prompts[k]) or prompts[k] for k in shown]
        row = {text: n for n, text in enumerate(dict.fromkeys(asked))}
        texts = self.head.encode_texts(mean_text_tokens(*self.text_encoder.encode(list(row))))  # [texts, D]
        own = texts[[row[text] for text in asked]]  # [b, D]
        score = (self.head(tokens) * own).sum(-1) + REALISM_WEIGHT * self.head.log_realism(tokens)  # [b]
        scores[shown] = score.double().numpy().round(_DECIMALS)
        return scores

    def _picture(self, svg: str) -> np.ndarray | None:
        """uint8 [S, S, 3], or None where nothing is to be seen or it cannot be drawn."""
        try:
            picture = render_svg(svg, self.pixel_encoder.image_size)
        except ValueError:
            return None
        return None if is_white(picture) else picture


def load_ranker(
    path: str | Path = SHIPPED, text_encoder: TextEncoder | None = None, pixel_encoder: PixelEncoder | None = None
) -> Ranker:
    """The shipped ranker, or another head; encoders at hand are used if they are those that it was trained with."""
    head = load_icon_head(path)
    if text_encoder is None or text_encoder.name != head.text_encoder:
        text_encoder = load_text_encoder(head.text_encoder)
    if pixel_encoder is None or pixel_encoder.name != head.pixel_encoder:
        pixel_encoder = load_pixel_encoder(head.pixel_encoder)
    return Ranker(head, pixel_encoder, text_encoder)


def candidate_seeds(seed: int, count: int) -> list[int]:
    """Seeds of the candidates for a sample, its own first: more candidates are never worse to the ranker."""
    others = [int(np.random.SeedSequence((seed, k)).generate_state(1, np.uint64)[0] >> 1) for k in range(1, count)]
    return [seed, *others]
