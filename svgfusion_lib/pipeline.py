"""Prompts to SVG: text encoder -> VS-DiT with guidance -> VP-VAE decoder -> rows -> SVG text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from svgfusion_lib.config import DEFAULT_MODEL, DiffusionConfig, SamplingConfig
from svgfusion_lib.corpus.packs import find_style, known_packs, match_style, names_style, style_word, without_style
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import (
    JSON_NAME,
    NAMES_NAME,
    check_there,
    load_model,
    model_folder,
    model_of_folder,
    read_folder,
    read_tensors,
    shipped_models,
    weights_hash,
    write_folder,
)
from svgfusion_lib.models.pretrained import name_encoder
from svgfusion_lib.models.refiner import Refiner
from svgfusion_lib.models.text_encoder import TextEncoder, load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT, drop_prompts
from svgfusion_lib.options import check_counts
from svgfusion_lib.pipeline_output import SVGFusionOutput, SVGImage
from svgfusion_lib.reranking.known_names import KnownNames, check_names
from svgfusion_lib.reranking.ranker import Ranker, candidate_seeds, load_ranker
from svgfusion_lib.reranking.routing import models_for, spoken
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.system.progress import progress_bar
from svgfusion_lib.tidying import TidyConfig, tidy_rows
from svgfusion_lib.tidying.drawing import fit_canvas
from svgfusion_lib.utils.diffusion import NoiseSchedule, add_noise, make_schedule
from svgfusion_lib.utils.hybrid_utils import sanitize_rows, snap_rows
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.samplers import (
    Correct,
    Denoise,
    ddim_sample,
    dpm_solver_sample,
    estimator,
    guided,
    initial_noise,
    sampling_timesteps,
)
from svgfusion_lib.utils.tensorsvg import rows_to_svg

SAMPLES_KIND = "list of samples"  # what samples.json is
BATCH_SIZE = 64  # drawings at once
OWN_MODEL = "own"  # name of a pipeline that is not a shipped one
MAX_TIDY_MOVE = 2.0  # units of 24 that tidying may move what a model draws
NO_STYLE = ""  # the null style, whatever the prompt says
SCHEDULE_TABLE = "alphas_cumprod"

# progress(done, total) after every step of the sampler; what it raises ends the drawing
Progress = Callable[[int, int], None]


class SVGFusionPipeline:
    """Text to SVG.

        pipe = SVGFusionPipeline.from_pretrained()
        images = pipe("shopping cart, tabler style", num_images_per_prompt=4, seed=0).images

    vae, dit: the trained networks; text_encoder: by default the one that the VS-DiT was trained with; schedule: the
    noise schedule; known_names: names that the model knows; name: what `models` calls it. `models` holds all pipelines
    that prompts are shared out to, this one among them.
    """

    def __init__(
        self, vae: VPVAE, dit: VSDiT, text_encoder: TextEncoder | None = None, schedule: NoiseSchedule | None = None,
        known_names: KnownNames | None = None, name: str = OWN_MODEL,
    ):
        self.vae, self.dit, self.name = vae, dit, name
        self.schedule = schedule or make_schedule(DiffusionConfig())
        self.known_names = known_names or KnownNames()
        self.text_encoder = text_encoder or load_text_encoder(dit.config.text_encoder)
        if self.text_encoder.width != dit.config.context_width:
            raise UserError(
                f"text encoder {self.text_encoder.name!r} has width {self.text_encoder.width}, the VS-DiT was trained"
                f" with {dit.config.context_width}"
            )
        self.refiner: Refiner | None = None  # makes decoded coordinates exact (models/refiner.py)
        self.training: dict[str, Any] = {}  # settings of the trainings, as far as they are known
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
        """A pipeline from trained weights.

        model: "line" or "emoji", which are shipped, or a folder of `save_pretrained`; None: all shipped models, and
        each prompt is drawn by the one that it asks for. vae and dit: two checkpoint files in place of a model; or
        objects, as text_encoder and schedule, in place of the model's own parts. vae_class and dit_class: subclasses to
        build from the files. UserError for files that are missing, damaged or do not belong together.
        """
        if text_encoder is not None:
            name_encoder(text_encoder.name)
        if isinstance(vae, str | Path) or isinstance(dit, str | Path):
            if not (isinstance(vae, str | Path) and isinstance(dit, str | Path)):
                raise UserError("give both checkpoints, vae and dit (--vae_checkpoint, --dit_checkpoint), or neither")
            pipeline = cls._from_checkpoints(vae, dit, text_encoder, schedule, vae_class, dit_class)
        elif vae is not None and dit is not None and model is None:
            pipeline = cls(vae, dit, text_encoder, schedule)
        else:
            folders = _folders(DEFAULT_MODEL if model is None and (vae or dit) is not None else model)
            how = (vae, dit, text_encoder, schedule, vae_class, dit_class)
            parts = [cls._from_folder(name, folder, *how) for name, folder in folders]
            pipeline = parts[0]
            pipeline.models = {part.name: part for part in parts}
        return pipeline.to(device)

    @classmethod
    def _from_checkpoints(
        cls, vae_path: str | Path, dit_path: str | Path, text_encoder: TextEncoder | None,
        schedule: NoiseSchedule | None, vae_class: type[VPVAE], dit_class: type[VSDiT],
    ) -> Self:
        vae, vae_content = load_model(vae_path, "vpvae", cls=vae_class)
        dit, content = load_model(dit_path, "vsdit", cls=dit_class)
        if not isinstance(content.get("diffusion"), dict):
            raise UserError(f"{dit_path}: does not say how its noise was made; make it with `svgfusion train_dit`")
        if content.get("vae_hash") != weights_hash(vae):
            raise UserError(f"{dit_path}: was trained on latents of another VP-VAE than {vae_path}")
        known = KnownNames()
        if "names" in content:
            known = check_names(content["names"], content.get("name_vectors"), dit.config.context_width, str(dit_path))
        schedule = schedule or load_schedule(content["diffusion"], content.get(SCHEDULE_TABLE), str(dit_path))
        pipeline = cls(vae, dit, text_encoder, schedule, known)
        pipeline.training = {"vpvae": vae_content.get("train_config"), "vsdit": content.get("train_config")}
        return pipeline

    @classmethod
    def _from_folder(
        cls, name: str, folder: Path, vae: VPVAE | None, dit: VSDiT | None, text_encoder: TextEncoder | None,
        schedule: NoiseSchedule | None, vae_class: type[VPVAE], dit_class: type[VSDiT],
    ) -> Self:
        description, tensors = read_folder(folder)
        vae = vae or model_of_folder(vae_class, folder, description, tensors)
        dit = dit or model_of_folder(dit_class, folder, description, tensors)
        source = str(folder / JSON_NAME)
        schedule = schedule or load_schedule(description["diffusion"], tensors.get(SCHEDULE_TABLE), source)
        pipeline = cls(vae, dit, text_encoder, schedule, _load_names(folder, description, dit), name)
        pipeline.training = description.get("training") or {}
        return pipeline

    def save_pretrained(
        self, folder: str | Path, dtype: torch.dtype = torch.bfloat16, nearest_name: bool = True
    ) -> Path:
        """Write model.safetensors, names.safetensors and model.json; several models each into a folder of its name.

        dtype: of the weights, torch.bfloat16 (as shipped) or torch.float32. nearest_name: with names.safetensors, by
        which the model draws the nearest name for a prompt that it does not know (`SamplingConfig.nearest_name`).
        Returns the path of the weights of this model.
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
        vectors = names.vectors if nearest_name and names.names and names.vectors.numel() else None
        return write_folder(folder, (self.vae, self.dit), dtype, table, description, vectors)

    def to(self, device: str | torch.device) -> Self:
        """Move all networks; UserError for a device that this machine does not have."""
        target = check_device(str(device))
        for part in self.models.values():
            part.vae.to(target)
            part.dit.to(target)
            part.__dict__.pop("null_prompt", None)
        return self

    def with_parts(self, **parts: Any) -> "SVGFusionPipeline":
        """The same pipeline with other parts: vae, dit, text_encoder, schedule, known_names or name."""
        own = {name: getattr(self, name) for name in ("vae", "dit", "text_encoder", "schedule", "known_names", "name")}
        return type(self)(**own | parts)

    @property
    def device(self) -> torch.device:
        return self.dit.latent_mean.device

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
        """Draw images of one prompt or several, each by the model that it asks for, or by the one whose is best.

        style: of a model that has styles, or of an icon pack; None: the one that the prompt names ("..., lucide
        style"). Image k of every prompt has seed `seed + k`; without a seed they are drawn from the generator, or from
        torch's own. callback(step, steps) is called after every step; what it raises ends the drawing. config: all
        other settings. The same prompt, seed and settings give the same SVG whatever else is drawn with it.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        check_prompts(prompts)
        changes: dict[str, Any] = {"num_inference_steps": num_inference_steps, "guidance_scale": guidance_scale}
        config = replace(
            config or SamplingConfig(), **{name: value for name, value in changes.items() if value is not None}
        )
        seeds = _seeds(len(prompts), num_images_per_prompt, seed, generator)  # a list for each prompt
        groups: dict[tuple[str, int], list[int]] = {}  # (model, how many share the candidates) -> prompts
        for i, each in enumerate(prompts):
            names = [part.name for part in self._choices(each, style)[: config.candidates]]
            for name in names:
                groups.setdefault((name, len(names)), []).append(i)
        for name, _ in groups:  # refused before any work
            self.models[name].check(config, style)
        images: dict[tuple[int, int], SVGImage] = {}
        with progress_bar("drawing", **self._progress_bar) as bar:
            steps = _Steps(bar, callback)
            for (name, share), members in groups.items():
                jobs = [(i, k) for i in members for k in range(num_images_per_prompt)]
                drawn = self.models[name].sample(
                    [prompts[i] for i, _ in jobs], [seeds[i][k] for i, k in jobs],
                    replace(config, candidates=config.candidates // share),
                    progress=steps.next_model(), styles=[style] * len(jobs), scored=share > 1,
                )
                for job, image in zip(jobs, drawn):
                    if job not in images or image.score > images[job].score:
                        images[job] = image
        return SVGFusionOutput([images[job] for job in sorted(images)], num_images_per_prompt)

    def set_progress_bar_config(self, **options: Any) -> None:
        """Options of tqdm for the progress bar of a call; disable=True: none."""
        self._progress_bar = options

    def choose(self, prompt: str, style: str | None = None) -> "SVGFusionPipeline":
        """The likeliest model to draw a prompt: the one that has the style, else by its words."""
        return self._choices(prompt, style)[0]

    def _choices(self, prompt: str, style: str | None = None) -> list["SVGFusionPipeline"]:
        """The models that may draw a prompt, the likeliest first; UserError for a style that nobody knows."""
        styled = [part for part in self.models.values() if style and match_style(style, part.dit.config.styles)]
        if styled or len(self.models) == 1:
            return styled[:1] or [self]
        if style:
            own = [name for part in self.models.values() for name in part.dit.config.styles]
            find_style(style, [*known_packs(), *own])
        return [self.models[name] for name in models_for(prompt, style) if name in self.models] or [self]

    def unknown_words(self, prompt: str, style: str | None = None) -> list[str]:
        """The words of a prompt that none of the models that may draw it has among its names."""
        unknown = [part.known_names.unknown_words(spoken(prompt)) for part in self._choices(prompt, style)]
        return [word for word in unknown[0] if all(word in others for others in unknown)]

    def check(self, config: SamplingConfig, style: str | None = None) -> None:
        """UserError for more steps than the model has timesteps, and for a style that it does not know."""
        if config.num_inference_steps > self.schedule.num_steps:
            raise UserError(
                f"num_inference_steps is {config.num_inference_steps}; the model has {self.schedule.num_steps}"
                " timesteps"
            )
        if style:
            self.words_and_style("", style)

    def words_and_style(self, prompt: str, style: str | None = None) -> tuple[str, str]:
        """A prompt in a style, as this model is asked for it: words for the text encoder, and a style condition.

        The one place where style words of a prompt are read. "cart, tabler style" in style "lucide" is "cart, lucide
        style" to a model without styles. One with styles gets the condition beside the words, which are those of a
        pack's captions, or none if the style is no pack's. Without a style the prompt stays as it is, and its words say
        the condition; NO_STYLE: the null condition. UserError for a style that the model does not know.
        """
        prompt, known = spoken(prompt), self.dit.config.styles
        if style == NO_STYLE:
            return prompt, NO_STYLE
        if style is None:
            return prompt, next((name for name in known if names_style(prompt, style_word(name))), NO_STYLE)
        packs = known_packs()
        style = find_style(style, known or list(packs))
        words = f"{style_word(style) if style in packs else style} style" if style in packs or not known else ""
        bare = without_style(prompt)
        return (f"{bare}, {words}" if bare and words else bare), style if known else NO_STYLE

    def sample(
        self,
        prompts: str | Sequence[str],
        seeds: Sequence[int],
        config: SamplingConfig | None = None,
        lengths: Sequence[int] | None = None,
        progress: Progress | None = None,
        styles: Sequence[str | None] | None = None,
        scored: bool = False,
        kept: int = 1,
    ) -> list[SVGImage]:
        """One image by this model for each (prompt, seed) pair; `__call__` with all settings in the caller's hands.

        lengths: latents per image, drawn from the length predictor if None. styles: for each prompt a style, None for
        the one that it names, or NO_STYLE. Of config.candidates drawings with seeds of their own the one that shows its
        prompt best is kept; with config.nearest_name every second one is drawn for the nearest name that the model
        knows, if the prompt is none of them. scored: the ranker scores a single drawing too. kept: how many of the
        candidates are returned for each pair, the best one first.
        """
        prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        if len(prompts) != len(seeds):
            raise ValueError(f"one seed for each prompt: got {len(prompts)} prompts and {len(seeds)} seeds")
        if styles is not None and len(prompts) != len(styles):
            raise ValueError(f"one style for each prompt: got {len(prompts)} prompts and {len(styles)} styles")
        check_prompts(prompts)
        config = config or SamplingConfig()
        count = config.candidates
        asked = [self.words_and_style(*pair) for pair in zip(prompts, styles or [None] * len(prompts))]
        words = [text for text, _ in asked for _ in range(count)]  # of every drawing
        to_draw = self._words_to_draw(words, config)
        each = [i for i in range(len(prompts)) for _ in range(count)]  # of every drawing, which prompt it is for
        drawn = self._draw(
            to_draw, [own for seed in seeds for own in candidate_seeds(seed, count)], config,
            None if lengths is None else [lengths[i] for i in each], progress, [asked[i][1] for i in each],
        )
        scores = np.zeros(len(drawn))
        if count > 1 or scored:
            scores = self.ranker.scores(words, [rows_to_svg(snapped(rows, config), config.canvas) for rows in drawn])
        order = np.argsort(-scores.reshape(-1, count), axis=1, kind="stable")  # [prompts, count], the best one first

        def image(i: int, k: int) -> SVGImage:
            rows = tidied(drawn[k], config)
            drawn_for = prompts[i] if to_draw[k] == words[k] else to_draw[k]
            svg, score = rows_to_svg(rows, config.canvas), float(scores[k])
            return SVGImage(prompts[i], seeds[i], rows, svg, drawn_for, asked[i][1] or None, self.name, score)

        return [image(i, i * count + int(k)) for i, own in enumerate(order) for k in own[:kept]]

    def _words_to_draw(self, asked: Sequence[str], config: SamplingConfig) -> list[str]:
        """The prompts of all drawings, config.candidates of each in a row: every second one of the nearest name."""
        if config.candidates == 1 or not config.nearest_name:
            return list(asked)
        different = list(dict.fromkeys(asked))
        nearest = dict(zip(different, self.known_names.nearest(different, self.text_encoder)))
        second = [k % config.candidates % 2 == 1 for k in range(len(asked))]
        return [nearest[prompt] or prompt if other else prompt for prompt, other in zip(asked, second)]

    @torch.no_grad()
    def _draw(
        self, prompts: Sequence[str], seeds: Sequence[int], config: SamplingConfig, lengths: Sequence[int] | None,
        progress: Progress | None, styles: Sequence[str],
    ) -> list[np.ndarray]:
        """Rows [L, 22] of one drawing for each prompt, seed and style, in batches of equal length."""
        different = {prompt: row for row, prompt in enumerate(dict.fromkeys(prompts))}
        context, context_mask = self.encode_prompts(list(different))  # [b, S, C], [b, S]
        row = torch.tensor([different[prompt] for prompt in prompts], device=context.device)
        context, context_mask = context[row], context_mask[row]  # [B, S, C], [B, S]
        style = self.encode_styles(styles)  # [B]
        if lengths is None:
            lengths = self.draw_lengths(context, context_mask, seeds, config.length_temperature)
        members = {n: [i for i, own in enumerate(lengths) if own == n] for n in sorted(set(lengths))}
        batches = [(n, own[k : k + BATCH_SIZE]) for n, own in members.items() for k in range(0, len(own), BATCH_SIZE)]
        drawn: dict[int, np.ndarray] = {}
        steps = config.num_inference_steps
        for number, (length, batch) in enumerate(batches):
            report = None if progress is None else partial(_report, progress, number * steps, len(batches) * steps)
            z = self.sample_latents(
                context[batch], context_mask[batch], [seeds[i] for i in batch], length, config, report, style[batch]
            )  # [b, N, Z]
            drawn |= dict(zip(batch, self.decode_rows(z)))
        return [drawn[i] for i in range(len(prompts))]

    def decode_latents(self, z: Tensor, config: SamplingConfig) -> list[np.ndarray]:
        """Latents [B, N, Z] of the VAE -> snapped rows [L, 22] of each."""
        return [snapped(rows, config) for rows in self.decode_rows(z)]

    def decode_rows(self, z: Tensor) -> list[np.ndarray]:
        """Latents [B, N, Z] of the VAE -> rows [L, 22] of each, made exact by the refiner if there is one."""
        mask = torch.zeros(z.shape[:2], dtype=torch.bool, device=z.device)
        rows = [sanitize_rows(decoded) for decoded in self.vae.decode_rows(z, mask)]
        return rows if self.refiner is None else [self.refiner.refine(own) for own in rows]

    # --- parts of a drawing ----------------------------------------------------------------------

    def encode_prompts(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Text tokens [B, S, C] and padding mask [B, S] on the models' device."""
        context, mask = self.text_encoder.encode(list(prompts))
        return context.to(self.device), mask.to(self.device)

    def encode_styles(self, styles: Sequence[str]) -> Tensor:
        """int64 [B] for the VS-DiT: 1 + index of each style (`words_and_style`), 0 for NO_STYLE."""
        known = self.dit.config.styles
        return torch.tensor([1 + known.index(name) if name else 0 for name in styles], device=self.device)

    def known_styles(self, packs: Sequence[str]) -> list[str]:
        """Of each pack its style, to be asked for; NO_STYLE for a pack that the model was not trained on as a style."""
        return [pack if pack in self.dit.config.styles else NO_STYLE for pack in packs]

    def can_draw(self, rows: np.ndarray) -> bool:
        """Are these rows [L, 22] of no more latents than the VS-DiT draws?"""
        config = self.vae.config
        chunks = rows_to_chunks(rows, config.layout, config.rows_per_latent, config.arcs)
        return len(chunks) <= self.dit.config.max_latents

    @cached_property
    def null_prompt(self) -> tuple[Tensor, Tensor]:
        """Text tokens [S, C] and padding mask [S] of the empty prompt, encoded once."""
        context, mask = self.encode_prompts([""])
        return context[0], mask[0]

    @cached_property
    def ranker(self) -> Ranker:
        """What chooses among candidates, loaded when asked."""
        return load_ranker(text_encoder=self.text_encoder)

    @torch.no_grad()
    def draw_lengths(
        self, context: Tensor, context_mask: Tensor, seeds: Sequence[int], temperature: float
    ) -> list[int]:
        """Number of latents per sample, drawn from p(n | prompt) ** (1 / temperature); 0 takes the likeliest."""
        logits = self.dit.length_predictor(context, context_mask).cpu()  # [B, max_latents]
        if temperature == 0:
            return (logits.argmax(-1) + 1).tolist()
        probabilities = (logits / temperature).softmax(-1)
        generators = (torch.Generator().manual_seed(seed) for seed in seeds)
        return [int(torch.multinomial(p, 1, generator=g)) + 1 for p, g in zip(probabilities, generators)]

    @torch.no_grad()
    def sample_latents(
        self,
        context: Tensor,
        context_mask: Tensor,
        seeds: Sequence[int],
        length: int,
        config: SamplingConfig,
        callback: Callable[[int, Tensor], None] | None = None,
        style: Tensor | None = None,
    ) -> Tensor:
        """Latents [B, length, Z] of the VAE for B prompts (context [B, S, C], context_mask [B, S], style [B])."""
        denoise = self.denoiser(context, context_mask, config, style)
        return self.solve(denoise, seeds, length, config, callback)

    def denoiser(
        self, context: Tensor, context_mask: Tensor, config: SamplingConfig, style: Tensor | None = None
    ) -> Denoise:
        """What the samplers call, with guidance, for B prompts (context [B, S, C], context_mask [B, S], style [B]).

        The prompts are encoded here, once for all timesteps. Outside the guidance interval of the config the null
        prompt is left out, half of the work.
        """
        if not self.dit.config.styles:
            style = None
        if config.guidance_scale == 1:
            prompts = self.dit.encode_prompts(context, context_mask)
            return lambda z, t: self.dit.denoise(z, _times(z, t), prompts, style=style)
        low, high = (share * self.schedule.num_steps for share in (config.guidance_low, config.guidance_high))
        count = len(context)
        drop = torch.arange(2 * count, device=context.device) >= count  # second half: the null prompt
        both = drop_prompts(context.repeat(2, 1, 1), context_mask.repeat(2, 1), drop, *self.null_prompt)
        prompts = self.dit.encode_prompts(*both)
        conditional = prompts.first(count)
        both_style = None if style is None else style.repeat(2).masked_fill(drop, 0)  # [2 B]

        def denoise(z: Tensor, t: int) -> Tensor:
            if not low <= t <= high:
                return self.dit.denoise(z, _times(z, t), conditional, style=style)
            z = z.repeat(2, 1, 1)  # [2 B, N, Z]
            output = self.dit.denoise(z, _times(z, t), prompts, style=both_style)  # [2 B, N, Z]
            with_prompt, without = output.chunk(2)  # [B, N, Z] each
            return guided(with_prompt, without, config.guidance_scale)

        return denoise

    @torch.no_grad()
    def solve(
        self,
        denoise: Denoise,
        seeds: Sequence[int],
        length: int,
        config: SamplingConfig,
        callback: Callable[[int, Tensor], None] | None = None,
        origin: Tensor | None = None,
        strength: float = 1.0,
        correct: Correct | None = None,
    ) -> Tensor:
        """Latents [B, length, Z] of the VAE, one sample for each seed, by the sampler that the config says.

        strength below 1 begins with the latents `origin` [length, Z] noised to that share of all timesteps, and
        takes that share of the steps. correct works on normalised latents (utils/samplers.py).
        """
        noise, generators = initial_noise(list(seeds), length, self.dit.config.latent_width)
        z, start, steps = noise.to(self.dit.latent_mean), None, config.num_inference_steps  # [B, N, Z]
        if strength < 1:
            if origin is None:
                raise ValueError("strength below 1 needs the latents to begin with")
            start = max(round(strength * self.schedule.num_steps) - 1, 0)
            steps = min(max(round(strength * steps), 1), start + 1)
            z_0 = self.dit.normalize(origin).expand_as(z)
            z, _ = add_noise(z_0, torch.full((len(z),), start, device=z.device), self.schedule, z)  # [B, N, Z]
        report = None if callback is None else lambda i, z0: callback(i, self.dit.denormalize(z0))
        estimate = estimator(denoise, self.schedule, self.dit.config.prediction, config.clip, correct)
        timesteps = sampling_timesteps(self.schedule.num_steps, steps, start)
        if config.sampler == "dpm++":
            z = dpm_solver_sample(estimate, z, self.schedule, timesteps, report)
        else:
            z = ddim_sample(estimate, z, self.schedule, timesteps, config.eta, generators, report)
        return self.dit.denormalize(z)


def snapped(rows: np.ndarray, config: SamplingConfig) -> np.ndarray:
    """Rows [L, 22] with coordinates near the grid of config.snap on it: a quick tidying, for candidates and edits."""
    return snap_rows(rows, 2 * config.snap / config.canvas) if config.snap else rows


def tidied(rows: np.ndarray, config: SamplingConfig) -> np.ndarray:
    """Rows [L, 22] of a drawing that is kept, tidied (svgfusion_lib/tidying); snapped if config.tidy is 0."""
    if not config.tidy:
        return snapped(rows, config)
    rows = fit_canvas(rows, 0)  # however far outside it was drawn: the rules' bound counts from here
    return fit_canvas(tidy_rows(rows, TidyConfig(noise=config.tidy, max_move=MAX_TIDY_MOVE)).rows)


def _report(progress: Callable[[int, int], None], before: int, total: int, step: int, z_0: Tensor) -> None:
    """A sampler's step as progress, `before` steps of other batches being done."""
    progress(before + step + 1, total)


def _times(z: Tensor, t: int) -> Tensor:
    """Timestep t for each of z [B, N, Z] -> int64 [B]."""
    return torch.full((len(z),), t, device=z.device)


class _Steps:
    """Counts the steps of one model after another, on the bar and for the caller's callback."""

    def __init__(self, bar: tqdm, callback: Progress | None):
        self._bar, self._callback, self._before, self._done = bar, callback, 0, 0

    def next_model(self) -> "_Steps":
        self._before = self._done
        return self

    def __call__(self, done: int, total: int) -> None:
        self._bar.total = self._before + total
        self._bar.update(self._before + done - self._done)
        self._done = self._before + done
        if self._callback is not None:
            self._callback(self._done, self._before + total)


def _seeds(prompts: int, count: int, seed: int | None, generator: torch.Generator | None) -> list[list[int]]:
    """Seeds of `count` images for each prompt."""
    if seed is not None:
        check_seeds(seed, count)
        return [[seed + k for k in range(count)]] * prompts
    check_seeds(0, count)
    return torch.randint(2**62, (prompts, count), generator=generator).tolist()


def check_seeds(seed: int, num_samples: int) -> None:
    """UserError unless there is a sample to draw and seeds from `seed` on are in torch's range."""
    check_counts(num_samples=num_samples)
    if not 0 <= seed < 2**63 - num_samples:
        raise UserError(f"seed is {seed}; it must be between 0 and 2**63")


def check_prompts(prompts: Sequence[str], max_characters: int = 1000) -> None:
    """UserError for a prompt that is empty or far too long for any text encoder here."""
    if not prompts:
        raise UserError("no prompt given; use --prompt TEXT or --prompts FILE")
    for prompt in prompts:
        if not prompt.strip():
            raise UserError("a prompt is empty; say what to draw, for instance \"shopping cart, tabler style\"")
        if any("\ud800" <= character <= "\udfff" for character in prompt):  # bytes that are no UTF-8
            raise UserError(f"a prompt is not text: {prompt[:40]!r}; write it in UTF-8")
        if len(prompt) > max_characters:
            raise UserError(f"a prompt has {len(prompt)} characters (at most {max_characters}): {prompt[:40]!r} ...")


def load_schedule(diffusion: Mapping[str, Any], table: Tensor | None, source: str) -> NoiseSchedule:
    """The schedule that a checkpoint was trained with: its table [T], or the named one where the file has no table."""
    if table is None:
        return make_schedule(DiffusionConfig.from_dict(dict(diffusion)))
    if not (isinstance(table, Tensor) and table.ndim == 1 and len(table) and bool(((table > 0) & (table <= 1)).all())):
        raise UserError(f"{source}: its noise schedule is no list of numbers between 0 and 1; make it anew")
    return NoiseSchedule(table.double(), str(diffusion.get("schedule", "own")))


def _folders(model: str | Path | None) -> list[tuple[str, Path]]:
    """Names and folders of a model, or of all models of a folder; None: all shipped ones."""
    if model is None:
        return [(name, model_folder(name)) for name in shipped_models()]
    folder = model_folder(model)
    inside = sorted(path.parent for path in folder.glob(f"*/{JSON_NAME}"))
    if inside and not (folder / JSON_NAME).is_file():
        return sorted(((path.name, path) for path in inside), key=lambda pair: pair[0] != DEFAULT_MODEL)
    return [(str(model), folder)]


def _load_names(folder: Path, description: dict, dit: VSDiT) -> KnownNames:
    """The names that the model of a folder knows; UserError for a file that is damaged or missing."""
    path = folder / NAMES_NAME
    if "names_sha256" not in description:  # exported without, or by an earlier version
        return check_names(description.get("names", []), torch.zeros(0, 0), 0, str(path))
    check_there(path)
    vectors = read_tensors(path, description["names_sha256"]).get("vectors")
    return check_names(description.get("names"), vectors, dit.config.context_width, str(path))
