"""What the tests of the parser share: SVG text -> what is written for its rows, counts, likeness of pictures."""

from collections.abc import Callable

import numpy as np
import pytest

from svgfusion_lib.utils.metrics import mean_absolute_error, ssim
from svgfusion_lib.utils.render import RENDERERS
from svgfusion_lib.utils.svg_parser import ParsedSVG, parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

_INITIAL = (' fill="#000"', ' stroke-width="1"', ' gradientUnits="userSpaceOnUse"')  # not said in expectations


@pytest.fixture(scope="session")
def svg() -> Callable[..., str]:
    """svg(body, attributes): a whole document."""

    def document(body: str, attributes: str = 'viewBox="0 0 24 24"') -> str:
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f"{attributes}>{body}</svg>"
        )

    return document


@pytest.fixture(scope="module")
def pipeline():
    """The shipped model."""
    from svgfusion_lib.sampling import load_pipeline

    return load_pipeline()


@pytest.fixture
def session(pipeline):
    """A gallery's, nothing drawn yet."""
    from svgfusion_lib.gallery import Session

    return Session({"line": pipeline}, ["tabler", "lucide"])


@pytest.fixture(scope="session")
def cart_file() -> bytes:
    """An SVG file of a shopping cart: a circle and two paths."""
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="2">'
        b'<circle cx="6" cy="19" r="2"/><path d="M17 17H6V3H4"/><path d="m6 5l14 1l-1 7H6"/></svg>'
    )


@pytest.fixture(scope="session")
def parsed(svg) -> Callable[..., ParsedSVG]:
    """parsed(body, attributes): rows and counts of a document."""
    return lambda body, *attributes: parse_svg(svg(body, *attributes))


@pytest.fixture(scope="session")
def drawn(parsed) -> Callable[..., list[str]]:
    """drawn(body, attributes): the elements written for its rows on a canvas of 24 x 24, gradients first.

    Attributes that stand on the root are among the elements' own; ids of layers and a black fill or a stroke
    width of 1, which are SVG's initial values, are left out.
    """

    def elements(body: str, *attributes: str) -> list[str]:
        lines = rows_to_svg(parsed(body, *attributes).rows).splitlines()
        shared = lines[0].split('viewBox="0 0 24 24"')[1].rstrip(">")
        found = []
        for line in map(str.strip, lines[1:-1]):
            if line.startswith("<") and "defs>" not in line:
                tag, name, rest = line.split(" ", 2)
                is_layer = name.startswith('id="layer-')
                line = f"{tag} {rest[:-2]}{shared}/>" if is_layer else line
                for attribute in _INITIAL:
                    line = line.replace(attribute, "")
                found.append(line)
        return found

    return elements


@pytest.fixture(scope="session")
def assert_alike(svg) -> Callable[..., None]:
    """assert_alike(body, renderer, attributes): the original's picture is that of what is written for its rows."""

    def check(body: str, renderer: str = "cairosvg", *attributes: str, similarity: float = 0.98) -> None:
        text = svg(body, *attributes)
        result = parse_svg(text)
        original = RENDERERS[renderer](text, 96)
        picture = RENDERERS[renderer](rows_to_svg(result.rows, result.size, decimals=4), 96)
        assert (np.ptp(original.reshape(-1, 3), axis=0) > 64).any(), "nothing to see"
        assert ssim(original, picture) >= similarity
        assert mean_absolute_error(original, picture) < 1

    return check
