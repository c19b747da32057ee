"""Drawings brought into order by rules that real icons satisfy; a button's, a command's, or a model's last step.

    tidy_rows  rows -> rows, by all rules that a TidyConfig asks for, with what was moved and by how much
    tidy_svg   an SVG's text -> the same
"""

from svgfusion_lib.tidying.files import tidy_svg
from svgfusion_lib.tidying.tidy import Tidied, TidyConfig, tidy_rows

__all__ = ["Tidied", "TidyConfig", "tidy_rows", "tidy_svg"]
