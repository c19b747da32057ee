"""Stage train_realism: trains a ranker to tell real icons from drawings of the shipped models.

A generator draws most unseen names badly, with typical flaws: misplaced parts, open outlines, shards. So it draws names
from packs that it was not trained on, and a logistic regression learns to tell these drawings from its training icons
(Azadi et al. 2019, "Discriminator Rejection Sampling", section 3). Held-out names and icons are not used.
"""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.captions import make_captions, name_key
from svgfusion_lib.corpus.packs import fetch_packs, style_word
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import IconHead, load_icon_head, save_icon_head
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.options import check_counts
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.ranker import SHIPPED
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

FILE_NAME = "ranker.safetensors"
PACKS_OF = {"line": ("tabler", "lucide"), "emoji": ("twemoji", "fluent-emoji-flat")}  # some of each model's packs
DROPOUT, WEIGHT_DECAY = 0.5, 1.0  # strong: most of the 5,120 numbers per picture are uninformative
FIRST_SEED = 1_000_000            # of the drawings; evaluation uses other seeds
BATCH_SIZE = 64                   # drawings per batch


def train_realism(
    output_dir: str | Path,
    head: str | Path | None = None,
    models: Sequence[str] | None = None,
    packs_dir: str | Path = "data/packs",
    drawings: int = 3000,
    num_steps: int = 1000,
    batch_size: int = 256,
    lr: float = 1.0e-3,
    seed: int = 0,
) -> Path:
    """Add the classifier of `IconHead.log_realism` to a head of `train_icon_head` -> output_dir/ranker.safetensors.

    head: None means the shipped ranker; the prompts are names of its packs that are not in the model's own packs.
    models: None means all shipped ones. drawings: limit of drawings per model, and of real icons from its training
    packs.
    """
    head, models = head or SHIPPED, PACKS_OF if models is None else models
    check_counts(drawings=drawings, num_steps=num_steps, batch_size=batch_size)
    unknown = [name for name in models if name not in PACKS_OF]
    if unknown or not models:
        raise UserError(f"train_realism: models are {', '.join(PACKS_OF)} (got {', '.join(unknown) or 'none'})")
    with output_set(output_dir, "train_realism", head) as folder:
        icon_head = load_icon_head(head)
        encoder = load_pixel_encoder(icon_head.pixel_encoder)
        rng = np.random.default_rng(seed)
        tokens, is_real = [], []
        for name in models:
            pipeline = SVGFusionPipeline.from_pretrained(name)
            own = fetch_packs(PACKS_OF[name], packs_dir)
            others = fetch_packs([pack for pack in icon_head.packs if pack not in PACKS_OF[name]], packs_dir)
            real = _real_icons(pipeline, own, drawings, rng)
            drawn = _draw(pipeline, _new_prompts(own, others, drawings, rng))
            for svgs, label in ((real, 1.0), (drawn, 0.0)):
                tokens.append(_encode(encoder, svgs))
                is_real.append(torch.full((len(tokens[-1]),), label))
        _fit(icon_head, torch.cat(tokens), torch.cat(is_real), num_steps, batch_size, lr, seed)
        save_icon_head(icon_head, folder / FILE_NAME)
    return Path(output_dir) / FILE_NAME


def _fit(
    head: IconHead, tokens: Tensor, is_real: Tensor, num_steps: int, batch_size: int, lr: float, seed: int
) -> None:
    """Logistic regression on tokens [n, P, C] with is_real [n] of 0 and 1; the learning rate decays to 0."""
    torch.manual_seed(seed)
    x = head.standardise(tokens)  # [n, P C]
    layer = head.add_realism()
    optimizer = torch.optim.AdamW(layer.parameters(), lr=lr, weight_decay=WEIGHT_DECAY)
    for step in track(range(num_steps), "realism"):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / num_steps)
        chosen = torch.randint(len(x), (batch_size,))
        logits = layer(F.dropout(x[chosen], DROPOUT)).squeeze(1)  # [B]
        loss = F.binary_cross_entropy_with_logits(logits, is_real[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _real_icons(
    pipeline: SVGFusionPipeline, folders: Sequence[Path], count: int, rng: np.random.Generator
) -> list[str]:
    """At most `count` training icons that the model could draw, written in the same way as samples."""
    files = [folder / r.file for folder in folders for r in read_records(folder) if r.split == "train"]
    icons: list[str] = []
    for k in rng.permutation(len(files)):
        try:
            rows = parse_svg(files[k]).rows
        except ValueError:
            continue
        if pipeline.can_draw(rows):
            icons.append(rows_to_svg(rows))
        if len(icons) == count:
            break
    return icons


def _new_prompts(
    own: Sequence[Path], others: Sequence[Path], count: int, rng: np.random.Generator
) -> list[tuple[str, str]]:
    """At most `count` (prompt, pack that gives the style): training names of other packs that no own pack has.

    own, others: pack folders of `fetch_packs`, named after their packs.
    """
    known = {name_key(r.name, numbered=True) for folder in own for r in read_records(folder)}
    names: dict[str, str] = {}
    for folder in others:
        for r in read_records(folder):
            key = name_key(r.name, numbered=True)
            if r.split == "train" and key not in known:
                names.setdefault(key, r.name)
    own_packs, other_packs = ([folder.name for folder in folders] for folders in (own, others))
    if not names:
        raise UserError(
            f"{', '.join(other_packs) or 'no pack'}: has no names beyond those of {', '.join(own_packs)}; give others"
        )
    keys = sorted(names)
    chosen = [names[keys[k]] for k in rng.permutation(len(keys))[:count]]
    return [(make_captions(name, style=style_word(pack))[0], pack) for name, pack in zip(chosen, cycle(own_packs))]


def _draw(pipeline: SVGFusionPipeline, prompts: Sequence[tuple[str, str]]) -> list[str]:
    """Draw one SVG for each (prompt, pack), in the pack's style if the model knows it."""
    svgs = []
    for start in track(range(0, len(prompts), BATCH_SIZE), "drawings"):
        texts, packs = zip(*prompts[start : start + BATCH_SIZE])
        seeds = range(FIRST_SEED + start, FIRST_SEED + start + len(texts))
        samples = pipeline.sample(texts, seeds, SamplingConfig(candidates=1), styles=pipeline.known_styles(packs))
        svgs += [sample.svg for sample in samples]
    return svgs


def _encode(encoder: PixelEncoder, svgs: Sequence[str]) -> Tensor:
    """Pixel tokens [n, P, C] of SVGs from our own writer."""
    return torch.cat([
        encoder.encode(np.stack([render_svg(svg, encoder.image_size) for svg in svgs[start : start + BATCH_SIZE]]))
        for start in track(range(0, len(svgs), BATCH_SIZE), "pictures")
    ])
