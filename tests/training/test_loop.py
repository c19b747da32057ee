from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from svgfusion_lib.config import TrainConfig
from svgfusion_lib.errors import Paused, UserError
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.training import loop, optimisation
from svgfusion_lib.training.loop import LOG_NAME, STATE_NAME, budget_steps, fit, held_out_loss, read_log
from svgfusion_lib.training.optimisation import EMA, MUON_RATE, learning_rate, make_optimizer
from svgfusion_lib.utils.dataset import LatentBatch, LengthBucketSampler


def quick(**changes) -> TrainConfig:
    return TrainConfig(**{
        "num_steps": 12, "batch_size": 4, "lr": 0.05, "warmup_steps": 2, "log_every": 2, "val_every": 5,
        "checkpoint_every": 5, "weight_decay": 0.0,
    } | changes)


def points_loader(count: int = 10, batch_size: int = 4, seed: int = 0) -> DataLoader:
    data = torch.randn(count, 3, generator=torch.Generator().manual_seed(3))

    def collate(indices):
        x = data[indices][:, None]  # (B, 1, 3)
        mask = torch.zeros(x.shape[:2], dtype=torch.bool)
        return LatentBatch(x, x, mask, x, mask, names=[f"svg {i}" for i in indices])

    sampler = LengthBucketSampler([1] * count, batch_size, seed)
    return DataLoader(range(count), batch_sampler=sampler, collate_fn=collate)


def make_model(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    blocks = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.BatchNorm1d(8))
    return nn.Sequential(OrderedDict(blocks=blocks, head=nn.Linear(8, 3)))


def step_loss(model, batch, step):
    """Denoise points: uses torch's global generator for noise and dropout, as the real losses do."""
    x = batch.mean[:, 0]
    loss = (model(x + 0.3 * torch.randn_like(x)) - x).square().mean()
    return loss, {"fit": loss}


def state_of(folder) -> dict:
    return torch.load(folder / STATE_NAME, weights_only=True)


def log_without_time(folder) -> list[dict]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_log(folder / LOG_NAME)]


def assert_same(a, b):
    if isinstance(a, torch.Tensor):
        torch.testing.assert_close(a, b, atol=0, rtol=0)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y)
    else:
        assert a == b


class Interrupted(Exception):
    pass


@pytest.mark.parametrize(
    ("stop_at", "optimizer"), [(1, "adamw"), (6, "adamw"), (8, "adamw"), (11, "adamw"), (8, "muon")]
)
def test_interrupted_run_continues_to_bit_identical_weights_and_log(tmp_path, monkeypatch, stop_at, optimizer):
    monkeypatch.setattr(loop, "LOG_SECONDS", 0)  # so that the log is ahead of the checkpoint
    config = quick(optimizer=optimizer)
    whole_ema = fit(make_model(), points_loader(), step_loss, config, tmp_path / "whole", points_loader(6))

    def failing(model, batch, step):
        if step == stop_at:
            raise Interrupted
        return step_loss(model, batch, step)

    with pytest.raises(Interrupted):
        fit(make_model(), points_loader(), failing, config, tmp_path / "cut", points_loader(6))
    fresh = make_model(12345)
    if stop_at < config.checkpoint_every:
        fresh = make_model()  # no checkpoint yet: starts from scratch
    ema = fit(fresh, points_loader(), step_loss, config, tmp_path / "cut", points_loader(6))
    assert_same(ema.weights, whole_ema.weights)
    whole, cut = state_of(tmp_path / "whole"), state_of(tmp_path / "cut")
    for part in ("step", "model", "ema", "optimizer"):
        assert_same(cut[part], whole[part])
    assert log_without_time(tmp_path / "cut") == log_without_time(tmp_path / "whole")


def test_muon_takes_the_matrices_of_the_blocks_and_steps_along_an_orthogonal_one():
    model = nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(6, 4)]), "head": nn.Linear(4, 2)})
    before = model["blocks"][0].weight.detach().clone()
    optimizer = make_optimizer(model, quick(optimizer="muon", lr=0.1, weight_decay=0.0))
    adamw, muon = optimizer.parts
    assert [id(p) for g in muon.param_groups for p in g["params"]] == [id(model["blocks"][0].weight)]
    assert sum(len(g["params"]) for g in adamw.param_groups) == 3
    x = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    model["head"](model["blocks"][0](x)).square().sum().backward()
    optimizer.set_rate(0.1 / MUON_RATE)
    optimizer.step()
    step = (before - model["blocks"][0].weight) / (0.1 * 0.2 * 6**0.5)  # lr * 0.2 sqrt(longest side)
    assert all(s < 1.3 for s in torch.linalg.svdvals(step)) and torch.linalg.svdvals(step)[1] > 0.5


@pytest.mark.parametrize(("bf16", "error"), [(True, 0.0), (False, 1e-3)])
def test_muon_is_that_of_torch_whatever_the_processor_multiplies_in(monkeypatch, bf16, error):
    monkeypatch.setattr(optimisation, "_has_bf16", lambda device: bf16)
    torch.manual_seed(0)
    own, theirs = nn.Linear(6, 9, bias=False), nn.Linear(6, 9, bias=False)
    theirs.load_state_dict(own.state_dict())
    settings = {"lr": 1e-2, "weight_decay": 0.1}
    optimizers = (
        optimisation.Muon([{"params": list(own.parameters())}], **settings),
        torch.optim.Muon(theirs.parameters(), adjust_lr_fn="match_rms_adamw", **settings),
    )
    for _ in range(3):
        own.weight.grad = torch.randn(9, 6)
        theirs.weight.grad = own.weight.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(own.weight, theirs.weight, atol=error, rtol=0)
    optimizers[0].load_state_dict(optimizers[1].state_dict())  # from a run started with torch's optimizer


@pytest.mark.parametrize("max_minutes", [0, 1e-4])
def test_paused_run_goes_on_to_the_same_weights(tmp_path, max_minutes):
    whole = fit(make_model(), points_loader(), step_loss, quick(), tmp_path / "whole", points_loader(6))
    pauses = 0
    while True:
        try:
            ema = fit(
                make_model(), points_loader(), step_loss, quick(), tmp_path / "cut", points_loader(6),
                max_minutes=max_minutes,
            )
            break
        except Paused as pause:
            assert "of 12 steps done; rerun the same command to resume" in str(pause)
            pauses += 1
    assert pauses == 11 if max_minutes == 0 else pauses <= 11
    assert_same(ema.weights, whole.weights)
    assert log_without_time(tmp_path / "cut") == log_without_time(tmp_path / "whole")


def test_accumulated_batches_make_the_step_of_one_large_batch(tmp_path):
    """Without noise, dropout or clipping: 2 x 5 points are 10 points."""

    def mean_loss(model, batch, step):
        loss = (model(batch.mean[:, 0]) - batch.mean[:, 0]).square().mean()
        return loss, {"fit": loss}

    def train(batch_size, accumulate):
        torch.manual_seed(0)
        config = quick(num_steps=3, batch_size=batch_size, accumulate=accumulate, max_grad_norm=1e9)
        name = f"{batch_size}"
        return fit(nn.Linear(3, 3), points_loader(batch_size=batch_size), mean_loss, config, tmp_path / name).weights

    for name, tensor in train(10, 1).items():
        torch.testing.assert_close(train(5, 2)[name], tensor, atol=1e-5, rtol=1e-5)
    assert [line["samples"] for line in read_log(tmp_path / "5" / LOG_NAME)] == [10, 20, 30]


def test_budget_in_epochs_or_samples():
    assert budget_steps(10, 4, 3, None) == 9 and budget_steps(10, 4, 3, None, accumulate=2) == 5
    assert budget_steps(10, 4, 3, 41) == 11


def test_finished_run_is_not_trained_further(tmp_path):
    first = fit(make_model(), points_loader(), step_loss, quick(), tmp_path)
    log = log_without_time(tmp_path)
    again = fit(make_model(), points_loader(), step_loss, quick(), tmp_path)
    assert_same(again.weights, first.weights)
    assert log_without_time(tmp_path) == log


def test_log_has_the_fields_that_are_promised(tmp_path):
    config = quick()
    fit(make_model(), points_loader(), step_loss, config, tmp_path, points_loader(6))
    lines = read_log(tmp_path / LOG_NAME)
    training = [line for line in lines if "loss" in line]
    assert [line["step"] for line in training] == [1, 2, 4, 6, 8, 10, 12]
    assert all(line["lr"] == learning_rate(line["step"] - 1, config) for line in training)
    assert {"samples", "grad_norm", "fit", "seconds"} <= set(training[0])
    assert [line["step"] for line in lines if "val_loss" in line] == [5, 10, 12]
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_loss_that_is_not_finite_names_step_and_batch(tmp_path, bad):
    def spoilt(model, batch, step):
        loss, parts = step_loss(model, batch, step)
        return (loss * bad if "svg 7" in batch.names else loss), parts

    with pytest.raises(UserError, match=r"loss is not finite at step \d+; batch: .*svg 7"):
        fit(make_model(), points_loader(), spoilt, quick(num_steps=50), tmp_path)


def test_a_run_is_resumed_only_on_what_it_was_trained_on(tmp_path):
    was = {"VP-VAE": "abc", "prediction": "v"}

    def resume(model=None, other=was, **changes):
        model = model or make_model()
        fit(model, points_loader(), step_loss, quick(**changes), tmp_path, identity=was | other)

    resume()
    for changes, message in [
        ({"model": nn.Sequential(nn.Linear(3, 3))}, "another size"), ({"seed": 1}, "seed 0, not 1"),
        ({"batch_size": 5}, "batch_size 4, not 5"), ({"lr": 0.1}, "lr 0.05, not 0.1"),
        ({"other": {"VP-VAE": "def"}}, "VP-VAE abc, not def"),
        ({"other": {"prediction": "epsilon"}}, "prediction v, not epsilon"),
    ]:
        with pytest.raises(UserError, match=f"{message}.*another output folder"):
            resume(num_steps=20, **changes)
    resume(num_steps=20)
    assert state_of(tmp_path)["step"] == 20
    (tmp_path / STATE_NAME).write_bytes(b"torn")
    with pytest.raises(UserError, match=STATE_NAME):
        resume()


def test_held_out_loss_is_the_mean_over_svgs_and_repeats(tmp_path):
    model = make_model().eval()
    loader = points_loader(7, batch_size=4)  # batches of 4 and 3

    def own_loss(model, batch, step):
        loss = batch.mean.square().sum() / len(batch.names)
        return loss, {}

    expected = sum(batch.mean.square().sum().item() for batch in loader) / 7
    assert held_out_loss(model, loader, own_loss, 0, quick())["val_loss"] == pytest.approx(expected, abs=1e-5)
    first = held_out_loss(model, loader, step_loss, 0, quick())
    torch.manual_seed(99)
    assert held_out_loss(model, loader, step_loss, 0, quick()) == first


def test_validation_sees_the_averaged_model_in_eval_mode_and_leaves_training_alone(tmp_path):
    seen = []

    def look(model, step):
        seen.append((step, model.training, {k: v.clone() for k, v in model.state_dict().items()}))

    ema = fit(make_model(), points_loader(), step_loss, quick(), tmp_path / "a", on_validation=look)
    plain = fit(make_model(), points_loader(), step_loss, quick(), tmp_path / "b")
    assert [(step, training) for step, training, _ in seen] == [(5, False), (10, False), (12, False)]
    assert_same(seen[-1][2], ema.weights)
    assert_same(plain.weights, ema.weights)


def test_ema_by_hand():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema = EMA(model, decay=0.5)
    average = 0.0
    for step, value in enumerate([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.0]):
        nn.init.constant_(model.weight, value)
        ema.update(model, step)
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * value
    assert ema.weights["weight"].item() == pytest.approx(average, abs=1e-5)
    with ema.applied_to(model):
        assert model.weight.item() == pytest.approx(average, abs=1e-5) and not model.training
    assert model.weight.item() == 9.0 and model.training


def test_learning_rate_is_warmed_up_and_falls_by_a_cosine():
    config = quick(num_steps=110, warmup_steps=10, lr=1.0, final_lr=0.1)
    rates = [learning_rate(step, config) for step in range(111)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert rates[10] == 1.0 and rates[60] == pytest.approx(0.55) and rates[110] == pytest.approx(0.1)
    assert all(a >= b for a, b in zip(rates[10:], rates[11:]))
    assert learning_rate(0, quick(warmup_steps=0, lr=1.0)) == 1.0
    rates = [learning_rate(step, replace(config, lr_decay=0.2)) for step in range(111)]
    assert rates[10:91] == [1.0] * 81 and rates[100] == pytest.approx(0.55) and rates[110] == pytest.approx(0.1)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", "cpu:3x", "meta"])
def test_device_that_is_not_there(device):
    with pytest.raises(UserError, match=f"device '{device}' is not available; use one of: cpu"):
        check_device(device)
    assert check_device("cpu").type == "cpu"


@pytest.mark.parametrize("text", ["mine", '{"step": 2}\n', "[]", '{"step": "x"}'])
@pytest.mark.parametrize("done", [True, False])
def test_a_log_that_somebody_else_wrote_stays(tmp_path, done, text):
    fit(make_model(), points_loader(), step_loss, quick(num_steps=4), tmp_path)
    (tmp_path / LOG_NAME).write_text(text)
    if not done:
        (tmp_path / STATE_NAME).unlink()
    with pytest.raises(UserError, match="train_log.jsonl: (was not written by `fit`|not a training log)"):
        fit(make_model(), points_loader(), step_loss, quick(), tmp_path)
    assert (tmp_path / LOG_NAME).read_text() == text


def test_a_loader_that_cannot_resume_is_refused(tmp_path):
    with pytest.raises(TypeError, match="BatchSampler, which cannot resume and shard.*make_loader"):
        fit(make_model(), DataLoader(range(4), batch_size=2), step_loss, quick(), tmp_path)
