"""Flags shared by several stages."""

import argparse
import importlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from svgfusion_lib.config import DEFAULT_MODEL, SamplingConfig

if TYPE_CHECKING:
    from svgfusion_lib.pipeline import SVGFusionPipeline

Add = Callable[..., argparse.Action]


def count_or_all(text: str) -> int | None:
    """Parse a positive integer, or `all` as None."""
    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a positive whole number nor `all`")
    return int(text)


def number(text: str) -> float:
    """Parse a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def device(add: Add) -> None:
    add("--device", default="cpu", help="cpu, cuda, cuda:1, mps")


def checkpoints(add: Add, by_prompt: bool = False) -> None:
    """Flags that choose the model; by_prompt: without --model, the prompt chooses among the shipped models."""
    chosen = f"; default: chosen by the prompt, or {DEFAULT_MODEL} where there is none" if by_prompt else ""
    add("--model", default=None if by_prompt else DEFAULT_MODEL,
        help=f"a shipped model (line or emoji), or a folder written by `export`{chosen}")
    add("--vae_checkpoint", help="vpvae_final.pt, instead of --model")
    add("--dit_checkpoint", help="vsdit_final.pt, instead of --model")


def load_pipeline(options: dict) -> "SVGFusionPipeline":
    """Pop the values of `checkpoints` and `device` from the options and load their pipeline."""
    from svgfusion_lib.pipeline import SVGFusionPipeline

    model, vae, dit = (options.pop(name) for name in ("model", "vae_checkpoint", "dit_checkpoint"))
    return SVGFusionPipeline.from_pretrained(model, vae=vae, dit=dit, device=options.pop("device"))


def sampling(add: Add) -> None:
    """Sampler flags, read by `sampling_config`; defaults are those of SamplingConfig."""
    add("--sampler", choices=("ddim", "dpm++"), help="dpm++: DPM-Solver++(2M), for few steps")
    add("--ddim_steps", type=int, help="denoising steps, of either sampler")
    add("--cfg_scale", type=number, help="classifier-free guidance scale; 1: none")
    add("--cfg_low", type=number, help="lower end of the guidance interval, as a share of all timesteps; 0: no bound")
    add("--cfg_high", type=number, help="upper end of the guidance interval; 1: no bound")
    add("--eta", type=number, help="noise of ddim; 0: deterministic, 1: as noisy as DDPM")


def candidates(add: Add) -> None:
    """Flags of stages that draw prompts, read by `sampling_config`."""
    add("--candidates", type=int, default=SamplingConfig.candidates,
        help="drawings per sample, of which the ranker keeps the best; 1: no ranking")
    add("--adaptive", action=argparse.BooleanOptionalAction,
        help="for a known name, draw up to four times as many candidates while none looks like its real icons (on)")
    add("--nearest_name", action=argparse.BooleanOptionalAction,
        help="for an unseen prompt, draw half of the candidates as the nearest known name (on)")
    add("--style_switch", type=number,
        help="for a name known in other styles only, start half of the candidates in one of those, for this share of"
        " the timesteps; 0: off (0.25)")
    add("--symmetry", action=argparse.BooleanOptionalAction,
        help="also rank symmetric versions of the best candidate (on)")
    add("--simplify", action=argparse.BooleanOptionalAction,
        help="also rank versions of the best candidate without one of its parts (on)")
    add("--tidy", type=number,
        help="errors that tidying corrects in final drawings, on a canvas 24 wide; 0: none (0.15)")


def sampling_config(options: dict) -> SamplingConfig:
    """Pop the values of `sampling` and `candidates` from the options into a SamplingConfig."""
    names = (
        "sampler", *SamplingConfig.FLAGS.values(), "eta", "candidates", "adaptive", "nearest_name", "style_switch",
        "symmetry", "simplify", "tidy",
    )
    given = {name: options.pop(name) for name in names if name in options}
    return SamplingConfig.from_dict({name: value for name, value in given.items() if value is not None})


def training(add: Add, num_epochs: int) -> None:
    add("--batch_size", type=int, default=64)
    add("--num_epochs", type=int, default=num_epochs)
    add("--samples_seen", type=int, help="training budget in SVGs, instead of --num_epochs")
    add("--max_minutes", type=number, help="pause after that time (exit code 3); rerun the same command to resume")
    add("--output_dir", required=True, help="output folder; a stopped run resumes from it")
    add("--preset", default="tiny", help="model size (docs/models.md)")
    add("--seed", type=int, default=0)
    device(add)


# name -> (help, function that adds the flags, function that runs the stage)
Stages = dict[str, tuple[str, Callable[[Add], None], Callable[..., None]]]


def import_function(function: str) -> Callable:
    """Import a function of the library by name, such as "training.dit:train_dit"."""
    module, name = function.split(":")
    return getattr(importlib.import_module(f"svgfusion_lib.{module}"), name)


def print_result(function: str) -> Callable[..., None]:
    """Return a stage function that prints the result of a function of the library."""
    return lambda **options: print(import_function(function)(**options))
