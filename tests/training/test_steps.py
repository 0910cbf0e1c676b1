"""What makes a step stale: what it reads of the configuration, the seed, the files before it."""

import json
from pathlib import Path
from typing import Any

import pytest

from training import TrainingError, run_folder, steps
from training.config import TrainConfig
from training.pipeline import train
from training.run_folder import Work
from training.steps import NAMES, STEPS, key

PREPARE, TEACH = STEPS[0], STEPS[2]


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    (tmp_path / "a.csv").write_text("text,label\nhi,good\n")
    return TrainConfig.model_validate({"data": {"labelled": [{"path": str(tmp_path / "a.csv")}]}})


def _finish(run: Path, config: TrainConfig, step: str, content: str) -> None:
    given = Work(config=config, run=run, step=step)
    run_folder.begin(given, "any")
    (given.folder / "made").write_text(content)
    run_folder.finish(given, "any", {}, seconds=0.0)


def _changed(config: TrainConfig, section: str, **values: Any) -> TrainConfig:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def test_every_step_reads_only_steps_before_it() -> None:
    for position, step in enumerate(STEPS):
        assert set(step.inputs) <= set(NAMES[:position]), step.name


def test_every_section_of_the_configuration_is_read_by_a_step() -> None:
    read = {name for step in STEPS for name in step.keys}
    assert read | {"seed"} == set(TrainConfig.model_fields)


def test_a_changed_file_of_data_makes_preparing_stale(config: TrainConfig, tmp_path: Path) -> None:
    before = key(PREPARE, config, tmp_path)
    (tmp_path / "a.csv").write_text("text,label\nbye,good\n")
    assert key(PREPARE, config, tmp_path) != before


def test_a_moved_file_of_data_does_not(config: TrainConfig, tmp_path: Path) -> None:
    before = key(PREPARE, config, tmp_path)
    moved = tmp_path / "b.csv"
    (tmp_path / "a.csv").rename(moved)
    [source] = config.data.labelled
    sources = (source.model_copy(update={"path": moved}),)
    assert key(PREPARE, _changed(config, "data", labelled=sources), tmp_path) == before


def test_another_seed_makes_a_step_stale(config: TrainConfig, tmp_path: Path) -> None:
    other = config.model_copy(update={"seed": 7})
    assert key(PREPARE, config, tmp_path) != key(PREPARE, other, tmp_path)


def test_a_section_that_a_step_does_not_read_leaves_it_be(
    config: TrainConfig, tmp_path: Path
) -> None:
    other = _changed(config, "distil", epochs=9)
    assert key(PREPARE, config, tmp_path) == key(PREPARE, other, tmp_path)


def test_other_files_before_it_make_a_step_stale(config: TrainConfig, tmp_path: Path) -> None:
    for step in TEACH.inputs:
        _finish(tmp_path, config, step, "one")
    before = key(TEACH, config, tmp_path)
    _finish(tmp_path, config, "adapt", "two")
    assert key(TEACH, config, tmp_path) != before


def test_a_step_before_its_inputs_is_one_sentence(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the step teach needs what prepare makes"):
        key(TEACH, config, tmp_path)


def _prepared(run: Path, config: TrainConfig, **files: str) -> None:
    given = Work(config=config, run=run, step="prepare")
    run_folder.begin(given, "any")
    for name, content in ({"train": "t", "judging": "j", "data": "d"} | files).items():
        (given.folder / f"{name}{'.json' if name == 'data' else '.jsonl'}").write_text(content)
    run_folder.finish(given, "any", {}, seconds=0.0)


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("train", {"adapt", "calibrate", "bundle"}),
        ("judging", {"calibrate", "bundle"}),
        ("data", {"bundle"}),
    ],
)
def test_a_step_is_stale_for_a_file_that_it_reads(
    config: TrainConfig, tmp_path: Path, file: str, stale: set[str]
) -> None:
    read = [step for step in STEPS if step.name in {"adapt", "calibrate", "bundle"}]
    for name in NAMES:
        _finish(tmp_path, config, name, "same")
    _prepared(tmp_path, config)
    before = [key(step, config, tmp_path) for step in read]
    _prepared(tmp_path, config, **{file: "other"})
    after = [key(step, config, tmp_path) for step in read]
    pairs = zip(read, before, after, strict=True)
    assert {step.name for step, old, new in pairs if old != new} == stale


def test_another_length_of_texts_makes_every_step_stale(
    config: TrainConfig, tmp_path: Path
) -> None:
    for name in NAMES:
        _finish(tmp_path, config, name, "same")
    shorter = _changed(config, "data", max_tokens=64)
    for step in STEPS:
        assert key(step, config, tmp_path) != key(step, shorter, tmp_path), step.name


@pytest.mark.parametrize("file", ["words.py", "posts/words.py"])
def test_another_generator_makes_preparing_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(steps, "_GENERATOR", tmp_path)
    data = {"labelled": [{"generate": {"messages": 1}}]}
    made = TrainConfig.model_validate({"data": data})
    (tmp_path / file).parent.mkdir(exist_ok=True)
    keys = set()
    for content in ("one", "two"):
        (tmp_path / file).write_text(content)
        keys.add(key(PREPARE, made, tmp_path))
    assert len(keys) == 2


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_changed_base_makes_preparing_stale(
    config: TrainConfig, tmp_path: Path, file: str
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    ours = config.model_copy(update={"base": str(base)})
    keys = set()
    for content in ("one", "two"):
        (base / file).write_text(content)
        keys.add(key(PREPARE, ours, tmp_path))
    assert len(keys) == 2


def test_data_that_is_not_there_is_one_sentence(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "a.csv").unlink()
    with pytest.raises(TrainingError, match="there is no readable file"):
        key(PREPARE, config, tmp_path)


def test_a_run_keeps_its_configuration_and_its_machine(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        train(config, tmp_path / "run", only="teach", quiet=True)
    assert TrainConfig.model_validate_json((tmp_path / "run" / "config.json").read_text()) == config
    noted = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert noted.keys() == {"seed", "hardware", "versions"}


def test_a_folder_that_holds_something_else_is_refused(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds something that is no run"):
        train(config, tmp_path, quiet=True)


def test_a_run_that_was_killed_at_its_very_start_goes_on(
    config: TrainConfig, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / ".lock").touch()
    (run / ".config.json.part").touch()
    with pytest.raises(TrainingError, match="the step teach needs"):
        train(config, run, only="teach", quiet=True)


def test_a_run_that_another_process_works_in_is_refused(
    config: TrainConfig, tmp_path: Path
) -> None:
    import fcntl

    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text("{}")
    with (run / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrainingError, match="another process works in"):
            train(config, run, quiet=True)


def test_a_step_is_refused_where_one_before_it_was_made_otherwise(
    config: TrainConfig, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    given = Work(config=config, run=run, step="prepare")
    run_folder.begin(given, key(PREPARE, config, run))
    run_folder.finish(given, key(PREPARE, config, run), {}, seconds=0.0)
    other = _changed(config, "data", pieces=4_000)
    (run / "config.json").write_text("{}")
    with pytest.raises(TrainingError, match="the step adapt needs what prepare makes of this"):
        train(other, run, only="adapt", quiet=True)
