"""What the icons of known names look like to the ranker: learned from a cache, and packed into a file.

The ranker compares a drawing with its prompt, and with real icons of the prompt's name where the model knows it
(docs/runs.md, section 23).
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.ranker import Ranker
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.tensorsvg import rows_to_svg

PICTURE_WIDTH = 64  # numbers in which a file holds a picture
BATCH_SIZE = 64


def learn_pictures(known: KnownNames, precomputed_dir: str | Path, ranker: Ranker) -> KnownNames:
    """The same names with pictures: the mean over all training icons of a cache that have the name.

    UserError if the cache has none of them.
    """
    cache = load_cache(precomputed_dir)
    names = set(known.names)
    members = [
        i for i, title in enumerate(cache["titles"]) if cache["splits"][i] == "train" and title in names
    ]
    if not members:
        raise UserError(f"{precomputed_dir}: has no training icon of a name that the model knows")
    vectors = [
        ranker.vectors([rows_to_svg(cache_rows(cache, i)) for i in members[start : start + BATCH_SIZE]])
        for start in track(range(0, len(members), BATCH_SIZE), "names")
    ]
    return known.with_pictures([cache["titles"][i] for i in members], torch.cat(vectors), ranker.fingerprint)


def pack_pictures(pictures: Tensor) -> dict[str, Tensor]:
    """Pictures [N, D] for a file: int8 [N, K] in the basis [K, D] of their largest singular values."""
    basis = torch.linalg.svd(pictures.T @ pictures)[2][:PICTURE_WIDTH]  # [K, D]
    return {"pictures": (pictures @ basis.T * 127).round().to(torch.int8), "picture_basis": basis}


def unpack_pictures(tensors: Mapping[str, Tensor], count: int, source: str) -> Tensor:
    """Pictures [N, D] of `pack_pictures`, of length 1 again; UserError if they are not of `count` names."""
    pictures, basis = tensors["pictures"], tensors.get("picture_basis")
    if basis is None or basis.ndim != 2 or pictures.shape != (count, len(basis)):
        raise UserError(f"{source}: holds no picture for each of the {count} names that the model knows; get it anew")
    return F.normalize(pictures.float() @ basis, dim=-1)  # [N, D]
