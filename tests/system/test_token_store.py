import numpy as np
import pytest
import torch

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.token_store import INDEX_NAME, TokenStore, write_tokens

LENGTHS = [3, 0, 5, 1, 2, 4]


@pytest.fixture
def items() -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return [torch.randn(n, 4, generator=g).half() for n in LENGTHS]


@pytest.mark.parametrize(("shard_bytes", "shards"), [(1, 5), (40, 2), (10**6, 1)])
def test_items_come_back_whatever_the_shards(tmp_path, items, shard_bytes, shards):
    """An empty item fills no shard, so it goes with the one after it."""
    store = write_tokens(tmp_path / "t", iter(items), "icons", shard_bytes)
    assert len(store) == len(items) and store.width == 4
    assert len(list((tmp_path / "t").glob("tokens-*.npy"))) == shards
    for read, item in zip((store[i] for i in range(len(store))), items):
        assert read.dtype == torch.float32
        torch.testing.assert_close(read, item.float(), atol=0, rtol=0)


def test_items_are_mapped_not_read(tmp_path, items):
    store = write_tokens(tmp_path / "t", items, "icons", 40)
    assert all(isinstance(shard, np.memmap) for shard in store._shards)


def test_no_items(tmp_path):
    store = write_tokens(tmp_path / "t", [], "icons")
    assert len(store) == 0 and store.width == 0


def test_it_says_what_it_holds(tmp_path, items):
    assert repr(write_tokens(tmp_path / "t", items, "icons")) == "TokenStore(6 items, 15 tokens of width 4)"


@pytest.mark.parametrize("item", [-1, 6])
def test_no_such_item(tmp_path, items, item):
    with pytest.raises(IndexError):
        write_tokens(tmp_path / "t", items, "icons")[item]


def test_what_cannot_be_read_is_named(tmp_path, items):
    folder = tmp_path / "t"
    with pytest.raises(UserError, match="t: its tokens cannot be read"):
        TokenStore.open(folder, "icons")
    write_tokens(folder, items, "icons")
    with pytest.raises(UserError, match="something else"):
        TokenStore.open(folder, "other icons")
    (folder / "tokens-00000.npy").write_bytes((folder / "tokens-00000.npy").read_bytes()[:40])
    with pytest.raises(UserError, match="cannot be read"):
        TokenStore.open(folder, "icons")
    (folder / INDEX_NAME).write_bytes(b"PK")
    with pytest.raises(UserError, match="cannot be read"):
        TokenStore.open(folder, "icons")
