"""Low-rank adaptation (Hu et al. 2021): a trained model changes by a little matrix product in each linear layer."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class LowRank(nn.Module):
    """weight [O, I] -> weight + up [O, R] @ down [R, I]; up begins with zeros, so nothing changes at first (eq. 3)."""

    def __init__(self, weight: Tensor, rank: int):
        super().__init__()
        out_width, in_width = weight.shape
        self.down = nn.Parameter(torch.randn(rank, in_width) / in_width**0.5)
        self.up = nn.Parameter(torch.zeros(out_width, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down  # [O, I]


def adapt(model: nn.Module, rank: int) -> None:
    """Freeze the model, and give all linear layers under it a low-rank change of that rank, which is trained."""
    model.requires_grad_(False)
    for module in list(model.modules()):
        if isinstance(module, nn.Linear):
            parametrize.register_parametrization(module, "weight", LowRank(module.weight, rank))


def merge(model: nn.Module) -> None:
    """Put the changes of `adapt` into the weights: the model is as it was before, but for their values."""
    for module in list(model.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
