"""A tiny student learns from a tiny teacher."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import AutoModelForSequenceClassification

from router.tokenizer import Tokenizer
from tests.training.prepared import prepared_run, step
from training.config import Distil, TrainConfig
from training.judge.agreement import Judges
from training.learn import distil
from training.run_folder import Metrics

pytestmark = pytest.mark.train
CONFIG = TrainConfig(
    distil=Distil(layers=1, intermediate=48, epochs=2, batch=8, hidden=1, unlabelled=15)
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Metrics]:
    run = prepared_run(tmp_path_factory.mktemp("distil") / "run", CONFIG)
    return run, distil.run(step(run, "distil", CONFIG))


def test_the_student_is_a_smaller_network_of_the_same_kind(made: tuple[Path, Metrics]) -> None:
    run, metrics = made
    student = AutoModelForSequenceClassification.from_pretrained(run / "distil" / "model")
    assert student.config.num_hidden_layers == 1
    assert student.config.intermediate_size == 48
    assert metrics["weights"] < metrics["teacher_weights"]


def test_it_learns_and_says_so_for_each_epoch(made: tuple[Path, Metrics]) -> None:
    epochs = made[1]["epochs"]
    assert len(epochs) == 2
    assert epochs[1]["loss"] < epochs[0]["loss"]
    assert all({"agreement", "accuracy"} <= epoch.keys() for epoch in epochs)


def test_of_two_epochs_with_one_score_the_first_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(np.eye(2)[guesses] for guesses in ([0, 1], [0, 0]))
    monkeypatch.setattr(distil, "predict", lambda model, tokens: next(answers))
    held = Judges(Tokenizer(None), [[1], [2]], np.array([0, 0]))
    work = step(tmp_path, "distil", CONFIG)
    judge = distil._Judge(held, np.eye(2, dtype=np.float32), work)
    network = torch.nn.Identity()
    assert judge(network) == judge(network) == 0.75
    assert judge.judgements() == {"0.75": {"agreement": 1.0, "accuracy": 0.5}}


def test_it_takes_no_more_unlabelled_texts_than_it_may(made: tuple[Path, Metrics]) -> None:
    assert made[1]["messages"] == 40 + 15


def test_the_teachers_answers_are_kept_for_every_message(made: tuple[Path, Metrics]) -> None:
    with np.load(made[0] / "distil" / distil.LOGITS) as arrays:
        shapes = {name: arrays[name].shape for name in arrays}
        assert all(arrays[name].dtype == np.float32 for name in arrays)
    assert shapes == {"train": (40, 3), "unlabelled": (20, 3), "validation": (20, 3)}


def test_the_file_of_the_answers_tells_no_time(made: tuple[Path, Metrics]) -> None:
    with zipfile.ZipFile(made[0] / "distil" / distil.LOGITS) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_a_second_run_gives_the_same_bytes(made: tuple[Path, Metrics], tmp_path: Path) -> None:
    run, metrics = made
    for name in ("prepare", "teach"):
        shutil.copytree(run / name, tmp_path / name)
    assert distil.run(step(tmp_path, "distil", CONFIG)) == metrics
    for name in (distil.LOGITS, "model/model.safetensors"):
        first, second = (folder / "distil" / name for folder in (run, tmp_path))
        assert first.read_bytes() == second.read_bytes()
