"""The `positions` topic: how far each lane has come, written in the transaction of its answers.

Compacted, one record a transaction, in the partition that the key's hash says. It is the truth
about a lane's position: what the broker keeps as a group's committed offset it may forget, and says
so without an error. Each key is written by one transactional id only, so once that producer has
fenced the one before, the newest committed record of the key is exact.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from zlib import crc32

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient

from consumers.errors import Fatal, LaneLost
from consumers.kafka.decided import Sorter, Stored, batches, end_of, start_of
from consumers.records import Partition, Place
from schemas.codec import Undecodable, decode, encode, position_key
from schemas.position import Position

PARTITIONS: Final = 16
"""As many are used, whatever the topic has, so that a position is always where it was written."""
TOPIC_SETTINGS: Final[Mapping[str, str]] = {
    "cleanup.policy": "compact",
    # Small segments and an eager cleaner: what is read at an opening stays within a few megabytes.
    "segment.bytes": str(1024 * 1024),
    "min.cleanable.dirty.ratio": "0.1",
}
BY_HAND: Final = "by hand"
"""The note of a position that a person has set: answers beyond it are no contradiction."""
_WINDOW: Final = 1_000
"""Offsets before the end that are read first; a lane that was at work lately is among them."""


def log_of(key: bytes) -> int:
    """Return the partition that holds the records of a key, the same for ever."""
    return crc32(key) % PARTITIONS


def too_few(topic: str, count: int) -> str:
    """Return what to say of a topic of positions that was not made by us."""
    return (
        f"The topic {topic} has {count} partitions and needs {PARTITIONS}: delete it, then create "
        "it with `edgeroute topics create`."
    )


class Recorded(NamedTuple):
    """A position as it was recorded, and when, by the clock of whoever did."""

    place: Place
    at_ms: int


class Undecided(LaneLost):
    """A transaction that wrote a position has neither been committed nor aborted yet."""

    def __init__(self, log: TopicPartition, offset: int) -> None:
        super().__init__("a transaction of an earlier owner is not decided yet")
        self.log = log
        self.offset = offset


class PositionLog:
    """What the topic says, read up to its end whenever it is asked. Shared by a process's lanes."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._logs = [_Log(TopicPartition(topic, number)) for number in range(PARTITIONS)]

    async def last(
        self, client: AIOKafkaClient, group: str, of: Iterable[Partition]
    ) -> dict[Partition, Place]:
        """Return what `recorded` does, without the times."""
        found = await self.recorded(client, group, of)
        return {partition: recorded.place for partition, recorded in found.items()}

    async def recorded(
        self, client: AIOKafkaClient, group: str, of: Iterable[Partition]
    ) -> dict[Partition, Recorded]:
        """Return the newest committed position of each partition that has one.

        Ask through the client of the producer that writes them, once it has started and so fenced
        whoever wrote before. Raises `Undecided` where a transaction of them is still open.
        """
        await self._check(client)
        found: dict[Partition, Recorded] = {}
        for partition in of:
            key = position_key(group, *partition)
            record = await self._logs[log_of(key)].newest(client, key)
            if record is not None:
                found[partition] = Recorded(_place(record), record.timestamp_ms)
        return found

    async def _check(self, client: AIOKafkaClient) -> None:
        await client.add_topic(self._topic)
        count = len(client.cluster.partitions_for_topic(self._topic) or range(PARTITIONS))
        if count < PARTITIONS:
            raise Fatal(too_few(self._topic, count))

    async def knows_others(self, client: AIOKafkaClient, group: str, topic: str) -> bool:
        """Whether there is a position of any partition of this topic."""
        beginning = position_key(group, topic, 0).rpartition(b",")[0] + b","
        for log in self._logs:
            if any(key.startswith(beginning) for key in await log.keys(client)):
                return True
        return False


class _Log:
    """One partition of the topic, and how far it has been read."""

    def __init__(self, tp: TopicPartition) -> None:
        self._log = tp
        self._reading = asyncio.Lock()
        self._sorter = Sorter()
        self._newest: dict[bytes, Stored] = {}
        self._start, self._end = 0, 0

    async def newest(self, client: AIOKafkaClient, key: bytes) -> Stored | None:
        """Return the newest committed record of a key."""
        async with self._reading:
            await self._read_on(client)
            if key not in self._newest:
                await self._read_back(client)
            for record in (r for held in self._sorter.open.values() for r in held):
                if record.key == key:
                    raise Undecided(self._log, record.offset)
            return self._newest.get(key)

    async def keys(self, client: AIOKafkaClient) -> list[bytes]:
        """Return all keys that there are."""
        async with self._reading:
            await self._read_on(client)
            await self._read_back(client)
            return list(self._newest)

    async def _read_on(self, client: AIOKafkaClient) -> None:
        end = await end_of(client, self._log)
        if self._end == 0 or self._end > end:  # never read, or the topic was made anew
            self._forget(max(end - _WINDOW, 0))
            if self._start:
                self._forget(max(await start_of(client, self._log), self._start))
        await self._read(client, end)

    async def _read_back(self, client: AIOKafkaClient) -> None:
        """Read all there is, where a lane that is asked for stands before what was read."""
        if self._start == 0:
            return
        end = self._end
        self._forget(await start_of(client, self._log))
        await self._read(client, end)
        self._start = 0

    async def _read(self, client: AIOKafkaClient, end: int) -> None:
        async for batch in batches(client, self._log, self._end, end):
            for record in self._sorter.take(batch, self._start):
                if record.value is None:
                    self._newest.pop(record.key or b"", None)
                elif record.key is not None:
                    self._newest[record.key] = record
            self._end = batch.next_offset
        self._end = max(self._end, end)

    def _forget(self, start: int) -> None:
        self._sorter, self._newest = Sorter(), {}
        self._start = self._end = start


async def record_positions(
    producer: AIOKafkaProducer, topic: str, group: str, places: Mapping[Partition, Place]
) -> list["asyncio.Future[Any]"]:
    """Write positions within the open transaction; return what tells when each is stored."""
    sent: list[asyncio.Future[Any]] = []
    for partition, place in places.items():
        key = position_key(group, *partition)
        position = Position(
            group=group,
            topic=partition.topic,
            partition=partition.number,
            offset=place.offset,
            note=place.note,
        )
        sent.append(await producer.send(topic, encode(position), key, partition=log_of(key)))
    return sent


def _place(record: Stored) -> Place:
    try:
        found = decode(Position, record.value)
    except Undecodable as fault:
        raise Fatal(
            f"A record on the topic of positions cannot be read, since {fault}: a newer release "
            "wrote it. Use that release here too, or set the position anew with "
            "`edgeroute positions set`."
        ) from None
    return Place(found.offset, found.note)
