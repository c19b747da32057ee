"""From one icon to another: latents between two, and their frames as one SVG that moves."""

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
HOLD = 5  # frames' time that either end is shown


def interpolate(
    pipeline: SVGFusionPipeline, z_a: Tensor, z_b: Tensor, steps: int, match: str = "boxes"
) -> list[Tensor]:
    """`steps` latents from z_a [N_a, Z] to z_b [N_b, Z], both ends as they are: a list of [N, Z].

    Explicit channels (place, size, colours) go straight, learned ones (shape) spherically, as normalised. match
    "boxes": parts go to those whose boxes are nearest, all together (`match_boxes`); "order": the k-th to the
    k-th. If one has more, those left over grow out of a point at their own centre, or shrink to it. A layout
    without boxes goes by order, and wants equal lengths (UserError).
    """
    if steps < 2:
        raise UserError(f"steps is {steps}; it must be at least 2, for both ends")
    if match not in MATCHES:
        raise UserError(f"parts are matched by {' or '.join(MATCHES)}, not by {match!r}")
    width = pipeline.vae.explicit_width
    if len(z_a) != len(z_b) and not width:
        raise UserError(f"{len(z_a)} latents cannot go to {len(z_b)}: the model's latents have no box to grow in")
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
    """Pairs (k of z_a, k of z_b), as many as the shorter has, whose boxes are nearest in sum (Kuhn 1955)."""
    from scipy.optimize import linear_sum_assignment

    cost = torch.cdist(z_a[:, :BOX_COLUMNS], z_b[:, :BOX_COLUMNS])  # [N_a, N_b]: centre and half-size
    return [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(cost.cpu().numpy()))]


def _paired(z_a: Tensor, z_b: Tensor, pairs: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    """Both [N, Z]: z_a in its order beside what each latent goes to, then what only z_b has."""
    partner = dict(pairs)
    left_over = sorted(set(range(len(z_b))) - set(partner.values()))
    a = torch.cat([z_a, _points(z_b[left_over])])
    b = [z_b[partner[i]] if i in partner else _points(z_a[i : i + 1])[0] for i in range(len(z_a))]
    return a, torch.stack([*b, *z_b[left_over]])


def _points(z: Tensor) -> Tensor:
    """z [N, Z], each latent shrunk to a point where it stands."""
    z = z.clone()
    z[:, HALF_SIZE] = 0
    return z


def slerp(a: Tensor, b: Tensor, w: float) -> Tensor:
    """Spherical interpolation along the last dimension (Shoemake 1985); straight where a and b are (anti)parallel."""
    cosine = torch.cosine_similarity(a, b, dim=-1)[..., None].clamp(-1, 1)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - w) * angle) * a + torch.sin(w * angle) * b) / sine
    return torch.where(sine < 1e-3, torch.lerp(a, b, w), arc)


def animated_svg(frames: Sequence[str], canvas: float = 24) -> str:
    """SVG texts that `rows_to_svg` wrote -> one that shows them in turn, there and back, for ever (SMIL).

    It plays in <img> too; a viewer that plays nothing shows the first frame.
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
        own = re.sub(r'(\bid="|url\(#)', rf"\g<1>frame-{k}-", frame)  # ids are one name space
        lines += [
            f'<g display="{"inline" if k == 0 else "none"}">',
            f'<animate attributeName="display" values="{shown}" dur="{seconds}s" calcMode="discrete"'
            ' repeatCount="indefinite"/>',
            own.strip(), "</g>",
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
