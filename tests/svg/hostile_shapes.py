"""Hostile drawings: outlines that clip badly, and numbers at the edge of floats. CASES: see hostile_documents."""

import math
import random
from functools import partial

from tests.svg.hostile_documents import EITHER, ROWS, SHAPE, case, many


def star(count: int) -> str:
    """Path data of chords of a circle, each crossing nearly all others."""
    points = ((12 + 12 * math.cos(i * 2.4), 12 + 12 * math.sin(i * 2.4)) for i in range(count))
    return "M" + " ".join(f"{x:.3f} {y:.3f}" for x, y in points) + "z"


def tangle(count: int) -> str:
    """Path data of random curves."""
    dice = random.Random(count)
    return "M0 0" + "".join("C" + " ".join(f"{dice.uniform(0, 24):.2f}" for _ in range(6)) for _ in range(count)) + "z"


def slivers(count: int) -> str:
    """Path data of nearly coincident triangles, the hardest case for boolean operations."""
    return "".join(f"M0 0L20 {i * 1e-5:.5f}L20 20z" for i in range(count))


def grid(count: int) -> str:
    """Path data of thin horizontal and vertical bars."""
    return "".join(f"M0 {i * 24 / count:.3f}h24v.01h-24zM{i * 24 / count:.3f} 0v24h.01v-24z" for i in range(count))


_FORMS = (star, tangle, slivers, grid)
_CLIP = '<clipPath id="c"><path d="$clip"/></clipPath>'
_DISC = '<clipPath id="c"><circle cx="12" cy="12" r="9"/></clipPath>'
_WHITE = '<circle r="9" cx="9" cy="9" fill="#fff"/>'
_OUTLINES = [
    *[case(f"{form.__name__} of {count} {why}", body, clip=partial(form, count), path=partial(form, count + 1))
      for form in _FORMS for count in (60, 700)
      for why, body in {
          "clipped": f'{_CLIP}<g clip-path="url(#c)"><path d="$path"/></g>',
          "masked": '<mask id="m"><path d="$clip" fill="#fff"/></mask><g mask="url(#m)"><path d="$path"/></g>',
          "as a stroke": '<path transform="scale(1 2)" stroke="red" stroke-linejoin="round" d="$path"/>',
      }.items()],
    *[case(f"{form.__name__} of 2,900 clipped", f'{_CLIP}<g clip-path="url(#c)"><path d="$path"/></g>',
           clip=partial(form, 2_900), path=partial(form, 2_901)) for form in _FORMS],
    *[case(f"450 shapes clipped: {form.__name__}", f'{_CLIP}<g clip-path="url(#c)">$shapes</g>',
           clip=partial(form, 40), shapes=lambda form=form: f'<path d="{form(41)}"/>' * 450)
      for form in (tangle, slivers)],
    case("40 very long shapes clipped", f'{_DISC}<g clip-path="url(#c)">$shapes</g>',
         shapes=lambda: ('<path d="M0 0' + "l.001 .002.001 0" * 1_200 + 'V24z"/>') * 40),
    case("5,000 shapes clipped", f'{_DISC}<g clip-path="url(#c)">$shapes</g>', "more than 500 shapes are clipped|work",
         shapes=many(SHAPE, 100_000)),
    case("5,000 clip paths", "$clips", clips=lambda: "".join(
        f'<clipPath id="c{i}"><circle cx="{i}" cy="2" r="9"/></clipPath><path clip-path="url(#c{i})" d="M0 0h9v9z"/>'
        for i in range(5_000))),
    case("nested clip chain", '$clips<g clip-path="url(#c0)">$shape</g>', clips=lambda: "".join(
        f'<clipPath id="c{i}"><path d="M{i / 99} 0h9v9l-3 2z" clip-path="url(#c{i + 1})"/></clipPath>'
        for i in range(900))),
    case("clip path of 3,000 shapes", '<clipPath id="c">$discs</clipPath><g clip-path="url(#c)">$shape</g>',
         discs=lambda: "".join(f'<circle cx="{i % 24}" cy="{i / 200}" r="3"/>' for i in range(3_000))),
    case("180 nested clips", f"{_DISC}$open$shapes$end", open=many('<g clip-path="url(#c)">', 180 * 23),
         shapes=many(SHAPE, 500), end=many("</g>", 720)),
    case("mask of 5,000 shapes", '<mask id="m">$discs</mask><g mask="url(#m)">$shape</g>', discs=many(_WHITE, 200_000)),
    case("5,000 masks", f'<mask id="m">{_WHITE}</mask>$users', users=many(f'<g mask="url(#m)">{SHAPE}</g>', 200_000)),
    case("masks in masks", '$masks<g mask="url(#m0)">$shape</g>', masks=lambda: "".join(
        f'<mask id="m{i}">' + f'<path d="M0 0h9v9z" fill="#fff" mask="url(#m{i + 1})"/>' * 8 + "</mask>"
        for i in range(40))),
    case("400 uneven strokes", '<g transform="scale(1 2)" stroke="red">$shapes</g>',
         shapes=lambda: f'<path d="{tangle(40)}"/>' * 400),
    case("sub-paths of little", '<path stroke="red" stroke-miterlimit="2" d="$data"/>', data=many("M0 0h1v1z", 90_000)),
]

_DASHED = '<path d="M0 0H20V20H0z" stroke="red" fill="none" {}/>'
_VALUES = (
    "1e308", "-1e308", "1e400", "-0", "5e-324", "1e-400", "NaN", "Infinity", "1e999999999", "9" * 400, "1e9",
    "999999999",
    "1e20", "0x10", "१", "1e", "--1", "٣", "1_000", "１",
)
_TRANSFORMS = (
    "scale(0)", "scale(1e-200)", "scale(1e8)", "scale(1e400)", "matrix(0 0 0 0 0 0)", "matrix(1 1 1 1 0 0)",
    "matrix(1 2 2 4.0000001 0 0)", "rotate(1e308)", "rotate(1e400)", "skewX(90)", "skewX(89.99999)", "scale(-1)",
    "translate(1e308)", "scale(1e8) scale(1e8) scale(1e8) scale(1e8)", "scale(1e-9) scale(1e-9)", "scale(1 1e-12)",
    "scale(1e9 1e-9)", " ", "none none", "scale", "scale(1", "scale(NaN)", "rotate(1e400deg)", "skew(1e308 1e308)",
)
_VIEW_BOXES = (
    "0 0 0 0", "0 0 24 0", "0 0 -1 24", "0 0 1e-30 1e-30", "0 0 1e9 1e9", "0 0 1e8 1e8", "1e8 1e8 1 1", "0 0 1e400 1",
    "nan nan nan nan", "0 0 24", "0 0 24 24 24", "", "a b c d", "0 0 1e-320 1", "0,,0,24,24", "0 0 1e8 1e-8",
)
_NUMBERS = [
    *[case(f"dashes {dashes:.20}", _DASHED.format(f'stroke-dasharray="{dashes}"')) for dashes in (
        "1e-9", "1e-9 1e9", "0 1e-300", "1e8", "1e400", "nan", "-1", "0", "1e-9%", "0 0 0 .1", "0," * 5_000 + "1")],
    *[case(f"dashes of path length {length}", _DASHED.format(f'stroke-dasharray="1 1" pathLength="{length}"'))
      for length in ("1e-300", "999999999", "-1", "0", "NaN", "1e-9")],
    case("dash offset", _DASHED.format('stroke-dasharray="1 1" stroke-dashoffset="-999999999"'), ROWS),
    case("10,000 dashed shapes", "$shapes", "work", shapes=many(_DASHED.format('stroke-dasharray=".3"'), 700_000)),
    case("dashed curves", "$shapes", shapes=lambda: 3 * (
        f'<path d="{tangle(9_000)}" stroke="red" fill="none" stroke-dasharray="400"/>')),
    *[case(f"coordinate {value:.20}", f'<path d="M{value} 0L9 9 0 9z"/><rect x="{value}" y="1" width="9" height="9"/>'
           f'<circle r="{value}"/>') for value in _VALUES],
    *[case(f"transform {value}", f'<g transform="{value}" stroke="red">$shape<circle cx="5" cy="5" r="3"/>'
           '<rect width="4" height="3"/></g>') for value in _TRANSFORMS],
    *[case(f"gradientTransform {value}", '<linearGradient id="a" gradientTransform="$value"><stop/><stop offset="1" '
           'stop-color="red"/></linearGradient><radialGradient id="b" href="#a" gradientTransform="$value"/>'
           '<path d="M0 0h9v9z" fill="url(#a)" stroke="url(#b)"/>', value=value) for value in _TRANSFORMS],
    *[case(f"viewBox {value}", "$shape", EITHER, f'viewBox="{value}"') for value in _VIEW_BOXES],
    *[case(f"nested viewBox {value}", f'<svg viewBox="{value}">$shape</svg>'
           f'<symbol id="a" viewBox="{value}">$shape</symbol>'
           '<use href="#a"/>') for value in _VIEW_BOXES],
    *[case(f"size {value}", "$shape", EITHER, f'width="{value}" height="{value}"') for value in (
        "0", "-5", "1e-300", "1e300", "100%", "NaN", "1e8", "1e-8", "5em", "auto", "99999%")],
    *[case(f"{what} in itself", "$open$shape$end", open=many(f"<svg {what}>", 1_500), end=many("</svg>", 300))
      for what in ('width="900%" height="900%"', 'width="1%" height="1%"', 'viewBox="0 0 1e-8 1e-8"')],
    case("no size and huge numbers", '<path d="M-1e8 0H1e8V1e8z"/>', EITHER, ""),
    case("no size and one point", '<path d="M5 5h0" stroke="red" stroke-width="1e-9"/>', EITHER, ""),
    *[case(f"stroke width {value}", f'<path d="M0 0L9 9" stroke="red" stroke-width="{value}"/>')
      for value in ("1e8", "1e9", "1e400", "-1", "NaN", "1e-300", "1e5%")],
    case("huge stroke as its outline",
         '<path d="M0 0C9 9 1 2 3 3" transform="scale(1 3)" stroke="red" stroke-width="99999999"/>'),
    case("huge arcs", '<path d="M0 0A1e200 1e200 0 0 1 1 1 1e-200 1e-200 0 1 1 5 5A1e308 1e-308 1e308 1 1 2 3"/>'),
    case("negative sizes", '<rect width="-1" height="5"/><circle r="-2"/><ellipse rx="-1" ry="1"/>'),
    case("paint too faint to be seen", '<path d="M0 0h9v9z" fill="#0f08" opacity=".001"/>', "nothing is painted"),
    case("huge radii", '<rect width="9" height="9" rx="1e8" ry="-1e8"/><ellipse rx="1e6" ry="1e-8"/>', ROWS),
    case("em of a huge font", '<g font-size="1e8"><rect width="1e8em" height="1ex"/></g>', "too large|nothing"),
    case("13,900 shapes", "$shapes", ROWS, shapes=many(SHAPE, 13_900 * len(SHAPE))),
    case("90,000 segments", '<path d="M0 0$data"/><path d="M0 0$data"/>', ROWS, data=many("l.01.02", 22_500 * 14)),
    case("88,000 stroked curves", "$paths", EITHER, paths=lambda: 4 * (
        '<path stroke="red" stroke-miterlimit="9" d="M0 0' + "c1 2 3 4.5.6" * 22_000 + '"/>')),
]
CASES = [*_OUTLINES, *_NUMBERS]
