"""The input of a role: a member of a group, on a real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from consumers import kafka
from consumers.errors import LaneLost
from consumers.records import Partition
from tests.services.choose import Broker
from tests.services.topics import create_topics

pytestmark = [pytest.mark.kafka, pytest.mark.exactly_once]
DEADLINE_S = 60.0


@asynccontextmanager
async def member(connection: kafka.Connection, topic: str) -> AsyncIterator[list[list[Partition]]]:
    """A member that polls; yields what it was assigned, one list after the other."""
    source = kafka.Source(connection, kafka.Member(f"{topic}.group"), topic, (), time.monotonic)
    assignments: list[list[Partition]] = []

    def assigned(partitions: Sequence[Partition]) -> None:
        assignments.append(list(partitions))

    async def revoked() -> None:
        """Nothing is in flight here."""

    async def poll() -> None:
        while True:
            with suppress(LaneLost):
                held = assignments[-1] if assignments else []
                await source.poll(held, timeout_s=0.1, max_records=1)
            await asyncio.sleep(0.05)

    await source.start(assigned, revoked)
    polling = asyncio.create_task(poll())
    try:
        yield assignments
    finally:
        polling.cancel()
        await asyncio.wait([polling])
        await source.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.05)


async def test_a_group_that_was_shared_out_while_its_topic_was_unknown_is_shared_out_again_soon(
    jvm_broker: Broker, unique: str
) -> None:
    """As after a restart, when a broker may not know its topics yet."""
    servers = jvm_broker.bootstrap_servers
    connection = kafka.Connection(servers)
    await create_topics(servers, unique, partitions=2)
    async with member(connection, unique) as assignments:
        await until(lambda: [len(held) for held in assignments[-1:]] == [2])
        async with kafka.admin(connection) as admin:
            await admin.delete_topics([unique])
        await until(lambda: assignments[-1] == [])
        await create_topics(servers, unique, partitions=2)
        await until(lambda: len(assignments[-1]) == 2)
