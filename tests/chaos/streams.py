"""Feeds the input while things go wrong, and reads every topic for the recount."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from tests.chaos.messages import SORT_HEADER, Message
from tests.chaos.recount import TOPICS, Recount

_TICK_S = 0.1


@dataclass(slots=True)
class Feeder:
    """Writes ``rate`` messages a second until told to stop.

    It may write one twice when the broker dies: those are two inputs at two positions, and the
    recount counts by position.
    """

    bootstrap_servers: str
    rate: float
    messages: Iterator[Message]
    written: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Feed; a broker that is away is waited for."""
        while not stop.is_set():
            producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap_servers, acks="all", request_timeout_ms=10_000
            )
            try:
                await producer.start()
                await self._feed(producer, stop)
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(0.5)
            finally:
                with suppress(KafkaError, OSError, TimeoutError):
                    await asyncio.wait_for(producer.stop(), 10)

    async def _feed(self, producer: AIOKafkaProducer, stop: asyncio.Event) -> None:
        owed = 0.0
        while not stop.is_set():
            owed += self.rate * _TICK_S
            sent = [
                await producer.send(
                    "transcripts",
                    value=message.value,
                    key=message.key,
                    headers=[(SORT_HEADER, message.sort.encode())],
                )
                for message, _ in zip(self.messages, range(int(owed)), strict=False)
            ]
            owed -= int(owed)
            if sent:
                await asyncio.gather(*sent)
                self.written += len(sent)
            await asyncio.sleep(_TICK_S)


@dataclass(slots=True)
class Reader:
    """Reads all topics from the beginning, committed records only."""

    consumer: AIOKafkaConsumer
    partitions: list[TopicPartition]
    recount: Recount
    started: float
    """When the run started, in seconds since 1970, as the clock of the machine had it."""

    async def read_on(self) -> None:
        """Take in everything up to the ends that the partitions have now."""
        ends = await self.consumer.end_offsets(self.partitions)
        while True:
            behind = [tp for tp, end in ends.items() if await self.consumer.position(tp) < end]
            if not behind:
                return
            fetched = await self.consumer.getmany(*behind, timeout_ms=500, max_records=5_000)
            for tp, records in fetched.items():
                for r in records:
                    place = (tp.partition, r.offset)
                    at = r.timestamp / 1000 - self.started
                    self.recount.add(tp.topic, place, r.value or b"", dict(r.headers), at)


async def open_reader(bootstrap_servers: str, partitions: int, started: float) -> Reader:
    """Return a reader at the beginning of every topic, for a run that ``started`` then."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    every = [TopicPartition(topic, n) for topic in TOPICS for n in range(partitions)]
    consumer.assign(every)
    await consumer.seek_to_beginning(*every)
    return Reader(consumer, every, Recount(), started)


async def written(bootstrap_servers: str, topic: str, partitions: int) -> int:
    """Return how many records a topic holds, those of aborted transactions among them."""
    every = [TopicPartition(topic, n) for n in range(partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(every)
        await consumer.seek_to_beginning(*every)
        ends = await consumer.end_offsets(every)
        found = 0
        while behind := [tp for tp in every if await consumer.position(tp) < ends[tp]]:
            fetched = await consumer.getmany(*behind, timeout_ms=500, max_records=5_000)
            found += sum(map(len, fetched.values()))
        return found
    finally:
        await consumer.stop()


async def committed(
    bootstrap_servers: str, group: str, topic: str, partitions: Sequence[int]
) -> dict[int, int]:
    """Return a group's committed offsets; 0 where it has none."""
    every = [TopicPartition(topic, n) for n in partitions]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(every)
        return {tp.partition: await consumer.committed(tp) or 0 for tp in every}
    finally:
        await consumer.stop()
