"""The benchmark on tiny sizes."""

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments.benchmark import benchmark
from svgfusion_lib.system.files import read_json


def test_benchmark_tells_medians(tmp_path):
    options = {"batch_sizes": (1, 2), "steps": (1, 2), "repeats": 1, "num_svgs": 8}
    report = benchmark(tmp_path, **options)
    assert read_json(tmp_path / "report.json", "report of benchmark", "") == report
    timings = report["seconds_per_sample"]
    assert [(t["batch_size"], t["steps"]) for t in timings] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(t["seconds"] > 0 for t in timings)
    assert all(rate > 0 for rate in report["per_second"].values())
    text = (tmp_path / "report.md").read_text()
    assert "thread(s)" in text and "| decode latents to rows |" in text


def test_benchmark_refuses_what_measures_nothing(tmp_path):
    with pytest.raises(UserError, match="at least 1"):
        benchmark(tmp_path, steps=())
