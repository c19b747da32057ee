"""Synthetic SVGs with accurate captions: shapes, counted shapes, and two shapes in a relation."""

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from svgfusion_lib.corpus.captions import article, split_of
from svgfusion_lib.corpus.records import COUNT, COUNTED, Record, write_manifest
from svgfusion_lib.options import check_counts
from svgfusion_lib.system.files import write_json, write_text
from svgfusion_lib.system.outputs import output_set

CANVAS = 64
COLOURS = {
    "red": "#e02020", "orange": "#ff8c1a", "yellow": "#ffe033", "green": "#1f9d3a",
    "blue": "#2060e0", "purple": "#8020b0", "pink": "#ff8fc8", "black": "#202020",
}
RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
NUMBERS = {2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True)
class Place:
    """Where a shape goes: centre and half-size, in canvas units. No outline extends further."""

    x: float
    y: float
    r: float


def make_dummy_svg(rng: random.Random) -> tuple[str, str]:
    """Generate an SVG text and its caption, such as `a blue square left of a green star`.

    Both depend only on the state of `rng`.
    """
    make = rng.choices((_single, _related, _nested, _counted), weights=(4, 4, 1, 1))[0]
    elements, caption = make(rng)
    body = "".join(f"  {element}\n" for element in elements)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{CANVAS}" height="{CANVAS}" '
        f'viewBox="0 0 {CANVAS} {CANVAS}">\n{body}</svg>\n'
    )
    return svg, caption


def captions_of(caption: str) -> tuple[str, ...]:
    """The caption and, for two shapes, a version without colours: `a circle left of a square`."""
    if not any(relation in caption for relation in (*RELATIONS, "inside")):
        return (caption,)
    return caption, re.sub(rf"\ban? (?:{'|'.join(COLOURS)}) (\w+)", lambda match: article(match[1]), caption)


# --- scenes: (rng) -> elements in paint order, caption --------------------------------------------


def _single(rng: random.Random) -> tuple[list[str], str]:
    r = rng.uniform(14, 26)
    place = Place(_around(rng, CANVAS / 2, 29 - r), _around(rng, CANVAS / 2, 29 - r), r)
    kind, colour = rng.choice(list(SHAPES)), rng.choice(list(COLOURS))
    if kind in OUTLINED and rng.random() < 0.3:
        stroke = f'stroke="{COLOURS[colour]}" stroke-width="{rng.choice((2, 3, 4))}"'
        paint = f'fill="none" {stroke} stroke-linejoin="round"'
        return [SHAPES[kind](rng, place, paint)], f"{article(colour)} {kind} outline"
    return [_filled(rng, kind, colour, place)], f"{article(colour)} {kind}"


def _related(rng: random.Random) -> tuple[list[str], str]:
    relation, (dx, dy) = rng.choice(list(RELATIONS.items()))
    colours = rng.sample(list(COLOURS), 2)
    kinds = [rng.choice(list(SHAPES)) for _ in colours]
    elements = []
    for kind, colour, side in zip(kinds, colours, (1, -1), strict=True):
        x = CANVAS / 2 + 16 * dx * side + _around(rng, 0, 2 if dx else 6)
        y = CANVAS / 2 + 16 * dy * side + _around(rng, 0, 2 if dy else 6)
        elements.append(_filled(rng, kind, colour, Place(x, y, rng.uniform(8, 13))))
    first, second = (f"{article(colour)} {kind}" for kind, colour in zip(kinds, colours, strict=True))
    return elements, f"{first} {relation} {second}"


def _nested(rng: random.Random) -> tuple[list[str], str]:
    outer, inner = rng.sample(list(COLOURS), 2)
    around, within = rng.choice(("circle", "square", "hexagon")), rng.choice(list(SHAPES))
    centre = CANVAS / 2
    elements = [
        _filled(rng, around, outer, Place(centre, centre, rng.uniform(24, 28))),
        _filled(rng, within, inner, Place(centre, centre, rng.uniform(8, 12))),
    ]
    return elements, f"{article(inner)} {within} inside {article(outer)} {around}"


def _counted(rng: random.Random) -> tuple[list[str], str]:
    number, kind, colour = rng.choice(list(NUMBERS)), rng.choice(list(SHAPES)), rng.choice(list(COLOURS))
    step = CANVAS / number
    r, y = step * rng.uniform(0.32, 0.42), _around(rng, CANVAS / 2, 8)
    state = rng.getstate()
    elements = []
    for i in range(number):
        rng.setstate(state)  # the same proportions for every copy
        elements.append(_filled(rng, kind, colour, Place(step * (i + 0.5), y, r)))
    return elements, f"{NUMBERS[number]} {colour} {'crosses' if kind == 'cross' else kind + 's'}"


def _filled(rng: random.Random, kind: str, colour: str, place: Place) -> str:
    if kind in ("ring", "arc"):
        width = _n(place.r * 0.3)
        paint = f'fill="none" stroke="{COLOURS[colour]}" stroke-width="{width}" stroke-linecap="round"'
    else:
        paint = f'fill="{COLOURS[colour]}"'
    return SHAPES[kind](rng, place, paint)


def _around(rng: random.Random, middle: float, spread: float) -> float:
    return middle + rng.uniform(-spread, spread)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


# --- shapes: (rng, place, paint attributes) -> element --------------------------------------------


def _circle(rng: random.Random, p: Place, paint: str) -> str:
    return f'<circle cx="{_n(p.x)}" cy="{_n(p.y)}" r="{_n(p.r)}" {paint}/>'


def _ellipse(rng: random.Random, p: Place, paint: str) -> str:
    rx, ry = _unequal(rng, p.r)
    return f'<ellipse cx="{_n(p.x)}" cy="{_n(p.y)}" rx="{_n(rx)}" ry="{_n(ry)}" {paint}/>'


def _box(p: Place, rx: float, ry: float, paint: str) -> str:
    corner = f'x="{_n(p.x - rx)}" y="{_n(p.y - ry)}"'
    return f'<rect {corner} width="{_n(2 * rx)}" height="{_n(2 * ry)}" {paint}/>'


def _unequal(rng: random.Random, r: float) -> tuple[float, float]:
    short = r * rng.uniform(0.45, 0.65)
    return (r, short) if rng.random() < 0.5 else (short, r)


def _polygon(sides: int, turn: float = -90) -> Callable[[random.Random, Place, str], str]:
    def draw(rng: random.Random, p: Place, paint: str) -> str:
        points = [_on_circle(p, p.r, turn + 360 * i / sides) for i in range(sides)]
        return f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in points)}" {paint}/>'

    return draw


def _on_circle(p: Place, r: float, degrees: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return p.x + r * math.cos(angle), p.y + r * math.sin(angle)


def _star(rng: random.Random, p: Place, paint: str) -> str:
    points = [_on_circle(p, p.r * (0.42 if i % 2 else 1), -90 + 36 * i) for i in range(10)]
    return f'<path d="M{" L".join(f"{_n(x)} {_n(y)}" for x, y in points)} Z" {paint}/>'


def _heart(rng: random.Random, p: Place, paint: str) -> str:
    def at(*xy: float) -> str:
        return " ".join(_n(v * p.r + (p.x, p.y)[i % 2]) for i, v in enumerate(xy))

    halves = (
        f"C{at(-1.35, 0.05, -1.05, -0.9, -0.5, -0.9)} C{at(-0.2, -0.9, 0, -0.65, 0, -0.45)} "
        f"C{at(0, -0.65, 0.2, -0.9, 0.5, -0.9)} C{at(1.05, -0.9, 1.35, 0.05, 0, 0.9)}"
    )
    return f'<path d="M{at(0, 0.9)} {halves} Z" {paint}/>'


def _half_circle(rng: random.Random, p: Place, paint: str) -> str:
    r, y = _n(p.r), _n(p.y + p.r / 2)
    return f'<path d="M{_n(p.x - p.r)} {y} A{r} {r} 0 0 1 {_n(p.x + p.r)} {y} Z" {paint}/>'


def _crescent(rng: random.Random, p: Place, paint: str) -> str:
    (x0, y0), (x1, y1) = _on_circle(p, p.r, -60), _on_circle(p, p.r, 60)
    outer, inner = _n(p.r), _n(p.r * 0.9)
    return (
        f'<path d="M{_n(x0)} {_n(y0)} A{outer} {outer} 0 1 0 {_n(x1)} {_n(y1)} '
        f'A{inner} {inner} 0 0 1 {_n(x0)} {_n(y0)} Z" {paint}/>'
    )


def _cross(rng: random.Random, p: Place, paint: str) -> str:
    arm = 0.32 * p.r
    long, wide = _n(p.r - arm), _n(2 * arm)
    return (
        f'<path d="M{_n(p.x - arm)} {_n(p.y - p.r)} h{wide} v{long} h{long} v{wide} h-{long} '
        f'v{long} h-{wide} v-{long} h-{long} v-{wide} h{long} Z" {paint}/>'
    )


def _arc(rng: random.Random, p: Place, paint: str) -> str:
    r, y = _n(p.r * 0.8), _n(p.y + p.r * 0.35)
    return f'<path d="M{_n(p.x - p.r * 0.8)} {y} A{r} {r} 0 0 1 {_n(p.x + p.r * 0.8)} {y}" {paint}/>'


SHAPES = {
    "circle": _circle, "ellipse": _ellipse,
    "square": lambda rng, p, paint: _box(p, p.r * 0.9, p.r * 0.9, paint),
    "rectangle": lambda rng, p, paint: _box(p, *_unequal(rng, p.r), paint),
    "rounded square": lambda rng, p, paint: _box(p, p.r * 0.9, p.r * 0.9, f'rx="{_n(p.r * 0.4)}" {paint}'),
    "triangle": _polygon(3), "diamond": _polygon(4),
    "pentagon": _polygon(5), "hexagon": _polygon(6), "star": _star, "heart": _heart,
    "half circle": _half_circle, "crescent": _crescent, "cross": _cross,
    "ring": lambda rng, p, paint: _circle(rng, replace(p, r=p.r * 0.8), paint), "arc": _arc,
}
OUTLINED = frozenset(SHAPES) - {"ring", "arc"}


DUMMY_INFO = "dummy.json"


def create_dummy_data(output_dir: str | Path, num_samples: int = 50, seed: int = 0) -> list[Record]:
    """Write `num_samples` captioned SVGs and manifest.jsonl to `output_dir`; return their records.

    Sample i depends only on `seed` and i, so a larger set starts with the smaller one. Replaces the
    folder of an earlier call.
    """
    check_counts(num_samples=num_samples)
    with output_set(output_dir, "create_dummy_data", replace=True) as folder:
        records = []
        for i in range(num_samples):
            svg, caption = make_dummy_svg(random.Random(f"{seed}/{i}"))
            file = f"{i:04d}_{re.sub('[^a-z]+', '-', caption)}.svg"
            write_text(folder / file, svg)
            records.append(Record(
                file=file, name=caption, captions=captions_of(caption), licence="CC0-1.0", split=split_of(caption),
            ))
        write_manifest(folder, records)
        write_json(
            folder / DUMMY_INFO, {"num_samples": num_samples, "seed": seed, COUNT: num_samples}, COUNTED[DUMMY_INFO]
        )
    return records
