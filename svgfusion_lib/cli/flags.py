"""Flags that several stages share."""

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
    """A number above 0, or None for `all`."""
    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number above 0 nor `all`")
    return int(text)


def number(text: str) -> float:
    """A number, neither infinite nor nan."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number")
    return value


def device(add: Add) -> None:
    add("--device", default="cpu", help="cpu, cuda, cuda:1, mps")


def checkpoints(add: Add, by_prompt: bool = False) -> None:
    """Which models; by_prompt: without --model, a prompt chooses among the shipped ones."""
    chosen = "; default: the one that the prompt asks for" if by_prompt else ""
    add("--model", default=None if by_prompt else DEFAULT_MODEL,
        help=f"line or emoji, which are shipped, or a folder that `export` wrote{chosen}")
    add("--vae_checkpoint", help="vpvae_final.pt, in place of --model")
    add("--dit_checkpoint", help="vsdit_final.pt, in place of --model")


def load_pipeline(options: dict) -> "SVGFusionPipeline":
    """Takes the values of `checkpoints` and `device` out of the options and loads the pipeline that they say."""
    from svgfusion_lib.pipeline import SVGFusionPipeline

    model, vae, dit = (options.pop(name) for name in ("model", "vae_checkpoint", "dit_checkpoint"))
    return SVGFusionPipeline.from_pretrained(model, vae=vae, dit=dit, device=options.pop("device"))


def sampling(add: Add) -> None:
    """How prompts are drawn; what is not given is as in SamplingConfig. Read by `sampling_config`."""
    add("--sampler", choices=("ddim", "dpm++"), help="dpm++: DPM-Solver++(2M), for few steps")
    add("--ddim_steps", type=int, help="of either")
    add("--cfg_scale", type=number, help="guidance; 1: none")
    add("--cfg_low", type=number, help="guidance only at timesteps from this share of all")
    add("--cfg_high", type=number, help="... to this one; 0 and 1: everywhere")
    add("--eta", type=number, help="of ddim; 0: deterministic, 1: as noisy as DDPM")


def candidates(add: Add) -> None:
    """Flags of stages that draw prompts; read by `sampling_config`."""
    add("--candidates", type=int, default=SamplingConfig.candidates,
        help="drawings of which the one that shows the prompt best is kept; 1: none is chosen")
    add("--nearest_name", action=argparse.BooleanOptionalAction,
        help="half of the candidates for a prompt that the model does not know are of the nearest name that it knows"
             " (on)")
    add("--tidy", type=number, help="errors, in units of 24, that tidying puts right in what is kept; 0: none (0.15)")


def sampling_config(options: dict) -> SamplingConfig:
    """Takes the values of `sampling` and `candidates` out of the options and makes a SamplingConfig of them."""
    names = ("sampler", *SamplingConfig.FLAGS.values(), "eta", "candidates", "nearest_name", "tidy")
    given = {name: options.pop(name) for name in names if name in options}
    return SamplingConfig.from_dict({name: value for name, value in given.items() if value is not None})


def training(add: Add, num_epochs: int) -> None:
    add("--batch_size", type=int, default=64)
    add("--num_epochs", type=int, default=num_epochs)
    add("--samples_seen", type=int, help="the budget in SVGs seen, in place of --num_epochs")
    add("--max_minutes", type=number, help="pause after that time (exit code 3); rerun the same command to resume")
    add("--output_dir", required=True, help="also where a stopped run is continued")
    add("--preset", default="tiny", help="size of the model (docs/models.md)")
    add("--seed", type=int, default=0)
    device(add)


# name -> (help, add the flags, run with their values)
Stages = dict[str, tuple[str, Callable[[Add], None], Callable[..., None]]]


def library(function: str) -> Callable:
    """A function of the library by its name, "training.dit:train_dit", imported when it is needed."""
    module, name = function.split(":")
    return getattr(importlib.import_module(f"svgfusion_lib.{module}"), name)


def printed(function: str) -> Callable[..., None]:
    """A run that prints what a function of `library` returns."""
    return lambda **options: print(library(function)(**options))
