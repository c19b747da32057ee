"""SVGFusion: text to editable SVG by latent diffusion in vector space (arXiv 2412.10437).

Shape letters used in every docstring and comment of this package:

    B  batch                      L  rows of an SVG (BOS and EOS included)
    F  columns of a row           N  latents of an SVG (rows, or path chunks)
    R  rows per latent            Z  width of one latent
    P  pixel tokens               S  text tokens
    D  width of a model           T  diffusion steps of the training schedule

Padding masks are boolean and True marks padding, as in ``torch.nn.MultiheadAttention``.
"""

__version__ = "0.1.0"
