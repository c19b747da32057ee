"""The command line: `svgfusion STAGE --flags`. Every stage calls the function its notebook calls."""

import argparse
import sys
from collections.abc import Callable, Sequence

from svgfusion_lib import __version__
from svgfusion_lib.errors import UserError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with exit code 2."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; returns the exit code (2: the user can put it right, 130: interrupted)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = _build_parser()
    if not arguments:
        parser.print_help()
        return 0
    options = vars(parser.parse_args(arguments))
    stage, run = options.pop("stage"), options.pop("run")
    try:
        run(**options)
    except UserError as error:
        print(f"svgfusion {stage}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"svgfusion {stage}: {place}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nsvgfusion {stage}: stopped; the same command continues a training", file=sys.stderr)
        return 130
    return 0


def _build_parser() -> _Parser:
    parser = _Parser(prog="svgfusion", description="Text to editable SVG by latent diffusion in vector space.")
    parser.add_argument("--version", action="version", version=f"svgfusion {__version__}")
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True, parser_class=_Parser)
    for name, (help_text, add_flags, run) in STAGES.items():
        stage = stages.add_parser(name, help=help_text, description=help_text,
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        add_flags(stage.add_argument)
        stage.set_defaults(run=run)
    return parser


Add = Callable[..., argparse.Action]


def _device(add: Add) -> None:
    add("--device", default="cpu", help="cpu, cuda, cuda:1, mps")


def _checkpoints(add: Add) -> None:
    add("--vae_checkpoint", help="vpvae_final.pt (default: the shipped model)")
    add("--dit_checkpoint", help="vsdit_final.pt (default: the shipped model)")


def _training(add: Add, num_epochs: int) -> None:
    add("--batch_size", type=int, default=64)
    add("--num_epochs", type=int, default=num_epochs)
    add("--output_dir", required=True, help="also where a stopped run is continued")
    add("--preset", default="tiny", help="size of the model (config.py)")
    add("--seed", type=int, default=0)
    _device(add)


# --- data ------------------------------------------------------------------------------------------


def _create_dummy_data_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--num_samples", type=int, default=50)
    add("--seed", type=int, default=0)


def _create_dummy_data(**options) -> None:
    from svgfusion_lib.stages.create_dummy_data import create_dummy_data

    records = create_dummy_data(**options)
    print(f"{len(records)} captioned SVGs in {options['output_dir']}")


def _fetch_packs_flags(add: Add) -> None:
    add("--packs", nargs="+", required=True, metavar="PACK", help="for instance tabler lucide")
    add("--output_dir", default="data/packs")


def _fetch_packs(**options) -> None:
    from svgfusion_lib.stages.fetch_packs import fetch_packs

    for folder in fetch_packs(**options):
        print(folder)


def _prepare_dataset_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--svg_dir", help="a folder of your own SVGs (captions.csv beside them, or file names as captions)")
    add("--packs", nargs="+", metavar="PACK")
    add("--packs_dir", default="data/packs")
    add("--stroke_only", action=argparse.BooleanOptionalAction, default=True, help="keep line icons only")
    add("--max_rows", type=int)
    add("--max_files", type=int)


def _prepare_dataset(**options) -> None:
    from svgfusion_lib.stages.prepare_dataset import prepare_dataset

    total = prepare_dataset(**options)["total"]
    print(f"{total['kept']} SVGs in {options['output_dir']}: {total['train']} train, {total['held_out']} held out")


def _preprocess_flags(add: Add) -> None:
    add("--svg_dir", required=True)
    add("--pattern", default="*.svg")
    add("--precomputed_dir", required=True)
    add("--max_files", type=_count_or_all, default=300, help="a number, or `all`")
    add("--pixel_encoder", default="efficientnet-lite0", help="or a DINOv2 hub name or folder, or `none`")


def _count_or_all(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number above 0 nor `all`")
    return int(text)


def _preprocess(**options) -> None:
    from svgfusion_lib.stages.preprocess import preprocess

    print(preprocess(**options))


# --- training --------------------------------------------------------------------------------------


def _train_flags(add: Add) -> None:
    add("--precomputed_dir", required=True)
    add("--steps", type=int, default=2000)
    add("--batch_size", type=int, default=4)
    add("--ckpt_out", default="checkpoints", help="folder for model_step{N}.pt")
    add("--seed", type=int, default=0)
    _device(add)


def _train(**options) -> None:
    from svgfusion_lib.stages.train_vae import train

    print(train(**options))


def _train_vae_flags(add: Add) -> None:
    add("--svg_dir", help="preprocessed first")
    add("--precomputed_dir")
    _training(add, num_epochs=10)
    add("--lr", type=float, default=1.0e-3)
    add("--kl_weight", type=float, default=1.0e-4)


def _train_vae(**options) -> None:
    from svgfusion_lib.stages.train_vae import train_vae

    print(train_vae(**options))


def _prepare_latents_flags(add: Add) -> None:
    add("--vae_checkpoint", required=True)
    add("--precomputed_dir", required=True)
    add("--output_dir", required=True)
    add("--text_encoder", default="minilm", help="or a CLIP hub name or folder")
    add("--max_latents", type=int, default=16)
    _device(add)


def _prepare_latents(**options) -> None:
    from svgfusion_lib.stages.prepare_latents import prepare_latents

    print(prepare_latents(**options))


def _train_dit_flags(add: Add) -> None:
    add("--svg_dir", help="preprocessed and encoded first")
    add("--latents_dir")
    add("--vae_checkpoint", required=True)
    _training(add, num_epochs=10)
    add("--lr", type=float, default=6.0e-4)
    add("--prediction", default="v", choices=("epsilon", "v"))
    add("--schedule", default="cosine", choices=("linear", "cosine"))
    add("--bf16", action="store_true", help="autocast to bfloat16")
    add("--val_every", type=int, default=500, help="steps between held-out losses and contact sheets")
    add("--checkpoint_every", type=int, default=500, help="steps between checkpoints")


def _train_dit(**options) -> None:
    from svgfusion_lib.stages.train_dit import train_dit

    print(train_dit(**options))


def _train_demo_flags(add: Add) -> None:
    add("--output_dir", default="runs/demo")
    add("--num_samples", type=int, default=1000)
    add("--vae_epochs", type=int, default=40)
    add("--dit_epochs", type=int, default=60)
    add("--seed", type=int, default=0)
    _device(add)


def _train_demo(**options) -> None:
    from svgfusion_lib.stages.train_demo import train_demo

    train_demo(**options)
    print(f"{options['output_dir']}/samples/sheet.png")


# --- sampling and measuring ------------------------------------------------------------------------


def _generate_flags(add: Add) -> None:
    add("--prompt", action="append", default=[], help="may be repeated")
    add("--prompts", metavar="FILE", help="a text file, one prompt a line")
    add("--num_samples", type=int, help="samples per prompt (1), or random samples of --ckpt_path (5)")
    add("--output_dir", "--out_dir", dest="output_dir", required=True)
    add("--seed", type=int, default=0)
    add("--ddim_steps", type=int, default=None)
    add("--cfg_scale", type=float, default=None)
    add("--eta", type=float, default=None)
    add("--sampler", default="ddim", choices=("ddim",))
    _checkpoints(add)
    _device(add)
    add("--ckpt_path", help="a VP-VAE: write reconstructions and random samples instead")
    add("--precomputed_dir", help="the cache for --ckpt_path")
    add("--num_eval", type=int, default=5, help="reconstructions for --ckpt_path")


def _generate(
    prompt, prompts, num_samples, output_dir, seed, ddim_steps, cfg_scale, eta, sampler, vae_checkpoint,
    dit_checkpoint, device, ckpt_path, precomputed_dir, num_eval,
) -> None:
    if (ckpt_path is None) != (precomputed_dir is None):
        raise UserError("--ckpt_path and --precomputed_dir go together")
    if ckpt_path is None and not prompt and prompts is None:
        raise UserError("no prompt given; use --prompt TEXT or --prompts FILE")
    from svgfusion_lib.config import SamplingConfig
    from svgfusion_lib.stages.generate import generate, read_prompts, reconstruct_and_sample

    if ckpt_path is not None:
        count = 5 if num_samples is None else num_samples
        written = reconstruct_and_sample(ckpt_path, precomputed_dir, output_dir, num_eval, count, seed)
        print(f"{len(written['recon'])} reconstructions and {len(written['random'])} random samples in {output_dir}")
        return
    given = {"ddim_steps": ddim_steps, "cfg_scale": cfg_scale, "eta": eta}
    config = SamplingConfig(**{name: value for name, value in given.items() if value is not None})
    texts = prompt + (read_prompts(prompts) if prompts is not None else [])
    count = 1 if num_samples is None else num_samples
    entries = generate(texts, output_dir, vae_checkpoint, dit_checkpoint, count, seed, config, device)
    print(f"{len(entries)} SVG files, samples.json and sheet.png in {output_dir}")


def _export_flags(add: Add) -> None:
    add("--vae_checkpoint", required=True)
    add("--dit_checkpoint", required=True)
    add("--output_dir", required=True, help="model.safetensors and model.json go there")


def _export(vae_checkpoint: str, dit_checkpoint: str, output_dir: str) -> None:
    from svgfusion_lib.sampling import export_pretrained

    print(export_pretrained(vae_checkpoint, dit_checkpoint, output_dir))


def _roundtrip_flags(add: Add) -> None:
    add("--svg_dir", required=True)
    add("--out_dir", required=True)
    add("--pattern", default="*.svg")
    add("--max_files", type=int)
    add("--processes", type=int, help="default: up to 2")


def _roundtrip(**options) -> None:
    from svgfusion_lib.stages.roundtrip import roundtrip

    roundtrip(**options)
    print(f"{options['out_dir']}/report.json")


def _evaluate_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--precomputed_dir", required=True, help="cache of the icons to compare with")
    add("--num_prompts", type=int, default=100, help="per split")
    add("--num_samples", type=int, default=1, help="per prompt")
    add("--seed", type=int, default=0)
    _checkpoints(add)
    _device(add)


def _evaluate(**options) -> None:
    from svgfusion_lib.stages.evaluate import evaluate

    evaluate(**options)
    print(f"{options['output_dir']}/report.md")


def _benchmark_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--batch_sizes", type=int, nargs="+", default=[1, 4, 16])
    add("--steps", type=int, nargs="+", default=[5, 10, 20, 50])
    add("--repeats", type=int, default=3)
    _checkpoints(add)
    _device(add)


def _benchmark(**options) -> None:
    from svgfusion_lib.stages.benchmark import benchmark

    benchmark(**options)
    print(f"{options['output_dir']}/report.md")


STAGES: dict[str, tuple[str, Callable[[Add], None], Callable[..., None]]] = {
    "create_dummy_data": ("captioned synthetic shapes", _create_dummy_data_flags, _create_dummy_data),
    "fetch_packs": ("icon packs by npm, pinned and hash-checked", _fetch_packs_flags, _fetch_packs),
    "prepare_dataset": ("clean, deduplicate, caption and split SVGs", _prepare_dataset_flags, _prepare_dataset),
    "preprocess": ("SVGs -> cache.pt: rows, captions, pixel tokens", _preprocess_flags, _preprocess),
    "train": ("VP-VAE smoke run -> model_step{N}.pt", _train_flags, _train),
    "train_vae": ("VP-VAE -> vpvae_final.pt", _train_vae_flags, _train_vae),
    "prepare_latents": ("latents of a cache -> latents.pt", _prepare_latents_flags, _prepare_latents),
    "train_dit": ("VS-DiT -> vsdit_final.pt", _train_dit_flags, _train_dit),
    "train_demo": ("the whole chain on synthetic shapes, in minutes", _train_demo_flags, _train_demo),
    "generate": ("prompts -> SVG files", _generate_flags, _generate),
    "export": ("two checkpoints -> the bf16 safetensors that are shipped", _export_flags, _export),
    "roundtrip": ("SVG -> rows -> SVG, with a report", _roundtrip_flags, _roundtrip),
    "evaluate": ("how good the samples are", _evaluate_flags, _evaluate),
    "benchmark": ("how fast it is", _benchmark_flags, _benchmark),
}
