"""Texts for `--help` and docs/cli.md: default help texts of flags, and an example of each stage.

A flag with another meaning in some stage sets its help text there.
"""

FLAG_HELP = {
    "output_dir": "output folder",
    "out_dir": "output folder",
    "precomputed_dir": "cache written by `preprocess`",
    "packs_dir": "folder the packs are in or downloaded to",
    "packs": "icon packs by name",
    "svg": "the file to edit",
    "vae_checkpoint": "vpvae_final.pt from `train_vae`",
    "dit_checkpoint": "vsdit_final.pt from `train_dit`",
    "latents_dir": "folder with latents.pt from `prepare_latents`",
    "svg_dir": "folder of SVGs, searched recursively",
    "pattern": "which files of --svg_dir to read",
    "seed": "random seed",
    "num_samples": "number of samples",
    "max_rows": "skip SVGs with more rows",
    "max_files": "stop after this many files",
    "max_latents": "skip SVGs with more latents",
    "steps": "optimiser steps",
    "batch_size": "SVGs per batch",
    "num_epochs": "passes over the data",
    "lr": "peak learning rate (warm-up, then cosine decay)",
    "kl_weight": "weight of the KL divergence after its linear warm-up",
    "prediction": "prediction target of the VS-DiT: noise (epsilon) or velocity (v)",
    "schedule": "noise schedule",
    "vae_epochs": "epochs for the VP-VAE",
    "dit_epochs": "epochs for the VS-DiT",
    "num_steps": "optimiser steps",
    "split": "split of the cache",
    "svg_column": "column of --dataset with the SVG text",
    "caption_column": "column of --dataset with the captions",
    "dataset_split": "split of a Hugging Face dataset",
}

_CACHE = "--precomputed_dir data/cache/tabler-lucide"
_VAE = "--vae_checkpoint checkpoints/vae/vpvae_final.pt"

EXAMPLES = {
    "create_dummy_data": "--output_dir data/dummy --num_samples 200",
    "fetch_packs": "--packs tabler lucide",
    "prepare_dataset": "--packs tabler lucide --output_dir data/icons/tabler-lucide",
    "preprocess": f"--svg_dir data/icons/tabler-lucide {_CACHE} --max_files all",
    "train": f"{_CACHE} --steps 2000 --batch_size 4 --device cpu --ckpt_out checkpoints/smoke",
    "train_vae": f"{_CACHE} --preset S --num_epochs 80 --lr 1.5e-3 --output_dir checkpoints/vae",
    "prepare_latents": f"{_VAE} {_CACHE} --output_dir data/cache/tabler-lucide",
    "train_dit": f"{_VAE} --latents_dir data/cache/tabler-lucide --preset mini --num_epochs 220 --batch_size 128 "
                 "--lr 1e-3 --output_dir checkpoints/dit",
    "train_refiner": f"{_CACHE} --preset S --num_epochs 40 --output_dir checkpoints/refiner",
    "train_model": "--config configs/small.toml --output_dir runs/small",
    "finetune": "--svg_dir my_icons --output_dir runs/mine",
    "train_demo": "--output_dir runs/demo",
    "train_icon_head": "--output_dir runs/icon_head",
    "train_realism": "--output_dir runs/ranker",
    "evaluate_vae": f"{_VAE} {_CACHE} --output_dir outputs/evaluation-vae",
    "generate": '--prompt "shopping cart, tabler style" --num_samples 4 --output_dir outputs/carts',
    "set": "--words words.txt --style tabler --output_dir icons",
    "export": f"{_VAE} --dit_checkpoint checkpoints/dit/vsdit_final.pt --output_dir models/mine",
    "roundtrip": "--svg_dir my_icons --out_dir outputs/roundtrip",
    "evaluate": f"{_CACHE} --packs tabler lucide --output_dir outputs/evaluation",
    "sweep": f"--vary cfg_scale=1,2,4 {_CACHE} --output_dir outputs/sweep",
    "benchmark": "--output_dir outputs/benchmark",
    "vary": '--svg cart.svg --prompt "shopping cart, tabler style" --strength 0.4 --output_dir outputs/vary',
    "redraw": '--svg cart.svg --keep 1 2 --prompt "shopping cart, tabler style" --output_dir outputs/redraw',
    "restyle": '--svg cart.svg --prompt "shopping cart" --style lucide --output_dir outputs/restyle',
    "palette": '--svg cart.svg --palette "#264653" "#2a9d8f" --output_dir outputs/palette',
    "tidy": "--svg my_icons --output_dir outputs/tidy",
    "morph": "--svg bell.svg --svg_b lock.svg --output_dir outputs/morph",
}

# The usual next command after a stage; {names} are its own options, {cache} the cache that it read or made, and
# {chosen_model} the flags of its model.
NEXT = {
    "create_dummy_data": "preprocess --svg_dir {output_dir} --precomputed_dir data/cache/dummy",
    "fetch_packs": "prepare_dataset --packs {packs} --output_dir data/icons/mine",
    "prepare_dataset": "preprocess --svg_dir {output_dir} --precomputed_dir data/cache/mine --max_files all",
    "preprocess": "train_vae --precomputed_dir {precomputed_dir} --output_dir checkpoints/vae",
    "train": "generate --ckpt_path {ckpt_out}/model_step{steps}.pt --precomputed_dir {precomputed_dir}"
             " --output_dir outputs/smoke",
    "train_vae": "prepare_latents --vae_checkpoint {output_dir}/vpvae_final.pt --precomputed_dir {cache}"
                 " --output_dir data/latents/mine",
    "prepare_latents": "train_dit --vae_checkpoint {vae_checkpoint} --latents_dir {output_dir}"
                       " --output_dir checkpoints/dit",
    "train_dit": "generate --vae_checkpoint {vae_checkpoint} --dit_checkpoint {output_dir}/vsdit_final.pt"
                 " --prompt house --output_dir outputs/house",
    "train_model": "generate --model {output_dir}/model --prompt house --output_dir outputs/house",
    "train_demo": "generate --vae_checkpoint {output_dir}/vae/vpvae_final.pt"
                  " --dit_checkpoint {output_dir}/dit/vsdit_final.pt --candidates 1"
                  ' --prompt "a red heart above a blue ring" --output_dir outputs/demo',
    "finetune": "generate --vae_checkpoint {output_dir}/vpvae_final.pt --dit_checkpoint {output_dir}/vsdit_final.pt"
                " --prompt house --output_dir outputs/mine",
    "train_refiner": "train_model --config configs/small.toml --output_dir runs/small",
    "train_icon_head": "train_realism --head {output_dir}/icon_head.safetensors --output_dir runs/ranker",
    "train_realism": "evaluate --precomputed_dir CACHE --output_dir outputs/evaluation",
    "evaluate_vae": "prepare_latents --vae_checkpoint {vae_checkpoint} --precomputed_dir {precomputed_dir}"
                    " --output_dir data/latents/mine",
    "generate": 'vary --svg {output_dir}/NAME.svg --prompt "PROMPT" --output_dir outputs/vary{chosen_model}',
    "set": "set --output_dir {output_dir} --swap NAME=2",
    "export": "generate --model {output_dir} --prompt house --output_dir outputs/house",
    "roundtrip": "prepare_dataset --svg_dir {svg_dir} --output_dir data/icons/mine",
    "evaluate": "sweep --precomputed_dir {precomputed_dir} --vary cfg_scale=1,2,4 --output_dir outputs/sweep"
                "{chosen_model}",
    "sweep": "evaluate --precomputed_dir {precomputed_dir} --output_dir outputs/evaluation{chosen_model}",
    "benchmark": "generate --prompt house --output_dir outputs/house{chosen_model}",
    "vary": "morph --svg {output_dir}/reconstruction.svg --svg_b {output_dir}/0.svg --output_dir outputs/morph"
            "{chosen_model}",
    "redraw": "tidy --svg {output_dir} --output_dir outputs/tidy",
    "restyle": "tidy --svg {output_dir} --output_dir outputs/tidy",
    "palette": "tidy --svg {output_dir} --output_dir outputs/tidy",
    "morph": "tidy --svg {output_dir} --output_dir outputs/tidy",
    "tidy": "roundtrip --svg_dir {output_dir} --out_dir outputs/roundtrip",
}
