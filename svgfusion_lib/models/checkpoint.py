"""Checkpoints of a training (.pt), and folders of safetensors that hold a finished model.

A checkpoint is a dictionary of tensors and plain values. It is written whole or not at all, and never unpickled.
"""

import hashlib
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import torch
from torch import Tensor, nn

from svgfusion_lib.config import DEFAULT_MODEL
from svgfusion_lib.errors import UserError, first_line
from svgfusion_lib.models.base import PretrainedModel, build
from svgfusion_lib.models.pretrained import PRETRAINED_DIR
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.svg import row_format
from svgfusion_lib.system.files import Writer, read_json, write_bytes, write_json
from svgfusion_lib.system.launch import launched
from svgfusion_lib.system.outputs import atomic_path, output_set, settle

VERSION = 1
WEIGHTS_NAME, NAMES_NAME, JSON_NAME = "model.safetensors", "names.safetensors", "model.json"
DESCRIPTION = "description of a model"
_MADE_BY = {"vpvae": "train_vae", "vsdit": "train_dit", "refiner": "train_refiner"}
MODELS: dict[str, type[VPVAE] | type[VSDiT]] = {"vpvae": VPVAE, "vsdit": VSDiT}
ModelT = TypeVar("ModelT", bound=PretrainedModel)


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
        reason = first_line(error)[:120]
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


def save_model(path: str | Path, kind: str, model: PretrainedModel, weights: dict[str, Tensor], **more) -> Path:
    """Write a model's configuration and weights (its own or averaged ones), and `more` beside them.

    Of several processes that train together the first one writes.
    """
    if launched()[0] == 0:
        weights = {name: tensor.detach().cpu() for name, tensor in weights.items()}
        save_tensors(path, kind, {"config": model.config.to_dict(), "model": weights} | more)
    return Path(path)


@overload
def load_model(
    path: str | Path, kind: Literal["vpvae"], device: str = ..., cls: type[VPVAE] | None = ...
) -> tuple[VPVAE, dict]: ...
@overload
def load_model(
    path: str | Path, kind: Literal["vsdit"], device: str = ..., cls: type[VSDiT] | None = ...
) -> tuple[VSDiT, dict]: ...
def load_model(
    path: str | Path, kind: str, device: str = "cpu", cls: type[VPVAE] | type[VSDiT] | None = None
) -> tuple[VPVAE | VSDiT, dict]:
    """A VP-VAE ("vpvae") or VS-DiT ("vsdit"), or a subclass `cls`, in eval mode, and the rest of its checkpoint."""
    content = load_tensors(path, kind, _MADE_BY[kind], {"config": dict, "model": dict})
    return build(cls or MODELS[kind], content["config"], content["model"], str(path)).to(device), content


def weights_hash(model: nn.Module) -> str:
    """Short hash of a model's weights: a VS-DiT records the VP-VAE whose latents it draws."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


# --- folders of a finished model: model.safetensors and model.json -----------------------------------


def shipped_models() -> list[str]:
    """Names of the shipped models, DEFAULT_MODEL first."""
    found = {path.parent.name for path in PRETRAINED_DIR.glob(f"*/{JSON_NAME}")}
    return sorted(found, key=lambda name: (name != DEFAULT_MODEL, name))


def model_folder(model: str | Path) -> Path:
    """Folder of a shipped model by its name, or the folder given; UserError if there is neither."""
    folder = PRETRAINED_DIR / model if str(model) in shipped_models() else Path(model)
    if not folder.is_dir():
        raise UserError(f"there is no model {str(model)!r}; give one of {', '.join(shipped_models())}, or a folder")
    return folder


def read_folder(folder: Path) -> tuple[dict, dict[str, Tensor]]:
    """Description (model.json) and fp32 tensors of a folder that `write_folder` wrote, checked by hash.

    UserError for a folder that is incomplete, damaged or of another row format.
    """
    settle(folder)
    weights_path, json_path = folder / WEIGHTS_NAME, folder / JSON_NAME
    for path in (weights_path, json_path):
        check_there(path)
    description = read_json(json_path, DESCRIPTION, "get it anew")
    kinds = {"sha256": str, "row_format": int, "vpvae": dict, "vsdit": dict, "diffusion": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(description.get(name), kind)]
    if wrong:
        raise UserError(f"{json_path}: is not the {DESCRIPTION} (no {', '.join(wrong)}); get it anew")
    tensors = read_tensors(weights_path, description["sha256"])
    if description["row_format"] not in row_format.READABLE:
        found = description["row_format"]
        raise UserError(f"{json_path}: row format {found}, this program has {row_format.VERSION}")
    return description, tensors


def model_of_folder(cls: type[ModelT], folder: Path, description: dict, tensors: dict[str, Tensor]) -> ModelT:
    """The VP-VAE or VS-DiT of a folder, of class `cls`, in eval mode."""
    prefix = f"{cls.kind}."
    weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    return build(cls, description[cls.kind], weights, str(folder / WEIGHTS_NAME))


def load_weights(cls: type[ModelT], source: str | Path) -> ModelT:
    """A model of class `cls` from a shipped model's name, a folder, or a checkpoint file (.pt), in eval mode."""
    if Path(source).is_file():
        content = load_tensors(source, cls.kind, _MADE_BY[cls.kind], {"config": dict, "model": dict})
        return build(cls, content["config"], content["model"], str(source))
    folder = model_folder(source)
    return model_of_folder(cls, folder, *read_folder(folder))


def check_there(path: Path) -> None:
    """UserError for a file of a model's folder that is missing."""
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; get the repository whole, or give --vae_checkpoint and --dit_checkpoint"
        )


def read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of a safetensors file, as fp32 or wider; UserError if it is not the one that model.json describes."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UserError(f"{path}: is not the file that {JSON_NAME} describes (sha256); get it anew")
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise UserError(f"{path}: is not a safetensors file ({error}); get it anew") from error
    return {name: tensor if tensor.dtype == torch.float64 else tensor.float() for name, tensor in tensors.items()}


def write_folder(
    folder: str | Path, models: Sequence[VPVAE | VSDiT], dtype: torch.dtype, extra: dict[str, Tensor],
    description: dict[str, Any], names: Mapping[str, Tensor],
) -> Path:
    """Write models, `extra` tensors and what is known of names with their model.json; returns the path of the weights.

    Of the tensors of names those of floating point are written in dtype, too.
    """
    from safetensors.torch import save

    tensors = {
        f"{model.kind}.{name}": tensor.to("cpu", dtype).contiguous()
        for model in models for name, tensor in model.state_dict().items()
    }
    data = save(tensors | extra)
    description = {model.kind: model.config.to_dict() for model in models} | description
    description |= {"row_format": row_format.VERSION, "sha256": hashlib.sha256(data).hexdigest()}
    with output_set(folder, "export", replace=True) as partial:
        write_bytes(partial / WEIGHTS_NAME, data)
        if names:
            data = save({
                name: (t.to(dtype) if t.is_floating_point() else t).contiguous() for name, t in names.items()
            })
            write_bytes(partial / NAMES_NAME, data)
            description["names_sha256"] = hashlib.sha256(data).hexdigest()
        write_json(partial / JSON_NAME, description, DESCRIPTION)
    return Path(folder) / WEIGHTS_NAME
