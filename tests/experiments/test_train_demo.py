"""A rerun with other settings is refused at once and leaves the folder as it was."""

import pytest

from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments.train_demo import train_demo
from tests.helpers import contents

SIZE = {"num_samples": 24, "vae_epochs": 1, "dit_epochs": 1}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    train_demo(folder, **SIZE)
    return folder


@pytest.mark.parametrize("changes", [{"vae_epochs": 2}, {"num_samples": 30}, {"seed": 1}])
def test_other_settings_in_the_same_folder_are_refused_before_any_work(finished, changes):
    before = contents(finished)
    with pytest.raises(UserError, match=f"was started with other settings of {next(iter(changes))}; use the same, or"):
        train_demo(finished, **SIZE | changes)
    assert contents(finished) == before


def test_a_setting_that_is_refused_is_not_kept(tmp_path):
    with pytest.raises(UserError, match="vae_epochs is 0"):
        train_demo(tmp_path / "out", **SIZE | {"vae_epochs": 0})
    assert not (tmp_path / "out").exists()
