"""Helpers shared by the notebooks: locating files, tables of rows, plots of training logs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import svgfusion_lib
from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.corpus.records import MANIFEST
from svgfusion_lib.editing.explain import END, START, Chain
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import save_model, weights_hash
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.system.outputs import remove_listed
from svgfusion_lib.training.latents import prepare_latents
from svgfusion_lib.utils.render import contact_sheet, render_svg

if TYPE_CHECKING:
    from ipywidgets import Widget

SMALL = 120  # synthetic shapes in the cache that a notebook makes for itself


def project_root() -> Path:
    """The repository's folder, relative to the working directory (`..` in a notebook).

    Relative, so that the paths a notebook prints are the same on every machine.
    """
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "svgfusion_lib").is_dir() and (folder / "pyproject.toml").is_file():
            return Path(os.path.relpath(folder))
    installed = Path(svgfusion_lib.__file__).resolve().parents[1]
    return Path(os.path.relpath(installed))


def need(path: str | Path, notebook: str) -> Path:
    """Return `path` if it exists; otherwise raise a UserError that names the notebook that writes it."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path} is missing: run notebook {notebook} first, with the same OUT_DIR.")
    return path


def icons_at_hand(out: Path) -> Path:
    """The folder written by notebook 01 in OUT_DIR; if missing, a new one with SMALL synthetic shapes."""
    own, small = out / "01_data" / "svg", out / "small" / "svg"
    if (own / MANIFEST).is_file():
        return own
    if not (small / MANIFEST).is_file():
        print(f"Notebook 01 was not run: {SMALL} drawn shapes take the place of its icons.")
        create_dummy_data(small, SMALL)
    return small


def cache_at_hand(out: Path) -> Path:
    """The cache written by notebook 02 in OUT_DIR; if missing, a new one from `icons_at_hand`."""
    own, small = out / "02_cache" / "cache.pt", out / "small" / "cache" / "cache.pt"
    if own.is_file():
        return own
    if not small.is_file():
        preprocess(icons_at_hand(out), small.parent, processes=1)
    return small


def vae_at_hand(out: Path) -> Path:
    """The checkpoint written by notebook 03 in OUT_DIR; if missing, a copy of the shipped line VP-VAE."""
    own = out / "03_vae" / "vpvae_final.pt"
    return own if own.is_file() else models_at_hand(out)[0]


def latents_at_hand(out: Path) -> Path:
    """The latents written by notebook 04 in OUT_DIR; if missing, new ones from the available cache and VP-VAE."""
    own, small = out / "04_latents" / "latents.pt", out / "small" / "latents" / "latents.pt"
    if own.is_file():
        return own
    return prepare_latents(vae_at_hand(out), cache_at_hand(out).parent, small.parent, max_latents=3)


def models_at_hand(out: Path) -> tuple[Path, Path]:
    """The checkpoints written by notebooks 03 and 05 in OUT_DIR; if missing, copies of the shipped line model."""
    vae, dit = out / "03_vae" / "vpvae_final.pt", out / "05_dit" / "vsdit_final.pt"
    if vae.is_file() and dit.is_file():
        return vae, dit
    vae, dit = (out / "small" / f"{kind}.pt" for kind in ("vpvae", "vsdit"))
    if not dit.is_file():
        print("Notebooks 03 and 05 were not run: the shipped model of lines takes the place of theirs.")
        line = SVGFusionPipeline.from_pretrained("line")
        save_model(vae, "vpvae", line.vae, line.vae.state_dict())
        save_model(
            dit, "vsdit", line.dit, line.dit.state_dict(), vae_hash=weights_hash(line.vae), **line.schedule.state(),
            names=list(line.known_names.names), name_vectors=line.known_names.vectors,
        )
    return vae, dit


def start_over(folder: str | Path, fresh: bool) -> None:
    """If `fresh`, remove only what a notebook wrote into a folder earlier."""
    if fresh and Path(folder).exists():
        remove_listed(folder)


def in_rows(items: Sequence, columns: int) -> list[list]:
    """Split a flat sequence into rows of `columns` (the last may be shorter), for `contact_sheet`."""
    return [list(items[i:i + columns]) for i in range(0, len(items), columns)]


def rows_table(rows: np.ndarray, limit: int | None = None) -> str:
    """Format rows [L, 22] as aligned text: ids by name, used geometry, colours as #rrggbb, stroke width."""
    lines = [f"{'row':>3}  {'element':16}{'command':9}{'geometry':50}{'fill':9}{'stroke':9}width"]
    for number, row in enumerate(rows[:limit]):
        element, command = rf.ELEMENTS[int(row[rf.ELEMENT])], rf.COMMANDS[int(row[rf.COMMAND])]
        kinds = rf.ARGUMENTS.get((element, command), ())
        used = [v for v, kind in zip(row[rf.GEOMETRY], kinds, strict=False) if kind != "."]
        geometry = " ".join(f"{value:5.2f}" for value in used)
        fill, stroke = (_hex(row[columns]) for columns in (rf.FILL, rf.STROKE))
        width = f"{row[rf.STROKE_WIDTH]:.2f}" if stroke else ""
        command = "" if command == "none" else command
        lines.append(f"{number:3}  {element:16}{command:9}{geometry:50}{fill:9}{stroke:9}{width}".rstrip())
    if limit is not None and len(rows) > limit:
        lines.append(f"     ... {len(rows) - limit} more")
    return "\n".join(lines)


def _hex(rgba: np.ndarray) -> str:
    """#rrggbb, or "" if opacity is 0."""
    return "#{:02x}{:02x}{:02x}".format(*(round(float(v) * 255) for v in rgba[:3])) if rgba[3] > 0 else ""


def series(log: Sequence[dict], key: str) -> tuple[list[int], list[float]]:
    """Steps and values of the log lines that have `key`."""
    lines = [line for line in log if line.get(key) is not None]
    return [line["step"] for line in lines], [line[key] for line in lines]


def smooth(values: Sequence[float], window: int) -> list[float]:
    """Centred running mean; the window shrinks towards both ends."""
    half = window // 2
    parts = [values[max(0, i - half):i + half + 1] for i in range(len(values))]
    return [sum(part) / len(part) for part in parts]


def plot_log(
    log: Sequence[dict], panels: Sequence[Sequence[str]], window: int = 15, log_scale: bool = True
) -> None:
    """Plot one panel per group of keys: values as a pale line, their running mean as a strong one.

    Held-out values (`val_...`) are few, so they are drawn with markers. Uses pyplot, so a notebook shows the
    figure at the end of the cell.
    """
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(4.6 * len(panels), 3.2), layout="constrained")
    for axes, keys in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for index, key in enumerate(keys):
            steps, values = series(log, key)
            if not steps:
                raise UserError(f"The log has no value named {key!r}.")
            colour = f"C{index}"
            if key.startswith("val"):
                axes.plot(steps, values, "o--", color=colour, label=key, markersize=4, linewidth=1)
            else:
                axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
                axes.plot(steps, smooth(values, window), color=colour, label=key, linewidth=1.6)
        if log_scale and all(value > 0 for key in keys for value in series(log, key)[1]):
            axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.grid(alpha=0.25, which="both")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(keys))


def sampling_sliders(pipeline: SVGFusionPipeline, prompt: str, config: SamplingConfig, count: int = 4) -> "Widget":
    """Sliders for guidance, steps and seed, with samples for consecutive seeds below."""
    import ipywidgets
    from IPython.display import display

    def draw(guidance: float, steps: int, seed: int) -> None:
        changed = replace(config, guidance_scale=guidance, num_inference_steps=steps)
        drawn = pipeline.sample([prompt] * count, range(seed, seed + count), changed)
        display(contact_sheet([[sample.svg for sample in drawn]], cell=120))

    sliders = {
        "guidance": ipywidgets.FloatSlider(config.guidance_scale, min=1, max=8, step=0.5, continuous_update=False),
        "steps": ipywidgets.IntSlider(config.num_inference_steps, min=2, max=50, continuous_update=False),
        "seed": ipywidgets.IntSlider(0, min=0, max=99, continuous_update=False),
    }
    return ipywidgets.interactive(draw, **sliders)


def plot_words(chains: Sequence[Chain]) -> None:
    """One heat map of attention shares per drawing: its parts as pictures against the words of its prompt."""
    from matplotlib import pyplot as plt

    width = 0.9 + max(len(chain.words) for chain in chains) * 0.55
    height = 1.1 + max(len(chain.parts) for chain in chains) * 0.55
    figure, panels = plt.subplots(
        1, len(chains), figsize=(width * len(chains), height), squeeze=False, layout="constrained"
    )
    for axes, chain in zip(panels[0], chains, strict=True):
        shares = chain.by_word()  # [N, W]
        count, words = shares.shape
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=0.8)
        for part in range(count):
            for word in range(words):
                share = float(shares[part, word])
                colour = "white" if share > 0.45 else "black"
                axes.text(word, part, f"{share:.2f}", ha="center", va="center", fontsize=8, color=colour)
            # left of the row, a cell wide and high
            picture = axes.inset_axes((-1.6, part - 0.45, 0.9, 0.9), transform=axes.transData)
            picture.imshow(render_svg(chain.parts[part], 64))
            picture.set(xticks=[], yticks=[])
        inner = [word for word in chain.words if word not in (START, END)]
        axes.set_xticks(range(words), inner, rotation=40, ha="right")
        axes.set_yticks([])
    plt.show()


def plot_settling(gaps: Mapping[str, Sequence[float]], paths: np.ndarray) -> None:
    """Left: distance of the estimates to the drawing, by step; right: estimated part centres, paths [steps, N, 2]."""
    from matplotlib import pyplot as plt

    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=(2, 1), layout="constrained")
    for name, values in gaps.items():
        left.plot(range(1, len(values) + 1), values, "o-", markersize=4, label=name)
    left.set(xlabel="step", ylabel="distance to the drawing", ylim=(0, None))
    left.legend(frameon=False)
    left.spines[["top", "right"]].set_visible(False)
    for part in range(paths.shape[1]):
        x, y = paths[:, part].T
        right.plot(x, y, "-", color=f"C{part}", linewidth=1, alpha=0.6)
        right.plot(x[0], y[0], "o", color=f"C{part}", markersize=4, fillstyle="none")
        right.plot(x[-1], y[-1], "o", color=f"C{part}", markersize=7)
    right.set(xlim=(-1, 1), ylim=(1, -1), aspect="equal", xticks=[], yticks=[], title="centres of the parts")
    plt.show()
