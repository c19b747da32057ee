"""Stages that edit SVG files."""

from collections.abc import Callable

from svgfusion_lib.cli.flags import (
    Add,
    Stages,
    checkpoints,
    device,
    library,
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
        add("--style", help="for a model of `train_dit --style_condition`")
    sampling(add)
    _model_flags(add)


def _model_flags(add: Add) -> None:
    """Flags of stages that use a model."""
    add("--output_dir", required=True)
    add("--snap", type=number, default=0.5, help="grid that near coordinates go to, of a canvas of 24; 0: off")
    checkpoints(add, by_prompt=True)
    device(add)


def _edits(function: str, what: str) -> Callable[..., None]:
    """A run that gives pipeline and config to a function of `library`, and says what it wrote.

    what: a format of its number of entries.
    """
    def run(**options) -> None:
        from dataclasses import replace

        snap = options.pop("snap")
        if not 0 <= snap <= 24:
            raise UserError(f"--snap is {snap}; it must be between 0 and 24")
        config = replace(sampling_config(options), snap=snap)
        pipeline = load_pipeline(options).choose(options.get("prompt") or "", options.get("style"))
        entries = library(function)(pipeline=pipeline, config=config, **options)
        print(f"{what.format(len(entries))}, samples.json and sheet.png in {options['output_dir']}")
        _tell_losses(entries[0])

    return run


def _tell_losses(entry: dict) -> None:
    """What the edited file, or files, lose, if anything."""
    for end in ("", "_b"):
        if entry.get(f"left_out{end}"):
            print(f"left out of {entry[f'svg{end}']}: {entry[f'left_out{end}']}")


def _vary_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--prompt", required=True, help="what to draw it towards")
    add("--strength", type=number, default=0.4, help="0: as it was, 1: drawn anew")
    add("--num_samples", type=int, default=8)
    add("--keep_style", action="store_true", help="colours, opacities and strokes stay")
    _shared_flags(add)


def _redraw_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--keep", required=True, type=int, nargs="+", metavar="LAYER", help="1 is the layer at the back")
    add("--prompt", required=True, help="what the whole icon shows")
    add("--num_samples", type=int, default=8)
    add("--keep_style", action="store_true", help="colours, opacities and strokes stay")
    add("--resample", type=int, default=0, metavar="ROUNDS", help="noise the result again and draw it to fit better")
    _shared_flags(add)


def _restyle_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--prompt", required=True, help="what the icon shows")
    add("--style", required=True, help="a style as captions name it, for instance tabler or lucide")
    add("--strength", type=number, default=0.4, help="0: as it was, 1: only the places of its parts stay")
    add("--move", action="store_true", help="parts may move and change their size: more of the style, less of the icon")
    add("--num_samples", type=int, default=8)
    _shared_flags(add, style=False)


def _palette_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE")
    add("--palette", required=True, nargs="+", metavar="COLOUR", help="#rgb or #rrggbb")
    add("--by", default="layers", help="nearest (colour), luminance, or layers: one after the other")
    add("--output_dir", required=True)


def _palette(**options) -> None:
    from svgfusion_lib.editing.files import recolour_svg

    entry = recolour_svg(**options)
    print(f"{options['output_dir']}/{entry['file']}")
    _tell_losses(entry)


def _morph_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE", help="from this file")
    add("--svg_b", required=True, metavar="FILE", help="to this one")
    add("--steps", type=int, default=8, help="frames, both ends among them")
    add("--match", default="boxes", help="which part goes to which of the other file: by boxes, or by order")
    _model_flags(add)


def _tidy_flags(add: Add) -> None:
    add("--svg", required=True, metavar="FILE_OR_FOLDER", help="an SVG file, or a folder of them")
    add("--output_dir", help="where the results go; a report, tidy.json, too")
    add("--in_place", action="store_true", help="write over the originals instead")
    add("--max_move", type=number, default=1.0, help="nothing moves further; the canvas has 24 of these units")
    add("--noise", type=number, help="errors of points that are undone, in units (default: as each drawing shows)")
    add("--without", nargs="+", default=[], metavar="RULE", help="rules that are not applied")


def _tidy(svg, output_dir, in_place, max_move, noise, without) -> None:
    from svgfusion_lib.tidying.files import in_words, tidy_files
    from svgfusion_lib.tidying.tidy import RULES, TidyConfig

    unknown = sorted(set(without) - set(RULES))
    if unknown:
        raise UserError(f"tidy: no rule {', '.join(map(repr, unknown))}; the rules are {', '.join(RULES)}")
    config = TidyConfig(max_move=max_move, noise=noise, **dict.fromkeys(without, False))
    report = tidy_files(svg, output_dir, in_place, config)
    for name, entry in report["files"].items():
        print(in_words(name, entry))


STAGES: Stages = {
    "vary": ("variations of an SVG file, as strong as you like", _vary_flags,
             _edits("editing.files:vary_svg", "{} variations, reconstruction.svg")),
    "redraw": ("keep some layers of an SVG file, draw the others", _redraw_flags,
               _edits("editing.files:redraw_svg", "{} drawings, reconstruction.svg")),
    "restyle": ("an SVG file in another style, its parts where they were", _restyle_flags,
                _edits("editing.files:restyle_svg", "{} drawings, reconstruction.svg")),
    "palette": ("an SVG file in the colours you give", _palette_flags, _palette),
    "tidy": ("anybody's SVG files with exact ends, lines, arcs and centres", _tidy_flags, _tidy),
    "morph": ("from one SVG file to another", _morph_flags, _edits("editing.files:morph_svgs", "{} frames, morph.svg")),
}
