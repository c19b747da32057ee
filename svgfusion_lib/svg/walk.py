"""Walk through a document in paint order: groups, references, viewports, effects."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, islice
from xml.etree.ElementTree import Element

import numpy as np

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg.context import Box, Context
from svgfusion_lib.svg.document import href, local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.geometry.clipping import Clip, ClippingError
from svgfusion_lib.svg.geometry.shapes import SHAPES
from svgfusion_lib.svg.layers import Layer
from svgfusion_lib.svg.paint.markers import marker_places, marker_state
from svgfusion_lib.svg.paint.masking import MaskReader
from svgfusion_lib.svg.paint.painting import context_paints, shape_layers
from svgfusion_lib.svg.paint.patterns import PatternReader
from svgfusion_lib.svg.state import State, fit_to_view_box, has_size, nested_state, root_state
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style, computed
from svgfusion_lib.svg.style.conditions import conditions_hold
from svgfusion_lib.svg.style.values import parse_url

_GROUPS = frozenset({"g", "a", "svg", "switch", "use"})
_NOT_DRAWN = frozenset({"image", "text", "foreignObject"})
_MARKERS = ("marker-start", "marker-mid", "marker-end")
_SURROUNDINGS = Clip((-2.0, -2.0, 2.0, 2.0))  # of the canvas
_NOT_ZERO = re.compile(r"[1-9]")


class Walker:
    """Collects the layers of a document."""

    def __init__(self, context: Context):
        self.context = context
        self.layers: list[Layer] = []
        self.masks = MaskReader(context, self._layers_of)
        self.patterns = PatternReader(context, self._layers_of)
        self._boxes: list[Box] | None = None  # set while an element is measured, not painted
        context.bounding_box = self.bounding_box

    def run(self) -> list[Layer]:
        """Collect the document's layers. Raises ValueError with the reason if it cannot be drawn."""
        root = self.context.root
        style = computed(root, self.context.initial, root=True)
        if not has_size(root):
            self._set_canvas(root, style)
        state = root_state(root, style)
        self.context.pixel = tf.mean_scale(state.matrix)
        if style["display"] == "none":
            self.context.unseen["the root is not displayed"] += 1
            return []
        turned = style["transform"]
        if not isinstance(turned, tuple) or any(turned[4:]) or style["translate"] != "none" or (
            turned != tf.IDENTITY and "transform-origin" in style
        ):
            self.context.approximated["transform of the root, in pixels of the document's own size"] += 1
        if _NOT_ZERO.search(style["margin"]):
            self.context.approximated["margin, border or padding of the root"] += 1
        self._background(state)
        matrix = self.context.matrix(root, style, state)
        self._content(root, state._replace(matrix=matrix))
        return [part for layer in self.layers for part in self._within_reach(layer)]

    def _set_canvas(self, root: Element, style: Style) -> None:
        """Set the viewBox of a root without a size to the box of what it paints, as viewers do."""
        counted = Counter(self.context.unsupported), Counter(self.context.approximated)
        state = State((1e-3, 0, 0, 1e-3, 0, 0), (100.0, 100.0), style)
        boxes = [layer.painted_box() for layer in self._layers_of(root, state)]
        if not boxes:
            reason = "no viewBox, no width and height, and nothing is painted to derive them from"
            raise ValueError(reason + self.context.omission_note())
        self.context.unsupported, self.context.approximated = counted  # features are counted when they are drawn
        self.context.approximated["no size: bounding box of the drawing"] += 1
        left, top, right, bottom = (1e3 * v for v in _around(boxes))
        root.set("viewBox", f"{left} {top} {max(right - left, 1e-6)} {max(bottom - top, 1e-6)}")

    def _background(self, state: State) -> None:
        """Paint the root's background on the whole viewport, even if the root is hidden (CSS Backgrounds 3, 2.11.2)."""
        style = state.style
        if style["background-image"] != "none":
            self.context.unsupported["background image"] += 1
        colour = style.colour(style["background-color"])
        if colour is None or colour[3] <= 0:
            return
        x, y = tf.apply(state.matrix, 0, 0)
        right, bottom = tf.apply(state.matrix, *state.viewport)
        geometry = (x, y, right - x, bottom - y, 0.0, 0.0)
        self.layers.append(Layer(primitive=(rf.RECT, geometry), fill=colour))

    def _layers_of(self, element: Element, state: State) -> list[Layer]:
        """The layers of an element's children, kept apart from the document's; state: the element's own."""
        spend(len(element), "elements")
        outside, self.layers = self.layers, []
        measured, self._boxes = self._boxes, None
        try:
            for child in element:
                self._visit(child, state)
            return self.layers
        finally:
            self.layers, self._boxes = outside, measured

    def bounding_box(self, element: Element, state: State, opened: bool = False) -> Box | None:
        """Bounding box of an element's geometry, hidden or not, in its user space; None if it has none.

        opened: the state is already the one inside the element.
        """
        if local_name(element) in SHAPES:
            shape = self.context.geometry(element, state)
            return shape.box() if shape is not None else None
        if element is self.context.root:
            return (0.0, 0.0, *state.viewport)
        counted = Counter(self.context.unsupported), Counter(self.context.approximated)
        outside, self._boxes = self._boxes, []
        try:
            state = state._replace(matrix=tf.IDENTITY, clip=None)
            self._inside(element, state) if opened else self._content(element, state)
            boxes = self._boxes
        finally:
            self._boxes = outside
            self.context.unsupported, self.context.approximated = counted
        return _around(boxes) if boxes else None

    def _visit(self, element: Element, state: State) -> None:
        """Paint an element and its content; state: that of its parent."""
        name = local_name(element)
        if name not in SHAPES and name not in _GROUPS:
            if name in _NOT_DRAWN and conditions_hold(element):
                style = computed(element, state.style)
                if style["display"] != "none" and style["visibility"] == "visible":
                    self.context.unsupported[name] += 1
            return
        self.context.count_element(element, state.depth)
        style = computed(element, state.style)
        if style["display"] == "none" or not conditions_hold(element):
            self.context.unseen["elements that are not displayed"] += 1
            return
        if style["display"] == "contents":
            style = style.inherited_style()
        if style["animation"] != "none":
            self.context.approximated["animation"] += 1
        if style["offset-path"] != "none":
            self.context.unsupported["offset-path"] += 1
        matrix = self.context.matrix(element, style, state)
        if tf.determinant(matrix) == 0:
            return
        state = State(matrix, state.viewport, style, state.opacity, state.clip, state.depth + 1, state.context)
        if name not in SHAPES:
            self._content(element, state)
        elif self._boxes is not None:
            shape = self.context.geometry(element, state)
            if shape is not None:
                self._boxes.append(shape.as_path().transformed(matrix).bounds())
        elif style["visibility"] != "visible":
            self.context.unseen["elements that are hidden"] += 1
        else:
            effective = self._with_effects(element, state)
            if effective is not None:
                self._shape(element, effective)

    def _content(self, element: Element, state: State) -> None:
        """Paint the children of a group or <svg>, or the target of a <use>; state: the element's own."""
        opacity = state.style["opacity"]
        inside: State | None = state
        if local_name(element) == "use":
            inside = state.moved()
        elif local_name(element) == "svg" and element is not self.context.root:
            inside = nested_state(element, state.moved(), *state.size(state.style))
        # clip paths and masks use the inner coordinate system, but those of the root use viewport pixels
        inside = self._with_effects(element, inside) if inside is not None else None
        if inside is None:
            return
        if element is self.context.root:
            inside = fit_to_view_box(element, inside)
        first = len(self.layers)
        self._inside(element, inside)
        if opacity < 1 and _overlap(self.layers[first:]):
            self.context.approximated["opacity of overlapping shapes in a group"] += 1

    def _inside(self, element: Element, state: State) -> None:
        """Paint an element's content without its own effects; state: the one inside it."""
        if local_name(element) == "use":
            self._use(element, state)
            return
        for child in _children(element):
            self._visit(child, state)

    def _use(self, element: Element, state: State) -> None:
        name = href(element)
        target = self.context.find(name)
        if target is None:
            self.context.unsupported["reference to a missing element"] += 1
            return
        if self._boxes is None:  # measuring needs no paint
            state = state._replace(context=context_paints(self.context, element, state))
        with self.context.follow_reference(name, element, target) as new:
            if not new:
                return
            target = self.context.shadows.get(target, target)
            if local_name(target) not in ("symbol", "svg"):
                self._visit(target, state)
                return
            self.context.count_element(target, state.depth)
            style = computed(target, state.style)
            if style["display"] == "none" or not conditions_hold(target):
                return
            matrix = self.context.matrix(target, style, state)
            size = state.size(state.style, state.size(style))
            state = state._replace(matrix=matrix, style=style, depth=state.depth + 1)
            inside = nested_state(target, state.moved(), *size)
            inside = self._with_effects(target, inside) if inside is not None else None
            if inside is not None:
                for child in target:
                    self._visit(child, inside)

    def _with_effects(self, element: Element, state: State) -> State | None:
        """Apply the style's opacity, clip path and mask to the state; None if nothing stays visible."""
        style = state.style
        if self._boxes is not None or not ("opacity" in style or "clip-path" in style or "mask" in style
                                           or "filter" in style or "mix-blend-mode" in style):
            return state
        state = state._replace(opacity=state.opacity * style["opacity"])
        if style["filter"] != "none":
            reference = parse_url(style["filter"])
            if reference is None or self.context.find(reference[0], "filter") is not None:
                self.context.unsupported["filter"] += 1
        if style["mix-blend-mode"] != "normal":
            self.context.unsupported["mix-blend-mode"] += 1
        if style["clip-path"] != "none" or style["mask"] != "none":
            if local_name(element) in ("svg", "symbol"):  # the root's is in pixels; browsers may ignore others
                self.context.approximated["clip path or mask of a viewport"] += 1
            state = self.masks.clipped(element, state)
        if state.opacity <= 0:
            self.context.unseen["elements with opacity 0"] += 1
            return None
        return state

    # --- shapes -------------------------------------------------------------------------------------

    def _shape(self, element: Element, state: State) -> None:
        order = state.style["paint-order"].split()
        style = state.style
        marked = (
            style["marker-start"] != "none" or style["marker-mid"] != "none"
            or style["marker-end"] != "none"
        ) and local_name(element) in ("path", "line", "polyline", "polygon")
        if marked and order[:1] == ["markers"]:
            self._draw_markers(element, state)
        for layer in shape_layers(self.context, element, state):
            for part in self.patterns.filled(element, layer, state):
                self._add_layer(part, state)
        if marked and order[:1] != ["markers"]:
            self._draw_markers(element, state)

    def _add_layer(self, layer: Layer, state: State) -> None:
        """Clip a layer and add it."""
        self.layers += [layer] if state.clip is None or state.clip.open else self._clipped(layer, state.clip)

    def _clipped(self, layer: Layer, clip: Clip) -> list[Layer]:
        try:
            if not clip.contains(layer.painted_box()):
                self.context.count_clip()
            return layer.clipped(clip)
        except ClippingError:
            self.context.unsupported["clip-path too complex"] += 1
            return [layer]

    def _within_reach(self, layer: Layer) -> list[Layer]:
        """Clip a layer well outside the canvas if it exceeds the coordinate range of rows."""
        places = layer.path.points if layer.path is not None else np.array(layer.box())
        if places.max() <= rf.POSITION_LIMIT and places.min() >= -rf.POSITION_LIMIT:
            return [layer]
        return self._clipped(layer, _SURROUNDINGS)

    def _draw_markers(self, element: Element, state: State) -> None:
        """Paint a shape's markers, in the order of its vertices (SVG 2, section 13.7)."""
        shape = self.context.geometry(element, state, moves=True)
        if shape is None or shape.path is None:
            return
        references = (parse_url(state.style[name]) for name in _MARKERS)
        names = [reference[0] if reference is not None else "" for reference in references]
        markers = [self.context.find(name, "marker") for name in names]
        wanted = [marker is not None for marker in markers]
        if not any(wanted):
            return
        around = state._replace(context=context_paints(self.context, element, state))
        stroke = state.style.length("stroke-width", state.diagonal)
        if state.style["vector-effect"] == "non-scaling-stroke":
            stroke *= self.context.pixel / tf.mean_scale(state.matrix)
        for kind, point, angle in marker_places(shape.path, wanted):
            marker = markers[kind]
            assert marker is not None  # a wanted one
            with self.context.follow_reference(names[kind]) as new:
                if not new:
                    return
                self.context.count_element(marker, state.depth)
                style = computed(marker, self.context.style_at(marker))
                inside = marker_state(marker, style, around, stroke, point, angle, at_start=kind == 0)
                inside = self._with_effects(marker, inside) if inside is not None else None
                if inside is not None:
                    for child in marker:
                        self._visit(child, inside)


def _children(element: Element) -> Iterator[Element]:
    """Children to draw: no nested <a>; for a <switch>, the first child whose conditions hold (SVG 2, 5.9)."""
    if local_name(element) != "switch":
        yield from (child for child in element if local_name(child) != "a") if local_name(element) == "a" else element
        return
    yield from islice((child for child in element if local_name(child) and conditions_hold(child)), 1)


def _around(boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _overlap(layers: list[Layer]) -> bool:
    """Whether any two layers' boxes overlap (among the first 40)."""
    spend(25 * min(len(layers), 40), "opacity of groups")
    found = [layer.painted_box() for layer in layers[:40]] if len(layers) > 1 else []
    return any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a, b in combinations(found, 2)
    )
