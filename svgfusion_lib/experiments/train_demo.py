"""Stage train_demo: trains the whole pipeline on synthetic shapes, in minutes."""

from pathlib import Path

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.dummy import create_dummy_data
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.generate import generate
from svgfusion_lib.options import check_counts
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.files import keep_plan
from svgfusion_lib.system.outputs import claim_folder
from svgfusion_lib.training.dit import train_dit
from svgfusion_lib.training.latents import prepare_latents
from svgfusion_lib.training.vae import train_vae

PROMPTS = ("a red circle", "a blue square", "a green star", "a yellow circle left of a purple square",
           "a circle left of a square")


def train_demo(
    output_dir: str | Path,
    num_samples: int = 2000,
    vae_epochs: int = 50,
    dit_epochs: int = 100,
    device: str = "cpu",
    seed: int = 0,
) -> list[dict]:
    """Make captioned shapes, train both models on them, and draw PROMPTS to output_dir/samples.

    One drawing per prompt, without ranking: the ranker was trained on icons, not on shapes. Returns the entries of
    samples.json. In a folder of an earlier call only dit_epochs may differ: more of them train the VS-DiT further.
    """
    output_dir = Path(output_dir)
    check_counts(num_samples=num_samples, vae_epochs=vae_epochs, dit_epochs=dit_epochs)
    with claim_folder(output_dir, "train_demo"):
        keep_plan(output_dir, {"num_samples": num_samples, "vae_epochs": vae_epochs, "seed": seed})
        create_dummy_data(output_dir / "svg", num_samples, seed)
        preprocess(output_dir / "svg", output_dir / "cache", max_files=None)
        vae = train_vae(output_dir / "vae", precomputed_dir=output_dir / "cache", num_epochs=vae_epochs, device=device,
                        seed=seed)
        prepare_latents(vae, output_dir / "cache", output_dir / "latents")
        dit = train_dit(output_dir / "dit", vae, latents_dir=output_dir / "latents", num_epochs=dit_epochs,
                        batch_size=128, lr=2.0e-3, optimizer="muon", device=device, seed=seed)
        pipeline = SVGFusionPipeline.from_pretrained(vae=vae, dit=dit, device=device)
        config = SamplingConfig(candidates=1)
        return generate(pipeline, PROMPTS, output_dir / "samples", num_samples=4, seed=seed, config=config)
