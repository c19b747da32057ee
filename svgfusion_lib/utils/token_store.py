"""Token sequences of many items on disk: fp16, in shards, memory-mapped when read.

A folder holds tokens-00000.npy, tokens-00001.npy, ... (fp16 [tokens, C] each; no item is cut in two) and
index.npz: how many tokens each item has, and where the shards begin. Reading an item touches its own pages
alone, so a store may be larger than the memory.
"""

import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.errors import UserError
from svgfusion_lib.utils.files import atomic_path

INDEX_NAME = "index.npz"
SHARD_BYTES = 256 * 2**20


def write_tokens(folder: str | Path, items: Iterable[Tensor], key: str, shard_bytes: int = SHARD_BYTES) -> "TokenStore":
    """Write items [S_i, C], of one width C, in order; what the folder held before is replaced.

    key: names what the tokens are of; `TokenStore.open` asks for it again.
    """
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lengths: list[int] = []
    first_items: list[int] = []  # of each shard
    for number, shard in enumerate(_shards(items, shard_bytes)):
        first_items.append(len(lengths))
        lengths += [len(tokens) for tokens in shard]
        np.save(folder / f"tokens-{number:05d}.npy", torch.cat(shard).half().cpu().numpy())
    with atomic_path(folder / INDEX_NAME) as temporary, temporary.open("wb") as file:
        np.savez(file, lengths=np.array(lengths, dtype=np.int64), first_items=np.array(first_items), key=np.array(key))
    return TokenStore.open(folder, key)


def _shards(items: Iterable[Tensor], shard_bytes: int) -> Iterator[list[Tensor]]:
    shard: list[Tensor] = []
    size = 0
    for tokens in items:
        shard.append(tokens)
        size += 2 * tokens.numel()
        if size >= shard_bytes:
            yield shard
            shard, size = [], 0
    if shard:
        yield shard


class TokenStore:
    """Items of a folder that `write_tokens` made: store[i] is float32 [S_i, C]."""

    def __init__(self, shards: list[np.ndarray], lengths: np.ndarray, first_items: np.ndarray):
        self._shards = shards
        self.lengths = lengths
        self._first_items = first_items
        ends = np.cumsum(lengths)
        self._starts = ends - lengths
        self._shard_starts = self._starts[first_items] if len(lengths) else np.zeros(0, dtype=np.int64)

    @classmethod
    def open(cls, folder: str | Path, key: str) -> "TokenStore":
        """UserError if the folder is not whole, or holds the tokens of something else."""
        folder = Path(folder)
        try:
            with np.load(folder / INDEX_NAME) as index:
                lengths, first_items, found = index["lengths"], index["first_items"], str(index["key"])
            shards = [np.load(folder / f"tokens-{i:05d}.npy", mmap_mode="r") for i in range(len(first_items))]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise UserError(f"{folder}: its tokens cannot be read ({reason}); make them anew") from error
        if found != key:
            raise UserError(f"{folder}: holds tokens of something else than the file beside it; make both anew")
        return cls(shards, lengths, first_items)

    def __len__(self) -> int:
        return len(self.lengths)

    def __repr__(self) -> str:
        return f"TokenStore({len(self)} items, {int(self.lengths.sum())} tokens of width {self.width})"

    @property
    def width(self) -> int:
        """C; 0 if there are no items."""
        return self._shards[0].shape[1] if self._shards else 0

    def __getitem__(self, item: int) -> Tensor:
        if not 0 <= item < len(self.lengths):
            raise IndexError(item)
        shard = int(np.searchsorted(self._first_items, item, side="right")) - 1
        start = self._starts[item] - self._shard_starts[shard]
        return torch.from_numpy(self._shards[shard][start : start + self.lengths[item]].astype(np.float32))
