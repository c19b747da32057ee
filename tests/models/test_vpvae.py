from dataclasses import replace

import numpy as np
import pytest
import torch

from svgfusion_lib.config import VAEConfig
from svgfusion_lib.models.vpvae import VPVAE, Posterior
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.training.losses import vae_loss
from svgfusion_lib.utils.dataset import ChunkBatch, ChunkItem, collate_chunks
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from tests.helpers import rows_of

STROKE = 'fill="none" stroke="#000"'
SVGS = [
    '<path d="M5 12h14l-4 6z"/>',
    '<circle cx="12" cy="12" r="9"/><path d="M3 3C5 9 9 9 9 3M12 3v9"/><rect x="2" y="3" width="4" height="5"/>',
    '<path d="M1 1h4v4h-4z" fill="red"/><path d="M9 9L2 20"/>',
]
VARIANTS = [("row", "continuous"), ("row", "hybrid"), ("path", "hybrid"), ("path", "continuous")]
PIXELS = 7


def config_of(layout: str, head: str, **changes) -> VAEConfig:
    slots = 1 if layout == "row" else 6
    return VAEConfig(**{
        "layout": layout, "head": head, "rows_per_latent": slots, "latent_width": 4, "width": 32, "heads": 2,
        "row_width": 8, "encoder_depth": 1, "decoder_depth": 1, "max_latents": 24, "pixel_width": PIXELS,
    } | changes)


def batch_of(config: VAEConfig, svgs=SVGS) -> ChunkBatch:
    g = torch.Generator().manual_seed(0)
    return collate_chunks([
        ChunkItem(
            f"svg {i}", rows_to_chunks(rows_of(body, STROKE), config.layout, config.rows_per_latent, config.arcs),
            torch.randn(1, 4, PIXELS, generator=g),
        )
        for i, body in enumerate(svgs)
    ])


def scramble_padding(batch: ChunkBatch) -> ChunkBatch:
    g = torch.Generator().manual_seed(5)
    changed = replace(batch, **{n: getattr(batch, n).clone() for n in ("ids", "geometry", "box", "style")})
    pad = batch.padding_mask
    changed.ids[pad] = torch.randint(0, 6, changed.ids[pad].shape, generator=g)
    for name in ("geometry", "box", "style"):
        values = getattr(changed, name)
        values[pad] = torch.randn(values[pad].shape, generator=g)
    return changed


@pytest.mark.parametrize(("layout", "head"), VARIANTS)
def test_shapes_and_ranges(layout, head):
    torch.manual_seed(0)
    config = config_of(layout, head)
    model, batch = VPVAE(config).eval(), batch_of(config)
    decoded, posterior = model(batch)
    leading = batch.ids.shape[:3]
    assert posterior.mean.shape == posterior.logvar.shape == (*leading[:2], 4)
    assert posterior.latent().shape[-1] == model.latent_width == 4 + (15 if layout == "path" else 0)
    if head == "continuous":
        assert decoded.shape == (*leading, rf.NUM_COLUMNS) and decoded.abs().max() <= 1
    else:
        sizes = (len(rf.ELEMENTS), len(rf.COMMANDS), rf.NUM_GEOMETRY, 0 if layout == "path" else rf.NUM_STYLE)
        assert [part.shape for part in decoded] == [(*leading, size) for size in sizes]


@pytest.mark.parametrize(("layout", "head"), VARIANTS)
def test_padding_and_company_change_no_posterior_and_no_row(layout, head):
    torch.manual_seed(0)
    config = config_of(layout, head)
    model, batch = VPVAE(config).eval(), batch_of(config)
    changed = scramble_padding(batch)
    valid = ~batch.padding_mask
    assert batch.padding_mask.any()
    before, after = model.encode(batch), model.encode(changed)
    torch.testing.assert_close(after.mean[valid], before.mean[valid], atol=1e-6, rtol=1e-5)
    z = before.latent()
    rows = model.decode_rows(z, batch.padding_mask)
    z[batch.padding_mask] = 77.0
    for a, b in zip(rows, model.decode_rows(z, batch.padding_mask)):
        np.testing.assert_allclose(a, b, atol=1e-5)
    alone = batch_of(config, SVGS[:1])
    n = alone.ids.shape[1]
    torch.testing.assert_close(model.encode(batch).mean[0, :n], model.encode(alone).mean[0], atol=1e-6, rtol=1e-5)


def test_path_layout_gives_equal_shapes_equal_latents_wherever_they_stand():
    config = config_of("path", "hybrid", pixel_fusion=False)
    model = VPVAE(config).eval()
    shapes = '<path d="M2 2h4v6z"/><path d="M12 10h8v12z"/>'  # the second is twice as large
    posterior = model.encode(batch_of(config, [shapes]))
    torch.testing.assert_close(posterior.mean[0, 0], posterior.mean[0, 1], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(posterior.explicit[0, 0, :3], posterior.explicit[0, 1, :3])


def test_row_layout_knows_positions():
    config = config_of("row", "hybrid", pixel_fusion=False)
    model, batch = VPVAE(config).eval(), batch_of(config, SVGS[:1])
    order = torch.tensor([0, 2, 1, 3, 4, 5])
    swapped = replace(batch, **{n: getattr(batch, n)[:, order] for n in ("ids", "geometry", "box", "style")})
    difference = model.encode(swapped).mean[:, order] - model.encode(batch).mean
    assert difference.abs().max() > 1e-5, "without positions the rows would only be permuted"


def test_pixel_tokens_reach_the_posterior_only_where_fused():
    for fused in (True, False):
        config = config_of("path", "hybrid", pixel_fusion=fused)
        model, batch = VPVAE(config).eval(), batch_of(config)
        before = model.encode(batch).mean
        after = model.encode(replace(batch, pixel_tokens=batch.pixel_tokens.flip(-1) + 1)).mean
        assert (not torch.allclose(after, before, atol=1e-6)) is fused


@pytest.mark.parametrize("layout", ["row", "path"])
def test_a_latent_sees_the_rendering_of_its_own_stage_alone(layout):
    """In layout row, other stages arrive through self-attention between rows, not through a latent's own query."""
    torch.manual_seed(0)
    config = config_of(layout, "hybrid", stage_tokens=True)
    model = VPVAE(config).eval()
    batch = batch_of(config, SVGS[1:2])
    count = batch.ids.shape[1]
    tokens = torch.randn(1, 3, 4, PIXELS)  # three stages
    stages = (torch.arange(count) * 3 // count)[None]
    batch = replace(batch, pixel_tokens=tokens, stages=stages)
    changed = replace(batch, pixel_tokens=tokens + torch.tensor([0.0, 0.0, 1.0])[None, :, None, None] * tokens.flip(-1))
    pixels, unseen = model._pixels(batch)
    assert pixels.shape == (1, 12, PIXELS) and unseen.shape == (1, count, 12)
    assert (~unseen).sum(-1).unique().tolist() == [4]
    difference = (model.encode(changed).mean - model.encode(batch).mean).abs().amax(-1)[0]  # [N]
    assert (difference[stages[0] == 2] > 1e-6).all()
    if layout == "path":
        assert (difference[stages[0] < 2] == 0).all()


def test_renderings_that_pad_the_batch_change_nothing():
    config = config_of("path", "hybrid", stage_tokens=True)
    model, batch = VPVAE(config).eval(), batch_of(config)
    padded = replace(batch, pixel_tokens=torch.cat([batch.pixel_tokens, torch.full_like(batch.pixel_tokens, 9.0)], 1))
    torch.testing.assert_close(model.encode(padded).mean, model.encode(batch).mean, atol=1e-6, rtol=1e-5)


def test_missing_pixel_tokens_are_named():
    config = config_of("path", "hybrid")
    with pytest.raises(ValueError, match="pixel tokens"):
        VPVAE(config).encode(replace(batch_of(config), pixel_tokens=None))


def test_posterior_sample_is_mean_plus_sigma_times_noise():
    posterior = Posterior(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[0.0, 2.0]]]), torch.tensor([[[9.0]]]))
    sample = posterior.latent(torch.tensor([[[0.5, -1.0]]]))
    torch.testing.assert_close(sample, torch.tensor([[[9.0, 1.5, 2 - float(np.e)]]]))
    assert posterior.latent().flatten().tolist() == [9.0, 1.0, 2.0]


@pytest.mark.parametrize(("layout", "head"), VARIANTS)
def test_any_latent_decodes_to_rows(layout, head):
    config = config_of(layout, head)
    model = VPVAE(config).eval()
    z = torch.randn(3, 5, model.latent_width, generator=torch.Generator().manual_seed(0)) * 3
    mask = torch.arange(5)[None] >= torch.tensor([1, 5, 3])[:, None]
    for rows in model.decode_rows(z, mask):
        assert rows.shape[1] == rf.NUM_COLUMNS
        assert rows[0, rf.ELEMENT] == rf.BOS and rows[-1, rf.ELEMENT] == rf.EOS


@pytest.mark.parametrize(("layout", "head", "factor"), [
    ("path", "hybrid", 0.02), ("row", "hybrid", 0.05), ("row", "continuous", 0.1), ("path", "continuous", 0.1),
])
def test_overfits_one_batch(layout, head, factor):
    """In 120 steps the loss of one batch falls below a given fraction of its initial value."""
    torch.manual_seed(0)
    config = config_of(layout, head, width=48)
    model, batch = VPVAE(config), batch_of(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(120):
        loss, _ = vae_loss(model, batch, None, kl_weight=0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < factor * losses[0], f"from {losses[0]:.3f} only to {losses[-1]:.3f}"
