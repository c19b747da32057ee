"""Manifests, captions, tables and models with hostile values in every field.

Nothing outside is written, opened or contacted (file opens, sockets and processes are watched), and unusable values
give a one-line error.
"""

import csv
import json
import os
import sys
import sysconfig
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from svgfusion_lib.config import DiTConfig, VAEConfig
from svgfusion_lib.corpus.prepare_dataset import prepare_dataset
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import DESCRIPTION, JSON_NAME
from svgfusion_lib.models.text_encoder import load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import write_json

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="none" stroke="#000" d="M{} 3h9v9"/></svg>'
)
TEXTS = (
    "../../x", "../precious", "/etc/passwd", "/tmp/hostile", "..", ".", "", "a/../../precious", "~", "~/x", "$HOME/x",
    "`touch precious`", "$(touch precious)", "|touch precious", "; touch precious", "file:///etc/passwd",
    "http://127.0.0.1:9/x", "hf://owner/name", "owner/model", "\\\\host\\share", "C:\\x", "CON", "a\0b", "a\nb",
    "\x1b[31mred", "\x1b]0;title\x07", "\u202etxt", "\ud800", "x" * 300, "x" * 10_000, "%s%n", "{0.__class__}",
    "__import__('os').system('touch precious')", "<script>alert(1)</script>", "<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "' OR 1=1 --", "-rf", "--help", ".git/config", ".svgfusion.jsonl", ".svgfusion-0-1/x", "nul.svg",
    "a" * 255 + ".svg",
)
VALUES = (*TEXTS, 0, -1, 1e308, float("inf"), None, True, [], {}, ["../x"], {"a": "../x"}, [[["x"]]])
FIELDS = ("file", "name", "pack", "captions", "keywords", "licence", "split")
WATCHED = ("open", "socket.connect", "socket.getaddrinfo", "subprocess.", "os.system", "os.exec", "os.posix_spawn")
_INSTALLED = [sysconfig.get_paths()[name] for name in ("stdlib", "purelib")]
LIBRARY = (*_INSTALLED, *map(os.path.realpath, _INSTALLED), sys.base_prefix, "/proc/", "/sys/", "/dev/", "/usr/")
ROOT = str(Path(__file__).parents[2])
seen: list[str] = []
allowed: list[str] = []  # folders where files may be opened; empty: no watching


def watch(event: str, arguments: tuple) -> None:
    if allowed and event.startswith(WATCHED):
        target = str(arguments[0]) if arguments else ""
        name = "/" not in target and target not in ("precious", "..")  # relative name from shutil.rmtree
        if event != "open" or not (name or target.startswith((*LIBRARY, ROOT, *allowed))):
            seen.append(f"{event} {target}"[:200])


sys.addaudithook(watch)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A folder to work in, beside user files that must stay untouched; checked at the end."""
    assert len(VALUES) >= 50
    (tmp_path / "precious").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    allowed.append(str(tmp_path / "work"))
    seen.clear()
    yield tmp_path / "work"
    allowed.clear()
    assert seen == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "work"]
    assert (tmp_path / "precious").read_text() == "mine" and not Path("/tmp/hostile").exists()


def attempt(number: int, work, *arguments, **options) -> str:
    """Run `work`; "done", or its one-line error."""
    try:
        work(*arguments, **options)
    except UserError as error:
        assert str(error) and "\n" not in " ".join(str(error).split())
        return str(error)
    except OSError as error:  # one line too
        assert error.filename and error.strerror == "File name too long"
        return error.strerror
    return "done"


def assert_only_below(folder: Path) -> None:
    for path in folder.rglob("*"):
        assert path.is_dir() or path.suffix in (".svg", ".json", ".jsonl"), path


@pytest.mark.parametrize("field", FIELDS)
def test_manifests(world, field):
    """Each value in a record beside a good one, through prepare_dataset, and a few through preprocess."""
    ends = []
    for number, value in enumerate(VALUES):
        folder = world / f"in-{number}"
        folder.mkdir()
        for k in range(2):
            (folder / f"{k}.svg").write_text(ICON.format(k))
        records = [{"file": f"{k}.svg", "name": f"thing {k}", "captions": [f"thing {k}"]} for k in range(2)]
        records[1][field] = [value] if field in ("captions", "keywords") and isinstance(value, str) else value
        (folder / "manifest.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        options = {"svg_dir": folder, "near_duplicates": False, "processes": 1}
        ends.append(attempt(number, prepare_dataset, world / f"out-{number}", **options))
        if (world / f"out-{number}").exists():
            assert_only_below(world / f"out-{number}")
        if number % 10 == 0:
            attempt(number, preprocess, folder, world / f"cache-{number}", pixel_encoder="none", processes=1)
    assert any(end != "done" for end in ends)


@pytest.mark.parametrize("column", ["file", "caption"])
def test_captions(world, column):
    for number, value in enumerate(map(str, VALUES)):
        folder = world / f"in-{number}"
        folder.mkdir()
        (folder / "a.svg").write_text(ICON.format(1))
        with (folder / "captions.csv").open("w", encoding="utf-8", errors="replace", newline="") as file:
            csv.writer(file).writerows([("file", "caption"), ("a.svg", value) if column == "caption" else (value, "x")])
        attempt(number, prepare_dataset, world / f"out-{number}", folder, near_duplicates=False, processes=1)


@pytest.mark.parametrize("column", ["svg", "caption", "picture"])
def test_tables(world, column):
    """All values in one table, in a column that is read or in an unrequested picture column."""
    texts = [value.encode("utf-8", "replace").decode() for value in TEXTS]
    rows = {"svg": [ICON.format(k) for k in range(len(texts))], "caption": [f"thing {k}" for k in range(len(texts))]}
    table = pa.table(rows | ({column: texts} if column != "picture" else {}))
    if column == "picture":
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # the library treats this as a picture
        places = pa.array([{"bytes": None, "path": text} for text in texts], kind)
        table = table.append_column("picture", places)
        features = {name: {"dtype": "string", "_type": "Value"} for name in rows} | {"picture": {"_type": "Image"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path = world / "a[1].parquet"
    pq.write_table(table, path)
    load_datasets()
    end = attempt(0, prepare_dataset, world / "out", dataset=str(path), near_duplicates=False, processes=1)
    assert end == "done" or column == "svg"


def load_datasets() -> None:
    """Import `datasets` up front: it searches files on import and keeps a cache."""
    watched = allowed.copy()
    allowed.clear()
    import datasets

    assert datasets
    allowed.extend([*watched, str(Path.home() / ".cache")])


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    vae = VPVAE(VAEConfig.preset("tiny", pixel_fusion=True))
    dit = VSDiT(DiTConfig.preset("tiny", latent_width=vae.latent_width))
    folder = tmp_path_factory.mktemp("model") / "model"
    SVGFusionPipeline(vae, dit, load_text_encoder()).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("field", [
    "vpvae.pixel_encoder", "vpvae.layout", "vsdit.text_encoder", "vsdit.styles", "names", "sha256",
])
def test_models(world, model_folder, field):
    """Untrusted model folders cause no hub access and load only the packaged encoders."""
    allowed.append(str(model_folder))
    *above, name = field.split(".")
    for number, value in enumerate(VALUES):
        description = json.loads((model_folder / JSON_NAME).read_text())
        description.pop("seal")
        place = description
        for part in above:
            place = place[part]
        place[name] = value
        folder = world / f"model-{number}"
        folder.mkdir()
        for path in model_folder.glob("[!.]*"):
            (folder / path.name).symlink_to(path)
        (folder / JSON_NAME).unlink()
        if isinstance(value, str) and "\ud800" in value:
            continue  # cannot be stored in a text file
        write_json(folder / JSON_NAME, description, DESCRIPTION)
        end = attempt(number, SVGFusionPipeline.from_pretrained, folder)
        if name.endswith("encoder"):
            assert end != "done"
            assert not isinstance(value, str) or "encoder" in end
