"""SVG -> rows [L, 22] on the canvas [-1, 1]^2 (see row_format).

    bytes -> XML tree (svg/document) -> painted elements in paint order (here) -> layers -> rows (svg/layers)

The walk resolves what a renderer resolves: styles, transforms, references, viewports, clip paths, gradients.
What rows cannot hold is counted by name, never dropped in silence.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path as FilePath
from xml.etree.ElementTree import Element

import numpy as np

from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.clipping import Clip, ClippingError, outline_clip
from svgfusion_lib.svg.document import href, local_name, read_document
from svgfusion_lib.svg.gradients import resolve_gradient
from svgfusion_lib.svg.layers import Layer, layers_to_rows, resolve_join
from svgfusion_lib.svg.paint import PaintReader, dashes, line_style, stroke_width
from svgfusion_lib.svg.paths import MAX_SEGMENTS, Path
from svgfusion_lib.svg.shapes import SHAPES, Shape
from svgfusion_lib.svg.state import State, nested_state, root_state
from svgfusion_lib.svg.styles import apply_style_sheets, inherit, own_properties
from svgfusion_lib.svg.values import parse_length, parse_opacity, parse_url
from svgfusion_lib.utils import row_format as rf

MAX_DEPTH = 200         # of elements, uses followed
MAX_ELEMENTS = 20_000   # visited, each as often as it is used
LARGEST = 1e6           # of a number in the rows; the canvas is 2 wide
_GROUPS = frozenset({"g", "a", "svg", "switch"})
_NOT_DRAWN = frozenset({"image", "text", "foreignObject"})
_MARKERS = ("marker-start", "marker-mid", "marker-end")
_CONDITIONS = ("requiredExtensions", "systemLanguage")


@dataclass
class ParsedSVG:
    """rows: float32 [L, 22], BOS first and EOS last.

    unsupported: what is missing from the rows, feature name -> count. approximated: what they show in
    another way than the file, near enough to learn from.
    """

    rows: np.ndarray
    unsupported: Counter = field(default_factory=Counter)
    approximated: Counter = field(default_factory=Counter)


def parse_svg(source: str | bytes | FilePath) -> ParsedSVG:
    """Parse SVG text, its bytes (gzip too), or the file at a Path. Raises ValueError with the reason if it cannot."""
    root = read_document(source)
    walker = _Walker(root)
    try:
        walker.run()
    except (OverflowError, ZeroDivisionError, np.linalg.LinAlgError, RecursionError) as error:
        raise ValueError(f"numbers or nesting go beyond all measure ({error})") from error
    special = np.zeros((2, rf.NUM_COLUMNS))
    special[:, rf.ELEMENT] = (rf.BOS, rf.EOS)
    rows = layers_to_rows(walker.layers)
    if len(rows) == 0:
        raise ValueError("nothing is painted that rows can represent")
    matrix = np.concatenate([special[:1], rows, special[1:]])  # [L, 22]
    if not (np.abs(matrix) < LARGEST).all():
        raise ValueError("a coordinate is infinite, not a number, or too large")
    return ParsedSVG(matrix.astype(np.float32), walker.unsupported, walker.approximated)


class _Walker:
    """Walks the tree in paint order and collects what is painted."""

    def __init__(self, root: Element):
        self.root = root
        self.unsupported: Counter = Counter()
        self.approximated: Counter = Counter()
        self.layers: list[Layer] = []
        apply_style_sheets(root, self.unsupported)
        self.ids = {e.get("id"): e for e in reversed(list(root.iter())) if e.get("id")}  # the first of an id counts
        self.paints = PaintReader(self.ids, self.unsupported)
        self.clips: dict[tuple, Clip | None] = {}
        self.visited = self.segments = 0
        self.active: list[str] = []         # ids being followed, against circles

    def run(self) -> None:
        state = root_state(self.root)
        self.root_scale = tf.mean_scale(state.matrix)
        own = own_properties(self.root)
        if own.get("display") != "none":
            self._content(self.root, own, state._replace(style=inherit({}, own)))

    # --- the tree ---------------------------------------------------------------------------------

    def _visit(self, element: Element, state: State) -> None:
        """Paint an element and what is in it."""
        name = local_name(element)
        if name not in SHAPES and name not in _GROUPS and name != "use":
            if name in _NOT_DRAWN and own_properties(element).get("display") != "none":
                self.unsupported[name] += 1
            return
        self.visited += 1
        if self.visited > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS:,} elements are drawn")
        if state.depth > MAX_DEPTH:
            raise ValueError(f"elements are nested more than {MAX_DEPTH} deep")
        own = own_properties(element)
        if own.get("display") == "none":
            return
        matrix = self._matrix(own, state)
        if tf.determinant(matrix) == 0:
            return
        state = State(matrix, state.viewport, inherit(state.style, own), state.opacity, state.clip, state.depth + 1)
        if name in SHAPES:
            state = self._with_effects(element, own, state)
            if state is not None and state.style.get("visibility", "visible") == "visible":
                self._shape(element, name, own, state)
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
            if local_name(element) == "svg" and element is not self.root:
                x, y, width, height = self._viewport_of(element, state)
                state = nested_state(element, state._replace(matrix=_moved(state.matrix, x, y)), width, height)
            for child in _children(element) if state is not None else ():
                self._visit(child, state)
        if parse_opacity(own.get("opacity")) < 1 and _overlap(self.layers[first:]):
            self.approximated["opacity of overlapping shapes in a group"] += 1

    def _use(self, element: Element, state: State) -> None:
        name = href(element)
        target = self.ids.get(name)
        if target is None:
            if element.get("href") or not name:
                self.unsupported["reference to nothing in the file"] += 1
            return
        if name in self.active:
            raise ValueError("elements refer to each other in a circle")
        state = state._replace(matrix=_moved(state.matrix, *self._lengths(element, state, ("x", "y"))))
        self.active.append(name)
        if local_name(target) in ("symbol", "svg"):
            own = own_properties(target)
            if own.get("display") != "none":
                state = state._replace(style=inherit(state.style, own), depth=state.depth + 1)
                state = self._with_effects(target, own, state._replace(matrix=self._matrix(own, state)))
                _, _, width, height = self._viewport_of(target, state) if state else (0, 0, 0, 0)
                if state is not None and element.get("width"):
                    width = parse_length(element.get("width"), state.viewport[0], width)
                if state is not None and element.get("height"):
                    height = parse_length(element.get("height"), state.viewport[1], height)
                state = nested_state(target, state, width, height) if state is not None else None
                for child in _children(target) if state is not None else ():
                    self._visit(child, state)
        else:
            self._visit(target, state)
        self.active.pop()

    def _viewport_of(self, element: Element, state: State) -> list[float]:
        """x, y, width, height of a nested <svg> or <symbol>; all of the viewport where it does not say."""
        x, y = self._lengths(element, state, ("x", "y"))
        width = parse_length(element.get("width"), state.viewport[0], state.viewport[0])
        height = parse_length(element.get("height"), state.viewport[1], state.viewport[1])
        return [x, y, width, height]

    def _lengths(self, element: Element, state: State, names: tuple[str, str]) -> list[float]:
        return [parse_length(element.get(name), size) for name, size in zip(names, state.viewport)]

    def _matrix(self, own: dict[str, str], state: State) -> tf.Matrix:
        text = own.get("transform")
        if not text:
            return state.matrix
        matrix = tf.parse_transform(text)
        origin = own.get("transform-origin")
        if origin:
            matrix = tf.around(matrix, *tf.parse_origin(origin, state.viewport))
        return tf.multiply(state.matrix, matrix)

    # --- effects ----------------------------------------------------------------------------------

    def _with_effects(self, element: Element, own: dict[str, str], state: State) -> State | None:
        """The state with the element's opacity and clip path; None if nothing of it is seen."""
        if "opacity" in own:
            state = state._replace(opacity=state.opacity * parse_opacity(own["opacity"]))
            if state.opacity <= 0:
                return None
        for name in ("mask", "filter"):
            reference = parse_url(own.get(name, "none"))
            if reference is not None and (reference[0] in self.ids or not reference[0]):
                self.unsupported[name] += 1
        if own.get("mix-blend-mode", "normal") != "normal":
            self.unsupported["mix-blend-mode"] += 1
        text = own.get("clip-path", "none")
        if text != "none":
            reference = parse_url(text)
            if reference is None:
                self.unsupported["clip-path by a CSS shape"] += 1
            elif reference[0] in self.ids and local_name(self.ids[reference[0]]) == "clipPath":
                clip = self._clip(reference[0], element, own, state)
                if clip is not None:
                    state = state._replace(clip=clip if state.clip is None else state.clip.within(clip))
        return state

    def _clip(self, name: str, element: Element, own: dict[str, str], state: State) -> Clip | None:
        """The clip path of that id for an element, on the canvas; None if it cannot be applied."""
        clip_element = self.ids[name]
        matrix = state.matrix
        if clip_element.get("clipPathUnits") == "objectBoundingBox":
            shape = self._geometry(element, local_name(element), own, state) if local_name(element) in SHAPES else None
            if shape is None:
                self.unsupported["clip-path in units of a group's box"] += 1
                return None
            left, top, right, bottom = shape.box()
            matrix = tf.multiply(matrix, (right - left, 0, 0, bottom - top, left, top))
        key = (name, matrix)
        if key not in self.clips:
            if name in self.active:
                raise ValueError("elements refer to each other in a circle")
            self.active.append(name)
            try:
                self.clips[key] = self._read_clip(clip_element, state._replace(matrix=matrix, clip=None))
            except ClippingError:
                self.unsupported["clip-path too complex"] += 1
                self.clips[key] = None
            self.active.pop()
        return self.clips[key]

    def _read_clip(self, clip_element: Element, state: State) -> Clip:
        own = own_properties(clip_element)
        state = state._replace(matrix=self._matrix(own, state), style=inherit({}, own))
        outlines: list[tuple[Path, bool, Clip | None]] = []
        for child in clip_element:
            self._clip_child(child, state, outlines)
        clip = outline_clip(outlines)
        outer = parse_url(own.get("clip-path", "none"))
        if outer is not None and outer[0] in self.ids:
            within = self._clip(outer[0], clip_element, own, state)
            clip = clip if within is None else within.within(clip)
        return clip

    def _clip_child(self, child: Element, state: State, outlines: list) -> None:
        name = local_name(child)
        if name == "use":
            target = href(child)
            if target not in self.ids:
                return
            if target in self.active:
                raise ValueError("elements refer to each other in a circle")
            own = own_properties(child)
            matrix = _moved(self._matrix(own, state), *self._lengths(child, state, ("x", "y")))
            self.active.append(target)
            self._clip_child(self.ids[target], state._replace(matrix=matrix, style=inherit(state.style, own)), outlines)
            self.active.pop()
            return
        if name not in SHAPES:
            if name in ("text", "g"):
                self.unsupported[f"{name} in a clip-path"] += name == "text"
            return
        own = own_properties(child)
        style = inherit(state.style, own)
        if own.get("display") == "none" or style.get("visibility", "visible") != "visible":
            return
        state = state._replace(matrix=self._matrix(own, state), style=style)
        shape = self._geometry(child, name, own, state)
        if shape is None:
            return
        inner = parse_url(own.get("clip-path", "none"))
        within = self._clip(inner[0], child, own, state) if inner is not None and inner[0] in self.ids else None
        outlines.append((shape.as_path().transformed(state.matrix), style.get("clip-rule") == "evenodd", within))

    # --- shapes -----------------------------------------------------------------------------------

    def _geometry(self, element: Element, name: str, own: dict[str, str], state: State) -> Shape | None:
        def get(key: str) -> str | None:
            return own.get(key, element.get(key))

        def length(key: str, reference: float) -> float:
            return parse_length(get(key), reference)

        shape = SHAPES[name](get, length, state.viewport)
        if shape is not None and shape.path is not None:
            self.segments += len(shape.path)
            if self.segments > 2 * MAX_SEGMENTS:
                raise ValueError(f"more than {2 * MAX_SEGMENTS:,} path segments are drawn")
            if shape.path.broken:
                self.approximated["path data with an error"] += 1
            if len(shape.path) == 0:
                return None
        return shape

    def _shape(self, element: Element, name: str, own: dict[str, str], state: State) -> None:
        style = state.style
        fill = None if name == "line" else self.paints.paint("fill", style, state.opacity)
        stroke = self.paints.paint("stroke", style, state.opacity) if "stroke" in style else None
        width = stroke_width(style, state) if stroke is not None else 0.0
        if width == 0:
            stroke = None
        if fill is None and stroke is None:
            return
        shape = self._geometry(element, name, own, state)
        if shape is None:
            return
        matrix = state.matrix
        path, primitive = shape.on_canvas(matrix)
        layer = Layer(path, primitive, width=0.0, evenodd=fill is not None and style.get("fill-rule") == "evenodd")
        if stroke is not None:
            layer.cap, layer.join, layer.miter_limit = line_style(style)
            fixed = own.get("vector-effect") == "non-scaling-stroke"
            layer.width = width * (self.root_scale if fixed else tf.mean_scale(matrix))
        layer.fill, layer.stroke = fill if isinstance(fill, tuple) and len(fill) == 4 else None, None
        if isinstance(fill, tuple) and len(fill) == 2:
            layer.fill = self._gradient(fill, shape, layer, state)
        if stroke is not None:
            layer.stroke = stroke if len(stroke) == 4 else self._gradient(stroke, shape, layer, state)
        if shape.path is not None and any(parse_url(style.get(marker, "none")) for marker in _MARKERS):
            self.unsupported["marker"] += 1
        if layer.fill is not None or layer.stroke is not None:
            for part in self._parts(layer, shape, width, own, state):
                self._paint(part, state.clip)
            if state.opacity < 1 and layer.fill is not None and layer.stroke is not None:
                self.approximated["opacity of a fill under its stroke"] += 1

    def _gradient(self, paint: tuple, shape: Shape, layer: Layer, state: State):
        source, opacity = paint
        left, top, right, bottom = layer.painted_box()
        margin = layer.width / 2
        seen = (left - margin, top - margin, right + margin, bottom + margin)
        resolved = resolve_gradient(source, state.matrix, shape.box, seen, state.viewport, opacity)
        if resolved is not None and not isinstance(resolved, tuple) and not resolved.exact:
            self.approximated["gradient of more than two stops"] += 1
        return resolved

    def _parts(self, layer: Layer, shape: Shape, width: float, own: dict[str, str], state: State) -> Iterator[Layer]:
        """The layer as one element where that is exact, else its fill and its stroke as two."""
        if layer.stroke is None:
            yield layer
            return
        if dashes(state.style):
            self.unsupported["stroke-dasharray"] += 1
        stroke_first = layer.fill is not None and state.style.get("paint-order", "").split()[:1] == ["stroke"]
        even = tf.is_similarity(state.matrix) or own.get("vector-effect") == "non-scaling-stroke"
        if layer.join == "miter" and layer.miter_limit != 4 and even:
            layer.join, exact = resolve_join(layer.as_path(), layer.miter_limit)
            if not exact:
                self.approximated["stroke-miterlimit"] += 1
            layer.miter_limit = 4.0
        if even and not stroke_first:
            yield layer
            return
        for part in layer.apart(stroke_first):
            if part.stroke is not None and not even:
                local = Layer(shape.path, None if shape.path else shape.primitive, None, layer.stroke, width,
                              layer.cap, layer.join, layer.miter_limit)
                part = self._outline(local, state.matrix)
            if part.fill is not None or part.stroke is not None:
                yield part

    def _outline(self, local: Layer, matrix: tf.Matrix) -> Layer:
        """A stroke that is drawn uneven by its transform, as a filled path."""
        self.approximated["uneven stroke as its outline"] += 1
        scale = tf.mean_scale(matrix)
        unit = (scale, 0.0, 0.0, scale, 0.0, 0.0)  # to canvas units first: the outliner works at that scale
        path = (local.path or Shape(primitive=local.primitive).as_path()).transformed(unit)
        outlined = Layer(path, None, None, local.stroke, local.width * scale, local.cap, local.join, local.miter_limit)
        outlined = outlined.outlined()
        outlined.path = outlined.path.transformed(tf.multiply(matrix, (1 / scale, 0, 0, 1 / scale, 0, 0)))
        return outlined

    def _paint(self, layer: Layer, clip: Clip | None) -> None:
        """Add a layer, cut by the clip."""
        layers = [layer]
        if clip is not None and not clip.open:
            try:
                layers = layer.clipped(clip)
            except ClippingError:
                self.unsupported["clip-path too complex"] += 1
        self.layers += layers


def _moved(matrix: tf.Matrix, x: float, y: float) -> tf.Matrix:
    return matrix if x == 0 and y == 0 else tf.multiply(matrix, (1.0, 0.0, 0.0, 1.0, x, y))


def _children(element: Element) -> Iterator[Element]:
    """The children that are drawn; of a <switch> the first whose conditions hold."""
    if local_name(element) != "switch":
        yield from element
        return
    for child in element:
        extensions, languages = (child.get(name) for name in _CONDITIONS)
        if local_name(child) and extensions is None and (languages is None or "en" in languages.lower().split("-")[0]):
            yield child
            return


def _overlap(layers: list[Layer]) -> bool:
    """Whether two of the layers' boxes overlap (of the first 40)."""
    found = [layer.painted_box() for layer in layers[:40]] if len(layers) > 1 else []
    return any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a, b in combinations(found, 2)
    )
