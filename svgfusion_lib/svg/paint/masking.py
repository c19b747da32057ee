"""Clip paths, and masks that are equivalent to clip paths."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pathops

from svgfusion_lib.svg.context import Context
from svgfusion_lib.svg.document import href, local_name
from svgfusion_lib.svg.geometry.clipping import (
    EVERYWHERE,
    NOTHING,
    SCALE,
    Clip,
    ClippingError,
    operate,
    outline_clip,
    simplified,
    to_skia,
)
from svgfusion_lib.svg.geometry.paths import Path
from svgfusion_lib.svg.geometry.shapes import SHAPES
from svgfusion_lib.svg.layers import Layer
from svgfusion_lib.svg.state import State, box_in
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style, computed
from svgfusion_lib.svg.style.colours import linear_light
from svgfusion_lib.svg.style.conditions import conditions_hold
from svgfusion_lib.svg.style.values import parse_url

LUMINANCE = (0.2126, 0.7152, 0.0722)  # CSS Masking 1, section 7.10.1
_SAME = 0.02                          # luminances that count as equal


class MaskReader:
    """A document's clip paths and masks, each read once per place of use."""

    def __init__(self, context: Context, layers_of: Callable[[Element, State], list[Layer]]):
        """layers_of(element, state): the layers of the element's children."""
        self.context = context
        self.layers_of = layers_of
        self.clips: dict[tuple, Clip | None] = {}

    def clipped(self, element: Element, state: State) -> State:
        """Apply the style's clip-path and mask to the state; counts those that cannot be applied."""
        text = state.style["clip-path"]
        if text != "none":
            reference = parse_url(text)
            if reference is None:
                self.context.unsupported["clip-path by a CSS shape"] += 1
            else:
                state = _within(state, self.clip_path(reference[0], element, state))
        text = state.style["mask"]
        if text != "none":
            reference = parse_url(text)
            if reference is None or not reference[0]:
                self.context.unsupported["mask by an image"] += 1
            elif (mask := self.context.find(reference[0], "mask")) is not None:
                state = self._masked(mask, reference[0], element, state)
        return state

    def _masked(self, mask: Element, name: str, element: Element, state: State) -> State:
        try:
            found = self._mask(mask, name, element, state)
        except ClippingError:
            found = None
        if found is None:
            self.context.unsupported["mask"] += 1
            return state
        clip, opacity = found
        return _within(state, clip)._replace(opacity=state.opacity * opacity)

    def clip_path(self, name: str, element: Element, state: State) -> Clip | None:
        """The clip path with that id for an element, on the canvas; None if missing or not applicable."""
        clip_element = self.context.find(name, "clipPath")
        if clip_element is None:
            return None
        style = computed(clip_element, self.context.style_at(clip_element))
        matrix = self.context.matrix(clip_element, style, state)
        if clip_element.get("clipPathUnits") == "objectBoundingBox":
            place = self._box_matrix(element, state._replace(matrix=matrix))
            if place is None:
                return NOTHING
            matrix = place
        key = (name, matrix)
        if key not in self.clips:
            with self.context.follow_reference(name) as new:
                if not new:
                    return None
                try:
                    inner = state._replace(matrix=matrix, style=style, clip=None)
                    self.clips[key] = self._read_clip(clip_element, inner)
                except ClippingError:
                    self.context.unsupported["clip-path too complex"] += 1
                    self.clips[key] = None
        return self.clips[key]

    def _box_matrix(self, element: Element, state: State) -> tf.Matrix | None:
        """Unit square on an element's bounding box -> canvas; None if the box has no width or no height."""
        box = self.context.bounding_box(element, state, True)
        if box is None or box[2] <= box[0] or box[3] <= box[1]:
            return None
        left, top, right, bottom = box
        return tf.multiply(state.matrix, (right - left, 0.0, 0.0, bottom - top, left, top))

    # --- clip paths -------------------------------------------------------------------------------

    def _read_clip(self, clip_element: Element, state: State) -> Clip:
        self.context.count_element(clip_element, state.depth)
        state = state._replace(depth=state.depth + 1)
        outlines: list[tuple[Path, bool, Clip | None]] = []
        for child in clip_element:
            self._collect(child, state, outlines)
        clip = outline_clip(outlines)
        outer = parse_url(state.style["clip-path"])
        within = self.clip_path(outer[0], clip_element, state) if outer is not None else None
        return clip if within is None else within.within(clip)

    def _collect(self, child: Element, state: State, outlines: list[tuple[Path, bool, Clip | None]]) -> None:
        """Add the outline of a clipPath's child: a shape, or a use of one."""
        name = local_name(child)
        if name not in SHAPES and name != "use":
            self.context.unsupported.update(["text in a clip-path"] if name == "text" else [])
            return
        style = computed(child, state.style)
        if style["display"] == "none" or not conditions_hold(child):
            return
        self.context.count_element(child, state.depth)
        matrix = self.context.matrix(child, style, state)
        state = state._replace(matrix=matrix, style=style, depth=state.depth + 1)
        inner = parse_url(style["clip-path"])
        within = self.clip_path(inner[0], child, state) if inner is not None else None
        if name == "use":
            target = self.context.find(href(child))
            if target is not None and local_name(target) == "use":  # invalid by CSS Masking 1, section 5.1
                self.context.approximated["use of a use in a clip path"] += 1
            found: list[tuple[Path, bool, Clip | None]] = []
            with self.context.follow_reference(href(child)) as new:
                if target is not None and new:
                    self._collect(self.context.shadows.get(target, target), state.moved(), found)
            outlines += [
                (path, evenodd, own if within is None else within if own is None else own.within(within))
                for path, evenodd, own in found
            ]
            return
        shape = self.context.geometry(child, state) if style["visibility"] == "visible" else None
        if shape is not None:
            outlines.append((shape.as_path().transformed(state.matrix), style["clip-rule"] == "evenodd", within))

    # --- masks ------------------------------------------------------------------------------------

    def _mask(self, mask: Element, name: str, element: Element, state: State) -> tuple[Clip, float] | None:
        """A mask as a clip and an opacity, if it is uniform where it shows anything; else None."""
        style = computed(mask, self.context.style_at(mask))
        if style["clip-path"] != "none" or style["mask"] != "none":
            return None
        box = None
        if mask.get("maskUnits") != "userSpaceOnUse" or mask.get("maskContentUnits") == "objectBoundingBox":
            box = self._box_matrix(element, state)
            if box is None:
                return NOTHING, 1.0
        content = box if mask.get("maskContentUnits") == "objectBoundingBox" and box else state.matrix
        with self.context.follow_reference(name) as new:
            if not new:
                return Clip(EVERYWHERE), 1.0
            inside = State(content, state.viewport, style, depth=state.depth + 1)
            layers = self.layers_of(mask, inside)
        linear = style["color-interpolation"] == "linearrgb"
        if any("color-interpolation" in child.attrib for child in mask):
            self.context.approximated["color-interpolation within a mask"] += 1
        parts = _shown(layers, style["mask-type"] == "alpha", linear)
        levels = [shown for _, shown in parts if shown >= _SAME] if parts is not None else []
        if parts is None or (levels and max(levels) - min(levels) > _SAME):
            return None
        area = pathops.Path()
        for part, shown in parts:
            self.context.count_clip()
            outline = part if part.stroke is None else part.stroke_to_path()
            covered = simplified(to_skia(outline.as_path(), outline.evenodd))
            operation = pathops.PathOp.UNION if shown >= _SAME else pathops.PathOp.DIFFERENCE
            area = operate(area, covered, operation)
        clip = Clip(EVERYWHERE, (area,)) if levels else NOTHING
        region = self._region(mask, state, style, box if mask.get("maskUnits") != "userSpaceOnUse" else None)
        if not region.contains(tuple(side / SCALE for side in area.bounds)):
            self.context.approximated["edge of a mask's region"] += 1  # browsers do not align it to pixels
        return clip.within(region), min(max(levels, default=1.0), 1.0)

    def _region(self, mask: Element, state: State, style: Style, box: tf.Matrix | None) -> Clip:
        """The mask region, outside which everything is hidden; box: the unit square that it refers to, if any."""
        state = state._replace(style=style, clip=None)
        if box is not None:
            state = state._replace(matrix=box, viewport=(1.0, 1.0))
        x, y = state.length(mask, "x", -0.1 * state.viewport[0]), state.length(mask, "y", -0.1 * state.viewport[1])
        width = state.length(mask, "width", 1.2 * state.viewport[0])
        height = state.length(mask, "height", 1.2 * state.viewport[1])
        return box_in(state, (x, y, x + width, y + height)) if width > 0 and height > 0 else NOTHING


def _within(state: State, clip: Clip | None) -> State:
    if clip is None:
        return state
    return state._replace(clip=clip if state.clip is None else state.clip.within(clip))


def _shown(layers: list[Layer], by_alpha: bool, linear: bool) -> list[tuple[Layer, float]] | None:
    """Fills and strokes of a mask's layers with their mask value from 0 to 1: alpha, or luminance times alpha.

    linear: compute the luminance in linear light (color-interpolation: linearRGB).

    None if a value is not constant (a gradient) or depends on layers below (a translucent layer among others).
    """
    parts = []
    for layer in layers:
        for part in layer.split_paint(stroke_first=False):
            paint = part.fill if part.stroke is None else part.stroke
            if paint is None:
                continue
            if not isinstance(paint, tuple) or (paint[3] < 1 - _SAME and len(layers) > 1):
                return None
            rgb = linear_light(paint[:3]) if linear else paint[:3]
            light = 1.0 if by_alpha else sum(weight * value for weight, value in zip(LUMINANCE, rgb))
            parts.append((part, light * paint[3]))
    return parts
