"""What every training optimises with: learning rate, AdamW, averaged weights."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from svgfusion_lib.config import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up to config.lr, then cosine decay to final_lr * lr over the last lr_decay of the steps.

    With lr_decay below 1 the rate is constant in between (warmup-stable-decay, Hu et al. 2024, section 4): such a run
    can be made longer after the fact, and a copy of its state finished at any step.
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    decay_steps = config.lr_decay * (config.num_steps - config.warmup_steps)
    progress = 1 - (config.num_steps - step) / max(1.0, decay_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))
    return config.lr * (config.final_lr + (1 - config.final_lr) * cosine)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; only matrices decay, not biases, norms and gains."""
    trained = [p for p in model.parameters() if p.requires_grad]
    decayed, others = [p for p in trained if p.ndim >= 2], [p for p in trained if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.99), fused=True)


class EMA:
    """Exponential moving average of a model's state; the decay warms up as (1 + k) / (10 + k)."""

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
        """The model in eval mode with the averaged weights; its own come back afterwards."""
        own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        training = model.training
        model.load_state_dict(self.weights)
        model.eval()
        try:
            yield model
        finally:
            model.load_state_dict(own)
            model.train(training)
