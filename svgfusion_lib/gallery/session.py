"""The gallery without widgets: drawing, editing, history.

Every action returns a Batch of icons and adds it to the history. `tick(done, total)` reports progress; an exception
from it ends the action, and nothing is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from svgfusion_lib.config import DEFAULT_MODEL, SamplingConfig
from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.editing import (
    decode_layers,
    encode_svg,
    interpolate,
    layer_of_parts,
    parse_palette,
    redraw,
    restyle,
    variations,
)
from svgfusion_lib.editing.explain import names_of_rows
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery.batches import Batch, Request
from svgfusion_lib.gallery.icons import Icon
from svgfusion_lib.gallery.look import Look
from svgfusion_lib.gallery.neighbours import Neighbour, TrainingIcons
from svgfusion_lib.icon_sets import draw_set
from svgfusion_lib.icon_sets.drawing import default_style
from svgfusion_lib.models.checkpoint import weights_hash
from svgfusion_lib.pipeline import SVGFusionPipeline, check_prompts, check_seeds
from svgfusion_lib.system.files import ENTRIES, read_json, write_json
from svgfusion_lib.utils.hybrid_utils import strokes_only
from svgfusion_lib.utils.svg_parser import parse_svg

Tick = Callable[[int, int], None]
MAX_ICONS = 32  # in one batch
MORPH_FRAMES = 12
MAX_FILE_BYTES = 1_000_000  # of a user's SVG
_LONGEST_TITLE = 80  # characters of a file name
_FAVOURITES = "favourites"


class Session:
    """A pipeline and everything made with it.

    A prompt is drawn by the model that it asks for; an icon is edited by the model that drew it. style_words: style
    names from captions, offered if some model has no styles of its own. cache_dir: a cache from `svgfusion preprocess`
    with the training icons, for `nearest`, or None. favourites_file: where favourites are saved.
    """

    def __init__(
        self, pipeline: SVGFusionPipeline, style_words: Sequence[str] = (), cache_dir: str | Path | None = None,
        favourites_file: str | Path | None = None,
    ):
        self.pipeline, self.pipelines = pipeline, pipeline.models
        own = [pipeline.dit.config.styles for pipeline in self.pipelines.values()]
        words = () if all(own) else style_words
        self.styles = self._default_first([*words, *(style for styles in own for style in styles)])
        self.cache_dir = cache_dir
        self.history: list[Batch] = []
        self.icons: list[Icon] = []  # in order of their numbers
        self.look = Look()
        self.favourites_file = favourites_file
        self._favourites: list[tuple[Icon, dict[str, Any]]] = []  # with their entries in the file
        self.read_favourites()
        self._training_icons: TrainingIcons | None = None

    # --- actions ---------------------------------------------------------------------------------

    def generate(self, request: Request, tick: Tick | None = None) -> Batch:
        """Draw the icons of a request."""
        check_prompts([request.prompt])
        pipeline = self.pipeline.route(request.prompt, request.style)
        config = self._check(request, pipeline.name)
        prompt, _ = pipeline.resolve_prompt(request.prompt.strip(), request.style)
        images = self.pipeline(
            request.prompt.strip(), request.count, seed=request.seed, style=request.style, config=config,
            callback=tick,
        ).images
        drawn = [(prompt if each.drawn_for == each.prompt else each.drawn_for, each.rows, each.seed) for each in images]
        unknown = self.pipeline.unknown_words(request.prompt, request.style)
        nearest = sorted({strip_style(each.drawn_for) for each in images if each.drawn_for != each.prompt})
        weights = {name: self.weights[name] for name in sorted({each.model for each in images})}
        note = _unknown_words_note(unknown, nearest) + self._doubtful_note([each.is_doubtful for each in images])
        note += _weights_note(request.weights, self.weights)
        return self._add_batch(
            prompt, drawn, "drawn", [each.model for each in images], [each.style for each in images], note=note,
            request=replace(request, weights=weights),
        )

    def draw_set(self, words: Sequence[str], style: str, request: Request, tick: Tick | None = None) -> Batch:
        """Draw one icon per word in one visual weight (`svgfusion_lib.icon_sets`), the best of request.candidates."""
        icon_set = draw_set(self.pipeline, words, style, request.seed, request.config, tick)
        model = self.pipelines[icon_set.settings["model"]]
        drawn = [
            (model.resolve_prompt(each.word, style)[0], parse_svg(each.svg).rows, request.seed)
            for each in icon_set.icons
        ]
        condition = model.resolve_prompt("", style)[1] or None
        title = f"set of {len(drawn)} in {style} style"
        unknown = [word for each in icon_set.icons for word in self.pipeline.unknown_words(each.word, style)]
        nearest = {strip_style(each.drawn_for[0]) for each in icon_set.icons if each.drawn_for[0] != each.word}
        note = _unknown_words_note(unknown, sorted(nearest))
        note += self._doubtful_note([each.doubtful for each in icon_set.icons])
        batch = self._add_batch(title, drawn, title, model.name, condition, icon_set=icon_set, note=note)
        for icon, each in zip(batch.icons, icon_set.icons):
            icon.drawings = [parse_svg(svg).rows for svg in each.candidates]
        return batch

    def vary(
        self, icon: Icon, strength: float, request: Request, keep_style: bool = True, tick: Tick | None = None
    ) -> Batch:
        """Draw variations of an icon as shown, with its own prompt; count and seed come from the request."""
        config, z = self._check(request, icon.model), self._encode(icon)
        drawn = variations(
            self.pipelines[icon.model], z, icon.title, strength, request.seeds, config, icon.style, keep_style,
            callback=_step_counter(tick, max(round(strength * config.num_inference_steps), 1)),
        )  # [B, N, Z]
        return self._add_latents_batch(f"variations of {icon.number}", icon, drawn, request)

    def redraw(self, icon: Icon, layers: Sequence[int], request: Request, tick: Tick | None = None) -> Batch:
        """Redraw some layers of an icon (numbers of `Icon.layers`) to fit the others."""
        pipeline, config = self.pipelines[icon.model], self._check(request, icon.model)
        shown = [layer.number for layer in icon.layers if layer.number not in icon.hidden]
        chosen = [shown.index(number) + 1 for number in layers if number in shown]
        if not chosen:
            raise UserError("mark the layers to redraw first; hidden layers do not count")
        part = layer_of_parts(pipeline, icon.plain_svg)  # [N]
        kept = ~torch.isin(part, torch.tensor(chosen))
        drawn = redraw(
            pipeline, self._encode(icon), kept, icon.title, request.seeds, config, icon.style, resample=1,
            callback=_step_counter(tick, config.num_inference_steps + max(round(config.num_inference_steps / 2), 1)),
        )  # [B, N, Z]
        return self._add_latents_batch(f"redrawn layers of {icon.number}", icon, drawn, request)

    def restyle(
        self, icon: Icon, style: str, strength: float, request: Request, tick: Tick | None = None, move: bool = False
    ) -> Batch:
        """Redraw an icon in another style of its model; its parts stay in place unless `move`."""
        pipeline, config = self.pipelines[icon.model], self._check(request, icon.model)
        if style not in self.styles_for(icon):
            raise UserError(f"the {icon.model} model cannot draw {style} style; it has {self._known_styles(icon)}")
        z = self._encode(icon)
        drawn = restyle(
            pipeline, z, icon.title, style, request.seeds, strength, config,
            callback=_step_counter(tick, max(round(strength * config.num_inference_steps), 1)), move=move,
        )  # [B, N, Z]
        words, condition = pipeline.resolve_prompt(icon.title, style)
        asked = words, condition or None
        return self._add_latents_batch(f"{icon.number} in {style} style", icon, drawn, request, asked)

    def morph(self, icon: Icon, other: Icon, frames: int = MORPH_FRAMES) -> Batch:
        """Morph one icon into another: frames and an animated SVG."""
        if icon is other:
            raise UserError("a morph needs two icons; choose another one as its target")
        pipeline, config = self.pipelines[icon.model], SamplingConfig()
        way = interpolate(pipeline, self._encode(icon), self._encode(other, icon.model), frames)
        rows = [pipeline.decode_latents(z[None], config)[0] for z in way]
        drawn = [(icon.title if k < frames / 2 else other.title, each, None) for k, each in enumerate(rows)]
        name = f"morph from {icon.number} to {other.number}"
        return self._add_batch(name, drawn, name, icon.model, is_morph=True)

    def open_svg(self, name: str, content: bytes) -> Batch:
        """Open a user's SVG file, keeping only what our parser reads; the batch title says what is missing."""
        words = Path(name.replace("\\", "/")).stem.replace("_", " ").replace("-", " ").split()
        title = " ".join(words)[:_LONGEST_TITLE] or "file"
        if len(content) > MAX_FILE_BYTES:
            raise UserError(f"{title}: has {len(content)} bytes, the gallery takes at most {MAX_FILE_BYTES}")
        try:
            parsed = parse_svg(content)
        except ValueError as error:
            raise UserError(f"{title}: {error}") from error
        rows = parsed.rows  # [L, 22]
        without = f", without its {parsed.left_out}" if parsed.left_out else ""
        name, origin = f"opened {title}{without}", f"your file{without}"
        return self._add_batch(name, [(title, rows, None)], origin, self._model_of_file(rows))

    def nearest(self, icon: Icon, count: int = 4) -> list[Neighbour]:
        """The training icons most similar to an icon; UserError if the gallery was opened without a cache."""
        if self.cache_dir is None:
            raise UserError(
                "there are no training icons to compare: open the gallery with a cache from `svgfusion preprocess`"
                " (CACHE_DIR in the notebook)"
            )
        if self._training_icons is None:
            self._training_icons = TrainingIcons(self.cache_dir)
        return self._training_icons.nearest(icon.plain_svg, count)

    def set_look(self, look: Look) -> None:
        """Set the look of all icons, including future ones; UserError for an invalid colour."""
        if look.colour:
            parse_palette([look.colour])
        self.look = look
        for icon in self.icons:
            icon.look = look

    @property
    def favourites(self) -> list[Icon]:
        return [icon for icon, _ in self._favourites]

    def set_favourite(self, icon: Icon, favourite: bool) -> Batch:
        """Add or remove a favourite; returns all favourites as a batch that is not in the history."""
        self.read_favourites()
        kept = [each for each in self.favourites if each is not icon] + [icon] * favourite
        self._favourites = [(each, _favourite_entry(each)) for each in kept]
        if self.favourites_file is not None:
            write_json(self.favourites_file, [entry for _, entry in self._favourites], _FAVOURITES)
        return Batch(_FAVOURITES, tuple(kept))

    def read_favourites(self) -> Batch:
        """Load the favourites from the file, which other pages write too; returns all of them."""
        if self.favourites_file is not None and Path(self.favourites_file).is_file():
            entries = read_json(self.favourites_file, _FAVOURITES, "remove it to start without favourites")[ENTRIES]
            self._favourites = [each for each in self._favourites if each[1] in entries]
            there = [entry for _, entry in self._favourites]
            self._favourites += [(self._icon_of(entry), entry) for entry in entries if entry not in there]
        return Batch(_FAVOURITES, tuple(self.favourites))

    def _icon_of(self, entry: dict[str, Any]) -> Icon:
        """Make an icon from a favourite in the file, whose model may no longer exist."""
        own = {name: value for name, value in entry.items() if name not in ("svg", "model")}
        rows, model = parse_svg(entry["svg"]).rows, entry["model"]
        model = model if model in self.pipelines else self._model_of_file(rows)
        self.icons.append(Icon(len(self.icons) + 1, rows=rows, model=model, look=self.look, **own))
        return self.icons[-1]

    @cached_property
    def weights(self) -> dict[str, str]:
        """Hashes of the models' weights by model name, for shared requests."""
        return {
            name: weights_hash(nn.ModuleList(filter(None, (part.vae, part.dit, part.refiner))))
            for name, part in self.pipelines.items()
        }

    @property
    def known_names(self) -> list[str]:
        """Names that the models know, for completion, shorter ones first."""
        names = {name for pipeline in self.pipelines.values() for name in pipeline.known_names.names}
        return sorted(names, key=lambda name: (len(name), name))

    # --- bookkeeping -----------------------------------------------------------------------------

    def _doubtful_note(self, doubtful: Sequence[bool]) -> str:
        """A note on new drawings that look unlike real icons of their name, or "" if there are none."""
        if not any(doubtful):
            return ""
        first = len(self.icons) + 1
        numbers = ", ".join(str(number) for number, each in enumerate(doubtful, first) if each)
        icons = f"Icon{'s' * (sum(doubtful) > 1)} {numbers}"
        return f"{icons}: unlike the training icons of that name; try another seed or style. "

    def styles_for(self, icon: Icon) -> list[str]:
        """The styles that an icon can be restyled to."""
        own = self.pipelines[icon.model].dit.config.styles
        others = {style for pipeline in self.pipelines.values() for style in pipeline.dit.config.styles}
        return self._default_first(own) or [style for style in self.styles if style not in others]

    def _default_first(self, styles: Sequence[str]) -> list[str]:
        """Move the default style of sets to the front, because drop-downs preselect the first entry."""
        default = default_style(self.pipeline)
        return sorted(styles, key=lambda style: style != default)

    def _known_styles(self, icon: Icon) -> str:
        return ", ".join(self.styles_for(icon)) or "none"

    def _model_of_file(self, rows: np.ndarray) -> str:
        """The model to edit a user's file with: drawings of strokes alone are line icons."""
        wanted = DEFAULT_MODEL if strokes_only(rows) else "emoji"
        return wanted if wanted in self.pipelines else self.pipeline.name

    def _check(self, request: Request, model: str) -> SamplingConfig:
        """The request's settings; UserError if the model does not support them."""
        check_seeds(request.seed, request.count)
        if request.count > MAX_ICONS:
            raise UserError(f"{request.count} icons are too many; the gallery draws at most {MAX_ICONS} at once")
        config = request.config
        self.pipelines[model].check(config)
        return config

    def _encode(self, icon: Icon, model: str | None = None) -> Tensor:
        """Encode an icon's visible layers to latents z [N, Z], with `model` or the model that drew it."""
        if len(icon.hidden) >= len(icon.layers):
            raise UserError(f"all layers of {icon.number} are hidden; show at least one")
        return encode_svg(self.pipelines[model or icon.model], icon.plain_svg)

    def _add_latents_batch(
        self, title: str, icon: Icon, drawn: Tensor, request: Request, asked: tuple[str, str | None] | None = None
    ) -> Batch:
        """Make a batch from latents [B, N, Z] drawn from an icon, layers kept apart; asked: new prompt and style."""
        caption, style = asked or (icon.title, icon.style)
        pipeline = self.pipelines[icon.model]
        rows = decode_layers(pipeline, drawn, layer_of_parts(pipeline, icon.plain_svg), request.config)
        icons = [(caption, each, seed) for each, seed in zip(rows, request.seeds)]
        return self._add_batch(title, icons, title, icon.model, style, source=icon.shown_rows)

    def _add_batch(
        self, title: str, drawn: Sequence[tuple[str, np.ndarray, int | None]], origin: str, model: str | Sequence[str],
        style: str | None | Sequence[str | None] = None, source: np.ndarray | None = None, **about: Any,
    ) -> Batch:
        """Make a batch from (title, rows, seed), numbering the icons on from the last.

        model, style: one for all, or per icon. source: rows of the icon they were made from; about: other fields of the
        batch. Layers of icons drawn from a seed get names.
        """
        first = len(self.icons) + 1
        models = [model] * len(drawn) if isinstance(model, str) else model
        styles = [style] * len(drawn) if style is None or isinstance(style, str) else style
        icons = tuple(
            Icon(
                first + k, name, rows, origin, models[k], seed, styles[k], look=self.look, source=source,
                names=[] if seed is None else names_of_rows(self.pipelines[models[k]], rows, name, styles[k]),
            )
            for k, (name, rows, seed) in enumerate(drawn)
        )
        self.icons += icons
        self.history.append(Batch(title, icons, **about))
        return self.history[-1]


def _unknown_words_note(words: Sequence[str], nearest: Sequence[str]) -> str:
    """A note on unknown words, or "" if the models know all of a prompt's words."""
    note = f"The models do not know: {', '.join(dict.fromkeys(words))}. " if words else ""
    return note + (f"Some icons show the nearest known name instead: {', '.join(nearest)}. " if nearest else "")


def _weights_note(drawn_with: Mapping[str, str], own: Mapping[str, str]) -> str:
    """A note on differing weights, or "" if a request was drawn with these weights."""
    others = ", ".join(f"{name} {found}" for name, found in drawn_with.items() if own.get(name) != found)
    return f"The request was drawn with other weights ({others[:60]}): these icons may differ. " if others else ""


def _step_counter(tick: Tick | None, total: int) -> Callable[[int, Tensor], None] | None:
    """A sampler callback that counts steps, across several runs if need be, up to total."""
    if tick is None:
        return None
    done = 0

    def count(step: int, z_0: Tensor) -> None:
        nonlocal done
        done = min(done + 1, total)
        tick(done, total)

    return count


def _favourite_entry(icon: Icon) -> dict[str, Any]:
    """A favourite as an entry of the file."""
    own = {name: getattr(icon, name) for name in ("title", "origin", "model", "seed", "style")}
    return own | {"svg": icon.plain_svg}
