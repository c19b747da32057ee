"""Stage train_icon_head: pixel tokens of a cache -> a head that knows icons of one name by one another."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import IconHead, save_icon_head
from svgfusion_lib.stages.preprocess import load_cache
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.training import check_counts

FILE_NAME = "icon_head.safetensors"
TEMPERATURE = 0.07
MIN_STD = 1e-3
WEIGHT_DECAY = 0.05


def train_icon_head(
    precomputed_dir: str | Path,
    output_dir: str | Path,
    num_steps: int = 1500,
    batch_size: int = 256,
    width: int = 128,
    lr: float = 1.0e-3,
    seed: int = 0,
) -> Path:
    """Contrastive training (InfoNCE, van den Oord et al. 2018, eq. 4) -> output_dir/icon_head.safetensors.

    A batch holds batch_size names, each drawn by two packs; of each drawing, the other of its name must be
    found among all. Only training names are seen, of which the cache must hold two in two packs.
    """
    check_counts(num_steps=num_steps, batch_size=batch_size, width=width)
    cache = load_cache(precomputed_dir)
    store = cache["pixel_tokens"]
    if store is None:
        raise UserError(f"{precomputed_dir}: holds no pixel tokens; preprocess with a --pixel_encoder")
    names = _names_in_packs(cache)
    if len(names) < 2:
        raise UserError(f"{precomputed_dir}: no two training names are drawn by two packs each; preprocess more packs")
    stages = (cache["stage_offsets"].diff()).tolist()

    def whole(i: int) -> Tensor:
        """Tokens [P, C] of the whole drawing."""
        return store[i].unflatten(0, (stages[i], -1))[-1]

    used = sorted({i for own in names for i in own})
    tokens = torch.stack([whole(i).half() for i in track(used, "pixel tokens")])  # [icons, P, C]
    place = {i: k for k, i in enumerate(used)}
    torch.manual_seed(seed)
    head = IconHead(cache["pixel_encoder"], *tokens.shape[1:], width=width)
    head.mean.copy_(tokens.float().mean(0))
    head.std.copy_(tokens.float().std(0, correction=0).clamp(min=MIN_STD))
    optimizer = torch.optim.AdamW(head.linear.parameters(), lr=lr, weight_decay=WEIGHT_DECAY)
    rng = np.random.default_rng(seed)
    count = min(batch_size, len(names))
    for step in track(range(num_steps), "icon head"):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / num_steps)
        chosen = rng.choice(len(names), count, replace=False)
        pairs = np.array([rng.choice([place[i] for i in names[k]], 2, replace=False) for k in chosen])  # [B, 2]
        a, b = (head(tokens[torch.from_numpy(pairs[:, side])].float()) for side in (0, 1))  # [B, D] each
        similarity = a @ b.T / TEMPERATURE  # [B, B]
        own = torch.arange(count)
        loss = (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return save_icon_head(head, Path(output_dir) / FILE_NAME)


def _names_in_packs(cache: dict) -> list[list[int]]:
    """Indices of one icon of each pack, for every training name that at least two packs draw."""
    by_name: dict[str, dict[str, int]] = defaultdict(dict)
    for i, (title, pack, split) in enumerate(zip(cache["titles"], cache["packs"], cache["splits"])):
        if split == "train":
            by_name[title].setdefault(pack, i)
    return [list(own.values()) for own in by_name.values() if len(own) > 1]
