"""Base class of the networks: built from a configuration, loaded by name."""

from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from svgfusion_lib.config import DEFAULT_MODEL, DiTConfig, RefinerConfig, VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pretrained import check_named
from svgfusion_lib.system.processes import check_device


class PretrainedModel(nn.Module):
    """A network built from its configuration, cls(config). Subclasses load as themselves."""

    kind: ClassVar[str]  # its name in checkpoints
    config_class: ClassVar[type[VAEConfig] | type[DiTConfig] | type[RefinerConfig]]
    config: Any

    @classmethod
    def from_pretrained(cls, model: str | Path = DEFAULT_MODEL, device: str | torch.device = "cpu") -> Self:
        """Load a shipped model ("line", "emoji"), a model folder or a checkpoint file, in eval mode."""
        from svgfusion_lib.models.checkpoint import load_weights

        return load_weights(cls, model).to(check_device(str(device)))


ModelT = TypeVar("ModelT", bound=PretrainedModel)


def build(cls: type[ModelT], config: dict, weights: dict[str, Tensor], source: str) -> ModelT:
    """Build a `cls` from a config dict and weights, in eval mode; UserError naming `source` if they do not match."""
    if cls.kind == "vpvae" and "arcs" not in config:  # saved before rows had arcs
        if config.get("head") == "continuous":  # its command ids are scaled differently
            raise UserError(f"{source}: made before rows had arcs, with a continuous head; retrain it")
        config = config | {"arcs": False}
    if cls.kind == "vsdit" and "length_width" not in config:  # saved when these were fixed
        config = config | {"length_width": 128, "length_dropout": 0.3}
    try:
        settings = cls.config_class.from_dict(config)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    if isinstance(settings, DiTConfig):
        check_named(settings.text_encoder, source)
    elif isinstance(settings, VAEConfig) and settings.pixel_fusion:
        check_named(settings.pixel_encoder, source)
    mismatch = f"{source}: weights do not match the {cls.kind} configuration"
    reason = _find_mismatch(settings, weights)
    if reason:
        raise UserError(f"{mismatch} ({reason})")
    try:
        with NoInit():  # skip initialisation: all weights are overwritten
            model = cls(settings)
        own = {name: tensor.dtype for name, tensor in model.state_dict().items()}
        model.load_state_dict({name: t.to(own.get(name, t.dtype)) for name, t in weights.items()}, assign=True)
    except RuntimeError as error:  # shape mismatches, and configurations too large for the memory
        reason = str(error).split("\n")[1].strip() if "\n" in str(error) else str(error)
        raise UserError(f"{mismatch} ({reason[:160]})") from error
    return model.eval()


class NoInit(TorchFunctionMode):
    """Turns torch.nn.init functions into no-ops. (The meta device would import a compiler, which takes seconds.)"""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def _find_mismatch(settings: VAEConfig | DiTConfig | RefinerConfig, weights: dict[str, Tensor]) -> str:
    """Cheap check before a possibly huge model is built: why the weights cannot match; "" if they can."""
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in weights.items()):
        return "not all of them are tensors"
    depth = settings.encoder_depth + settings.decoder_depth if isinstance(settings, VAEConfig) else settings.depth
    if depth > len(weights):
        return f"{depth} blocks, but only {len(weights)} tensors"
    if settings.width > max((size for tensor in weights.values() for size in tensor.shape), default=0):
        return f"no tensor has width {settings.width}"
    return ""
