"""A kernel that imports what a page needs while its server still starts, so that the first page opens sooner.

    python -m svgfusion_lib.notebook_tools.warm_kernel page.ipynb      a kernel, once its arguments arrive on stdin

It ends if stdin does, as it does when the server ends. Its errors go where the server's go.
"""

import ast
import atexit
import json
import os
import runpy
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

LAUNCHER = "ipykernel_launcher"


def start(page: str | Path) -> subprocess.Popen:
    """Start a process that can become a kernel of a page; like all kernels, Ctrl-C does not reach it."""
    own = os.environ | {"JPY_PARENT_PID": str(os.getpid())}  # ipykernel reads it when imported
    command = [sys.executable, "-m", __name__, str(page)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True, env=own)
    atexit.register(process.kill)
    return process


def become(process: subprocess.Popen, arguments: list[str], cwd: str | Path, env: dict[str, str]) -> bool:
    """Let a waiting process run the kernel; False if it has ended."""
    changed = {name: value for name, value in env.items() if os.environ.get(name) != value}
    try:
        with process.stdin as stream:  # type: ignore[union-attr]  # a pipe
            stream.write(json.dumps({"arguments": arguments, "cwd": str(cwd), "env": changed}) + "\n")
    except BrokenPipeError:
        return False
    return True


def provide(process: subprocess.Popen, name: str) -> None:
    """Register a kernel provisioner by name: a waiting process becomes the first kernel, later kernels are new."""
    from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

    waiting = [process]

    class WarmProvisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
            usual = cmd[:3] == [sys.executable, "-m", LAUNCHER]
            first = waiting.pop() if usual and waiting else None
            if first is None or not become(first, cmd[3:], options.get("cwd") or ".", options["env"]):
                return await super().launch_kernel(cmd, **options)
            vars(self).update(process=first, pid=first.pid, pgid=first.pid, cwd=options.get("cwd"))
            return self.connection_info

    entry = SimpleNamespace(name=name, load=lambda: WarmProvisioner)
    KernelProvisionerFactory.provisioners[name] = entry  # type: ignore[assignment]  # as an entry point


def modules_of(page: str | Path) -> list[str]:
    """Modules that the cells of a notebook import."""
    content = json.loads(Path(page).read_text(encoding="utf-8"))  # not by nbformat, which is slow to import
    sources = ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]
    statements = [statement for source in sources for statement in ast.parse(source).body]
    names = [alias.name for each in statements if isinstance(each, ast.Import) for alias in each.names]
    return names + [each.module for each in statements if isinstance(each, ast.ImportFrom) and each.module]


def main(page: str) -> None:
    """Import, wait for the kernel's arguments, run the kernel."""
    if not sys.flags.safe_path:
        del sys.path[0]  # the server's folder; the kernel adds its own
    for module in ["ipykernel.kernelapp", *modules_of(page)]:
        with suppress(ImportError):  # the cell that imports it will show the error
            import_module(module)
    if widgets := sys.modules.get("ipywidgets"):
        widgets.register_comm_target()  # importing it in a kernel does; without, a page asks for widgets one by one
    line = sys.stdin.readline()
    if not line:
        return
    given = json.loads(line)
    os.environ.update(given["env"])
    os.chdir(given["cwd"])
    sys.argv = [LAUNCHER, *given["arguments"]]
    runpy.run_module(LAUNCHER, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
