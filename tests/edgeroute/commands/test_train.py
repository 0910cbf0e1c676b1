"""What the commands `train` and `step` make of their options, and how they refuse wrong ones."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edgeroute.cli import app
from training import TrainingError, pipeline
from training.config import TrainConfig


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[TrainConfig, Path]]:
    """What training was asked for; its bundle is a card and the run's own note."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\nhi,good\n")
    seen: list[tuple[TrainConfig, Path]] = []

    def train(config: TrainConfig, run: Path, **_: Any) -> Path:
        seen.append((config, run))
        bundle = run / "bundle"
        bundle.mkdir(parents=True, exist_ok=True)
        for name in ("README.md", "done.json", "started.json"):
            (bundle / name).write_text(name)
        return bundle

    monkeypatch.setattr(pipeline, "train", train)
    return seen


def train(*words: str) -> None:
    done = CliRunner().invoke(app, ["train", *words])
    assert done.exit_code == 0, done.stderr


def test_a_file_of_messages_is_enough(asked: list[tuple[TrainConfig, Path]]) -> None:
    train("--data", "a.csv", "--label-column", "mood", "--seed", "7")
    [(config, run)] = asked
    [source] = config.data.labelled
    assert (source.path, source.text, source.label) == (Path("a.csv"), "text", "mood")
    assert (config.seed, run) == (7, Path("runs/bundle"))


def test_options_win_over_the_configuration(asked: list[tuple[TrainConfig, Path]]) -> None:
    Path("c.toml").write_text(
        'name = "ours"\nbase = "one"\n[[data.labelled]]\npath = "b.csv"\n'
        '[[data.test]]\npath = "c.csv"\n[teach]\nepochs = 3\n'
    )
    train("c.toml", "--data", "a.csv", "--base", "other", "--framework", "tensorflow")
    [(config, run)] = asked
    assert [source.path for source in config.data.labelled] == [Path("a.csv")]
    assert (config.base, config.data.test, run) == ("other", (), Path("runs/ours"))
    assert (config.teach.framework, config.teach.epochs) == ("tensorflow", 3)


def test_the_bundle_is_copied_without_the_runs_notes(asked: list[tuple[TrainConfig, Path]]) -> None:
    train("--data", "a.csv", "--out", "models/ours")
    assert [path.name for path in Path("models/ours").iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "There is nothing to learn from"),
        ("--text-column body", "belong to --data"),
        ("--data none.csv", "There is no file none.csv"),
        ("none.toml", "There is no file none.toml"),
        (".", "There is no file ."),
    ],
)
def test_what_is_asked_for_wrongly_is_one_sentence(
    asked: list[tuple[TrainConfig, Path]], words: str, said: str
) -> None:
    done = CliRunner().invoke(app, ["train", *words.split()])
    assert (done.exit_code, asked) == (2, [])
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_step_before_its_inputs_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.toml").write_text("")
    done = CliRunner().invoke(app, ["step", "teach", "c.toml", "--quiet"])
    assert isinstance(done.exception, TrainingError)
    assert "the step teach needs what prepare makes" in str(done.exception)
