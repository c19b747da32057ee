"""Checks of what a caller asks for: counts and devices."""

import torch

from svgfusion_lib.errors import UserError


def check_counts(**counts: int | None) -> None:
    """UserError naming the first of the given numbers that is below 1."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1")


def check_device(device: str) -> torch.device:
    """A usable torch device, or a UserError that says which ones this machine has."""
    available = ["cpu"]
    if torch.cuda.is_available():
        available += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        available.append("mps")
    if device not in available and not (device == "cuda" and len(available) > 1):
        raise UserError(f"device {device!r} is not on this machine; use one of: {', '.join(available)}")
    return torch.device(device)
