"""SVGFusionPipeline: a prompt and a seed give one drawing, however requested; loading, saving, output."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import svgfusion_lib
from svgfusion_lib import SVGFusionPipeline, cli, read_svg, write_svg
from svgfusion_lib.config import DiffusionConfig, SamplingConfig, VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery import Request, Session
from svgfusion_lib.generate import generate
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.pipeline import batches_by_length, tidy_drawing
from svgfusion_lib.tidying.drawing import scale_and_shift
from svgfusion_lib.utils.diffusion import make_schedule
from svgfusion_lib.utils.placement import drawn_box
from tests.helpers import rows_of

QUICK = SamplingConfig(num_inference_steps=2, candidates=2)


@pytest.fixture(scope="module")
def pipe():
    pipe = SVGFusionPipeline.from_pretrained()
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize(("prompt", "style"), [
    ("shopping cart, tabler style", None), ("shopping cart", "lucide"), ("red heart, twemoji style", None),
    ("red heart", "twemoji"), ("moose, twemoji style", None),
])
def test_python_command_and_gallery_draw_the_same(pipe, tmp_path, prompt, style):
    image = pipe(prompt, seed=3, style=style, config=QUICK).images[0]
    flags = ["--ddim_steps", "2", "--candidates", "2", *(["--style", style] if style else [])]
    assert cli.main(["generate", "--prompt", prompt, "--seed", "3", "--output_dir", str(tmp_path), *flags]) == 0
    (file,) = tmp_path.glob("000_*.svg")
    icon = Session(pipe, ["tabler", "lucide"]).generate(Request(prompt, style, 1, 3, 2, candidates=2)).icons[0]
    low_level = pipe.route(prompt, style).sample(prompt, [3], QUICK, styles=[style])[0]
    assert image.svg == file.read_text() == low_level.svg
    assert np.array_equal(icon.rows, image.rows)


def test_command_and_gallery_name_layers_alike_whatever_style_the_pipeline_chose(pipe, tmp_path):
    flags = ["--prompt", "map pin", "--ddim_steps", "6", "--candidates", "2", "--name_layers"]
    assert cli.main(["generate", *flags, "--output_dir", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("000_*.svg")
    (icon,) = Session(pipe).generate(Request("map pin", None, 1, 0, 6, candidates=2)).icons
    assert icon.layers[0].name == "map" and icon.svg == file.read_text()


def test_variations_keep_the_style_that_the_pipeline_chose(pipe):
    request, session = Request("map pin", None, 1, 0, 2, candidates=2), Session(pipe)
    (icon,) = session.generate(request).icons
    assert icon.style == pipe("map pin", seed=0, config=QUICK).images[0].style in pipe.dit.config.styles
    varied = session.vary(icon, 0.5, request).icons[0]
    assert varied.style == icon.style
    icon.style = None
    assert not np.array_equal(session.vary(icon, 0.5, request).icons[0].rows, varied.rows)


def test_a_plain_string_is_one_prompt(pipe):
    assert [image.prompt for image in pipe("house", config=QUICK, seed=0).images] == ["house"]
    assert [image.prompt for image in pipe.sample("house", [0], QUICK)] == ["house"]


def test_images_of_several_prompts_come_in_order(pipe):
    line, emoji = "cart, lucide style", "red heart"
    output = pipe([line, emoji], num_images_per_prompt=2, seed=5, config=QUICK)
    assert [(i.prompt, i.seed, i.model) for i in output.images] == [
        (line, 5, "line"), (line, 6, "line"), (emoji, 5, "emoji"), (emoji, 6, "emoji"),
    ]
    assert output.grid().columns == 2 and output._repr_html_().count("<img") == 4


def test_seeds_come_from_a_generator_or_from_torch(pipe):
    def seeds(**how):
        return [image.seed for image in pipe("cart", 2, config=QUICK, **how).images]

    assert seeds(generator=torch.Generator().manual_seed(1)) == seeds(generator=torch.Generator().manual_seed(1))
    torch.manual_seed(7)
    first = seeds()
    torch.manual_seed(7)
    assert seeds() == first != seeds()


def test_a_seed_may_come_from_numpy(pipe, tmp_path):
    (image,) = pipe("cart", seed=np.int64(3), config=QUICK).images
    assert type(image.seed) is int and image.svg == pipe("cart", seed=3, config=QUICK).images[0].svg
    assert pipe.route("cart").sample("cart", np.arange(3, 4), QUICK)[0].seed == 3
    (entry,) = generate(pipe, "cart", tmp_path, seed=np.int64(3), config=QUICK)
    assert entry["seed"] == 3


def test_callback_counts_the_steps_and_ends_the_drawing(pipe):
    calls = []
    pipe("cart", seed=0, config=QUICK, callback=lambda done, total: calls.append((done, total)))
    assert [done for done, _ in calls] == list(range(1, len(calls) + 1)) and calls[-1][0] == calls[-1][1]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipe("cart", seed=0, config=QUICK, callback=stop)


def test_an_image_shows_and_saves_itself(pipe, tmp_path):
    output = pipe("cart", seed=0, config=QUICK)
    image = output.images[0]
    assert image._repr_svg_() == image.svg == image.save(tmp_path / "cart.svg").read_text()
    assert image.to_png(40, tmp_path / "cart.png") == (tmp_path / "cart.png").read_bytes()
    assert Image.open(tmp_path / "cart.png").size == (40, 40)
    assert np.array_equal(read_svg(tmp_path / "cart.svg"), read_svg(image.svg))
    write_svg(image.rows, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text() == image.svg
    assert output.grid(3).save(tmp_path / "grid.png").is_file()
    assert image.save(tmp_path / "other.PNG").read_bytes() == image.to_png()
    for save, name in ((image.save, "cart.jpg"), (output.grid().save, "grid.svg"), (output.grid().save, "grid.jpg")):
        with pytest.raises(UserError, match=f"{name}: must end in .*.png"):
            save(tmp_path / name)
        assert not (tmp_path / name).exists()


def test_numbers_of_numpy_are_numbers():
    config = SamplingConfig(candidates=np.int64(2), snap=np.float32(0.5))
    assert config == SamplingConfig(candidates=2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saved_and_loaded_again_it_draws_the_same(pipe, tmp_path, dtype):
    pipe.save_pretrained(tmp_path, dtype=dtype)
    again = SVGFusionPipeline.from_pretrained(tmp_path)
    assert list(again.models) == ["line", "emoji"]
    for name, part in pipe.models.items():
        other = again.models[name]
        assert other.dit.config == part.dit.config and list(other.known_names.names) == list(part.known_names.names)
    first, second = (each("red heart", seed=1, config=QUICK).images[0].svg for each in (pipe, again))
    assert first == second


@pytest.mark.parametrize("dtype", [torch.int8, "bfloat16"])
def test_weights_are_not_saved_as_what_cannot_hold_them(pipe, tmp_path, dtype):
    with pytest.raises(UserError, match=f"^dtype is {dtype!r}; it must be torch.bfloat16 or torch.float32"):
        pipe.save_pretrained(tmp_path / "model", dtype)
    assert not (tmp_path / "model").exists()


def test_a_copy_with_other_parts_keeps_what_belongs_to_the_model(pipe):
    line = pipe.models["line"]
    copy = line.with_parts(name="copy")
    assert line.training and copy.training == line.training
    assert copy._progress_bar == line._progress_bar and copy.refiner is line.refiner
    assert list(copy.models) == ["copy"]


def test_a_schedule_of_ones_own_is_saved_with_the_model(pipe, tmp_path):
    own = make_schedule(DiffusionConfig(num_steps=50, schedule="linear"))
    own.name = "mine"
    pipe.models["line"].with_parts(schedule=own).save_pretrained(tmp_path)
    again = SVGFusionPipeline.from_pretrained(tmp_path)
    assert torch.equal(again.schedule.alphas_cumprod, own.alphas_cumprod) and again.schedule.name == "mine"


def test_a_schedule_and_a_text_encoder_may_be_names():
    named = SVGFusionPipeline.from_pretrained("line", schedule="linear", text_encoder="minilm")
    given = SVGFusionPipeline.from_pretrained("line", schedule=make_schedule(DiffusionConfig(schedule="linear")))
    assert named.text_encoder.name == "minilm"
    first, second = (pipeline("cart", seed=0, config=QUICK).images[0].svg for pipeline in (named, given))
    assert first == second
    assert named.with_parts(schedule="cosine").schedule.name == "cosine"


def test_a_vae_encodes_and_decodes_by_itself(cart_file):
    vae = VPVAE.from_pretrained("line")
    z = vae.encode_svg(cart_file.decode())
    assert z.shape == (3, vae.latent_width)
    assert read_svg(vae.decode_svg(z)).shape[1] == 22


@pytest.mark.parametrize(("call", "message"), [
    (lambda: SVGFusionPipeline.from_pretrained("lin"), "use one of line, emoji"),
    (lambda: SVGFusionPipeline.from_pretrained("line", device="warp"), "device 'warp' is not available"),
    (lambda: VPVAE.from_pretrained("line", device="warp"), "device 'warp' is not available"),
    (lambda: SVGFusionPipeline.from_pretrained(dit="a.pt"), "give both checkpoints"),
    (lambda: SVGFusionPipeline.from_pretrained("line", vae=VPVAE(VAEConfig.preset("tiny"))), "width 39, but .* 63"),
    (lambda: SVGFusionPipeline.from_pretrained(3), "^SVGFusionPipeline: model must be text or a path, not 3"),
    (lambda: SVGFusionPipeline.from_pretrained("line", dit=VPVAE(VAEConfig.preset("tiny"))),
     r"^SVGFusionPipeline: dit must be a VSDiT or text or a path, not VPVAE[^\n]*$"),
    (lambda: SVGFusionPipeline.from_pretrained("line", text_encoder=3), "text_encoder must be a name, or .*, not 3"),
    (lambda: SVGFusionPipeline.from_pretrained("line", schedule="karras"), "schedule must be 'cosine' or 'linear'"),
    (lambda: SVGFusionPipeline.from_pretrained("line", schedule=torch.ones(9)), "must be 'cosine' or 'linear'"),
    (lambda: SVGFusionPipeline.from_pretrained("emoji", vae="a.pt", dit="b.pt"), "the model 'emoji' or two"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", num_inference_steps=5000), "^num_inference_steps is 50"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", seed=-1), "^seed is -1"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", 2, seed=[1, 2]), r"^seed is \[1, 2\]; it must be a"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", seed=1.5), "^seed is 1.5; it must be a whole number"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", style="nope"), "no style 'nope'; known: akar-icons"),
    (lambda: SVGFusionPipeline.from_pretrained("line")([]), "no prompt given"),
    (lambda: SVGFusionPipeline.from_pretrained("line")(None), "a prompt is None; it must be text"),
    (lambda: SVGFusionPipeline.from_pretrained("line")(["cart", 5]), "a prompt is 5; it must be text"),
    (lambda: SVGFusionPipeline.from_pretrained("line")(["cart", "bell"], style=["tabler", "lucide"]), "one name, for"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", 0), "^num_images_per_prompt is 0; it must be a whole"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", 1.5), "^num_images_per_prompt is 1.5; it must be a"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", generator=[torch.Generator()]), "^generator must be a"),
    (lambda: SVGFusionPipeline.from_pretrained("line")("cart", config={"candidates": 1}), "^config must be a Sampling"),
    (lambda: SamplingConfig(length_temperature=float("nan")), "length_temperature must be a finite number, not nan"),
    (lambda: SamplingConfig(length_temperature=-1), "length_temperature must be at least 0, not -1"),
    (lambda: SamplingConfig(snap=-0.5), "snap must be at least 0, not -0.5"),
    (lambda: SamplingConfig(clip=-1), "clip must be at least 0, not -1"),
    (lambda: SamplingConfig(canvas=0), "canvas must be above 0, not 0"),
    (lambda: SamplingConfig(candidates=2.5), "candidates must be a whole number, not 2.5"),
    (lambda: SamplingConfig(num_inference_steps=2.5), "num_inference_steps must be a whole number, not 2.5"),
    (lambda: SamplingConfig(nearest_name="no"), "nearest_name must be true or false, not 'no'"),
    (lambda: SamplingConfig(guidance_scale=float("inf")), "guidance_scale must be a finite number, not inf"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(UserError, match=message):
        call()


@pytest.mark.parametrize(("lengths", "batches"), [
    ([3, 1, 2, 1], [[1, 3, 2, 0]]), ([2] * 20 + [1] * 20, [[*range(20, 40)], [*range(20)]]),
    ([1] * 10 + [2] * 10 + [3], [[*range(20)], [20]]), ([4] * 130, [[*range(64)], [*range(64, 128)], [128, 129]]),
])
def test_drawings_of_different_length_share_a_batch_while_they_are_few(lengths, batches):
    assert batches_by_length(lengths) == batches


def test_generate_with_a_config_of_ones_own_still_chooses_among_candidates(pipe, tmp_path):
    (entry,) = generate(pipe, "cart", tmp_path, config=SamplingConfig(guidance_scale=3.0, num_inference_steps=1))
    assert entry["settings"]["candidates"] == SamplingConfig.candidates == 8


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, svgfusion_lib; print(sorted({'torch', 'numpy', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        svgfusion_lib.nothing_of_the_kind  # noqa: B018 - must be refused


@pytest.mark.parametrize(("own", "used"), [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")])
def test_threads_that_wait_sleep_unless_the_user_says_otherwise(own, used):
    code = "import os, svgfusion_lib; print(os.environ['OMP_WAIT_POLICY'])"
    env = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"} | own
    assert subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True).stdout == f"{used}\n"


@pytest.mark.parametrize(("style", "unit"), [("heroicons", 0.75), ("tabler", 0.5), ("", 0.5)])
def test_a_drawing_goes_to_the_grid_of_its_style(style, unit):
    rows = rows_of('<path fill="none" stroke="#000" d="M3.8 4.45H12.7V19.55H6.05V7.6"/>')
    places = (tidy_drawing(rows, SamplingConfig(), style)[:, 8:10][1:-1] + 1) * 12 / unit
    assert places == pytest.approx(np.round(places), abs=2e-3)


def test_a_drawing_of_a_style_without_grid_stays_between():
    rows = rows_of('<path fill="#e33" d="M3.8 4.45H12.7V19.55H6.05V7.6Z"/>')
    places = (tidy_drawing(rows, SamplingConfig(), "noto")[2:-2, 8:10] + 1) * 12
    assert places == pytest.approx((rows[2:-2, 8:10] + 1) * 12, abs=2e-3)


@pytest.mark.parametrize(("scale", "shift"), [(1, (0.5, 0)), (3, (0, 0)), (1.3, (2, -3)), (2, (0, 9))])
def test_what_a_model_draws_outside_comes_in(scale, shift):
    rows = rows_of('<path fill="none" stroke="#000" stroke-width="2" d="M2 2L22 22M4 9H20C20 15 16 20 6 20"/>')
    low, high = drawn_box(tidy_drawing(scale_and_shift(rows, scale, np.array(shift)), SamplingConfig()))
    assert low.min() >= -1 - 1e-4 and high.max() <= 1 + 1e-4


def test_words_that_select_a_model_are_not_unknown(pipe):
    assert pipe.unknown_words("beer mug emoji") == []
    assert pipe.unknown_words("trampolinist emoji") == ["trampolinist"]


def test_an_emoji_character_is_drawn_like_its_name_in_a_style_that_knows_it(pipe):
    emoji = pipe.models["emoji"]
    character, name = (emoji(prompt, seed=0, config=QUICK).images[0] for prompt in ("\U0001f9a1", "badger"))
    assert emoji.known_names.styles_of("badger") == [name.style] == [character.style]
    assert character.svg == name.svg
