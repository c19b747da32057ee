"""How fast a training is against the roof of its machine, and how long it waits for its batches."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def roof(device: torch.device, dtype: torch.dtype, repeats: int = 3) -> float:
    """Floating-point operations a second of one large matrix product: the best of a few, measured here and now."""
    size = 768 if device.type == "cpu" else 8192
    a = torch.ones(size, size, device=device, dtype=dtype)
    seconds = []
    for _ in range(1 + repeats):
        before = time.perf_counter()
        result = a @ a
        result[0, 0].item()  # wait until it is there
        seconds.append(time.perf_counter() - before)
    return 2 * size**3 / min(seconds[1:])


class Meter:
    """Latents a second, the share of the roof in use, and the share of time spent waiting, since the last reading.

    The share in use is the model FLOPs utilisation (Chowdhery et al. 2022, appendix B), with 6 operations a step for
    each weight and latent (Kaplan et al. 2020, section 2.1).
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, model: nn.Module):
        self.roof = roof(device, dtype)
        self.flops_per_latent = 6 * sum(parameter.numel() for parameter in model.parameters())
        self.latents, self.waited = 0, 0.0
        self._since = time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the wait for a batch."""
        before = time.perf_counter()
        yield
        self.waited += time.perf_counter() - before

    def count(self, padding_mask: Tensor) -> None:
        """Count the latents of a batch by its mask [B, N], on the CPU."""
        self.latents += int((~padding_mask).sum())

    def read(self) -> dict[str, float]:
        """Figures for the log; counts anew from here."""
        seconds = max(time.perf_counter() - self._since, 1e-9)
        rate, waited = self.latents / seconds, self.waited / seconds
        self.latents, self.waited, self._since = 0, 0.0, time.perf_counter()
        mfu = rate * self.flops_per_latent / self.roof
        return {"latents_per_second": round(rate, 1), "mfu": round(mfu, 4), "data_wait": round(waited, 4)}
