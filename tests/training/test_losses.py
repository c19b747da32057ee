"""The losses against the specification's formulas, recomputed with loops in NumPy."""

import numpy as np
import pytest
import torch

from svgfusion_lib.config import VAEConfig
from svgfusion_lib.models.heads import ContinuousHead, HybridHead, HybridRows, masked_mse
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.training.losses import diffusion_loss, kl_divergence, kl_weight_at, vae_loss
from svgfusion_lib.utils.dataset import ChunkBatch
from svgfusion_lib.utils.tensorsvg import normalize_target

TOLERANCE = 1e-6
LENGTHS = [[5, 5, 5], [1, 4, 7], [6]]  # valid positions per sample: no padding, ragged, one sample


def padding(lengths: list[int], total: int | None = None) -> torch.Tensor:
    return torch.arange(total or max(lengths))[None] >= torch.tensor(lengths)[:, None]  # (B, L)


def hybrid_loss(batch: ChunkBatch, element, command, geometry, style=None):
    style = geometry[..., :0] if style is None else style
    return HybridHead(4, 1, len(rf.COMMANDS), 8).loss(HybridRows(element, command, geometry, style), batch)


def random_batch(lengths: list[int], slots: int, seed: int = 0) -> ChunkBatch:
    """Plausible chunks, with garbage in the padding on purpose."""
    g = torch.Generator().manual_seed(seed)
    mask = padding(lengths)
    shape = (*mask.shape, slots)
    pairs = torch.tensor([[rf.ELEMENT_ID[e], rf.COMMAND_ID[c]] for e, c in rf.ARGUMENTS] + [[rf.PAD, rf.NONE]])
    ids = pairs[torch.randint(len(pairs), shape, generator=g)]  # (B, N, R, 2)
    return ChunkBatch(
        ids,
        torch.randn(*shape, 8, generator=g) * 0.5,
        torch.rand(*mask.shape, 3, generator=g),
        torch.rand(*mask.shape, 12, generator=g),
        mask,
        names=[f"svg {i}" for i in range(len(lengths))],
    )


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("extra", [0, 2, -1], ids=["equal", "longer output", "shorter output"])
def test_masked_mse_is_the_specified_formula(lengths, extra):
    torch.manual_seed(0)
    mask = padding(lengths)
    target = torch.rand(*mask.shape, 22) * 2 - 1
    predicted = torch.rand(len(lengths), max(1, mask.shape[1] + extra), 22) * 2 - 1
    effective = min(predicted.shape[1], target.shape[1])
    total = count = 0.0
    for b in range(len(lengths)):
        for i in range(effective):
            m = float(not mask[b, i])
            difference = predicted[b, i].double().numpy() * m - target[b, i].double().numpy() * m
            total += float((difference**2).sum())
            count += 22 * m
    assert float(masked_mse(predicted, target, mask)) == pytest.approx(total / (count + 1e-9), abs=TOLERANCE)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_kl_is_that_of_two_normal_distributions(lengths):
    torch.manual_seed(1)
    mask = padding(lengths)
    mean, logvar = torch.randn(*mask.shape, 6, dtype=torch.float64), torch.randn(*mask.shape, 6, dtype=torch.float64)
    per_channel = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (0.5 * logvar).exp()), torch.distributions.Normal(0.0, 1.0)
    )
    valid = [(b, i) for b in range(len(lengths)) for i in range(lengths[b])]
    expected = np.mean([float(per_channel[b, i].sum()) for b, i in valid])
    assert float(kl_divergence(mean, logvar, mask)) == pytest.approx(expected, abs=TOLERANCE)


def test_kl_of_the_prior_is_zero_and_a_huge_logvar_stays_finite():
    mask = torch.zeros(1, 2, dtype=torch.bool)
    assert float(kl_divergence(torch.zeros(1, 2, 3), torch.zeros(1, 2, 3), mask)) == 0
    huge = kl_divergence(torch.zeros(1, 2, 3), torch.full((1, 2, 3), 500.0), mask)
    assert float(huge) == pytest.approx(-0.5 * 3 * (1 + 500 - np.exp(80.0)), rel=1e-5)


@pytest.mark.parametrize(("step", "warmup", "weight"), [
    (0, 1000, 0.0), (250, 1000, 0.25e-3), (1000, 1000, 1e-3), (9999, 1000, 1e-3), (1, 0, 1e-3),
])
def test_kl_weight_rises_linearly_to_its_maximum(step, warmup, weight):
    assert kl_weight_at(step, kl_weight_max=1e-3, kl_warmup_steps=warmup) == pytest.approx(weight, abs=1e-12)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_continuous_reconstruction_loss_is_the_specified_one(lengths):
    batch = random_batch(lengths, slots=1)
    features = torch.rand(*batch.ids.shape[:3], 22, generator=torch.Generator().manual_seed(3)) * 2 - 1
    loss, parts = ContinuousHead(4, 1).loss(features, batch)
    errors = []
    for b, length in enumerate(lengths):
        for i in range(length):
            row = torch.cat([batch.ids[b, i, 0].float(), batch.geometry[b, i, 0], batch.style[b, i]])
            errors.append((features[b, i, 0] - normalize_target(row)).double().square().numpy())
    assert float(loss) == pytest.approx(float(np.mean(errors)), abs=TOLERANCE)
    assert float(parts["recon"]) == float(loss)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_hybrid_reconstruction_loss_again_by_loops(lengths):
    slots = 3
    batch = random_batch(lengths, slots, seed=4)
    torch.manual_seed(5)
    shape = batch.ids.shape[:3]
    elements, commands = torch.randn(*shape, len(rf.ELEMENTS)), torch.randn(*shape, len(rf.COMMANDS))
    numbers = torch.randn(*shape, 8)
    element, command, geometry = [], [], []
    for b, length in enumerate(lengths):
        for i in range(length):
            for r in range(slots):
                e, c = batch.ids[b, i, r].tolist()
                element.append(-torch.log_softmax(elements[b, i, r].double(), 0)[e].item())
                command.append(-torch.log_softmax(commands[b, i, r].double(), 0)[c].item())
                kinds = rf.ARGUMENTS.get((rf.ELEMENTS[e], rf.COMMANDS[c]), "........")
                for k, kind in enumerate(kinds):
                    known = e == rf.PATH and (c == rf.CLOSE or (c in (rf.LINE, rf.CUBIC, rf.ARC) and k < 2))
                    if kind != "." and not known:  # the pen and the sub-path's first point are known
                        difference = numbers[b, i, r, k] - batch.geometry[b, i, r, k]
                        geometry.append(float(difference) ** 2)
    expected = np.mean(element) + np.mean(command) + 10 * np.mean(geometry)
    loss, parts = hybrid_loss(batch, elements, commands, numbers)
    assert float(loss) == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)
    assert set(parts) == {"element", "command", "geometry"}


def test_vae_loss_weighs_its_parts():
    batch = random_batch([2, 3], slots=1)
    config = VAEConfig.preset(
        "S", layout="row", head="continuous", width=16, heads=2, latent_width=4, pixel_fusion=False, max_latents=8
    )
    model = VPVAE(config)
    decoded, posterior = model(batch)
    recon, _ = model.to_rows.loss(decoded, batch)
    kl = kl_divergence(posterior.mean, posterior.logvar, batch.padding_mask)
    loss, parts = vae_loss(model, batch, None, kl_weight=0.3, recon_mse_loss_weight=2.0)
    assert loss.item() == pytest.approx(2 * recon.item() + 0.3 * kl.item(), abs=TOLERANCE)
    assert {"recon", "kl"} <= set(parts)
    loss, parts = vae_loss(model, batch, None, kl_weight=0.0)
    assert loss.item() == parts["recon"].item() > 0


@pytest.mark.parametrize("head", ["hybrid", "continuous"])
@pytest.mark.parametrize("layout", ["row", "path"])
def test_vae_loss_and_gradient_do_not_see_padding(layout, head):
    torch.manual_seed(6)
    slots = 1 if layout == "row" else 4
    model = VPVAE(VAEConfig(
        layout=layout, head=head, rows_per_latent=slots, width=16, heads=2, latent_width=4, row_width=8,
        encoder_depth=1, decoder_depth=1, pixel_fusion=False, max_latents=16,
    ))

    def loss_and_gradient(batch):
        model.zero_grad()
        loss, _ = vae_loss(model, batch, None, kl_weight=0.1)
        loss.backward()
        return loss.item(), torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    batch = random_batch([2, 5, 3], slots)
    loss, gradient = loss_and_gradient(batch)
    other = random_batch([2, 5, 3], slots, seed=9)
    for name in ("ids", "geometry", "box", "style"):
        getattr(batch, name)[batch.padding_mask] = getattr(other, name)[batch.padding_mask]
    changed_loss, changed_gradient = loss_and_gradient(batch)
    assert changed_loss == pytest.approx(loss, abs=TOLERANCE)
    torch.testing.assert_close(changed_gradient, gradient, atol=1e-6, rtol=1e-4)
    batch.geometry[0, 0] += 1  # the same change outside padding has an effect
    assert abs(loss_and_gradient(batch)[0] - loss) > 1e-4


@pytest.mark.parametrize("lengths", LENGTHS)
def test_diffusion_loss_is_the_mean_over_valid_values(lengths):
    torch.manual_seed(7)
    mask = padding(lengths)
    prediction, target = torch.randn(*mask.shape, 5), torch.randn(*mask.shape, 5)
    squares = [(prediction[b, i] - target[b, i]).double().square().numpy()
               for b in range(len(lengths)) for i in range(lengths[b])]
    assert float(diffusion_loss(prediction, target, mask)) == pytest.approx(float(np.mean(squares)), abs=TOLERANCE)
    prediction[mask] = 1e6
    assert float(diffusion_loss(prediction, target, mask)) == pytest.approx(float(np.mean(squares)), abs=TOLERANCE)


def test_denominators_hold_the_specified_epsilon():
    """Visible in float64 with one counted value: e / (1 + 1e-9). It also avoids 0 / 0 if all is padding."""
    one = torch.tensor([[False]])
    error, zero = torch.full((1, 1, 1), 3.0, dtype=torch.float64), torch.zeros(1, 1, 1, dtype=torch.float64)
    expected = pytest.approx(9 / (1 + 1e-9), rel=1e-13)
    assert masked_mse(error, zero, one).item() == expected
    assert diffusion_loss(error, zero, one).item() == expected
    assert kl_divergence(error, zero, one).item() == pytest.approx(9 / 2 / (1 + 1e-9), rel=1e-13)


def test_denominators_of_the_hybrid_head_hold_it_too():
    """A circle has three free arguments and one style."""
    ids = torch.tensor([rf.CIRCLE, rf.NONE]).view(1, 1, 1, 2)
    zeros = [torch.zeros(shape, dtype=torch.float64) for shape in ((1, 1, 1, 8), (1, 1, 3), (1, 1, 12))]
    batch = ChunkBatch(ids, *zeros[:2], zeros[2] + 1, torch.tensor([[False]]), names=["circle"])
    loss, parts = hybrid_loss(
        batch, torch.zeros(1, 1, 1, len(rf.ELEMENTS)), torch.zeros(1, 1, 1, len(rf.COMMANDS)),
        torch.full((1, 1, 1, 8), 2.0, dtype=torch.float64), torch.full((1, 1, 1, 12), 4.0, dtype=torch.float64),
    )
    assert parts["geometry"].item() == pytest.approx(12 / (3 + 1e-9), rel=1e-13)
    assert parts["style"].item() == pytest.approx(9 / (1 + 1e-9), rel=1e-13)
    for name, words, own in (("element", rf.ELEMENTS, rf.CIRCLE), ("command", rf.COMMANDS, rf.NONE)):
        entropy = torch.nn.functional.cross_entropy(torch.zeros(1, len(words)), torch.tensor([own])).item()
        assert parts[name].item() == pytest.approx(entropy / (1 + 1e-9), rel=1e-13)
    ids_loss = np.log(len(rf.ELEMENTS)) + np.log(len(rf.COMMANDS))  # for constant logits
    assert loss.item() == pytest.approx(ids_loss + 40 + 90, rel=1e-6)


def test_ids_of_half_precision_logits_are_judged_in_single():
    """Autocast gives half-precision logits, in which cross-entropy is off in the third digit."""
    batch = random_batch([4], slots=2, seed=8)
    shape = batch.ids.shape[:3]
    g = torch.Generator().manual_seed(2)
    logits = [torch.randn(*shape, len(words), generator=g).bfloat16() for words in (rf.ELEMENTS, rf.COMMANDS)]
    geometry = torch.zeros(*shape, 8)
    _, parts = hybrid_loss(batch, *logits, geometry)
    _, exact = hybrid_loss(batch, *(part.float() for part in logits), geometry)
    for name in ("element", "command"):
        assert parts[name].dtype == torch.float32 and parts[name].item() == exact[name].item()
