"""Stages that make, fetch and prepare data."""

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
    add("--packs", nargs="+", required=True, metavar="PACK", help="for instance tabler lucide")
    add("--output_dir", default="data/packs")


def _fetch_packs(**options) -> None:
    from svgfusion_lib.corpus.packs import fetch_packs

    for folder in fetch_packs(**options):
        print(folder)


def _prepare_dataset_flags(add: Add) -> None:
    add("--output_dir", required=True)
    add("--svg_dir", help="a folder of your own SVGs (captions.csv beside them, or file names as captions)")
    add("--packs", nargs="+", metavar="PACK")
    add("--packs_dir", default="data/packs")
    add("--held_out_packs", nargs="+", metavar="PACK", help="packs that are never trained on")
    add("--dataset", help="a table file (.parquet, .jsonl, .json, .csv) or the name of a Hugging Face dataset")
    add("--svg_column", default="svg")
    add("--caption_column", default="caption")
    add("--dataset_split", default="train")
    add("--dataset_rows", type=int, help="rows of the dataset that are read (default: all)")
    add("--stroke_only", action=argparse.BooleanOptionalAction,
        help="keep line icons only: of folders and datasets too, or of nothing (default: of line packs)")
    add("--max_rows", type=int)
    add("--max_files", type=int)
    add("--max_variants", type=count_or_all, default=2, help="skin tones and genders of one name, a number or `all`")
    add("--near_duplicates", action=argparse.BooleanOptionalAction, default=True,
        help="keep one of the pictures that look nearly the same")
    add("--keywords", action=argparse.BooleanOptionalAction, default=True,
        help="captions of packs with other words for the name")
    add("--one_style", action=argparse.BooleanOptionalAction, default=True,
        help="of line packs keep the style that the pack is known for")
    add("--hold_out", action=argparse.BooleanOptionalAction, default=True,
        help="keep some names, and some names of single packs, from training")
    add("--whole", action=argparse.BooleanOptionalAction, default=True,
        help="leave out files of which rows cannot show all: text, pictures, filters")
    add("--seed", type=int, default=0, help="of the choice of names of single packs")
    add("--num_parts", type=int, default=0, help="captions of each SVG that are parts of its name")
    add("--moved_copies", action="store_true", help="mirrored and turned copies, named for what they show")
    add("--originals", action="store_true",
        help="write the files themselves, without scripts, links and addresses, rather than what their rows draw")
    add("--processes", type=int, help="default: one for each core")


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
    add("--renderings", type=int, default=1, help="stages of an SVG whose renderings are encoded, the whole among them")
    add("--processes", type=int, help="default: one for each core")


def _preprocess(**options) -> None:
    from svgfusion_lib.corpus.preprocess import left_out, preprocess

    print(preprocess(**options))
    print(left_out(options["precomputed_dir"]), end="")


STAGES: Stages = {
    "create_dummy_data": ("captioned synthetic shapes", _create_dummy_data_flags, _create_dummy_data),
    "fetch_packs": ("icon packs by npm, pinned and hash-checked", _fetch_packs_flags, _fetch_packs),
    "prepare_dataset": ("clean, deduplicate, caption and split SVGs", _prepare_dataset_flags, _prepare_dataset),
    "preprocess": ("SVGs -> cache.pt: rows, captions, pixel tokens", _preprocess_flags, _preprocess),
}
