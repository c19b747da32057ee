"""Token sequences of many items on disk: fp16, memory-mapped when read.

A folder holds tokens.bin (fp16 [tokens, C], item after item) and index.npz: C, and the number of tokens and CRC-32 of
each item. Reading an item touches only its own pages, so a store may be larger than memory; each item is checked when
it is read.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.errors import UserError

DATA_NAME, INDEX_NAME = "tokens.bin", "index.npz"
VERSION = 3  # of the index; earlier versions had the tokens in several files


def write_tokens(folder: str | Path, items: Iterable[Tensor], key: str) -> "TokenStore":
    """Write items [S_i, C], of one width C, in order, into a new folder.

    key: identifies the source of the tokens; `TokenStore.open` checks it.
    """
    lengths: list[int] = []
    checksums: list[int] = []
    width = 0
    folder = Path(folder)
    folder.mkdir()
    with (folder / DATA_NAME).open("wb") as file:
        for tokens in items:
            array = tokens.half().cpu().contiguous().numpy()  # [S_i, C]
            width = array.shape[1]
            lengths.append(len(array))
            checksums.append(zlib.crc32(array.data))
            file.write(array.data)
    np.savez(
        folder / INDEX_NAME, lengths=np.array(lengths, dtype=np.int64), width=np.array(width), key=np.array(key),
        checksums=np.array(checksums, dtype=np.uint32), version=np.array(VERSION),
    )
    return TokenStore.open(folder, key)


class TokenStore:
    """Items in a folder written by `write_tokens`: store[i] is float32 [S_i, C]. width: C; 0 if there are no items."""

    def __init__(self, path: Path, tokens: np.ndarray, lengths: np.ndarray, checksums: np.ndarray):
        self._path = path
        self._tokens = tokens  # [tokens, C]
        self.width = tokens.shape[1]
        self.lengths = lengths
        self._checksums = checksums
        self._ends = np.cumsum(lengths)

    @classmethod
    def open(cls, folder: str | Path, key: str) -> "TokenStore":
        """Open a folder; UserError if it is incomplete, or holds the tokens of another source."""
        folder = Path(folder)
        path = folder / DATA_NAME
        try:
            with np.load(folder / INDEX_NAME) as index:
                version = int(index["version"]) if "version" in index else 1
                if version != VERSION:
                    raise UserError(
                        f"{folder}: tokens of format version {version}, this version reads {VERSION}; create them again"
                    )
                lengths, checksums, found = index["lengths"], index["checksums"], str(index["key"])
                shape = (int(lengths.sum()), int(index["width"]))
            matches = lengths.ndim == 1 and lengths.shape == checksums.shape and min(shape) >= 0
            if not matches or path.stat().st_size != 2 * shape[0] * shape[1] or lengths.min(initial=0) < 0:
                raise UserError(f"{folder}: its tokens do not match its {INDEX_NAME}; create them again")
            empty = 0 in shape  # cannot be mapped
            tokens = np.zeros(shape, np.float16) if empty else np.memmap(path, np.float16, mode="r", shape=shape)
        except (
            OSError, ValueError, LookupError, RuntimeError, EOFError, TypeError, AttributeError, MemoryError,
            OverflowError, SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,  # NumPy evaluates headers
        ) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise UserError(f"{folder}: its tokens cannot be read ({reason}); create them again") from error
        if found != key:
            raise UserError(f"{folder}: its tokens do not belong to the file next to it; create both again")
        return cls(path, tokens, lengths, checksums)

    def __len__(self) -> int:
        return len(self.lengths)

    def __repr__(self) -> str:
        return f"TokenStore({len(self)} items, {len(self._tokens)} tokens of width {self.width})"

    def __getitem__(self, item: int) -> Tensor:
        if not 0 <= item < len(self.lengths):
            raise IndexError(item)
        end = self._ends[item]
        tokens = self._tokens[end - self.lengths[item] : end]  # [S_i, C]
        if zlib.crc32(tokens.data) != self._checksums[item]:
            raise UserError(f"{self._path}: damaged (item {item}); create it again")
        return torch.from_numpy(tokens.astype(np.float32))
