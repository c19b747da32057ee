"""Fine-tuning on a folder: full or low-rank, with or without styles, gives an ordinary model."""

import shutil
from pathlib import Path

import pytest
import torch

from svgfusion_lib import cli
from svgfusion_lib.config import DiffusionConfig, DiTConfig, SamplingConfig, VAEConfig
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.errors import Paused, UserError
from svgfusion_lib.gallery import Session
from svgfusion_lib.icon_sets.drawing import default_style
from svgfusion_lib.models.checkpoint import load_model, save_model, weights_hash
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.training.finetune import adapt, finetune, merge
from svgfusion_lib.training.loop import LOG_NAME, read_log
from tests.helpers import ROOT, awake, contents


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """icons/ and a small, untrained model with one style."""
    folder = tmp_path_factory.mktemp("finetune")
    create_dummy_data(folder / "icons", num_samples=12)
    torch.manual_seed(0)
    vae = VPVAE(VAEConfig.preset("tiny", pixel_fusion=False))
    save_model(folder / "vae.pt", "vpvae", vae, vae.state_dict())
    dit = awake(VSDiT(DiTConfig.preset("tiny", latent_width=vae.latent_width, styles=("thin",))), std=0.02)
    save_model(folder / "dit.pt", "vsdit", dit, dit.state_dict(), diffusion=DiffusionConfig().to_dict(),
               vae_hash=weights_hash(vae))
    return folder


def start(folder: Path, output: str, **options):
    model = folder / "vae.pt", folder / "dit.pt"
    return finetune(folder / "icons", folder / output, *model, samples_seen=40, batch_size=4, **options)


@pytest.mark.parametrize("rank", [0, 2])
def test_the_adapted_model_has_one_style_more_and_other_weights(folder, rank):
    vae_path, dit_path = start(folder, f"rank{rank}", rank=rank)
    before, after = load_model(folder / "dit.pt", "vsdit")[0], load_model(dit_path, "vsdit")[0]
    assert after.config.styles == ("thin", "icons")
    changed = {
        name.split(".")[0] for name, tensor in after.state_dict().items()
        if name != "style_embedder.weight" and not torch.equal(tensor, before.state_dict()[name])
    }
    assert "blocks" in changed and ("x_embedder" in changed) == (rank == 0)
    pipeline = SVGFusionPipeline.from_pretrained(vae=vae_path, dit=dit_path)
    assert pipeline.sample(["a red circle"], [0], SamplingConfig(num_inference_steps=2), styles=["icons"])[0].svg
    assert read_log(dit_path.parent / LOG_NAME)[-1]["step"] == 10


def test_without_a_style_the_adapted_model_draws_in_its_new_one(folder, tmp_path):
    vae_path, dit_path = start(folder, "plain")
    adapted = SVGFusionPipeline.from_pretrained(vae=vae_path, dit=dit_path)
    adapted.save_pretrained(tmp_path / "model", nearest_name=False)
    for pipeline in (adapted, SVGFusionPipeline.from_pretrained(tmp_path / "model"), adapted.with_parts(name="copy")):
        drawn = pipeline.sample(["house", "house, thin style"], [0, 0], SamplingConfig(num_inference_steps=2))
        assert [image.style for image in drawn] == ["icons", "thin"]
        assert default_style(pipeline) == Session(pipeline).styles[0] == "icons"
    assert "default_styles" not in load_model(folder / "dit.pt", "vsdit")[1]  # as before styles had defaults


def test_the_name_of_a_style_in_other_letters_trains_that_style(folder):
    vae_path, dit_path = start(folder, "same", style="Thin")
    adapted = SVGFusionPipeline.from_pretrained(vae=vae_path, dit=dit_path)
    assert adapted.dit.config.styles == ("thin",) and list(adapted.default_styles) == ["thin"]


def test_forged_default_styles_are_refused(folder, tmp_path):
    dit, content = load_model(folder / "dit.pt", "vsdit")
    more = {name: content[name] for name in ("diffusion", "vae_hash")}
    save_model(tmp_path / "dit.pt", "vsdit", dit, dit.state_dict(), default_styles=7, **more)
    with pytest.raises(UserError, match="default_styles must be a list"):
        SVGFusionPipeline.from_pretrained(vae=folder / "vae.pt", dit=tmp_path / "dit.pt")


def test_a_paused_run_goes_on(folder):
    with pytest.raises(Paused):
        start(folder, "paused", rank=2, max_minutes=0)
    for _ in range(20):
        try:
            _, dit_path = start(folder, "paused", rank=2, max_minutes=0)
            break
        except Paused:
            continue
    _, whole = start(folder, "whole", rank=2)
    for name, tensor in load_model(whole, "vsdit")[0].state_dict().items():
        torch.testing.assert_close(load_model(dit_path, "vsdit")[0].state_dict()[name], tensor, atol=0, rtol=0)


def test_a_low_rank_change_is_nothing_at_first_and_is_merged_exactly():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.GELU(), torch.nn.Linear(5, 3))
    x = torch.randn(4, 6)
    expected, names = model(x), list(model.state_dict())
    adapt(model, rank=2)
    torch.testing.assert_close(model(x), expected, atol=0, rtol=0)
    trained = [p for p in model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trained) == 2 * (6 + 5) + 2 * (5 + 3)
    for parameter in trained:
        torch.nn.init.normal_(parameter)
    changed = model(x)
    assert not torch.allclose(changed, expected)
    merge(model)
    torch.testing.assert_close(model(x), changed)
    assert sorted(model.state_dict()) == sorted(names)


@pytest.mark.parametrize(("options", "reason"), [
    ({"rank": -1}, "rank is -1"), ({"rank": 129}, "rank is 129; it must be at most the width of the model, 128"),
    ({"samples_seen": 0}, "samples_seen is 0"),
])
def test_wrong_options(folder, tmp_path, options, reason):
    with pytest.raises(UserError, match=reason):
        finetune(folder / "icons", tmp_path, folder / "vae.pt", folder / "dit.pt", **options)


def test_another_model_in_the_same_folder_is_refused_and_the_finished_one_can_draw(folder):
    finished = start(folder, "once")
    with pytest.raises(UserError, match="vpvae_final.pt: is of another model than the one to fine-tune"):
        finetune(folder / "icons", folder / "once", model="line", samples_seen=40, batch_size=4)
    SVGFusionPipeline.from_pretrained(vae=finished[0], dit=finished[1])


def test_another_run_in_the_same_folder_is_refused_and_leaves_it_as_it_was(folder, tmp_path):
    finished = contents(start(folder, "done")[0].parent)
    icons = shutil.copytree(folder / "icons", tmp_path / "icons")
    shutil.copytree(icons, tmp_path / "again")
    model = folder / "vae.pt", folder / "dit.pt"
    file = next(icons.glob("*.svg"))
    file.write_text(file.read_text().replace("</svg>", '<path d="M2 2h9v9z"/></svg>'))
    captions = tmp_path / "again" / "manifest.jsonl"
    captions.write_text(captions.read_text().replace('["a red arc"]', '["a bow"]'))
    for other in (icons, captions.parent):
        with pytest.raises(UserError, match="training_state.pt: was trained with SVGs and captions [0-9a-f]+, not"):
            finetune(other, folder / "done", *model, style="icons", samples_seen=40, batch_size=4)
    with pytest.raises(UserError, match="was trained with rank 0, not 2; use the same, or another output folder"):
        start(folder, "done", rank=2)
    assert contents(folder / "done") == finished


def test_a_folder_of_several_models_is_refused(folder, tmp_path):
    with pytest.raises(UserError, match=r"pretrained: holds several models \(line, emoji\)"):
        finetune(folder / "icons", tmp_path / "out", model=ROOT / "data" / "pretrained")
    assert not (tmp_path / "out").exists()


def test_by_command(folder, tmp_path, capsys):
    command = ["finetune", "--svg_dir", folder / "icons", "--output_dir", tmp_path]
    command += ["--samples_seen", 8, "--batch_size", 4]
    command += ["--vae_checkpoint", folder / "vae.pt", "--dit_checkpoint", folder / "dit.pt", "--style", "mine"]
    assert cli.main(list(map(str, command))) == 0
    assert f"--dit_checkpoint {tmp_path / 'vsdit_final.pt'}" in capsys.readouterr().out
    assert load_model(tmp_path / "vsdit_final.pt", "vsdit")[0].config.styles == ("thin", "mine")
