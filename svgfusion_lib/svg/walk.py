"""The walk through a document in paint order: groups, references, viewports, effects."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from xml.etree.ElementTree import Element

from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.clipping import ClippingError
from svgfusion_lib.svg.context import Context
from svgfusion_lib.svg.document import href, local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.layers import Layer
from svgfusion_lib.svg.masking import MaskReader
from svgfusion_lib.svg.painting import shape_layers
from svgfusion_lib.svg.shapes import SHAPES
from svgfusion_lib.svg.state import State, nested_state, root_state, says_its_size
from svgfusion_lib.svg.styles import inherit, own_properties
from svgfusion_lib.svg.values import parse_opacity, parse_url

_GROUPS = frozenset({"g", "a", "svg", "switch", "use"})
_ENGLISH = re.compile(r"(?:^|,)\s*+en", re.IGNORECASE)  # in a list of languages
_NOT_DRAWN = frozenset({"image", "text", "foreignObject"})


class Walker:
    """Collects the layers of a document."""

    def __init__(self, context: Context):
        self.context = context
        self.layers: list[Layer] = []
        self.masks = MaskReader(context, self._layers_of)

    def run(self) -> list[Layer]:
        """The layers that the document paints. Raises ValueError with the reason if it cannot be drawn."""
        root = self.context.root
        if not says_its_size(root):
            self._take_size(root)
        state = root_state(root)
        self.context.root_scale = tf.mean_scale(state.matrix)
        own = own_properties(root)
        if own.get("display") != "none":
            state = state._replace(style=inherit({}, own), matrix=self.context.matrix(own, state))
            self._content(root, own, state)
        return self.layers

    def _take_size(self, root: Element) -> None:
        """Give a root that does not say its size the box of what it paints as viewBox, as viewers do."""
        counted = Counter(self.context.unsupported), Counter(self.context.approximated)
        own = own_properties(root)
        state = State((1e-3, 0, 0, 1e-3, 0, 0), (100.0, 100.0), inherit({}, own))
        boxes = [layer.painted_box() for layer in self._layers_of(root, state)]
        if not boxes:
            raise ValueError("no viewBox, no width and height, and nothing is painted that could tell them")
        self.context.unsupported, self.context.approximated = counted  # what is left out is counted when it is drawn
        self.context.approximated["no size: the box of the drawing"] += 1
        lefts, tops, rights, bottoms = zip(*boxes)
        left, top, right, bottom = (1e3 * v for v in (min(lefts), min(tops), max(rights), max(bottoms)))
        root.set("viewBox", f"{left} {top} {max(right - left, 1e-6)} {max(bottom - top, 1e-6)}")

    def _layers_of(self, element: Element, state: State) -> list[Layer]:
        """The layers that an element's children paint, apart from the document's."""
        spend(len(element), "elements")
        outside, self.layers = self.layers, []
        try:
            for child in element:
                self._visit(child, state)
            return self.layers
        finally:
            self.layers = outside

    def _visit(self, element: Element, state: State) -> None:
        """Paint an element and what is in it."""
        name = local_name(element)
        if name not in SHAPES and name not in _GROUPS:
            if name in _NOT_DRAWN and own_properties(element).get("display") != "none":
                self.context.unsupported[name] += 1
            return
        self.context.count_element(element, state.depth)
        own = own_properties(element)
        if own.get("display") == "none" or not _speaks_english(element):
            return
        matrix = self.context.matrix(own, state)
        if tf.determinant(matrix) == 0:
            return
        state = State(matrix, state.viewport, inherit(state.style, own), state.opacity, state.clip, state.depth + 1)
        if name in SHAPES:
            if state.style.get("visibility", "visible") == "visible":
                state = self._with_effects(element, own, state)
                if state is not None:
                    self._shape(element, own, state)
        else:
            self._content(element, own, state)

    def _content(self, element: Element, own: dict[str, str], state: State) -> None:
        """Paint the children of a group, of an <svg>, or what a <use> refers to."""
        state = self._with_effects(element, own, state)
        if state is None:
            return
        first = len(self.layers)
        if local_name(element) == "use":
            self._use(element, state)
        else:
            if local_name(element) == "svg" and element is not self.context.root:
                width, height = (state.length(element, k, v) for k, v in zip(("width", "height"), state.viewport))
                state = nested_state(element, state.moved(element), width, height)
            if state is not None:
                for child in _children(element):
                    self._visit(child, state)
        if "opacity" in own and parse_opacity(own["opacity"]) < 1 and _overlap(self.layers[first:]):
            self.context.approximated["opacity of overlapping shapes in a group"] += 1

    def _use(self, element: Element, state: State) -> None:
        name = href(element)
        target = self.context.find(name)
        if target is None:
            self.context.unsupported["reference to nothing in the file"] += 1
            return
        with self.context.following(name):
            state = state.moved(element)
            if local_name(target) not in ("symbol", "svg"):
                self._visit(target, state)
                return
            self.context.count_element(target, state.depth)
            own = own_properties(target)
            if own.get("display") == "none":
                return
            state = state._replace(
                matrix=self.context.matrix(own, state), style=inherit(state.style, own), depth=state.depth + 1
            )
            width, height = (
                state.length(element, k, state.length(target, k, whole))
                for k, whole in zip(("width", "height"), state.viewport)
            )
            state = self._with_effects(target, own, state.moved(target))
            state = nested_state(target, state, width, height) if state is not None else None
            if state is not None:
                for child in target:
                    self._visit(child, state)

    def _with_effects(self, element: Element, own: dict[str, str], state: State) -> State | None:
        """The state with the element's opacity, clip path and mask; None if nothing of it is seen."""
        if "opacity" in own:
            state = state._replace(opacity=state.opacity * parse_opacity(own["opacity"]))
        if "filter" in own and (own["filter"].strip() not in ("none", "")):
            reference = parse_url(own["filter"])
            if reference is None or self.context.find(reference[0], "filter") is not None:
                self.context.unsupported["filter"] += 1
        if own.get("mix-blend-mode", "normal") != "normal":
            self.context.unsupported["mix-blend-mode"] += 1
        if "clip-path" in own or "mask" in own:
            state = self.masks.clipped(element, own, state)
        return state if state.opacity > 0 else None

    def _shape(self, element: Element, own: dict[str, str], state: State) -> None:
        for layer in shape_layers(self.context, element, own, state):
            if state.clip is None or state.clip.open:
                self.layers.append(layer)
                continue
            try:
                if not state.clip.leaves_alone(layer.painted_box()):
                    self.context.count_clip()
                self.layers += layer.clipped(state.clip)
            except ClippingError:
                self.context.unsupported["clip-path too complex"] += 1
                self.layers.append(layer)


def _children(element: Element) -> Iterator[Element]:
    """The children that are drawn; of a <switch> the first whose conditions hold (SVG 2, section 5.9)."""
    if local_name(element) != "switch":
        yield from element
        return
    for child in element:
        known = local_name(child) in SHAPES or local_name(child) in _GROUPS or local_name(child) in _NOT_DRAWN
        if known and not child.get("requiredExtensions") and _speaks_english(child):
            yield child
            return


def _speaks_english(element: Element) -> bool:
    """Whether systemLanguage, if given, holds for an English reader."""
    languages = element.get("systemLanguage")
    return languages is None or _ENGLISH.search(languages) is not None


def _overlap(layers: list[Layer]) -> bool:
    """Whether two of the layers' boxes overlap (of the first 40)."""
    spend(25 * min(len(layers), 40), "opacity of groups")
    found = [layer.painted_box() for layer in layers[:40]] if len(layers) > 1 else []
    return any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a, b in combinations(found, 2)
    )
