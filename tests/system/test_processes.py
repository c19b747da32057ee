"""Distributed training: several processes learn the same as one."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from torch import nn

from svgfusion_lib.config import TrainConfig
from svgfusion_lib.system.processes import Processes
from svgfusion_lib.training.loop import LOG_NAME, STATE_NAME, _seed_step, fit, read_log
from svgfusion_lib.utils.dataset import LatentBatch, LengthBucketSampler


def run(folder: Path, num_steps: int = 9) -> dict[str, torch.Tensor]:
    """A small training with a deterministic loss, so that split batches can be compared."""
    data = torch.randn(16, 3, generator=torch.Generator().manual_seed(3))

    def collate(indices):
        x = data[indices][:, None]  # (B, 1, 3)
        mask = torch.zeros(x.shape[:2], dtype=torch.bool)
        return LatentBatch(x, x, mask, x, mask, names=[f"svg {i}" for i in indices])

    def step_loss(model, batch, step):
        loss = (model(batch.mean[:, 0]) - batch.mean[:, 0]).square().mean()
        return loss, {"fit": loss}

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 3), nn.Linear(3, 3))
    config = TrainConfig(num_steps=num_steps, batch_size=4, lr=0.02, warmup_steps=2, log_every=1, checkpoint_every=4)
    loader = torch.utils.data.DataLoader(
        range(16), batch_sampler=LengthBucketSampler([1] * 16, 4), collate_fn=collate, generator=torch.Generator()
    )
    return fit(model, loader, step_loss, config, folder).weights


def launch(folder: Path, num_steps: int = 9) -> None:
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", __file__, str(folder),
        str(num_steps),
    ]
    environment = os.environ | {"ACCELERATE_USE_CPU": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert sorted(line for line in done.stdout.splitlines() if line.startswith("process")) == [
        "process 0 of 2", "process 1 of 2",
    ]


def test_two_processes_learn_what_one_learns(tmp_path):
    """Both also resume where they stopped."""
    for num_steps in (5, 9):
        run(tmp_path / "one", num_steps)
        launch(tmp_path / "two", num_steps)
    one, two = (torch.load(tmp_path / name / STATE_NAME, weights_only=True) for name in ("one", "two"))
    assert one["step"] == two["step"] == 9
    for part in ("model", "ema"):
        for name in one[part]:
            torch.testing.assert_close(two[part][name], one[part][name], atol=1e-6, rtol=1e-5)
    steps = [line["step"] for line in read_log(tmp_path / "two" / LOG_NAME)]
    assert steps == list(range(1, 10))  # only one of them writes


def test_shares_are_the_batch_and_never_empty():
    batch = list(range(7))
    shares = [Processes(rank, 3).share(batch) for rank in range(3)]
    assert sorted(sum(shares, [])) == batch and max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [Processes(rank, 4).share([5, 6]) for rank in range(4)] == [[5], [6], [6], [6]]
    assert Processes().share(batch) == batch


def test_ranks_draw_other_noise():
    draws = []
    for rank in range(3):
        _seed_step(0, 5, rank)
        draws.append(torch.randn(4).tolist())
    assert draws[0] != draws[1] != draws[2] != draws[0]


if __name__ == "__main__":
    torch.set_num_threads(1)
    processes = Processes.current("cpu")
    print(f"process {processes.rank} of {processes.count}\n", end="", flush=True)
    run(Path(sys.argv[1]), int(sys.argv[2]))
