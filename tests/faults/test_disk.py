"""A disk that is full, a folder that cannot be written, a power cut: the message says so, and no file is half there.

The same stage then ends, once the fault is gone, as if nothing had been.
"""

import os

import pytest
from conftest import contents
from fault_stages import SHORT, STAGES
from faults import Fault

FULL = (Fault(largest_file=0), Fault(full_at=1), Fault(largest_file=1500))  # no room, full when flushed, little room


def assert_ends_well(bench, stage, folder, whole) -> None:
    outcome = bench.run(stage, folder)
    assert outcome.kind == "ok", outcome
    assert contents(folder) == whole


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk(bench, undisturbed, stage):
    """The system refuses to let any file grow, as it does on a full disk but with EFBIG; and, by a seam, ENOSPC."""
    whole, _ = undisturbed(stage)
    folder = bench.fresh(f"full-{stage}")
    for fault in FULL if stage in SHORT else FULL[:1]:
        outcome = bench.run(stage, folder, fault)
        if outcome.kind == "ok":  # it has no file of that size
            assert fault is FULL[-1] and contents(folder) == whole
            return
        assert outcome.kind == "OSError", outcome
        assert "File too large" in outcome.message or "No space left" in outcome.message
        assert str(folder) in outcome.message
        assert set(contents(folder)) <= set(whole) | {"training_state.pt"}  # and each is whole
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
    assert not list(folder.rglob("*"))  # so that the next run begins as the first


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_where_the_folder_should_be(bench, stage):
    folder = bench.fresh(f"in-the-way-{stage}")
    folder.write_text("precious")
    outcome = bench.run(stage, folder)
    assert outcome.kind in ("OSError", "UserError") and str(folder) in outcome.message, outcome
    assert folder.read_text() == "precious" and os.listdir(folder.parent) == [folder.name]


@pytest.mark.parametrize("stage", SHORT)
def test_a_power_cut_after_a_move(bench, undisturbed, stage):
    """What had not been flushed when a file took its place is lost then: nothing is."""
    whole, _ = undisturbed(stage)
    folder = bench.fresh(f"power-{stage}")
    for number in (1, 2):
        outcome = bench.run(stage, folder, Fault(power_cut_at=number))
        if outcome.kind == "ok":  # nothing more is moved
            assert number == 2
            break
        assert outcome.kind == "killed", outcome
        if stage != "roundtrip":  # whose many drawings are not worth the time; they are written anew
            contents(folder)
    assert_ends_well(bench, stage, folder, whole)
