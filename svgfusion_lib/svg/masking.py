"""Clip paths, and masks that are clip paths in disguise."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pathops

from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.clipping import (
    EVERYWHERE,
    Clip,
    ClippingError,
    box_clip,
    operate,
    outline_clip,
    simplified,
    to_skia,
)
from svgfusion_lib.svg.context import Context
from svgfusion_lib.svg.document import href, local_name
from svgfusion_lib.svg.layers import Layer
from svgfusion_lib.svg.paths import Path
from svgfusion_lib.svg.shapes import SHAPES
from svgfusion_lib.svg.state import State
from svgfusion_lib.svg.styles import inherit, own_properties
from svgfusion_lib.svg.values import parse_url

LUMINANCE = (0.2126, 0.7152, 0.0722)  # CSS Masking 1, section 7.10.1
_SAME = 0.02                          # luminances that count as equal


class MaskReader:
    """Clips of a document, each read once for each place it is used at."""

    def __init__(self, context: Context, layers_of: Callable[[Element, State], list[Layer]]):
        """layers_of(element, state): the layers that the element's children paint."""
        self.context = context
        self.layers_of = layers_of
        self.clips: dict[tuple, Clip | None] = {}

    def clipped(self, element: Element, own: dict[str, str], state: State) -> State:
        """The state with the element's clip-path and mask; what cannot be applied is counted."""
        text = own.get("clip-path", "none")
        if text != "none":
            reference = parse_url(text)
            if reference is None:
                self.context.unsupported["clip-path by a CSS shape"] += 1
            else:
                state = _within(state, self.clip_path(reference[0], element, own, state))
        reference = parse_url(own.get("mask", "none"))
        if reference is not None and (mask := self.context.find(reference[0], "mask")) is not None:
            try:
                found = self._mask(mask, reference[0], element, own, state)
            except ClippingError:
                found = None
            if found is None:
                self.context.unsupported["mask"] += 1
            else:
                clip, opacity = found
                state = _within(state, clip)._replace(opacity=state.opacity * opacity)
        return state

    def clip_path(self, name: str, element: Element, own: dict[str, str], state: State) -> Clip | None:
        """The clip path of that id for an element, on the canvas; None if there is none or it cannot be applied."""
        clip_element = self.context.find(name, "clipPath")
        if clip_element is None:
            return None
        clip_own = own_properties(clip_element)
        inner = state._replace(matrix=self.context.matrix(clip_own, state))
        matrix = self._content_matrix(clip_element.get("clipPathUnits"), element, own, inner)
        key = (name, matrix)
        if matrix is not None and key not in self.clips:
            with self.context.following(name):
                try:
                    self.clips[key] = self._read_clip(clip_element, state._replace(matrix=matrix, clip=None))
                except ClippingError:
                    self.context.unsupported["clip-path too complex"] += 1
                    self.clips[key] = None
        return self.clips.get(key)

    def _content_matrix(
        self, units: str | None, element: Element, own: dict[str, str], state: State
    ) -> tf.Matrix | None:
        """User space of a clip's or a mask's content -> canvas; None if it is that of a box without size."""
        if units != "objectBoundingBox":
            return state.matrix
        if local_name(element) in SHAPES:
            shape = self.context.geometry(element, own, state)
            boxes = [shape.box()] if shape is not None else []
        else:
            boxes = [layer.box() for layer in self.layers_of(element, state._replace(matrix=tf.IDENTITY, clip=None))]
        if not boxes:
            return None
        lefts, tops, rights, bottoms = zip(*boxes)
        left, top, right, bottom = min(lefts), min(tops), max(rights), max(bottoms)
        return tf.multiply(state.matrix, (right - left, 0.0, 0.0, bottom - top, left, top))

    # --- clip paths -------------------------------------------------------------------------------

    def _read_clip(self, clip_element: Element, state: State) -> Clip:
        self.context.count_element(clip_element, state.depth)
        own = own_properties(clip_element)
        state = state._replace(style=inherit(self.context.style_at(clip_element), own), depth=state.depth + 1)
        outlines: list[tuple[Path, bool, Clip | None]] = []
        for child in clip_element:
            self._collect(child, state, outlines)
        clip = outline_clip(outlines)
        outer = parse_url(own.get("clip-path", "none"))
        within = self.clip_path(outer[0], clip_element, own, state) if outer is not None else None
        return clip if within is None else within.within(clip)

    def _collect(self, child: Element, state: State, outlines: list[tuple[Path, bool, Clip | None]]) -> None:
        """Add the outline of a clipPath's child: a shape, or a use of one."""
        name = local_name(child)
        own = own_properties(child)
        style = inherit(state.style, own)
        if own.get("display") == "none" or (name not in SHAPES and name != "use"):
            self.context.unsupported.update(["text in a clip-path"] if name == "text" else [])
            return
        self.context.count_element(child, state.depth)
        state = state._replace(matrix=self.context.matrix(own, state), style=style, depth=state.depth + 1)
        if name == "use":
            target = self.context.find(href(child))
            if target is not None:
                with self.context.following(href(child)):
                    self._collect(target, state.moved(child), outlines)
            return
        shape = self.context.geometry(child, own, state) if style.get("visibility", "visible") == "visible" else None
        if shape is None:
            return
        inner = parse_url(own.get("clip-path", "none"))
        within = self.clip_path(inner[0], child, own, state) if inner is not None else None
        outlines.append((shape.as_path().transformed(state.matrix), style.get("clip-rule") == "evenodd", within))

    # --- masks ------------------------------------------------------------------------------------

    def _mask(
        self, mask: Element, name: str, element: Element, own: dict[str, str], state: State
    ) -> tuple[Clip, float] | None:
        """A mask as a clip and an opacity, if it shows and hides and does nothing between; else None."""
        matrix = self._content_matrix(mask.get("maskContentUnits"), element, own, state)
        mask_own = own_properties(mask)
        if matrix is None or mask_own.get("mask", "none") != "none" or mask_own.get("clip-path", "none") != "none":
            return None
        with self.context.following(name):
            style = inherit(self.context.style_at(mask), mask_own)
            layers = self.layers_of(mask, State(matrix, state.viewport, style, depth=state.depth + 1))
        parts = _shown(layers, by_alpha=mask_own.get("mask-type", mask.get("mask-type")) == "alpha")
        levels = [shown for _, shown in parts if shown >= _SAME] if parts is not None else []
        if parts is None or (levels and max(levels) - min(levels) > _SAME):
            return None
        area = pathops.Path()
        for part, shown in parts:
            self.context.count_clip()
            outline = part if part.stroke is None else part.outlined()
            covered = simplified(to_skia(outline.as_path(), outline.evenodd))
            operation = pathops.PathOp.UNION if shown >= _SAME else pathops.PathOp.DIFFERENCE
            area = operate(area, covered, operation)
        clip = Clip(EVERYWHERE, (area,)) if levels else Clip((0.0, 0.0, 0.0, 0.0))
        region = self._region(mask, element, own, state)
        return (clip if region is None else clip.within(region)), min(max(levels, default=1.0), 1.0)

    def _region(self, mask: Element, element: Element, own: dict[str, str], state: State) -> Clip | None:
        """The rectangle outside which a mask hides everything; None where it is wide enough not to matter."""
        if mask.get("maskUnits") != "userSpaceOnUse":
            if not any(mask.get(name) for name in ("x", "y", "width", "height")):
                return None
            matrix = self._content_matrix("objectBoundingBox", element, own, state)
            if matrix is None:
                return None
            state = state._replace(matrix=matrix, viewport=(1.0, 1.0))
        x, y = state.length(mask, "x", -0.1 * state.viewport[0]), state.length(mask, "y", -0.1 * state.viewport[1])
        width = state.length(mask, "width", 1.2 * state.viewport[0])
        height = state.length(mask, "height", 1.2 * state.viewport[1])
        corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
        corners = [tf.apply(state.matrix, *corner) for corner in corners]
        return box_clip(corners) if tf.is_axis_aligned(state.matrix) else Clip.of_polygon(corners)


def _within(state: State, clip: Clip | None) -> State:
    if clip is None:
        return state
    return state._replace(clip=clip if state.clip is None else state.clip.within(clip))


def _shown(layers: list[Layer], by_alpha: bool) -> list[tuple[Layer, float]] | None:
    """Fills and strokes of a mask's layers with what they show, 0 to 1: their alpha, or luminance times alpha.

    None if that is no one number (a gradient), or depends on what lies below (a translucent layer among others).
    """
    parts = []
    for layer in layers:
        for part in layer.apart(stroke_first=False):
            paint = part.fill if part.stroke is None else part.stroke
            if paint is None:
                continue
            if not isinstance(paint, tuple) or (paint[3] < 1 - _SAME and len(layers) > 1):
                return None
            light = 1.0 if by_alpha else sum(weight * value for weight, value in zip(LUMINANCE, paint))
            parts.append((part, light * paint[3]))
    return parts
