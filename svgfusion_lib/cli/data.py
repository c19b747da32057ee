"""Data stages: create, download and prepare."""

import argparse

from svgfusion_lib.cli.flags import Add, Stages, count_or_all


def _create_dummy_data_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--num_samples", type=int, default=50)
    add("--seed", type=int, default=0)


def _create_dummy_data(**options) -> None:
    from svgfusion_lib.corpus.dummy import create_dummy_data

    records = create_dummy_data(**options)
    print(f"{len(records)} captioned SVGs in {options['output_dir']}")


def _fetch_packs_flags(add: Add) -> None:
    add("--packs", nargs="+", required=True, metavar="PACK", help="icon packs by name, such as tabler lucide")
    add("--output_dir", default="data/packs")


def _fetch_packs(**options) -> None:
    from svgfusion_lib.corpus.packs import fetch_packs

    for folder in fetch_packs(**options):
        print(folder)


def _prepare_dataset_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--svg_dir", help="folder of your own SVGs (captions from captions.csv in it, or from file names)")
    add("--packs", nargs="+", metavar="PACK")
    add("--packs_dir", default="data/packs")
    add("--held_out_packs", nargs="+", metavar="PACK", help="packs never used for training")
    add("--dataset", help="a table file (.parquet, .jsonl, .json, .csv) or the name of a Hugging Face dataset")
    add("--svg_column", default="svg")
    add("--caption_column", default="caption")
    add("--dataset_split", default="train")
    add("--dataset_rows", type=int, help="rows of the dataset to read (default: all)")
    add("--stroke_only", action=argparse.BooleanOptionalAction,
        help="keep only line icons, in folders and datasets too; --no-: nowhere (default: in line packs only)")
    add("--max_rows", type=int)
    add("--max_files", type=int)
    add("--max_variants", type=count_or_all, default=2, help="skin tones and genders kept per name, a number or `all`")
    add("--near_duplicates", action=argparse.BooleanOptionalAction, default=True,
        help="keep only one of several nearly identical pictures")
    add("--keywords", action=argparse.BooleanOptionalAction, default=True,
        help="add captions with synonyms of the name, for packs")
    add("--one_style", action=argparse.BooleanOptionalAction, default=True,
        help="keep only the main style of line packs")
    add("--hold_out", action=argparse.BooleanOptionalAction, default=True,
        help="hold out some names, and some names of single packs, from training")
    add("--whole", action=argparse.BooleanOptionalAction, default=True,
        help="skip files that rows cannot represent fully: text, pictures, filters")
    add("--seed", type=int, default=0, help="random seed for the names held out of single packs")
    add("--num_parts", type=int, default=0, help="captions per SVG made of parts of its name")
    add("--moved_copies", action="store_true", help="add mirrored and rotated copies, named for what they show")
    add("--processes", type=int, help="default: one per core")


def _prepare_dataset(**options) -> None:
    from svgfusion_lib.corpus.prepare_dataset import prepare_dataset

    total = prepare_dataset(**options)["total"]
    splits = [f"{total['train']} train", f"{total['held_out']} held out"]
    if total["unseen_pair"]:
        splits.append(f"{total['unseen_pair']} unseen pairs")
    if total["held_out_pack"]:
        splits.append(f"{total['held_out_pack']} of held-out packs")
    print(f"{total['kept']} SVGs in {options['output_dir']}: {', '.join(splits)}")


def _preprocess_flags(add: Add) -> None:
    add("--svg_dir", required=True)
    add("--pattern", default="*.svg")
    add("--precomputed_dir", required=True)
    add("--max_files", type=count_or_all, default=300, help="a number, or `all`")
    add("--pixel_encoder", default="efficientnet-lite0", help="or a DINOv2 hub name or folder, or `none`")
    add("--renderings", type=int, default=1, help="stages of each SVG to render and encode, the whole included")
    add("--processes", type=int, help="default: one per core")


def _preprocess(**options) -> None:
    from svgfusion_lib.corpus.preprocess import left_out_message, preprocess

    print(preprocess(**options))
    print(left_out_message(options["precomputed_dir"]), end="")


STAGES: Stages = {
    "create_dummy_data": ("captioned synthetic shapes", _create_dummy_data_flags, _create_dummy_data),
    "fetch_packs": ("download icon packs from npm, pinned and hash-checked", _fetch_packs_flags, _fetch_packs),
    "prepare_dataset": ("clean, deduplicate, caption and split SVGs", _prepare_dataset_flags, _prepare_dataset),
    "preprocess": ("SVGs -> cache.pt: rows, captions, pixel tokens", _preprocess_flags, _preprocess),
}
