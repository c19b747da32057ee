"""Datasets over the two caches, their collate functions, and batches of similar length.

cache.pt    rows, captions, splits and pixel tokens of N SVGs     (stage preprocess -> VP-VAE)
latents.pt  posteriors and text tokens of the same SVGs           (stage prepare_latents -> VS-DiT)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from svgfusion_lib.errors import UserError
from svgfusion_lib.utils.augment import Augmentation
from svgfusion_lib.utils.path_chunks import Chunks, rows_to_chunks


class _ToDevice:
    """Batches move between devices as one."""

    def to(self, device: str | torch.device):
        moved = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **moved)


# --- chunks: what the VP-VAE sees -----------------------------------------------------------------


@dataclass
class ChunkBatch(_ToDevice):
    """B SVGs as padded chunks.

    ids int64 [B, N, R, 2], geometry [B, N, R, 8], box [B, N, 3], style [B, N, 12],
    padding_mask bool [B, N] (True = padding), pixel_tokens [B, P, C] or None, names of the SVGs.
    """

    ids: Tensor
    geometry: Tensor
    box: Tensor
    style: Tensor
    padding_mask: Tensor
    pixel_tokens: Tensor | None = None
    names: list[str] = field(default_factory=list)


class ChunkDataset(Dataset):
    """SVGs of a cache as chunks. Longer ones than `max_latents` are left out and counted."""

    def __init__(
        self,
        cache: dict,
        layout: str,
        rows_per_latent: int,
        max_latents: int,
        split: str | None = None,
        augmentation: Augmentation | None = None,
    ):
        """cache: see stage preprocess; split: "train", "held_out" or None for all.

        augmentation: other rows for every item each time (torch's global generator seeds it). With pixel
        tokens only those that keep the picture are allowed, for the tokens are of the original.
        """
        self.pixel_tokens = cache["pixel_tokens"]  # [SVGs, P, C] fp16, or None
        if augmentation is not None and self.pixel_tokens is not None and not augmentation.keeps_picture:
            raise UserError("augmentations that change the picture need a cache without pixel tokens")
        self.augmentation = augmentation
        self._cut = partial(rows_to_chunks, layout=layout, rows_per_latent=rows_per_latent)
        self._rows: list[np.ndarray] = []
        self._max_latents = max_latents
        self.names: list[str] = []
        self.indices: list[int] = []
        self.chunks: list[Chunks] = []
        self.too_long = 0
        offsets = cache["offsets"].tolist()
        rows = cache["rows"].numpy()
        for i, name in enumerate(cache["names"]):
            if split is not None and cache["splits"][i] != split:
                continue
            chunks = self._cut(rows[offsets[i] : offsets[i + 1]])
            if len(chunks) > max_latents:
                self.too_long += 1
                continue
            self.names.append(name)
            self.indices.append(i)
            self.chunks.append(chunks)
            self._rows.append(rows[offsets[i] : offsets[i + 1]])

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, i: int) -> tuple[str, Chunks, Tensor | None]:
        tokens = None if self.pixel_tokens is None else self.pixel_tokens[self.indices[i]].float()
        chunks = self.chunks[i]
        if self.augmentation is not None:
            rng = np.random.default_rng(int(torch.randint(2**31, ())))
            changed = self._cut(self.augmentation(self._rows[i], rng))
            chunks = changed if len(changed) <= self._max_latents else chunks
        return self.names[i], chunks, tokens

    @property
    def lengths(self) -> list[int]:
        return [len(chunks) for chunks in self.chunks]


def collate_chunks(items: list[tuple[str, Chunks, Tensor | None]]) -> ChunkBatch:
    """Pad chunks to the longest SVG of the batch; padded slots are PAD rows with box (0, 0, 1)."""
    count, length = len(items), max(len(chunks) for _, chunks, _ in items)
    slots = items[0][1].ids.shape[1]
    ids = np.zeros((count, length, slots, 2), dtype=np.int64)
    geometry = np.zeros((count, length, slots, 8), dtype=np.float32)
    box = np.zeros((count, length, 3), dtype=np.float32)
    box[..., 2] = 1
    style = np.zeros((count, length, 12), dtype=np.float32)
    mask = np.ones((count, length), dtype=bool)
    for i, (_, chunks, _) in enumerate(items):
        n = len(chunks)
        ids[i, :n], geometry[i, :n], box[i, :n], style[i, :n] = chunks.ids, chunks.geometry, chunks.box, chunks.style
        mask[i, :n] = False
    tokens = None if items[0][2] is None else torch.stack([t for _, _, t in items])  # [B, P, C]
    arrays = (torch.from_numpy(a) for a in (ids, geometry, box, style, mask))
    return ChunkBatch(*arrays, tokens, [name for name, _, _ in items])


# --- latents: what the VS-DiT sees ----------------------------------------------------------------


@dataclass
class LatentBatch(_ToDevice):
    """B latent sequences with a caption each.

    mean, sigma [B, N, Z] of the posterior (sigma 0 for explicit channels), padding_mask bool [B, N],
    context [B, S, C] text tokens, context_mask bool [B, S], names of the SVGs.
    """

    mean: Tensor
    sigma: Tensor
    padding_mask: Tensor
    context: Tensor
    context_mask: Tensor
    names: list[str] = field(default_factory=list)


class LatentDataset(Dataset):
    """SVGs of a latents file; a caption is drawn for every item (torch's global generator)."""

    def __init__(self, latents: dict, split: str | None = None, first_caption_only: bool = False):
        self.latents = latents
        self.first_caption_only = first_caption_only
        self.indices = [i for i, s in enumerate(latents["splits"]) if split is None or s == split]
        self.offsets = latents["offsets"].tolist()
        self.context_offsets = latents["context_offsets"].tolist()

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def lengths(self) -> list[int]:
        return [self.offsets[i + 1] - self.offsets[i] for i in self.indices]

    def __getitem__(self, item: int) -> tuple[str, Tensor, Tensor, Tensor]:
        i = self.indices[item]
        span = slice(self.offsets[i], self.offsets[i + 1])
        captions = self.latents["caption_ids"][i]
        choice = 0
        if not self.first_caption_only and len(captions) > 1 and torch.rand(()) < 0.5:
            choice = int(torch.randint(len(captions), ()))  # half the time the canonical caption
        c = captions[choice]
        context = self.latents["context"][self.context_offsets[c] : self.context_offsets[c + 1]].float()
        latents = self.latents
        return latents["names"][i], latents["mean"][span].float(), latents["sigma"][span].float(), context


def collate_latents(items: list[tuple[str, Tensor, Tensor, Tensor]]) -> LatentBatch:
    """Pad latents and text tokens to the longest of the batch."""
    names, means, sigmas, contexts = zip(*items)
    mean, mask = pad_sequences(means)
    sigma, _ = pad_sequences(sigmas)
    context, context_mask = pad_sequences(contexts)
    return LatentBatch(mean, sigma, mask, context, context_mask, list(names))


def pad_sequences(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Sequences [L_i, C] -> zero-padded [B, max L, C] and padding mask [B, max L]."""
    padded = torch.nn.utils.rnn.pad_sequence(list(sequences), batch_first=True)  # [B, L, C]
    lengths = torch.tensor([len(s) for s in sequences])
    return padded, torch.arange(padded.shape[1]) >= lengths[:, None]


# --- batches ----------------------------------------------------------------------------------------


class LengthBucketSampler(Sampler[list[int]]):
    """Shuffled batches of similar length: shuffle, sort within windows of 16 batches, cut, shuffle.

    The order is a pure function of (seed, epoch), so a resumed run sees the batches it would have seen.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int = 0):
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self.first_batch = 0
        self.share = list  # the members of a batch that this process takes (utils/processes.py)

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(len(self.lengths))
        window = 16 * self.batch_size
        batches = []
        for start in range(0, len(order), window):
            part = order[start : start + window]
            part = part[np.argsort(self.lengths[part], kind="stable")]
            batches += [part[i : i + self.batch_size] for i in range(0, len(part), self.batch_size)]
        for index in rng.permutation(len(batches))[self.first_batch :]:
            yield self.share(batches[index].tolist())


def make_loader(dataset: ChunkDataset | LatentDataset, batch_size: int, seed: int = 0) -> DataLoader:
    """A DataLoader of length-bucketed batches with the collate function that fits the dataset."""
    collate = collate_chunks if isinstance(dataset, ChunkDataset) else collate_latents
    sampler = LengthBucketSampler(dataset.lengths, batch_size, seed)
    # A generator of its own: starting an epoch takes nothing from the global one, so a resumed run draws alike.
    return DataLoader(dataset, batch_sampler=sampler, collate_fn=collate, generator=torch.Generator())
