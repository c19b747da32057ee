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


WEIGHTS = VPVAE(VAE).state_dict()
CONTENTS = [
    *({"config": VAE.to_dict() | change, "model": WEIGHTS} for change in (
        {"width": 10**9}, {"width": -1}, {"heads": 0}, {"heads": 5}, {"encoder_depth": 10**9}, {"row_width": 0},
        {"layout": "spiral"}, {"latent_width": "4"}, {"latent_width": 10**12}, {"pixel_fusion": 1},
        {"max_latents": None}, {"rows_per_latent": 10**14}, {"width": 16.0}, {"flux_capacitor": 1},
    )),
    *({"config": VAE.to_dict(), "model": weights} for weights in (
        WEIGHTS | {"from_latent.weight": torch.zeros(3, 3)}, WEIGHTS | {"stranger": torch.zeros(1)},
        {name: tensor for name, tensor in WEIGHTS.items() if name != "from_latent.weight"},
        {"x": "text"}, {3: torch.zeros(16)},
    )),
    {"config": VAE.to_dict()}, {"model": WEIGHTS}, {"config": [], "model": {}}, {"config": {}, "model": []},
    {"config": {}, "model": {}}, {"version": 99},
]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_checkpoint_of_another_content_is_refused_in_one_line(tmp_path, content):
    path = save_tensors(tmp_path / "m.pt", "vpvae", content)
    if "version" in content:
        torch.save({"kind": "vpvae"} | content, path)
    with pytest.raises(UserError) as caught:
        load_model(path, "vpvae")
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    assert "flux_capacitor" not in content.get("config", ()) or "flux_capacitor" in message


def test_memory_that_runs_out_is_named(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise MemoryError

    path = save_tensors(tmp_path / "a.pt", "cache", {"x": 1})
    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(UserError, match="out of memory"):
        load_tensors(path, "cache", "preprocess")


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


def test_a_vsdit_made_before_its_length_predictor_was_wide_comes_back_as_it_was(tmp_path):
    """Its configuration lacks that network's width, which was then always the same."""
    model = VSDiT(DiTConfig.preset("tiny", latent_width=8, length_width=128, length_dropout=0.3)).eval()
    path = save_model(tmp_path / "old.pt", "vsdit", model, model.state_dict())
    content = torch.load(path, weights_only=True)
    content["config"] = {k: v for k, v in content["config"].items() if not k.startswith("length")}
    torch.save(content, path)
    loaded, _ = load_model(path, "vsdit")
    assert loaded.config == model.config
    context, mask = torch.randn(2, 3, 384), torch.zeros(2, 3, dtype=torch.bool)
    torch.testing.assert_close(loaded.length_predictor(context, mask), model.length_predictor(context, mask))


def test_presets():
    assert VAEConfig.preset("tiny", width=64).width == 64
    for config_class in (VAEConfig, DiTConfig):
        assert all(config_class.preset(name) for name in config_class.PRESETS)
        with pytest.raises(UserError, match="unknown preset 'huge'; known: tiny"):
            config_class.preset("huge")


@pytest.mark.parametrize(("config_class", "values"), [
    (TrainConfig, {"lr": "1e-3"}), (TrainConfig, {"bf16": "no"}),
    (TrainConfig, {"batch_size": 0}), (TrainConfig, {"num_steps": 0}), (DiTConfig, {"prediction": "x0"}),
    (DiTConfig, {"length_dropout": 1.0}), (VAEConfig, {"layout": "grid"}), (VAEConfig, {"head": "linear"}),
    (VAEConfig, {"layout": "row", "rows_per_latent": 4}),
])
def test_impossible_values(config_class, values):
    with pytest.raises(UserError, match="|".join([config_class.__name__, *values])):
        config_class(**values)
