"""Full disk, read-only folder, power cut: a clear message and no half-written file.

Once the fault is gone, the same stage finishes with the usual result.
"""

import os

import pytest
from conftest import contents
from fault_stages import SHORT, STAGES
from faults import Fault

FULL = (Fault(largest_file=0), Fault(full_at=1), Fault(largest_file=1500))  # no space, full when flushed, little space


def assert_ends_well(bench, stage, folder, whole) -> None:
    outcome = bench.run(stage, folder)
    assert outcome.kind == "ok", outcome
    assert contents(folder) == whole


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk(bench, undisturbed, stage):
    """Files cannot grow, as on a full disk: EFBIG from the system, ENOSPC from a patched fsync."""
    whole, _ = undisturbed(stage)
    folder = bench.fresh(f"full-{stage}")
    for fault in FULL if stage in SHORT else FULL[:1]:
        outcome = bench.run(stage, folder, fault)
        if outcome.kind == "ok":  # none of its files is that large
            assert fault is FULL[-1] and contents(folder) == whole
            return
        assert outcome.kind == "OSError", outcome
        assert "File too large" in outcome.message or "No space left" in outcome.message
        assert str(folder) in outcome.message
        assert set(contents(folder)) <= set(whole) | {"training_state.pt"}  # each file is complete
    assert_ends_well(bench, stage, folder, whole)


@pytest.mark.parametrize("stage", STAGES)
def test_a_folder_that_cannot_be_written(bench, stage):
    folder = bench.fresh(f"read-only-{stage}")
    folder.mkdir()
    for path in (folder, folder.parent):
        path.chmod(0o555)
    outcome = bench.run(stage, folder, Fault(held_to_rights=True))
    assert outcome.kind == "OSError" and "Permission denied" in outcome.message, outcome
    assert str(folder.parent) in outcome.message
    for path in (folder.parent, folder):
        path.chmod(0o755)
    assert not list(folder.rglob("*"))  # the next run starts from scratch


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_where_the_folder_should_be(bench, stage):
    folder = bench.fresh(f"in-the-way-{stage}")
    folder.write_text("precious")
    outcome = bench.run(stage, folder)
    assert outcome.kind in ("OSError", "UserError") and str(folder) in outcome.message, outcome
    assert folder.read_text() == "precious" and os.listdir(folder.parent) == [folder.name]


@pytest.mark.parametrize("stage", SHORT)
def test_a_power_cut_after_a_move(bench, undisturbed, stage):
    """A power cut loses whatever was not flushed before os.replace: nothing may be lost."""
    whole, _ = undisturbed(stage)
    folder = bench.fresh(f"power-{stage}")
    for number in (1, 2):
        outcome = bench.run(stage, folder, Fault(power_cut_at=number))
        if outcome.kind == "ok":  # nothing more is moved
            assert number == 2
            break
        assert outcome.kind == "killed", outcome
        if stage != "roundtrip":  # its many drawings are not flushed, for speed; they are rewritten
            contents(folder)
    assert_ends_well(bench, stage, folder, whole)
