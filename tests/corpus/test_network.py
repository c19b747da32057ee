"""The network goes while packs are fetched, with the real npm client and a registry of this machine."""

import base64
import hashlib
import io
import json
import shutil
import socket
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from svgfusion_lib.corpus import packs
from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.errors import UserError

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
ICONS = {"width": 24, "height": 24, "icons": {"cart": {"body": '<path d="M1 1h2"/>'}}}


def tarball() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in (("icons.json", json.dumps(ICONS)), ("package.json", '{"name": "x", "version": "1.0.0"}')):
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


class Registry(BaseHTTPRequestHandler):
    """A registry of one package, whose tarball comes whole, is cut off, or never comes."""

    data = tarball()
    behaviour = "whole"

    def do_GET(self):
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(self.data).digest()).decode()
        if not self.path.endswith(".tgz"):
            host = f"http://127.0.0.1:{self.server.server_port}"
            version = {"name": "@iconify-json/toy", "version": "1.0.0",
                       "dist": {"tarball": f"{host}/toy.tgz", "integrity": integrity}}
            self.answer(json.dumps({
                "name": "@iconify-json/toy", "versions": {"1.0.0": version}, "dist-tags": {"latest": "1.0.0"},
            }).encode())
        elif self.behaviour == "whole":
            self.answer(self.data)
        elif self.behaviour == "cut off":
            self.answer(self.data, self.data[: len(self.data) // 2])
        else:
            self.server.ended.wait(60)
        self.close_connection = True

    def answer(self, whole: bytes, sent: bytes | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole if sent is None else sent)

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def registry(tmp_path, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    server.ended = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "registry": f"http://127.0.0.1:{server.server_port}/", "cache": str(tmp_path / "npm"), "fetch_retries": "0",
        "fetch_timeout": "2000",
    }.items():
        monkeypatch.setenv(f"npm_config_{name}", value)
    for name in ("http_proxy", "https_proxy", "npm_config_proxy", "npm_config_https_proxy"):
        for spelt in (name, name.upper()):
            monkeypatch.delenv(spelt, raising=False)
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(Registry.data).digest()).decode()
    toy = packs.Pack("toy", "1.0.0", integrity, "MIT", "", "", "", "line", "toy")
    monkeypatch.setattr(packs, "known_packs", lambda: {"toy": toy})
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()


def test_a_network_that_goes_leaves_nothing_and_one_that_returns_brings_all(registry, tmp_path, monkeypatch):
    for behaviour in ("cut off", "silent"):
        monkeypatch.setattr(Registry, "behaviour", behaviour)
        with pytest.raises(UserError, match="npm pack @iconify-json/toy@1.0.0 failed .*network reachable") as error:
            fetch_packs(["toy"], tmp_path / "packs")
        assert "\n" not in str(error.value)
        assert not (tmp_path / "packs").exists()
    monkeypatch.setattr(Registry, "behaviour", "whole")
    (folder,) = fetch_packs(["toy"], tmp_path / "packs")
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["cart.svg", "manifest.jsonl", "pack.json"]


def test_no_network_at_all(registry, tmp_path, monkeypatch):
    with socket.socket() as free:  # a port that nobody listens at
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free.getsockname()[1]}/")
        with pytest.raises(UserError, match="failed \\(ECONNREFUSED\\); is the network reachable"):
            fetch_packs(["toy"], tmp_path / "packs")
    assert not (tmp_path / "packs").exists()


def test_a_client_that_never_ends_is_given_up(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(Registry, "behaviour", "silent")
    monkeypatch.setenv("npm_config_fetch_timeout", "60000")
    monkeypatch.setattr(packs, "TIMEOUT_SECONDS", 3)
    with pytest.raises(UserError, match="no answer in 3 s"):
        fetch_packs(["toy"], tmp_path / "packs")
