"""Rows [L, 22] <-> chunks [N, R, ...]; a chunk is what one latent of the VP-VAE encodes.

layout "row"   one latent per row (R = 1), BOS and EOS included: the paper's sequence
layout "path"  one latent per sub-path, primitive, gradient or stop, or per run of at most R rows of a long
               sub-path. A chunk's geometry is normalised to its box (centre and half-size), so the same shape
               at another place or scale is the same chunk; box and style are stored separately.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.arcs import arcs_to_cubic_rows

MIN_HALF_SIZE = 0.02   # of a chunk's box, canvas units: keeps dots from being scaled up to the unit square
FILLED = (0.7, 1.4)    # decoded chunks with a half-size in this range are rescaled to 1
BOX_COLUMNS = 3        # centre x, centre y, half-size


@dataclass
class Chunks:
    """One SVG as N chunks of R row slots (numpy; float32 unless noted).

    ids       int64 [N, R, 2]   element and command; (PAD, none) in unused slots
    geometry  [N, R, 8]         in the chunk's box for layout "path", on the canvas for layout "row"
    box       [N, 3]            centre x, y, half-size, canvas units (0, 0, 1 for layout "row")
    style     [N, 12]           style columns of the chunk's first row
    first_row int64 [N]         index of the chunk's first row
    """

    ids: np.ndarray
    geometry: np.ndarray
    box: np.ndarray
    style: np.ndarray
    first_row: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def rows_to_chunks(rows: np.ndarray, layout: str, rows_per_latent: int, arcs: bool = True) -> Chunks:
    """Cut rows [L, 22] into chunks; layout "row" needs rows_per_latent == 1. arcs False: convert arcs to cubics."""
    if not arcs:
        rows = arcs_to_cubic_rows(rows)
    if layout == "row":
        return _pack([rows[i : i + 1] for i in range(len(rows))], rows_per_latent, 0, boxed=False)
    if layout != "path":
        raise ValueError(f"layout must be 'row' or 'path', got {layout!r}")
    body = rows[1:-1]  # [L - 2, 22]
    breaks = (body[:, rf.ELEMENT] != rf.PATH) | rf.is_one_of(body[:, rf.COMMAND], (rf.MOVE, rf.SUBMOVE))
    pieces = []
    for sub_path in np.split(body, np.flatnonzero(breaks)[1:]):
        parts = -(-len(sub_path) // rows_per_latent)  # equal parts instead of full ones and a remainder
        pieces += np.array_split(sub_path, parts)
    return _pack(pieces, rows_per_latent, 1, boxed=True)


def chunks_to_rows(ids: np.ndarray, geometry: np.ndarray, box: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Convert chunks to rows [L, 22] with BOS and EOS. PAD slots are skipped.

    ids [N, R, 2], geometry [N, R, 8], box [N, 3], style [N, 12]; the result is not sanitised.
    """
    element, command = ids[..., 0], ids[..., 1]
    absolute = _transform(geometry, element, command, box[:, None, 2:3], box[:, None, :2])  # [N, R, 8]
    count, slots = element.shape
    rows = np.zeros((count, slots, rf.NUM_COLUMNS), dtype=np.float32)
    rows[..., rf.ELEMENT], rows[..., rf.COMMAND] = element, command
    rows[..., rf.GEOMETRY] = absolute
    rows[..., rf.STYLE] = style[:, None]
    return rf.with_ends(rows[element > rf.EOS])  # [L, 22]


def filled_boxes(ids: np.ndarray, geometry: np.ndarray) -> np.ndarray:
    """Move and scale decoded geometry [N, R, 8] of layout "path" (ids [N, R, 2]) so that each chunk fills its box.

    The box is tight around its shape and explicit in the latent, so any deviation is a decoder error. Chunks far from
    filling it are left alone, such as dots, whose box is larger than they are; so are later parts of a long sub-path,
    whose start point is not decoded.
    """
    geometry = geometry.copy()
    for own_ids, own in zip(ids, geometry):
        used = own_ids[:, 0] > rf.EOS
        if not used.any() or (own_ids[0, 0] == rf.PATH and own_ids[0, 1] not in (rf.MOVE, rf.SUBMOVE)):
            continue
        if own_ids[0, 0] == rf.PATH:  # starts and closings are not decoded
            own[own_ids[:, 1] == rf.CLOSE, 6:8] = own[0, 6:8]
            own[1:, :2] = own[:-1, 6:8]
        piece = np.concatenate([own_ids[used], own[used]], axis=1)  # [r, 10]: the columns that determine the box
        known = (rf.IS_X | rf.IS_Y)[own_ids[used, 0], own_ids[used, 1]].any()
        x, y, half = _box(piece) if known else (0.0, 0.0, 0.0)
        if FILLED[0] < half < FILLED[1]:
            element, command = own_ids[used].T
            scale = np.full((1, 1), 1 / half)
            own[used] = _transform(own[used], element, command, scale, -np.array([[x, y]]) / half)
    return geometry


def _transform(geometry, element, command, scale, shift) -> np.ndarray:
    """geometry [..., 8] * scale + shift for positions, * scale for lengths, 0 where unused."""
    is_x, is_y, is_length = (mask[element, command] for mask in (rf.IS_X, rf.IS_Y, rf.IS_LENGTH))  # [..., 8]
    scaled = geometry * scale
    return scaled * (is_x | is_y | is_length) + is_x * shift[..., :1] + is_y * shift[..., 1:2]


def _pack(pieces: list[np.ndarray], slots: int, first_row: int, boxed: bool) -> Chunks:
    """Pack consecutive pieces [<= slots, 22], the first of which starts at row `first_row`, into chunks."""
    count = len(pieces)
    ids = np.zeros((count, slots, 2), dtype=np.int64)
    geometry = np.zeros((count, slots, rf.NUM_GEOMETRY), dtype=np.float32)
    box = np.zeros((count, BOX_COLUMNS), dtype=np.float32)
    style = np.stack([piece[0, rf.STYLE] for piece in pieces]).astype(np.float32)
    for i, piece in enumerate(pieces):
        ids[i, : len(piece)] = piece[:, : rf.COMMAND + 1].astype(np.int64)
        geometry[i, : len(piece)] = piece[:, rf.GEOMETRY]
        box[i] = _box(piece) if boxed else (0, 0, 1)
    if boxed:
        scale = 1 / box[:, None, 2:3]
        geometry = _transform(geometry, ids[..., 0], ids[..., 1], scale, -box[:, None, :2] * scale)
    sizes = np.array([len(piece) for piece in pieces], dtype=np.int64)
    return Chunks(ids, geometry.astype(np.float32), box, style, first_row + np.cumsum(sizes) - sizes)


def _box(piece: np.ndarray) -> tuple[float, float, float]:
    """Centre and half the longer side of the bounding box of a chunk's points."""
    element, command = piece[:, rf.ELEMENT].astype(int), piece[:, rf.COMMAND].astype(int)
    geometry = piece[:, rf.GEOMETRY]
    if element[0] in (rf.RECT, rf.CIRCLE, rf.ELLIPSE):
        x, y, *lengths = geometry[0, :4]
        if element[0] == rf.RECT:
            low, high = np.array([x, y]), np.array([x + lengths[0], y + lengths[1]])
        else:
            radius = np.array([lengths[0], lengths[0] if element[0] == rf.CIRCLE else lengths[1]])
            low, high = np.array([x, y]) - radius, np.array([x, y]) + radius
    else:
        x = geometry[rf.IS_X[element, command]]
        y = geometry[rf.IS_Y[element, command]]
        low, high = np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
    centre = (low + high) / 2
    return centre[0], centre[1], max(float((high - low).max()) / 2, MIN_HALF_SIZE)


def distinct_chunks(drawings: Sequence[Chunks], group: int, seed: int = 0) -> list[Chunks]:
    """The distinct shapes of some drawings, shuffled, `group` per item; one that occurs n times appears sqrt(n) times.

    Half of all chunks are a line or a circle: a VP-VAE that encodes chunks independently need not see all of them, but
    enough to draw them exactly. Chunks are equal if their ids are and their geometry agrees to a thousandth of the
    box. Box and style come from the first occurrence. The last group may be smaller.
    """
    first: dict[bytes, tuple[int, int]] = {}
    count: Counter[bytes] = Counter()
    for i, chunks in enumerate(drawings):
        rounded = np.rint(chunks.geometry * 1000).astype(np.int16)  # [N, R, 8]
        for k in range(len(chunks)):
            shape = chunks.ids[k].tobytes() + rounded[k].tobytes()
            first.setdefault(shape, (i, k))
            count[shape] += 1
    places = np.repeat(np.array(list(first.values())), [math.isqrt(count[shape]) for shape in first], axis=0)
    order = np.random.default_rng(seed).permutation(places)  # [D, 2]
    return [
        Chunks(*(
            np.stack([getattr(drawings[i], name)[k] for i, k in order[start : start + group]])
            for name in ("ids", "geometry", "box", "style", "first_row")
        ))
        for start in range(0, len(order), group)
    ]


def turned_chunks(ids: Tensor, geometry: Tensor, turns: Tensor) -> Tensor:
    """Mirror and rotate the box geometry [B, N, R, 8] of chunks (ids [B, N, R, 2]), each chunk independently.

    turns int64 [B, N] from 0 to 7: bit 0 mirrors x, bit 1 mirrors y, bit 2 swaps x and y.
    """
    is_x, is_y, is_length = (
        torch.from_numpy(mask).to(ids.device)[ids[..., 0], ids[..., 1]] for mask in (rf.IS_X, rf.IS_Y, rf.IS_LENGTH)
    )  # [B, N, R, 8] each
    element = ids[..., :1]  # [B, N, R, 1]
    corner = geometry.clone()
    corner[..., :2] += torch.where(element == rf.RECT, geometry[..., 2:4], 0)  # the first corner after mirroring
    flip_x, flip_y, swap = ((turns[..., None, None] >> bit) & 1 == 1 for bit in range(3))  # [B, N, 1, 1] each
    geometry = torch.where(flip_x & is_x, -corner, geometry)
    geometry = torch.where(flip_y & is_y, -corner, geometry)
    pairs = geometry.unflatten(-1, (4, 2)).flip(-1).flatten(-2)  # [B, N, R, 8]
    sides = is_length & ((element == rf.RECT) | (element == rf.ELLIPSE))
    return torch.where(swap & (is_x | is_y | sides), pairs, geometry)
