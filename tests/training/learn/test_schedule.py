"""Schedules, batches and when to stop: no framework."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from training.learn.schedule import Epoch, Plan, State, batches, best_of, learn, over, rate

PLAN = Plan("test", epochs=8, batch=4, learning_rate=1.0, seed=1)
SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def _epochs(*scores: float) -> list[Epoch]:
    return [Epoch(1.0, score) for score in scores]


@given(st.lists(st.integers(1, 60), max_size=300), st.integers(1, 9), st.integers(0, 99))
def test_batches_hold_every_index_once(lengths: list[int], size: int, seed: int) -> None:
    cut = list(batches(lengths, size, random.Random(seed)))
    assert sorted(index for batch in cut for index in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in cut)


def test_batches_hold_texts_of_about_the_same_length() -> None:
    lengths = [random.Random(3).randrange(100) for _ in range(400)]
    spans = [
        max(lengths[index] for index in batch) - min(lengths[index] for index in batch)
        for batch in batches(lengths, 10, random.Random(1))
    ]
    assert sum(spans) / len(spans) < 5


@given(st.integers(1, 400), st.floats(0, 0.5))
def test_a_linear_rate_rises_to_its_height_and_falls_to_almost_nothing(
    steps: int, warm_up: float
) -> None:
    plan = Plan("test", 1, 4, learning_rate=2.0, seed=1, warm_up=warm_up)
    rates = [rate(plan, step, steps, []) for step in range(steps)]
    top = rates.index(max(rates))
    assert all(0 < now <= 2.0 for now in rates)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_a_tenth_of_the_steps_warms_up() -> None:
    rates = [rate(PLAN, step, 100, []) for step in range(10)]
    assert rates == pytest.approx([step / 10 for step in range(1, 11)])


def test_the_rate_is_halved_after_each_epoch_without_progress() -> None:
    plan = Plan("test", 8, 4, learning_rate=1.0, seed=1, schedule="plateau")
    so_far = _epochs(0.5, 0.6, 0.6, 0.55, 0.7)
    rates = [rate(plan, 50, 100, so_far[:count]) for count in range(6)]
    assert rates == [1, 1, 1, 0.5, 0.25, 0.25]


def test_warm_up_and_plateau_do_not_overwrite_each_other() -> None:
    plan = Plan("test", 8, 4, learning_rate=1.0, seed=1, schedule="plateau", warm_up=0.5)
    assert rate(plan, 24, 100, _epochs(0.5, 0.4)) == 0.5
    assert rate(plan, 60, 100, _epochs(0.5, 0.4)) == 0.5


@given(SCORES)
def test_the_best_epoch_is_the_first_of_the_highest(scores: list[float]) -> None:
    assert best_of(_epochs(*scores)) == scores.index(max(scores))


def test_patience_ends_what_makes_no_progress() -> None:
    plan = Plan("test", 8, 4, learning_rate=1.0, seed=1, patience=2)
    assert not over(_epochs(0.5, 0.6, 0.6), plan)
    assert over(_epochs(0.5, 0.6, 0.6, 0.6), plan)
    assert not over(_epochs(0.5, 0.6, 0.6, 0.6), PLAN)


def test_the_plan_ends_with_its_epochs() -> None:
    assert not over([], PLAN)
    assert over(_epochs(*range(8)), PLAN)


class Counting:
    """A learner whose loss and score are the steps that it has taken."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, indices: Sequence[int], rate: float, seed: int) -> float:
        self.steps += 1
        return float(self.steps)

    def judge(self) -> float:
        return float(self.steps)

    def weights(self) -> State:
        return {"steps": self.steps}

    def load_weights(self, weights: State) -> None:
        self.steps = weights["steps"]

    state, load_state = weights, load_weights


def test_any_framework_that_can_take_a_step_can_be_trained(tmp_path: Path) -> None:
    plan = Plan("counting", epochs=2, batch=4, learning_rate=1.0, seed=1)
    learner = Counting()
    epochs = learn(learner, [1] * 10, plan, tmp_path / "c", quiet=True)
    assert epochs == [Epoch(2.0, 3.0), Epoch(5.0, 6.0)]
    assert learner.steps == 6


def test_the_bar_shows_what_is_done_the_loss_and_the_time_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan("counting", epochs=2, batch=4, learning_rate=1.0, seed=1)
    learn(Counting(), [1] * 10, plan, tmp_path / "c", quiet=False)
    said = capsys.readouterr().out
    assert "counting" in said
    assert "6/6" in said
    assert "0:00:00" in said
    assert "loss 5.000" in said


def test_a_quiet_training_shows_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan("counting", epochs=2, batch=4, learning_rate=1.0, seed=1)
    learn(Counting(), [1] * 10, plan, tmp_path / "c", quiet=True)
    assert capsys.readouterr().out == ""


def test_a_checkpoint_that_cannot_be_read_is_trained_over(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"PK\x03\x04 and no more")
    plan = Plan("counting", epochs=1, batch=4, learning_rate=1.0, seed=1)
    assert len(learn(Counting(), [1] * 10, plan, tmp_path / "c", quiet=True)) == 1
