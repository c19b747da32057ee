import json

import numpy as np
import pytest
import torch

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import EfficientNetLite0, load_pixel_encoder
from svgfusion_lib.utils.render import render_svg

CART = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="black" stroke-width="2"><circle cx="6" cy="19" r="2"/>'
    '<circle cx="17" cy="19" r="2"/><path d="M17 17H6V3H4"/><path d="m6 5l14 1l-1 7H6"/></svg>'
)
HEART = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="black" stroke-width="2">'
    '<path d="M19.5 12.572l-7.5 7.428l-7.5-7.428a5 5 0 1 1 7.5-6.566a5 5 0 1 1 7.5 6.572"/></svg>'
)


@pytest.fixture(scope="module")
def lite0():
    return load_pixel_encoder("efficientnet-lite0")


def save_dinov2(folder, registers=0, processor=True):
    """Save a random DINOv2 like a hub model; 5 x 5 patches, or 4 x 4 after the processor's crop."""
    from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 70, "patch_size": 14}
    torch.manual_seed(0)
    if registers:
        model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**sizes, num_register_tokens=registers))
    else:
        model = Dinov2Model(Dinov2Config(**sizes))
    model.save_pretrained(folder)
    if processor:
        size, mean, std = {"height": 56, "width": 56}, [0.5, 0.4, 0.3], [0.2, 0.25, 0.5]
        settings = {"crop_size": size, "image_mean": mean, "image_std": std}
        (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return model.eval()


def test_lite0_tokens(lite0):
    image = render_svg(CART, lite0.image_size)
    tokens = lite0.encode(image[None])
    assert (lite0.image_size, lite0.num_tokens, lite0.width) == (128, 16, 320)
    assert tokens.shape == (1, 16, 320) and tokens.dtype == torch.float32
    assert torch.isfinite(tokens).all()
    assert not any(p.requires_grad for p in lite0.backbone.parameters()) and not lite0.backbone.training
    layer = torch.nn.Linear(320, 1)
    layer(tokens).sum().backward()  # an inference-mode tensor would raise


def test_lite0_tokens_are_in_reading_order(lite0):
    dot = '<svg viewBox="0 0 128 128"><circle cx="{}" cy="{}" r="12"/></svg>'
    white = np.full((128, 128, 3), 255, dtype=np.uint8)
    images = [white] + [render_svg(dot.format(x, y), 128) for x, y in ((112, 16), (16, 112))]
    blank, top_right, bottom_left = lite0.encode(np.stack(images))
    place = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0))  # (P, 2): row, column
    centres = []
    for tokens in (top_right, bottom_left):  # the receptive field is wide, but centred
        change = (tokens - blank).norm(dim=1)  # (P,)
        centres.append((change[:, None] * place).sum(0) / change.sum())
    (row, column), (other_row, other_column) = centres
    assert row < 1.5 < other_row, centres
    assert column > 1.5 > other_column, centres


def test_lite0_does_not_depend_on_the_batch(lite0):
    images = np.stack([render_svg(svg, 128) for svg in (CART, HEART)] * 10)
    tokens = lite0.encode(images)
    assert tokens.shape == (20, 16, 320)
    torch.testing.assert_close(tokens[19], lite0.encode(images[1:2])[0], rtol=0, atol=1e-3)
    torch.testing.assert_close(tokens[:2], lite0.encode(torch.from_numpy(images[:2])), rtol=0, atol=1e-3)


def test_fused_norms_compute_the_same():
    torch.manual_seed(0)
    network = EfficientNetLite0().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2.0)
    images = torch.randn(2, 3, 65, 96)
    with torch.no_grad():
        plain = network(images)
        network.fuse_norms()
        fused = network(images)
    assert plain.shape == (2, 320, 3, 3), "ceil(65 / 32) x 96 / 32"
    torch.testing.assert_close(fused, plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("registers", [0, 4])
def test_dinov2_gives_patch_tokens_only(registers, tmp_path):
    model = save_dinov2(tmp_path, registers)
    encoder = load_pixel_encoder(str(tmp_path))
    assert (encoder.image_size, encoder.num_tokens, encoder.width) == (56, 16, 32)
    image = render_svg(CART, 56)
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.5])
    pixels = ((torch.from_numpy(image.copy()) / 255 - mean) / std).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = model(pixel_values=pixels).last_hidden_state[:, 1 + registers :]
    torch.testing.assert_close(encoder.encode(image[None]), expected, rtol=0, atol=1e-5)


def test_dinov2_without_processor_uses_its_own_size_and_resizes(tmp_path):
    save_dinov2(tmp_path, processor=False)
    encoder = load_pixel_encoder(str(tmp_path))
    assert (encoder.image_size, encoder.num_tokens) == (70, 25)
    assert encoder.encode(render_svg(CART, 64)[None]).shape == (1, 25, 32)


@pytest.mark.parametrize("images", [
    np.zeros((128, 128, 3), np.uint8),
    np.zeros((1, 3, 128, 128), np.uint8),
    np.zeros((1, 64, 128, 3), np.uint8),
    np.zeros((1, 128, 128, 3), np.float32),
    np.zeros((0, 128, 128, 3), np.uint8),
], ids=["no batch", "channels first", "not square", "not bytes", "none"])
def test_encode_refuses_other_images(images, lite0):
    with pytest.raises(ValueError):
        lite0.encode(images)


def test_model_that_cannot_be_loaded(tmp_path, monkeypatch):
    from huggingface_hub import constants
    from transformers import BertConfig

    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="is a bert model: use a DINOv2 model"):
        load_pixel_encoder(str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="'nobody/no-such-dino' could not be loaded: HF_HUB_OFFLINE"):
        load_pixel_encoder("nobody/no-such-dino")
