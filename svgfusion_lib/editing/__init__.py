"""Editing of SVGs in latent space with the trained models.

    latents    encode_svg           SVG -> z: one latent per sub-path, primitive or gradient, in layer order
               decode_svg           z -> SVG text
               decode_layers        z -> rows that keep the layers of the original separate
    drawing    variations           z partly noised and denoised again   (SDEdit: Meng et al. 2022, section 3)
               redraw               some latents kept, the rest redrawn  (RePaint: Lugmayr et al. 2022)
               restyle              redrawn in another style, parts kept in place
    morphing   interpolate          from one z to another
    colours    recolour             rows in the colours of a palette, without a model

Latents here are those of the VP-VAE, [N, Z] and not normalised; normalisation for diffusion happens inside.
The number of latents never changes, so an edit has as many parts as its original.
"""

from svgfusion_lib.editing.colours import RECOLOURINGS, layer_colour, paint_layer, parse_palette, recolour
from svgfusion_lib.editing.drawing import redraw, restyle, variations
from svgfusion_lib.editing.latents import decode_layers, decode_svg, encode_svg, layer_of_latents, layer_of_parts
from svgfusion_lib.editing.morphing import MATCHES, interpolate, match_boxes, slerp

__all__ = [
    "MATCHES", "RECOLOURINGS", "decode_layers", "decode_svg", "encode_svg", "interpolate", "layer_colour",
    "layer_of_latents", "layer_of_parts", "match_boxes", "paint_layer", "parse_palette", "recolour", "redraw",
    "restyle", "slerp", "variations",
]
