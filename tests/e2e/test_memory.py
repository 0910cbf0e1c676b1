"""A backlog stays in Kafka: the memory of an edge does not follow it."""

from pathlib import Path

import pytest

from benchmarks import slow, stream, texts
from benchmarks.stream import Place
from tests.services.jvm_kafka import JvmKafka
from tests.services.stream import BUNDLE

WAITING = 100_000
SECONDS = 240.0


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.jvm
async def test_a_hundred_thousand_waiting_messages_do_not_grow_the_edge_nor_cost_it_its_place(
    tmp_path: Path,
) -> None:
    with JvmKafka() as broker:
        place = Place(broker, BUNDLE, tmp_path)
        turns = list(texts.repeated(texts.customer_turns(None)[0], WAITING))
        await stream.fill(place, "input", turns)
        found = await slow.memory(place, "input", WAITING, seconds=SECONDS)
    assert found.same_member
    # The texts alone are above 10 MB; what the runtime's arenas still grow by is a few.
    assert found.grown_mb < 10
