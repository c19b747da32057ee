"""Tidies drawings by rules that real icons satisfy; used by the gallery, a command, and as a model's last step.

    tidy_rows  rows -> tidied rows, by all rules of a TidyConfig, with what was moved and by how much
    tidy_svg   the same for SVG text
"""

from svgfusion_lib.tidying.files import tidy_svg
from svgfusion_lib.tidying.tidy import TidyConfig, TidyResult, tidy_rows

__all__ = ["TidyConfig", "TidyResult", "tidy_rows", "tidy_svg"]
