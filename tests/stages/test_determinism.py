"""The same seed gives byte-identical files across processes, for a fixed number of threads.

train_demo runs every stage that produces files: SVGs, cache, VP-VAE, latents, VS-DiT, samples. tests/faults checks
each stage for reproducibility on one thread.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from svgfusion_lib.system.file_list import LIST_NAME
from svgfusion_lib.training.loop import LOG_NAME

SIZE = ["--num_samples", "24", "--vae_epochs", "40", "--dit_epochs", "4"]


def products(folder: Path, threads: int, hash_seed: str) -> dict[str, bytes]:
    """Every file that train_demo makes, by name; logs without fields that differ between runs."""
    command = [sys.executable, "-m", "svgfusion_lib", "train_demo", "--output_dir", str(folder), *SIZE]
    how = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive", "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=os.environ | how)
    assert done.returncode == 0, done.stderr
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != LIST_NAME)
    return {path.relative_to(folder).as_posix(): _content(path) for path in files}


def _content(path: Path) -> bytes:
    if path.name != LOG_NAME:
        return path.read_bytes()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return json.dumps([{k: v for k, v in line.items() if k != "seconds"} for line in lines]).encode()


def test_two_runs_on_two_threads_give_equal_files(tmp_path):
    first, second = (products(tmp_path / seed, 2, hash_seed=seed) for seed in "12")
    assert {"cache/cache.pt", "vae/vpvae_final.pt", "latents/latents.pt", "dit/vsdit_final.pt"} <= set(first)
    assert sum(name.startswith("samples/") and name.endswith(".svg") for name in first) == 20
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
