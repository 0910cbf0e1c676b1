"""Laps, and the turns that networks take at them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from router.policy import Policy, Tier
from router.tokenizer import Tokenizer
from tests.training.tiny_run import make_run
from training.judge.timing import ROUNDS, Stage, alone, batched, memory_mb, race, through_tiers

TOKENS = [[2] * (1 + number % 5) for number in range(40)]


@dataclass
class Heard:
    """A network that notes what it is asked; it is sure of a message with an even first token."""

    batches: list[list[Sequence[int]]] = field(default_factory=list)
    path: Path = Path("none")
    labels: int = 2

    def logits(
        self, batch: Sequence[Sequence[int]], pad_to: int | None = None
    ) -> NDArray[np.float32]:
        self.batches.append(list(batch))
        return np.array([[0.0, 0.0 if message[0] % 2 else 9.0] for message in batch], np.float32)


def test_networks_take_turns() -> None:
    turns: list[str] = []

    def lap(name: str) -> list[float]:
        turns.append(name)
        return [1.0, 2.0]

    told: list[None] = []
    times = race({"a": lambda: lap("a"), "b": lambda: lap("b")}, lambda: told.append(None))
    assert turns == ["a", "b"] * ROUNDS
    assert len(told) == 2 * ROUNDS
    assert times["a"].tolist() == [[1.0, 2.0]] * ROUNDS


def test_alone_is_one_message_at_a_time_after_the_warm_up() -> None:
    network = Heard()
    assert len(alone(network, TOKENS, warm_up=10)()) == len(TOKENS)
    assert [len(batch) for batch in network.batches] == [1] * (len(TOKENS) + 10)


def test_a_batched_lap_sees_every_message_once_by_length() -> None:
    network = Heard()
    assert len(batched(network, TOKENS, warm_up=0)()) == 1
    assert [len(batch) for batch in network.batches] == [16, 16, 8]
    assert [message for batch in network.batches for message in batch] == sorted(TOKENS, key=len)


@pytest.mark.train
def test_a_later_tier_is_asked_only_what_the_earlier_ones_pass_on(tmp_path: Path) -> None:
    make_run(tmp_path / "run", messages=1)
    tokenizer = Tokenizer.load(tmp_path / "run" / "prepare" / "tokenizer.json", 16)
    texts = [f"w{number % 40} w1" for number in range(50)]
    policy = Policy("test", (Tier("first", 0.9), Tier("second", 0.9)))
    first, second = Heard(), Heard()
    lap = through_tiers(tokenizer, [Stage(first, 1.0), Stage(second, 1.0)], policy, texts)
    assert len(lap()) == 1
    asked = [message for batch in second.batches for message in batch]
    assert sum(map(len, first.batches)) == 50
    assert asked
    assert all(message[0] % 2 for message in asked)
    assert len(asked) == sum(ids[0] % 2 for ids in tokenizer.encode(texts))


@pytest.mark.train
def test_a_larger_network_takes_more_memory(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.training.tiny_run import write_network

    write_network(tmp_path / "large.onnx", np.zeros((2_000_000, 3), np.float32))
    assert memory_mb(tmp_path / "large.onnx", TOKENS) > 20
