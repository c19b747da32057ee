"""Picture embeddings of the icons of known names: computed from a cache and stored with the model.

The ranker compares a drawing with its prompt, and with real icons of the prompt's name if the model knows it
(docs/runs.md, section 23).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from svgfusion_lib.errors import UserError

WIDTH = 96  # width of a stored embedding


@dataclass
class NamePictures:
    """The ranker's embeddings of training icons.

    vectors [P, D]: unit vectors (`Ranker.vectors`); names int64 [P]: index of each icon's known name; styles: the
    pack of each; ranker: fingerprint of the ranker that computed them.
    """

    vectors: Tensor
    names: Tensor
    styles: Sequence[str]
    ranker: str

    def embeddings_of(self, name: int, style: str = "") -> Tensor:
        """Embeddings [k, D] of a name's pictures: in the given style if there are any, else in all styles."""
        rows = self._rows.get(name, [])
        return self.vectors[[k for k in rows if self.styles[k] == style] or rows]  # [k, D]

    def styles_of(self, name: int) -> list[str]:
        """Packs that have pictures of a name, those with most pictures first."""
        styles = {self.styles[k] for k in self._rows.get(name, [])}
        return sorted(styles, key=lambda style: (-self._sizes[style], style))

    @cached_property
    def _sizes(self) -> Counter[str]:
        return Counter(self.styles)

    @cached_property
    def _rows(self) -> dict[int, list[int]]:
        rows: dict[int, list[int]] = {}
        for k, name in enumerate(self.names.tolist()):
            rows.setdefault(name, []).append(k)
        return rows

    def pack(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Return tensors and a description for storage.

        Embeddings are int8 [P, K] in the basis [K, D] of the largest singular values.
        """
        basis = torch.linalg.svd(self.vectors.T @ self.vectors)[2][:WIDTH]  # [K, D]
        styles = sorted(set(self.styles))
        tensors = {
            "pictures": (self.vectors @ basis.T * 127).round().to(torch.int8), "picture_basis": basis,
            "picture_names": self.names.to(torch.int32),
            "picture_styles": torch.tensor([styles.index(style) for style in self.styles], dtype=torch.int16),
        }
        return tensors, {"picture_styles": styles, "ranker": self.ranker}


def unpack_pictures(tensors: Mapping[str, Tensor], description: Mapping, names: int, source: str) -> NamePictures:
    """Inverse of `NamePictures.pack`, for a model of `names` names; UserError if the parts are inconsistent."""
    styles, ranker = description.get("picture_styles"), description.get("ranker")
    try:
        basis, owners, numbers = (tensors[f"picture_{part}"] for part in ("basis", "names", "styles"))
        vectors = F.normalize(tensors["pictures"].float() @ basis.float(), dim=-1)  # [P, D]
        whole = len(vectors) == len(owners) == len(numbers) and 0 <= owners.min() <= owners.max() < names
        icon_styles = [styles[k] for k in numbers.long().tolist()] if isinstance(styles, list) else []
    except (LookupError, RuntimeError, TypeError):
        whole, icon_styles = False, []
    if not (whole and icon_styles and all(isinstance(style, str) for style in icon_styles) and isinstance(ranker, str)):
        raise UserError(f"{source}: its pictures do not match the model's known names; download it again")
    return NamePictures(vectors, owners.long(), icon_styles, ranker)
