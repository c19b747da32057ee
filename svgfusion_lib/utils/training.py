"""One training loop for both models: `fit`. It knows nothing of SVG; a model is what `step_loss` makes of it.

Every random number of step k (caption, timestep, noise, dropout) follows from (seed, k) and the order of
batches from (seed, epoch), so a run that was stopped and resumed gives the weights of one that was not.
Under `accelerate launch` every process takes its share of each batch, and the first one writes.
"""

import importlib.util
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from svgfusion_lib.config import TrainConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.utils.checkpoint import load_tensors, save_tensors
from svgfusion_lib.utils.processes import Processes
from svgfusion_lib.utils.progress import track

LOG_NAME = "train_log.jsonl"
STATE_NAME = "training_state.pt"

# step_loss(model, batch, step) -> loss to descend, named parts to log
StepLoss = Callable[[nn.Module, object, int], tuple[Tensor, dict[str, Tensor]]]


def learning_rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up to config.lr, then cosine decay to final_lr * lr at num_steps."""
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.num_steps - config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.lr * (config.final_lr + (1 - config.final_lr) * cosine)


def check_counts(**counts: int) -> None:
    """UserError naming the first of the given numbers that is below 1."""
    for name, value in counts.items():
        if value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1")


def check_device(device: str) -> torch.device:
    """A usable torch device, or a UserError that says which ones this machine has."""
    available = ["cpu"]
    if torch.cuda.is_available():
        available += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        available.append("mps")
    if device not in available and not (device == "cuda" and len(available) > 1):
        raise UserError(f"device {device!r} is not on this machine; use one of: {', '.join(available)}")
    return torch.device(device)


class EMA:
    """Exponential moving average of a model's state; the decay warms up as (1 + k) / (10 + k)."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                self.weights[name].lerp_(tensor, 1 - decay)
            else:
                self.weights[name].copy_(tensor)

    @contextmanager
    def applied_to(self, model: nn.Module):
        """The model in eval mode with the averaged weights; its own come back afterwards."""
        own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        training = model.training
        model.load_state_dict(self.weights)
        model.eval()
        try:
            yield model
        finally:
            model.load_state_dict(own)
            model.train(training)


def endless_batches(loader: DataLoader, first_step: int) -> Iterator:
    """Batches from step `first_step` on, epoch after epoch, in the sampler's order."""
    sampler = loader.batch_sampler
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
    loader.batch_sampler.epoch = loader.batch_sampler.first_batch = 0
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
) -> EMA:
    """Train to config.num_steps and return the averaged weights.

    Writes train_log.jsonl and training_state.pt to output_dir; if the state is there, training continues
    from it. on_validation(averaged model, step) is called whenever the held-out loss is taken.
    Raises UserError naming the batch if a loss is not finite.
    """
    device = check_device(config.device)
    processes = Processes.current(config.device)
    device = processes.device or device
    output_dir = Path(output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    train_loader.batch_sampler.share = processes.share
    model.to(device).train()
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.99))
    ema = EMA(model, config.ema_decay)
    state_path, log_path = output_dir / STATE_NAME, output_dir / LOG_NAME
    first_step = 0
    if state_path.is_file():
        first_step = _load_state(state_path, model, ema, optimizer, config, len(train_loader.dataset))
    processes.wait()  # all have read the state before one writes it anew
    if processes.is_main:
        _keep_log_until(log_path, first_step)
    seconds_before = 0.0
    saved_at = began = time.monotonic()
    if first_step and (last := _last_line(log_path)):
        seconds_before = last.get("seconds", 0.0)

    steps = range(first_step, config.num_steps)
    bar = track(steps, "training", total=config.num_steps, initial=first_step, disable=not processes.is_main)
    with log_path.open("a", encoding="utf-8") as log:

        board = _tensorboard(output_dir) if processes.is_main else None

        def record(values: dict) -> None:
            if board is not None:
                for name, value in values.items():
                    board.add_scalar(name, value, values["step"])
            seconds = round(seconds_before + time.monotonic() - began, 2)
            log.write(json.dumps(values | {"seconds": seconds}) + "\n")
            log.flush()

        batches = endless_batches(train_loader, first_step)
        for step in bar:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, config)
            _seed_step(config.seed + 2, step, processes.rank)  # captions and augmentations of the batch
            batch = next(batches).to(device)
            _seed_step(config.seed, step, processes.rank)      # noise and dropout
            with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
                loss, parts = step_loss(model, batch, step)
            if not processes.all(torch.isfinite(loss)):
                raise UserError(f"loss is {loss.item()} at step {step}; batch: {', '.join(batch.names[:8])} ...")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            processes.average_gradients(model.parameters())
            norm = nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
            optimizer.step()
            ema.update(model, step)
            done = step + 1
            if not processes.is_main:
                continue
            if step == 0 or done % config.log_every == 0 or done == config.num_steps:
                values = {name: round(value.item(), 6) for name, value in parts.items()}
                record({"step": done, "samples": done * config.batch_size, "loss": round(loss.item(), 6),
                        "lr": optimizer.param_groups[0]["lr"], "grad_norm": round(norm.item(), 4)} | values)
                bar.set_postfix(loss=f"{loss.item():.4f}")
            if done % config.val_every == 0 or done == config.num_steps:
                with ema.applied_to(model):
                    if val_loader is not None:
                        record({"step": done} | held_out_loss(model, val_loader, step_loss, step, config))
                    if on_validation is not None:
                        on_validation(model, done)
            due = time.monotonic() - saved_at > config.checkpoint_seconds
            if due or done % config.checkpoint_every == 0 or done == config.num_steps:
                saved_at = time.monotonic()
                save_tensors(state_path, "training_state", {
                    "step": done, "model": model.state_dict(), "ema": ema.weights,
                    "optimizer": optimizer.state_dict(), "train_config": config.to_dict(),
                    "train_svgs": len(train_loader.dataset),
                })
        if board is not None:
            board.close()
    processes.wait()
    return ema


def _tensorboard(output_dir: Path):
    """A writer of TensorBoard files in output_dir/tensorboard, if the package is installed; else None."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(output_dir / "tensorboard")


def _load_state(
    path: Path, model: nn.Module, ema: EMA, optimizer: torch.optim.Optimizer, config: TrainConfig, train_svgs: int
) -> int:
    state = load_tensors(path, "training_state", "train_vae or train_dit")
    before = {name: state["train_config"][name] for name in ("seed", "batch_size")}
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
    except RuntimeError as error:
        raise UserError(f"{path}: belongs to a model of another size; use another output folder") from error
    optimizer.load_state_dict(state["optimizer"])
    for name, tensor in state["ema"].items():
        ema.weights[name].copy_(tensor)
    return state["step"]


def read_log(path: str | Path) -> list[dict]:
    """The lines of a train_log.jsonl."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def _last_line(path: Path) -> dict | None:
    lines = read_log(path) if path.is_file() else []
    return lines[-1] if lines else None


def _keep_log_until(path: Path, step: int) -> None:
    """Drop log lines after the checkpoint that training continues from (a torn last line included)."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (json.JSONDecodeError, KeyError):
            continue
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
