"""Prompts to SVG: prompt -> latents (latent_sampler.py) -> VP-VAE decoder -> rows -> SVG text.

Related modules: loading.py (loading), pipeline_output.py (outputs), reranking/routing.py (model and style of a prompt).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, cached_property
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.config import DEFAULT_MODEL, SamplingConfig
from svgfusion_lib.corpus.packs import (
    find_style,
    known_packs,
    match_style,
    style_grid,
    unknown_style,
)
from svgfusion_lib.errors import UserError
from svgfusion_lib.latent_sampler import LatentSampler
from svgfusion_lib.loading import SCHEDULE_TABLE, Parts, load_checkpoint_parts, load_folder_parts, model_folders
from svgfusion_lib.models.checkpoint import write_folder
from svgfusion_lib.models.refiner import Refiner
from svgfusion_lib.models.text_encoder import TextEncoder, as_text_encoder, load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.options import check_counts, check_types
from svgfusion_lib.pipeline_output import SVGFusionOutput, SVGImage
from svgfusion_lib.reranking.candidates import (
    Candidate,
    Contest,
    best_first,
    improve_best,
    judge,
    most_needed,
    number_needed,
)
from svgfusion_lib.reranking.known_names import KnownNames
from svgfusion_lib.reranking.ranker import Ranker, candidate_seeds, load_ranker
from svgfusion_lib.reranking.routing import (
    DEFAULT_STYLES,
    EMOJI_CUES,
    NO_STYLE,
    candidate_prompts,
    emoji_to_text,
    models_for,
    resolve_prompt,
)
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.system.progress import progress_bar, reporter
from svgfusion_lib.tidying import TidyConfig, tidy_rows
from svgfusion_lib.tidying.drawing import fit_canvas, snap_to_grid
from svgfusion_lib.utils.dataset import padding_of
from svgfusion_lib.utils.diffusion import NoiseSchedule
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.tensorsvg import rows_to_svg

SAMPLES_KIND = "list of samples"  # description of samples.json
BATCH_SIZE = 64  # drawings per batch
MAX_MIXED = 16   # ... of different lengths
CUSTOM_MODEL = "own"  # name of a pipeline whose model is not a shipped one
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
        self, vae: VPVAE, dit: VSDiT, text_encoder: str | TextEncoder | None = None,
        schedule: str | NoiseSchedule | None = None, known_names: KnownNames | None = None, name: str = CUSTOM_MODEL,
    ):
        super().__init__(dit, text_encoder, schedule)
        if vae.latent_width != dit.config.latent_width:
            raise UserError(
                f"the VP-VAE has latents of width {vae.latent_width}, but the VS-DiT was trained with"
                f" {dit.config.latent_width}"
            )
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
        dit: VSDiT | str | Path | None = None, text_encoder: str | TextEncoder | None = None,
        schedule: str | NoiseSchedule | None = None, device: str | torch.device = "cpu", vae_class: type[VPVAE] = VPVAE,
        dit_class: type[VSDiT] = VSDiT,
    ) -> Self:
        """Load a pipeline from pretrained weights.

        model: "line" or "emoji" (shipped), or a folder written by `save_pretrained`; None loads all shipped models and
        routes each prompt to one of them. vae and dit: two checkpoint files instead of a model, or objects that replace
        the model's parts, as text_encoder and schedule do, which may also be names. vae_class and dit_class: subclasses
        to load the files as. UserError for files that are missing, damaged or do not belong together.
        """
        check_types({"model": model, "vae": vae, "dit": dit}, cls.from_pretrained, cls.__name__)
        if text_encoder is not None:
            text_encoder = as_text_encoder(text_encoder)
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
        cls, parts: Parts, text_encoder: TextEncoder | None, schedule: str | NoiseSchedule | None,
        name: str = CUSTOM_MODEL,
    ) -> Self:
        schedule = parts.schedule if schedule is None else schedule
        pipeline = cls(parts.vae, parts.dit, text_encoder, schedule, parts.known_names, name)
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
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise UserError(f"dtype is {dtype!r:.60}; it must be torch.bfloat16 or torch.float32")
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
        if not isinstance(config, SamplingConfig | None):
            raise UserError(f"config must be a SamplingConfig, not {config!r:.60}")
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
        begun: dict[tuple[int, int], list[tuple[str, Contest]]] = {}  # (prompt, image) -> contest of each model
        finals: dict[tuple[str, int], list[Contest]] = {group: [] for group in groups}
        chosen: list[tuple[str, Contest]] = []
        with progress_bar("drawing", **self._progress_bar) as bar:
            steps = _StepCounter(reporter(bar, callback))
            for (name, share), members in groups.items():
                jobs = [(i, k) for i in members for k in range(num_images_per_prompt)]
                contests = self.models[name]._begin(
                    [prompts[i] for i, _ in jobs], [seeds[i][k] for i, k in jobs], _shared(config, share), steps,
                    [style] * len(jobs), always_judge=share > 1,
                )
                for job, contest in zip(jobs, contests):
                    begun.setdefault(job, []).append((name, contest))
            for job in sorted(begun):  # the model with the best candidate goes on
                name, contest = max(begun[job], key=lambda each: (each[1].best.is_recognised, each[1].best.score))
                finals[name, len(begun[job])].append(contest)
                chosen.append((name, contest))
            for (name, share), contests in finals.items():
                self.models[name]._finish(contests, _shared(config, share), steps)
        images = [self.models[name]._image(contest, contest.best) for name, contest in chosen]
        return SVGFusionOutput([_postprocess(image, config) for image in images], num_images_per_prompt)

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
        kept: int = 1,
    ) -> list[SVGImage]:
        """Generate one image per (prompt, seed) pair with this model; a lower-level `__call__`.

        lengths: latents per image, drawn from the length predictor if None. styles: for each prompt a style, NO_STYLE,
        or None for the one named in the prompt, else, in turn, the default_styles or others that have the name. Each
        image is the highest-ranked of config.candidates drawings with different seeds; with config.nearest_name every
        second candidate of an unseen prompt uses the nearest known name. kept: how many candidates to return per pair,
        best first.
        """
        prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        if len(prompts) != len(seeds):
            raise ValueError(f"expected one seed per prompt: got {len(prompts)} prompts and {len(seeds)} seeds")
        styles = [None] * len(prompts) if styles is None else styles
        if len(prompts) != len(styles):
            raise ValueError(f"expected one style per prompt: got {len(prompts)} prompts and {len(styles)} styles")
        check_prompts(prompts)
        seeds = [check_seeds(seed, 1) for seed in seeds]
        config = config or SamplingConfig()
        steps = None if progress is None else _StepCounter(progress)
        contests = self._begin(prompts, seeds, config, steps, styles, lengths)
        self._finish(contests, config, steps)
        chosen = [self._image(contest, each) for contest in contests for each in best_first(contest.drawn)[:kept]]
        return [_postprocess(image, config) for image in chosen]

    def _begin(
        self, prompts: Sequence[str], seeds: Sequence[int], config: SamplingConfig, steps: "_StepCounter | None",
        styles: Sequence[str | None], lengths: Sequence[int] | None = None, always_judge: bool = False,
    ) -> list[Contest]:
        """Draw config.candidates candidates per prompt. always_judge: run the ranker on single ones too."""
        sources = self._candidates(prompts, styles, seeds, lengths, config)
        contests = [Contest(*each) for each in zip(prompts, seeds, sources)]
        self._draw_more(contests, config, steps, judged=config.candidates > 1 or always_judge)
        return contests

    def _finish(self, contests: Sequence[Contest], config: SamplingConfig, steps: "_StepCounter | None") -> None:
        """Draw more candidates where the best one is no good."""
        while self._draw_more(contests, config, steps):
            pass

    def _draw_more(
        self, contests: Sequence[Contest], config: SamplingConfig, steps: "_StepCounter | None", judged: bool = True
    ) -> bool:
        """Draw and judge the candidates that each contest needs, and let versions of new best ones compete.

        False if none needs any.
        """
        new = []
        for contest in contests:
            more = contest.source[len(contest.drawn) : number_needed(contest.drawn, config)]
            contest.drawn += more
            new += more
        if not new:
            return False
        self._draw(new, config, steps)
        if judged:
            judge(self.ranker, new, config)
        if config.candidates > 1:
            improve_best(self.ranker, [contest.drawn for contest in contests if contest.best in new], config)
        return True

    def _image(self, contest: Contest, chosen: Candidate) -> SVGImage:
        """A candidate as an image, before tidying and writing: svg is ""."""
        drawn_for = contest.prompt if chosen.drawn_for == chosen.text else chosen.drawn_for
        return SVGImage(
            contest.prompt, contest.seed, chosen.rows, "", drawn_for, chosen.style or None, self.name, chosen.score,
            None if chosen.examples is None else chosen.similarity, chosen.is_doubtful,
        )

    def _candidates(
        self, prompts: Sequence[str], styles: Sequence[str | None], seeds: Sequence[int],
        lengths: Sequence[int] | None, config: SamplingConfig,
    ) -> list[list[Candidate]]:
        """All candidates that each prompt may need, to be drawn.

        Every second one is of the nearest known name or a synonym (`KnownNames.nearest`), or starts in another style
        that has the name: if the style asked for lacks it, or if no earlier one was recognised. A known name is drawn
        for a synonym of the style only among the first config.candidates.
        """
        count, names = most_needed(config), self.known_names
        resolved = [
            candidate_prompts(prompt, style, self.dit.config.styles, count, self._default_styles(prompt))
            for prompt, style in zip(prompts, styles)
        ]
        nearest: dict[tuple[str, str], str | None] = {}
        if config.candidates > 1 and config.nearest_name:
            inputs = list(dict.fromkeys(each for own in resolved for each in own))
            texts, wanted = zip(*inputs)
            nearest = dict(zip(inputs, names.nearest(texts, self.text_encoder, wanted)))
        if config.candidates == 1 or names.pictures is None or names.pictures.ranker != self.ranker.fingerprint:
            names = KnownNames()
        examples = cache(names.examples)
        candidates = []
        for i, own in enumerate(resolved):
            candidates.append([
                Candidate(number, seed, text, text, style, examples(text, style), lengths[i] if lengths else None)
                for number, (seed, (text, style)) in enumerate(zip(candidate_seeds(seeds[i], count), own))
            ])
            for each in candidates[-1][1::2]:
                near = nearest.get((each.text, each.style))
                if near and (each.number < config.candidates or self.known_names.familiarity(each.text) != "known"):
                    each.drawn_for = near
                each.start = self._start(each, config)
        return candidates

    def _start(self, candidate: Candidate, config: SamplingConfig) -> tuple[str, str] | None:
        """Text and style of another style that has a candidate's name, to start in (`SamplingConfig.style_switch`)."""
        text, style = candidate.drawn_for, candidate.style
        knowing = self._styles_knowing(text) if config.style_switch and style else []
        others = [name for name in knowing if name != style]
        if others and (style not in knowing or candidate.number >= config.candidates):
            return self.resolve_prompt(text, others[candidate.number // 2 % len(others)])
        return None

    def _default_styles(self, prompt: str) -> Sequence[str]:
        """Styles for a prompt that names none: those of default_styles that know its name or a synonym.

        Else two others that know it. A fine-tuned model always draws in its own style.
        """
        if tuple(self.default_styles) != DEFAULT_STYLES:
            return self.default_styles
        name = emoji_to_text(prompt)
        knowing, synonyms = self._styles_knowing(name), self.known_names.synonyms
        usual = [style for style in self.default_styles if style in knowing or synonyms(name, style)]
        return usual or knowing[:2] or self.default_styles

    def _styles_knowing(self, prompt: str) -> list[str]:
        """Styles in which the model knows the prompt's name, the most frequent one first."""
        return [style for style in self.known_names.styles_of(prompt) if style in self.dit.config.styles]

    @torch.no_grad()
    def _draw(self, candidates: Sequence[Candidate], config: SamplingConfig, steps: "_StepCounter | None") -> None:
        """Sample and decode candidates: sets their rows [L, 22]."""
        inputs = [(each.drawn_for, each.style) for each in candidates]
        starts = [each.start or own for each, own in zip(candidates, inputs)]
        row_of = {text: row for row, text in enumerate(dict.fromkeys(text for text, _ in inputs + starts))}
        tokens, tokens_mask = self.encode_prompts(list(row_of))  # [b, S, C], [b, S]

        def condition(inputs: Sequence[tuple[str, str]]) -> tuple[Tensor, Tensor, Tensor]:
            row = torch.tensor([row_of[text] for text, _ in inputs], device=tokens.device)
            return tokens[row], tokens_mask[row], self.encode_styles([style for _, style in inputs])  # [B, S, C], ...

        context, context_mask, style = condition(inputs)
        start = condition(starts)
        predicted = self.draw_lengths(*start[:2], [each.seed for each in candidates], config.length_temperature)
        lengths = [length if each.length is None else each.length for each, length in zip(candidates, predicted)]
        batches = batches_by_length(lengths)
        if steps is not None:
            steps.next_run(len(batches) * config.num_inference_steps)
        for batch in batches:
            own, batch_lengths = [candidates[i] for i in batch], [lengths[i] for i in batch]
            z = self.sample_latents(
                context[batch], context_mask[batch], [each.seed for each in own], batch_lengths, config,
                None if steps is None else steps.step, style[batch],
                (start[0][batch], start[1][batch], start[2][batch]) if any(each.start for each in own) else None,
            )  # [b, N, Z]
            for each, rows in zip(own, self.decode_rows(z, padding_of(batch_lengths).to(z.device))):
                each.rows = rows

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


def tidy_drawing(rows: np.ndarray, config: SamplingConfig, style: str = NO_STYLE) -> np.ndarray:
    """Tidy rows [L, 22] of a final drawing on the grid of its style (svgfusion_lib/tidying).

    Only snaps if config.tidy is 0.
    """
    if not config.tidy:
        return snap_to_grid(rows, config)
    rows = fit_canvas(rows, 0)  # MAX_TIDY_MOVE counts from here, however far outside the drawing was
    tidy_config = TidyConfig(noise=config.tidy, max_move=MAX_TIDY_MOVE, **style_grid(style))
    return fit_canvas(tidy_rows(rows, tidy_config).rows)


def _shared(config: SamplingConfig, share: int) -> SamplingConfig:
    """The config for one of `share` models that share the candidates of a prompt."""
    return replace(config, candidates=config.candidates // share)


def _postprocess(drawn: SVGImage, config: SamplingConfig) -> SVGImage:
    """Tidy a chosen drawing on the grid of its style and write its SVG text."""
    rows = tidy_drawing(drawn.rows, config, drawn.style or NO_STYLE)
    return replace(drawn, rows=rows, svg=rows_to_svg(rows, config.canvas))


class _StepCounter:
    """Counts sampler steps over several runs; report(done, total) is called after every step.

    The total is that of the runs begun so far.
    """

    def __init__(self, report: Progress):
        self._report, self._done, self._total = report, 0, 0

    def next_run(self, steps: int) -> None:
        self._total += steps

    def step(self, *_: object) -> None:
        self._done += 1
        self._report(self._done, self._total)


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
