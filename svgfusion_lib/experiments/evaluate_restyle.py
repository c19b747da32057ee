"""Stage evaluate_restyle: does an icon drawn in another set's style keep that style, and is it still that icon?

Only names that both sets have are asked, so that for every icon there is the other set's own drawing to compare with.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.config import DEFAULT_MODEL, SamplingConfig
from svgfusion_lib.corpus.preprocess import cache_rows, load_cache
from svgfusion_lib.editing import restyle
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation import metrics
from svgfusion_lib.evaluation.measures import GALLERY, Judge, mean_of
from svgfusion_lib.evaluation.report import interval
from svgfusion_lib.evaluation.samples import Picture, icons_within, picture, real_pictures
from svgfusion_lib.models.icon_head import SHIPPED, load_icon_head
from svgfusion_lib.models.pixel_encoder import PixelEncoder, load_pixel_encoder
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set
from svgfusion_lib.system.progress import track
from svgfusion_lib.training.latents import check_pixel_encoder
from svgfusion_lib.utils.dataset import ChunkDataset, collate_chunks
from svgfusion_lib.utils.render import contact_sheet
from svgfusion_lib.utils.row_metrics import LineStyle, line_style, strokes_only

SPLITS = ("train", "held_out")
STRENGTHS = (0.2, 0.4, 0.6, 0.8)
ORIGINAL, REBUILT, PLAIN, TARGET = "original", "rebuilt", "prompt alone", "real icon of the other set"
PROBED = 1000       # real icons of each set that the probe learns from
PROBE_RIDGE = 1000.0
SHEET_ROWS = 12
FIGURES = {
    "keeps_style": "keeps the other set's style", "taken_for_target": "taken for the other set's",
    "top1": "R-precision at 1", "top5": "at 5", "ssim_to_original": "SSIM to the original",
    "ssim_to_target": "SSIM to the other set's drawing",
}
Probe = Callable[[Sequence[Picture]], list[str]]


@dataclass
class _Task:
    """Icons of set `source` (indices in the cache) to draw as set `target` does; twins: its own drawings of them."""

    source: str
    target: str
    icons: list[int]
    twins: list[int]
    titles: list[str]
    gallery: list[int]          # twins, then other icons of the target: GALLERY names in all
    style: LineStyle
    pictures: dict[str, list[Picture]] = field(default_factory=dict)  # by column


def evaluate_restyle(
    output_dir: str | Path,
    precomputed_dir: str | Path,
    packs: Sequence[str] = ("tabler", "lucide"),
    num_icons: int = 60,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    sampling: SamplingConfig | None = None,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    model: str | Path = DEFAULT_MODEL,
    icon_head: str | Path | None = None,
    device: str = "cpu",
) -> dict:
    """Restyle num_icons icons of each split of a cache, half of them from packs[0] to packs[1], half back.

    At every strength, with the parts where they were and with parts that may move. Beside them: the original, the
    original as the VP-VAE rebuilds it, what the prompt alone draws, and the other set's own drawing. Writes
    report.json, report.md and a sheet for each split; returns the report.
    """
    if len(packs) != 2 or packs[0] == packs[1]:
        raise UserError(f"evaluate_restyle: give two different packs, not {' '.join(packs) or 'none'}")
    cache = load_cache(precomputed_dir)
    pipeline = SVGFusionPipeline.from_pretrained(model, vae=vae_checkpoint, dit=dit_checkpoint, device=device)
    check_pixel_encoder(pipeline.vae, cache)
    sampling = replace(sampling or SamplingConfig(), candidates=1)
    pipeline.check(sampling)
    head = load_icon_head(icon_head or SHIPPED)
    encoder = load_pixel_encoder(head.pixel_encoder, device)
    judge = Judge(encoder, head, encoder)
    settings = {
        "packs": list(packs), "strengths": list(strengths), "seed": seed, "sampling": sampling.to_dict(),
        "styles_of_the_model": list(pipeline.dit.config.styles), "gallery": GALLERY,
    }
    asked = {split: _tasks(cache, pipeline, packs, split, num_icons, seed) for split in SPLITS}
    if not any(asked.values()):
        raise UserError(f"{precomputed_dir}: {packs[0]} and {packs[1]} share too few names there; preprocess more")
    titles = {title for tasks in asked.values() for task in tasks for title in task.titles}
    report: dict = {"settings": settings, "splits": {}}
    takes_for = _probe(cache, encoder, packs, titles, seed)
    with output_set(output_dir, "evaluate_restyle", precomputed_dir, vae_checkpoint, dit_checkpoint) as folder:
        for split, tasks in asked.items():
            if tasks:
                for task in tasks:
                    _draw(pipeline, cache, task, strengths, sampling, seed)
                report["splits"][split] = _measure(cache, judge, takes_for, tasks)
                _draw_sheet(folder / f"{split}.png", tasks)
        write_json(folder / "report.json", report, "report of evaluate_restyle")
        write_text(folder / "report.md", restyle_report(report))
    return report


# --- what is asked ------------------------------------------------------------------------------------


def _tasks(
    cache: dict, pipeline: SVGFusionPipeline, packs: Sequence[str], split: str, num_icons: int, seed: int
) -> list[_Task]:
    """A task for each direction, no name in both; names that both packs have, drawn with strokes, not too long."""
    by_title: dict[str, dict[str, int]] = {}
    for i, (title, pack) in enumerate(zip(cache["titles"], cache["packs"])):
        if pack in packs and cache["splits"][i] == split:
            by_title.setdefault(title, {})[pack] = i
    fits = set(icons_within(cache, pipeline))
    shared = [
        title for title, own in by_title.items()
        if len(own) == 2 and fits.issuperset(own.values())
        and all(strokes_only(cache_rows(cache, i)) for i in own.values())
    ]
    chosen = np.random.default_rng(seed).permutation(shared).tolist()[:num_icons]
    tasks = []
    for number, (source, target) in enumerate((packs, packs[::-1])):
        titles = chosen[number::2]
        if len(titles) < 2:
            return []
        twins = [by_title[title][target] for title in titles]
        others = [own[target] for title, own in by_title.items() if target in own and title not in titles]
        drawings = [cache_rows(cache, i) for i, pack in enumerate(cache["packs"]) if pack == target]
        tasks.append(_Task(
            source, target, [by_title[title][source] for title in titles], twins, titles,
            (twins + others)[: max(GALLERY, len(twins))], line_style([rows for rows in drawings if strokes_only(rows)]),
        ))
    return tasks


def _draw(
    pipeline: SVGFusionPipeline, cache: dict, task: _Task, strengths: Sequence[float], sampling: SamplingConfig,
    seed: int,
) -> None:
    """Fill task.pictures: the icons, what is made of them, and what they are compared with."""
    dataset = ChunkDataset(cache, pipeline.vae.config, only=set(task.icons))
    place = {i: k for k, i in enumerate(dataset.indices)}
    edits = {REBUILT: (0.0, False)} | {f"strength {s:g}": (s, False) for s in strengths}
    edits |= {f"{s:g}, may move": (s, True) for s in strengths}
    columns: dict[str, list[Picture]] = {column: [] for column in edits}
    for number, i in enumerate(track(task.icons, f"{task.source} to {task.target}")):
        batch = collate_chunks([dataset[place[i]]]).to(pipeline.dit.latent_mean.device)
        with torch.no_grad():
            z = pipeline.vae.encode(batch).latent()[0]  # [N, Z]
        how = (pipeline, z, task.titles[number], task.target, [seed + number])
        for column, (strength, move) in edits.items():
            drawn = restyle(*how, strength, sampling, move=move)  # [1, N, Z]
            columns[column].append(picture(pipeline.decode_latents(drawn, sampling)[0]))
    prompts, styles = list(task.titles), [task.target] * len(task.titles)
    samples = pipeline.sample(prompts, range(seed, seed + len(prompts)), sampling, styles=styles)
    task.pictures = {ORIGINAL: real_pictures(cache, task.icons)} | columns
    task.pictures |= {PLAIN: [picture(s.rows, s.svg) for s in samples], TARGET: real_pictures(cache, task.twins)}


# --- how it is measured -------------------------------------------------------------------------------


def _measure(cache: dict, judge: Judge, takes_for: Probe, tasks: Sequence[_Task]) -> dict:
    """Figures of every column, both directions together."""
    found: dict[str, dict[str, list[float]]] = {}
    for task in tasks:
        targets = judge.features(real_pictures(cache, task.gallery))[1]  # [gallery, D]
        own = np.arange(len(task.titles))
        for column, pictures in task.pictures.items():
            ranks = metrics.ranks(judge.features(pictures)[1], targets, own, GALLERY)
            values = found.setdefault(column, {name: [] for name in FIGURES})
            values["keeps_style"] += [task.style.kept_by(p.rows) for p in pictures]
            values["taken_for_target"] += [pack == task.target for pack in takes_for(pictures)]
            if column != TARGET:  # which is nearest to itself
                values["top1"] += (ranks < 1).tolist()
                values["top5"] += (ranks < 5).tolist()
            for name, others in (("ssim_to_original", ORIGINAL), ("ssim_to_target", TARGET)):
                if column != others:
                    pairs = zip(pictures, task.pictures[others])
                    values[name] += [metrics.ssim(p.image, q.image) for p, q in pairs]
    columns = {
        column: {name: mean_of(values) for name, values in figures.items() if values}
        for column, figures in found.items()
    }
    counts = {f"{task.source} to {task.target}": len(task.icons) for task in tasks}
    return {"icons": counts, "names": min(len(task.gallery) for task in tasks), "columns": columns}


def _probe(cache: dict, encoder: PixelEncoder, packs: Sequence[str], asked: Collection[str], seed: int) -> Probe:
    """A linear map of the pixel tokens that tells the icons of two packs apart, learned from names not asked for.

    Least squares with a ridge. Returns a function of pictures: for each, which pack it takes it for.
    """
    rng, features, signs = np.random.default_rng((seed, 3)), [], []
    for sign, pack in zip((-1.0, 1.0), packs):
        icons = [i for i, p in enumerate(cache["packs"]) if p == pack and cache["titles"][i] not in asked]
        chosen = rng.permutation(icons)[:PROBED].tolist()
        features.append(_tokens(encoder, real_pictures(cache, chosen)))
        signs += [sign] * len(chosen)
    x = np.concatenate(features)  # [M, P C]
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x = (x - mean) / deviation
    weights = x.T @ np.linalg.solve(x @ x.T + PROBE_RIDGE * np.eye(len(x)), np.array(signs))  # [P C]
    return lambda pictures: [
        packs[int(score > 0)] for score in (_tokens(encoder, pictures) - mean) / deviation @ weights
    ]


def _tokens(encoder: PixelEncoder, pictures: Sequence[Picture]) -> np.ndarray:
    """All pixel tokens of each picture in a row [N, P C]."""
    return encoder.encode(np.stack([p.image for p in pictures])).flatten(1).numpy().astype(np.float64)


# --- what is written ----------------------------------------------------------------------------------


def restyle_report(report: dict) -> str:
    """The report as Markdown: a table for each split, a line for each column."""
    settings = report["settings"]
    styles = ", ".join(settings["styles_of_the_model"]) or "none, so the style is asked for in words"
    lines = [
        "# Restyle, measured", "",
        f"{' and '.join(settings['packs'])}, both ways; styles that the model knows as such: {styles}. Intervals are"
        " 95% bootstrap intervals.", "",
    ]
    for split, result in report["splits"].items():
        counts = ", ".join(f"{count} from {way}" for way, count in result["icons"].items())
        lines += [
            f"## {split.replace('_', ' ')}", "", f"{counts}; R-precision among {result['names']} names.", "",
            "| | " + " | ".join(FIGURES.values()) + " |", "|---" * (1 + len(FIGURES)) + "|",
        ]
        for column, figures in result["columns"].items():
            cells = [interval(figures[name]) if name in figures else "-" for name in FIGURES]
            lines.append(f"| {column} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _draw_sheet(path: Path, tasks: Sequence[_Task]) -> None:
    """The first icons of both directions, a column for each drawing of them."""
    rows, labels = [], []
    for task in tasks:
        for k in range(min(SHEET_ROWS // len(tasks), len(task.titles))):
            rows.append([pictures[k].svg for pictures in task.pictures.values()])
            labels.append(f"{task.titles[k]} to {task.target}")
    contact_sheet(rows, path, cell=72, row_labels=labels, column_labels=list(tasks[0].pictures))
