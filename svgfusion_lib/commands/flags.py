"""Flags that several stages share."""

import argparse
from collections.abc import Callable

Add = Callable[..., argparse.Action]


def count_or_all(text: str) -> int | None:
    """A number above 0, or None for `all`."""
    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number above 0 nor `all`")
    return int(text)


def device(add: Add) -> None:
    add("--device", default="cpu", help="cpu, cuda, cuda:1, mps")


def checkpoints(add: Add) -> None:
    add("--vae_checkpoint", help="vpvae_final.pt (default: the shipped model)")
    add("--dit_checkpoint", help="vsdit_final.pt (default: the shipped model)")


def training(add: Add, num_epochs: int) -> None:
    add("--batch_size", type=int, default=64)
    add("--num_epochs", type=int, default=num_epochs)
    add("--output_dir", required=True, help="also where a stopped run is continued")
    add("--preset", default="tiny", help="size of the model (docs/models.md)")
    add("--seed", type=int, default=0)
    device(add)


# name -> (help, add the flags, run with their values)
Stages = dict[str, tuple[str, Callable[[Add], None], Callable[..., None]]]
