"""The built wheel contains its weights and can draw."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIX_LINES = """
from svgfusion_lib import SVGFusionPipeline
pipe = SVGFusionPipeline.from_pretrained()
images = pipe("shopping cart, tabler style", num_images_per_prompt=2, num_inference_steps=2, seed=0).images
images[0].save("cart.svg")
images[0].to_png(64, "cart.png")
print(len(pipe.models))
"""


def test_wheel_has_weights_and_draws(tmp_path):
    archive = ["git", "archive", "--format=tar", "-o", tmp_path / "source.tar", "HEAD"]
    tracked = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    source = ROOT
    if tracked.returncode == 0:  # keeps the build out of the checkout
        source = tmp_path / "source"
        source.mkdir()
        subprocess.run(["tar", "-xf", tmp_path / "source.tar", "-C", source], check=True)
    command = [sys.executable, "-m", "pip", "wheel", source, "--no-deps", "-q", "-w", tmp_path / "wheel"]
    subprocess.run(command, check=True, timeout=600)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    shipped = {path.relative_to(ROOT / "data") for path in (ROOT / "data" / "pretrained").rglob("*.safetensors")}
    assert shipped and {f"svgfusion_lib/{path.as_posix()}" for path in shipped} <= names
    assert "svgfusion_lib/py.typed" in names
    done = subprocess.run(
        [sys.executable, "-c", SIX_LINES], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=600,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
    )
    assert done.stdout.splitlines()[-1] == "2"
    assert (tmp_path / "cart.svg").is_file() and (tmp_path / "cart.png").is_file()


def test_every_subpackage_is_in_the_wheel():
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "svgfusion_lib").rglob("__init__.py")}
    assert set(listed) == found | {"svgfusion_lib.pretrained"}
