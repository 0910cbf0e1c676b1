"""The networks of the starter bundle, run for real."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from router.bundle import load_bundle
from router.engine import Engine, EngineError, Network
from tests.router.messages import STARTER, support_messages

MESSAGES = support_messages(200)
FEW = 48
"""The cloud's network is several times slower, so it gets fewer messages."""


@pytest.fixture(scope="module", params=["edge", "cloud"])
def engine(request: pytest.FixtureRequest) -> Network:
    bundle = load_bundle(STARTER)
    return bundle.edge(threads=1)[-1] if request.param == "edge" else bundle.cloud(threads=1)


@pytest.fixture(scope="module")
def tokens(engine: Network) -> list[list[int]]:
    messages = MESSAGES if engine.path.name == "student.onnx" else MESSAGES[:FEW]
    return load_bundle(STARTER).tokenizer().encode(messages)


@pytest.fixture(scope="module")
def alone(engine: Network, tokens: list[list[int]]) -> NDArray[np.float32]:
    return np.concatenate([engine.logits([message]) for message in tokens])


# The promise is bit-identity for both networks, in full precision too, on one machine.
@pytest.mark.parametrize("size", [2, 16, 64])
def test_a_batch_gives_the_same_bits_as_each_message_alone(
    engine: Network, tokens: list[list[int]], alone: NDArray[np.float32], size: int
) -> None:
    order = list(range(len(tokens)))
    random.Random(size).shuffle(order)
    for start in range(0, len(order), size):
        some = order[start : start + size]
        batched = engine.logits([tokens[index] for index in some])
        assert batched.tobytes() == alone[some].tobytes()


@pytest.mark.parametrize("width", [101, 256])
def test_more_padding_gives_the_same_bits(
    engine: Network, tokens: list[list[int]], alone: NDArray[np.float32], width: int
) -> None:
    short = [index for index, message in enumerate(tokens) if len(message) <= width][:12]
    padded = engine.logits([tokens[index] for index in short], pad_to=width)
    assert padded.tobytes() == alone[short].tobytes()


def test_a_message_cut_at_the_limit_gives_the_same_bits_beside_short_ones(
    engine: Network, tokens: list[list[int]], alone: NDArray[np.float32]
) -> None:
    long = load_bundle(STARTER).tokenizer().encode(["the parcel is late again. " * 100])
    mixed = engine.logits([*long, *tokens[:7]])
    assert mixed.tobytes() == engine.logits(long).tobytes() + alone[:7].tobytes()


def test_two_threads_give_the_same_bits_as_one(engine: Network, tokens: list[list[int]]) -> None:
    two = Engine.load(engine.path, threads=2).logits(tokens[:32])
    assert two.tobytes() == engine.logits(tokens[:32]).tobytes()


def test_threads_that_share_an_engine_get_their_own_answers(
    engine: Network, tokens: list[list[int]], alone: NDArray[np.float32]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda message: engine.logits([message]), tokens[:40]))
    assert np.concatenate(rows).tobytes() == alone[:40].tobytes()


def test_an_empty_batch_has_no_rows(engine: Network) -> None:
    assert engine.logits([]).shape == (0, engine.labels)


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"gone\.onnx cannot be loaded as a model .*; get a"):
        Engine.load(tmp_path / "gone.onnx", threads=1)


def test_a_truncated_model_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes((STARTER / "student.onnx").read_bytes()[:1_000_000])
    with pytest.raises(EngineError, match="cannot be loaded as a model"):
        Engine.load(path, threads=1)


def test_an_unknown_token_fails_without_being_repeated(engine: Network) -> None:
    with pytest.raises(EngineError, match=r"failed on a batch of 1 \(\w+\)$") as caught:
        engine.logits([[2, 87_654_321, 3]])
    assert "87654321" not in str(caught.value)
