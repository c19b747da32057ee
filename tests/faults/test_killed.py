"""Repeated kill -9 at any moment: nothing is damaged, and the next run ends like an uninterrupted one.

Half of the kills come after a random time, half just before a random file system change, where the risk is.
"""

import os
import random

import pytest
from conftest import contents
from fault_stages import STAGES
from faults import Fault

KILLS = int(os.environ.get("FAULT_KILLS", "3"))  # per stage; 20 take some minutes
OFTEN = {"fit": 8}  # the loop that runs for days


@pytest.mark.parametrize("stage", STAGES)
def test_kills_change_nothing(bench, undisturbed, stage):
    whole, outcome = undisturbed(stage)
    rng = random.Random(stage)
    folder = bench.fresh(f"killed-{stage}")
    killed = 0
    while killed < OFTEN.get(stage, KILLS):
        if killed % 2:
            end = bench.run(stage, folder, kill_after=rng.uniform(0, outcome.seconds / 2))  # later it is often done
        else:
            end = bench.run(stage, folder, Fault(kill_at=rng.randint(1, outcome.changes)))
        contents(folder)  # each file is complete
        if end.kind == "ok":  # it finished what earlier kills had left
            assert contents(folder) == whole
            folder = bench.fresh(f"killed-{stage}")
            continue
        assert end.kind == "killed", end
        killed += 1
    assert bench.run(stage, folder).kind == "ok"
    assert contents(folder) == whole
