"""Commands call their stage functions with valid arguments: every stage's example, with the work stubbed out."""

import importlib
import inspect
import re
import shlex
from pathlib import Path
from unittest import mock

import pytest

from svgfusion_lib import cli, pipeline

# Modules that commands import when they run, except those that are not stages.
SOURCES = "".join(path.read_text(encoding="utf-8") for path in Path(cli.__file__).parent.glob("*.py"))
STAGE_MODULES = sorted(
    set(re.findall(r"^ {4,}from (svgfusion_lib[.\w]+) import", SOURCES, re.MULTILINE))
    | {f"svgfusion_lib.{name}" for name in re.findall(r'\("([.\w]+):\w+"', SOURCES)}
    - {"svgfusion_lib.config", "svgfusion_lib.pipeline"}
)
MORE = [  # not covered by the examples: other modes of a stage, and flags that are converted
    "create_dummy_data --output_dir out --num_samples 3",
    "generate --ckpt_path vae.pt --precomputed_dir cache --output_dir out --num_eval 2 --num_samples 3",
    "roundtrip --svg_dir svgs --out_dir out --max_files 3",
    "evaluate --precomputed_dir cache --output_dir out --splits held_out --cfg_scale 2 --styles",
    "train_vae --svg_dir svgs --output_dir out --layout row --no-pixel_fusion",
]


class Anything(str):
    """A stand-in for any stage result: 7, a pair, a context, and every attribute or item is itself."""

    def __getitem__(self, key):
        return self

    def __iter__(self):
        return iter((self, self))

    def __len__(self):
        return 7

    def __format__(self, spec):
        return format(7, spec)

    def __getattr__(self, name):
        return self

    def __call__(self, *_, **__):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def called(monkeypatch) -> list[str]:
    """Names of the functions called; each stage function is replaced by a stub with its signature."""
    names: list[str] = []

    def stand_in(module, name: str, function) -> None:
        def note(*_, **__):
            names.append(name)
            return Anything("7")

        monkeypatch.setattr(module, name, mock.create_autospec(function, side_effect=note))

    for module in [importlib.import_module(name) for name in STAGE_MODULES]:  # import all before patching any
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                stand_in(module, name, function)
    stand_in(pipeline.SVGFusionPipeline, "from_pretrained", pipeline.SVGFusionPipeline.from_pretrained)
    return names


@pytest.mark.parametrize("command", [*(f"{name} {example}" for name, example in cli.EXAMPLES.items()), *MORE])
def test_command_calls_its_stage_with_what_that_takes(called, command, capsys):
    assert cli.main(shlex.split(command.replace("\\\n", " "), comments=False)) == 0, capsys.readouterr().err
    assert called and capsys.readouterr().out.strip()
    assert not Path("out").exists()
