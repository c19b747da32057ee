import numpy as np
import pytest
import torch

from svgfusion_lib.errors import UserError
from svgfusion_lib.utils import row_format as rf
from svgfusion_lib.utils.augment import Augmentation
from svgfusion_lib.utils.dataset import (
    ChunkDataset,
    LatentDataset,
    LengthBucketSampler,
    collate_chunks,
    collate_latents,
    make_loader,
    pad_sequences,
)
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.training import endless_batches

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'


def drawing(shapes: int) -> np.ndarray:
    return parse_svg(HEAD + "".join(f'<path d="M{i} 1h3v{i + 1}z"/>' for i in range(shapes)) + "</svg>").rows


@pytest.fixture
def cache() -> dict:
    counts = [1, 4, 2, 3, 2]
    rows = [drawing(n) for n in counts]
    return {
        "names": [f"svg {n}-{i}" for i, n in enumerate(counts)],
        "splits": ["train", "train", "held_out", "train", "train"],
        "rows": torch.from_numpy(np.concatenate(rows)),
        "offsets": torch.tensor(np.cumsum([0] + [len(r) for r in rows])),
        "pixel_tokens": torch.arange(5 * 2 * 3).view(5, 2, 3).half(),
    }


@pytest.fixture
def latents() -> dict:
    lengths, tokens = [2, 1, 3], [1, 4, 2, 3]
    g = torch.Generator().manual_seed(0)
    return {
        "names": ["a", "b", "c"], "splits": ["train", "held_out", "train"],
        "offsets": torch.tensor([0, *lengths]).cumsum(0),
        "mean": torch.randn(6, 5, generator=g), "sigma": torch.rand(6, 5, generator=g),
        "caption_ids": [[0, 1, 2], [3], [2]],
        "context": torch.randn(10, 4, generator=g).half(),
        "context_offsets": torch.tensor([0, *tokens]).cumsum(0),
    }


def test_splits_and_lengths(cache):
    train = ChunkDataset(cache, "path", 8, 16, "train")
    assert train.names == ["svg 1-0", "svg 4-1", "svg 3-3", "svg 2-4"]
    assert train.lengths == [1, 4, 3, 2]
    assert len(ChunkDataset(cache, "path", 8, 16, "held_out")) == 1 and len(ChunkDataset(cache, "path", 8, 16)) == 5


def test_too_long_svgs_are_left_out_and_counted(cache):
    dataset = ChunkDataset(cache, "path", 8, 2)
    assert dataset.names == ["svg 1-0", "svg 2-2", "svg 2-4"] and dataset.too_long == 2


def test_every_svg_keeps_its_own_pixel_tokens_and_rows(cache):
    """Also where ones before it were left out."""
    dataset = ChunkDataset(cache, "path", 8, 2)
    for (name, chunks, tokens), i in zip((dataset[k] for k in range(3)), (0, 2, 4)):
        torch.testing.assert_close(tokens, cache["pixel_tokens"][i].float())
        start, end = cache["offsets"][i : i + 2]
        expected = rows_to_chunks(cache["rows"][start:end].numpy(), "path", 8)
        np.testing.assert_array_equal(chunks.geometry, expected.geometry)
        assert name == cache["names"][i]


@pytest.mark.parametrize(("layout", "slots"), [("path", 8), ("row", 1)])
def test_collate_pads_and_masks(cache, layout, slots):
    dataset = ChunkDataset(cache, layout, slots, 64)
    items = [dataset[i] for i in range(5)]
    batch = collate_chunks(items)
    longest = max(dataset.lengths)
    assert batch.ids.shape == (5, longest, slots, 2) and batch.ids.dtype == torch.int64
    assert batch.padding_mask.dtype == torch.bool
    assert (~batch.padding_mask).sum(1).tolist() == dataset.lengths
    assert batch.names == dataset.names and batch.pixel_tokens.shape == (5, 2, 3)
    for i, (_, chunks, _) in enumerate(items):
        n = len(chunks)
        for name in ("ids", "geometry", "box", "style"):
            np.testing.assert_array_equal(getattr(batch, name)[i, :n].numpy(), getattr(chunks, name))
        assert (batch.ids[i, n:] == rf.PAD).all() and (batch.box[i, n:] == torch.tensor([0.0, 0, 1])).all()


def test_collate_without_pixel_tokens(cache):
    dataset = ChunkDataset(cache | {"pixel_tokens": None}, "path", 8, 16)
    assert collate_chunks([dataset[0], dataset[1]]).pixel_tokens is None


def test_batch_moves_and_keeps_names(cache):
    dataset = ChunkDataset(cache, "path", 8, 16)
    moved = collate_chunks([dataset[0]]).to("cpu")
    assert moved.names == ["svg 1-0"] and moved.ids.device.type == "cpu"


def test_latent_items_are_cut_at_the_right_places(latents):
    dataset = LatentDataset(latents, "train", first_caption_only=True)
    assert len(dataset) == 2 and dataset.lengths == [2, 3]
    name, mean, sigma, context = dataset[1]
    assert name == "c"
    torch.testing.assert_close(mean, latents["mean"][3:6])
    torch.testing.assert_close(sigma, latents["sigma"][3:6])
    torch.testing.assert_close(context, latents["context"][5:7].float())  # caption 2


def test_every_caption_is_drawn_and_the_canonical_one_most_often(latents):
    dataset = LatentDataset(latents)
    torch.manual_seed(0)
    tokens = [len(dataset[0][3]) for _ in range(600)]  # captions 0, 1, 2 have 1, 4, 2 tokens
    shares = {n: tokens.count(n) / 600 for n in (1, 4, 2)}
    assert sum(shares.values()) == 1
    assert shares[1] == pytest.approx(2 / 3, abs=0.06) and shares[4] == pytest.approx(1 / 6, abs=0.06)
    assert {len(LatentDataset(latents, first_caption_only=True)[0][3]) for _ in range(50)} == {1}


def test_collate_latents_masks_both_sequences(latents):
    dataset = LatentDataset(latents, first_caption_only=True)
    batch = collate_latents([dataset[i] for i in range(3)])
    assert batch.mean.shape == batch.sigma.shape == (3, 3, 5) and batch.context.shape == (3, 3, 4)
    assert (~batch.padding_mask).sum(1).tolist() == [2, 1, 3]
    assert (~batch.context_mask).sum(1).tolist() == [1, 3, 2]
    assert (batch.mean[batch.padding_mask] == 0).all() and (batch.context[batch.context_mask] == 0).all()


def test_pad_sequences():
    padded, mask = pad_sequences([torch.ones(2, 3), torch.ones(1, 3)])
    assert padded[1].tolist() == [[1, 1, 1], [0, 0, 0]] and mask.tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize(("count", "batch_size"), [(1, 4), (8, 4), (130, 4), (131, 4), (7, 100)])
def test_sampler_gives_every_item_once_an_epoch(count, batch_size):
    sampler = LengthBucketSampler(list(range(count)), batch_size, seed=1)
    batches = list(sampler)
    assert len(batches) == len(sampler) == -(-count // batch_size)
    assert sorted(i for batch in batches for i in batch) == list(range(count))
    assert max(len(batch) for batch in batches) <= batch_size


def test_sampler_order_follows_seed_and_epoch_alone():
    lengths = np.random.default_rng(0).integers(1, 50, 200).tolist()

    def order(seed, epoch, first=0):
        sampler = LengthBucketSampler(lengths, 8, seed)
        sampler.epoch, sampler.first_batch = epoch, first
        return list(sampler)

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4) and order(0, 3) != order(1, 3)
    assert order(0, 3, first=10) == order(0, 3)[10:]


def test_sampler_batches_similar_lengths():
    lengths = np.random.default_rng(0).permutation(np.arange(256)).tolist()
    spread = [np.ptp([lengths[i] for i in batch]) for batch in LengthBucketSampler(lengths, 16)]
    assert max(spread) < 64, "random batches of 16 out of 0..255 would span about 225"


def test_loader_picks_the_collate_function(cache, latents):
    chunk_batch = next(iter(make_loader(ChunkDataset(cache, "path", 8, 16), 3)))
    latent_batch = next(iter(make_loader(LatentDataset(latents), 2)))
    assert chunk_batch.ids.ndim == 4 and latent_batch.mean.ndim == 3


def test_augmented_items_differ_every_time_and_by_the_global_generator_alone(cache):
    plain = ChunkDataset(cache, "path", 8, 16, "train")
    dataset = ChunkDataset(cache, "path", 8, 16, "train", Augmentation(start_rate=1, cubic_rate=0.5))

    def ids(seed: int) -> list[np.ndarray]:
        torch.manual_seed(seed)
        return [dataset[1][1].ids for _ in range(4)]

    first, again, other = ids(0), ids(0), ids(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(first, other))
    assert any(a.shape != first[0].shape or (a != first[0]).any() for a in first[1:])
    assert np.array_equal(plain[1][1].ids, dataset.chunks[1].ids) and dataset.lengths == plain.lengths


def test_an_augmented_item_never_grows_beyond_the_model(cache):
    dataset = ChunkDataset(cache, "path", 3, 8, augmentation=Augmentation(split_rate=1))
    torch.manual_seed(0)
    assert all(len(dataset[i][1]) <= 8 for i in range(len(dataset)) for _ in range(3))


def test_moving_augmentations_need_a_cache_without_pixel_tokens(cache):
    with pytest.raises(UserError, match="without pixel tokens"):
        ChunkDataset(cache, "path", 8, 16, augmentation=Augmentation(mirror_rate=0.5))
    moved = ChunkDataset(cache | {"pixel_tokens": None}, "path", 8, 16, augmentation=Augmentation(mirror_rate=1.0))
    assert (moved[0][1].box[:, 0] == -moved.chunks[0].box[:, 0]).all()


def test_a_batch_does_not_depend_on_whether_an_epoch_began_with_it(cache):
    """So a resumed run draws the captions and augmentations that an undisturbed one draws."""
    dataset = ChunkDataset(cache, "path", 8, 16, augmentation=Augmentation(start_rate=1, split_rate=0.5))

    def third_batch(first_step: int) -> torch.Tensor:
        batches = endless_batches(make_loader(dataset, 2), first_step)
        for step in range(first_step, 3):
            torch.manual_seed(step)
            batch = next(batches)
        return batch.geometry

    torch.testing.assert_close(third_batch(0), third_batch(2))
