"""What all steps of reading one document share: elements by id, what was left out, and how much was done."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element

from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.document import local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.gradients import GradientReader
from svgfusion_lib.svg.paths import MAX_SEGMENTS
from svgfusion_lib.svg.shapes import SHAPES, Shape
from svgfusion_lib.svg.state import State
from svgfusion_lib.svg.styles import apply_style_sheets, inherit, own_properties
from svgfusion_lib.svg.values import parse_length

MAX_DEPTH = 200                  # of elements, references followed
MAX_ELEMENTS = 20_000            # visited, each as often as it is used
MAX_DRAWN = 2 * MAX_SEGMENTS     # path segments, each as often as it is used
MAX_CLIPS = 500                  # boolean operations on paths


class Context:
    """unsupported: what is missing from the rows, feature -> count; approximated: what is shown another way."""

    def __init__(self, root: Element):
        self.root = root
        self.unsupported: Counter = Counter()
        self.approximated: Counter = Counter()
        apply_style_sheets(root, self.unsupported)
        self.ids = {name: e for e in reversed(list(root.iter())) if (name := e.get("id"))}  # the first of an id counts
        self.gradients = GradientReader(self.ids, self.style_at)
        self.root_scale = 1.0    # canvas units per user unit of the root
        self._active: set[str] = set()
        self._parents: dict[Element, Element] | None = None
        self._styles: dict[Element, dict[str, str]] = {}  # what children of an element inherit
        self._elements = self._segments = self._clips = 0

    def find(self, name: str, *kinds: str) -> Element | None:
        """The element of that id, if it is one of those kinds."""
        element = self.ids.get(name)
        return element if element is not None and (not kinds or local_name(element) in kinds) else None

    def style_at(self, element: Element) -> dict[str, str]:
        """What an element inherits where it stands in the tree, which for definitions is not where they are used."""
        if self._parents is None:
            self._parents = {child: parent for parent in self.root.iter() for child in parent}
        above = []
        while element in self._parents and self._parents[element] not in self._styles:
            element = self._parents[element]
            above.append(element)
        style = self._styles[self._parents[element]] if element in self._parents else {}
        for ancestor in reversed(above):
            style = self._styles[ancestor] = inherit(style, own_properties(ancestor))
        return style

    @contextmanager
    def following(self, name: str) -> Iterator[None]:
        """While a reference is followed. ValueError if it leads back to itself."""
        if name in self._active:
            raise ValueError("elements refer to each other in a circle")
        self._active.add(name)
        try:
            yield
        finally:
            self._active.discard(name)

    def count_element(self, element: Element, depth: int) -> None:
        """Before an element is read that stands so deep, references included."""
        spend(20 + sum(map(len, element.attrib.values())) / 20 + len(element), "elements")
        if depth > MAX_DEPTH:
            raise ValueError(f"elements are nested more than {MAX_DEPTH} deep")
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS:,} elements are drawn")

    def count_clip(self) -> None:
        self._clips += 1
        if self._clips > MAX_CLIPS:
            raise ValueError(f"more than {MAX_CLIPS:,} shapes are clipped")

    def matrix(self, own: dict[str, str], state: State) -> tf.Matrix:
        """The state's matrix with the element's transform; one that cannot be read is as if not written."""
        text = own.get("transform")
        if not text:
            return state.matrix
        try:
            matrix = tf.parse_transform(text)
        except ValueError:
            self.unsupported["transform that cannot be read"] += 1
            return state.matrix
        origin = own.get("transform-origin")
        if origin:
            if own.get("transform-box", "view-box") != "view-box":
                self.approximated["transform-box"] += 1
            matrix = tf.around(matrix, *tf.parse_origin(origin, state.viewport))
        return tf.multiply(state.matrix, matrix)

    def geometry(self, element: Element, own: dict[str, str], state: State) -> Shape | None:
        """The shape of a shape element in user space; None if it has no size."""

        def get(key: str) -> str | None:
            return own.get(key, element.get(key))

        def length(key: str, reference: float) -> float:
            return parse_length(get(key), reference, font_size=state.font_size)

        shape = SHAPES[local_name(element)](get, length, state.viewport)
        if shape is not None and shape.path is not None:
            self._segments += len(shape.path)
            spend(3 * len(shape.path), "path segments")
            if self._segments > MAX_DRAWN:
                raise ValueError(f"more than {MAX_DRAWN:,} path segments are drawn")
            if shape.path.broken:
                self.approximated["path data with an error"] += 1
            if len(shape.path) == 0:
                return None
        return shape
