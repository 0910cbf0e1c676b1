"""What a message is answered does not depend on what it is batched with: each tier, real text."""

import random

import numpy as np
import pytest

from router.bundle import load_bundle
from router.engine import Network
from tests.router.messages import STARTER, real_messages

MESSAGES = 1_000
LIMIT = 256


def differing(engine: Network) -> int:
    """Return how many of the messages have other bits in a batch than alone.

    Each is once in a batch of 2 to 64, every other batch padded more than its longest needs.
    """
    tokens = load_bundle(STARTER).tokenizer().encode(real_messages(MESSAGES))
    alone = [engine.logits([message]).tobytes() for message in tokens]
    chance = random.Random(11)
    order = list(range(len(tokens)))
    chance.shuffle(order)
    bits: dict[int, bytes] = {}
    while order:
        some, order = order[: (size := chance.randint(2, 64))], order[size:]
        longest = max(len(tokens[index]) for index in some)
        pad_to = min(LIMIT, longest + chance.randint(1, 48)) if size % 2 else None
        rows = engine.logits([tokens[index] for index in some], pad_to=pad_to)
        bits |= {index: row.tobytes() for index, row in zip(some, rows, strict=True)}
    assert np.all(np.isfinite(np.frombuffer(b"".join(alone), dtype=np.float32)))
    return sum(bits[index] != alone[index] for index in range(len(tokens)))


def test_no_bit_of_an_edge_tier_differs_in_a_batch() -> None:
    tiers = load_bundle(STARTER).edge(threads=2)
    assert [differing(engine) for engine in tiers] == [0] * len(tiers)


@pytest.mark.slow
def test_no_bit_of_the_cloud_differs_in_a_batch() -> None:
    assert differing(load_bundle(STARTER).cloud(threads=2)) == 0
