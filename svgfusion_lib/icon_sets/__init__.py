"""Sets of icons: one for each word, in one style and one visual weight, in the forms that front ends take.

    drawing    draw_set   words -> IconSet: for each word several drawings, the best one chosen
    evening    even_out   drawings with one pen, one optical size, in the middle of the canvas
    names      safe_names words -> names that files, ids and components can have
    exports    one drawing as SVG, symbol, Iconify icon, React or Vue component
    page       a page to look at the set and to choose other drawings
    files      write_set, read_set, swap_icons

    icons = draw_set(SVGFusionPipeline.from_pretrained(), ["house", "bell", "search"], style="tabler")
    icons.swap("bell", 3)
    write_set(icons, "icons")
"""

from svgfusion_lib.icon_sets.drawing import IconSet, SetIcon, draw_set
from svgfusion_lib.icon_sets.files import read_set, swap_icons, write_set
from svgfusion_lib.icon_sets.names import safe_names

__all__ = ["IconSet", "SetIcon", "draw_set", "read_set", "safe_names", "swap_icons", "write_set"]
