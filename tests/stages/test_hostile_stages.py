"""Hostile SVG files through every stage that reads SVG: no crash, hang or outside access, and a reason for each.

All run in one child process (hostile_stages.py), which measures each separately. preprocess reads all files, each
other stage one in ten. HOSTILE_SHARE=1: every stage reads all files.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

pytestmark = pytest.mark.timeout(1800)  # for the child, which measures files one by one
STAGES = ("preprocess", "prepare_dataset", "roundtrip", "train_icon_head", "palette", "vary")
CPU_SECONDS = 2.0  # per file in preprocess; other stages read, write and draw it several times


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def reports(root) -> list[dict]:
    command = [sys.executable, "-m", "tests.stages.hostile_stages", str(root)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert child.returncode == 0, child.stderr[-3000:]
    return [json.loads(line) for line in (root / "reports.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("stage", STAGES)
def test_no_hostile_file_crashes_hangs_or_reaches_outside(reports, stage):
    own = [report for report in reports if report["stage"] == stage]
    assert len(own) > (300 if stage == "preprocess" else 30)
    assert [r for r in own if r["opened"]] == []
    assert [r for r in own if r["result"].startswith("escaped")] == []
    limit = CPU_SECONDS * (1 if stage == "preprocess" else 3)
    assert [(r["case"], round(r["seconds"], 2)) for r in own if r["seconds"] > limit] == []
    reasons = [r["result"].removeprefix("refused: ") for r in own if r["result"].startswith("refused")]
    assert all(reason.strip() and "\n" not in reason for reason in reasons)


def test_each_file_is_kept_or_left_out_with_a_reason(reports, root):
    report = json.loads((root / "out" / "report.json").read_text())
    done = {r["case"] for r in reports if r["stage"] == "preprocess"}
    assert report["files"] == len(done) == report["kept"] + len(report["skipped"])
    for file, reason in report["skipped"].items():
        assert reason.strip() and len(reason) < 400 and "\n" not in reason, file
    assert "good.svg" not in report["skipped"] and len(report["skipped"]) > 100
