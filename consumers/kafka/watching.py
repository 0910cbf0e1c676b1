"""A topic written at a steady rate, and one read as it grows: for whoever wants to look on."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.kafka.cluster import plain_producer
from consumers.kafka.connection import (
    REQUEST_TIMEOUT_S,
    Connection,
    kafka_errors,
    quietly,
)

_POLL_MS: Final = 200
_RECORDS: Final = 1_000


async def write_at(
    connection: Connection,
    topic: str,
    records: Iterable[tuple[bytes | None, bytes]],
    *,
    a_second: float,
    told: Callable[[int], None],
) -> None:
    """Write records in order, ``a_second`` of them; ``told`` hears how many are handed over.

    Returns once all are stored. The broker need not be able to keep a producer's sequence.
    """
    async with plain_producer(connection, linger_ms=5) as to:
        begun = time.monotonic()
        with kafka_errors(connection):
            for number, (key, value) in enumerate(records, start=1):
                await asyncio.sleep(max(begun + number / a_second - time.monotonic(), 0.0))
                await to.send(topic, value=value, key=key)
                told(number)
            await to.flush()


async def follow(
    connection: Connection, topic: str, partitions: int, told: Callable[[list[bytes]], None]
) -> None:
    """Tell a topic's values from its beginning, and then what is added, until cancelled.

    It is no member of a group: nobody's position moves, and nothing is taken from anybody.
    """
    consumer = AIOKafkaConsumer(
        **connection.options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        with kafka_errors(connection):
            async with asyncio.timeout(2 * REQUEST_TIMEOUT_S):
                await consumer.start()
            consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
            while True:
                fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS)
                values = [record.value for records in fetched.values() for record in records]
                if values:
                    told([value for value in values if value is not None])
    finally:
        await quietly(consumer.stop())
