"""Learning rate schedule, optimisers (AdamW, Muon) and averaged weights (EMA)."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from svgfusion_lib.config import TrainConfig

MUON_RATE = 4.0  # Muon's learning rate relative to AdamW's (docs/runs.md, section 19)


def learning_rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up to config.lr, then cosine decay to final_lr * lr over the last lr_decay of the steps.

    With lr_decay below 1 the rate is constant in between (warmup-stable-decay, Hu et al. 2024, section 4), so a run can
    be extended later, or a copy of its state decayed from any step.
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    decay_steps = config.lr_decay * (config.num_steps - config.warmup_steps)
    progress = 1 - (config.num_steps - step) / max(1.0, decay_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))
    return config.lr * (config.final_lr + (1 - config.final_lr) * cosine)


class Optimizers:
    """Several optimizers that step as one."""

    def __init__(self, *parts: torch.optim.Optimizer):
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next step."""
        for group in self.param_groups:
            group["lr"] = rate * group.get("rate", 1.0)

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state; KeyError or ValueError if it is of other optimizers."""
        for part, own in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(own)


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for matrices [M, N]: momentum with orthogonalised updates.

    Updates at learning rate 1 have root mean square .2, as with AdamW (Liu et al. 2025, section 2.2). Like
    torch.optim.Muon, but in fp32 on CPUs that only emulate bf16, where a bf16 step takes twenty times as long.
    """

    MOMENTUM, ITERATIONS, COEFFICIENTS = 0.95, 5, (3.4445, -4.7750, 2.0315)

    def __init__(self, groups: list[dict[str, Any]], lr: float, weight_decay: float):
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                buffer = state["momentum_buffer"].lerp_(matrix.grad, 1 - self.MOMENTUM)
                direction = self.orthogonal(matrix.grad.lerp(buffer, self.MOMENTUM))  # Nesterov
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(direction.to(matrix), alpha=-0.2 * max(matrix.shape) ** 0.5 * group["lr"])

    def orthogonal(self, matrix: Tensor) -> Tensor:
        """Approximate U V^T of a matrix U S V^T [M, N] by Newton-Schulz iteration (singular values of .7 to 1.2)."""
        a, b, c = self.COEFFICIENTS
        wide = matrix.shape[0] <= matrix.shape[1]
        x = (matrix if wide else matrix.T).to(torch.bfloat16 if _has_bf16(matrix.device) else torch.float32)
        x = x / x.norm().clamp(min=1e-7)
        for _ in range(self.ITERATIONS):
            gram = x @ x.T  # [M, M]
            x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)  # [M, N]
        return x if wide else x.T


@cache
def _has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies natively in bf16."""
    found = torch.cpu.get_capabilities()
    return device.type != "cpu" or bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def make_optimizer(model: nn.Module, config: TrainConfig) -> Optimizers:
    """Create AdamW with weight decay on matrices only; with "muon", Muon for the weight matrices of all blocks.

    Muon gets MUON_RATE times the learning rate of AdamW.
    """
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    hidden = [p for name, p in trained if config.optimizer == "muon" and p.ndim == 2 and "blocks." in name]
    chosen = {id(p) for p in hidden}
    others = [p for _, p in trained if id(p) not in chosen]
    groups = [
        {"params": [p for p in others if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.99), fused=True)
    if not hidden:
        return Optimizers(adamw)
    groups = [{"params": hidden, "rate": MUON_RATE}]
    return Optimizers(adamw, Muon(groups, config.lr, config.weight_decay))


class EMA:
    """Exponential moving average of a model's state; the decay is warmed up as (1 + k) / (10 + k)."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                self.weights[name].lerp_(tensor, 1 - decay)
            else:
                self.weights[name].copy_(tensor)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[nn.Module]:
        """Context manager: the model in eval mode with the averaged weights; its own are restored on exit."""
        own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        training = model.training
        model.load_state_dict(self.weights)
        model.eval()
        try:
            yield model
        finally:
            model.load_state_dict(own)
            model.train(training)
