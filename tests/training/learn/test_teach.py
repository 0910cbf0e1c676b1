"""Teaching a classifier on a tiny random encoder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from pydantic import ValidationError
from transformers import AutoModelForSequenceClassification

from router.tokenizer import Tokenizer
from tests.training.tiny import tiny_encoder, tiny_rows, tiny_work
from training.config import MEASURED, Teach
from training.learn import schedule
from training.learn.examples import Examples, Lesson, examples, joined, weighed
from training.learn.teach import classifier, compared_by, in_words, run, teach
from training.run_folder import Work

pytestmark = pytest.mark.train
LABELS = ("bad", "good", "none")
HOW = Teach(frozen_epochs=1, epochs=4, learning_rate=3e-2, slowdown=10, batch=16, schedule="linear")


class Killed(Exception):
    """Stands for a kill."""


def ready(run_folder: Path, *, adapted: bool = False) -> Work:
    """Return a run in which the encoder is a random one."""
    work = tiny_work(run_folder, "teach", teach=HOW.model_dump())
    for name in ("encoder", "plain") if adapted else ("encoder",):
        tiny_encoder(work.of("adapt") / name)
    return work


def given(work: Work, count: int = 120) -> Examples:
    tokenizer = Tokenizer.load(work.of("prepare") / "tokenizer.json", 32)
    return examples(tokenizer, LABELS, tiny_rows(count, 1))


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, dict[str, float]]:
    work = ready(tmp_path_factory.mktemp("teach"))
    return work, run(work)


def test_the_classifier_learns(taught: tuple[Work, dict[str, float]]) -> None:
    assert taught[1]["accuracy"] > 0.9


def test_the_classifier_is_saved_with_its_labels(taught: tuple[Work, dict[str, float]]) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(taught[0].folder / "model")
    assert model.config.id2label == dict(enumerate(LABELS))
    config = (taught[0].folder / "model" / "config.json").read_text()
    assert str(taught[0].run) not in config


def test_killed_in_either_stage_it_goes_on_to_the_same_bytes(
    taught: tuple[Work, dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = ready(tmp_path)
    written, save = [], schedule.save

    def killing(content: schedule.State, path: Path) -> None:
        save(content, path)
        written.append(path.name)
        if len(written) in (3, 30):
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(schedule, "CHECKPOINT_SECONDS", 0.0)
        patched.setattr(schedule, "save", killing)
        for _ in range(2):
            with pytest.raises(Killed):
                run(work)
    assert set(written) == {"stage-0.pt", "stage-1.pt"}
    run(work)
    assert weights(work.folder) == weights(taught[0].folder)


def test_the_first_stage_leaves_the_encoder_alone(tmp_path: Path) -> None:
    work = ready(tmp_path)
    lesson = Lesson(LABELS, HOW.model_copy(update={"epochs": 1}), seed=1, quiet=True)
    encoder = work.of("adapt") / "encoder"
    before = classifier(encoder, LABELS, 1).state_dict()
    after = teach(encoder, given(work), given(work), lesson, tmp_path / "c").model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


def test_an_encoder_that_adaptation_spoiled_is_not_kept(
    taught: tuple[Work, dict[str, float]], tmp_path: Path
) -> None:
    work = ready(tmp_path, adapted=True)
    spoiled = AutoModelForSequenceClassification.from_pretrained(work.of("adapt") / "encoder")
    torch.nn.init.zeros_(spoiled.base_model.embeddings.word_embeddings.weight)
    spoiled.base_model.save_pretrained(work.of("adapt") / "encoder")
    told = run(work)["adaptation"]
    assert not told["kept"]
    assert told["accuracy_plain"] > told["accuracy_adapted"]
    assert weights(work.folder) == weights(taught[0].folder)


def test_an_adapted_encoder_that_is_no_worse_is_kept() -> None:
    adapted = np.array([True, True, False, False])
    chosen, told = compared_by([adapted, np.array([True, False, True, False])])
    assert chosen == 0
    assert told["adaptation"]["p_value"] == 1.0
    assert compared_by([adapted, np.array([True] * 4)])[0] == 1
    assert compared_by([adapted]) == (0, {})


def test_what_became_of_the_adaptation_is_said() -> None:
    adapted, plain = np.array([True, True, False, False]), np.array([True, False, False, False])
    assert "was kept: 50.00% with it and 25.00%" in in_words(compared_by([adapted, plain])[1])
    assert "was given up" in in_words(compared_by([plain, adapted])[1])
    assert in_words(compared_by([plain])[1]) == ""


def test_class_weights_make_every_label_that_occurs_count_the_same() -> None:
    targets = np.zeros((100, 3), dtype=np.float32)
    targets[:90, 0] = targets[90:, 2] = 1
    weights = weighed(Examples([[2, 3]] * 100, targets, np.ones(100, dtype=np.float32))).weights
    assert weights[:90].sum() == pytest.approx(50)
    assert weights[90:].sum() == pytest.approx(50)


def test_class_weights_reach_the_loss(tmp_path: Path) -> None:
    work = ready(tmp_path)
    first = []
    for balanced in (False, True):
        how = HOW.model_copy(update={"class_weights": balanced, "epochs": 1})
        lesson = Lesson(LABELS, how, seed=1, quiet=True)
        few = replace(given(work), targets=given(work).targets * 0)
        few.targets[:100, 0] = few.targets[100:, 1] = 1
        encoder, checkpoint = work.of("adapt") / "encoder", tmp_path / str(balanced)
        first.append(teach(encoder, few, few, lesson, checkpoint).epochs[0].loss)
    assert first[0] != first[1]


def test_messages_labelled_by_a_teacher_teach_too(tmp_path: Path) -> None:
    work = ready(tmp_path)
    hard = given(work)
    soft = replace(hard, targets=0.8 * hard.targets + np.float32(0.2 / 3))
    both = joined(replace(hard, weights=hard.weights * 0), soft)
    lesson = Lesson(LABELS, HOW, seed=1, quiet=True)
    found = teach(work.of("adapt") / "encoder", both, hard, lesson, tmp_path / "c")
    assert max(epoch.score for epoch in found.epochs) > 0.9


def test_the_preset_reference_is_the_specifications() -> None:
    how = Teach()
    assert (how.epochs, how.frozen_epochs, how.batch, how.tokens) == (8, 1, 128, 256)
    assert (how.learning_rate, how.slowdown, how.patience) == (3e-5, 10, 2)
    assert how.schedule == "plateau"


def test_a_key_that_is_given_wins_over_the_preset() -> None:
    how = Teach.model_validate({"preset": "measured", "epochs": 9})
    assert how.epochs == 9
    assert how.batch == MEASURED["batch"]


def test_more_frozen_epochs_than_epochs_are_refused() -> None:
    with pytest.raises(ValidationError, match="frozen_epochs"):
        Teach(frozen_epochs=3, epochs=2)


def test_the_stage_that_has_no_epochs_is_left_out(tmp_path: Path) -> None:
    work = ready(tmp_path)
    how = HOW.model_copy(update={"frozen_epochs": 0, "epochs": 1})
    lesson = Lesson(LABELS, how, seed=1, quiet=True)
    encoder = work.of("adapt") / "encoder"
    assert len(teach(encoder, given(work), given(work), lesson, tmp_path / "c").epochs) == 1
