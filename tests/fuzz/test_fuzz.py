"""Run the fuzz target for half a minute (or SVGFUSION_FUZZ_SECONDS), starting from the committed corpus."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("SVGFUSION_FUZZ_SECONDS", "30"))


def test_nothing_is_found(tmp_path):
    corpus = tmp_path / "corpus"
    shutil.copytree(HERE / "corpus", corpus)  # new finds stay out of the committed corpus
    # Through a shell: the memory limit is on peak size, and direct children of pytest inherit its peak.
    command = [
        "sh", "-c", '"$@" & wait $!', "sh", sys.executable, str(HERE / "fuzz_svg.py"),
        f"-max_total_time={SECONDS}", "-seed=1", "-timeout=10",
        "-rss_limit_mb=2000", f"-artifact_prefix={tmp_path}/", str(corpus),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS + 120, check=False,
        env=os.environ | {"PYTHONHASHSEED": "0"},  # with the seed: reproducible inputs
    )
    found = [f"{path.name}: {path.read_bytes()!r}" for path in tmp_path.iterdir() if path.is_file()]
    assert done.returncode == 0 and not found, f"{found}\n{done.stderr[-4000:]}"
    runs = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    assert runs and int(runs[-1].split()[1]) > 50 * SECONDS, runs  # it really ran
