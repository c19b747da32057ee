"""Reading SVG as it is: document, styles, units, path data, transforms, gradients, clipping (used by svg_parser)."""
