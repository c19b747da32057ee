"""Stage finetune: fine-tunes a trained model on a folder of icons."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from svgfusion_lib.config import DEFAULT_MODEL, TrainConfig
from svgfusion_lib.corpus.packs import match_style
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.corpus.records import folder_hash
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import load_model, save_model, weights_hash
from svgfusion_lib.models.vsdit import resized
from svgfusion_lib.options import check_counts
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.system.outputs import claim_folder
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.training.dit import FINAL_NAME as DIT_NAME
from svgfusion_lib.training.dit import fit_latents, training_provenance
from svgfusion_lib.training.latents import load_latents, prepare_latents
from svgfusion_lib.training.loop import STATE_NAME, budget_steps, check_identity
from svgfusion_lib.training.vae import FINAL_NAME as VAE_NAME

WARMUP_STEPS = 20


def finetune(
    svg_dir: str | Path,
    output_dir: str | Path,
    vae_checkpoint: str | Path | None = None,
    dit_checkpoint: str | Path | None = None,
    rank: int = 0,
    style: str | None = None,
    samples_seen: int = 160_000,
    batch_size: int = 64,
    lr: float = 1.0e-3,
    max_minutes: float | None = None,
    device: str = "cpu",
    seed: int = 0,
    model: str | Path = DEFAULT_MODEL,
    processes: int | None = None,
) -> tuple[Path, Path]:
    """Fine-tune the VS-DiT (without checkpoints: of a shipped `model`) on a folder of SVGs; the VP-VAE stays frozen.

    Captions come from a manifest, captions.csv or the file names (corpus/records.py). rank 0 trains all weights; above
    0, LoRA of that rank in the linear layers of the blocks (`LowRank`), the style embedding and the length predictor.
    A model with styles gets a new one, `style` (default: the folder's name), in which it draws prompts that name none;
    the name of one of its styles trains that one. Writes output_dir/vpvae_final.pt and
    vsdit_final.pt, for `generate --vae_checkpoint ... --dit_checkpoint ...`, and returns them; a stopped call can be
    resumed. processes: to read the SVGs in; None for one per core.
    """
    check_device(device)
    check_counts(samples_seen=samples_seen, batch_size=batch_size)
    if rank < 0:
        raise UserError(f"rank is {rank}; it must be 0 (all weights) or more")
    output_dir = Path(output_dir)
    base = SVGFusionPipeline.from_pretrained(model, vae=vae_checkpoint, dit=dit_checkpoint)
    if len(base.models) > 1:
        raise UserError(f"{model}: holds several models ({', '.join(base.models)}); give the folder of one")
    vae, dit = base.vae, base.dit
    if rank > dit.config.width:
        raise UserError(f"rank is {rank}; it must be at most the width of the model, {dit.config.width}")
    with claim_folder(output_dir, "finetune", svg_dir, vae_checkpoint, dit_checkpoint):
        vae_path = output_dir / VAE_NAME
        if vae_path.is_file() and weights_hash(load_model(vae_path, "vpvae")[0]) != weights_hash(vae):
            raise UserError(f"{vae_path}: is of another model than the one to fine-tune; use another output folder")
        identity = {"rank": rank, "SVGs and captions": folder_hash(svg_dir)}
        check_identity(output_dir / STATE_NAME, identity)  # before cache and latents are replaced
        save_model(vae_path, "vpvae", vae, vae.state_dict())
        encoder = vae.config.pixel_encoder if vae.config.pixel_fusion else "none"
        preprocess(svg_dir, output_dir / "cache", max_files=None, pixel_encoder=encoder, processes=processes)
        prepare_latents(
            vae_path, output_dir / "cache", output_dir / "latents", dit.config.text_encoder, dit.config.max_latents,
            device=device,
        )
        latents = load_latents(output_dir / "latents")
        own_style = {}
        if dit.config.styles:
            style = style or Path(svg_dir).resolve().name
            style = match_style(style, dit.config.styles) or style  # "Tabler" is tabler, as in prompts
            if style not in dit.config.styles:
                dit = resized(dit, replace(dit.config, styles=(*dit.config.styles, style)))
            latents["packs"] = [style] * len(latents["packs"])
            own_style = {"default_styles": [style]}
        train_svgs = latents["splits"].count("train")
        if not train_svgs:
            raise UserError(f"{svg_dir}: no SVG is short enough, or all names are held out; add more")
        torch.manual_seed(seed)
        if rank:
            dit.requires_grad_(False)
            adapt(dit.blocks, rank)
            for part in filter(None, (dit.style_embedder, dit.length_predictor)):  # small, so trained in full
                part.requires_grad_(True)
        steps = budget_steps(train_svgs, batch_size, 1, samples_seen)
        config = TrainConfig(
            num_steps=steps, batch_size=batch_size, lr=lr, warmup_steps=WARMUP_STEPS, device=device, seed=seed,
            val_every=max(1, steps // 4),
        )
        ema = fit_latents(
            dit, vae, latents, base.schedule, config, output_dir, max_minutes, base.text_encoder, identity
        )
        dit.load_state_dict(ema.weights)
        merge(dit)
        dit_path = save_model(
            output_dir / DIT_NAME, "vsdit", dit, dit.state_dict(), train_config=config.to_dict(),
            **base.schedule.state(), **training_provenance(latents, base.text_encoder, base.known_names),
            **own_style,
        )
    return vae_path, dit_path


class LowRank(nn.Module):
    """Low-rank adaptation (Hu et al. 2021, eq. 3): weight [O, I] -> weight + up [O, R] @ down [R, I].

    up is initialised to zero, so the model is unchanged at first.
    """

    def __init__(self, weight: Tensor, rank: int):
        super().__init__()
        out_width, in_width = weight.shape
        self.down = nn.Parameter(torch.randn(rank, in_width) / in_width**0.5)
        self.up = nn.Parameter(torch.zeros(out_width, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down  # [O, I]


def adapt(model: nn.Module, rank: int) -> None:
    """Freeze the model and add trainable low-rank updates (LoRA) to all its linear layers."""
    model.requires_grad_(False)
    for module in list(model.modules()):
        if isinstance(module, nn.Linear):
            parametrize.register_parametrization(module, "weight", LowRank(module.weight, rank))


def merge(model: nn.Module) -> None:
    """Merge the updates of `adapt` into the weights, restoring the original model structure."""
    for module in list(model.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
