"""Stages that train."""

import argparse

from svgfusion_lib.cli.flags import Add, Stages, checkpoints, device, number, printed, training


def _train_flags(add: Add) -> None:
    add("--precomputed_dir", required=True)
    add("--steps", type=int, default=2000)
    add("--batch_size", type=int, default=4)
    add("--ckpt_out", default="checkpoints", help="folder for model_step{N}.pt")
    add("--seed", type=int, default=0)
    device(add)


def _train_vae_flags(add: Add) -> None:
    add("--svg_dir", help="preprocessed first")
    add("--precomputed_dir")
    training(add, num_epochs=10)
    add("--lr", type=number, default=1.0e-3)
    add("--kl_weight", type=number, default=1.0e-4)
    add("--distinct", action="store_true", help="different chunks in place of whole SVGs, mirrored or turned at random")
    add("--partial_rate", type=number, default=0.0, help="share of SVGs seen as an earlier stage of the drawing")
    add("--val_every", type=int, default=500, help="steps between held-out losses")
    # Where the model differs from the preset: fields of VAEConfig.
    add("--layout", choices=("row", "path"), help="a latent for each row, or for each sub-path")
    add("--rows_per_latent", type=int, help="longest run of rows in a latent of layout `path`")
    add("--head", choices=("continuous", "hybrid"), help="ids as numbers (the specification), or by cross-entropy")
    add("--latent_width", type=int, help="learned channels of a latent")
    add("--pixel_fusion", action=argparse.BooleanOptionalAction, help="look at the rendering too")
    add("--stage_tokens", action=argparse.BooleanOptionalAction, help="a row looks at the rendering of its own stage")


def _train_vae(**options) -> None:
    from svgfusion_lib.training.vae import train_vae

    names = ("layout", "rows_per_latent", "head", "latent_width", "pixel_fusion", "stage_tokens")
    changes = {name: value for name in names if (value := options.pop(name)) is not None}
    print(train_vae(**options, changes=changes))


def _prepare_latents_flags(add: Add) -> None:
    add("--vae_checkpoint", required=True)
    add("--precomputed_dir", required=True)
    add("--output_dir", required=True)
    add("--text_encoder", default="minilm", help="or a CLIP hub name or folder")
    add("--max_latents", type=int, default=16)
    add("--every_stage", action="store_true", help="also of the drawings of an SVG's first elements (--renderings)")
    add("--box_scale", type=number, default=1.0, help="std of the box channels for diffusion; others have 1")
    device(add)


def _train_dit_flags(add: Add) -> None:
    add("--svg_dir", help="preprocessed and encoded first")
    add("--latents_dir")
    add("--vae_checkpoint", required=True)
    training(add, num_epochs=10)
    add("--lr", type=number, default=6.0e-4)
    add("--prediction", default="v", choices=("epsilon", "v"))
    add("--schedule", default="cosine", choices=("linear", "cosine"))
    add("--lr_decay", type=number, default=1.0, help="last share of the steps in which the rate falls")
    add("--optimizer", default="adamw", choices=("adamw", "muon"), help="or Muon for the matrices of the blocks")
    add("--repeat_names", action="store_true", help="see names that k SVGs have sqrt(k) times as often")
    add("--timesteps", default="uniform", choices=("uniform", "laplace"), help="or near log SNR 0 more often")
    add("--patch_size", type=int, default=1, help="consecutive latents joined to one token")
    add("--style_condition", action="store_true", help="learn the packs as styles to ask for (generate --style)")
    add("--pretrained", help="weights to begin with: a checkpoint, a folder of a model, or a shipped model's name")
    add("--bf16", action="store_true", help="autocast to bfloat16")
    add("--accumulate", type=int, default=1, help="batches whose gradients make one step")
    add("--compile", dest="compile_model", action="store_true", help="torch.compile the model, for CUDA")
    add("--val_every", type=int, default=500, help="steps between held-out losses and contact sheets")
    add("--checkpoint_every", type=int, default=500, help="steps between checkpoints")


def _train_model_flags(add: Add) -> None:
    add("--config", required=True, help="a TOML file such as configs/small.toml")
    add("--output_dir", required=True, help="also where a stopped run is continued")
    add("--max_minutes", type=number, help="pause after that time (exit code 3); rerun the same command to resume")
    add("--seed", type=int, default=0)
    device(add)


def _train_demo_flags(add: Add) -> None:
    add("--output_dir", default="runs/demo")
    add("--num_samples", type=int, default=2000)
    add("--vae_epochs", type=int, default=50)
    add("--dit_epochs", type=int, default=100)
    add("--seed", type=int, default=0)
    device(add)


def _train_demo(**options) -> None:
    from svgfusion_lib.experiments.train_demo import train_demo

    train_demo(**options)
    print(f"{options['output_dir']}/samples/sheet.png")


def _finetune_flags(add: Add) -> None:
    add("--svg_dir", required=True, help="your icons, with or without captions.csv")
    add("--output_dir", required=True, help="also where a stopped run is continued")
    checkpoints(add)
    add("--rank", type=int, default=0, help="of the change of each linear layer; 0: all weights are trained")
    add("--style", help="name of the style that is learned, of a model with styles (default: the folder's name)")
    add("--samples_seen", type=int, default=160_000, help="ten minutes of one CPU core")
    add("--batch_size", type=int, default=64)
    add("--lr", type=number, default=1.0e-3)
    add("--max_minutes", type=number, help="pause after that time (exit code 3); rerun the same command to resume")
    add("--seed", type=int, default=0)
    device(add)


def _finetune(**options) -> None:
    from svgfusion_lib.training.finetune import finetune

    vae_path, dit_path = finetune(**options)
    print(f"--vae_checkpoint {vae_path} --dit_checkpoint {dit_path}")


def _train_refiner_flags(add: Add) -> None:
    add("--precomputed_dir", required=True)
    training(add, num_epochs=30)
    add("--lr", type=float, default=1.0e-3)
    add("--val_every", type=int, default=500, help="steps between held-out losses")


STAGES: Stages = {
    "train": ("VP-VAE smoke run -> model_step{N}.pt", _train_flags, printed("training.vae:train")),
    "train_vae": ("VP-VAE -> vpvae_final.pt", _train_vae_flags, _train_vae),
    "prepare_latents": (
        "latents of a cache -> latents.pt", _prepare_latents_flags, printed("training.latents:prepare_latents")
    ),
    "train_dit": ("VS-DiT -> vsdit_final.pt", _train_dit_flags, printed("training.dit:train_dit")),
    "train_refiner": ("refiner -> refiner_final.pt", _train_refiner_flags, printed("training.refiner:train_refiner")),
    "train_model": (
        "a whole model from a TOML file, in pieces that resume", _train_model_flags,
        printed("experiments.train_model:train_model"),
    ),
    "finetune": ("the shipped model adapts to a folder of icons", _finetune_flags, _finetune),
    "train_demo": ("the whole chain on synthetic shapes, in minutes", _train_demo_flags, _train_demo),
}
