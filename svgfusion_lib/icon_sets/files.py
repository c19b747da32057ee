"""Stage `set`: writes a set of icons to files, and swaps in other candidates."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from svgfusion_lib.errors import UserError
from svgfusion_lib.icon_sets import exports
from svgfusion_lib.icon_sets.drawing import IconSet, SetIcon
from svgfusion_lib.icon_sets.evening import CommonStyle, EvennessMeasures
from svgfusion_lib.icon_sets.names import NAME, component_name, safe_names
from svgfusion_lib.icon_sets.page import page
from svgfusion_lib.system.files import read_json, write_json, write_text
from svgfusion_lib.system.outputs import finish_pending_moves, output_set
from svgfusion_lib.utils.render import contact_sheet

SET_NAME, SET_KIND, STAGE = "set.json", "set of icons", "set"
SHEET_COLUMNS = 8


def write_set(
    icons: IconSet, output_dir: str | Path, *inputs: str | Path | None, current_colour: bool = True
) -> Path:
    """Write a set to a folder and return the folder.

    Files: svg/NAME.svg; sprite.svg; icons.json (Iconify); react/ and vue/, a component per icon and an index.js;
    sheet.png; index.html, the page; set.json with all candidates. If all icons have the same single colour, it
    becomes `currentColor`, unless current_colour is False. inputs: files that must not be in the folder.
    """
    output_dir = Path(output_dir)
    name = safe_names([output_dir.resolve().name])[0]
    drawings = {icon.name: exports.read_drawing(icon.svg, icon.name) for icon in icons.icons}
    colours = {drawing.colour for drawing in drawings.values()}
    colour = exports.CURRENT if current_colour and len(colours) == 1 and None not in colours else None
    drawings = {key: exports.recoloured(drawing, colour) for key, drawing in drawings.items()}
    with output_set(output_dir, STAGE, *inputs, replace=True) as folder:
        for icon in icons.icons:
            layered = exports.read_drawing(icon.svg, icon.name, keep_layers=True)
            write_text(folder / "svg" / f"{icon.name}.svg", exports.svg_file(exports.recoloured(layered, colour)))
        write_text(folder / "sprite.svg", exports.sprite(drawings))
        write_json(folder / "icons.json", exports.iconify(name, drawings))
        for key, drawing in drawings.items():
            write_text(folder / "react" / f"{component_name(key)}.jsx", exports.react_component(key, drawing))
            write_text(folder / "vue" / f"{component_name(key)}.vue", exports.vue_component(drawing))
        write_text(folder / "react" / "index.js", exports.react_index(list(drawings)))
        write_text(folder / "react" / "index.d.ts", exports.react_types(list(drawings)))
        write_text(folder / "vue" / "index.js", exports.vue_index(list(drawings)))
        write_text(folder / "index.html", page(icons, name, output_dir.resolve().name))
        svgs = [icon.svg for icon in icons.icons]
        sheet = [svgs[k : k + SHEET_COLUMNS] for k in range(0, len(svgs), SHEET_COLUMNS)]
        contact_sheet(sheet, folder / "sheet.png", cell=112)
        write_json(folder / SET_NAME, asdict(icons), SET_KIND)
    return output_dir


def read_set(output_dir: str | Path) -> IconSet:
    """Read the set that `write_set` wrote to a folder; UserError if there is none or its file is damaged."""
    finish_pending_moves(output_dir)
    path = Path(output_dir) / SET_NAME
    remedy = "draw the set with `svgfusion set --words FILE`"
    if not path.is_file():
        raise UserError(f"{path}: no such file; {remedy}")
    content = read_json(path, SET_KIND, remedy)
    try:
        icons = [SetIcon(**each) for each in content["icons"]]
        icon_set = IconSet(
            content["style"], icons, CommonStyle(**content["common"]), EvennessMeasures(**content["before"]),
            EvennessMeasures(**content["after"]), content["settings"],
        )
        texts = [text for icon in icons for text in (icon.word, *icon.candidates, *icon.drawn_for)]
        sound = all(isinstance(text, str) for text in texts) and icons and all(
            NAME.fullmatch(icon.name) and type(icon.chosen) is int
            and len(icon.candidates) == len(icon.drawn_for) > icon.chosen >= 0
            for icon in icons
        ) and len({component_name(icon.name).casefold() for icon in icons}) == len(icons)
        f"{icon_set.common.pen or 0:g} {icon_set.common.size:g}"  # ValueError for non-numbers
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: is not a set of icons ({error}); {remedy}") from error
    if not sound:
        raise UserError(f"{path}: is not a set of icons; {remedy}")
    return icon_set


def swap_icons(output_dir: str | Path, swaps: Mapping[str, int]) -> IconSet:
    """Choose other candidates, by icon name and number (1, 2, ...), and rewrite all files."""
    icons = read_set(output_dir)
    for name, number in swaps.items():
        icons.swap(name, number)
    write_set(icons, output_dir)
    return icons
