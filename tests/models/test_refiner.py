"""The refiner: inputs, outputs, and learning to correct a drawing."""

import numpy as np
import pytest
import torch

from svgfusion_lib.config import RefinerConfig, TrainConfig
from svgfusion_lib.errors import UserError
from svgfusion_lib.models.checkpoint import save_model
from svgfusion_lib.models.refiner import Refiner, from_units, part_index, to_units
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.training.optimisation import make_optimizer
from svgfusion_lib.training.refiner import add_duplicates, collate_rows, perturb, refiner_step_loss, train_refiner
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from tests.helpers import make_cache, rows_of

CONFIG = RefinerConfig.preset("tiny")
BODY = (
    '<path d="M4 6H20V18M4 12A8 8 0 0 1 12 4"/><circle cx="12" cy="14" r="3"/>'
    '<rect x="3" y="3" width="6" height="5" rx="1"/>'
)


@pytest.fixture
def rows():
    return rows_of(BODY, 'fill="none" stroke="#000" stroke-width="2"')


@pytest.fixture
def batch(rows):
    return collate_rows([("a", rows[1:-1]), ("b", rows[1:4])])


def test_units_are_those_of_a_canvas_of_24_and_come_back(batch):
    units = to_units(batch.ids, batch.geometry)
    assert units[0, 0, 6:8].tolist() == pytest.approx([4, 6], abs=1e-4)
    assert units[0, 1].tolist() == pytest.approx([4, 6, 0, 0, 0, 0, 20, 6], abs=1e-4)
    circle = int((batch.ids[0, :, 0] == rf.CIRCLE).nonzero())
    assert units[0, circle, :3].tolist() == pytest.approx([12, 14, 3], abs=1e-4)
    torch.testing.assert_close(from_units(batch.ids, units), batch.geometry)


def test_parts_are_sub_paths_and_primitives(batch):
    assert part_index(batch.ids)[0].tolist() == [0, 0, 0, 1, 1, 2, 3]


def test_disturbing_keeps_what_hangs_together(batch):
    torch.manual_seed(0)
    units = to_units(batch.ids, batch.geometry)
    noisy = perturb(batch.ids, units, torch.ones(2))
    moved = (noisy - units).abs()
    assert 0.05 < moved[moved > 0].mean() < 1
    assert (noisy[units == 0] == 0).all()
    torch.testing.assert_close(noisy[0, 2, :2], noisy[0, 1, 6:8])  # a line starts where the previous one ends
    torch.testing.assert_close(perturb(batch.ids, units, torch.zeros(2)), units, atol=1e-5, rtol=0)


def test_doubles_fit_into_the_padding():
    torch.manual_seed(0)
    ids = torch.tensor([[[rf.CIRCLE, rf.NONE]] + [[rf.PAD, rf.NONE]]] * 200)
    mask = torch.tensor([[False, True]] * 200)
    geometry = torch.rand(200, 2, 8)
    ids_2, geometry_2, mask_2, doubled = add_duplicates(ids, geometry, mask)
    share = doubled[:, 1].float().mean()
    assert 0.03 < share < 0.2 and not doubled[:, 0].any() and ids_2.shape == ids.shape
    assert (mask_2[:, 1] == ~doubled[:, 1]).all()
    assert (geometry_2[:, 1] == geometry_2[:, 0])[doubled[:, 1]].all()


@pytest.mark.parametrize("seed", range(4))
def test_any_rows_come_back_valid_and_no_longer(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(40, rf.NUM_COLUMNS))
    noise[:, rf.ELEMENT] = rng.integers(3, 9, 40)
    noise[:, rf.COMMAND] = rng.integers(0, 10, 40)
    noise[:, 10:19] = rng.random((40, 9))
    rows = sanitize_rows(noise)
    refined = Refiner(CONFIG).eval().refine(rows)
    assert len(refined) <= len(rows)
    np.testing.assert_array_equal(sanitize_rows(refined), refined)


def test_nothing_moves_further_than_the_configuration_says(rows):
    torch.manual_seed(0)
    model = Refiner(RefinerConfig.preset("tiny", farthest=0.3, drop_above=1e9)).eval()
    torch.nn.init.normal_(model.to_logits[6].weight)
    refined = model.refine(rows)
    moved = np.abs(refined[:, rf.GEOMETRY] - rows[:, rf.GEOMETRY]).max() * 12
    assert 0 < moved <= 0.3 + 1e-4


def test_what_is_too_long_stays_as_it_is(rows):
    assert Refiner(RefinerConfig.preset("tiny", max_rows=3)).eval().refine(rows) is rows
    assert len(Refiner(CONFIG).eval().refine(np.concatenate([rows[:1], rows[-1:]]))) == 2


def test_it_learns_to_put_a_drawing_right(rows):
    """Trained on one drawing with fresh noise at every step, it makes many more coordinates exact."""
    torch.manual_seed(0)
    model = Refiner(CONFIG).train()
    optimizer = make_optimizer(model, TrainConfig(lr=3e-3))
    batch = collate_rows([("a", rows[1:-1])] * 32)
    for step in range(80):
        optimizer.zero_grad()
        loss, parts = refiner_step_loss(model, batch, step)
        loss.backward()
        optimizer.step()
    assert parts["exact"] > parts["exact_before"] + 0.2


def test_the_same_training_gives_the_same_checkpoint_and_what_does_not_fit_is_refused(tmp_path, rows):
    make_cache(tmp_path, 12, pixel_encoder="none", processes=1)
    path = train_refiner(tmp_path / "out", tmp_path / "cache", batch_size=4, num_epochs=1, preset="tiny")
    model = Refiner.from_pretrained(path)
    written = train_refiner(tmp_path / "again", tmp_path / "cache", batch_size=4, num_epochs=1, preset="tiny")
    np.testing.assert_array_equal(Refiner.from_pretrained(written).refine(rows), model.refine(rows))
    save_model(tmp_path / "other.pt", "refiner", Refiner(RefinerConfig.preset("tiny", depth=1)), model.state_dict())
    with pytest.raises(UserError, match=r"other\.pt: weights do not match"):
        Refiner.from_pretrained(tmp_path / "other.pt")
