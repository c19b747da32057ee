"""The training icons most similar to a drawing, by their embeddings from the icon head."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import IconHead, load_icon_head
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg


@dataclass(frozen=True)
class Neighbour:
    """A training icon: name, pack, cosine similarity, and SVG text from our writer."""

    name: str
    pack: str
    similarity: float
    svg: str


class TrainingIcons:
    """The icons of a cache written by `svgfusion preprocess`, as unit vectors of the icon head [M, D]."""

    def __init__(self, cache_dir: str | Path):
        """UserError if there is no cache, or if it lacks pixel tokens of the icon head's encoder."""
        self._cache = load_cache(cache_dir)
        self._head: IconHead = load_icon_head()
        tokens = self._cache["pixel_tokens"]
        if tokens is None or self._cache["pixel_encoder"] != self._head.pixel_encoder:
            raise UserError(
                f"{cache_dir}: has no pixel tokens of {self._head.pixel_encoder}, which are needed to compare icons;"
                " rerun `svgfusion preprocess` with its default encoder"
            )
        self._encoder: PixelEncoder = load_pixel_encoder(self._head.pixel_encoder)
        count = self._encoder.num_tokens  # P; an icon's last P tokens come from its last rendering, the whole icon
        last = [tokens[i][-count:] for i in range(len(tokens))]  # [P, C] each
        self._views = torch.cat([self._embed(torch.stack(last[k : k + 512])) for k in range(0, len(last), 512)])

    def __len__(self) -> int:
        return len(self._views)

    def nearest(self, svg: str, count: int = 4) -> list[Neighbour]:
        """The `count` icons most similar to an SVG, the most similar first."""
        picture = render_svg(svg, self._encoder.image_size)[None]  # [1, S, S, 3]
        cosines = self._views @ self._embed(self._encoder.encode(picture))[0]  # [M]
        best = cosines.topk(min(count, len(cosines)))
        titles, packs = self._cache["titles"], self._cache["packs"]
        return [
            Neighbour(titles[i], packs[i] or "", similarity, rows_to_svg(cache_rows(self._cache, i)))
            for similarity, i in zip(best.values.tolist(), best.indices.tolist())
        ]

    @torch.no_grad()
    def _embed(self, tokens: Tensor) -> Tensor:
        """Embed pixel tokens [B, P, C] -> [B, D]."""
        return self._head(tokens)
