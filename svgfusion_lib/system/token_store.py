"""Token sequences of many items on disk: fp16, in shards, memory-mapped when read.

A folder holds tokens-00000.npy, tokens-00001.npy, ... (fp16 [tokens, C] each; items are not split) and
index.npz: the number of tokens and CRC-32 of each item, and where the shards begin. Reading an item touches only
its own pages, so a store may be larger than memory; each item is checked when it is read.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import Writer

INDEX_NAME = "index.npz"
SHARD_BYTES = 256 * 2**20
VERSION = 2  # of the index; version 1 had none


def write_tokens(
    folder: str | Path, items: Iterable[Tensor], key: str, shard_bytes: int = SHARD_BYTES
) -> "TokenStore":
    """Write items [S_i, C], of one width C, in order, into a new folder.

    key: identifies the source of the tokens; `TokenStore.open` checks it.
    """
    lengths: list[int] = []
    first_items: list[int] = []  # first item of each shard
    checksums: list[int] = []
    folder = Path(folder)
    folder.mkdir()
    for number, shard in enumerate(_shards(items, shard_bytes)):
        first_items.append(len(lengths))
        lengths += [len(tokens) for tokens in shard]
        arrays = [tokens.half().cpu().numpy() for tokens in shard]
        checksums += [_checksum(array) for array in arrays]
        with (folder / f"tokens-{number:05d}.npy").open("wb") as file:
            np.save(Writer(file), np.concatenate(arrays))  # keeps the reason if writing fails
    np.savez(
        folder / INDEX_NAME, lengths=np.array(lengths, dtype=np.int64), first_items=np.array(first_items),
        key=np.array(key), checksums=np.array(checksums, dtype=np.uint32), version=np.array(VERSION),
    )
    return TokenStore.open(folder, key)


def _checksum(tokens: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(tokens).data)


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
    """Items in a folder written by `write_tokens`: store[i] is float32 [S_i, C]."""

    def __init__(
        self, folder: Path, shards: Sequence[np.ndarray], lengths: np.ndarray, first_items: np.ndarray,
        checksums: np.ndarray,
    ):
        self._folder = folder
        self._shards = shards
        self.lengths = lengths
        self._first_items = first_items
        self._checksums = checksums
        ends = np.cumsum(lengths)
        self._starts = ends - lengths
        self._shard_starts = self._starts[first_items] if len(lengths) else np.zeros(0, dtype=np.int64)

    @classmethod
    def open(cls, folder: str | Path, key: str) -> "TokenStore":
        """Open a folder; UserError if it is incomplete, or holds the tokens of another source."""
        folder = Path(folder)
        try:
            with np.load(folder / INDEX_NAME) as index:
                version = int(index["version"]) if "version" in index else 1
                if version != VERSION:
                    raise UserError(
                        f"{folder}: tokens of format version {version}, this version reads {VERSION}; create them again"
                    )
                lengths, first_items, found = index["lengths"], index["first_items"], str(index["key"])
                checksums = index["checksums"]
            names = [folder / f"tokens-{i:05d}.npy" for i in range(len(first_items))]
            shards = [np.lib.format.open_memmap(name, mode="r") for name in names]
        except (
            OSError, ValueError, LookupError, RuntimeError, EOFError, TypeError, AttributeError, MemoryError,
            SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,  # NumPy evaluates the header
        ) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise UserError(f"{folder}: its tokens cannot be read ({reason}); create them again") from error
        if found != key:
            raise UserError(f"{folder}: its tokens do not belong to the file next to it; create both again")
        ends = [*first_items[1:], len(lengths)]
        sizes = [int(lengths[start:end].sum()) for start, end in zip(first_items, ends)]
        if any(shard.ndim != 2 or shard.dtype != np.float16 for shard in shards) or sizes != [*map(len, shards)] or (
            checksums.shape != lengths.shape
        ):
            raise UserError(f"{folder}: its tokens do not match its {INDEX_NAME}; create them again")
        return cls(folder, shards, lengths, first_items, checksums)

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
        tokens = self._shards[shard][start : start + self.lengths[item]]  # [S_i, C]
        if _checksum(tokens) != self._checksums[item]:
            raise UserError(f"{self._folder / f'tokens-{shard:05d}.npy'}: damaged (item {item}); create it again")
        return torch.from_numpy(tokens.astype(np.float32))
