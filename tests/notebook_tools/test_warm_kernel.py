"""A kernel that starts before its server is ready."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from traitlets.config import Config

from svgfusion_lib.notebook_tools import warm_kernel

SECONDS = 120
ROOT = Path(__file__).resolve().parents[2]
CELLS = ["import json, wave\nimport no.such_module", "1", "from ipywidgets import HTML\nfrom . import nothing"]
TARGETS = ["jupyter.widget", "jupyter.widget.control"]
STATE = """
import json, os, sys
from comm import get_comm_manager
print(json.dumps([os.getpid(), os.getcwd(), os.environ.get("ANSWER"), sys.path, sys.argv[1:],
                  "wave" in sys.modules, sorted(get_comm_manager().targets)]))
"""


@pytest.fixture
def page(tmp_path):
    cells = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in CELLS]
    path = tmp_path / "page.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "import text"}, *cells]}))
    return path


@pytest.fixture
def process(page):
    process = warm_kernel.start(page)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


@pytest.fixture
def managers(process):
    """Kernel managers that are given the waiting process."""
    KernelProvisionerFactory.clear_instance()
    warm_kernel.provide(process, "warm-test")
    config = Config({"KernelProvisionerFactory": {"default_provisioner_name": "warm-test"}})
    KernelProvisionerFactory.instance(config=config)
    started = [KernelManager(), KernelManager()]
    yield started
    for manager in started:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
    del KernelProvisionerFactory.provisioners["warm-test"]
    KernelProvisionerFactory.clear_instance()


def state_of(manager) -> list:
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(SECONDS)
        printed: list[str] = []
        client.execute_interactive(
            STATE, timeout=SECONDS, output_hook=lambda message: printed.append(message["content"].get("text", ""))
        )
    finally:
        client.stop_channels()
    return json.loads("".join(printed))


def test_only_the_first_kernel_is_the_waiting_process(process, managers, tmp_path):
    first, second = managers
    first.start_kernel(cwd=str(tmp_path), env=os.environ | {"ANSWER": "42"})
    second.start_kernel(cwd=str(tmp_path), env=os.environ | {"ANSWER": "43"})
    pid, folder, answer, path, arguments, *state = state_of(first)
    assert (pid, folder, answer, *state) == (process.pid, str(tmp_path), "42", True, TARGETS)
    other, *usual = state_of(second)
    assert other != pid and usual == [folder, "43", path, ["-f", second.connection_file], False, []]
    assert arguments == ["-f", first.connection_file]
    first.interrupt_kernel()
    assert state_of(first)[0] == pid
    first.restart_kernel()
    assert state_of(first)[1:] == [folder, "42", path, arguments, False, []]
    assert process.poll() is not None


def test_the_kernel_ends_when_it_is_shut_down(process, managers, tmp_path):
    managers[0].start_kernel(cwd=str(tmp_path))
    assert state_of(managers[0])[0] == process.pid
    managers[0].shutdown_kernel()
    assert process.poll() == 0


def test_another_kernel_starts_if_the_process_has_ended(process, managers, tmp_path):
    process.kill()
    process.wait()
    managers[0].start_kernel(cwd=str(tmp_path))
    assert state_of(managers[0])[0] != process.pid


def test_the_process_ends_if_it_is_not_needed(process):
    process.stdin.close()
    assert process.wait(SECONDS) == 0


def test_errors_other_than_missing_modules_are_shown(page, tmp_path):
    (tmp_path / "wave.py").write_text("1 / 0")
    command = [sys.executable, "-m", warm_kernel.__name__, str(page)]
    own = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=own)
    assert run.returncode == 1 and "ZeroDivisionError" in run.stderr


def test_modules_that_a_page_imports(page):
    assert warm_kernel.modules_of(page) == ["json", "wave", "no.such_module", "ipywidgets"]
