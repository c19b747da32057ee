"""Shared fixtures: SVG text -> rows and written elements, picture comparison, the shipped model, a blocked network."""

import base64
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.utils.render import RENDERERS
from svgfusion_lib.utils.svg_parser import ParsedSVG, parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests import helpers

SLOW = (
    "faults/", "fuzz/", "svg/test_hostile.py", "stages/test_hostile_stages.py", "gallery/test_browser.py", "offline/",
    "icon_sets/test_front_ends.py", "test_wheel.py", "stages/test_determinism.py",
    "system/test_processes.py::test_two_processes", "training/test_finetune.py::test_a_paused_run",
    "training/test_from_folder.py::test_dit_learns", "corpus/test_preprocess.py::test_fresh_processes",
    "experiments/test_train_realism.py::test_real_icons", "experiments/test_train_icon_head.py::test_training_finds",
    "experiments/test_train_icon_head.py::test_names_of_one_pack", "experiments/test_train_model.py::test_in_many",
    "mutation/",
)
MOST_DIFFERENT = 1.0  # mean pixel difference (of 255) up to which pictures count as equal
PNG = base64.b64encode(b"\x89PNG").decode()[:5]  # how every PNG starts
OFFLINE = Path(__file__).parent / "offline"
_INITIAL = (' fill="#000"', ' stroke-width="1"', ' gradientUnits="userSpaceOnUse"')  # left out of expectations


class Picture(str):
    """A base64 PNG from a notebook; equal to another if their pixels are nearly the same."""

    __hash__ = str.__hash__

    def __ne__(self, other: object) -> bool:
        own, others = (Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB") for text in (self, str(other)))
        return own.size != others.size or ImageStat.Stat(ImageChops.difference(own, others)).mean > [MOST_DIFFERENT] * 3


def write_elsewhere(cell) -> None:
    """Redirect runs/, since nbval sets no parameters: keeps its files apart from those of the user's notebooks."""
    cell.cell["source"] = cell.cell["source"].replace('= "runs/', '= "outputs/nbval/')


def compare_pictures(cell) -> None:
    """Compare pictures by pixels; nbval skips them or compares bytes."""
    cell.parent.skip_compare = tuple(kind for kind in cell.parent.skip_compare if kind != "image/png")
    sanitize = cell.sanitize
    cell.sanitize = lambda text: Picture(text) if str(text).startswith(PNG) else sanitize(text)


@pytest.fixture(scope="session")
def picture() -> type[Picture]:
    return Picture


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, which `make test` leaves to `make test-all`."""
    for item in items:
        if hasattr(item, "compare_outputs"):
            compare_pictures(item)
            write_elsewhere(item)
            item.add_marker("notebooks")
        if item.nodeid.partition("tests/")[2].startswith(SLOW):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def network_blocked() -> Callable[[Path], AbstractContextManager[None]]:
    """with network_blocked(log): new Python processes reach only this machine; attempts are logged to `log`."""

    @contextmanager
    def block(log: Path) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(OFFLINE), prepend=os.pathsep)
            patch.setenv("SVGFUSION_NETWORK_LOG", str(log))
            yield

    return block


@pytest.fixture(scope="session")
def svg() -> Callable[..., str]:
    """svg(body, attributes): a whole document."""
    return lambda body, attributes='viewBox="0 0 24 24"': helpers.svg(body, box=attributes)


@pytest.fixture(scope="session")
def front_ends() -> Callable[[Path], dict]:
    """front_ends(set): what React, Vue and Iconify build from a set's folder; npm packages are installed once."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("needs node and npm, which are not installed")
    here = Path(__file__).parent / "icon_sets"
    packages = here / "package.json"
    folder = here.parents[1] / "outputs" / f"node-{hashlib.sha256(packages.read_bytes()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one of several test processes installs
        if not (folder / "done").is_file():
            shutil.copyfile(packages, folder / "package.json")
            command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, timeout=600)
            (folder / "done").touch()

    def build(icon_set: Path) -> dict:
        command = ["node", str(here / "front_end.mjs"), str(icon_set)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return build


@pytest.fixture(scope="module")
def pipeline():
    """The shipped model."""
    from svgfusion_lib.pipeline import SVGFusionPipeline

    return SVGFusionPipeline.from_pretrained("line")


@pytest.fixture
def session(pipeline):
    """A gallery session with nothing drawn yet."""
    from svgfusion_lib.gallery import Session

    return Session(pipeline, ["tabler", "lucide"])


@pytest.fixture(scope="session")
def cart_file() -> bytes:
    """An SVG file of a shopping cart: a circle and two paths."""
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="2">'
        b'<circle cx="6" cy="19" r="2"/><path d="M17 17H6V3H4"/><path d="m6 5l14 1l-1 7H6"/></svg>'
    )


@pytest.fixture
def parsed(svg) -> Callable[..., ParsedSVG]:
    """parsed(body, attributes): rows and counts of a document."""
    return lambda body, *attributes: parse_svg(svg(body, *attributes))


@pytest.fixture
def drawn(parsed) -> Callable[..., list[str]]:
    """drawn(body, attributes): the elements written for its rows on a 24 x 24 canvas, gradients first.

    Root attributes are copied to the elements. Layer ids and SVG's initial values (black fill, stroke width 1)
    are left out.
    """

    def elements(body: str, *attributes: str) -> list[str]:
        lines = rows_to_svg(parsed(body, *attributes).rows).splitlines()
        shared = lines[0].split('viewBox="0 0 24 24"')[1].rstrip(">")
        found = []
        for line in map(str.strip, lines[1:-1]):
            if line.startswith("<") and "defs>" not in line:
                tag, name, rest = line.split(" ", 2)
                is_layer = name.startswith('id="layer-')
                line = f"{tag} {rest[:-2]}{shared}/>" if is_layer else line
                for attribute in _INITIAL:
                    line = line.replace(attribute, "")
                found.append(line)
        return found

    return elements


@pytest.fixture(scope="session")
def assert_alike(svg) -> Callable[..., None]:
    """assert_alike(body, renderer, attributes): the original and its written rows render alike."""

    def check(body: str, renderer: str = "cairosvg", *attributes: str, similarity: float = 0.98) -> None:
        text = svg(body, *attributes)
        result = parse_svg(text)
        original = RENDERERS[renderer](text, 96)
        picture = RENDERERS[renderer](rows_to_svg(result.rows, result.size, decimals=4), 96)
        assert (np.ptp(original.reshape(-1, 3), axis=0) > 64).any(), "nothing to see"
        assert ssim(original, picture) >= similarity
        assert np.abs(original.astype(int) - picture).mean() < 1

    return check


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory):
    """A random CLIP (text and image towers) with a byte-level tokenizer, saved as a hub model would be."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    folder = tmp_path_factory.mktemp("clip")
    letters = "abcdefghijklmnopqrstuvwxyz,"
    tokens = [*letters, *(f"{c}</w>" for c in letters), "ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 20})
    )
    text = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "vocab_size": len(tokens), "max_position_embeddings": 20, "projection_dim": 16,
        "bos_token_id": len(tokens) - 2, "eos_token_id": len(tokens) - 1, "pad_token_id": len(tokens) - 1,
    }
    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4,
        "image_size": 32, "patch_size": 16, "projection_dim": 16,
    }
    torch.manual_seed(0)
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    return folder
