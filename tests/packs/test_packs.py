"""The parser on whole icon packs, against an independent reader (svgelements). Fetch them first: `make packs`.

Not run by default: `pytest -m packs tests/packs`.
"""

import io
import random
import time
from pathlib import Path

import numpy as np
import pytest
import svgelements as se

from svgfusion_lib.corpus.packs import known_packs
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import element_structure

PACKS_DIR = Path(__file__).resolve().parents[2] / "data" / "packs"
SAMPLE = 400
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'

pytestmark = pytest.mark.packs


def sample(pack: str, without: tuple[str, ...] = ()) -> list[Path]:
    """A fixed pseudo-random sample of a pack's icons; fails if the pack is missing."""
    files = sorted((PACKS_DIR / pack).glob("*.svg"))
    assert files, f"{pack} is not in {PACKS_DIR}; fetch it with `make packs`"
    files = [f for f in files if not any(word in f.read_text() for word in without)]
    return random.Random(0).sample(files, min(SAMPLE, len(files)))


def shapes_by_svgelements(text: str) -> list[tuple[se.Path, bool]]:
    """Painted shapes by svgelements as paths in paint order, and whether stroked; it supports only xlink:href."""
    if " href=" in text:
        text = text.replace(" href=", " xlink:href=")
        text = text if XLINK in text else text.replace("<svg ", f"<svg {XLINK} ", 1)
    shapes = []
    for shape in se.SVG.parse(io.StringIO(text)).elements(lambda e: isinstance(e, se.Shape)):
        fill, stroke = shape.values.get("fill") or "black", shape.values.get("stroke") or "none"
        stroked = stroke != "none" and shape.stroke_width != 0
        if shape.values.get("display") == "none" or (fill == "none" and not stroked):
            continue
        path = se.Path(shape)
        if any(not isinstance(segment, se.Move) for segment in path):
            shapes.append((path, stroked))
    return shapes


def sub_paths(path: se.Path, stroked: bool) -> int:
    """Number of sub-paths that paint something.

    A stroke shows every segment; a fill shows nothing of a single straight line, there and back.
    """
    runs: list[list] = [[]]
    for segment in path:
        if isinstance(segment, se.Move | se.Close):
            runs.append([])
        else:
            runs[-1].append(segment)
    return sum(stroked and bool(run) or _has_area(run) for run in runs)


def _has_area(run: list) -> bool:
    if any(not isinstance(segment, se.Line) for segment in run):
        return True
    sides = [s for s in run if abs(s.start - s.end) > 1e-9 and abs(s.end - run[0].start) > 1e-9]
    return len(sides) > 1


def commands(path: se.Path) -> int:
    """Number of M, L and C commands, with arcs as quarter-turn cubics, to compare with rows."""
    count = 0
    for segment in path:
        if isinstance(segment, se.Arc):
            count += max(1, int(np.ceil(abs(segment.sweep) / (np.pi / 2) - 1e-3)))
        elif not isinstance(segment, se.Close):
            count += 1
    return count


@pytest.mark.parametrize("pack", known_packs())
def test_elements_and_sub_paths_are_those_of_the_file(pack):
    """In the same order. Clipped or masked icons are skipped, as their shapes change on purpose."""
    wrong = []
    for file in sample(pack, without=("clip-path", "mask=", "stroke-dasharray", "paint-order")):
        text = file.read_text()
        expected = [sub_paths(*shape) for shape in shapes_by_svgelements(text)]
        found = [max(count, 1) for name, count, *_ in element_structure(parse_svg(text).rows)]
        if [count for count in expected if count] != found:
            wrong.append(file.name)
    assert len(wrong) <= 1, wrong  # lucide's circle-divide: svgelements drops dots (zero-length strokes)


@pytest.mark.parametrize("pack", known_packs())
def test_rows_are_no_more_than_the_commands_of_the_file(pack):
    """Not counting gradients and Z; clipped icons are skipped, as their outlines change."""
    ours, theirs = [], []
    for file in sample(pack, without=("clip-path", "mask=")):
        text = file.read_text()
        rows = parse_svg(text).rows[1:-1]
        extra = np.isin(rows[:, rf.ELEMENT], rf.GRADIENTS) | (rows[:, rf.COMMAND] == rf.CLOSE)
        ours.append(int((~extra).sum()))
        theirs.append(sum(commands(path) for path, _ in shapes_by_svgelements(text)))
    levels = (25, 50, 75, 95, 99)
    assert (np.percentile(ours, levels) <= np.percentile(theirs, levels)).all(), (
        np.percentile(ours, levels), np.percentile(theirs, levels)
    )


@pytest.mark.parametrize(("pack", "least"), [("twemoji", 300), ("noto", 150)])
def test_speed_on_one_core(pack, least):
    files = sample(pack)
    parse_svg(files[0])
    start = time.process_time()
    for file in files:
        parse_svg(file)
    assert len(files) / (time.process_time() - start) >= least
