"""Stages that edit SVG files."""

from collections.abc import Callable

from svgfusion_lib.cli.flags import (
    Add,
    Stages,
    checkpoints,
    device,
    import_function,
    load_pipeline,
    number,
    sampling,
    sampling_config,
)
from svgfusion_lib.errors import UserError


def _shared_flags(add: Add, style: bool = True) -> None:
    """Flags of stages that draw."""
    add("--seed", type=int, default=0)
    if style:
        add("--style", help="style to draw in, such as tabler or twemoji")
    sampling(add)
    _model_flags(add)


def _model_flags(add: Add) -> None:
    """Flags of stages that use a model."""
    add("--output_dir", required=True)
    add("--snap", type=number, default=0.5, help="grid that nearby coordinates snap to, on a canvas 24 wide; 0: off")
    checkpoints(add, by_prompt=True)
    device(add)


def _edit_stage(stage: str, function: str, what: str) -> Callable[..., None]:
    """Return a stage function that runs a function of the library with a pipeline and config and prints a summary.

    what: format string for the number of entries.
    """
    def run(**options) -> None:
        from dataclasses import replace

        from svgfusion_lib.system.outputs import claim_folder

        snap = options.pop("snap")
        if not 0 <= snap <= 24:
            raise UserError(f"--snap is {snap}; it must be between 0 and 24")
        config = replace(sampling_config(options), snap=snap)
        with claim_folder(options["output_dir"], stage, options["svg"], options.get("svg_b")):  # fail before any work
            pipeline = load_pipeline(options)
            entries = import_function(function)(pipeline=pipeline, config=config, **options)
        print(f"{what.format(len(entries))}, samples.json and sheet.png in {options['output_dir']}")
        _print_left_out(entries[0])

    return run


def _print_left_out(entry: dict) -> None:
    """Print what could not be read from the edited files, if anything."""
    for end in ("", "_b"):
        if entry.get(f"left_out{end}"):
            print(f"left out of {entry[f'svg{end}']}: {entry[f'left_out{end}']}")


def _vary_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--prompt", required=True, help="what the variations should show")
    add("--strength", type=number, default=0.4, help="0: unchanged, 1: a new drawing")
    add("--num_samples", type=int, default=8)
    add("--keep_style", action="store_true", help="keep colours, opacities and strokes")
    _shared_flags(add)


def _redraw_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--keep", required=True, type=int, nargs="+", metavar="LAYER", help="layers to keep; 1 is the bottom layer")
    add("--prompt", required=True, help="what the whole icon shows")
    add("--num_samples", type=int, default=8)
    add("--keep_style", action="store_true", help="keep colours, opacities and strokes")
    add("--resample", type=int, default=0, metavar="ROUNDS", help="resampling rounds, for a better fit")
    _shared_flags(add)


def _restyle_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--prompt", required=True, help="what the icon shows")
    add("--style", required=True, help="a style as named in captions, such as tabler or lucide")
    add("--strength", type=number, default=0.4, help="0: unchanged, 1: only the positions of parts are kept")
    add("--move", action="store_true", help="let parts move and resize: closer to the style, further from the icon")
    add("--num_samples", type=int, default=8)
    _shared_flags(add, style=False)


def _palette_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--palette", required=True, nargs="+", metavar="COLOUR", help="#rgb or #rrggbb")
    add("--by", default="layers", help="assign colours by nearest (colour), luminance, or layers (in turn)")
    add("--output_dir", required=True)


def _palette(**options) -> None:
    from svgfusion_lib.editing.files import recolour_svg

    entry = recolour_svg(**options)
    print(f"{options['output_dir']}/{entry['file']}")
    _print_left_out(entry)


def _morph_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE", help="the start of the morph")
    add("--svg_b", required=True, metavar="FILE", help="the end of the morph")
    add("--steps", type=int, default=8, help="number of frames, both ends included")
    add("--match", default="boxes", help="how to match parts of the two files: boxes or order")
    _model_flags(add)


def _tidy_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE_OR_FOLDER", help="an SVG file, or a folder of them")
    add("--output_dir", help="output folder for the results and a report, tidy.json")
    add("--in_place", action="store_true", help="overwrite the originals instead")
    add("--max_move", type=number, default=1.0, help="furthest that a point may move, on a canvas 24 wide")
    add("--noise", type=number, help="size of point errors to undo, same units (default: estimated per drawing)")
    add("--without", nargs="+", default=[], metavar="RULE", help="rules to skip")


def _tidy(svg, output_dir, in_place, max_move, noise, without) -> None:
    from svgfusion_lib.tidying.files import summary_line, tidy_files
    from svgfusion_lib.tidying.tidy import RULES, TidyConfig

    unknown = sorted(set(without) - set(RULES))
    if unknown:
        raise UserError(f"tidy: no rule {', '.join(map(repr, unknown))}; the rules are {', '.join(RULES)}")
    config = TidyConfig(max_move=max_move, noise=noise, **dict.fromkeys(without, False))
    report = tidy_files(svg, output_dir, in_place, config)
    for name, entry in report["files"].items():
        print(summary_line(name, entry))


STAGES: Stages = {
    "vary": ("draw variations of an SVG file, slight or strong", _vary_flags,
             _edit_stage("vary", "editing.files:vary_svg", "{} variations, reconstruction.svg")),
    "redraw": ("keep some layers of an SVG file, redraw the others", _redraw_flags,
               _edit_stage("redraw", "editing.files:redraw_svg", "{} drawings, reconstruction.svg")),
    "restyle": ("redraw an SVG file in another style, keeping its parts in place", _restyle_flags,
                _edit_stage("restyle", "editing.files:restyle_svg", "{} drawings, reconstruction.svg")),
    "palette": ("recolour an SVG file with a palette", _palette_flags, _palette),
    "tidy": ("make ends, lines, arcs and centres of any SVG files exact", _tidy_flags, _tidy),
    "morph": (
        "morph one SVG file into another", _morph_flags,
        _edit_stage("morph", "editing.files:morph_svgs", "{} frames, morph.svg"),
    ),
}
