"""Transactions that hang, on a Kafka that can be made to leave one open."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from consumers import kafka
from consumers.errors import Fatal
from consumers.kafka import Hanging
from consumers.kafka.transactions import End, end_of_transaction
from consumers.kafka.wire import ONGOING, PREPARE_ABORT, PREPARE_COMMIT, Logged
from consumers.records import Partition
from tests.services.hanging import HangingTopic, trusting_broker
from tests.services.jvm_kafka import JvmKafka

EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT = 0, 4, 5
HERE, THERE = Partition("results", 1), Partition("results", 2)


@pytest.fixture(scope="module")
def broker() -> Iterator[JvmKafka]:
    with trusting_broker() as started:
        yield started


def on_a_broker(test: Callable[..., Any]) -> Callable[..., Any]:
    for mark in (pytest.mark.kafka, pytest.mark.exactly_once, pytest.mark.jvm):
        test = mark(test)
    return test


def states(*of: tuple[int, tuple[Partition, ...]]) -> list[Logged]:
    return [Logged("edge.0", 4, 1, status, frozenset(spanned)) for status, spanned in of]


@pytest.mark.parametrize(
    ("logged", "end"),
    [
        (states(), "unknown"),
        (states((EMPTY, ())), "unknown"),
        (states((ONGOING, (HERE,))), "under way"),
        (states((ONGOING, (HERE,)), (ONGOING, (HERE, THERE))), "under way"),
        (states((PREPARE_COMMIT, (HERE, THERE))), "under way"),
        (states((PREPARE_COMMIT, (HERE, THERE)), (COMPLETE_COMMIT, ())), "commit"),
        (states((PREPARE_ABORT, (HERE,)), (COMPLETE_ABORT, ())), "abort"),
        # The one that was committed is over, and its producer writes here again.
        (states((PREPARE_COMMIT, (HERE,)), (COMPLETE_COMMIT, ()), (ONGOING, (HERE,))), "under way"),
        # Later ones did not span the partition.
        (states((PREPARE_COMMIT, (HERE,)), (COMPLETE_COMMIT, ()), (ONGOING, (THERE,))), "commit"),
        (states((PREPARE_COMMIT, (HERE,)), (PREPARE_ABORT, (THERE,))), "commit"),
        (states((PREPARE_COMMIT, (THERE,)), (COMPLETE_COMMIT, ())), "unknown"),
        (states((ONGOING, (HERE,)), (ONGOING, (THERE,))), "unknown"),
    ],
)
def test_the_end_of_a_transaction_is_the_last_that_spans_the_partition_once_it_is_complete(
    logged: list[Logged], end: End
) -> None:
    assert end_of_transaction(logged, HERE) == end


async def hanging(topic: HangingTopic) -> list[Hanging]:
    now_ms = int(time.time() * 1000) + 1
    return await kafka.hanging_transactions(topic.connection, [topic.name], now_ms)


@pytest.fixture
async def topic(broker: JvmKafka, unique: str) -> AsyncIterator[HangingTopic]:
    made = HangingTopic(broker.bootstrap_servers, unique)
    await kafka.create_topics(made.connection, {unique: 2}, 1)
    await made.producer.start()
    try:
        yield made
    finally:
        await made.producer.stop()


@on_a_broker
@pytest.mark.parametrize("commit", [True, False])
async def test_it_is_found_with_the_end_that_its_coordinator_wrote_down(
    topic: HangingTopic, commit: bool
) -> None:
    await topic.transact(0, 1, commit=commit)
    await topic.leave_open(1)
    [found] = await hanging(topic)
    assert (found.partition, found.offset) == (Partition(topic.name, 1), 2)
    assert found.committed is commit


@on_a_broker
async def test_an_end_that_nobody_wrote_down_is_not_known(topic: HangingTopic) -> None:
    await topic.transact(0, commit=True)
    await topic.leave_open(1)
    [found] = await hanging(topic)
    assert found.committed is None


@on_a_broker
async def test_a_transaction_under_way_does_not_hang(topic: HangingTopic) -> None:
    await topic.producer.begin_transaction()
    await topic.producer.send_and_wait(topic.name, b"under way", partition=0)
    assert await hanging(topic) == []
    await topic.producer.abort_transaction()


@on_a_broker
async def test_one_that_was_written_to_lately_is_given_time(topic: HangingTopic) -> None:
    await topic.transact(0, 1, commit=True)
    await topic.leave_open(1)
    before = int(time.time() * 1000) - 60_000
    assert await kafka.hanging_transactions(topic.connection, [topic.name], before) == []


@on_a_broker
@pytest.mark.parametrize(
    ("commit", "seen"), [(True, [b"in order", b"left open"]), (False, [b"in order"])]
)
async def test_readers_of_committed_records_go_on_behind_the_marker_that_was_missing(
    topic: HangingTopic, commit: bool, seen: list[bytes]
) -> None:
    await topic.transact(0, 1, commit=True)
    await topic.leave_open(1)
    [found] = await hanging(topic)
    await kafka.finish_transaction(topic.connection, found, commit=commit)
    assert await hanging(topic) == []
    assert await topic.committed(1) == seen


@on_a_broker
async def test_what_a_broker_that_has_just_started_says_is_not_believed(
    topic: HangingTopic, broker: JvmKafka
) -> None:
    await topic.transact(0, commit=True)
    await topic.producer.begin_transaction()
    await topic.producer.send_and_wait(topic.name, b"under way", partition=0)
    broker.restart()
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        with suppress(Fatal):  # it has no leaders yet
            assert await hanging(topic) == []
    await topic.producer.abort_transaction()
