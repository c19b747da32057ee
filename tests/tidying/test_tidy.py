"""All rules together: any input, maximum moves, clean drawings, and drawings with errors."""

import time

import numpy as np
import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.tidying import TidyConfig, tidy_rows
from svgfusion_lib.tidying.noise import MIN_NOISE, estimate_noise
from svgfusion_lib.tidying.tidy import RULES
from svgfusion_lib.utils.hybrid_utils import sanitize_rows
from tests.helpers import PEN as STROKE

HOUSE = "M4 11L12 3L20 11M6 9V19A2 2 0 0 0 8 21H16A2 2 0 0 0 18 19V9M10 21V15A1 1 0 0 1 11 14H13A1 1 0 0 1 14 15V21"
MANY = 10_000


def disturbed(rows: np.ndarray, seed: int, noise: float) -> np.ndarray:
    """Valid rows whose points have errors."""
    rng = np.random.default_rng(seed)
    rows = rows.copy()
    used = (rows[:, rf.GEOMETRY] != 0) & (rows[:, rf.ELEMENT] > rf.EOS)[:, None]
    rows[:, rf.GEOMETRY] += used * rng.normal(0, noise / 12, (len(rows), 8))
    return sanitize_rows(rows)


@pytest.mark.parametrize("seed", range(6))
def test_any_rows_come_back_valid_and_no_more(seed):
    rng = np.random.default_rng(seed)
    wild = rng.normal(0, 1 + seed, (60 * seed, 22))
    wild[:, 0] = rng.integers(3, 9, len(wild)) if seed % 2 else wild[:, 0]
    for config in (TidyConfig(), TidyConfig(noise=0.25)):
        drawn = tidy_rows(wild, config).rows
        assert sanitize_rows(drawn) == pytest.approx(drawn, abs=1e-5)
        assert len(drawn) <= len(sanitize_rows(wild))


@pytest.mark.parametrize("body", [
    f'<path d="M5 5h0" {STROKE}/>', f'<circle cx="3" cy="3" r=".01" {STROKE}/>', f'<path d="M5 5L5 5L5 5z" {STROKE}/>',
    '<rect x="3" y="3" width=".01" height="20"/>', f'<path d="M3 3A5 5 0 1 1 3 3.01z" {STROKE}/>',
    '<defs><radialGradient id="g"><stop stop-color="red"/><stop offset=".5"/><stop offset="1" stop-color="blue"/>'
    '</radialGradient></defs><circle cx="9" cy="9" r="6" fill="url(#g)"/>',
    '<path d="M2 18L6 6L10 18M4 13H8.1M12 6H16A3 3 0 0 1 16 12H12V6M12 12H17A3 3 0 0 1 17 18H12z" fill="#222"/>',
])
@pytest.mark.parametrize("noise", [None, 0.25])
def test_odd_drawings_stay_what_they_are(rows, body, noise):
    drawing = rows(body)
    result = tidy_rows(drawing, TidyConfig(noise=noise))
    assert len(result.rows) > 2 and len(result.rows) <= len(drawing)
    assert result.largest <= 1


def test_ten_thousand_rows_take_no_two_seconds(rows):
    rng = np.random.default_rng(0)
    for count in (2_000, MANY):
        many = np.zeros((count, 22))
        many[:, rf.ELEMENT], many[:, rf.COMMAND] = rf.PATH, rng.choice([rf.MOVE, rf.LINE, rf.CUBIC, rf.ARC], count)
        many[:, rf.GEOMETRY] = rng.uniform(-1, 1, (count, 8))
        many[:, 17], many[:, rf.STROKE_WIDTH] = 1, 0.1
        start = time.process_time()
        result = tidy_rows(many)
        assert time.process_time() - start < 2
        assert len(result.rows) <= count + 2


@pytest.mark.parametrize("most", [0.1, 0.5, 1.0])
def test_nothing_moves_further_than_allowed(rows, most):
    for seed in range(5):
        drawing = disturbed(rows(HOUSE), seed, 0.3)
        result = tidy_rows(drawing, TidyConfig(noise=0.25, max_move=most, curves=False, doubles=False))
        moved = np.abs(result.rows[:, rf.GEOMETRY] - drawing[:, rf.GEOMETRY]).max() * 12
        assert moved <= most + 1e-4 and result.largest == pytest.approx(moved, abs=1e-3)


def test_a_clean_drawing_is_left_alone(rows):
    result = tidy_rows(rows(HOUSE))
    assert result.noise == MIN_NOISE and not result.changed
    assert result.rows == pytest.approx(rows(HOUSE), abs=1e-6)


def test_errors_are_seen_and_undone(rows):
    clean, right, noisy = rows(HOUSE), [], []
    for seed in range(8):
        drawing = disturbed(clean, seed, 0.12)
        assert estimate_noise(drawing) > MIN_NOISE
        result = tidy_rows(drawing)
        assert result.moved and result.noise > MIN_NOISE
        noisy.append(np.abs(drawing - clean).max(1) * 12 < 0.06)
        right.append(np.abs(result.rows - clean).max(1) * 12 < 0.06 if len(result.rows) == len(clean) else noisy[-1])
    assert np.mean(noisy) < 0.4 and np.mean(right) > 0.8


NEARLY_CLOSED = (
    "M12.1 3C14.9 3.05 16.1 5 16 7.1C15.9 9.2 14.1 11 12 10.9C9.8 10.8 8 9.1 8.1 6.9C8.1 4.8 9.9 3 12 3.1"
    "M4.1 21C4 17 7.2 14.1 11.9 14C17 14 20.1 17.1 19.9 20.9",
    "M12.05 3L20.95 18.1L3.1 17.9L12.1 3.1"
    "M8 14C8 11.8 9.8 10 12 10.05C14.2 10 16.05 11.8 16 14C16 16.2 14.2 18 12 18C9.8 18 8 16.3 8.1 14.2",
)


@pytest.mark.parametrize("d", NEARLY_CLOSED)
def test_shapes_that_do_not_quite_close_are_errors(rows, d):
    result = tidy_rows(rows(d))
    assert result.noise > MIN_NOISE
    assert estimate_noise(result.rows) == MIN_NOISE and not tidy_rows(result.rows).changed


@pytest.mark.parametrize("d", [HOUSE, "M12 3A9 9 0 1 0 14.5 3.4M12 8V12L15 14", "M12 3A9 9 0 1 0 14.5 3.4"])
def test_an_opening_is_no_error(rows, d):
    assert estimate_noise(rows(d)) == MIN_NOISE


@pytest.mark.parametrize(("width", "ways", "lengths"), [
    (0.3, (0.05, -0.01, 0.04, 0.06), (0, 0.05, 0, 0.06)), (0.5, (0.2, 0.13, 0.2, 0.15), (0.1, 0.8, 0.3, 0.9)),
    (0.35, np.linspace(0, 1, 20), np.tile((0, 0.9, 0.3, 0.6), 5)),
])
def test_parallel_strokes_stay_apart(rows, width, ways, lengths):
    pen = STROKE.replace('stroke-width="2"', f'stroke-width="{width}"')
    lines = enumerate(zip(ways, lengths))
    drawing = rows("".join(f'<path d="M{2 + 0.6 * k} {4 + up:g}L{2 + 0.6 * k + way / 9:g} 20" {pen}/>'
                           for k, (way, up) in lines))
    result = tidy_rows(drawing, TidyConfig(noise=0.15))
    across = result.rows[result.rows[:, rf.COMMAND] == rf.LINE, 8] * 12
    assert len(across) == len(ways) and (np.diff(across) > 0.25).all()


def test_a_rule_that_is_off_moves_nothing(rows):
    everything_off = TidyConfig(noise=0.25, **dict.fromkeys(RULES, False))
    drawing = disturbed(rows(HOUSE), 0, 0.3)
    assert tidy_rows(drawing, everything_off).rows == pytest.approx(drawing)
    assert "arcs" not in tidy_rows(drawing, TidyConfig(noise=0.25, arcs=False)).moved


@pytest.mark.parametrize("wrong", [{"max_move": 0}, {"step": -1}, {"noise": 2}, {"whole": 0}, {"half": 0.9}])
def test_a_config_that_means_nothing_is_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        TidyConfig(**wrong)
