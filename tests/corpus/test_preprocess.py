"""Preprocessing gives the same cache when interrupted and resumed, or run in several processes."""

import json
from pathlib import Path

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.corpus import preprocess as module
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import PARTS_NAME, load_cache, preprocess
from svgfusion_lib.errors import UserError


@pytest.fixture(scope="module")
def svg_dir(tmp_path_factory) -> Path:
    """40 SVGs, two of them truncated."""
    folder = tmp_path_factory.mktemp("preprocess") / "svg"
    create_dummy_data(folder, num_samples=40)
    (folder / "manifest.jsonl").unlink(missing_ok=True)
    for file in sorted(folder.glob("*.svg"))[5:20:10]:
        file.write_text("<svg")
    return folder


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART_FILES", 4)


@pytest.fixture(scope="module")
def whole(svg_dir, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    before, module.PART_FILES = module.PART_FILES, 4
    preprocess(svg_dir, folder, processes=1, renderings=2)
    module.PART_FILES = before
    return folder


def assert_same_cache(folder: Path, other: Path) -> None:
    a, b = load_cache(folder), load_cache(other)
    for name in a:
        if isinstance(a[name], torch.Tensor):
            torch.testing.assert_close(a[name], b[name], atol=0, rtol=0)
        elif name == "pixel_tokens":
            assert len(a[name]) == len(b[name])
            assert all(torch.equal(a[name][i], b[name][i]) for i in range(len(a[name])))
        else:
            assert a[name] == b[name], name
    assert (folder / "report.json").read_text() == (other / "report.json").read_text()


def test_torn_files_are_named_and_the_parts_are_gone(whole):
    cache = load_cache(whole)
    assert len(cache["names"]) == len(cache["pixel_tokens"]) == 38
    assert not (whole / PARTS_NAME).exists()
    report = json.loads((whole / "report.json").read_text())
    assert report["kept"] == 38 and all("not well-formed" in reason for reason in report["skipped"].values())


def test_fresh_processes_give_the_same_cache(svg_dir, whole, tmp_path):
    preprocess(svg_dir, tmp_path, processes=2, renderings=2)
    assert_same_cache(tmp_path, whole)


@pytest.fixture
def stopped(monkeypatch):
    """stopped(number, *arguments, **options): stop `preprocess` after `number` parts -> parts of the next call."""
    make_part, made = module._make_part, []

    def count(files, **options):
        made.append(files)
        return make_part(files, **options)

    def stop(number, *arguments, **options):
        def until(files, **options):
            if len(made) == number:
                raise KeyboardInterrupt
            return count(files, **options)

        monkeypatch.setattr(module, "_make_part", until)
        with pytest.raises(KeyboardInterrupt):
            preprocess(*arguments, processes=1, **options)
        monkeypatch.setattr(module, "_make_part", count)
        made.clear()
        return made

    return stop


def test_a_stopped_call_goes_on_where_it_was(svg_dir, whole, tmp_path, stopped):
    made = stopped(3, svg_dir, tmp_path, renderings=2)
    assert len(list((tmp_path / PARTS_NAME).glob("part-*.pt"))) == 3
    preprocess(svg_dir, tmp_path, processes=1, renderings=2)
    assert len(made) == 7
    assert_same_cache(tmp_path, whole)


def test_parts_of_other_options_or_files_are_not_used(svg_dir, whole, tmp_path, stopped):
    stopped(9, svg_dir, tmp_path, renderings=1)
    preprocess(svg_dir, tmp_path, processes=1, renderings=2)
    assert_same_cache(tmp_path, whole)


def test_all_files_are_taken_unless_a_limit_is_given(svg_dir, tmp_path, capsys):
    assert len(load_cache(preprocess(svg_dir, tmp_path / "all", pixel_encoder="none").parent)["names"]) == 38
    flags = ["--svg_dir", str(svg_dir), "--precomputed_dir", str(tmp_path / "few"), "--pixel_encoder", "none"]
    assert cli.main(["preprocess", *flags, "--max_files", "9"]) == 0
    assert "31 of 40 files left out at random: --max_files all takes all" in capsys.readouterr().out


def test_no_processes_are_refused(svg_dir, tmp_path):
    with pytest.raises(UserError, match="processes is 0"):
        preprocess(svg_dir, tmp_path, processes=0)
