"""Restyling measured on two small packs whose style differs in what the measures look at."""


import pytest

from svgfusion_lib import cli
from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.corpus.records import Record, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments.evaluate_restyle import (
    ORIGINAL,
    PLAIN,
    REBUILT,
    TARGET,
    evaluate_restyle,
    restyle_report,
)
from svgfusion_lib.system.files import read_json

NAMES = 10  # of each split
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="{width}"'
    ' stroke-linecap="round"><circle cx="12" cy="12" r="{radius}"/><path d="M12 12V{end}"/></svg>'
)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """tabler draws small with pens of 1, lucide large with pens of 2."""
    folder = tmp_path_factory.mktemp("restyle")
    records = []
    for pack, width, radius in (("tabler", 1, 4), ("lucide", 2, 9)):
        (folder / "svg" / pack).mkdir(parents=True)
        for number in range(2 * NAMES):
            file, name = f"{pack}/{number}.svg", f"thing {number}"
            (folder / "svg" / file).write_text(ICON.format(width=width, radius=radius, end=2 + number / 4))
            split = "train" if number < NAMES else "held_out"
            records.append(Record(file=file, name=name, captions=(f"{name}, {pack} style",), pack=pack, split=split))
    write_manifest(folder / "svg", records)
    preprocess(folder / "svg", folder / "cache", max_files=None, processes=1)
    return folder / "cache"


@pytest.fixture(scope="module")
def written(cache_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    sampling = SamplingConfig(num_inference_steps=2)
    return evaluate_restyle(folder, cache_dir, num_icons=6, strengths=(0.5,), sampling=sampling), folder


def test_every_drawing_is_measured_beside_its_original_and_the_other_sets_own(written):
    report, folder = written
    assert read_json(folder / "report.json", "report of evaluate_restyle", "") == report
    assert list(report["splits"]) == ["train", "held_out"]
    for split in report["splits"].values():
        assert split["icons"] == {"tabler to lucide": 3, "lucide to tabler": 3} and split["names"] == NAMES
        assert list(split["columns"]) == [
            ORIGINAL, REBUILT, "strength 0.5", "0.5, may move", PLAIN, TARGET
        ]


def test_real_icons_give_the_answers_that_are_known(written):
    for split in written[0]["splits"].values():
        original, target = split["columns"][ORIGINAL], split["columns"][TARGET]
        assert target["keeps_style"]["mean"] == target["taken_for_target"]["mean"] == 1
        assert original["keeps_style"]["mean"] == original["taken_for_target"]["mean"] == 0  # other pens, other size
        assert original["ssim_to_target"]["mean"] == pytest.approx(target["ssim_to_original"]["mean"])
        assert "top1" not in target and "ssim_to_original" not in original
        assert split["columns"][REBUILT]["ssim_to_original"]["mean"] > 0.6


def test_the_table_has_a_line_for_every_drawing(written):
    report, folder = written
    text = (folder / "report.md").read_text()
    assert text == restyle_report(report) and "none, so the style is asked for in words" in text
    assert text.count("| strength 0.5 | ") == 2 and "| at 5 |" in text
    assert (folder / "train.png").stat().st_size > 1000 and (folder / "held_out.png").is_file()


def test_packs_that_share_nothing_are_refused(cache_dir, tmp_path):
    for packs, message in ((("tabler", "tabler"), "two different packs"), (("tabler", "feather"), "too few names")):
        with pytest.raises(UserError, match=message):
            evaluate_restyle(tmp_path, cache_dir, packs)
    assert list(tmp_path.iterdir()) == []


def test_the_command(cache_dir, tmp_path, capsys):
    flags = ["--num_icons", "4", "--strengths", "1", "--ddim_steps", "2"]
    assert cli.main([
        "evaluate_restyle", "--precomputed_dir", str(cache_dir), "--output_dir", str(tmp_path / "out"), *flags
    ]) == 0
    assert "out/report.md\n" in capsys.readouterr().out
