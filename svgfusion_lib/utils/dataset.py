"""Datasets for the two caches, their collate functions, and length-bucketed batches.

cache.pt    rows, captions, splits and pixel tokens of N SVGs     (stage preprocess, for the VP-VAE)
latents.pt  posteriors and text tokens of the same SVGs           (stage prepare_latents, for the VS-DiT)

Tokens are stored in folders beside them (system/token_store.py).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Sampler

from svgfusion_lib.config import VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.utils.arcs import arcs_to_cubic_rows
from svgfusion_lib.utils.path_chunks import Chunks, distinct_chunks, rows_to_chunks
from svgfusion_lib.utils.tensorsvg import partial_rows, stage_of_rows


@dataclass
class ToDevice:
    """Mixin: `to` moves every tensor field to a device."""

    def to(self, device: str | torch.device):
        moved = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **moved)


# --- chunks: input of the VP-VAE -----------------------------------------------------------------


@dataclass
class ChunkBatch(ToDevice):
    """B SVGs as padded chunks.

    ids int64 [B, N, R, 2], geometry [B, N, R, 8], box [B, N, 3], style [B, N, 12],
    padding_mask bool [B, N] (True = padding), names of the SVGs.
    pixel_tokens [B, K, P, C] of K renderings and stages int64 [B, N], the rendering that each chunk sees; or None.
    """

    ids: Tensor
    geometry: Tensor
    box: Tensor
    style: Tensor
    padding_mask: Tensor
    pixel_tokens: Tensor | None = None
    stages: Tensor | None = None
    names: list[str] = field(default_factory=list)


@dataclass
class ChunkItem:
    """One SVG: chunks; pixel_tokens [K, P, C] and stages int64 [N], or None."""

    name: str
    chunks: Chunks
    pixel_tokens: Tensor | None = None
    stages: np.ndarray | None = None


class ChunkDataset(Dataset):
    """SVGs of a cache as chunks. SVGs of more than `max_latents` chunks are skipped and counted in `too_long`."""

    def __init__(
        self,
        cache: dict,
        config: VAEConfig,
        split: str | None = None,
        max_latents: int | None = None,
        partial_rate: float = 0.0,
        every_stage: bool = False,
        only: Collection[int] | None = None,
    ):
        """cache: see stage preprocess; split: "train", "held_out" or None for all; max_latents: overrides the config.

        partial_rate: share of items replaced by a random earlier stage of their SVG (drawn from torch's global
        generator).
        every_stage: make every stage of an SVG (utils/tensorsvg.py) an item of its own. only: cache indices of
        the SVGs to use (None: all).
        """
        self.pixel_tokens = cache["pixel_tokens"] if config.pixel_fusion else None  # store of [K P, C], K stages
        if config.pixel_fusion and self.pixel_tokens is None:
            raise UserError("the VP-VAE fuses pixel tokens, but the cache was made with --pixel_encoder none")
        self.config = config
        self.partial_rate = partial_rate
        self._max_latents = max_latents or config.max_latents
        self._rows: list[np.ndarray] = []
        self._sizes: list[np.ndarray] = []  # elements in each stage
        self._stages: list[int] = []        # number of stages of the whole SVG
        self.names: list[str] = []
        self.indices: list[int] = []        # into the cache
        self.chunks: list[Chunks] = []
        self.too_long = 0
        offsets, stage_offsets = cache["offsets"].tolist(), cache["stage_offsets"].tolist()
        all_rows, all_sizes = cache["rows"].numpy(), cache["stage_sizes"].numpy()
        for i, name in enumerate(cache["names"]):
            if (split is not None and cache["splits"][i] != split) or (only is not None and i not in only):
                continue
            rows = all_rows[offsets[i] : offsets[i + 1]]
            sizes = all_sizes[stage_offsets[i] : stage_offsets[i + 1]]
            for count in range(1 if every_stage else len(sizes), len(sizes) + 1):
                self._add(i, name, rows, sizes[:count], len(sizes))

    def _add(self, i: int, name: str, rows: np.ndarray, sizes: np.ndarray, stages: int) -> None:
        if not self.config.arcs:
            rows = arcs_to_cubic_rows(rows)
        if len(sizes) < stages:
            rows, name = partial_rows(rows, sizes[-1]), f"{name}, the first {sizes[-1]}"
        chunks = self._cut(rows)
        if len(chunks) > self._max_latents:
            self.too_long += 1
            return
        self.names.append(name)
        self.indices.append(i)
        self.chunks.append(chunks)
        self._rows.append(rows)
        self._sizes.append(sizes)
        self._stages.append(stages)

    def _cut(self, rows: np.ndarray) -> Chunks:
        return rows_to_chunks(rows, self.config.layout, self.config.rows_per_latent)

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, i: int) -> ChunkItem:
        rows, chunks, sizes = self._rows[i], self.chunks[i], self._sizes[i]
        if self.partial_rate and len(sizes) > 1 and torch.rand(()) < self.partial_rate:
            sizes = sizes[: int(torch.randint(1, len(sizes), ()))]
            rows = partial_rows(rows, sizes[-1])
            chunks = self._cut(rows)
        if self.pixel_tokens is None:
            return ChunkItem(self.names[i], chunks)
        tokens = self.pixel_tokens[self.indices[i]]  # [K P, C]
        tokens = tokens.unflatten(0, (self._stages[i], -1))[: len(sizes)]  # [K, P, C]
        if not self.config.stage_tokens:
            return ChunkItem(self.names[i], chunks, tokens[-1:], np.zeros(len(chunks), dtype=np.int64))
        return ChunkItem(self.names[i], chunks, tokens, stage_of_rows(rows, sizes)[chunks.first_row])

    @property
    def lengths(self) -> list[int]:
        return [len(chunks) for chunks in self.chunks]


class DistinctChunkDataset(Dataset):
    """The distinct chunks of a ChunkDataset without pixel tokens, GROUP per item."""

    GROUP = 64

    def __init__(self, whole: ChunkDataset):
        if whole.config.layout != "path" or whole.pixel_tokens is not None:
            raise UserError("distinct chunks need a VP-VAE of layout 'path' without pixel fusion")
        self.chunks = distinct_chunks(whole.chunks, self.GROUP)

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, i: int) -> ChunkItem:
        return ChunkItem(f"chunks {self.GROUP * i}", self.chunks[i])

    @property
    def lengths(self) -> list[int]:
        return [len(chunks) for chunks in self.chunks]


def collate_chunks(items: list[ChunkItem]) -> ChunkBatch:
    """Pad chunks to the longest SVG in the batch; padded slots are PAD rows with box (0, 0, 1)."""
    mask = padding_of([len(item.chunks) for item in items])  # [B, N]
    ids, geometry, box, style = (
        pad_sequence([torch.from_numpy(getattr(item.chunks, name)) for item in items], batch_first=True)
        for name in ("ids", "geometry", "box", "style")
    )  # [B, N, ...] each
    box[..., 2][mask] = 1
    batch = ChunkBatch(ids, geometry, box, style, mask, names=[item.name for item in items])
    pixel_tokens = [item.pixel_tokens for item in items if item.pixel_tokens is not None]
    if pixel_tokens:
        batch.pixel_tokens = pad_sequence(pixel_tokens, batch_first=True)  # [B, K, P, C]
        stages = [np.zeros(len(item.chunks), np.int64) if item.stages is None else item.stages for item in items]
        batch.stages = pad_sequence([torch.from_numpy(own) for own in stages], batch_first=True)  # [B, N]
    return batch


# --- latents: input of the VS-DiT ----------------------------------------------------------------


@dataclass
class LatentBatch(ToDevice):
    """B latent sequences, each with a caption.

    mean, sigma [B, N, Z] of the posterior (sigma 0 for explicit channels), padding_mask bool [B, N],
    context [B, S, C] text tokens, context_mask bool [B, S], style int64 [B] (1 + index in `style_names`, 0 for
    none), names of the SVGs.
    """

    mean: Tensor
    sigma: Tensor
    padding_mask: Tensor
    context: Tensor
    context_mask: Tensor
    style: Tensor | None = None
    names: list[str] = field(default_factory=list)
    padded: bool = True  # whether any latent is padding; computed here to avoid a device synchronisation


def style_names(latents: dict) -> tuple[str, ...]:
    """The styles of a latents file: the packs of its training SVGs, sorted."""
    trained = {pack for pack, split in zip(latents["packs"], latents["splits"]) if split == "train"}
    return tuple(sorted(trained - {""}))


class LatentDataset(Dataset):
    """SVGs of a latents file; each item draws one of its captions at random (torch's global generator)."""

    def __init__(
        self, latents: dict, split: str | None = None, first_caption_only: bool = False,
        styles: Sequence[str] | None = None, repeat_names: bool = False,
    ):
        """styles: names that the VS-DiT numbers from 1; None: those of the latents (`style_names`).

        repeat_names: repeat an SVG round(sqrt(k)) times if k SVGs share its name, because the names that most packs
        draw are also the most likely prompts.
        """
        self.latents = latents
        self.first_caption_only = first_caption_only
        self.indices = [i for i, s in enumerate(latents["splits"]) if split is None or s == split]
        if repeat_names:
            count = Counter(latents["titles"][i] for i in self.indices)
            self.indices = [i for i in self.indices for _ in range(round(count[latents["titles"][i]] ** 0.5))]
        number = {name: k for k, name in enumerate(styles or style_names(latents), start=1)}
        self.styles = [number.get(pack, 0) for pack in latents["packs"]]
        self.offsets = latents["offsets"].tolist()

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def lengths(self) -> list[int]:
        return [self.offsets[i + 1] - self.offsets[i] for i in self.indices]

    def __getitem__(self, item: int) -> tuple[str, Tensor, Tensor, Tensor, int]:
        i = self.indices[item]
        span = slice(self.offsets[i], self.offsets[i + 1])
        captions = self.latents["caption_ids"][i]
        choice = 0
        if not self.first_caption_only and len(captions) > 1 and torch.rand(()) < 0.5:
            choice = int(torch.randint(len(captions), ()))  # any caption, otherwise the canonical one
        context = self.latents["context"][captions[choice]]  # [S, C]
        mean, sigma = self.latents["mean"][span].float(), self.latents["sigma"][span].float()
        return self.latents["names"][i], mean, sigma, context, self.styles[i]


def collate_latents(items: list[tuple[str, Tensor, Tensor, Tensor, int]]) -> LatentBatch:
    """Pad latents and text tokens to the longest in the batch."""
    names, means, sigmas, contexts, styles = zip(*items)
    mean, mask = pad_sequences(means)
    sigma, _ = pad_sequences(sigmas)
    context, context_mask = pad_sequences(contexts)
    return LatentBatch(mean, sigma, mask, context, context_mask, torch.tensor(styles), list(names), bool(mask.any()))


def pad_sequences(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Sequences [L_i, C] -> zero-padded [B, max L, C] and padding mask [B, max L]."""
    padded = pad_sequence(list(sequences), batch_first=True)  # [B, L, C]
    return padded, padding_of([len(s) for s in sequences])


def padding_of(lengths: Sequence[int]) -> Tensor:
    """Padding mask [B, max L] (True = padding) for sequences of these lengths, on the CPU."""
    return torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None]


# --- batches ----------------------------------------------------------------------------------------


class LengthBucketSampler(Sampler[list[int]]):
    """Shuffled batches of similar length: shuffle, sort within windows of 16 batches, cut, shuffle again.

    The order depends only on (seed, epoch), so a resumed run sees the same batches.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int = 0):
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self.first_batch = 0
        self.share = list  # selects this process's part of a batch (system/processes.py)

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


def make_loader(dataset: Any, batch_size: int, seed: int = 0, collate: Callable | None = None) -> DataLoader:
    """A DataLoader of length-bucketed batches from a dataset with `lengths`; collate: None picks one from above."""
    fitting = collate_latents if isinstance(dataset, LatentDataset) else collate_chunks
    sampler = LengthBucketSampler(dataset.lengths, batch_size, seed)
    # Its own generator: starting an epoch draws nothing from the global one, so a resumed run draws alike.
    return DataLoader(dataset, batch_sampler=sampler, collate_fn=collate or fitting, generator=torch.Generator())
