"""Training checkpoints (.pt), and safetensors folders of finished models.

A checkpoint is a dictionary of tensors and plain values. It is written atomically and loaded with weights_only=True.
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
from svgfusion_lib.system.launch import rank_and_world_size
from svgfusion_lib.system.outputs import atomic_path, finish_pending_moves, output_set

VERSION = 1
WEIGHTS_NAME, NAMES_NAME, JSON_NAME = "model.safetensors", "names.safetensors", "model.json"
DESCRIPTION = "description of a model"
_MADE_BY = {"vpvae": "train_vae", "vsdit": "train_dit", "refiner": "train_refiner"}
MODELS: dict[str, type[VPVAE] | type[VSDiT]] = {"vpvae": VPVAE, "vsdit": VSDiT}
ModelT = TypeVar("ModelT", bound=PretrainedModel)


def save_tensors(path: str | Path, kind: str, content: dict) -> Path:
    """Write a dictionary of tensors and plain values with its kind and format version, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        writer: Any = Writer(file)  # file-like enough for torch.save
        try:
            torch.save({"kind": kind, "version": VERSION} | content, writer)
        except RuntimeError as error:
            raise (writer.error or error) from error
    return Path(path)


def load_tensors(path: str | Path, kind: str, made_by: str, fields: Mapping[str, type | tuple] | None = None) -> dict:
    """Read a file written by `save_tensors`, verifying its checksums.

    UserError if it is missing, truncated or damaged, of another kind or version, or lacks one of `fields` (names and
    types).
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `svgfusion {made_by}`")
    try:
        if not zipfile.is_zipfile(path):  # what torch.save writes; a bare pickle never is
            raise ValueError("another format, or truncated")
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
            f"{path}: format version {content.get('version')}, but this program reads {VERSION}; recreate it"
        )
    wrong = [name for name, kinds in (fields or {}).items() if not isinstance(content.get(name, ...), kinds)]
    if wrong:
        raise UserError(
            f"{path}: a {kind} file of an earlier version of this program, or damaged (no {', '.join(wrong)});"
            f" recreate it with `svgfusion {made_by}`"
        )
    return content


def _check_sums(path: Path) -> None:
    """Check the CRC-32 of every part, which torch.load does not; ValueError if one is wrong."""
    with zipfile.ZipFile(path) as archive:
        if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
            raise ValueError("its parts are compressed, which torch never does")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its part {damaged} is damaged")


def save_model(path: str | Path, kind: str, model: PretrainedModel, weights: dict[str, Tensor], **more) -> Path:
    """Write a model's configuration, its weights (raw or averaged) and `more` to a checkpoint.

    In distributed training only rank 0 writes.
    """
    if rank_and_world_size()[0] == 0:
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
    """Load a VP-VAE ("vpvae") or VS-DiT ("vsdit"), or a subclass `cls`, in eval mode; also returns its checkpoint."""
    content = load_tensors(path, kind, _MADE_BY[kind], {"config": dict, "model": dict})
    return build(cls or MODELS[kind], content["config"], content["model"], str(path)).to(device), content


def weights_hash(model: nn.Module) -> str:
    """Short hash of a model's weights, by which a VS-DiT records the VP-VAE it was trained for."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


# --- folders of finished models: model.safetensors and model.json ------------------------------------


def shipped_models() -> list[str]:
    """Names of the shipped models, DEFAULT_MODEL first."""
    found = {path.parent.name for path in PRETRAINED_DIR.glob(f"*/{JSON_NAME}")}
    return sorted(found, key=lambda name: (name != DEFAULT_MODEL, name))


def model_folder(model: str | Path) -> Path:
    """Return the folder of a shipped model, or the given folder; UserError if there is neither."""
    folder = PRETRAINED_DIR / model if str(model) in shipped_models() else Path(model)
    if not folder.is_dir():
        raise UserError(f"no model {str(model)!r}; use one of {', '.join(shipped_models())}, or a folder")
    return folder


def read_folder(folder: Path) -> tuple[dict, dict[str, Tensor]]:
    """Read the description (model.json) and fp32 tensors of a folder written by `write_folder`, checked by hash.

    UserError if the folder is incomplete, damaged or of another row format.
    """
    finish_pending_moves(folder)
    weights_path, json_path = folder / WEIGHTS_NAME, folder / JSON_NAME
    for path in (weights_path, json_path):
        check_exists(path)
    description = read_json(json_path, DESCRIPTION, "download it again")
    kinds = {"sha256": str, "row_format": int, "vpvae": dict, "vsdit": dict, "diffusion": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(description.get(name), kind)]
    if wrong:
        raise UserError(f"{json_path}: is not the {DESCRIPTION} (no {', '.join(wrong)}); download it again")
    tensors = read_tensors(weights_path, description["sha256"])
    if description["row_format"] not in row_format.READABLE:
        found = description["row_format"]
        raise UserError(f"{json_path}: row format {found}, but this program has {row_format.VERSION}")
    return description, tensors


def model_of_folder(cls: type[ModelT], folder: Path, description: dict, tensors: dict[str, Tensor]) -> ModelT:
    """Build a folder's VP-VAE or VS-DiT as class `cls`, in eval mode."""
    prefix = f"{cls.kind}."
    weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    return build(cls, description[cls.kind], weights, str(folder / WEIGHTS_NAME))


def load_weights(cls: type[ModelT], source: str | Path) -> ModelT:
    """Load a `cls` from a shipped model's name, a folder, or a checkpoint file (.pt), in eval mode."""
    if Path(source).is_file():
        content = load_tensors(source, cls.kind, _MADE_BY[cls.kind], {"config": dict, "model": dict})
        return build(cls, content["config"], content["model"], str(source))
    folder = model_folder(source)
    return model_of_folder(cls, folder, *read_folder(folder))


def check_exists(path: Path) -> None:
    """Check that a file of a model's folder exists; UserError if not."""
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; download the whole repository, or give --vae_checkpoint and --dit_checkpoint"
        )


def read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Read a safetensors file as fp32 or wider; UserError if it is not the one that model.json describes."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UserError(f"{path}: is not the file that {JSON_NAME} describes (sha256); download it again")
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise UserError(f"{path}: is not a safetensors file ({error}); download it again") from error
    return {name: tensor if tensor.dtype == torch.float64 else tensor.float() for name, tensor in tensors.items()}


def write_folder(
    folder: str | Path, models: Sequence[VPVAE | VSDiT], dtype: torch.dtype, extra: dict[str, Tensor],
    description: dict[str, Any], names: Mapping[str, Tensor],
) -> Path:
    """Write models, `extra` tensors, the known names and their model.json; return the path of the weights.

    Floating-point tensors of names are written in dtype, too.
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
