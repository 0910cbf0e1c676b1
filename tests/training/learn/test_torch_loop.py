"""The torch loop on a network of a few weights: it repeats itself, and goes on after a kill."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from training.learn import schedule
from training.learn.torch_loop import Epoch, Plan, fit, padded, predict

pytestmark = pytest.mark.train
ROOT = Path(__file__).parents[3]
PLAN = Plan("test", epochs=3, batch=8, learning_rate=1e-2, seed=5)
COUNT = 60
STEPS = 3 * 8
CHANCE = torch.Generator().manual_seed(1)
INPUTS = torch.randn((COUNT, 6), generator=CHANCE)
LABELS = (INPUTS[:, 0] + INPUTS[:, 1] > 0).long()


class Killed(Exception):
    """Stands for a kill at this very step."""


def network() -> torch.nn.Module:
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Linear(6, 12), torch.nn.Dropout(0.3), torch.nn.Tanh(), torch.nn.Linear(12, 2)
    )


def train(
    model: torch.nn.Module,
    checkpoint: Path,
    plan: Plan = PLAN,
    before_step: Callable[[int], None] = lambda _: None,
    scores: Sequence[float] = (),
) -> list[Epoch]:
    """Train; ``scores`` replace what the judge would say."""
    steps, judged = iter(range(10_000)), iter(scores)

    def loss_of(indices: Sequence[int]) -> torch.Tensor:
        before_step(next(steps))
        chosen = list(indices)
        return torch.nn.functional.cross_entropy(model(INPUTS[chosen]), LABELS[chosen])

    def judge() -> float:
        accuracy = float((model(INPUTS).argmax(dim=1) == LABELS).float().mean())
        return next(judged, accuracy)

    return fit(model, [1] * COUNT, loss_of, judge, plan, checkpoint, True)


def digest(model: torch.nn.Module) -> str:
    content = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "CHECKPOINT_SECONDS", 0.0)


def test_it_learns_and_repeats_itself_to_the_bit(tmp_path: Path) -> None:
    first, second = network(), network()
    epochs = train(first, tmp_path / "a")
    assert train(second, tmp_path / "b") == epochs
    assert epochs[-1].loss < epochs[0].loss
    assert digest(first) == digest(second)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("step", [0, 1, 7, 8, 11, STEPS - 1])
def test_ended_at_any_step_it_goes_on_to_the_same_weights(tmp_path: Path, step: int) -> None:
    whole, resumed = network(), network()
    expected = train(whole, tmp_path / "whole")

    def kill(now: int) -> None:
        if now == step:
            raise Killed

    with pytest.raises(Killed):
        train(network(), tmp_path / "killed", before_step=kill)
    taken: list[int] = []
    assert train(resumed, tmp_path / "killed", before_step=taken.append) == expected
    assert digest(resumed) == digest(whole)
    assert len(taken) == STEPS - step


def test_without_a_checkpoint_in_the_epoch_it_goes_on_from_the_one_before(tmp_path: Path) -> None:
    whole, resumed = network(), network()
    train(whole, tmp_path / "whole")

    def kill(now: int) -> None:
        if now == 13:
            raise Killed

    with pytest.raises(Killed):
        train(network(), tmp_path / "killed", before_step=kill)
    train(resumed, tmp_path / "killed")
    assert digest(resumed) == digest(whole)


def test_killed_while_it_writes_it_goes_on_from_the_checkpoint_before(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from training.learn import schedule\n"
        "from tests.training.learn.test_torch_loop import network, train\n"
        "schedule.CHECKPOINT_SECONDS = 0.0\n"
        "sync, calls = os.fsync, []\n"
        "def fsync(number):\n"
        "    sync(number); calls.append(number)\n"
        "    if len(calls) == 13: os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.fsync = fsync\n"
        "train(network(), Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "killed")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    whole, resumed = network(), network()
    taken: list[int] = []
    train(whole, tmp_path / "whole")
    train(resumed, tmp_path / "killed", before_step=taken.append)
    assert digest(resumed) == digest(whole)
    assert 0 < len(taken) < STEPS


def test_what_is_finished_is_not_trained_again(tmp_path: Path) -> None:
    model, again = network(), network()
    taken: list[int] = []
    train(model, tmp_path / "a")
    train(again, tmp_path / "a", before_step=taken.append)
    assert not taken
    assert digest(again) == digest(model)


def test_a_checkpoint_of_another_plan_is_not_gone_on_from(tmp_path: Path) -> None:
    train(network(), tmp_path / "a")
    taken: list[int] = []
    longer = Plan("test", epochs=4, batch=8, learning_rate=1e-2, seed=5)
    train(network(), tmp_path / "a", longer, before_step=taken.append)
    assert len(taken) == 4 * 8


def test_the_best_epoch_is_restored(tmp_path: Path) -> None:
    best, last = network(), network()
    one = Plan("test", epochs=3, batch=8, learning_rate=1e-2, seed=5, schedule="plateau")
    train(best, tmp_path / "a", one, scores=(0.2, 0.9, 0.5))
    train(last, tmp_path / "b", one, scores=(0.1, 0.2, 0.3))
    assert digest(best) != digest(last)


def test_no_progress_ends_it_early(tmp_path: Path) -> None:
    plan = Plan("test", epochs=9, batch=8, learning_rate=1e-2, seed=5, patience=2)
    epochs = train(network(), tmp_path / "a", plan, scores=(0.5, 0.4, 0.5, 0.9))
    assert [epoch.score for epoch in epochs] == [0.5, 0.4, 0.5]


def test_frozen_weights_stay_as_they_are(tmp_path: Path) -> None:
    model = network()
    frozen, learned = list(model.parameters())[::2]
    frozen.requires_grad = False
    before = frozen.detach().clone()
    train(model, tmp_path / "a")
    assert torch.equal(frozen, before)
    assert not torch.equal(learned, list(network().parameters())[2])


def test_a_batch_is_padded_to_its_longest() -> None:
    inputs = padded([[5, 6, 7], [8]], torch.device("cpu"))
    assert inputs["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_logits_come_in_the_order_of_the_messages() -> None:
    from tests.training.tiny import tiny_classifier

    model = tiny_classifier()
    messages = [[2, 7, 8, 9, 3], [2, 7, 3], [2, 9, 11, 3]]
    alone = np.concatenate([predict(model, [message]) for message in messages])
    assert predict(model, messages) == pytest.approx(alone, abs=1e-5)
