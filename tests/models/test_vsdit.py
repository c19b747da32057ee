from dataclasses import replace

import pytest
import torch

from svgfusion_lib.config import DiTConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.vsdit import VSDiT, drop_prompts, resized
from tests import helpers

Z, C, MAX = 5, 6, 8


def tiny(**changes) -> DiTConfig:
    return DiTConfig(
        **{"latent_width": Z, "context_width": C, "width": 32, "depth": 2, "heads": 2, "max_latents": MAX} | changes
    )


def awake(config: DiTConfig) -> VSDiT:
    torch.manual_seed(0)
    return helpers.awake(VSDiT(config).eval())


def inputs(batch: int = 3, length: int = 7, tokens: int = 4):
    g = torch.Generator().manual_seed(1)
    z, context = torch.randn(batch, length, Z, generator=g), torch.randn(batch, tokens, C, generator=g)
    return z, torch.tensor([0, 500, 999][:batch]), context, torch.zeros(batch, tokens, dtype=torch.bool)


@pytest.mark.parametrize("patch_size", [1, 2, 3])
def test_fresh_model_returns_exactly_zero(patch_size):
    model = VSDiT(tiny(patch_size=patch_size))
    assert (model(*inputs()) == 0).all()
    model = VSDiT(tiny(patch_size=patch_size, styles=("bold", "thin")))
    assert (model(*inputs(), style=torch.tensor([0, 1, 2])) == 0).all()


def test_every_weight_of_an_awake_model_gets_a_gradient():
    """Except for the length predictor, which has its own loss."""
    model = awake(tiny(patch_size=2)).train()
    model(*inputs()).square().sum().backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert {name.split(".")[0] for name in silent} == {"length_predictor"}


@pytest.mark.parametrize("patch_size", [1, 2, 3, 8])
@pytest.mark.parametrize("length", [1, 5, 8])
def test_unpatchify_inverts_patchify(patch_size, length):
    model = VSDiT(tiny(patch_size=patch_size))
    z = torch.randn(2, length, Z)
    mask = torch.arange(length)[None] >= torch.tensor([[max(1, length - 2)], [length]])
    tokens, token_mask = model.patchify(z, mask)
    assert tokens.shape == (2, -(-length // patch_size), patch_size * Z)
    joined = z[0, : min(patch_size, max(1, length - 2))].flatten()  # consecutive latents
    assert tokens[0, 0, : len(joined)].tolist() == joined.tolist()
    torch.testing.assert_close(model.unpatchify(tokens, length), z.masked_fill(mask[..., None], 0), atol=0, rtol=0)
    torch.testing.assert_close(model.unpatchify(model.patchify(z, None)[0], length), z, atol=0, rtol=0)
    for b, valid in enumerate([max(1, length - 2), length]):
        assert (~token_mask[b]).sum() == -(-valid // patch_size)


@pytest.mark.parametrize("patch_size", [1, 2, 3])
def test_sample_is_the_same_alone_and_padded_in_a_batch(patch_size):
    model = awake(tiny(patch_size=patch_size))
    z, t, context, context_mask = inputs()
    mask = torch.arange(7)[None] >= torch.tensor([3, 6, 7])[:, None]
    z[mask] = 50.0
    together = model(z, t, context, context_mask, mask)
    alone = model(z[:1, :3], t[:1], context[:1], context_mask[:1])
    torch.testing.assert_close(together[:1, :3], alone, atol=1e-5, rtol=1e-5)


def test_padded_context_changes_nothing_and_real_context_does():
    model = awake(tiny())
    z, t, context, _ = inputs()
    context_mask = torch.arange(4)[None] >= torch.tensor([1, 2, 4])[:, None]
    before = model(z, t, context, context_mask)
    padded = context.clone()
    padded[context_mask] = 1e4
    torch.testing.assert_close(model(z, t, padded, context_mask), before, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        model(z[:1], t[:1], context[:1, :1], context_mask[:1, :1]), before[:1], atol=1e-5, rtol=1e-5
    )
    assert not torch.allclose(model(z, t, context.flip(-1), context_mask), before, atol=1e-3)


def test_all_padding_context_and_latents_give_numbers():
    model = awake(tiny())
    z, t, context, context_mask = inputs()
    context_mask[0] = True
    mask = torch.zeros(3, 7, dtype=torch.bool)
    mask[1] = True
    y = model(z, t, context, context_mask, mask)
    y.sum().backward()
    assert torch.isfinite(y).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_output_depends_on_time_position_and_neighbours():
    model = awake(tiny())
    z, t, context, context_mask = inputs()
    y = model(z, t, context, context_mask)
    assert not torch.allclose(model(z, t + 7, context, context_mask)[0], y[0], atol=1e-3)
    order = torch.tensor([1, 0, 2, 3, 4, 5, 6])
    swapped = model(z[:, order], t, context, context_mask)
    assert not torch.allclose(swapped[:, order], y, atol=1e-3), "rows without positions would only be permuted"
    other = z.clone()
    other[:, 6] += 1
    assert not torch.allclose(model(other, t, context, context_mask)[:, 0], y[:, 0], atol=1e-4)


def test_style_changes_the_output_and_the_null_style_is_none():
    model = awake(tiny(styles=("bold", "thin")))
    none = model(*inputs())
    torch.testing.assert_close(model(*inputs(), style=torch.tensor([0, 0, 0])), none, atol=0, rtol=0)
    bold, thin = (model(*inputs(), style=torch.tensor([0, k, 0])) for k in (1, 2))
    for y in (bold, thin):
        torch.testing.assert_close(y[[0, 2]], none[[0, 2]], atol=1e-5, rtol=1e-5)
        assert not torch.allclose(y[1], none[1], atol=1e-3)
    assert not torch.allclose(bold[1], thin[1], atol=1e-3)


def test_style_for_a_model_without_is_refused():
    model = VSDiT(tiny())
    assert not any("style" in name for name in model.state_dict())
    with pytest.raises(ValueError, match="has no styles"):
        model(*inputs(), style=torch.tensor([0, 0, 1]))


@pytest.mark.parametrize("shape", [(2, 3, Z + 1), (2, MAX + 1, Z), (2, Z)])
def test_wrong_shape_is_named(shape):
    _, _, context, context_mask = inputs(2)
    with pytest.raises(ValueError, match=rf"N <= {MAX}, {Z}\], got"):
        VSDiT(tiny())(torch.zeros(shape), torch.zeros(2, dtype=torch.long), context, context_mask)


def test_normalisation_is_inverted_and_saved():
    model = VSDiT(tiny())
    model.latent_mean.copy_(torch.arange(Z))
    model.latent_std.copy_(torch.arange(Z) + 0.5)
    z = torch.randn(2, 3, Z)
    torch.testing.assert_close(model.denormalize(model.normalize(z)), z)
    torch.testing.assert_close(model.normalize(z)[..., 3], (z[..., 3] - 3) / 3.5)
    assert {"latent_mean", "latent_std"} <= set(model.state_dict())


def test_drop_prompts_swaps_context_and_mask():
    context = torch.randn(3, 2, C)
    context_mask = torch.tensor([[False, False], [False, True], [False, True]])
    null, null_mask = torch.randn(3, C), torch.zeros(3, dtype=torch.bool)
    drop = torch.tensor([False, True, False])
    mixed, mixed_mask = drop_prompts(context, context_mask, drop, null, null_mask)
    assert mixed.shape == (3, 3, C)
    torch.testing.assert_close(mixed[1], null, atol=0, rtol=0)
    torch.testing.assert_close(mixed[0, :2], context[0], atol=0, rtol=0)
    assert mixed_mask.tolist() == [[False, False, True], [False, False, False], [False, True, True]]
    short, short_mask = drop_prompts(context, context_mask, drop, null[:1], null_mask[:1])
    assert short.shape == (3, 2, C) and short_mask[1].tolist() == [False, True]


def test_length_loss_is_the_cross_entropy_of_the_true_length():
    torch.manual_seed(0)
    model = VSDiT(tiny()).eval()
    context, context_mask = torch.randn(3, 4, C), torch.zeros(3, 4, dtype=torch.bool)
    lengths = [1, 8, 5]
    mask = torch.arange(MAX)[None] >= torch.tensor(lengths)[:, None]
    logits = model.length_predictor(context, context_mask)
    expected = -sum(logits.log_softmax(-1)[b, n - 1].item() for b, n in enumerate(lengths)) / 3
    assert model.length_predictor.loss(context, context_mask, mask).item() == pytest.approx(expected, abs=1e-6)
    context_mask[:, 2:] = True
    changed = context.clone()
    changed[:, 2:] = 99
    torch.testing.assert_close(
        model.length_predictor(context, context_mask), model.length_predictor(changed, context_mask)
    )


def test_a_resized_model_keeps_what_both_sizes_have():
    dit = awake(tiny(styles=("a", "b"), max_latents=4, length_width=8))
    new = resized(dit, replace(dit.config, styles=("b", "c", "a"), max_latents=6, length_width=16)).eval()
    styles, lengths = dit.style_embedder.weight, dit.length_embedder.weight
    expected = torch.stack([styles[0], styles[2], styles[1:].mean(0), styles[1]])
    torch.testing.assert_close(new.style_embedder.weight, expected, atol=0, rtol=0)
    torch.testing.assert_close(new.length_embedder.weight[5:], lengths[4:].expand(2, -1), atol=0, rtol=0)
    torch.testing.assert_close(new.position[4:], VSDiT(new.config).position[4:], atol=0, rtol=0)
    z, *rest = inputs(batch=2, length=4)
    expected = dit(z, *rest, style=torch.tensor([1, 2]))
    torch.testing.assert_close(new(z, *rest, style=torch.tensor([3, 1])), expected)
    with pytest.raises(UserError, match="different width, depth"):
        resized(dit, replace(dit.config, width=64, depth=1))
