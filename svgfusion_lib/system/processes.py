"""Device and processes of a training run, as started by `accelerate launch`.

A single process has a count of 1. Gradients are averaged explicitly instead of by a wrapper around the model, so the
model stays unwrapped and the loss may call any part of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.launch import rank_and_world_size


def check_device(device: str) -> torch.device:
    """Return a usable torch device, or raise a UserError that lists the available ones."""
    available = ["cpu"]
    if torch.cuda.is_available():
        available += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        available.append("mps")
    if device not in available and not (device == "cuda" and len(available) > 1):
        raise UserError(f"device {device!r} is not available; use one of: {', '.join(available)}")
    return torch.device(device)


def check_single_process(stage: str) -> None:
    """UserError under `accelerate launch`, where all processes would do the same work in the same folder."""
    if rank_and_world_size()[1] > 1:
        raise UserError(f"{stage} runs in one process; run it first, without `accelerate launch`")


@dataclass(frozen=True)
class Processes:
    """This process and its group. device: None if the launcher leaves the choice to the configuration."""

    rank: int = 0
    count: int = 1
    device: torch.device | None = None

    @classmethod
    def current(cls, device: str) -> "Processes":
        """Read this process's role from `accelerate launch`; a single process if started otherwise."""
        if rank_and_world_size()[1] == 1:
            return cls()
        from accelerate import PartialState

        state = PartialState(cpu=device == "cpu")
        return cls(state.process_index, state.num_processes, state.device)

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def share(self, batch: list[int]) -> list[int]:
        """This process's share of a batch; at least one item, so that all processes take the same steps."""
        return batch[self.rank :: self.count] or batch[-1:]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average gradients over all processes."""
        if self.count == 1:
            return
        from accelerate.utils import reduce

        gradients = []
        for parameter in parameters:
            if parameter.requires_grad:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                gradients.append(parameter.grad)
        flat = reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean")
        for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
            gradient.copy_(part.view_as(gradient))

    def all(self, flag: Tensor) -> bool:
        """Whether a flag [] is true in every process."""
        if self.count == 1:
            return bool(flag)
        from accelerate.utils import reduce

        return int(reduce(flag.to(torch.int32), "sum")) == self.count

    def wait(self) -> None:
        """Wait until every process has reached this point."""
        if self.count > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()
