"""Measures of stage evaluate, computed in the same way for samples and baselines.

Values with a confidence interval are {"mean", "interval"}; shares are between 0 and 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.evaluation import metrics
from svgfusion_lib.evaluation.exactness import MEASURES as EXACT_MEASURES
from svgfusion_lib.evaluation.exactness import exactness
from svgfusion_lib.evaluation.row_metrics import LineStyle, line_style, overshoot
from svgfusion_lib.evaluation.samples import IMAGE_SIZE, Group, Picture, Subject
from svgfusion_lib.evaluation.two_sample import FOLDS, pooled, row_features, two_sample_accuracy
from svgfusion_lib.models.icon_head import IconHead
from svgfusion_lib.models.pixel_encoder import PixelEncoder
from svgfusion_lib.system.parallel import map_in_order
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.hybrid_utils import strokes_only
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg, split_elements

GALLERY = 100                  # number of names in an R-precision query
NOVELTY_SIZE = 48              # pixels, for finding the nearest training picture
NEAR_COPY = 0.95               # pictures with at least this SSIM at NOVELTY_SIZE count as copies
INSIDE_TOLERANCE = 0.02        # tolerance for points outside the canvas, in canvas half-widths
MIN_TEST_PICTURES = 4 * FOLDS  # fewest pictures on each side of a two-sample test
EXACT_SHARES = [name for name in EXACT_MEASURES if name != "inside_canvas"]
MIN_STYLED_ICONS = 2  # fewest stroke-only icons of a pack that define its style


@dataclass
class Judge:
    """The frozen models that judge pictures: an encoder for distances, and the evaluator for their content."""

    encoder: PixelEncoder
    head: IconHead
    head_encoder: PixelEncoder

    def features(self, pictures: Sequence[Picture]) -> tuple[np.ndarray, np.ndarray]:
        """Mean pixel tokens [N, C] and the evaluator's unit vectors [N, D]."""
        if not pictures:
            return np.zeros((0, self.encoder.width)), np.zeros((0, self.head.linear.out_features))
        images = np.stack([p.image for p in pictures])
        tokens = self.encoder.encode(images)  # [N, P, C]
        seen = tokens if self.head_encoder is self.encoder else self.head_encoder.encode(images)
        with torch.inference_mode():
            return tokens.mean(1).numpy(), self.head(seen).numpy()


def svg_features(encoder: PixelEncoder, svgs: Sequence[str]) -> np.ndarray:
    """Mean pixel tokens [N, C] of rendered SVG texts, the features used for distances between sets."""
    return encoder.encode(np.stack([render_svg(svg, IMAGE_SIZE) for svg in svgs])).mean(1).numpy()


@dataclass
class ReferenceData:
    """Reference data that a group's subjects are measured against; arrays have one row per name of the group."""

    judge: Judge
    real: Subject                 # the real icons of the names
    targets: np.ndarray           # their evaluator vectors
    reference: np.ndarray         # mean pixel tokens of other real icons
    thumbnails: np.ndarray        # of training icons that a model could copy: grey, uint8 [N, 48, 48]
    styles: list[LineStyle | None]  # style of each name's pack; None if the icon is not stroke-only


NO_THUMBNAILS = np.zeros((0, NOVELTY_SIZE, NOVELTY_SIZE), dtype=np.uint8)


def thumbnails_of(cache: dict, icons: list[int]) -> np.ndarray:
    """Thumbnails of training icons uint8 [N, 48, 48], for measuring novelty."""
    drawings = [cache_rows(cache, i) for i in icons]
    pictures = track(map_in_order(_thumbnail, drawings), "training pictures", len(drawings))
    return np.stack(list(pictures)) if icons else NO_THUMBNAILS


def pack_styles(cache: dict, group: Group) -> list[LineStyle | None]:
    """Style of each name's pack, derived from the pack's stroke-only icons in training or not used as prompts."""
    drawings: dict[str, list[np.ndarray]] = {}
    for i in (*group.training, *group.others):
        rows = cache_rows(cache, i)
        if strokes_only(rows):
            drawings.setdefault(cache["packs"][i], []).append(rows)
    styles = {pack: line_style(own) for pack, own in drawings.items() if len(own) >= MIN_STYLED_ICONS}
    return [
        styles.get(cache["packs"][i]) if strokes_only(cache_rows(cache, i)) else None for i in group.names
    ]


def measure(subject: Subject, reference_data: ReferenceData) -> tuple[dict, dict]:
    """Compute all measures; also returns ranks [painted], nearest training icons and SSIM [painted] for the sheets.

    A blank picture counts as a miss wherever possible; for distances it is a white picture.
    """
    rendered = {k: p for k, p in enumerate(subject.pictures) if p is not None}
    means, vectors = reference_data.judge.features(list(rendered.values()))
    vectors = vectors[np.isin(list(rendered), subject.painted)]
    name_ids = subject.name_ids[subject.painted]
    result = _validity(subject)
    aligned, ranks = alignment(vectors, name_ids, len(subject.name_ids), reference_data)
    result |= aligned | distances(means, reference_data)
    nearest, similarity = nearest_training(subject.shown(), reference_data.thumbnails)
    if len(similarity):
        result["near_copies"] = mean_with_interval(similarity >= NEAR_COPY)
    result |= _style(subject, reference_data.styles) | _exactness(subject)
    if subject.seconds is not None:
        result["seconds_per_sample"] = subject.seconds / len(subject.name_ids)
    return result, {"ranks": ranks, "nearest": nearest, "similarity": similarity}


def mean_with_interval(values: ArrayLike) -> dict:
    """Mean with its 95% bootstrap interval."""
    return {"mean": float(np.mean(np.asarray(values))), "interval": list(metrics.bootstrap_interval(values))}


# --- geometry ---------------------------------------------------------------------------------------


def _validity(subject: Subject) -> dict:
    """Shares of pictures that are not blank and whose points are inside the canvas; number of elements."""
    drawn = [p for p in subject.pictures if p is not None]
    inside = [p is not None and overshoot(p.rows) <= INSIDE_TOLERANCE for p in subject.pictures]
    painted = np.isin(np.arange(len(subject.name_ids)), subject.painted)
    elements = {"elements": mean_with_interval([len(split_elements(p.rows)) for p in drawn])} if drawn else {}
    return {"not_blank": mean_with_interval(painted), "inside_canvas": mean_with_interval(inside)} | elements


def _exactness(subject: Subject) -> dict:
    """Shares of near-exact features that are exact (exactness.py), as far as there are any."""
    drawings = [picture.rows for picture in subject.shown()]
    measured = exactness(drawings) if drawings else {}
    return {name: measured[name] for name in EXACT_SHARES if "mean" in measured.get(name, {})}


def two_sample(judge: Judge, samples: Subject, real: Subject) -> dict:
    """Accuracy of classifiers that tell samples from real icons, by rows and by picture; {} if there are too few."""
    sides = [(side.shown(), side.name_ids[side.painted]) for side in (samples, real)]
    if min(len(shown) for shown, _ in sides) < MIN_TEST_PICTURES:
        return {}
    groups = sides[0][1].tolist(), sides[1][1].tolist()
    rows = [row_features([picture.rows for picture in shown]) for shown, _ in sides]
    pictures = [pooled(judge.encoder.encode(np.stack([picture.image for picture in shown]))) for shown, _ in sides]
    return {
        "told_by_rows": two_sample_accuracy(rows[0], rows[1], groups),
        "told_by_picture": two_sample_accuracy(pictures[0], pictures[1], groups),
    }


def _style(subject: Subject, styles: list[LineStyle | None]) -> dict:
    """Share of pictures that keep the style of the icon's set, for icons drawn with strokes only."""
    kept = [
        p is not None and len(p.rows) > 2 and style.matches(p.rows)
        for p, k in zip(subject.pictures, subject.name_ids) if (style := styles[k]) is not None
    ]
    return {"keeps_style": mean_with_interval(kept)} if kept else {}


# --- content ----------------------------------------------------------------------------------------


def alignment(
    vectors: np.ndarray, name_ids: np.ndarray, count: int, reference_data: ReferenceData
) -> tuple[dict, np.ndarray]:
    """R-precision at 1 and 5, and the ranks [N].

    vectors [N, D], name_ids [N]: of the non-blank pictures out of `count`; the blank ones are misses.
    """
    ranks = metrics.ranks(vectors, reference_data.targets, name_ids, GALLERY)
    blank = [False] * (count - len(ranks))
    return {f"top{k}": mean_with_interval([*(ranks < k), *blank]) for k in (1, 5)}, ranks


def by_kind(kinds: Sequence[str], subject: Subject, ranks: np.ndarray) -> dict:
    """R-precision at 1 of prompts whose words are known to the model, partly known, or unknown."""
    right = np.zeros(len(subject.name_ids))
    right[subject.painted] = ranks < 1
    of_kind = {kind: right[[own == kind for own in kinds]] for kind in sorted(set(kinds))}
    return {f"top1_{kind}": mean_with_interval(own) | {"prompts": len(own)} for kind, own in of_kind.items()}


def distances(means: np.ndarray, reference_data: ReferenceData) -> dict:
    """Frechet and kernel distance to the reference set, for as many pictures as names; {} if there are too few."""
    count, reference = len(reference_data.targets), reference_data.reference
    if count < 2 or len(means) < count or len(reference) < 2:
        return {}
    means = means[:count]
    return {
        "frechet": metrics.frechet_distance(means, reference), "kernel": metrics.kernel_distance(means, reference)
    }


# --- copies of training icons -----------------------------------------------------------------------


def _thumbnail(rows: np.ndarray) -> np.ndarray:
    """Luma uint8 [48, 48] of a drawing (rows [L, 22]) on white."""
    image = render_svg(rows_to_svg(rows), NOVELTY_SIZE)
    return np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def nearest_training(shown: Sequence[Picture], thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the most similar training icon, and the SSIM to it, for each picture."""
    if not shown or not len(thumbnails):
        return np.zeros(0, dtype=int), np.zeros(0)
    return metrics.nearest_pictures(np.stack([_thumbnail(p.rows) for p in shown]), thumbnails)
