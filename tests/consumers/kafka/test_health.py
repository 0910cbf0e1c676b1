"""What can be asked of a cluster, asked of real ones."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers import kafka
from consumers.errors import Unreachable
from consumers.kafka import Connection, Group
from tests.services.choose import Broker

WITHIN = 30.0
TEN = [(None, b"x")] * 10


async def filled(broker: Broker, topic: str) -> dict[str, int]:
    """Create a topic with two partitions and ten records; return every topic once it is known."""
    to = Connection(broker.bootstrap_servers)
    await kafka.create_topics(to, {topic: 2}, 1)
    await kafka.write_all(to, topic, TEN, idempotent=False)
    async with asyncio.timeout(WITHIN):
        while topic not in (found := await kafka.partitions(to)):
            await asyncio.sleep(0.1)
    return found


async def group(broker: Broker, name: str, topic: str, found: dict[str, int]) -> Group:
    async with asyncio.timeout(WITHIN):
        return (await kafka.groups(Connection(broker.bootstrap_servers), {name: topic}, found))[
            name
        ]


@pytest.mark.kafka
async def test_a_broker_tells_what_it_speaks_like(each_real_broker: Broker) -> None:
    brokers, release = await kafka.release(Connection(each_real_broker.bootstrap_servers))
    assert brokers == 1
    major, minor = map(int, release.split("."))
    assert (major, minor) >= (3, 9)


@pytest.mark.kafka
async def test_every_kind_of_broker_says_how_many_partitions_a_topic_has(
    each_broker: Broker, unique: str
) -> None:
    assert (await filled(each_broker, unique))[unique] == 2


@pytest.mark.kafka
async def test_a_group_that_never_was_has_all_before_it(
    exactly_once_broker: Broker, unique: str
) -> None:
    found = await filled(exactly_once_broker, unique)
    assert await group(exactly_once_broker, unique, unique, found) == Group(members=0, behind=10)


@pytest.mark.kafka
async def test_a_group_is_behind_by_what_it_has_not_committed(
    exactly_once_broker: Broker, unique: str
) -> None:
    found = await filled(exactly_once_broker, unique)
    reader = AIOKafkaConsumer(
        unique,
        bootstrap_servers=exactly_once_broker.bootstrap_servers,
        group_id=unique,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await reader.start()
    try:
        seen = 0
        async with asyncio.timeout(WITHIN):
            while seen < len(TEN):
                seen += sum(map(len, (await reader.getmany(timeout_ms=500)).values()))
        ends = await reader.end_offsets([TopicPartition(unique, p) for p in (0, 1)])
        full = max(ends, key=lambda place: ends[place])
        await reader.commit({place: end - (place == full) for place, end in ends.items()})
        assert await group(exactly_once_broker, unique, unique, found) == Group(1, behind=1)
    finally:
        await reader.stop()


@pytest.mark.kafka
async def test_a_topic_that_does_not_exist_leaves_nothing_to_be_behind(
    exactly_once_broker: Broker, unique: str
) -> None:
    assert await group(exactly_once_broker, unique, unique, {}) == Group(members=0, behind=0)


async def test_nobody_there_is_said_as_such() -> None:
    from consumers.embedded import free_port

    with pytest.raises(Unreachable, match="No Kafka broker answers"):
        await kafka.release(Connection(f"127.0.0.1:{free_port()}"))
