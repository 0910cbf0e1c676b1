"""How a group's progress looks from outside, on every broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumers import kafka
from consumers.errors import LaneLost
from router.availability import Observation
from tests.services.choose import Broker
from tests.services.topics import create_topics

pytestmark = pytest.mark.kafka

WITHIN_S = 10.0


@asynccontextmanager
async def progress(
    broker: Broker, unique: str, ahead_s: float = 0.0
) -> AsyncIterator[kafka.GroupProgress]:
    """Look at the group, with a clock that is ahead of the records' by so much."""
    seen = kafka.GroupProgress(
        kafka.Connection(broker.bootstrap_servers),
        unique,
        unique,
        lambda: datetime.now(UTC) + timedelta(seconds=ahead_s),
        committed_only=broker.exactly_once,
    )
    try:
        yield seen
    finally:
        await seen.close()


@asynccontextmanager
async def member(broker: Broker, unique: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        unique,
        bootstrap_servers=broker.bootstrap_servers,
        group_id=unique,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
    )
    async with consumer:
        yield consumer


async def write(broker: Broker, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=1)


async def until(seen: kafka.GroupProgress, true: Callable[[Observation], bool]) -> Observation:
    async with asyncio.timeout(WITHIN_S):
        while not true(found := await seen.look()):
            await asyncio.sleep(0.05)
    return found


async def test_a_group_that_never_was_has_no_members_and_an_empty_topic_nothing_that_waits(
    each_broker: Broker, unique: str
) -> None:
    await create_topics(each_broker.bootstrap_servers, unique, partitions=3)
    async with progress(each_broker, unique) as seen:
        assert await seen.look() == Observation(workers=0, oldest_s=None)


async def test_what_nobody_has_answered_waits_from_the_moment_it_was_written(
    each_broker: Broker, unique: str
) -> None:
    await create_topics(each_broker.bootstrap_servers, unique, partitions=3)
    await write(each_broker, unique, b"first")
    async with progress(each_broker, unique, ahead_s=100.0) as seen:
        found = await until(seen, lambda found: found.oldest_s is not None)
    assert found.oldest_s == pytest.approx(100.0, abs=20.0)


async def test_what_is_written_while_looking_is_seen_to_wait(
    each_broker: Broker, unique: str
) -> None:
    await create_topics(each_broker.bootstrap_servers, unique, partitions=3)
    async with progress(each_broker, unique) as seen:
        await seen.look()
        await write(each_broker, unique, b"first")
        await until(seen, lambda found: found.oldest_s is not None)


async def test_what_the_group_has_committed_does_not_wait(each_broker: Broker, unique: str) -> None:
    await create_topics(each_broker.bootstrap_servers, unique, partitions=3)
    await write(each_broker, unique, b"first", b"second")
    async with progress(each_broker, unique) as seen, member(each_broker, unique) as worker:
        async with asyncio.timeout(WITHIN_S):
            await worker.getone()
            await worker.getone()
        await worker.commit({TopicPartition(unique, 1): 1})
        await until(seen, lambda found: found.workers == 1 and found.oldest_s is not None)
        await worker.commit({TopicPartition(unique, 1): 2})
        assert await until(seen, lambda found: found.oldest_s is None) == Observation(1, None)


@pytest.mark.exactly_once
async def test_a_member_that_leaves_is_seen_to_be_gone(
    each_real_broker: Broker, unique: str
) -> None:
    await create_topics(each_real_broker.bootstrap_servers, unique, partitions=3)
    async with progress(each_real_broker, unique) as seen:
        async with member(each_real_broker, unique):
            await until(seen, lambda found: found.workers == 1)
        await until(seen, lambda found: found.workers == 0)


@pytest.mark.exactly_once
async def test_the_marker_of_a_transaction_does_not_wait(
    each_real_broker: Broker, unique: str
) -> None:
    await create_topics(each_real_broker.bootstrap_servers, unique)
    servers = each_real_broker.bootstrap_servers
    async with AIOKafkaProducer(bootstrap_servers=servers, transactional_id=unique) as producer:
        async with producer.transaction():
            await producer.send_and_wait(unique, b"answered")
        async with producer.transaction():
            await producer.send_offsets_to_transaction({TopicPartition(unique, 0): 1}, unique)
    async with progress(each_real_broker, unique) as seen:
        for _ in range(3):
            assert (await seen.look()).oldest_s is None


async def test_a_broker_that_is_not_there_shows_nothing_and_can_be_asked_again(
    unique: str,
) -> None:
    seen = kafka.GroupProgress(
        kafka.Connection("127.0.0.1:1"),
        unique,
        unique,
        lambda: datetime.now(UTC),
        committed_only=True,
    )
    for _ in range(2):
        with pytest.raises(LaneLost):
            await seen.look()
        await seen.close()
