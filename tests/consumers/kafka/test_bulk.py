"""Writing many records so that a writer of the same name goes on where the one before ended."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

import pytest
from aiokafka import AIOKafkaConsumer

from consumers import kafka
from consumers.errors import Fatal, Unreachable
from consumers.kafka import Connection
from tests.services.choose import Broker

pytestmark = pytest.mark.exactly_once


@pytest.fixture
async def topic(each_real_broker: Broker, unique: str) -> str:
    connection = Connection(each_real_broker.bootstrap_servers)
    await kafka.create_topics(connection, {unique: 1}, 1, f"{unique}.positions")
    return unique


@pytest.fixture
def connection(each_real_broker: Broker) -> Connection:
    return Connection(each_real_broker.bootstrap_servers)


def writer(
    connection: Connection, topic: str, name: str = "w"
) -> AbstractAsyncContextManager[kafka.Writer]:
    return kafka.exact_writer(connection, topic, kept(topic, name))


def kept(topic: str, name: str) -> kafka.Kept:
    return kafka.Kept(f"{topic}.{name}", f"{topic}.positions", 10.0)


async def values(connection: Connection, topic: str, count: int) -> list[bytes | None]:
    """Return this many committed values."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=connection.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_new_name_starts_at_the_first_line(connection: Connection, topic: str) -> None:
    async with writer(connection, topic) as out:
        assert (out.position, out.exact) == (0, True)


async def test_a_name_goes_on_at_its_position(connection: Connection, topic: str) -> None:
    async with writer(connection, topic) as out:
        await out.add(None, b"a")
        await out.commit(7)
    async with writer(connection, topic) as out, writer(connection, topic, "other") as other:
        assert (out.position, other.position) == (7, 0)


async def test_a_position_moves_without_a_record_too(connection: Connection, topic: str) -> None:
    async with writer(connection, topic) as out:
        await out.commit(3)
    async with writer(connection, topic) as out:
        assert out.position == 3


async def test_what_was_not_committed_is_never_seen(connection: Connection, topic: str) -> None:
    with suppress(InterruptedError):
        async with writer(connection, topic) as out:
            await out.add(None, b"first")
            await out.commit(1)
            await out.add(None, b"lost")
            raise InterruptedError
    async with writer(connection, topic) as out:
        assert out.position == 1
        await out.add(None, b"second")
        await out.commit(2)
    assert await values(connection, topic, 2) == [b"first", b"second"]


async def test_a_second_writer_of_a_name_puts_the_first_one_out(
    connection: Connection, topic: str
) -> None:
    async with writer(connection, topic) as first:
        await first.add(None, b"lost")
        async with writer(connection, topic) as second:
            assert second.position == 0
            with pytest.raises(Fatal, match="has taken over"):
                await first.commit(1)
            await second.add(None, b"kept")
            await second.commit(1)
    assert await values(connection, topic, 1) == [b"kept"]


async def test_a_record_that_is_too_large_is_one_sentence(
    connection: Connection, topic: str
) -> None:
    with pytest.raises(Fatal, match="too large"):
        async with writer(connection, topic) as out:
            await out.add(None, b"x" * 2_000_000)


async def test_a_broker_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(Unreachable, match="No Kafka broker answers"):
        async with writer(Connection("127.0.0.1:1"), "t"):
            pass
