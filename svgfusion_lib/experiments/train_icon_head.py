"""Stage train_icon_head: icon packs -> the evaluator, a head that recognises what an icon shows."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from svgfusion_lib.corpus.captions import name_key
from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import IconHead, mean_text_tokens, save_icon_head
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.models.text_encoder import load_text_encoder
from svgfusion_lib.options import check_counts
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.parallel import map_in_order
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.placement import affine
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

FILE_NAME = "icon_head.safetensors"
# No generator here is trained on these packs, so that the evaluator is independent of the training data.
EVALUATOR_PACKS = (
    "ph", "mdi", "ri", "bi", "material-symbols", "fluent-emoji-high-contrast", "emojione-monotone", "streamline-emojis",
)
TEMPERATURE = 0.07
MIN_STD = 1e-3
WEIGHT_DECAY = 0.05
MAX_DRAWINGS = 2  # per name and pack
# Augmentation for the second view of a drawing: scale, shift and stroke width; grey with probability 1/2.
VIEW_SCALES, VIEW_SHIFT, VIEW_WIDTHS = (0.75, 1.08), 0.08, (0.6, 1.6)
ENCODER_BATCH = 32  # drawings

Drawings = list[list[list[Path]]]  # files per name, per pack that draws it


def train_icon_head(
    output_dir: str | Path,
    packs: Sequence[str] | None = None,
    packs_dir: str | Path = "data/packs",
    num_steps: int = 1500,
    batch_size: int = 256,
    width: int = 128,
    min_packs: int = 2,
    weighted: bool = False,
    lr: float = 1.0e-3,
    seed: int = 0,
) -> Path:
    """Contrastive training (InfoNCE, van den Oord et al. 2018, eq. 4) -> output_dir/icon_head.safetensors.

    packs: None means EVALUATOR_PACKS. A batch has batch_size names, each with drawings from two packs; the positives of
    a drawing are the other drawing of its name and the name's text. Names drawn by fewer than min_packs packs and
    held-out names are not used; for a name in a single pack, the pair is two views of one drawing.
    weighted: sample names in proportion to the number of packs that draw them.
    """
    packs = packs or EVALUATOR_PACKS
    check_counts(num_steps=num_steps, batch_size=batch_size, width=width, min_packs=min_packs)
    with output_set(output_dir, "train_icon_head") as folder:
        rng = np.random.default_rng(seed)
        names, files = _names_in_packs(fetch_packs(packs, packs_dir), min_packs, rng)
        _check_enough(names, packs, min_packs)
        encoder, texts = load_pixel_encoder(), load_text_encoder()
        tokens, places = _encode_drawings(encoder, files, seed)  # [drawings, 2, P, C]
        text_means = mean_text_tokens(*texts.encode(names))  # [names, C]
        usable = [k for k, own in enumerate(places) if sum(map(bool, own)) >= min_packs]
        _check_enough(usable, packs, min_packs)
        torch.manual_seed(seed)
        num_tokens, token_width = tokens.shape[2:]
        head = IconHead(
            encoder.name, num_tokens, token_width, width=width, text_encoder=texts.name, text_width=texts.width,
            packs=tuple(packs),
        )
        head.mean.copy_(tokens[:, 0].float().mean(0))
        head.std.copy_(tokens[:, 0].float().std(0, correction=0).clamp(min=MIN_STD))
        parameters = [*head.linear.parameters(), *head.text.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=WEIGHT_DECAY)
        count = min(batch_size, len(usable))
        packs_of = np.array([sum(map(bool, places[k])) for k in usable])
        shares = packs_of / packs_of.sum() if weighted else None
        for step in track(range(num_steps), "icon head"):
            optimizer.param_groups[0]["lr"] = lr * (1 - step / num_steps)
            chosen = rng.choice(usable, count, replace=False, p=shares)
            pairs = np.array([_two_drawings(places[k], rng) for k in chosen])  # [B, 2]
            view = rng.integers(2, size=pairs.shape)  # [B, 2]
            a, b = (head(tokens[pairs[:, side], view[:, side]].float()) for side in (0, 1))  # [B, D] each
            asked = head.encode_texts(text_means[chosen])  # [B, D]
            loss = _contrast(a, b) + (_contrast(a, asked) + _contrast(b, asked)) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        save_icon_head(head, folder / FILE_NAME)
    return Path(output_dir) / FILE_NAME


def _check_enough(names: Sequence, packs: Sequence[str], min_packs: int) -> None:
    if len(names) < 2:
        raise UserError(f"{', '.join(packs)}: fewer than two names drawn by {min_packs} packs each; give more packs")


def _contrast(a: Tensor, b: Tensor) -> Tensor:
    """Symmetric InfoNCE: row k of a [B, D] and row k of b [B, D] are positives."""
    similarity = a @ b.T / TEMPERATURE  # [B, B]
    own = torch.arange(len(a))
    return (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2


def _two_drawings(own: list[list[int]], rng: np.random.Generator) -> list[int]:
    """Choose one drawing from each of two packs, or the same one twice if there is only one pack."""
    drawn = [pack for pack in own if pack]
    if len(drawn) == 1:
        return [int(rng.choice(drawn[0]))] * 2
    return [int(rng.choice(drawn[k])) for k in rng.choice(len(drawn), 2, replace=False)]


def _names_in_packs(
    folders: Sequence[Path], min_packs: int, rng: np.random.Generator
) -> tuple[list[str], Drawings]:
    """Training names drawn by at least min_packs packs, with up to MAX_DRAWINGS random files per name and pack.

    Names with the same words in another order are one name, as in the split.
    """
    by_key: dict[str, dict[Path, list[Path]]] = defaultdict(lambda: defaultdict(list))
    name_of_key: dict[str, str] = {}
    for folder in folders:
        for record in read_records(folder):
            if record.split == "train":
                key = name_key(record.name, numbered=True)
                name_of_key.setdefault(key, record.name)
                by_key[key][folder].append(folder / record.file)
    keys = sorted(key for key, own in by_key.items() if len(own) >= min_packs)
    files = [
        [[own[k] for k in rng.permutation(len(own))[:MAX_DRAWINGS]] for own in by_key[key].values()] for key in keys
    ]
    return [name_of_key[key] for key in keys], files


def _encode_drawings(encoder: PixelEncoder, files: Drawings, seed: int) -> tuple[Tensor, list[list[list[int]]]]:
    """Tokens fp16 [drawings, 2, P, C], and the indices into them for each name and pack.

    Files that cannot be rendered are skipped.
    """
    flat = [file for own in files for pack in own for file in pack]
    work = partial(_draw, image_size=encoder.image_size, seed=seed)
    tokens, numbers, waiting = [], [], []
    drawn = 0
    for pictures in track(map_in_order(work, list(enumerate(flat))), "drawings", len(flat)):
        numbers.append(None if pictures is None else drawn)
        if pictures is not None:
            drawn += 1
            waiting.append(pictures)
        if len(waiting) == ENCODER_BATCH:
            tokens.append(_encode(encoder, waiting))
            waiting = []
    if waiting:
        tokens.append(_encode(encoder, waiting))
    if not tokens:
        raise UserError("none of the icons could be rendered; give other packs")
    each = iter(numbers)
    places = [[[n for n in (next(each) for _ in pack) if n is not None] for pack in own] for own in files]
    return torch.cat(tokens), places


def _encode(encoder: PixelEncoder, pictures: list[np.ndarray]) -> Tensor:
    """Pictures uint8 [2, S, S, 3] of each of B drawings -> tokens fp16 [B, 2, P, C]."""
    return encoder.encode(np.concatenate(pictures)).half().unflatten(0, (len(pictures), -1))


def _draw(numbered: tuple[int, Path], image_size: int, seed: int) -> np.ndarray | None:
    """Number and file of a drawing -> its two views uint8 [2, S, S, 3], or None if it cannot be rendered."""
    number, file = numbered
    rng = np.random.default_rng((seed, number))
    try:
        rows = parse_svg(file).rows
        other = affine(rows, rng.uniform(*VIEW_SCALES), rng.uniform(-VIEW_SHIFT, VIEW_SHIFT, 2))
        other[:, rf.STROKE_WIDTH] *= rng.uniform(*VIEW_WIDTHS)
        pictures = [render_svg(rows_to_svg(each), image_size) for each in (rows, other)]
    except ValueError:
        return None
    if rng.random() < 0.5:
        pictures[1] = np.repeat(pictures[1].mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    return np.stack(pictures)
