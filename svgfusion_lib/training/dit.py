"""Stage train_dit: latents.pt -> VS-DiT checkpoint."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from svgfusion_lib.config import DiTConfig, SamplingConfig, TrainConfig
from svgfusion_lib.corpus.preprocess import preprocess
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import load_model, save_model, weights_hash
from svgfusion_lib.models.text_encoder import TextEncoder, as_text_encoder, load_text_encoder
from svgfusion_lib.models.vpvae import VPVAE
from svgfusion_lib.models.vsdit import VSDiT, drop_prompts, resized
from svgfusion_lib.options import check_counts
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.reranking.known_names import KnownNames, embed_names
from svgfusion_lib.system.outputs import claim_folder
from svgfusion_lib.system.processes import check_device
from svgfusion_lib.training.latents import latents_hash, load_latents, prepare_latents
from svgfusion_lib.training.loop import StepLoss, budget_steps, fit
from svgfusion_lib.training.losses import diffusion_loss
from svgfusion_lib.training.optimisation import EMA
from svgfusion_lib.utils.dataset import LatentBatch, LatentDataset, make_loader, style_names
from svgfusion_lib.utils.diffusion import NoiseSchedule, add_noise, as_schedule, timestep_probabilities, training_target
from svgfusion_lib.utils.render import contact_sheet

FINAL_NAME = "vsdit_final.pt"
SHEET_NAMES, SHEET_SEEDS = 8, 4


def train_dit(
    output_dir: str | Path,
    vae_checkpoint: str | Path,
    latents_dir: str | Path | None = None,
    svg_dir: str | Path | None = None,
    batch_size: int = 64,
    num_epochs: int = 10,
    preset: str = "tiny",
    device: str = "cpu",
    prediction: str = "v",
    schedule: str | NoiseSchedule = "cosine",
    seed: int = 0,
    lr: float = 6.0e-4,
    bf16: bool = False,
    val_every: int = 500,
    checkpoint_every: int = 500,
    patch_size: int = 1,
    style_condition: bool = False,
    accumulate: int = 1,
    compile_model: bool = False,
    samples_seen: int | None = None,
    max_minutes: float | None = None,
    lr_decay: float = 1.0,
    timesteps: str = "uniform",
    optimizer: str = "adamw",
    repeat_names: bool = False,
    pretrained: str | Path | None = None,
    dit: VSDiT | None = None,
    text_encoder: str | TextEncoder | None = None,
) -> Path:
    """Train a VS-DiT on latents (or on a folder of SVGs, encoded first) -> output_dir/vsdit_final.pt.

    The budget is num_epochs, or samples_seen (latent sequences) if given; Paused is raised after max_minutes.
    accumulate: batches per optimiser step; compile_model: torch.compile, for CUDA.
    lr_decay: final share of the steps in which the learning rate decays. timesteps: see `timestep_probabilities`.
    optimizer: "adamw" or "muon", see `make_optimizer`. repeat_names: show names drawn by many packs more often.
    prediction "epsilon" with schedule "linear" is the specification's objective. style_condition: learn a style
    embedding per pack, independent of the prompt. Every val_every steps a contact sheet of fixed prompts and seeds
    is drawn with the EMA weights to output_dir/sheets/step_{N}.png.
    pretrained: initial weights: a checkpoint, a model folder, or the name of a shipped model, with the same preset and
    for latents of the same VP-VAE.
    dit: a model of your own instead of preset, prediction, patch_size (none may contradict it), style_condition and
    pretrained; text_encoder: the one the latents were prepared with, if it cannot be loaded by name; schedule: a name,
    or a table of your own.
    """
    if (latents_dir is None) == (svg_dir is None):
        raise UserError("train_dit: give one of --latents_dir and --svg_dir")
    if dit is not None and pretrained is not None:
        raise UserError("train_dit: give one of dit and pretrained; a model of your own keeps the weights that it has")
    check_device(device)
    check_counts(num_epochs=num_epochs, batch_size=batch_size, patch_size=patch_size, accumulate=accumulate)
    check_counts(samples_seen=samples_seen)
    asked = DiTConfig.preset(preset, prediction=prediction, patch_size=patch_size)  # fail before any work
    if dit is not None:
        usual = DiTConfig.preset("tiny")  # what the defaults ask for
        for name in ("width", "depth", "heads", "mlp_ratio", "prediction", "patch_size"):
            value, own = getattr(asked, name), getattr(dit.config, name)
            if value not in (getattr(usual, name), own):
                raise UserError(f"train_dit: {name} {value} was asked for, but the dit given has {own}")
    noise = as_schedule(schedule)
    output_dir = Path(output_dir)
    if text_encoder is not None:
        text_encoder = as_text_encoder(text_encoder)
    with claim_folder(output_dir, "train_dit", svg_dir, latents_dir, vae_checkpoint):
        vae, _ = load_model(vae_checkpoint, "vpvae")
        if svg_dir is not None:
            preprocess(svg_dir, output_dir / "cache", max_files=None, pixel_encoder=vae.config.pixel_encoder)
            latents_dir = output_dir / "latents"
            prepare_latents(vae_checkpoint, output_dir / "cache", latents_dir)
        assert latents_dir is not None  # given, or created above
        latents = load_latents(latents_dir)
        if latents["vae_hash"] != weights_hash(vae):
            raise UserError(
                f"{latents_dir}: latents are of a different VP-VAE than {vae_checkpoint}; run prepare_latents again"
            )
        train_svgs = latents["splits"].count("train")
        if not train_svgs:
            raise UserError(f"{latents_dir}: holds no training SVG")
        styles = style_names(latents) if style_condition else ()
        if style_condition and not styles:
            raise UserError(f"{latents_dir}: has no packs, so there are no styles to learn; drop --style_condition")
        config = TrainConfig(
            num_steps=budget_steps(train_svgs, batch_size, num_epochs, samples_seen, accumulate),
            batch_size=batch_size, accumulate=accumulate, compile=compile_model,
            device=device, seed=seed, lr=lr, bf16=bf16, val_every=val_every, checkpoint_every=checkpoint_every,
            lr_decay=lr_decay, timesteps=timesteps, optimizer=optimizer, repeat_names=repeat_names,
        )
        encoder = text_encoder or load_text_encoder(latents["text_encoder"])
        if encoder.name != latents["text_encoder"]:
            raise UserError(
                f"{latents_dir}: was prepared with the text encoder {latents['text_encoder']!r}, not {encoder.name!r};"
                " run prepare_latents again"
            )
        torch.manual_seed(seed)
        shape = DiTConfig.preset(
            preset, latent_width=vae.latent_width, context_width=latents["context"].width,
            text_encoder=latents["text_encoder"], max_latents=latents["max_latents"], prediction=prediction,
            patch_size=patch_size, styles=styles,
        )
        model = dit or (VSDiT(shape) if pretrained is None else resized(VSDiT.from_pretrained(pretrained), shape))
        sizes = (model.config.latent_width, model.config.context_width)
        if sizes != (vae.latent_width, latents["context"].width):
            raise UserError(
                f"the VS-DiT takes latents of width {sizes[0]} and text tokens of width {sizes[1]}, but {latents_dir}"
                f" has {vae.latent_width} and {latents['context'].width}"
            )
        longest = int(latents["offsets"].diff().max())
        if model.config.max_latents < longest:
            raise UserError(
                f"the VS-DiT takes at most {model.config.max_latents} latents, but {latents_dir} has {longest} of one"
                f" SVG; give the DiTConfig max_latents={longest}, or run prepare_latents with a smaller --max_latents"
            )
        model.latent_mean.copy_(latents["latent_mean"])
        model.latent_std.copy_(latents["latent_std"])
        ema = fit_latents(model, vae, latents, noise, config, output_dir, max_minutes, encoder)
        return save_model(
            output_dir / FINAL_NAME, "vsdit", model, ema.weights, train_config=config.to_dict(), **noise.state(),
            **training_provenance(latents, encoder),
        )


def training_provenance(latents: dict, encoder: TextEncoder, known: KnownNames | None = None) -> dict:
    """Describe the training latents for a checkpoint: their VP-VAE, number and names.

    known: names that the model already knew.
    """
    titles = [title for title, split in zip(latents["titles"], latents["splits"]) if split == "train"]
    known = (known or KnownNames()).merged_with(embed_names(titles, encoder))
    return {
        "vae_hash": latents["vae_hash"], "train_svgs": len(titles), "names": list(known.names),
        "name_vectors": known.vectors.half(),
    }


def fit_latents(
    model: VSDiT, vae: VPVAE, latents: dict, schedule: NoiseSchedule, config: TrainConfig,
    output_dir: Path, max_minutes: float | None, encoder: TextEncoder, identity: Mapping[str, object] | None = None,
) -> EMA:
    """Train a VS-DiT on the training split of a latents file; vae: of contact sheets; identity: more of it (`fit`)."""
    styles = model.config.styles
    train_set = LatentDataset(latents, "train", styles=styles, repeat_names=config.repeat_names)
    held_out = LatentDataset(latents, "held_out", first_caption_only=True, styles=styles)
    return fit(
        model,
        make_loader(train_set, config.batch_size, config.seed),
        dit_step_loss(model.config, schedule, config, latents["null_context"]),
        config,
        output_dir,
        make_loader(held_out, config.batch_size) if len(held_out) else None,
        _sheet_callback(vae, schedule, latents, output_dir, encoder),
        max_minutes,
        identity={
            "VP-VAE": latents["vae_hash"], "latents": latents_hash(latents), "schedule": schedule.fingerprint(),
            **model.config.to_dict(), **(identity or {}),
        },
    )


def _sheet_callback(
    vae: VPVAE, schedule: NoiseSchedule, latents: dict, output_dir: Path, encoder: TextEncoder
) -> Callable[[VSDiT, int], None]:
    """Return an on_validation callback that draws a contact sheet of up to SHEET_NAMES captions of either split."""
    rng = np.random.default_rng(0)
    steps = min(SamplingConfig.num_inference_steps, schedule.num_steps)
    config = SamplingConfig(candidates=1, num_inference_steps=steps)
    prompts, labels, packs = [], [], []
    for split in ("train", "held_out"):
        members = [i for i, s in enumerate(latents["splits"]) if s == split]
        for i in rng.permutation(members)[:SHEET_NAMES].astype(int):
            prompts.append(latents["captions"][latents["caption_ids"][i][0]])
            labels.append(f"{prompts[-1]} ({split})")
            packs.append(latents["packs"][i])

    def draw(model: VSDiT, step: int) -> None:
        pipeline = SVGFusionPipeline(vae.to(model.latent_mean.device), model, encoder, schedule)
        seeds = list(range(SHEET_SEEDS)) * len(prompts)
        styles = [style for style in pipeline.known_styles(packs) for _ in range(SHEET_SEEDS)]
        repeated = [prompt for prompt in prompts for _ in range(SHEET_SEEDS)]
        samples = pipeline.sample(repeated, seeds, config, styles=styles)
        rows = [[s.svg for s in samples[i : i + SHEET_SEEDS]] for i in range(0, len(samples), SHEET_SEEDS)]
        contact_sheet(rows, output_dir / "sheets" / f"step_{step}.png", cell=64, row_labels=labels)

    return draw


def dit_step_loss(
    dit_config: DiTConfig, schedule: NoiseSchedule, config: TrainConfig, null_context: torch.Tensor
) -> StepLoss:
    """Return the step loss for `fit`: diffusion loss plus the length predictor's cross-entropy.

    Samples trained on the null prompt also get the null style, as in guidance.
    The length predictor shares no weights with the transformer, so the sum trains both independently.
    """
    timestep_weights = timestep_probabilities(config.timesteps, schedule).float()  # [T]

    def step_loss(model: VSDiT, batch: LatentBatch, step: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        device = batch.mean.device
        z0 = batch.mean + config.posterior_noise * batch.sigma * torch.randn_like(batch.mean)  # [B, N, Z]
        z0 = model.normalize(z0)
        if config.timesteps == "uniform":
            t = torch.randint(schedule.num_steps, (len(z0),), device=device)  # [B]
        else:
            t = torch.multinomial(timestep_weights.to(device), len(z0), replacement=True)  # [B]
        z_t, noise = add_noise(z0, t, schedule)
        drop = torch.rand(len(z0), device=device) < config.null_prompt_rate  # [B]
        null = null_context.to(device, torch.float32)
        null_mask = torch.zeros(len(null), dtype=torch.bool, device=device)
        context, context_mask = drop_prompts(batch.context, batch.context_mask, drop, null, null_mask)
        style = None
        if dit_config.styles:
            drop = drop | (torch.rand(len(z0), device=device) < config.null_style_rate)  # [B]
            assert batch.style is not None  # with styles, collate_latents fills it
            style = batch.style.masked_fill(drop, 0)  # [B]
        padding_mask = batch.padding_mask if batch.padded else None
        prediction = model(z_t, t, context, context_mask, padding_mask, style)
        target = training_target(dit_config.prediction, z0, noise, t, schedule)
        loss = diffusion_loss(prediction.float(), target, batch.padding_mask)
        length_loss = model.length_predictor.loss(batch.context, batch.context_mask, batch.padding_mask)
        return loss + length_loss, {"diffusion": loss, "length": length_loss}

    return step_loss
