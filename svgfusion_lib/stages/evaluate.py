"""Stage evaluate: how good are the SVGs, against real icons and against chance; JSON, Markdown, pictures.

Every number stands beside its reference points: the same measure on real icons, on shuffled prompts, on a
blank picture. Real icons are drawn from their rows by the same writer as the samples.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.sampling import Pipeline, load_pipeline
from svgfusion_lib.stages.evaluation_report import write_report
from svgfusion_lib.stages.prepare_latents import check_pixel_encoder
from svgfusion_lib.stages.preprocess import cache_rows, load_cache
from svgfusion_lib.utils import metrics
from svgfusion_lib.utils.dataset import ChunkDataset, collate_chunks
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.progress import track
from svgfusion_lib.utils.render import is_blank, render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg, split_elements

SPLITS = ("train", "held_out")
IMAGE_SIZE = 128         # pixels, for features and reconstructions
NOVELTY_SIZE = 48        # pixels, for the search of the nearest training picture
NEAR_COPY = 0.95         # SSIM at NOVELTY_SIZE from which two pictures count as copies
INSIDE_TOLERANCE = 0.02  # of the canvas's half-width that a point may stand outside
SAMPLE_BATCH = 32


@dataclass
class Picture:
    """One SVG with its rows [L, 22] and its rendering uint8 [128, 128, 3] on white."""

    svg: str
    rows: np.ndarray
    image: np.ndarray


def evaluate(
    output_dir: str | Path,
    precomputed_dir: str | Path,
    num_prompts: int = 100,
    num_samples: int = 1,
    seed: int = 0,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    splits: Sequence[str] = SPLITS,
    device: str = "cpu",
    sampling: SamplingConfig | None = None,
    pixel_encoder: str = "efficientnet-lite0",
    max_reference: int = 500,
) -> dict:
    """Sample num_samples SVGs for the canonical captions of num_prompts names of each split and measure them.

    The icons of a split that are not asked for are the reference set of the Frechet distance (at most
    max_reference). Writes report.json, report.md, plots.png and contact sheets; returns the report.
    """
    sampling = sampling or SamplingConfig()
    unknown = [split for split in splits if split not in SPLITS]
    if unknown or not splits or num_prompts < 2 or num_samples < 1:
        raise UserError(
            f"evaluate: splits are {', '.join(SPLITS)} (got {', '.join(splits) or 'none'}), num_prompts at"
            f" least 2 (got {num_prompts}), num_samples at least 1 (got {num_samples})"
        )
    cache = load_cache(precomputed_dir)
    pipeline = load_pipeline(vae_checkpoint, dit_checkpoint, device)
    check_pixel_encoder(pipeline.vae, cache)
    chosen = {split: choose_prompts(cache, split, num_prompts, seed) for split in splits}
    if not any(chosen.values()):
        names = " or ".join(splits)
        raise UserError(f"{precomputed_dir}: holds no two different names in {names}; preprocess more")
    encoder = load_pixel_encoder(pixel_encoder, device)
    training = _training_thumbnails(cache)
    report: dict = {
        "settings": {
            "num_prompts": num_prompts, "num_samples": num_samples, "seed": seed,
            "sampling": sampling.to_dict(), "pixel_encoder": pixel_encoder, "icons": len(cache["names"]),
            "device": device,
            "threads": torch.get_num_threads(), "near_copy": NEAR_COPY, "novelty_size": NOVELTY_SIZE,
        },
        "splits": {},
    }
    sheets = {}
    for split, indices in chosen.items():
        if indices:
            report["splits"][split], sheets[split] = _evaluate_split(
                split, indices, cache, pipeline, encoder, training, num_samples, seed, sampling,
                max_reference,
            )
    write_report(Path(output_dir), report, sheets)
    return report


def choose_prompts(cache: dict, split: str, count: int, seed: int) -> list[int]:
    """Indices of icons of a split with names all different; at most half the names, so that others remain."""
    own = [i for i, s in enumerate(cache["splits"]) if s == split]
    order = np.random.default_rng((seed, SPLITS.index(split))).permutation(own).tolist() if own else []
    by_title: dict[str, int] = {}
    for i in order:
        by_title.setdefault(cache["titles"][i], i)
    names = list(by_title.values())
    return names[: min(count, max(2, len(names) // 2))] if len(names) > 1 else []


def _evaluate_split(
    split: str, indices: list[int], cache: dict, pipeline: Pipeline, encoder: PixelEncoder,
    training: tuple[list[int], np.ndarray], num_samples: int, seed: int, sampling: SamplingConfig,
    max_reference: int,
) -> tuple[dict, dict]:
    """Measures of one split, and the SVGs for its contact sheets."""
    rng = np.random.default_rng((seed, 7))
    real = [_picture(cache_rows(cache, i)) for i in indices]
    asked = {cache["titles"][i] for i in indices}
    others = [i for i, s in enumerate(cache["splits"]) if s == split and cache["titles"][i] not in asked]
    others = rng.permutation(others)[:max_reference].tolist() if others else []
    reference = [_picture(cache_rows(cache, i)) for i in track(others, f"{split}: reference")]

    prompts = [cache["captions"][i][0] for i in indices for _ in range(num_samples)]
    own = np.repeat(np.arange(len(indices)), num_samples)  # [samples]: which prompt
    samples, seconds = _sample(pipeline, prompts, seed, sampling, split)
    painted = [k for k, sample in enumerate(samples) if sample is not None and not is_blank(sample.svg)]
    result: dict = {
        "prompts": len(indices), "samples": len(samples), "reference": len(reference),
        "seconds_per_sample": seconds / len(samples),
        "validity": _validity(samples, painted),
        "validity_real": _validity(real, list(range(len(real)))),
        "complexity": _complexity([s for s in samples if s is not None]),
        "complexity_real": _complexity(real),
    }

    real_features, reference_features = _features(encoder, real), _features(encoder, reference)
    if painted:
        features = _features(encoder, [samples[k] for k in painted])
        result["alignment"] = _alignment(
            features, own[painted], real_features, _same_name_elsewhere(cache, indices, encoder),
            len(samples), rng,
        )
        if len(reference) > 1 and len(painted) > 1:
            result["distance"] = _distances(features, real_features, reference_features, rng)
    train_indices, thumbnails = training
    titles = [cache["titles"][i] for i in train_indices]
    nearest, similarity = _nearest([samples[k] for k in painted], thumbnails)
    if painted:
        same = [titles[j] == cache["titles"][indices[own[k]]] for j, k in zip(nearest, painted)]
        result["novelty"] = _novelty(similarity) | {"nearest_bears_the_name": float(np.mean(same))}
    if split != "train":  # what real icons the model never saw score
        result["novelty_real"] = _novelty(_nearest(real, thumbnails)[1])
    result["reconstruction"], rebuilt = _reconstruct(pipeline.vae, cache, indices, real)
    return result, {
        "prompts": [cache["captions"][i][0] for i in indices],
        "real": [picture.svg for picture in real],
        "samples": [[s.svg if s else None for s in samples[k : k + num_samples]]
                    for k in range(0, len(samples), num_samples)],
        "nearest": [
            (samples[k].svg, rows_to_svg(cache_rows(cache, train_indices[j])), float(score))
            for k, j, score in zip(painted, nearest, similarity)
        ],
        "rebuilt": rebuilt,
    }


# --- pictures ---------------------------------------------------------------------------------------


def _picture(rows: np.ndarray, svg: str | None = None) -> Picture:
    svg = rows_to_svg(rows) if svg is None else svg
    return Picture(svg, rows, render_svg(svg, IMAGE_SIZE))


def _sample(
    pipeline: Pipeline, prompts: list[str], seed: int, sampling: SamplingConfig, split: str
) -> tuple[list[Picture | None], float]:
    """One picture a prompt (None if it cannot be parsed or rendered), seeds counting up; and the seconds."""
    pictures: list[Picture | None] = []
    seconds = 0.0
    for start in track(range(0, len(prompts), SAMPLE_BATCH), f"{split}: sampling"):
        batch = prompts[start : start + SAMPLE_BATCH]
        before = time.perf_counter()
        drawn = pipeline.sample(batch, [seed + start + k for k in range(len(batch))], sampling)
        seconds += time.perf_counter() - before
        for sample in drawn:
            try:
                if len(sample.rows) > 2:  # an SVG without elements is valid, but blank
                    parse_svg(sample.svg)
                pictures.append(_picture(sample.rows, sample.svg))
            except ValueError:
                pictures.append(None)
    return pictures, seconds


def _training_thumbnails(cache: dict) -> tuple[list[int], np.ndarray]:
    """Indices of the training icons and their grey pictures uint8 [N, 48, 48]."""
    indices = [i for i, split in enumerate(cache["splits"]) if split == "train"]
    svgs = (rows_to_svg(cache_rows(cache, i)) for i in track(indices, "training pictures"))
    return indices, np.stack([_grey(render_svg(svg, NOVELTY_SIZE)) for svg in svgs])


def _grey(image: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] -> luma uint8 [H, W]."""
    return np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def _features(encoder: PixelEncoder, pictures: Sequence[Picture]) -> np.ndarray:
    """Mean pixel token [N, D] of each picture."""
    if not pictures:
        return np.zeros((0, encoder.width), dtype=np.float32)
    return encoder.encode(np.stack([p.image for p in pictures])).mean(1).numpy()


# --- measures ---------------------------------------------------------------------------------------


def _mean(values: Sequence[float]) -> dict:
    """Mean with its 95% bootstrap interval."""
    return {"mean": float(np.mean(values)), "interval": list(metrics.bootstrap_interval(values))}


def _validity(pictures: Sequence[Picture | None], painted: list[int]) -> dict:
    """Shares of all samples: parse and render, not blank, every point inside the canvas."""
    valid = [p for p in pictures if p is not None]
    return {
        "parses_and_renders": len(valid) / len(pictures),
        "not_blank": len(painted) / len(pictures),
        "inside_canvas": sum(metrics.overshoot(p.rows) <= INSIDE_TOLERANCE for p in valid) / len(pictures),
    }


def _complexity(pictures: Sequence[Picture]) -> dict:
    """Quartiles of elements, rows and bytes."""
    counts = {
        "elements": [len(split_elements(p.rows)) for p in pictures],
        "rows": [len(p.rows) - 2 for p in pictures],
        "bytes": [len(p.svg.encode()) for p in pictures],
    }
    return {name: _quartiles(values) for name, values in counts.items() if values}


def _quartiles(values: Sequence[float]) -> list[float]:
    return [float(v) for v in np.percentile(values, (25, 50, 75))]


def _alignment(
    features: np.ndarray, own: np.ndarray, real: np.ndarray, elsewhere: tuple[np.ndarray, np.ndarray],
    count: int, rng: np.random.Generator,
) -> dict:
    """R-precision among the real icons of all prompts; samples that painted nothing count as missed."""
    targets = metrics.standardise(real, real)

    def precision(queries: np.ndarray, owners: np.ndarray, out_of: int) -> dict:
        ranks = metrics.ranks(metrics.standardise(queries, real), targets, owners)
        ranks = np.concatenate([ranks, np.full(out_of - len(ranks), len(targets))])
        median = float(np.median(ranks)) + 1
        return {"top1": _mean(ranks < 1), "top5": _mean(ranks < 5), "median_rank": median}

    result = {
        "names": len(targets), "chance_top1": 1 / len(targets), "chance_top5": min(1, 5 / len(targets)),
        "samples": precision(features, own, count),
        "shuffled_prompts": precision(features, (own + rng.integers(1, len(real))) % len(real), count),
    }
    if len(elsewhere[0]):
        result["real_icon_of_another_pack"] = precision(*elsewhere, len(elsewhere[0]))
    return result


def _same_name_elsewhere(
    cache: dict, indices: list[int], encoder: PixelEncoder
) -> tuple[np.ndarray, np.ndarray]:
    """Features of real icons that bear a prompt's name in another pack, and whose prompt it is."""
    pictures, owners = [], []
    by_title: dict[str, list[int]] = {}
    for i, title in enumerate(cache["titles"]):
        by_title.setdefault(title, []).append(i)
    for k, i in enumerate(indices):
        twin = next((j for j in by_title[cache["titles"][i]] if cache["packs"][j] != cache["packs"][i]), None)
        if twin is not None:
            pictures.append(_picture(cache_rows(cache, twin)))
            owners.append(k)
    return _features(encoder, pictures), np.array(owners, dtype=int)


def _distances(
    samples: np.ndarray, real: np.ndarray, reference: np.ndarray, rng: np.random.Generator
) -> dict:
    """Frechet and kernel distance to the reference icons, of equally many samples and real icons."""
    n = min(len(samples), len(real))
    part = rng.permutation(len(samples))[:n]
    half = rng.permutation(len(reference))
    halves = reference[half[: len(half) // 2]], reference[half[len(half) // 2 :]]
    result: dict = {"pictures": n, "reference": len(reference), "features": reference.shape[1]}
    for name, distance in (("frechet", metrics.frechet_distance), ("kernel", metrics.kernel_distance)):
        result[name] = {"samples": distance(samples[part], reference), "real": distance(real[:n], reference)}
        if min(map(len, halves)) > 1:
            result[name]["real_halves"] = distance(*halves)
    return result


def _nearest(pictures: Sequence[Picture], thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the most similar training picture, and SSIM to it, for each picture."""
    if not pictures:
        return np.zeros(0, dtype=int), np.zeros(0)
    queries = np.stack([_grey(render_svg(p.svg, NOVELTY_SIZE)) for p in pictures])
    return metrics.nearest_pictures(queries, thumbnails)


def _novelty(similarity: np.ndarray) -> dict:
    """Share of near copies, and quartiles of the SSIM to the nearest training picture."""
    return {"near_copies": _mean(similarity >= NEAR_COPY), "ssim_to_nearest": _quartiles(similarity)}


@torch.no_grad()
def _reconstruct(vae: VPVAE, cache: dict, indices: list[int], real: list[Picture]) -> tuple[dict, list]:
    """SSIM of icons rebuilt from the posterior mean; and (icon, rebuilt, SSIM) for the sheet."""
    device = next(vae.parameters()).device
    picture_of = dict(zip(indices, real))
    dataset = ChunkDataset(cache, vae.config, only=picture_of)
    rebuilt, blank = [], []
    for start in range(0, len(dataset), SAMPLE_BATCH):
        part = range(start, min(start + SAMPLE_BATCH, len(dataset)))
        batch = collate_chunks([dataset[k] for k in part]).to(device)
        for k, rows in zip(part, vae.decode_rows(vae.encode(batch).latent(), batch.padding_mask)):
            original = picture_of[dataset.indices[k]]
            picture = _picture(sanitize_rows(rows))
            rebuilt.append((original.svg, picture.svg, metrics.ssim(original.image, picture.image)))
            blank.append(metrics.ssim(original.image, np.full_like(original.image, 255)))
    if not rebuilt:
        return {"icons": 0, "too_long": dataset.too_long}, []
    scores = [score for *_, score in rebuilt]
    return {
        "icons": len(scores), "too_long": dataset.too_long,
        "ssim": _mean(scores), "ssim_quartiles": _quartiles(scores),
        "share_ssim_0.95": float(np.mean(np.array(scores) >= 0.95)), "blank_ssim": float(np.mean(blank)),
    }, rebuilt
