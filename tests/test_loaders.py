"""Damaged, truncated, foreign or malicious files: every loader names and refuses them, and runs nothing."""

import hashlib
import io
import json
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from svgfusion_lib.config import DiTConfig, TrainConfig, VAEConfig
from svgfusion_lib.corpus import keywords
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.keywords import KEYWORDS, KEYWORDS_KIND, load_vocabulary
from svgfusion_lib.corpus.preprocess import load_cache, preprocess
from svgfusion_lib.corpus.records import read_records
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import load_model, save_model, save_tensors, weights_hash
from svgfusion_lib.models.icon_head import KIND, IconHead, load_icon_head, save_icon_head
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.models.text_encoder import load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import read_json, write_json
from svgfusion_lib.system.token_store import TokenStore
from svgfusion_lib.training.latents import load_latents, prepare_latents
from svgfusion_lib.training.loop import STATE_NAME, _State
from svgfusion_lib.training.optimisation import EMA, make_optimizer

VAE = VAEConfig(width=16, heads=2, row_width=4, encoder_depth=1, decoder_depth=1, pixel_fusion=False, latent_width=4)
DIT = DiTConfig(latent_width=19, context_width=384, width=16, heads=2, depth=1, max_latents=4)
TRAINING = TrainConfig(num_steps=10, batch_size=4)
FLIPS = 30  # bits, one at a time


def small_model() -> tuple[nn.Module, EMA, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Linear(3, 3)
    return model, EMA(model, 0.9), make_optimizer(model, TRAINING)


def load_state(path: Path) -> list:
    model, ema, optimizer = small_model()
    step = _State(path, model, ema, optimizer, TRAINING, 7).load()
    return [step, model.state_dict(), ema.weights, optimizer.state_dict()]


def parts_of(folder: Path) -> list:
    """Everything that a pipeline was loaded from."""
    pipeline = SVGFusionPipeline.from_pretrained(folder)
    return [pipeline.vae, pipeline.dit, pipeline.schedule, pipeline.known_names]


# Artefact -> its loader, given its path; the result reflects all content that matters.
LOADERS: dict[str, Callable[[Path], object]] = {
    "vae/vpvae_final.pt": lambda path: load_model(path, "vpvae"),
    "dit/vsdit_final.pt": lambda path: load_model(path, "vsdit"),
    "cache/cache.pt": lambda path: load_cache(path.parent),
    "cache/pixel_tokens/index.npz": lambda path: load_cache(path.parents[1]),
    "cache/pixel_tokens/tokens.bin": lambda path: load_cache(path.parents[1]),
    "latents/latents.pt": lambda path: load_latents(path.parent),
    "latents/context/index.npz": lambda path: load_latents(path.parents[1]),
    "latents/context/tokens.bin": lambda path: load_latents(path.parents[1]),
    f"run/{STATE_NAME}": load_state,
    "model/model.safetensors": lambda path: parts_of(path.parent),
    "model/model.json": lambda path: parts_of(path.parent),
    "model/names.safetensors": lambda path: parts_of(path.parent),
    "head/icon_head.safetensors": load_icon_head,
    f"packs/{KEYWORDS}": lambda path: load_vocabulary(path.parent),
    "svg/dummy.json": lambda path: read_records(path.parent),
    "svg/manifest.jsonl": lambda path: read_records(path.parent),
    "plan/config.json": lambda path: read_json(path, "plan of a model", "use another folder"),
}
# Text without a hash: a flipped bit may give another valid text.
NO_HASH = {"svg/manifest.jsonl"}


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory) -> Path:
    """A folder with a small version of every artefact."""
    folder = tmp_path_factory.mktemp("artefacts")
    torch.manual_seed(0)
    vae, dit = VPVAE(VAE), VSDiT(DIT)
    save_model(folder / "vae" / "vpvae_final.pt", "vpvae", vae, vae.state_dict())
    diffusion = {"num_steps": 10, "schedule": "cosine"}
    save_model(
        folder / "dit" / "vsdit_final.pt", "vsdit", dit, dit.state_dict(), diffusion=diffusion,
        vae_hash=weights_hash(vae), names=["red cat", "dog"], name_vectors=torch.rand(2, DIT.context_width),
    )
    create_dummy_data(folder / "svg", num_samples=3)
    preprocess(folder / "svg", folder / "cache")
    prepare_latents(folder / "vae" / "vpvae_final.pt", folder / "cache", folder / "latents")
    model, ema, optimizer = small_model()
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    save_tensors(folder / "run" / STATE_NAME, "training_state", {
        "step": 5, "model": model.state_dict(), "ema": ema.weights, "optimizer": optimizer.state_dict(),
        "train_config": TRAINING.to_dict(), "train_svgs": 7, "identity": {},
    })
    SVGFusionPipeline.from_pretrained(
        vae=folder / "vae" / "vpvae_final.pt", dit=folder / "dit" / "vsdit_final.pt"
    ).save_pretrained(folder / "model")
    head = IconHead("none", 2, 3, width=4, text_width=5, packs=("a", "b"))
    save_icon_head(head, folder / "head/icon_head.safetensors")
    stored = keywords._build_inputs() | {"keywords": {"printer": ["fax"]}, "spellings": {"a": "b"}}
    write_json(folder / "packs" / KEYWORDS, stored, KEYWORDS_KIND)
    write_json(folder / "plan" / "config.json", {"vae": {"preset": "tiny", "lr": 1e-3}}, "plan of a model")
    return folder


@pytest.fixture
def copied(artefacts, tmp_path) -> Callable[[str], Path]:
    """copied(artefact) -> its path in a copy of its top folder, to be damaged."""

    def copy(name: str) -> Path:
        top = name.split("/")[0]
        shutil.copytree(artefacts / top, tmp_path / top)
        return tmp_path / name

    return copy


def fingerprint(value) -> str:
    """A hash of everything that was loaded."""
    digest = hashlib.sha256()

    def add(value) -> None:
        if isinstance(value, nn.Module):
            add([getattr(value, "config", ""), value.state_dict(), getattr(value, "packs", "")])
        elif isinstance(value, torch.Tensor):
            digest.update(str(value.shape).encode() + value.detach().float().numpy().tobytes())
        elif isinstance(value, TokenStore):
            add([value[i] for i in range(len(value))])
        elif isinstance(value, dict):
            for name in value:
                add([name, value[name]])
        elif isinstance(value, list | tuple):
            digest.update(f"{len(value)}:".encode())
            for each in value:
                add(each)
        elif is_dataclass(value):
            add(asdict(value))
        else:
            digest.update(repr(value).encode())

    add(value)
    return digest.hexdigest()


def refused(name: str, path: Path) -> None:
    """Assert that the loader raises a one-line UserError naming the file, or its folder of tokens."""
    with pytest.raises(UserError) as caught:
        fingerprint(LOADERS[name](path))
    message = str(caught.value)
    assert str(path) in message or str(path.parent) in message, message
    assert "\n" not in message and len(message) < 600, message


@pytest.mark.parametrize("name", LOADERS)
def test_whole_files_are_read_and_missing_ones_are_not_made_up(copied, name):
    path = copied(name)
    assert fingerprint(LOADERS[name](path)) == fingerprint(LOADERS[name](path))
    path.unlink()
    if name == f"packs/{KEYWORDS}":  # is fetched again
        return
    if name.startswith("svg/"):  # optional: SVG files are read without them
        assert len(read_records(path.parent)) == 3
        return
    refused(name, path)


@pytest.mark.parametrize("keep", [0, 1, 0.3, 0.9, -2, "all lines but the last"])
@pytest.mark.parametrize("name", LOADERS)
def test_a_file_cut_short_is_refused(copied, name, keep):
    path = copied(name)
    data = path.read_bytes()
    if isinstance(keep, str):
        keep = data[:-1].rfind(b"\n") + 1
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    refused(name, path)


@pytest.mark.parametrize("name", [name for name in LOADERS if name not in NO_HASH])
def test_a_flipped_bit_is_refused_or_changes_nothing(copied, name):
    path = copied(name)
    data = path.read_bytes()
    before = fingerprint(LOADERS[name](path))
    rng = random.Random(name)
    found = 0
    for _ in range(FLIPS):
        position = rng.randrange(len(data))
        changed = bytearray(data)
        changed[position] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        try:
            assert fingerprint(LOADERS[name](path)) == before, f"bit at {position} of {len(data)}"
        except UserError as error:
            assert "\n" not in str(error)
            found += 1
    assert found


@pytest.mark.parametrize(("name", "old", "new"), [  # regressions: flipped bits that no `except` had covered
    ("cache/cache.pt", b"PK\x06\x07\0", b"PK\x06\x07\1"),  # zipfile: "zipfiles that span multiple disks"
    ("cache/pixel_tokens/index.npz", b"), }", b"(, }"),  # NumPy: SyntaxError, or an error of its tokeniser
    ("cache/pixel_tokens/index.npz", b"{'descr'", b",'descr'"),
    ("cache/pixel_tokens/index.npz", b", }     ", b", }    ("),
    ("cache/pixel_tokens/index.npz", b"'fortran_order': F", b"'fortran_order': \\"),
])
def test_a_header_that_is_damaged_is_refused(copied, name, old, new):
    path = copied(name)
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    refused(name, path)


def foreign_files() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("x/data.pkl", bytes(10_000))
    tensors = io.BytesIO()
    torch.save({"kind": "recipe", "version": 1}, tensors)
    array = io.BytesIO()
    np.save(array, np.zeros((2, 3)))
    arrays = io.BytesIO()
    np.savez(arrays, lengths=np.zeros(3), checksums=np.zeros((2, 2)), width=1, key="x", version=3)
    return {
        "text": b"hello\n", "bytes": bytes(range(256)), "zeros": bytes(4096), "svg": b"<svg/>",
        "zip": archive.getvalue(), "torch": tensors.getvalue(), "npy": array.getvalue(),
        "npz": arrays.getvalue(), "json list": b"[1, 2]",
        "json": b'{"kind": "recipe"}', "deep json": b"[" * 100_000, "other seal": b'{"seal": {"kind": "soup"}}',
        "later seal": b'{"seal": {"kind": "dictionary of keywords", "version": 99, "sha256": ""}}',
        "huge safetensors": (2**60).to_bytes(8, "little") + b"{}",
    }


@pytest.mark.parametrize("foreign", foreign_files())
@pytest.mark.parametrize("name", LOADERS)
def test_a_foreign_file_is_refused(copied, name, foreign):
    path = copied(name)
    path.write_bytes(foreign_files()[foreign])
    refused(name, path)


@pytest.mark.parametrize("name", [name for name in LOADERS if name.endswith(".pt")])
def test_a_file_of_another_kind_is_refused(copied, artefacts, name):
    path = copied(name)
    for other in LOADERS:
        if other.endswith(".pt") and other != name:
            shutil.copy(artefacts / other, path)
            refused(name, path)


class Malicious:
    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def malicious_files(marker: Path) -> dict[str, bytes]:
    """Pickles that would write a file when loaded, in every container format that a loader unpacks."""
    found = {"pickle": pickle.dumps(Malicious(marker))}
    for kind in ("vpvae", "vsdit", "cache", "latents", "training_state"):
        data = io.BytesIO()
        torch.save({"kind": kind, "version": 1, "model": Malicious(marker), "config": {}}, data)
        found[f"torch {kind}"] = data.getvalue()
    objects = np.array([Malicious(marker)], dtype=object)
    for name, save in (("npy", np.save), ("npz", lambda file, array: np.savez(file, lengths=array, key=array))):
        data = io.BytesIO()
        save(data, objects)
        found[name] = data.getvalue()
    return found


@pytest.mark.parametrize("name", LOADERS)
def test_nothing_malicious_is_run(copied, name, tmp_path):
    path, marker = copied(name), tmp_path / "it_ran"
    for data in malicious_files(marker).values():
        path.write_bytes(data)
        refused(name, path)
    assert not marker.exists()


@pytest.mark.parametrize(("load", "config"), [
    (load_text_encoder, {"model_type": "bert", "hidden_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1}),
    (load_pixel_encoder, {"model_type": "dinov2", "hidden_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1}),
])
def test_an_encoder_that_is_a_malicious_pickle_is_not_run(tmp_path, load, config):
    folder, marker = tmp_path / "encoder", tmp_path / "it_ran"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    for data in malicious_files(marker).values():
        (folder / "pytorch_model.bin").write_bytes(data)
        with pytest.raises(UserError, match="encoder"):
            load(str(folder))
    assert not marker.exists()


def test_the_malicious_files_would_run_if_they_were_unpickled(tmp_path):
    """Otherwise the tests above would prove nothing."""
    marker = tmp_path / "it_ran"
    files = malicious_files(marker)
    for data in files.values():
        marker.unlink(missing_ok=True)
        if data.startswith(b"\x93NUMPY"):
            np.load(io.BytesIO(data), allow_pickle=True)
        elif "npz" in files and data == files["npz"]:
            np.load(io.BytesIO(data), allow_pickle=True)["lengths"]
        elif data.startswith(b"PK"):
            torch.load(io.BytesIO(data), weights_only=False)
        else:
            pickle.loads(data)  # noqa: S301 - on purpose
        assert marker.exists()


def test_files_of_earlier_versions_are_refused(copied):
    """A head, dictionaries and tokens without hashes, and a training state that does not say what it was trained on."""
    path = copied("cache/pixel_tokens/index.npz")
    with np.load(path) as index:
        old = {name: index[name] for name in index if name not in ("checksums", "version")}
    np.savez(path, **old)
    refused("cache/pixel_tokens/index.npz", path)
    np.savez(path, **old, version=2)  # of tokens in several files
    with pytest.raises(UserError, match="tokens of format version 2, this version reads 3; create them again"):
        load_cache(path.parents[1])
    for name in (f"packs/{KEYWORDS}", "model/model.json"):
        path = copied(name)
        data = json.loads(path.read_text())
        del data["seal"]
        path.write_text(json.dumps(data))
        refused(name, path)
    name = "head/icon_head.safetensors"
    path = copied(name)
    with safe_open(path, framework="pt") as file:
        description = json.loads(file.metadata()[KIND])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    save_file(tensors, path, metadata={KIND: json.dumps({**description, "version": 1})})
    refused(name, path)
    name = f"run/{STATE_NAME}"
    path = copied(name)
    state = torch.load(path)
    save_tensors(path, "training_state", {key: state[key] for key in state if key != "identity"})
    refused(name, path)
    save_tensors(path, "training_state", state | {"optimizer": state["optimizer"]["parts"][0]})
    refused(name, path)
