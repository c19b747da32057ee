"""The command line: bad input gives one clear line, exit code 2, and no half-written files."""

import subprocess
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.config import VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import save_model
from svgfusion_lib.models.vpvae import VPVAE

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with good and bad inputs."""
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "broken", "good"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "a.svg").write_text("<svg")
    (tmp_path / "good" / "ring.svg").write_text(f'{HEAD}<circle cx="12" cy="12" r="9"/></svg>')
    (tmp_path / "foreign.pt").write_bytes(b"no checkpoint")
    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")
    model = VPVAE(VAEConfig(width=16, heads=2, row_width=4, pixel_fusion=False))
    save_model(tmp_path / "vae.pt", "vpvae", model, model.state_dict())
    return tmp_path


def test_a_warning_is_one_line(monkeypatch, capsys):
    """A prompt of more than 32 tokens printed a path of the library and a line of its code, twice."""
    def run(**_):
        for _ in range(2):  # the model reads a prompt, then the ranker
            warnings.warn("1 of 1 texts truncated to 32 tokens,\n e.g. 'a \x1b[31m'", stacklevel=1)

    help_text, add_flags, _ = cli.STAGES["fetch_packs"]
    monkeypatch.setitem(cli.STAGES, "fetch_packs", (help_text, add_flags, run))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert cli.main(["fetch_packs", "--packs", "tabler"]) == 0
    assert capsys.readouterr().err == (
        "svgfusion fetch_packs: warning: 1 of 1 texts truncated to 32 tokens, e.g. 'a \\x1b[31m'\n"
    )


def content(folder: Path) -> dict:
    return {p.relative_to(folder): p.is_file() and p.read_bytes() for p in sorted(folder.rglob("*"))}


GENERATE = "generate --output_dir out "
BAD = [
    # unknown names
    ("paint --output_dir out", "invalid choice: 'paint'"),
    ("generate --prompt x", "--output_dir"),
    ("create_dummy_data --output_dir out --num_samples many", "invalid int value: 'many'"),
    ("create_dummy_data --output_dir out --num_samples 0", "at least 1"),
    ("create_dummy_data --output_dir foreign.pt", "foreign.pt"),
    ("fetch_packs --packs tablr --output_dir out", "unknown icon pack 'tablr'"),
    ("train_vae --svg_dir good --output_dir out --device gpu", "device 'gpu'"),
    ("train_vae --svg_dir good --output_dir out --preset huge", "unknown preset 'huge'"),
    ("train_vae --svg_dir good --output_dir out --num_epochs 0", "num_epochs is 0"),
    ("train_dit --vae_checkpoint vae.pt --svg_dir good --output_dir out --patch_size 0", "patch_size is 0"),
    # folders
    ("preprocess --svg_dir absent --precomputed_dir out", "absent: no such folder"),
    ("preprocess --svg_dir empty --precomputed_dir out", "empty: no file matches '*.svg'"),
    ("preprocess --svg_dir broken --precomputed_dir out --pixel_encoder none", "a.svg: not well-formed XML"),
    ("preprocess --svg_dir good --precomputed_dir out --max_files -3", "'-3' is neither"),
    ("roundtrip --svg_dir good --out_dir good", "is not apart from the input"),
    ("train_vae --output_dir out", "one of --precomputed_dir and --svg_dir"),
    ("train_vae --output_dir out --svg_dir good --precomputed_dir good", "one of --precomputed_dir and --svg_dir"),
    ("train_vae --output_dir out --precomputed_dir empty", "cache.pt: no such file"),
    # checkpoints
    ("prepare_latents --vae_checkpoint absent.pt --precomputed_dir good --output_dir out", "absent.pt: no such file"),
    ("prepare_latents --vae_checkpoint vae.pt --precomputed_dir good --output_dir out", "cache.pt: no such file"),
    ("train_dit --vae_checkpoint foreign.pt --latents_dir good --output_dir out", "foreign.pt"),
    ("tidy --svg good --output_dir out --without foo", "no rule 'foo'"),
    ("benchmark --output_dir out --steps 0", "give at least one batch size"),
    ("sweep --vary foo=1 --precomputed_dir good --output_dir out", "cfg_low, cfg_scale, length_temperature, nearest_"),
    ("train_dit --vae_checkpoint vae.pt --output_dir out", "one of --latents_dir and --svg_dir"),
    ("train_dit --vae_checkpoint vae.pt --output_dir out --svg_dir good --latents_dir good", "one of --latents_dir"),
    ("train_dit --vae_checkpoint vae.pt --latents_dir good --output_dir out", "latents.pt: no such file"),
    (GENERATE + "--prompt cat --vae_checkpoint other.pt --dit_checkpoint foreign.pt", "other.pt"),
    (GENERATE + "--prompt cat --vae_checkpoint vae.pt --dit_checkpoint vae.pt", "vae.pt: holds 'vpvae', not 'vsdit'"),
    (GENERATE + "--prompt cat --vae_checkpoint vae.pt", "--vae_checkpoint, --dit_checkpoint"),
    (GENERATE + "--ckpt_path vae.pt", "--ckpt_path and --precomputed_dir must be given together"),
    (GENERATE + "--ckpt_path vae.pt --precomputed_dir good --prompt cat --style lucide", "leave out --prompt, --style"),
    # prompts
    ("generate --output_dir out", "no prompt given"),
    (GENERATE + "--prompts absent.txt", "absent.txt"),
    (GENERATE + "--prompt cat --num_samples 0", "at least 1"),
    (GENERATE + "--prompt cat --device warp", "device 'warp'"),
    (GENERATE + "--prompt cat --sampler euler", "invalid choice: 'euler'"),
    (GENERATE + "--prompt cat --style tablet", "no style 'tablet'; the nearest is 'tabler'"),
]


@pytest.mark.parametrize(("command", "message"), BAD, ids=[command[:70] for command, _ in BAD])
def test_bad_input_is_one_line_exit_code_2_and_nothing_written(folder, capsys, command, message):
    before = content(folder)
    try:
        code = cli.main(command.split(" "))
    except SystemExit as stop:  # argparse
        code = stop.code
    lines = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len(lines) == 1 and lines[0].startswith("svgfusion") and message in lines[0]
    assert lines[0].count(f"{command.split()[0]}: ") <= 1
    after = content(folder)
    leftover = {path for path in after if path not in before} - {Path("out")}
    assert not leftover and {p: after[p] for p in before} == before


def test_bad_input_in_a_process_of_its_own(folder):
    """`python -m` gives the same message and no traceback."""
    command = [sys.executable, "-m", "svgfusion_lib", "train", "--precomputed_dir", "empty"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "cache.pt: no such file" in done.stderr


def test_help_and_version_load_no_torch():
    code = (
        "import sys\nfrom svgfusion_lib.cli import main\n"
        "try: main(['generate', '--help'])\nexcept SystemExit: pass\n"
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'matplotlib', 'cairosvg')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


FLAGS = {  # from the specification
    "create_dummy_data": "output_dir num_samples seed",
    "prepare_dataset": "svg_dir packs output_dir",
    "preprocess": "svg_dir pattern precomputed_dir max_files",
    "train": "precomputed_dir steps batch_size device ckpt_out",
    "train_vae": "svg_dir precomputed_dir batch_size num_epochs output_dir",
    "prepare_latents": "vae_checkpoint precomputed_dir output_dir",
    "train_dit": "svg_dir latents_dir vae_checkpoint batch_size num_epochs output_dir",
    "train_demo": "",
    "generate": "vae_checkpoint dit_checkpoint prompt prompts num_samples output_dir seed ddim_steps cfg_scale cfg_low "
                "cfg_high eta sampler ckpt_path precomputed_dir num_eval out_dir",
    "roundtrip": "svg_dir out_dir",
    "evaluate": "output_dir",
    "benchmark": "output_dir",
}


@pytest.mark.parametrize("stage", FLAGS)
def test_flags_of_the_specification(stage, capsys):
    with pytest.raises(SystemExit):
        cli.main([stage, "--help"])
    text = capsys.readouterr().out
    assert [flag for flag in FLAGS[stage].split() if f"--{flag}" not in text] == []


@pytest.mark.parametrize(("error", "code", "message"), [
    (UserError("a.svg:\n  is bad"), 2, "svgfusion train: a.svg: is bad\n"),
    (PermissionError(13, "Permission denied", "out/x"), 2, "svgfusion train: out/x: Permission denied\n"),
    (KeyboardInterrupt(), 130, "\nsvgfusion train: stopped; rerun the same command to resume training\n"),
    (ZeroDivisionError(), None, ""),  # bugs are not disguised as user errors
])
def test_errors_that_end_a_stage(monkeypatch, capsys, error, code, message):
    def run(**options):
        raise error

    monkeypatch.setitem(cli.STAGES, "train", (*cli.STAGES["train"][:2], run))
    with pytest.raises(ZeroDivisionError) if code is None else nullcontext():
        assert cli.main(["train", "--precomputed_dir", "x"]) == code
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(("command", "hint"), [
    ("genrate --prompt cat", "did you mean generate?"),
    ("generate --promt cat --output_dir out", "did you mean --prompt?"),
    ("generate --prompt cat --sampler dim --output_dir out", "did you mean ddim?"),
])
def test_a_slip_of_the_pen_is_answered_with_the_right_word(capsys, command, hint):
    with pytest.raises(SystemExit) as end:
        cli.main(command.split())
    message = capsys.readouterr().err
    assert end.value.code == 2 and hint in message and message.count("\n") == 1
