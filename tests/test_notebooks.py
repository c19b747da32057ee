"""The pipeline end to end: notebooks 01 and up through papermill, on real icons and on synthetic shapes.

Except 08, which `make test-all` runs with nbval: it draws with the shipped model, independent of the others.

The results are checked: a cache, batches, at least 300 logged training steps, at least 5 reconstructions and 5 random
samples as SVG, and every SVG renders.
"""

import json
import shutil
from pathlib import Path

import pytest

from svgfusion_lib.models.checkpoint import load_model
from svgfusion_lib.notebook_tools.cleaner import read_notebook
from svgfusion_lib.notebook_tools.runner import NOTEBOOKS, numbered_notebooks, run_notebooks
from svgfusion_lib.training.loop import read_log
from svgfusion_lib.utils.render import is_blank, render_svg
from tests.helpers import samples_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LEAST_STEPS = 300
LEAST_FILES = 5


@pytest.fixture(scope="module", params=["smoke", "synthetic"])
def results(request, tmp_path_factory, network_blocked) -> Path:
    """OUT_DIR after running the notebooks with a profile; smoke is a small real subset of an icon pack.

    From 03 on, once the data are there, the network is blocked.
    """
    packs = NOTEBOOKS.parent / "data" / "packs"
    fetched = (packs / "lucide" / "manifest.jsonl").is_file() and (packs / "keywords.json").is_file()
    if request.param == "smoke" and not fetched and shutil.which("npm") is None:
        pytest.skip("real icons come by the npm client, which is not installed")
    out_dir = tmp_path_factory.mktemp(request.param)
    runs = run_notebooks(request.param, out_dir, only=[1, 2])
    with network_blocked(out_dir / "network.log"):
        runs += run_notebooks(request.param, out_dir, only=[3, 4, 5, 6, 7, 9])
    others = [path.name for path in numbered_notebooks() if path.name[:2] not in ("00", "08")]
    assert [copy.name for copy in runs] == others
    return out_dir


def metrics(results: Path, folder: str) -> dict:
    return json.loads((results / folder / "metrics.json").read_text(encoding="utf-8"))


def svg_texts(results: Path, pattern: str) -> list[str]:
    paths = sorted((results / "06_samples").glob(pattern))
    return [path.read_text(encoding="utf-8") for path in paths]


def test_nothing_was_asked_of_the_network_once_the_data_were_there(results):
    log = results / "network.log"
    assert not log.exists(), log.read_text(encoding="utf-8")


def test_cache_exists_and_gives_batches(results):
    assert (results / "02_cache" / "cache.pt").stat().st_size > 0
    assert metrics(results, "02_cache")["batches"] >= 1


@pytest.mark.parametrize("folder", ["03_vae", "05_dit"])
def test_training_logs_its_loss_and_learns(results, folder):
    log = [line for line in read_log(results / folder / "train_log.jsonl") if "loss" in line]
    assert log[-1]["step"] >= LEAST_STEPS
    quarter = max(1, len(log) // 4)
    first, last = (sum(line["loss"] for line in part) / quarter for part in (log[:quarter], log[-quarter:]))
    assert last < first


@pytest.mark.parametrize("pattern", ["prompts/*.svg", "vae/recon_*.svg", "vae/random_*.svg"])
def test_samples_are_enough_and_render(results, pattern):
    texts = svg_texts(results, pattern)
    assert len(texts) >= LEAST_FILES
    for text in texts:
        assert render_svg(text).shape == (128, 128, 3)
        assert "recon" not in pattern or not is_blank(text)


def test_samples_json_names_every_file(results):
    folder = results / "06_samples" / "prompts"
    entries = samples_of(folder)
    assert sorted(entry["file"] for entry in entries) == sorted(path.name for path in folder.glob("*.svg"))


def test_the_evaluation_measures_what_was_trained(results):
    figures = metrics(results, "07_evaluation")
    assert figures["settings_swept"] == 3  # default, guidance, candidates
    assert figures["own"]["not_blank"] > 0.5


def test_the_model_adapts_to_other_icons(results):
    figures = metrics(results, "09_finetune")
    assert figures["compared"] >= 10 and set(figures["distances"]) == {"before", "after", "icons it was shown"}
    assert load_model(results / "09_finetune" / "model" / "vsdit_final.pt", "vsdit")[1]["train_svgs"] > 20


def test_executed_notebooks_hold_pictures_and_no_machine_path(results):
    for path in sorted((results / "notebooks").glob("*.ipynb")):
        notebook = read_notebook(path)
        outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", ())]
        assert any("image/png" in output.get("data", {}) for output in outputs), path.name
        assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"], path.name
