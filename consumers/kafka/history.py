"""Reading what a topic holds, from one moment to another."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.kafka.connection import Connection, fatal_for, kafka_errors, no_topic, quietly
from consumers.records import Partition, Raw

_FETCHED: Final = 500
_PATIENCE: Final = 60
"""Seconds without anything new before the broker counts as away."""

Spans = Mapping[Partition, tuple[int, int]]
"""Of each partition the first offset, and the one after the last."""


class History:
    """The committed records of one topic. Raises `Fatal` where the broker does not give them."""

    def __init__(self, connection: Connection, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._connection = connection
        self._consumer = consumer
        self._topic = topic

    async def spans(self, since: datetime | None, until: datetime | None) -> Spans:
        """Return where the records between these moments lie, by the times that Kafka keeps."""
        numbers = self._consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise no_topic(self._topic)
        places = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        with kafka_errors(self._connection):
            firsts = await self._consumer.beginning_offsets(places)
            ends = await self._consumer.end_offsets(places)
            begin = await self._at(since, ends) if since else firsts
            end = await self._at(until, ends) if until else ends
        return {Partition(self._topic, tp.partition): (begin[tp], end[tp]) for tp in places}

    async def _at(
        self, moment: datetime, ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Return the first offset from ``moment`` on; the end where there is nothing so late."""
        asked = dict.fromkeys(ends, int(moment.timestamp() * 1000))
        found = await self._consumer.offsets_for_times(asked)
        return {tp: ends[tp] if found[tp] is None else found[tp].offset for tp in ends}

    async def read(self, spans: Spans) -> AsyncGenerator[Raw, None]:
        """Yield the records of these spans, each partition's in order."""
        left = {TopicPartition(*p): end for p, (first, end) in spans.items() if first < end}
        self._consumer.assign(list(left))
        for place in left:
            self._consumer.seek(place, spans[Partition(place.topic, place.partition)][0])
        waited = 0
        while left:
            with kafka_errors(self._connection):
                found = await self._consumer.getmany(*left, timeout_ms=1000, max_records=_FETCHED)
                # A position can pass markers of transactions, which are no records.
                positions = {place: await self._consumer.position(place) for place in left}
            waited = 0 if found else waited + 1
            if waited > _PATIENCE:
                raise fatal_for(TimeoutError(), self._connection)
            for place, records in found.items():
                for r in records:
                    if r.offset < left[place]:
                        yield Raw(r.topic, r.partition, r.offset, r.key, r.value, 0.0)
            left = {place: end for place, end in left.items() if positions[place] < end}


@asynccontextmanager
async def history(connection: Connection, topic: str) -> AsyncIterator[History]:
    """A reader of what a topic holds, in no consumer group."""
    consumer = AIOKafkaConsumer(
        topic,
        **connection.options(),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    try:
        with kafka_errors(connection):
            await consumer.start()
        consumer.unsubscribe()
        yield History(connection, consumer, topic)
    finally:
        await quietly(consumer.stop())
