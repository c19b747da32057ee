"""Checkpoints: dictionaries of tensors and plain values, never unpickled, written whole or not at all."""

import hashlib
import pickle
import zipfile
from pathlib import Path
from typing import Literal, overload

import torch
from torch import Tensor, nn

from svgfusion_lib.config import DiTConfig, VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.utils.files import atomic_path

VERSION = 1


def save_tensors(path: str | Path, kind: str, content: dict) -> Path:
    """Write a dictionary of tensors and plain values with its kind and format version, atomically."""
    with atomic_path(path) as temporary:
        torch.save({"kind": kind, "version": VERSION} | content, temporary)
    return Path(path)


def load_tensors(path: str | Path, kind: str, made_by: str) -> dict:
    """Read what `save_tensors` wrote. UserError if it is missing, truncated, or of another kind or version."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `svgfusion {made_by}`")
    if not zipfile.is_zipfile(path):  # what torch.save writes; a bare pickle never is
        raise UserError(f"{path}: not a {kind} file, or cut short; make it with `svgfusion {made_by}`")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, LookupError, AttributeError, TypeError
    ) as error:
        reason = str(error).strip().split("\n")[0][:120]
        raise UserError(f"{path}: not a readable {kind} file ({reason}); make it with `svgfusion {made_by}`") from error
    if not isinstance(content, dict) or content.get("kind") != kind:
        found = content.get("kind") if isinstance(content, dict) else type(content).__name__
        raise UserError(f"{path}: holds {found!r}, not {kind!r}; make it with `svgfusion {made_by}`")
    if content.get("version") != VERSION:
        raise UserError(
            f"{path}: format version {content.get('version')}, this program reads {VERSION}; make it anew"
        )
    return content


def save_model(path: str | Path, kind: str, model: VPVAE | VSDiT, weights: dict[str, Tensor], **more) -> Path:
    """Write a model's configuration and weights (its own or averaged ones), and `more` beside them."""
    weights = {name: tensor.detach().cpu() for name, tensor in weights.items()}
    return save_tensors(path, kind, {"config": model.config.to_dict(), "model": weights} | more)


@overload
def load_model(path: str | Path, kind: Literal["vpvae"], device: str = ...) -> tuple[VPVAE, dict]: ...
@overload
def load_model(path: str | Path, kind: Literal["vsdit"], device: str = ...) -> tuple[VSDiT, dict]: ...
def load_model(path: str | Path, kind: str, device: str = "cpu") -> tuple[VPVAE | VSDiT, dict]:
    """A VP-VAE ("vpvae") or VS-DiT ("vsdit") in eval mode, and the rest of its checkpoint."""
    made_by = {"vpvae": "train_vae", "vsdit": "train_dit"}[kind]
    content = load_tensors(path, kind, made_by)
    if not {"config", "model"} <= set(content):
        raise UserError(f"{path}: holds no configuration or no weights; make it with `svgfusion {made_by}`")
    model = build_model(kind, content["config"], content["model"], str(path))
    return model.to(device), content


@overload
def build_model(kind: Literal["vpvae"], config: dict, weights: dict[str, Tensor], source: str) -> VPVAE: ...
@overload
def build_model(kind: Literal["vsdit"], config: dict, weights: dict[str, Tensor], source: str) -> VSDiT: ...
@overload
def build_model(kind: str, config: dict, weights: dict[str, Tensor], source: str) -> VPVAE | VSDiT: ...
def build_model(kind: str, config: dict, weights: dict[str, Tensor], source: str) -> VPVAE | VSDiT:
    """Model of that kind from a plain config and weights; UserError naming `source` if they do not fit."""
    try:
        model: VPVAE | VSDiT
        if kind == "vpvae":
            model = VPVAE(VAEConfig.from_dict(config))
        else:
            model = VSDiT(DiTConfig.from_dict(config))
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).split("\n")[1].strip() if "\n" in str(error) else str(error)
        raise UserError(f"{source}: weights do not fit the {kind} configuration ({reason[:160]})") from error
    return model.eval()


def weights_hash(model: nn.Module) -> str:
    """Short hash of a model's weights: a VS-DiT records the VP-VAE whose latents it draws."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
