"""Parse without canonicalisation, which has its own tests."""

import pytest

from svgfusion_lib.utils.svg_parser import parse_svg


@pytest.fixture
def parsed(svg):
    return lambda body, *attributes: parse_svg(svg(body, *attributes), canonical=False)
