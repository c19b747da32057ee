"""Shapes with style -> layers on the canvas: paints, line styles, dashes, and strokes that must become outlines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from svgfusion_lib.svg.context import Box, Context
from svgfusion_lib.svg.geometry.clipping import ClippingError
from svgfusion_lib.svg.geometry.dashes import dash_path, parse_dashes
from svgfusion_lib.svg.geometry.shapes import Shape
from svgfusion_lib.svg.layers import MITER_LIMIT, Layer, resolve_join
from svgfusion_lib.svg.paint.gradients import Gradient, GradientSource, resolve_gradient
from svgfusion_lib.svg.row_format import MIN_OPACITY, POSITION_LIMIT
from svgfusion_lib.svg.state import State
from svgfusion_lib.svg.style import transforms as tf
from svgfusion_lib.svg.style.cascade import Style
from svgfusion_lib.svg.style.colours import RGBA
from svgfusion_lib.svg.style.values import parse_length, parse_url


@dataclass(frozen=True)
class ServerPaint:
    """A paint server to be resolved for the shape.

    fallback: paint for shapes that it cannot paint. place: matrix, box and viewport to use instead of the shape's own,
    if the paint comes from elsewhere.
    """

    server: GradientSource | Element  # the element of a pattern
    opacity: float
    fallback: RGBA | None
    place: tuple[tf.Matrix, Box, tuple[float, float]] | None = None


Paint = RGBA | Gradient | ServerPaint | None


def shape_layers(context: Context, element: Element, state: State) -> list[Layer]:
    """The layers of a shape element, not yet clipped; none if it paints nothing.

    A pattern stays a ServerPaint in its layer, to be replaced by tiles.
    """
    style = state.style
    fill = read_paint(context, "fill", state)
    stroke = read_paint(context, "stroke", state)
    width = style.length("stroke-width", state.diagonal) if stroke is not None else 0.0
    if width <= 0:
        stroke = None
    if fill is None and stroke is None:
        return []
    shape = context.geometry(element, state)
    if shape is None:
        return []
    path, primitive = shape.on_canvas(state.matrix)
    layer = Layer(path, primitive, evenodd=style["fill-rule"] == "evenodd")
    fixed = style["vector-effect"] == "non-scaling-stroke"
    if stroke is not None:
        layer.cap, layer.join, layer.miter_limit = (
            style["stroke-linecap"], style["stroke-linejoin"], style["stroke-miterlimit"]
        )
        layer.width = width * (context.pixel if fixed else tf.mean_scale(state.matrix))
        if fixed:
            context.approximated["non-scaling stroke, at the document's own size"] += 1
    layer.fill, layer.stroke = (_resolved(context, paint, shape, layer, state) for paint in (fill, stroke))
    if layer.stroke is None:
        return [layer] if layer.fill is not None else []
    layer.evenodd = layer.evenodd and layer.fill is not None
    if state.opacity < 1 and layer.fill is not None:
        context.approximated["opacity of a fill under its stroke"] += 1
    return list(_stroked(context, layer, shape, width, fixed, state, element.get("pathLength")))


def read_paint(context: Context, name: str, state: State, whole: bool = False) -> Paint:
    """`fill` or `stroke` of a style, opacities multiplied in unless `whole`; None for nothing."""
    style = state.style
    text = style[name]
    if text == "none":
        return None
    opacity = 1.0 if whole else state.opacity * style[f"{name}-opacity"]
    if opacity <= 0:
        return None
    if text.startswith("context-"):
        return with_opacity(state.context[text == "context-stroke"], opacity)
    reference = parse_url(text) if "(" in text else None
    if "icc-color" in text:  # from SVG 1.1; browsers ignore it
        context.approximated["ICC colour, by its sRGB fallback"] += 1
    if reference is None:
        return _plain(style, text, opacity)
    fallback = _plain(style, reference[1], opacity) if reference[1] else None
    source = context.gradients.source(reference[0])
    if source is not None:
        return ServerPaint(source, opacity, fallback)
    pattern = context.find(reference[0], "pattern")
    if pattern is not None:
        return ServerPaint(pattern, opacity, fallback)
    if not reference[0]:
        context.unsupported["paint from outside the file"] += 1
    elif not reference[1]:
        context.unseen["paint with a missing reference"] += 1
    return fallback


def context_paints(context: Context, element: Element, state: State) -> tuple[Paint, Paint]:
    """The values of context-fill and context-stroke in an element's marker or in a <use> (SVG 2, 13.2).

    state: for a <use>, the one inside it.
    """
    paints = [read_paint(context, name, state, whole=True) for name in ("fill", "stroke")]
    for i, paint in enumerate(paints):
        if isinstance(paint, ServerPaint) and paint.place is None:
            box = context.bounding_box(element, state, True) or (0.0, 0.0, 0.0, 0.0)
            paints[i] = replace(paint, place=(state.matrix, box, state.viewport))
    return paints[0], paints[1]


def _plain(style: Style, text: str, opacity: float) -> RGBA | None:
    colour = style.colour(text) if text.lower() != "none" else None
    return None if colour is None or colour[3] <= 0 else (*colour[:3], colour[3] * opacity)


def with_opacity(paint: Paint, opacity: float) -> Paint:
    """A paint with its alphas multiplied by an opacity."""

    def fade(colour: RGBA) -> RGBA:
        return (*colour[:3], colour[3] * opacity)

    if paint is None or isinstance(paint, tuple):
        return None if paint is None else fade(paint)
    if isinstance(paint, ServerPaint):
        return replace(paint, opacity=paint.opacity * opacity, fallback=paint.fallback and fade(paint.fallback))
    stops = tuple((x, y, fade(colour)) for x, y, colour in paint.stops)
    return replace(paint, first=fade(paint.first), last=fade(paint.last), stops=stops, mean=fade(paint.mean))


def _resolved(context: Context, paint: Paint, shape: Shape, layer: Layer, state: State) -> Paint:
    """Resolve a paint for a layer: RGBA, a gradient on the canvas, or None, also if it is nearly invisible."""
    if isinstance(paint, ServerPaint) and isinstance(paint.server, GradientSource):
        matrix, box, viewport = paint.place or (state.matrix, None, state.viewport)
        if paint.server.needs_box:
            box = box or shape.box()
            if box[2] <= box[0] or box[3] <= box[1]:  # no bounding box to use (SVG 2, section 14.2.1)
                lone = paint.server.single(paint.opacity)
                if lone is not None:  # not painted by browsers
                    context.approximated["single-stop gradient without a bounding box"] += 1
                return paint.fallback or lone
        left, top, right, bottom = layer.painted_box()
        margin = layer.width / 2
        seen = (left - margin, top - margin, right + margin, bottom + margin)
        paint = resolve_gradient(paint.server, matrix, box, seen, viewport, paint.opacity)
        if isinstance(paint, Gradient) and not paint.exact:
            context.approximated["gradient of more than two stops"] += 1
        if isinstance(paint, Gradient) and max(map(abs, paint.geometry)) > POSITION_LIMIT:
            context.approximated["gradient that reaches far beyond the canvas"] += 1
        if isinstance(paint, Gradient) and paint.cone:
            context.approximated["focal point outside its circle"] += 1
    return None if isinstance(paint, tuple) and paint[3] <= MIN_OPACITY else paint


def _stroked(
    context: Context, layer: Layer, shape: Shape, width: float, fixed: bool, state: State, path_length: str | None
) -> Iterator[Layer]:
    """A stroked layer as one element if that is exact, otherwise fill and stroke as two.

    width: of the stroke in user units; fixed: non-scaling stroke; path_length: the pathLength attribute.
    """
    style = state.style
    pattern, offset = parse_dashes(state)
    whole = parse_length(path_length, 1.0, -1.0)
    if whole == 0:  # scales everything but 0 to infinity (SVG 2, section 9.6.1)
        pattern = []
    even = fixed or tf.is_similarity(state.matrix)
    order = [word for word in style["paint-order"].split() if word in ("fill", "stroke")]
    stroke_first = layer.fill is not None and order[:1] == ["stroke"]
    if even and layer.join == "miter" and layer.miter_limit != MITER_LIMIT:
        layer.join, exact = resolve_join(layer.as_path(), layer.miter_limit)
        if not exact:
            context.approximated["stroke-miterlimit"] += 1
        layer.miter_limit = MITER_LIMIT
    if even and not pattern and not stroke_first:
        yield layer
        return
    for part in layer.split_paint(stroke_first):
        if part.fill is not None:
            yield part
        if part.stroke is None:
            continue
        path = shape.as_path()
        if pattern and fixed:  # dashes do not scale either
            path = path.transformed(tf.multiply((1 / context.pixel, 0, 0, 1 / context.pixel, 0, 0), state.matrix))
        if pattern:
            context.approximated["dashes as sub-paths"] += 1
            dashed = dash_path(path, pattern, offset, whole)
            if dashed is None:
                context.unsupported["stroke-dasharray"] += 1
            elif len(dashed) == 0:
                continue
            else:
                path = dashed
        if even:
            matrix = (context.pixel, 0.0, 0.0, context.pixel, 0.0, 0.0) if fixed else state.matrix
            yield replace(part, path=path.transformed(matrix), primitive=None) if pattern else part
            continue
        context.approximated["uneven stroke as its outline"] += 1
        scale = tf.mean_scale(state.matrix)  # strokes are outlined at canvas scale
        local = path.transformed((scale, 0.0, 0.0, scale, 0.0, 0.0))
        try:
            outline = replace(part, path=local, primitive=None, width=width * scale).stroke_to_path()
        except ClippingError:
            context.unsupported["uneven stroke"] += 1
            yield replace(part, path=path.transformed(state.matrix), primitive=None)
            continue
        if len(outline.as_path()):
            outline.path = outline.as_path().transformed(tf.multiply(state.matrix, (1 / scale, 0, 0, 1 / scale, 0, 0)))
            yield outline
