"""Sampling and evaluation stages."""

import argparse
from collections.abc import Iterable, Sequence
from functools import partial

from svgfusion_lib.cli.flags import (
    Add,
    Stages,
    candidates,
    checkpoints,
    count_or_all,
    device,
    load_pipeline,
    number,
    print_result,
    sampling,
    sampling_config,
)
from svgfusion_lib.config import COMMON, SPLITS, SamplingConfig
from svgfusion_lib.errors import UserError


def _generate_flags(add: Add) -> None:
    add("--prompt", action="append", default=[], help="may be repeated")
    add("--prompts", metavar="FILE", help="text file with one prompt per line")
    add("--style", help="style of all samples, such as tabler or twemoji")
    add("--num_samples", type=int, help="samples per prompt (1), or random samples of --ckpt_path (5)")
    add("--output_dir", "--out_dir", dest="output_dir", required=True)
    add("--seed", type=int, default=0)
    add("--name_layers", action="store_true", help="name layer ids after words of the prompt where the match is clear")
    sampling(add)
    candidates(add)
    checkpoints(add, by_prompt=True)
    device(add)
    add("--ckpt_path", help="a VP-VAE checkpoint: write reconstructions and random samples instead")
    add("--precomputed_dir", help="cache for --ckpt_path")
    add("--num_eval", type=int, default=5, help="number of reconstructions for --ckpt_path")


def _generate(
    prompt, prompts, style, num_samples, output_dir, seed, name_layers, ckpt_path, precomputed_dir, num_eval, **options
) -> None:
    if (ckpt_path is None) != (precomputed_dir is None):
        raise UserError("--ckpt_path and --precomputed_dir must be given together")
    unused = {"--prompt": prompt, "--prompts": prompts, "--style": style, "--name_layers": name_layers}
    if ckpt_path is not None and any(unused.values()):
        given = ", ".join(flag for flag, value in unused.items() if value)
        raise UserError(f"--ckpt_path draws no prompts; leave out {given}, or give --model instead")
    if ckpt_path is None and not prompt and prompts is None:
        raise UserError("no prompt given; use --prompt TEXT or --prompts FILE")
    from svgfusion_lib.editing import explain
    from svgfusion_lib.evaluation.vae import reconstruct_and_sample
    from svgfusion_lib.generate import generate, read_prompts

    if ckpt_path is not None:
        count = 5 if num_samples is None else num_samples
        written = reconstruct_and_sample(ckpt_path, precomputed_dir, output_dir, num_eval, count, seed)
        print(f"{len(written['recon'])} reconstructions and {len(written['random'])} random samples in {output_dir}")
        return
    config = sampling_config(options)
    texts = prompt + (read_prompts(prompts) if prompts is not None else [])
    count = 1 if num_samples is None else num_samples
    pipeline = load_pipeline(options)
    finish = partial(explain.name_layers, pipeline) if name_layers else None
    entries = generate(pipeline, texts, output_dir, count, seed, config, style, finish)
    _tell_unknown(word for entry in entries for word in entry["unknown_words"])
    doubtful = [entry["file"] for entry in entries if entry["doubtful"]]
    if doubtful:
        print(f"unlike the training icons of that name: {', '.join(doubtful)}; try another seed or style")
    print(f"{len(entries)} SVG files, samples.json and sheet.png in {output_dir}")


def _set_flags(add: Add) -> None:
    add("--words", metavar="FILE", help="text file with one word or name per line")
    add("--output_dir", required=True)
    add("--style", help="style of all icons (default: the model's own if it was fine-tuned, else tabler or twemoji)")
    add("--swap", nargs="+", metavar="NAME=NUMBER", help="replace icons in --output_dir by other candidates")
    add("--seed", type=int, default=0)
    sampling(add)
    candidates(add)
    checkpoints(add, by_prompt=True)
    device(add)


def _tell_unknown(words: Iterable[str]) -> None:
    if unknown := dict.fromkeys(words):
        print(f"words unknown to the models: {', '.join(unknown)}; drawn as something similar")


_SET_DEFAULTS = {"seed": 0, "candidates": SamplingConfig.candidates, "device": "cpu"}  # others: None


def _set(words, output_dir, swap, **options) -> None:
    if (words is None) == (swap is None):
        raise UserError("give --words to draw a set, or --swap to change one")
    if swap is not None:
        drawing = [f"--{name}" for name, value in options.items() if value != _SET_DEFAULTS.get(name)]
        if drawing:
            raise UserError(f"--swap draws nothing; leave out {', '.join(drawing)}")
    style, seed, config = options.pop("style"), options.pop("seed"), sampling_config(options)
    from svgfusion_lib.icon_sets.drawing import draw_set
    from svgfusion_lib.icon_sets.files import STAGE, swap_icons, write_set

    if words is None:
        swap_icons(output_dir, _swaps(swap))
        print(f"swapped {', '.join(swap)}: rewrote all files in {output_dir}")
        return
    from svgfusion_lib.generate import read_prompts
    from svgfusion_lib.system.outputs import claim_folder

    with claim_folder(output_dir, STAGE, words):  # fail before any work
        pipeline = load_pipeline(options)
        icons = draw_set(pipeline, read_prompts(words), style, seed, config)
        write_set(icons, output_dir, words)
    before, after = icons.before, icons.after
    _tell_unknown(word for icon in icons.icons for word in pipeline.unknown_words(icon.word, icons.style))
    doubtful = [icon.name for icon in icons.icons if icon.doubtful]
    if doubtful:
        print(f"unlike the training icons of that name: {', '.join(doubtful)}; choose other drawings of these")
    print(
        f"{len(icons.icons)} icons; spread of optical size {before.size_spread:.3f} -> {after.size_spread:.3f}, of"
        f" ink {before.ink_spread:.3f} -> {after.ink_spread:.3f}, stroke widths {before.pens} -> {after.pens}\n"
        f"{output_dir}: svg/, sprite.svg, icons.json, react/, vue/; open index.html to choose other drawings"
    )


def _swaps(texts: Sequence[str]) -> dict[str, int]:
    swaps: dict[str, int] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        if not name or not number.isdigit():
            raise UserError(f"--swap takes NAME=NUMBER, for instance house=3, not {text[:60]!r}")
        if name in swaps:
            raise UserError(f"--swap names {name[:60]!r} twice; give one number for it")
        swaps[name] = int(number)
    return swaps


def _export_flags(add: Add) -> None:
    add("--vae_checkpoint", required=True)
    add("--dit_checkpoint", required=True)
    add("--output_dir", required=True, help="folder for model.safetensors, names.safetensors and model.json")
    add("--nearest_name", action=argparse.BooleanOptionalAction, default=True,
        help="include name vectors for nearest-name lookup of unseen prompts")
    add("--precomputed_dir", help="cache of the training icons: reference pictures of each name, for the ranker")


def _export(
    vae_checkpoint: str, dit_checkpoint: str, output_dir: str, nearest_name: bool, precomputed_dir: str | None
) -> None:
    from svgfusion_lib.pipeline import SVGFusionPipeline

    pipeline = SVGFusionPipeline.from_pretrained(vae=vae_checkpoint, dit=dit_checkpoint)
    if precomputed_dir is not None:
        pipeline.known_names = pipeline.ranker.add_pictures(pipeline.known_names, precomputed_dir)
    print(pipeline.save_pretrained(output_dir, nearest_name=nearest_name))


def _roundtrip_flags(add: Add) -> None:
    add("--svg_dir", required=True)
    add("--out_dir", required=True)
    add("--pattern", default="*.svg")
    add("--max_files", type=int, help="test a random subset of this size")
    add("--processes", type=int, help="default: one per core")


def _roundtrip(**options) -> None:
    from svgfusion_lib.experiments.roundtrip import roundtrip

    summary = roundtrip(**options)
    print(f"{summary['parsed']} of {summary['files']} SVGs parsed", end="; ")
    if "ssim" in summary:
        print(f"SSIM {summary['ssim']['mean']:.4f}, at least .98 for {summary['share_ssim_0.98']:.2%}", end="; ")
    print(f"{options['out_dir']}/report.json")


def _evaluate_flags(add: Add) -> None:
    """Flags read by `_evaluation_config`; defaults are those of EvaluationConfig."""
    add("--output_dir", required=True)
    add("--precomputed_dir", required=True, help="cache of the icons to compare with")
    add("--num_prompts", type=int, help="prompts per domain and split (100)")
    add("--splits", nargs="+", choices=(*SPLITS, COMMON), help="default: all in the cache")
    add("--packs", nargs="+", metavar="PACK", help="default: all in the cache")
    add("--styles", action="store_true", default=None, help="also request the style of the icon's pack")
    add("--icon_head", help="the evaluator, from train_icon_head (default: the shipped one)")
    add("--pixel_encoder", help="encoder for distances (efficientnet-lite0); or a DINOv2 hub name or folder")
    add("--max_reference", type=int, help="size of the reference set for distances (500)")
    add("--seed", type=int)
    sampling(add)
    candidates(add)
    checkpoints(add)
    device(add)


def _evaluation_config(options: dict):
    """Pop the values of `_evaluate_flags`, except folders and checkpoints, into an EvaluationConfig."""
    from dataclasses import fields

    from svgfusion_lib.config import EvaluationConfig

    options["sampling"] = sampling_config(options)
    given = {f.name: options.pop(f.name) for f in fields(EvaluationConfig)}
    return EvaluationConfig(**{name: value for name, value in given.items() if value is not None})


def _evaluate(**options) -> None:
    from svgfusion_lib.evaluation.evaluate import evaluate

    evaluate(config=_evaluation_config(options), **options)
    print(f"{options['output_dir']}/report.md")


def _sweep_flags(add: Add) -> None:
    add("--vary", action="append", required=True, metavar="NAME=VALUE,VALUE",
        help="cfg_scale=1,2,4, sampler=ddim,dpm++, ...; may be repeated")
    _evaluate_flags(add)


def _sweep(vary, **options) -> None:
    from svgfusion_lib.evaluation.sweep import read_settings, sweep, sweep_table

    settings = read_settings(vary)
    print(sweep_table(sweep(settings=settings, config=_evaluation_config(options), **options)), end="")


def _benchmark_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--batch_sizes", type=int, nargs="+", default=[1, 4, 16], help="batch sizes to sample with")
    add("--steps", type=int, nargs="+", default=[5, 10, 20, 50, 100], help="sampler steps")
    add("--repeats", type=int, default=3, help="runs per measurement; the median is reported")
    add("--svg_dir", help="SVGs to parse, render and train on (default: synthetic)")
    checkpoints(add)
    device(add)


def _benchmark(**options) -> None:
    from svgfusion_lib.experiments.benchmark import benchmark

    benchmark(**options)
    print(f"{options['output_dir']}/report.md")


def _evaluate_vae_flags(add: Add) -> None:
    add("--vae_checkpoint", required=True)
    add("--precomputed_dir", required=True)
    add("--output_dir", required=True)
    add("--split", default="held_out", choices=("held_out", "train"))
    add("--max_files", type=count_or_all, default=500, help="a number, or `all`")
    add("--seed", type=int, default=0)
    device(add)


def _evaluate_vae(**options) -> None:
    from svgfusion_lib.evaluation.vae import evaluate_vae

    report = evaluate_vae(**options)
    mean, sample, blank = (report[f"ssim_{kind}"]["mean"] for kind in ("from_mean", "from_sample", "of_blank"))
    print(
        f"{report['svgs']} {report['split']} SVGs: SSIM {mean:.4f} from the mean, {sample:.4f} from a sample,"
        f" {blank:.2f} for a blank picture; {options['output_dir']}/report.json"
    )


def _train_icon_head_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--packs", nargs="+", metavar="PACK", help="default: the packs that no generator is trained on")
    add("--packs_dir", default="data/packs")
    add("--num_steps", type=int, default=1500)
    add("--batch_size", type=int, default=256, help="names per batch")
    add("--width", type=int, default=128, help="embedding width")
    add("--min_packs", type=int, default=2, help="use names drawn by at least this many packs; 1 for a ranker")
    add("--weighted", action="store_true", help="sample names in proportion to the number of packs that draw them")
    add("--lr", type=number, default=1.0e-3, help="initial learning rate; decays linearly to 0")
    add("--seed", type=int, default=0)


def _train_realism_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--head", help="from train_icon_head, with the names of its packs (default: the shipped ranker)")
    add("--models", nargs="+", metavar="MODEL", help="shipped models whose drawings to learn from (default: all)")
    add("--packs_dir", default="data/packs")
    add("--drawings", type=int, default=3000, help="limit of drawings per model, and of real icons")
    add("--num_steps", type=int, default=1000)
    add("--batch_size", type=int, default=256, help="pictures per batch")
    add("--lr", type=number, default=1.0e-3, help="initial learning rate; decays linearly to 0")
    add("--seed", type=int, default=0)


STAGES: Stages = {
    "train_icon_head": (
        "train the evaluator, or a ranker, to match icons with their names", _train_icon_head_flags,
        print_result("experiments.train_icon_head:train_icon_head"),
    ),
    "train_realism": (
        "train a ranker to tell real icons from generated ones", _train_realism_flags,
        print_result("experiments.train_realism:train_realism"),
    ),
    "evaluate_vae": ("measure VP-VAE reconstruction of held-out SVGs", _evaluate_vae_flags, _evaluate_vae),
    "generate": ("prompts -> SVG files", _generate_flags, _generate),
    "set": ("a word list -> a set of icons in one style, for front ends", _set_flags, _set),
    "export": ("two checkpoints -> bf16 safetensors, as shipped", _export_flags, _export),
    "roundtrip": ("SVG -> rows -> SVG, with a report", _roundtrip_flags, _roundtrip),
    "evaluate": ("measure sample quality", _evaluate_flags, _evaluate),
    "sweep": ("measure sample quality over settings of the sampler", _sweep_flags, _sweep),
    "benchmark": ("measure speed", _benchmark_flags, _benchmark),
}
