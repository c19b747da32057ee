"""A shape with its style -> layers on the canvas: paints, line styles, dashes, strokes that must become outlines."""

from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.svg import transforms as tf
from svgfusion_lib.svg.clipping import ClippingError
from svgfusion_lib.svg.context import Context
from svgfusion_lib.svg.dashes import dash_path, parse_dashes
from svgfusion_lib.svg.gradients import RGBA, GradientSource, resolve_gradient
from svgfusion_lib.svg.layers import MITER_LIMIT, Layer, resolve_join
from svgfusion_lib.svg.row_format import MIN_OPACITY
from svgfusion_lib.svg.shapes import Shape
from svgfusion_lib.svg.state import State
from svgfusion_lib.svg.values import parse_colour, parse_length, parse_opacity, parse_url

_MARKERS = ("marker-start", "marker-mid", "marker-end")


def shape_layers(context: Context, element: Element, own: dict[str, str], state: State) -> list[Layer]:
    """The layers that a shape element paints, not yet clipped; none if it paints nothing."""
    style = state.style
    fill = read_paint(context, "fill", style, state.opacity)
    stroke = read_paint(context, "stroke", style, state.opacity) if "stroke" in style else None
    width = _stroke_width(style, state) if stroke is not None else 0.0
    if width == 0:
        stroke = None
    if fill is None and stroke is None:
        return []
    shape = context.geometry(element, own, state)
    if shape is None:
        return []
    if shape.path is not None and any(parse_url(style.get(marker, "none")) for marker in _MARKERS):
        context.unsupported["marker"] += 1
    path, primitive = shape.on_canvas(state.matrix)
    layer = Layer(path, primitive, evenodd=style.get("fill-rule") == "evenodd")
    fixed = own.get("vector-effect") == "non-scaling-stroke"
    if stroke is not None:
        layer.cap, layer.join, layer.miter_limit = _line_style(style)
        layer.width = width * (context.root_scale if fixed else tf.mean_scale(state.matrix))
    layer.fill, layer.stroke = (_resolved(context, paint, shape, layer, state) for paint in (fill, stroke))
    if layer.stroke is None:
        return [layer] if layer.fill is not None else []
    layer.evenodd = layer.evenodd and layer.fill is not None
    if state.opacity < 1 and layer.fill is not None:
        context.approximated["opacity of a fill under its stroke"] += 1
    return list(_stroked(context, layer, shape, width, fixed, state, element.get("pathLength")))


def read_paint(context: Context, name: str, style: dict[str, str], opacity: float) -> RGBA | tuple | None:
    """`fill` or `stroke` of a style: RGBA, (gradient source, opacity), or None for nothing."""
    text = style.get(name, "black" if name == "fill" else "none").strip()
    if text == "none":
        return None
    opacity *= parse_opacity(style.get(f"{name}-opacity"))
    if opacity <= 0:
        return None
    colour = parse_colour(text)
    if colour is None:
        reference = parse_url(text)
        if reference is None:  # context-fill and the like
            return None
        source = context.gradients.source(reference[0])
        if source is not None:
            return source, opacity
        if context.find(reference[0], "pattern") is not None:
            context.unsupported["pattern"] += 1
        elif not reference[0]:
            context.unsupported["paint from outside the file"] += 1
        colour = parse_colour(reference[1]) if reference[1] else None
    if colour == "currentcolor":
        colour = parse_colour(style.get("color", "black"))
        if not isinstance(colour, tuple):
            colour = (0.0, 0.0, 0.0, 1.0)
    if not isinstance(colour, tuple) or colour[3] <= 0:
        return None
    return (*colour[:3], colour[3] * opacity)


def _resolved(context: Context, paint: RGBA | tuple | None, shape: Shape, layer: Layer, state: State):
    """A paint as a layer holds it: RGBA, a gradient on the canvas, or None, also where too little of it is seen."""
    if paint is None or not isinstance(paint[0], GradientSource):
        return paint if paint is None or paint[3] > MIN_OPACITY else None
    source, opacity = paint
    left, top, right, bottom = layer.painted_box()
    margin = layer.width / 2
    seen = (left - margin, top - margin, right + margin, bottom + margin)
    resolved = resolve_gradient(source, state.matrix, shape.box, seen, state.viewport, opacity)
    if resolved is None or isinstance(resolved, tuple):
        return resolved if resolved is None or resolved[3] > MIN_OPACITY else None
    if not resolved.exact:
        context.approximated["gradient of more than two stops"] += 1
    return resolved


def _stroke_width(style: dict[str, str], state: State) -> float:
    """In user units."""
    text = style.get("stroke-width")
    return 1.0 if text is None else max(0.0, parse_length(text, state.diagonal, 1.0, state.font_size))


def _line_style(style: dict[str, str]) -> tuple[str, str, float]:
    """(cap, join, miter limit); values that mean nothing are the initial ones."""
    cap, join = style.get("stroke-linecap", "butt").strip(), style.get("stroke-linejoin", "miter").strip()
    limit = parse_length(style.get("stroke-miterlimit"), 1.0, MITER_LIMIT)
    return (
        cap if cap in rf.CAPS else "butt",
        join if join in rf.JOINS else "miter",  # arcs and miter-clip fall back to it (SVG 2, section 13.5.5)
        limit if limit >= 1 else MITER_LIMIT,
    )


def _stroked(
    context: Context, layer: Layer, shape: Shape, width: float, fixed: bool, state: State, path_length: str | None
) -> Iterator[Layer]:
    """A stroked layer as one element where that is exact, else its fill and its stroke as two.

    width: of the stroke in user units; fixed: it does not scale; path_length: the attribute that scales dashes.
    """
    style = state.style
    pattern, offset = parse_dashes(state)
    even = fixed or tf.is_similarity(state.matrix)
    order = [word for word in style.get("paint-order", "").split() if word in ("fill", "stroke")]
    stroke_first = layer.fill is not None and order[:1] == ["stroke"]
    if even and layer.join == "miter" and layer.miter_limit != MITER_LIMIT:
        layer.join, exact = resolve_join(layer.as_path(), layer.miter_limit)
        if not exact:
            context.approximated["stroke-miterlimit"] += 1
        layer.miter_limit = MITER_LIMIT
    if even and not pattern and not stroke_first:
        yield layer
        return
    for part in layer.apart(stroke_first):
        if part.fill is not None:
            yield part
        if part.stroke is None:
            continue
        path = shape.as_path()
        if pattern:
            context.approximated["dashes as sub-paths"] += 1
            dashed = dash_path(path, pattern, offset, parse_length(path_length, 1.0))
            if dashed is None:
                context.unsupported["stroke-dasharray"] += 1
            elif len(dashed) == 0:
                continue
            else:
                path = dashed
        if even:
            yield replace(part, path=path.transformed(state.matrix), primitive=None) if pattern else part
            continue
        context.approximated["uneven stroke as its outline"] += 1
        scale = tf.mean_scale(state.matrix)  # the outliner works at the scale of the canvas
        local = path.transformed((scale, 0.0, 0.0, scale, 0.0, 0.0))
        try:
            outline = replace(part, path=local, primitive=None, width=width * scale).outlined()
        except ClippingError:
            context.unsupported["uneven stroke"] += 1
            yield replace(part, path=path.transformed(state.matrix), primitive=None)
            continue
        if len(outline.as_path()):
            outline.path = outline.as_path().transformed(tf.multiply(state.matrix, (1 / scale, 0, 0, 1 / scale, 0, 0)))
            yield outline
