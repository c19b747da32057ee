"""Frames to one SVG that moves: SMIL, which browsers play wherever the file stands, in <img> too."""

import re
from collections.abc import Sequence

SECONDS_PER_FRAME = 0.15
HOLD = 5  # frames' time that either end is shown


def animated_svg(frames: Sequence[str], canvas: float = 24) -> str:
    """SVG texts that `rows_to_svg` wrote -> one that shows them in turn, there and back, for ever.

    A viewer that plays nothing shows the first frame.
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
