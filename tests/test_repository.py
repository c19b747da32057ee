"""Repository hygiene: sizes, paths, names, and the state of the notebooks."""

import base64
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from svgfusion_lib.notebook_tools.cleaner import MAX_NOTEBOOK_BYTES, problems, read_notebook
from tests.helpers import NOTEBOOKS, ROOT

BINARY = {".png", ".safetensors", ".jpg", ".ico"}


def repository_files() -> list[Path]:
    """Tracked and untracked files not ignored by git; without git, all files outside the ignored folders."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    if listing.returncode == 0:
        paths = [ROOT / line for line in listing.stdout.splitlines()]
    else:
        skipped = {".git", ".venv", "runs", "outputs", "__pycache__", "packs", "icons", "cache"}
        paths = [path for path in ROOT.rglob("*") if not skipped & set(path.relative_to(ROOT).parts)]
    return sorted({path for path in paths if path.is_file()})


FILES = repository_files()
TEXT_FILES = [path for path in FILES if path.suffix not in BINARY and path.parent.name != "corpus"]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_path_of_one_machine():
    # Split in two, so that this file does not find itself.
    machine = re.compile(r"(?<![\w.~/-])/(?:ho" r"me|Us" r"ers|wo" r"rk|ro" r"ot)/[\w.-]+")
    found = []
    for path in TEXT_FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if machine.search(line):
                found.append(f"{relative(path)}:{number}: {machine.search(line).group()}")
    assert found == []


def test_files_are_small_and_no_training_checkpoint_is_committed():
    assert [relative(path) for path in FILES if path.stat().st_size > 28 * 2**20] == []
    assert sum(path.stat().st_size for path in FILES if path.suffix == ".safetensors") <= 60_000_000
    assert [relative(path) for path in FILES if path.suffix in {".pt", ".pth", ".ckpt", ".pkl"}] == []


def test_every_package_folder_is_a_package():
    folders = {path.parent for path in FILES if path.suffix == ".py" and "svgfusion_lib" in path.parts}
    assert [relative(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_notebook_numbers_are_unique_and_without_gap():
    numbers = [int(path.name[:2]) for path in NOTEBOOKS]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_notebook_is_clean(path):
    assert path.stat().st_size < MAX_NOTEBOOK_BYTES
    assert problems(read_notebook(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_every_section_makes_a_claim_and_checks_it_visibly(path):
    """Each section has a heading, a claim, a check and visible output."""
    cells = read_notebook(path)["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    assert all(f"**{word}**" in texts[0] for word in ("You will see", "Reads", "Writes", "Takes"))
    starts = [k for k, cell in enumerate(cells) if cell["cell_type"] == "markdown" and "## " in texts[k]][1:]
    assert starts
    for start, end in zip(starts, [*starts[1:], len(cells)]):
        section = texts[start][texts[start].index("## ") :]
        shown = [cell for cell in cells[start:end] if cell["cell_type"] == "code" and cell["outputs"]]
        title = section.splitlines()[0]
        assert section.count("**Claim.**") == section.count("**Check.**") == 1, title
        assert section.index("**Claim.**") < section.index("**Check.**") and shown, title


@pytest.mark.parametrize("name", ["00_tour.ipynb", "08_gallery.ipynb"])
def test_what_nbval_compares_has_outputs_and_times_nothing(name):
    """nbval passes notebooks without outputs, comparing nothing."""
    cells = json.loads((ROOT / "notebooks" / name).read_text(encoding="utf-8"))["cells"]
    with_output = [cell for cell in cells if cell["cell_type"] == "code" and cell["outputs"]]
    assert len(with_output) >= 5
    assert name in (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = ["".join(output.get("text", "")) for cell in with_output for output in cell["outputs"]]
    assert not [text for text in texts if "it/s" in text]


def test_pictures_of_notebooks_are_compared_by_their_pixels(picture):
    def png(place: int, colour: int = 0) -> str:
        image = Image.new("L", (40, 40), 255)
        image.paste(colour, (place, 10, place + 8, 30))
        memory = io.BytesIO()
        image.save(memory, format="PNG", compress_level=place % 9)
        return picture(base64.b64encode(memory.getvalue()).decode())

    differ = [png(3) != other for other in (png(3), png(3, colour=2), png(5), png(12))]
    assert differ == [False, False, True, True]
