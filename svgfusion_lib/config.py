"""Configurations: frozen dataclasses with presets, stored in every checkpoint."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import ClassVar

from svgfusion_lib.errors import UserError
from svgfusion_lib.options import check_counts, check_known, check_types

SPLITS = ("train", "held_out", "unseen_pair", "held_out_pack")
COMMON = "common"  # group of evaluation: the most requested words, whatever the split of their icons
MAX_CANDIDATES = 64
DEFAULT_MODEL = "line"  # used for prompts that mention neither style nor colour


@dataclass(frozen=True)
class _Config:
    """Base of all configurations: conversion to and from dicts, with validation."""

    PRESETS: ClassVar[dict[str, dict]] = {}

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict):
        """Create a configuration from a dictionary; UserError for an unknown name or a value of the wrong type."""
        if not isinstance(values, Mapping):
            raise UserError(f"{cls.__name__}: must be a table of names and values, not {values!r:.60}")
        known = [f.name for f in fields(cls)]
        for name in values:
            check_known(name, known, f"{cls.__name__}: unknown field")
        check_types(values, cls, cls.__name__)
        return cls(**values)

    def _check_sizes(self, *names: str) -> None:
        """Check that sizes (`names`, width, heads) are at least 1 and that heads divide the width; UserError if not."""
        sizes = {name: getattr(self, name) for name in ("width", "heads", *names)}
        check_counts(**sizes)
        if sizes["width"] % sizes["heads"]:
            raise UserError(f"{type(self).__name__}: width {sizes['width']} is not divisible by {sizes['heads']} heads")

    def _check_choice(self, name: str, *choices: str) -> None:
        """Check that a field has one of the given values; UserError if not."""
        value = getattr(self, name)
        if value not in choices:
            known = " or ".join(map(repr, choices))
            raise UserError(f"{type(self).__name__}: {name} must be {known}, not {value!r:.60}")

    @classmethod
    def preset(cls, name: str, **changes):
        """Create a preset by name (PRESETS of the class), with some fields changed."""
        if name not in cls.PRESETS:
            raise UserError(f"{cls.__name__}: unknown preset {name!r}; known: {', '.join(cls.PRESETS)}")
        return cls.from_dict(cls.PRESETS[name] | changes)


@dataclass(frozen=True)
class VAEConfig(_Config):
    """VP-VAE (models/vpvae.py)."""

    layout: str = "path"           # "path": one latent per sub-path; "row": one per row (the specification)
    rows_per_latent: int = 16      # R; 1 for layout "row"
    arcs: bool = True              # rows have arcs; False: converted to cubics, for models made before arcs existed
    head: str = "hybrid"           # "hybrid": ids by cross-entropy; "continuous": tanh features (the specification)
    latent_width: int = 32         # learned channels of a latent
    width: int = 192               # D of encoder and decoder
    encoder_depth: int = 2
    decoder_depth: int = 3
    heads: int = 4
    row_width: int = 32            # width of one embedded row before R of them are joined
    max_latents: int = 512         # number of learned positions (layout "row")
    pixel_fusion: bool = True      # cross-attention to the pixel tokens of the rendering
    pixel_width: int = 320         # width of the pixel tokens; 320 for EfficientNet-Lite0
    pixel_encoder: str = "efficientnet-lite0"
    stage_tokens: bool = False     # a row sees the rendering of its own stage instead of the whole SVG

    PRESETS = {
        "tiny": {"latent_width": 24, "width": 96, "encoder_depth": 1, "decoder_depth": 2},
        "S": {},
        "B": {"latent_width": 48, "width": 384, "encoder_depth": 3, "decoder_depth": 4, "heads": 6},
        "reference": {  # as in the specification: one latent for each of 1,024 rows
            "layout": "row", "rows_per_latent": 1, "head": "continuous", "width": 384, "encoder_depth": 4,
            "decoder_depth": 4, "heads": 6, "max_latents": 1024,
        },
    }

    @classmethod
    def preset(cls, name: str, **changes):
        """Create a preset by name; layout "row" gets one row per latent unless changes override it."""
        if changes.get("layout") == "row":
            changes = {"rows_per_latent": 1} | changes
        return super().preset(name, **changes)

    def __post_init__(self):
        if self.layout not in ("row", "path") or self.head not in ("continuous", "hybrid"):
            raise UserError(f"VAEConfig: no layout {self.layout!r} with head {self.head!r}")
        if self.layout == "row" and self.rows_per_latent != 1:
            raise UserError(f"VAEConfig: layout 'row' has one row per latent, not {self.rows_per_latent}")
        if self.stage_tokens and not self.pixel_fusion:
            raise UserError("VAEConfig: stage_tokens needs pixel_fusion")
        self._check_sizes("rows_per_latent", "latent_width", "row_width", "max_latents", "pixel_width")


@dataclass(frozen=True)
class DiTConfig(_Config):
    """VS-DiT (models/vsdit.py)."""

    latent_width: int = 47         # Z, explicit + learned channels; taken from the VAE
    context_width: int = 384       # width of the text tokens; 384 for MiniLM
    text_encoder: str = "minilm"
    width: int = 240               # D
    depth: int = 6
    heads: int = 4
    mlp_ratio: float = 2.5
    patch_size: int = 1            # consecutive latents per token
    max_latents: int = 16          # largest N the model can draw
    prediction: str = "v"          # "epsilon" (the specification) or "v" (Salimans & Ho 2022, eq. 10)
    styles: tuple[str, ...] = ()   # names of the styles; (): no style condition
    length_width: int = 512        # of the length predictor (number of latents for a prompt)
    length_dropout: float = 0.0    # of the length predictor

    PRESETS = {  # S, B and L as in Peebles & Xie 2023, table 1
        "tiny": {"width": 128, "depth": 3},
        "mini": {},
        "mini2x": {"width": 320, "depth": 8, "heads": 5},
        "midi": {"width": 384, "depth": 9, "heads": 6, "mlp_ratio": 3.0},
        "S": {"width": 384, "depth": 12, "heads": 6, "mlp_ratio": 4.0},
        "B": {"width": 768, "depth": 12, "heads": 12, "mlp_ratio": 4.0},
        "L": {"width": 1024, "depth": 24, "heads": 16, "mlp_ratio": 4.0},
        "reference": {  # S, as in the specification
            "width": 384, "depth": 12, "heads": 6, "mlp_ratio": 4.0, "latent_width": 32, "max_latents": 1024,
            "prediction": "epsilon",
        },
    }

    def __post_init__(self):
        self._check_choice("prediction", "epsilon", "v")
        self._check_sizes("latent_width", "context_width", "depth", "patch_size", "max_latents", "length_width")
        if not 0 <= self.length_dropout < 1:
            raise UserError(f"DiTConfig: length_dropout must be at least 0 and below 1, not {self.length_dropout}")
        if not 0 < self.mlp_ratio < math.inf:
            raise UserError(f"DiTConfig: mlp_ratio must be above 0, not {self.mlp_ratio}")

    @classmethod
    def from_dict(cls, values: dict):
        if isinstance(values, Mapping) and isinstance(values.get("styles"), list):  # JSON has no tuples
            values = values | {"styles": tuple(values["styles"])}
        return super().from_dict(values)


@dataclass(frozen=True)
class RefinerConfig(_Config):
    """The refiner (models/refiner.py). Units: the canvas is 24 units wide."""

    width: int = 192               # D
    depth: int = 6
    heads: int = 6
    max_rows: int = 64             # L: longer drawings are left unchanged
    step: float = 0.05             # units between two grid lines
    farthest: float = 1.0          # units that a coordinate may move at most
    drop_above: float = 2.0        # logit above which a part is dropped

    PRESETS = {"tiny": {"width": 96, "depth": 2}, "S": {}}

    def __post_init__(self):
        self._check_sizes("depth", "max_rows")


@dataclass(frozen=True)
class DiffusionConfig(_Config):
    """Noise schedule (utils/diffusion.py)."""

    num_steps: int = 1000          # T
    schedule: str = "cosine"       # "cosine" (Nichol & Dhariwal 2021) or "linear" (Ho et al. 2020)

    def __post_init__(self):
        self._check_choice("schedule", "cosine", "linear")


@dataclass(frozen=True)
class TrainConfig(_Config):
    """Training loop (training/loop.py), shared by all models."""

    num_steps: int = 2000          # optimiser steps
    batch_size: int = 64
    optimizer: str = "adamw"       # or "muon" for the weight matrices of the blocks
    lr: float = 6.0e-4             # peak learning rate
    warmup_steps: int = 100
    final_lr: float = 0.05         # fraction of the peak at the last step (cosine decay)
    lr_decay: float = 1.0          # final share of the steps in which the rate decays; constant before
    weight_decay: float = 0.01
    ema_decay: float = 0.999
    max_grad_norm: float = 1.0
    seed: int = 0
    device: str = "cpu"
    bf16: bool = False             # autocast the forward pass to bfloat16
    accumulate: int = 1            # gradient accumulation: batches per optimiser step
    compile: bool = False          # torch.compile the model's forward pass
    log_every: int = 20
    val_every: int = 500           # steps between held-out losses
    checkpoint_every: int = 500    # steps between checkpoints
    checkpoint_seconds: float = 60  # longest time between checkpoints
    distinct: bool = False         # VP-VAE: unique chunks, mirrored or rotated, instead of whole SVGs
    partial_rate: float = 0.0      # VP-VAE: share of SVGs shown as one of their earlier stages
    kl_weight_max: float = 1.0e-4  # VP-VAE: KL weight after its linear warm-up
    kl_warmup_steps: int = 1000    # VP-VAE: length of the KL warm-up
    recon_mse_loss_weight: float = 1.0
    null_prompt_rate: float = 0.1  # VS-DiT: share of samples trained on the null prompt (and the null style)
    null_style_rate: float = 0.1   # VS-DiT: share trained on the null style, whatever the prompt
    timesteps: str = "uniform"     # VS-DiT: distribution, "uniform" or "laplace" (centred at log SNR 0)
    repeat_names: bool = False     # VS-DiT: a name shared by k SVGs is seen sqrt(k) times as often
    posterior_noise: float = 0.0   # VS-DiT: z0 = mean + posterior_noise * sigma * eps; 1 samples the posterior

    def __post_init__(self):
        check_types(self.__dict__, TrainConfig, "TrainConfig")
        check_counts(num_steps=self.num_steps, batch_size=self.batch_size)
        for name, value in self.to_dict().items():
            if isinstance(value, float) and not 0 <= value < math.inf:
                raise UserError(f"TrainConfig: {name} must be a finite number of at least 0, not {value}")
        if not 0 < self.lr_decay <= 1:
            raise UserError(f"TrainConfig: lr_decay must be above 0 and at most 1, not {self.lr_decay}")
        self._check_choice("timesteps", "uniform", "laplace")
        self._check_choice("optimizer", "adamw", "muon")


@dataclass(frozen=True)
class SamplingConfig(_Config):
    """Sampling (pipeline.py, generate.py)."""

    sampler: str = "dpm++"         # "dpm++": DPM-Solver++(2M), for few steps; "ddim" (the specification)
    num_inference_steps: int = 10  # denoising steps of either sampler
    guidance_scale: float = 2.0    # classifier-free guidance; 1: none
    guidance_low: float = 0.2      # guidance only at timesteps t with guidance_low <= t / T <= guidance_high
    guidance_high: float = 0.8     # (Kynkaanniemi et al. 2024, "a limited interval"); 0 and 1: everywhere
    eta: float = 0.0               # 0: deterministic DDIM; 1: as noisy as DDPM
    canvas: float = 24             # size of the output's viewBox
    snap: float = 0.5              # grid that coordinates of candidates and edits snap to, in canvas units; 0: off
    tidy: float = 0.15             # errors (canvas side 24) that tidying corrects in final drawings; 0: they only snap
    clip: float = 0.0              # bound on |z_0| estimates, in standard deviations of the latents; 0: off
    length_temperature: float = 0.5  # of the distribution of the number of latents; 0: the likeliest
    candidates: int = 8            # drawings per sample, of which the ranker keeps the best (reranking/ranker.py)
    adaptive: bool = True          # up to four times as many while none looks like real icons of the prompt's name
    nearest_name: bool = True      # draw half the candidates of an unseen prompt as the nearest known name
    # For a name known in other styles only: share of the timesteps, the noisiest, that half of the candidates spend in
    # one of those, which settles the composition; 0: off.
    style_switch: float = 0.25
    symmetry: bool = True          # also rank symmetric versions of the best candidate (reranking/symmetry.py)
    simplify: bool = True          # ... and versions without one of its parts (reranking/simpler.py)

    # Field names -> names on the command line and in TOML files, which follow the specification.
    FLAGS: ClassVar[dict[str, str]] = {
        "num_inference_steps": "ddim_steps", "guidance_scale": "cfg_scale", "guidance_low": "cfg_low",
        "guidance_high": "cfg_high",
    }

    @classmethod
    def from_dict(cls, values: dict):
        """Create a configuration from a dictionary keyed by field names or command-line flags."""
        if isinstance(values, Mapping):
            names = [f.name for f in fields(cls)]
            for name in values:
                check_known(name, [*cls.FLAGS.values(), *names], "SamplingConfig: unknown field", names)
            values = {cls.field_name(name): value for name, value in values.items()}
        return super().from_dict(values)

    @classmethod
    def field_name(cls, name: str) -> str:
        """Field name for a command-line flag; other names are returned unchanged."""
        return {flag: field for field, flag in cls.FLAGS.items()}.get(name, name)

    def __post_init__(self):
        check_types(self.__dict__, SamplingConfig, "SamplingConfig")
        for name, least, most in (
            ("candidates", 1, MAX_CANDIDATES), ("tidy", 0, 1), ("eta", 0, 1), ("style_switch", 0, 1)
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise UserError(f"SamplingConfig: {name} must be between {least} and {most}, not {value}")
        for name in ("snap", "clip", "length_temperature"):
            if getattr(self, name) < 0:
                raise UserError(f"SamplingConfig: {name} must be at least 0, not {getattr(self, name)}")
        if self.canvas <= 0:
            raise UserError(f"SamplingConfig: canvas must be above 0, not {self.canvas}")
        check_counts(num_inference_steps=self.num_inference_steps)
        self._check_choice("sampler", "ddim", "dpm++")
        if self.sampler == "dpm++" and self.eta:
            raise UserError(f"SamplingConfig: dpm++ is deterministic; eta {self.eta} needs the sampler ddim")
        if not 0 <= self.guidance_low <= self.guidance_high <= 1:
            raise UserError(
                "SamplingConfig: 0 <= guidance_low <= guidance_high <= 1 is required,"
                f" not {self.guidance_low} and {self.guidance_high}"
            )


@dataclass(frozen=True)
class EvaluationConfig(_Config):
    """Evaluation prompts and metrics (evaluation/evaluate.py, evaluation/sweep.py)."""

    num_prompts: int = 100         # per domain and split
    seed: int = 0                  # of the choice of prompts, and of the first sample
    splits: Sequence[str] | None = None  # None: all in the cache; the same for packs
    packs: Sequence[str] | None = None
    styles: bool = False           # also request the style of the icon's pack, if the model has styles
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    pixel_encoder: str = "efficientnet-lite0"  # for distances
    icon_head: str | None = None   # the evaluator, a file from train_icon_head; None: the shipped one
    max_reference: int = 500       # size of the reference set for distances
    device: str = "cpu"

    @classmethod
    def from_dict(cls, values: dict):
        if isinstance(values, Mapping) and "sampling" in values:
            values = values | {"sampling": SamplingConfig.from_dict(values["sampling"])}
        return super().from_dict(values)

    def __post_init__(self):
        if self.num_prompts < 2 or self.max_reference < 2:
            raise UserError(
                f"EvaluationConfig: num_prompts ({self.num_prompts}) and max_reference ({self.max_reference}) must be"
                " at least 2"
            )
