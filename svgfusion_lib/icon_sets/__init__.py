"""Icon sets: one icon per word, in one style and one visual weight, exported in the formats that front ends use.

    drawing    draw_set   words -> IconSet: several candidates per word, the best one chosen
    evening    even_out   drawings with the same stroke width and optical size, centred on the canvas
    names      safe_names words -> names for files, ids and components
    exports    one drawing as SVG, symbol, Iconify icon, React or Vue component
    page       an HTML page to view the set and choose other candidates
    files      write_set, read_set, swap_icons

    icons = draw_set(SVGFusionPipeline.from_pretrained(), ["house", "bell", "search"], style="tabler")
    icons.swap("bell", 3)
    write_set(icons, "icons")
"""

from svgfusion_lib.icon_sets.drawing import IconSet, SetIcon, draw_set
from svgfusion_lib.icon_sets.files import read_set, swap_icons, write_set
from svgfusion_lib.icon_sets.names import safe_names

__all__ = ["IconSet", "SetIcon", "draw_set", "read_set", "safe_names", "swap_icons", "write_set"]
