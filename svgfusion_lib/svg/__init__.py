"""Parsing SVG into rows: document, styles, units, paths, transforms, gradients, clipping, and the row format."""
