"""Patterns as tiles, clipped by the shape they paint (SVG 2, section 14.3), within a budget."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from svgfusion_lib.svg.context import Box, Context
from svgfusion_lib.svg.document import href_chain, local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.geometry.clipping import Clip, ClippingError, outline_clip
from svgfusion_lib.svg.geometry.paths import Path
from svgfusion_lib.svg.layers import Layer
from svgfusion_lib.svg.paint.painting import ServerPaint
from svgfusion_lib.svg.state import State
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style, computed, transform_of

MAX_TILES = 1_000   # per shape
MAX_PIECES = 2_000  # layers in all tiles of one shape


@dataclass(frozen=True)
class _Tile:
    """matrix: pattern space -> canvas. place: left, top, width, height of the first tile in pattern space."""

    element: Element    # the element whose children are drawn
    style: Style
    matrix: tf.Matrix
    place: Box
    view_box: Box | None
    unit: tuple[float, float]  # width and height of the painted shape's box
    attributes: dict[str, str]


class PatternReader:
    """Draws a document's patterns."""

    def __init__(self, context: Context, layers_of: Callable[[Element, State], list[Layer]]):
        """layers_of(element, state): the layers of the element's children."""
        self.context = context
        self.layers_of = layers_of

    def filled(self, element: Element, layer: Layer, state: State) -> list[Layer]:
        """Replace pattern fills and strokes of a shape's layer by tiles; the layer itself if it has none."""
        if not isinstance(layer.fill, ServerPaint) and not isinstance(layer.stroke, ServerPaint):
            return [layer]
        layers: list[Layer] = []
        for part in layer.split_paint(stroke_first=False):
            paint = part.fill if part.stroke is None else part.stroke
            if isinstance(paint, ServerPaint):
                layers += self._tiles(element, part, paint, state)
            elif paint is not None:
                layers.append(part)
        return layers

    def _tiles(self, element: Element, part: Layer, paint: ServerPaint, state: State) -> list[Layer]:
        """The tiles of a fill or stroke; its fallback, or nothing, if the pattern cannot be drawn."""
        pattern = paint.server
        assert isinstance(pattern, Element)
        plain = replace(part, fill=paint.fallback) if part.stroke is None else replace(part, stroke=paint.fallback)
        without = [plain] if paint.fallback is not None else []
        box = None
        if paint.place is not None:
            state = state._replace(matrix=paint.place[0], viewport=paint.place[2])
            box = paint.place[1]
        tile = self._tile(pattern, box or self.context.bounding_box(element, state), state)
        if tile is None:
            return without
        with self.context.follow_reference(pattern.get("id", "")) as new:
            if not new:
                return without
            try:
                return self._drawn(tile, part, paint, state)
            except ClippingError:
                self.context.unsupported["pattern"] += 1
                return without

    def _tile(self, pattern: Element, box: Box | None, state: State) -> _Tile | None:
        """A pattern with everything it inherits through href; None if it has no size or content.

        box: of the shape, in user space.
        """
        chain = href_chain(pattern, self.context.ids, "pattern")
        attributes: dict[str, str] = {}
        given: Any = tf.IDENTITY
        for link in reversed(chain):
            attributes |= link.attrib
            given = transform_of(link, self.context.style_at, given)
        transform = tf.placed(given, state.viewport)
        content = next((link for link in chain if any(local_name(child) for child in link)), None)
        if content is None or tf.determinant(transform) == 0:
            return None
        style = computed(content, self.context.style_at(content))
        in_box = attributes.get("patternUnits") != "userSpaceOnUse"
        if in_box and (box is None or box[2] <= box[0] or box[3] <= box[1]):
            return None
        whole = (1.0, 1.0) if in_box else state.viewport
        x, y, width, height = (
            style.attribute(attributes.get(name), reference)
            for name, reference in zip(("x", "y", "width", "height"), whole * 2)
        )
        if in_box and box is not None:
            wide, high = box[2] - box[0], box[3] - box[1]
            x, y, width, height = box[0] + x * wide, box[1] + y * high, width * wide, height * high
        view_box = tf.parse_view_box(attributes.get("viewBox"))
        if tf.is_empty(width, height, view_box):
            return None
        unit = (box[2] - box[0], box[3] - box[1]) if box is not None else (1.0, 1.0)
        matrix = tf.multiply(state.matrix, transform)
        return _Tile(content, style, matrix, (x, y, width, height), view_box, unit, attributes)

    def _drawn(self, tile: _Tile, part: Layer, paint: ServerPaint, state: State) -> list[Layer]:
        left, top, width, height = tile.place
        outline = part if part.stroke is None else part.stroke_to_path()
        seen = outline.painted_box()
        if state.clip is not None:
            box = state.clip.box
            seen = (max(seen[0], box[0]), max(seen[1], box[1]), min(seen[2], box[2]), min(seen[3], box[3]))
        seen = (max(seen[0], -1.0), max(seen[1], -1.0), min(seen[2], 1.0), min(seen[3], 1.0))  # the canvas
        if seen[0] >= seen[2] or seen[1] >= seen[3]:
            return []
        back = tf.inverse(tile.matrix)
        corners = [tf.apply(back, x, y) for x in seen[::2] for y in seen[1::2]]
        columns, rows = (
            (math.floor((min(c[k] for c in corners) - start) / size + 1e-6),
             math.ceil((max(c[k] for c in corners) - start) / size - 1e-6))
            for k, start, size in ((0, left, width), (1, top, height))
        )
        count = (columns[1] - columns[0]) * (rows[1] - rows[0])
        if count > MAX_TILES:
            raise ClippingError(f"more than {MAX_TILES} tiles of a pattern")
        content = self._content(tile, state, paint.opacity)
        if count * len(content) > MAX_PIECES:
            raise ClippingError(f"more than {MAX_PIECES} shapes in the tiles of a pattern")
        spend(50 * count * len(content), "patterns")
        self.context.approximated["pattern as shapes"] += 1
        inside = outline_clip([(outline.as_path(), outline.evenodd, None)])
        places = [
            tf.apply((*tile.matrix[:4], 0, 0), column * width, row * height)
            for row in range(*rows) for column in range(*columns)
        ]
        layers: list[Layer] = []
        for layer in content:
            copies: list[Layer] = []
            for place in places:
                copy = layer.moved(*place)
                box = copy.painted_box()
                if not (box[0] > seen[2] or box[2] < seen[0] or box[1] > seen[3] or box[3] < seen[1]):
                    copies += copy.clipped(inside)
            layers += _joined(copies) if _reaches_sides(layer, tile, back) else copies
        return layers

    def _content(self, tile: _Tile, state: State, opacity: float) -> list[Layer]:
        """The layers of the first tile on the canvas, clipped to it."""
        left, top, width, height = tile.place
        inner = State(tile.matrix, state.viewport, tile.style, opacity, None, state.depth + 1)
        corners = [tf.apply(tile.matrix, x, y) for x, y in (
            (left, top), (left + width, top), (left + width, top + height), (left, top + height)
        )]
        xs, ys = zip(*corners)
        upright = tf.is_axis_aligned(tile.matrix)  # browsers clip tiles whatever `overflow` says
        clip = Clip((min(xs), min(ys), max(xs), max(ys))) if upright else Clip.of_polygon(corners)
        inner = inner._replace(matrix=tf.multiply(tile.matrix, (1, 0, 0, 1, left, top)))
        if tile.view_box is not None:
            fit = tf.fit_view_box(tile.view_box, width, height, tile.attributes.get("preserveAspectRatio", ""))
            inner = inner._replace(matrix=tf.multiply(inner.matrix, fit), viewport=tile.view_box[2:])
        elif tile.attributes.get("patternContentUnits") == "objectBoundingBox":
            inner = inner._replace(matrix=tf.multiply(inner.matrix, (tile.unit[0], 0, 0, tile.unit[1], 0, 0)))
        return self.layers_of(tile.element, inner._replace(clip=clip))


def _reaches_sides(layer: Layer, tile: _Tile, back: tf.Matrix) -> bool:
    """Whether a single-colour layer touches two sides of its tile, where seams between copies would show."""
    if layer.stroke is not None or not isinstance(layer.fill, tuple):
        return False
    box = layer.as_path().transformed(back).bounds()
    return any(box[k + 2] - box[k] > (1 - 1e-3) * size for k, size in enumerate(tile.place[2:]))


def _joined(copies: list[Layer]) -> list[Layer]:
    """Join non-overlapping copies of a layer into one path."""
    if len(copies) < 2 or any(copy.evenodd for copy in copies):
        return copies
    paths = [copy.as_path() for copy in copies]
    whole = Path(np.concatenate([path.codes for path in paths]), np.concatenate([path.points for path in paths]))
    return [replace(copies[0], path=whole, primitive=None)]
