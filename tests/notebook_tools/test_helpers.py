"""Helpers of the notebooks."""

from pathlib import Path

import numpy as np
import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.notebook_tools.helpers import in_rows, need, plot_log, project_root, rows_table, series, smooth

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder, expected", [("notebooks", ".."), (".", "."), ("tests/utils", "../..")])
def test_project_root_is_relative_to_where_the_notebook_runs(monkeypatch, folder, expected):
    monkeypatch.chdir(ROOT / folder)
    assert project_root() == Path(expected)


def test_project_root_from_elsewhere_is_the_installed_repository(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert project_root().resolve() == ROOT


def test_need_says_which_notebook_to_run(tmp_path):
    assert need(tmp_path, "01") == tmp_path
    with pytest.raises(UserError, match="run notebook 01 first"):
        need(tmp_path / "cache.pt", "01")


def test_in_rows_keeps_order_and_rest():
    assert in_rows("abcde", 2) == [["a", "b"], ["c", "d"], ["e"]]


def test_rows_table_names_ids_and_shows_used_geometry_only():
    rows = np.zeros((4, 22), dtype=np.float32)
    rows[0, 0], rows[1, :2], rows[2, :2], rows[3, 0] = 1, (3, 1), (5, 0), 2
    rows[1, 8:10] = 0.5, -0.25
    rows[2, 2:5] = 0.1, 0.2, 0.3
    rows[2, 10:14] = 1, 0, 0, 1
    lines = rows_table(rows).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["0", "<BOS>"], ["1", "path", "move", "0.50", "-0.25"],
        ["2", "circle", "0.10", "0.20", "0.30", "#ff0000"], ["3", "<EOS>"],
    ]
    assert rows_table(rows, limit=1).splitlines()[-1].strip() == "... 3 more"


def test_series_takes_the_lines_that_have_the_key():
    log = [{"step": 1, "loss": 2.0}, {"step": 1, "val_loss": 3.0}, {"step": 2, "loss": 1.0}]
    assert series(log, "loss") == ([1, 2], [2.0, 1.0])


def test_smooth_keeps_a_constant_and_the_length():
    assert smooth([2.0] * 7, 5) == [2.0] * 7
    assert smooth([0.0, 3.0, 0.0], 3) == [1.5, 1.0, 1.5]


def test_plot_log_refuses_a_key_that_was_never_logged(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    with pytest.raises(UserError, match="no value named 'lost'"):
        plot_log([{"step": 1, "loss": 2.0}], [["lost"]])
