"""Editing in latent space with the shipped model: fixed parts stay exactly as they were."""

import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from svgfusion_lib.config import DiTConfig, SamplingConfig, VAEConfig
from svgfusion_lib.corpus.preprocess import load_cache, preprocess
from svgfusion_lib.editing import (
    decode_layers,
    decode_svg,
    encode_svg,
    interpolate,
    layer_of_latents,
    layer_of_parts,
    match_boxes,
    redraw,
    slerp,
    variations,
)
from svgfusion_lib.editing.morphing import animated_svg
from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.metrics import ssim
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.system.files import write_text
from svgfusion_lib.training.latents import encode_dataset
from svgfusion_lib.utils.dataset import ChunkDataset
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.tensorsvg import element_of_rows, rows_to_svg
from tests.helpers import PEN, QUICK, svg

CART = svg(  # three layers, the first of two sub-paths
    '<path d="M4 19a2 2 0 1 0 4 0a2 2 0 1 0-4 0m11 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0"/><path d="M17 17H6V3H4"/>'
    '<path d="m6 5l14 1l-1 7H6"/>', PEN,
)
MAIL = svg('<path d="M4 6l8 6l8-6"/><rect width="20" height="16" x="2" y="4" rx="2"/>', PEN)
GRID = svg("".join(f'<path d="M{x} 2v20M2 {x}h20"/>' for x in range(2, 22)), PEN)


@pytest.fixture(scope="module")
def cart(pipeline):
    return encode_svg(pipeline, CART)


@pytest.fixture(scope="module")
def mail(pipeline):
    return encode_svg(pipeline, MAIL)


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)


# --- an SVG and its latents -------------------------------------------------------------------------


def test_latents_of_an_svg_give_its_picture_again(pipeline, cart, tmp_path):
    assert cart.shape == (4, pipeline.vae.latent_width)
    assert ssim(render_svg(CART, 64), render_svg(decode_svg(pipeline, cart), 64)) > 0.9
    path = tmp_path / "cart.svg"
    path.write_text(CART)
    assert torch.equal(encode_svg(pipeline, path), cart)


def test_layers_are_those_of_the_svg_written(pipeline, cart):
    assert layer_of_latents(pipeline, cart).tolist() == layer_of_parts(pipeline, CART).tolist() == [1, 2, 3, 4]
    assert re.findall(r'id="layer-(\d)"', decode_svg(pipeline, cart)) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("stage_tokens", [False, True])
def test_latents_are_those_that_training_sees(pipeline, tmp_path, stage_tokens):
    for name, text in (("cart", CART), ("mail", MAIL)):
        write_text(tmp_path / "svg" / f"{name}.svg", text)
    preprocess(tmp_path / "svg", tmp_path / "cache", renderings=16)
    config = replace(pipeline.vae.config, pixel_fusion=True, stage_tokens=stage_tokens)
    vae = VPVAE(config).eval()
    dataset = ChunkDataset(load_cache(tmp_path / "cache"), config)
    for name, mean in zip(dataset.names, encode_dataset(vae, dataset)[0]):
        z = encode_svg(pipeline.with_parts(vae=vae), tmp_path / "svg" / f"{name}.svg")
        torch.testing.assert_close(z, mean, atol=2e-2, rtol=1e-2)  # a cache holds pixel tokens in half precision


def test_a_layout_without_boxes_can_be_edited_too(pipeline):
    """Layout "row", untrained: fixed parts stay; operations that need boxes or styles are refused."""
    vae = VPVAE(VAEConfig(layout="row", rows_per_latent=1, latent_width=8, width=32, row_width=8, pixel_fusion=False))
    rows = pipeline.with_parts(vae=vae, dit=VSDiT(DiTConfig.preset("tiny", latent_width=8, max_latents=64)))
    z, other = encode_svg(rows, CART), encode_svg(rows, MAIL)
    keep = torch.arange(len(z)) < 4
    assert torch.equal(redraw(rows, z, keep, "cart", [0], QUICK)[0, keep], z[keep])
    assert torch.equal(interpolate(rows, z, z, 2)[1], z)
    with pytest.raises(UserError, match="no box to scale"):
        interpolate(rows, z, other, 3)
    with pytest.raises(UserError, match="no style channels"):
        variations(rows, z, "cart", 0.5, [0], QUICK, keep_style=True)


@pytest.mark.parametrize(("svg", "message"), [
    ("<svg", "the SVG: not well-formed"),
    (svg(""), "the SVG: nothing is painted"),
    (GRID, "the SVG: has 40 parts .* at most 16"),
    (Path("absent.svg"), "absent.svg"),
])
def test_an_svg_that_cannot_be_edited(pipeline, svg, message):
    with pytest.raises((UserError, OSError), match=message):
        encode_svg(pipeline, svg)


# --- variations -------------------------------------------------------------------------------------


def test_strength_0_is_the_icon_and_1_a_fresh_sample(pipeline, cart):
    same = variations(pipeline, cart, "shopping cart", 0, [3, 4], QUICK)
    assert torch.equal(same, cart.expand(2, -1, -1))
    assert decode_svg(pipeline, same[1]) == decode_svg(pipeline, cart)
    fresh = variations(pipeline, cart, "shopping cart", 1, [3, 4], QUICK)
    context, mask = pipeline.encode_prompts(["shopping cart"] * 2)
    assert torch.equal(fresh, pipeline.sample_latents(context, mask, [3, 4], 4, QUICK))


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
def test_the_stronger_the_farther(pipeline, cart, sampler):
    config = SamplingConfig(num_inference_steps=8, sampler=sampler)
    near, far = (
        (variations(pipeline, cart, "heart", strength, [0, 1], config) - cart).square().mean()
        for strength in (0.1, 0.9)
    )
    assert 0 < near < 0.5 * far


def test_a_variation_is_the_same_for_its_seed_whatever_the_batch(pipeline, cart):
    together = variations(pipeline, cart, "shopping cart", 0.5, [1, 2], QUICK)
    assert torch.equal(together, variations(pipeline, cart, "shopping cart", 0.5, [1, 2], QUICK))
    close(variations(pipeline, cart, "shopping cart", 0.5, [2], QUICK)[0], together[1])
    assert not torch.allclose(together[0], together[1], atol=0.1)


def test_kept_style_stays_exactly(pipeline):
    red = encode_svg(pipeline, CART.replace("#000", "#d33"))
    keep = torch.tensor([True, False, False, True])
    for z in (
        variations(pipeline, red, "shopping cart", 0.6, [0, 1], QUICK, keep_style=True),
        redraw(pipeline, red, keep, "shopping cart", [0, 1], QUICK, keep_style=True),
    ):
        assert torch.equal(z[..., 3:15], red[:, 3:15].expand(2, 4, 12)) and not torch.allclose(z[0], red, atol=0.05)
        assert 'stroke="#d33"' in decode_svg(pipeline, z[0])


def test_a_colour_the_model_never_saw_does_not_reach_the_network(pipeline, cart):
    drawn = []
    for red in (0.8, 0.9):
        z = cart.clone()
        z[:, 7] = red  # stroke colour
        drawn.append(variations(pipeline, z, "shopping cart", 0.6, [0], QUICK, keep_style=True)[0])
    assert (drawn[0][:, 7] == 0.8).all() and (drawn[1][:, 7] == 0.9).all()
    drawn[1][:, 7] = drawn[0][:, 7]
    assert torch.equal(*drawn)


# --- redraw -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [
    QUICK, SamplingConfig(sampler="ddim", num_inference_steps=3, eta=1), SamplingConfig(sampler="dpm++"),
])
def test_kept_layers_keep_their_rows_exactly(pipeline, cart, config):
    layers = layer_of_latents(pipeline, cart)
    before = pipeline.decode_latents(cart[None], config)[0]
    for keep in ([1], [3], [1, 3], [2]):
        kept = torch.isin(layers, torch.tensor(keep))
        drawn = redraw(pipeline, cart, kept, "shopping cart", [0, 1], config)
        assert torch.equal(drawn[:, kept], cart[kept].expand(2, -1, -1))
        assert not torch.allclose(drawn[0, ~kept], drawn[1, ~kept], atol=0.05)
        for z in drawn:
            after = pipeline.decode_latents(z[None], config)[0].tolist()
            for k in keep:
                for row in before[1:-1][element_of_rows(before)[1:-1] == k - 1].tolist():
                    assert row in after


def test_a_part_drawn_anew_joins_no_layer_before_it(pipeline, cart):
    layers = layer_of_parts(pipeline, CART)
    drawn = redraw(pipeline, cart, layers < 3, "shopping cart", range(12), QUICK)
    rebuilt = decode_layers(pipeline, cart[None], layers, QUICK)[0]
    assert rows_to_svg(rebuilt) == decode_svg(pipeline, cart, QUICK)
    kept = rebuilt[:-1][element_of_rows(rebuilt)[:-1] < 2]
    for rows in decode_layers(pipeline, drawn, layers, QUICK):
        assert np.array_equal(rows[: len(kept)], kept)
        assert element_of_rows(rows)[len(kept)] == 2 or len(rows) == len(kept) + 1  # nothing was drawn


def test_a_drawing_is_the_same_for_its_seed_whatever_the_batch(pipeline, cart):
    keep = torch.tensor([True, True, False, False])
    together = redraw(pipeline, cart, keep, "shopping cart", [1, 2], QUICK)
    assert torch.equal(together, redraw(pipeline, cart, keep, "shopping cart", [1, 2], QUICK))
    close(redraw(pipeline, cart, keep, "shopping cart", [2], QUICK)[0], together[1])
    nothing = redraw(pipeline, cart, ~keep & keep, "shopping cart", [1, 2], QUICK)
    close(nothing, variations(pipeline, cart, "shopping cart", 1, [1, 2], QUICK))
    assert not torch.allclose(nothing[:, 2:], together[:, 2:], atol=0.05)  # new parts attend to kept parts


def test_resampling_draws_again_beside_the_kept_layers(pipeline, cart):
    keep = torch.tensor([True, True, False, False])
    once, twice = (redraw(pipeline, cart, keep, "shopping cart", [1, 2], QUICK, resample=k) for k in (0, 1))
    assert torch.equal(twice[:, keep], cart[keep].expand(2, -1, -1))
    assert not torch.allclose(once[:, 2:], twice[:, 2:], atol=0.02)
    close(redraw(pipeline, cart, keep, "shopping cart", [2], QUICK, resample=1)[0], twice[1])
    for wrong in (keep[:3], keep.float()):
        with pytest.raises(ValueError, match=r"keep must be bool \[4\]"):
            redraw(pipeline, cart, wrong, "shopping cart", [0], QUICK)


# --- interpolation ---------------------------------------------------------------------------------


def test_interpolation_ends_at_the_ends(pipeline, cart, mail):
    other = cart.flip(0)
    frames = interpolate(pipeline, cart, other, 5, match="order")
    assert len(frames) == 5 and torch.equal(frames[0], cart) and torch.equal(frames[-1], other)
    close(frames[2][:, :15], (cart + other)[:, :15] / 2)  # explicit channels are interpolated linearly
    for frame in interpolate(pipeline, cart, cart, 4):
        close(frame, cart)


def test_what_is_missing_grows_out_of_a_point(pipeline, cart, mail):
    frames = interpolate(pipeline, mail, cart, 5, match="order")
    assert torch.equal(frames[0], mail) and torch.equal(frames[-1], cart)
    for k in (1, 2, 3):
        close(frames[k][2:, 2], cart[2:, 2] * k / 4)
        close(frames[k][2:, :2], cart[2:, :2])
    for there, back in zip(frames, reversed(interpolate(pipeline, cart, mail, 5, match="order"))):
        close(there, back)


def test_parts_go_to_those_whose_boxes_are_nearest(pipeline, cart, mail):
    assert match_boxes(cart, cart.flip(0)) == [(0, 3), (1, 2), (2, 1), (3, 0)]
    for frame in interpolate(pipeline, cart, cart.flip(0), 4)[:-1]:
        close(frame, cart)
    pairs = match_boxes(mail, cart)
    cost = torch.cdist(mail[:, :3], cart[:, :3])
    best = min(sum(cost[i, j] for i, j in enumerate(order)) for order in permutations(range(4), 2))
    assert float(sum(cost[pair] for pair in pairs)) == pytest.approx(float(best))
    frames = interpolate(pipeline, cart, mail, 4)  # the cart's two unmatched parts shrink in place
    assert torch.equal(frames[0], cart) and torch.equal(frames[-1], mail)
    left = sorted(set(range(4)) - {j for _, j in pairs})
    close(frames[2][left, 2], cart[left, 2] / 3)
    close(frames[2][left, :2], cart[left, :2])
    with pytest.raises(UserError, match="not by 'colour'"):
        interpolate(pipeline, cart, mail, 4, match="colour")


def test_slerp_stays_on_the_sphere():
    a, b = torch.tensor([[1.0, 0, 0], [2.0, 0, 0], [1.0, 0, 0]]), torch.tensor([[0, 1.0, 0], [2.0, 0, 0], [-1.0, 0, 0]])
    third = slerp(a, b, 1 / 3)
    close(third, torch.tensor([[3**0.5 / 2, 0.5, 0], [2, 0, 0], [1 / 3, 0, 0]]))


def test_an_animation_shows_each_frame_and_begins_with_the_first():
    gradient = '<linearGradient id="g"><stop/></linearGradient><rect id="layer-1" fill="url(#g)"/>'
    text = animated_svg([CART, MAIL, svg(gradient)])
    root = ElementTree.fromstring(text)
    groups = root.findall("{*}g")
    assert [group.get("display") for group in groups] == ["inline", "none", "none"]
    shown = [group.find("{*}animate").get("values").split(";") for group in groups]
    assert all(sorted(slot) == ["inline", "none", "none"] for slot in zip(*shown))
    assert [slot.index("inline") for slot in zip(*shown)] == [0] * 5 + [1] + [2] * 5 + [1]
    assert 'id="frame-2-g"' in text and "url(#frame-2-g)" in text
    assert np.array_equal(render_svg(text, 48), render_svg(CART, 48))
