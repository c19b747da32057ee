"""What a shape is painted with: fills, strokes, gradients, patterns, markers, masks and clip paths."""
