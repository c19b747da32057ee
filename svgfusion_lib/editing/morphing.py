"""Morphing: interpolates between the latents of two icons, and writes the frames as an animated SVG."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from svgfusion_lib.errors import UserError
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.utils.path_chunks import BOX_COLUMNS

HALF_SIZE = 2  # channel of a latent of layout "path": half-size of its box (utils/path_chunks.py)
MATCHES = ("boxes", "order")
SECONDS_PER_FRAME = 0.15
HOLD = 5  # number of frames that either end is held


def interpolate(
    pipeline: SVGFusionPipeline, z_a: Tensor, z_b: Tensor, steps: int, match: str = "boxes"
) -> list[Tensor]:
    """Interpolate from z_a [N_a, Z] to z_b [N_b, Z] in `steps` frames, both ends unchanged: a list of [N, Z].

    Explicit channels (position, size, colours) are interpolated linearly, learned ones (shape) spherically, on
    normalised latents. match "boxes": parts are assigned to minimise the total distance of their boxes (`match_boxes`);
    "order": the k-th to the k-th. Surplus parts grow from a point at their own centre, or shrink to it. Layouts without
    boxes are matched by order and need equal lengths (UserError).
    """
    if steps < 2:
        raise UserError(f"steps is {steps}; it must be at least 2, for both ends")
    if match not in MATCHES:
        raise UserError(f"parts are matched by {' or '.join(MATCHES)}, not by {match!r}")
    width = pipeline.vae.explicit_width
    if len(z_a) != len(z_b) and not width:
        raise UserError(f"cannot morph {len(z_a)} latents to {len(z_b)}: latents of this model have no box to scale")
    by_boxes = match == "boxes" and width > 0
    pairs = match_boxes(z_a, z_b) if by_boxes else [(k, k) for k in range(min(len(z_a), len(z_b)))]
    a, b = (pipeline.dit.normalize(z) for z in _paired(z_a, z_b, pairs))  # [N, Z] each
    frames = [z_a]
    for w in torch.linspace(0, 1, steps)[1:-1].tolist():
        straight = torch.lerp(a[:, :width], b[:, :width], w)
        frame = torch.cat([straight, slerp(a[:, width:], b[:, width:], w)], dim=-1)  # [N, Z]
        frames.append(pipeline.dit.denormalize(frame))
    return [*frames, z_b]


def match_boxes(z_a: Tensor, z_b: Tensor) -> list[tuple[int, int]]:
    """Pairs (k of z_a, k of z_b) that minimise the total box distance, one per latent of the shorter (Kuhn 1955)."""
    from scipy.optimize import linear_sum_assignment

    cost = torch.cdist(z_a[:, :BOX_COLUMNS], z_b[:, :BOX_COLUMNS])  # [N_a, N_b]: centre and half-size
    return [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(cost.cpu().numpy()))]


def _paired(z_a: Tensor, z_b: Tensor, pairs: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    """Align both to [N, Z]: z_a in its order with the target of each latent, then the surplus of z_b."""
    partner = dict(pairs)
    left_over = sorted(set(range(len(z_b))) - set(partner.values()))
    a = torch.cat([z_a, _points(z_b[left_over])])
    b = [z_b[partner[i]] if i in partner else _points(z_a[i : i + 1])[0] for i in range(len(z_a))]
    return a, torch.stack([*b, *z_b[left_over]])


def _points(z: Tensor) -> Tensor:
    """Shrink each latent of z [N, Z] to a point at its centre."""
    z = z.clone()
    z[:, HALF_SIZE] = 0
    return z


def slerp(a: Tensor, b: Tensor, w: float) -> Tensor:
    """Spherical interpolation along the last dimension (Shoemake 1985); linear if a and b are (anti)parallel."""
    cosine = torch.cosine_similarity(a, b, dim=-1)[..., None].clamp(-1, 1)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - w) * angle) * a + torch.sin(w * angle) * b) / sine
    return torch.where(sine < 1e-3, torch.lerp(a, b, w), arc)


def animated_svg(frames: Sequence[str], canvas: float = 24) -> str:
    """Combine SVG texts from `rows_to_svg` into one animation (SMIL) that loops forwards and backwards.

    It also plays in <img>; viewers without animation show the first frame.
    """
    last = len(frames) - 1
    order = [0] * HOLD + [*range(1, last)] + [last] * HOLD + [*range(last - 1, 0, -1)]
    seconds = f"{len(order) * SECONDS_PER_FRAME:.2f}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{canvas:g}" height="{canvas:g}"'
        f' viewBox="0 0 {canvas:g} {canvas:g}">'
    ]
    for k, frame in enumerate(frames):
        shown = ";".join("inline" if i == k else "none" for i in order)
        own = re.sub(r'(\bid="|url\(#)', rf"\g<1>frame-{k}-", frame)  # all frames share one id namespace
        lines += [
            f'<g display="{"inline" if k == 0 else "none"}">',
            f'<animate attributeName="display" values="{shown}" dur="{seconds}s" calcMode="discrete"'
            ' repeatCount="indefinite"/>',
            own.strip(), "</g>",
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
