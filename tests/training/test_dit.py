"""VS-DiT training options: style conditioning, and tokens of several latents."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.config import DiffusionConfig, DiTConfig, TrainConfig, VAEConfig
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.corpus.records import write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.generate import generate
from svgfusion_lib.models.checkpoint import load_model, save_model
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.training.dit import dit_step_loss, train_dit
from svgfusion_lib.training.latents import prepare_latents
from svgfusion_lib.training.vae import train_vae
from svgfusion_lib.utils.dataset import LatentBatch
from svgfusion_lib.utils.diffusion import NoiseSchedule, make_schedule
from svgfusion_lib.utils.render import render_svg
from tests import helpers
from tests.helpers import QUICK, samples_of

STYLES = ("bold", "thin")


def make_latents(folder, packs: list[str]):
    """Latents of 12 synthetic SVGs from an untrained VP-VAE; SVG i is labelled packs[i % len(packs)]."""
    records = create_dummy_data(folder / "svg", num_samples=12)
    write_manifest(folder / "svg", [replace(r, pack=packs[i % len(packs)]) for i, r in enumerate(records)])
    preprocess(folder / "svg", folder / "cache", pixel_encoder="none")
    torch.manual_seed(0)
    vae = VPVAE(VAEConfig.preset("tiny", pixel_fusion=False))
    save_model(folder / "vae.pt", "vpvae", vae, vae.state_dict())
    prepare_latents(folder / "vae.pt", folder / "cache", folder / "latents")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder with latents of two packs and a VS-DiT trained on their styles."""
    folder = make_latents(tmp_path_factory.mktemp("styles"), ["thin", "bold", ""])
    command = ["train_dit", "--style_condition", "--batch_size", "8", "--num_epochs", "2"]
    paths = {"--latents_dir": "latents", "--vae_checkpoint": "vae.pt", "--output_dir": "dit"}
    assert cli.main(command + [word for flag, name in paths.items() for word in (flag, str(folder / name))]) == 0
    return folder


def awake(pipeline: SVGFusionPipeline) -> SVGFusionPipeline:
    """Randomise the VS-DiT's zero-initialised weights, so that every input affects a sample."""
    torch.manual_seed(1)
    for parameter in pipeline.dit.parameters():  # only a few steps of training
        if parameter.abs().max() < 0.01:
            torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.init.normal_(pipeline.vae.to_rows[-1].weight, std=0.3)  # so that some rows are decoded
    return pipeline


def test_styles_are_the_packs_and_the_checkpoint_knows_them(run):
    model, content = load_model(run / "dit" / "vsdit_final.pt", "vsdit")
    assert model.config.styles == STYLES and model.style_embedder.weight.shape == (3, 128)
    assert content["train_config"]["null_style_rate"] == 0.1
    assert list((run / "dit" / "sheets").glob("*.png"))


def test_generate_draws_in_a_style_and_records_it(run, tmp_path):
    checkpoints = run / "vae.pt", run / "dit" / "vsdit_final.pt"
    for style in ("bold", None):
        pipeline = SVGFusionPipeline.from_pretrained(vae=checkpoints[0], dit=checkpoints[1])
        entries = generate(pipeline, ["a red circle"], tmp_path / str(style), config=QUICK, style=style)
        assert entries[0]["style"] == style
        assert samples_of(tmp_path / str(style)) == entries
        render_svg((tmp_path / str(style) / entries[0]["file"]).read_text(), 32)


def test_sample_in_a_style_is_the_same_whatever_the_batch(run):
    pipeline = awake(SVGFusionPipeline.from_pretrained(vae=run / "vae.pt", dit=run / "dit" / "vsdit_final.pt"))
    jobs = [("a red circle", 1, "bold"), ("two squares", 2, None), ("a red circle", 1, "thin"), ("star", 3, "thin")]
    prompts, seeds, styles = map(list, zip(*jobs))
    together = pipeline.sample(prompts, seeds, QUICK, styles=styles)
    for (prompt, seed, style), sample in zip(jobs, together):
        (alone,) = pipeline.sample([prompt], [seed], QUICK, styles=[style])
        assert sample.svg == alone.svg and (sample.prompt, sample.seed) == (prompt, seed)
    assert together[0].svg != together[2].svg
    with pytest.raises(ValueError, match="got 4 prompts and 1 styles"):
        pipeline.sample(prompts, seeds, QUICK, styles=["bold"])


def test_a_prompt_names_a_style_in_words(run, tmp_path):
    pipeline = awake(SVGFusionPipeline.from_pretrained(vae=run / "vae.pt", dit=run / "dit" / "vsdit_final.pt"))
    spoken = {"star, Bold style": "bold", "star in thin style": "thin", "bold star": None, "embold style": None}
    assert {prompt: pipeline.resolve_prompt(prompt)[1] or None for prompt in spoken} == spoken
    named, given = pipeline.resolve_prompt("star, bold style", None), pipeline.resolve_prompt("star", "bold")
    assert named == given == ("star", "bold")
    assert pipeline.resolve_prompt("star, bold style", "thin") == ("star", "thin")  # not a pack: no caption words
    pipeline.dit.config = replace(pipeline.dit.config, styles=("fluent-emoji-flat", "twemoji"))
    assert pipeline.resolve_prompt("star, fluent style")[1] == "fluent-emoji-flat"
    assert pipeline.resolve_prompt("star, fluent style", "twemoji") == ("star, twemoji style", "twemoji")
    pipeline.dit.config = replace(pipeline.dit.config, styles=("bold", "thin"))
    entries = generate(pipeline, ["star, thin style", "star"], tmp_path, config=QUICK)
    assert [entry["style"] for entry in entries] == ["thin", None]


def test_style_is_left_out_of_the_unconditional_half_of_guidance(run):
    """So style has no effect at guidance 0 but does at 1 and above; no style means the null style."""
    pipeline = awake(SVGFusionPipeline.from_pretrained(vae=run / "vae.pt", dit=run / "dit" / "vsdit_final.pt"))
    context, mask = pipeline.encode_prompts(["a star"] * 3)
    style = pipeline.encode_styles(["", "bold", "thin"])
    assert style.tolist() == [0, 1, 2]
    for scale in (0.0, 1.0, 2.0):
        config = replace(QUICK, guidance_scale=scale, guidance_low=0.0, guidance_high=1.0)
        none, bold, thin = pipeline.sample_latents(context, mask, [4] * 3, 5, config, style=style)  # [N, Z] each
        plain = pipeline.sample_latents(context[:1], mask[:1], [4], 5, config)[0]
        torch.testing.assert_close(none, plain, atol=1e-4, rtol=1e-4)
        differ = [not torch.allclose(a, b, atol=1e-3) for a, b in ((none, bold), (none, thin), (bold, thin))]
        assert differ == [scale > 0] * 3


def test_guidance_is_computed_only_in_its_interval(run):
    """Of timesteps 99, 79, 59, 39, 19 of 100, only those between .2 and .6 evaluate the null prompt."""
    pipeline = awake(SVGFusionPipeline.from_pretrained(vae=run / "vae.pt", dit=run / "dit" / "vsdit_final.pt"))
    pipeline.schedule = make_schedule(DiffusionConfig(num_steps=100))
    context, mask = pipeline.encode_prompts(["a star", "a ring"])
    z = torch.randn(2, 4, pipeline.dit.config.latent_width)
    limited = pipeline.denoiser(context, mask, replace(QUICK, guidance_scale=3.0, guidance_low=0.2, guidance_high=0.6))
    always = replace(QUICK, guidance_scale=3.0, guidance_low=0.0, guidance_high=1.0)
    everywhere = pipeline.denoiser(context, mask, always)
    nowhere = pipeline.denoiser(context, mask, replace(QUICK, guidance_scale=1.0))
    sizes = []
    pipeline.dit.final_norm.register_forward_hook(lambda _, __, output: sizes.append(len(output)))
    for t, guided in ((99, False), (79, False), (60, True), (39, True), (20, True), (19, False)):
        expected = everywhere(z, t) if guided else nowhere(z, t)
        sizes.clear()
        torch.testing.assert_close(limited(z, t), expected, atol=1e-5, rtol=1e-5)
        assert sizes == [4 if guided else 2]
    assert not torch.allclose(everywhere(z, t), nowhere(z, t), atol=1e-3)


@pytest.mark.parametrize(("prompt_rate", "style_rate", "trained"), [
    (0.0, 0.0, [False, True, True]), (1.0, 0.0, [True, False, False]), (0.0, 1.0, [True, False, False]),
])
def test_styles_are_dropped_with_the_prompt_and_by_themselves(prompt_rate, style_rate, trained):
    """The embedding's gradient shows which of null style, bold and thin a batch trained."""
    model, loss = small_loss(STYLES, TrainConfig(null_prompt_rate=prompt_rate, null_style_rate=style_rate))
    loss.backward()
    assert (model.style_embedder.weight.grad.abs().sum(1) > 0).tolist() == trained


def test_a_model_without_styles_draws_no_random_number_for_them():
    losses = [small_loss((), TrainConfig(null_style_rate=rate))[1].item() for rate in (0.0, 1.0)]
    assert losses[0] == losses[1]


def small_loss(styles: tuple[str, ...], config: TrainConfig) -> tuple[VSDiT, torch.Tensor]:
    """A small model and its loss on four latent sequences with styles 1, 2, 1, 2."""
    torch.manual_seed(0)
    dit_config = DiTConfig(latent_width=5, context_width=6, width=16, depth=1, heads=2, max_latents=4, styles=styles)
    model = helpers.awake(VSDiT(dit_config))
    mask = torch.zeros(4, 3, dtype=torch.bool)
    batch = LatentBatch(
        torch.randn(4, 3, 5), torch.zeros(4, 3, 5), mask, torch.randn(4, 3, 6), mask, torch.tensor([1, 2, 1, 2])
    )
    step_loss = dit_step_loss(dit_config, make_schedule(DiffusionConfig()), config, torch.zeros(2, 6))
    return model, step_loss(model, batch, 0)[0]


def test_latents_that_name_no_pack_have_no_style_to_learn(tmp_path):
    folder = make_latents(tmp_path, [""])
    with pytest.raises(UserError, match="has no packs"):
        train_dit(folder / "dit", folder / "vae.pt", latents_dir=folder / "latents", style_condition=True)
    assert not (folder / "dit").exists()


def test_no_latent_per_drawing_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="^max_latents is 0; it must be at least 1"):
        prepare_latents(run / "vae.pt", run / "cache", tmp_path / "latents", max_latents=0)


@pytest.mark.parametrize(("option", "message"), [
    ({"lr": "1e-3"}, "^TrainConfig: lr must be a finite number, not '1e-3'"),
    ({"batch_size": "8"}, "^batch_size is '8'; it must be a whole number"),
])
def test_values_of_another_type_are_named(run, tmp_path, option, message):
    for train, inputs in ((train_dit, (run / "vae.pt", run / "latents")), (train_vae, (run / "cache",))):
        with pytest.raises(UserError, match=message):
            train(tmp_path / "out", *inputs, **option)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("parts", "message"), [
    ({"pretrained": "line"}, "give one of dit and pretrained"),
    ({"prediction": "epsilon"}, "^train_dit: prediction epsilon was asked for, but the dit given has v$"),
    ({"patch_size": 2}, "^train_dit: patch_size 2 was asked for, but the dit given has 1$"),
    ({"preset": "mini"}, "^train_dit: width 240 was asked for, but the dit given has 128$"),
    ({"text_encoder": SimpleNamespace(name="letters", width=384)}, "the text encoder 'minilm', not 'letters'"),
    ({}, "takes at most 1 latents, but .*latents has [0-9]+ of one SVG"),
])
def test_parts_of_ones_own_that_do_not_fit_are_named(run, tmp_path, parts, message):
    dit = VSDiT(DiTConfig.preset("tiny", latent_width=39, max_latents=1))
    with pytest.raises(UserError, match=message):
        train_dit(tmp_path / "dit", run / "vae.pt", latents_dir=run / "latents", dit=dit, **parts)


@pytest.mark.parametrize("schedule", ["karras", torch.linspace(0.999, 0.001, 500)])
def test_a_schedule_that_is_none_is_refused_before_any_work(tmp_path, schedule):
    with pytest.raises(UserError, match="^DiffusionConfig: schedule must be 'cosine' or 'linear', not ") as error:
        train_dit(tmp_path / "dit", tmp_path / "vae.pt", svg_dir=tmp_path / "svg", schedule=schedule)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("steps", [1, 9])
def test_contact_sheets_take_no_more_steps_than_the_schedule_has(run, tmp_path, steps):
    short = NoiseSchedule(torch.linspace(0.9, 0.1, steps))
    train_dit(tmp_path / "dit", run / "vae.pt", run / "latents", batch_size=8, num_epochs=1, schedule=short)
    assert list((tmp_path / "dit" / "sheets").glob("*.png"))


def test_objective_and_patch_size_are_flags_and_what_they_train_can_draw(run, tmp_path):
    """Including a number of latents that is not a multiple of the patch size."""
    command = (
        f"train_dit --vae_checkpoint {run}/vae.pt --latents_dir {run}/latents --output_dir {tmp_path}/dit"
        " --num_epochs 1 --patch_size 2 --prediction epsilon --schedule linear"
    )
    assert cli.main(command.split(" ")) == 0
    _, content = load_model(tmp_path / "dit" / "vsdit_final.pt", "vsdit")
    assert content["config"]["patch_size"] == 2 and content["config"]["prediction"] == "epsilon"
    assert content["diffusion"]["schedule"] == "linear"
    pipeline = awake(SVGFusionPipeline.from_pretrained(vae=run / "vae.pt", dit=tmp_path / "dit" / "vsdit_final.pt"))
    lengths = [1, 2, 3, 16]
    samples = pipeline.sample(["a star"] * 4, [0] * 4, QUICK, lengths)
    for length, sample in zip(lengths, samples):
        (alone,) = pipeline.sample(["a star"], [0], QUICK, [length])
        assert sample.svg == alone.svg
        render_svg(sample.svg, 32)
    entries = generate(pipeline, ["a star"], tmp_path / "out", config=QUICK)
    assert (tmp_path / "out" / entries[0]["file"]).is_file()


def test_a_training_can_begin_with_other_weights(run, tmp_path):
    options = {"vae_checkpoint": run / "vae.pt", "latents_dir": run / "latents", "batch_size": 8, "num_epochs": 1,
               "style_condition": True}
    path = train_dit(tmp_path / "on", pretrained=run / "dit" / "vsdit_final.pt", lr=1e-12, **options)
    before, after = (load_model(each, "vsdit")[0].state_dict() for each in (run / "dit" / "vsdit_final.pt", path))
    for name, tensor in after.items():
        torch.testing.assert_close(tensor, before[name], atol=1e-6, rtol=0)
    with pytest.raises(UserError, match="with a different width, depth"):
        train_dit(tmp_path / "mini", pretrained=run / "dit" / "vsdit_final.pt", preset="mini", **options)
