"""Loads a pipeline's parts: shipped models, folders of finished models, pairs of checkpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from svgfusion_lib.config import DEFAULT_MODEL, DiffusionConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import (
    JSON_NAME,
    NAMES_NAME,
    check_exists,
    load_model,
    model_folder,
    model_of_folder,
    read_folder,
    read_tensors,
    shipped_models,
    weights_hash,
)
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.options import check_types
from svgfusion_lib.reranking.known_names import KnownNames, check_names
from svgfusion_lib.reranking.name_pictures import unpack_pictures
from svgfusion_lib.reranking.routing import DEFAULT_STYLES
from svgfusion_lib.utils.diffusion import NoiseSchedule, make_schedule

SCHEDULE_TABLE = "alphas_cumprod"


@dataclass
class Parts:
    """Components of a pipeline; training: training settings, if known; default_styles: of prompts that name none."""

    vae: VPVAE
    dit: VSDiT
    schedule: NoiseSchedule
    known_names: KnownNames
    training: dict[str, Any] = field(default_factory=dict)
    default_styles: Sequence[str] = DEFAULT_STYLES


def load_checkpoint_parts(
    vae_path: str | Path, dit_path: str | Path, vae_class: type[VPVAE] = VPVAE, dit_class: type[VSDiT] = VSDiT
) -> Parts:
    """Load the parts of two checkpoint files; UserError if they do not belong together."""
    vae, vae_content = load_model(vae_path, "vpvae", cls=vae_class)
    dit, content = load_model(dit_path, "vsdit", cls=dit_class)
    if not isinstance(content.get("diffusion"), dict):
        raise UserError(f"{dit_path}: has no noise schedule; make it with `svgfusion train_dit`")
    if content.get("vae_hash") != weights_hash(vae):
        raise UserError(f"{dit_path}: was trained on latents of a different VP-VAE than {vae_path}")
    known = KnownNames()
    if "names" in content:
        known = check_names(content["names"], content.get("name_vectors"), dit.config.context_width, str(dit_path))
    schedule = load_schedule(content["diffusion"], content.get(SCHEDULE_TABLE), str(dit_path))
    training = {"vpvae": vae_content.get("train_config"), "vsdit": content.get("train_config")}
    return Parts(vae, dit, schedule, known, training, _default_styles(content, str(dit_path)))


def load_folder_parts(
    folder: Path, vae: VPVAE | None = None, dit: VSDiT | None = None, vae_class: type[VPVAE] = VPVAE,
    dit_class: type[VSDiT] = VSDiT,
) -> Parts:
    """Load the parts of a folder written by `save_pretrained`; vae and dit replace its own."""
    description, tensors = read_folder(folder)
    vae = vae or model_of_folder(vae_class, folder, description, tensors)
    dit = dit or model_of_folder(dit_class, folder, description, tensors)
    schedule = load_schedule(description["diffusion"], tensors.get(SCHEDULE_TABLE), str(folder / JSON_NAME))
    names, training = _load_names(folder, description, dit), description.get("training") or {}
    return Parts(vae, dit, schedule, names, training, _default_styles(description, str(folder / JSON_NAME)))


def _default_styles(content: Mapping[str, Any], source: str) -> tuple[str, ...]:
    """Styles of prompts that name none: a fine-tuned model's own, else DEFAULT_STYLES."""
    styles = content.get("default_styles", DEFAULT_STYLES)
    check_types({"default_styles": styles}, Parts, source)
    return tuple(styles)


def load_schedule(diffusion: Mapping[str, Any], table: Tensor | None, source: str) -> NoiseSchedule:
    """Return a checkpoint's noise schedule: its table [T], or the named one if the file has no table."""
    if table is None:
        return make_schedule(DiffusionConfig.from_dict(dict(diffusion)))
    try:
        return NoiseSchedule(table, str(diffusion.get("schedule", "own")))
    except UserError as error:
        raise UserError(f"{source}: {error}; recreate it") from error


def model_folders(model: str | Path | None) -> list[tuple[str, Path]]:
    """Return names and folders of a model, or of all models in a folder; None: all shipped models."""
    if model is None:
        return [(name, model_folder(name)) for name in shipped_models()]
    folder = model_folder(model)
    inside = sorted(path.parent for path in folder.glob(f"*/{JSON_NAME}"))
    if inside and not (folder / JSON_NAME).is_file():
        return sorted(((path.name, path) for path in inside), key=lambda pair: pair[0] != DEFAULT_MODEL)
    return [(str(model), folder)]


def _load_names(folder: Path, description: dict, dit: VSDiT) -> KnownNames:
    """Load the known names of a folder's model; UserError if the file is damaged or missing."""
    path = folder / NAMES_NAME
    if "names_sha256" not in description:  # exported without names.safetensors, or by an earlier version
        return check_names(description.get("names", []), torch.zeros(0, 0), 0, str(path))
    check_exists(path)
    tensors = read_tensors(path, description["names_sha256"])
    vectors = tensors.get("vectors", torch.zeros(0, 0))
    known = check_names(description.get("names"), vectors, dit.config.context_width, str(path))
    if "pictures" in tensors:
        known.pictures = unpack_pictures(tensors, description, len(known.names), str(path))
    return known
