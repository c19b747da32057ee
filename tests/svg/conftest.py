"""The reader is tested as it reads: before the canonical form, which has tests of its own."""

import pytest

from svgfusion_lib.utils.svg_parser import parse_svg


@pytest.fixture
def parsed(svg):
    return lambda body, *attributes: parse_svg(svg(body, *attributes), canonical=False)
