"""Painting: fills, strokes, gradients, patterns, markers, masks and clip paths."""
