"""Editing in latent space: an SVG of the user's as latents, and what the trained models make of them.

    encode_svg           SVG -> z: one latent for each sub-path, primitive or gradient, in the order of the layers
    variations           z noised in part and drawn anew towards a prompt       (SDEdit: Meng et al. 2022, section 3)
    redraw               some latents kept, the rest drawn     (replacement: Lugmayr et al. 2022, eq. 8; no resampling)
    interpolate          from one z to another
    interpolate_prompts  from one prompt to another, at one seed
    decode_svg           z -> SVG text

Latents here are those of the VP-VAE, [N, Z] and not normalised; what diffusion works on is normalised inside.
Nothing here changes how many latents there are, so an edit has as many parts as its original.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import load_pixel_encoder
from svgfusion_lib.sampling import Pipeline, check_prompts
from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.dataset import ChunkItem, collate_chunks
from svgfusion_lib.utils.path_chunks import BOX_COLUMNS, rows_to_chunks
from svgfusion_lib.utils.render import render_svg
from svgfusion_lib.utils.rendering_sequence import element_of_rows, partial_rows, stage_of_rows, stage_sizes
from svgfusion_lib.utils.samplers import Denoise
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

FAMILIAR = 3.0  # standard deviations
HALF_SIZE = 2  # channel of a latent of layout "path": half-size of its box (utils/path_chunks.py)


@torch.no_grad()
def encode_svg(pipeline: Pipeline, svg: str | Path) -> Tensor:
    """SVG text, or the file at a Path -> posterior mean z [N, Z] on the models' device.

    UserError if it cannot be read or has more latents than the VS-DiT can draw. The pixel encoder that the VP-VAE
    fuses is loaded at each call, if it fuses one.
    """
    vae, config, most = pipeline.vae, pipeline.vae.config, pipeline.dit.config.max_latents
    name = str(svg) if isinstance(svg, Path) else "the SVG"
    try:
        rows = parse_svg(svg).rows  # [L, 22]
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error
    chunks = rows_to_chunks(rows, config.layout, config.rows_per_latent)
    if len(chunks) > most:
        raise UserError(
            f"{name}: has {len(chunks)} parts (sub-paths, shapes, gradients), the model takes at most {most};"
            " simplify the drawing"
        )
    item = ChunkItem(name, chunks)
    if config.pixel_fusion:
        sizes = stage_sizes(rows, most if config.stage_tokens else 1)  # [K]
        encoder = load_pixel_encoder(config.pixel_encoder)
        pictures = [render_svg(rows_to_svg(partial_rows(rows, size)), encoder.image_size) for size in sizes]
        stages = stage_of_rows(rows, sizes)[chunks.first_row]  # [N]
        item = ChunkItem(name, chunks, encoder.encode(np.stack(pictures)), stages)
    batch = collate_chunks([item]).to(pipeline.dit.latent_mean.device)
    return vae.encode(batch).latent()[0]  # [N, Z]


def decode_svg(pipeline: Pipeline, z: Tensor, config: SamplingConfig | None = None) -> str:
    """Latents [N, Z] -> SVG text. Decoded alone: equal latents of layout "path" give equal rows."""
    config = config or SamplingConfig()
    return rows_to_svg(pipeline.decode_latents(z[None], config)[0], config.canvas)


def layer_of_latents(pipeline: Pipeline, z: Tensor) -> Tensor:
    """Which layer (1, 2, ...; the ids `layer-1` of the SVG written) each latent [N, Z] belongs to -> int64 [N]."""
    ids = pipeline.vae.read_rows(pipeline.vae.decode(z[None]))[0][0].cpu()  # [N, R, 2]
    drawn = (ids[..., 0] > rf.EOS).long().argmax(-1)  # [N], a chunk's first row
    rows = np.zeros((len(z) + 2, rf.NUM_COLUMNS))
    rows[0, rf.ELEMENT], rows[-1, rf.ELEMENT] = rf.BOS, rf.EOS
    rows[1:-1, : rf.COMMAND + 1] = ids[torch.arange(len(z)), drawn]
    return torch.from_numpy(element_of_rows(rows)[1:-1] + 1).to(z.device)


# --- drawing anew ----------------------------------------------------------------------------------


def variations(
    pipeline: Pipeline,
    z: Tensor,
    prompt: str,
    strength: float,
    seeds: Sequence[int],
    config: SamplingConfig | None = None,
    style: str | None = None,
    keep_style: bool = False,
) -> Tensor:
    """One z' [B, N, Z] for each seed: z [N, Z] noised to `strength` of all timesteps and drawn from there.

    Strength 0 gives z itself, 1 a fresh sample of N latents for the prompt, in which nothing of z is left but, with
    keep_style, every latent's colours, opacities and stroke (layout "path").
    """
    if not 0 <= strength <= 1:
        raise UserError(f"strength is {strength}; it must be between 0 (as it was) and 1 (drawn anew)")
    config = config or SamplingConfig()
    denoise = _denoiser(pipeline, prompt, len(seeds), config, style)
    if strength == 0:
        return z.repeat(len(seeds), 1, 1)  # [B, N, Z]
    if not keep_style:
        return pipeline.solve(denoise, seeds, len(z), config, origin=z, strength=strength)
    _check_style_channels(pipeline)
    return _holding(pipeline, denoise, z, _style_channels(pipeline), seeds, config, strength)


def redraw(
    pipeline: Pipeline,
    z: Tensor,
    keep: Tensor,
    prompt: str,
    seeds: Sequence[int],
    config: SamplingConfig | None = None,
    style: str | None = None,
    keep_style: bool = False,
) -> Tensor:
    """One z' [B, N, Z] for each seed: latents with keep [N] stay as in z [N, Z], the others are drawn to fit.

    Every step's estimate of z_0 is told the kept latents, so that they stand at the step's own noise level
    beside those being drawn. keep_style: as in `variations`.
    """
    if keep.shape != z.shape[:1] or keep.dtype != torch.bool:
        raise ValueError(f"keep must be bool [{len(z)}], got {keep.dtype} {list(keep.shape)}")
    config = config or SamplingConfig()
    held = keep.to(z.device)[:, None]  # [N, 1]
    if keep_style:
        _check_style_channels(pipeline)
        held = held | _style_channels(pipeline)  # [N, Z]
    return _holding(pipeline, _denoiser(pipeline, prompt, len(seeds), config, style), z, held, seeds, config, 1.0)


def _holding(
    pipeline: Pipeline, denoise: Denoise, z: Tensor, held: Tensor, seeds: Sequence[int], config: SamplingConfig,
    strength: float,
) -> Tensor:
    """Samples [B, N, Z] from z [N, Z] noised to `strength`, in which z stays wherever `held` (bool, like z) is True.

    The network is shown styles within FAMILIAR deviations of those that it learned from: a model of black lines
    that saw red ones would draw no good shapes.
    """
    known = pipeline.dit.normalize(z)  # [N, Z]
    known = torch.where(_style_channels(pipeline), known.clamp(-FAMILIAR, FAMILIAR), known)
    drawn = pipeline.solve(
        denoise, seeds, len(z), config, origin=pipeline.dit.denormalize(known), strength=strength,
        correct=lambda z_0: torch.where(held, known, z_0),
    )  # [B, N, Z]
    return torch.where(held, z, drawn)


def _check_style_channels(pipeline: Pipeline) -> None:
    if not pipeline.vae.explicit_width:
        raise UserError("the model's latents have no channels for style, so it cannot be kept")


def _style_channels(pipeline: Pipeline) -> Tensor:
    """Mask [Z] of a latent's style channels; a layout without them has none."""
    width = pipeline.vae.explicit_width
    channel = torch.arange(pipeline.vae.latent_width, device=pipeline.dit.latent_mean.device)
    return (channel >= BOX_COLUMNS) & (channel < width)


def _denoiser(pipeline: Pipeline, prompt: str, count: int, config: SamplingConfig, style: str | None) -> Denoise:
    """The network, guided by one prompt and style for all of `count` samples."""
    check_prompts([prompt])
    context, context_mask = pipeline.encode_prompts([prompt])  # [1, S, C], [1, S]
    return pipeline.denoiser(
        context.repeat(count, 1, 1), context_mask.repeat(count, 1), config.cfg_scale,
        pipeline.encode_styles([style] * count),
    )


# --- from one to another ----------------------------------------------------------------------------


def interpolate(pipeline: Pipeline, z_a: Tensor, z_b: Tensor, steps: int) -> list[Tensor]:
    """`steps` latents from z_a [N_a, Z] to z_b [N_b, Z], both ends as they are: a list of [N, Z].

    The k-th latent of one goes to the k-th of the other: explicit channels (place, size, colours) straight,
    learned ones (shape) spherically, as normalised. If one is longer, its last latents grow out of a point
    at their own centre; a layout without boxes has no such point and wants equal lengths (UserError).
    """
    _check_steps(steps)
    width = pipeline.vae.explicit_width
    if len(z_a) != len(z_b) and not width:
        raise UserError(f"{len(z_a)} latents cannot go to {len(z_b)}: the model's latents have no box to grow in")
    a, b = (pipeline.dit.normalize(z) for z in (_lengthened(z_a, z_b), _lengthened(z_b, z_a)))  # [N, Z] each
    frames = [z_a]
    for w in torch.linspace(0, 1, steps)[1:-1].tolist():
        straight = torch.lerp(a[:, :width], b[:, :width], w)
        frame = torch.cat([straight, slerp(a[:, width:], b[:, width:], w)], dim=-1)  # [N, Z]
        frames.append(pipeline.dit.denormalize(frame))
    return [*frames, z_b]


def _lengthened(z: Tensor, other: Tensor) -> Tensor:
    """z [N, Z], and after it what `other` has more, shrunk to a point where it stands."""
    more = other[len(z) :].clone()
    more[:, HALF_SIZE : HALF_SIZE + 1] = 0
    return torch.cat([z, more])


def slerp(a: Tensor, b: Tensor, w: float) -> Tensor:
    """Spherical interpolation along the last dimension (Shoemake 1985); straight where a and b are (anti)parallel."""
    cosine = torch.cosine_similarity(a, b, dim=-1)[..., None].clamp(-1, 1)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - w) * angle) * a + torch.sin(w * angle) * b) / sine
    return torch.where(sine < 1e-3, torch.lerp(a, b, w), arc)


def interpolate_prompts(
    pipeline: Pipeline,
    prompt_a: str,
    prompt_b: str,
    steps: int,
    seed: int = 0,
    length: int | None = None,
    config: SamplingConfig | None = None,
    style: str | None = None,
) -> Tensor:
    """`steps` z [steps, N, Z], drawn from the same noise, from one prompt to the other.

    What is mixed is the network's two predictions, w of the second and 1 - w of the first: both prompts may have
    any number of words. All have `length` latents, or as many as `Pipeline.sample` draws for prompt_a and this
    seed, so that the first is its sample.
    """
    _check_steps(steps)
    config = config or SamplingConfig()
    first, second = (_denoiser(pipeline, prompt, steps, config, style) for prompt in (prompt_a, prompt_b))
    if length is None:
        (length,) = pipeline.draw_lengths(*pipeline.encode_prompts([prompt_a]), [seed], config.length_temperature)
    w = torch.linspace(0, 1, steps).to(pipeline.dit.latent_mean)[:, None, None]  # [steps, 1, 1]
    return pipeline.solve(
        lambda z, t: torch.lerp(first(z, t), second(z, t), w), [seed] * steps, length, config
    )


def _check_steps(steps: int) -> None:
    if steps < 2:
        raise UserError(f"steps is {steps}; it must be at least 2, for both ends")
