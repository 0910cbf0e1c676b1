"""Reading what a topic holds, partition by partition and outside any group."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.errors import Unreachable
from consumers.kafka.connection import (
    REQUEST_TIMEOUT_S,
    Connection,
    kafka_errors,
    no_topic,
    quietly,
)
from consumers.kafka.health import partitions
from consumers.records import Raw

_POLL_MS: Final = 500
_LOOKS: Final = 4
_LOOK_AGAIN_S: Final = 0.25
_SILENT_S: Final = 30.0
"""Reading that has not moved for this long will not: the broker is away."""


class Span:
    """Reads one topic up to what it holds now. Made by `reading`."""

    def __init__(
        self, consumer: AIOKafkaConsumer, connection: Connection, topic: str, partitions: list[int]
    ) -> None:
        self._consumer = consumer
        self._connection = connection
        self.topic = topic
        self.partitions = partitions

    async def bounds(self, number: int) -> tuple[int, int]:
        """Return the first offset of a partition, and the one behind the last that is decided.

        Where transactions are read over, the end is taken from a fetch: the embedded broker gives
        a wrong one when it is asked.
        """
        tp = TopicPartition(self.topic, number)
        consumer = self._consumer
        with kafka_errors(self._connection):
            first = int((await consumer.beginning_offsets([tp]))[tp])
            if consumer._isolation_level == "read_committed":  # noqa: SLF001 - as we made it
                return first, int((await consumer.end_offsets([tp]))[tp])
            consumer.assign([tp])
            consumer.seek(tp, first)
            await consumer.getmany(tp, timeout_ms=2 * _POLL_MS, max_records=1)
            return first, int(consumer.highwater(tp) or first)

    async def batches(
        self, number: int, start: int, end: int, *, max_records: int
    ) -> AsyncIterator[tuple[list[Raw], int]]:
        """Yield the records from ``start`` to before ``end``, and the offset behind each batch.

        The last offset is ``end``, also where only markers of transactions stand in front of it.
        A batch is at most about one fetch, so its size is bounded in bytes too.
        """
        tp = TopicPartition(self.topic, number)
        consumer, loop = self._consumer, asyncio.get_running_loop()
        position, moved = start, loop.time()
        with kafka_errors(self._connection):
            consumer.assign([tp])
            consumer.seek(tp, start)
        while position < end:
            with kafka_errors(self._connection):
                fetched = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=max_records)
                reached = min(int(await consumer.position(tp)), end)
            if reached > position:
                position, moved = reached, loop.time()
                records = [r for r in fetched.get(tp, []) if r.offset < end]
                yield (
                    [
                        Raw(r.topic, r.partition, r.offset, r.key, r.value, moved, tuple(r.headers))
                        for r in records
                    ],
                    position,
                )
            elif loop.time() - moved > _SILENT_S:
                raise Unreachable(
                    f"{self.topic}[{number}] has not been readable for {_SILENT_S:.0f} s: "
                    "see that its broker is there, then call this again."
                )


@asynccontextmanager
async def reading(
    connection: Connection, topic: str, *, committed_only: bool
) -> AsyncIterator[Span]:
    """Yield what reads this topic; raise `Fatal` where there is no broker, no right or no topic."""
    numbers = await partitions_of(connection, topic)
    consumer = AIOKafkaConsumer(
        **connection.options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed_only else "read_uncommitted",
    )
    try:
        with kafka_errors(connection):
            async with asyncio.timeout(2 * REQUEST_TIMEOUT_S):
                await consumer.start()
        yield Span(consumer, connection, topic, numbers)
    finally:
        await quietly(consumer.stop())


async def partitions_of(connection: Connection, topic: str) -> list[int]:
    """Return a topic's partitions, or raise `Fatal` where there is no such topic.

    A producer would wait for a topic that is not there, and then blame the broker.
    """
    for look in range(_LOOKS):
        # A broker learns of a topic that was created just now a moment later.
        await asyncio.sleep(_LOOK_AGAIN_S if look else 0.0)
        # Asked about by its name, a topic that is not there is made by some brokers.
        found = await partitions(connection)
        if topic in found:
            return list(range(found[topic]))
    raise no_topic(topic)
