import time

import torch
from torch import nn

from svgfusion_lib.training.throughput import Meter, roof


def test_the_roof_is_that_of_a_matrix_product():
    a = torch.ones(512, 512)
    a @ a
    before = time.perf_counter()
    for _ in range(10):
        a @ a
    rate = 10 * 2 * 512**3 / (time.perf_counter() - before)
    assert rate / 10 < roof(torch.device("cpu"), torch.float32) < rate * 20  # the machine may be busy


def test_the_meter_reads_what_was_counted_since_the_last_time():
    meter = Meter(torch.device("cpu"), torch.float32, nn.Linear(10, 10))
    assert meter.flops_per_latent == 6 * 110
    meter.flops_per_latent = 1e6
    meter.roof = 1e9
    meter.count(torch.tensor([[False] * 25 + [True]] * 2))
    with meter.waiting():
        time.sleep(0.02)
    time.sleep(0.05)
    values = meter.read()
    assert 100 < values["latents_per_second"] <= 1000
    assert abs(values["mfu"] - values["latents_per_second"] * 1e6 / 1e9) < 1e-3
    assert 0.02 < values["data_wait"] <= 0.4
    assert meter.latents == meter.waited == 0
