import numpy as np
import pytest
import torch

from svgfusion_lib.config import VAEConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.training.loop import endless_batches
from svgfusion_lib.utils.dataset import (
    ChunkDataset,
    LatentDataset,
    LengthBucketSampler,
    collate_chunks,
    collate_latents,
    make_loader,
    style_names,
)
from svgfusion_lib.utils.path_chunks import rows_to_chunks
from tests.helpers import rows_of


def drawing(shapes: int) -> np.ndarray:
    return rows_of("".join(f'<path d="M{i} 1h3v{i + 1}z"/>' for i in range(shapes)))


@pytest.fixture
def cache() -> dict:
    counts = [1, 4, 2, 3, 2]
    rows = [drawing(n) for n in counts]
    return {
        "names": [f"svg {n}-{i}" for i, n in enumerate(counts)],
        "splits": ["train", "train", "held_out", "train", "train"],
        "rows": torch.from_numpy(np.concatenate(rows)),
        "offsets": torch.tensor(np.cumsum([0] + [len(r) for r in rows])),
        "stage_sizes": torch.tensor(counts), "stage_offsets": torch.arange(6),
        "pixel_tokens": torch.arange(5 * 2 * 3).view(5, 2, 3).float(),
    }


def config(layout: str = "path", slots: int = 8, **changes) -> VAEConfig:
    return VAEConfig(layout=layout, rows_per_latent=slots, max_latents=16, **changes)


@pytest.fixture
def sequences(cache) -> dict:
    """A cache with all stages of every SVG; tokens of stage k of SVG i are 10 i + k."""
    counts = [1, 4, 2, 3, 2]
    tokens = [torch.cat([torch.full((2, 3), 10.0 * i + k) for k in range(n)]) for i, n in enumerate(counts)]
    sizes = torch.cat([torch.arange(1, n + 1) for n in counts])
    return cache | {
        "stage_sizes": sizes, "stage_offsets": torch.tensor([0, *counts]).cumsum(0), "pixel_tokens": tokens,
    }


@pytest.fixture
def latents() -> dict:
    lengths, tokens = [2, 1, 3], [1, 4, 2, 3]
    g = torch.Generator().manual_seed(0)
    return {
        "names": ["a", "b", "c"], "splits": ["train", "held_out", "train"], "packs": ["thin", "", "bold"],
        "offsets": torch.tensor([0, *lengths]).cumsum(0),
        "mean": torch.randn(6, 5, generator=g), "sigma": torch.rand(6, 5, generator=g),
        "caption_ids": [[0, 1, 2], [3], [2]],
        "context": list(torch.randn(10, 4, generator=g).split(tokens)),
    }


def test_splits_and_lengths(cache):
    train = ChunkDataset(cache, config(), "train")
    assert train.names == ["svg 1-0", "svg 4-1", "svg 3-3", "svg 2-4"]
    assert train.lengths == [1, 4, 3, 2]
    assert len(ChunkDataset(cache, config(), "held_out")) == 1 and len(ChunkDataset(cache, config())) == 5


def test_too_long_svgs_are_left_out_and_the_others_keep_their_own_tokens_and_rows(cache):
    dataset = ChunkDataset(cache, config(), max_latents=2)
    assert dataset.names == ["svg 1-0", "svg 2-2", "svg 2-4"] and dataset.too_long == 2
    for item, i in zip((dataset[k] for k in range(3)), (0, 2, 4)):
        torch.testing.assert_close(item.pixel_tokens, cache["pixel_tokens"][i][None])
        start, end = cache["offsets"][i : i + 2]
        expected = rows_to_chunks(cache["rows"][start:end].numpy(), "path", 8)
        np.testing.assert_array_equal(item.chunks.geometry, expected.geometry)
        assert item.name == cache["names"][i]


@pytest.mark.parametrize(("layout", "slots"), [("path", 8), ("row", 1)])
def test_collate_pads_and_masks(cache, layout, slots):
    dataset = ChunkDataset(cache, config(layout, slots), max_latents=64)
    items = [dataset[i] for i in range(5)]
    batch = collate_chunks(items)
    longest = max(dataset.lengths)
    assert batch.ids.shape == (5, longest, slots, 2) and batch.ids.dtype == torch.int64
    assert batch.padding_mask.dtype == torch.bool
    assert (~batch.padding_mask).sum(1).tolist() == dataset.lengths
    assert batch.names == dataset.names and batch.pixel_tokens.shape == (5, 1, 2, 3)
    for i, chunks in enumerate(item.chunks for item in items):
        n = len(chunks)
        for name in ("ids", "geometry", "box", "style"):
            np.testing.assert_array_equal(getattr(batch, name)[i, :n].numpy(), getattr(chunks, name))
        assert (batch.ids[i, n:] == rf.PAD).all() and (batch.box[i, n:] == torch.tensor([0.0, 0, 1])).all()


def test_names_that_many_svgs_have_are_repeated(latents):
    titles = ["cat"] * 3 + ["dog"]
    many = {"splits": ["train"] * 3 + ["held_out"], "titles": titles, "packs": [""] * 4, "offsets": torch.arange(5)}
    assert LatentDataset(many, "train", repeat_names=True).lengths == [1] * 6  # round(sqrt(3)) times each
    assert LatentDataset(many, "held_out", repeat_names=True).lengths == [1]


def test_latent_items_are_cut_at_the_right_places(latents):
    dataset = LatentDataset(latents, "train", first_caption_only=True)
    assert len(dataset) == 2 and dataset.lengths == [2, 3]
    name, mean, sigma, context, style = dataset[1]
    assert (name, style) == ("c", 1)
    torch.testing.assert_close(mean, latents["mean"][3:6])
    torch.testing.assert_close(sigma, latents["sigma"][3:6])
    torch.testing.assert_close(context, latents["context"][2])


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
    assert style_names(latents) == ("bold", "thin")
    assert batch.style.tolist() == [2, 0, 1] and batch.style.dtype == torch.int64


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


def test_a_batch_does_not_depend_on_whether_an_epoch_began_with_it(sequences):
    """So a resumed run picks the same captions and partial SVGs as an uninterrupted one."""
    dataset = ChunkDataset(sequences, config(), partial_rate=0.5)

    def third_batch(first_step: int) -> torch.Tensor:
        batches = endless_batches(make_loader(dataset, 2), first_step)
        for step in range(first_step, 3):
            torch.manual_seed(step)
            batch = next(batches)
        return batch.geometry

    torch.testing.assert_close(third_batch(0), third_batch(2))


# --- rendering sequences ----------------------------------------------------------------------------


def test_the_whole_svg_is_seen_unless_partial_ones_are_asked_for(sequences):
    for i, item in enumerate(ChunkDataset(sequences, config())[k] for k in range(5)):
        assert item.pixel_tokens.shape == (1, 2, 3) and item.pixel_tokens.unique() == 10 * i + [1, 4, 2, 3, 2][i] - 1
        assert (item.stages == 0).all()


def test_partial_items_have_the_rendering_of_what_they_show(sequences):
    dataset = ChunkDataset(sequences, config(), partial_rate=1.0)
    torch.manual_seed(0)
    seen = set()
    for _ in range(40):
        item = dataset[1]  # four shapes, one chunk each
        assert item.pixel_tokens.unique() == 10 + len(item.chunks) - 1
        seen.add(len(item.chunks))
    assert seen == {1, 2, 3}
    assert len(dataset[0].chunks) == 1, "of one stage there is no earlier one"


def test_partial_rate_is_a_share(sequences):
    dataset = ChunkDataset(sequences, config(), partial_rate=0.25)
    torch.manual_seed(0)
    whole = sum(len(dataset[1].chunks) == 4 for _ in range(400))
    assert 270 < whole < 330


def test_stage_tokens_are_those_of_the_stage_a_chunk_belongs_to(sequences):
    item = ChunkDataset(sequences, config(stage_tokens=True))[1]
    assert item.pixel_tokens.shape == (4, 2, 3) and item.stages.tolist() == [0, 1, 2, 3]
    by_row = ChunkDataset(sequences, config("row", 1, stage_tokens=True), max_latents=64)[1]
    assert (np.diff(by_row.stages) >= 0).all() and set(by_row.stages) == {0, 1, 2, 3}


def test_every_stage_can_be_an_item(sequences):
    dataset = ChunkDataset(sequences, config(stage_tokens=True), "train", every_stage=True)
    assert dataset.lengths == [1, 1, 2, 3, 4, 1, 2, 3, 1, 2] and dataset.indices == [0, 1, 1, 1, 1, 3, 3, 3, 4, 4]
    assert dataset.names[1:5] == ["svg 4-1, the first 1", "svg 4-1, the first 2", "svg 4-1, the first 3", "svg 4-1"]
    assert [len(dataset[i].pixel_tokens) for i in range(1, 5)] == [1, 2, 3, 4]
    batch = collate_chunks([dataset[i] for i in range(1, 5)])
    assert batch.pixel_tokens.shape == (4, 4, 2, 3) and batch.stages.shape == (4, 4)
    assert batch.stages[3].tolist() == [0, 1, 2, 3] and batch.pixel_tokens[0, 1:].abs().max() == 0


def test_fusion_without_tokens_is_refused(cache):
    with pytest.raises(UserError, match="--pixel_encoder none"):
        ChunkDataset(cache | {"pixel_tokens": None}, config())
