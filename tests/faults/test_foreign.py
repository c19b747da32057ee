"""Every stage, run into folders that are not its own: nothing there changes, and one line says why.

A correct result is also accepted: a stage may write to a new folder inside another stage's unchanged input.
"""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from conftest import NO_FAULT
from fault_stages import STAGES
from faults import Fault

from svgfusion_lib.system.file_list import LIST_NAME, FileList

OWN = {
    "notes.txt": "mine", "summary.json": '{"total": "mine"}', "dummy.json": "{}", "index.npz": "mine",
    ".git/config": "[core]", "parts/scan.png": "mine", "cache/cache.pt": "mine", "model.json": "{}",
    ".svgfusion.jsonl.bak": "mine", ".old.tmp": "mine", "train_log.jsonl": "{}", "tabler.bak/partial/a.svg": "mine",
}

ADD = ("fetch_packs", "load_vocabulary")  # stages that add packs, or a sealed file, to a folder


def digest(folder: Path) -> dict[str, str]:
    """Contents of a folder by path: hashes, links and folders."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def fill(folder: Path) -> Path:
    for name, text in OWN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        os.utime(folder / name, (0, 0))
    return folder


def assert_one_line(outcome) -> None:
    assert outcome.kind == "UserError" and "\n" not in outcome.message and "folder" in outcome.message, outcome


@pytest.fixture(scope="module")
def inputs(bench, tmp_path_factory) -> Path:
    """Inputs that a test may damage."""
    folder = tmp_path_factory.mktemp("foreign") / "inputs"
    shutil.copytree(bench.inputs, folder)
    return folder


def assert_kept(stage: str, outcome, before: dict[str, str], after: dict[str, str]) -> None:
    """Refused with nothing changed, or, for stages that add packs or a sealed file, only that added."""
    if stage in ADD:
        assert outcome.kind == "ok", outcome
        assert {name: after.get(name) for name in before} == before
    else:
        assert_one_line(outcome)
        assert after == before


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("stage", STAGES)
def test_a_folder_of_the_user_or_a_link_to_it(bench, stage, linked):
    folder = bench.fresh(f"user-{stage}")
    fill(folder.parent / "elsewhere" if linked else folder)
    if linked:
        folder.symlink_to("elsewhere")
    before = digest(folder.parent)
    outcome = bench.run(stage, folder)
    assert_kept(stage, outcome, before, digest(folder.parent))


def test_a_dictionary_that_is_not_ours_stays(bench):
    folder = bench.fresh("dictionary")
    folder.mkdir()
    (folder / "keywords.json").write_text('{"mine": 1}')
    outcome = bench.run("load_vocabulary", folder)
    assert outcome.kind == "UserError" and (folder / "keywords.json").read_text() == '{"mine": 1}'


@pytest.mark.parametrize("stage", STAGES)
def test_an_input_or_a_folder_of_another_stage(bench, inputs, stage):
    """Every folder that a stage reads or wrote, and their parent folder."""
    listed = [path.parent for path in sorted(inputs.rglob(LIST_NAME))]
    assert len(listed) >= 7
    before = digest(inputs)
    for folder in [inputs, inputs / "sets" / "svg", *listed]:
        found = FileList(folder)
        found.read()
        outcome = bench.run(stage, folder, inputs=inputs)
        if outcome.kind == "ok":  # its own folder: a finished training, a rebuilt data set
            if stage in ADD:
                assert_kept(stage, outcome, before, digest(inputs))
            else:
                assert found.stage == stage, folder
            shutil.rmtree(inputs)
            shutil.copytree(bench.inputs, inputs)
            continue
        assert_one_line(outcome)
        assert digest(inputs) == before, folder


@pytest.mark.parametrize("stage", STAGES)
def test_a_folder_inside_an_input(bench, inputs, stage):
    """Runs to the end in the first folder; killed when it starts to write in the others, unless refused."""
    fault, before = NO_FAULT, digest(inputs)
    for place in ("svg", "cache", "vae", "latents", "sets/cache"):
        folder = inputs / place / "new"
        outcome = bench.run(stage, folder, fault, inputs=inputs)
        if outcome.kind == "UserError":
            assert_one_line(outcome)
        elif fault == NO_FAULT:
            assert outcome.kind == "ok", outcome
            fault = Fault(kill_at=8)
        else:
            assert outcome.kind in ("ok", "killed"), outcome
        shutil.rmtree(folder, ignore_errors=True)
        assert digest(inputs) == before, folder


@pytest.mark.parametrize("stage", STAGES)
def test_what_the_user_changed_among_the_results(bench, undisturbed, stage):
    """A second run finds edited results, results replaced by links to user files, and a user's note."""
    undisturbed(stage)
    folder = bench.fresh(f"edited-{stage}")
    shutil.copytree(bench.root / f"whole-{stage}" / "out", folder)
    precious = folder.parent / "precious"
    precious.write_text("mine")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LIST_NAME]
    for number, path in enumerate(files):
        if number % 2:
            path.unlink()
            path.symlink_to(precious)
        elif path.suffix in (".svg", ".png", ".md"):
            path.write_text("edited")
    (folder / "note.txt").write_text("mine")
    before = {name: value for name, value in digest(folder.parent).items() if LIST_NAME not in name}
    outcome = bench.run(stage, folder)
    after = {name: value for name, value in digest(folder.parent).items() if LIST_NAME not in name}
    if outcome.kind == "UserError":
        assert "\n" not in outcome.message
    assert {name: after.get(name) for name in before} == before, outcome
