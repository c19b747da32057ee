"""State shared by all steps of parsing one document: elements by id, styles, unsupported features, work done."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element

from svgfusion_lib.svg.document import SVG_NAMESPACE, local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.geometry.paths import MAX_SEGMENTS
from svgfusion_lib.svg.geometry.shapes import SHAPES, Shape
from svgfusion_lib.svg.paint.gradients import GradientReader
from svgfusion_lib.svg.state import State, has_size, viewport
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style, computed, declared
from svgfusion_lib.svg.style.conditions import Screen, conditions_hold
from svgfusion_lib.svg.style.sheets import apply_style_sheets
from svgfusion_lib.svg.style.values import Units

MAX_DEPTH = 200                  # of elements, including followed references
MAX_ELEMENTS = 14_000            # visits, repeated uses included
MAX_DRAWN = 2 * MAX_SEGMENTS     # path segments, repeated uses included
MAX_CLIPS = 500                  # boolean operations on paths
_DEFAULT_SIZE = (300.0, 150.0)   # of a document without a size (CSS 2, section 10.3.2)
_ANIMATIONS = frozenset(
    space + name for name in ("animate", "animateMotion", "animateTransform", "set") for space in ("", SVG_NAMESPACE)
)
_REFERRED_TO = frozenset({"linearGradient", "radialGradient", "pattern", "clipPath", "mask"})

Box = tuple[float, float, float, float]


class Context:
    """unsupported: features missing from the rows, name -> count; approximated: features drawn differently;
    unseen: why shapes are not painted by any viewer.

    pixel: canvas units per pixel of the document's viewport. shadows: for elements that a <use> shows with other
    styles than their own, the copy that it shows.
    """

    def __init__(self, root: Element):
        self.root = root
        self.unsupported: Counter = Counter()
        self.approximated: Counter = Counter()
        self.unseen: Counter = Counter()
        elements = list(root.iter())
        self.ids = {name: e for e in reversed(elements) if (name := e.get("id"))}  # the first element with an id wins
        if not _ANIMATIONS.isdisjoint({e.tag for e in elements}):
            self.approximated["animation"] += 1
        if root.get("xml-stylesheet") is not None:
            self.unsupported["external style sheet"] += 1
        self.pixel = 1.0
        self.bounding_box: Callable[..., Box | None] = lambda element, state, opened=False: None  # set by the walk
        size = viewport(root) if has_size(root) else _DEFAULT_SIZE
        self.shadows = apply_style_sheets(root, Screen(*size), self.unsupported)
        if any(
            local_name(e) in _REFERRED_TO and (declared(e).get("display") == "none" or not conditions_hold(e))
            for e in self.ids.values()
        ):  # valid by SVG 2, section 5.9, but ignored by browsers
            self.approximated["paint, clip path or mask that is itself not displayed"] += 1
        self.initial = Style.initial(Units(viewport=size))
        self.gradients = GradientReader(self.ids, self.style_at)
        self._active: set[str] = set()
        self._parents: dict[Element, Element] | None = None
        self._styles: dict[Element, Style] = {}
        self._paths: dict[str, Shape | None] = {}  # by path data, as <use> draws one path often
        self._elements = self._segments = self._clips = 0

    def find(self, name: str, *kinds: str) -> Element | None:
        """The element with that id, if it is of one of those kinds."""
        element = self.ids.get(name)
        return element if element is not None and (not kinds or local_name(element) in kinds) else None

    def _parents_of_all(self) -> dict[Element, Element]:
        if self._parents is None:
            self._parents = {child: parent for parent in self.root.iter() for child in parent}
            for target, shadow in self.shadows.items():  # takes the place of its original
                self._parents |= {
                    copy: self._parents[e] for e, copy in zip(target.iter(), shadow.iter()) if e in self._parents
                }
        return self._parents

    def style_at(self, element: Element) -> Style:
        """The style of an element's parent in the tree; for definitions, that is not where they are used."""
        parents = self._parents_of_all()
        above = []
        while element in parents and parents[element] not in self._styles:
            element = parents[element]
            above.append(element)
        style = self._styles[parents[element]] if element in parents else self.initial
        for ancestor in reversed(above):
            style = self._styles[ancestor] = computed(ancestor, style, root=ancestor is self.root)
        return style

    def omission_note(self) -> str:
        """Reasons for an error message that nothing is painted: unsupported, hidden or animated content."""
        reasons = [*sorted(self.unsupported), *sorted(self.unseen)]
        if self.approximated["animation"]:
            reasons.append("animation")
        return f" (left out: {', '.join(reasons)})" if reasons else ""

    def _is_within(self, element: Element, outer: Element | None) -> bool:
        parents = self._parents_of_all()
        while element is not outer and element in parents:
            element = parents[element]
        return element is outer

    @contextmanager
    def follow_reference(
        self, name: str, element: Element | None = None, target: Element | None = None
    ) -> Iterator[bool]:
        """Follow a reference. Yields False if it is circular, so that the caller skips it.

        element, target: source and target, if the target may be an ancestor of the source.
        """
        if name in self._active or (element is not None and self._is_within(element, target)):
            self.unsupported["circular reference"] += 1
            yield False
            return
        self._active.add(name)
        try:
            yield True
        finally:
            self._active.discard(name)

    def count_element(self, element: Element, depth: int) -> None:
        """Count an element before it is read; depth includes references."""
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

    def matrix(self, element: Element, style: Style, state: State) -> tf.Matrix:
        """The state's matrix combined with a style's transforms (CSS Transforms 2, section 8)."""
        if not ("transform" in style or "translate" in style or "rotate" in style or "scale" in style):
            return state.matrix
        transform = style["transform"]
        root = element is self.root
        if style["transform-origin"] is None and not root and isinstance(transform, tuple) and style["translate"] \
                == style["rotate"] == style["scale"] == "none":
            return tf.multiply(state.matrix, transform)
        box = self._reference_box(element, style, state)
        matrix, spatial = tf.of_style(style, box, "50% 50%" if root else "0 0")
        if spatial:
            self.unsupported["3D transform"] += 1
        return tf.multiply(state.matrix, matrix)

    def _reference_box(self, element: Element, style: Style, state: State) -> Box:
        """The reference box (left, top, width, height) of transforms, for percentages and the origin."""
        if style["transform-box"] in ("fill-box", "content-box") and element is not self.root:
            box = self.bounding_box(element, state._replace(style=style))
            return (box[0], box[1], box[2] - box[0], box[3] - box[1]) if box is not None else (0.0, 0.0, 0.0, 0.0)
        if style["transform-box"] != "view-box":
            self.approximated["transform-box"] += 1
        return (0.0, 0.0, *state.viewport)

    def geometry(self, element: Element, state: State, moves: bool = False) -> Shape | None:
        """The shape of a shape element in user space, or None if it has no size; moves: keep paths of only moves."""
        name, data = local_name(element), state.style["d"]
        if name != "path":
            shape = SHAPES[name](element, state.style, state.viewport)
        elif data in self._paths:
            shape = self._paths[data]
        else:
            shape = self._paths[data] = SHAPES[name](element, state.style, state.viewport)
        if shape is not None and shape.path is not None:
            self._segments += len(shape.path)
            spend(3 * len(shape.path), "path segments")
            if self._segments > MAX_DRAWN:
                raise ValueError(f"more than {MAX_DRAWN:,} path segments are drawn")
            if shape.path.broken:
                self.approximated["path data with an error"] += 1
            if len(shape.path) == 0 and not (moves and shape.path.isolated_moves):
                return None
        return shape
