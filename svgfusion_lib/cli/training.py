"""Training stages."""

import argparse

from svgfusion_lib.cli.flags import Add, Stages, checkpoints, device, number, print_result, training


def _train_flags(add: Add) -> None:
    add("--precomputed_dir", required=True)
    add("--steps", type=int, default=2000)
    add("--batch_size", type=int, default=4)
    add("--ckpt_out", default="checkpoints", help="output folder for model_step{N}.pt")
    add("--seed", type=int, default=0)
    device(add)


def _train_vae_flags(add: Add) -> None:
    add("--svg_dir", help="folder of SVGs to preprocess first, instead of --precomputed_dir")
    add("--precomputed_dir")
    training(add, num_epochs=10)
    add("--lr", type=number, default=1.0e-3)
    add("--kl_weight", type=number, default=1.0e-4)
    add("--distinct", action="store_true", help="train on unique chunks, randomly mirrored or rotated, not whole SVGs")
    add("--partial_rate", type=number, default=0.0, help="share of SVGs shown as an earlier stage of the drawing")
    add("--val_every", type=int, default=500, help="steps between held-out losses")
    # Fields of VAEConfig that override the preset.
    add("--layout", choices=("row", "path"), help="one latent per row, or per sub-path")
    add("--rows_per_latent", type=int, help="most rows per latent in layout `path`")
    add("--head", choices=("continuous", "hybrid"), help="ids as numbers (the specification), or by cross-entropy")
    add("--latent_width", type=int, help="learned channels of a latent")
    add("--pixel_fusion", action=argparse.BooleanOptionalAction, help="cross-attend to pixel tokens of the rendering")
    add("--stage_tokens", action=argparse.BooleanOptionalAction, help="a row sees the rendering of its own stage")


def _train_vae(**options) -> None:
    from svgfusion_lib.training.vae import train_vae

    names = ("layout", "rows_per_latent", "head", "latent_width", "pixel_fusion", "stage_tokens")
    changes = {name: value for name in names if (value := options.pop(name)) is not None}
    print(train_vae(**options, changes=changes))


def _prepare_latents_flags(add: Add) -> None:
    add("--vae_checkpoint", required=True)
    add("--precomputed_dir", required=True)
    add("--output_dir", required=True)
    add("--text_encoder", default="minilm", help="or the hub name or folder of a CLIP model")
    add("--max_latents", type=int, default=16)
    add("--every_stage", action="store_true", help="also encode the earlier stages of each SVG (see --renderings)")
    add("--box_scale", type=number, default=1.0, help="std of the box channels in diffusion; the others have 1")
    device(add)


def _train_dit_flags(add: Add) -> None:
    add("--svg_dir", help="folder of SVGs to preprocess and encode first, instead of --latents_dir")
    add("--latents_dir")
    add("--vae_checkpoint", required=True)
    training(add, num_epochs=10)
    add("--lr", type=number, default=6.0e-4)
    add("--prediction", default="v", choices=("epsilon", "v"))
    add("--schedule", default="cosine", choices=("linear", "cosine"))
    add("--lr_decay", type=number, default=1.0, help="final share of the steps in which the learning rate decays")
    add("--optimizer", default="adamw", choices=("adamw", "muon"), help="muon: for the weight matrices of the blocks")
    add("--repeat_names", action="store_true", help="show names shared by k SVGs sqrt(k) times as often")
    add("--timesteps", default="uniform", choices=("uniform", "laplace"), help="laplace: more often near log SNR 0")
    add("--patch_size", type=int, default=1, help="consecutive latents per token")
    add("--style_condition", action="store_true", help="learn the packs as styles (generate --style)")
    add("--pretrained", help="initial weights: a checkpoint, a model folder, or the name of a shipped model")
    add("--bf16", action="store_true", help="autocast to bfloat16")
    add("--accumulate", type=int, default=1, help="gradient accumulation: batches per optimiser step")
    add("--compile", dest="compile_model", action="store_true", help="torch.compile the model (for CUDA)")
    add("--val_every", type=int, default=500, help="steps between held-out losses and contact sheets")
    add("--checkpoint_every", type=int, default=500, help="steps between checkpoints")


def _train_model_flags(add: Add) -> None:
    add("--config", required=True, help="a TOML file such as configs/small.toml")
    add("--output_dir", required=True, help="output folder; a stopped run resumes from it")
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
    add("--output_dir", required=True, help="output folder; a stopped run resumes from it")
    checkpoints(add)
    add("--rank", type=int, default=0, help="LoRA rank of the linear layers; 0: train all weights")
    add("--style", help="name of the new style, if the model has styles (default: the folder's name)")
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
    "train": ("VP-VAE smoke run -> model_step{N}.pt", _train_flags, print_result("training.vae:train")),
    "train_vae": ("train a VP-VAE -> vpvae_final.pt", _train_vae_flags, _train_vae),
    "prepare_latents": (
        "encode a cache -> latents.pt", _prepare_latents_flags, print_result("training.latents:prepare_latents")
    ),
    "train_dit": ("train a VS-DiT -> vsdit_final.pt", _train_dit_flags, print_result("training.dit:train_dit")),
    "train_refiner": (
        "train a refiner -> refiner_final.pt", _train_refiner_flags, print_result("training.refiner:train_refiner")
    ),
    "train_model": (
        "train a whole model from a TOML file; can be resumed", _train_model_flags,
        print_result("experiments.train_model:train_model"),
    ),
    "finetune": ("fine-tune a model on a folder of icons", _finetune_flags, _finetune),
    "train_demo": ("train the whole pipeline on synthetic shapes, in minutes", _train_demo_flags, _train_demo),
}
