"""All stages in order on a few synthetic SVGs, through the functions that commands and notebooks call."""

import json

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.corpus.preprocess import cache_rows, load_cache, preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.vae import reconstruct_and_sample
from svgfusion_lib.generate import generate
from svgfusion_lib.models.checkpoint import load_model
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.training.dit import train_dit
from svgfusion_lib.training.latents import load_latents, prepare_latents
from svgfusion_lib.training.loop import LOG_NAME, read_log
from svgfusion_lib.training.vae import train, train_vae
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.svg_parser import parse_svg
from tests.helpers import QUICK, make_cache, samples_of


def export(vae, dit, folder, **how):
    return SVGFusionPipeline.from_pretrained(vae=vae, dit=dit).save_pretrained(folder, **how)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder with all intermediate results: svg, cache, vae, latents, dit."""
    folder = tmp_path_factory.mktemp("chain")
    make_cache(folder, 24)
    train_vae(folder / "vae", precomputed_dir=folder / "cache", batch_size=8, num_epochs=2)
    prepare_latents(folder / "vae" / "vpvae_final.pt", folder / "cache", folder / "latents")
    vae = folder / "vae" / "vpvae_final.pt"
    train_dit(folder / "dit", vae, latents_dir=folder / "latents", batch_size=8, num_epochs=2)
    return folder


@pytest.fixture(scope="module")
def checkpoints(run):
    return run / "vae" / "vpvae_final.pt", run / "dit" / "vsdit_final.pt"


def test_cache_holds_what_the_files_hold(run):
    cache = load_cache(run / "cache")
    assert len(cache["names"]) == len(cache["pixel_tokens"]) == 24
    assert cache["pixel_tokens"][5].shape == (16, 320)
    for i in (0, 11, 23):
        rows = parse_svg(run / "svg" / f"{cache['names'][i]}.svg").rows
        torch.testing.assert_close(torch.from_numpy(cache_rows(cache, i)), torch.from_numpy(rows), atol=0, rtol=0)
    report = json.loads((run / "cache" / "report.json").read_text())
    assert report["kept"] == report["files"] == 24 and report["skipped"] == {}


def test_latents_are_normalised_by_their_own_statistics(run):
    latents = load_latents(run / "latents")
    train_rows = torch.cat([
        latents["mean"][latents["offsets"][i] : latents["offsets"][i + 1]]
        for i, split in enumerate(latents["splits"]) if split == "train"
    ])
    normal = (train_rows - latents["latent_mean"]) / latents["latent_std"]
    assert normal.mean(0).abs().max() < 1e-4 and normal.std(0, correction=0).max() < 1 + 1e-4
    assert (latents["sigma"][:, :15] == 0).all() and (latents["sigma"][:, 15:] > 0).all()


def test_rendering_sequences_all_the_way(run, tmp_path):
    """Partial SVGs train the VP-VAE, rows see their stage's rendering, and every stage is encoded as latents."""
    checkpoint, data = tmp_path / "vae" / "vpvae_final.pt", f"--precomputed_dir {tmp_path / 'cache'}"
    for line in [
        f"preprocess --svg_dir {run / 'svg'} {data} --renderings 3 --processes 2",
        f"train_vae {data} --output_dir {checkpoint.parent} --num_epochs 1 --batch_size 8 --stage_tokens"
        " --partial_rate 0.5 --layout row --head continuous --latent_width 8",
        f"prepare_latents --vae_checkpoint {checkpoint} {data} --output_dir {tmp_path / 'latents'} --max_latents 64"
        " --every_stage",
    ]:
        assert cli.main(line.split()) == 0
    cache, whole = load_cache(tmp_path / "cache"), load_cache(run / "cache")
    assert cache["names"] == whole["names"] and len(cache["stage_sizes"]) > len(cache["names"])
    for i in range(len(cache["names"])):
        stages = int(cache["stage_offsets"][i + 1] - cache["stage_offsets"][i])
        assert cache["pixel_tokens"][i].shape == (16 * stages, 320)
        torch.testing.assert_close(cache["pixel_tokens"][i][-16:], whole["pixel_tokens"][i], atol=2e-2, rtol=1e-2)
    latents = load_latents(tmp_path / "latents")
    assert len(latents["names"]) == len(cache["stage_sizes"]) and len(latents["context"]) == len(latents["captions"])
    assert load_model(checkpoint, "vpvae")[0].config.stage_tokens


def test_partial_svgs_need_a_cache_that_has_them(run, tmp_path):
    with pytest.raises(UserError, match="--renderings above 1"):
        train_vae(tmp_path, precomputed_dir=run / "cache", num_epochs=1, partial_rate=0.5)


def test_generate_writes_svgs_that_render(checkpoints, tmp_path):
    prompts = ["a red circle", "ein Häuschen, 家!"]
    pipeline = SVGFusionPipeline.from_pretrained(vae=checkpoints[0], dit=checkpoints[1])
    entries = generate(pipeline, prompts, tmp_path, num_samples=2, seed=5, config=QUICK)
    assert [e["seed"] for e in entries] == [5, 6, 5, 6]
    assert entries[0]["file"] == "000_a-red-circle_0.svg" and entries[3]["file"].startswith("001_")
    assert samples_of(tmp_path) == entries
    for entry in entries:
        render_svg((tmp_path / entry["file"]).read_text(), 32)
    assert {p.name for p in tmp_path.glob("[!.]*")} == {e["file"] for e in entries} | {"samples.json", "sheet.png"}


def test_reconstructions_and_random_samples(run, checkpoints, tmp_path):
    written = reconstruct_and_sample(checkpoints[0], run / "cache", tmp_path, num_eval=5, num_samples=6)
    assert len(written["recon"]) == 5 and len(written["random"]) == 6
    for path in written["recon"] + written["random"]:
        render_svg(path.read_text(), 32)


def test_smoke_run_continues_and_names_its_checkpoint_by_the_steps(run, tmp_path):
    assert train(run / "cache", steps=3, ckpt_out=tmp_path).name == "model_step3.pt"
    assert train(run / "cache", steps=5, ckpt_out=tmp_path).name == "model_step5.pt"
    assert [line["step"] for line in read_log(tmp_path / LOG_NAME) if "loss" in line][-1] == 5


def test_models_that_do_not_belong_together_are_refused(run, checkpoints, tmp_path):
    other = train_vae(tmp_path / "other", precomputed_dir=run / "cache", batch_size=24, num_epochs=1, seed=1)
    with pytest.raises(UserError, match="a different VP-VAE"):
        SVGFusionPipeline.from_pretrained(vae=other, dit=checkpoints[1])
    with pytest.raises(UserError, match="a different VP-VAE"):
        train_dit(tmp_path / "dit", other, latents_dir=run / "latents")
    with pytest.raises(UserError, match="a different VP-VAE"):
        export(other, checkpoints[1], tmp_path / "export")
    assert not (tmp_path / "dit").exists() and not (tmp_path / "export").exists()


def test_cache_of_another_pixel_encoder_is_refused(run, checkpoints, tmp_path):
    preprocess(run / "svg", tmp_path / "cache", max_files=3, pixel_encoder="none")
    with pytest.raises(UserError, match="pixel encoder 'efficientnet-lite0'"):
        prepare_latents(checkpoints[0], tmp_path / "cache", tmp_path / "latents")


@pytest.mark.parametrize("flags", [
    "--ddim_steps 0", "--ddim_steps 5000", "--eta -1", "--eta nan", "--cfg_scale nan", "--seed -9",
    "--cfg_low -.1", "--cfg_high 2", "--cfg_low .7 --cfg_high .6",
    "--seed 99999999999999999999",
])
def test_impossible_sampling_is_one_line(checkpoints, tmp_path, capsys, flags):
    vae, dit = map(str, checkpoints)
    command = ["generate", "--prompt", "cat", "--output_dir", str(tmp_path / "out"), "--vae_checkpoint", vae]
    try:
        code = cli.main([*command, "--dit_checkpoint", dit, *flags.split()])
    except SystemExit as end:  # from argparse
        code = end.code
    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "out").exists()
