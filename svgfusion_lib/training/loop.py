"""Training loop shared by all models. It knows nothing about SVG; `step_loss` defines the objective.

All random numbers of step k (caption, timestep, noise, dropout) are derived from (seed, k) and the batch order from
(seed, epoch), so a resumed run ends with the same weights as an uninterrupted one. Under `accelerate launch` every
process takes its share of each batch, and rank 0 writes.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from svgfusion_lib.config import TrainConfig
from svgfusion_lib.errors import Paused, UserError
from svgfusion_lib.models.checkpoint import load_tensors, save_tensors
from svgfusion_lib.system.files import write_text
from svgfusion_lib.system.outputs import claim_folder
from svgfusion_lib.system.processes import Processes, check_device
from svgfusion_lib.system.progress import track
from svgfusion_lib.training.optimisation import EMA, Optimizers, learning_rate, make_optimizer

LOG_NAME = "train_log.jsonl"
LOG_SECONDS = 1.0  # shortest time between two writes of the log
STATE_NAME = "training_state.pt"
STATE_FIELDS = {
    "step": int, "model": dict, "ema": dict, "optimizer": dict, "train_config": dict, "train_svgs": int,
    "identity": dict,
}
# Settings that may change when a run resumes: how long it trains, where, and what it reports.
_FREE = {
    "num_steps", "lr_decay", "timesteps", "device", "log_every", "val_every", "checkpoint_every", "checkpoint_seconds",
    "compile", "bf16",
}

# step_loss(model, batch, step) -> loss to minimise, named parts to log
StepLoss = Callable[[Any, Any, int], tuple[Tensor, dict[str, Tensor]]]


def fit(
    model: nn.Module,
    train_loader: DataLoader,
    step_loss: StepLoss,
    config: TrainConfig,
    output_dir: str | Path,
    val_loader: DataLoader | None = None,
    on_validation: Callable[[Any, int], None] | None = None,
    max_minutes: float | None = None,
    identity: Mapping[str, object] | None = None,
) -> EMA:
    """Train to config.num_steps and return the averaged (EMA) weights.

    train_loader: from `make_loader`, or one with a batch sampler that tracks epochs and shards batches in the same way.
    Writes train_log.jsonl and training_state.pt to output_dir, and resumes from the state if there is one.
    identity: the inputs of the run, by name; a state with other inputs is rejected. on_validation(averaged model,
    step) is called after each held-out loss. Raises UserError naming the batch if a loss is not finite, and Paused,
    after saving the state, if max_minutes run out.
    """
    device = check_device(config.device)
    sampler = _batch_sampler(train_loader)
    with claim_folder(output_dir, "fit"):
        processes = Processes.current(config.device)
        device, main = processes.device or device, processes.is_main
        sampler.share = processes.share
        model.to(device).train()
        optimizer, ema = make_optimizer(model, config), EMA(model, config.ema_decay)
        state = _State(Path(output_dir) / STATE_NAME, model, ema, optimizer, config, len(sampler.lengths), identity)
        first_step = state.load() if state.path.is_file() else 0
        processes.wait()  # all processes have read the state before rank 0 overwrites it
        log = _Log(Path(output_dir), first_step, main)
        finite = _FiniteCheck(device, processes)
        batches = endless_batches(train_loader, first_step * config.accumulate)
        if config.compile:
            model.compile(dynamic=True)
        began = saved_at = time.monotonic()

        def finish(step: int) -> None:
            done = main and step > first_step
            if done and processes.count == 1:
                finite.check()
            log.close()
            if done:
                state.save(step)
            processes.wait()

        steps = range(first_step, config.num_steps)
        bar = track(steps, "training", total=config.num_steps, initial=first_step, disable=not main)
        for step in bar:
            if max_minutes is not None and step > first_step:
                in_time = time.monotonic() - began < 60 * max_minutes
                if not processes.all(torch.tensor(in_time, device=device)):
                    finish(step)
                    raise Paused(
                        f"{output_dir}: {step} of {config.num_steps} steps done; rerun the same command to resume"
                    )
            optimizer.set_rate(learning_rate(step, config))
            optimizer.zero_grad()
            for k in range(step * config.accumulate, (step + 1) * config.accumulate):
                _seed_step(config.seed + 2, k, processes.rank)  # captions and augmentations of the batch
                batch = next(batches)
                _seed_step(config.seed, k, processes.rank)      # noise and dropout
                with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
                    loss, parts = step_loss(model, batch.to(device), step)
                (loss / config.accumulate).backward()
                finite.note(step, loss, batch.names)
            processes.average_gradients(model.parameters())
            norm = nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
            if device.type == "cpu" or processes.count > 1:  # on a single accelerator, wait until the next log line
                finite.check()
            optimizer.step()
            ema.update(model, step)

            done = step + 1
            last = done == config.num_steps
            if step == 0 or done % config.log_every == 0 or last:
                finite.check()
                if main:
                    bar.set_postfix_str(f"loss {loss.item():.4f}", refresh=False)
                    log.write({
                        "step": done, "samples": done * config.batch_size * config.accumulate,
                        "loss": round(loss.item(), 6), "lr": optimizer.param_groups[0]["lr"],
                        "grad_norm": round(norm.item(), 4),
                        **{name: round(value.item(), 6) for name, value in parts.items()},
                    })
            if main and (done % config.val_every == 0 or last):
                with ema.applied_to(model):
                    if val_loader is not None:
                        log.write({"step": done} | held_out_loss(model, val_loader, step_loss, step, config))
                    if on_validation is not None:
                        on_validation(model, done)
            due = time.monotonic() - saved_at > config.checkpoint_seconds
            if main and not last and (due or done % config.checkpoint_every == 0):
                saved_at = time.monotonic()
                if processes.count == 1:
                    finite.check()
                log.save()
                state.save(done)
        finish(config.num_steps)
    return ema


def budget_steps(svgs: int, batch_size: int, num_epochs: int, samples_seen: int | None, accumulate: int = 1) -> int:
    """Number of optimiser steps for `samples_seen` SVGs, or for `num_epochs` epochs if that is None."""
    batches = num_epochs * -(-svgs // batch_size) if samples_seen is None else -(-samples_seen // batch_size)
    return -(-batches // accumulate)


def endless_batches(loader: DataLoader, first_step: int) -> Iterator:
    """Yield batches from step `first_step` on, epoch after epoch, in the sampler's order."""
    sampler = _batch_sampler(loader)
    epoch, skip = divmod(first_step, len(sampler))
    while True:
        sampler.epoch, sampler.first_batch = epoch, skip
        yield from loader
        epoch, skip = epoch + 1, 0


@torch.no_grad()
def held_out_loss(model: nn.Module, loader: DataLoader, step_loss: StepLoss, step: int, config: TrainConfig) -> dict:
    """Mean loss and its parts over the loader, with the same random numbers every time."""
    totals: dict[str, float] = {}
    count = 0
    sampler = _batch_sampler(loader)
    sampler.epoch = sampler.first_batch = 0
    for i, batch in enumerate(loader):
        _seed_step(config.seed + 1, i)
        loss, parts = step_loss(model, batch.to(config.device), step)
        for name, value in (parts | {"loss": loss}).items():
            totals[name] = totals.get(name, 0.0) + value.item() * len(batch.names)
        count += len(batch.names)
    return {f"val_{name}": round(total / max(1, count), 6) for name, total in totals.items()}


def _batch_sampler(loader: DataLoader) -> Any:
    """Return the loader's batch sampler; TypeError if it cannot resume within an epoch or shard its batches."""
    sampler: Any = loader.batch_sampler
    if not all(hasattr(sampler, name) for name in ("epoch", "first_batch", "share", "lengths")):
        raise TypeError(
            f"the loader's batch sampler is a {type(sampler).__name__}, which cannot resume and shard its batches;"
            " use make_loader(dataset, batch_size), or a LengthBucketSampler"
        )
    return sampler


def _seed_step(seed: int, step: int, rank: int = 0) -> None:
    torch.manual_seed(seed * 1_000_003 + step + rank * 7_368_787)


class _FiniteCheck:
    """Records the first step with a non-finite loss; synchronises with the device only in `check`."""

    def __init__(self, device: torch.device, processes: Processes):
        self._processes = processes
        self._bad_step = torch.full((), -1, device=device)
        self._names: dict[int, list[str]] = {}  # names in the batches since the last check

    def note(self, step: int, loss: Tensor, names: Sequence[str]) -> None:
        self._names.setdefault(step, []).extend(names[:8])
        bad = (self._bad_step < 0) & ~torch.isfinite(loss.detach())
        self._bad_step = torch.where(bad, step, self._bad_step)

    def check(self) -> None:
        """Raise UserError if a loss since the last check was not finite; must be called by every process."""
        if not self._processes.all(self._bad_step < 0):
            step = int(self._bad_step)
            names = ", ".join(self._names.get(step, ["of another process"]))
            raise UserError(f"loss is not finite at step {max(step, 0)}; batch: {names} ...")
        self._names.clear()


class _Log:
    """Writes train_log.jsonl; `enabled` only in the main process.

    The whole file is rewritten each time, at most once per LOG_SECONDS, so that its hash shows that it is ours.
    """

    def __init__(self, output_dir: Path, first_step: int, enabled: bool):
        self._path, self._enabled = output_dir / LOG_NAME, enabled
        self._lines: list[dict] = []
        self._began = time.monotonic()
        if not enabled:
            return
        if first_step and self._path.is_file():  # drop lines after the checkpoint: those steps are repeated
            self._lines = [line for line in read_log(self._path) if line["step"] <= first_step]
        self._began -= self._lines[-1].get("seconds", 0.0) if self._lines else 0.0
        self.save()

    def write(self, values: dict) -> None:
        """Add a line."""
        self._lines.append(values | {"seconds": round(time.monotonic() - self._began, 2)})
        if time.monotonic() - self._saved_at > LOG_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the log so far to disk."""
        write_text(self._path, "".join(json.dumps(line) + "\n" for line in self._lines))
        self._saved_at = time.monotonic()

    def close(self) -> None:
        if self._enabled:
            self.save()


class _State:
    """Reads and writes training_state.pt: the state a run resumes from, and what it was trained on."""

    def __init__(
        self, path: Path, model: nn.Module, ema: EMA, optimizer: Optimizers, config: TrainConfig,
        train_svgs: int, identity: Mapping[str, object] | None = None,
    ):
        self.path, self.model, self.ema, self.optimizer, self.config = path, model, ema, optimizer, config
        self.train_svgs = train_svgs
        self.identity = {name: str(value) for name, value in (identity or {}).items()}

    def save(self, step: int) -> None:
        """Save the training state after `step` steps."""
        save_tensors(self.path, "training_state", {
            "step": step, "model": self.model.state_dict(), "ema": self.ema.weights,
            "optimizer": self.optimizer.state_dict(), "train_config": self.config.to_dict(),
            "train_svgs": self.train_svgs, "identity": self.identity,
        })

    def load(self) -> int:
        """Restore the state and return its step; UserError if it is damaged or of another run."""
        state = load_tensors(self.path, "training_state", "train_vae or train_dit", STATE_FIELDS)
        self._check_same(state)
        if state["step"] > self.config.num_steps:
            raise UserError(
                f"{self.path}: already has {state['step']} steps, but {self.config.num_steps} were requested;"
                " request more, or use another output folder"
            )
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            for name, tensor in self.ema.weights.items():
                tensor.copy_(state["ema"][name])
        except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise UserError(
                f"{self.path}: belongs to a model of another size, or to an earlier version; use another output folder"
            ) from error
        return state["step"]

    def _check_same(self, state: dict) -> None:
        """Check that a state belongs to this run; UserError naming the first difference."""
        before, now = state["train_config"], self.config.to_dict()
        pairs = [(name, before[name], now[name]) for name in now if name in before and name not in _FREE]
        pairs.append(("number of SVGs", state["train_svgs"], self.train_svgs))
        known = state["identity"]
        pairs += [(name, known[name], value) for name, value in self.identity.items() if name in known]
        _check_equal(self.path, pairs)


def check_identity(path: Path, identity: Mapping[str, object]) -> None:
    """UserError if a training state has other inputs (of `fit`); for stages that make some of them in its folder."""
    if path.is_file():
        known = load_tensors(path, "training_state", "train_vae or train_dit", STATE_FIELDS)["identity"]
        _check_equal(path, [(name, known[name], str(value)) for name, value in identity.items() if name in known])


def _check_equal(path: Path, pairs: Iterable[tuple[str, object, object]]) -> None:
    """Check (name, value in a training state, value now) of settings and inputs; UserError for the first difference."""
    for name, old, new in pairs:
        if old != new:
            raise UserError(f"{path}: was trained with {name} {old}, not {new}; use the same, or another output folder")


def read_log(path: str | Path) -> list[dict]:
    """Read the lines of a train_log.jsonl; UserError if it is not one."""
    try:
        lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a training log ({error})") from error
    if not all(isinstance(line, dict) and isinstance(line.get("step"), int) for line in lines):
        raise UserError(f"{path}: not a training log (a line has no step)")
    return lines
