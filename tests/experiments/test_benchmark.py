"""The benchmark's figures, on sizes that take a moment."""


import pytest
import torch

from svgfusion_lib.config import DiTConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments import benchmark_reference as reference
from svgfusion_lib.experiments.benchmark import benchmark
from svgfusion_lib.models.layers import Attention
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.system.files import read_json


@pytest.fixture
def short_reference(monkeypatch):
    monkeypatch.setattr(reference, "LENGTH", 24)


def test_benchmark_tells_medians_threads_and_ratios(short_reference, tmp_path):
    options = {"batch_sizes": (1, 2), "steps": (1, 2), "repeats": 1, "num_svgs": 8, "latents": 3, "lengths": (8, 16)}
    report = benchmark(tmp_path, **options, threads=(1,), reference_steps=1)
    assert read_json(tmp_path / "report.json", "report of benchmark", "") == report
    timings = report["seconds_per_sample"]
    assert [(t["threads"], t["batch_size"], t["steps"]) for t in timings] == [
        (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)
    ]
    assert all(t["seconds"] > 0 for t in timings)
    assert all(rate > 0 for rate in report["per_second"].values())
    assert "encode latents" in report["per_second"]
    own, plain = report["training"]["ours"], report["training"]["plain"]
    assert own["svgs"] == 8 and plain["svgs"] == 4
    assert 100 * 2**20 < report["peak_memory"] < 2 * 2**30
    assert set(report["reference_step_seconds"]) == {"8", "16"}
    assert report["reference"]["seconds"] > 100 * report["reference"]["seconds_per_step"]
    text = (tmp_path / "report.md").read_text()
    assert "thread(s)" in text and "| training a VS-DiT S, rows a second |" in text


def test_attention_written_out_is_the_same_attention():
    torch.manual_seed(0)
    model = VSDiT(DiTConfig.preset("tiny"))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    plain = reference.plainly(model)
    assert not any(type(module) is Attention for module in plain.modules())
    z, t, context = torch.randn(2, 5, 47), torch.tensor([3, 900]), torch.randn(2, 4, 384)
    padding, text = torch.arange(5) >= torch.tensor([[5], [3]]), torch.arange(4) >= torch.tensor([[2], [4]])
    expected = model(z, t, context, text, padding)
    torch.testing.assert_close(plain(z, t, context, text, padding), expected, atol=1e-5, rtol=1e-4)


def test_benchmark_refuses_what_the_model_cannot_draw(tmp_path):
    with pytest.raises(UserError, match="at most 16 latents"):
        benchmark(tmp_path, latents=17, repeats=1)
    with pytest.raises(UserError, match="at least 1"):
        benchmark(tmp_path, steps=())
