"""A topic written at a rate and read as it grows."""

import asyncio
import time

import pytest

from consumers import kafka
from tests.services.choose import Broker

pytestmark = pytest.mark.kafka


async def topic(broker: Broker, name: str, partitions: int = 3) -> kafka.Connection:
    connection = kafka.Connection(broker.bootstrap_servers)
    await kafka.create_topics(connection, {name: partitions}, 1)
    return connection


async def read(connection: kafka.Connection, name: str, count: int) -> list[bytes]:
    """Return the topic's values once there are so many."""
    found: list[bytes] = []
    enough = asyncio.Event()

    def told(values: list[bytes]) -> None:
        found.extend(values)
        if len(found) >= count:
            enough.set()

    following = asyncio.create_task(kafka.follow(connection, name, 3, told))
    try:
        async with asyncio.timeout(60):
            await enough.wait()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return found


async def test_following_a_topic_tells_what_was_there_and_what_comes(
    each_broker: Broker, unique: str
) -> None:
    to = await topic(each_broker, unique)
    first = [(str(n).encode(), b"first %d" % n) for n in range(10)]
    await kafka.write_all(to, unique, first, idempotent=False)
    reading = asyncio.create_task(read(to, unique, 20))
    later = [(str(n).encode(), b"later %d" % n) for n in range(10)]
    await kafka.write_all(to, unique, later, idempotent=False)
    assert sorted(await reading) == sorted(value for _, value in first + later)


async def test_records_are_written_at_the_rate_and_all_are_told(
    broker: Broker, unique: str
) -> None:
    to = await topic(broker, unique)
    told: list[int] = []
    records = [(None, b"%d" % n) for n in range(40)]
    begun = time.monotonic()
    await kafka.write_at(to, unique, records, a_second=80.0, told=told.append)
    assert time.monotonic() - begun >= 0.5
    assert told == list(range(1, 41))
    assert len(await read(to, unique, 40)) == 40
