"""The gallery in a real browser: notebook 08 in JupyterLab, and the page of `make gallery`.

Screenshots go to outputs/screenshots/. Skipped, with the reason, where Playwright, Chromium or Voila is missing.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from svgfusion_lib.gallery.downloads import LINK_PREFIX
from svgfusion_lib.notebook_tools.cleaner import tags_of
from svgfusion_lib.notebook_tools.gallery_page import write_page
from svgfusion_lib.utils.render import is_blank

playwright = pytest.importorskip("playwright.sync_api", reason="the browser test needs `pip install playwright`")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.notebooks,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="the browser test needs Chromium: `apt-get install chromium`"),
]
ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "outputs" / "screenshots"
SECONDS = 180  # a kernel may start slowly on a busy machine
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells off screen stay in the page
}
KERNEL_READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget, session = panel?.sessionContext;
    const kernel = session?.session?.kernel;
    return session?.isReady && kernel?.connectionStatus === 'connected' && kernel?.status === 'idle';
}"""
CART = '<svg viewBox="0 0 24 24"><circle cx="6" cy="19" r="2"/><path d="M6 5l14 1l-1 7H6z"/></svg>'
DROP = """files => {
    const data = new DataTransfer();
    for (const [name, text] of files) data.items.add(new File([text], name));
    const kind = {dataTransfer: data, bubbles: true, cancelable: true};
    const grid = document.querySelector('.svgf-grid');
    for (const event of ['dragover', 'drop']) grid.dispatchEvent(new DragEvent(event, kind));
}"""
HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script> 🛒 عربة'


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """Jupyter settings in a separate folder, with the package importable."""
    places = {name: str(tmp_path / name) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )}
    for name, values in SETTINGS.items():
        path = Path(places["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", f"{name}.jupyterlab-settings")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    return os.environ | places


@contextmanager
def served(
    command: list[str], environment: dict[str, str], folder: Path, address: str
) -> Iterator[subprocess.Popen]:
    """A server that answers at an address; stopped afterwards."""
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + SECONDS
        while not answers(address):
            assert server.poll() is None and time.monotonic() < until, (folder / "server.log").read_text()[-2000:]
            time.sleep(0.3)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def opened_page(height: int) -> Iterator:
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": 1280, "height": height}, permissions=["clipboard-read", "clipboard-write"]
        )
        page.set_default_timeout(SECONDS * 1000)
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        yield page
        browser.close()


def without_lessons(notebook: Path, path: Path) -> None:
    """Notebook 08 without the cells after the gallery, which would only keep its kernel busy."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells = content["cells"]
    last = max(k for k, c in enumerate(cells) if c["cell_type"] == "code" and "lab" not in tags_of(c))
    path.write_text(json.dumps(content | {"cells": cells[: last + 1]}))


def own_favourites(notebook: Path) -> Path:
    """Keep favourites beside the notebook, apart from the user's."""
    text = notebook.read_text(encoding="utf-8")
    changed = text.replace("runs/gallery/favourites.json", str(notebook.with_name("favourites.json")))
    assert changed != text
    notebook.write_text(changed, encoding="utf-8")
    return notebook


def use(page, name: str, folder: Path, front_ends: Callable[[Path], dict] | None = None) -> None:
    """Draw, choose by keyboard, hide a layer, vary, morph, download, colour, copy, mark; a set; dropped files."""
    prompt, status = page.locator(".svgf-prompt input"), page.locator(".svgf-note").first
    expect = playwright.expect
    style = page.get_by_label("Style", exact=True).first
    assert style.evaluate("box => box.selectedOptions[0]?.label").split() == ["any", "style"]
    prompt.fill("mail, lucide style")
    page.locator(".svgf-generate").click()
    expect(status).to_contain_text("8 icons: mail", timeout=SECONDS * 1000)
    icons = page.locator(".svgf-grid img")
    expect(icons).to_have_count(8)
    assert all(icons.nth(k).evaluate("image => image.naturalWidth > 0") for k in range(8))

    page.locator(".svgf-grid .svgf-cover").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")  # moves by one row
    focused = page.evaluate("[...document.querySelectorAll('.svgf-grid .svgf-cover')].indexOf(document.activeElement)")
    assert focused >= 3
    page.keyboard.press("Enter")
    large = page.locator(".svgf-large .svgf-icon")
    before = large.get_attribute("src")
    page.locator(".svgf-layer").first.get_by_role("checkbox").uncheck()
    expect(large).not_to_have_attribute("src", before)
    page.screenshot(path=PICTURES / f"{name}-layers.png")
    page.locator(".svgf-layer").first.get_by_role("checkbox").check()

    page.get_by_role("button", name="Remix").click()
    page.locator(".svgf-vary").click()
    expect(status).to_contain_text("8 icons: variations of", timeout=SECONDS * 1000)
    page.locator(".svgf-slider").fill("50")  # before and after
    cut = page.locator(".svgf-before").evaluate("image => getComputedStyle(image).clipPath")
    assert cut.startswith("inset(0px 50%")
    page.screenshot(path=PICTURES / f"{name}-before.png")
    page.locator(".svgf-morph").click()
    expect(status).to_contain_text("12 icons: morph from", timeout=SECONDS * 1000)
    with page.expect_download() as download:
        page.locator(".svgf-detail a.svgf-link", has_text="SVG").click()
    download.value.save_as(folder / "icon.svg")
    assert not is_blank((folder / "icon.svg").read_text())
    page.screenshot(path=PICTURES / f"{name}-morph.png")

    page.locator(".svgf-chip", has_text="camera").click()
    expect(status).to_contain_text("8 icons: camera", timeout=SECONDS * 1000)
    before = large.get_attribute("src")
    page.get_by_label("Colour", exact=True).first.fill("#0a7")
    page.get_by_label("Colour", exact=True).first.press("Enter")
    expect(large).not_to_have_attribute("src", before)
    page.locator(".svgf-detail").get_by_role("button", name="Copy JSX").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith('import * as React from "react"')
    page.locator(".svgf-detail").get_by_role("button", name="Copy SVG").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("<svg") and "#0a7" in copied and not is_blank(copied)
    page.get_by_label("Size (px)").fill("512")
    page.get_by_label("Size (px)").press("Enter")
    expect(page.locator(".svgf-grid [style*='512px'] img")).to_have_count(8)
    page.screenshot(path=PICTURES / f"{name}-512.png")
    shares = "all => all.map(image => image.offsetHeight / image.parentNode.offsetHeight)"
    assert max(page.locator(".svgf-grid img").evaluate_all(shares)) <= 1  # none is cut off
    page.get_by_label("Size (px)").fill("0")
    page.get_by_label("Size (px)").press("Enter")
    page.get_by_label("Background", exact=True).select_option("dark")
    page.locator(".svgf-star").first.click()
    expect(page.get_by_role("button", name="Show the favourites")).to_have_count(1)
    page.screenshot(path=PICTURES / f"{name}-look.png")
    page.get_by_label("Background", exact=True).select_option("light")

    page.get_by_role("button", name="A set").click()
    page.locator(".svgf-words textarea").fill("home\nbell off")
    page.get_by_role("button", name="Draw the set").click()
    expect(status).to_contain_text("2 icons: set of 2", timeout=SECONDS * 1000)
    before = large.get_attribute("src")
    page.locator(".svgf-drawings .svgf-cover").nth(1).click()
    expect(large).not_to_have_attribute("src", before)
    page.screenshot(path=PICTURES / f"{name}-set.png")
    page.locator(".svgf-files").click()
    with page.expect_download() as download:
        page.get_by_label("Download set.zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(folder / "set")
    if front_ends is not None:
        react = front_ends(folder / "set" / "icons")["react"]
        assert set(react["icons"]) == {"IconHome", "IconBellOff"} and react["warnings"] == []
        assert not any(is_blank(markup) for markup in react["icons"].values())
    files = [[f"{name}.svg", CART] for name in ("a", "b", "c", "shopping_cart")]
    page.evaluate(DROP, files)  # on the tab for sets, too
    expect(status).to_contain_text("opened a. opened b. opened c. opened shopping cart", timeout=SECONDS * 1000)
    page.get_by_role("button", name="Icons", exact=True).click()

    page.evaluate(DROP, [["request.json", '{"prompt": "mail, lucide style", "count": 2, "seed": 3}']])
    expect(status).to_contain_text("2 icons: mail", timeout=SECONDS * 1000)
    page.get_by_role("button", name="Copy link").click()
    assert "#svgfusion=%7B%22prompt%22" in page.evaluate("navigator.clipboard.readText()")
    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=True)

    prompt.fill(HOSTILE)
    prompt.press("Enter")
    expect(status).to_contain_text("onerror=", timeout=SECONDS * 1000)  # as text
    expect(page.locator(".svgf-grid img")).to_have_count(2)  # as in the dropped request
    page.locator(".svgf-grid button").first.click()
    page.screenshot(path=PICTURES / f"{name}-hostile.png")
    prompt.fill("x" * 10_000)
    prompt.press("Enter")
    expect(status).to_contain_text("10000 characters", timeout=SECONDS * 1000)
    assert page.evaluate("window.hacked === undefined")
    widest = page.locator(".svgf").evaluate("gallery => gallery.scrollWidth - gallery.clientWidth")
    assert widest <= 1 and page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_notebook_in_jupyterlab(environment, tmp_path):
    pytest.importorskip("jupyterlab")
    PICTURES.mkdir(parents=True, exist_ok=True)
    without_lessons(ROOT / "notebooks" / "08_gallery.ipynb", tmp_path / "gallery.ipynb")
    own_favourites(tmp_path / "gallery.ipynb")
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.expose_app_in_browser=True",
    ]
    environment = environment | {"PYTHONPATH": str(ROOT)}
    with served(command, environment, tmp_path, f"http://127.0.0.1:{port}/api"), opened_page(1600) as page:
        page.goto(f"http://127.0.0.1:{port}/lab/tree/gallery.ipynb?reset", wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook")
        page.wait_for_function(KERNEL_READY)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        page.wait_for_selector(".svgf-prompt input")
        use(page, "lab", tmp_path)


def test_the_page_of_its_own(environment, tmp_path, front_ends):
    pytest.importorskip("voila", reason="`make gallery` needs `pip install voila`")
    PICTURES.mkdir(parents=True, exist_ok=True)
    port = free_port()
    path, token = str(own_favourites(write_page(tmp_path / "gallery.ipynb"))), "a-token-of-the-test"
    code = f"from {write_page.__module__} import serve; serve({path!r}, {port}, 'dark', False, {token!r})"
    address = f"http://127.0.0.1:{port}/?token={token}"
    environment = environment | {"PYTHONPATH": str(ROOT)}
    with served([sys.executable, "-c", code], environment, tmp_path, address.split("?")[0]) as server:
        assert status(address, f"evil.example:{port}") == 403
        assert status(f"http://127.0.0.1:{port}/api/kernels", f"evil.example:{port}") in (403, 404)
        [first] = kernels_of(server)
        with urllib.request.urlopen(address.split("?")[0], timeout=20) as answer:  # without a token, it asks for one
            assert "/login" in answer.url
        assert kernels_of(server) == [first]
        with opened_page(1200) as page:
            link = quote('{"prompt": "bell, lucide style"}')
            page.goto(f"{address}{LINK_PREFIX}{link}", wait_until="domcontentloaded")
            assert kernels_of(server) == [first]
            page.wait_for_selector(".svgf-prompt input")
            drawn = page.locator(".svgf-note").first
            playwright.expect(drawn).to_contain_text("8 icons: bell", timeout=SECONDS * 1000)
            parts = "document.querySelectorAll('script[src$=\"/voila.js\"], [cell-index]')"
            scripts = page.evaluate(f"[...{parts}].map(part => part.localName)")
            assert scripts[:2] == ["script", "div"] and scripts.count("script") == 1  # loads while the cells run
            use(page, "page", tmp_path, front_ends)
            waiting = wait_for_kernels(server, 2)
            assert waiting[0] == first
        assert status(address, f"localhost:{port}") == 200
        assert kernels_of(server) == waiting  # the page was ready
        assert not set(wait_for_kernels(server, 1, seconds=60)) & set(waiting)  # kernels of closed pages have ended


def test_a_page_has_time_to_connect_to_a_kernel_that_has_waited_for_long(environment, tmp_path):
    pytest.importorskip("voila", reason="`make gallery` needs `pip install voila`")
    cell = {"cell_type": "code", "id": "a", "source": "1", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "page.ipynb"
    path.write_text(json.dumps({
        "cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5,
    }))
    port, token = free_port(), "a-token-of-the-test"
    code = f"from {write_page.__module__} import serve; serve({str(path)!r}, {port}, 'light', False, {token!r})"
    address = f"http://127.0.0.1:{port}/?token={token}"
    environment = environment | {"PYTHONPATH": str(ROOT)}
    with served([sys.executable, "-c", code], environment, tmp_path, address.split("?")[0]) as server:
        assert status(address, f"localhost:{port}") == 200
        _, waiting = wait_for_kernels(server, 2)
        assert wait_for_kernels(server, 1) == [waiting]  # the page left more than 30 seconds ago
        time.sleep(15)
        assert status(address, f"localhost:{port}") == 200
        time.sleep(12)  # more than one look for idle kernels
        assert waiting in kernels_of(server)


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_kernel_outlives_the_server(environment, tmp_path, number, listens):
    pytest.importorskip("voila", reason="`make gallery` needs `pip install voila`")
    path, port = str(write_page(tmp_path / "gallery.ipynb")), free_port()
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # shells silence it in background
    code = f"{heard}; from {write_page.__module__} import serve; serve({path!r}, {port}, 'light', False)"
    server = subprocess.Popen([sys.executable, "-c", code], env=environment | {"PYTHONPATH": str(ROOT)})
    [first] = wait_for_kernels(server, 1)
    while listens and not answers(f"http://127.0.0.1:{port}"):
        time.sleep(0.3)
    server.send_signal(number)
    server.wait(20)
    until = time.monotonic() + 20
    while Path(f"/proc/{first}").exists() and time.monotonic() < until:
        time.sleep(0.3)
    assert not Path(f"/proc/{first}").exists()


def status(address: str, host: str) -> int:
    request = urllib.request.Request(address, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status if answer.read() else 0
    except urllib.error.HTTPError as error:
        return error.code


def wait_for_kernels(server: subprocess.Popen, count: int, seconds: float = SECONDS) -> list[int]:
    until = time.monotonic() + seconds
    while len(kernels_of(server)) != count and time.monotonic() < until:
        time.sleep(1)
    assert len(kernels_of(server)) == count
    return kernels_of(server)


def kernels_of(server: subprocess.Popen) -> list[int]:
    """Kernel processes started by the server."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [child for child, text in commands.items() if b"ipykernel" in text or b"warm_kernel" in text]
