"""A run's folder: when a step is done, stale, or to be gone on with."""

from pathlib import Path

import pytest

from training import run_folder
from training.config import TrainConfig
from training.run_folder import Work


@pytest.fixture
def given(tmp_path: Path) -> Work:
    return Work(config=TrainConfig(), run=tmp_path, step="teach", quiet=True)


def _make(given: Work, key: str, content: str = "x") -> None:
    run_folder.begin(given, key)
    (given.folder / "model").mkdir()
    (given.folder / "model" / "weights").write_text(content)
    run_folder.finish(given, key, {"accuracy": 0.5}, seconds=1.0)


def test_a_finished_step_is_done_for_its_key(given: Work) -> None:
    _make(given, "a")
    assert run_folder.is_done(given.folder, "a")


def test_a_finished_step_is_stale_for_another_key(given: Work) -> None:
    _make(given, "a")
    assert not run_folder.is_done(given.folder, "b")


def test_a_step_is_not_done_while_it_runs(given: Work) -> None:
    run_folder.begin(given, "a")
    assert not run_folder.is_done(given.folder, "a")


def test_a_step_whose_file_was_changed_is_not_done(given: Work) -> None:
    _make(given, "a")
    (given.folder / "model" / "weights").write_text("y")
    assert not run_folder.is_done(given.folder, "a")


def test_a_step_whose_file_was_deleted_is_not_done(given: Work) -> None:
    _make(given, "a")
    (given.folder / "model" / "weights").unlink()
    assert not run_folder.is_done(given.folder, "a")


def test_an_unfinished_step_finds_its_checkpoint_and_nothing_half_written(given: Work) -> None:
    run_folder.begin(given, "a")
    (given.checkpoint / "state").write_text("half way")
    (given.folder / "weights").write_text("half written")
    run_folder.begin(given, "a")
    assert (given.checkpoint / "state").read_text() == "half way"
    assert not (given.folder / "weights").exists()


def test_a_checkpoint_of_another_key_is_thrown_away(given: Work) -> None:
    run_folder.begin(given, "a")
    (given.checkpoint / "state").write_text("half way")
    run_folder.begin(given, "b")
    assert list(given.checkpoint.iterdir()) == []


def test_a_finished_step_keeps_no_checkpoint(given: Work) -> None:
    run_folder.begin(given, "a")
    (given.checkpoint / "state").write_text("half way")
    run_folder.finish(given, "a", {}, seconds=1.0)
    assert not given.checkpoint.exists()


def test_the_outputs_of_a_step_are_hashed_by_path_and_content(given: Work) -> None:
    _make(given, "a", "one")
    before = run_folder.outputs_of(given.folder)
    _make(given, "b", "two")
    after = run_folder.outputs_of(given.folder)
    assert before is not None
    assert after is not None
    assert before.keys() == after.keys() == {"model/weights"}
    assert before != after


def test_a_damaged_note_means_that_the_step_is_not_done(given: Work) -> None:
    _make(given, "a")
    (given.folder / run_folder.DONE).write_text("{")
    assert not run_folder.is_done(given.folder, "a")


def test_what_a_step_measured_is_kept(given: Work) -> None:
    _make(given, "a")
    assert run_folder.metrics_of(given.folder) == {"accuracy": 0.5}
