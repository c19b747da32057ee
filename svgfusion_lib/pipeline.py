"""Prompts to SVG: prompt -> latents (latent_sampler.py) -> VP-VAE decoder -> rows -> SVG text.

Related modules: loading.py (loading), pipeline_output.py (outputs), reranking/routing.py (model and style of a prompt).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from svgfusion_lib.config import DEFAULT_MODEL, SamplingConfig
from svgfusion_lib.corpus.packs import (
    find_style,
    known_packs,
    match_style,
    strip_style,
    style_grid,
    unknown_style,
)
from svgfusion_lib.errors import UserError
from svgfusion_lib.latent_sampler import LatentSampler
from svgfusion_lib.loading import SCHEDULE_TABLE, Parts, load_checkpoint_parts, load_folder_parts, model_folders
from svgfusion_lib.models.checkpoint import write_folder
from svgfusion_lib.models.pretrained import name_encoder
from svgfusion_lib.models.refiner import Refiner
from svgfusion_lib.models.text_encoder import TextEncoder, load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.options import check_counts
from svgfusion_lib.pipeline_output import SVGFusionOutput, SVGImage
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.ranker import EXAMPLE_WEIGHT, Ranker, candidate_seeds, load_ranker
from svgfusion_lib.reranking.routing import (
    DEFAULT_STYLES,
    EMOJI_CUES,
    NO_STYLE,
    candidate_prompts,
    emoji_to_text,
    models_for,
    resolve_prompt,
)
from svgfusion_lib.reranking.simpler import without_parts
from svgfusion_lib.reranking.symmetry import axes_of, symmetric_versions
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.system.progress import progress_bar
from svgfusion_lib.tidying import TidyConfig, tidy_rows
from svgfusion_lib.tidying.drawing import fit_canvas
from svgfusion_lib.utils.dataset import padding_of
from svgfusion_lib.utils.diffusion import NoiseSchedule
from svgfusion_lib.utils.hybrid_utils import sanitize_rows, snap_rows
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.tensorsvg import rows_to_svg

SAMPLES_KIND = "list of samples"  # description of samples.json
BATCH_SIZE = 64  # drawings per batch
MAX_MIXED = 16   # ... of different lengths
CUSTOM_MODEL = "own"  # name of a pipeline whose model is not a shipped one
SYMMETRY_TRIED = 3      # candidates of which versions with several axes are made
VERSION_MARGIN = 0.05   # by which a version must rank higher than the drawing (docs/runs.md, sections 28 and 31)
SIMPLER_MARGIN = 0.03   # of the best versions that rank nearly alike, the one with the fewest rows is taken
MAX_TIDY_MOVE = 2.0  # furthest that tidying may move a generated point (canvas side 24)

# progress(done, total) is called after every sampler step; exceptions it raises stop the sampling
Progress = Callable[[int, int], None]


class SVGFusionPipeline(LatentSampler):
    """Pipeline for text-to-SVG generation.

        pipe = SVGFusionPipeline.from_pretrained()
        images = pipe("shopping cart, tabler style", num_images_per_prompt=4, seed=0).images

    vae, dit: the trained networks; text_encoder: defaults to the one that the VS-DiT was trained with; schedule: the
    noise schedule; known_names: names in the training data; name: its key in `models`, which holds all pipelines that
    prompts are routed to, including this one.
    """

    def __init__(
        self, vae: VPVAE, dit: VSDiT, text_encoder: TextEncoder | None = None, schedule: NoiseSchedule | None = None,
        known_names: KnownNames | None = None, name: str = CUSTOM_MODEL,
    ):
        super().__init__(dit, text_encoder, schedule)
        self.vae, self.name = vae, name
        self.known_names = known_names or KnownNames()
        self.refiner: Refiner | None = None  # corrects decoded coordinates (models/refiner.py)
        self.training: dict[str, Any] = {}  # training settings, if known
        self.default_styles: Sequence[str] = DEFAULT_STYLES  # of prompts that name none
        self.models: dict[str, SVGFusionPipeline] = {name: self}
        self._progress_bar: dict[str, Any] = {}

    # --- loading and saving ----------------------------------------------------------------------

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, *, vae: VPVAE | str | Path | None = None,
        dit: VSDiT | str | Path | None = None, text_encoder: TextEncoder | None = None,
        schedule: NoiseSchedule | None = None, device: str | torch.device = "cpu", vae_class: type[VPVAE] = VPVAE,
        dit_class: type[VSDiT] = VSDiT,
    ) -> Self:
        """Load a pipeline from pretrained weights.

        model: "line" or "emoji" (shipped), or a folder written by `save_pretrained`; None loads all shipped models and
        routes each prompt to one of them. vae and dit: two checkpoint files instead of a model, or objects that replace
        the model's parts, as text_encoder and schedule do. vae_class and dit_class: subclasses to load the files as.
        UserError for files that are missing, damaged or do not belong together.
        """
        if text_encoder is not None:
            name_encoder(text_encoder.name)
        if isinstance(vae, str | Path) or isinstance(dit, str | Path):
            if not (isinstance(vae, str | Path) and isinstance(dit, str | Path)):
                raise UserError("give both checkpoints, vae and dit (--vae_checkpoint, --dit_checkpoint), or neither")
            if model not in (None, DEFAULT_MODEL):  # which some stages have as default
                raise UserError(f"give the model {str(model)!r} or two checkpoints, not both")
            pipeline = cls._from_parts(load_checkpoint_parts(vae, dit, vae_class, dit_class), text_encoder, schedule)
        elif vae is not None and dit is not None and model is None:
            pipeline = cls(vae, dit, text_encoder, schedule)
        else:
            folders = model_folders(DEFAULT_MODEL if model is None and (vae or dit) is not None else model)
            overrides = (vae, dit, vae_class, dit_class)
            encoder_of = cache(load_text_encoder)  # models with the same encoder share it
            pipelines = []
            for name, folder in folders:
                parts = load_folder_parts(folder, *overrides)
                encoder = text_encoder or encoder_of(parts.dit.config.text_encoder)
                pipelines.append(cls._from_parts(parts, encoder, schedule, name))
            pipeline = pipelines[0]
            pipeline.models = {each.name: each for each in pipelines}
        return pipeline.to(device)

    @classmethod
    def _from_parts(
        cls, parts: Parts, text_encoder: TextEncoder | None, schedule: NoiseSchedule | None, name: str = CUSTOM_MODEL
    ) -> Self:
        pipeline = cls(parts.vae, parts.dit, text_encoder, schedule or parts.schedule, parts.known_names, name)
        pipeline.training, pipeline.default_styles = parts.training, parts.default_styles
        return pipeline

    def save_pretrained(
        self, folder: str | Path, dtype: torch.dtype = torch.bfloat16, nearest_name: bool = True
    ) -> Path:
        """Save model.safetensors, names.safetensors and model.json; several models each to a subfolder of its name.

        dtype: of the weights, torch.bfloat16 (as shipped) or torch.float32. nearest_name: also write names.safetensors,
        used for nearest-name lookup of unseen prompts (`SamplingConfig.nearest_name`).
        Returns the path of this model's weights.
        """
        if len(self.models) > 1:
            paths = {name: part._save(Path(folder) / name, dtype, nearest_name) for name, part in self.models.items()}
            return paths[self.name]
        return self._save(folder, dtype, nearest_name)

    def _save(self, folder: str | Path, dtype: torch.dtype, nearest_name: bool) -> Path:
        names = self.known_names
        table = {SCHEDULE_TABLE: self.schedule.alphas_cumprod}
        description = {
            "diffusion": {"num_steps": self.schedule.num_steps, "schedule": self.schedule.name},
            "training": self.training, "names": list(names.names),
        }
        if tuple(self.default_styles) != DEFAULT_STYLES:
            description["default_styles"] = list(self.default_styles)
        tensors = {}
        if nearest_name and names.vectors.numel():
            tensors["vectors"] = names.vectors
        if names.pictures is not None:
            pictures, about = names.pictures.pack()
            tensors, description = tensors | pictures, description | about
        return write_folder(folder, (self.vae, self.dit), dtype, table, description, tensors)

    def to(self, device: str | torch.device) -> Self:
        """Move all networks to a device; UserError if this machine does not have it."""
        target = check_device(str(device))
        for part in self.models.values():
            part.vae.to(target)
            part.dit.to(target)
            part.__dict__.pop("null_prompt", None)
        return self

    def with_parts(self, **parts: Any) -> "SVGFusionPipeline":
        """Copy the pipeline with some parts replaced: vae, dit, text_encoder, schedule, known_names or name.

        The copy is of this one model: `models` holds no other.
        """
        names = ("vae", "dit", "text_encoder", "schedule", "known_names", "name")
        copy = type(self)(**{name: getattr(self, name) for name in names} | parts)
        for name in ("training", "default_styles", "refiner", "_progress_bar"):
            setattr(copy, name, getattr(self, name))
        return copy

    # --- prompts to images -----------------------------------------------------------------------

    def __call__(
        self,
        prompt: str | Sequence[str],
        num_images_per_prompt: int = 1,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        style: str | None = None,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        callback: Progress | None = None,
        config: SamplingConfig | None = None,
    ) -> SVGFusionOutput:
        """Generate images for one or more prompts, each with the model it is routed to, or the best of several models.

        style: one of the model's styles or an icon pack's; None: the one named in the prompt ("..., lucide style").
        Image k of every prompt has seed `seed + k`; without a seed, seeds are drawn from `generator` or torch's global
        one. callback(step, steps) is called after every step; exceptions it raises stop the sampling. config: all other
        settings. The same prompt, seed and settings give the same drawing whatever else is in the batch, up to
        floating-point rounding.
        """
        prompts = [prompt] if isinstance(prompt, str) or not isinstance(prompt, Iterable) else list(prompt)
        check_prompts(prompts)
        if not isinstance(style, str | None):
            raise UserError(f"style is {style!r:.60}; it must be one name, for all prompts; name others in the prompts")
        changes: dict[str, Any] = {"num_inference_steps": num_inference_steps, "guidance_scale": guidance_scale}
        config = replace(
            config or SamplingConfig(), **{name: value for name, value in changes.items() if value is not None}
        )
        if not isinstance(num_images_per_prompt, Integral) or num_images_per_prompt < 1:
            raise UserError(
                f"num_images_per_prompt is {num_images_per_prompt!r:.60}; it must be a whole number of at least 1"
            )
        if not isinstance(generator, torch.Generator | None):
            raise UserError(f"generator must be a torch.Generator, not {generator!r:.60}")
        seeds = _seeds(len(prompts), num_images_per_prompt, seed, generator)  # one list per prompt
        groups: dict[tuple[str, int], list[int]] = {}  # (model, number of models sharing the candidates) -> prompts
        for i, each in enumerate(prompts):
            names = [part.name for part in self._candidate_models(each, style)[: config.candidates]]
            for name in names:
                groups.setdefault((name, len(names)), []).append(i)
        for name, _ in groups:  # fail before any work
            self.models[name].check(config, style)
        best: dict[tuple[int, int], SVGImage] = {}
        with progress_bar("drawing", **self._progress_bar) as bar:
            steps = _ProgressCounter(bar, callback)
            for (name, share), members in groups.items():
                jobs = [(i, k) for i in members for k in range(num_images_per_prompt)]
                drawings = self.models[name]._sample_raw(
                    [prompts[i] for i, _ in jobs], [seeds[i][k] for i, k in jobs],
                    replace(config, candidates=config.candidates // share),
                    progress=steps.next_model(), styles=[style] * len(jobs), always_score=share > 1,
                )
                for job, drawing in zip(jobs, drawings):
                    if job not in best or drawing.score > best[job].score:
                        best[job] = drawing
        return SVGFusionOutput([_postprocess(best[job], config) for job in sorted(best)], num_images_per_prompt)

    def set_progress_bar_config(self, **options: Any) -> None:
        """Set tqdm options of the progress bar; disable=True turns it off."""
        self._progress_bar = options

    def route(self, prompt: str, style: str | None = None) -> "SVGFusionPipeline":
        """Return the model most likely to draw a prompt: the one with the style, else chosen by its words."""
        return self._candidate_models(prompt, style)[0]

    def _candidate_models(self, prompt: str, style: str | None = None) -> list["SVGFusionPipeline"]:
        """Models that may draw a prompt, likeliest first; UserError for a style that no model knows."""
        styled = [part for part in self.models.values() if style and match_style(style, part.dit.config.styles)]
        if styled or len(self.models) == 1:
            return styled[:1] or [self]
        if style:
            find_style(style, self.styles or list(known_packs()))
        return [self.models[name] for name in models_for(prompt, style) if name in self.models] or [self]

    @property
    def styles(self) -> list[str]:
        """Styles of all models; [] if one has none, because such a model takes any pack's style as text."""
        styles = [part.dit.config.styles for part in self.models.values()]
        return list(dict.fromkeys(name for own in styles for name in own)) if all(styles) else []

    def unknown_words(self, prompt: str, style: str | None = None) -> list[str]:
        """Words of a prompt that none of its candidate models knows from its training names.

        Words that only select a model ("emoji") are left out. The last is a style that the prompt names but no model
        knows ("tabelr style").
        """
        words = emoji_to_text(prompt)
        unknown = [
            part.known_names.unknown_words(part.resolve_prompt(words)[0])
            for part in self._candidate_models(prompt, style)
        ]
        common = [word for word in unknown[0] if all(word in others for others in unknown) and word not in EMOJI_CUES]
        styles = self.styles
        other = unknown_style(words, styles) if style is None and styles else None
        return [*common, f"{other} style"] if other and other not in EMOJI_CUES else common

    def check(self, config: SamplingConfig, style: str | None = None) -> None:
        """Validate the number of steps and the style; UserError for too many steps or an unknown style."""
        if config.num_inference_steps > self.schedule.num_steps:
            raise UserError(
                f"num_inference_steps is {config.num_inference_steps}; the model has {self.schedule.num_steps}"
                " timesteps"
            )
        if style:
            self.resolve_prompt("", style)

    def resolve_prompt(self, prompt: str, style: str | None = None) -> tuple[str, str]:
        """Split a prompt into text and style condition for this model (reranking/routing.py)."""
        return resolve_prompt(prompt, style, self.dit.config.styles)

    def sample(
        self,
        prompts: str | Sequence[str],
        seeds: Sequence[int],
        config: SamplingConfig | None = None,
        lengths: Sequence[int] | None = None,
        progress: Progress | None = None,
        styles: Sequence[str | None] | None = None,
        always_score: bool = False,
        kept: int = 1,
    ) -> list[SVGImage]:
        """Generate one image per (prompt, seed) pair with this model; a lower-level `__call__`.

        lengths: latents per image, drawn from the length predictor if None. styles: for each prompt a style, NO_STYLE,
        or None for the one named in the prompt, else, in turn, the default_styles or others that have the name. Each
        image is the highest-ranked of config.candidates drawings with different seeds; with config.nearest_name every
        second candidate of an unseen prompt uses the nearest known name. always_score: run the ranker on single
        drawings too. kept: how many candidates to return per pair, best first.
        """
        config = config or SamplingConfig()
        drawings = self._sample_raw(prompts, seeds, config, lengths, progress, styles, always_score, kept)
        return [_postprocess(drawn, config) for drawn in drawings]

    def _sample_raw(
        self, prompts: str | Sequence[str], seeds: Sequence[int], config: SamplingConfig,
        lengths: Sequence[int] | None = None, progress: Progress | None = None,
        styles: Sequence[str | None] | None = None, always_score: bool = False, kept: int = 1,
    ) -> list[SVGImage]:
        """Like `sample`, before tidying and writing: svg is ""."""
        prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        if len(prompts) != len(seeds):
            raise ValueError(f"expected one seed per prompt: got {len(prompts)} prompts and {len(seeds)} seeds")
        if styles is not None and len(prompts) != len(styles):
            raise ValueError(f"expected one style per prompt: got {len(prompts)} prompts and {len(styles)} styles")
        check_prompts(prompts)
        seeds = [check_seeds(seed, 1) for seed in seeds]
        count = config.candidates
        pairs, known = list(zip(prompts, styles or [None] * len(prompts))), self.dit.config.styles
        resolved = [
            each for prompt, style in pairs
            for each in candidate_prompts(prompt, style, known, count, self._default_styles(prompt))
        ]
        words, drawn_styles = [text for text, _ in resolved], [style for _, style in resolved]
        to_draw = self._prompts_to_draw(words, config)
        prompt_of = [i for i in range(len(prompts)) for _ in range(count)]  # index of each drawing's prompt
        drawn = self._sample_rows(
            to_draw, [each for seed in seeds for each in candidate_seeds(seed, count)], config,
            None if lengths is None else [lengths[i] for i in prompt_of], progress, drawn_styles,
        )
        scores = similarity = np.zeros(len(drawn))
        examples = None
        if count > 1 or always_score:  # the ranker ignores style words
            if (pictures := self.known_names.pictures) is not None and pictures.ranker == self.ranker.fingerprint:
                examples = [self.known_names.examples(*each) for each in resolved]
            scores, similarity = self._judge(words, drawn, examples, config)
        if count > 1:
            self._improve_best(words, drawn, examples, scores, similarity, config)
        total = (scores + EXAMPLE_WEIGHT * similarity).reshape(-1, count)
        order = np.argsort(-total, axis=1, kind="stable")  # [prompts, count], best first

        def drawing(i: int, k: int) -> SVGImage:
            drawn_for, score = prompts[i] if to_draw[k] == words[k] else to_draw[k], float(scores[k])
            return SVGImage(prompts[i], seeds[i], drawn[k], "", drawn_for, resolved[k][1] or None, self.name, score)

        return [drawing(i, i * count + int(k)) for i, best in enumerate(order) for k in best[:kept]]

    def _judge(
        self, words: Sequence[str], drawn: Sequence[np.ndarray], examples: Sequence[Tensor | None] | None,
        config: SamplingConfig,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The ranker's scores [B] of drawings, and their similarity [B] to examples (`Ranker.judge`)."""
        svgs = [rows_to_svg(snap_to_grid(rows, config), config.canvas) for rows in drawn]
        return self.ranker.judge(words, svgs, examples)

    def _improve_best(
        self, words: Sequence[str], drawn: list[np.ndarray], examples: Sequence[Tensor | None] | None,
        scores: np.ndarray, similarity: np.ndarray, config: SamplingConfig,
    ) -> None:
        """Replace candidates, in place, by versions that rank higher than the best one of their prompt.

        Versions are symmetric or lack a part; those that lack one may become symmetric after all.
        """
        ranked = words, drawn, examples, scores, similarity, config
        every = range(len(words) // config.candidates)
        if config.symmetry:
            self._compete(every, symmetric_versions, *ranked, tried=SYMMETRY_TRIED)
        if config.simplify:
            simpler = self._compete(every, lambda rows, name: without_parts(rows), *ranked)
            if config.symmetry:
                self._compete(simpler, symmetric_versions, *ranked)

    def _compete(
        self, prompts: Sequence[int], versions_of: Callable[[np.ndarray, str], list[np.ndarray]],
        words: Sequence[str], drawn: list[np.ndarray], examples: Sequence[Tensor | None] | None,
        scores: np.ndarray, similarity: np.ndarray, config: SamplingConfig, tried: int = 1,
    ) -> list[int]:
        """One round of `_improve_best` for some prompts; returns those with a new best candidate.

        versions_of(rows, name) -> versions, of which one must rank VERSION_MARGIN higher than the best candidate.
        tried: candidates of which versions are made, if the name has several axes of symmetry; else of the best only.
        """
        total = (scores + EXAMPLE_WEIGHT * similarity).reshape(-1, config.candidates)  # [prompts, candidates]
        versions: list[tuple[int, np.ndarray]] = []  # candidate and rows
        for i in prompts:
            first = i * config.candidates
            order, name = np.argsort(-total[i], kind="stable"), strip_style(words[first])
            for k in first + order[: tried if axes_of(name) else 1]:
                versions += [(int(k), rows) for rows in versions_of(drawn[k], name)]
        prompt_of = np.array([k // config.candidates for k, _ in versions], dtype=int)  # [V]
        new_scores, new_similarity = self._judge(
            [words[k] for k, _ in versions], [rows for _, rows in versions],
            None if examples is None else [examples[k] for k, _ in versions], config,
        )
        new_total = new_scores + EXAMPLE_WEIGHT * new_similarity  # [V]
        improved = []
        for i in prompts:
            better = np.flatnonzero((prompt_of == i) & (new_total > total[i].max() + VERSION_MARGIN))
            if len(better):
                good = better[new_total[better] >= new_total[better].max() - SIMPLER_MARGIN]
                v = min(good, key=lambda v: (len(versions[v][1]), -new_total[v]))
                k, drawn[k] = versions[v]
                scores[k], similarity[k] = new_scores[v], new_similarity[v]
                improved.append(i)
        return improved

    def _prompts_to_draw(self, prompts: Sequence[str], config: SamplingConfig) -> list[str]:
        """Prompts of all drawings, config.candidates in a row for each.

        Every second one is a synonym or the nearest known name (`KnownNames.nearest`).
        """
        if config.candidates == 1 or not config.nearest_name:
            return list(prompts)
        unique = list(dict.fromkeys(prompts))
        nearest = dict(zip(unique, self.known_names.nearest(unique, self.text_encoder)))
        second = [k % config.candidates % 2 == 1 for k in range(len(prompts))]
        return [nearest[prompt] or prompt if other else prompt for prompt, other in zip(prompts, second)]

    def _default_styles(self, prompt: str) -> Sequence[str]:
        """Styles for a prompt that names none: those of default_styles that know its name, else two others that do.

        A fine-tuned model always draws in its own style.
        """
        if tuple(self.default_styles) != DEFAULT_STYLES:
            return self.default_styles
        knowing = self._styles_knowing(emoji_to_text(prompt))
        return [style for style in self.default_styles if style in knowing] or knowing[:2] or self.default_styles

    def _styles_knowing(self, prompt: str) -> list[str]:
        """Styles in which the model knows the prompt's name, the most frequent one first."""
        return [style for style in self.known_names.styles_of(prompt) if style in self.dit.config.styles]

    def _starts(
        self, prompts: Sequence[str], styles: Sequence[str], config: SamplingConfig
    ) -> list[tuple[str, str]]:
        """Text and style with which each drawing starts (`SamplingConfig.style_switch`).

        Every second candidate of a name that the model knows in other styles only starts in one of them, in turn.
        """
        starts = list(zip(prompts, styles))
        for k, (text, style) in enumerate(zip(prompts, styles)):
            number = k % config.candidates
            if config.style_switch and style and number % 2 == 1:
                knowing = self._styles_knowing(text)
                if knowing and style not in knowing:
                    starts[k] = self.resolve_prompt(text, knowing[number // 2 % len(knowing)])
        return starts

    @torch.no_grad()
    def _sample_rows(
        self, prompts: Sequence[str], seeds: Sequence[int], config: SamplingConfig, lengths: Sequence[int] | None,
        progress: Progress | None, styles: Sequence[str],
    ) -> list[np.ndarray]:
        """Draw one drawing per prompt, seed and style, as rows [L, 22]."""
        starts = self._starts(prompts, styles, config)
        row_of = {text: row for row, text in enumerate(dict.fromkeys([*prompts, *(text for text, _ in starts)]))}
        tokens, tokens_mask = self.encode_prompts(list(row_of))  # [b, S, C], [b, S]

        def condition(texts: Sequence[str], styles: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
            row = torch.tensor([row_of[text] for text in texts], device=tokens.device)
            return tokens[row], tokens_mask[row], self.encode_styles(styles)  # [B, S, C], [B, S], [B]

        context, context_mask, style = condition(prompts, styles)
        start = condition([text for text, _ in starts], [style for _, style in starts])
        if lengths is None:
            lengths = self.draw_lengths(*start[:2], seeds, config.length_temperature)
        batches = batches_by_length(lengths)
        drawn: dict[int, np.ndarray] = {}
        steps = config.num_inference_steps
        for number, batch in enumerate(batches):
            batch_lengths = [lengths[i] for i in batch]
            report = None if progress is None else partial(_report, progress, number * steps, len(batches) * steps)
            switches = any(starts[i] != (prompts[i], styles[i]) for i in batch)
            z = self.sample_latents(
                context[batch], context_mask[batch], [seeds[i] for i in batch], batch_lengths, config, report,
                style[batch], (start[0][batch], start[1][batch], start[2][batch]) if switches else None,
            )  # [b, N, Z]
            drawn |= dict(zip(batch, self.decode_rows(z, padding_of(batch_lengths).to(z.device))))
        return [drawn[i] for i in range(len(prompts))]

    def decode_latents(self, z: Tensor, config: SamplingConfig) -> list[np.ndarray]:
        """VAE latents [B, N, Z] -> snapped rows [L, 22] of each."""
        return [snap_to_grid(rows, config) for rows in self.decode_rows(z)]

    def decode_rows(self, z: Tensor, padding_mask: Tensor | None = None) -> list[np.ndarray]:
        """VAE latents [B, N, Z] -> rows [L, 22] of each, corrected by the refiner if there is one.

        padding_mask [B, N]: True = padding; None means no padding.
        """
        if padding_mask is None:
            padding_mask = torch.zeros(z.shape[:2], dtype=torch.bool, device=z.device)
        rows = [sanitize_rows(decoded) for decoded in self.vae.decode_rows(z, padding_mask)]
        return rows if self.refiner is None else [self.refiner.refine(each) for each in rows]

    # --- parts of a drawing ----------------------------------------------------------------------

    def known_styles(self, packs: Sequence[str]) -> list[str]:
        """Style to request for each pack; NO_STYLE for a pack that is not among the model's styles."""
        return [pack if pack in self.dit.config.styles else NO_STYLE for pack in packs]

    def can_draw(self, rows: np.ndarray) -> bool:
        """Whether rows [L, 22] need no more latents than the VS-DiT can draw."""
        config = self.vae.config
        chunks = rows_to_chunks(rows, config.layout, config.rows_per_latent, config.arcs)
        return len(chunks) <= self.dit.config.max_latents

    @cached_property
    def ranker(self) -> Ranker:
        """The ranker that chooses among candidates, loaded on first use."""
        return load_ranker(text_encoder=self.text_encoder)


def batches_by_length(lengths: Sequence[int]) -> list[list[int]]:
    """Group indices of drawings into batches of similar length: at most BATCH_SIZE, of one length beyond MAX_MIXED.

    Small batches cost as much as larger ones, so drawings of different lengths share one; in large batches the padding
    would cost more.
    """
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        batch = batches[-1] if batches else []
        if not batch or len(batch) == BATCH_SIZE or (len(batch) >= MAX_MIXED and lengths[i] != lengths[batch[-1]]):
            batches.append([])
        batches[-1].append(i)
    return batches


def snap_to_grid(rows: np.ndarray, config: SamplingConfig) -> np.ndarray:
    """Snap coordinates of rows [L, 22] near the grid of config.snap to it: fast tidying for candidates and edits."""
    return snap_rows(rows, 2 * config.snap / config.canvas) if config.snap else rows


def tidy_drawing(rows: np.ndarray, config: SamplingConfig, style: str = NO_STYLE) -> np.ndarray:
    """Tidy rows [L, 22] of a final drawing on the grid of its style (svgfusion_lib/tidying).

    Only snaps if config.tidy is 0.
    """
    if not config.tidy:
        return snap_to_grid(rows, config)
    rows = fit_canvas(rows, 0)  # MAX_TIDY_MOVE counts from here, however far outside the drawing was
    tidy_config = TidyConfig(noise=config.tidy, max_move=MAX_TIDY_MOVE, **style_grid(style))
    return fit_canvas(tidy_rows(rows, tidy_config).rows)


def _report(progress: Callable[[int, int], None], before: int, total: int, step: int, z_0: Tensor) -> None:
    """Report a sampler step as progress, after `before` steps of other batches."""
    progress(before + step + 1, total)


def _postprocess(drawn: SVGImage, config: SamplingConfig) -> SVGImage:
    """Tidy a chosen drawing on the grid of its style and write its SVG text."""
    rows = tidy_drawing(drawn.rows, config, drawn.style or NO_STYLE)
    return replace(drawn, rows=rows, svg=rows_to_svg(rows, config.canvas))


class _ProgressCounter:
    """Counts sampler steps across models for the progress bar and the caller's callback."""

    def __init__(self, bar: tqdm, callback: Progress | None):
        self._bar, self._callback, self._before, self._done = bar, callback, 0, 0

    def next_model(self) -> "_ProgressCounter":
        self._before = self._done
        return self

    def __call__(self, done: int, total: int) -> None:
        self._bar.total = self._before + total
        self._bar.update(self._before + done - self._done)
        self._done = self._before + done
        if self._callback is not None:
            self._callback(self._done, self._before + total)


def _seeds(prompts: int, count: int, seed: int | None, generator: torch.Generator | None) -> list[list[int]]:
    """Return `count` seeds per prompt."""
    if seed is not None:
        seed = check_seeds(seed, count)
        return [[seed + k for k in range(count)]] * prompts
    check_seeds(0, count)
    return torch.randint(2**62, (prompts, count), generator=generator).tolist()


def check_seeds(seed: int, num_samples: int) -> int:
    """Check the number of samples and that all seeds are in torch's range; UserError if not. Returns the first seed.

    It may be NumPy's integer, which neither torch nor JSON takes.
    """
    check_counts(num_samples=num_samples)
    if not isinstance(seed, Integral) or not 0 <= seed < 2**63 - num_samples:
        raise UserError(f"seed is {seed!r:.60}; it must be a whole number between 0 and 2**63")
    return int(seed)


def check_prompts(prompts: Sequence[str], max_characters: int = 1000) -> None:
    """Check prompts; UserError for one that is empty, not text, or too long for any text encoder."""
    if not prompts:
        raise UserError("no prompt given; use --prompt TEXT or --prompts FILE")
    for prompt in prompts:
        if not isinstance(prompt, str):
            raise UserError(f"a prompt is {prompt!r:.60}; it must be text")
        if not prompt.strip():
            raise UserError("a prompt is empty; say what to draw, for instance \"shopping cart, tabler style\"")
        if any("\ud800" <= character <= "\udfff" for character in prompt):  # bytes that are not UTF-8
            raise UserError(f"a prompt is not text: {prompt[:40]!r}; write it in UTF-8")
        if len(prompt) > max_characters:
            raise UserError(f"a prompt has {len(prompt)} characters (at most {max_characters}): {prompt[:40]!r} ...")
