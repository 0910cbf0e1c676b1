"""The configuration's file: what is refused, and where its paths start."""

from pathlib import Path

import pytest

from training import TrainingError
from training.config import TrainConfig


def _load(folder: Path, content: str) -> TrainConfig:
    path = folder / "run.toml"
    path.write_text(content)
    return TrainConfig.load(path)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert _load(tmp_path, "") == TrainConfig()


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    config = _load(tmp_path, '[[data.labelled]]\npath = "a/b.csv"\n')
    assert config.data.labelled[0].path == tmp_path / "a" / "b.csv"


def test_a_base_is_a_folder_beside_the_file_or_a_name(tmp_path: Path) -> None:
    (tmp_path / "encoder").mkdir()
    assert _load(tmp_path, 'base = "encoder"').base == str(tmp_path / "encoder")
    assert _load(tmp_path, 'base = "org/encoder"').base == "org/encoder"


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a" * 200])
def test_a_name_that_can_be_no_folders_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TrainingError, match="wrong name:"):
        _load(tmp_path, f'name = "{name}"')


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"wrong teach\.epoch:"):
        _load(tmp_path, "[teach]\nepoch = 2\n")


def test_a_value_out_of_bounds_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"wrong adapt\.masking:"):
        _load(tmp_path, "[adapt]\nmasking = 1.5\n")


def test_a_rule_of_our_own_is_told_as_it_stands(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"labelled\.0: a source has either a path"):
        _load(tmp_path, "[[data.labelled]]\n")


def test_a_file_that_is_no_toml_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read as TOML"):
        _load(tmp_path, "[teach")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read as TOML"):
        TrainConfig.load(tmp_path / "none.toml")
