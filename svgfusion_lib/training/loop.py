"""One training loop for both models: `fit`. It knows nothing of SVG; a model is what `step_loss` makes of it.

Every random number of step k (caption, timestep, noise, dropout) follows from (seed, k) and the order of
batches from (seed, epoch), so a run that was stopped and resumed gives the weights of one that was not.
Under `accelerate launch` every process takes its share of each batch, and the first one writes.
"""

import copy
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from svgfusion_lib.config import TrainConfig
from svgfusion_lib.errors import Paused, UserError
from svgfusion_lib.models.checkpoint import load_tensors, save_tensors
from svgfusion_lib.system.checks import check_device
from svgfusion_lib.system.files import naming, write_text
from svgfusion_lib.system.locks import locked_folder
from svgfusion_lib.system.processes import Processes
from svgfusion_lib.system.progress import track
from svgfusion_lib.training.optimisation import EMA, learning_rate, make_optimizer
from svgfusion_lib.training.throughput import Meter

LOG_NAME = "train_log.jsonl"
STATE_NAME = "training_state.pt"
STATE_FIELDS = {"step": int, "model": dict, "ema": dict, "optimizer": dict, "train_config": dict, "train_svgs": int}
TIMINGS = ("seconds", "latents_per_second", "mfu", "data_wait")  # fields of the log that no two runs have alike

# step_loss(model, batch, step) -> loss to descend, named parts to log
StepLoss = Callable[[nn.Module, object, int], tuple[Tensor, dict[str, Tensor]]]


def budget_steps(svgs: int, batch_size: int, num_epochs: int, samples_seen: int | None, accumulate: int = 1) -> int:
    """Optimiser steps that see `samples_seen` SVGs, or all of them `num_epochs` times if that is None."""
    batches = num_epochs * -(-svgs // batch_size) if samples_seen is None else -(-samples_seen // batch_size)
    return -(-batches // accumulate)


def endless_batches(loader: DataLoader, first_step: int) -> Iterator:
    """Batches from step `first_step` on, epoch after epoch, in the sampler's order."""
    sampler: Any = loader.batch_sampler  # a LengthBucketSampler, or what counts epochs as it does
    epoch, skip = divmod(first_step, len(sampler))
    while True:
        sampler.epoch, sampler.first_batch = epoch, skip
        yield from loader
        epoch, skip = epoch + 1, 0


def _seed_step(seed: int, step: int, rank: int = 0) -> None:
    torch.manual_seed(seed * 1_000_003 + step + rank * 7_368_787)


@torch.no_grad()
def held_out_loss(model: nn.Module, loader: DataLoader, step_loss: StepLoss, step: int, config: TrainConfig) -> dict:
    """Mean loss and parts over the loader, with the same random numbers every time."""
    totals: dict[str, float] = {}
    count = 0
    sampler: Any = loader.batch_sampler
    sampler.epoch = sampler.first_batch = 0
    for i, batch in enumerate(loader):
        _seed_step(config.seed + 1, i)
        loss, parts = step_loss(model, batch.to(config.device), step)
        for name, value in (parts | {"loss": loss}).items():
            totals[name] = totals.get(name, 0.0) + value.item() * len(batch.names)
        count += len(batch.names)
    return {f"val_{name}": round(total / max(1, count), 6) for name, total in totals.items()}


def fit(
    model: nn.Module,
    train_loader: DataLoader,
    step_loss: StepLoss,
    config: TrainConfig,
    output_dir: str | Path,
    val_loader: DataLoader | None = None,
    on_validation: Callable[[nn.Module, int], None] | None = None,
    max_minutes: float | None = None,
) -> EMA:
    """Train to config.num_steps and return the averaged weights.

    Writes train_log.jsonl and training_state.pt to output_dir; if the state is there, training continues
    from it. on_validation(averaged model, step) is called whenever the held-out loss is taken.
    Raises UserError naming the batch if a loss is not finite, and Paused, with the state written, when
    max_minutes have passed before the end.
    """
    check_device(config.device)
    with locked_folder(output_dir):
        return _fit(model, train_loader, step_loss, config, output_dir, val_loader, on_validation, max_minutes)


def _fit(
    model: nn.Module, train_loader: DataLoader, step_loss: StepLoss, config: TrainConfig, output_dir: str | Path,
    val_loader: DataLoader | None, on_validation: Callable[[nn.Module, int], None] | None, max_minutes: float | None,
) -> EMA:
    began = time.monotonic()
    run = _Run(model, train_loader, step_loss, config, Path(output_dir))
    main = run.processes.is_main
    steps = range(run.first_step, config.num_steps)
    saved_at = began
    for step in track(steps, "training", total=config.num_steps, initial=run.first_step, disable=not main):
        if max_minutes is not None and step > run.first_step:
            in_time = time.monotonic() - began < 60 * max_minutes
            if not run.processes.all(torch.tensor(in_time, device=run.device)):
                run.stop(step)
                raise Paused(f"{output_dir}: {step} of {config.num_steps} steps done; the same command goes on")
        loss, parts, norm = run.descend(step)
        done = step + 1
        last = done == config.num_steps
        if step == 0 or done % config.log_every == 0 or last:
            run.report(done, loss, parts, norm)
        if main and (done % config.val_every == 0 or last):
            with run.ema.applied_to(model):
                if val_loader is not None:
                    run.log({"step": done} | held_out_loss(model, val_loader, step_loss, step, config))
                if on_validation is not None:
                    on_validation(model, done)
        due = time.monotonic() - saved_at > config.checkpoint_seconds
        if main and not last and (due or done % config.checkpoint_every == 0):
            saved_at = time.monotonic()
            run.save(done)
    run.stop(config.num_steps)
    return run.ema


class _Run:
    """One call of `fit`: model, optimiser and averages, where they are, and what has been written."""

    def __init__(
        self, model: nn.Module, loader: DataLoader, step_loss: StepLoss, config: TrainConfig, output_dir: Path
    ):
        device = check_device(config.device)
        self.processes = Processes.current(config.device)
        self.device = self.processes.device or device
        self.model, self.loader, self.step_loss, self.config = model, loader, step_loss, config
        sampler: Any = loader.batch_sampler
        sampler.share = self.processes.share
        dataset: Any = loader.dataset
        self._train_svgs = len(dataset)
        model.to(self.device).train()
        self.optimizer = make_optimizer(model, config)
        self.ema = EMA(model, config.ema_decay)
        self.state_path, self.log_path = output_dir / STATE_NAME, output_dir / LOG_NAME
        self.first_step = 0
        if self.state_path.is_file():
            self.first_step = _load_state(
                self.state_path, model, self.ema, self.optimizer, config, self._train_svgs
            )
        self.processes.wait()  # all have read the state before one writes it anew
        self._board = _tensorboard(output_dir) if self.processes.is_main else None
        self._began = time.monotonic()
        if self.processes.is_main:
            _keep_log_until(self.log_path, self.first_step)
            last = _last_line(self.log_path) if self.first_step else None
            self._began -= last.get("seconds", 0.0) if last else 0.0
        self._batches = endless_batches(loader, self.first_step * config.accumulate)
        self._bad_step = torch.full((), -1, device=self.device)  # the first step whose loss was not finite
        self._names: dict[int, list[str]] = {}  # of the batches that have not been asked for yet
        self._meter: Meter | None = None

    def descend(self, step: int) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """One step of the optimiser; returns loss, its parts and the gradient's norm (of the last batch)."""
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, config)
        self.optimizer.zero_grad(set_to_none=True)
        for k in range(step * config.accumulate, (step + 1) * config.accumulate):
            _seed_step(config.seed + 2, k, self.processes.rank)  # captions and augmentations of the batch
            asked = time.perf_counter()
            batch = next(self._batches)
            waited = time.perf_counter() - asked
            self._names.setdefault(step, []).extend(batch.names[:8])
            latents = int((~batch.padding_mask).sum())
            batch = batch.to(self.device)
            if self._meter is None:
                self._meter = self._start_meter(batch, step, latents)
                waited = 0.0  # before the meter began
            self._meter.latents += latents
            self._meter.waited += waited
            _seed_step(config.seed, k, self.processes.rank)      # noise and dropout
            loss, parts = self._backward(self.model, batch, step)
            bad = (self._bad_step < 0) & ~torch.isfinite(loss.detach())
            self._bad_step = torch.where(bad, step, self._bad_step)
        self.processes.average_gradients(self.model.parameters())
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.max_grad_norm)
        if self.device.type == "cpu" or self.processes.count > 1:  # no waiting for a device here
            self.check_finite()
        self.optimizer.step()
        self.ema.update(self.model, step)
        return loss, parts, norm

    def _backward(self, model: nn.Module, batch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16):
            loss, parts = self.step_loss(model, batch, step)
        (loss / self.config.accumulate).backward()
        return loss, parts

    def _start_meter(self, batch, step: int, latents: int) -> Meter:
        """Count the operations of one batch, on a copy: counted kernels are others, which round differently."""
        with FlopCounterMode(display=False) as counter:
            self._backward(copy.deepcopy(self.model), batch, step)
        dtype = torch.bfloat16 if self.config.bf16 else torch.float32
        if self.config.compile:
            self.model.compile(dynamic=True)
        return Meter(self.device, dtype, counter.get_total_flops() / max(1, latents))

    def check_finite(self) -> None:
        """UserError if a loss since the last check was not finite."""
        if not self.processes.all(self._bad_step < 0):
            step = int(self._bad_step)
            names = ", ".join(self._names.get(step, ["of another process"]))
            raise UserError(f"loss is not finite at step {max(step, 0)}; batch: {names} ...")
        self._names.clear()

    def report(self, done: int, loss: Tensor, parts: dict[str, Tensor], norm: Tensor) -> None:
        """A line of the log; every process calls it."""
        self.check_finite()
        if not self.processes.is_main:
            return
        values = {name: round(value.item(), 6) for name, value in parts.items()}
        samples = done * self.config.batch_size * self.config.accumulate
        rates = self._meter.read() if self._meter is not None else {}
        self.log({"step": done, "samples": samples, "loss": round(loss.item(), 6),
                  "lr": self.optimizer.param_groups[0]["lr"], "grad_norm": round(norm.item(), 4)} | values | rates)

    def log(self, values: dict) -> None:
        """Append to the log, and to TensorBoard where it is installed."""
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, values["step"])
        line = json.dumps(values | {"seconds": round(time.monotonic() - self._began, 2)})
        with naming(self.log_path), self.log_path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def save(self, step: int) -> None:
        """Write all that the training needs to go on after `step` steps."""
        if self.processes.count == 1:
            self.check_finite()
        save_tensors(self.state_path, "training_state", {
            "step": step, "model": self.model.state_dict(), "ema": self.ema.weights,
            "optimizer": self.optimizer.state_dict(), "train_config": self.config.to_dict(),
            "train_svgs": self._train_svgs,
        })

    def stop(self, step: int) -> None:
        """Save and close; every process calls it."""
        if self.processes.is_main:
            if step > self.first_step:
                self.save(step)
            if self._board is not None:
                self._board.close()
        self.processes.wait()


def _tensorboard(output_dir: Path):
    """A writer of TensorBoard files in output_dir/tensorboard, if the package is installed; else None."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(output_dir / "tensorboard")


def _load_state(
    path: Path, model: nn.Module, ema: EMA, optimizer: torch.optim.Optimizer, config: TrainConfig, train_svgs: int
) -> int:
    state = load_tensors(path, "training_state", "train_vae or train_dit", STATE_FIELDS)
    before = {name: state["train_config"].get(name) for name in ("seed", "batch_size")}
    before["number of SVGs"] = state["train_svgs"]
    now = {"seed": config.seed, "batch_size": config.batch_size, "number of SVGs": train_svgs}
    for name in before:
        if before[name] != now[name]:
            raise UserError(
                f"{path}: was trained with {name} {before[name]}, not {now[name]};"
                " use the same, or another output folder"
            )
    if state["step"] > config.num_steps:
        raise UserError(
            f"{path}: has {state['step']} steps already, {config.num_steps} were asked for;"
            " ask for more, or use another output folder"
        )
    try:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        for name, tensor in ema.weights.items():
            tensor.copy_(state["ema"][name])
    except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: belongs to a model of another size; use another output folder") from error
    return state["step"]


def read_log(path: str | Path) -> list[dict]:
    """The lines of a train_log.jsonl; UserError for one that is none."""
    try:
        return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise UserError(f"{path}: not a log of a training ({error})") from error


def _last_line(path: Path) -> dict | None:
    lines = read_log(path) if path.is_file() else []
    return lines[-1] if lines else None


def _keep_log_until(path: Path, step: int) -> None:
    """Drop log lines after the checkpoint that training continues from (a torn last line included)."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, LookupError, TypeError):
            continue
    write_text(path, "".join(f"{line}\n" for line in kept))
