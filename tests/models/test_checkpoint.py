import json
import pickle

import pytest
import torch

from svgfusion_lib.config import DiffusionConfig, DiTConfig, SamplingConfig, TrainConfig, VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import load_model, load_tensors, save_model, save_tensors
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT

VAE = VAEConfig(width=16, heads=2, row_width=4, encoder_depth=1, decoder_depth=1, pixel_fusion=False)
DIT = DiTConfig(latent_width=5, context_width=6, width=16, heads=2, depth=1, max_latents=4)


@pytest.fixture
def vae_path(tmp_path):
    model = VPVAE(VAE)
    return save_model(tmp_path / "vpvae_final.pt", "vpvae", model, model.state_dict(), train_svgs=3)


def refused(path, kind="vpvae") -> str:
    with pytest.raises(UserError) as caught:
        load_model(path, kind)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    return message


@pytest.mark.parametrize(("kind", "make", "config"), [("vpvae", VPVAE, VAE), ("vsdit", VSDiT, DIT)])
def test_model_comes_back_as_it_was(tmp_path, kind, make, config):
    model = make(config)
    path = save_model(tmp_path / "deep" / "model.pt", kind, model, model.state_dict(), note="kept")
    loaded, content = load_model(path, kind)
    assert loaded.config == config and not loaded.training and content["note"] == "kept"
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, atol=0, rtol=0)
    assert [p.name for p in path.parent.iterdir()] == ["model.pt"]


def test_given_weights_are_saved_rather_than_the_models_own(tmp_path):
    model = VPVAE(VAE)
    averaged = {name: torch.zeros_like(t) for name, t in model.state_dict().items()}
    loaded, _ = load_model(save_model(tmp_path / "m.pt", "vpvae", model, averaged), "vpvae")
    assert all((t == 0).all() for t in loaded.state_dict().values())


def test_missing_file(tmp_path):
    assert "no such file" in refused(tmp_path / "absent.pt")
    assert "train_vae" in refused(tmp_path / "absent.pt")
    assert "train_dit" in refused(tmp_path / "absent.pt", "vsdit")


def test_checkpoint_of_the_other_model(tmp_path, vae_path):
    message = refused(vae_path, "vsdit")
    assert "'vpvae'" in message and "'vsdit'" in message


def test_other_format_version(tmp_path):
    path = tmp_path / "old.pt"
    torch.save({"kind": "vpvae", "version": 99}, path)
    assert "99" in refused(path)


def test_weights_that_do_not_fit_the_configuration(tmp_path):
    model = VPVAE(VAE)
    weights = model.state_dict()
    for name, changed in (
        ("another shape", weights | {"from_latent.weight": torch.zeros(3, 3)}),
        ("one is missing", {k: v for k, v in weights.items() if k != "from_latent.weight"}),
        ("one too many", weights | {"stranger": torch.zeros(1)}),
    ):
        message = refused(save_model(tmp_path / "m.pt", "vpvae", model, changed))
        assert "do not fit" in message, name


def test_unknown_or_absent_configuration(tmp_path):
    model = VPVAE(VAE)
    config = VAE.to_dict() | {"flux_capacitor": 1}
    path = save_tensors(tmp_path / "m.pt", "vpvae", {"config": config, "model": model.state_dict()})
    assert "flux_capacitor" in refused(path)
    refused(save_tensors(tmp_path / "n.pt", "vpvae", {"model": model.state_dict()}))
    refused(save_tensors(tmp_path / "o.pt", "vpvae", {"config": VAE.to_dict()}))


def test_failed_write_leaves_the_old_file(tmp_path):
    path = save_tensors(tmp_path / "a.pt", "cache", {"x": 1})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_tensors(path, "cache", {"x": lambda: None})
    assert load_tensors(path, "cache", "preprocess")["x"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


@pytest.mark.parametrize("config_class", [VAEConfig, DiTConfig, DiffusionConfig, TrainConfig, SamplingConfig])
def test_configurations_survive_as_plain_values(config_class):
    config = config_class()
    assert config_class.from_dict(config.to_dict()) == config
    with pytest.raises(UserError, match=f"{config_class.__name__}: unknown field 'nonsense'"):
        config_class.from_dict({"nonsense": 1})


def test_styles_survive_as_json_and_old_configurations_have_none():
    config = DiTConfig(styles=("bold", "thin"))
    assert DiTConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert DiTConfig.from_dict({name: v for name, v in config.to_dict().items() if name != "styles"}).styles == ()


def test_presets():
    assert VAEConfig.preset("tiny", width=64).width == 64
    for config_class in (VAEConfig, DiTConfig):
        assert all(config_class.preset(name) for name in config_class.PRESETS)
        with pytest.raises(UserError, match="unknown preset 'huge'; known are tiny"):
            config_class.preset("huge")


@pytest.mark.parametrize("call", [
    lambda: TrainConfig(batch_size=0), lambda: TrainConfig(num_steps=0), lambda: DiTConfig(prediction="x0"),
])
def test_impossible_values(call):
    with pytest.raises(UserError):
        call()


@pytest.mark.parametrize("change", [
    {"width": 10**9}, {"width": -1}, {"heads": 0}, {"heads": 5}, {"encoder_depth": 10**9}, {"row_width": 0},
    {"layout": "spiral"}, {"latent_width": "4"}, {"latent_width": 10**12}, {"pixel_fusion": 1}, {"max_latents": None},
    {"rows_per_latent": 10**14}, {"width": 16.0}, {"widht": 16},
])
def test_a_checkpoint_with_another_configuration_is_refused(tmp_path, change):
    model = VPVAE(VAE)
    content = {"config": VAE.to_dict() | change, "model": model.state_dict()}
    path = save_tensors(tmp_path / "m.pt", "vpvae", content)
    with pytest.raises(UserError, match=str(path)):
        load_model(path, "vpvae")


@pytest.mark.parametrize("content", [
    {"config": [], "model": {}}, {"config": {}, "model": []}, {"config": {}, "model": {}},
    {"config": VAE.to_dict(), "model": {"x": "text"}}, {"config": VAE.to_dict(), "model": {3: torch.zeros(16)}},
])
def test_a_checkpoint_of_odd_content_is_refused(tmp_path, content):
    path = save_tensors(tmp_path / "m.pt", "vpvae", content)
    with pytest.raises(UserError, match=str(path)):
        load_model(path, "vpvae")
