"""Teaching in TensorFlow: the same numbers from the same weights, and torch's form after it.

TensorFlow stays out of this process: its warnings are not ours, and it would change transformers.
"""

import importlib.util
import itertools
import signal
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("torch")

from transformers import AutoModel

from router.tokenizer import Tokenizer
from tests.training.tiny import PHRASES, tiny_encoder, tiny_rows, tiny_work
from training import TrainingError
from training.base_encoder import PACKAGE, offline_base
from training.config import Teach
from training.data.parts import Row
from training.data.vocabulary import base_tokenizer, trim
from training.generator.messages import messages
from training.learn import keras
from training.learn.adapt import load, trimmed
from training.learn.examples import Examples, Lesson, examples
from training.learn.teach import Taught, classifier, teach
from training.learn.torch_loop import predict

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(
        importlib.util.find_spec("tf_keras") is None, reason="needs the extra tensorflow"
    ),
]
LABELS = ("negative", "neutral", "positive")
SHORT = Teach(
    framework="tensorflow", frozen_epochs=1, epochs=2, learning_rate=3e-4, slowdown=2, batch=16
)


class Given(NamedTuple):
    """An encoder's folder, and messages in its pieces."""

    encoder: Path
    training: Examples
    validation: Examples


def generated(folder: Path, training: int, validation: int) -> Given:
    """Return the offline base encoder, with a smaller vocabulary, and generated messages."""
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip("needs the offline base encoder")
    made = itertools.islice(messages(Random(5), "test"), training + validation)
    rows = [Row(turn.transcript.text, str(turn.label)) for turn in made]
    vocabulary = trim(base_tokenizer(offline_base()), [row.text for row in rows], 3_000)
    (folder / "tokenizer.json").write_text(vocabulary.tokenizer, encoding="utf-8")
    encoder = trimmed(load(AutoModel, offline_base()), vocabulary.kept, 64)
    encoder.save_pretrained(folder / "encoder")
    tokenizer = Tokenizer.load(folder / "tokenizer.json", 64)
    parts = (rows[:training], rows[training:])
    return Given(folder / "encoder", *(examples(tokenizer, LABELS, part) for part in parts))


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    return generated(tmp_path_factory.mktemp("keras"), training=32, validation=200)


@pytest.fixture(scope="module")
def taught(given: Given) -> Taught:
    lesson = Lesson(LABELS, SHORT, seed=1, quiet=True)
    return teach(given.encoder, given.training, given.validation, lesson, given.encoder / "c")


def test_both_frameworks_give_200_messages_the_same_logits(given: Given, taught: Taught) -> None:
    assert len(given.validation.tokens) == 200
    assert np.abs(predict(taught.model, given.validation.tokens)).max() > 0.05
    assert taught.difference < 1e-4


def test_both_stages_were_given_and_changed_the_weights(given: Given, taught: Taught) -> None:
    before = classifier(given.encoder, LABELS, 1).state_dict()
    after = taught.model.state_dict()
    assert before.keys() == after.keys()
    assert len(taught.epochs) == 2
    assert not np.array_equal(before["classifier.weight"], after["classifier.weight"])


def test_a_lesson_comes_back_as_it_was_given(given: Given, taught: Taught) -> None:
    read = keras.read_examples(given.encoder / "c" / "training.npz")
    assert read.tokens == given.training.tokens
    assert np.array_equal(read.targets, given.training.targets)
    assert keras.read_lesson(given.encoder / "c") == Lesson(LABELS, SHORT, seed=1, quiet=True)


def test_a_trainer_that_fails_says_where_its_last_words_are(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras, "_PROGRAM", "raise SystemExit(3)")
    lesson = Lesson(LABELS, SHORT, seed=1, quiet=True)
    with pytest.raises(TrainingError, match=r"ended with code 3; .*tensorflow\.log"):
        teach(given.encoder, given.training, given.validation, lesson, tmp_path)


def test_a_trainer_finds_a_folder_that_is_named_from_here(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = "import os, sys; raise SystemExit(3 if os.path.exists(sys.argv[1]) else 4)"
    monkeypatch.setattr(keras, "_PROGRAM", there)
    monkeypatch.chdir(tmp_path)
    lesson = Lesson(LABELS, SHORT, seed=1, quiet=True)
    with pytest.raises(TrainingError, match="ended with code 3"):
        teach(given.encoder, given.training, given.validation, lesson, Path("relative"))


def test_without_tensorflow_the_remedy_is_named(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    lesson = Lesson(LABELS, SHORT, seed=1, quiet=True)
    with pytest.raises(TrainingError, match=r"install edgeroute\[tensorflow\]"):
        teach(given.encoder, given.training, given.validation, lesson, tmp_path)


@pytest.mark.slow
def test_a_trainer_that_is_killed_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tiny_work(tmp_path, "teach")
    encoder = tiny_encoder(work.of("adapt") / "encoder")
    tokenizer = Tokenizer.load(work.of("prepare") / "tokenizer.json", 32)
    rows = examples(tokenizer, sorted(PHRASES), tiny_rows(64, 1))
    lesson = Lesson(tuple(sorted(PHRASES)), SHORT, seed=1, quiet=True)
    killed = (
        "import os, signal; from training.learn import schedule\n"
        "schedule.CHECKPOINT_SECONDS, write = 0.0, schedule.save\n"
        "def save(content, path):\n"
        "    write(content, path)\n"
        "    if path.name == 'stage-1.pt': os.kill(os.getpid(), signal.SIGKILL)\n"
        "schedule.save = save\n"
    )
    start, end = keras._PROGRAM.split("main()\n")[0], "main()\n"
    with monkeypatch.context() as patched:
        patched.setattr(keras, "_PROGRAM", start + killed + end)
        with pytest.raises(TrainingError, match=f"code {-signal.SIGKILL}"):
            teach(encoder, rows, rows, lesson, tmp_path / "a")
    resumed = teach(encoder, rows, rows, lesson, tmp_path / "a").model.state_dict()
    whole = teach(encoder, rows, rows, lesson, tmp_path / "b").model.state_dict()
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.slow
def test_both_frameworks_reach_the_same_accuracy(tmp_path: Path) -> None:
    given = generated(tmp_path, training=800, validation=600)
    accuracies = []
    for framework in ("torch", "tensorflow"):
        how = Teach.model_validate(
            {
                "preset": "measured",
                "framework": framework,
                "frozen_epochs": 1,
                "epochs": 5,
                "learning_rate": 3e-4,
                "batch": 16,
            }
        )
        lesson = Lesson(LABELS, how, seed=1, quiet=True)
        found = teach(given.encoder, given.training, given.validation, lesson, tmp_path / framework)
        accuracies.append(max(epoch.score for epoch in found.epochs))
    assert min(accuracies) > 0.8
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.02)
