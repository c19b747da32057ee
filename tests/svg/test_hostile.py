"""Hostile files never access anything outside, and quickly give rows or one readable reason.

All run in one child process (hostile_run.py), which measures each separately.
"""

import json
import re
import subprocess
import sys

import pytest

from tests.helpers import ROOT
from tests.svg.hostile_run import CASES, CPU_SECONDS

pytestmark = pytest.mark.timeout(1800)  # for the child, which measures files one by one
MEGABYTES = 500
REASON_CHARACTERS = 200


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, dict]:
    """The child's report on each case, by name, up to the case that killed it, if any."""
    command = [sys.executable, "-m", "tests.svg.hostile_run", str(tmp_path_factory.mktemp("hostile"))]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    found = {report["name"]: report for report in map(json.loads, child.stdout.splitlines())}
    found["error output"] = {"text": child.stderr[-2000:]}
    return found


def test_names_are_unique():
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("name, expected", [(name, expected) for name, _, expected in CASES])
def test_hostile_file_is_refused_or_drawn_within_limits(reports, name, expected):
    report = reports.get(name)
    assert report is not None, f"the child ended before or in this case: {reports['error output']['text']}"
    assert report["parse"] < CPU_SECONDS
    assert report["write"] < CPU_SECONDS
    assert report["memory"] < MEGABYTES
    assert report["opened"] == []
    result = report["result"]
    assert re.search(expected, result), result
    assert len(result) <= REASON_CHARACTERS and "\n" not in result and result.isprintable(), result
    assert result.strip() and not result.startswith("escaped"), result
