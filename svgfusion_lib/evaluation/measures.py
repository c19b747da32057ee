"""The measures of stage evaluate: one function for any set of pictures, be they samples or what they are held against.

A figure with an interval is {"mean", "interval"}; quartiles are lists of three; a share is between 0 and 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from svgfusion_lib.corpus.preprocess import cache_rows
from svgfusion_lib.evaluation import metrics
from svgfusion_lib.evaluation.clip_score import ClipScorer
from svgfusion_lib.evaluation.exactness import MEASURES as EXACT_MEASURES
from svgfusion_lib.evaluation.exactness import exactness
from svgfusion_lib.evaluation.samples import IMAGE_SIZE, Group, Picture, Subject
from svgfusion_lib.evaluation.two_sample import FOLDS, pooled, row_features, two_sample_accuracy
from svgfusion_lib.models.icon_head import IconHead, mean_text_tokens
from svgfusion_lib.models.pixel_encoder import PixelEncoder
from svgfusion_lib.models.text_encoder import TextEncoder
from svgfusion_lib.system.parallel import map_in_order
from svgfusion_lib.system.progress import track
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.row_metrics import LineStyle, RowIndex, line_style, overshoot, strokes_only
from svgfusion_lib.utils.tensorsvg import rows_to_svg, split_elements

GALLERY = 100            # names among which R-precision looks for the right one
NOVELTY_SIZE = 48        # pixels, for the search of the nearest training picture
NEAR_COPY = 0.95         # SSIM at NOVELTY_SIZE from which two pictures count as copies
ROW_TOLERANCE = 0.05     # canvas half-widths that coordinates of a copy by rows differ by, at most
INSIDE_TOLERANCE = 0.02  # of the canvas's half-width that a point may stand outside
DRAWS = 10               # choices of pictures that a distance is the mean of, where there are more than it takes
FEWEST_OF_TEST = 4 * FOLDS  # pictures on each side of a two-sample test
EXACT_SHARES = [name for name in EXACT_MEASURES if name != "inside_canvas"]
NEIGHBOURS = 3           # k of precision and recall
FEWEST_STYLED = 2        # stroke-only icons of a pack that tell its style


@dataclass
class Judge:
    """The frozen models that look at pictures: one for distances, the evaluator and CLIP for what they show."""

    encoder: PixelEncoder
    head: IconHead
    head_encoder: PixelEncoder
    text_encoder: TextEncoder
    clip: ClipScorer | None = None

    def features(self, pictures: Sequence[Picture]) -> tuple[np.ndarray, np.ndarray]:
        """Mean pixel tokens [N, C] and vectors of the evaluator [N, D], of length 1."""
        if not pictures:
            return np.zeros((0, self.encoder.width)), np.zeros((0, self.head.linear.out_features))
        images = np.stack([p.image for p in pictures])
        tokens = self.encoder.encode(images)  # [N, P, C]
        seen = tokens if self.head_encoder is self.encoder else self.head_encoder.encode(images)
        with torch.inference_mode():
            return tokens.mean(1).numpy(), self.head(seen).numpy()

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of the evaluator [N, D] for texts."""
        with torch.inference_mode():
            return self.head.encode_texts(mean_text_tokens(*self.text_encoder.encode(list(texts)))).numpy()


def svg_features(encoder: PixelEncoder, svgs: Sequence[str]) -> np.ndarray:
    """Mean pixel tokens [N, C] of the pictures of SVG texts: what distances between sets of them are taken of."""
    return encoder.encode(np.stack([render_svg(svg, IMAGE_SIZE) for svg in svgs])).mean(1).numpy()


@dataclass
class Training:
    """The icons that a model could copy: indices in the cache, titles, grey pictures uint8 [N, 48, 48], rows."""

    icons: list[int]
    titles: list[str]
    thumbnails: np.ndarray
    index: RowIndex


@dataclass
class Yardstick:
    """What the subjects of a group are measured against; arrays have one row for each name of the group."""

    judge: Judge
    titles: list[str]
    targets: np.ndarray           # vectors of the real icons
    texts: np.ndarray             # vectors of the names
    reference: np.ndarray         # mean pixel tokens of other real icons
    count: int                    # pictures that every distance to the reference is taken of
    training: Training
    styles: list[LineStyle | None]  # of the pack of each name; None: the icon is not drawn with strokes only
    real_complexity: dict
    seed: int


def training_icons(cache: dict, icons: list[int]) -> Training:
    """What the novelty of pictures is measured against."""
    drawings = [cache_rows(cache, i) for i in icons]
    pictures = track(map_in_order(_thumbnail, drawings), "training pictures", len(drawings))
    shape = (0, NOVELTY_SIZE, NOVELTY_SIZE)
    thumbnails = np.stack(list(pictures)) if icons else np.zeros(shape, dtype=np.uint8)
    return Training(icons, [cache["titles"][i] for i in icons], thumbnails, RowIndex(drawings))


def pack_styles(cache: dict, group: Group, icons: Sequence[int]) -> list[LineStyle | None]:
    """For each name the style of its pack, taken from its stroke-only icons among `icons`."""
    drawings: dict[str, list[np.ndarray]] = {}
    for i in icons:
        rows = cache_rows(cache, i)
        if strokes_only(rows):
            drawings.setdefault(cache["packs"][i], []).append(rows)
    styles = {pack: line_style(own) for pack, own in drawings.items() if len(own) >= FEWEST_STYLED}
    return [
        styles.get(cache["packs"][i]) if strokes_only(cache_rows(cache, i)) else None for i in group.names
    ]


def measure(subject: Subject, yardstick: Yardstick) -> tuple[dict, dict]:
    """All measures of a subject; and what the sheets need: ranks [painted], nearest training icons and SSIM [painted].

    A picture that paints nothing counts as a miss everywhere it can; for the distances it is a white picture.
    """
    rendered = {k: p for k, p in enumerate(subject.pictures) if p is not None}
    means, vectors = yardstick.judge.features(list(rendered.values()))
    vectors = vectors[np.isin(list(rendered), subject.painted)]
    own = subject.own[subject.painted]
    result = _validity(subject) | complexity(subject, yardstick.real_complexity)
    aligned, ranks = alignment(vectors, own, len(subject.own), yardstick)
    result |= aligned | distances(means, yardstick) | _diversity(vectors, own)
    novelty, nearest, similarity = _novelty(subject.shown(), own, yardstick)
    result |= novelty | _style(subject, yardstick.styles) | _exactness(subject)
    if yardstick.judge.clip is not None:
        titles = [yardstick.titles[k] for k in subject.own]
        result["clip_score"] = _clip_score(yardstick.judge.clip, rendered, titles)
    if subject.of_nearest is not None:
        result["of_nearest_name"] = mean_of(subject.of_nearest)
    if subject.seconds is not None:
        result["seconds_per_sample"] = subject.seconds / len(subject.own)
    return result, {"ranks": ranks, "nearest": nearest, "similarity": similarity}


def _clip_score(clip: ClipScorer, rendered: dict[int, Picture], titles: Sequence[str]) -> dict:
    """CLIPScore of each picture, by its number, and the title that it is for; what could not be drawn has 0."""
    scores = np.zeros(len(titles))
    if rendered:
        images = np.stack([picture.image for picture in rendered.values()])
        scores[list(rendered)] = clip.scores(images, [titles[k] for k in rendered])
    return mean_of(scores)


def mean_of(values: ArrayLike) -> dict:
    """Mean with its 95% bootstrap interval."""
    return {"mean": float(np.mean(np.asarray(values))), "interval": list(metrics.bootstrap_interval(values))}


def quartiles(values: ArrayLike) -> list[float]:
    return [float(v) for v in np.percentile(np.asarray(values), (25, 50, 75))]


# --- what is drawn ----------------------------------------------------------------------------------


def _validity(subject: Subject) -> dict:
    """Shares of all pictures: parse and render, not blank, every point inside the canvas."""
    count = len(subject.own)
    valid = [p is not None for p in subject.pictures]
    painted = np.isin(np.arange(count), subject.painted)
    inside = [p is not None and overshoot(p.rows) <= INSIDE_TOLERANCE for p in subject.pictures]
    return {"parses_and_renders": mean_of(valid), "not_blank": mean_of(painted), "inside_canvas": mean_of(inside)}


def complexity(subject: Subject, real: dict) -> dict:
    """Quartiles of elements, rows and bytes, and the ratio of their medians to those of real icons, where given.

    Of elements the mean too: they are so few that the median is a toss of a coin where half the icons have one.
    """
    drawn = [p for p in subject.pictures if p is not None]
    if not drawn:
        return {}
    elements = [len(split_elements(p.rows)) for p in drawn]
    result: dict = {
        "elements": quartiles(elements),
        "rows": quartiles([len(p.rows) - 2 for p in drawn]),
        "bytes": quartiles([len(p.svg.encode()) for p in drawn]),
    }
    ratios = {f"{name}_ratio": own[1] / real[name][1] for name, own in result.items() if name in real}
    return result | ratios | {"elements_mean": mean_of(elements)}


def _exactness(subject: Subject) -> dict:
    """Shares of what is nearly exact in the pictures that is so (exactness.py), those that there are."""
    drawings = [picture.rows for picture in subject.shown()]
    measured = exactness(drawings) if drawings else {}
    return {name: measured[name] for name in EXACT_SHARES if "mean" in measured.get(name, {})}


def two_sample(judge: Judge, samples: Subject, real: Subject) -> dict:
    """Accuracy of classifiers that tell samples from real icons, by rows and by picture; {} of too few of either."""
    sides = [(side.shown(), side.own[side.painted]) for side in (samples, real)]
    if min(len(shown) for shown, _ in sides) < FEWEST_OF_TEST:
        return {}
    groups = sides[0][1].tolist(), sides[1][1].tolist()
    rows = [row_features([picture.rows for picture in shown]) for shown, _ in sides]
    pictures = [pooled(judge.encoder.encode(np.stack([picture.image for picture in shown]))) for shown, _ in sides]
    return {
        "told_by_rows": two_sample_accuracy(rows[0], rows[1], groups),
        "told_by_picture": two_sample_accuracy(pictures[0], pictures[1], groups),
    }


def _style(subject: Subject, styles: list[LineStyle | None]) -> dict:
    """Of the names whose icon is drawn with strokes only: does the picture keep the style of that icon's set?"""
    checks = []
    for p, k in zip(subject.pictures, subject.own):
        style = styles[k]
        if style is not None:
            checks.append(style.kept_by(p.rows) if p is not None and len(p.rows) > 2 else (False, False, False))
    if not checks:
        return {}
    strokes, pens, grid = np.array(checks).T
    return {
        "keeps_style": mean_of(strokes & pens & grid), "strokes_only": mean_of(strokes), "pens_of_set": mean_of(pens),
        "on_grid": mean_of(grid),
    }


# --- what it shows ----------------------------------------------------------------------------------


def alignment(
    vectors: np.ndarray, own: np.ndarray, count: int, yardstick: Yardstick
) -> tuple[dict, np.ndarray]:
    """R-precision at 1 and 5, median rank (1 is best), nearness to the name's text; and the ranks [N].

    vectors [N, D], own [N]: of the pictures that show something, out of `count`; the others are misses.
    """
    ranks = metrics.ranks(vectors, yardstick.targets, own, GALLERY)
    names = max(min(len(yardstick.targets), GALLERY), 5)  # so that a miss is no hit among five, however few names
    padded = _padded(ranks, count, names)
    result = {"top1": mean_of(padded < 1), "top5": mean_of(padded < 5), "median_rank": float(np.median(padded)) + 1}
    if len(vectors):
        by_text = _padded(metrics.ranks(vectors, yardstick.texts, own, GALLERY), count, names)
        result["top1_by_text"] = mean_of(by_text < 1)
        result["similarity_to_text"] = mean_of((vectors * yardstick.texts[own]).sum(1))
    return result, ranks


def _padded(ranks: np.ndarray, count: int, worst: int) -> np.ndarray:
    return np.concatenate([ranks, np.full(count - len(ranks), worst)])


def distances(means: np.ndarray, yardstick: Yardstick) -> dict:
    """Frechet and kernel distance to the reference, precision and recall: of `count` pictures, or none.

    Where there are more, the mean of DRAWS choices: one choice alone may be off by a twentieth.
    """
    count, reference = yardstick.count, yardstick.reference
    if count < 2 or len(means) < count or len(reference) < 2:
        return {}
    rng = np.random.default_rng(yardstick.seed)
    found = []
    for _ in range(DRAWS if len(means) > count else 1):
        part = means[rng.permutation(len(means))[:count]]
        found.append([metrics.frechet_distance(part, reference), metrics.kernel_distance(part, reference)])
        if min(count, len(reference)) > NEIGHBOURS:
            found[-1] += metrics.precision_recall(part, reference, NEIGHBOURS)
    return dict(zip(("frechet", "kernel", "precision", "recall"), np.mean(found, axis=0).tolist()))


def _diversity(vectors: np.ndarray, own: np.ndarray) -> dict:
    """Mean distance (1 - cosine) of the evaluator's vectors: of pictures for one name, and of all pictures."""
    result: dict = {}
    within = [metrics.mean_pairwise_distance(vectors[own == k]) for k in set(own.tolist())]
    within = [value for value in within if not np.isnan(value)]
    if within:
        result["spread_within_name"] = mean_of(within)
    if len(vectors) > 1:
        result["spread"] = metrics.mean_pairwise_distance(vectors)
    return result


# --- what is copied ---------------------------------------------------------------------------------


def _thumbnail(rows: np.ndarray) -> np.ndarray:
    return _grey(rows_to_svg(rows))


def _grey(svg: str) -> np.ndarray:
    """Luma uint8 [48, 48] of an SVG on white."""
    image = render_svg(svg, NOVELTY_SIZE)
    return np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def _novelty(
    shown: Sequence[Picture], own: np.ndarray, yardstick: Yardstick
) -> tuple[dict, np.ndarray, np.ndarray]:
    """Copies of training icons by picture and by rows, and of one another; the nearest icon and SSIM of each."""
    training = yardstick.training
    if not shown or not training.icons:
        return {}, np.zeros(0, dtype=int), np.zeros(0)
    grey = np.stack([_grey(p.svg) for p in shown])
    nearest, similarity = metrics.nearest_pictures(grey, training.thumbnails)
    gaps = [training.index.nearest(p.rows)[1] for p in shown]
    copied = np.array([gap <= ROW_TOLERANCE for gap in gaps])
    bears = [training.titles[j] == yardstick.titles[k] for j, k in zip(nearest, own)]
    _, among = metrics.nearest_pictures(grey, grey, among_themselves=True)
    return {
        "near_copies": mean_of(similarity >= NEAR_COPY), "copies_by_rows": mean_of(copied),
        "same_commands": mean_of(np.isfinite(gaps)), "memorised": mean_of((similarity >= NEAR_COPY) | copied),
        "ssim_to_nearest": quartiles(similarity), "nearest_bears_the_name": mean_of(bears),
        "unique": mean_of(among < NEAR_COPY),
    }, nearest, similarity
