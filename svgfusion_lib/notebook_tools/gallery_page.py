"""The gallery as a standalone page: notebook 08 without its lesson, served by Voila.

    python -m svgfusion_lib.notebook_tools.gallery_page                 http://localhost:8866
    python -m svgfusion_lib.notebook_tools.gallery_page --port 8900 --theme dark --no-browser
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from svgfusion_lib.errors import UserError
from svgfusion_lib.notebook_tools import warm_kernel
from svgfusion_lib.notebook_tools.cleaner import read_notebook, tags_of, write_notebook
from svgfusion_lib.notebook_tools.runner import NOTEBOOKS
from svgfusion_lib.system.outputs import claim_folder

LAB_TAG = "lab"  # tag of cells that only the notebook shows
QUIET_SECONDS = 5  # idle time of all open pages before a kernel starts for the next one
PROVISIONER = "warm-provisioner"
THEMES = ("light", "dark")
TEMPLATE = Path(__file__).parent / "page"  # Voila's template for the page


def write_page(path: str | Path, notebook: str | Path = NOTEBOOKS / "08_gallery.ipynb") -> Path:
    """Write the gallery cells of notebook 08 as a separate notebook and return its path."""
    content = read_notebook(Path(notebook))
    cells = [cell | {"outputs": []} if cell["cell_type"] == "code" else cell for cell in content["cells"]]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_notebook(path, content | {"cells": [cell for cell in cells if LAB_TAG not in tags_of(cell)]})


def serve(page: str | Path, port: int, theme: str, browser: bool, token: str | None = None) -> None:
    """Serve a page on localhost until Ctrl-C, protected by a token (None: a new one, as in Jupyter).

    Requests with another host name are refused, which prevents DNS rebinding. Kernels of closed pages end within a
    minute. The first kernel starts before Voila is imported and runs the page's cells at once; when the open pages
    have been idle for QUIET_SECONDS, another kernel does the same and waits for the next page.
    """
    process = warm_kernel.start(page)
    from jupyter_client.session import utcnow
    from jupyter_server import DEFAULT_STATIC_FILES_PATH
    from tornado.ioloop import PeriodicCallback
    from voila.app import Voila

    class GalleryServer(Voila):
        quiet = 0  # seconds

        def setup_template_dirs(self) -> None:
            super().setup_template_dirs()
            self.template_paths.insert(0, str(TEMPLATE))

        def init_settings(self) -> dict:
            own = {"allow_remote_access": False, "static_path": DEFAULT_STATIC_FILES_PATH}  # for error pages
            settings = super().init_settings() | own
            self.give_time_to_connect()
            manager = self.kernel_manager
            manager.notebook_data[manager.notebook_path] = {"kernel_ids": set()}  # else an early page starts another
            self.prepare_kernel()
            PeriodicCallback(self.prepare_next_page, 1000).start()
            return settings

        def give_time_to_connect(self) -> None:
            """Let a kernel's idle time start anew when a page takes it, or it could end before the page connects."""
            manager = self.kernel_manager
            take_kernel = manager.get_rendered_notebook

            async def take_fresh_kernel(*arguments: Any, **options: Any) -> tuple:
                rendered = await take_kernel(*arguments, **options)
                manager.get_kernel(rendered[-1]).last_activity = utcnow()
                return rendered

            manager.get_rendered_notebook = take_fresh_kernel

        def prepare_next_page(self) -> None:
            """Called every second: start a waiting kernel if there is none and the open pages have been idle."""
            manager = self.kernel_manager
            running = [manager.get_kernel(kernel) for kernel in manager.list_kernel_ids()]
            at_work = any(
                kernel.execution_state != "idle" or (utcnow() - kernel.last_activity).total_seconds() < 1
                for kernel in running
            )
            waits = manager.get_pool_size(manager.notebook_path)
            self.quiet = 0 if not running or at_work or waits else self.quiet + 1
            if self.quiet >= QUIET_SECONDS:
                self.prepare_kernel()

        def prepare_kernel(self) -> None:
            """Let a new kernel run the page's cells and wait for a page."""
            manager = self.kernel_manager
            manager.kernel_pools_config = {"default": {"pool_size": 1}}
            manager.fill_if_needed(delay=0, notebook_name=manager.notebook_path)
            manager.kernel_pools_config = {"default": {"pool_size": 0}}  # else Voila starts one as a page takes this

    arguments = [
        str(page), f"--port={port}", f"--theme={theme}", "--Voila.ip=127.0.0.1", "--Voila.auto_token=True",
        "--VoilaConfiguration.preheat_kernel=True", "--VoilaConfiguration.default_pool_size=0",
        "--MappingKernelManager.cull_idle_timeout=30", "--MappingKernelManager.cull_interval=10",
        f"--KernelProvisionerFactory.default_provisioner_name={PROVISIONER}",
    ]
    arguments += [] if token is None else [f"--Voila.token={token}"]
    warm_kernel.provide(process, PROVISIONER)
    GalleryServer.launch_instance(arguments if browser else [*arguments, "--no-browser"])


def main(arguments: list[str] | None = None) -> int:
    """Write the page and serve it until Ctrl-C; exit code 2 with one line if Voila is missing."""
    parser = argparse.ArgumentParser(prog="gallery_page", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8866)
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    options = parser.parse_args(arguments)
    try:
        if find_spec("voila") is None:
            raise UserError("voila is not installed: `pip install voila`, or open notebook 08 with `make lab`")
        with claim_folder(NOTEBOOKS.parent / "runs" / "gallery" / "page", "gallery") as folder:
            page = write_page(folder / "SVGFusion.ipynb")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"The gallery opens at http://localhost:{options.port}, with the token printed below; press Ctrl-C to stop.",
          flush=True)
    serve(page, options.port, options.theme, not options.no_browser)
    return 0


if __name__ == "__main__":
    # jsonschema, which Jupyter uses, spends two seconds on a grammar for URLs that no file here contains.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    sys.exit(main())
