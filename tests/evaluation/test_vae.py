"""VP-VAE evaluation: known figures, and readable output files."""

import json

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.corpus.preprocess import load_cache
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.vae import evaluate_vae
from svgfusion_lib.models.checkpoint import load_model, save_model
from svgfusion_lib.training.vae import train_vae
from svgfusion_lib.utils.dataset import ChunkDataset, collate_chunks
from tests.helpers import make_cache


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A VP-VAE without pixel tokens, partly overfitted to eight drawings."""
    folder = tmp_path_factory.mktemp("vae")
    make_cache(folder, 8, pixel_encoder="none")
    train_vae(folder / "vae", precomputed_dir=folder / "cache", batch_size=8, num_epochs=150, lr=3e-3)
    return folder


@torch.no_grad()
def test_figures_are_those_of_the_model(run):
    checkpoint = run / "vae" / "vpvae_final.pt"
    report = evaluate_vae(checkpoint, run / "cache", run / "out", split="train")
    vae, cache = load_model(checkpoint, "vpvae")[0], load_cache(run / "cache")
    dataset = ChunkDataset(cache, vae.config, "train")
    right = rows = latents = 0
    kl = 0.0
    for k in range(len(dataset)):
        batch = collate_chunks([dataset[k]])
        posterior = vae.encode(batch)
        decoded = vae.decode(posterior.latent())
        true = batch.ids[..., 1][batch.ids[..., 0] > 0]
        right += int((decoded.command.argmax(-1)[batch.ids[..., 0] > 0] == true).sum())
        rows += len(true)
        latents += batch.ids.shape[1]
        normal = torch.distributions.Normal(posterior.mean, (posterior.logvar / 2).exp())
        kl += float(torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum())
    assert report["svgs"] == len(dataset) and report["too_long"] == 0
    assert report["commands_right"] == pytest.approx(right / rows) and right / rows > 0.5
    assert report["kl_per_latent"] == pytest.approx(kl / latents, rel=1e-4)
    assert 0 < report["active_units"] <= report["units"] == vae.config.latent_width


def test_a_worse_model_has_worse_figures(run, tmp_path):
    vae, content = load_model(run / "vae" / "vpvae_final.pt", "vpvae")
    noise = torch.Generator().manual_seed(0)
    worse = {
        name: tensor + 0.3 * torch.randn(tensor.shape, generator=noise) if name.startswith("decoder") else tensor
        for name, tensor in vae.state_dict().items()
    }
    save_model(tmp_path / "worse.pt", "vpvae", vae, worse)
    good = evaluate_vae(run / "vae" / "vpvae_final.pt", run / "cache", tmp_path / "good", split="train")
    bad = evaluate_vae(tmp_path / "worse.pt", run / "cache", tmp_path / "bad", split="train")
    assert bad["ssim_from_mean"]["mean"] < good["ssim_from_mean"]["mean"]
    assert bad["commands_right"] < good["commands_right"] and bad["geometry_rms"] > good["geometry_rms"]
    assert bad["ssim_of_blank"] == good["ssim_of_blank"]


def test_files_that_it_writes(run, tmp_path):
    argv = ["evaluate_vae", "--vae_checkpoint", str(run / "vae" / "vpvae_final.pt"), "--split", "train",
            "--precomputed_dir", str(run / "cache"), "--output_dir", str(tmp_path), "--max_files", "3"]
    assert cli.main(argv) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["files"]) == report["svgs"] == 3 and (tmp_path / "reconstructions.png").stat().st_size > 1000
    means = [entry["ssim_from_mean"] for entry in report["files"]]
    assert report["ssim_from_mean"]["mean"] == pytest.approx(sum(means) / 3)


def test_a_split_with_nothing_is_refused(run, tmp_path):
    assert "held_out" not in load_cache(run / "cache")["splits"]
    with pytest.raises(UserError, match="has no held_out SVG"):
        evaluate_vae(run / "vae" / "vpvae_final.pt", run / "cache", tmp_path)
