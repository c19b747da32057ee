import pytest
import torch

from svgfusion_lib.errors import UserError
from svgfusion_lib.system.token_store import TokenStore, write_tokens

LENGTHS = [3, 0, 5, 1, 2, 4]


@pytest.fixture
def items() -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return [torch.randn(n, 4, generator=g).half() for n in LENGTHS]


def test_items_come_back(tmp_path, items):
    store = write_tokens(tmp_path / "t", iter(items), "icons")
    assert len(store) == len(items) and store.width == 4
    for read, item in zip((store[i] for i in range(len(store))), items):
        assert read.dtype == torch.float32
        torch.testing.assert_close(read, item.float(), atol=0, rtol=0)


def test_no_items_and_no_such_item(tmp_path, items):
    store = write_tokens(tmp_path / "none", [], "icons")
    assert len(store) == 0 and store.width == 0
    store = write_tokens(tmp_path / "t", items, "icons")
    for item in (-1, 6):
        with pytest.raises(IndexError):
            store[item]


def test_tokens_of_something_else_are_refused(tmp_path, items):
    write_tokens(tmp_path / "t", items, "icons")
    with pytest.raises(UserError, match="do not belong to the file"):
        TokenStore.open(tmp_path / "t", "other icons")
