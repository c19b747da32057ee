"""Nothing uses the network unless told to: once set up, everything runs offline.

Notebooks 03 and up run like this in tests/test_notebooks.py.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROMPTS = ["--prompt", "a heart, tabler style", "--prompt", "bell, lucide style"]
TRIES = '''
import socket, urllib.request
from multiprocessing.connection import Client, Listener

server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=5)
with Listener(family="AF_UNIX") as listener:
    Client(listener.address)
print("here")
for attempt in (
    lambda: urllib.request.urlopen("http://example.invalid/", timeout=5),
    lambda: socket.socket().connect(("198.51.100.1", 80)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.1", 53)),
):
    try:
        attempt()
    except OSError as error:
        print("blocked" if "blocked" in str(error) else error)
'''


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def can_unshare() -> bool:
    return shutil.which("unshare") is not None and run("unshare", "-n", "true").returncode == 0


def test_the_guard_knows_this_machine_and_refuses_the_rest(network_blocked, tmp_path):
    with network_blocked(tmp_path / "log"):
        done = run(sys.executable, "-c", TRIES)
    assert done.stdout.split() == ["here", "blocked", "blocked", "blocked"], done.stderr
    tried = (tmp_path / "log").read_text().splitlines()
    assert [line.split()[0] for line in tried] == ["socket.getaddrinfo", "socket.connect", "socket.sendto"]
    assert "example.invalid" in tried[0] and "198.51.100.1" in tried[1]


def test_the_demo_draws_without_a_network(network_blocked, tmp_path):
    """No attempts either. If the system allows, it runs in a network namespace without even loopback."""
    alone = ["unshare", "-n"] if can_unshare() else []
    command = [sys.executable, "-m", "svgfusion_lib", "generate", *PROMPTS, "--output_dir", str(tmp_path / "demo")]
    with network_blocked(tmp_path / "log"):
        done = run(*alone, *command)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "demo").glob("*.svg"))) == 2
    assert not (tmp_path / "log").exists(), (tmp_path / "log").read_text()


@pytest.mark.parametrize("offline", ["0", "1"], ids=["asked", "HF_HUB_OFFLINE"])
def test_only_the_name_of_a_hub_model_asks_the_network(network_blocked, tmp_path, monkeypatch, offline):
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    code = "from svgfusion_lib.models.text_encoder import load_text_encoder as load; load('nobody/no-such-model')"
    with network_blocked(tmp_path / "log"):
        done = run(sys.executable, "-c", code)
    assert done.returncode != 0 and "'nobody/no-such-model' could not be loaded" in done.stderr
    assert (tmp_path / "log").exists() == (offline == "0")


def test_the_guard_is_silent_where_nobody_asked_for_it(tmp_path, monkeypatch):
    """Being on PYTHONPATH alone changes nothing."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    done = run(sys.executable, "-c", "import sitecustomize, sys; print(sitecustomize.is_here('127.0.0.2'))")
    assert done.stdout.strip() == "True", done.stderr
