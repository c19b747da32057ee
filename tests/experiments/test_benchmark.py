"""The benchmark's figures, on sizes that take a moment."""

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments.benchmark import benchmark
from svgfusion_lib.system.files import read_json


def test_benchmark_tells_medians_and_threads(tmp_path):
    options = {"batch_sizes": (1, 2), "steps": (1, 2), "repeats": 1, "num_svgs": 8, "latents": 3}
    report = benchmark(tmp_path, **options, threads=(1,))
    assert read_json(tmp_path / "report.json", "report of benchmark", "") == report
    timings = report["seconds_per_sample"]
    assert [(t["threads"], t["batch_size"], t["steps"]) for t in timings] == [
        (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)
    ]
    assert all(t["seconds"] > 0 for t in timings)
    assert all(rate > 0 for rate in report["per_second"].values())
    assert "encode latents" in report["per_second"]
    text = (tmp_path / "report.md").read_text()
    assert "thread(s)" in text and "| decode latents to rows |" in text


@pytest.mark.parametrize(("options", "message"), [
    ({"latents": 17}, "at most 16 latents"), ({"steps": ()}, "at least 1"),
])
def test_benchmark_refuses_what_cannot_be_drawn(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        benchmark(tmp_path, repeats=1, **options)
