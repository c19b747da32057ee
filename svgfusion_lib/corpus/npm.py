"""Files of pinned npm packages, brought by the npm client and checked by hash."""

import base64
import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from svgfusion_lib.errors import UserError

TIMEOUT_SECONDS = 600
_CODE = re.compile(r"npm (?:error|ERR!) code (\S+)")


def fetch_files(package: str, version: str, integrity: str, paths: Sequence[str]) -> list[bytes]:
    """The content of some files of an npm package, their paths as inside it.

    integrity: "sha512-" + base64 of the tarball's digest. UserError without npm or network, or for another hash.
    """
    tarball = _fetch_tarball(f"{package}@{version}")
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != integrity:
        raise UserError(f"{package}@{version}: wrong hash {found[:23]}..., pinned is {integrity[:23]}...")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        files = [archive.extractfile(f"package/{path}") for path in paths]
        return [file.read() for file in files if file is not None]  # None: a folder, which nobody asks for


def _fetch_tarball(package: str) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            "npm not found: icon packs come by the npm client (it is part of Node.js); "
            "without it, give any folder of SVG files by --svg_dir instead"
        )
    with tempfile.TemporaryDirectory(prefix="svgfusion-") as temporary:
        try:
            done = subprocess.run(
                [npm, "pack", package, "--loglevel=error", "--no-update-notifier"], cwd=temporary,
                capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"npm pack {package}: no answer in {TIMEOUT_SECONDS} s") from error
        tarballs = sorted(Path(temporary).glob("*.tgz"))
        if done.returncode != 0 or len(tarballs) != 1:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it wrote no package file"]
            code = next((m[1] for m in map(_CODE.match, said) if m), said[-1])
            raise UserError(f"npm pack {package} failed ({code}); is the network reachable?")
        return tarballs[0].read_bytes()
