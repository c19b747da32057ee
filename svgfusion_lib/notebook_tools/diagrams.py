"""The diagrams of notebooks 03 and 05, as SVG: what goes where, with its shape at every arrow.

    python -m svgfusion_lib.notebook_tools.diagrams docs/images
"""

import html
import sys
from collections.abc import Sequence
from pathlib import Path

from svgfusion_lib.config import DiTConfig, VAEConfig
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.system.files import write_text
from svgfusion_lib.utils.path_chunks import BOX_COLUMNS

DATA, LEARNED, FROZEN = "#e8f0fe", "#fdebd3", "#ececec"  # fills of boxes
INK = "#1f2937"
_FONT = 'font-family="DejaVu Sans, Verdana, sans-serif"'
_LINE = 16  # between lines of text
Box = tuple[float, float, float, float]  # left, top, width, height


class Diagram:
    """Boxes with text, and arrows with a shape beside them."""

    def __init__(self, width: int, height: int, title: str):
        self._size, self._title = (width, height), title
        self._parts: list[str] = []

    def box(self, left: float, top: float, width: float, lines: Sequence[str], fill: str, height: float = 56) -> Box:
        """A box with lines of text, the first one bold; returns where it is."""
        self._parts.append(
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="8" fill="{fill}" stroke="{INK}"/>'
        )
        first = top + height / 2 - (len(lines) - 1) * _LINE / 2 + 5
        for number, line in enumerate(lines):
            weight = "bold" if number == 0 else "normal"
            self.text(left + width / 2, first + number * _LINE, line, weight=weight)
        return left, top, width, height

    def text(self, x: float, y: float, text: str, anchor: str = "middle", weight: str = "normal") -> None:
        """A line of text on its base line."""
        size = 13 if weight == "bold" else 12
        self._parts.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
            f' fill="{INK}">{html.escape(text)}</text>'
        )

    def right(self, start: Box, end: Box, shape: str) -> None:
        """An arrow from a box to the one on its right (or left), its shape above it."""
        y = start[1] + start[3] / 2
        forward = end[0] > start[0]
        x1, x2 = (start[0] + start[2], end[0]) if forward else (start[0], end[0] + end[2])
        self._arrow(f"M{x1} {y}H{x2}")
        self.text((x1 + x2) / 2, y - 8, shape)

    def down(self, start: Box, end: Box, shape: str, x: float | None = None) -> None:
        """An arrow from a box to the one below it (or above), its shape on its right; x: where, else the middle."""
        x = start[0] + start[2] / 2 if x is None else x
        y1, y2 = (start[1] + start[3], end[1]) if end[1] > start[1] else (start[1], end[1] + end[3])
        self._arrow(f"M{x} {y1}V{y2}")
        self.text(x + 8, (y1 + y2) / 2 + 4, shape, anchor="start")

    def route(self, path: str, shape: str, x: float, y: float) -> None:
        """An arrow along a path, its shape at a place."""
        self._arrow(path)
        self.text(x, y, shape)

    def _arrow(self, path: str) -> None:
        self._parts.append(f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.5" marker-end="url(#arrow)"/>')

    def svg(self) -> str:
        """The whole as SVG text, on white, so that it can be read on dark pages."""
        width, height = self._size
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
            f' {_FONT}>',
            f"<title>{html.escape(self._title)}</title>",
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8"'
            f' orient="auto"><path d="M0 0L8 4L0 8z" fill="{INK}"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>', *self._parts, "</svg>", "",
        ])


def vpvae_diagram(config: VAEConfig) -> str:
    """The VP-VAE of layout "path": chunks of rows, with the rendering, to latents and back."""
    slots, learned, width = config.rows_per_latent, config.latent_width, config.width
    explicit = BOX_COLUMNS + rf.NUM_STYLE
    ids = len(rf.ELEMENTS) + len(rf.COMMANDS) + rf.NUM_GEOMETRY
    d = Diagram(1240, 424, "VP-VAE: rows and pixels to latents, and back to rows")
    svg = d.box(20, 150, 110, ["SVG"], DATA)
    chunks = d.box(220, 150, 140, ["chunks", "rows_to_chunks"], DATA)
    join = d.box(490, 150, 140, ["join_rows", "embed, R rows"], LEARNED)
    encoder = d.box(720, 150, 150, [f"encoder × {config.encoder_depth}", "cross-attention"], LEARNED)
    posterior = d.box(960, 150, 140, ["to_posterior", "μ, log σ²"], LEARNED)
    d.right(svg, chunks, f"[L, {rf.NUM_COLUMNS}]")
    d.right(chunks, join, f"[N, R={slots}, 2+{rf.NUM_GEOMETRY}]")
    d.right(join, encoder, f"[N, {width}]")
    d.right(encoder, posterior, f"[N, {width}]")
    picture = d.box(220, 30, 140, ["rendering"], DATA)
    pixels = d.box(490, 30, 140, ["pixel encoder", "frozen"], FROZEN)
    tokens = d.box(720, 30, 150, ["pixel_norm"], LEARNED)
    d.down(svg, (20, 30, 0, 28), "", x=75)
    d.right((75, 30, 0, 56), picture, "")
    d.right(picture, pixels, "[128, 128, 3]")
    d.right(pixels, tokens, f"[P=16, {config.pixel_width}]")
    d.down(tokens, encoder, f"[16, {config.pixel_width}]")
    latent = d.box(960, 310, 140, ["latent z", "μ + σ ε"], DATA)
    d.down(posterior, latent, f"[N, {learned}] each")
    explained = f"box [N, {BOX_COLUMNS}] and style [N, {rf.NUM_STYLE}]: explicit, beside the learned channels"
    d.route("M290 206V262H990V310", explained, 500, 254)
    decoder = d.box(720, 310, 150, [f"decoder × {config.decoder_depth}", "from_latent, MLPs"], LEARNED)
    heads = d.box(490, 310, 140, ["to_rows", "ids, geometry"], LEARNED)
    back = d.box(220, 310, 140, ["rows", "chunks_to_rows"], DATA)
    drawn = d.box(20, 310, 110, ["SVG"], DATA)
    d.right(latent, decoder, f"[N, {learned}]")
    d.right(decoder, heads, f"[N, {width}]")
    d.right(heads, back, f"[N, R, {ids}]")
    d.right(back, drawn, f"[L, {rf.NUM_COLUMNS}]")
    d.text(1112, 330, f"Z = {explicit} + {learned}", anchor="start")
    d.text(1112, 348, f"= {explicit + learned}", anchor="start")
    told = "N latents of an icon, one for each sub-path (chunk); R row slots of a latent"
    d.text(20, 404, f"{told}; blue: data, orange: learned, grey: frozen", anchor="start")
    return d.svg()


def vsdit_diagram(config: DiTConfig) -> str:
    """The VS-DiT: a noised latent sequence, a timestep and a prompt to the velocity."""
    z, width, text = config.latent_width, config.width, config.context_width
    d = Diagram(1240, 470, "VS-DiT: noised latents, timestep and prompt to the velocity")
    prompt = d.box(20, 30, 120, ["prompt"], DATA)
    encoder = d.box(220, 30, 130, ["text encoder", "frozen"], FROZEN)
    context = d.box(500, 30, 150, ["context_embedder"], LEARNED)
    latents = d.box(20, 160, 120, ["latents z₀", "normalised"], DATA)
    noised = d.box(220, 160, 130, ["add_noise", "z_t"], DATA)
    tokens = d.box(500, 160, 150, ["x_embedder", "+ position"], LEARNED)
    d.box(375, 258, 150, ["pooled_embedder"], LEARNED, height=40)
    time = d.box(20, 340, 120, ["timestep t"], DATA)
    embed = d.box(210, 340, 150, ["t_embedder", f"[256] to [{width}]"], LEARNED)
    d.box(210, 420, 150, ["length_embedder"], LEARNED, height=40)
    condition = d.box(500, 340, 150, ["condition", "sum, then SiLU"], LEARNED)
    modulation = d.box(730, 340, 190, ["modulation"], LEARNED)
    block = d.box(730, 110, 190, [
        f"DiTBlock × {config.depth}", "self-attention", "cross-attention to text", "MLP", "shift, scale, gate",
    ], LEARNED, height=156)
    final = d.box(1020, 160, 120, ["final_layer"], LEARNED)
    velocity = d.box(1020, 340, 120, ["velocity v", "or noise ε"], DATA)
    beside = (block[0], tokens[1], block[2], tokens[3])  # the block, as high as its neighbours
    d.right(prompt, encoder, "")
    d.right(encoder, context, f"[S, {text}]")
    d.route("M650 58H825V110", f"keys, values [S, {width}]", 736, 50)
    d.right(latents, noised, f"[N, {z}]")
    d.route("M350 188H500", f"[N, {z}]", 395, 180)
    d.right(tokens, beside, f"[K, {width}]")
    d.right(beside, final, f"[K, {width}]")
    d.down(final, velocity, f"[N, {z}]")
    d.route("M285 86V130H450V258", "mean over S", 368, 122)
    d.route("M525 278H575V340", f"[{width}]", 600, 308)
    d.route("M80 340V278H285V216", "t", 182, 270)
    d.right(time, embed, "")
    d.right(embed, condition, f"[{width}]")
    d.route("M20 440H210", "number of latents N", 100, 432)
    d.route("M360 440H575V396", f"[{width}]", 430, 432)
    d.right(condition, modulation, f"[{width}]")
    d.down(modulation, block, f"[6 · {width}]")
    d.text(680, 452, "K tokens = N latents / patch_size; S text tokens; blue: data, orange: learned, grey: frozen",
           anchor="start")
    return d.svg()


DIAGRAMS = {
    "vpvae.svg": lambda: vpvae_diagram(VAEConfig.preset("tiny")),
    "vsdit.svg": lambda: vsdit_diagram(DiTConfig.preset("tiny", latent_width=39)),
}

if __name__ == "__main__":
    for name, draw in DIAGRAMS.items():
        write_text(Path(sys.argv[1]) / name, draw())
