"""Stage compare_encoders: which pixel encoder knows what an icon shows? Cross-pack retrieval.

Many things are drawn in several packs, in other styles. A query is an icon of one pack, the candidates are all
icons of the other pack whose names both have: an encoder that sees what is drawn ranks the same name first.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.metrics import ranks, standardise
from svgfusion_lib.models.icon_head import SHIPPED, load_icon_head
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.models.pretrained import name_encoder
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

PAIRS = ("tabler:lucide", "twemoji:noto", "fluent-emoji-flat:openmoji")
PIXELS = "pixels"          # the picture itself, small, as the encoder that knows nothing
PIXEL_SIZE = 16
IMAGE_SIZE = 128


def compare_encoders(
    output_dir: str | Path,
    pairs: Sequence[str] = PAIRS,
    encoders: Sequence[str] = ("efficientnet-lite0",),
    max_names: int = 800,
    packs_dir: str | Path = "data/packs",
    held_out: bool = False,
    icon_head: str | Path | None = SHIPPED,
) -> list[dict]:
    """Top-1 and top-5 of cross-pack retrieval for each pair ("a:b"), encoder and way to use its tokens.

    Both directions are averaged. Ways: "mean" of the tokens; "tokens": all of them, one after the other; and, for
    the encoder that it was trained on, "icon head" (models/icon_head.py), which is only fair with held_out: names
    that it was not trained on. Writes output_dir/encoders.json and encoders.md; returns the lines.
    """
    if max_names < 2:
        raise UserError(f"max_names is {max_names}; it must be at least 2")
    name_encoder(*encoders)
    loaded = {name: load_pixel_encoder(name) for name in encoders}
    head = load_icon_head(icon_head) if held_out and icon_head is not None else None
    lines = []
    with output_set(output_dir, "compare_encoders") as folder:
        for pair in pairs:
            first, second = _split_pair(pair)
            names, pictures = _common_pictures(fetch_packs([first, second], packs_dir), max_names, held_out)
            features = {(PIXELS, f"{PIXEL_SIZE} x {PIXEL_SIZE}"): [_small(p) for p in pictures]}
            for name, encoder in loaded.items():
                tokens = [encoder.encode(p).numpy() for p in pictures]  # two of [N, P, C]
                features[name, "mean"] = [t.mean(1) for t in tokens]
                features[name, "tokens"] = [t.reshape(len(t), -1) for t in tokens]
                if head is not None and head.pixel_encoder == name:
                    with torch.inference_mode():
                        features[name, "icon head"] = [head(torch.from_numpy(t)).numpy() for t in tokens]
            for (name, way), (a, b) in features.items():
                found = np.concatenate([_ranks(a, b), _ranks(b, a)])
                lines.append({
                    "pair": pair, "names": len(names), "encoder": name, "features": way,
                    "top_1": float((found < 1).mean()), "top_5": float((found < 5).mean()),
                })
        write_json(folder / "encoders.json", lines, "report of compare_encoders")
        write_text(folder / "encoders.md", encoder_table(lines))
    return lines


def encoder_table(lines: Sequence[dict]) -> str:
    """Markdown of what `compare_encoders` returns, chance beside it."""
    text = ["| packs | names | encoder | features | top-1 | top-5 |", "|---|---|---|---|---|---|"]
    for line in lines:
        text.append(
            f"| {line['pair'].replace(':', ' and ')} | {line['names']} | {line['encoder']} | {line['features']} |"
            f" {line['top_1']:.3f} | {line['top_5']:.3f} |"
        )
    return "\n".join(text) + "\n"


def _split_pair(pair: str) -> list[str]:
    packs = pair.split(":")
    if len(packs) != 2 or packs[0] == packs[1]:
        raise UserError(f"{pair!r} is no pair of packs; write two names with a colon between, like {PAIRS[0]}")
    return packs


def _common_pictures(
    folders: Sequence[Path], max_names: int, held_out: bool
) -> tuple[list[str], list[np.ndarray]]:
    """Names that both packs have (a fixed choice of at most max_names), and their pictures, uint8 [N, S, S, 3] each."""
    files: list[dict[str, Path]] = []
    for folder in folders:
        by_name: dict[str, Path] = {}
        for record in read_records(folder):
            if not held_out or record.split != "train":
                by_name.setdefault(record.name, folder / record.file)
        files.append(by_name)
    common = sorted(files[0].keys() & files[1].keys())
    chosen = sorted(np.random.default_rng(0).permutation(common)[:max_names].tolist())
    if len(chosen) < 2:
        raise UserError(f"{folders[0].name} and {folders[1].name} share {len(chosen)} names; nothing to tell apart")
    pictures = [
        np.stack([
            render_svg(rows_to_svg(parse_svg(by_name[name]).rows), IMAGE_SIZE)
            for name in track(chosen, f"pictures of {folder.name}")
        ])
        for folder, by_name in zip(folders, files)
    ]
    return chosen, pictures


def _small(pictures: np.ndarray) -> np.ndarray:
    """uint8 [N, S, S, 3] -> means of squares of the picture [N, PIXEL_SIZE^2 x 3]."""
    step = pictures.shape[1] // PIXEL_SIZE
    squares = pictures.reshape(len(pictures), PIXEL_SIZE, step, PIXEL_SIZE, step, 3).mean((2, 4))
    return squares.reshape(len(pictures), -1)


def _ranks(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Rank of each query's own name among the candidates: both [N, D], standardised pack by pack."""
    a, b = standardise(queries, queries), standardise(candidates, candidates)
    return ranks(a, b, np.arange(len(a)))
