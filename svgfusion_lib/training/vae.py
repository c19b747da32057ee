"""Stages train (a smoke run of some steps) and train_vae (epochs): cache.pt -> VP-VAE checkpoint."""

from dataclasses import replace
from pathlib import Path

import torch

from svgfusion_lib.config import TrainConfig, VAEConfig
from svgfusion_lib.corpus.preprocess import cache_hash, load_cache, preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import save_model
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.options import check_counts
from svgfusion_lib.system.outputs import claim_folder
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.training.loop import StepLoss, budget_steps, fit
from svgfusion_lib.training.losses import kl_weight_at, vae_loss
from svgfusion_lib.utils.dataset import ChunkBatch, ChunkDataset, DistinctChunkDataset, make_loader
from svgfusion_lib.utils.path_chunks import turned_chunks

FINAL_NAME = "vpvae_final.pt"
FEW_RENDERINGS = 4  # default number of stages per SVG where stages are needed


def train(
    precomputed_dir: str | Path,
    steps: int = 2000,
    batch_size: int = 4,
    device: str = "cpu",
    ckpt_out: str | Path = "checkpoints",
    preset: str = "tiny",
    seed: int = 0,
) -> Path:
    """VAE smoke run: a fixed number of steps -> ckpt_out/model_step{steps}.pt (returned).

    The learning rate is high, with a short warm-up, so that a few hundred small steps give visible reconstructions.
    """
    config = TrainConfig(
        num_steps=steps, batch_size=batch_size, device=device, seed=seed, lr=2.0e-3, warmup_steps=20,
    )
    with claim_folder(ckpt_out, "train", precomputed_dir):
        return _train(load_cache(precomputed_dir), preset, {}, config, Path(ckpt_out), f"model_step{steps}.pt")


def train_vae(
    output_dir: str | Path,
    precomputed_dir: str | Path | None = None,
    svg_dir: str | Path | None = None,
    batch_size: int = 64,
    num_epochs: int = 10,
    preset: str = "tiny",
    device: str = "cpu",
    seed: int = 0,
    lr: float = 1.0e-3,
    kl_weight: float = 1.0e-4,
    distinct: bool = False,
    partial_rate: float = 0.0,
    val_every: int = 500,
    changes: dict | None = None,
    samples_seen: int | None = None,
    max_minutes: float | None = None,
) -> Path:
    """Train a VP-VAE on a cache (or on a folder of SVGs, preprocessed first) -> output_dir/vpvae_final.pt.

    The budget is num_epochs, or samples_seen (SVGs) if given; Paused is raised after max_minutes.
    distinct: train on each unique chunk once per epoch, randomly mirrored or rotated, instead of on whole SVGs;
    samples_seen and num_epochs then count items of DistinctChunkDataset.GROUP chunks. partial_rate: share of SVGs
    shown as one of their earlier stages. changes: fields of VAEConfig that override the preset.
    """
    if (precomputed_dir is None) == (svg_dir is None):
        raise UserError("train_vae: give one of --precomputed_dir and --svg_dir")
    check_device(device)
    check_counts(num_epochs=num_epochs, batch_size=batch_size, val_every=val_every, samples_seen=samples_seen)
    changes = changes or {}
    vae_config = VAEConfig.preset(preset, **changes)  # fail before any work
    with claim_folder(output_dir, "train_vae", svg_dir, precomputed_dir):
        if svg_dir is not None:
            precomputed_dir = Path(output_dir) / "cache"
            encoder = vae_config.pixel_encoder if vae_config.pixel_fusion else "none"
            renderings = FEW_RENDERINGS if vae_config.stage_tokens or partial_rate else 1
            preprocess(svg_dir, precomputed_dir, max_files=None, pixel_encoder=encoder, renderings=renderings)
        assert precomputed_dir is not None  # given, or created above
        cache = load_cache(precomputed_dir)
        config = TrainConfig(
            batch_size=batch_size, device=device, seed=seed, lr=lr,
            kl_weight_max=kl_weight, distinct=distinct, partial_rate=partial_rate, val_every=val_every,
        )
        budget = num_epochs, samples_seen
        return _train(cache, preset, changes, config, Path(output_dir), FINAL_NAME, max_minutes, budget)


def vae_datasets(cache: dict, config: VAEConfig, partial_rate: float = 0.0) -> tuple[ChunkDataset, ChunkDataset]:
    """Training and held-out SVGs of a cache, split into chunks; partial_rate applies to the training SVGs."""
    train_set = ChunkDataset(cache, config, "train", partial_rate=partial_rate)
    held_out = ChunkDataset(cache, config, "held_out")
    if not len(train_set):
        raise UserError(f"no training SVG of the cache has at most {config.max_latents} latents")
    if partial_rate and len(cache["stage_sizes"]) == len(cache["names"]):
        raise UserError("the cache has only whole SVGs; preprocess again with --renderings above 1")
    return train_set, held_out


def vae_step_loss(vae_config: VAEConfig, config: TrainConfig) -> StepLoss:
    """Return the step loss for `fit`: reconstruction from a posterior sample, plus KL."""

    def step_loss(model: VPVAE, batch: ChunkBatch, step: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        if config.distinct and model.training:
            turns = torch.randint(8, batch.padding_mask.shape, device=batch.box.device)  # [B, N]
            batch = replace(batch, geometry=turned_chunks(batch.ids, batch.geometry, turns))
        noise = torch.randn(*batch.padding_mask.shape, vae_config.latent_width, device=batch.box.device)
        kl_weight = kl_weight_at(step, config.kl_weight_max, config.kl_warmup_steps)
        return vae_loss(model, batch, noise, kl_weight, config.recon_mse_loss_weight)

    return step_loss


def _train(
    cache: dict, preset: str, changes: dict, config: TrainConfig, output_dir: Path, name: str,
    max_minutes: float | None = None, budget: tuple[int, int | None] | None = None,
) -> Path:
    """Train with a budget of (num_epochs, samples_seen), or config.num_steps if None."""
    store = cache["pixel_tokens"]
    if store is None:
        changes = {"pixel_fusion": False} | changes
    else:
        changes = {"pixel_encoder": cache["pixel_encoder"], "pixel_width": store.width} | changes
    vae_config = VAEConfig.preset(preset, **changes)
    train_set, held_out = vae_datasets(cache, vae_config, config.partial_rate)
    items = DistinctChunkDataset(train_set) if config.distinct else train_set
    if budget is not None:
        config = replace(config, num_steps=budget_steps(len(items), config.batch_size, *budget))
    torch.manual_seed(config.seed)
    model = VPVAE(vae_config)
    ema = fit(
        model,
        make_loader(items, config.batch_size, config.seed),
        vae_step_loss(vae_config, config),
        config,
        output_dir,
        make_loader(held_out, config.batch_size) if len(held_out) else None,
        max_minutes=max_minutes,
        identity={"cache": cache_hash(cache), **vae_config.to_dict()},
    )
    return save_model(
        output_dir / name, "vpvae", model, ema.weights, train_config=config.to_dict(),
        train_svgs=len(train_set), too_long=train_set.too_long,
    )
