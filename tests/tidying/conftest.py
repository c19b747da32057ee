"""Fixtures for the tidying tests: strokes as rows, and their points."""

from collections.abc import Callable

import numpy as np
import pytest

from svgfusion_lib.svg import row_format as rf
from tests.helpers import PEN


@pytest.fixture
def rows(parsed) -> Callable[[str], np.ndarray]:
    """rows(d or body): rows of a stroked path or of a document."""
    return lambda text: parsed(text if text.startswith("<") else f'<path d="{text}" {PEN}/>').rows


@pytest.fixture
def ends() -> Callable[[np.ndarray], np.ndarray]:
    """ends(rows): end points of path rows, in units of a 24-unit canvas, to three decimals."""
    return lambda rows: np.round((rows[rows[:, rf.ELEMENT] == rf.PATH][:, 8:10].astype(float) + 1) * 12, 3)
