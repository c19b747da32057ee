"""Checkpoints: dictionaries of tensors and plain values, never unpickled, written whole or not at all."""

import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from svgfusion_lib.config import DiTConfig, VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.system.files import Writer, atomic_path

VERSION = 1


def save_tensors(path: str | Path, kind: str, content: dict) -> Path:
    """Write a dictionary of tensors and plain values with its kind and format version, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        writer: Any = Writer(file)  # a file, as far as torch.save asks
        try:
            torch.save({"kind": kind, "version": VERSION} | content, writer)
        except RuntimeError as error:
            raise (writer.error or error) from error
    return Path(path)


def load_tensors(path: str | Path, kind: str, made_by: str, fields: Mapping[str, type | tuple] | None = None) -> dict:
    """Read what `save_tensors` wrote, checking the sums that the file has of all its parts.

    UserError if it is missing, truncated or damaged, of another kind or version, or lacks one of `fields` (names and
    types).
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `svgfusion {made_by}`")
    try:
        if not zipfile.is_zipfile(path):  # what torch.save writes; a bare pickle never is
            raise ValueError("another format, or cut short")
        _check_sums(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, LookupError, AttributeError, TypeError,
        zipfile.BadZipFile, MemoryError, AssertionError,
    ) as error:
        reason = (str(error).strip() or type(error).__name__).split("\n")[0][:120]
        raise UserError(f"{path}: not a readable {kind} file ({reason}); make it with `svgfusion {made_by}`") from error
    if not isinstance(content, dict) or content.get("kind") != kind:
        found = content.get("kind") if isinstance(content, dict) else type(content).__name__
        raise UserError(f"{path}: holds {str(found)[:60]!r}, not {kind!r}; make it with `svgfusion {made_by}`")
    if content.get("version") != VERSION:
        raise UserError(
            f"{path}: format version {content.get('version')}, this program reads {VERSION}; make it anew"
        )
    wrong = [name for name, kinds in (fields or {}).items() if not isinstance(content.get(name, ...), kinds)]
    if wrong:
        raise UserError(
            f"{path}: a {kind} file of an earlier version of this program, or damaged (no {', '.join(wrong)});"
            f" make it anew with `svgfusion {made_by}`"
        )
    return content


def _check_sums(path: Path) -> None:
    """ValueError for a part of the file whose CRC-32 is wrong; torch.load does not look at it."""
    with zipfile.ZipFile(path) as archive:
        if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
            raise ValueError("its parts are compressed, as torch never does")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its part {damaged} is damaged")


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
    content = load_tensors(path, kind, made_by, {"config": dict, "model": dict})
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
        settings = VAEConfig.from_dict(config) if kind == "vpvae" else DiTConfig.from_dict(config)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    misfit = f"{source}: weights do not fit the {kind} configuration"
    reason = _misfit(settings, weights)
    if reason:
        raise UserError(f"{misfit} ({reason})")
    try:
        model: VPVAE | VSDiT = VPVAE(settings) if isinstance(settings, VAEConfig) else VSDiT(settings)
        model.load_state_dict(weights)
    except RuntimeError as error:  # of sizes too: what the configuration asks for may be beyond the memory
        reason = str(error).split("\n")[1].strip() if "\n" in str(error) else str(error)
        raise UserError(f"{misfit} ({reason[:160]})") from error
    return model.eval()


def _misfit(settings: VAEConfig | DiTConfig, weights: dict[str, Tensor]) -> str:
    """Why these cannot be the weights of such a model, before one is built that may be huge; "" if they can."""
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in weights.items()):
        return "not all of them are tensors"
    depth = settings.encoder_depth + settings.decoder_depth if isinstance(settings, VAEConfig) else settings.depth
    if depth > len(weights):
        return f"{depth} blocks of {len(weights)} tensors"
    if settings.width > max((size for tensor in weights.values() for size in tensor.shape), default=0):
        return f"no tensor is {settings.width} wide"
    return ""


def weights_hash(model: nn.Module) -> str:
    """Short hash of a model's weights: a VS-DiT records the VP-VAE whose latents it draws."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
