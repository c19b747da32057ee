"""SVG as it is and the rows it becomes: document, styles, units, paths, transforms, gradients, clipping; row_format."""
