"""Models from files: the checkpoints of a training, or the shipped ones, and which of these a prompt asks for."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import torch

from svgfusion_lib.config import DEFAULT_MODEL
from svgfusion_lib.corpus.captions import content_words
from svgfusion_lib.corpus.colours import COLOUR_WORDS
from svgfusion_lib.corpus.packs import known_packs, names_style
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import build_model, load_model, weights_hash
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.reranking.known_names import KnownNames, check_names
from svgfusion_lib.svg import row_format
from svgfusion_lib.system.files import read_json, write_bytes, write_json
from svgfusion_lib.system.locks import locked_folder

PRETRAINED_DIR = Path(__file__).resolve().parents[1] / "data" / "pretrained"
WEIGHTS_NAME, NAMES_NAME, JSON_NAME = "model.safetensors", "names.safetensors", "model.json"
DESCRIPTION = "description of a model"
_COLOURLESS = {"black", "white", "grey", "gray"}  # words that do not ask for a picture in colours; these do:
_COLOURFUL = {"emoji", "emoticon", "colourful", "colorful"}


def load_checkpoints(
    vae_checkpoint: str | Path | None = None, dit_checkpoint: str | Path | None = None,
    model: str | Path = DEFAULT_MODEL,
) -> tuple[VPVAE, VSDiT, dict, KnownNames]:
    """The models of two checkpoints, or a shipped `model` if neither is given, the diffusion settings and the names."""
    if (vae_checkpoint is None) != (dit_checkpoint is None):
        raise UserError("give both --vae_checkpoint and --dit_checkpoint, or neither for a shipped model")
    if vae_checkpoint is None or dit_checkpoint is None:
        return _load_folder(model)
    (vae, _), (dit, content) = _load_pair(vae_checkpoint, dit_checkpoint)
    return vae, dit, content["diffusion"], _names_in(content, dit, str(dit_checkpoint))


def _names_in(content: dict, dit: VSDiT, source: str) -> KnownNames:
    """The names that a VS-DiT's checkpoint says it knows; none of one that says nothing."""
    if "names" not in content:
        return KnownNames()
    return check_names(content["names"], content.get("name_vectors"), dit.config.context_width, source)


def _load_pair(vae_checkpoint: str | Path, dit_checkpoint: str | Path) -> tuple[tuple[VPVAE, dict], tuple[VSDiT, dict]]:
    """Both models with the rest of their checkpoints; UserError if the VS-DiT belongs to another VP-VAE."""
    vae, vae_content = load_model(vae_checkpoint, "vpvae")
    dit, dit_content = load_model(dit_checkpoint, "vsdit")
    if not isinstance(dit_content.get("diffusion"), dict):
        raise UserError(f"{dit_checkpoint}: does not say how its noise was made; make it with `svgfusion train_dit`")
    if dit_content.get("vae_hash") != weights_hash(vae):
        raise UserError(f"{dit_checkpoint}: was trained on latents of another VP-VAE than {vae_checkpoint}")
    return (vae, vae_content), (dit, dit_content)


# --- shipped weights ------------------------------------------------------------------------------


def shipped_models() -> list[str]:
    """Names of the models in the box, DEFAULT_MODEL first."""
    found = {path.parent.name for path in PRETRAINED_DIR.glob(f"*/{JSON_NAME}")}
    return sorted(found, key=lambda name: (name != DEFAULT_MODEL, name))


def model_for(prompt: str, style: str | None = None) -> str:
    """Name of the shipped model that a prompt asks for, by the first of these that it has:

    a style that one model was trained with; the style word of a pack ("..., twemoji style"), whose domain tells; a
    word of colour or "emoji"; more words than the other models know from the names they were trained on. Without any
    of them: DEFAULT_MODEL.
    """
    shipped, domains = shipped_models(), _style_domains()
    asked = [style] if style else [word for word in domains if names_style(prompt, word)]
    for word in asked:
        if domains.get(word) in shipped:
            return domains[word]
    coloured = set(re.findall(r"[a-z]+", prompt.lower())) & (COLOUR_WORDS - _COLOURLESS | _COLOURFUL)
    if coloured and "emoji" in shipped:
        return "emoji"
    words = content_words(prompt)
    return max(shipped, key=lambda name: len(words & _known_words(PRETRAINED_DIR / name)), default=DEFAULT_MODEL)


@cache
def _known_words(folder: Path) -> frozenset[str]:
    """Words of the names that a shipped model was trained on."""
    names = read_json(folder / JSON_NAME, DESCRIPTION, "get it anew").get("names", [])
    return frozenset().union(*map(content_words, names))


@cache
def _style_domains() -> dict[str, str]:
    """Packs and the words that captions have for their styles -> domain of the pack, longest word first."""
    packs = known_packs().values()
    domains = {pack.style: pack.domain for pack in packs} | {pack.name: pack.domain for pack in packs}
    return {word: domains[word] for word in sorted(domains, key=len, reverse=True)}


def load_pretrained(model: str | Path = DEFAULT_MODEL) -> tuple[VPVAE, VSDiT, dict]:
    """VP-VAE, VS-DiT and diffusion settings of a shipped model, or of a folder that `export_pretrained` wrote.

    Checked by hash; UserError for a model that there is not, and for files that are damaged.
    """
    return _load_folder(model)[:3]


def _load_folder(model: str | Path) -> tuple[VPVAE, VSDiT, dict, KnownNames]:
    folder = PRETRAINED_DIR / model if str(model) in shipped_models() else Path(model)
    if not folder.is_dir():
        raise UserError(f"there is no model {str(model)!r}; give one of {', '.join(shipped_models())}, or a folder")
    weights_path, json_path = folder / WEIGHTS_NAME, folder / JSON_NAME
    for path in (weights_path, json_path):
        _check_there(path)
    description = read_json(json_path, DESCRIPTION, "get it anew")
    kinds = {"sha256": str, "row_format": int, "vpvae": dict, "vsdit": dict, "diffusion": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(description.get(name), kind)]
    if wrong:
        raise UserError(f"{json_path}: is not the {DESCRIPTION} (no {', '.join(wrong)}); get it anew")
    tensors = _read_tensors(weights_path, description["sha256"])
    if description["row_format"] != row_format.VERSION:
        found = description["row_format"]
        raise UserError(f"{json_path}: row format {found}, this program has {row_format.VERSION}")
    vae_weights, dit_weights = (
        {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        for prefix in ("vpvae.", "vsdit.")
    )
    vae = build_model("vpvae", description["vpvae"], vae_weights, str(weights_path))
    dit = build_model("vsdit", description["vsdit"], dit_weights, str(weights_path))
    return vae, dit, description["diffusion"], _load_names(folder, description, dit)


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; get the repository whole, or give --vae_checkpoint and --dit_checkpoint"
        )


def _read_tensors(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file as fp32; UserError if it is not the one that model.json describes."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UserError(f"{path}: is not the file that {JSON_NAME} describes (sha256); get it anew")
    try:
        return {name: tensor.float() for name, tensor in load(data).items()}
    except SafetensorError as error:
        raise UserError(f"{path}: is not a safetensors file ({error}); get it anew") from error


def _load_names(folder: Path, description: dict, dit: VSDiT) -> KnownNames:
    """The names that the model of a folder knows; UserError for a file that is damaged or missing."""
    path = folder / NAMES_NAME
    if "names_sha256" not in description:  # exported without, or by an earlier version
        return check_names(description.get("names", []), torch.zeros(0, 0), 0, str(path))
    _check_there(path)
    vectors = _read_tensors(path, description["names_sha256"]).get("vectors")
    return check_names(description.get("names"), vectors, dit.config.context_width, str(path))


def _write_names(folder: Path, known: KnownNames, nearest_name: bool) -> dict[str, Any]:
    """Write the vectors of known names as bf16 names.safetensors, or none; returns what model.json says of them."""
    from safetensors.torch import save

    if not (nearest_name and known.names):
        (folder / NAMES_NAME).unlink(missing_ok=True)
        return {"names": list(known.names)}
    data = save({"vectors": known.vectors.to(torch.bfloat16).contiguous()})
    write_bytes(folder / NAMES_NAME, data)
    return {"names": list(known.names), "names_sha256": hashlib.sha256(data).hexdigest()}


def export_pretrained(
    vae_checkpoint: str | Path, dit_checkpoint: str | Path, folder: str | Path, nearest_name: bool = True
) -> Path:
    """Write two checkpoints as one bf16 model.safetensors, names.safetensors and their model.json.

    nearest_name: with names.safetensors, by which the model draws the nearest name for a prompt that it does not know
    (`SamplingConfig.nearest_name`). Returns the path of model.safetensors.
    """
    from safetensors.torch import save

    vae, dit = _load_pair(vae_checkpoint, dit_checkpoint)
    parts: dict[str, tuple[VPVAE | VSDiT, dict]] = {"vpvae": vae, "vsdit": dit}
    known = _names_in(dit[1], dit[0], str(dit_checkpoint))
    tensors = {
        f"{kind}.{name}": tensor.to(torch.bfloat16).contiguous()
        for kind, (model, _) in parts.items()
        for name, tensor in model.state_dict().items()
    }
    data = save(tensors)
    description: dict[str, Any] = {kind: model.config.to_dict() for kind, (model, _) in parts.items()}
    description |= {
        "row_format": row_format.VERSION,
        "diffusion": parts["vsdit"][1]["diffusion"],
        "training": {kind: content.get("train_config") for kind, (_, content) in parts.items()},
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    with locked_folder(folder):
        (Path(folder) / JSON_NAME).unlink(missing_ok=True)  # it describes the weights that are about to be replaced
        path = write_bytes(Path(folder) / WEIGHTS_NAME, data)
        description |= _write_names(Path(folder), known, nearest_name)
        write_json(Path(folder) / JSON_NAME, description, DESCRIPTION)
    return path
