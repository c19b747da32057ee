"""Training from a folder of SVGs builds the cache itself and gives the same result."""

import pytest
import torch

from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.models.checkpoint import load_model
from svgfusion_lib.training.dit import train_dit
from svgfusion_lib.training.latents import prepare_latents
from svgfusion_lib.training.vae import train_vae

ONCE = {"batch_size": 16, "num_epochs": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """svg, and a VP-VAE (without pixel tokens) trained from it."""
    folder = tmp_path_factory.mktemp("folder")
    create_dummy_data(folder / "svg", num_samples=16)
    train_vae(folder / "vae", svg_dir=folder / "svg", preset="tiny", changes={"pixel_fusion": False}, **ONCE)
    return folder


def assert_same_weights(path, other, kind):
    a, b = (load_model(file, kind)[0].state_dict() for file in (path, other))
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_vae_learns_from_a_folder_what_it_learns_from_its_cache(made, tmp_path):
    preprocess(made / "svg", tmp_path / "cache", pixel_encoder="none")
    vae = train_vae(
        tmp_path / "vae", precomputed_dir=tmp_path / "cache", preset="tiny", changes={"pixel_fusion": False}, **ONCE
    )
    assert_same_weights(vae, made / "vae" / "vpvae_final.pt", "vpvae")


def test_dit_learns_from_a_folder_what_it_learns_from_its_latents(made, tmp_path):
    vae = made / "vae" / "vpvae_final.pt"
    by_itself = train_dit(tmp_path / "a", vae, svg_dir=made / "svg", preset="tiny", **ONCE)
    preprocess(made / "svg", tmp_path / "cache")
    prepare_latents(vae, tmp_path / "cache", tmp_path / "latents")
    given = train_dit(tmp_path / "b", vae, latents_dir=tmp_path / "latents", preset="tiny", **ONCE)
    assert_same_weights(by_itself, given, "vsdit")
