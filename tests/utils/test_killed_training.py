"""A run that is killed at any moment, by the hardest signal, and started again ends where an undisturbed one ends."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from svgfusion_lib.config import TrainConfig
from svgfusion_lib.utils.dataset import LatentBatch, LengthBucketSampler
from svgfusion_lib.utils.training import LOG_NAME, STATE_NAME, TIMINGS, fit

STEPS, KILLS, STEP_SECONDS = 300, 20, 0.015
CONFIG = TrainConfig(
    num_steps=STEPS, batch_size=4, lr=0.05, warmup_steps=2, log_every=1, val_every=70, checkpoint_every=2,
)


class Caption:
    """Items that draw random numbers as they are read, as captions and augmentations do."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.randn(3, generator=torch.Generator().manual_seed(i)) + 0.1 * torch.rand(())


def collate(items: list[torch.Tensor]) -> LatentBatch:
    x = torch.stack(items)[:, None]  # (B, 1, 3)
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    return LatentBatch(x, x, mask, x, mask, names=["svg"] * len(items))


def loader() -> DataLoader:
    sampler = LengthBucketSampler([1] * 10, 4)
    return DataLoader(Caption(), batch_sampler=sampler, collate_fn=collate, generator=torch.Generator())


def run(folder: Path, pause: float = 0.0) -> None:
    def step_loss(model, batch, step):
        time.sleep(pause)
        x = batch.mean[:, 0]
        loss = (model(x + 0.3 * torch.randn_like(x)) - x).square().mean()
        return loss, {"fit": loss}

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 3))
    fit(model, loader(), step_loss, CONFIG, folder, loader())


def lines(folder: Path) -> list[dict]:
    text = (folder / LOG_NAME).read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMINGS} for line in text]


def test_twenty_kills_change_nothing(tmp_path):
    run(tmp_path / "whole")
    rng = random.Random(0)
    killed = 0
    while True:  # fresh processes: a fork of this one could inherit a lock that a thread of torch's holds
        child = subprocess.Popen(
            [sys.executable, __file__, str(tmp_path / "cut"), str(STEP_SECONDS)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout.readline() == "training\n"
        try:
            child.wait(rng.uniform(0.02, 0.35) if killed < KILLS else 120)
        except subprocess.TimeoutExpired:
            assert killed < KILLS, "the last run hangs"
            child.kill()
            child.wait()
            killed += 1
            continue
        finally:
            child.stdout.close()
        assert child.returncode == 0
        break
    assert killed == KILLS, "the run was done before it could be killed that often"
    whole, cut = (torch.load(tmp_path / name / STATE_NAME, weights_only=True) for name in ("whole", "cut"))
    assert cut["step"] == STEPS
    for part in ("model", "ema"):
        for name, tensor in whole[part].items():
            torch.testing.assert_close(cut[part][name], tensor, atol=0, rtol=0)
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")


if __name__ == "__main__":
    print("training", flush=True)
    run(Path(sys.argv[1]), float(sys.argv[2]))
